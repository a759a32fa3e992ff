//! Who asks too often. Source: service.md §1.2 and §1.7.

use longshore_model::rate::Rate;

use crate::support::{TestServer, call, check_as, quick};

/// So slow that no test waits for the next token.
async fn server() -> TestServer {
    let mut config = quick();
    config.rate = Some(Rate { per_second: 1, burst: 20 });
    TestServer::start_with(config).await
}

/// Asks until refused; answers how often it was let in.
async fn exhaust(client: &longshore_wire::client::Client, operation: &str) -> usize {
    for n_let_in in 0..200 {
        if let Err(error) = call(client, operation, "{}").await {
            assert_eq!(error.code(), Some("ThrottlingException"), "{error}");
            assert!(error.to_string().contains("Rate exceeded"), "{error}");
            return n_let_in;
        }
    }
    panic!("nobody was refused");
}

#[tokio::test]
async fn each_principal_is_counted_on_its_own_and_over_all_services() {
    let server = server().await;
    let (arn, ann) = server.user("ann").await;
    server.allow("ann", r#"{"Effect":"Allow","Action":"*","Resource":"*"}"#).await;
    let (_, bob) = server.user("bob").await;
    server.allow("bob", r#"{"Effect":"Allow","Action":"*","Resource":"*"}"#).await;
    server.register("web-1", &arn).await;
    assert!((20..200).contains(&exhaust(&ann, "ListApplications").await));
    // The other services take from the same bucket, which has got little meanwhile.
    assert!(exhaust(&ann, "Longshore_v1.ListHosts").await < 20);
    let identity = [("Action", "GetCallerIdentity"), ("Version", "2011-06-15")];
    let mut n_let_in = 0;
    let refused = loop {
        match ann.query("sts", &identity).await {
            Ok(_) => n_let_in += 1,
            Err(error) => break error,
        }
        assert!(n_let_in < 20, "nobody was refused");
    };
    assert_eq!(refused.code(), Some("Throttling"));
    // Others are not: another user, and the host whose key is ann's.
    check_as(&bob, "ListApplications", "{}", r#"{"applications":[]}"#).await;
    let poll = serde_json::json!({"HostIdentifier": arn});
    let target = "CodeDeployCommandService_v20141006.PollHostCommand";
    for _ in 0..3 {
        let polled: Result<serde_json::Value, _> = ann.call_json("codedeploy-commands", target, &poll).await;
        polled.expect("hosts are not counted");
    }
}

#[tokio::test]
async fn who_did_not_sign_is_nobody_and_costs_nobody_anything() {
    let server = server().await;
    let mut wrong = server.root();
    wrong.secret_access_key.push('x');
    let client = crate::support::client(server.url(), wrong);
    for _ in 0..30 {
        check_as(&client, "ListApplications", "{}", "InvalidSignatureException").await;
    }
    server.check("ListApplications", "{}", r#"{"applications":[]}"#).await;
}
