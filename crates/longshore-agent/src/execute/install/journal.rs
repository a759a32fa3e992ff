//! What an Install is about to switch, on disk before anything is switched.
//!
//! Texts that end in NUL: a version, nonce, group, deployment, then one per operation (`p` places, `r`
//! removes, `b` both; then the path), `end`, and after that the phases as they are reached, and a JSON
//! object for each change that is not a switch, before it is made. The file is renamed into place whole; a
//! phase that was cut off was not reached.

use std::ffi::OsStr;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use super::InstallError;
use super::operation::{Names, Operation};
use super::record::Record;

const SUFFIX: &str = "-install.journal";
const VERSION: &[u8] = b"longshore install journal 1";

/// How much of another version's name is shown.
const MAX_VERSION_CHARS: usize = 64;
const END: &[u8] = b"end";

/// How far an Install has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    /// Only staged files exist besides what was there.
    Staging,
    /// Some paths may be switched.
    Switching,
    /// All are; what is left is tidying up.
    Committed,
}

/// The journal of one Install.
#[derive(Debug)]
pub(super) struct Journal {
    path: PathBuf,
    file: File,
    nonce: String,
    deployment_group_id: String,
    deployment_id: String,
    operations: Vec<Operation>,
    records: Vec<Record>,
    phase: Phase,
}

/// The journal's path of a deployment group.
pub(super) fn path(instructions_dir: &Path, deployment_group_id: &str) -> PathBuf {
    instructions_dir.join(format!("{deployment_group_id}{SUFFIX}"))
}

/// Whether a file in the instructions' directory is a journal that was not even renamed into place.
pub(super) fn is_unfinished(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    name.starts_with('.') && name.contains(&format!("{SUFFIX}.")) && name.ends_with(".tmp")
}

/// The deployment group of a journal, finished or not.
pub(super) fn group_of(path: &Path) -> Option<String> {
    let name = path.file_name()?.to_str()?;
    let (group, _) = name.trim_start_matches('.').rsplit_once(SUFFIX)?;
    Some(group.to_owned())
}

/// Whether a file in the instructions' directory is a journal.
pub(super) fn is_journal(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().as_bytes();
    name.ends_with(SUFFIX.as_bytes()) && !name.starts_with(b".")
}

