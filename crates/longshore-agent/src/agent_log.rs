//! The agent's own log: one file a day, lines as the original writes them. Source: agent.md §9.5.

use std::fmt;
use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, Zoned};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::fmt::format::{DefaultFields, Writer};
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields, MakeWriter};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::SubscriberInitExt;

/// How many files of earlier days are kept.
const MAX_ASIDE: usize = 7;

/// Why there is no log.
#[derive(Debug, thiserror::Error)]
pub enum OpenLogError {
    /// The directory or the file cannot be made.
    #[error("Please make sure the path of the log directory exists and is writable: \"{}\"", directory.display())]
    Unwritable {
        /// The log directory.
        directory: PathBuf,
        /// What the system says.
        #[source]
        source: io::Error,
    },
    /// Logging was set up before.
    #[error("logging is already set up")]
    AlreadySetUp,
}

/// The path of the agent log.
pub fn path(log_dir: &Path, program_name: &str) -> PathBuf {
    log_dir.join(format!("{program_name}.log"))
}

/// The agent log as a file to write to, for what is said before logging is set up.
///
/// # Errors
/// [`OpenLogError`]
pub fn file(log_dir: &Path, program_name: &str) -> Result<File, OpenLogError> {
    let opened = std::fs::create_dir_all(log_dir)
        .and_then(|()| File::options().create(true).append(true).open(path(log_dir, program_name)));
    opened.map_err(|source| OpenLogError::Unwritable { directory: log_dir.to_owned(), source })
}

/// Opens the agent log and sends everything there from now on.
///
/// # Errors
/// [`OpenLogError`], before anything else of the agent has started.
pub fn open(log_dir: &Path, program_name: &str, is_verbose: bool) -> Result<(), OpenLogError> {
    let unwritable = |source| OpenLogError::Unwritable { directory: log_dir.to_owned(), source };
    let file = DailyFile::open(log_dir, program_name, Zoned::now().date()).map_err(unwritable)?;
    let level = if is_verbose { Level::DEBUG } else { Level::INFO };
    let layer = tracing_subscriber::fmt::layer()
        .event_format(LineFormat { program_name: program_name.to_owned(), pid: std::process::id() })
        .fmt_fields(DefaultFields::new())
        .with_ansi(false)
        .with_writer(LogFile { file: Mutex::new(file) });
    // Libraries speak up only when something is wrong; their debug output is not for operators.
    let targets = tracing_subscriber::filter::Targets::new()
        .with_default(Level::WARN)
        .with_target("longshore", level)
        .with_target("longshore_agent", level)
        .with_target("longshore_wire", level)
        .with_target("longshore_model", level);
    tracing_subscriber::registry()
        .with(layer)
        .with(targets)
        .try_init()
        .map_err(|_| OpenLogError::AlreadySetUp)
}

struct LogFile {
    file: Mutex<DailyFile>,
}

impl<'a> MakeWriter<'a> for LogFile {
    type Writer = LineWriter<'a>;

    fn make_writer(&'a self) -> LineWriter<'a> {
        LineWriter { file: &self.file }
    }
}

/// Writes whole lines; a full disk must not stop the agent, so its errors end here.
struct LineWriter<'a> {
    file: &'a Mutex<DailyFile>,
}

impl Write for LineWriter<'_> {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        if let Ok(mut file) = self.file.lock() {
            let _ = file.append(line, Zoned::now().date());
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A log file that is put aside at midnight.
struct DailyFile {
    log_dir: PathBuf,
    program_name: String,
    file: File,
    day: Date,
}

impl DailyFile {
    fn open(log_dir: &Path, program_name: &str, today: Date) -> io::Result<DailyFile> {
        std::fs::create_dir_all(log_dir)?;
        let path = path(log_dir, program_name);
        let day = last_written_on(&path).unwrap_or(today);
        let file = File::options().create(true).append(true).open(&path)?;
        Ok(DailyFile { log_dir: log_dir.to_owned(), program_name: program_name.to_owned(), file, day })
    }

    fn append(&mut self, line: &[u8], today: Date) -> io::Result<()> {
        if self.day != today {
            self.put_aside(today)?;
        }
        self.file.write_all(line)
    }

    fn put_aside(&mut self, today: Date) -> io::Result<()> {
        let path = path(&self.log_dir, &self.program_name);
        let aside = format!("{}.{}.log", self.program_name, self.day.strftime("%Y%m%d"));
        // The day moves on whatever happens, or each line would try again.
        self.day = today;
        let aside = self.log_dir.join(aside);
        // Master and worker write the same file: whoever is second at midnight finds it done.
        if !aside.exists() {
            std::fs::rename(&path, aside)?;
        }
        self.file = File::options().create(true).append(true).open(&path)?;
        self.remove_old()
    }

