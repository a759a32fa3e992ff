//! What durable writes cost without Longshore: rows of a target's size, written to the same database directly.

use std::path::Path;
use std::time::{Duration, Instant};

use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqliteSynchronous};
use sqlx::{Connection as _, PgConnection};

/// How long each way of writing is measured at a time.
const TIME: Duration = Duration::from_millis(500);

/// Rows that one commit carries, as at most in the server.
const BATCH: i64 = 1024;

/// Rows that are written again and again.
const ROWS: i64 = 10_000;

/// Bytes of a row: a target with its seven events.
const ROW_BYTES: usize = 1_000;

const TABLE: &str = "CREATE TABLE report (id BIGINT NOT NULL PRIMARY KEY, body TEXT NOT NULL)";
const PUT: &str = "INSERT INTO report VALUES ($1, $2) ON CONFLICT (id) DO UPDATE SET body = excluded.body";
const PUT_MANY: &str = "INSERT INTO report SELECT * FROM UNNEST($1::BIGINT[], $2::TEXT[])
     ON CONFLICT (id) DO UPDATE SET body = excluded.body";

/// A database that is driven directly, and what came of it so far.
pub(crate) struct Floor {
    database: Database,
    next_row: i64,
    single: Rows,
    batched: Rows,
}

enum Database {
    Sqlite(SqliteConnection),
    Postgresql(PgConnection),
}

#[derive(Default)]
struct Rows {
    n_rows: i64,
    elapsed: Duration,
}

impl Rows {
    fn per_second(&self) -> f64 {
        self.n_rows as f64 / self.elapsed.as_secs_f64()
    }
}

impl Floor {
    /// With the settings that the server has its file open with.
    pub(crate) async fn sqlite(path: &Path) -> anyhow::Result<Floor> {
        let options = SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full);
        let mut conn = SqliteConnection::connect_with(&options).await?;
        sqlx::query(TABLE).execute(&mut conn).await?;
        Ok(Floor::on(Database::Sqlite(conn)))
    }

    /// In an empty database.
    pub(crate) async fn postgresql(url: &str) -> anyhow::Result<Floor> {
        let mut conn = PgConnection::connect(url).await?;
        sqlx::query(TABLE).execute(&mut conn).await?;
        Ok(Floor::on(Database::Postgresql(conn)))
    }

    fn on(database: Database) -> Floor {
        Floor { database, next_row: 0, single: Rows::default(), batched: Rows::default() }
    }

    /// Writes for a while, a commit a row, then with many rows a commit. Disks are moody: called again
    /// between other measurements, all counts together.
    pub(crate) async fn measure(&mut self) -> anyhow::Result<()> {
        let started = Instant::now();
        while started.elapsed() < TIME {
            self.put(1).await?;
            self.single.n_rows += 1;
        }
        self.single.elapsed += started.elapsed();
        let started = Instant::now();
        while started.elapsed() < TIME {
            self.put(BATCH).await?;
            self.batched.n_rows += BATCH;
        }
        self.batched.elapsed += started.elapsed();
        Ok(())
    }

    /// Rows a second, one commit each.
    pub(crate) fn single_per_second(&self) -> f64 {
        self.single.per_second()
    }

    /// Rows a second, many with one commit.
    pub(crate) fn batched_per_second(&self) -> f64 {
        self.batched.per_second()
    }

    /// `n_rows` in one commit, in the way that is fastest for the database.
    async fn put(&mut self, n_rows: i64) -> anyhow::Result<()> {
        let body = "x".repeat(ROW_BYTES);
        let ids: Vec<i64> = (self.next_row..self.next_row + n_rows).map(|row| row % ROWS).collect();
        self.next_row += n_rows;
        match &mut self.database {
            Database::Sqlite(conn) => {
                let mut transaction = conn.begin().await?;
                for id in ids {
                    sqlx::query(PUT).bind(id).bind(&body).execute(&mut *transaction).await?;
                }
                transaction.commit().await?;
            }
            Database::Postgresql(conn) => {
                let bodies = vec![body; ids.len()];
                sqlx::query(PUT_MANY).bind(ids).bind(bodies).execute(conn).await?;
            }
        }
        Ok(())
    }
}
