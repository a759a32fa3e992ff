//! Copying, and comparing what was copied.

use futures::TryStreamExt as _;
use sqlx::{AssertSqlSafe, PgConnection, Row as _, SqliteConnection};

use super::table::{Kind, Table, Value, tables};
use super::{Doing as _, TransferError};

/// Rows that are written together.
const ROWS_AT_ONCE: usize = 200;

/// How many rows of a table there are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Copied {
    /// The table.
    pub table: String,
    /// Its rows.
    pub rows: u64,
}

/// What is in a file.
pub(super) async fn count(conn: &mut SqliteConnection) -> Result<Vec<Copied>, TransferError> {
    let mut copied = Vec::new();
    for table in tables(conn).await? {
        let sql = format!("SELECT COUNT(*) FROM {}", table.name);
        let rows: i64 =
            sqlx::query_scalar(own(sql)).fetch_one(&mut *conn).await.doing("count the rows of a table")?;
        copied.push(Copied { table: table.name, rows: u64::try_from(rows).unwrap_or(0) });
    }
    Ok(copied)
}

/// Copies all rows into an empty PostgreSQL database, in one transaction.
pub(super) async fn to_postgres(
    from: &mut SqliteConnection,
    to: &mut PgConnection,
) -> Result<Vec<Copied>, TransferError> {
    check_schemas(from, to).await?;
    let tables = tables(from).await?;
    sqlx::query("BEGIN").execute(&mut *from).await.doing("begin to read")?;
    // Alone: a server that starts meanwhile waits until all is there.
    crate::postgres::begin_alone(to).await.doing("begin to write")?;
    for table in &tables {
        let sql = format!("SELECT 1 FROM {} LIMIT 1", table.name);
        if sqlx::query(own(sql)).fetch_optional(&mut *to).await.doing("look for rows")?.is_some() {
            return Err(TransferError::NotEmpty(table.name.clone()));
        }
    }
    let mut copied = Vec::with_capacity(tables.len());
    for table in &tables {
        let rows = table_to_postgres(table, from, to).await?;
        check_same(table, from, to).await?;
        draw_on_in_postgres(table, from, to).await?;
        copied.push(Copied { table: table.name.clone(), rows });
    }
    sqlx::query("COMMIT").execute(&mut *to).await.doing("commit")?;
    sqlx::query("ROLLBACK").execute(&mut *from).await.doing("end reading")?;
    Ok(copied)
}

