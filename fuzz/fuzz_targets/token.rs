//! Enrollment tokens: what was read is written and read again as the same, and no message tells the secret.

#![no_main]

use libfuzzer_sys::fuzz_target;
use longshore_wire::enrollment::TokenText;

fuzz_target!(|data: &[u8]| {
    let text = String::from_utf8_lossy(data);
    match text.parse::<TokenText>() {
        Err(error) => assert!(!error.to_string().is_empty()),
        Ok(token) => {
            assert_eq!(token.to_string().parse::<TokenText>().as_ref(), Ok(&token));
            assert_eq!(token.to_string(), text.trim());
            assert!(!format!("{token:?}").contains(&token.secret));
        }
    }
});
