//! A finished run is run again from what it saved, and every byte is compared.

use std::fs;

use crate::bench::{Place, command, community, root, run, succeed};

#[test]
fn a_replay_finds_the_same_bytes_even_after_the_playbook_changed() {
    let place = Place::new();
    let file = place.beside("club.toml");
    let text = fs::read_to_string(root().join("playbooks/club.toml")).unwrap();
    fs::write(&file, &text).unwrap();
    // What was changed on the command line is a part of the run.
    let change = "stage.tier-interactions.settings.numbers.active=3";
    let swap = "value-rfm=value-rfm@0.1.0";
    let record = run(&file, &community(), &place, &["--set", change, "--swap", swap]);
    assert_eq!(record["invocation"]["overrides"].as_array().unwrap().len(), 2, "{record}");
    fs::write(&file, "this is no playbook any more").unwrap();
    let call = command(["replay"]).arg(&place.out).output().unwrap();
    let said = succeed(&call);
    assert!(said.contains("not a byte differs"), "{said}");
}

#[test]
fn a_replay_names_the_file_that_was_altered() {
    let place = Place::new();
    run(&root().join("playbooks/club.toml"), &community(), &place, &[]);
    let grants = place.out.join("grants.csv");
    let text = fs::read_to_string(&grants).unwrap();
    fs::write(&grants, text.replacen(",1,", ",9,", 1)).unwrap();
    let call = command(["replay"]).arg(&place.out).output().unwrap();
    let said = String::from_utf8_lossy(&call.stderr).into_owned();
    assert!(!call.status.success());
    assert!(said.contains("grants.csv"), "{said}");
}
