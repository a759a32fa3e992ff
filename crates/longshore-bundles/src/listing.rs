//! Lists with prefix, delimiter and pages, over rows that come in the order of their keys.

use std::sync::Arc;

use async_trait::async_trait;
use longshore_store::{BundleIndex, MultipartUpload, ObjectRow, Page, StoreError};

/// The most entries of one answer.
pub(crate) const MAX_ENTRIES: usize = 1000;
/// Sorts after every key that goes on with it: the last character there is.
const LAST_CHAR: char = '\u{10FFFF}';
/// What follows the key in a page key of versions: after all versions of the key.
const AFTER_ALL_VERSIONS: &str = "\u{0}00000000000000000000";

/// Rows in order of their page keys.
#[async_trait]
pub(crate) trait Rows: Send + Sync {
    /// What is listed.
    type Row: Send;
    /// The rows after a page key.
    async fn rows(&self, page: &Page) -> Result<Vec<Self::Row>, StoreError>;
    /// The key by which a row is listed.
    fn key<'a>(&self, row: &'a Self::Row) -> &'a str;
    /// The page key of a row.
    fn page_key(&self, row: &Self::Row) -> String;
    /// A page key after all rows whose key begins with `prefix`.
    fn after_prefix(&self, prefix: &str) -> String;
}

/// Current objects.
pub(crate) struct CurrentObjects {
    pub(crate) index: Arc<dyn BundleIndex>,
    pub(crate) bucket: String,
    pub(crate) prefix: String,
}

/// All versions and delete markers.
pub(crate) struct Versions {
    pub(crate) index: Arc<dyn BundleIndex>,
    pub(crate) bucket: String,
    pub(crate) prefix: String,
}

/// Multipart uploads that are under way.
pub(crate) struct OpenUploads {
    pub(crate) index: Arc<dyn BundleIndex>,
    pub(crate) bucket: String,
    pub(crate) prefix: String,
}

#[async_trait]
impl Rows for CurrentObjects {
    type Row = ObjectRow;

    async fn rows(&self, page: &Page) -> Result<Vec<ObjectRow>, StoreError> {
        self.index.objects(&self.bucket, &self.prefix, page).await
    }

    fn key<'a>(&self, row: &'a ObjectRow) -> &'a str {
        &row.key
    }

    fn page_key(&self, row: &ObjectRow) -> String {
        row.key.clone()
    }

    fn after_prefix(&self, prefix: &str) -> String {
        format!("{prefix}{LAST_CHAR}")
    }
}

#[async_trait]
impl Rows for Versions {
    type Row = ObjectRow;

    async fn rows(&self, page: &Page) -> Result<Vec<ObjectRow>, StoreError> {
        self.index.object_versions(&self.bucket, &self.prefix, page).await
    }

    fn key<'a>(&self, row: &'a ObjectRow) -> &'a str {
        &row.key
    }

    fn page_key(&self, row: &ObjectRow) -> String {
        version_page_key(&row.key, row.sequence)
    }

    fn after_prefix(&self, prefix: &str) -> String {
        format!("{prefix}{LAST_CHAR}{AFTER_ALL_VERSIONS}")
    }
}

#[async_trait]
impl Rows for OpenUploads {
    type Row = MultipartUpload;

    async fn rows(&self, page: &Page) -> Result<Vec<MultipartUpload>, StoreError> {
        self.index.uploads(&self.bucket, &self.prefix, page).await
    }

    fn key<'a>(&self, row: &'a MultipartUpload) -> &'a str {
        &row.key
    }

    fn page_key(&self, row: &MultipartUpload) -> String {
        upload_page_key(&row.key, &row.id)
    }

    fn after_prefix(&self, prefix: &str) -> String {
        after_uploads(&format!("{prefix}{LAST_CHAR}"))
    }
}

/// The page key of one upload.
pub(crate) fn upload_page_key(key: &str, id: &str) -> String {
    format!("{key}\u{0}{id}")
}

/// A page key after all uploads to `key`.
pub(crate) fn after_uploads(key: &str) -> String {
    format!("{key}\u{0}{LAST_CHAR}")
}

/// The page key of one version.
pub(crate) fn version_page_key(key: &str, sequence: i64) -> String {
    format!("{key}\u{0}{sequence:020}")
}

/// A page key after all versions of `key`.
pub(crate) fn after_versions(key: &str) -> String {
    format!("{key}{AFTER_ALL_VERSIONS}")
}

/// Which entries are wanted.
#[derive(Debug, Default)]
pub(crate) struct Query {
    pub(crate) prefix: String,
    pub(crate) delimiter: Option<String>,
    /// Where to go on, a page key.
    pub(crate) after: Option<String>,
    pub(crate) limit: usize,
}

