//! A command service and bundle store with canned answers, over real HTTP.
//!
//! It plays what the recorded transcripts show of the service: it says what a test tells it to and
//! remembers what the agent said. A real server meets the agent in `tests/journey`.

use std::collections::{HashMap, VecDeque};
use std::convert::Infallible;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::{HeaderMap, Method, Request, Response};
use hyper_util::rt::TokioIo;
use longshore_model::time::Timestamp;
use longshore_wire::envelope::Signer;
use serde_json::{Value, json};

/// How long a test waits for something that must happen.
pub(crate) const DEADLINE: Duration = Duration::from_secs(60);

/// How often a held poll looks for a command.
const LOOK_EVERY: Duration = Duration::from_millis(10);

/// How long a poll is held when there is nothing to do.
const POLL_HOLD: Duration = Duration::from_millis(300);

/// One request of the agent's.
#[derive(Clone, Debug)]
pub(crate) struct Received {
    /// The operation, or method and path for the bundle store.
    pub(crate) operation: String,
    /// As they came.
    pub(crate) headers: HashMap<String, String>,
    /// Null when there was none.
    pub(crate) body: Value,
    /// When it came.
    pub(crate) at: Instant,
}

impl Received {
    /// The diagnostics payload of a completion, read as the service reads it.
    pub(crate) fn diagnostics(&self) -> Value {
        let payload = self.body["Diagnostics"]["Payload"].as_str().expect("a payload");
        serde_json::from_str(payload).expect("JSON in JSON")
    }
}

/// The service's memory.
struct State {
    commands: VecDeque<Value>,
    answers: HashMap<String, VecDeque<(u16, Value)>>,
    specification: Value,
    /// Those of commands that are not about the same deployment as all others.
    specifications: HashMap<String, Value>,
    objects: HashMap<String, Vec<u8>>,
    received: Vec<Received>,
    signer: Arc<Signer>,
    takes_script_times: bool,
}

/// A running canned service.
#[derive(Clone)]
pub(crate) struct Service {
    state: Arc<Mutex<State>>,
    address: String,
}

impl Service {
    /// Starts it on a free port; it lives as long as the test's runtime.
    pub(crate) async fn start() -> Service {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = format!("http://{}", listener.local_addr().expect("an address"));
        let signer = Signer::generate("test signer", now()).expect("a signer");
        let state = State {
            commands: VecDeque::new(),
            answers: HashMap::new(),
            specification: Value::Null,
            specifications: HashMap::new(),
            objects: HashMap::new(),
            received: Vec::new(),
            signer: Arc::new(signer),
            takes_script_times: false,
        };
        let service = Service { state: Arc::new(Mutex::new(state)), address };
        tokio::spawn(service.clone().accept(listener));
        service
    }

    async fn accept(self, listener: tokio::net::TcpListener) {
        loop {
            let Ok((stream, _)) = listener.accept().await else { continue };
            let service = self.clone();
            tokio::spawn(async move {
                let answer = hyper::service::service_fn(|request| service.clone().answer_as_told(request));
                let connection = hyper::server::conn::http1::Builder::new();
                // A connection that the agent drops is no concern of the test's.
                let _ = connection.serve_connection(TokioIo::new(stream), answer).await;
            });
        }
    }

    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    /// The agent under test polls as this. Each service has its own host: on one machine the processes of
    /// hooks are told apart by it.
    pub(crate) fn host(&self) -> String {
        let port = self.address.rsplit(':').next().unwrap_or_default();
        format!("arn:aws:iam::111122223333:user/on-prem-host-{port}")
    }

    /// The certificate that specifications are signed with.
    pub(crate) fn signer_certificate(&self) -> String {
        self.lock().signer.certificate_pem().to_owned()
    }

    /// Hands this command to the next poll.
    pub(crate) fn offer(&self, identifier: &str, name: &str) {
        self.offer_to(identifier, name, &self.host());
    }

    /// Hands a command to the next poll that says it is for `host`.
    pub(crate) fn offer_to(&self, identifier: &str, name: &str, host: &str) {
        self.offer_any(identifier, name, host, "111122223333/us-east-1/d-WIRE00001/host-1");
    }

    /// Hands a command to the next poll that is about the specification of `execution`.
    pub(crate) fn offer_execution(&self, identifier: &str, name: &str, execution: &str) {
        self.offer_any(identifier, name, &self.host(), execution);
    }

    fn offer_any(&self, identifier: &str, name: &str, host: &str, execution: &str) {
        let command = json!({
            "HostCommandIdentifier": identifier,
            "HostIdentifier": host,
            "DeploymentExecutionId": execution,
            "CommandName": name,
            "Nonce": 1,
        });
        self.lock().commands.push_back(command);
    }

    /// What the commands of `execution` are about.
    pub(crate) fn specify_execution(&self, execution: &str, specification: Value) {
        self.lock().specifications.insert(execution.to_owned(), specification);
    }

    /// What every command is about.
    pub(crate) fn specify(&self, specification: Value) {
        self.lock().specification = specification;
    }

    /// The next answer to `operation`; more are given in turn, then the usual ones again.
    pub(crate) fn answer_once(&self, operation: &str, status: u16, body: Value) {
        self.lock().answers.entry(operation.to_owned()).or_default().push_back((status, body));
    }

    /// From now on it says with every answer that it takes how long scripts ran, as Longshore does.
    pub(crate) fn take_script_times(&self) {
        self.lock().takes_script_times = true;
    }

    /// Puts an object into the bundle store, under `/bucket/key`.
    pub(crate) fn store(&self, path: &str, content: Vec<u8>) {
        self.lock().objects.insert(path.to_owned(), content);
    }

