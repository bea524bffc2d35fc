//! TLS, and what a host may not listen on without it.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use hyper::client::conn::{http1, http2};
use hyper::{Request, Version};
use hyper_util::rt::{TokioExecutor, TokioIo};
use playbook_server::{KeyStore, Server, ServerError, Settings, TlsFiles};
use rcgen::{CertifiedKey, generate_simple_self_signed};
use rustls::crypto::ring;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tempfile::TempDir;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use crate::harness::{Answer, Host, Plain};

/// A certificate for localhost in two files.
fn certificate(folder: &Path) -> (TlsFiles, CertificateDer<'static>) {
    let CertifiedKey { cert, signing_key } =
        generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let files = TlsFiles { certificate: folder.join("cert.pem"), key: folder.join("key.pem") };
    fs::write(&files.certificate, cert.pem()).unwrap();
    fs::write(&files.key, signing_key.serialize_pem()).unwrap();
    (files, cert.der().clone())
}

fn client(roots: RootCertStore) -> ClientConfig {
    ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth()
}

async fn encrypted(
    host: &Host,
    root: CertificateDer<'static>,
    protocol: &[u8],
) -> tokio_rustls::client::TlsStream<TcpStream> {
    let mut roots = RootCertStore::empty();
    roots.add(root).unwrap();
    let mut config = client(roots);
    config.alpn_protocols = vec![protocol.to_vec()];
    let name = ServerName::try_from("localhost").unwrap();
    TlsConnector::from(Arc::new(config)).connect(name, host.connect().await).await.unwrap()
}

fn live() -> Request<Body> {
    Request::builder().uri("https://localhost/health/live").body(Body::empty()).unwrap()
}

#[tokio::test]
async fn both_versions_of_http_are_spoken_over_tls() {
    let dir = TempDir::new().unwrap();
    let (files, root) = certificate(dir.path());
    let host = Host::start(|settings| settings.listen.tls = Some(files)).await;
    assert!(host.running.url().starts_with("https://127.0.0.1:"));

    let stream = encrypted(&host, root.clone(), b"h2").await;
    assert_eq!(stream.get_ref().1.alpn_protocol(), Some(b"h2".as_slice()));
    let (mut sender, connection) =
        http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection);
    let answer = sender.send_request(live()).await.unwrap();
    assert_eq!((answer.status().as_u16(), answer.version()), (200, Version::HTTP_2));
    let answer = Answer::read(answer).await;
    assert!(answer.header("strict-transport-security").starts_with("max-age="));

    let stream = encrypted(&host, root, b"http/1.1").await;
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection);
    let answer = sender.send_request(live()).await.unwrap();
    assert_eq!((answer.status().as_u16(), answer.version()), (200, Version::HTTP_11));
}

/// Whether a new connection is served with this certificate.
async fn serves(host: &Host, root: &CertificateDer<'static>) -> bool {
    let mut roots = RootCertStore::empty();
    roots.add(root.clone()).unwrap();
    let name = ServerName::try_from("localhost").unwrap();
    let connected = TlsConnector::from(Arc::new(client(roots))).connect(name, host.connect().await);
    connected.await.is_ok()
}

#[tokio::test]
async fn a_renewed_certificate_is_taken_up_and_a_broken_one_is_not() {
    let (dir, next) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    let (files, first) = certificate(dir.path());
    let (renewed, second) = certificate(next.path());
    let (certificate, key) = (files.certificate.clone(), files.key.clone());
    let look = Duration::from_millis(20);
    let host = Host::start(|settings| {
        settings.listen.tls = Some(files);
        settings.listen.tls_look = look;
    })
    .await;
    let before = encrypted(&host, first.clone(), b"http/1.1").await;
    // The key comes later: what does not fit is not taken.
    fs::copy(&renewed.certificate, &certificate).unwrap();
    tokio::time::sleep(10 * look).await;
    assert!(serves(&host, &first).await);
    fs::copy(&renewed.key, &key).unwrap();
    let mut looks = 0;
    while !serves(&host, &second).await {
        looks += 1;
        assert!(looks < 500, "the renewed certificate is not taken up");
        tokio::time::sleep(look).await;
    }
    assert!(!serves(&host, &first).await);
    let (mut sender, connection) = http1::handshake(TokioIo::new(before)).await.unwrap();
    tokio::spawn(connection);
    assert_eq!(sender.send_request(live()).await.unwrap().status(), 200);
}

