//! A stop drains: what is in flight is answered, and what does not end is cut.

use std::time::{Duration, Instant};

use playbook_server::Drained;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::sleep;

use crate::harness::{Host, to_end};

const LIVE: &[u8] = b"GET /health/live HTTP/1.1\r\nhost: a\r\n\r\n";

/// A request whose body is still to come: the service waits for it.
async fn begun(host: &Host) -> TcpStream {
    let mut stream = host.connect().await;
    let head = format!(
        "POST /v1/keys HTTP/1.1\r\nhost: a\r\nauthorization: Bearer {}\r\nidempotency-key: a\r\n\
         content-type: application/json\r\ncontent-length: 25\r\n\r\n",
        host.admin
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    sleep(Duration::from_millis(100)).await;
    stream
}

#[tokio::test]
async fn a_stop_answers_what_is_in_flight_and_takes_nothing_new() {
    let host = Host::start(|_| {}).await;
    let mut in_flight = begun(&host).await;
    let mut idle = host.connect().await;
    idle.write_all(LIVE).await.unwrap();
    assert!(idle.read(&mut [0; 4_096]).await.unwrap() > 0);
    let address = host.running.address();
    let stopping = tokio::spawn(host.running.stop(Duration::from_secs(20)));
    // An idle connection is closed at once.
    assert_eq!(to_end(&mut idle).await, "");
    assert!(TcpStream::connect(address).await.is_err(), "nothing new is taken");
    assert!(!stopping.is_finished());
    in_flight.write_all(b"{\"role\":\"platform-admin\"}").await.unwrap();
    let text = to_end(&mut in_flight).await;
    assert!(text.starts_with("HTTP/1.1 201"), "{text}");
    assert_eq!(stopping.await.unwrap(), Drained { cut: 0 });
}

#[tokio::test]
async fn what_does_not_end_in_time_is_cut_and_counted() {
    let host = Host::start(|_| {}).await;
    let mut in_flight = begun(&host).await;
    let began = Instant::now();
    let drained = host.running.stop(Duration::from_millis(300)).await;
    assert_eq!(drained, Drained { cut: 1 });
    let took = began.elapsed();
    assert!(took >= Duration::from_millis(300) && took < Duration::from_secs(5), "{took:?}");
    assert_eq!(to_end(&mut in_flight).await, "");
}

#[tokio::test]
async fn readiness_ends_when_a_stop_begins() {
    let host = Host::start(|_| {}).await;
    let mut in_flight = host.connect().await;
    in_flight.write_all(b"GET /health/ready HTTP/1.1\r\nhost: a\r\n").await.unwrap();
    sleep(Duration::from_millis(100)).await;
    let stopping = tokio::spawn(host.running.stop(Duration::from_secs(20)));
    sleep(Duration::from_millis(100)).await;
    in_flight.write_all(b"\r\n").await.ok();
    let text = to_end(&mut in_flight).await;
    assert!(text.is_empty() || text.contains("not-ready"), "{text}");
    stopping.await.unwrap();
}

#[test]
fn a_host_without_threads_of_its_own_starts_and_stops_it() {
    use std::io::{Read as _, Write as _};
    let dir = tempfile::tempdir().unwrap();
    let mut settings = playbook_server::Settings::default();
    settings.listen.address.set_port(0);
    let keys = playbook_server::KeyStore::open(dir.path()).unwrap().store;
    let keys = std::sync::Arc::new(keys);
    let directory = std::sync::Arc::new(crate::harness::Plain::of(&[]));
    let hosted =
        playbook_server::Server::new(settings, keys, directory).unwrap().start_hosted().unwrap();
    let mut stream = std::net::TcpStream::connect(hosted.address()).unwrap();
    stream.write_all(LIVE).unwrap();
    let mut part = [0; 12];
    stream.read_exact(&mut part).unwrap();
    assert_eq!(&part, b"HTTP/1.1 200");
    assert_eq!(hosted.stop(Duration::from_secs(5)), Drained { cut: 0 });
    // The folder's keys are free again.
    playbook_server::KeyStore::open(dir.path()).unwrap();
}