    /// Everything that came for `operation` so far.
    pub(crate) fn received(&self, operation: &str) -> Vec<Received> {
        let all = self.lock().received.clone();
        all.into_iter().filter(|received| received.operation == operation).collect()
    }

    /// The operations that came so far, in order.
    pub(crate) fn operations(&self) -> Vec<String> {
        self.lock().received.iter().map(|received| received.operation.clone()).collect()
    }

    /// The first `count` requests for `operation`, as soon as there are as many.
    #[track_caller]
    pub(crate) fn wait_for(
        &self,
        operation: &str,
        count: usize,
    ) -> impl Future<Output = Vec<Received>> + use<> {
        let (service, operation) = (self.clone(), operation.to_owned());
        async move {
            let deadline = Instant::now() + DEADLINE;
            loop {
                let received = service.received(&operation);
                if count <= received.len() {
                    return received;
                }
                let operations = service.operations();
                assert!(
                    Instant::now() < deadline,
                    "{operation} came {} times: {operations:?}",
                    received.len()
                );
                tokio::time::sleep(LOOK_EVERY).await;
            }
        }
    }

    /// Waits until one more poll than so far has come: then the agent has nothing else left to do.
    pub(crate) async fn wait_for_next_poll(&self) {
        let n_polls = self.received("PollHostCommand").len();
        self.wait_for("PollHostCommand", n_polls + 2).await;
    }

    async fn answer_as_told(self, request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
        let mut response = self.clone().answer(request).await?;
        if self.lock().takes_script_times {
            response.headers_mut().insert("x-longshore-script-times", "1".parse().expect("a header"));
        }
        Ok(response)
    }

    async fn answer(self, request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
        let (head, body) = request.into_parts();
        let body = body.collect().await.map(|body| body.to_bytes()).unwrap_or_default();
        let operation = operation(&head.method, head.uri.path(), &head.headers);
        let received = Received {
            operation: operation.clone(),
            headers: texts(&head.headers),
            body: serde_json::from_slice(&body).unwrap_or(Value::Null),
            at: Instant::now(),
        };
        let scripted = {
            let mut state = self.lock();
            state.received.push(received.clone());
            state.answers.get_mut(&operation).and_then(VecDeque::pop_front)
        };
        if let Some((status, body)) = scripted {
            return Ok(json_response(status, &body));
        }
        Ok(match operation.as_str() {
            "PollHostCommand" => json_response(200, &self.poll().await),
            "GetDeploymentSpecification" => json_response(200, &self.specification(&received.body)),
            "PutHostCommandAcknowledgement" => json_response(200, &json!({"CommandStatus": "InProgress"})),
            "PutHostCommandComplete" => Response::new(Full::default()),
            _ => self.object(head.uri.path()),
        })
    }

    async fn poll(&self) -> Value {
        let deadline = Instant::now() + POLL_HOLD;
        while Instant::now() < deadline {
            if let Some(command) = self.lock().commands.pop_front() {
                return json!({ "HostCommand": command });
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
        json!({})
    }

    fn specification(&self, request: &Value) -> Value {
        let (signer, content) = {
            let state = self.lock();
            let execution = request["DeploymentExecutionId"].as_str().unwrap_or_default();
            let specification = state.specifications.get(execution).unwrap_or(&state.specification);
            (Arc::clone(&state.signer), specification.to_string())
        };
        let payload = signer.sign(content.as_bytes(), now()).expect("a signature");
        specification_answer("CodeDeploy", &payload)
    }

    fn object(&self, path: &str) -> Response<Full<Bytes>> {
        let Some(content) = self.lock().objects.get(path).cloned() else {
            let body =
                "<Error><Code>NoSuchKey</Code><Message>The specified key does not exist.</Message></Error>";
            let mut response = Response::new(Full::new(Bytes::from_static(body.as_bytes())));
            *response.status_mut() = hyper::StatusCode::NOT_FOUND;
            response.headers_mut().insert("x-amz-request-id", "REQ1".parse().expect("a header"));
            return response;
        };
        let mut response = Response::new(Full::new(Bytes::from(content)));
        response.headers_mut().insert("etag", "\"e1\"".parse().expect("a header"));
        response
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("no test panics with the lock")
    }
}

/// An answer to GetDeploymentSpecification.
pub(crate) fn specification_answer(system: &str, payload: &str) -> Value {
    json!({
        "DeploymentSystem": system,
        "DeploymentSpecification": {
            "GenericEnvelope": { "Format": "PKCS7/JSON", "Payload": payload },
        },
    })
}

/// An error as the service words it.
pub(crate) fn error(code: &str, message: &str) -> Value {
    json!({ "__type": code, "message": message })
}

fn operation(method: &Method, path: &str, headers: &HeaderMap) -> String {
    let target = headers.get("x-amz-target").and_then(|target| target.to_str().ok());
    match target.and_then(|target| target.rsplit_once('.')) {
        Some((_, operation)) => operation.to_owned(),
        None => format!("{method} {path}"),
    }
}

fn texts(headers: &HeaderMap) -> HashMap<String, String> {
    let text = |value: &hyper::header::HeaderValue| value.to_str().unwrap_or_default().to_owned();
    headers.iter().map(|(name, value)| (name.as_str().to_owned(), text(value))).collect()
}

fn json_response(status: u16, body: &Value) -> Response<Full<Bytes>> {
    Response::builder()
        .status(status)
        .header("content-type", "application/x-amz-json-1.1")
        .body(Full::new(Bytes::from(body.to_string())))
        .expect("a response")
}

fn now() -> Timestamp {
    let since_epoch = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("after 1970");
    Timestamp::from_millis(i64::try_from(since_epoch.as_millis()).expect("before the end of time"))
}
