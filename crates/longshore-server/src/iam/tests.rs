//! Actions against a real store, and the documents that botocore reads.

use std::sync::Arc;

use http::HeaderMap;
use longshore_bundles::{Caller, Principal};
use longshore_model::id::PrincipalArn;
use longshore_model::policy;
use longshore_model::time::Timestamp;
use longshore_store::IdentityStore;
use longshore_store::sqlite::SqliteStore;
use longshore_wire::error::ApiError;

use super::{IamAnswer, Service, handle, refused};

const ACCOUNT: &str = "123456789012";
/// 2026-11-22T20:23:01Z.
const NOW: Timestamp = Timestamp::from_millis(1_795_378_981_000);
const AGENT_POLICY: &str = r#"{"Version":"2012-10-17","Statement":[{"Action":["s3:Get*","s3:List*"],"Effect":"Allow","Resource":"*"}]}"#;

struct Server {
    store: SqliteStore,
}

impl Server {
    async fn new() -> Server {
        Server { store: SqliteStore::in_memory().await.expect("a store") }
    }

    /// `form` is as a client sends it: `Action=CreateUser&UserName=host1`.
    async fn ask(&self, caller: &Caller, service: Service, form: &str) -> IamAnswer {
        let params = form_urlencoded::parse(form.as_bytes()).into_owned().collect();
        handle(&self.store, caller, ACCOUNT, service, params, NOW).await
    }

    /// Asks as root and expects `status`, then `expected` in the answer, whose random parts are masked.
    #[track_caller]
    fn check(&self, form: &str, status: u16, expected: &str) -> impl Future<Output = String> {
        let place = std::panic::Location::caller();
        async move {
            let answer = self.ask(&root(), Service::Iam, form).await;
            let shown = masked(&answer.body);
            assert_eq!(answer.status.as_u16(), status, "{place}: {shown}");
            assert!(shown.contains(expected), "{place}: {shown}\ndoes not hold\n{expected}");
            answer.body
        }
    }
}

fn root() -> Caller {
    caller(Principal {
        arn: PrincipalArn(format!("arn:aws:iam::{ACCOUNT}:root")),
        access_key_id: String::from("AKIAROOT"),
        is_root: true,
        user_name: None,
        user_id: ACCOUNT.to_owned(),
        policies: Vec::new(),
        session: None,
    })
}

fn caller(principal: Principal) -> Caller {
    Caller::new(Arc::new(principal), None, &HeaderMap::new(), "eu-1", NOW)
}

fn user(arn_tail: &str, policies: &[&str]) -> Caller {
    let policies = policies.iter().map(|document| policy::parse(document).expect("a policy"));
    caller(Principal {
        arn: PrincipalArn(format!("arn:aws:iam::{ACCOUNT}:user{arn_tail}")),
        access_key_id: String::from("AKIAUSER"),
        is_root: false,
        user_name: arn_tail.rsplit('/').next().map(str::to_owned),
        user_id: String::from("AIDAUSER"),
        policies: policies.collect(),
        session: None,
    })
}

/// The text of the first element called `name`.
fn text<'a>(xml: &'a str, name: &str) -> Option<&'a str> {
    let (_, after) = xml.split_once(&format!("<{name}>"))?;
    after.split_once(&format!("</{name}>")).map(|(text, _)| text)
}

fn masked(xml: &str) -> String {
    let mut masked = xml.to_owned();
    for name in ["RequestId", "UserId", "GroupId", "AccessKeyId", "SecretAccessKey"] {
        if let Some(text) = text(&masked, name).map(str::to_owned) {
            masked = masked.replace(&text, "_");
        }
    }
    masked
}

