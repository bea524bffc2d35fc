//! A service over a folder of its own, and a client that says what it got.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use axum::body::Body;
use http_body_util::BodyExt as _;
use hyper::client::conn::http1;
use hyper::header::{HeaderMap, HeaderName, HeaderValue};
use hyper::{Request, StatusCode};
use hyper_util::rt::TokioIo;
use playbook_server::{
    Brand, BrandStatus, Directory, KeyStore, NewKey, Role, Running, Server, Settings,
};
use serde_json::Value;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// Brands by name, in memory.
pub(crate) struct Plain {
    names: Vec<String>,
    pub(crate) ready: AtomicBool,
    /// A brand that answers, by its own name.
    pub(crate) live: OnceLock<Arc<playbook_online::Brand>>,
}

impl Plain {
    pub(crate) fn of(names: &[&str]) -> Self {
        let names = names.iter().map(|name| (*name).to_owned()).collect();
        Self { names, ready: AtomicBool::new(true), live: OnceLock::new() }
    }
}

impl Directory for Plain {
    fn brand(&self, name: &str) -> Option<Brand> {
        assert_ne!(name, "panics", "/secret/path of a handler that panics");
        self.names.iter().find(|known| *known == name).map(|name| serving(name))
    }

    fn live(&self, name: &str) -> Option<Arc<playbook_online::Brand>> {
        self.live.get().filter(|brand| brand.name() == name).cloned()
    }

    fn brands(&self, after: Option<&str>, limit: usize) -> Vec<Brand> {
        let later =
            self.names.iter().filter(|name| after.is_none_or(|after| name.as_str() > after));
        later.take(limit).map(|name| serving(name)).collect()
    }

    fn is_ready(&self) -> bool {
        self.ready.load(Ordering::Relaxed)
    }
}

fn serving(name: &str) -> Brand {
    Brand { name: name.to_owned(), status: BrandStatus::Serving }
}

/// A service that runs, with keys of every role.
pub(crate) struct Host {
    pub(crate) running: Running,
    pub(crate) brands: Arc<Plain>,
    pub(crate) admin: String,
    keys: Vec<(Role, String, String)>,
    pub(crate) dir: TempDir,
}

/// What came back.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
}

/// A request to be sent.
#[derive(Clone)]
pub(crate) struct Call {
    pub(crate) method: String,
    pub(crate) path: String,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

static WRITES: AtomicU64 = AtomicU64::new(0);

impl Host {
    /// Two brands, `acme` and `zeta`, with a key of each role in each.
    pub(crate) async fn start(change: impl FnOnce(&mut Settings)) -> Self {
        Self::with_brands(&["acme", "zeta"], change).await
    }

    pub(crate) async fn with_brands(brands: &[&str], change: impl FnOnce(&mut Settings)) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let mut settings = Settings::default();
        settings.listen.address.set_port(0);
        change(&mut settings);
        let opened = KeyStore::open(dir.path()).unwrap();
        let admin = opened.first.unwrap().expose().to_owned();
        let mut keys = Vec::new();
        for at in ["acme", "zeta"] {
            for role in Role::ALL.into_iter().filter(|role| *role != Role::PlatformAdmin) {
                let brand = role.is_of_a_brand().then(|| at.to_owned());
                let new = NewKey { role, brand, label: String::new() };
                let (_, secret) = opened.store.create(new, None).unwrap();
                keys.push((role, at.to_owned(), secret.expose().to_owned()));
            }
        }
        let brands = Arc::new(Plain::of(brands));
        let directory: Arc<dyn Directory> = Arc::clone(&brands) as _;
        let running = Server::new(settings, Arc::new(opened.store), directory)
            .unwrap()
            .start()
            .await
            .unwrap();
        Self { running, brands, admin, keys, dir }
    }

    /// How many keys there are, the first admin's included.
    pub(crate) fn keys_made(&self) -> usize {
        self.keys.len() + 1
    }

    /// The key of a role, in a brand where it is of one.
    pub(crate) fn key(&self, role: Role, brand: &str) -> &str {
        let own = self.keys.iter().find(|(of, at, _)| *of == role && at == brand);
        own.map_or(&self.admin, |(_, _, key)| key)
    }

    pub(crate) async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.running.address()).await.unwrap()
    }

    /// Sends over a connection of its own.
    pub(crate) async fn send(&self, call: Call) -> Answer {
        let (mut sender, connection) =
            http1::handshake(TokioIo::new(self.connect().await)).await.unwrap();
        let driven = tokio::spawn(connection);
        let answer = sender.send_request(call.request()).await.unwrap();
        let answer = Answer::read(answer).await;
        driven.abort();
        answer
    }

    /// Writes bytes, then reads until the service closes; how long that took is told too.
    pub(crate) async fn raw(&self, bytes: &[u8]) -> (String, Duration) {
        let begun = std::time::Instant::now();
        let mut stream = self.connect().await;
        stream.write_all(bytes).await.unwrap();
        (to_end(&mut stream).await, begun.elapsed())
    }
}

/// All that comes until the service closes; where it resets, all that came before.
pub(crate) async fn to_end(stream: &mut TcpStream) -> String {
    let (mut text, mut part) = (Vec::new(), [0; 4_096]);
    let read = async {
        while let Ok(read @ 1..) = stream.read(&mut part).await {
            text.extend_from_slice(&part[..read]);
        }
    };
    tokio::time::timeout(Duration::from_secs(30), read).await.expect("the service closes");
    String::from_utf8(text).unwrap()
}

impl Answer {
    pub(crate) async fn read(answer: hyper::Response<hyper::body::Incoming>) -> Self {
        let (parts, body) = answer.into_parts();
        let body = body.collect().await.unwrap().to_bytes().to_vec();
        Self { status: parts.status, headers: parts.headers, body }
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or(Value::Null)
    }

    /// The code of a failure; empty for anything else.
    pub(crate) fn code(&self) -> String {
        self.json()["code"].as_str().unwrap_or_default().to_owned()
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }
}

impl Call {
    pub(crate) fn new(method: &str, path: &str) -> Self {
        Self { method: method.to_owned(), path: path.to_owned(), headers: vec![], body: vec![] }
    }

    pub(crate) fn get(path: &str) -> Self {
        Self::new("GET", path)
    }

    /// A write of JSON under a new idempotency key.
    pub(crate) fn post(path: &str, body: &str) -> Self {
        Self::new("POST", path).once(&new_once()).json(body)
    }

    pub(crate) fn key(self, key: &str) -> Self {
        self.header("authorization", &format!("Bearer {key}"))
    }

    pub(crate) fn once(self, key: &str) -> Self {
        self.header("idempotency-key", key)
    }

    pub(crate) fn json(self, body: &str) -> Self {
        self.header("content-type", "application/json").body(body)
    }

    pub(crate) fn body(mut self, body: &str) -> Self {
        self.body = body.as_bytes().to_vec();
        self
    }

    pub(crate) fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    pub(crate) fn request(self) -> Request<Body> {
        let mut request = Request::new(Body::from(self.body));
        *request.method_mut() = self.method.parse().unwrap();
        *request.uri_mut() = self.path.parse().unwrap();
        if request.uri().authority().is_none() {
            request.headers_mut().insert("host", HeaderValue::from_static("localhost"));
        }
        for (name, value) in self.headers {
            let name: HeaderName = name.parse().unwrap();
            request.headers_mut().append(name, value.parse().unwrap());
        }
        request
    }
}

/// A new idempotency key.
pub(crate) fn new_once() -> String {
    format!("write-{}", WRITES.fetch_add(1, Ordering::Relaxed))
}
