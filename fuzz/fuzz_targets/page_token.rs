//! Pagination tokens: nobody makes one without the key, and what was sealed is opened as the same, but not
//! when it was changed.

#![no_main]

use libfuzzer_sys::fuzz_target;
use longshore_model::time::Timestamp;
use longshore_wire::page_token::{List, PageTokens};

const LIST: List<'_> = List { operation: "ListApplications", filters: "{}" };
const NOW: Timestamp = Timestamp::from_millis(1_700_000_000_000);

fuzz_target!(|data: &[u8]| {
    let text = String::from_utf8_lossy(data);
    // No token of the corpus was sealed with this key.
    let tokens = PageTokens::new([1; 32]);
    assert!(tokens.open(LIST, &text, NOW).is_err());
    let sealed = tokens.seal(LIST, &text, NOW);
    assert_eq!(tokens.open(LIST, &sealed, NOW).as_deref(), Ok(&*text));
    let at = data.first().map_or(0, |byte| usize::from(*byte) % sealed.len());
    let mut changed = sealed.into_bytes();
    changed[at] = if changed[at] == b'A' { b'B' } else { b'A' };
    let changed = String::from_utf8(changed).expect("one letter for another");
    // The last letter's unused bits are not in the bytes that it stands for.
    if let Ok(opened) = tokens.open(LIST, &changed, NOW) {
        assert_eq!(opened, text);
    }
});