#[tokio::test]
async fn what_register_and_deregister_call() {
    let server = Server::new().await;
    server
        .check(
            "Action=CreateUser&Version=2010-05-08&Path=%2FAWS%2FCodeDeploy%2F&UserName=host1",
            200,
            "<CreateUserResponse xmlns=\"https://iam.amazonaws.com/doc/2010-05-08/\"><CreateUserResult><User>\
             <Path>/AWS/CodeDeploy/</Path><UserName>host1</UserName><UserId>_</UserId>\
             <Arn>arn:aws:iam::123456789012:user/AWS/CodeDeploy/host1</Arn>\
             <CreateDate>2026-11-22T20:23:01Z</CreateDate></User></CreateUserResult>\
             <ResponseMetadata><RequestId>_</RequestId></ResponseMetadata></CreateUserResponse>",
        )
        .await;
    let key = server
        .check(
            "Action=CreateAccessKey&UserName=host1",
            200,
            "<CreateAccessKeyResult><AccessKey><UserName>host1</UserName><AccessKeyId>_</AccessKeyId>\
             <Status>Active</Status><CreateDate>2026-11-22T20:23:01Z</CreateDate>\
             <SecretAccessKey>_</SecretAccessKey></AccessKey></CreateAccessKeyResult>",
        )
        .await;
    let key_id = text(&key, "AccessKeyId").expect("an id").to_owned();
    let put = form_urlencoded::Serializer::new(String::from("Action=PutUserPolicy&UserName=host1"))
        .append_pair("PolicyName", "codedeploy-agent")
        .append_pair("PolicyDocument", AGENT_POLICY)
        .finish();
    server.check(&put, 200, "<PutUserPolicyResponse xmlns=").await;
    server
        .check(
            "Action=ListUserPolicies&UserName=host1",
            200,
            "<ListUserPoliciesResult><PolicyNames><member>codedeploy-agent</member></PolicyNames>\
             <IsTruncated>false</IsTruncated></ListUserPoliciesResult>",
        )
        .await;
    server
        .check("Action=DeleteUser&UserName=host1", 409, "<Code>DeleteConflict</Code><Message>Cannot delete")
        .await;
    server.check("Action=DeleteUserPolicy&UserName=host1&PolicyName=codedeploy-agent", 200, "").await;
    server
        .check(
            "Action=ListAccessKeys&UserName=host1",
            200,
            "<ListAccessKeysResult><UserName>host1</UserName><AccessKeyMetadata><member>\
             <UserName>host1</UserName><AccessKeyId>_</AccessKeyId><Status>Active</Status>\
             <CreateDate>2026-11-22T20:23:01Z</CreateDate></member></AccessKeyMetadata>\
             <IsTruncated>false</IsTruncated></ListAccessKeysResult>",
        )
        .await;
    server.check(&format!("Action=DeleteAccessKey&UserName=host1&AccessKeyId={key_id}"), 200, "").await;
    server.check("Action=DeleteUser&UserName=host1", 200, "<DeleteUserResponse").await;
    server.check("Action=GetUser&UserName=host1", 404, "<Code>NoSuchEntity</Code>").await;
}

#[tokio::test]
async fn ids_and_secrets_have_their_form() {
    let server = Server::new().await;
    let made = server.check("Action=CreateUser&UserName=u", 200, "").await;
    let user_id = text(&made, "UserId").expect("an id").to_owned();
    assert!(user_id.starts_with("AIDA") && user_id.len() == 20, "{user_id}");
    let made = server.check("Action=CreateAccessKey&UserName=u", 200, "").await;
    let (id, secret) = (text(&made, "AccessKeyId"), text(&made, "SecretAccessKey"));
    assert!(id.is_some_and(|id| id.starts_with("AKIA") && id.len() == 20), "{id:?}");
    assert_eq!(secret.map(str::len), Some(40));
    let stored = server.store.access_key(id.expect("an id")).await.expect("reads").expect("is there");
    assert_eq!(Some(stored.0.secret.as_str()), secret);
    server.check("Action=CreateAccessKey&UserName=u", 200, "").await;
    server.check("Action=CreateAccessKey&UserName=u", 409, "<Code>LimitExceeded</Code>").await;
}

#[tokio::test]
async fn users_come_in_pages() {
    let server = Server::new().await;
    for name in ["c", "a", "b"] {
        server.check(&format!("Action=CreateUser&UserName={name}"), 200, "").await;
    }
    server.check("Action=CreateUser&UserName=other&Path=/x/", 200, "").await;
    let page = server.check("Action=ListUsers&MaxItems=2", 200, "<IsTruncated>true</IsTruncated>").await;
    assert_eq!(text(&page, "Marker"), Some("b"));
    let rest = server.check("Action=ListUsers&MaxItems=2&Marker=b", 200, "<UserName>c</UserName>").await;
    assert!(rest.contains("<UserName>other</UserName><UserId>") && text(&rest, "Marker").is_none());
    let found = server.check("Action=ListUsers&PathPrefix=/x/", 200, "<UserName>other</UserName>").await;
    assert!(!found.contains("<UserName>a</UserName>"), "{found}");
}