#[tokio::test]
async fn http2_is_spoken_without_tls_to_those_who_know() {
    let host = Host::start(|_| {}).await;
    let stream = TokioIo::new(host.connect().await);
    let (mut sender, connection) = http2::handshake(TokioExecutor::new(), stream).await.unwrap();
    tokio::spawn(connection);
    let answer = Answer::read(sender.send_request(live()).await.unwrap()).await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("strict-transport-security"), "");
}

fn made(change: impl FnOnce(&mut Settings)) -> Result<Server, ServerError> {
    let dir = TempDir::new().unwrap();
    let mut settings = Settings::default();
    settings.listen.address.set_port(0);
    change(&mut settings);
    let keys = Arc::new(KeyStore::open(dir.path()).unwrap().store);
    Server::new(settings, keys, Arc::new(Plain::of(&[])))
}

#[test]
fn nothing_is_served_in_clear_beyond_loopback_unless_it_is_allowed() {
    for address in ["0.0.0.0:0", "192.0.2.1:0", "[::]:0"] {
        let error = made(|s| s.listen.address = address.parse().unwrap()).unwrap_err();
        assert!(matches!(error, ServerError::PlainBeyondLoopback { .. }), "{error}");
        assert!(error.hint().unwrap().contains("certificate"));
        made(|s| {
            s.listen.address = address.parse().unwrap();
            s.listen.plain_beyond_loopback = true;
        })
        .unwrap();
    }
    for address in ["127.0.0.1:0", "127.9.9.9:0", "[::1]:0"] {
        made(|s| s.listen.address = address.parse().unwrap()).unwrap();
    }
    let dir = TempDir::new().unwrap();
    let (files, _) = certificate(dir.path());
    made(|s| {
        s.listen.address = "0.0.0.0:0".parse().unwrap();
        s.listen.tls = Some(files);
    })
    .unwrap();
}

#[test]
fn files_that_are_no_certificate_or_do_not_fit_are_errors_that_name_them() {
    let (dir, other) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    let (good, _) = certificate(dir.path());
    let (others, _) = certificate(other.path());
    let error = |files: TlsFiles| made(|s| s.listen.tls = Some(files)).unwrap_err();
    let at = |certificate: &Path, key: &Path| {
        error(TlsFiles { certificate: certificate.to_owned(), key: key.to_owned() })
    };
    assert!(matches!(at(&dir.path().join("none"), &good.key), ServerError::File(_)));
    let no_certificate = at(&good.key, &good.key);
    assert!(no_certificate.to_string().contains("no certificate"), "{no_certificate}");
    let no_key = at(&good.certificate, &good.certificate);
    assert!(no_key.to_string().contains("no private key"), "{no_key}");
    let apart = at(&good.certificate, &others.key);
    assert!(matches!(apart, ServerError::Certificate { .. }), "{apart}");
    assert!(apart.to_string().contains("cert.pem") && apart.hint().is_some());
    let broken = dir.path().join("broken.pem");
    fs::write(&broken, "-----BEGIN CERTIFICATE-----\nnot base64\n-----END CERTIFICATE-----\n")
        .unwrap();
    assert!(matches!(at(&broken, &good.key), ServerError::NotPem { .. }));
}

#[test]
fn settings_that_cannot_be_kept_are_refused_by_name() {
    let cases: [(fn(&mut Settings), &str); 3] = [
        (|s| s.connections.open_max = 0, "connections.open_max"),
        (|s| s.connections.header_bytes_max = 8_191, "connections.header_bytes_max"),
        (|s| s.rates.key.in_flight_max = 0, "rates.key.in_flight_max"),
    ];
    for (change, name) in cases {
        let error = made(change).unwrap_err();
        assert!(error.to_string().contains(name), "{error}");
    }
}