    fn remove_old(&self) -> io::Result<()> {
        let mut old = Vec::new();
        for entry in std::fs::read_dir(&self.log_dir)? {
            let name = entry?.file_name();
            if name.to_str().is_some_and(|name| is_aside(name, &self.program_name)) {
                old.push(name);
            }
        }
        old.sort();
        let n_surplus = old.len().saturating_sub(MAX_ASIDE);
        old.iter().take(n_surplus).try_for_each(|name| std::fs::remove_file(self.log_dir.join(name)))
    }
}

/// Whether `name` is `<program_name>.<YYYYMMDD>.log`.
fn is_aside(name: &str, program_name: &str) -> bool {
    let date = name.strip_prefix(program_name).and_then(|rest| rest.strip_prefix('.')?.strip_suffix(".log"));
    date.is_some_and(|date| date.len() == 8 && date.bytes().all(|byte| byte.is_ascii_digit()))
}

fn last_written_on(path: &Path) -> Option<Date> {
    let modified = std::fs::metadata(path).ok()?.modified().ok()?;
    Some(Timestamp::try_from(modified).ok()?.to_zoned(TimeZone::system()).date())
}

struct LineFormat {
    program_name: String,
    pid: u32,
}

impl<S, N> FormatEvent<S, N> for LineFormat
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(
        &self,
        ctx: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let level = match *event.metadata().level() {
            Level::ERROR => "ERROR",
            Level::WARN => "WARN",
            Level::INFO => "INFO",
            Level::DEBUG | Level::TRACE => "DEBUG",
        };
        write!(writer, "{}", line_head(&Zoned::now(), level, &self.program_name, self.pid))?;
        ctx.field_format().format_fields(writer.by_ref(), event)?;
        writeln!(writer)
    }
}

fn line_head(now: &Zoned, level: &str, program_name: &str, pid: u32) -> String {
    format!("{} {level:<5} [{program_name}({pid})]: ", now.strftime("%Y-%m-%dT%H:%M:%S"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_begins_as_the_original_writes_it() {
        let now = "2026-01-31T09:15:02+00:00[UTC]".parse().expect("time");
        let head = line_head(&now, "INFO", "codedeploy-agent", 4711);
        assert_eq!(head, "2026-01-31T09:15:02 INFO  [codedeploy-agent(4711)]: ");
    }

    #[test]
    fn two_processes_put_one_log_aside_once() {
        let dir = tempfile::tempdir().expect("dir");
        let day: Date = "2026-01-25".parse().expect("date");
        let next = day.tomorrow().expect("date");
        let mut master = DailyFile::open(dir.path(), "codedeploy-agent", day).expect("open");
        let mut worker = DailyFile::open(dir.path(), "codedeploy-agent", day).expect("open");
        // As it would be on that day, when the file was last written on it.
        worker.day = day;
        master.append(b"master, day 1\n", day).expect("append");
        worker.append(b"worker, day 2\n", next).expect("append");
        master.append(b"master, day 2\n", next).expect("append");
        let today = std::fs::read_to_string(path(dir.path(), "codedeploy-agent")).expect("read");
        assert_eq!(today, "worker, day 2\nmaster, day 2\n");
        let aside = std::fs::read_to_string(dir.path().join("codedeploy-agent.20260125.log")).expect("read");
        assert_eq!(aside, "master, day 1\n");
    }

    #[test]
    fn the_log_is_put_aside_at_midnight_and_a_week_is_kept() {
        let dir = tempfile::tempdir().expect("dir");
        let mut day: Date = "2026-01-25".parse().expect("date");
        let mut file = DailyFile::open(dir.path(), "codedeploy-agent", day).expect("open");
        std::fs::write(dir.path().join("codedeploy-local.log"), "other").expect("write");
        for _ in 0..10 {
            file.append(format!("{day}\n").as_bytes(), day).expect("append");
            day = day.tomorrow().expect("date");
        }
        let mut names: Vec<String> = std::fs::read_dir(dir.path())
            .expect("list")
            .map(|entry| entry.expect("entry").file_name().into_string().expect("text"))
            .collect();
        names.sort();
        assert_eq!(names.len(), MAX_ASIDE + 2);
        assert_eq!(names[0], "codedeploy-agent.20260127.log");
        let today = std::fs::read_to_string(path(dir.path(), "codedeploy-agent")).expect("read");
        assert_eq!(today, "2026-02-03\n");
        let aside = std::fs::read_to_string(dir.path().join("codedeploy-agent.20260202.log")).expect("read");
        assert_eq!(aside, "2026-02-02\n");
    }
}
