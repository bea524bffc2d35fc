//! What a commit group costs by its size, in a SQLite file and in PostgreSQL, side by side in one run on this machine.
//!
//! `cargo run --release -p playbook-ledger --features postgres --example commits GRANTS`
#![allow(clippy::print_stdout, clippy::unwrap_used, reason = "an example that measures")]

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use playbook_ledger::{
    AccountId, BudgetPlan, CycleRef, GrantAnswer, GrantRequest, Ledger, PluginLimit,
    PostgresServer, Proof,
};
use playbook_model::{Digest, Minor, UnixMs};
use servers::{PASSWORD, Postgres};

#[path = "../../../../tests/servers/mod.rs"]
mod servers;

const BRAND: &str = "commits";
/// Groups are timed in so many turns, each store in each: what else the machine does strikes both.
const ROUNDS: usize = 5;

fn main() {
    let grants: usize = std::env::args().nth(1).map_or(20_000, |text| text.parse().unwrap());
    let folder = tempfile::tempdir().unwrap();
    // A server that keeps its promises: those of tests need not.
    let server = Postgres::start(&["fsync=on"]);
    assert_eq!(server.sql("SHOW fsync").trim(), "on");
    server.sql(&format!("CREATE ROLE host LOGIN PASSWORD '{PASSWORD}'"));
    server.sql("CREATE DATABASE ledgers OWNER host");
    let reached = PostgresServer {
        host: "127.0.0.1".to_owned(),
        port: server.port,
        database: "ledgers".to_owned(),
        user: "host".to_owned(),
        password: Some(PASSWORD.to_owned()),
        tls: None,
        connect_wait: Duration::from_secs(10),
    };
    let stores = [
        ("SQLite", Ledger::open_or_create(&folder.path().join("ledger.db"), BRAND).unwrap()),
        ("PostgreSQL", Ledger::postgres(&reached, BRAND).unwrap()),
    ]
    .map(|(name, ledger)| (name, ready(&ledger), ledger));
    let mut number = 0;
    for size in [1, 64, 512] {
        // A group of one takes as long as a larger one: fewer of them say as much.
        let groups = (grants / ROUNDS / size).clamp(1, 400);
        let mut took = [Duration::ZERO; 2];
        let mut longest = [Duration::ZERO; 2];
        for _ in 0..ROUNDS {
            for (at, (_, account, ledger)) in stores.iter().enumerate() {
                let mut standing = None;
                for _ in 0..groups {
                    let asked: Vec<_> = (0..size).map(|_| next(&mut number, *account)).collect();
                    let begun = Instant::now();
                    book(ledger, &mut standing, &asked);
                    took[at] += begun.elapsed();
                    longest[at] = longest[at].max(begun.elapsed());
                }
            }
        }
        for (at, (name, ..)) in stores.iter().enumerate() {
            let groups = (groups * ROUNDS) as f64;
            let seconds = took[at].as_secs_f64();
            println!(
                "{name:>10}, groups of {size:>3}: {:>7.0} grants a second, {:.2} ms a group, longest {:.1} ms",
                groups * size as f64 / seconds,
                seconds / groups * 1e3,
                longest[at].as_secs_f64() * 1e3,
            );
        }
    }
    for (name, _, ledger) in &stores {
        let begun = Instant::now();
        let Proof::Sound { groups, entries, .. } = ledger.prove().unwrap() else {
            panic!("{name} is not sound")
        };
        println!(
            "{name:>10}: {entries} entries in {groups} groups proven in {:.0} ms",
            begun.elapsed().as_secs_f64() * 1e3
        );
    }
}

fn cycle() -> CycleRef {
    CycleRef { playbook: "club".to_owned(), number: 1 }
}

/// Gives a ledger money and begins a cycle; returns the account that pays.
fn ready(ledger: &Ledger) -> AccountId {
    let plan = BudgetPlan {
        playbook: "club".to_owned(),
        total: Minor(1 << 40),
        reserve_share: 0.1,
        pools: BTreeMap::from([("daily".to_owned(), 1.0)]),
        plugins: vec![PluginLimit { stage: "points".to_owned(), pool: Some("daily".to_owned()) }],
        plugin_share_max: 1.0,
    };
    let account = ledger.ensure_budget(&plan, UnixMs(0)).unwrap().plugins["points"];
    ledger.begin_cycle(&cycle(), Digest::of(b"run"), UnixMs(0)).unwrap();
    account
}

fn next(number: &mut i64, account: AccountId) -> GrantRequest<'static> {
    *number += 1;
    GrantRequest {
        key: Digest::of(&number.to_be_bytes()),
        account,
        member: *number / 4,
        stage: "points",
        action: "points",
        family: "points",
        quantity: 1,
        cost: Minor(3),
        expected_output: Minor(30),
        priority: 4,
        contacts_member: true,
        commercial: false,
    }
}

/// One unit of work as a service does it: takes the turn, books a group for many callers, gives it back.
fn book(
    ledger: &Ledger,
    standing: &mut Option<playbook_ledger::CycleStanding>,
    asked: &[GrantRequest<'_>],
) {
    let turn = ledger.turn().unwrap();
    let keys: Vec<Digest> = asked.iter().map(|request| request.key).collect();
    let answers = turn.group(&cycle(), UnixMs(1), standing, |group| {
        group.foresee(&keys)?;
        asked.iter().map(|request| group.grant(request)).collect::<Result<Vec<_>, _>>()
    });
    let answers = answers.unwrap();
    assert!(answers.iter().all(|answer| matches!(answer, GrantAnswer::Granted { .. })));
}
