//! Signed calls a second over kept connections, beside a request of the same server that is neither
//! authenticated nor asks the store.

use longshore_journey::Server;
use serde_json::json;

use crate::deployment::{client, credentials, public};
use crate::figure::{Aim, Figure};
use crate::load::{Load, Prepared, UNTHROTTLED, measure};

/// Distinct writes; each is a row and is durable before it is answered.
const WRITES: usize = 10_000;

pub(crate) async fn calls() -> anyhow::Result<Vec<Figure>> {
    let folder = tempfile::tempdir_in(".")?;
    let server = Server::start(folder.path(), UNTHROTTLED);
    let credentials = credentials(&server.env())?;
    let root = client(&server, &credentials)?;
    crate::deployment::group(&root).await?;
    // Nobody is there to deploy to, so it ends at once.
    let new = json!({
        "applicationName": "web",
        "deploymentGroupName": "all",
        "revision": revision("first"),
    });
    let id = public(&root, "CreateDeployment", new).await?["deploymentId"].clone();
    let call = |operation, input| Prepared::call(&server, &credentials, operation, &input);

    let floor = measure(&server, vec![Prepared::get(&server, "/healthz")?]).await?;
    let application = call("GetApplication", json!({"applicationName": "web"}))?;
    let application = measure(&server, vec![application]).await?;
    let deployment = measure(&server, vec![call("GetDeployment", json!({"deploymentId": id}))?]).await?;
    let writes: anyhow::Result<Vec<Prepared>> = (0..WRITES)
        .map(|idx| {
            let input = json!({"applicationName": "web", "revision": revision(&idx.to_string())});
            call("RegisterApplicationRevision", input)
        })
        .collect();
    let writes = measure(&server, writes?).await?;
    let mut figures = figures("GetApplication", application, floor);
    figures.extend(self::figures("GetDeployment", deployment, floor));
    figures.extend(self::figures("RegisterApplicationRevision (durable)", writes, floor));
    Ok(figures)
}

fn revision(key: &str) -> serde_json::Value {
    json!({
        "revisionType": "S3",
        "s3Location": {"bucket": "bundles", "key": key, "bundleType": "zip"},
    })
}

fn figures(name: &str, load: Load, floor: Load) -> Vec<Figure> {
    vec![
        Figure {
            name: format!("{name}, 32 connections"),
            value: load.per_second,
            unit: "calls/s",
            floor: Some(("/healthz", floor.per_second)),
            aim: Aim::None,
        },
        Figure {
            name: format!("{name}, 99th percentile"),
            value: load.p99_ms,
            unit: "ms",
            floor: Some(("/healthz", floor.p99_ms)),
            aim: Aim::None,
        },
    ]
}
