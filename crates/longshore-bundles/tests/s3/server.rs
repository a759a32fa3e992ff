//! A server for one test, and requests to it.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use http::{HeaderMap, Method, Request, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::client::legacy::Client;
use hyper_util::rt::{TokioExecutor, TokioIo};
use longshore_bundles::{BundleService, BundleSettings, RootKey, StoredKeys};
use longshore_model::id::PrincipalArn;
use longshore_model::time::Timestamp;
use longshore_store::sqlite::SqliteStore;
use longshore_store::{AccessKey, IdentityStore, InlinePolicy, PolicyHolder, User};
use longshore_wire::sigv4::{Credentials, payload_sha256_hex, sign};
use tokio::net::TcpListener;

pub(crate) const REGION: &str = "us-east-1";
const ACCOUNT: &str = "000000000000";
const DOMAIN: &str = "bundles.example.com";

/// A server on a port of its own. Its folder goes with it.
pub(crate) struct Server {
    pub(crate) address: String,
    pub(crate) store: Arc<SqliteStore>,
    pub(crate) folder: tempfile::TempDir,
    pub(crate) service: BundleService,
}

/// The whole answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

/// A request to be.
pub(crate) struct Ask<'a> {
    server: &'a Server,
    method: Method,
    target: String,
    headers: BTreeMap<String, String>,
    body: Bytes,
    payload: Option<String>,
    credentials: Option<Credentials>,
}

pub(crate) fn root() -> Credentials {
    credentials("AKIAROOT", "the root secret")
}

pub(crate) fn credentials(id: &str, secret: &str) -> Credentials {
    Credentials { access_key_id: id.to_owned(), secret_access_key: secret.to_owned(), session_token: None }
}

pub(crate) fn now() -> Timestamp {
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).expect("after the epoch");
    Timestamp::from_millis(i64::try_from(since_epoch.as_millis()).expect("not that late"))
}

impl Server {
    pub(crate) async fn new() -> Server {
        let store = Arc::new(SqliteStore::in_memory().await.expect("a store"));
        Server::over(store, tempfile::tempdir().expect("a folder")).await
    }

    /// A server with one bucket, `bkt`.
    pub(crate) async fn with_bucket() -> Server {
        let server = Server::new().await;
        server.put("/bkt").expect(200).await;
        server
    }

    /// A server over what another one left.
    pub(crate) async fn over(store: Arc<SqliteStore>, folder: tempfile::TempDir) -> Server {
        let arn = PrincipalArn(format!("arn:aws:iam::{ACCOUNT}:root"));
        let root = RootKey { id: root().access_key_id, secret: root().secret_access_key, arn };
        let keys = Arc::new(StoredKeys::new(root, Arc::clone(&store) as _));
        let settings = BundleSettings {
            is_shared: false,
            folder: folder.path().to_owned(),
            region: REGION.to_owned(),
            account: ACCOUNT.to_owned(),
            domains: vec![DOMAIN.to_owned()],
        };
        let service = BundleService::open(Arc::clone(&store) as _, keys, settings).await.expect("opens");
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address").to_string();
        tokio::spawn(accept(listener, service.clone()));
        Server { address, store, folder, service }
    }

    /// Makes a user with a key (`AKIA<name>`, secret `secret of <name>`) and a policy.
    pub(crate) async fn user(&self, name: &str, policy: &str) -> Credentials {
        let user = User {
            name: name.to_owned(),
            path: "/".to_owned(),
            id: format!("AIDA{name}"),
            arn: PrincipalArn(format!("arn:aws:iam::{ACCOUNT}:user/{name}")),
            created_at: now(),
        };
        let credentials = credentials(&format!("AKIA{name}"), &format!("secret of {name}"));
        let key = AccessKey {
            id: credentials.access_key_id.clone(),
            secret: credentials.secret_access_key.clone(),
            user: name.to_owned(),
            is_active: true,
            created_at: now(),
        };
        let policy = InlinePolicy { name: "p".to_owned(), document: policy.to_owned() };
        self.store.create_user(&user).await.expect("a user");
        self.store.create_access_key(&key, 2).await.expect("a key");
        self.store.put_policy(&PolicyHolder::User(name.to_owned()), &policy).await.expect("a policy");
        credentials
    }

    /// The names of the files in one part of the folder.
    pub(crate) fn files(&self, part: &str) -> Vec<PathBuf> {
        let entries = std::fs::read_dir(self.folder.path().join(part)).expect("a folder");
        entries.map(|entry| entry.expect("an entry").path()).collect()
    }

