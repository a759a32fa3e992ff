//! Reads of deployments when there are a thousand and when there are a million.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::Context;
use longshore_journey::Server;
use longshore_wire::sigv4::Credentials;
use serde_json::{Value, json};
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{Connection as _, Row as _};

use crate::deployment::{client, credentials, public};
use crate::figure::{Aim, Figure};
use crate::load::{Connection, Prepared, UNTHROTTLED};

const FEW: usize = 1_000;
const MANY: usize = 1_000_000;
/// Deployment groups that the deployments belong to: so few that every question about a thousand
/// deployments fills a page, as it does about a million.
const GROUPS: usize = 3;
/// One deployment every five seconds.
const MILLIS_APART: i64 = 5_000;
/// As the server's configuration has it.
const PAGE: usize = 100;
/// How often each question is asked.
const SAMPLES: usize = 400;

/// Each question about a million deployments, beside the same about a thousand. The two are asked in
/// turn, so that whatever else the machine does is done to both.
pub(crate) async fn measure() -> anyhow::Result<Vec<Figure>> {
    let mut few = History::new(FEW).await?;
    let mut many = History::new(MANY).await?;
    let mut figures = Vec::new();
    for (about_few, about_many) in few.questions()?.into_iter().zip(many.questions()?) {
        let (mut few_times, mut many_times) = (Vec::new(), Vec::new());
        for _ in 0..SAMPLES {
            few_times.push(few.time(&about_few.1).await?);
            many_times.push(many.time(&about_many.1).await?);
        }
        figures.push(Figure {
            name: format!("{}, a million deployments", about_few.0),
            value: median_ms(many_times),
            unit: "ms",
            floor: Some(("a thousand deployments", median_ms(few_times))),
            aim: Aim::RatioAtMost(1.5),
        });
    }
    Ok(figures)
}

/// A server with this many deployments.
struct History {
    n_deployments: usize,
    server: Server,
    connection: Connection,
    credentials: Credentials,
    /// The token of the page in the middle.
    middle: Value,
    _folder: tempfile::TempDir,
}

impl History {
    async fn new(n_deployments: usize) -> anyhow::Result<History> {
        let folder = tempfile::tempdir_in(".")?;
        let server = Server::start(folder.path(), UNTHROTTLED);
        let credentials = credentials(&server.env())?;
        let templates = templates(&server).await?;
        seed(&server.data_dir().join("longshore.db"), &templates, n_deployments).await?;
        let mut connection = Connection::open(&server).await?;
        // Page by page, as a client would.
        let mut middle = Value::Null;
        for _ in 0..n_deployments / PAGE / 2 {
            let next =
                Prepared::call(&server, &credentials, "ListDeployments", &json!({"nextToken": middle}))?;
            let page = connection.send(&next).await?;
            middle = serde_json::from_slice::<Value>(&page)?["nextToken"].clone();
            anyhow::ensure!(middle.is_string(), "the list ends before its middle");
        }
        Ok(History { n_deployments, server, connection, credentials, middle, _folder: folder })
    }

    fn questions(&self) -> anyhow::Result<Vec<(&'static str, Prepared)>> {
        let of_group = json!({"applicationName": "web", "deploymentGroupName": "g1"});
        let stopped = json!(["Stopped"]);
        let mut stopped_of_group = of_group.clone();
        stopped_of_group["includeOnlyStatuses"] = stopped.clone();
        let of_status = json!({"includeOnlyStatuses": stopped});
        let middle = json!({"nextToken": self.middle});
        let one = json!({"deploymentId": id(self.n_deployments / 2)});
        let call = |operation, input| Prepared::call(&self.server, &self.credentials, operation, &input);
        Ok(vec![
            ("ListDeployments, first page", call("ListDeployments", json!({}))?),
            ("ListDeployments, middle page", call("ListDeployments", middle)?),
            ("ListDeployments by group", call("ListDeployments", of_group)?),
            ("ListDeployments by status", call("ListDeployments", of_status)?),
            ("ListDeployments by group and status", call("ListDeployments", stopped_of_group)?),
            ("GetDeployment", call("GetDeployment", one)?),
        ])
    }

