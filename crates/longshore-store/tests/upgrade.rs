//! A database that an earlier version wrote opens, and everything in it can be read.

use std::path::Path;

use longshore_model::id::{DeploymentConfigName, DeploymentId};
use longshore_model::traffic::Traffic;
use longshore_store::contract::fixture::{application_name, group_name};
use longshore_store::sqlite::SqliteStore;
use longshore_store::{ApplicationStore, DeploymentConfigStore, DeploymentGroupStore, DeploymentStore};
use sqlx::migrate::{Migration, MigrationType, Migrator};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions as _, Connection as _};

/// The schema of version 0.1.0, and one row of each kind whose document has grown since.
const SCHEMA: [(i64, &str, &str); 3] = [
    (1, "first", include_str!("../src/sql/migrations/0001_first.sql")),
    (2, "deployments by group id", include_str!("../src/sql/migrations/0002_deployments_by_group_id.sql")),
    (3, "enrollment", include_str!("../src/sql/migrations/0003_enrollment.sql")),
];

const ROWS: &str = r#"
INSERT INTO applications (id, name, created_at, tags)
VALUES ('00000000-0000-4000-8000-0000000000aa', 'web', 5, '[{"key":"k","value":"v"}]');
INSERT INTO deployment_groups (id, application_id, name, config, target_revision, history, document)
VALUES ('00000000-0000-4000-8000-0000000000bb', '00000000-0000-4000-8000-0000000000aa', 'prod', 'mine', NULL,
 '{"target_revision":null,"last_attempted":null,"last_successful":null}',
 '{"id":"00000000-0000-4000-8000-0000000000bb","application":"web","name":"prod","config":"mine",
   "service_role_arn":"arn:aws:iam::000000000000:role/deploy","ec2_selector":{"Filters":[]},
   "on_premises_selector":{"Filters":[{"key":"env","value":"prod","filter_type":"KeyAndValue"}]},
   "auto_rollback":{"is_enabled":false,"events":[]},"outdated_instances_strategy":"Update",
   "termination_hook_enabled":false,"tags":[],"created_at":6,
   "history":{"target_revision":null,"last_attempted":null,"last_successful":null}}');
INSERT INTO deployment_configs (name, document)
VALUES ('mine', '{"id":"00000000-0000-4000-8000-0000000000cc","name":"mine",
   "minimum_healthy_hosts":{"type":"HostCount","value":1},"created_at":7}');
INSERT INTO deployments (id, generation, group_id, config, status, created_at, is_final, is_stopping,
                         ignores_stop_failures, document)
VALUES ('d-ABCDEFGHI', 3, '00000000-0000-4000-8000-0000000000bb', 'mine', 'InProgress', 8, 0, 0, 0,
 '{"id":"d-ABCDEFGHI","application":"web","group":"prod","group_id":"00000000-0000-4000-8000-0000000000bb",
   "config":"mine","minimum_healthy_hosts":{"type":"HostCount","value":1},
   "selector":{"Filters":[{"key":"env","value":"prod","filter_type":"KeyAndValue"}]},
   "revision":{"type":"GitHub","repository":"a/b","commit_id":"0123456789abcdef0123456789abcdef01234567"},
   "previous_revision":null,"description":null,"creator":"User","ignore_application_stop_failures":false,
   "update_outdated_instances_only":false,"file_exists_behavior":"Disallow",
   "auto_rollback":{"is_enabled":false,"events":[]},"status":"InProgress","error":null,"stop":null,
   "status_messages":[],"created_at":8,"started_at":9,"completed_at":null,"n_hosts":2,"minimum_hosts":1}');
"#;

async fn write_old(path: &Path) {
    let options = SqliteConnectOptions::new().filename(path).create_if_missing(true);
    let mut conn = options.connect().await.expect("a database");
    let migrations = SCHEMA
        .into_iter()
        .map(|(version, name, sql)| {
            let sql = sqlx::SqlSafeStr::into_sql_str(sql);
            Migration::new(version, name.into(), MigrationType::Simple, sql, false)
        })
        .collect();
    Migrator::with_migrations(migrations).run(&mut conn).await.expect("the old schema");
    sqlx::raw_sql(ROWS).execute(&mut conn).await.expect("the old rows");
    conn.close().await.expect("close");
}

#[tokio::test]
async fn a_database_of_an_earlier_version_is_read_whole() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("longshore.db");
    write_old(&path).await;
    let store = SqliteStore::open(&path).await.expect("it opens");

    let web = application_name("web");
    let application = store.application(&web).await.expect("read").expect("it is there");
    assert_eq!((application.tags.len(), application.git_hub_token), (1, None));

    let group = store.deployment_group(&web, &group_name("prod")).await.expect("read").expect("it is there");
    assert_eq!((&group.traffic, &group.alarms), (&Traffic::default(), &None));
    assert!(group.triggers.is_empty() && group.processes_to_suspend.is_empty());
    let mut changed = group.clone();
    changed.termination_hook_enabled = true;
    store.update_deployment_group(&group, &changed).await.expect("it can be changed");

    let name = DeploymentConfigName::parse("mine").expect("a valid name");
    let config = store.deployment_config(&name).await.expect("read").expect("it is there");
    assert_eq!(config.zonal, None);

    let id = DeploymentId::parse("d-ABCDEFGHI").expect("a valid id");
    let deployment = store.deployment(&id).await.expect("read").expect("it is there");
    assert_eq!(
        (deployment.traffic, deployment.zonal, deployment.restart_of),
        (Traffic::default(), None, None)
    );
    assert_eq!(store.unfinished_deployments().await.expect("list"), [id]);
}
