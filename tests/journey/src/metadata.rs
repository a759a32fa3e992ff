//! A stand-in for EC2's instance metadata service, which only exists on EC2: it answers one instance's agent
//! what the real one would, version 2 only.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;

use crate::Credentials;

const TOKEN: &str = "session-token-of-the-metadata-service";

/// It answers on a port of its own, until the test's process ends.
#[derive(Debug)]
pub struct Metadata {
    url: String,
}

struct Answers {
    instance_id: String,
    role: String,
    keys: String,
}

impl Metadata {
    /// The service of instance `instance_id` in account `000000000000`, `us-east-1`, with the role `role` and
    /// these keys of a session of it.
    pub fn start(instance_id: &str, role: &str, credentials: &Credentials) -> Metadata {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let (instance_id, role) = (instance_id.to_owned(), role.to_owned());
        let answers = Arc::new(Answers { instance_id, role, keys: credentials.metadata() });
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let answers = Arc::clone(&answers);
                std::thread::spawn(move || answers.serve(stream));
            }
        });
        Metadata { url }
    }

    /// Where it listens.
    pub fn url(&self) -> &str {
        &self.url
    }
}

impl Answers {
    /// One request for each connection. An agent that went away is no failure of the test.
    fn serve(&self, mut stream: TcpStream) {
        let mut lines = BufReader::new(&stream).lines().map_while(Result::ok);
        let request = lines.next().unwrap_or_default();
        let headers: Vec<String> = lines.take_while(|line| !line.is_empty()).collect();
        let has_token = headers.iter().any(|line| {
            line.split_once(':').is_some_and(|(name, value)| {
                name.eq_ignore_ascii_case("x-aws-ec2-metadata-token") && value.trim() == TOKEN
            })
        });
        let (status, body) = match request.rsplit_once(' ').map_or("", |(start, _)| start) {
            "PUT /latest/api/token" => ("200 OK", TOKEN.to_owned()),
            _ if !has_token => ("401 Unauthorized", String::new()),
            known => match self.answer(known) {
                Some(body) => ("200 OK", body),
                None => ("404 Not Found", String::new()),
            },
        };
        let length = body.len();
        let head = format!("HTTP/1.1 {status}\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n");
        let _ = stream.write_all((head + &body).as_bytes());
    }

    fn answer(&self, request: &str) -> Option<String> {
        let path = request.strip_prefix("GET ")?;
        let id = &self.instance_id;
        if let Some(role) = path.strip_prefix("/latest/meta-data/iam/security-credentials/") {
            return match role {
                "" => Some(self.role.clone()),
                role if role == self.role => Some(self.keys.clone()),
                _ => None,
            };
        }
        match path {
            "/latest/meta-data/services/partition" => Some(String::from("aws")),
            "/latest/meta-data/services/domain" => Some(String::from("amazonaws.com")),
            "/latest/meta-data/instance-id" => Some(id.clone()),
            "/latest/dynamic/instance-identity/document" => {
                Some(format!(r#"{{"region":"us-east-1","accountId":"000000000000","instanceId":"{id}"}}"#))
            }
            _ => None,
        }
    }
}
