//! What webhooks are signed with: drawn at the first start, and shown to root alone.

use crate::support::TestServer;

const GET: &str = "Longshore_v1.GetWebhookSecret";

#[tokio::test]
async fn the_secret_stays_and_only_root_is_shown_it() {
    let mut server = TestServer::start().await;
    let secret = server.call(GET, "{}").await["webhookSecret"].as_str().expect("a text").to_owned();
    assert!(secret.len() == 64 && secret.bytes().all(|byte| byte.is_ascii_hexdigit()), "{secret}");
    let (_, ann) = server.user("ann").await;
    server.allow("ann", r#"{"Effect":"Allow","Action":"*","Resource":"*"}"#).await;
    let refused = ann.call_json::<_, serde_json::Value>("codedeploy", GET, &serde_json::json!({})).await;
    let refused = refused.expect_err("ann is not root").to_string();
    assert_eq!(refused, "AccessDeniedException: Only the root key is shown what webhooks are signed with.");
    let other = TestServer::start().await;
    assert_ne!(other.call(GET, "{}").await["webhookSecret"], secret.as_str(), "each server has its own");
    server.restart().await;
    assert_eq!(server.call(GET, "{}").await["webhookSecret"], secret.as_str());
}