    pub(crate) fn ask(&self, method: Method, target: &str) -> Ask<'_> {
        Ask {
            server: self,
            method,
            target: target.to_owned(),
            headers: BTreeMap::new(),
            body: Bytes::new(),
            payload: None,
            credentials: Some(root()),
        }
    }

    pub(crate) fn get(&self, target: &str) -> Ask<'_> {
        self.ask(Method::GET, target)
    }

    pub(crate) fn head(&self, target: &str) -> Ask<'_> {
        self.ask(Method::HEAD, target)
    }

    pub(crate) fn put(&self, target: &str) -> Ask<'_> {
        self.ask(Method::PUT, target)
    }

    pub(crate) fn post(&self, target: &str) -> Ask<'_> {
        self.ask(Method::POST, target)
    }

    pub(crate) fn delete(&self, target: &str) -> Ask<'_> {
        self.ask(Method::DELETE, target)
    }

    pub(crate) async fn versioning(&self, status: &str) {
        let xml = format!("<VersioningConfiguration><Status>{status}</Status></VersioningConfiguration>");
        self.put("/bkt?versioning").body(xml).expect(200).await;
    }
}

async fn accept(listener: TcpListener, service: BundleService) {
    loop {
        let (stream, _) = listener.accept().await.expect("a connection");
        let service = service.clone();
        tokio::spawn(async move {
            let handler = service_fn(move |request: Request<Incoming>| {
                let service = service.clone();
                async move { Ok::<_, Infallible>(service.handle(request).await) }
            });
            // A test that hangs up is no failure of the server.
            let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), handler).await;
        });
    }
}

impl Ask<'_> {
    pub(crate) fn header(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.insert(name.to_owned(), value.into());
        self
    }

    pub(crate) fn body(mut self, body: impl Into<Bytes>) -> Self {
        self.body = body.into();
        self
    }

    /// Says this of the payload in place of its hash.
    pub(crate) fn payload(mut self, payload: &str) -> Self {
        self.payload = Some(payload.to_owned());
        self
    }

    pub(crate) fn signed_by(mut self, credentials: &Credentials) -> Self {
        self.credentials = Some(credentials.clone());
        self
    }

    pub(crate) fn unsigned(mut self) -> Self {
        self.credentials = None;
        self
    }

    /// The signed request.
    pub(crate) fn request(self) -> Request<Full<Bytes>> {
        self.request_at(now())
    }

    pub(crate) fn request_at(self, time: Timestamp) -> Request<Full<Bytes>> {
        let mut request = Request::builder()
            .method(self.method)
            .uri(format!("http://{}{}", self.server.address, self.target));
        for (name, value) in &self.headers {
            request = request.header(name, value);
        }
        let (mut parts, ()) = request.body(()).expect("a request").into_parts();
        let hash = self.payload.unwrap_or_else(|| payload_sha256_hex(&self.body));
        if let Some(credentials) = &self.credentials {
            sign(&mut parts, &hash, credentials, REGION, "s3", time).expect("signs");
        }
        Request::from_parts(parts, Full::new(self.body))
    }

    pub(crate) async fn send(self) -> Answer {
        answer(self.request()).await
    }

    /// Sends, and expects this status.
    pub(crate) async fn expect(self, status: u16) -> Answer {
        let asked = format!("{} {}", self.method, self.target);
        let answer = self.send().await;
        assert_eq!(answer.status.as_u16(), status, "{asked}: {}", answer.text());
        answer
    }
}

pub(crate) async fn answer(request: Request<Full<Bytes>>) -> Answer {
    let client = Client::builder(TokioExecutor::new()).build_http();
    let (parts, body) = client.request(request).await.expect("an answer").into_parts();
    let body = body.collect().await.expect("a whole body").to_bytes();
    Answer { status: parts.status, headers: parts.headers, body }
}

impl Answer {
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().expect("a readable header"))
    }

    /// The texts of all elements called `name`, in order.
    pub(crate) fn elements(&self, name: &str) -> Vec<String> {
        let (begin, end) = (format!("<{name}>"), format!("</{name}>"));
        let text = self.text();
        let found = text.split(&begin).skip(1).filter_map(|after| after.split(&end).next());
        found.map(str::to_owned).collect()
    }

    pub(crate) fn element(&self, name: &str) -> String {
        self.elements(name).into_iter().next().unwrap_or_default()
    }
}
