//! Stands before a server and passes bytes on without reading them, so that TLS may go through; cuts what is open on demand.

use std::io::copy;
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

/// Passes bytes on, unread, until it is told to cut what is open.
pub struct Cutter {
    /// Where it listens.
    pub port: u16,
    open: Arc<Mutex<Vec<TcpStream>>>,
}

impl Cutter {
    /// At this address of this machine, before this port of 127.0.0.1.
    pub fn at(address: &str, server: u16) -> Cutter {
        let listener = TcpListener::bind((address, 0)).expect("a free port");
        let port = listener.local_addr().expect("its address").port();
        let open: Arc<Mutex<Vec<TcpStream>>> = Arc::default();
        let inside = Arc::clone(&open);
        let accept = move || {
            for near in listener.incoming().map_while(Result::ok) {
                let Ok(far) = TcpStream::connect(("127.0.0.1", server)) else { return };
                for (from, to) in [(&near, &far), (&far, &near)] {
                    let (mut from, mut to) = (from.try_clone().expect("a socket"), to.try_clone().expect("a socket"));
                    let pass_on = move || {
                        let _ = copy(&mut from, &mut to);
                        let _ = to.shutdown(Shutdown::Write);
                    };
                    std::thread::Builder::new().name("cutter-one".into()).spawn(pass_on).expect("a thread");
                }
                inside.lock().expect("not poisoned").push(near);
            }
        };
        std::thread::Builder::new().name("cutter".into()).spawn(accept).expect("a thread");
        Cutter { port, open }
    }

    /// Ends all connections; how many came so far.
    pub fn cut(&self) -> usize {
        let open = self.open.lock().expect("not poisoned");
        open.iter().for_each(|one| drop(one.shutdown(Shutdown::Both)));
        open.len()
    }
}
