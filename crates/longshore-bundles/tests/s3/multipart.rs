//! Multipart uploads.

use std::time::Duration;

use bytes::Bytes;

use crate::server::{Answer, Server, now};

/// Larger than the least part, and no multiple of any block.
const PART_BYTES: usize = 5 * 1024 * 1024 + 17;

fn part(seed: u8) -> Bytes {
    (0..PART_BYTES).map(|at| seed.wrapping_add((at % 251) as u8)).collect()
}

async fn begun(server: &Server, headers: &[(&str, &str)]) -> String {
    let ask =
        headers.iter().fold(server.post("/bkt/k?uploads"), |ask, (name, value)| ask.header(name, *value));
    ask.expect(200).await.element("UploadId")
}

async fn upload(server: &Server, id: &str, number: usize, body: Bytes) -> Answer {
    server.put(&format!("/bkt/k?partNumber={number}&uploadId={id}")).body(body).expect(200).await
}

/// `parts` are numbers and ETags.
fn list_of(parts: &[(usize, &str)]) -> String {
    let parts = parts
        .iter()
        .map(|(number, e_tag)| format!("<Part><PartNumber>{number}</PartNumber><ETag>{e_tag}</ETag></Part>"));
    format!("<CompleteMultipartUpload>{}</CompleteMultipartUpload>", parts.collect::<String>())
}

#[tokio::test]
async fn parts_become_one_object() {
    let server = Server::with_bucket().await;
    let id = begun(&server, &[("content-type", "application/zip"), ("x-amz-meta-a", "1")]).await;
    let bodies = [part(1), part(2), Bytes::from_static(b"tail")];
    let mut e_tags = Vec::new();
    for (idx, body) in bodies.iter().enumerate() {
        let answer = upload(&server, &id, idx + 1, body.clone()).await;
        e_tags.push(answer.header("etag").expect("an etag").replace('"', "&quot;"));
    }
    server.head("/bkt/k").expect(404).await;
    let listed = server.get(&format!("/bkt/k?uploadId={id}")).expect(200).await;
    assert_eq!(listed.elements("PartNumber"), ["1", "2", "3"]);
    let list = list_of(&[(1, &e_tags[0]), (2, &e_tags[1]), (3, &e_tags[2])]);
    let complete = format!("/bkt/k?uploadId={id}");
    let done = server.post(&complete).body(list.clone()).expect(200).await;
    assert!(done.element("ETag").contains("-3"), "{}", done.text());
    let whole = bodies.concat();
    let got = server.get("/bkt/k").expect(200).await;
    assert!(got.body == whole, "the parts are joined");
    assert_eq!(
        (got.header("content-type"), got.header("x-amz-meta-a")),
        (Some("application/zip"), Some("1"))
    );
    let range = format!("bytes={}-{}", PART_BYTES - 2, PART_BYTES + 2);
    let across = server.get("/bkt/k").header("range", range).expect(206).await;
    assert_eq!(across.body, whole[PART_BYTES - 2..=PART_BYTES + 2]);
    let again = server.post(&complete).body(list).expect(200).await;
    assert_eq!(again.element("ETag"), done.element("ETag"));
    server.delete("/bkt/k").expect(204).await;
    assert_eq!(server.files("content").len(), 0);
}

#[tokio::test]
async fn what_does_not_fit_is_refused() {
    let server = Server::with_bucket().await;
    let id = begun(&server, &[]).await;
    let complete = format!("/bkt/k?uploadId={id}");
    let small = upload(&server, &id, 1, Bytes::from_static(b"small")).await;
    upload(&server, &id, 2, Bytes::from_static(b"last")).await;
    let e_tag = small.header("etag").expect("an etag").replace('"', "&quot;");
    for (list, code) in [
        (list_of(&[]), "MalformedXML"),
        (list_of(&[(2, "&quot;x&quot;"), (1, &e_tag)]), "InvalidPart"),
        (list_of(&[(1, &e_tag), (1, &e_tag)]), "InvalidPartOrder"),
        (list_of(&[(3, &e_tag)]), "InvalidPart"),
    ] {
        assert_eq!(
            server.post(&complete).body(list.clone()).expect(400).await.element("Code"),
            code,
            "{list}"
        );
    }
    let last = upload(&server, &id, 2, Bytes::from_static(b"last")).await;
    let last = last.header("etag").expect("an etag").replace('"', "&quot;");
    let too_small = server.post(&complete).body(list_of(&[(1, &e_tag), (2, &last)])).expect(400).await;
    assert_eq!(too_small.element("Code"), "EntityTooSmall");
    server.put(&format!("/bkt/k?partNumber=0&uploadId={id}")).body("x").expect(400).await;
    server.put("/bkt/k?partNumber=1&uploadId=unknown").body("x").expect(404).await;
    server.put(&format!("/bkt/other?partNumber=1&uploadId={id}")).body("x").expect(404).await;
}

