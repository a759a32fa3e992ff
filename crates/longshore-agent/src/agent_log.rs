//! The agent's own log: one file, lines as the original writes them. Source: agent.md §9.5.

use std::fmt;
use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use jiff::Zoned;
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::fmt::format::{DefaultFields, Writer};
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields, MakeWriter};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::SubscriberInitExt;

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

/// Opens the agent log and sends everything there from now on.
///
/// # Errors
/// [`OpenLogError`], before anything else of the agent has started.
pub fn open(log_dir: &Path, program_name: &str, is_verbose: bool) -> Result<(), OpenLogError> {
    let unwritable = |source| OpenLogError::Unwritable { directory: log_dir.to_owned(), source };
    std::fs::create_dir_all(log_dir).map_err(unwritable)?;
    let path = path(log_dir, program_name);
    let file = File::options().create(true).append(true).open(&path).map_err(unwritable)?;
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
    file: Mutex<File>,
}

impl<'a> MakeWriter<'a> for LogFile {
    type Writer = LineWriter<'a>;

    fn make_writer(&'a self) -> LineWriter<'a> {
        LineWriter { file: &self.file }
    }
}

/// Writes whole lines; a full disk must not stop the agent, so its errors end here.
#[derive(Debug)]
struct LineWriter<'a> {
    file: &'a Mutex<File>,
}

impl Write for LineWriter<'_> {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        if let Ok(mut file) = self.file.lock() {
            let _ = file.write_all(line);
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
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
}
