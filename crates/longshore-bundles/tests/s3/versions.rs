//! Versions and delete markers.

use crate::server::{Answer, Server};

fn version(answer: &Answer) -> String {
    answer.header("x-amz-version-id").expect("a version id").to_owned()
}

#[tokio::test]
async fn each_version_can_be_got() {
    let server = Server::with_bucket().await;
    server.put("/bkt/k").body("before").expect(200).await;
    server.versioning("Enabled").await;
    let first = version(&server.put("/bkt/k").body("first").expect(200).await);
    let second = version(&server.put("/bkt/k").body("second").expect(200).await);
    let got = server.get("/bkt/k").expect(200).await;
    assert_eq!((got.text().as_str(), version(&got)), ("second", second.clone()));
    for (version, body) in [(first.as_str(), "first"), (&second, "second"), ("null", "before")] {
        assert_eq!(server.get(&format!("/bkt/k?versionId={version}")).expect(200).await.text(), body);
    }
    let unknown = server.get("/bkt/k?versionId=unknown").expect(404).await;
    assert_eq!(unknown.element("Code"), "NoSuchVersion");
    server.head("/bkt/k?versionId=unknown").expect(404).await;
}

#[tokio::test]
async fn deletion_hides_and_can_be_undone() {
    let server = Server::with_bucket().await;
    server.versioning("Enabled").await;
    let first = version(&server.put("/bkt/k").body("first").expect(200).await);
    let deleted = server.delete("/bkt/k").expect(204).await;
    assert_eq!(deleted.header("x-amz-delete-marker"), Some("true"));
    let marker = version(&deleted);
    let hidden = server.get("/bkt/k").expect(404).await;
    assert_eq!(hidden.element("Code"), "NoSuchKey");
    assert_eq!((hidden.header("x-amz-delete-marker"), version(&hidden)), (Some("true"), marker.clone()));
    server.get(&format!("/bkt/k?versionId={marker}")).expect(405).await;
    assert_eq!(server.get(&format!("/bkt/k?versionId={first}")).expect(200).await.text(), "first");
    assert!(server.get("/bkt?list-type=2").expect(200).await.elements("Key").is_empty());
    let undone = server.delete(&format!("/bkt/k?versionId={marker}")).expect(204).await;
    assert_eq!(undone.header("x-amz-delete-marker"), Some("true"));
    assert_eq!(server.get("/bkt/k").expect(200).await.text(), "first");
    server.delete(&format!("/bkt/k?versionId={first}")).expect(204).await;
    server.get("/bkt/k").expect(404).await;
    assert_eq!(server.files("content").len(), 0);
}

#[tokio::test]
async fn suspended_versioning_overwrites_the_null_version_only() {
    let server = Server::with_bucket().await;
    server.versioning("Enabled").await;
    let kept = version(&server.put("/bkt/k").body("kept").expect(200).await);
    server.versioning("Suspended").await;
    assert_eq!(server.get("/bkt?versioning").expect(200).await.element("Status"), "Suspended");
    server.put("/bkt/k").body("one").expect(200).await;
    server.put("/bkt/k").body("two").expect(200).await;
    assert_eq!(server.get("/bkt/k").expect(200).await.text(), "two");
    assert_eq!(server.get(&format!("/bkt/k?versionId={kept}")).expect(200).await.text(), "kept");
    assert_eq!(server.files("content").len(), 2);
    let deleted = server.delete("/bkt/k").expect(204).await;
    assert_eq!(version(&deleted), "null");
    server.get("/bkt/k").expect(404).await;
}

#[tokio::test]
async fn lists_of_versions_tell_the_latest() {
    let server = Server::with_bucket().await;
    server.versioning("Enabled").await;
    server.put("/bkt/a").body("1").expect(200).await;
    server.put("/bkt/a").body("2").expect(200).await;
    server.put("/bkt/c").body("3").expect(200).await;
    server.delete("/bkt/c").expect(204).await;
    let all = server.get("/bkt?versions").expect(200).await;
    assert_eq!(all.elements("Key").len(), 4);
    let (mut latest, mut target) = (Vec::new(), String::from("/bkt?versions&max-keys=1"));
    for _ in 0..4 {
        let page = server.get(&target).expect(200).await;
        latest.push(format!("{} {}", page.element("Key"), page.element("IsLatest")));
        target = format!(
            "/bkt?versions&max-keys=1&key-marker={}&version-id-marker={}",
            page.element("NextKeyMarker"),
            page.element("NextVersionIdMarker")
        );
    }
    assert_eq!(latest, ["a true", "a false", "c true", "c false"]);
    let after = server.get("/bkt?versions&key-marker=a").expect(200).await;
    assert_eq!(after.elements("Key"), ["c", "c"]);
}
