//! A TCP proxy on loopback that spoils connections.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

/// What happens to one connection.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Fault {
    None,
    /// Closed at once.
    Refuse,
    /// Closed after this many bytes of answers.
    Cut(u64),
    /// One bit of the byte at this position of the answers is flipped.
    Flip(u64),
    /// Every piece of the answers waits.
    Delay(Duration),
    /// A complete answer instead of the server's.
    Answer(&'static str),
}

pub(crate) struct Proxy {
    pub(crate) address: SocketAddr,
    /// Connections so far.
    pub(crate) connections: Arc<AtomicU64>,
    /// Bytes of answers that were sent on so far.
    pub(crate) bytes: Arc<AtomicU64>,
}

impl Proxy {
    /// Forwards to `server`; `choose` says what happens to the connection with that number.
    pub(crate) fn start(
        server: SocketAddr,
        choose: impl Fn(u64) -> Fault + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
        let address = listener
            .local_addr()
            .expect("a bound socket has an address");
        let connections = Arc::new(AtomicU64::new(0));
        let counter = Arc::clone(&connections);
        let bytes = Arc::new(AtomicU64::new(0));
        let sent = Arc::clone(&bytes);
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let fault = choose(counter.fetch_add(1, Ordering::Relaxed));
                let sent = Arc::clone(&sent);
                // A connection that ends early is what this is about.
                thread::spawn(move || drop(serve(client, server, fault, &sent)));
            }
        });
        Self {
            address,
            connections,
            bytes,
        }
    }
}

fn serve(
    mut client: TcpStream,
    server: SocketAddr,
    fault: Fault,
    sent: &AtomicU64,
) -> std::io::Result<()> {
    match fault {
        Fault::Refuse => return client.shutdown(Shutdown::Both),
        Fault::Answer(answer) => {
            let mut request = [0; 4096];
            let _ = client.read(&mut request)?;
            client.write_all(answer.as_bytes())?;
            return client.shutdown(Shutdown::Write);
        }
        _ => {}
    }
    let upstream = TcpStream::connect(server)?;
    let (mut from_client, mut to_server) = (client.try_clone()?, upstream.try_clone()?);
    thread::spawn(move || {
        let _ = std::io::copy(&mut from_client, &mut to_server);
        let _ = to_server.shutdown(Shutdown::Write);
    });
    let result = spoil(upstream.try_clone()?, &client, fault, sent);
    let _ = client.shutdown(Shutdown::Both);
    let _ = upstream.shutdown(Shutdown::Both);
    result
}

fn spoil(
    mut upstream: TcpStream,
    mut client: &TcpStream,
    fault: Fault,
    sent: &AtomicU64,
) -> std::io::Result<()> {
    let mut buffer = [0; 16 << 10];
    let mut position = 0;
    loop {
        let len = upstream.read(&mut buffer)?;
        if len == 0 {
            return Ok(());
        }
        let mut piece = &mut buffer[..len];
        match fault {
            Fault::Cut(at) if position + len as u64 >= at => {
                piece = &mut piece[..(at - position) as usize];
                return client.write_all(piece);
            }
            Fault::Flip(at) if (position..position + len as u64).contains(&at) => {
                piece[(at - position) as usize] ^= 1;
            }
            Fault::Delay(pause) => thread::sleep(pause),
            _ => {}
        }
        client.write_all(piece)?;
        sent.fetch_add(piece.len() as u64, Ordering::Relaxed);
        position += len as u64;
    }
}
