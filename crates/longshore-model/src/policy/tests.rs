//! Policies, a line a case.

use rand::{Rng, SeedableRng};

use super::*;
use crate::time::Timestamp;

const ALLOW_READS: &str = r#"{"Version":"2012-10-17","Statement":[
    {"Effect":"Allow","Action":["s3:Get*","s3:List*"],"Resource":"*"}]}"#;

/// `policy` is a document, or the inside of its only statement.
#[track_caller]
fn check(policy: &str, action: &str, resource: &str, expected: Decision) {
    let document = if policy.starts_with('{') {
        policy.to_owned()
    } else {
        format!(r#"{{"Version":"2012-10-17","Statement":{{{policy}}}}}"#)
    };
    let policy = parse(&document).expect("a sound policy");
    assert_eq!(
        decide(&[policy], action, resource, &request()),
        expected,
        "{action} on {resource} under {document}"
    );
}

#[track_caller]
fn check_refused(document: &str, expected: &str) {
    let error = parse(document).expect_err("a malformed policy");
    assert!(error.to_string().contains(expected), "{error} does not say {expected}");
}

use Decision::{Allowed, ExplicitlyDenied, NotAllowed};

#[test]
fn wildcards_in_actions() {
    check(ALLOW_READS, "s3:GetObject", "arn:aws:s3:::b/k", Allowed);
    check(ALLOW_READS, "s3:ListBucket", "arn:aws:s3:::b", Allowed);
    check(ALLOW_READS, "s3:PutObject", "arn:aws:s3:::b/k", NotAllowed);
    check(ALLOW_READS, "iam:GetUser", "arn:aws:iam::1:user/u", NotAllowed);
    check(r#""Effect":"Allow","Action":"*","Resource":"*""#, "iam:GetUser", "*", Allowed);
    check(r#""Effect":"Allow","Action":"s3:?etObject","Resource":"*""#, "s3:GetObject", "*", Allowed);
    check(r#""Effect":"Allow","Action":"s3:?etObject","Resource":"*""#, "s3:etObject", "*", NotAllowed);
}

#[test]
fn actions_ignore_case_and_resources_do_not() {
    let policy = r#""Effect":"Allow","Action":"S3:getobject","Resource":"arn:aws:s3:::Bucket/*""#;
    check(policy, "s3:GetObject", "arn:aws:s3:::Bucket/k", Allowed);
    check(policy, "s3:GetObject", "arn:aws:s3:::bucket/k", NotAllowed);
}

#[test]
fn resources_match_part_by_part() {
    let policy = r#""Effect":"Allow","Action":"s3:*","Resource":"arn:aws:s3:::bundles/app-?/*""#;
    check(policy, "s3:GetObject", "arn:aws:s3:::bundles/app-1/a/b.zip", Allowed);
    check(policy, "s3:GetObject", "arn:aws:s3:::bundles/app-10/a.zip", NotAllowed);
    check(policy, "s3:GetObject", "arn:aws:s3:::bundles", NotAllowed);
    let policy = r#""Effect":"Allow","Action":"iam:*","Resource":"arn:aws:iam::*:user/a""#;
    check(policy, "iam:GetUser", "arn:aws:iam::1:user/a", Allowed);
    check(policy, "iam:GetUser", "arn:aws:iam::1:other:user/a", NotAllowed);
    check(policy, "iam:GetUser", "*", NotAllowed);
}

#[test]
fn a_key_is_never_taken_for_a_pattern() {
    let policy = r#""Effect":"Allow","Action":"s3:*","Resource":"arn:aws:s3:::b/x""#;
    check(policy, "s3:GetObject", "arn:aws:s3:::b/*", NotAllowed);
}

#[test]
fn deny_wins_in_any_order() {
    let deny_first = r#"{"Statement":[{"Effect":"Deny","Action":"s3:PutObject","Resource":"*"},
        {"Effect":"Allow","Action":"*","Resource":"*"}]}"#;
    let deny_last = r#"{"Statement":[{"Effect":"Allow","Action":"*","Resource":"*"},
        {"Effect":"Deny","Action":"s3:PutObject","Resource":"*"}]}"#;
    for policy in [deny_first, deny_last] {
        check(policy, "s3:PutObject", "arn:aws:s3:::b/k", ExplicitlyDenied);
        check(policy, "s3:GetObject", "arn:aws:s3:::b/k", Allowed);
    }
}

