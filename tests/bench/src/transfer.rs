//! A large bundle in and out through the AWS CLI, and what the server needs for it.

use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::process::Command;
use std::time::Instant;

use longshore_journey::{Aws, Server};

use crate::bundle::run;
use crate::figure::{Aim, Figure};
use crate::process::{forget_peak, peak_mib};

const MIB: usize = 1024;

/// One GiB up in parts and down again, beside what the disk and MD5 alone take.
pub(crate) fn measure() -> anyhow::Result<Vec<Figure>> {
    let folder = tempfile::tempdir_in(".")?;
    let (source, copy) = (folder.path().join("source"), folder.path().join("copy"));
    write_source(&source)?;
    let server = Server::start(&folder.path().join("control"), "");
    // The CLI is run in this folder, so that its paths are short; its own address is the absolute one.
    let aws = Aws::new(&server, &folder.path().canonicalize()?);
    aws.ok("s3 mb s3://bundles");

    let disk = seconds(|| copied_durably(&source, &copy))?;
    let md5 =
        seconds(|| run(Command::new("openssl").arg("md5").arg(&source).stdout(std::process::Stdio::null())))?;
    std::fs::remove_file(&copy)?;
    let pid = server.process().pid();
    forget_peak(pid)?;
    let up = seconds(|| transfer(&aws, "source", "s3://bundles/large"))?;
    let peak_up = peak_mib(pid)?;
    forget_peak(pid)?;
    let down = seconds(|| transfer(&aws, "s3://bundles/large", "copy"))?;
    let peak_down = peak_mib(pid)?;
    run(Command::new("cmp").arg(&source).arg(&copy))?;
    let memory = |name: &str, value| Figure {
        name: name.to_owned(),
        value,
        unit: "MiB",
        floor: None,
        aim: Aim::Under(100.0),
    };
    let rate = |name: &str, seconds: f64, floor| Figure {
        name: name.to_owned(),
        value: MIB as f64 / seconds,
        unit: "MiB/s",
        floor,
        aim: Aim::None,
    };
    Ok(vec![
        rate(
            "1 GiB up in parts, AWS CLI",
            up,
            Some(("cp, fsync and openssl md5", MIB as f64 / (disk + md5))),
        ),
        memory("server's peak memory meanwhile", peak_up),
        rate("1 GiB down, AWS CLI", down, Some(("cp and fsync", MIB as f64 / disk))),
        memory("server's peak memory meanwhile", peak_down),
    ])
}

fn transfer(aws: &Aws, from: &str, to: &str) -> anyhow::Result<()> {
    aws.ok(&format!("s3 cp {from} {to} --no-progress"));
    Ok(())
}

fn seconds(work: impl FnOnce() -> anyhow::Result<()>) -> anyhow::Result<f64> {
    let started = Instant::now();
    work()?;
    Ok(started.elapsed().as_secs_f64())
}

fn copied_durably(from: &Path, to: &Path) -> anyhow::Result<()> {
    run(Command::new("cp").arg(from).arg(to))?;
    Ok(File::open(to)?.sync_all()?)
}

/// A GiB of different blocks, so that no file system stores one of them once.
fn write_source(path: &Path) -> anyhow::Result<()> {
    let mut file = File::create(path)?;
    for mib in 0..MIB as u64 {
        let block: Vec<u8> = (0..1024 * 128_u64).flat_map(|word| (mib << 32 | word).to_le_bytes()).collect();
        file.write_all(&block)?;
    }
    Ok(file.sync_all()?)
}
