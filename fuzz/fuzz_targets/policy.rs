//! Policies: whatever a document says, reading and deciding never panic; a policy that only denies never lets
//! anybody do more; nothing is allowed that nothing allows.

#![no_main]

use libfuzzer_sys::fuzz_target;
use longshore_model::policy::{Context, Decision, Policy, Trust, decide, parse, parse_trust};
use longshore_model::time::Timestamp;

const ACCOUNT: &str = "111122223333";
const ARN: &str = "arn:aws:iam::111122223333:user/ann";

fuzz_target!(|data: &[u8]| {
    let Ok(text) = std::str::from_utf8(data) else { return };
    // Action, resource and a tag's value, a line each; then documents, with empty lines between.
    let mut parts = text.split("\n\n");
    let mut head = parts.next().unwrap_or_default().lines();
    let action = head.next().unwrap_or_default();
    let resource = head.next().unwrap_or_default();
    let context = context(head.next().unwrap_or_default());
    let documents: Vec<&str> = parts.take(8).collect();
    let policies: Vec<Policy> = documents.iter().filter_map(|document| read(document)).collect();

    let decided = |policies: &[Policy]| decide(policies, action, resource, &context);
    let decision = decided(&policies);
    assert_ne!(decision, Decision::NotAllowedInSession);
    assert_eq!(decided(&[]), Decision::NotAllowed);
    for document in &documents {
        let Some(denying) = denying(document) else { continue };
        assert_ne!(decided(std::slice::from_ref(&denying)), Decision::Allowed, "a denial allows");
        let more = [policies.as_slice(), &[denying]].concat();
        assert!(decision == Decision::Allowed || decided(&more) != Decision::Allowed, "a denial allows more");
    }
    for document in &documents {
        if let Ok(trust) = parse_trust(document) {
            let denied = document.contains("\"Deny\"") && !document.contains("\"Allow\"");
            let named = trust.trust("sts:AssumeRole", &[ARN], ACCOUNT, &context);
            assert!(!denied || matches!(named, Trust::Denied | Trust::None), "a denial trusts");
        }
    }
});

fn read(document: &str) -> Option<Policy> {
    match parse(document) {
        Ok(policy) => {
            let _ = policy.asks_for_resource_tags();
            Some(policy)
        }
        Err(error) => {
            assert!(!error.to_string().is_empty());
            None
        }
    }
}

/// The same policy, each of whose statements denies; `None` where that cannot be made by exchanging a word.
fn denying(document: &str) -> Option<Policy> {
    let denying = document.replace("\"Allow\"", "\"Deny\"");
    // A word may also be spelled with escapes.
    if denying.contains('\\') { None } else { parse(&denying).ok() }
}

fn context(tag: &str) -> Context {
    Context::new()
        .with("aws:username", "ann")
        .with("aws:PrincipalArn", ARN)
        .with_source("10.1.2.3".parse().expect("an address"), true)
        .with_time(Timestamp::from_millis(1_795_378_981_000))
        .with_request_tags([("team", tag), ("stage", "prod")])
        .with_resource_tags([("team", tag)])
}
