//! Promises of [`BundleIndex`](crate::BundleIndex).

use super::fixture::*;
use crate::{MultipartUpload, ObjectRow, Store, StoreError, UploadedPart};

fn object(key: &str, version: &str, files: &[&str]) -> ObjectRow {
    ObjectRow {
        bucket: String::from("b"),
        key: key.to_owned(),
        version: version.to_owned(),
        sequence: 0,
        is_delete_marker: false,
        size_bytes: 5_000_000_000,
        e_tag: format!("tag of {key} {version}"),
        modified_at: at(5),
        files: files.iter().map(|file| (*file).to_owned()).collect(),
        headers: vec![(String::from("content-type"), String::from("a/b"))],
    }
}

fn marker(key: &str, version: &str) -> ObjectRow {
    ObjectRow { is_delete_marker: true, size_bytes: 0, ..object(key, version, &[]) }
}

fn upload(id: &str) -> MultipartUpload {
    MultipartUpload {
        id: id.to_owned(),
        bucket: String::from("b"),
        key: String::from("k"),
        started_at: at(1),
        headers: vec![(String::from("x-amz-meta-a"), String::from("1"))],
    }
}

fn part(number: u32, file: &str) -> UploadedPart {
    UploadedPart {
        number,
        size_bytes: 6_000_000,
        e_tag: format!("tag {number}"),
        file: file.to_owned(),
        checksums: vec![(String::from("x-amz-checksum-crc32"), String::from("AAAA"))],
        modified_at: at(2),
    }
}

async fn add_bucket(store: &dyn Store) {
    store.create_bucket("b", at(0)).await.expect("make the bucket");
}

async fn put(store: &dyn Store, object: &ObjectRow) -> Vec<String> {
    store.put_object(object).await.expect("put")
}

fn keys(objects: &[ObjectRow]) -> Vec<(&str, &str)> {
    objects.iter().map(|object| (object.key.as_str(), object.version.as_str())).collect()
}

/// A bucket is made once, remembers versioning, and is deleted when it is empty.
pub async fn buckets_come_and_go(store: &dyn Store) {
    add_bucket(store).await;
    let again = store.create_bucket("b", at(9)).await;
    assert!(matches!(again, Err(StoreError::AlreadyExists(name)) if name == "b"));
    store.create_bucket("a", at(1)).await.expect("make");
    let all = store.buckets().await.expect("list");
    assert_eq!(all, [(String::from("a"), at(1)), (String::from("b"), at(0))]);

    assert_eq!(store.bucket("b").await.expect("read"), Some((at(0), None)));
    for is_enabled in [true, false] {
        store.set_versioning("b", is_enabled).await.expect("switch");
        assert_eq!(store.bucket("b").await.expect("read"), Some((at(0), Some(is_enabled))));
    }
    let missing = store.set_versioning("c", true).await;
    assert!(matches!(missing, Err(StoreError::NotFound(name)) if name == "c"));
    let missing = store.put_object(&ObjectRow { bucket: String::from("c"), ..marker("k", "v") }).await;
    assert!(matches!(missing, Err(StoreError::NotFound(name)) if name == "c"));

    put(store, &marker("k", "v")).await;
    assert!(matches!(store.delete_bucket("b").await, Err(StoreError::InUse(_))));
    store.remove_object("b", "k", "v").await.expect("remove");
    store.delete_bucket("b").await.expect("delete");
    assert!(matches!(store.delete_bucket("b").await, Err(StoreError::NotFound(name)) if name == "b"));
    assert_eq!(store.bucket("b").await.expect("read"), None);
}

/// The last row put is current, also when it takes the place of an older version.
pub async fn the_newest_row_is_the_current_one(store: &dyn Store) {
    add_bucket(store).await;
    let current = async || store.object("b", "k", None).await.expect("read");
    let version_of = |object: Option<ObjectRow>| object.map(|object| object.version);
    assert_eq!(current().await, None);
    put(store, &object("k", "v1", &["f1"])).await;
    put(store, &object("k", "v2", &["f2"])).await;
    let found = current().await.expect("it exists");
    assert_eq!(found, ObjectRow { sequence: found.sequence, ..object("k", "v2", &["f2"]) });
    let first = store.object("b", "k", Some("v1")).await.expect("read").expect("it exists");
    assert!(first.sequence < found.sequence);
    assert_eq!(store.object("b", "k", Some("v3")).await.expect("read"), None);

    put(store, &marker("k", "m")).await;
    assert!(current().await.expect("the marker").is_delete_marker);
    store.remove_object("b", "k", "m").await.expect("remove the marker");
    assert_eq!(version_of(current().await).as_deref(), Some("v2"));
    put(store, &object("k", "v1", &["f3"])).await;
    assert_eq!(version_of(current().await).as_deref(), Some("v1"));
    store.remove_object("b", "k", "v1").await.expect("remove");
    put(store, &object("k", "v4", &["f4"])).await;
    assert_eq!(version_of(current().await).as_deref(), Some("v4"), "a sequence is never used again");
}