impl Journal {
    /// Writes a new journal in phase [`Phase::Staging`].
    pub(super) fn create(
        path: &Path,
        deployment_group_id: &str,
        deployment_id: &str,
        operations: Vec<Operation>,
    ) -> Result<Journal, InstallError> {
        // Tells the names of this Install from those of one whose journal was lost.
        let nanos = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |age| age.as_nanos());
        let nonce = format!("{nanos:x}");
        let mut content = Vec::new();
        for part in [VERSION, nonce.as_bytes(), deployment_group_id.as_bytes(), deployment_id.as_bytes()] {
            push(&mut content, part);
        }
        for operation in &operations {
            content.push(kind_byte(operation));
            push(&mut content, operation.path.as_os_str().as_bytes());
        }
        push(&mut content, END);
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let temporary = path.with_file_name(format!(".{name}.{nonce}.tmp"));
        let file = write_and_rename(&temporary, path, &content).map_err(InstallError::at(path))?;
        Ok(Journal {
            path: path.to_owned(),
            file,
            nonce,
            deployment_group_id: deployment_group_id.to_owned(),
            deployment_id: deployment_id.to_owned(),
            operations,
            records: Vec::new(),
            phase: Phase::Staging,
        })
    }

    /// Reads the journal that an Install left; `None` when there is none.
    ///
    /// One that was not written whole is dropped: a power cut lost it, so nothing was switched yet,
    /// because before the first switch the journal is synced.
    ///
    /// One of another version is kept: what it has switched, only that version can undo or finish.
    pub(super) fn open(path: &Path) -> Result<Option<Journal>, InstallError> {
        let bytes = match fs::read(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            bytes => bytes.map_err(InstallError::at(path))?,
        };
        if let Some(version) = other_version(&bytes) {
            return Err(InstallError::JournalVersion { path: path.to_owned(), version });
        }
        let Some(parsed) = Parsed::read(&bytes) else {
            tracing::warn!(path = %path.display(), "dropping the unfinished journal of an Install that changed nothing");
            fs::remove_file(path).map_err(InstallError::at(path))?;
            return Ok(None);
        };
        let file = OpenOptions::new().append(true).open(path).map_err(InstallError::at(path))?;
        // A record that was cut off would spoil the next one.
        file.set_len(whole_records(&bytes).len() as u64).map_err(InstallError::at(path))?;
        Ok(Some(Journal {
            path: path.to_owned(),
            file,
            nonce: parsed.nonce,
            deployment_group_id: parsed.deployment_group_id,
            deployment_id: parsed.deployment_id,
            operations: parsed.operations,
            records: parsed.records,
            phase: parsed.phase,
        }))
    }

    /// Records a phase, durably.
    pub(super) fn enter(&mut self, phase: Phase) -> Result<(), InstallError> {
        let mut content = Vec::new();
        push(&mut content, phase_name(phase));
        self.append(&content).map_err(InstallError::at(&self.path))?;
        self.phase = phase;
        Ok(())
    }

    /// Records changes that are about to be made, durably.
    pub(super) fn record(&mut self, records: Vec<Record>) -> Result<(), InstallError> {
        if records.is_empty() {
            return Ok(());
        }
        let mut content = Vec::new();
        for record in &records {
            let text = serde_json::to_vec(record).map_err(io::Error::other);
            push(&mut content, &text.map_err(InstallError::at(&self.path))?);
        }
        self.append(&content).map_err(InstallError::at(&self.path))?;
        self.records.extend(records);
        Ok(())
    }

    /// Appends records; when this fails, none of them.
    fn append(&mut self, content: &[u8]) -> io::Result<()> {
        let n_bytes = self.file.metadata()?.len();
        let appended = self.file.write_all(content).and_then(|()| self.file.sync_data());
        appended.inspect_err(|_| {
            if let Err(error) = self.file.set_len(n_bytes) {
                tracing::error!("cannot shorten the journal {}: {error}", self.path.display());
            }
        })
    }

    /// The changes that were about to be made and were not refused, in their order.
    pub(super) fn changes(&self) -> Vec<&Record> {
        let mut changes = Vec::new();
        for record in &self.records {
            match record {
                Record::Attributes(_) | Record::Rule { .. } => changes.push(record),
                Record::RuleRefused => {
                    changes.pop();
                }
            }
        }
        changes
    }

    /// Removes the file: the Install is over.
    pub(super) fn close(self) -> Result<(), InstallError> {
        fs::remove_file(&self.path).map_err(InstallError::at(&self.path))
    }

    pub(super) fn phase(&self) -> Phase {
        self.phase
    }

    pub(super) fn deployment_group_id(&self) -> &str {
        &self.deployment_group_id
    }

    pub(super) fn deployment_id(&self) -> &str {
        &self.deployment_id
    }

    /// The directory of the journal and of the state files.
    pub(super) fn instructions_dir(&self) -> &Path {
        self.path.parent().unwrap_or(Path::new("."))
    }

    /// The operations with their names.
    pub(super) fn operations(&self) -> impl Iterator<Item = (&Operation, Names)> {
        self.operations
            .iter()
            .enumerate()
            .map(|(idx, operation)| (operation, operation.names(&self.nonce, idx)))
    }
}

struct Parsed {
    nonce: String,
    deployment_group_id: String,
    deployment_id: String,
    operations: Vec<Operation>,
    records: Vec<Record>,
    phase: Phase,
}

impl Parsed {
    fn read(bytes: &[u8]) -> Option<Parsed> {
        let mut parts =
            whole_records(bytes).split_inclusive(|byte| *byte == 0).map(|part| &part[..part.len() - 1]);
        if parts.next()? != VERSION {
            return None;
        }
        let mut text = || Some(String::from_utf8_lossy(parts.next()?).into_owned());
        let (nonce, deployment_group_id, deployment_id) = (text()?, text()?, text()?);
        let mut operations = Vec::new();
        loop {
            let part = parts.next()?;
            if part == END {
                break;
            }
            operations.push(operation(part)?);
        }
        let (mut phase, mut records) = (Phase::Staging, Vec::new());
        for part in parts {
            match phase_of(part) {
                Some(reached) => phase = reached,
                // What a power cut garbled was not synced, so nothing was done that relied on it.
                None => records.extend(serde_json::from_slice::<Record>(part)),
            }
        }
        Some(Parsed { nonce, deployment_group_id, deployment_id, operations, records, phase })
    }
}

