//! A webhook over TLS, and names that lead where nobody may send it.
#![cfg(feature = "webhooks")]
#![allow(clippy::unwrap_used, reason = "tests")]

#[path = "../../../../tests/servers/mod.rs"]
mod servers;

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use playbook_model::{HostWebhook, SecretRef};
use playbook_sources::{NotTaken, Webhook};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

fn told(folder: &Path, url: &str) -> HostWebhook {
    let secret = folder.join("secret");
    std::fs::write(&secret, "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\n").unwrap();
    HostWebhook {
        url: url.to_owned(),
        secret: SecretRef::File(secret),
        ca_file: None,
        private: true,
        timeout: Some(Duration::from_secs(5)),
        in_flight_max: None,
        give_up: None,
        stages: Vec::new(),
    }
}

fn send(told: &HostWebhook) -> Result<(), NotTaken> {
    let webhook = Webhook::open("acme", told).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(webhook.send("id", 1, b"{}".to_vec()))
}

/// Takes one message, or fails to; answers with as much as a client takes.
fn receiver((cert, key): &(PathBuf, PathBuf)) -> u16 {
    let cert = CertificateDer::from_pem_file(cert).unwrap();
    let key = PrivateKeyDer::from_pem_file(key).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![cert], key)
        .unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        let (socket, _) = listener.accept().unwrap();
        let connection = rustls::ServerConnection::new(Arc::new(config)).unwrap();
        let mut stream = rustls::StreamOwned::new(connection, socket);
        let mut head = [0; 1024];
        if stream.read(&mut head).is_ok() {
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n");
            // An answer without an end.
            while stream.write_all(&[b'x'; 4096]).is_ok() {}
        }
    });
    port
}

#[test]
fn a_receiver_is_known_by_the_certificates_of_a_file_and_its_answer_is_bounded() {
    let folder = tempfile::tempdir().unwrap();
    let files = servers::certificate(folder.path());
    let url = format!("https://127.0.0.1:{}/hook", receiver(&files));
    let known = HostWebhook { ca_file: Some(files.0.clone()), ..told(folder.path(), &url) };
    assert_eq!(send(&known), Ok(()));
    let url = format!("https://127.0.0.1:{}/hook?token=hidden", receiver(&files));
    let unknown = send(&told(folder.path(), &url)).unwrap_err().why;
    assert!(
        unknown.contains("127.0.0.1 did not answer") && !unknown.contains("hidden"),
        "{unknown}"
    );
}

#[test]
fn a_name_that_leads_to_loopback_is_not_asked() {
    let folder = tempfile::tempdir().unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("https://localhost:{}/", listener.local_addr().unwrap().port());
    let public = HostWebhook { private: false, ..told(folder.path(), &url) };
    let why = send(&public).unwrap_err().why;
    assert!(why.contains("is no public address"), "{why}");
    listener.set_nonblocking(true).unwrap();
    assert!(listener.accept().is_err(), "nobody came");
    for literal in [
        "https://127.0.0.1/",
        "https://2130706433/",
        "https://[::1]/",
        "https://[::ffff:10.0.0.1]/",
    ] {
        let told = HostWebhook { url: literal.to_owned(), ..public.clone() };
        let error = Webhook::open("acme", &told).unwrap_err().to_string();
        assert!(error.contains("is no public address"), "{literal}: {error}");
    }
}
