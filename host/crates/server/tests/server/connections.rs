//! Slow, silent, greedy and oversized clients.

use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::time::{sleep, timeout};

use crate::harness::{Call, Host, to_end};

const SHORT: Duration = Duration::from_millis(200);
/// Later than any limit of these tests, sooner than any default.
const LATE: Duration = Duration::from_secs(5);

const LIVE: &[u8] = b"GET /health/live HTTP/1.1\r\nhost: a\r\n\r\n";

#[tokio::test]
async fn headers_that_come_too_slowly_end_the_connection() {
    let host = Host::start(|settings| settings.connections.header_read = SHORT).await;
    for begun in ["GET /health/live HTTP/1.1\r\n", "GET /health/live HTTP/1.1\r\nhost: a\r\nx: "] {
        let (text, took) = host.raw(begun.as_bytes()).await;
        assert!(took >= SHORT && took < LATE, "{took:?}");
        assert!(text.is_empty() || text.starts_with("HTTP/1.1 408"), "{text}");
    }
}

#[tokio::test]
async fn a_drip_of_headers_does_not_hold_a_connection_open() {
    let host = Host::start(|settings| settings.connections.header_read = SHORT).await;
    let mut stream = host.connect().await;
    stream.write_all(b"GET /health/live HTTP/1.1\r\n").await.unwrap();
    let drip = async {
        while stream.write_all(b"x: y\r\n").await.is_ok() {
            sleep(Duration::from_millis(20)).await;
        }
    };
    timeout(LATE, drip).await.expect("the service closes");
}

#[tokio::test]
async fn connections_that_say_nothing_or_no_more_are_ended() {
    let host = Host::start(|settings| settings.connections.idle = SHORT).await;
    for begun in [b"".as_slice(), b"PRI * HT", LIVE] {
        let (text, took) = host.raw(begun).await;
        assert!(took >= SHORT && took < LATE, "{took:?}");
        assert_eq!(text.starts_with("HTTP/1.1 200"), begun == LIVE, "{text}");
    }
}

#[tokio::test]
async fn a_connection_that_is_used_stays_and_an_http2_one_that_is_not_is_told_to_go() {
    let idle = Duration::from_millis(600);
    let host = Host::start(|settings| settings.connections.idle = idle).await;
    let mut stream = host.connect().await;
    for _ in 0..8 {
        stream.write_all(LIVE).await.unwrap();
        let read = stream.read(&mut [0; 4_096]).await.unwrap();
        assert!(read > 0, "open after more than the idle time in all");
        sleep(idle / 4).await;
    }
    // The preface and empty settings: a connection that is whole and does nothing.
    let preface = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";
    let mut stream = host.connect().await;
    stream.write_all(preface).await.unwrap();
    let mut all = Vec::new();
    timeout(LATE, stream.read_to_end(&mut all)).await.expect("the service closes").ok();
    let goaway = all.windows(4).any(|bytes| bytes == [7, 0, 0, 0]);
    assert!(goaway, "{all:?}");
}

fn post(length: &str) -> String {
    format!(
        "POST /v1/keys HTTP/1.1\r\nhost: a\r\nauthorization: Bearer KEY\r\nidempotency-key: a\r\n\
         content-type: application/json\r\n{length}\r\n\r\n"
    )
}

#[tokio::test]
async fn bodies_that_come_too_slowly_are_answered_408_and_cut() {
    let host = Host::start(|settings| settings.bodies.stall = SHORT).await;
    let head = post("content-length: 25").replace("KEY", &host.admin);
    for begun in [head.clone(), format!("{head}{{\"role\"")] {
        let (text, took) = host.raw(begun.as_bytes()).await;
        assert!(text.starts_with("HTTP/1.1 408"), "{text}");
        assert!(text.contains("connection: close") && text.contains("body-too-slow"), "{text}");
        assert!(took >= SHORT && took < LATE, "{took:?}");
    }
}

#[tokio::test]
async fn a_drip_of_body_has_an_end_too() {
    let host = Host::start(|settings| {
        settings.bodies.stall = LATE;
        settings.bodies.whole = SHORT;
    })
    .await;
    let mut stream = host.connect().await;
    let head = post("content-length: 100000").replace("KEY", &host.admin);
    stream.write_all(head.as_bytes()).await.unwrap();
    let (mut read, mut write) = stream.split();
    let drip = async {
        while write.write_all(b" ").await.is_ok() {
            sleep(Duration::from_millis(20)).await;
        }
    };
    let answer = async {
        let mut text = [0; 12];
        read.read_exact(&mut text).await.unwrap();
        String::from_utf8(text.to_vec()).unwrap()
    };
    tokio::select! {
        text = timeout(LATE, answer) => assert_eq!(text.unwrap(), "HTTP/1.1 408"),
        () = drip => panic!("closed without an answer"),
    }
}

