//! A server on a free port with a folder of its own, and one-line cases against it.

use std::future::Future;
use std::panic::Location;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use http::Request;
use longshore_model::target::Clocks;
use longshore_model::time::Timestamp;
use longshore_server::Server;
use longshore_server::config::{Config, Settings};
use longshore_store::sqlite::SqliteStore;
use longshore_store::{RoleStore, Session};
use longshore_wire::client::{CallError, Client, ClientConfig};
use longshore_wire::sigv4::{Credentials, payload_sha256_hex, sign};
use serde_json::Value;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

pub(crate) const ACCOUNT: &str = "111122223333";
pub(crate) const REGION: &str = "eu-test-1";
pub(crate) const ROLE: &str = "arn:aws:iam::111122223333:role/deploy";
pub(crate) const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";

/// A running server and its root client.
pub(crate) struct TestServer {
    server: Option<Server>,
    settings: Settings,
    client: Client,
    _folder: TempDir,
}

/// Short clocks, so that nothing waits long.
pub(crate) fn quick() -> Config {
    Config {
        clocks: Clocks {
            pickup: Duration::from_secs(60),
            event: Duration::from_secs(60),
            deployment: Duration::from_secs(600),
        },
        poll_hold: Duration::from_millis(300),
        ..Config::default()
    }
}

impl TestServer {
    pub(crate) async fn start() -> TestServer {
        TestServer::start_with(quick()).await
    }

    pub(crate) async fn start_with(config: Config) -> TestServer {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let settings = Settings {
            data_dir: folder.path().join("data"),
            listen: "127.0.0.1:0".parse().expect("an address"),
            region: REGION.to_owned(),
            account_id: ACCOUNT.to_owned(),
            root_key: None,
            config,
        };
        let server = Server::start(settings.clone()).await.expect("the server starts");
        let root = Credentials {
            access_key_id: server.root_key().id.clone(),
            secret_access_key: server.root_key().secret.clone(),
            session_token: None,
        };
        let client = client(server.url(), root);
        TestServer { server: Some(server), settings, client, _folder: folder }
    }

    pub(crate) fn url(&self) -> &str {
        self.server.as_ref().expect("the server runs").url()
    }

    pub(crate) fn client(&self) -> &Client {
        &self.client
    }

    pub(crate) fn root(&self) -> Credentials {
        let key = self.server.as_ref().expect("the server runs").root_key();
        Credentials {
            access_key_id: key.id.clone(),
            secret_access_key: key.secret.clone(),
            session_token: None,
        }
    }

    /// Stops, and starts again on the same data, elsewhere.
    pub(crate) async fn restart(&mut self) {
        self.server.take().expect("the server runs").stop().await;
        self.server = Some(Server::start(self.settings.clone()).await.expect("the server starts again"));
        self.client = client(self.url(), self.root());
    }

    /// Credentials of a session of the role `name` that ended a second ago.
    pub(crate) async fn ended_session(&mut self, role: &str) -> Credentials {
        self.server.take().expect("the server runs").stop().await;
        let store =
            SqliteStore::open(&self.settings.data_dir.join("longshore.db")).await.expect("the store opens");
        let (token, secret) = (String::from("token"), String::from("secret"));
        let session = Session {
            access_key_id: String::from("ASIAENDED00000000000"),
            secret: secret.clone(),
            token_sha256: payload_sha256_hex(token.as_bytes()),
            role: role.to_owned(),
            name: String::from("s1"),
            policy: None,
            created_at: now().minus(Duration::from_secs(900)),
            expires_at: now().minus(Duration::from_secs(1)),
        };
        store.create_session(&session, Timestamp::from_millis(0)).await.expect("writes");
        store.close().await;
        self.server = Some(Server::start(self.settings.clone()).await.expect("the server starts again"));
        self.client = client(self.url(), self.root());
        Credentials {
            access_key_id: session.access_key_id,
            secret_access_key: secret,
            session_token: Some(token),
        }
    }

