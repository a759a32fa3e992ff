//! Signatures and policies.

use std::time::Duration;

use longshore_store::IdentityStore;

use crate::server::{Server, answer, credentials, now};

const READ_ONLY: &str = r#"{"Version":"2012-10-17","Statement":[{"Action":["s3:Get*","s3:List*"],
    "Effect":"Allow","Resource":"*"}]}"#;

#[tokio::test]
async fn who_does_not_sign_is_refused() {
    let server = Server::with_bucket().await;
    assert_eq!(server.get("/bkt").unsigned().expect(403).await.element("Code"), "AccessDenied");
    let wrong = server.get("/bkt").signed_by(&credentials("AKIAROOT", "wrong")).expect(403).await;
    assert_eq!(wrong.element("Code"), "SignatureDoesNotMatch");
    assert!(wrong.element("Message").contains("does not match"), "{}", wrong.text());
    assert!(!wrong.element("RequestId").is_empty());
    let unknown = server.get("/bkt").signed_by(&credentials("AKIANOBODY", "x")).expect(403).await;
    assert_eq!(unknown.element("Code"), "InvalidAccessKeyId");
    assert!(unknown.element("Message").contains("AKIANOBODY"), "{}", unknown.text());
}

#[tokio::test]
async fn a_skewed_clock_is_told_both_times() {
    let server = Server::with_bucket().await;
    let late = answer(server.get("/bkt").request_at(now().minus(Duration::from_secs(3600)))).await;
    assert_eq!((late.status.as_u16(), late.element("Code").as_str()), (403, "RequestTimeTooSkewed"));
    let request_time = late.element("RequestTime");
    assert!(
        request_time.ends_with('Z') && late.element("Message").contains(&request_time),
        "{}",
        late.text()
    );
}

#[tokio::test]
async fn a_user_does_what_its_policies_allow() {
    let server = Server::with_bucket().await;
    server.put("/bkt/k").body("hello").expect(200).await;
    let host = server.user("host", READ_ONLY).await;
    assert_eq!(server.get("/bkt/k").signed_by(&host).expect(200).await.text(), "hello");
    server.get("/bkt?list-type=2").signed_by(&host).expect(200).await;
    let refused = server.put("/bkt/k").signed_by(&host).body("mine").expect(403).await;
    assert_eq!(refused.element("Code"), "AccessDenied");
    assert_eq!(
        refused.element("Message"),
        "User: arn:aws:iam::000000000000:user/host is not authorized to perform: s3:PutObject on resource: \
         &quot;arn:aws:s3:::bkt/k&quot; because no identity-based policy allows the s3:PutObject action"
    );
    server.delete("/bkt/k").signed_by(&host).expect(403).await;
    server.put("/other").signed_by(&host).expect(403).await;
    server.post("/bkt/k?uploads").signed_by(&host).expect(403).await;
    let xml = "<Delete><Object><Key>k</Key></Object></Delete>";
    let each = server.post("/bkt?delete").signed_by(&host).body(xml).expect(200).await;
    assert_eq!(each.elements("Code"), ["AccessDenied"]);
    assert_eq!(server.get("/bkt/k").expect(200).await.text(), "hello");
}

#[tokio::test]
async fn a_copy_needs_both_sides() {
    let server = Server::with_bucket().await;
    server.put("/bkt/secret").body("x").expect(200).await;
    let writer = server
        .user(
            "writer",
            r#"{"Statement":{"Effect":"Allow","Action":"s3:PutObject","Resource":"arn:aws:s3:::bkt/*"}}"#,
        )
        .await;
    let copy = server.put("/bkt/mine").header("x-amz-copy-source", "/bkt/secret").signed_by(&writer);
    assert!(copy.expect(403).await.element("Message").contains("s3:GetObject"));
}

#[tokio::test]
async fn a_denied_version_stays_denied() {
    let server = Server::with_bucket().await;
    server.put("/bkt/k").body("x").expect(200).await;
    let policy = r#"{"Statement":{"Effect":"Allow","Action":"s3:GetObject","Resource":"*"}}"#;
    let reader = server.user("reader", policy).await;
    server.get("/bkt/k").signed_by(&reader).expect(200).await;
    server.get("/bkt/k?versionId=null").signed_by(&reader).expect(403).await;
}

#[tokio::test]
async fn a_deleted_key_is_refused_at_once() {
    let server = Server::with_bucket().await;
    let host = server.user("host", READ_ONLY).await;
    server.get("/bkt").signed_by(&host).expect(200).await;
    server.store.delete_access_key("host", &host.access_key_id).await.expect("deletes");
    server.get("/bkt").signed_by(&host).expect(403).await;
}

#[tokio::test]
async fn tokens_and_foreign_owners_are_refused() {
    let server = Server::with_bucket().await;
    let mut with_token = crate::server::root();
    with_token.session_token = Some("token".to_owned());
    let refused = server.get("/bkt").signed_by(&with_token).expect(400).await;
    assert_eq!(refused.element("Code"), "InvalidToken");
    server.get("/bkt").header("x-amz-expected-bucket-owner", "999999999999").expect(403).await;
    server.get("/bkt").header("x-amz-expected-bucket-owner", "000000000000").expect(200).await;
}

#[tokio::test]
async fn old_ways_are_refused() {
    let server = Server::with_bucket().await;
    let v2 = server.get("/bkt/k").unsigned().header("authorization", "AWS AKIAROOT:c2ln").expect(400).await;
    assert!(v2.element("Message").contains("AWS4-HMAC-SHA256"), "{}", v2.text());
    let form = server.post("/bkt").unsigned().header("content-type", "multipart/form-data; boundary=x");
    form.body("--x--").expect(501).await;
}
