//! Results replace an earlier run and nothing else, wherever folders are asked to lie.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;

use crate::bench::{Place, command, community, different, root, run, run_killed_after, succeed};

/// Runs the demo's playbook and returns what was said against it.
#[track_caller]
fn refused(place: &Place, arguments: &[&str]) -> String {
    let mut call = if arguments.contains(&"--home") {
        Command::new(env!("CARGO_BIN_EXE_playbook"))
    } else {
        command::<&str>([])
    };
    let call = call
        .arg("run")
        .arg(root().join("playbooks/club.toml"))
        .current_dir(place.dir.path())
        .args(arguments)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&call.stderr).into_owned();
    assert_eq!(call.status.code(), Some(1), "{arguments:?} {said}");
    assert!(said.contains("choose a"), "{arguments:?} {said}");
    said
}

#[test]
fn no_run_takes_the_ledger_with_it() {
    let place = Place::new();
    let community = community();
    let data = community.to_str().unwrap();
    run(&root().join("playbooks/club.toml"), &community, &place, &[]);
    let ledger = fs::read(place.state.join("ledger.sqlite")).unwrap();

    // Where results and state are one, or one lies in the other, also through links and dots.
    let said = refused(&place, &["--data", data, "--out", "A", "--state", "A/state"]);
    assert!(said.contains("A/state`") && said.contains("another --state"), "{said}");
    refused(&place, &["--data", data, "--out", "A", "--state", "A"]);
    refused(&place, &["--data", data, "--out", "state/out", "--state", "state"]);
    refused(&place, &["--data", data, "--out", "state", "--state", "elsewhere"]);
    refused(&place, &["--data", data, "--out", "A/../state/x", "--state", "./state/../state"]);
    symlink(place.dir.path().join("state"), place.dir.path().join("link")).unwrap();
    refused(&place, &["--data", data, "--out", "link/out", "--state", "state"]);
    // State inside results of any run goes with the next run to that place.
    refused(&place, &["--data", data, "--out", "B", "--state", "out/state"]);
    // Data, the home folder and the playbook itself.
    refused(&place, &["--data", "A/data", "--out", "A", "--state", "state"]);
    refused(&place, &["--data", "A", "--out", "A", "--state", "state"]);
    refused(&place, &["--home", "A/home", "--data", data, "--out", "A", "--state", "state"]);
    refused(
        &place,
        &["--home", "home", "--data", data, "--out", "home/plugins", "--state", "state"],
    );

    assert!(!place.dir.path().join("A").join("run.json").exists(), "something was run");
    assert_eq!(fs::read(place.state.join("ledger.sqlite")).unwrap(), ledger);
}

#[test]
fn what_was_put_into_the_results_is_not_replaced() {
    let place = Place::new();
    let file = root().join("playbooks/club.toml");
    run(&file, &community(), &place, &["--dry-run"]);
    let note = place.out.join("tables/my-notes.txt");
    fs::write(&note, "keep me").unwrap();
    let data = community();
    let said = refused(
        &place,
        &["--data", data.to_str().unwrap(), "--out", "out", "--state", "state", "--dry-run"],
    );
    assert!(said.contains("tables/my-notes.txt"), "{said}");
    assert_eq!(fs::read_to_string(&note).unwrap(), "keep me");
}

#[test]
fn other_commands_write_into_no_run_and_no_state_either() {
    let place = Place::new();
    let file = root().join("playbooks/club.toml");
    run(&file, &community(), &place, &[]);
    let before = fs::read(place.out.join("members.parquet")).unwrap();
    let refused = |arguments: &[&str]| {
        let call = command(arguments).current_dir(place.dir.path()).output().unwrap();
        let said = String::from_utf8_lossy(&call.stderr).into_owned();
        assert_eq!(call.status.code(), Some(1), "{arguments:?} {said}");
        assert!(said.contains("choose a"), "{arguments:?} {said}");
    };
    refused(&["sample", "--members", "1000", "--out", "out"]);
    refused(&["sample", "--members", "1000", "--out", "state/sample"]);
    refused(&["replay", "out", "--out", "out"]);
    refused(&["replay", "out", "--out", "out/again"]);
    refused(&["replay", "out", "--out", "state"]);
    refused(&[
        "diff",
        file.to_str().unwrap(),
        "--set",
        "playbook.seed=2",
        "--html",
        "out/page.html",
    ]);
    let call = command(["demo", "--members", "1000", "--out"])
        .arg(&place.out)
        .current_dir(root())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&call.stderr).into_owned();
    assert!(!call.status.success() && said.contains("results of an earlier run"), "{said}");
    assert_eq!(fs::read(place.out.join("members.parquet")).unwrap(), before);
    assert!(!place.out.join("again").exists());
}

#[test]
fn a_replay_keeps_its_outputs_where_it_is_asked_to() {
    let place = Place::new();
    run(&root().join("playbooks/club.toml"), &community(), &place, &[]);
    let again = place.beside("again");
    succeed(&command(["replay"]).arg(&place.out).arg("--out").arg(&again).output().unwrap());
    let saved = |name: &String| name.starts_with("playbook/");
    let differences: Vec<String> =
        different(&place.out, &again).into_iter().filter(|name| !saved(name)).collect();
    assert_eq!(differences, [""; 0]);
    assert!(again.join("run.json").is_file());
}

#[test]
fn a_run_killed_at_any_moment_leaves_the_earlier_results() {
    let place = Place::new();
    let file = root().join("playbooks/club.toml");
    run(&file, &community(), &place, &["--dry-run"]);
    let kept = place.beside("kept");
    copy(&place.out, &kept);
    for ms in [100, 300, 500, 700, 800, 900, 1000, 1200] {
        run_killed_after(ms, &file, &place, &["--dry-run"]);
        assert!(place.out.join("run.json").is_file(), "after {ms} ms there are no results");
        assert_eq!(different(&place.out, &kept), [""; 0], "after {ms} ms");
    }
    run(&file, &community(), &place, &["--dry-run"]);
    let left: Vec<String> = fs::read_dir(place.dir.path())
        .unwrap()
        .map(|e| e.unwrap().file_name().to_string_lossy().into_owned())
        .filter(|name| name.starts_with('.'))
        .collect();
    assert_eq!(left, [""; 0], "killed runs left something");
}

fn copy(from: &Path, to: &Path) {
    for (name, bytes) in crate::bench::files(from) {
        let path = to.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }
}
