//! Objects: what is put is what is got, whole, in parts and under conditions.

use crate::server::Server;

const HELLO_MD5: &str = "5d41402abc4b2a76b9719d911017c592";

#[tokio::test]
async fn what_is_put_is_got() {
    let server = Server::with_bucket().await;
    let put = server
        .put("/bkt/dir/hello.txt")
        .header("content-type", "text/plain")
        .header("x-amz-meta-owner", "ann")
        .body("hello")
        .expect(200)
        .await;
    assert_eq!(put.header("etag"), Some(format!("\"{HELLO_MD5}\"").as_str()));
    assert_eq!(put.header("x-amz-version-id"), None);
    let got = server.get("/bkt/dir/hello.txt").expect(200).await;
    assert_eq!(got.text(), "hello");
    assert_eq!(got.header("content-type"), Some("text/plain"));
    assert_eq!(got.header("x-amz-meta-owner"), Some("ann"));
    let head = server.head("/bkt/dir/hello.txt").expect(200).await;
    assert_eq!((head.header("content-length"), head.body.len()), (Some("5"), 0));
    assert_eq!(head.header("etag"), put.header("etag"));
}

#[tokio::test]
async fn an_empty_object_is_an_object() {
    let server = Server::with_bucket().await;
    server.put("/bkt/empty").expect(200).await;
    assert_eq!(server.get("/bkt/empty").expect(200).await.body.len(), 0);
    server.get("/bkt/empty").header("range", "bytes=0-").expect(416).await;
}

#[tokio::test]
async fn nothing_there() {
    let server = Server::with_bucket().await;
    assert_eq!(server.get("/bkt/k").expect(404).await.element("Code"), "NoSuchKey");
    assert_eq!(server.get("/nob/k").expect(404).await.element("Code"), "NoSuchBucket");
    assert_eq!(server.put("/nob/k").body("x").expect(404).await.element("Code"), "NoSuchBucket");
    assert_eq!(server.head("/bkt/k").expect(404).await.body.len(), 0);
    server.delete("/bkt/k").expect(204).await;
}

#[tokio::test]
async fn ranges() {
    let server = Server::with_bucket().await;
    server.put("/bkt/k").body("0123456789").expect(200).await;
    for (range, expected, content_range) in [
        ("bytes=0-0", "0", "bytes 0-0/10"),
        ("bytes=3-5", "345", "bytes 3-5/10"),
        ("bytes=8-", "89", "bytes 8-9/10"),
        ("bytes=8-100", "89", "bytes 8-9/10"),
        ("bytes=-3", "789", "bytes 7-9/10"),
    ] {
        let part = server.get("/bkt/k").header("range", range).expect(206).await;
        assert_eq!(part.text(), expected, "{range}");
        assert_eq!(part.header("content-range"), Some(content_range), "{range}");
    }
    let beyond = server.get("/bkt/k").header("range", "bytes=10-").expect(416).await;
    assert_eq!(beyond.header("content-range"), Some("bytes */10"));
    assert_eq!(beyond.element("Code"), "InvalidRange");
}

#[tokio::test]
async fn conditions_of_reads() {
    let server = Server::with_bucket().await;
    let put = server.put("/bkt/k").body("hello").expect(200).await;
    let e_tag = put.header("etag").expect("an etag");
    let head = server.head("/bkt/k").expect(200).await;
    let modified = head.header("last-modified").expect("a time").to_owned();
    server.get("/bkt/k").header("if-match", e_tag).expect(200).await;
    server.get("/bkt/k").header("if-match", "\"x\"").expect(412).await;
    let unchanged = server.get("/bkt/k").header("if-none-match", e_tag).expect(304).await;
    assert_eq!((unchanged.header("etag"), unchanged.body.len()), (Some(e_tag), 0));
    assert_eq!(unchanged.header("content-type"), None);
    server.get("/bkt/k").header("if-none-match", "\"x\"").expect(200).await;
    server.get("/bkt/k").header("if-modified-since", modified.as_str()).expect(304).await;
    server.get("/bkt/k").header("if-unmodified-since", modified).expect(200).await;
    server.head("/bkt/k").header("if-unmodified-since", "Mon, 01 Jan 2001 00:00:00 GMT").expect(412).await;
}

#[tokio::test]
async fn conditions_of_writes() {
    let server = Server::with_bucket().await;
    server.put("/bkt/k").header("if-match", "*").body("x").expect(404).await;
    server.put("/bkt/k").header("if-none-match", "*").body("hello").expect(200).await;
    server.put("/bkt/k").header("if-none-match", "*").body("other").expect(412).await;
    server.put("/bkt/k").header("if-match", "\"x\"").body("other").expect(412).await;
    assert_eq!(server.get("/bkt/k").expect(200).await.text(), "hello");
    server.put("/bkt/k").header("if-match", format!("\"{HELLO_MD5}\"")).body("other").expect(200).await;
    assert_eq!(server.get("/bkt/k").expect(200).await.text(), "other");
    assert_eq!(server.files("incoming").len(), 0);
}

