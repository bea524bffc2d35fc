//! Grants are settled and released by what an operator has: a list of members and an action.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::Write as _;
use std::process::{Output, Stdio};

use serde_json::Value;

use crate::bench::{Place, command, community, csv, root, run, succeed};

/// A run with grants, and members with exactly one grant of one action.
struct Granted {
    place: Place,
    action: String,
    members: Vec<String>,
    /// A member with a grant, but of another action.
    stranger: String,
}

impl Granted {
    fn new() -> Self {
        let place = Place::new();
        run(&root().join("playbooks/club.toml"), &community(), &place, &[]);
        let rows = csv(&place.out.join("grants.csv"));
        let mut by_action: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for row in &rows {
            let action = format!("{}/{}", row["stage"], row["action"]);
            by_action.entry(action).or_default().push(row["member"].clone());
        }
        let (action, members) =
            by_action.into_iter().max_by_key(|(_, members)| members.len()).unwrap();
        let named: BTreeSet<&String> = members.iter().collect();
        let stranger = rows.iter().map(|r| &r["member"]).find(|m| !named.contains(m)).unwrap();
        let stranger = stranger.clone();
        Self { place, action, members, stranger }
    }

    fn close(&self, verb: &str, more: &[&str], input: &str) -> Output {
        let mut call = command(["ledger", verb]);
        call.arg(&self.place.out).args(["--json", "--action", &self.action]).args(more);
        let pipes = call.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = pipes.spawn().unwrap();
        // A call that refuses its arguments reads nothing.
        drop(child.stdin.take().unwrap().write_all(input.as_bytes()));
        child.wait_with_output().unwrap()
    }

    fn open_keys(&self) -> String {
        let call = command(["ledger", "show", "demo-club", "--json", "--state"])
            .arg(&self.place.state)
            .output()
            .unwrap();
        succeed(&call)
    }
}

fn json(call: &Output) -> Value {
    serde_json::from_str(&succeed(call)).unwrap()
}

#[test]
fn each_grant_has_the_key_under_which_the_ledger_holds_it() {
    let granted = Granted::new();
    let of = |file: &str| -> BTreeSet<String> {
        csv(&granted.place.out.join(file))
            .into_iter()
            .filter(|row| row.get("kind").is_none_or(|kind| kind == "reserve"))
            .map(|row| row["key"].clone())
            .collect()
    };
    let keys = of("grants.csv");
    assert!(!keys.is_empty());
    assert_eq!(keys, of("ledger.csv"));
}

#[test]
fn a_list_of_members_and_an_action_settle_grants_once() {
    let granted = Granted::new();
    let [a, b, c, d] = &granted.members[..4] else { panic!("too few grants") };

    // From a pipe, with empty lines, a mark of byte order and a member twice.
    let list = format!("\u{feff}{a}\r\n\r\n{b}\n{a}\n");
    let settled = json(&granted.close("settle", &["--members", "-"], &list));
    assert_eq!((&settled["done"], &settled["already"]), (&2.into(), &0.into()), "{settled}");
    assert_eq!(settled["free_minor"], 0);
    let again = json(&granted.close("settle", &["--members", "-"], &list));
    assert_eq!((&again["done"], &again["already"]), (&0.into(), &2.into()), "{again}");

    // From a file of a tool, by the name of its column.
    let file = granted.place.beside("sent.csv");
    fs::write(&file, format!("when,recipient\n2026-07-02,{c}\n2026-07-03,{d}\n")).unwrap();
    let file = file.to_str().unwrap();
    let wrong = granted.close("release", &["--members", file, "--column", "member"], "");
    let said = String::from_utf8_lossy(&wrong.stderr).into_owned();
    assert!(said.contains("no column `member`") && said.contains("when, recipient"), "{said}");
    let released =
        json(&granted.close("release", &["--members", file, "--column", "recipient"], ""));
    assert_eq!((&released["done"], &released["spent_minor"]), (&2.into(), &0.into()));
}

#[test]
fn a_list_with_members_without_a_grant_books_nothing_and_names_them() {
    let granted = Granted::new();
    let [a, b, ..] = granted.members.as_slice() else { panic!("too few grants") };
    json(&granted.close("release", &["--members", "-"], b));
    let before = granted.open_keys();
    let list = format!("{a}\n{b}\n{}\nnobody\n", granted.stranger);
    let refused = granted.close("settle", &["--members", "-"], &list);
    assert_eq!(refused.status.code(), Some(1));
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    for (member, why) in
        [("nobody", "no such grant"), (&granted.stranger, "no such grant"), (b, "was released")]
    {
        let line = said.lines().find(|line| line.contains(&format!("`{member}`")));
        assert!(line.is_some_and(|line| line.contains(why)), "{member}: {said}");
    }
    assert!(!said.contains(&format!("`{a}`")), "{said}");
    let answer: Value = serde_json::from_slice(&refused.stdout).unwrap();
    assert_eq!(answer["others"].as_array().unwrap().len(), 3, "{answer}");
    assert_eq!(answer["error"]["code"], 1);
    assert_eq!(granted.open_keys(), before, "something was booked");

    let skipped = granted.close("settle", &["--members", "-", "--skip-others"], &list);
    let answer = json(&skipped);
    assert_eq!((&answer["done"], answer["others"].as_array().unwrap().len()), (&1.into(), 3));
}

#[test]
fn a_list_that_cannot_be_matched_is_refused_with_what_to_do() {
    let granted = Granted::new();
    let refused = |more: &[&str], input: &str| {
        let call = granted.close("settle", more, input);
        assert!(!call.status.success(), "{more:?}");
        String::from_utf8_lossy(&call.stderr).into_owned()
    };
    assert!(refused(&["--members", "-"], " \n").contains("names no member"));
    assert!(refused(&[], "").contains("--members"));
    let grants = granted.place.out.join("grants.csv");
    let text = fs::read_to_string(&grants).unwrap();
    fs::write(&grants, text.replacen(&granted.members[0], "nobody", 1)).unwrap();
    assert!(refused(&["--members", "-"], "nobody").contains("altered"));
    fs::write(&grants, text).unwrap();

    let mut call = command(["ledger", "settle", "--members", "-", "--action", "no/such"]);
    let call = call.arg(&granted.place.out).stdin(Stdio::null()).output().unwrap();
    let said = String::from_utf8_lossy(&call.stderr).into_owned();
    assert!(said.contains("names no member"), "{said}");
    let file = granted.place.beside("list.txt");
    fs::write(&file, "nobody").unwrap();
    let call = command(["ledger", "settle", "--action", "no/such", "--members"])
        .args([&file, &granted.place.out])
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&call.stderr).into_owned();
    assert!(said.contains("STAGE/ACTION") && said.contains(&granted.action), "{said}");
}
