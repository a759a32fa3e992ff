//! A real HAProxy before two servers, as an operator would put one there.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::os::fd::OwnedFd;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::{PATIENCE, Running, wait_for};

/// A running HAProxy, which gives each new connection to the next server that takes it.
#[derive(Debug)]
pub struct Front {
    _running: Running,
    url: String,
}

impl Front {
    /// Starts one on a free port of `address`, before the servers at these addresses (`host:port`), with its
    /// configuration in `folder`.
    ///
    /// # Panics
    /// When there is no HAProxy: `tools/setup test` installs it.
    pub fn start(folder: &Path, address: &str, servers: &[&str]) -> Front {
        std::fs::create_dir_all(folder).expect("the folder can be made");
        let config = folder.join("haproxy.cfg");
        std::fs::write(&config, configuration(servers)).expect("the configuration is written");
        let log = std::fs::File::create(folder.join("haproxy.log")).expect("a log");
        // HAProxy cannot say which free port it took: it is given one that is taken.
        let listener = TcpListener::bind((address, 0)).expect("a free port");
        let address = listener.local_addr().expect("its address");
        let mut command = Command::new(program());
        command.arg("-db").arg("-f").arg(&config);
        command.stdout(Stdio::null()).stderr(log);
        let running = Running::start_with_input(&mut command, Stdio::from(OwnedFd::from(listener)));
        wait_for("HAProxy to pass connections on", PATIENCE, || is_passed_on(address).then_some(()));
        Front { _running: running, url: format!("http://{address}") }
    }

    /// Where it listens, e.g. `http://127.0.0.1:4711`.
    pub fn url(&self) -> &str {
        &self.url
    }
}

fn is_passed_on(address: std::net::SocketAddr) -> bool {
    let ask = || {
        let mut stream = TcpStream::connect(address)?;
        stream.write_all(b"GET /healthz HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n")?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        std::io::Result::Ok(answer)
    };
    ask().is_ok_and(|answer| answer.starts_with("HTTP/1.1 200"))
}

/// It listens at its standard input, and tries the other server when one takes no connection. A poll
/// waits longer than the time-outs that it would have by itself.
fn configuration(servers: &[&str]) -> String {
    let mut text = "defaults\n  mode tcp\n  timeout connect 5s\n  timeout client 1h\n  timeout server 1h\n  \
        retries 3\n  option redispatch 1\nlisten front\n  bind fd@0\n  balance roundrobin\n"
        .to_owned();
    for (idx, server) in servers.iter().enumerate() {
        text += &format!("  server server{idx} {server}\n");
    }
    text
}

/// Debian keeps it out of everybody's PATH.
fn program() -> &'static str {
    if Path::new("/usr/sbin/haproxy").exists() { "/usr/sbin/haproxy" } else { "haproxy" }
}
