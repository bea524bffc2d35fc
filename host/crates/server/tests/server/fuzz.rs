//! Bytes that chance has changed, sent over real connections: answered or closed, never a fault of the host, and others are
//! served (see `tests/fuzz/mod.rs`).

#[path = "../../../../../tests/fuzz/mod.rs"]
mod target;

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use playbook_server::{KeyStore, Server, Settings};
use target::Target;

use crate::harness::Plain;

fn exchange(address: SocketAddr, bytes: &[u8]) -> Result<Vec<u8>, String> {
    let mut stream = TcpStream::connect(address).map_err(|e| e.to_string())?;
    stream.set_read_timeout(Some(Duration::from_secs(5))).map_err(|e| e.to_string())?;
    // The service may close before it has read all.
    stream.write_all(bytes).ok();
    let mut answer = Vec::new();
    match stream.read_to_end(&mut answer) {
        Err(e) if e.kind() == std::io::ErrorKind::WouldBlock => {
            Err("it neither answers nor closes".to_owned())
        }
        _ => Ok(answer),
    }
}

fn request(line: &str, key: &str, body: &str) -> Vec<u8> {
    let length = body.len();
    let text = format!(
        "{line} HTTP/1.1\r\nhost: a\r\nconnection: close\r\nauthorization: Bearer {key}\r\nidempotency-key: a\r\n\
         content-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}"
    );
    text.into_bytes()
}

#[test]
fn requests() {
    let dir = tempfile::tempdir().unwrap();
    let mut settings = Settings::default();
    settings.listen.address.set_port(0);
    // What chance cut short is ended by these.
    let soon = Duration::from_millis(20);
    settings.connections.header_read = soon;
    settings.connections.idle = soon;
    settings.bodies.stall = soon;
    let opened = KeyStore::open(dir.path()).unwrap();
    let key = opened.first.unwrap().expose().to_owned();
    let server =
        Server::new(settings, Arc::new(opened.store), Arc::new(Plain::of(&["acme"]))).unwrap();
    let hosted = server.start_hosted().unwrap();
    let corpus = [
        request("GET /v1/brands/acme", &key, ""),
        request("GET /v1/keys?limit=1&cursor=a2V5cwphYg", &key, ""),
        request("POST /v1/keys", &key, "{\"role\":\"partner\",\"brand\":\"acme\",\"label\":\"a\"}"),
        request("DELETE /v1/keys/0011223344556677", &key, ""),
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0\0\0\x05\x01\x05\0\0\0\x01\x82\x84\x87\x41\0".to_vec(),
    ];
    let words: [&[u8]; 12] = [
        b"\r\n",
        b"\r\n\r\n",
        b"transfer-encoding: chunked\r\n",
        b"content-length: 5\r\n",
        b"0\r\n\r\n",
        b"%00",
        b"%ff",
        b"/../",
        b"?limit=",
        b"\"",
        b"{\"role\":",
        b"expect: 100-continue\r\n",
    ];
    let kept = env!("CARGO_TARGET_TMPDIR");
    let target = Target { name: "requests", rounds: 500, corpus: &corpus, words: &words, kept };
    target.run(|bytes| {
        let answer = exchange(hosted.address(), bytes)?;
        let text = String::from_utf8_lossy(&answer);
        if text.starts_with("HTTP/1.1 5") {
            return Err(format!("a fault of the host: {text}"));
        }
        Ok(())
    });
    let answer = exchange(hosted.address(), &corpus[0]).unwrap();
    assert!(answer.starts_with(b"HTTP/1.1 200"));
    hosted.stop(Duration::from_secs(5));
}