#[tokio::test]
async fn bodies_beyond_the_limit_are_refused_announced_or_not() {
    let host = Host::start(|settings| settings.bodies.bytes_max = 1_000).await;
    // Announced: refused before a byte of it is sent, and without a key.
    let announced = post("content-length: 1001").replace("KEY", "none");
    let (text, _) = host.raw(announced.as_bytes()).await;
    assert!(text.starts_with("HTTP/1.1 413") && text.contains("body-too-large"), "{text}");
    let chunk = format!("3e8\r\n{}\r\n", " ".repeat(1_000));
    let head = post("transfer-encoding: chunked").replace("KEY", &host.admin);
    let (text, _) = host.raw(format!("{head}{chunk}1\r\n \r\n0\r\n\r\n").as_bytes()).await;
    assert!(text.starts_with("HTTP/1.1 413"), "{text}");
    let exact = format!("{}{}", " ".repeat(975), r#"{"role":"platform-admin"}"#);
    assert_eq!(exact.len(), 1_000);
    let answer = host.send(Call::post("/v1/keys", &exact).key(&host.admin)).await;
    assert_eq!(answer.status, 201);
}

#[tokio::test]
async fn oversized_headers_are_refused() {
    let host = Host::start(|settings| settings.connections.header_bytes_max = 8_192).await;
    let long = format!("GET / HTTP/1.1\r\nhost: a\r\nx: {}\r\n\r\n", "a".repeat(10_000));
    let (text, _) = host.raw(long.as_bytes()).await;
    assert!(text.starts_with("HTTP/1.1 431"), "{text}");
    let many: String = (0..200).map(|at| format!("x{at}: a\r\n")).collect();
    let (text, _) = host.raw(format!("GET / HTTP/1.1\r\n{many}\r\n").as_bytes()).await;
    assert!(text.starts_with("HTTP/1.1 431"), "{text}");
}

#[tokio::test]
async fn what_is_no_http_is_refused_and_hurts_nobody() {
    let host = Host::start(|settings| settings.connections.header_read = SHORT).await;
    for bytes in [
        b"\0\0\0\0\r\n\r\n".as_slice(),
        b"GET\r\n\r\n",
        b"\x16\x03\x01\x02\0\x01\0\x01",
        b"GET / HTTP/9.9\r\n\r\n",
    ] {
        let (text, took) = host.raw(bytes).await;
        assert!(text.is_empty() || text.starts_with("HTTP/1.1 4"), "{text}");
        assert!(took < LATE, "{took:?}");
    }
    // Two lengths: what one reads as a body another reads as the next request.
    let twice = post("content-length: 2\r\ncontent-length: 30").replace("KEY", &host.admin);
    let (text, _) = host.raw(format!("{twice}{{}}").as_bytes()).await;
    assert!(text.starts_with("HTTP/1.1 400"), "{text}");
    assert_eq!(host.send(Call::get("/health/live")).await.status, 200);
}

#[tokio::test]
async fn connections_have_a_bound_a_bounded_wait_and_then_503() {
    let host = Host::start(|settings| {
        settings.connections.open_max = 2;
        settings.connections.waiting_max = 1;
        settings.connections.wait = Duration::from_secs(1);
    })
    .await;
    // Two are served, and stay.
    let mut served = Vec::new();
    for _ in 0..2 {
        let mut stream = host.connect().await;
        stream.write_all(LIVE).await.unwrap();
        assert!(stream.read(&mut [0; 4_096]).await.unwrap() > 0);
        served.push(stream);
    }
    // One waits; the next is told at once, the one that waits when its time is over.
    let mut waits = host.connect().await;
    waits.write_all(LIVE).await.unwrap();
    sleep(SHORT).await;
    let (text, took) = host.raw(LIVE).await;
    assert!(text.starts_with("HTTP/1.1 503") && text.contains("server-full"), "{text}");
    assert!(text.contains("retry-after: 1") && text.contains("connection: close"), "{text}");
    assert!(took < Duration::from_millis(700), "{took:?}");
    assert!(to_end(&mut waits).await.starts_with("HTTP/1.1 503"));
    // One that waits gets the place of one that ends.
    let mut waits = host.connect().await;
    waits
        .write_all(b"GET /health/live HTTP/1.1\r\nconnection: close\r\nhost: a\r\n\r\n")
        .await
        .unwrap();
    sleep(SHORT).await;
    drop(served.pop());
    assert!(to_end(&mut waits).await.starts_with("HTTP/1.1 200"));
}

#[tokio::test]
async fn a_client_that_takes_no_answers_loses_its_connection() {
    let host = Host::start(|settings| {
        settings.connections.open_max = 1;
        settings.connections.wait = LATE;
        settings.connections.write_stall = SHORT;
    })
    .await;
    let mut greedy = host.connect().await;
    let many = b"GET /v1/openapi.json HTTP/1.1\r\nhost: a\r\n\r\n".repeat(1_000);
    // Answers of many megabytes, of which none is read.
    let sending = tokio::spawn(async move {
        greedy.write_all(&many).await.ok();
        sleep(LATE * 4).await;
        drop(greedy);
    });
    sleep(SHORT).await;
    assert_eq!(host.send(Call::get("/health/live")).await.status, 200, "its place is free again");
    sending.abort();
}
