//! What reaches a terminal, a log or a program that reads the output: nothing from outside steers it, colours stay
//! where they are shown, and who asks for JSON gets JSON.

use std::fs::{self, File};
use std::path::Path;
use std::process::{Command, Output};

use playbook_model::steers;
use serde_json::Value;

use crate::bench::{Place, command, home, succeed};
use crate::cli::orders;

/// Letters that move a cursor, change colours, or turn the direction of what follows.
const HOSTILE: &str = "\u{1b}]0;owned\u{7}\u{1b}[31mred\u{9b}2J\u{202e}dne\u{200b}\u{7f}";

/// Fails the test where what was printed holds a letter that steers; returns both outputs.
#[track_caller]
fn harmless(call: &Output) -> String {
    let said = [&call.stdout, &call.stderr].map(|bytes| String::from_utf8(bytes.clone()).unwrap());
    let said = said.concat();
    let steering: Vec<char> = said.chars().filter(|c| steers(*c) && *c != '\n').collect();
    assert!(steering.is_empty(), "{steering:?} in {said}");
    said
}

/// The call without what tests set against colours.
fn colored(arguments: &[&str], file: &Path) -> Command {
    let mut call = command(arguments);
    call.arg(file).env_remove("NO_COLOR");
    call
}

#[test]
fn headers_file_names_and_values_are_escaped_in_errors_and_logs() {
    let place = Place::new();
    let file = orders(&place, "");
    let run = || command(["-vv", "run"]).arg(&file).arg("--out").arg(&place.out).output().unwrap();

    let said = harmless(&run());
    assert!(said.contains("DEBUG"), "{said}");

    fs::write(place.beside("orders.csv"), format!("cust{HOSTILE},date,total\nA,2026-06-01,1\n"))
        .unwrap();
    let said = harmless(&run());
    assert!(said.contains("cust\\u{1b}]0;owned\\u{7}") && said.contains("\\u{202e}dne"), "{said}");

    fs::write(place.beside("orders.csv"), format!("customer,date,total\nA,2026-06-01,{HOSTILE}\n"))
        .unwrap();
    harmless(&run());

    let text = fs::read_to_string(&file).unwrap();
    let name = "or\\u001b[2J\\u202eders";
    fs::write(&file, text.replace("\"orders.csv\"", &format!("\"{name}.csv\""))).unwrap();
    let said = harmless(&run());
    assert!(said.contains("or\\u{1b}[2J\\u{202e}ders.csv"), "{said}");
}

#[test]
fn lines_of_a_playbook_are_escaped_and_marked_at_their_place() {
    let place = Place::new();
    let file = orders(&place, "");
    let text = fs::read_to_string(&file).unwrap();
    let comment = "# \u{202e}gnihton \u{200b}\u{2066}";
    fs::write(&file, text.replace("[features]", &format!("[featurs] {comment}"))).unwrap();
    let said = harmless(&command(["check"]).arg(&file).output().unwrap());
    assert!(said.contains("[featurs] # \\u{202e}gnihton \\u{200b}\\u{2066}"), "{said}");

    // A control character is no TOML: the problem is where it stands, in a line that is shown.
    fs::write(&file, text.replace("id = \"orders\"", "id = \"or\u{1b}[31mders\"")).unwrap();
    let said = harmless(&command(["check"]).arg(&file).output().unwrap());
    assert!(said.contains("or\\u{1b}[31mders"), "{said}");
}

#[test]
fn words_of_a_component_are_escaped() {
    let place = Place::new();
    let installed = home().join("plugins/churn-7d@0.1.0.wasm");
    let said = succeed(&command(["plugin", "inspect", "churn-7d"]).output().unwrap());
    let summary = said.lines().nth(1).unwrap().as_bytes().to_vec();
    let mut component = fs::read(installed).unwrap();
    let at = component.windows(summary.len()).position(|w| w == summary).unwrap();
    component[at..at + 6].copy_from_slice("\u{1b}[2J\u{9b}".as_bytes());
    let file = place.beside("own.wasm");
    fs::write(&file, component).unwrap();
    for how in [&["plugin", "inspect"][..], &["plugin", "inspect", "--json"]] {
        let call = command(how).arg(&file).output().unwrap();
        succeed(&call);
        let said = harmless(&call);
        assert!(said.contains("[2J"), "{said}");
    }
}

