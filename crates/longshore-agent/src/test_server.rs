//! A small HTTP server for tests: it says what a test tells it to, breaks connections where a test wants
//! them broken, and keeps what it was asked. As a proxy it sees the whole address in the first line.

use std::fmt::Write as _;
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// One request as it came.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    head: String,
}

impl Seen {
    /// Method and target: `GET /a?b=c`.
    pub(crate) fn line(&self) -> &str {
        self.head.lines().next().and_then(|line| line.rsplit_once(' ')).map_or("", |(line, _)| line)
    }

    /// The target without its query.
    pub(crate) fn path(&self) -> &str {
        let target = self.line().split_once(' ').map_or("", |(_, target)| target);
        target.split('?').next().unwrap_or_default()
    }

    /// The value of a header; empty without it.
    pub(crate) fn header(&self, name: &str) -> &str {
        let headers = self.head.lines().skip(1).filter_map(|line| line.split_once(": "));
        headers.into_iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map_or("", |(_, value)| value)
    }
}

/// What to answer.
#[derive(Clone, Debug)]
pub(crate) struct Reply {
    status: u16,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
    cut_after: Option<usize>,
}

impl Reply {
    pub(crate) fn new(status: u16, body: impl Into<Vec<u8>>) -> Reply {
        Reply { status, headers: Vec::new(), body: body.into(), cut_after: None }
    }

    pub(crate) fn header(mut self, name: &str, value: impl Into<String>) -> Reply {
        self.headers.push((name.to_owned(), value.into()));
        self
    }

    /// Breaks the connection after so many bytes of the body.
    pub(crate) fn cut_after(mut self, n_bytes: usize) -> Reply {
        self.cut_after = Some(n_bytes);
        self
    }

    /// Breaks the connection instead of answering.
    pub(crate) fn hang_up() -> Reply {
        Reply::new(0, "")
    }

    fn bytes(&self) -> Vec<u8> {
        if self.status == 0 {
            return Vec::new();
        }
        let mut head = format!("HTTP/1.1 {} X\r\ncontent-length: {}\r\n", self.status, self.body.len());
        for (name, value) in &self.headers {
            write!(head, "{name}: {value}\r\n").expect("a text");
        }
        head.push_str("connection: close\r\n\r\n");
        let n_bytes = self.cut_after.unwrap_or(self.body.len());
        [head.as_bytes(), &self.body[..n_bytes]].concat()
    }
}

type Answer = dyn Fn(usize, &Seen) -> Reply + Send + Sync;

/// The server; it ends with the test's runtime.
pub(crate) struct TestServer {
    address: String,
    seen: Arc<Mutex<Vec<Seen>>>,
}

impl TestServer {
    /// Starts one that gives each request, counted from 0, to `answer`.
    pub(crate) async fn start(answer: impl Fn(usize, &Seen) -> Reply + Send + Sync + 'static) -> TestServer {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = format!("http://{}", listener.local_addr().expect("an address"));
        let seen = Arc::new(Mutex::new(Vec::new()));
        let (answer, kept): (Arc<Answer>, _) = (Arc::new(answer), Arc::clone(&seen));
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, Arc::clone(&answer), Arc::clone(&kept)));
            }
        });
        TestServer { address, seen }
    }

    /// `http://host:port`.
    pub(crate) fn address(&self) -> String {
        self.address.clone()
    }

    /// What came so far.
    pub(crate) fn requests(&self) -> Vec<Seen> {
        self.seen.lock().expect("no panic").clone()
    }

    /// The first lines of what came so far.
    pub(crate) fn lines(&self) -> Vec<String> {
        self.requests().iter().map(|request| request.line().to_owned()).collect()
    }
}

async fn serve(mut stream: TcpStream, answer: Arc<Answer>, seen: Arc<Mutex<Vec<Seen>>>) {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        match stream.read_u8().await {
            Ok(byte) => head.push(byte),
            Err(_) => return,
        }
    }
    let request = Seen { head: String::from_utf8_lossy(&head).into_owned() };
    let number = {
        let mut seen = seen.lock().expect("no panic");
        seen.push(request.clone());
        seen.len() - 1
    };
    // A client that went away is the point of some tests.
    let _ = stream.write_all(&answer(number, &request).bytes()).await;
    let _ = stream.shutdown().await;
}