/// One entry of a list.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Entry<Row> {
    Row(Box<Row>),
    /// All keys that go on with this.
    CommonPrefix(String),
}

/// A page of a list.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Listed<Row> {
    pub(crate) entries: Vec<Entry<Row>>,
    /// Where to go on, if there is more.
    pub(crate) next: Option<String>,
}

/// `key` up to the first delimiter after `prefix`, with it.
pub(crate) fn common_prefix(key: &str, prefix: &str, delimiter: Option<&str>) -> Option<String> {
    let delimiter = delimiter.filter(|delimiter| !delimiter.is_empty())?;
    let at = key.strip_prefix(prefix)?.find(delimiter)?;
    Some(key[..prefix.len() + at + delimiter.len()].to_owned())
}

/// Lists.
///
/// # Errors
/// When the store cannot be read.
pub(crate) async fn list<R: Rows>(rows: &R, query: &Query) -> Result<Listed<R::Row>, StoreError> {
    let mut listed = Listed { entries: Vec::new(), next: None };
    if query.limit == 0 {
        return Ok(listed);
    }
    let mut after = query.after.clone();
    let mut group: Option<String> = None;
    loop {
        let limit = query.limit - listed.entries.len() + 1;
        let page = rows.rows(&Page { after: after.clone(), limit }).await?;
        let is_last = page.len() < limit;
        for row in page {
            let prefix = common_prefix(rows.key(&row), &query.prefix, query.delimiter.as_deref());
            if prefix.is_some() && prefix == group {
                continue;
            }
            if listed.entries.len() == query.limit {
                listed.next = after;
                return Ok(listed);
            }
            after = Some(match &prefix {
                Some(prefix) => rows.after_prefix(prefix),
                None => rows.page_key(&row),
            });
            listed.entries.push(match &prefix {
                Some(prefix) => Entry::CommonPrefix(prefix.clone()),
                None => Entry::Row(Box::new(row)),
            });
            group = prefix;
        }
        if is_last {
            return Ok(listed);
        }
    }
}

#[cfg(test)]
mod tests {
    use longshore_model::time::Timestamp;

    use super::*;

    struct Keys(Vec<&'static str>);

    #[async_trait]
    impl Rows for Keys {
        type Row = ObjectRow;

        async fn rows(&self, page: &Page) -> Result<Vec<ObjectRow>, StoreError> {
            let after = page.after.clone().unwrap_or_default();
            let keys = self.0.iter().filter(|key| **key > after.as_str()).take(page.limit);
            Ok(keys.map(|key| row(key)).collect())
        }

        fn key<'a>(&self, row: &'a ObjectRow) -> &'a str {
            &row.key
        }

        fn page_key(&self, row: &ObjectRow) -> String {
            row.key.clone()
        }

        fn after_prefix(&self, prefix: &str) -> String {
            format!("{prefix}{LAST_CHAR}")
        }
    }

    fn row(key: &str) -> ObjectRow {
        ObjectRow {
            bucket: String::new(),
            key: key.to_owned(),
            version: String::new(),
            sequence: 0,
            is_delete_marker: false,
            size_bytes: 0,
            e_tag: String::new(),
            modified_at: Timestamp::default(),
            files: Vec::new(),
            headers: Vec::new(),
        }
    }

    /// All pages of at most `limit` entries, pages parted by `|`.
    #[track_caller]
    fn check(limit: usize, delimiter: &str, expected: &str) {
        let rows = Keys(vec!["a", "b/1", "b/2", "b/3/x", "c", "d/1", "e"]);
        let mut query = Query { delimiter: Some(delimiter.to_owned()), limit, ..Query::default() };
        let mut pages = Vec::new();
        loop {
            let listed = futures::executor::block_on(list(&rows, &query)).expect("lists");
            let page: Vec<String> = listed
                .entries
                .into_iter()
                .map(|entry| match entry {
                    Entry::Row(row) => row.key,
                    Entry::CommonPrefix(prefix) => prefix,
                })
                .collect();
            pages.push(page.join(" "));
            query.after = listed.next;
            if query.after.is_none() {
                break;
            }
        }
        assert_eq!(pages.join(" | "), expected, "limit {limit}, delimiter {delimiter:?}");
    }

    #[test]
    fn pages_without_delimiter() {
        check(1000, "", "a b/1 b/2 b/3/x c d/1 e");
        check(3, "", "a b/1 b/2 | b/3/x c d/1 | e");
        check(7, "", "a b/1 b/2 b/3/x c d/1 e");
    }

    #[test]
    fn a_common_prefix_counts_once_and_never_over_two_pages() {
        check(1000, "/", "a b/ c d/ e");
        check(1, "/", "a | b/ | c | d/ | e");
        check(2, "/", "a b/ | c d/ | e");
        check(5, "/", "a b/ c d/ e");
    }
}