#[tokio::test]
async fn one_of_many_writers_makes_a_new_object() {
    let server = Server::with_bucket().await;
    let puts = (0..8).map(|n| server.put("/bkt/k").header("if-none-match", "*").body(n.to_string()).send());
    let answers = futures::future::join_all(puts).await;
    let n_made = answers.iter().filter(|answer| answer.status.as_u16() == 200).count();
    assert_eq!(n_made, 1);
    assert_eq!(server.files("content").len(), 1);
}

#[tokio::test]
async fn checksums_are_verified_and_given_back() {
    let server = Server::with_bucket().await;
    let (header, crc) = ("x-amz-checksum-crc32", "NhCmhg==");
    let put = server.put("/bkt/k").header(header, crc).body("hello").expect(200).await;
    assert_eq!(put.header(header), Some(crc));
    let bad = server.put("/bkt/bad").header(header, "AAAAAA==").body("hello").expect(400).await;
    assert_eq!(bad.element("Code"), "BadDigest");
    let bad =
        server.put("/bkt/bad").header("content-md5", "AAAAAAAAAAAAAAAAAAAAAA==").body("hello").expect(400);
    assert_eq!(bad.await.element("Code"), "BadDigest");
    server.head("/bkt/bad").expect(404).await;
    let mode = "x-amz-checksum-mode";
    assert_eq!(server.get("/bkt/k").expect(200).await.header(header), None);
    assert_eq!(server.get("/bkt/k").header(mode, "ENABLED").expect(200).await.header(header), Some(crc));
    let part = server.get("/bkt/k").header(mode, "ENABLED").header("range", "bytes=0-1").expect(206).await;
    assert_eq!(part.header(header), None);
}

#[tokio::test]
async fn a_replaced_object_leaves_no_file() {
    let server = Server::with_bucket().await;
    for body in ["one", "two", "three"] {
        server.put("/bkt/k").body(body).expect(200).await;
    }
    assert_eq!(server.files("content").len(), 1);
    server.delete("/bkt/k").expect(204).await;
    assert_eq!(server.files("content").len(), 0);
}

#[tokio::test]
async fn keys_are_only_names() {
    let server = Server::with_bucket().await;
    for key in ["..%2F..%2Fescape", "a%20b%2Bc", "%E6%97%A5", "x//y", "..", "."] {
        let target = format!("/bkt/{key}");
        server.put(&target).body(key).expect(200).await;
        assert_eq!(server.get(&target).expect(200).await.text(), key);
    }
    assert_eq!(server.files("content").len(), 6);
    let above = server.folder.path().parent().expect("a folder above").join("escape");
    assert!(!above.exists());
}

#[tokio::test]
async fn a_copy_is_an_object_of_its_own() {
    let server = Server::with_bucket().await;
    server.put("/bkt/from").header("x-amz-meta-a", "1").body("hello").expect(200).await;
    let copy = |to: &str| server.put(to).header("x-amz-copy-source", "/bkt/from");
    let copied = copy("/bkt/to").expect(200).await;
    assert!(copied.element("ETag").contains(HELLO_MD5), "{}", copied.text());
    server.delete("/bkt/from").expect(204).await;
    let got = server.get("/bkt/to").expect(200).await;
    assert_eq!((got.text().as_str(), got.header("x-amz-meta-a")), ("hello", Some("1")));
    copy("/bkt/again").expect(404).await;
    let replaced = server
        .put("/bkt/to")
        .header("x-amz-copy-source", "/bkt/to")
        .header("x-amz-metadata-directive", "REPLACE")
        .header("x-amz-meta-a", "2");
    replaced.expect(200).await;
    let got = server.get("/bkt/to").expect(200).await;
    assert_eq!((got.text().as_str(), got.header("x-amz-meta-a")), ("hello", Some("2")));
    assert_eq!(server.files("content").len(), 1);
}

#[tokio::test]
async fn answers_may_be_described_anew() {
    let server = Server::with_bucket().await;
    server.put("/bkt/k").header("content-type", "text/plain").body("hello").expect(200).await;
    let got = server.get("/bkt/k?response-content-type=application%2Fzip").expect(200).await;
    assert_eq!(got.header("content-type"), Some("application/zip"));
}

#[tokio::test]
async fn a_deletion_may_have_a_condition() {
    let server = Server::with_bucket().await;
    let put = server.put("/bkt/k").body("hello").expect(200).await;
    let e_tag = put.header("etag").expect("an etag").to_owned();
    let refused = server.delete("/bkt/k").header("if-match", "\"other\"").expect(412).await;
    assert_eq!(refused.element("Code"), "PreconditionFailed");
    let batch = |e_tag: &str| {
        let object = format!("<Object><Key>k</Key><ETag>{}</ETag></Object>", e_tag.replace('"', "&quot;"));
        server.post("/bkt?delete").body(format!("<Delete>{object}</Delete>"))
    };
    assert_eq!(batch("\"other\"").expect(200).await.element("Code"), "PreconditionFailed");
    server.head("/bkt/k").expect(200).await;
    server.delete("/bkt/k").header("if-match", e_tag.as_str()).expect(204).await;
    server.head("/bkt/k").expect(404).await;
    server.delete("/bkt/k").header("if-match", "*").expect(404).await;
    server.put("/bkt/k").body("hello").expect(200).await;
    assert_eq!(batch(&e_tag).expect(200).await.elements("Deleted").len(), 1);
}