#[tokio::test]
async fn a_policy_is_given_back_in_url_encoding() {
    let server = Server::new().await;
    server.check("Action=CreateUser&UserName=u", 200, "").await;
    let document = "%7B%22Statement%22%3A%7B%22Effect%22%3A%22Allow%22%2C%22Action%22%3A%22%2A%22%2C\
                    %22Resource%22%3A%22%2A%22%7D%7D";
    let put = format!("Action=PutUserPolicy&UserName=u&PolicyName=p&PolicyDocument={document}");
    server.check(&put, 200, "").await;
    let expected = format!("<PolicyName>p</PolicyName><PolicyDocument>{document}</PolicyDocument>");
    server.check("Action=GetUserPolicy&UserName=u&PolicyName=p", 200, &expected).await;
    server.check("Action=GetUserPolicy&UserName=u&PolicyName=q", 404, "user policy with name q").await;
}

#[tokio::test]
async fn errors_have_their_codes() {
    let server = Server::new().await;
    server.check("Action=CreateUser&UserName=u", 200, "").await;
    server
        .check(
            "Action=CreateUser&UserName=u",
            409,
            "<ErrorResponse xmlns=\"https://iam.amazonaws.com/doc/2010-05-08/\"><Error><Type>Sender</Type>\
             <Code>EntityAlreadyExists</Code><Message>User with name u already exists.</Message></Error>\
             <RequestId>_</RequestId></ErrorResponse>",
        )
        .await;
    let validation = "<Code>ValidationError</Code><Message>1 validation error detected: ";
    server.check("Action=CreateUser", 400, validation).await;
    server
        .check("Action=CreateUser&UserName=a%2Fb", 400, "Value &apos;a/b&apos; at &apos;UserName&apos;")
        .await;
    server.check(&format!("Action=CreateUser&UserName={}", "x".repeat(65)), 400, validation).await;
    server.check("Action=CreateUser&UserName=x&Path=nope", 400, validation).await;
    server.check("Action=ListUsers&MaxItems=0", 400, validation).await;
    server.check("Action=CreateUser&UserName=x&Tags.member.1.Key=k", 501, "Tags.member.1.Key").await;
    server.check("Action=DeleteUser&UserName=nobody", 404, "<Code>NoSuchEntity</Code>").await;
    server.check("Action=CreateAccessKey&UserName=nobody", 404, "<Code>NoSuchEntity</Code>").await;
    server.check("Action=CreateAccessKey", 400, "the key that signed belongs to no user").await;
    server
        .check("Action=DeleteAccessKey&UserName=u&AccessKeyId=AKIAX", 404, "Access Key with id AKIAX")
        .await;
    server
        .check(
            "Action=PutUserPolicy&UserName=u&PolicyName=p&PolicyDocument=%7B%22Statement%22%3A%7B%22Effect%22%3A%22May%22%7D%7D",
            400,
            "<Code>MalformedPolicyDocument</Code><Message>Statement[0]: Effect is `May`",
        )
        .await;
    server
        .check("Action=CreatePolicy", 501, "<Code>NotImplemented</Code><Message>The action CreatePolicy is")
        .await;
    server.check("Action=%3Cx%3E", 501, "The action &lt;x&gt; is not available").await;
    server.check("UserName=x", 400, "<Code>MissingAction</Code>").await;
}

