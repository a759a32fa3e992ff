//! Signed calls over either protocol, as the root key.

use std::time::{SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HOST};
use http::{HeaderMap, Request, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy::Client as HttpClient;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use longshore_model::time::Timestamp;
use longshore_wire::codec::{Codec, cbor};
use longshore_wire::sigv4::{Credentials, payload_sha256_hex, sign};

use crate::data::Data;

/// A client of one server.
#[derive(Debug)]
pub struct Client {
    http: HttpClient<HttpConnector, Full<Bytes>>,
    url: String,
    credentials: Credentials,
    region: String,
}

/// What came back.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The HTTP status.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// The body.
    pub body: Bytes,
}

/// A refusal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The exception.
    pub code: String,
    /// What it says.
    pub message: String,
}

impl Client {
    /// A client that finds everything in `env`, as an SDK does.
    ///
    /// # Panics
    /// When a variable is missing.
    pub fn new(env: &[(String, String)]) -> Client {
        let get = |name: &str| {
            let found = env.iter().find(|(variable, _)| variable == name);
            found.unwrap_or_else(|| panic!("no {name}")).1.clone()
        };
        Client {
            http: HttpClient::builder(TokioExecutor::new()).build_http(),
            url: get("AWS_ENDPOINT_URL"),
            credentials: Credentials {
                access_key_id: get("AWS_ACCESS_KEY_ID"),
                secret_access_key: get("AWS_SECRET_ACCESS_KEY"),
                session_token: None,
            },
            region: get("AWS_REGION"),
        }
    }

    /// Calls `operation`, which over JSON may have a target prefix of its own.
    ///
    /// # Panics
    /// When there is no answer.
    pub async fn call(&self, codec: Codec, operation: &str, body: Vec<u8>) -> Answer {
        let target = match operation.contains('.') {
            true => operation.to_owned(),
            false => format!("CodeDeploy_20141006.{operation}"),
        };
        let builder = match codec {
            Codec::Json => Request::post(format!("{}/", self.url)).header("x-amz-target", target),
            Codec::Cbor => Request::post(format!("{}{}{operation}", self.url, cbor::PATH_PREFIX))
                .header("smithy-protocol", cbor::PROTOCOL)
                .header("accept", cbor::CONTENT_TYPE),
        };
        let host = self.url.trim_start_matches("http://");
        let builder = builder.header(HOST, host).header(CONTENT_TYPE, codec.content_type());
        let (mut parts, ()) = builder.body(()).expect("a request").into_parts();
        let hash = payload_sha256_hex(&body);
        sign(&mut parts, &hash, &self.credentials, &self.region, "codedeploy", now()).expect("signed");
        let request = Request::from_parts(parts, Full::new(Bytes::from(body)));
        let (head, body) = self.http.request(request).await.expect("an answer").into_parts();
        let body = body.collect().await.expect("a whole answer").to_bytes();
        Answer { status: head.status, headers: head.headers, body }
    }
}

impl Answer {
    /// The refusal that this is, if it is one.
    ///
    /// # Errors
    /// What is wrong with how it is written.
    pub fn refusal(&self, codec: Codec) -> Result<Option<Refusal>, String> {
        if self.status == StatusCode::OK {
            return Ok(None);
        }
        let body = Data::decode(codec, &self.body)?;
        match &body {
            Data::Map(members) if members.len() == 2 => {}
            other => return Err(format!("an error has two members: {other:?}")),
        }
        let (Some(code), Some(message)) = (body.text(&["__type"]), body.text(&["message"])) else {
            return Err(format!("an error has `__type` and `message`: {body:?}"));
        };
        Ok(Some(Refusal { code: code.to_owned(), message: message.to_owned() }))
    }

    /// What every answer must have, whatever it is.
    ///
    /// # Errors
    /// What is missing.
    pub fn check_head(&self, codec: Codec) -> Result<(), String> {
        let get = |name: &str| self.headers.get(name).and_then(|value| value.to_str().ok());
        let mut expected = vec![("content-type", codec.content_type())];
        if codec == Codec::Cbor {
            expected.push(("smithy-protocol", cbor::PROTOCOL));
        }
        for (name, value) in expected {
            if get(name) != Some(value) {
                return Err(format!("the header {name} is {:?}", get(name)));
            }
        }
        match get("x-amzn-requestid") {
            Some(id) if id.len() == 36 => Ok(()),
            other => Err(format!("the request id is {other:?}")),
        }
    }
}

fn now() -> Timestamp {
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_millis(i64::try_from(since_epoch.as_millis()).unwrap_or(i64::MAX))
}