    /// An IAM action as root, as a form.
    pub(crate) async fn iam(&self, form: &str) -> String {
        let pairs: Vec<(&str, &str)> = form.split('&').filter_map(|pair| pair.split_once('=')).collect();
        self.client.query("iam", &pairs).await.unwrap_or_else(|error| panic!("{form}: {error}"))
    }

    /// A role with this trust policy.
    pub(crate) async fn role(&self, name: &str, trust: &str) {
        let create = [("Action", "CreateRole"), ("RoleName", name), ("AssumeRolePolicyDocument", trust)];
        self.client.query("iam", &create).await.expect("a role");
    }

    /// A role that trusts `principal`: the value of that element.
    pub(crate) async fn trusting_role(&self, name: &str, principal: &str) {
        let statement = format!(r#"{{"Effect":"Allow","Principal":{principal},"Action":"sts:AssumeRole"}}"#);
        self.role(name, &format!(r#"{{"Version":"2012-10-17","Statement":[{statement}]}}"#)).await;
    }

    /// Gives the role `name` a policy.
    pub(crate) async fn allow_role(&self, name: &str, statement: &str) {
        let document = format!(r#"{{"Version":"2012-10-17","Statement":[{statement}]}}"#);
        let put = [
            ("Action", "PutRolePolicy"),
            ("RoleName", name),
            ("PolicyName", "test"),
            ("PolicyDocument", &document),
        ];
        self.client.query("iam", &put).await.expect("a policy");
    }

    /// A bucket `bundles` with `web.zip`.
    pub(crate) async fn with_bundle(self) -> TestServer {
        for path in ["/bundles", "/bundles/web.zip"] {
            let answer = self.s3(&self.root(), "PUT", path).await;
            assert!(answer.starts_with("HTTP/1.1 200 "), "{path}: {answer}");
        }
        self
    }

    /// An S3 request without a body, on a connection of its own.
    pub(crate) async fn s3(&self, credentials: &Credentials, method: &str, path: &str) -> String {
        let host = self.url().trim_start_matches("http://").to_owned();
        let hash = payload_sha256_hex(b"");
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header("host", host)
            .header("x-amz-content-sha256", &hash);
        let (mut parts, ()) = request.body(()).expect("a request").into_parts();
        sign(&mut parts, &hash, credentials, REGION, "s3", now()).expect("signed");
        let headers = parts
            .headers
            .iter()
            .map(|(name, value)| format!("{name}: {}\r\n", value.to_str().expect("ASCII")));
        let headers: String = headers.collect();
        self.raw(&format!(
            "{method} {path} HTTP/1.1\r\n{headers}content-length: 0\r\nconnection: close\r\n\r\n"
        ))
        .await
    }

    /// Stops in order.
    pub(crate) async fn stop(mut self) {
        self.server.take().expect("the server runs").stop().await;
    }

    /// Calls `operation` as root with `input` and compares with `expected`: the name of an exception
    /// (`: ` and a part of its message may follow), or JSON that the answer must contain, in which
    /// `"*"` is anything and `null` is an absent member.
    #[track_caller]
    pub(crate) fn check<'a>(
        &'a self,
        operation: &'a str,
        input: &'a str,
        expected: &'a str,
    ) -> impl Future<Output = ()> + 'a {
        check_as(&self.client, operation, input, expected)
    }

    /// Calls `operation` as root; it must succeed.
    #[track_caller]
    pub(crate) fn call<'a>(&'a self, operation: &'a str, input: &'a str) -> impl Future<Output = Value> + 'a {
        let place = Location::caller();
        async move {
            call(&self.client, operation, input)
                .await
                .unwrap_or_else(|error| panic!("{place}: {operation} {input}: {error}"))
        }
    }