/// Current objects by key in byte order; deleted ones are not listed, and a page goes on after a key.
pub async fn objects_are_listed_by_prefix(store: &dyn Store) {
    add_bucket(store).await;
    for key in ["a", "dir/1", "dir/2", "dir/\u{10FFFF}", "dir/é", "dir0", "DIR/1", "gone"] {
        put(store, &object(key, "null", &[])).await;
    }
    put(store, &object("dir/1", "v2", &[])).await;
    put(store, &marker("gone", "m")).await;
    put(store, &marker("dir/2", "m")).await;
    put(store, &object("dir/2", "back", &[])).await;
    let list = async |prefix: &str, after, limit| {
        let found = store.objects("b", prefix, &page(after, limit)).await.expect("list");
        found.into_iter().map(|object| object.key).collect::<Vec<_>>()
    };
    assert_eq!(list("", None, 3).await, ["DIR/1", "a", "dir/1"]);
    assert_eq!(list("", Some("dir/1"), 2).await, ["dir/2", "dir/é"]);
    assert_eq!(list("dir/", None, 9).await, ["dir/1", "dir/2", "dir/é", "dir/\u{10FFFF}"]);
    assert_eq!(list("dir/", Some("a"), 1).await, ["dir/1"]);
    assert_eq!(list("dir/", Some("dir/2\u{10FFFF}"), 1).await, ["dir/é"]);
    assert!(list("dir/", Some("e"), 9).await.is_empty());
    assert!(list("gone", None, 9).await.is_empty());
    assert!(list("dir/%", None, 9).await.is_empty());
    let found = store.objects("b", "dir/1", &whole()).await.expect("list");
    assert_eq!(keys(&found), [("dir/1", "v2")]);
    assert!(store.objects("other", "", &whole()).await.expect("list").is_empty());
}

/// All rows by key, then newest first; a page goes on within a key.
pub async fn versions_are_listed_newest_first(store: &dyn Store) {
    add_bucket(store).await;
    for row in [
        object("k", "v1", &[]),
        object("j", "v2", &[]),
        marker("k", "v3"),
        object("k", "v4", &[]),
        marker("l", "v5"),
    ] {
        put(store, &row).await;
    }
    let all = store.object_versions("b", "", &whole()).await.expect("list");
    assert_eq!(keys(&all), [("j", "v2"), ("k", "v4"), ("k", "v3"), ("k", "v1"), ("l", "v5")]);
    assert!(all[2].is_delete_marker);
    let after = format!("{}\u{0}{:020}", all[1].key, all[1].sequence);
    let rest = store.object_versions("b", "", &page(Some(&after), 2)).await.expect("list");
    assert_eq!(keys(&rest), [("k", "v3"), ("k", "v1")]);
    let of_prefix = store.object_versions("b", "k", &page(Some(&after), 9)).await.expect("list");
    assert_eq!(keys(&of_prefix), [("k", "v3"), ("k", "v1")]);
}

/// Replacing or removing a row answers its files, once.
pub async fn a_replaced_row_gives_its_files_free(store: &dyn Store) {
    add_bucket(store).await;
    assert!(put(store, &object("k", "null", &["f1", "f2"])).await.is_empty());
    let mut freed = put(store, &object("k", "null", &["f3"])).await;
    freed.sort();
    assert_eq!(freed, ["f1", "f2"]);
    assert!(put(store, &object("k", "v2", &["f4"])).await.is_empty());
    assert_eq!(store.bundle_files().await.expect("list"), ["f3", "f4"]);
    assert_eq!(store.remove_object("b", "k", "null").await.expect("remove"), ["f3"]);
    assert!(store.remove_object("b", "k", "null").await.expect("an unknown row is no error").is_empty());
    assert_eq!(store.bundle_files().await.expect("list"), ["f4"]);
}