/// What follows the last NUL was not written whole.
fn whole_records(bytes: &[u8]) -> &[u8] {
    let n_whole = bytes.iter().rposition(|byte| *byte == 0).map_or(0, |last| last + 1);
    &bytes[..n_whole]
}

/// What a journal begins with that this version has not written, not even in part; what a power cut left
/// unwritten is empty or begins with NUL.
fn other_version(bytes: &[u8]) -> Option<String> {
    let first = bytes.split(|byte| *byte == 0).next().unwrap_or_default();
    let is_ours = if first.len() == bytes.len() { VERSION.starts_with(first) } else { VERSION == first };
    let shown = || String::from_utf8_lossy(first).chars().take(MAX_VERSION_CHARS).collect();
    (!is_ours && !first.is_empty()).then(shown)
}

fn operation(part: &[u8]) -> Option<Operation> {
    let (kind, path) = part.split_first()?;
    let (removes, places) = match kind {
        b'p' => (false, true),
        b'r' => (true, false),
        b'b' => (true, true),
        _ => return None,
    };
    Some(Operation { path: PathBuf::from(OsStr::from_bytes(path)), removes, places })
}

fn kind_byte(operation: &Operation) -> u8 {
    match (operation.removes, operation.places) {
        (false, _) => b'p',
        (true, false) => b'r',
        (true, true) => b'b',
    }
}

fn phase_name(phase: Phase) -> &'static [u8] {
    match phase {
        Phase::Staging => b"staging",
        Phase::Switching => b"switching",
        Phase::Committed => b"committed",
    }
}

fn phase_of(name: &[u8]) -> Option<Phase> {
    [Phase::Staging, Phase::Switching, Phase::Committed].into_iter().find(|phase| phase_name(*phase) == name)
}

fn push(content: &mut Vec<u8>, part: &[u8]) {
    content.extend_from_slice(part);
    content.push(0);
}

