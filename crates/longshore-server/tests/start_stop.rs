//! Starting and stopping the program: the contract that other programs rely on (design.md §3).

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

/// A server process; killed if a test fails before it ends.
struct Program {
    child: Child,
    url: String,
    stdout: BufReader<std::process::ChildStdout>,
}

impl Program {
    fn start(data_dir: &Path, more: &[&str]) -> Program {
        let mut child = command(data_dir, more).spawn().expect("the program starts");
        let mut stdout = BufReader::new(child.stdout.take().expect("stdout is piped"));
        let mut line = String::new();
        stdout.read_line(&mut line).expect("a line");
        let url = line.strip_prefix("listening on ").expect("the line's form").trim_end().to_owned();
        Program { child, url, stdout }
    }

    fn terminate(&mut self) -> (ExitStatus, Duration) {
        let started = Instant::now();
        let id = i32::try_from(self.child.id()).ok().and_then(rustix::process::Pid::from_raw).expect("a pid");
        rustix::process::kill_process(id, rustix::process::Signal::TERM).expect("the signal is sent");
        (self.child.wait().expect("the program ends"), started.elapsed())
    }

    fn get(&self, path: &str) -> String {
        let mut stream = TcpStream::connect(self.url.trim_start_matches("http://")).expect("connected");
        write!(stream, "GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").expect("sent");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("answered");
        answer
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // It may have ended already.
        if self.child.kill().is_ok() {
            let _ = self.child.wait();
        }
    }
}

fn command(data_dir: &Path, more: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_longshore-server"));
    command.env_clear();
    command.arg("--data-dir").arg(data_dir).args(more);
    if !more.contains(&"--listen") {
        command.args(["--listen", "127.0.0.1:0"]);
    }
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// Starts a server that must refuse to, and answers what it says on stderr.
fn refused(data_dir: &Path, more: &[&str]) -> String {
    let output = command(data_dir, more).output().expect("the program ends");
    assert!(!output.status.success());
    assert_eq!(String::from_utf8_lossy(&output.stdout), "");
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn it_says_where_it_is_and_leaves_in_order() {
    let folder = tempfile::tempdir().expect("a folder");
    let data_dir = folder.path().join("data");
    let mut program = Program::start(&data_dir, &[]);
    assert!(program.url.starts_with("http://127.0.0.1:"), "{}", program.url);
    let endpoint = std::fs::read_to_string(data_dir.join("endpoint")).expect("the endpoint file");
    assert_eq!(endpoint, format!("{}\n", program.url));
    let credentials = std::fs::read_to_string(data_dir.join("credentials")).expect("the credentials");
    assert!(credentials.starts_with("[longshore]\naws_access_key_id = "), "the profile");
    let signer = std::fs::read_to_string(data_dir.join("signer.pem")).expect("the signer's certificate");
    assert!(signer.starts_with("-----BEGIN CERTIFICATE-----") && !signer.contains("PRIVATE"));
    assert!(program.get("/readyz").starts_with("HTTP/1.1 200 OK"));
    let (status, elapsed) = program.terminate();
    assert!(status.success() && elapsed < Duration::from_secs(10), "{status} after {elapsed:?}");
    assert!(!data_dir.join("endpoint").exists());
    let mut rest = String::new();
    program.stdout.read_to_string(&mut rest).expect("stdout");
    assert_eq!(rest, "", "one line on stdout and no more");
}

#[test]
fn everything_in_the_data_folder_is_private() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().expect("a folder");
    let data_dir = folder.path().join("data");
    let _program = Program::start(&data_dir, &[]);
    let mode = |path: &Path| std::fs::metadata(path).expect("metadata").permissions().mode() & 0o077;
    assert_eq!(mode(&data_dir), 0);
    for entry in std::fs::read_dir(&data_dir).expect("the folder") {
        let path = entry.expect("an entry").path();
        assert_eq!(mode(&path), 0, "{}", path.display());
    }
}

#[test]
fn a_folder_has_one_server_at_a_time() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut first = Program::start(folder.path(), &[]);
    assert!(refused(folder.path(), &[]).contains("another longshore-server uses the data folder"));
    let (status, _) = first.terminate();
    assert!(status.success());
    let _second = Program::start(folder.path(), &[]);
}

#[test]
fn it_comes_back_on_its_port_after_a_kill() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut first = Program::start(folder.path(), &[]);
    let address = first.url.trim_start_matches("http://").to_owned();
    first.child.kill().expect("killed");
    first.child.wait().expect("ended");
    let again = Program::start(folder.path(), &["--listen", &address]);
    assert_eq!(again.url, first.url);
}

#[test]
fn the_root_key_can_be_given() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut command = command(folder.path(), &[]);
    command.env("LONGSHORE_ROOT_ACCESS_KEY_ID", "AKIAGIVEN");
    let output = command.output().expect("the program ends");
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(stderr.contains("LONGSHORE_ROOT_SECRET_ACCESS_KEY"), "{stderr}");
    command.env("LONGSHORE_ROOT_SECRET_ACCESS_KEY", "secret");
    let mut child = command.spawn().expect("started");
    let mut line = String::new();
    BufReader::new(child.stdout.take().expect("stdout")).read_line(&mut line).expect("a line");
    let credentials = std::fs::read_to_string(folder.path().join("credentials")).expect("the credentials");
    child.kill().expect("killed");
    child.wait().expect("ended");
    assert_eq!(credentials, "[longshore]\naws_access_key_id = AKIAGIVEN\naws_secret_access_key = secret\n");
}

#[test]
fn a_bad_configuration_is_refused_by_name() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("server.toml");
    let path = file.to_str().expect("UTF-8");
    let data_dir = folder.path().join("data");
    std::fs::write(&file, "[timeouts]\npickup = -1\n").expect("written");
    assert!(refused(&data_dir, &["--config", path]).contains("`timeouts.pickup` is -1"));
    std::fs::write(&file, "[timeouts]\npikcup = 1\n").expect("written");
    assert!(refused(&data_dir, &["--config", path]).contains("unknown field `pikcup`"));
    assert!(refused(&data_dir, &["--config", "/nowhere.toml"]).contains("/nowhere.toml"));
    assert!(!data_dir.exists(), "nothing is made by a server that does not start");
    assert!(refused(&data_dir, &["--account-id", "12"]).contains("12 digits"));
    assert!(refused(&data_dir, &["--region", "Eu West"]).contains("LONGSHORE_REGION"));
}

#[test]
fn a_taken_port_is_an_error() {
    let folder = tempfile::tempdir().expect("a folder");
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = taken.local_addr().expect("an address").to_string();
    assert!(refused(folder.path(), &["--listen", &address]).contains(&format!("cannot listen on {address}")));
}