#[test]
fn what_was_typed_is_escaped() {
    let said = harmless(&command(["run", HOSTILE, HOSTILE]).output().unwrap());
    assert!(said.contains("red\\u{9b}2J\\u{202e}dne"), "{said}");
}

#[test]
fn logs_and_errors_have_colours_only_where_they_are_asked_for() {
    let place = Place::new();
    let file = orders(&place, "");
    let out = place.out.to_str().unwrap();
    let coloured = |more: &[&str]| {
        let arguments = [&["-vv", "run", "--out", out][..], more].concat();
        let call = colored(&arguments, &file).output().unwrap();
        let said = String::from_utf8_lossy(&call.stderr).into_owned();
        assert!(said.contains("DEBUG"), "{said}");
        said.contains('\u{1b}')
    };
    assert!(!coloured(&[]), "a pipe got colours");
    assert!(!coloured(&["--color", "never"]));
    assert!(coloured(&["--color", "always"]));
}

#[test]
fn a_failed_command_answers_in_json_where_it_would_have() {
    let place = Place::new();
    let file = orders(&place, "");
    let (file, out) = (file.to_str().unwrap(), place.out.to_str().unwrap());
    fs::remove_file(place.beside("orders.csv")).unwrap();
    let faulty = place.beside("faulty.toml");
    fs::write(&faulty, "[playbook]\nid = 1\n").unwrap();
    let faulty = faulty.to_str().unwrap();
    let calls: [(&[&str], i32); 7] = [
        (&["run", file, "--out", out, "--json"], 1),
        (&["run", faulty, "--out", out, "--json"], 3),
        (&["check", faulty, "--json"], 3),
        (&["diff", faulty, file, "--json"], 3),
        (&["ledger", "show", "nobody", "--json"], 1),
        (&["plugin", "inspect", "nothing", "--json"], 1),
        (&["run", file, "--json"], 2),
    ];
    for (arguments, code) in calls {
        let call = command(arguments).output().unwrap();
        assert_eq!(call.status.code(), Some(code), "{arguments:?}");
        let said: Value = serde_json::from_slice(&call.stdout).unwrap();
        let error = &said["error"];
        assert_eq!(error["code"], code, "{said}");
        assert!(error["message"].as_str().is_some_and(|m| !m.is_empty()), "{said}");
        assert!(error["causes"].is_array(), "{said}");
        assert!(!call.stderr.is_empty(), "{arguments:?} says nothing to people");
    }
    let call = command(["run", faulty, "--out", out, "--json"]).output().unwrap();
    let said: Value = serde_json::from_slice(&call.stdout).unwrap();
    assert!(said["error"]["problems"][0]["line"].is_u64(), "{said}");
}

#[test]
fn output_that_cannot_be_written_fails_the_command() {
    let full = File::options().write(true).open("/dev/full").unwrap();
    let call = command(["schema"]).stdout(full).output().unwrap();
    let said = String::from_utf8_lossy(&call.stderr).into_owned();
    assert_eq!(call.status.code(), Some(1), "{said}");
    assert!(said.contains("standard output") && said.contains("No space left"), "{said}");
}

#[test]
fn a_comparison_shows_what_the_files_say() {
    let place = Place::new();
    let file = orders(&place, "x = { count = \"order_paid\", window = \"7d\" }");
    let said = succeed(
        &command(["diff", "--set", "features.x.window=\"9d\"", "--set"])
            .arg("guardrails.holdout=0.1")
            .arg(&file)
            .output()
            .unwrap(),
    );
    assert!(said.contains(r#"features.x: {"count":"order_paid","window":"7d"} -> "#), "{said}");
    assert!(said.contains("guardrails.holdout"), "{said}");
    assert!(!said.contains("Some(") && !said.contains(" { "), "{said}");
}
