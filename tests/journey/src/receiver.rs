//! Who is told: an HTTPS server that notes what it is sent.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use http::{HeaderMap, Response, StatusCode};
use http_body_util::Full;

use crate::http::{Serving, localhost_tls};

/// A request that came.
#[derive(Clone, Debug)]
pub struct Received {
    /// Path and query.
    pub path: String,
    /// The head.
    pub headers: HeaderMap,
    /// The body as text.
    pub body: String,
}

impl Received {
    /// A header's text, or nothing.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }
}

/// An HTTPS server on `localhost` whose certificate nobody trusts unless told to.
#[derive(Debug)]
pub struct Receiver {
    serving: Serving,
    ca_pem: String,
    noted: Arc<Mutex<Noted>>,
}

#[derive(Debug, Default)]
struct Noted {
    received: Vec<Received>,
    answers: VecDeque<u16>,
}

impl Receiver {
    /// Starts one on a free port.
    pub fn start() -> Receiver {
        let noted = Arc::new(Mutex::new(Noted::default()));
        let (acceptor, ca_pem) = localhost_tls();
        let notes = Arc::clone(&noted);
        let answer = move |request: &http::Request<Bytes>| {
            let mut noted = notes.lock().unwrap_or_else(PoisonError::into_inner);
            noted.received.push(Received {
                path: request.uri().to_string(),
                headers: request.headers().clone(),
                body: String::from_utf8_lossy(request.body()).into_owned(),
            });
            let status = noted.answers.pop_front().unwrap_or(200);
            let mut answer = Response::new(Full::default());
            *answer.status_mut() = StatusCode::from_u16(status).expect("a status");
            if answer.status().is_redirection() {
                answer.headers_mut().insert("location", http::HeaderValue::from_static("/elsewhere"));
            }
            answer
        };
        Receiver { serving: Serving::start(Some(acceptor), Arc::new(answer)), ca_pem, noted }
    }

    /// Its address with `path`.
    pub fn url(&self, path: &str) -> String {
        format!("https://localhost:{}{path}", self.serving.port())
    }

    /// The certificate to trust.
    pub fn ca_pem(&self) -> &str {
        &self.ca_pem
    }

    /// Answers the next requests with `statuses`, and then with 200 again.
    pub fn answer_next(&self, statuses: &[u16]) {
        self.noted().answers.extend(statuses);
    }

    /// Everything that has come.
    pub fn received(&self) -> Vec<Received> {
        self.noted().received.clone()
    }

    fn noted(&self) -> std::sync::MutexGuard<'_, Noted> {
        self.noted.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