    /// An application `web` with group `prod` of the hosts tagged `env=prod`.
    pub(crate) async fn with_group(self) -> TestServer {
        self.call("CreateApplication", r#"{"applicationName":"web"}"#).await;
        self.with_group_only("prod", "").await
    }

    /// Another group of application `web` with the hosts tagged `env=prod`.
    pub(crate) async fn with_group_only(self, name: &str, more: &str) -> TestServer {
        let group = format!(
            r#"{{"applicationName":"web","deploymentGroupName":"{name}","serviceRoleArn":"{ROLE}",
                "onPremisesInstanceTagFilters":[{{"Key":"env","Value":"prod","Type":"KEY_AND_VALUE"}}]{more}}}"#
        );
        self.call("CreateDeploymentGroup", &group).await;
        self
    }

    /// An IAM user with a key, made as `aws deploy register` makes it, and a client with that key.
    pub(crate) async fn user(&self, name: &str) -> (String, Client) {
        let (arn, credentials) = self.user_key(name).await;
        (arn, client(self.url(), credentials))
    }

    /// An IAM user with a key.
    pub(crate) async fn user_key(&self, name: &str) -> (String, Credentials) {
        let version = ("Version", "2010-05-08");
        let create = [("Action", "CreateUser"), version, ("UserName", name), ("Path", "/AWS/CodeDeploy/")];
        let user = self.client.query("iam", &create).await.expect("a user");
        let create = [("Action", "CreateAccessKey"), version, ("UserName", name)];
        let key = self.client.query("iam", &create).await.expect("a key");
        let credentials = Credentials {
            access_key_id: element(&key, "AccessKeyId"),
            secret_access_key: element(&key, "SecretAccessKey"),
            session_token: None,
        };
        (element(&user, "Arn"), credentials)
    }

    /// Gives the user `name` a policy.
    pub(crate) async fn allow(&self, name: &str, statement: &str) {
        let document = format!(r#"{{"Version":"2012-10-17","Statement":[{statement}]}}"#);
        let put = [
            ("Action", "PutUserPolicy"),
            ("Version", "2010-05-08"),
            ("UserName", name),
            ("PolicyName", "test"),
            ("PolicyDocument", &document),
        ];
        self.client.query("iam", &put).await.expect("a policy");
    }

    /// A host `name` tagged `env=prod`, and the client of its agent.
    pub(crate) async fn host(&self, name: &str) -> (String, Client) {
        let (arn, client) = self.user(name).await;
        self.register(name, &arn).await;
        (arn, client)
    }

    pub(crate) async fn register(&self, name: &str, arn: &str) {
        let register = format!(r#"{{"instanceName":"{name}","iamUserArn":"{arn}"}}"#);
        self.call("RegisterOnPremisesInstance", &register).await;
        let tag = format!(r#"{{"instanceNames":["{name}"],"tags":[{{"Key":"env","Value":"prod"}}]}}"#);
        self.call("AddTagsToOnPremisesInstances", &tag).await;
    }

    /// Deploys something to group `prod` and answers the deployment's id.
    pub(crate) async fn deploy(&self, more: &str) -> String {
        let input = format!(
            r#"{{"applicationName":"web","deploymentGroupName":"prod","revision":{{"revisionType":"S3",
                "s3Location":{{"bucket":"bundles","key":"web.zip","bundleType":"zip"}}}}{more}}}"#
        );
        let output = self.call("CreateDeployment", &input).await;
        output["deploymentId"].as_str().expect("an id").to_owned()
    }

    /// Waits until the deployment has `status`.
    pub(crate) async fn wait_for(&self, id: &str, status: &str) -> Value {
        self.wait_until(id, |info| info["status"] == status).await
    }

    /// Waits until one of the deployment's hosts has something to do.
    pub(crate) async fn wait_for_begin(&self, id: &str) -> Value {
        self.wait_until(id, |info| 0 < info["deploymentOverview"]["InProgress"].as_u64().unwrap_or(0)).await
    }

    async fn wait_until(&self, id: &str, is_so: impl Fn(&Value) -> bool) -> Value {
        let input = format!(r#"{{"deploymentId":"{id}"}}"#);
        for _ in 0..500 {
            let info = self.call("GetDeployment", &input).await["deploymentInfo"].take();
            if is_so(&info) {
                return info;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        panic!("the deployment {id} is not as expected after 10 s");
    }

    /// Sends `request` as it is on a connection of its own and answers everything that comes back.
    pub(crate) async fn raw(&self, request: &str) -> String {
        let mut stream = self.connect().await;
        stream.write_all(request.as_bytes()).await.expect("the request is sent");
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await.expect("the answer is read");
        String::from_utf8_lossy(&answer).into_owned()
    }

    pub(crate) async fn connect(&self) -> TcpStream {
        let address = self.url().trim_start_matches("http://");
        TcpStream::connect(address).await.expect("the server accepts")
    }
}

fn now() -> Timestamp {
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970");
    Timestamp::from_millis(i64::try_from(since_epoch.as_millis()).expect("in range"))
}

/// A client that tries once.
pub(crate) fn client(url: &str, credentials: Credentials) -> Client {
    let mut config = ClientConfig::new(url, REGION, credentials);
    config.retries = Vec::new();
    Client::new(config).expect("a client")
}

/// As [`TestServer::check`], with another caller.
#[track_caller]
pub(crate) fn check_as<'a>(
    client: &'a Client,
    operation: &'a str,
    input: &'a str,
    expected: &'a str,
) -> impl Future<Output = ()> + 'a {
    let place = Location::caller();
    async move {
        let answer = call(client, operation, input).await;
        match (answer, expected.starts_with('{')) {
            (Ok(output), true) => {
                let expected = serde_json::from_str(expected).expect("the expected answer is JSON");
                if let Err(difference) = contains(&output, &expected, "") {
                    panic!("{place}: {operation} {input}: {difference} in {output}");
                }
            }
            (Err(CallError::Service { code, message, .. }), false) => {
                let (name, text) = expected.split_once(": ").unwrap_or((expected, ""));
                let is_good = code == name && message.contains(text);
                assert!(is_good, "{place}: {operation} {input}: {code}: {message}, not {expected}");
            }
            (answer, _) => panic!("{place}: {operation} {input}: {answer:?}, not {expected}"),
        }
    }
}