#[test]
fn a_deny_in_another_policy_counts() {
    let allow = parse(ALLOW_READS).expect("sound");
    let deny = parse(r#"{"Statement":{"Effect":"Deny","Action":"*","Resource":"arn:aws:s3:::b/*"}}"#);
    let policies = [allow, deny.expect("sound")];
    assert_eq!(decide(&policies, "s3:GetObject", "arn:aws:s3:::b/k", &request()), ExplicitlyDenied);
    assert_eq!(decide(&policies, "s3:GetObject", "arn:aws:s3:::c/k", &request()), Allowed);
    assert_eq!(decide(&[], "s3:GetObject", "arn:aws:s3:::c/k", &request()), NotAllowed);
}

#[test]
fn not_action_and_not_resource_are_complements() {
    let policy = r#""Effect":"Allow","NotAction":"iam:*","Resource":"*""#;
    check(policy, "s3:GetObject", "*", Allowed);
    check(policy, "iam:CreateUser", "*", NotAllowed);
    let policy = r#""Effect":"Deny","Action":"*","NotResource":["arn:aws:s3:::b","arn:aws:s3:::b/*"]"#;
    check(policy, "s3:GetObject", "arn:aws:s3:::c/k", ExplicitlyDenied);
    check(policy, "s3:GetObject", "arn:aws:s3:::b/k", NotAllowed);
}

#[test]
fn what_is_not_understood_decides_against_the_caller() {
    for condition in [
        r#"{"BinaryEquals":{"aws:username":"ann"}}"#,
        r#"{"Bool":{"aws:MultiFactorAuthPresent":"true"}}"#,
        r#"{"BoolIfExists":{"aws:MultiFactorAuthPresent":"true"}}"#,
        r#"{"StringNotEquals":{"aws:SourceVpc":"vpc-1"}}"#,
        r#"{"IpAddress":{"aws:SourceIp":"10.0.0.0/99"}}"#,
        r#"{"NotIpAddress":{"aws:SourceIp":"somewhere"}}"#,
        r#"{"DateLessThan":{"aws:CurrentTime":"tomorrow"}}"#,
        r#"{"Bool":{"aws:SecureTransport":"maybe"}}"#,
        r#"{"StringEquals":{"aws:username":"${aws:PrincipalTag/name}"}}"#,
        r#"{"StringEquals":{"aws:TagKeys":"team"}}"#,
    ] {
        let inside = |effect: &str| {
            format!(r#""Effect":"{effect}","Action":"*","Resource":"*","Condition":{condition}"#)
        };
        check(&inside("Allow"), "s3:GetObject", "*", NotAllowed);
        check(&inside("Deny"), "s3:GetObject", "*", ExplicitlyDenied);
    }
    check(r#""Effect":"Allow","Action":"*","Resource":"*","Condition":{}"#, "s3:GetObject", "*", Allowed);
}

/// What every case here asks with.
fn request() -> Context {
    Context::new()
        .with("aws:username", "ann")
        .with("aws:PrincipalArn", "arn:aws:iam::111122223333:user/team/ann")
        .with_source("10.1.2.3".parse().expect("an address"), false)
        .with_time(Timestamp::from_millis(1_795_378_981_000))
        .with_request_tags([("team", "blue"), ("stage", "prod")])
        .with_resource_tags([("team", "blue")])
}

/// `condition` is the inside of one operator's element: it is tried on a statement that allows.
#[track_caller]
fn check_condition(condition: &str, is_met: bool) {
    let policy = |effect: &str| {
        let version = r#""Version":"2012-10-17""#;
        let statement =
            format!(r#"{{"Effect":"{effect}","Action":"*","Resource":"*","Condition":{{{condition}}}}}"#);
        parse(&format!("{{{version},\"Statement\":{statement}}}")).expect("a sound policy")
    };
    let allows = if is_met { Allowed } else { NotAllowed };
    assert_eq!(decide(&[policy("Allow")], "s3:GetObject", "*", &request()), allows, "{condition}");
    let denies = if is_met { ExplicitlyDenied } else { NotAllowed };
    assert_eq!(decide(&[policy("Deny")], "s3:GetObject", "*", &request()), denies, "{condition}");
}

#[test]
fn texts_are_compared_as_the_operator_says() {
    check_condition(r#""StringEquals":{"aws:username":"ann"}"#, true);
    check_condition(r#""StringEquals":{"AWS:UserName":["bob","ann"]}"#, true);
    check_condition(r#""StringEquals":{"aws:username":"Ann"}"#, false);
    check_condition(r#""StringEquals":{"aws:username":"a*"}"#, false);
    check_condition(r#""StringNotEquals":{"aws:username":["bob","eve"]}"#, true);
    check_condition(r#""StringNotEquals":{"aws:username":["bob","ann"]}"#, false);
    check_condition(r#""StringEqualsIgnoreCase":{"aws:username":"ANN"}"#, true);
    check_condition(r#""StringNotEqualsIgnoreCase":{"aws:username":"ANN"}"#, false);
    check_condition(r#""StringLike":{"aws:username":"a?*"}"#, true);
    check_condition(r#""StringNotLike":{"aws:username":"a*"}"#, false);
    check_condition(r#""ArnLike":{"aws:PrincipalArn":"arn:aws:iam::*:user/team/*"}"#, true);
    check_condition(r#""ArnEquals":{"aws:PrincipalArn":"arn:aws:iam::*:user/*"}"#, true);
    check_condition(r#""ArnNotLike":{"aws:PrincipalArn":"arn:aws:iam::*:user/*"}"#, false);
    check_condition(r#""ArnLike":{"aws:PrincipalArn":"arn:aws:iam:*:user/team/ann:x"}"#, false);
}

#[test]
fn all_operators_and_keys_must_hold() {
    check_condition(r#""StringEquals":{"aws:username":"ann","aws:ResourceTag/team":"blue"}"#, true);
    check_condition(r#""StringEquals":{"aws:username":"ann","aws:ResourceTag/team":"red"}"#, false);
    let two = r#""StringEquals":{"aws:username":"ann"},"Bool":{"aws:SecureTransport":"true"}"#;
    check_condition(two, false);
}

#[test]
fn numbers_booleans_times_and_addresses() {
    check_condition(r#""Bool":{"aws:SecureTransport":"false"}"#, true);
    check_condition(r#""Bool":{"aws:SecureTransport":true}"#, false);
    check_condition(r#""IpAddress":{"aws:SourceIp":["192.168.0.0/16","10.0.0.0/8"]}"#, true);
    check_condition(r#""IpAddress":{"aws:SourceIp":"10.1.2.3"}"#, true);
    check_condition(r#""IpAddress":{"aws:SourceIp":"10.1.2.4/31"}"#, false);
    check_condition(r#""IpAddress":{"aws:SourceIp":"0.0.0.0/0"}"#, true);
    check_condition(r#""IpAddress":{"aws:SourceIp":"::/0"}"#, false);
    check_condition(r#""NotIpAddress":{"aws:SourceIp":"10.0.0.0/8"}"#, false);
    check_condition(r#""DateLessThan":{"aws:CurrentTime":"2026-11-22T20:23:02Z"}"#, true);
    check_condition(r#""DateGreaterThanEquals":{"aws:CurrentTime":"2026-11-23"}"#, false);
    check_condition(r#""DateEquals":{"aws:CurrentTime":1795378981}"#, true);
    check_condition(r#""NumericLessThanEquals":{"aws:EpochTime":1795378981}"#, true);
    check_condition(r#""NumericGreaterThan":{"aws:EpochTime":"1795378981"}"#, false);
    check_condition(r#""NumericNotEquals":{"aws:EpochTime":"7"}"#, true);
}

#[test]
fn a_value_that_is_not_there() {
    check_condition(r#""StringEquals":{"aws:userid":"x"}"#, false);
    check_condition(r#""StringNotEquals":{"aws:userid":"x"}"#, true);
    check_condition(r#""StringEqualsIfExists":{"aws:userid":"x"}"#, true);
    check_condition(r#""StringEqualsIfExists":{"aws:username":"x"}"#, false);
    check_condition(r#""Null":{"aws:userid":"true"}"#, true);
    check_condition(r#""Null":{"aws:username":"true"}"#, false);
    check_condition(r#""Null":{"aws:RequestTag/owner":"false"}"#, false);
    check_condition(r#""Null":{"aws:RequestTag/team":"false"}"#, true);
}

#[test]
fn keys_with_several_values_have_quantifiers() {
    check_condition(r#""ForAllValues:StringEquals":{"aws:TagKeys":["team","stage","x"]}"#, true);
    check_condition(r#""ForAllValues:StringEquals":{"aws:TagKeys":["team"]}"#, false);
    check_condition(r#""ForAnyValue:StringLike":{"aws:TagKeys":"st*"}"#, true);
    check_condition(r#""ForAnyValue:StringEquals":{"aws:TagKeys":"x"}"#, false);
    check_condition(r#""ForAllValues:StringNotEquals":{"aws:TagKeys":"x"}"#, true);
    check_condition(r#""ForAnyValue:StringNotEquals":{"aws:TagKeys":["team","stage"]}"#, false);
    check_condition(r#""ForAllValues:StringEquals":{"aws:userid":"x"}"#, true);
    check_condition(r#""ForAnyValue:StringEquals":{"aws:userid":"x"}"#, false);
    check_condition(r#""ForAnyValue:StringEqualsIfExists":{"aws:userid":"x"}"#, true);
}

#[test]
fn tags_of_the_request_and_of_the_resource() {
    check_condition(r#""StringEquals":{"aws:RequestTag/stage":"prod"}"#, true);
    check_condition(r#""StringEquals":{"aws:ResourceTag/stage":"prod"}"#, false);
    check_condition(r#""StringEquals":{"aws:ResourceTag/Team":"${aws:RequestTag/team}"}"#, true);
    let asks = |text: &str| parse(text).expect("sound").asks_for_resource_tags();
    assert!(!asks(ALLOW_READS));
    assert!(asks(
        r#"{"Statement":{"Effect":"Allow","Action":"*","Resource":"*",
            "Condition":{"StringEquals":{"AWS:resourcetag/x":"y"}}}}"#
    ));
    assert!(asks(
        r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"*",
            "Resource":"arn:aws:s3:::${aws:ResourceTag/x}"}}"#
    ));
}

#[test]
fn variables_in_resources() {
    let policy = |effect: &str, element: &str, variable: &str| {
        let home = format!("arn:aws:s3:::b/home/${{{variable}}}/*");
        format!(r#""Effect":"{effect}","Action":"*","{element}":["{home}","arn:aws:s3:::b/x"]"#)
    };
    let (own, other) = ("arn:aws:s3:::b/home/ann/k", "arn:aws:s3:::b/home/bob/k");
    check(&policy("Allow", "Resource", "aws:username"), "s3:GetObject", own, Allowed);
    check(&policy("Allow", "Resource", "aws:username"), "s3:GetObject", other, NotAllowed);
    check(&policy("Deny", "NotResource", "aws:username"), "s3:GetObject", other, ExplicitlyDenied);
    check(&policy("Deny", "NotResource", "aws:username"), "s3:GetObject", own, NotAllowed);
}

#[test]
fn variables_fail_closed() {
    let home = "arn:aws:s3:::b/home/${aws:PrincipalTag/x}/*";
    let resource = "arn:aws:s3:::b/home/ann/k";
    let other = "arn:aws:s3:::b/other";
    let policy = |effect: &str, element: &str| {
        format!(r#""Effect":"{effect}","Action":"*","{element}":["{home}","arn:aws:s3:::b/x"]"#)
    };
    check(&policy("Allow", "Resource"), "s3:GetObject", resource, NotAllowed);
    check(&policy("Allow", "Resource"), "s3:GetObject", "arn:aws:s3:::b/x", Allowed);
    check(&policy("Allow", "NotResource"), "s3:GetObject", resource, NotAllowed);
    check(&policy("Allow", "NotResource"), "s3:GetObject", other, Allowed);
    check(&policy("Deny", "Resource"), "s3:GetObject", resource, ExplicitlyDenied);
    check(&policy("Deny", "Resource"), "s3:GetObject", other, NotAllowed);
    check(&policy("Deny", "NotResource"), "s3:GetObject", resource, ExplicitlyDenied);
}

#[test]
fn names_of_codedeploy_have_either_separator() {
    let on = |resource: &str| {
        format!(
            r#""Effect":"Allow","Action":"*","Resource":"arn:aws:codedeploy:eu-1:111122223333:{resource}""#
        )
    };
    for (pattern, resource, expected) in [
        ("instance/web-*", "instance/web-1", Allowed),
        ("instance:web-*", "instance/web-1", Allowed),
        ("application/web", "application:web", Allowed),
        ("application:web", "application:web", Allowed),
        ("deploymentgroup:web/*", "deploymentgroup:web/prod", Allowed),
        ("deploymentgroup:web:*", "deploymentgroup:web/prod", NotAllowed),
        ("*", "deploymentconfig:x", Allowed),
        ("application:web", "application:web2", NotAllowed),
    ] {
        let resource = format!("arn:aws:codedeploy:eu-1:111122223333:{resource}");
        check(&on(pattern), "codedeploy:Get", &resource, expected);
    }
}

#[test]
fn codedeploys_region_and_account_have_no_wildcards() {
    let on = |effect: &str, scope: &str| {
        format!(r#""Effect":"{effect}","Action":"*","Resource":"arn:aws:codedeploy:{scope}:application:*""#)
    };
    let resource = "arn:aws:codedeploy:eu-1:111122223333:application:web";
    for scope in ["*:111122223333", "eu-1:*", "eu-?:111122223333", "*:*"] {
        check(&on("Allow", scope), "codedeploy:GetApplication", resource, NotAllowed);
        check(&on("Deny", scope), "codedeploy:GetApplication", resource, ExplicitlyDenied);
    }
    check(&on("Allow", "eu-1:111122223333"), "codedeploy:GetApplication", resource, Allowed);
    check(&on("Deny", "us-1:*"), "codedeploy:GetApplication", resource, NotAllowed);
}

#[track_caller]
fn check_trust(principal: &str, more: &str, expected: Trust) {
    let document = format!(
        r#"{{"Statement":[{{"Effect":"Allow","Principal":{principal},"Action":"sts:AssumeRole"}}{more}]}}"#
    );
    let policy = parse_trust(&document).unwrap_or_else(|error| panic!("{document}: {error}"));
    let ann = "arn:aws:iam::111122223333:user/ann";
    let trust = policy.trust("sts:AssumeRole", &[ann], "111122223333", &request());
    assert_eq!(trust, expected, "{document}");
}

#[test]
fn a_trust_policy_names_who_may() {
    check_trust(r#""*""#, "", Trust::Named);
    check_trust(r#"{"AWS":"*"}"#, "", Trust::Named);
    check_trust(
        r#"{"AWS":["arn:aws:iam::111122223333:user/bob","arn:aws:iam::111122223333:user/ann"]}"#,
        "",
        Trust::Named,
    );
    check_trust(r#"{"AWS":"arn:aws:iam::111122223333:user/bob"}"#, "", Trust::None);
    check_trust(r#"{"AWS":"111122223333"}"#, "", Trust::Account);
    check_trust(r#"{"AWS":"arn:aws:iam::111122223333:root"}"#, "", Trust::Account);
    check_trust(r#"{"AWS":"arn:aws:iam::999999999999:root"}"#, "", Trust::None);
    check_trust(r#"{"Service":"codedeploy.amazonaws.com"}"#, "", Trust::None);
    let deny = r#",{"Effect":"Deny","Principal":"*","Action":"sts:*","Condition":{"StringEquals":{"aws:username":"ann"}}}"#;
    check_trust(r#""*""#, deny, Trust::Denied);
    let other_action = r#",{"Effect":"Deny","Principal":"*","Action":"sts:TagSession"}"#;
    check_trust(r#""*""#, other_action, Trust::Named);
}

#[test]
fn malformed_trust_policies_say_what_is_wrong() {
    let check = |inside: &str, expected: &str| {
        let error = parse_trust(&format!(r#"{{"Statement":[{{{inside}}}]}}"#)).expect_err(inside).to_string();
        assert!(error.contains(expected), "{error} does not say {expected}");
    };
    check(r#""Effect":"Allow","Action":"sts:AssumeRole""#, "needs Principal");
    check(r#""Effect":"Allow","Action":"sts:AssumeRole","Principal":{}"#, "needs Principal");
    check(r#""Effect":"Allow","Action":"sts:AssumeRole","NotPrincipal":"*""#, "needs Principal");
    check(r#""Effect":"Allow","Action":"sts:AssumeRole","Principal":"ann""#, "invalid value");
    check(r#""Effect":"Allow","Action":"sts:AssumeRole","Principal":{"AWS":"ann"}"#, "principal `ann`");
    check(
        r#""Effect":"Allow","Action":"sts:AssumeRole","Principal":{"AWS":"arn:aws:iam::111122223333:user/*"}"#,
        "user/*`",
    );
    check(r#""Effect":"Allow","Action":"sts:AssumeRole","Principal":{"People":"ann"}"#, "principal `People`");
    check(
        r#""Effect":"Allow","Action":"sts:AssumeRole","Principal":"*","Resource":"*""#,
        "must not have a Resource",
    );
}

/// Policies put together from few parts, so that they meet often.
fn drawn_policy(random: &mut impl Rng, effect: &str) -> Policy {
    fn one<'a>(random: &mut impl Rng, of: &[&'a str]) -> &'a str {
        of[random.random_range(0..of.len())]
    }
    let action = one(random, &["Action", "NotAction"]);
    let actions = one(random, &["*", "s3:*", "s3:Get*", "codedeploy:GetApplication", "iam:?etUser"]);
    let resource = one(random, &["Resource", "NotResource"]);
    let resources = one(
        random,
        &[
            "*",
            "arn:aws:s3:::b/*",
            "arn:aws:s3:::b/${aws:username}",
            "arn:aws:s3:::b/${aws:nothing}",
            "arn:aws:codedeploy:eu-1:111122223333:application/w*",
            "arn:aws:codedeploy:*:*:application:web",
        ],
    );
    let condition = one(
        random,
        &[
            "{}",
            r#"{"StringEquals":{"aws:username":"ann"}}"#,
            r#"{"StringNotLike":{"aws:username":"a*"}}"#,
            r#"{"BoolIfExists":{"aws:SecureTransport":"true"}}"#,
            r#"{"NoSuchOperator":{"aws:username":"ann"}}"#,
            r#"{"ForAllValues:StringEquals":{"aws:TagKeys":["team","stage"]}}"#,
            r#"{"Null":{"aws:userid":"true"},"IpAddress":{"aws:SourceIp":"10.0.0.0/8"}}"#,
        ],
    );
    let document = format!(
        r#"{{"Version":"2012-10-17","Statement":{{"Effect":"{effect}","{action}":"{actions}",
            "{resource}":"{resources}","Condition":{condition}}}}}"#
    );
    parse(&document).expect("a sound policy")
}

#[test]
fn whatever_the_policies_a_denial_wins_and_nothing_is_allowed_by_default() {
    let mut random = rand::rngs::StdRng::seed_from_u64(20_261_122);
    let actions = ["s3:GetObject", "s3:PutObject", "codedeploy:GetApplication", "iam:GetUser"];
    let resources = [
        "*",
        "arn:aws:s3:::b/ann",
        "arn:aws:s3:::b/k",
        "arn:aws:codedeploy:eu-1:111122223333:application:web",
    ];
    let (mut n_allowed, mut n_turned) = (0, 0);
    for _ in 0..20_000 {
        let allows: Vec<Policy> =
            (0..random.random_range(1..4)).map(|_| drawn_policy(&mut random, "Allow")).collect();
        let denies: Vec<Policy> =
            (0..random.random_range(0..3)).map(|_| drawn_policy(&mut random, "Deny")).collect();
        let action = actions[random.random_range(0..actions.len())];
        let resource = resources[random.random_range(0..resources.len())];
        let context = if random.random() { request() } else { Context::new() };
        let decided = |policies: &[Policy]| decide(policies, action, resource, &context);
        let mut policies = [allows.clone(), denies.clone()].concat();
        let decision = decided(&policies);
        policies.reverse();
        assert_eq!(decided(&policies), decision, "the order of policies counts");
        assert_ne!(decided(&denies), Allowed, "a denial allows");
        assert_eq!(decided(&[]), NotAllowed);
        assert!(decision != Allowed || decided(&allows) == Allowed, "a denial allows more");
        policies.push(drawn_policy(&mut random, "Deny"));
        let with_denial = decided(&policies);
        assert!(decision == Allowed || with_denial != Allowed, "another denial allows more");
        policies.push(drawn_policy(&mut random, "Allow"));
        let with_allowance = decided(&policies);
        assert!(
            with_denial != ExplicitlyDenied || with_allowance == ExplicitlyDenied,
            "an allowance undoes a denial"
        );
        n_allowed += usize::from(decision == Allowed);
        n_turned += usize::from(decision == Allowed && with_denial == ExplicitlyDenied);
    }
    assert!(n_allowed > 1000 && n_turned > 100, "too few cases met: {n_allowed}, {n_turned}");
}

#[test]
fn the_old_language_knows_no_variables() {
    let policy = r#"{"Version":"2008-10-17","Statement":
        {"Effect":"Allow","Action":"*","Resource":"arn:aws:s3:::b/${x}"}}"#;
    check(policy, "s3:GetObject", "arn:aws:s3:::b/${x}", Allowed);
}

#[test]
fn malformed_documents_say_what_is_wrong() {
    check_refused("", "EOF");
    check_refused("[]", "policy document");
    check_refused("{}", "no Statement");
    check_refused(r#"{"Statement":[]}"#, "no Statement");
    check_refused(r#"{"Version":"2012-10-18","Statement":[]}"#, "Version is `2012-10-18`");
    check_refused(r#"{"Statment":[]}"#, "unknown field `Statment`");
    check_refused(r#"{"Statement":"x"}"#, "a statement or a list of statements");
    let statement = |inside: &str| format!(r#"{{"Statement":[{{{inside}}}]}}"#);
    check_refused(&statement(r#""Action":"*","Resource":"*""#), "Statement[0]: Effect is ``");
    check_refused(&statement(r#""Effect":"Allows","Action":"*","Resource":"*""#), "Effect is `Allows`");
    check_refused(&statement(r#""Effect":"Allow","Resource":"*""#), "Action or NotAction");
    check_refused(&statement(r#""Effect":"Allow","Action":[],"Resource":"*""#), "Action or NotAction");
    check_refused(
        &statement(r#""Effect":"Allow","Action":"*","NotAction":"*","Resource":"*""#),
        "Action or NotAction",
    );
    check_refused(&statement(r#""Effect":"Allow","Action":"get","Resource":"*""#), "action `get`");
    check_refused(&statement(r#""Effect":"Allow","Action":7,"Resource":"*""#), "a string or a list");
    check_refused(&statement(r#""Effect":"Allow","Action":"*""#), "Resource or NotResource");
    check_refused(&statement(r#""Effect":"Allow","Action":"*","Resource":"b/k""#), "resource `b/k`");
    check_refused(&statement(r#""Effect":"Allow","Action":"*","Resource":"arn:aws:s3""#), "arn:aws:s3`");
    check_refused(
        &statement(r#""Effect":"Deny","Effect":"Allow","Action":"*","Resource":"*""#),
        "duplicate field `Effect`",
    );
    check_refused(
        &statement(r#""Effect":"Allow","Action":"*","Resource":"*","Principal":"*""#),
        "must not name a Principal",
    );
    check_refused(
        &statement(r#""Effect":"Allow","Action":"*","Resource":"*","Condition":"x""#),
        "not well formed",
    );
}