fn write_and_rename(temporary: &Path, path: &Path, content: &[u8]) -> io::Result<File> {
    let mut file = OpenOptions::new().append(true).create_new(true).open(temporary)?;
    let written = file.write_all(content).and_then(|()| fs::rename(temporary, path));
    if let Err(error) = written {
        // The first error is the one worth reporting.
        let _ = fs::remove_file(temporary);
        return Err(error);
    }
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::super::record::Rule;
    use super::*;

    fn operations() -> Vec<Operation> {
        let path = |bytes: &[u8]| PathBuf::from(OsStr::from_bytes(bytes));
        vec![
            Operation { path: path(b"/a\nb"), removes: true, places: true },
            Operation { path: path(b"/\xff"), removes: false, places: true },
            Operation { path: path(b"/end"), removes: true, places: false },
        ]
    }

    #[test]
    fn a_journal_is_read_as_it_was_written() {
        let folder = tempfile::tempdir().expect("folder");
        let path = path(folder.path(), "group");
        let mut written = Journal::create(&path, "group", "d-1", operations()).expect("create");
        for phase in [Phase::Staging, Phase::Switching, Phase::Committed] {
            let read = Journal::open(&path).expect("open").expect("there");
            assert_eq!((read.phase, &read.operations), (written.phase, &operations()));
            written.enter(phase).expect("enter");
        }
        assert!(is_journal(&path));
        written.close().expect("close");
        assert!(Journal::open(&path).expect("open").is_none());
        assert_eq!(fs::read_dir(folder.path()).expect("list").count(), 0);
    }

    #[test]
    fn changes_are_read_as_they_were_written_without_the_refused() {
        let folder = tempfile::tempdir().expect("folder");
        let path = path(folder.path(), "group");
        let mut journal = Journal::create(&path, "group", "d-1", operations()).expect("create");
        let rule = |path: &[u8]| {
            let kind = "t".to_owned();
            Record::Rule { path: path.into(), previous: Some(Rule { user: None, kind, range: None }) }
        };
        let file = folder.path().join("f");
        fs::write(&file, "").expect("write");
        let change = [super::super::in_place::tests::instruction(&file)];
        let before = super::super::in_place::befores(change.iter()).expect("before").remove(0);
        journal.enter(Phase::Switching).expect("enter");
        journal.record(vec![Record::Attributes(before.clone()), rule(b"/a\n\xff")]).expect("record");
        journal.record(vec![rule(b"/b")]).expect("record");
        journal.record(vec![Record::RuleRefused]).expect("record");
        let read = Journal::open(&path).expect("open").expect("there");
        assert_eq!(read.phase, Phase::Switching);
        assert_eq!(read.changes(), [&Record::Attributes(before), &rule(b"/a\n\xff")]);
    }

    #[test]
    fn a_phase_that_was_cut_off_was_not_reached() {
        let folder = tempfile::tempdir().expect("folder");
        let path = path(folder.path(), "group");
        let mut journal = Journal::create(&path, "group", "d-1", operations()).expect("create");
        journal.enter(Phase::Switching).expect("enter");
        journal.file.write_all(b"commit").expect("write");
        let mut journal = Journal::open(&path).expect("open").expect("there");
        assert_eq!(journal.phase, Phase::Switching);
        journal.enter(Phase::Staging).expect("enter");
        assert_eq!(Journal::open(&path).expect("open").expect("there").phase, Phase::Staging);
    }

    #[test]
    fn a_record_that_a_power_cut_garbled_counts_for_nothing() {
        let folder = tempfile::tempdir().expect("folder");
        let path = path(folder.path(), "group");
        let mut journal = Journal::create(&path, "group", "d-1", operations()).expect("create");
        journal.enter(Phase::Switching).expect("enter");
        journal.file.write_all(b"\0\0{\"rule\"\0").expect("write");
        let mut journal = Journal::open(&path).expect("open").expect("there");
        assert_eq!((journal.phase, journal.changes().len()), (Phase::Switching, 0));
        journal.enter(Phase::Committed).expect("enter");
        assert_eq!(Journal::open(&path).expect("open").expect("there").phase, Phase::Committed);
    }

    #[test]
    fn a_journal_that_was_not_written_whole_is_dropped() {
        let folder = tempfile::tempdir().expect("folder");
        let path = path(folder.path(), "group");
        for content in ["", "longshore install journal 1\0x\0", "longshore install journal 1\0a\0b\0c\0p/x\0"]
        {
            fs::write(&path, content).expect("write");
            assert!(Journal::open(&path).expect("open").is_none());
            assert!(!path.exists());
        }
    }

    #[test]
    fn a_journal_of_another_version_is_refused_and_kept() {
        let folder = tempfile::tempdir().expect("folder");
        let path = path(folder.path(), "group");
        let whole = "longshore install journal 2\0a\0b\0c\0end\0switching\0";
        for content in [whole, "longshore install journal 2", "longshore install journal 1.1\0a\0", "x"] {
            fs::write(&path, content).expect("write");
            let refused = Journal::open(&path).expect_err("not ours").to_string();
            let version = content.split('\0').next().unwrap_or_default();
            assert!(refused.contains(&format!("\"{version}\"")) && refused.contains("group-install.journal"));
            assert_eq!(fs::read_to_string(&path).expect("kept"), content);
        }
    }

    #[test]
    fn a_journal_whose_version_a_power_cut_lost_is_dropped() {
        let folder = tempfile::tempdir().expect("folder");
        let path = path(folder.path(), "group");
        for content in ["\0\0\0\0", "\0\0nal 1\0a\0b\0", "longshore inst", "longshore install journal 1"] {
            fs::write(&path, content).expect("write");
            assert!(Journal::open(&path).expect("open").is_none());
            assert!(!path.exists());
        }
    }
}
