//! What another playbook would do is seen beside a ledger in use, and leaves it as it was.

use std::fs;
use std::process::Stdio;

use serde_json::Value;

use crate::bench::{Place, command, community, root, run, succeed};

/// The command that compares the demo with a tighter version of itself, on the state of `place`.
fn diff(place: &Place) -> std::process::Command {
    let file = root().join("playbooks/club.toml");
    let mut call = command(["diff".as_ref(), file.as_os_str()]);
    call.args(["--set", "guardrails.single_investment_max=0.1", "--json", "--data"])
        .arg(community())
        .arg("--state")
        .arg(&place.state)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    call
}

#[test]
fn a_brand_with_a_ledger_is_compared_and_its_ledger_stays_as_it_was() {
    let place = Place::new();
    let file = root().join("playbooks/club.toml");
    run(&file, &community(), &place, &["--as-of", "2026-05-01"]);
    let ledger = |verb: &str| {
        let call = command(["ledger", verb, "demo-club", "--json", "--state"])
            .arg(&place.state)
            .output()
            .unwrap();
        succeed(&call)
    };
    let (shown, proof) = (ledger("show"), ledger("prove"));
    // Two comparisons at a time, each with two rehearsals of the one ledger.
    let calls = [(), ()].map(|()| diff(&place).spawn().unwrap());
    let seen = calls.map(|call| succeed(&call.wait_with_output().unwrap()));
    assert_eq!(seen[0], seen[1]);
    let report: Value = serde_json::from_str(&seen[0]).unwrap();
    assert!(report["figures"].as_array().is_some_and(|rows| !rows.is_empty()), "{report}");
    assert_eq!((ledger("show"), ledger("prove")), (shown, proof));
}

#[test]
fn a_comparison_and_a_replay_neither_stop_a_run_nor_wait_for_it() {
    let place = Place::new();
    let file = root().join("playbooks/club.toml");
    run(&file, &community(), &place, &["--as-of", "2026-05-01"]);
    let replay = || {
        let mut call = command(["replay"]);
        call.arg(&place.out).stdout(Stdio::piped()).stderr(Stdio::piped());
        call
    };
    let mut next = command(["run".as_ref(), file.as_os_str()]);
    next.arg("--data").arg(community()).arg("--state").arg(&place.state);
    next.arg("--out").arg(place.beside("next")).stdout(Stdio::piped()).stderr(Stdio::piped());
    let calls = [next, diff(&place), replay(), diff(&place), replay()].map(|mut call| call.spawn());
    for call in calls {
        succeed(&call.unwrap().wait_with_output().unwrap());
    }
    assert!(fs::metadata(place.beside("next").join("run.json")).is_ok());
}
