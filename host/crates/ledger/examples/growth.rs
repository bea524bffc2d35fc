//! What a ledger costs when it has grown: opening with its check, a look at one member, a grant, a proof.
//!
//! `cargo build --release -p playbook-host -p playbook-ledger --example growth` and `target/release/examples/growth GRANTS GROUP`
#![allow(clippy::print_stdout, reason = "an example that measures")]

use std::collections::BTreeMap;
use std::error::Error;
use std::time::Instant;

use playbook_ledger::{BudgetPlan, CycleRef, GrantRequest, Ledger, PluginLimit};
use playbook_model::{Digest, Minor, UnixMs};

const BRAND: &str = "growth";

fn main() -> Result<(), Box<dyn Error>> {
    let number =
        |at, otherwise| std::env::args().nth(at).map_or(Ok(otherwise), |text| text.parse());
    let (grants, group): (i64, i64) = (number(1, 300_000)?, number(2, 1_000)?);
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("ledger.sqlite");
    let plan = BudgetPlan {
        playbook: "club".to_owned(),
        total: Minor(1 << 40),
        reserve_share: 0.1,
        pools: BTreeMap::from([("daily".to_owned(), 1.0)]),
        plugins: vec![PluginLimit { stage: "points".to_owned(), pool: Some("daily".to_owned()) }],
        plugin_share_max: 1.0,
    };
    let cycle = CycleRef { playbook: "club".to_owned(), number: 1 };
    let ledger = Ledger::open_or_create(&path, BRAND)?;
    let accounts = ledger.ensure_budget(&plan, UnixMs(0))?;
    let points = accounts.plugins["points"];
    ledger.begin_cycle(&cycle, Digest::of(b"run"), UnixMs(0))?;
    let request = |number: i64| GrantRequest {
        key: Digest::of(&number.to_be_bytes()),
        account: points,
        member: i64::from_be_bytes(
            Digest::of(&(number / 4).to_le_bytes()).0[..8].try_into().unwrap_or_default(),
        ),
        stage: "points",
        action: "points",
        family: "points",
        quantity: 1,
        cost: Minor(3),
        expected_output: Minor(30),
        priority: 4,
        contacts_member: true,
        commercial: false,
    };
    let begun = Instant::now();
    for first in (0..grants).step_by(group as usize) {
        let asked: Vec<_> = (first..grants.min(first + group)).map(request).collect();
        ledger.turn()?.grant_batch(&cycle, UnixMs(first), &asked)?;
    }
    let took = begun.elapsed().as_secs_f64();
    println!("{grants} grants in groups of {group}: {:.0} a second", grants as f64 / took);
    drop(ledger);
    println!("file: {} MB", std::fs::metadata(&path)?.len() / 1_000_000);

    let timed = |what: &str, begun: Instant| {
        println!("{what}: {:.2} ms", begun.elapsed().as_secs_f64() * 1e3);
    };
    for _ in 0..3 {
        let begun = Instant::now();
        let ledger = Ledger::open(&path, BRAND)?;
        timed("opened and checked", begun);
        let begun = Instant::now();
        ledger.grants_of(&[request(grants / 2).member], UnixMs(-1))?;
        timed("history of one member", begun);
        let begun = Instant::now();
        let turn = ledger.turn()?;
        let mut standing = turn.standing(&cycle)?;
        timed("standing of the cycle, from nothing", begun);
        let begun = Instant::now();
        turn.grant_batch(
            &cycle,
            UnixMs(grants),
            &[request(grants + begun.elapsed().as_nanos() as i64)],
        )?;
        timed("one grant", begun);
        let begun = Instant::now();
        turn.catch_up(&mut standing)?;
        timed("standing, brought up to date", begun);
    }
    let begun = Instant::now();
    let copy = Ledger::rehearse(&path, BRAND)?;
    timed("copied for a rehearsal and checked", begun);
    drop(copy);
    let begun = Instant::now();
    println!("{:?}", Ledger::open(&path, BRAND)?.prove()?);
    timed("opened and proven", begun);
    Ok(())
}
