//! Bundles to measure with: many small files, and one large one.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;
use std::process::Command;

use anyhow::Context;

/// How many small files.
pub(crate) const FILES: usize = 10_000;

const LARGE_MIB: usize = 512;

const APPSPEC: &str = "version: 0.0\nos: linux\nfiles:\n  - source: content\n    destination: installed\n";

/// The three forms of a revision.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    Tgz,
    Zip,
    Folder,
}

impl Form {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Form::Tgz => "tgz",
            Form::Zip => "zip",
            Form::Folder => "folder",
        }
    }
}

/// Writes `folder/{tgz,zip,folder}`: 10,000 files of 1 KiB in 100 directories.
pub(crate) fn small(folder: &Path) -> anyhow::Result<()> {
    let source = begin(folder)?;
    for idx in 0..FILES {
        let directory = source.join(format!("content/d{}", idx % 100));
        std::fs::create_dir_all(&directory)?;
        std::fs::write(directory.join(format!("f{idx}")), format!("{idx:>16}").repeat(64))?;
    }
    pack(folder)
}

/// Writes `folder/{tgz,zip,folder}`: one file of 512 MiB, of which half does not compress.
pub(crate) fn large(folder: &Path) -> anyhow::Result<()> {
    let source = begin(folder)?;
    let mut file = BufWriter::new(File::create(source.join("content/large"))?);
    let mut state = 0x9E37_79B9_7F4A_7C15_u64;
    for idx in 0..LARGE_MIB * 1024 {
        let kib: [u8; 1024] = if idx % 2 == 0 {
            let mut noise = [0; 1024];
            for word in noise.chunks_exact_mut(8) {
                state ^= state << 13;
                state ^= state >> 7;
                state ^= state << 17;
                word.copy_from_slice(&state.to_le_bytes());
            }
            noise
        } else {
            let text = format!("{idx:>16}").repeat(64);
            text.as_bytes().try_into().context("1 KiB")?
        };
        file.write_all(&kib)?;
    }
    file.flush()?;
    pack(folder)
}

fn begin(folder: &Path) -> anyhow::Result<std::path::PathBuf> {
    let source = folder.join("folder");
    std::fs::create_dir_all(source.join("content"))?;
    std::fs::write(source.join("appspec.yml"), APPSPEC)?;
    Ok(source)
}

/// Packs with the programs that people pack with.
fn pack(folder: &Path) -> anyhow::Result<()> {
    let source = folder.join("folder");
    run(Command::new("tar").args(["-czf", "../tgz", "."]).current_dir(&source))?;
    run(Command::new("zip").args(["-qr", "../bundle.zip", "."]).current_dir(&source))?;
    Ok(std::fs::rename(folder.join("bundle.zip"), folder.join("zip"))?)
}

pub(crate) fn run(command: &mut Command) -> anyhow::Result<()> {
    let status = command.status().with_context(|| format!("cannot run {command:?}"))?;
    anyhow::ensure!(status.success(), "{command:?}: {status}");
    Ok(())
}