#[tokio::test]
async fn a_user_does_what_its_policies_allow() {
    let server = Server::new().await;
    server.check("Action=CreateUser&UserName=ann", 200, "").await;
    let nobody = user("/ann", &[]);
    let answer = server.ask(&nobody, Service::Iam, "Action=GetUser").await;
    assert_eq!(answer.status.as_u16(), 403);
    assert_eq!(
        text(&answer.body, "Message"),
        Some(
            "User: arn:aws:iam::123456789012:user/ann is not authorized to perform: iam:GetUser on resource: \
             arn:aws:iam::123456789012:user/ann because no identity-based policy allows the iam:GetUser action"
        )
    );
    let unknown = server.ask(&nobody, Service::Iam, "Action=GetUser&UserName=zoe").await;
    assert_eq!(unknown.status.as_u16(), 403);
    let hosts_only = user(
        "/ann",
        &[r#"{"Statement":{"Effect":"Allow","Action":"iam:*","Resource":"arn:aws:iam::*:user/hosts/*"}}"#],
    );
    let made = server.ask(&hosts_only, Service::Iam, "Action=CreateUser&UserName=h&Path=/hosts/").await;
    assert_eq!(made.status.as_u16(), 200, "{}", made.body);
    let made = server.ask(&hosts_only, Service::Iam, "Action=CreateUser&UserName=i").await;
    assert_eq!(made.status.as_u16(), 403, "{}", made.body);
}

#[tokio::test]
async fn everybody_may_ask_who_they_are() {
    let server = Server::new().await;
    let host = user("/AWS/CodeDeploy/h1", &[]);
    let answer = server.ask(&host, Service::Sts, "Action=GetCallerIdentity&Version=2011-06-15").await;
    let expected = "<GetCallerIdentityResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><GetCallerIdentityResult>\
         <Arn>arn:aws:iam::123456789012:user/AWS/CodeDeploy/h1</Arn><UserId>AIDAUSER</UserId>\
         <Account>123456789012</Account></GetCallerIdentityResult>";
    assert!(answer.body.contains(expected), "{}", answer.body);
    let answer = server.ask(&root(), Service::Sts, "Action=GetCallerIdentity").await;
    assert_eq!(text(&answer.body, "UserId"), Some(ACCOUNT));
    let answer = server.ask(&root(), Service::Sts, "Action=GetFederationToken").await;
    assert_eq!(answer.status.as_u16(), 501);
}

#[tokio::test]
async fn groups_have_members_and_policies() {
    let server = Server::new().await;
    server
        .check(
            "Action=CreateGroup&GroupName=dev&Path=/team/",
            200,
            "<CreateGroupResult><Group><Path>/team/</Path><GroupName>dev</GroupName><GroupId>_</GroupId>\
             <Arn>arn:aws:iam::123456789012:group/team/dev</Arn><CreateDate>2026-11-22T20:23:01Z</CreateDate>\
             </Group></CreateGroupResult>",
        )
        .await;
    server
        .check("Action=CreateGroup&GroupName=dev", 409, "<Message>Group with name dev already exists.")
        .await;
    for name in ["ann", "bob", "eve"] {
        server.check(&format!("Action=CreateUser&UserName={name}"), 200, "").await;
        server.check(&format!("Action=AddUserToGroup&GroupName=dev&UserName={name}"), 200, "").await;
    }
    server.check("Action=AddUserToGroup&GroupName=dev&UserName=zoe", 404, "user with name zoe").await;
    server.check("Action=AddUserToGroup&GroupName=ops&UserName=ann", 404, "group with name ops").await;
    let page = server.check("Action=GetGroup&GroupName=dev&MaxItems=2", 200, "<IsTruncated>true").await;
    assert!(
        page.contains("<UserName>bob</UserName>") && !page.contains("<UserName>eve</UserName>"),
        "{page}"
    );
    assert_eq!(text(&page, "Marker"), Some("bob"));
    let rest = "Action=GetGroup&GroupName=dev&MaxItems=2&Marker=bob";
    server.check(rest, 200, "<IsTruncated>false</IsTruncated></GetGroupResult>").await;
    server.check("Action=ListGroups&PathPrefix=/team/", 200, "<GroupName>dev</GroupName>").await;
    server.check("Action=ListGroupsForUser&UserName=ann", 200, "<GroupName>dev</GroupName>").await;
    let put = "Action=PutGroupPolicy&GroupName=dev&PolicyName=p&PolicyDocument=%7B%22Statement%22%3A%7B%22Effect\
               %22%3A%22Allow%22%2C%22Action%22%3A%22%2A%22%2C%22Resource%22%3A%22%2A%22%7D%7D";
    server.check(put, 200, "").await;
    server.check("Action=ListGroupPolicies&GroupName=dev", 200, "<member>p</member>").await;
    server.check("Action=GetGroupPolicy&GroupName=dev&PolicyName=p", 200, "<GroupName>dev</GroupName>").await;
    server
        .check("Action=GetGroupPolicy&GroupName=dev&PolicyName=q", 404, "The group policy with name q")
        .await;
    server.check("Action=DeleteGroup&GroupName=dev", 409, "must remove users from group first").await;
    server.check("Action=DeleteUser&UserName=ann", 409, "must remove users from group first").await;
    for name in ["ann", "bob", "eve"] {
        server.check(&format!("Action=RemoveUserFromGroup&GroupName=dev&UserName={name}"), 200, "").await;
    }
    server.check("Action=DeleteGroup&GroupName=dev", 409, "must delete policies first").await;
    server.check("Action=DeleteGroupPolicy&GroupName=dev&PolicyName=p", 200, "").await;
    server.check("Action=DeleteGroup&GroupName=dev", 200, "").await;
    server.check("Action=GetGroup&GroupName=dev", 404, "<Code>NoSuchEntity</Code>").await;
}

#[tokio::test]
async fn a_user_is_in_ten_groups_at_most() {
    let server = Server::new().await;
    server.check("Action=CreateUser&UserName=ann", 200, "").await;
    for idx in 0..11 {
        server.check(&format!("Action=CreateGroup&GroupName=g{idx}"), 200, "").await;
        let (status, expected) =
            if idx < 10 { (200, "") } else { (409, "Cannot exceed quota for GroupsPerUser: 10") };
        server.check(&format!("Action=AddUserToGroup&GroupName=g{idx}&UserName=ann"), status, expected).await;
    }
}

#[tokio::test]
async fn roles_trust_somebody_and_have_policies() {
    let server = Server::new().await;
    let trust = "%7B%22Statement%22%3A%7B%22Effect%22%3A%22Allow%22%2C%22Action%22%3A%22sts%3AAssumeRole%22%2C\
                 %22Principal%22%3A%22%2A%22%7D%7D";
    let create = format!("Action=CreateRole&RoleName=deploy&AssumeRolePolicyDocument={trust}");
    let made =
        server.check(&format!("{create}&Description=for+CI&MaxSessionDuration=7200"), 200, trust).await;
    assert!(made.contains("<Arn>arn:aws:iam::123456789012:role/deploy</Arn>"), "{made}");
    assert!(made.contains("<MaxSessionDuration>7200</MaxSessionDuration><Description>for CI<"), "{made}");
    assert!(text(&made, "RoleId").is_some_and(|id| id.starts_with("AROA") && id.len() == 20), "{made}");
    server.check(&create, 409, "<Message>Role with name deploy already exists.").await;
    server.check("Action=CreateRole&RoleName=r", 400, "&apos;AssumeRolePolicyDocument&apos;").await;
    let malformed = "Action=CreateRole&RoleName=r&AssumeRolePolicyDocument=%7B%22Statement%22%3A%7B%22Effect%22%3A%22\
                     Allow%22%2C%22Action%22%3A%22%2A%22%2C%22Resource%22%3A%22%2A%22%7D%7D";
    server.check(malformed, 400, "a trust policy must not have a Resource").await;
    server.check(&format!("{create}&MaxSessionDuration=60"), 400, "a number of 3600 to 43200").await;
    server.check("Action=ListRoles", 200, "<RoleName>deploy</RoleName>").await;
    let update = format!("Action=UpdateAssumeRolePolicy&RoleName=deploy&PolicyDocument={trust}");
    server.check(&update, 200, "<UpdateAssumeRolePolicyResponse").await;
    server.check(&update.replace("deploy", "nope"), 404, "The role with name nope").await;
    let policy = "%7B%22Statement%22%3A%7B%22Effect%22%3A%22Deny%22%2C%22Action%22%3A%22%2A%22%2C%22Resource%22%3A\
                  %22%2A%22%7D%7D";
    server
        .check(&format!("Action=PutRolePolicy&RoleName=deploy&PolicyName=p&PolicyDocument={policy}"), 200, "")
        .await;
    server.check("Action=GetRolePolicy&RoleName=deploy&PolicyName=p", 200, policy).await;
    server.check("Action=DeleteRole&RoleName=deploy", 409, "must delete policies first").await;
    server.check("Action=DeleteRolePolicy&RoleName=deploy&PolicyName=p", 200, "").await;
    server.check("Action=DeleteRole&RoleName=deploy", 200, "").await;
    server.check("Action=GetRole&RoleName=deploy", 404, "<Code>NoSuchEntity</Code>").await;
}

#[tokio::test]
async fn keys_are_switched_off_and_on() {
    let server = Server::new().await;
    server.check("Action=CreateUser&UserName=u", 200, "").await;
    let made = server.check("Action=CreateAccessKey&UserName=u", 200, "").await;
    let id = text(&made, "AccessKeyId").expect("an id");
    let update = format!("Action=UpdateAccessKey&UserName=u&AccessKeyId={id}");
    server.check(&format!("{update}&Status=Inactive"), 200, "").await;
    server.check("Action=ListAccessKeys&UserName=u", 200, "<Status>Inactive</Status>").await;
    server.check(&format!("{update}&Status=Active"), 200, "").await;
    server.check("Action=ListAccessKeys&UserName=u", 200, "<Status>Active</Status>").await;
    server.check(&format!("{update}&Status=Off"), 400, "enum value set: [Active, Inactive]").await;
    server.check("Action=UpdateAccessKey&UserName=u&AccessKeyId=AKIAX&Status=Active", 404, "AKIAX").await;
}

#[test]
fn refusals_of_the_signature_check_are_translated() {
    let error = ApiError::client("InvalidSignatureException", "The request signature <we> calculated …");
    let answer = refused(Service::Iam, &error);
    assert_eq!(answer.status.as_u16(), 403);
    let expected = "<Code>SignatureDoesNotMatch</Code><Message>The request signature &lt;we&gt; calculated …";
    assert!(answer.body.contains(expected), "{}", answer.body);
}
