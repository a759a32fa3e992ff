//! Lists of objects and deletion of many.

use crate::server::Server;

async fn with_keys(keys: &[&str]) -> Server {
    let server = Server::with_bucket().await;
    for key in keys {
        server.put(&format!("/bkt/{key}")).body("x").expect(200).await;
    }
    server
}

#[tokio::test]
async fn prefixes_and_delimiters() {
    let server = with_keys(&["a/1", "a/2", "b", "c/d/1"]).await;
    let all = server.get("/bkt?list-type=2").expect(200).await;
    assert_eq!(all.elements("Key"), ["a/1", "a/2", "b", "c/d/1"]);
    assert_eq!(all.element("KeyCount"), "4");
    assert_eq!(server.get("/bkt?list-type=2&prefix=a/").expect(200).await.elements("Key"), ["a/1", "a/2"]);
    let top = server.get("/bkt?list-type=2&delimiter=/").expect(200).await;
    assert_eq!(top.elements("Key"), ["b"]);
    assert!(top.text().contains("<CommonPrefixes><Prefix>a/</Prefix></CommonPrefixes>"), "{}", top.text());
    assert!(top.text().contains("<Prefix>c/</Prefix>"), "{}", top.text());
    assert_eq!(
        server.get("/bkt?list-type=2&start-after=a/2").expect(200).await.elements("Key"),
        ["b", "c/d/1"]
    );
    assert_eq!(server.get("/bkt?list-type=2&max-keys=0").expect(200).await.element("IsTruncated"), "false");
    server.get("/bkt?list-type=2&max-keys=-1").expect(400).await;
    server.get("/nob?list-type=2").expect(404).await;
}

#[tokio::test]
async fn pages_hold_every_key_once() {
    let keys = ["a", "b/1", "b/2", "c", "d/1", "e"];
    let server = with_keys(&keys).await;
    for version in ["2", "1"] {
        let mut seen = Vec::new();
        let mut target = format!("/bkt?list-type={version}&max-keys=2");
        loop {
            let page = server.get(&target).expect(200).await;
            seen.extend(page.elements("Key"));
            if page.element("IsTruncated") == "false" {
                break;
            }
            target = if version == "2" {
                format!(
                    "/bkt?list-type=2&max-keys=2&continuation-token={}",
                    page.element("NextContinuationToken")
                )
            } else {
                format!("/bkt?max-keys=2&marker={}", page.element("NextMarker").replace('/', "%2F"))
            };
            if version == "1" && seen.len() == 2 {
                assert_eq!(page.element("NextMarker"), "b/1");
            }
        }
        assert_eq!(seen, keys, "version {version}");
    }
    let bad = server.get("/bkt?list-type=2&continuation-token=%25").expect(400).await;
    assert_eq!(bad.element("Code"), "InvalidArgument");
}

#[tokio::test]
async fn keys_can_be_url_encoded() {
    let server = with_keys(&["a%20%3C%0A"]).await;
    let list = server.get("/bkt?list-type=2&encoding-type=url").expect(200).await;
    assert_eq!(list.element("Key"), "a%20%3C%0A");
    assert_eq!(list.element("EncodingType"), "url");
}

#[tokio::test]
async fn many_are_deleted_at_once() {
    let server = with_keys(&["a", "b", "c"]).await;
    let xml = "<Delete><Object><Key>a</Key></Object><Object><Key>nobody</Key></Object></Delete>";
    let done = server.post("/bkt?delete").body(xml).expect(200).await;
    assert_eq!(done.elements("Key"), ["a", "nobody"]);
    let xml = "<Delete><Quiet>true</Quiet><Object><Key>b</Key></Object></Delete>";
    assert!(server.post("/bkt?delete").body(xml).expect(200).await.elements("Key").is_empty());
    assert_eq!(server.get("/bkt?list-type=2").expect(200).await.elements("Key"), ["c"]);
}
