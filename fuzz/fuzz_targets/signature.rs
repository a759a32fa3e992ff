//! Signature Version 4: whatever a request claims, never a panic, and no claim holds without the secret.

#![no_main]

use http::{HeaderMap, HeaderName, HeaderValue, Method, Uri};
use libfuzzer_sys::fuzz_target;
use longshore_wire::sigv4::Claim;

/// Nothing in the corpus is signed with it.
const SECRET: &str = "of-nobody";

fuzz_target!(|data: &[u8]| {
    let Some((uri, headers)) = request(data) else { return };
    match Claim::from_request(&uri, &headers) {
        Err(error) => assert!(!error.to_string().is_empty()),
        Ok(claim) => {
            let _ = claim.check_scope(&["us-east-1"], "codedeploy");
            let now = claim.request_time;
            let verified = claim.verify(SECRET, &Method::POST, &uri, &headers, "UNSIGNED-PAYLOAD", now);
            let error = verified.expect_err("a claim without the secret holds");
            assert!(!error.to_string().is_empty());
        }
    }
});

/// A target and headers, one a line.
fn request(data: &[u8]) -> Option<(Uri, HeaderMap)> {
    let mut lines = data.split(|byte| *byte == b'\n');
    let uri = Uri::try_from(lines.next()?).ok()?;
    let mut headers = HeaderMap::new();
    for line in lines.take(64) {
        let colon = line.iter().position(|byte| *byte == b':')?;
        let (name, value) = line.split_at(colon);
        let value = value[1..].trim_ascii();
        headers.append(HeaderName::from_bytes(name).ok()?, HeaderValue::from_bytes(value).ok()?);
    }
    Some((uri, headers))
}
