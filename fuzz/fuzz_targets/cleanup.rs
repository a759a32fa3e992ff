//! Cleanup files: whatever is in one, what was read is written and read again as the same.

#![no_main]

use std::path::PathBuf;

use libfuzzer_sys::fuzz_target;
use longshore_agent::install_plan::{CleanupEntry, Instruction, cleanup_text, parse_cleanup};

fuzz_target!(|data: &[u8]| {
    let (mut instructions, mut with_context): (Vec<Instruction>, Vec<PathBuf>) = (Vec::new(), Vec::new());
    let (mut paths, mut contexts) = (Vec::new(), Vec::new());
    for entry in parse_cleanup(data) {
        match &entry {
            CleanupEntry::Path(path) => {
                assert!(path.is_absolute());
                instructions.push(Instruction::MakeDirectory { directory: path.clone() });
                paths.push(entry);
            }
            CleanupEntry::Semanage(path) => {
                assert!(path.is_absolute());
                with_context.push(path.clone());
                contexts.push(entry);
            }
        }
    }
    let again = parse_cleanup(&cleanup_text(&instructions, &with_context));
    assert_eq!(again, [paths, contexts].concat());
});
