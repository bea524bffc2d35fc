//! Money is safe: nothing is granted twice, no budget is exceeded, wherever a run is killed.

use std::fs;
use std::process::Stdio;
use std::time::Duration;

use serde_json::Value;

use crate::bench::{Place, command, community, different, playbook, root, run, succeed};

fn accounts(place: &Place) -> Vec<Value> {
    let call = command(["ledger", "show", "demo-club", "--json", "--state"])
        .arg(&place.state)
        .output()
        .unwrap();
    serde_json::from_str(&succeed(&call)).unwrap()
}

fn prove(place: &Place) {
    let call =
        command(["ledger", "prove", "demo-club", "--state"]).arg(&place.state).output().unwrap();
    assert!(succeed(&call).contains("the ledger holds"));
}

#[test]
fn the_same_cycle_again_grants_nothing_twice_whatever_the_folder() {
    let place = Place::new();
    let file = root().join("playbooks/demo-club.toml");
    let first = run(&file, &community(), &place, &[]);
    let before = accounts(&place);
    let other = Place {
        out: place.beside("again"),
        state: place.state.clone(),
        dir: tempfile::tempdir().unwrap(),
    };
    let second = run(&file, &community(), &other, &[]);
    assert_eq!(accounts(&place), before, "the second run moved money");
    assert_eq!(first["counts"], second["counts"]);
    assert_eq!(different(&place.out, &other.out), [""; 0]);
    prove(&place);
}

#[test]
fn no_account_spends_more_than_it_was_given() {
    let place = Place::new();
    run(&root().join("playbooks/demo-club.toml"), &community(), &place, &[]);
    for account in accounts(&place) {
        let amount = |key: &str| account[key].as_i64().unwrap();
        assert!(amount("available_minor") >= 0, "{account}");
        assert_eq!(
            amount("allocated_minor"),
            amount("available_minor") + amount("reserved_minor") + amount("spent_minor"),
            "{account}"
        );
    }
}

#[test]
fn a_killed_run_starts_over_with_nothing_lost_or_doubled() {
    let whole = Place::new();
    let file = root().join("playbooks/demo-club.toml");
    run(&file, &community(), &whole, &[]);
    let killed = Place::new();
    // Killed at different points: while reading, while plugins run, while money is booked or written.
    for ms in [20, 60, 120, 200, 300, 450, 650] {
        let mut child = command(["run".as_ref(), file.as_os_str()])
            .arg("--data")
            .arg(community())
            .arg("--state")
            .arg(&killed.state)
            .arg("--out")
            .arg(&killed.out)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        std::thread::sleep(Duration::from_millis(ms));
        drop(child.kill());
        drop(child.wait());
    }
    run(&file, &community(), &killed, &[]);
    assert_eq!(different(&whole.out, &killed.out), [""; 0]);
    assert_eq!(accounts(&whole), accounts(&killed));
    prove(&killed);
}

#[test]
fn a_frozen_pool_grants_nothing_until_a_person_thaws_it() {
    let place = Place::new();
    let file = root().join("playbooks/demo-club.toml");
    let state = place.state.to_str().unwrap().to_owned();
    let ledger = |verb: &str, account: &str| {
        playbook(["ledger", verb, "demo-club", account, "--state", state.as_str()])
    };
    run(&file, &community(), &place, &["--as-of", "2026-05-01"]);
    let call = ledger("freeze", "demo-club/demo-club/weekly");
    assert!(!call.status.success());
    assert!(String::from_utf8_lossy(&call.stderr).contains("demo-club/demo-club/daily"));
    assert!(succeed(&ledger("freeze", "demo-club/demo-club/daily")).contains("is frozen"));
    assert!(succeed(&ledger("freeze", "demo-club/demo-club/daily")).contains("already"));
    let stopped = run(&file, &community(), &place, &["--as-of", "2026-06-01"]);
    assert!(stopped["counts"]["refused"]["R03"].as_i64().unwrap() > 0, "{}", stopped["counts"]);
    let grants = fs::read_to_string(place.out.join("grants.csv")).unwrap();
    assert!(!grants.contains("ladder-exchange"), "the stage of the frozen pool still grants");
    assert!(grants.contains("roi-floor"), "another pool was stopped as well");
    assert!(succeed(&ledger("thaw", "demo-club/demo-club/daily")).contains("is open"));
    let thawed = run(&file, &community(), &place, &["--as-of", "2026-07-01"]);
    assert_eq!(thawed["counts"]["refused"]["R03"], Value::Null);
    prove(&place);
}

