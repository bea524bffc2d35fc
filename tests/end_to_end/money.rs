//! Money is safe: nothing is granted twice, no budget is exceeded, wherever a run is killed.

use std::fs;
use std::path::Path;
use std::process::Stdio;

use serde_json::Value;

use crate::bench::{
    Place, command, community, csv, different, playbook, root, run, run_killed_after, succeed,
};

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
    let file = root().join("playbooks/club.toml");
    let first = run(&file, &community(), &place, &[]);
    let before = accounts(&place);
    let other = Place {
        out: place.beside("again"),
        state: place.state.clone(),
        dir: tempfile::tempdir().unwrap(),
    };
    let second = run(&file, &community(), &other, &[]);
    assert_eq!(accounts(&place), before, "the second run moved money");
    let count = |record: &Value, key: &str| record["counts"][key].as_i64().unwrap();
    assert!(count(&first, "grants") > 0);
    assert_eq!(count(&first, "granted_before"), 0);
    assert_eq!(count(&second, "granted_before"), count(&first, "grants"));
    for key in ["grants", "grants_cost_minor", "expected_output_minor"] {
        assert_eq!(count(&second, key), 0, "{key}");
    }
    assert_eq!(first["counts"]["refused"], second["counts"]["refused"]);
    assert_eq!(different(&place.out, &other.out), SAYS_BEFORE);
    assert_eq!(grants(&place.out), grants(&other.out));
    let rows = csv(&other.out.join("grants.csv"));
    assert!(rows.iter().all(|row| row["status"] == "granted before"));
    let page = fs::read_to_string(other.out.join("report.html")).unwrap();
    assert!(page.contains("Granted before"));
    prove(&place);
    for out in [&place.out, &other.out] {
        let said = succeed(&command(["replay"]).arg(out).output().unwrap());
        assert!(said.contains("not a byte differs"), "{said}");
    }
}

/// Files that say what was granted before.
const SAYS_BEFORE: [&str; 3] = ["grants.csv", "report.html", "report.zh.html"];

/// Rows of grants.csv without what tells a first run from a later one.
fn grants(out: &Path) -> Vec<String> {
    let text = fs::read_to_string(out.join("grants.csv")).unwrap();
    let without_status = |line: &str| {
        let (row, key) = line.rsplit_once(',').unwrap();
        format!("{},{key}", row.rsplit_once(',').unwrap().0)
    };
    text.lines().map(without_status).collect()
}

#[test]
fn a_cycle_run_on_several_days_keeps_the_shares_of_one() {
    let place = Place::new();
    let file = root().join("playbooks/club.toml");
    // The same cycle of 28 days each time.
    let mut granted = 0;
    for day in ["2026-06-10", "2026-06-05", "2026-06-20"] {
        let record = run(&file, &community(), &place, &["--as-of", day]);
        granted += record["counts"]["grants"].as_i64().unwrap();
    }
    let accounts = accounts(&place);
    let amount = |account: &Value, key: &str| account[key].as_i64().unwrap();
    let mut stages = 0;
    for stage in &accounts {
        let path = stage["account"].as_str().unwrap();
        let Some((pool, _)) = path.rsplit_once('/').filter(|_| path.matches('/').count() == 3)
        else {
            continue;
        };
        let pool = accounts.iter().find(|account| account["account"] == pool).unwrap();
        let used = amount(stage, "reserved_minor") + amount(stage, "spent_minor");
        assert!(used * 5 <= amount(pool, "allocated_minor"), "{path} took {used} of {pool}");
        stages += i32::from(used > 0);
    }
    assert!(stages > 0 && granted > 0);
    let booked = fs::read_to_string(place.out.join("ledger.csv")).unwrap();
    let reserved = booked.lines().filter(|line| line.contains(",reserve,")).count();
    assert_eq!(i64::try_from(reserved).unwrap(), granted, "each grant was new once");
    prove(&place);
}

#[test]
fn runs_of_one_brand_at_once_take_turns_and_each_replays() {
    let place = Place::new();
    let file = root().join("playbooks/club.toml");
    // Three of one cycle, all on one ledger.
    let days = ["2026-06-10", "2026-06-10", "2026-06-12"];
    let outs: Vec<_> = (0..days.len()).map(|at| place.beside(&format!("out-{at}"))).collect();
    let started: Vec<_> = days
        .iter()
        .zip(&outs)
        .map(|(day, out)| {
            let mut call = command(["run".as_ref(), file.as_os_str()]);
            call.arg("--data").arg(community()).arg("--state").arg(&place.state);
            call.args(["--as-of", day, "--json", "--out"]).arg(out);
            call.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
        })
        .collect();
    let records: Vec<Value> = started
        .into_iter()
        .map(|call| serde_json::from_str(&succeed(&call.wait_with_output().unwrap())).unwrap())
        .collect();
    let granted: i64 = records.iter().map(|r| r["counts"]["grants"].as_i64().unwrap()).sum();
    let booked = outs.iter().map(|out| {
        let entries = fs::read_to_string(out.join("ledger.csv")).unwrap();
        entries.lines().filter(|line| line.contains(",reserve,")).count()
    });
    // Who decided last sees every grant of the cycle, and each was new in one run.
    assert_eq!(booked.max().map(|n| i64::try_from(n).unwrap()), Some(granted));
    prove(&place);
    for out in &outs {
        let said = succeed(&command(["replay"]).arg(out).output().unwrap());
        assert!(said.contains("not a byte differs"), "{said}");
    }
}

