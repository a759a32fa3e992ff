//! Writes the shapes of `longshore-wire` from the models in `api-models/`.
//!
//! `generate-wire` rewrites the files; `generate-wire --check` changes nothing and exits 1 when a
//! committed file is not what would be written.

mod model;
mod rust;

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};

use anyhow::{Context, bail, ensure};

use model::Model;

/// One model and where its Rust goes.
struct Service {
    model: &'static str,
    folder: &'static str,
    names: rust::Names,
}

const SERVICES: [Service; 2] = [
    Service {
        model: "api-models/codedeploy-2014-10-06/service-2.json",
        folder: "crates/longshore-wire/src/api",
        names: rust::Names { service: "CodeDeploy API", operation: "Operation" },
    },
    Service {
        model: "api-models/codedeploy-commands/CodeDeployCommand.api.json",
        folder: "crates/longshore-wire/src/host_command",
        names: rust::Names { service: "host command service", operation: "HostOperation" },
    },
];

fn main() -> anyhow::Result<ExitCode> {
    let is_check = match std::env::args().skip(1).collect::<Vec<_>>().as_slice() {
        [] => false,
        [flag] if flag == "--check" => true,
        other => bail!("the only argument is `--check`: {other:?}"),
    };
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut n_stale = 0;
    for service in &SERVICES {
        let path = root.join(service.model);
        let text = std::fs::read_to_string(&path).with_context(|| format!("read {}", path.display()))?;
        let model = Model::parse(&text).with_context(|| format!("parse {}", service.model))?;
        let outputs = [
            ("shapes.rs", rust::shapes(&model, &service.names)?),
            ("operations.rs", rust::operations(&model, &service.names)?),
        ];
        for (file, source) in outputs {
            let target = root.join(service.folder).join(file);
            n_stale += usize::from(!is_same(&target, &formatted(&root, &source)?, is_check)?);
        }
    }
    Ok(if is_check && 0 < n_stale { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

/// Whether `target` holds `source` already; if not, says so, and writes it unless only checking.
fn is_same(target: &PathBuf, source: &str, is_check: bool) -> anyhow::Result<bool> {
    let present = std::fs::read_to_string(target).unwrap_or_default();
    if present == source {
        return Ok(true);
    }
    let mut stderr = std::io::stderr();
    let verb = if is_check { "out of date" } else { "written" };
    writeln!(stderr, "{verb}: {}", target.display())?;
    if !is_check {
        std::fs::write(target, source).with_context(|| format!("write {}", target.display()))?;
    }
    Ok(false)
}

/// `source` as rustfmt leaves it with the workspace's configuration.
fn formatted(root: &Path, source: &str) -> anyhow::Result<String> {
    let mut child = Command::new("rustfmt")
        .args(["--edition", "2024", "--config-path"])
        .arg(root.join("rustfmt.toml"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .context("start rustfmt")?;
    let mut stdin = child.stdin.take().context("rustfmt has no standard input")?;
    let text = source.to_owned();
    // Another thread writes, so that neither side waits for a full pipe.
    let writer = std::thread::spawn(move || stdin.write_all(text.as_bytes()));
    let output = child.wait_with_output().context("wait for rustfmt")?;
    ensure!(output.status.success(), "rustfmt refused the generated source");
    writer.join().map_err(|_| anyhow::anyhow!("the thread that fed rustfmt panicked"))??;
    String::from_utf8(output.stdout).context("rustfmt wrote something that is not UTF-8")
}
