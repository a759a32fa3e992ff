//! Unpacking and installing many small files, by CPU, beside `tar xzf` and `cp -a` of the same.

use std::path::Path;
use std::process::Command;

use anyhow::Context;
use longshore_agent::execute::install::{InstallRequest, install};
use longshore_agent::execute::unpack::{BundleKind, UnpackLimits, unpack};

use crate::figure::Figure;

const FILES: usize = 10_000;
const RUNS: usize = 3;

pub(crate) fn measure() -> anyhow::Result<Vec<Figure>> {
    let folder = tempfile::tempdir_in(".")?;
    let path = folder.path().canonicalize()?;
    bundle(&path.join("bundle.tgz"))?;
    let mut ours = f64::INFINITY;
    let mut floor = f64::INFINITY;
    // Turn and turn about, best of each: other load on the machine hits both alike.
    for run in 0..RUNS {
        let place = path.join(format!("run{run}"));
        floor = floor.min(floor_once(&path, &place.join("floor"))?);
        ours = ours.min(ours_once(&path, &place.join("ours"))?);
    }
    Ok(vec![Figure {
        name: "install of 10,000 files of 1 KiB from tgz",
        value: ours,
        unit: "CPU s",
        floor: Some(("tar xzf + cp -a", floor)),
        aim: "at most 1.5 times the floor",
    }])
}

/// What the child process does: `folder` holds `bundle.tgz` and gets `root` and `installed`.
pub(crate) fn once(folder: &Path) -> anyhow::Result<()> {
    let root_dir = folder.join("root");
    let archive_dir = root_dir.join("group/d-ABCDEF123/deployment-archive");
    std::fs::create_dir_all(&archive_dir)?;
    unpack(&folder.join("bundle.tgz"), BundleKind::Tgz, &archive_dir, &UnpackLimits::default())?;
    install(&InstallRequest {
        root_dir,
        deployment_group_id: String::from("group"),
        deployment_id: String::from("d-ABCDEF123"),
        archive_dir,
        appspec_filename: String::from("appspec.yml"),
        file_exists_behavior: String::from("DISALLOW"),
        all_possible_lifecycle_events: None,
    })?;
    Ok(())
}

fn ours_once(source: &Path, place: &Path) -> anyhow::Result<f64> {
    std::fs::create_dir_all(place)?;
    std::fs::hard_link(source.join("bundle.tgz"), place.join("bundle.tgz"))?;
    let seconds =
        cpu_of(Command::new(std::env::current_exe()?).arg("--install-once").arg(place).current_dir(place))?;
    let n_installed = std::fs::read_dir(place.join("installed/d0"))?.count();
    anyhow::ensure!(n_installed == FILES / 100, "{n_installed} files in d0");
    Ok(seconds)
}

fn floor_once(source: &Path, place: &Path) -> anyhow::Result<f64> {
    let archive = place.join("archive");
    std::fs::create_dir_all(&archive)?;
    let tar = cpu_of(Command::new("tar").arg("xzf").arg(source.join("bundle.tgz")).arg("-C").arg(&archive))?;
    let copy =
        cpu_of(Command::new("cp").arg("-a").arg(archive.join("content")).arg(place.join("installed")))?;
    Ok(tar + copy)
}

/// User and system time of `command` and its children.
fn cpu_of(command: &mut Command) -> anyhow::Result<f64> {
    use nix::sys::resource::{UsageWho, getrusage};
    use nix::sys::time::TimeValLike;
    let used = || -> anyhow::Result<f64> {
        let usage = getrusage(UsageWho::RUSAGE_CHILDREN)?;
        Ok((usage.user_time() + usage.system_time()).num_microseconds() as f64 / 1e6)
    };
    let before = used()?;
    let status = command.status().with_context(|| format!("{command:?}"))?;
    anyhow::ensure!(status.success(), "{command:?}: {status}");
    Ok(used()? - before)
}

fn bundle(path: &Path) -> anyhow::Result<()> {
    let file = std::fs::File::create(path)?;
    let mut archive = tar::Builder::new(flate2::write::GzEncoder::new(file, flate2::Compression::default()));
    let mut add = |name: &str, content: &[u8]| -> anyhow::Result<()> {
        let mut header = tar::Header::new_gnu();
        header.set_size(content.len() as u64);
        header.set_mode(0o644);
        header.set_mtime(1_700_000_000);
        archive.append_data(&mut header, name, content)?;
        Ok(())
    };
    add(
        "appspec.yml",
        b"version: 0.0\nos: linux\nfiles:\n  - source: content\n    destination: installed\n",
    )?;
    for idx in 0..FILES {
        let content = format!("{idx:>16}").repeat(64);
        add(&format!("content/d{}/f{idx}", idx % 100), content.as_bytes())?;
    }
    archive.into_inner()?.finish()?;
    Ok(())
}
