//! A line between a client and its server, which breaks when it is told to.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;

/// What a line does when the words come by that it waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cut {
    Never,
    /// It breaks, and the server never hears them.
    Before,
    /// It breaks once the server has answered, and the client never hears that.
    After,
}

/// A line between a ledger and its server.
pub(crate) struct Line {
    pub(crate) port: u16,
    shared: Arc<Shared>,
}

struct Shared {
    cut: AtomicU8,
    words: Mutex<&'static [u8]>,
    /// Both ends of all connections.
    ends: Mutex<Vec<TcpStream>>,
    done: AtomicBool,
}

impl Line {
    pub(crate) fn to(port: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let own = listener.local_addr().unwrap().port();
        let shared = Arc::new(Shared {
            cut: AtomicU8::new(Cut::Never as u8),
            words: Mutex::new(b""),
            ends: Mutex::default(),
            done: AtomicBool::new(false),
        });
        let kept = Arc::clone(&shared);
        thread::spawn(move || {
            for client in listener.incoming() {
                if kept.done.load(Ordering::SeqCst) {
                    return;
                }
                let (Ok(client), Ok(server)) = (client, TcpStream::connect(("127.0.0.1", port)))
                else {
                    return;
                };
                kept.carry(&client, &server);
            }
        });
        Self { port: own, shared }
    }

    /// Breaks once, when the client says the words.
    pub(crate) fn cut_at(&self, words: &'static [u8], cut: Cut) {
        *self.shared.words.lock().unwrap() = words;
        self.shared.cut.store(cut as u8, Ordering::SeqCst);
    }

    /// Whether it still waits for the words.
    pub(crate) fn waits(&self) -> bool {
        self.shared.cut.load(Ordering::SeqCst) != Cut::Never as u8
    }

    /// Breaks for good: there is no server behind it any more.
    pub(crate) fn end(&self) {
        self.shared.done.store(true, Ordering::SeqCst);
        self.cut_all();
        // Whoever waits for a connection hears of it.
        drop(TcpStream::connect(("127.0.0.1", self.port)));
    }

    /// Breaks every connection that there is.
    pub(crate) fn cut_all(&self) {
        for end in self.shared.ends.lock().unwrap().drain(..) {
            drop(end.shutdown(Shutdown::Both));
        }
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        self.end();
    }
}

impl Shared {
    /// Carries bytes both ways until the connection ends or is cut.
    fn carry(self: &Arc<Self>, client: &TcpStream, server: &TcpStream) {
        client.set_nodelay(true).unwrap();
        server.set_nodelay(true).unwrap();
        self.ends
            .lock()
            .unwrap()
            .extend([client.try_clone().unwrap(), server.try_clone().unwrap()]);
        let [from, to, back, home] =
            [client, server, server, client].map(|end| end.try_clone().unwrap());
        let mute = Arc::new(AtomicBool::new(false));
        let (shared, muted) = (Arc::clone(self), Arc::clone(&mute));
        thread::spawn(move || {
            copied(&from, &to, |bytes| shared.heard(bytes, &mute));
        });
        thread::spawn(move || {
            copied(&back, &home, |_| !muted.load(Ordering::SeqCst));
        });
    }

    /// Whether what the client says is carried on.
    fn heard(&self, bytes: &[u8], mute: &AtomicBool) -> bool {
        let words = *self.words.lock().unwrap();
        let said = !words.is_empty() && bytes.windows(words.len()).any(|part| part == words);
        if !said {
            return true;
        }
        let cut = self.cut.swap(Cut::Never as u8, Ordering::SeqCst);
        mute.store(cut == Cut::After as u8, Ordering::SeqCst);
        cut != Cut::Before as u8
    }
}

/// Copies until the end, or until `carries` says no; then both ends are closed.
fn copied(mut from: &TcpStream, mut to: &TcpStream, mut carries: impl FnMut(&[u8]) -> bool) {
    let mut buffer = vec![0; 1 << 16];
    while let Ok(read @ 1..) = from.read(&mut buffer) {
        if !carries(&buffer[..read]) || to.write_all(&buffer[..read]).is_err() {
            break;
        }
    }
    drop(from.shutdown(Shutdown::Both));
    drop(to.shutdown(Shutdown::Both));
}
