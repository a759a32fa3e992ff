//! Cleanup files: whatever is in one, what was read is written and read again as the same.

#![no_main]

use libfuzzer_sys::fuzz_target;
use longshore_agent::install_plan::{CleanupEntry, Instruction, cleanup_text, parse_cleanup};

fuzz_target!(|data: &[u8]| {
    let is_path = |entry: &CleanupEntry| matches!(entry, CleanupEntry::Path(_));
    let paths: Vec<CleanupEntry> = parse_cleanup(data).into_iter().filter(is_path).collect();
    let instructions: Vec<Instruction> = paths.iter().filter_map(instruction).collect();
    assert_eq!(parse_cleanup(&cleanup_text(&instructions)), paths);
});

fn instruction(entry: &CleanupEntry) -> Option<Instruction> {
    match entry {
        CleanupEntry::Path(path) => {
            assert!(path.is_absolute());
            Some(Instruction::MakeDirectory { directory: path.clone() })
        }
        CleanupEntry::Semanage(_) => None,
    }
}
