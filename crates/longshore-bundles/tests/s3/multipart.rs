//! Multipart uploads.

use bytes::Bytes;

use crate::server::{Answer, Server};

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
