//! Rates: who calls too often is told when to come again, and nobody else notices.

use std::num::NonZeroU32;
use std::time::{Duration, Instant};

use futures::future::join_all;
use playbook_server::{Rate, Role};
use tokio::io::AsyncWriteExt as _;

use crate::harness::{Call, Host, to_end};

fn rate(per_second: u32, burst: u32, in_flight_max: usize) -> Rate {
    let number = |n| NonZeroU32::new(n).unwrap();
    Rate { per_second: number(per_second), burst: number(burst), in_flight_max }
}

#[tokio::test]
async fn a_key_that_calls_too_often_is_told_when_to_come_again() {
    let host = Host::start(|settings| settings.rates.key = rate(1, 3, 10)).await;
    let key = host.key(Role::Partner, "acme");
    let call = || host.send(Call::get("/v1/brands").key(key));
    for left in [2, 1, 0] {
        let answer = call().await;
        assert_eq!(answer.status, 200);
        assert_eq!(answer.header("ratelimit-policy"), "\"key\";q=3;w=3");
        assert_eq!(answer.header("ratelimit"), format!("\"key\";r={left};t=3"));
    }
    let refused = call().await;
    assert_eq!((refused.status.as_u16(), refused.code().as_str()), (429, "key-rate-exceeded"));
    assert_eq!(refused.header("retry-after"), "1");
    assert_eq!(refused.header("ratelimit"), "\"key\";r=0;t=1");
    // Another key of the same brand has a bucket of its own.
    let other = host.key(Role::BrandOperator, "acme");
    assert_eq!(host.send(Call::get("/v1/brands").key(other)).await.status, 200);
    tokio::time::sleep(Duration::from_millis(1_100)).await;
    assert_eq!(call().await.status, 200);
}

#[tokio::test]
async fn a_brand_is_counted_over_all_its_keys() {
    let host = Host::start(|settings| settings.rates.brand = rate(1, 2, 10)).await;
    let call = |role, brand: &str| {
        let path = format!("/v1/brands/{brand}");
        host.send(Call::get(&path).key(host.key(role, brand)))
    };
    assert_eq!(call(Role::Partner, "acme").await.status, 200);
    let second = call(Role::BrandOperator, "acme").await;
    let told: Vec<_> = second.headers.get_all("ratelimit-policy").iter().collect();
    assert_eq!(told.len(), 2, "of key and brand: {told:?}");
    let third = call(Role::BrandApplication, "acme").await;
    assert_eq!((third.status.as_u16(), third.code().as_str()), (429, "brand-rate-exceeded"));
    assert_eq!(call(Role::Partner, "zeta").await.status, 200);
    // Who may not see the brand cannot use up its rate either.
    let foreign = host.key(Role::Partner, "acme");
    for _ in 0..5 {
        let answer = host.send(Call::get("/v1/brands/zeta").key(foreign)).await;
        assert_eq!(answer.status, 404);
    }
    assert_eq!(call(Role::Partner, "zeta").await.status, 200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn y117_the_flood_of_one_brand_delays_no_other() {
    let host = Host::start(|settings| settings.rates.brand = rate(5, 10, 4)).await;
    let (flooding, calm) = (host.key(Role::Partner, "acme"), host.key(Role::Partner, "zeta"));
    let ends = Instant::now() + Duration::from_secs(1);
    let flood = async || {
        let mut refused = 0_u32;
        while Instant::now() < ends {
            let answer = host.send(Call::get("/v1/brands/acme").key(flooding)).await;
            refused += u32::from(answer.status == 429);
        }
        refused
    };
    let neighbour = async {
        let (mut calls, mut slowest) = (0_u32, Duration::ZERO);
        while calls < 5 {
            let begun = Instant::now();
            let answer = host.send(Call::get("/v1/brands/zeta").key(calm)).await;
            assert_eq!(answer.status, 200);
            slowest = slowest.max(begun.elapsed());
            calls += 1;
            tokio::time::sleep(Duration::from_millis(150)).await;
        }
        slowest
    };
    let (refused, slowest) = tokio::join!(join_all((0..20).map(|_| flood())), neighbour);
    let refused: u32 = refused.iter().sum();
    assert!(refused > 100, "{refused} were refused, so there was a flood");
    // The refused ones wait for seconds; whoever stood in a line with them would too.
    assert!(slowest < Duration::from_millis(500), "{slowest:?}");
}

#[tokio::test]
async fn requests_in_flight_have_a_bound_and_end_with_their_connection() {
    let host = Host::start(|settings| settings.rates.key = rate(100, 100, 2)).await;
    let half = format!(
        "POST /v1/keys HTTP/1.1\r\nhost: a\r\nconnection: close\r\nauthorization: Bearer {}\r\nidempotency-key: a\r\n\
         content-type: application/json\r\ncontent-length: 25\r\n\r\n",
        host.admin
    );
    let mut begun = Vec::new();
    for _ in 0..2 {
        let mut stream = host.connect().await;
        stream.write_all(half.as_bytes()).await.unwrap();
        begun.push(stream);
    }
    let call = || host.send(Call::get("/v1/brands").key(&host.admin));
    let mut refused = call().await;
    for _ in 0..100 {
        if refused.status == 429 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
        refused = call().await;
    }
    assert_eq!(refused.code(), "key-busy");
    assert_eq!(refused.header("retry-after"), "1");
    let mut finished = begun.pop().unwrap();
    finished.write_all(b"{\"role\":\"platform-admin\"}").await.unwrap();
    assert!(to_end(&mut finished).await.starts_with("HTTP/1.1 201"));
    assert_eq!(call().await.status, 200);
}
