//! Unpacks a bundle and installs it, as two commands of a deployment do, and says how much memory that took.
//! `make bench` measures it beside other tools: it has what the agent has for this, and nothing else.
//!
//! `unpack_and_install tgz|zip|folder BUNDLE ROOT_DIR DEPLOYMENT_ID`; relative destinations are relative to
//! the working directory. Prints the most memory that was resident, in KiB.

use std::path::{Path, PathBuf};

use longshore_agent::execute::download::local::copy_directory;
use longshore_agent::execute::install::{InstallRequest, install};
use longshore_agent::execute::unpack::{BundleKind, UnpackLimits, unpack};
use longshore_agent::memory;

const USAGE: &str = "usage: unpack_and_install tgz|zip|folder BUNDLE ROOT_DIR DEPLOYMENT_ID";

#[expect(clippy::print_stdout, reason = "the memory is what is asked for")]
fn main() -> Result<(), Box<dyn std::error::Error>> {
    memory::keep_little();
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [kind, bundle, root_dir, deployment_id] = arguments.as_slice() else { return Err(USAGE.into()) };
    let (bundle, root_dir) = (Path::new(bundle), PathBuf::from(root_dir));
    let archive_dir = root_dir.join("group").join(deployment_id).join("deployment-archive");
    std::fs::create_dir_all(&archive_dir)?;
    match kind.as_str() {
        "tgz" => unpack(bundle, BundleKind::Tgz, &archive_dir, &UnpackLimits::default())?,
        "zip" => unpack(bundle, BundleKind::Zip, &archive_dir, &UnpackLimits::default())?,
        "folder" => copy_directory(bundle, &archive_dir)?,
        _ => return Err(USAGE.into()),
    }
    install(&InstallRequest {
        root_dir,
        deployment_group_id: String::from("group"),
        deployment_id: deployment_id.clone(),
        archive_dir,
        appspec_filename: String::from("appspec.yml"),
        file_exists_behavior: String::from("DISALLOW"),
        all_possible_lifecycle_events: None,
    })?;
    println!("{}", most_resident_kib()?);
    Ok(())
}

/// Source: proc(5), `VmHWM`.
fn most_resident_kib() -> Result<u64, Box<dyn std::error::Error>> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).ok_or("no VmHWM")?;
    Ok(line.trim().trim_end_matches("kB").trim().parse()?)
}
