//! What becomes of requests when connections break and the server goes and comes.

use std::sync::Arc;
use std::time::Duration;

use playbook_ledger::{PostgresServer, Proof, Vault};
use playbook_online::{
    Brand, BrandOptions, Following, Lanes, Ledgers, OnlineError, Opener as _, WriterState,
};

use crate::brand::{Demo, T, ask, event, source, welcome};
use crate::servers::line::{Cut, Line};
use crate::servers::{PASSWORD, Postgres};
use crate::together::until;
use crate::{database, reached, server};

const COMMIT: &[u8] = b"COMMIT\0";

fn over(at: PostgresServer) -> Arc<Brand> {
    let options = BrandOptions {
        ledgers: Ledgers::open(&at, "demo-club").unwrap(),
        records_bytes_max: 64 << 20,
        now: Arc::new(|| T),
        opener: Arc::new(Demo),
        lanes: Arc::new(Lanes::new(2)),
        file: None,
    };
    Arc::new(Brand::open(options, Demo.open(&source("one")).unwrap()).unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_commit_whose_answer_never_came_is_asked_for_and_has_one_effect() {
    let place = crate::place();
    let line = Line::to(server().port);
    let brand = over(reached(line.port, &database(place.path())));
    welcome(&brand, "m1").await;
    welcome(&brand, "m2").await;
    // The server kept it: the answer is that of any decision.
    line.cut_at(COMMIT, Cut::After);
    let kept = brand.decide(&ask("m1"), "a").await.unwrap();
    assert!(!line.waits() && !kept.is_repeated);
    let again = brand.decide(&ask("m1"), "a").await.unwrap();
    assert!(again.is_repeated && again.decision == kept.decision);
    line.cut_at(COMMIT, Cut::After);
    let events = [event("e1", "m1", "like", 1)];
    brand.events(&events).await.unwrap()[0].as_ref().unwrap();
    assert_eq!(brand.member("m1").unwrap().events, 405);
    // It never heard of it: nothing was done, and the same request does it.
    line.cut_at(COMMIT, Cut::Before);
    let lost = brand.decide(&ask("m2"), "b").await.unwrap_err();
    assert!(matches!(lost, OnlineError::Commit(_)), "{lost:?}");
    assert!(!line.waits());
    let done = brand.decide(&ask("m2"), "b").await.unwrap();
    assert!(!done.is_repeated);
    let granted = kept.decision.granted.iter().chain(&done.decision.granted);
    let sum: i64 = granted.map(|effect| effect.cost_minor).sum();
    assert_eq!(brand.balances().unwrap()[0].reserved.0, sum);
    // Broken anywhere else it is opened again.
    for round in 0..5 {
        line.cut_all();
        let _ = brand.decide(&ask("m1"), &format!("c{round}")).await;
        brand.decide(&ask("m1"), &format!("c{round}")).await.unwrap();
    }
    drop(brand);
    let ledger = crate::vault(place.path()).read("demo-club").unwrap();
    assert!(matches!(ledger.prove(), Ok(Proof::Sound { .. })));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_goes_makes_the_brand_unready_and_it_recovers_by_itself() {
    let mut server = Postgres::start(&[]);
    server.sql(&format!("CREATE ROLE host LOGIN PASSWORD '{PASSWORD}'"));
    server.sql("CREATE DATABASE ledgers OWNER host");
    let brand = over(reached(server.port, "ledgers"));
    welcome(&brand, "m1").await;
    let following = Following::start(&brand);
    assert_eq!(brand.writer(), WriterState::Works);
    server.kill();
    // Nobody asks for anything: it finds out by itself.
    until("that it cannot write", || brand.writer() == WriterState::Fails);
    assert!(brand.decide(&ask("m1"), "a").await.is_err());
    server.start_again();
    let took = until("that it can write", || brand.writer() == WriterState::Works);
    assert!(took < Duration::from_secs(10), "{took:?}");
    brand.decide(&ask("m1"), "a").await.unwrap();
    drop((following, brand));
    let ledger = reached(server.port, "ledgers").read("demo-club").unwrap();
    assert!(matches!(ledger.prove(), Ok(Proof::Sound { .. })));
}