/// Copies all rows, as of one instant, into a file without any.
pub(super) async fn to_file(
    from: &mut PgConnection,
    to: &mut SqliteConnection,
) -> Result<Vec<Copied>, TransferError> {
    check_schemas(to, from).await?;
    let tables = tables(to).await?;
    sqlx::query("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
        .execute(&mut *from)
        .await
        .doing("begin to read")?;
    sqlx::query("BEGIN IMMEDIATE").execute(&mut *to).await.doing("begin to write")?;
    let mut copied = Vec::with_capacity(tables.len());
    for table in &tables {
        let rows = table_to_file(table, from, to).await?;
        check_same(table, to, from).await?;
        draw_on_in_file(table, from, to).await?;
        copied.push(Copied { table: table.name.clone(), rows });
    }
    sqlx::query("COMMIT").execute(&mut *to).await.doing("commit")?;
    sqlx::query("ROLLBACK").execute(&mut *from).await.doing("end reading")?;
    // By itself, so that it is one file.
    sqlx::query("PRAGMA journal_mode = DELETE").execute(&mut *to).await.doing("finish the file")?;
    Ok(copied)
}

/// Safe: the text is made of names in our own schema.
fn own(sql: String) -> AssertSqlSafe<String> {
    AssertSqlSafe(sql)
}

async fn check_schemas(
    file: &mut SqliteConnection,
    database: &mut PgConnection,
) -> Result<(), TransferError> {
    const NEWEST: &str = "SELECT MAX(version) FROM _sqlx_migrations";
    let from: i64 = sqlx::query_scalar(NEWEST).fetch_one(file).await.doing("read the file's schema")?;
    let to: i64 = sqlx::query_scalar(NEWEST).fetch_one(database).await.doing("read the schema")?;
    if from == to { Ok(()) } else { Err(TransferError::OtherSchema { from, to }) }
}

async fn table_to_postgres(
    table: &Table,
    from: &mut SqliteConnection,
    to: &mut PgConnection,
) -> Result<u64, TransferError> {
    let mut n_rows = 0;
    let mut batch: Vec<Vec<Value>> = Vec::with_capacity(ROWS_AT_ONCE);
    let mut rows = sqlx::query(own(table.select())).fetch(from);
    while let Some(row) = rows.try_next().await.doing(format!("read `{}`", table.name))? {
        batch.push(table.row_of_sqlite(&row).doing(format!("read `{}`", table.name))?);
        n_rows += 1;
        if batch.len() == ROWS_AT_ONCE {
            insert(table, &mut batch, to).await?;
        }
    }
    insert(table, &mut batch, to).await?;
    Ok(n_rows)
}

/// Writes a batch, one list for each column.
async fn insert(
    table: &Table,
    batch: &mut Vec<Vec<Value>>,
    to: &mut PgConnection,
) -> Result<(), TransferError> {
    if batch.is_empty() {
        return Ok(());
    }
    let lists: Vec<String> = table
        .columns
        .iter()
        .enumerate()
        .map(|(idx, column)| match column.kind {
            Kind::Int => format!("${}::BIGINT[]", idx + 1),
            Kind::Text => format!("${}::TEXT[]", idx + 1),
        })
        .collect();
    let sql = format!(
        "INSERT INTO {} ({}) SELECT * FROM UNNEST({})",
        table.name,
        table.column_list(),
        lists.join(", ")
    );
    let mut query = sqlx::query(own(sql));
    for (idx, column) in table.columns.iter().enumerate() {
        let values = batch.iter_mut().map(|row| std::mem::replace(&mut row[idx], Value::Int(None)));
        query = match column.kind {
            Kind::Int => query.bind(values.map(int).collect::<Vec<Option<i64>>>()),
            Kind::Text => query.bind(values.map(text).collect::<Vec<Option<String>>>()),
        };
    }
    query.execute(to).await.doing(format!("write `{}`", table.name))?;
    batch.clear();
    Ok(())
}

fn int(value: Value) -> Option<i64> {
    match value {
        Value::Int(value) => value,
        Value::Text(_) => None,
    }
}

fn text(value: Value) -> Option<String> {
    match value {
        Value::Text(value) => value,
        Value::Int(_) => None,
    }
}

async fn table_to_file(
    table: &Table,
    from: &mut PgConnection,
    to: &mut SqliteConnection,
) -> Result<u64, TransferError> {
    let mut n_rows = 0;
    let places: Vec<String> = (1..=table.columns.len()).map(|place| format!("${place}")).collect();
    let sql = format!("INSERT INTO {} ({}) VALUES ({})", table.name, table.column_list(), places.join(", "));
    let mut rows = sqlx::query(own(table.select())).fetch(from);
    while let Some(row) = rows.try_next().await.doing(format!("read `{}`", table.name))? {
        let mut query = sqlx::query(own(sql.clone()));
        for value in table.row_of_postgres(&row).doing(format!("read `{}`", table.name))? {
            query = match value {
                Value::Int(value) => query.bind(value),
                Value::Text(value) => query.bind(value),
            };
        }
        query.execute(&mut *to).await.doing(format!("write `{}`", table.name))?;
        n_rows += 1;
    }
    Ok(n_rows)
}

/// Compares all rows.
async fn check_same(
    table: &Table,
    file: &mut SqliteConnection,
    database: &mut PgConnection,
) -> Result<(), TransferError> {
    let doing = || format!("compare `{}`", table.name);
    let mut one = sqlx::query(own(table.select())).fetch(file);
    let mut other = sqlx::query(own(table.select())).fetch(database);
    loop {
        let row = one.try_next().await.doing(doing())?;
        let other_row = other.try_next().await.doing(doing())?;
        match (row, other_row) {
            (None, None) => return Ok(()),
            (Some(row), Some(other_row)) => {
                let row = table.row_of_sqlite(&row).doing(doing())?;
                if row != table.row_of_postgres(&other_row).doing(doing())? {
                    return Err(TransferError::Differs(table.name.clone()));
                }
            }
            (Some(_), None) | (None, Some(_)) => return Err(TransferError::Differs(table.name.clone())),
        }
    }
}

/// Has PostgreSQL draw greater numbers than were ever drawn.
async fn draw_on_in_postgres(
    table: &Table,
    from: &mut SqliteConnection,
    to: &mut PgConnection,
) -> Result<(), TransferError> {
    let Some(column) = &table.drawn else { return Ok(()) };
    let sql = format!("SELECT COALESCE(MAX({column}), 0) FROM {}", table.name);
    let mut last: i64 =
        sqlx::query_scalar(own(sql)).fetch_one(&mut *from).await.doing("find the last number")?;
    // Where a number is never drawn twice SQLite remembers it beyond the row.
    let remembered = sqlx::query("SELECT seq FROM sqlite_sequence WHERE name = $1")
        .bind(&table.name)
        .fetch_optional(from)
        .await
        .doing("find the last number")?;
    if let Some(row) = remembered {
        last = last.max(row.try_get(0).doing("find the last number")?);
    }
    sqlx::query("SELECT setval(pg_get_serial_sequence($1, $2), GREATEST($3, 1), $3 > 0)")
        .bind(&table.name)
        .bind(column)
        .bind(last)
        .execute(to)
        .await
        .doing("set the next number")?;
    Ok(())
}

/// The same for a file.
async fn draw_on_in_file(
    table: &Table,
    from: &mut PgConnection,
    to: &mut SqliteConnection,
) -> Result<(), TransferError> {
    let Some(column) = &table.drawn else { return Ok(()) };
    let last: Option<i64> =
        sqlx::query_scalar("SELECT pg_sequence_last_value(CAST(pg_get_serial_sequence($1, $2) AS regclass))")
            .bind(&table.name)
            .bind(column)
            .fetch_one(from)
            .await
            .doing("find the last number")?;
    let last = last.unwrap_or(0);
    sqlx::query("UPDATE sqlite_sequence SET seq = max(seq, $2) WHERE name = $1")
        .bind(&table.name)
        .bind(last)
        .execute(&mut *to)
        .await
        .doing("set the next number")?;
    // It has no row there while the table is empty, or if it does not remember its last number at all.
    sqlx::query(
        "INSERT INTO sqlite_sequence (name, seq) SELECT $1, $2
         WHERE NOT EXISTS (SELECT 1 FROM sqlite_sequence WHERE name = $1)
         AND EXISTS (SELECT 1 FROM sqlite_master WHERE name = $1 AND sql LIKE '%AUTOINCREMENT%')",
    )
    .bind(&table.name)
    .bind(last)
    .execute(to)
    .await
    .doing("set the next number")?;
    Ok(())
}
