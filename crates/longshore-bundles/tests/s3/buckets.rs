//! Buckets.

use crate::server::Server;

#[tokio::test]
async fn buckets_are_made_listed_and_deleted() {
    let server = Server::new().await;
    server.head("/one").expect(404).await;
    server.put("/two").expect(200).await;
    server.put("/one").expect(200).await;
    server.put("/one").expect(200).await;
    assert_eq!(server.get("/").expect(200).await.elements("Name"), ["one", "two"]);
    assert_eq!(server.head("/one").expect(200).await.header("x-amz-bucket-region"), Some("us-east-1"));
    server.delete("/one").expect(204).await;
    let gone = server.delete("/one").expect(404).await;
    assert_eq!(gone.element("Code"), "NoSuchBucket");
}

#[tokio::test]
async fn a_bucket_with_an_object_or_marker_is_not_deleted() {
    let server = Server::with_bucket().await;
    server.versioning("Enabled").await;
    server.delete("/bkt/k").expect(204).await;
    assert_eq!(server.delete("/bkt").expect(409).await.element("Code"), "BucketNotEmpty");
}

#[tokio::test]
async fn names_and_regions_have_rules() {
    let server = Server::new().await;
    let bad = server.put("/Bad_Name").expect(400).await;
    assert_eq!(bad.element("Code"), "InvalidBucketName");
    assert!(!bad.element("Message").is_empty());
    let elsewhere = "<CreateBucketConfiguration><LocationConstraint>eu-west-1</LocationConstraint>\
                     </CreateBucketConfiguration>";
    let refused = server.put("/bkt").body(elsewhere).expect(400).await;
    assert_eq!(refused.element("Code"), "IllegalLocationConstraintException");
}

#[tokio::test]
async fn what_is_not_there_says_so() {
    let server = Server::with_bucket().await;
    let answer = server.get("/bkt?acl").expect(501).await;
    assert_eq!(answer.element("Code"), "NotImplemented");
    assert!(answer.element("Message").contains("GetBucketAcl"), "{}", answer.text());
}