/// A file that several rows name stays until the last of them goes.
pub async fn a_shared_file_is_free_when_nobody_names_it(store: &dyn Store) {
    add_bucket(store).await;
    put(store, &object("k", "null", &["f", "f"])).await;
    put(store, &object("copy", "null", &["f", "own"])).await;
    assert!(put(store, &object("k", "null", &["f"])).await.is_empty(), "the new row names it too");
    assert_eq!(store.remove_object("b", "copy", "null").await.expect("remove"), ["own"]);
    assert_eq!(store.remove_object("b", "k", "null").await.expect("remove"), ["f"]);
}

/// The object's files stay; parts that it does not name, and what it replaces, are free.
pub async fn an_upload_becomes_an_object(store: &dyn Store) {
    let missing = store.create_upload(&upload("u")).await;
    assert!(matches!(missing, Err(StoreError::NotFound(name)) if name == "b"));
    add_bucket(store).await;
    put(store, &object("k", "null", &["old"])).await;
    store.create_upload(&upload("u")).await.expect("begin");
    assert_eq!(store.put_part("u", &part(2, "p2")).await.expect("part"), None);
    assert_eq!(store.put_part("u", &part(1, "p1")).await.expect("part"), None);
    assert_eq!(store.put_part("u", &part(3, "p3")).await.expect("part"), None);
    assert_eq!(store.put_part("u", &part(1, "p1b")).await.expect("part").as_deref(), Some("p1"));
    let (read, parts) = store.upload("u").await.expect("read").expect("it is open");
    assert_eq!(read, upload("u"));
    assert_eq!(parts, [part(1, "p1b"), part(2, "p2"), part(3, "p3")]);
    assert_eq!(store.bundle_files().await.expect("list"), ["old", "p1b", "p2", "p3"]);

    let object = object("k", "null", &["p1b", "p2"]);
    let mut freed = store.end_upload("u", Some(&object)).await.expect("complete");
    freed.sort();
    assert_eq!(freed, ["old", "p3"]);
    assert_eq!(store.object("b", "k", None).await.expect("read").expect("it exists").files, ["p1b", "p2"]);
    assert_eq!(store.bundle_files().await.expect("list"), ["p1b", "p2"]);
    let again = store.end_upload("u", Some(&object)).await;
    assert!(matches!(again, Err(StoreError::NotFound(id)) if id == "u"));
    let late = store.put_part("u", &part(4, "p4")).await;
    assert!(matches!(late, Err(StoreError::NotFound(id)) if id == "u"));
    assert_eq!(store.upload("u").await.expect("read"), None);
}

/// An abort leaves no row and no object.
pub async fn an_aborted_upload_gives_its_parts_free(store: &dyn Store) {
    add_bucket(store).await;
    store.create_upload(&upload("u")).await.expect("begin");
    store.put_part("u", &part(1, "p1")).await.expect("part");
    assert_eq!(store.end_upload("u", None).await.expect("abort"), ["p1"]);
    assert!(matches!(store.end_upload("u", None).await, Err(StoreError::NotFound(_))));
    assert_eq!(store.object("b", "k", None).await.expect("read"), None);
    assert!(store.bundle_files().await.expect("list").is_empty());
}

/// By key, then by id; a page goes on within a key; other buckets' uploads are not seen.
pub async fn open_uploads_are_listed(store: &dyn Store) {
    add_bucket(store).await;
    store.create_bucket("other", at(0)).await.expect("make");
    for (bucket, key, id, started) in
        [("b", "k", "u2", 3), ("b", "k", "u1", 1), ("b", "a/1", "u3", 2), ("other", "k", "u4", 0)]
    {
        let begun = MultipartUpload {
            bucket: bucket.to_owned(),
            key: key.to_owned(),
            started_at: at(started),
            ..upload(id)
        };
        store.create_upload(&begun).await.expect("begin");
    }
    let list = async |prefix: &str, after, limit| {
        let found = store.uploads("b", prefix, &page(after, limit)).await.expect("list");
        found.into_iter().map(|upload| upload.id).collect::<Vec<_>>()
    };
    assert_eq!(list("", None, 9).await, ["u3", "u1", "u2"]);
    assert_eq!(list("", None, 2).await, ["u3", "u1"]);
    assert_eq!(list("", Some("k\u{0}u1"), 9).await, ["u2"]);
    assert_eq!(list("", Some("k\u{0}u2"), 9).await, [""; 0]);
    assert_eq!(list("a/", None, 9).await, ["u3"]);
    let before = async |secs, limit| store.uploads_before(at(secs), limit).await.expect("list");
    assert_eq!(before(3, 9).await, ["u4", "u1", "u3"]);
    assert_eq!(before(3, 1).await, ["u4"]);
    assert_eq!(before(0, 9).await, [""; 0]);
}
