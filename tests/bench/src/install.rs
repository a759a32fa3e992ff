//! Unpacking and installing, by CPU, beside the tools that others use for it: `tar` or `unzip`, and `cp -a`.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Context;

use crate::agent::agent_build;
use crate::bundle::{self, FILES, Form};
use crate::figure::{Aim, Figure};
use crate::process::cpu_of;

/// The best of so many counts: other load on the machine only ever adds.
const RUNS: usize = 3;

/// The best figures of a form so far.
struct Best {
    form: Form,
    /// Of the first deployment and of the one that replaces its files.
    ours: [f64; 2],
    floor: [f64; 2],
    /// The largest of all runs.
    peak_mib: f64,
}

impl Best {
    fn new(form: Form) -> Best {
        Best { form, ours: [f64::INFINITY; 2], floor: [f64::INFINITY; 2], peak_mib: 0.0 }
    }
}

/// A file system in memory, which every Linux has, if not always one with room.
const IN_MEMORY: &str = "/dev/shm";

/// What the trees of [`small`] take at most.
const SMALL_BYTES: u64 = 1 << 30;

/// 10,000 files of 1 KiB, in memory: what is compared is the programs' work, and what a disk's file system
/// takes for a file depends on what was there before. An ext4 without a journal passes over each inode that was
/// deleted in the last minutes, which makes a file ten times as dear for whoever comes second.
pub(crate) fn small() -> anyhow::Result<Vec<Figure>> {
    let (place, what) = if n_free_bytes(IN_MEMORY)? < SMALL_BYTES {
        (".", "10,000 files of 1 KiB on disk")
    } else {
        (IN_MEMORY, "10,000 files of 1 KiB in memory")
    };
    let folder = tempfile::tempdir_in(place)?;
    let path = folder.path().canonicalize()?;
    bundle::small(&path)?;
    let mut figures = Vec::new();
    for form in [Form::Tgz, Form::Zip, Form::Folder] {
        let best = measure(&path, form, 2)?;
        figures.extend(shown(&best, what));
    }
    Ok(figures)
}

fn n_free_bytes(path: &str) -> anyhow::Result<u64> {
    let system = nix::sys::statvfs::statvfs(path).with_context(|| path.to_owned())?;
    Ok(system.blocks_available() * system.fragment_size())
}

/// One file of 512 MiB.
pub(crate) fn large() -> anyhow::Result<Vec<Figure>> {
    let folder = tempfile::tempdir_in(".")?;
    let path = folder.path().canonicalize()?;
    bundle::large(&path)?;
    let mut figures = Vec::new();
    for form in [Form::Tgz, Form::Zip] {
        let best = measure(&path, form, 1)?;
        figures.extend(shown(&best, "one file of 512 MiB"));
    }
    Ok(figures)
}

fn shown(best: &Best, what: &str) -> Vec<Figure> {
    let form = best.form.name();
    let floor = match best.form {
        Form::Tgz => "tar xzf + cp -a",
        Form::Zip => "unzip + cp -a",
        Form::Folder => "cp -a twice",
    };
    let mut figures = Vec::new();
    for (deployment, (ours, of_floor)) in ["", ", again"].iter().zip(best.ours.iter().zip(best.floor)) {
        if ours.is_finite() {
            figures.push(Figure {
                name: format!("{what} from {form}{deployment}"),
                value: *ours,
                unit: "CPU s",
                floor: Some((floor, of_floor)),
                aim: Aim::RatioAtMost(1.0),
            });
        }
    }
    figures.push(Figure {
        name: format!("{what} from {form}, peak memory"),
        value: best.peak_mib,
        unit: "MiB",
        floor: None,
        aim: Aim::Under(24.0),
    });
    figures
}

/// Turn and turn about: other load on the machine hits both alike.
fn measure(source: &Path, form: Form, n_deployments: usize) -> anyhow::Result<Best> {
    let mut best = Best::new(form);
    for run in 0..RUNS {
        let place = source.join(format!("run-{}-{run}", form.name()));
        for idx in 0..n_deployments {
            best.floor[idx] = best.floor[idx].min(floor_once(source, form, &place.join("floor"), idx)?);
            let (ours, peak_mib) = ours_once(source, form, &place.join("ours"), idx)?;
            best.ours[idx] = best.ours[idx].min(ours);
            best.peak_mib = best.peak_mib.max(peak_mib);
        }
        std::fs::remove_dir_all(&place)?;
    }
    Ok(best)
}

fn ours_once(source: &Path, form: Form, place: &Path, idx: usize) -> anyhow::Result<(f64, f64)> {
    std::fs::create_dir_all(place)?;
    let (seconds, printed) = cpu_of(
        Command::new(agent_build("examples/unpack_and_install")?)
            .arg(form.name())
            .arg(source.join(form.name()))
            .arg(place.join("root"))
            .arg(format!("d-{idx}"))
            .current_dir(place),
    )?;
    check_installed(&place.join("installed"))?;
    let kib: f64 = printed.trim().parse().context("the memory")?;
    Ok((seconds, kib / 1024.0))
}

fn floor_once(source: &Path, form: Form, place: &Path, idx: usize) -> anyhow::Result<f64> {
    let archive = place.join(format!("archive-{idx}"));
    let bundle = source.join(form.name());
    let installed = place.join("installed");
    std::fs::create_dir_all(&installed)?;
    let mut unpack = match form {
        Form::Tgz => command("tar", &["xzf"], &[&bundle]),
        Form::Zip => command("unzip", &["-qo"], &[&bundle]),
        Form::Folder => command("cp", &["-a"], &[&bundle.join("."), &archive]),
    };
    std::fs::create_dir_all(&archive)?;
    let (unpacked, _) = cpu_of(unpack.current_dir(&archive))?;
    let (copied, _) = cpu_of(&mut command("cp", &["-a"], &[&archive.join("content/."), &installed]))?;
    check_installed(&installed)?;
    Ok(unpacked + copied)
}

fn command(program: &str, options: &[&str], paths: &[&PathBuf]) -> Command {
    let mut command = Command::new(program);
    command.args(options).args(paths);
    command
}

/// That the work was done.
fn check_installed(installed: &Path) -> anyhow::Result<()> {
    if installed.join("large").exists() {
        return Ok(());
    }
    let n_installed = std::fs::read_dir(installed.join("d0"))?.count();
    anyhow::ensure!(n_installed == FILES / 100, "{n_installed} files in {}/d0", installed.display());
    Ok(())
}
