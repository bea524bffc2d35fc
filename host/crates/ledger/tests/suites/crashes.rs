//! A run that is killed at any moment and started again: nothing lost, nothing doubled.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

use crate::Home;
use crate::shared::{Calls as _, NOW, assert_sound, cycle, key, plan, request};
use playbook_ledger::{Closing, CycleState, GrantAnswer, GrantRequest};
use playbook_model::{Digest, Minor};

/// Set in the child: where the ledger is.
const LEDGER: &str = "LEDGER_OF_CRASH_TEST";
/// Grants of the run: several commit groups.
const GRANTS: usize = 15_000;
const COST: i64 = 3;
/// Kills before the run may end.
const KILLS: u32 = 8;

/// The whole run, from its begin: what a host does each time it is started.
fn run(home: &Home) -> (usize, usize) {
    let ledger = home.open();
    let points = ledger.ensure_budget(&plan(1_000_000), NOW).unwrap().plugins["points"];
    let opening = ledger.begin_cycle(&cycle(1), key("run"), NOW).unwrap();
    assert!(!matches!(opening.state, CycleState::Closed(_)));
    assert_eq!(opening.available[&points], Minor(157_500));
    let requests: Vec<GrantRequest<'_>> = (0..GRANTS)
        .map(|number| GrantRequest {
            key: Digest::of(&number.to_be_bytes()),
            member: i64::try_from(number).unwrap(),
            ..request("", points, COST)
        })
        .collect();
    let (mut fresh, mut known) = (0, 0);
    // Small pieces give the killer many moments: within a group, between groups, at the end.
    for (piece, requests) in requests.chunks(500).enumerate() {
        for answer in ledger.grant_batch(&cycle(1), NOW, requests).unwrap() {
            match answer {
                GrantAnswer::Granted { .. } => fresh += 1,
                GrantAnswer::AlreadyGranted { .. } => known += 1,
                other => panic!("{other:?}"),
            }
        }
        eprintln!("piece {piece}");
    }
    ledger.settle_all(&cycle(1));
    (fresh, known)
}

/// Runs only as the child of the test below; does nothing in a normal test run.
#[test]
fn child_of_the_crash_test() {
    if let Ok(told) = std::env::var(LEDGER) {
        run(&Home::of(&told));
    }
}

#[test]
fn a_run_killed_again_and_again_ends_with_every_grant_once() {
    let home = Home::new();
    for kill in 0..KILLS {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args([
                "suites::crashes::child_of_the_crash_test",
                "--exact",
                "--nocapture",
                "--test-threads=1",
            ])
            .env(LEDGER, home.told())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        // Each child gets further than the one before, and dies somewhere after that line.
        let wanted = format!("piece {}", kill * 3);
        let lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let seen = lines.map_while(Result::ok).any(|line| line.contains(&wanted));
        for _ in 0..kill * 40 {
            std::thread::yield_now();
        }
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(seen, "the child ended before {wanted}");
        let look = home.open();
        assert_sound(&look);
        let bound = look.balances().unwrap()[0].committed().0;
        assert_eq!(bound % COST, 0, "a grant is whole or absent");
        assert!(bound >= i64::from(kill * 3) * 500 * COST, "what was answered is kept");
    }
    let (fresh, known) = run(&home);
    assert_eq!(fresh + known, GRANTS);
    assert!(known > 10_000, "the earlier runs' grants were found again: {known}");
    let ledger = home.open();
    assert_sound(&ledger);
    let root = ledger.balances().unwrap()[0].clone();
    let all = COST * i64::try_from(GRANTS).unwrap();
    assert_eq!((root.reserved, root.spent), (Minor::ZERO, Minor(all)));
    assert_eq!(ledger.close_cycle(&cycle(1), key("summary"), NOW).unwrap(), Closing::Now);
}
