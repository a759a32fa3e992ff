//! A TCP load balancer before both servers, as an operator would put one there.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::net::{TcpListener, TcpStream};

/// Passes connections on, to each server in turn; to the next one if it does not answer.
#[derive(Clone, Debug)]
pub(crate) struct Balancer {
    servers: Arc<[SocketAddr]>,
    next: Arc<AtomicUsize>,
}

impl Balancer {
    pub(crate) fn new(servers: Vec<SocketAddr>) -> Balancer {
        Balancer { servers: servers.into(), next: Arc::default() }
    }

    /// Listens on a free port of `address` until the runtime ends; answers where.
    pub(crate) async fn listen(&self, address: &str) -> io::Result<SocketAddr> {
        let listener = TcpListener::bind((address, 0)).await?;
        let local = listener.local_addr()?;
        let balancer = self.clone();
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let balancer = balancer.clone();
                tokio::spawn(async move { balancer.pass_on(client).await });
            }
        });
        Ok(local)
    }

    /// Ends with either side; a client that finds no server finds its connection closed.
    async fn pass_on(&self, mut client: TcpStream) {
        let first = self.next.fetch_add(1, Ordering::Relaxed);
        for idx in 0..self.servers.len() {
            let server = self.servers[(first + idx) % self.servers.len()];
            if let Ok(mut server) = TcpStream::connect(server).await {
                // What breaks off is what the test is about.
                let _ = tokio::io::copy_bidirectional(&mut client, &mut server).await;
                return;
            }
        }
    }
}