/// Calls `operation`, which may have a prefix of its own.
pub(crate) async fn call(client: &Client, operation: &str, input: &str) -> Result<Value, CallError> {
    let input: Value = serde_json::from_str(input).expect("the input is JSON");
    let target = match operation.contains('.') {
        true => operation.to_owned(),
        false => format!("CodeDeploy_20141006.{operation}"),
    };
    client.call_json("codedeploy", &target, &input).await
}

fn contains(actual: &Value, expected: &Value, place: &str) -> Result<(), String> {
    match (actual, expected) {
        (Value::Object(actual), Value::Object(expected)) => {
            for (name, expected) in expected {
                let place = format!("{place}.{name}");
                match (actual.get(name), expected) {
                    (None, Value::Null) => {}
                    (Some(actual), expected) => contains(actual, expected, &place)?,
                    (None, _) => return Err(format!("no {place}")),
                }
            }
            Ok(())
        }
        (Value::Array(actual), Value::Array(expected)) if actual.len() == expected.len() => {
            let mut pairs = actual.iter().zip(expected).enumerate();
            pairs.try_for_each(|(idx, (actual, expected))| {
                contains(actual, expected, &format!("{place}[{idx}]"))
            })
        }
        (_, Value::String(any)) if any == "*" => Ok(()),
        (actual, expected) if actual == expected => Ok(()),
        (actual, expected) => Err(format!("{place} is {actual}, not {expected}")),
    }
}

/// The text of the first element `name` of an XML answer.
pub(crate) fn element(xml: &str, name: &str) -> String {
    let (_, rest) = xml.split_once(&format!("<{name}>")).expect("the element is there");
    rest.split('<').next().unwrap_or_default().to_owned()
}