#[tokio::test]
async fn an_aborted_upload_leaves_nothing() {
    let server = Server::with_bucket().await;
    let id = begun(&server, &[]).await;
    upload(&server, &id, 1, Bytes::from_static(b"one")).await;
    upload(&server, &id, 1, Bytes::from_static(b"two")).await;
    assert_eq!(server.files("content").len(), 1);
    server.delete(&format!("/bkt/k?uploadId={id}")).expect(204).await;
    assert_eq!(server.files("content").len(), 0);
    let gone = server.delete(&format!("/bkt/k?uploadId={id}")).expect(404).await;
    assert_eq!(gone.element("Code"), "NoSuchUpload");
}

#[tokio::test]
async fn the_checksum_of_the_whole_comes_from_the_parts() {
    let server = Server::with_bucket().await;
    let id = begun(&server, &[("x-amz-checksum-algorithm", "CRC32"), ("x-amz-checksum-type", "FULL_OBJECT")])
        .await;
    let first = upload(&server, &id, 1, part(7)).await;
    let last = upload(&server, &id, 2, Bytes::from_static(b"tail")).await;
    assert!(first.header("x-amz-checksum-crc32").is_some());
    let e_tags = [&first, &last].map(|answer| answer.header("etag").expect("an etag").replace('"', "&quot;"));
    let list = list_of(&[(1, &e_tags[0]), (2, &e_tags[1])]);
    let complete = format!("/bkt/k?uploadId={id}");
    let wrong = server.post(&complete).header("x-amz-checksum-crc32", "AAAAAA==").body(list.clone());
    assert_eq!(wrong.expect(400).await.element("Code"), "BadDigest");
    let done = server.post(&complete).body(list).expect(200).await;
    let whole = server.put("/bkt/whole").header("x-amz-sdk-checksum-algorithm", "CRC32");
    let whole = whole.body([part(7), Bytes::from_static(b"tail")].concat()).expect(200).await;
    assert_eq!(Some(done.element("ChecksumCRC32").as_str()), whole.header("x-amz-checksum-crc32"));
    assert_eq!(done.element("ChecksumType"), "FULL_OBJECT");
}

#[tokio::test]
async fn a_part_can_be_copied() {
    let server = Server::with_bucket().await;
    server.put("/bkt/from").body("0123456789").expect(200).await;
    let id = begun(&server, &[]).await;
    let copied = server
        .put(&format!("/bkt/k?partNumber=1&uploadId={id}"))
        .header("x-amz-copy-source", "/bkt/from")
        .header("x-amz-copy-source-range", "bytes=2-4")
        .expect(200)
        .await;
    let list = list_of(&[(1, &copied.element("ETag"))]);
    server.post(&format!("/bkt/k?uploadId={id}")).body(list).expect(200).await;
    assert_eq!(server.get("/bkt/k").expect(200).await.text(), "234");
}

#[tokio::test]
async fn open_uploads_are_listed() {
    let server = Server::with_bucket().await;
    let mut ids = Vec::new();
    for key in ["a/1", "a/2", "k", "k", "\u{e9}"] {
        let key = key.replace('\u{e9}', "%C3%A9");
        ids.push(server.post(&format!("/bkt/{key}?uploads")).expect(200).await.element("UploadId"));
    }
    let all = server.get("/bkt?uploads").expect(200).await;
    assert_eq!(all.elements("UploadId"), ids, "uploads to one key come in the order of their beginning");
    assert_eq!(all.element("IsTruncated"), "false");
    let encoded = server.get("/bkt?uploads&encoding-type=url&key-marker=k").expect(200).await;
    assert_eq!(encoded.elements("Key"), ["%C3%A9"]);
    let grouped = server.get("/bkt?uploads&delimiter=%2F&max-uploads=2").expect(200).await;
    assert_eq!((grouped.elements("Key"), grouped.elements("Prefix").len()), (vec!["k".to_owned()], 2));
    let of_prefix = server.get("/bkt?uploads&prefix=a%2F").expect(200).await;
    assert_eq!(of_prefix.elements("UploadId"), ids[..2]);
    let (mut paged, mut target) = (Vec::new(), String::from("/bkt?uploads&max-uploads=1"));
    for _ in 0..ids.len() {
        let page = server.get(&target).expect(200).await;
        paged.extend(page.elements("UploadId"));
        let marker = page.element("NextKeyMarker").replace('\u{e9}', "%C3%A9");
        let id = page.element("NextUploadIdMarker");
        target = format!("/bkt?uploads&max-uploads=1&key-marker={marker}&upload-id-marker={id}");
    }
    assert_eq!(paged, ids);
    server.get("/nothing?uploads").expect(404).await;
}

