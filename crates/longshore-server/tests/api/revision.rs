//! Revisions.

use crate::support::{COMMIT, TestServer};

fn s3(key: &str, more: &str) -> String {
    format!(
        r#"{{"revisionType":"S3","s3Location":{{"bucket":"bundles","key":"{key}","bundleType":"zip"{more}}}}}"#
    )
}

fn git_hub() -> String {
    format!(r#"{{"revisionType":"GitHub","gitHubLocation":{{"repository":"a/b","commitId":"{COMMIT}"}}}}"#)
}

fn of_web(revision: &str) -> String {
    format!(r#"{{"applicationName":"web","revision":{revision}}}"#)
}

async fn server() -> TestServer {
    let server = TestServer::start().await;
    server.call("CreateApplication", r#"{"applicationName":"web"}"#).await;
    server
}

#[tokio::test]
async fn a_revision_is_registered_once_and_keeps_its_time() {
    let server = server().await;
    let register = |description: &str| {
        format!(
            r#"{{"applicationName":"web","revision":{},"description":"{description}"}}"#,
            s3("web.zip", r#","eTag":"\"abc\"""#)
        )
    };
    server.check("RegisterApplicationRevision", &register("one"), "{}").await;
    let get = of_web(&s3("web.zip", r#","eTag":"abc""#));
    let first = server.call("GetApplicationRevision", &get).await;
    server.check("RegisterApplicationRevision", &register("two"), "{}").await;
    let expected = format!(
        r#"{{"applicationName":"web","revision":{{"s3Location":{{"eTag":"\"abc\""}}}},"revisionInfo":
            {{"description":"two","registerTime":{},"firstUsedTime":null,"deploymentGroups":[]}}}}"#,
        first["revisionInfo"]["registerTime"]
    );
    server.check("GetApplicationRevision", &get, &expected).await;
    let other = of_web(&s3("web.zip", ""));
    let similar = "RevisionDoesNotExistException: s3://bundles/web.zip (zip, eTag abc)";
    server.check("GetApplicationRevision", &other, similar).await;
}

#[tokio::test]
async fn members_are_checked() {
    let server = server().await;
    let register = "RegisterApplicationRevision";
    server.check(register, "{}", "ApplicationNameRequiredException").await;
    server.check(register, r#"{"applicationName":"web"}"#, "RevisionRequiredException").await;
    server.check(register, &of_web("{}"), "InvalidRevisionException").await;
    server.check(register, &of_web(r#"{"revisionType":"S3"}"#), "InvalidRevisionException").await;
    let text = r#"{"revisionType":"AppSpecContent","appSpecContent":{"content":"x"}}"#;
    server.check(register, &of_web(text), "InvalidRevisionException").await;
    let long = format!(
        r#"{{"applicationName":"web","revision":{},"description":"{}"}}"#,
        s3("k", ""),
        "é".repeat(257)
    );
    server.check(register, &long, "DescriptionTooLongException: 257").await;
    let unknown = of_web(&s3("k", "")).replace("web", "nope");
    server.check(register, &unknown, "ApplicationDoesNotExistException").await;
}

#[tokio::test]
async fn a_batch_names_what_it_does_not_know() {
    let server = server().await;
    server.call("RegisterApplicationRevision", &of_web(&git_hub())).await;
    let batch = |revisions: &str| format!(r#"{{"applicationName":"web","revisions":[{revisions}]}}"#);
    let known = batch(&git_hub());
    let one = r#"{"errorMessage":"","revisions":[{"genericRevisionInfo":{"registerTime":"*"}}]}"#;
    server.check("BatchGetApplicationRevisions", &known, one).await;
    let both = batch(&format!("{},{}", git_hub(), s3("k", "")));
    let partly = r#"{"errorMessage":"Not registered with the application: s3://bundles/k (zip)"}"#;
    server.check("BatchGetApplicationRevisions", &both, partly).await;
    server.check("BatchGetApplicationRevisions", &batch(""), "RevisionRequiredException").await;
    let many = vec![git_hub(); 26].join(",");
    server.check("BatchGetApplicationRevisions", &batch(&many), "BatchLimitExceededException").await;
}

#[tokio::test]
async fn a_list_is_filtered_and_sorted() {
    let server = server().await;
    for key in ["a/1", "a/2", "b/3"] {
        server.call("RegisterApplicationRevision", &of_web(&s3(key, ""))).await;
    }
    server.call("RegisterApplicationRevision", &of_web(&git_hub())).await;
    let list = |more: &str| format!(r#"{{"applicationName":"web"{more}}}"#);
    let keys = |keys: &[&str]| {
        let locations: Vec<String> =
            keys.iter().map(|key| format!(r#"{{"s3Location":{{"key":"{key}"}}}}"#)).collect();
        format!(r#"{{"revisions":[{}]}}"#, locations.join(","))
    };
    let operation = "ListApplicationRevisions";
    server.check(operation, &list(""), r#"{"revisions":["*","*","*",{"revisionType":"GitHub"}]}"#).await;
    server.check(operation, &list(r#","s3Bucket":"bundles""#), &keys(&["a/1", "a/2", "b/3"])).await;
    let prefix = list(r#","s3Bucket":"bundles","s3KeyPrefix":"a/","sortOrder":"descending""#);
    server.check(operation, &prefix, &keys(&["a/2", "a/1"])).await;
    server.check(operation, &list(r#","deployed":"include""#), r#"{"revisions":[]}"#).await;
    server.check(operation, &list(r#","deployed":"exclude""#), r#"{"revisions":["*","*","*","*"]}"#).await;
    server.check(operation, &list(r#","sortBy":"name""#), "InvalidSortByException").await;
    server.check(operation, &list(r#","sortOrder":"up""#), "InvalidSortOrderException").await;
    server.check(operation, &list(r#","s3Bucket":"B""#), "InvalidBucketNameFilterException").await;
    server.check(operation, &list(r#","s3KeyPrefix":"a""#), "BucketNameFilterRequiredException").await;
    server.check(operation, &list(r#","deployed":"yes""#), "InvalidDeployedStateFilterException").await;
    server.check(operation, &list(r#","nextToken":"x""#), "InvalidNextTokenException").await;
}