#[test]
fn a_lost_ledger_is_an_error_and_never_a_new_one() {
    let place = Place::new();
    let file = root().join("playbooks/club.toml");
    run(&file, &community(), &place, &[]);
    let path = place.state.join("ledger.sqlite");
    let whole = fs::read(&path).unwrap();
    let mut damaged = whole.clone();
    let key = b"demo-club/daily";
    let at = damaged.windows(key.len()).position(|bytes| bytes == key).unwrap();
    damaged[at] ^= 1;
    let refused = |what: &str, more: &[&str]| {
        let mut call = command(["run".as_ref(), file.as_os_str()]);
        call.arg("--data").arg(community()).arg("--state").arg(&place.state);
        let call = call.arg("--out").arg(place.beside("again")).args(more).output().unwrap();
        let said = String::from_utf8_lossy(&call.stderr).into_owned();
        assert!(!call.status.success(), "{what}: a run without its ledger");
        let told = said.contains("playbook ledger prove demo-club") && said.contains("last backup");
        assert!(told, "{what}: {said}");
    };
    let cases: [(&str, Option<&[u8]>); 4] = [
        ("missing", None),
        ("empty", Some(b"")),
        ("foreign", Some(b"not a database, but long enough to be taken for the head of one")),
        ("damaged", Some(&damaged)),
    ];
    for (what, bytes) in cases {
        for beside in ["ledger.sqlite-wal", "ledger.sqlite-shm"] {
            drop(fs::remove_file(place.state.join(beside)));
        }
        match bytes {
            Some(bytes) => fs::write(&path, bytes).unwrap(),
            None => fs::remove_file(&path).unwrap(),
        }
        refused(what, &[]);
        refused(what, &["--dry-run"]);
        assert_eq!(fs::read(&path).ok().as_deref(), bytes, "{what}: it was written to");
    }
    fs::write(&path, whole).unwrap();
    run(&file, &community(), &place, &[]);
    prove(&place);
}

#[test]
fn no_account_spends_more_than_it_was_given() {
    let place = Place::new();
    run(&root().join("playbooks/club.toml"), &community(), &place, &[]);
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
    let file = root().join("playbooks/club.toml");
    run(&file, &community(), &whole, &[]);
    let killed = Place::new();
    // Killed at different points: while reading, while plugins run, while money is booked or written.
    for ms in [20, 60, 120, 200, 300, 450, 650] {
        run_killed_after(ms, &file, &killed, &[]);
    }
    run(&file, &community(), &killed, &[]);
    // What a killed run had booked was granted before; nothing else may differ.
    let differ = different(&whole.out, &killed.out);
    assert!(differ.iter().all(|name| SAYS_BEFORE.contains(&name.as_str())), "{differ:?}");
    assert_eq!(grants(&whole.out), grants(&killed.out));
    assert_eq!(accounts(&whole), accounts(&killed));
    prove(&killed);
}

#[test]
fn a_frozen_pool_grants_nothing_until_a_person_thaws_it() {
    let place = Place::new();
    let file = root().join("playbooks/club.toml");
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
    let file = root().join("playbooks/club.toml");
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
    run(&root().join("playbooks/club.toml"), &community(), &place, &[]);
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

#[test]
fn a_cycle_before_one_that_is_closed_needs_a_word() {
    let place = Place::new();
    let file = root().join("playbooks/club.toml");
    run(&file, &community(), &place, &["--as-of", "2026-06-20"]);
    let mut call = command(["run".as_ref(), file.as_os_str()]);
    call.arg("--data").arg(community()).arg("--state").arg(&place.state);
    call.args(["--as-of", "2026-04-20", "--out"]).arg(place.beside("early"));
    let output = call.output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("is closed") && said.contains("--earlier-cycle"), "{said}");
    // Looking is free, and so is a word.
    run(&file, &community(), &place, &["--as-of", "2026-04-20", "--dry-run"]);
    run(&file, &community(), &place, &["--as-of", "2026-04-20", "--earlier-cycle"]);
    prove(&place);
}
