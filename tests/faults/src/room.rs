//! Where a host lives: beside the others, behind a network of its own, or on a disk of its own.
//!
//! Such rooms are Linux namespaces without a name. The kernel removes them, with their file system, when
//! the last process in them has ended, however that comes.

use std::io::{BufRead, BufReader, ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use longshore_journey::{Running, guard};

/// Enough for an agent's revisions, and soon full.
const DISK_SIZE: &str = "size=8m";

/// Shows that the room is ready, then keeps it.
const KEEP: &str = "echo ready && exec sleep infinity";

/// Where a host lives.
#[derive(Debug)]
pub(crate) enum Room {
    Open,
    Network(Network),
    Disk(Disk),
}

/// A network namespace with one cable to ours.
#[derive(Debug)]
pub(crate) struct Network {
    keeper: Running,
    /// Our end of the cable.
    interface: String,
    /// Our end's address.
    pub(crate) address: String,
}

/// A mount namespace with a small file system in it.
#[derive(Debug)]
pub(crate) struct Disk {
    keeper: Running,
    /// Where it is mounted, in that namespace.
    folder: PathBuf,
}

impl Network {
    /// Lays the `idx`th cable of this process.
    ///
    /// # Errors
    /// What this machine does not permit.
    pub(crate) fn make(idx: u32) -> Result<Network, String> {
        let keeper = keep(&["--net"], "ip link set lo up", &[])?;
        let (own, pid) = (std::process::id(), keeper.pid());
        // Addresses that are kept for tests of networks, a block of four for each cable: RFC 2544.
        // Which ones follows from our process id, as several such tests may run on one machine.
        let net = format!("198.{}.{}", 18 + own % 2, own / 2 % 256);
        let (ours, theirs) = (format!("{net}.{}", 4 * idx + 1), format!("{net}.{}", 4 * idx + 2));
        // Names of interfaces have at most 15 characters.
        let interface = format!("lf{own}-{idx}");
        guard::remove_link_at_the_end(&interface);
        ip(&["link", "add", &interface, "type", "veth", "peer", "name", "eth0", "netns", &pid.to_string()])?;
        ip(&["addr", "add", &format!("{ours}/30"), "dev", &interface])?;
        ip(&["link", "set", &interface, "up"])?;
        let inside = |arguments: &[&str]| {
            let mut command = Command::new("nsenter");
            command.arg(format!("--net=/proc/{pid}/ns/net")).arg("ip").args(arguments);
            output(&mut command)
        };
        inside(&["addr", "add", &format!("{theirs}/30"), "dev", "eth0"])?;
        inside(&["link", "set", "eth0", "up"])?;
        Ok(Network { keeper, interface, address: ours })
    }

    /// Pulls the plug: what is sent is lost, nobody is told.
    pub(crate) fn cut(&self) -> Result<(), String> {
        ip(&["link", "set", &self.interface, "down"])
    }

    /// Puts it back.
    pub(crate) fn mend(&self) -> Result<(), String> {
        ip(&["link", "set", &self.interface, "up"])
    }
}

impl Drop for Network {
    /// The kernel would: but not while it still tries to end the connections of a cut network.
    fn drop(&mut self) {
        if let Err(error) = ip(&["link", "delete", &self.interface]) {
            crate::say(&format!("cannot remove {}: {error}", self.interface));
        }
    }
}

impl Disk {
    /// Mounts a small file system at `folder`, seen by those in the room only.
    ///
    /// # Errors
    /// What this machine does not permit.
    pub(crate) fn make(folder: &Path) -> Result<Disk, String> {
        let mount = format!("mount -t tmpfs -o {DISK_SIZE} tmpfs \"$1\"");
        let keeper = keep(&["--mount", "--propagation", "private"], &mount, &[folder])?;
        Ok(Disk { keeper, folder: folder.to_owned() })
    }

    /// Fills it to the last byte.
    pub(crate) fn fill(&self) -> Result<(), String> {
        let text = |error: std::io::Error| error.to_string();
        let mut filler = std::fs::File::create(self.filler()).map_err(text)?;
        loop {
            match filler.write(&[0; 4096]) {
                Ok(_) => {}
                Err(error) if error.kind() == ErrorKind::StorageFull => return Ok(()),
                Err(error) => return Err(text(error)),
            }
        }
    }

    /// Makes room again.
    pub(crate) fn free(&self) -> Result<(), String> {
        std::fs::remove_file(self.filler()).map_err(|error| error.to_string())
    }

    fn filler(&self) -> PathBuf {
        self.seen_from_outside(&self.folder.join("filler"))
    }

    /// The path by which we reach what those in the room see at `path`. Source: proc(5), `root`.
    fn seen_from_outside(&self, path: &Path) -> PathBuf {
        PathBuf::from(format!("/proc/{}/root{}", self.keeper.pid(), path.display()))
    }
}

impl Room {
    /// A command that begins in the room and working folder; arguments are those of `program`.
    pub(crate) fn command(&self, work: &Path, program: &Path) -> Command {
        let mut chdir = std::ffi::OsString::from("--chdir=");
        chdir.push(work);
        let mut command = match self {
            Room::Open => Command::new("env"),
            Room::Network(Network { keeper, .. }) => enter("net", keeper.pid()),
            Room::Disk(Disk { keeper, .. }) => enter("mnt", keeper.pid()),
        };
        command.arg(chdir).arg(program);
        command
    }

    /// The path by which we reach what those in the room see at `path`.
    pub(crate) fn seen_from_outside(&self, path: &Path) -> PathBuf {
        match self {
            Room::Open | Room::Network(_) => path.to_owned(),
            Room::Disk(disk) => disk.seen_from_outside(path),
        }
    }
}

fn enter(kind: &str, pid: u32) -> Command {
    let mut command = Command::new("nsenter");
    let option = if kind == "mnt" { "mount" } else { kind };
    command.arg(format!("--{option}=/proc/{pid}/ns/{kind}")).arg("env");
    command
}

/// Makes namespaces, prepares them with a line of shell, and keeps them for as long as the process runs.
fn keep(namespaces: &[&str], prepare: &str, arguments: &[&Path]) -> Result<Running, String> {
    let mut command = Command::new("unshare");
    command.args(namespaces).args(["sh", "-c", &format!("{prepare} && {KEEP}"), "sh"]).args(arguments);
    let mut keeper = Running::start(command.stdout(Stdio::piped()).stderr(Stdio::piped()));
    let stdout = keeper.child().stdout.take().ok_or("stdout is piped")?;
    let mut line = String::new();
    BufReader::new(stdout).read_line(&mut line).map_err(|error| error.to_string())?;
    if line.trim() == "ready" {
        return Ok(keeper);
    }
    let stderr = keeper.child().stderr.take().ok_or("stderr is piped")?;
    let said = std::io::read_to_string(stderr).map_err(|error| error.to_string())?;
    Err(said.trim().to_owned())
}

fn ip(arguments: &[&str]) -> Result<(), String> {
    output(Command::new("ip").args(arguments))
}

fn output(command: &mut Command) -> Result<(), String> {
    let shown = format!("{command:?}");
    let Output { status, stderr, .. } = command.output().map_err(|error| format!("{shown}: {error}"))?;
    if status.success() {
        return Ok(());
    }
    Err(format!("{shown}: {}", String::from_utf8_lossy(&stderr).trim()))
}
