//! Faulty playbooks, and faulty files of hosts: each folder of `faulty/` is a claim, `error.txt` the exact words of the report.
//!
//! `UPDATE=1 cargo test -p playbook-toml` writes the reports anew.

#![allow(clippy::unwrap_used, reason = "tests")]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use playbook_model::Limits;
use playbook_toml::{CODES, Disk, Override, Problems, host_file, load_with};

fn cases() -> Vec<PathBuf> {
    let folder = std::env::current_dir().unwrap().join("tests/faulty");
    let mut cases: Vec<PathBuf> =
        std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    cases.sort();
    cases
}

fn overrides(case: &Path) -> Vec<Override> {
    let text = std::fs::read_to_string(case.join("overrides.txt")).unwrap_or_default();
    let read = |line: &str| {
        let (left, right) = line.split_once('=').unwrap();
        match left.split_once(' ').unwrap() {
            ("set", path) => Override::Set { path: path.to_owned(), value: right.to_owned() },
            ("swap", stage) => Override::Swap { stage: stage.to_owned(), plugin: right.to_owned() },
            other => panic!("no override: {other:?}"),
        }
    };
    text.lines().map(read).collect()
}

fn problems(case: &Path) -> Problems {
    let host = Path::new("tests/faulty").join(case.file_name().unwrap()).join("host.toml");
    if host.is_file() {
        return host_file(&host, &Disk).expect_err("it has no problem");
    }
    match load_with(&case.join("playbook.toml"), &overrides(case), &Limits::ceiling(), &Disk) {
        Ok(_) => panic!("{} has no problem", case.display()),
        Err(problems) => problems,
    }
}

#[test]
fn each_faulty_file_is_reported_in_the_expected_words() {
    let update = std::env::var_os("UPDATE").is_some();
    let mut wrong = Vec::new();
    let cases = cases();
    assert!(cases.len() >= 40, "{} cases", cases.len());
    for case in cases {
        let shown = problems(&case).render();
        let expected = case.join("error.txt");
        if update {
            std::fs::write(&expected, &shown).unwrap();
        } else if std::fs::read_to_string(&expected).unwrap_or_default() != shown {
            wrong.push(format!("{}\n{shown}", case.display()));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_code_has_a_faulty_file_and_every_problem_a_known_code() {
    // Codes that need a plugin or an SQL engine, or more text than a case should hold; other tests show them.
    let elsewhere = [
        "bad-setting",
        "bad-sql",
        "file-too-large",
        "include-depth",
        "too-many-files",
        "too-many-values",
    ];
    let found: BTreeSet<&str> = cases()
        .iter()
        .flat_map(|case| problems(case).problems)
        .map(|problem| problem.code)
        .collect();
    let known: BTreeSet<&str> = CODES.iter().map(|(code, _)| *code).collect();
    let shown: BTreeSet<&str> = found.iter().copied().chain(elsewhere).collect();
    assert_eq!(shown, known);
    assert!(CODES.is_sorted(), "codes stand in order");
}

#[test]
fn every_problem_says_where_and_what_was_expected() {
    for case in cases() {
        let problems = problems(&case);
        for problem in &problems.problems {
            let place = problem.place.unwrap_or_else(|| panic!("{}: no place", case.display()));
            let source = &problems.sources[place.file];
            assert!(
                place.start + place.len <= source.text.len(),
                "{}: {problem:?}",
                case.display()
            );
            assert!(source.text.is_char_boundary(place.start), "{}: {problem:?}", case.display());
            let silent = ["cannot-read", "syntax"];
            assert!(
                problem.expected.is_some() || silent.contains(&problem.code),
                "{}: {problem:?}",
                case.display()
            );
        }
    }
}
