//! A TCP proxy that does to connections what networks do.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

/// What happens to one connection.
#[derive(Clone, Copy, Debug)]
pub(super) enum Fault {
    /// Nothing.
    None,
    /// It is closed before a byte of an answer.
    Reset,
    /// It is closed after so many bytes of answers.
    Cut(usize),
    /// Each piece of an answer waits so long.
    Delay(Duration),
    /// Answers trickle: so many bytes a millisecond.
    Throttle(usize),
    /// Nothing ever comes back.
    BlackHole,
}

/// Forwards to `upstream`; what happens to the n-th connection is up to `plan`.
pub(super) fn before(upstream: SocketAddr, plan: impl Fn(usize) -> Fault + Send + Sync + 'static) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    let connections = AtomicUsize::new(0);
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let fault = plan(connections.fetch_add(1, Ordering::Relaxed));
            thread::spawn(move || forward(&stream, upstream, fault));
        }
    });
    address
}

fn forward(client: &TcpStream, upstream: SocketAddr, fault: Fault) {
    if let Fault::Reset = fault {
        let _ = client.shutdown(Shutdown::Both);
        return;
    }
    let Ok(server) = TcpStream::connect(upstream) else {
        return;
    };
    let (Ok(mut requests), Ok(mut to_server)) = (client.try_clone(), server.try_clone()) else {
        return;
    };
    thread::spawn(move || {
        let _ = std::io::copy(&mut requests, &mut to_server);
        let _ = to_server.shutdown(Shutdown::Write);
    });
    let (mut answers, mut to_client) = (&server, client);
    let mut passed = 0;
    let mut buffer = [0; 4096];
    while let Ok(read @ 1..) = answers.read(&mut buffer) {
        let piece = &buffer[..read];
        let sent = match fault {
            Fault::None | Fault::Reset => to_client.write_all(piece),
            Fault::Cut(after) => {
                let left = after.saturating_sub(passed).min(read);
                let sent = to_client.write_all(&piece[..left]);
                if left < read {
                    break;
                }
                sent
            }
            Fault::Delay(pause) => {
                thread::sleep(pause);
                to_client.write_all(piece)
            }
            Fault::Throttle(bytes) => piece.chunks(bytes).try_for_each(|few| {
                thread::sleep(Duration::from_millis(1));
                to_client.write_all(few)
            }),
            Fault::BlackHole => Ok(()),
        };
        passed += read;
        if sent.is_err() {
            break;
        }
    }
    let _ = client.shutdown(Shutdown::Both);
    let _ = server.shutdown(Shutdown::Both);
}