    async fn time(&mut self, question: &Prepared) -> anyhow::Result<Duration> {
        let asked = Instant::now();
        self.connection.send(question).await?;
        Ok(asked.elapsed())
    }
}

fn median_ms(mut times: Vec<Duration>) -> f64 {
    times.sort();
    times[times.len() / 2].as_secs_f64() * 1000.0
}

/// One real deployment of each group; each ends at once, for there is no host.
async fn templates(server: &Server) -> anyhow::Result<Vec<String>> {
    let root = client(server, &credentials(&server.env())?)?;
    public(&root, "CreateApplication", json!({"applicationName": "web"})).await?;
    let mut templates = Vec::new();
    for idx in 0..GROUPS {
        let group = json!({
            "applicationName": "web",
            "deploymentGroupName": format!("g{idx}"),
            "serviceRoleArn": "arn:aws:iam::000000000000:role/CodeDeploy",
        });
        public(&root, "CreateDeploymentGroup", group.clone()).await?;
        let location = json!({"bucket": "bundles", "key": "a.zip", "bundleType": "zip"});
        let mut new = json!({"revision": {"revisionType": "S3", "s3Location": location}});
        for name in ["applicationName", "deploymentGroupName"] {
            new[name] = group[name].clone();
        }
        let id = public(&root, "CreateDeployment", new).await?["deploymentId"].clone();
        let deadline = Instant::now() + Duration::from_secs(60);
        loop {
            let found = public(&root, "GetDeployment", json!({"deploymentId": id})).await?;
            if found["deploymentInfo"]["status"] == "Failed" {
                break;
            }
            anyhow::ensure!(Instant::now() < deadline, "{id} does not end: {found}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        templates.push(id.as_str().context("an id")?.to_owned());
    }
    Ok(templates)
}

/// The id of a seeded deployment.
fn id(idx: usize) -> String {
    format!("d-S{idx:08}")
}

/// Copies the templates' rows straight in the database, under new ids, with older times, in turn as
/// succeeded, failed and stopped.
async fn seed(database: &Path, templates: &[String], n_deployments: usize) -> anyhow::Result<()> {
    let options = SqliteConnectOptions::new().filename(database).busy_timeout(Duration::from_secs(60));
    let mut connection = SqliteConnection::connect_with(&options).await?;
    let columns =
        sqlx::query("SELECT name FROM pragma_table_info('deployments')").fetch_all(&mut connection).await?;
    let columns: Vec<String> =
        columns.iter().map(|row| row.try_get(0)).collect::<Result<_, sqlx::Error>>()?;
    let status = "CASE n / 3 % 3 WHEN 0 THEN 'Succeeded' WHEN 1 THEN 'Failed' ELSE 'Stopped' END";
    let id = "printf('d-S%08d', n)";
    let time = format!("t.created_at - (n + 1) * {MILLIS_APART}");
    let values = columns.iter().map(|column| match column.as_str() {
        "id" => id.to_owned(),
        "status" => status.to_owned(),
        "created_at" => time.clone(),
        "document" => {
            format!("json_set(t.document, '$.id', {id}, '$.status', {status}, '$.created_at', {time})")
        }
        other => format!("t.{other}"),
    });
    let insert = format!(
        "WITH RECURSIVE numbers (n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM numbers WHERE n + 1 < $1)
         INSERT INTO deployments ({}) SELECT {} FROM numbers
         JOIN (SELECT row_number() OVER (ORDER BY id) - 1 AS place, * FROM deployments WHERE id IN (
               SELECT value FROM json_each($2))) t ON t.place = n % $3",
        columns.join(", "),
        values.collect::<Vec<_>>().join(", "),
    );
    // The names come from the database's own schema.
    sqlx::query(sqlx::AssertSqlSafe(insert))
        .bind(i64::try_from(n_deployments)?)
        .bind(serde_json::to_string(templates)?)
        .bind(i64::try_from(templates.len())?)
        .execute(&mut connection)
        .await?;
    // A server that made them itself would not have them all in its log.
    sqlx::query("PRAGMA wal_checkpoint(TRUNCATE)").execute(&mut connection).await?;
    Ok(connection.close().await?)
}
