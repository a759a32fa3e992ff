//! The schema: numbered migrations, applied in order when a store is opened.

use sqlx::migrate::{Migration, MigrationType, Migrator};
use sqlx::{AssertSqlSafe, SqlSafeStr as _};

use super::{Connection, dialect};
use crate::StoreError;

/// Every migration there ever was. A published one is never edited: its checksum is in databases.
const MIGRATIONS: [(i64, &str, &str); 11] = [
    (1, "first", include_str!("migrations/0001_first.sql")),
    (2, "deployments by group id", include_str!("migrations/0002_deployments_by_group_id.sql")),
    (3, "enrollment", include_str!("migrations/0003_enrollment.sql")),
    (4, "resources", include_str!("migrations/0004_resources.sql")),
    (5, "groups, roles, sessions", include_str!("migrations/0005_groups_roles_sessions.sql")),
    (6, "audit", include_str!("migrations/0006_audit.sql")),
    (7, "timeline", include_str!("migrations/0007_timeline.sql")),
    (8, "EC2", include_str!("migrations/0008_ec2.sql")),
    (9, "hand-outs", include_str!("migrations/0009_hand_outs.sql")),
    (10, "copies of commands", include_str!("migrations/0010_copies.sql")),
    (11, "arrivals", include_str!("migrations/0011_arrivals.sql")),
];

/// Brings the database to the newest schema.
pub(in super::super) async fn migrate(conn: &mut Connection) -> Result<(), StoreError> {
    let migrations = MIGRATIONS
        .into_iter()
        .map(|(version, name, sql)| {
            // Safe: it is made of our own text alone.
            let sql = AssertSqlSafe(dialect::schema_text(sql).into_owned()).into_sql_str();
            Migration::new(version, name.into(), MigrationType::Simple, sql, false)
        })
        .collect();
    Migrator::with_migrations(migrations).run(conn).await.map_err(|source| StoreError::Database {
        doing: "bring the schema up to date",
        source: source.into(),
    })
}
