//! How bytes travel: `aws-chunked`, `Expect`, virtual hosts, broken connections, restarts.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::Request;
use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::server::{Server, credentials};

const UNSIGNED_TRAILER: &str = "STREAMING-UNSIGNED-PAYLOAD-TRAILER";

/// The head of a request as it goes over the wire.
fn head_of(request: &Request<Full<Bytes>>) -> String {
    let mut head = format!("{} {} HTTP/1.1\r\n", request.method(), request.uri().path());
    for (name, value) in request.headers() {
        head.push_str(&format!("{name}: {}\r\n", value.to_str().expect("a readable header")));
    }
    head + "\r\n"
}

async fn eventually(what: &str, is_so: impl Fn() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(10);
    while !is_so() {
        assert!(Instant::now() < deadline, "{what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

async fn check_chunked(body: &'static str, length: &str, trailer: bool, expected: &str) {
    let server = Server::with_bucket().await;
    let mut ask = server
        .put("/bkt/k")
        .payload(UNSIGNED_TRAILER)
        .header("content-encoding", "aws-chunked")
        .header("x-amz-decoded-content-length", length)
        .body(body);
    if trailer {
        ask = ask.header("x-amz-trailer", "x-amz-checksum-crc32");
    }
    let answer = ask.send().await;
    let shown = if answer.status.is_success() { "ok".to_owned() } else { answer.element("Code") };
    assert_eq!(shown, expected, "{body:?}: {}", answer.text());
    if expected == "ok" {
        let got = server.get("/bkt/k").expect(200).await;
        assert_eq!((got.text().as_str(), got.header("content-encoding")), ("hello", None));
    } else {
        server.head("/bkt/k").expect(404).await;
        assert_eq!(server.files("incoming").len() + server.files("content").len(), 0);
    }
}

#[tokio::test]
async fn aws_chunked_with_a_trailer() {
    let good = "5\r\nhello\r\n0\r\nx-amz-checksum-crc32:NhCmhg==\r\n\r\n";
    check_chunked(good, "5", true, "ok").await;
    check_chunked("2\r\nhe\r\n3\r\nllo\r\n0\r\nx-amz-checksum-crc32:NhCmhg==\r\n\r\n", "5", true, "ok").await;
    check_chunked("5\r\nhello\r\n0\r\nx-amz-checksum-crc32:AAAAAA==\r\n\r\n", "5", true, "BadDigest").await;
    check_chunked("5\r\nhello\r\n0\r\n\r\n", "5", true, "MalformedTrailerError").await;
    check_chunked(good, "6", true, "IncompleteBody").await;
    check_chunked("5\r\nhello\r\n", "5", true, "MalformedTrailerError").await;
    check_chunked("5\r\nhel", "5", true, "IncompleteBody").await;
    check_chunked("zz\r\nhello\r\n0\r\n\r\n", "5", true, "InvalidRequest").await;
    check_chunked(good, "5", false, "InvalidRequest").await;
}

#[tokio::test]
async fn one_large_chunk_is_as_good_as_many_small_ones() {
    let server = Server::with_bucket().await;
    let content: Bytes = (0..3_000_000_u32).map(|at| (at % 253) as u8).collect();
    let plain =
        server.put("/bkt/plain").header("x-amz-sdk-checksum-algorithm", "CRC32").body(content.clone());
    let plain = plain.expect(200).await;
    let crc = plain.header("x-amz-checksum-crc32").expect("a checksum");
    let head = format!("{:x}\r\n", content.len());
    let tail = format!("\r\n0\r\nx-amz-checksum-crc32:{crc}\r\n\r\n");
    let put = server
        .put("/bkt/k")
        .payload(UNSIGNED_TRAILER)
        .header("content-encoding", "aws-chunked")
        .header("x-amz-decoded-content-length", content.len().to_string())
        .header("x-amz-trailer", "x-amz-checksum-crc32")
        .body([head.as_bytes(), &content, tail.as_bytes()].concat())
        .expect(200)
        .await;
    assert_eq!(put.header("x-amz-checksum-crc32"), Some(crc));
    assert!(server.get("/bkt/k").expect(200).await.body == content, "the chunk arrives whole");
}

/// Sends one signed chunk that claims to be this large.
async fn check_signed_chunk(size_bytes: usize, code: &str, message: &str) {
    let server = Server::with_bucket().await;
    let body = format!("{size_bytes:x};chunk-signature={}\r\nhello", "a".repeat(64));
    let put = server
        .put("/bkt/k")
        .payload("STREAMING-AWS4-HMAC-SHA256-PAYLOAD")
        .header("content-encoding", "aws-chunked")
        .header("x-amz-decoded-content-length", size_bytes.to_string())
        .body(body);
    let answer = put.expect(400).await;
    assert_eq!(answer.element("Code"), code, "{}", answer.text());
    assert!(answer.element("Message").contains(message), "{}", answer.text());
    assert_eq!(server.files("incoming").len() + server.files("content").len(), 0);
}

#[tokio::test]
async fn a_signed_chunk_that_would_fill_the_memory_is_refused() {
    check_signed_chunk(4 * 1024 * 1024, "IncompleteBody", "").await;
    check_signed_chunk(4 * 1024 * 1024 + 1, "InvalidRequest", "4194305 bytes, more than the 4194304").await;
}

#[tokio::test]
async fn a_body_that_is_not_the_signed_one_is_refused() {
    let server = Server::with_bucket().await;
    let (parts, _body) = server.put("/bkt/k").body("hello").request().into_parts();
    let other = Request::from_parts(parts, Full::new(Bytes::from_static(b"jello")));
    let refused = crate::server::answer(other).await;
    assert_eq!(refused.element("Code"), "XAmzContentSHA256Mismatch");
    server.head("/bkt/k").expect(404).await;
}

#[tokio::test]
async fn a_body_is_asked_for_only_from_those_who_may_send_it() {
    let server = Server::with_bucket().await;
    for (secret, expected) in [("the root secret", "HTTP/1.1 100 Continue"), ("wrong", "HTTP/1.1 403")] {
        let request = server
            .put("/bkt/k")
            .header("expect", "100-continue")
            .header("content-length", "5")
            .signed_by(&credentials("AKIAROOT", secret))
            .body("hello")
            .request();
        let mut stream = TcpStream::connect(&server.address).await.expect("connects");
        stream.write_all(head_of(&request).as_bytes()).await.expect("writes");
        let mut first = vec![0; expected.len()];
        stream.read_exact(&mut first).await.expect("an answer before the body");
        assert_eq!(String::from_utf8_lossy(&first), expected);
    }
}

#[tokio::test]
async fn a_connection_on_which_leave_was_asked_to_send_nothing_is_closed() {
    let server = Server::with_bucket().await;
    let request =
        server.put("/bkt/empty").header("expect", "100-continue").header("content-length", "0").request();
    let mut stream = TcpStream::connect(&server.address).await.expect("connects");
    stream.write_all(head_of(&request).as_bytes()).await.expect("writes");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.expect("the connection ends after the answer");
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    assert!(answer.to_ascii_lowercase().contains("connection: close"), "{answer}");
}

#[tokio::test]
async fn a_torn_upload_leaves_nothing() {
    let server = Server::with_bucket().await;
    server.put("/bkt/k").body("before").expect(200).await;
    let body = vec![7; 3_000_000];
    let request = server.put("/bkt/k").header("content-length", "3000000").body(body.clone()).request();
    let mut stream = TcpStream::connect(&server.address).await.expect("connects");
    stream.write_all(head_of(&request).as_bytes()).await.expect("writes");
    stream.write_all(&body[..2_000_000]).await.expect("writes");
    eventually("the upload begins", || server.files("incoming").len() == 1).await;
    drop(stream);
    eventually("the torn upload is gone", || server.files("incoming").is_empty()).await;
    assert_eq!(server.get("/bkt/k").expect(200).await.text(), "before");
    assert_eq!(server.files("content").len(), 1);
}

#[tokio::test]
async fn a_reader_keeps_what_it_reads() {
    let server = Server::with_bucket().await;
    let body: Bytes = (0..20_000_000_u32).map(|at| (at % 253) as u8).collect();
    server.put("/bkt/k").body(body.clone()).expect(200).await;
    let client = Client::builder(TokioExecutor::new()).build_http();
    let mut reading = client.request(server.get("/bkt/k").request()).await.expect("an answer").into_body();
    let first = reading.frame().await.expect("a frame").expect("arrives").into_data().expect("data");
    server.put("/bkt/k").body("new").expect(200).await;
    assert_eq!(server.get("/bkt/k").expect(200).await.text(), "new");
    assert_eq!(server.files("content").len(), 2);
    let rest = reading.collect().await.expect("the rest arrives").to_bytes();
    assert!([first, rest].concat() == body, "the old content is read to its end");
    eventually("the old file goes with its reader", || server.files("content").len() == 1).await;
}

#[tokio::test]
async fn the_bucket_may_stand_in_the_host() {
    let server = Server::with_bucket().await;
    server.put("/my.bucket").expect(200).await;
    server.put("/bkt/k").body("in bkt").expect(200).await;
    server.put("/my.bucket/k").body("dotted").expect(200).await;
    for (host, target, expected) in [
        ("anything.at.all", "/bkt/k", "in bkt"),
        ("localhost:8080", "/bkt/k", "in bkt"),
        ("bkt.s3.example.org", "/bkt/k", "in bkt"),
        ("my.bucket.localhost:8080", "/k", "dotted"),
        ("my.bucket.bundles.example.com", "/k", "dotted"),
        ("my.bucket.elsewhere.example.org", "/k", "dotted"),
        ("[::1]:8080", "/bkt/k", "in bkt"),
        ("10.0.0.1", "/bkt/k", "in bkt"),
    ] {
        let got = server.get(target).header("host", host).expect(200).await;
        assert_eq!(got.text(), expected, "{host}");
    }
    server.put("/").header("host", "new.bundles.example.com").expect(200).await;
    server.put("/").header("host", "fresh.elsewhere.example.org").expect(200).await;
    let all = server.get("/").header("host", "bkt.elsewhere.example.org").expect(200).await;
    assert!(all.text().contains("ListBucketResult"), "{}", all.text());
    let buckets = server.get("/").header("host", "anything.at.all").expect(200).await.elements("Name");
    assert_eq!(buckets, ["bkt", "fresh", "my.bucket", "new"]);
}

#[tokio::test]
async fn a_restart_keeps_objects_and_removes_leftovers() {
    let server = Server::with_bucket().await;
    server.put("/bkt/k").body("kept").expect(200).await;
    let Server { store, folder, .. } = server;
    for leftover in ["incoming/torn", "content/0123456789abcdef0123456789abcdef"] {
        std::fs::write(folder.path().join(leftover), "leftover").expect("writes");
    }
    let server = Server::over(Arc::clone(&store), folder).await;
    assert_eq!(server.get("/bkt/k").expect(200).await.text(), "kept");
    assert_eq!((server.files("incoming").len(), server.files("content").len()), (0, 1));
}
