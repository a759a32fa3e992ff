//! Tables and columns, as the schema has them.

use std::collections::BTreeSet;

use sqlx::postgres::PgRow;
use sqlx::sqlite::SqliteRow;
use sqlx::{Row as _, SqliteConnection};

use super::{Doing as _, TransferError};

/// What a column holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Int,
    Text,
}

#[derive(Clone, Debug)]
pub(super) struct Column {
    pub(super) name: String,
    pub(super) kind: Kind,
}

/// A table.
#[derive(Clone, Debug)]
pub(super) struct Table {
    pub(super) name: String,
    pub(super) columns: Vec<Column>,
    /// Names of the columns that tell its rows apart.
    pub(super) key: Vec<String>,
    /// The column whose values the database draws, if it has one.
    pub(super) drawn: Option<String>,
    /// The tables that its rows point to.
    parents: BTreeSet<String>,
}

/// A value as both databases have it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Value {
    Int(Option<i64>),
    Text(Option<String>),
}

impl Table {
    /// The names of its columns, for a statement. Names are those of our own schema.
    pub(super) fn column_list(&self) -> String {
        let names: Vec<&str> = self.columns.iter().map(|column| column.name.as_str()).collect();
        names.join(", ")
    }

    /// All rows in the order of their keys, which is the same in both databases.
    pub(super) fn select(&self) -> String {
        format!("SELECT {} FROM {} ORDER BY {}", self.column_list(), self.name, self.key.join(", "))
    }

    pub(super) fn row_of_sqlite(&self, row: &SqliteRow) -> Result<Vec<Value>, sqlx::Error> {
        let columns = self.columns.iter().enumerate();
        columns
            .map(|(idx, column)| match column.kind {
                Kind::Int => row.try_get(idx).map(Value::Int),
                Kind::Text => row.try_get(idx).map(Value::Text),
            })
            .collect()
    }

    pub(super) fn row_of_postgres(&self, row: &PgRow) -> Result<Vec<Value>, sqlx::Error> {
        let columns = self.columns.iter().enumerate();
        columns
            .map(|(idx, column)| match column.kind {
                Kind::Int => row.try_get(idx).map(Value::Int),
                Kind::Text => row.try_get(idx).map(Value::Text),
            })
            .collect()
    }
}

/// All tables, each after those that it points to.
pub(super) async fn tables(conn: &mut SqliteConnection) -> Result<Vec<Table>, TransferError> {
    let names = sqlx::query_scalar::<_, String>(
        "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'
         AND name <> '_sqlx_migrations' ORDER BY name",
    )
    .fetch_all(&mut *conn)
    .await
    .doing("list the tables")?;
    let mut left = Vec::with_capacity(names.len());
    for name in names {
        left.push(table(conn, name).await?);
    }
    let mut ordered: Vec<Table> = Vec::with_capacity(left.len());
    while !left.is_empty() {
        let is_ready = |table: &Table| {
            table.parents.iter().all(|parent| ordered.iter().any(|done| done.name == *parent))
        };
        // Our schema has no circle; if it had one, its tables would go last and be refused there.
        let idx = left.iter().position(is_ready).unwrap_or(0);
        ordered.push(left.remove(idx));
    }
    Ok(ordered)
}

async fn table(conn: &mut SqliteConnection, name: String) -> Result<Table, TransferError> {
    let rows = sqlx::query("SELECT name, upper(type), pk FROM pragma_table_info($1) ORDER BY cid")
        .bind(&name)
        .fetch_all(&mut *conn)
        .await
        .doing("look at a table")?;
    let mut columns = Vec::with_capacity(rows.len());
    let mut key: Vec<(i64, String)> = Vec::new();
    let mut drawn = None;
    for row in rows {
        let column: String = row.try_get(0).doing("look at a column")?;
        let declared: String = row.try_get(1).doing("look at a column")?;
        let place_in_key: i64 = row.try_get(2).doing("look at a column")?;
        if 0 < place_in_key {
            key.push((place_in_key, column.clone()));
        }
        if declared == "INTEGER" && 0 < place_in_key {
            drawn = Some(column.clone());
        }
        let kind = if declared == "TEXT" { Kind::Text } else { Kind::Int };
        columns.push(Column { name: column, kind });
    }
    key.sort();
    let parents =
        sqlx::query_scalar::<_, String>("SELECT DISTINCT \"table\" FROM pragma_foreign_key_list($1)")
            .bind(&name)
            .fetch_all(conn)
            .await
            .doing("look at what a table points to")?;
    let parents = parents.into_iter().filter(|parent| *parent != name).collect();
    let key = key.into_iter().map(|(_, column)| column).collect();
    Ok(Table { name, columns, key, drawn, parents })
}