#[test]
fn grants_are_settled_or_released_once_and_the_run_still_replays() {
    let place = Place::new();
    let file = root().join("playbooks/demo-club.toml");
    run(&file, &community(), &place, &["--as-of", "2026-06-03"]);
    let before = accounts(&place);
    let entries = fs::read_to_string(place.out.join("ledger.csv")).unwrap();
    let paid: Vec<(&str, i64)> = entries
        .lines()
        .map(|line| line.split(',').collect::<Vec<_>>())
        .filter(|cells| {
            cells[1] == "reserve" && cells[3].parse::<i64>().is_ok_and(|amount| amount > 1)
        })
        .map(|cells| (*cells.last().unwrap(), cells[3].parse().unwrap()))
        .take(2)
        .collect();
    let list = place.beside("paid.csv");
    let close = |verb: &str, more: &[&str]| {
        let mut call = command(["ledger", verb]);
        call.arg(&place.out).args(["--json"]).args(more).output().unwrap()
    };
    let listed = ["--grants", list.to_str().unwrap()];

    fs::write(
        &list,
        format!("key,amount_minor\n{},1\n{},{}\n", paid[0].0, paid[1].0, paid[1].1 + 1),
    )
    .unwrap();
    let wrong = close("settle", &listed);
    let said = String::from_utf8_lossy(&wrong.stderr).into_owned();
    assert!(
        !wrong.status.success() && said.contains("line 3") && said.contains("nothing was booked"),
        "{said}"
    );
    assert_eq!(accounts(&place), before);

    fs::write(&list, format!("key,amount_minor\n{},1\n{},\n", paid[0].0, paid[1].0)).unwrap();
    let settled: Value = serde_json::from_str(&succeed(&close("settle", &listed))).unwrap();
    assert_eq!((&settled["done"], &settled["spent_minor"]), (&2.into(), &(1 + paid[1].1).into()));
    assert_eq!(settled["free_minor"], paid[0].1 - 1);
    let again: Value = serde_json::from_str(&succeed(&close("settle", &listed))).unwrap();
    assert_eq!((&again["done"], &again["already"]), (&0.into(), &2.into()));
    assert!(!close("release", &listed).status.success(), "what was settled was released");
    let released: Value = serde_json::from_str(&succeed(&close("release", &[]))).unwrap();
    assert!(released["done"].as_i64().unwrap() > 0, "{released}");
    let brand = &accounts(&place)[0];
    assert_eq!(
        (&brand["reserved_minor"], &brand["spent_minor"]),
        (&0.into(), &settled["spent_minor"])
    );
    prove(&place);

    let next = Place {
        out: place.beside("next"),
        state: place.state.clone(),
        dir: tempfile::tempdir().unwrap(),
    };
    run(&file, &community(), &next, &[]);
    for out in [&place.out, &next.out] {
        let said = succeed(&command(["replay"]).arg(out).output().unwrap());
        assert!(said.contains("not a byte differs"), "{said}");
    }
}

#[test]
fn an_altered_ledger_is_found_out() {
    let place = Place::new();
    run(&root().join("playbooks/demo-club.toml"), &community(), &place, &[]);
    let path = place.state.join("ledger.sqlite");
    let bytes = fs::read(&path).unwrap();
    // A stored action name is changed, byte by byte of equal length, as somebody with an editor might.
    let needle = b"demo-club/daily";
    let at = bytes.windows(needle.len()).position(|w| w == needle).unwrap();
    let mut altered = bytes;
    altered[at + needle.len() - 1] ^= 1;
    fs::write(&path, altered).unwrap();
    let call = playbook(["ledger", "prove", "demo-club", "--state", place.state.to_str().unwrap()]);
    assert!(!call.status.success(), "{}", String::from_utf8_lossy(&call.stdout));
}