#[tokio::test]
async fn an_abandoned_upload_expires() {
    let server = Server::with_bucket().await;
    let old = begun(&server, &[]).await;
    upload(&server, &old, 1, Bytes::from_static(b"part")).await;
    let week = Duration::from_secs(7 * 24 * 3600);
    assert_eq!(server.service.expire_uploads(now().minus(week)).await.expect("looks"), 0);
    server.get(&format!("/bkt/k?uploadId={old}")).expect(200).await;
    let in_a_week = now().plus(week).plus(Duration::from_secs(1));
    assert_eq!(server.service.expire_uploads(in_a_week.minus(week)).await.expect("looks"), 1);
    server.get(&format!("/bkt/k?uploadId={old}")).expect(404).await;
    assert_eq!(server.files("content").len(), 0);
    assert!(server.get("/bkt?uploads").expect(200).await.elements("UploadId").is_empty());
}

#[tokio::test]
async fn the_length_that_the_caller_states_must_be_that_of_the_parts() {
    let server = Server::with_bucket().await;
    let id = begun(&server, &[]).await;
    let part = upload(&server, &id, 1, Bytes::from_static(b"hello")).await;
    let list = list_of(&[(1, &part.header("etag").expect("an etag").replace('"', "&quot;"))]);
    let complete = format!("/bkt/k?uploadId={id}");
    let wrong = server.post(&complete).header("x-amz-mp-object-size", "4").body(list.clone());
    assert_eq!(wrong.expect(400).await.element("Code"), "InvalidRequest");
    server.post(&complete).header("x-amz-mp-object-size", "5").body(list).expect(200).await;
}

#[tokio::test]
async fn an_object_is_read_by_part() {
    let server = Server::with_bucket().await;
    let id = begun(&server, &[]).await;
    let first = upload(&server, &id, 1, part(1)).await;
    let last = upload(&server, &id, 7, Bytes::from_static(b"tail")).await;
    let e_tags = [&first, &last].map(|answer| answer.header("etag").expect("an etag").replace('"', "&quot;"));
    let list = list_of(&[(1, &e_tags[0]), (7, &e_tags[1])]);
    server.post(&format!("/bkt/k?uploadId={id}")).body(list).expect(200).await;
    let got = server.get("/bkt/k?partNumber=2").expect(206).await;
    assert_eq!((got.text().as_str(), got.header("x-amz-mp-parts-count")), ("tail", Some("2")));
    let range = format!("bytes {PART_BYTES}-{}/{}", PART_BYTES + 3, PART_BYTES + 4);
    assert_eq!(got.header("content-range"), Some(range.as_str()));
    assert!(server.get("/bkt/k?partNumber=1").expect(206).await.body == part(1));
    let head = server.head("/bkt/k?partNumber=2").expect(206).await;
    assert_eq!((head.header("content-length"), head.header("x-amz-mp-parts-count")), (Some("4"), Some("2")));
    let none = server.get("/bkt/k?partNumber=3").expect(416).await;
    assert_eq!(none.element("Code"), "InvalidPartNumber");
    server.get("/bkt/k?partNumber=1").header("range", "bytes=0-1").expect(400).await;
    server.put("/bkt/whole").body("hello").expect(200).await;
    let whole = server.get("/bkt/whole?partNumber=1").expect(206).await;
    assert_eq!((whole.text().as_str(), whole.header("x-amz-mp-parts-count")), ("hello", None));
    server.get("/bkt/whole?partNumber=2").expect(416).await;
}
