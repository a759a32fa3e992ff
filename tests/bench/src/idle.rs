//! What an agent costs that has nothing to do: resident memory and CPU.

use std::time::Duration;

use anyhow::Context;
use longshore_journey::{Host, Server};

use crate::figure::Figure;

pub(crate) fn measure(watched: Duration) -> anyhow::Result<Vec<Figure>> {
    let folder = tempfile::tempdir_in(".")?;
    let path = folder.path().canonicalize()?;
    let server = Server::start(&path.join("control"), "");
    let mut host = Host::add_stopped(&server, &path, "h1");
    // The build that hosts get, from the profile `agent`: beside this program's own folder.
    let own = std::env::current_exe()?;
    let shipped = own.ancestors().nth(2).context("target/<profile>")?.join("agent/longshore-agent");
    anyhow::ensure!(shipped.exists(), "{} is missing: `make bench` builds it", shipped.display());
    let size = std::fs::metadata(&shipped)?.len();
    host.start_program(&shipped);
    // Past the start: the first poll is parked.
    std::thread::sleep(Duration::from_secs(2));
    let pid = host.process().pid();
    let before = cpu_seconds(pid)?;
    std::thread::sleep(watched);
    let cpu = cpu_seconds(pid)? - before;
    Ok(vec![
        Figure {
            name: "idle agent, resident memory",
            value: resident_mib(pid)?,
            unit: "MiB",
            floor: None,
            aim: "under 8 MiB",
        },
        Figure {
            name: "agent, size of the program",
            value: size as f64 / 1e6,
            unit: "MB",
            floor: None,
            aim: "",
        },
        Figure {
            name: "idle agent, CPU while watched",
            value: cpu / watched.as_secs_f64() * 100.0,
            unit: "% of a core",
            floor: None,
            aim: "not measurable",
        },
    ])
}

/// Source: proc(5), `VmRSS` in kB.
fn resident_mib(pid: u32) -> anyhow::Result<f64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).context("no VmRSS")?;
    let kib: f64 = line.trim().trim_end_matches("kB").trim().parse()?;
    Ok(kib / 1024.0)
}

/// Source: proc(5), fields 14 and 15 of `stat`, in clock ticks.
fn cpu_seconds(pid: u32) -> anyhow::Result<f64> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat"))?;
    // The name in brackets may hold blanks; what follows it does not.
    let fields: Vec<&str> = stat.rsplit(')').next().context("no stat")?.split_whitespace().collect();
    let ticks: f64 = fields[11].parse::<f64>()? + fields[12].parse::<f64>()?;
    let per_second = nix::unistd::sysconf(nix::unistd::SysconfVar::CLK_TCK)?.context("no CLK_TCK")?;
    Ok(ticks / per_second as f64)
}
