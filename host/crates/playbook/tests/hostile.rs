//! Hostile and broken files: bounds hold before work is done, and nothing panics.

#![allow(clippy::unwrap_used, reason = "tests")]

use std::io;
use std::path::Path;

use playbook_model::Limits;
use playbook_toml::{FILE_BYTES_MAX, Loaded, PROBLEMS_MAX, Problems, ReadFiles, load_with};

/// One file in memory.
#[derive(Debug)]
struct One<'a>(&'a [u8]);

impl ReadFiles for One<'_> {
    fn read(&self, _path: &Path, bytes_max: usize) -> io::Result<Vec<u8>> {
        Ok(self.0[..self.0.len().min(bytes_max + 1)].to_vec())
    }
}

fn load(bytes: &[u8]) -> Result<Loaded, Problems> {
    playbook_toml::ship(playbook_library::FILES);
    load_with(Path::new("playbook.toml"), &[], &Limits::ceiling(), &One(bytes))
}

fn codes(text: &str) -> Vec<&'static str> {
    let problems = load(text.as_bytes()).expect_err("a hostile file is refused");
    assert!(problems.problems.len() <= PROBLEMS_MAX);
    // Rendering is part of what a hostile file must not slow down or break.
    assert!(problems.render().len() < 400 * PROBLEMS_MAX + 2_000 * problems.problems.len());
    problems.problems.iter().map(|problem| problem.code).collect()
}

const VALID: &str = include_str!("../../../../playbooks/cd-shop.toml");

#[test]
fn a_file_over_the_bound_is_refused_unread() {
    let text = format!("{VALID}\n#{}", "x".repeat(FILE_BYTES_MAX));
    assert_eq!(codes(&text), ["file-too-large"]);
}

#[test]
fn depth_is_refused_before_the_parser_recurses() {
    let depth = 200_000;
    for text in [
        format!("x = {}", "[".repeat(depth)),
        format!("x = {}", "{a=".repeat(depth)),
        format!("x = {}1{}", "[".repeat(depth), "]".repeat(depth)),
        format!("[{}a]", "a.".repeat(depth)),
        format!("{}a = 1", "a.".repeat(depth)),
        // Dotted keys inside braces multiply: many short levels of each.
        format!("x = {}", format!("{{{}a=", "a.".repeat(30)).repeat(2_000)),
        // Mismatched closers must not hide depth.
        format!("x = {}", "[{]".repeat(depth / 3)),
        format!("x = {}", format!("{{{}a=[}}", "a.".repeat(20)).repeat(3_000)),
    ] {
        let codes = codes(&text);
        assert!(codes.contains(&"too-deep"), "{codes:?} for {}", &text[..40]);
    }
}

#[test]
fn counts_are_bounded() {
    let list = format!("x = [{}]", "1,".repeat(400_000));
    assert!(codes(&list).contains(&"too-many-values"));
    let features: String = (0..20_000).map(|at| format!("f{at} = {{ constant = 1 }}\n")).collect();
    assert!(codes(&format!("[features]\n{features}")).contains(&"too-many"));
    let stages = "[[stage]]\nkind = \"scoring\"\nplugin = \"a\"\n".repeat(10_000);
    assert!(codes(&stages).contains(&"too-many"));
    let long = format!("{} = 1\n", "k".repeat(500_000));
    assert!(codes(&long).contains(&"long-key"));
    let removed = format!("remove = [{}]\n{VALID}", "\"a.b\",".repeat(10_000));
    assert!(codes(&removed).contains(&"too-many"));
}

#[test]
fn a_file_full_of_errors_is_reported_up_to_a_bound() {
    for text in [
        "=\n".repeat(200_000),
        "a = \n".repeat(100_000),
        "]\n".repeat(200_000),
        "\"\n".repeat(200_000),
        "a = 1\n".repeat(100_000),
    ] {
        let problems = load(text.as_bytes()).err().unwrap();
        assert!(problems.problems.len() <= PROBLEMS_MAX);
        assert!(problems.more > 0, "{}", &text[..10]);
    }
    let unknown: String = (0..40_000).map(|at| format!("key_{at} = 1\n")).collect();
    let problems = load(unknown.as_bytes()).err().unwrap();
    assert_eq!(problems.problems.len(), PROBLEMS_MAX);
    assert!(problems.more > 39_000);
}

#[test]
fn references_to_many_names_stay_cheap() {
    // A thousand expressions, each over hundreds of names that are not there, and a chain through all.
    let wrong: String = (0..200).map(|at| format!("wrong_name_{at} + ")).collect();
    let mut text = format!("{VALID}\n[extra]\n")
        .replace("[features]", "[features]\nchain_0 = { expression = \"orders_30d\" }");
    let chain: String = (1..900)
        .map(|at| {
            format!(
                "chain_{at} = {{ expression = \"chain_{} + {}0\" }}\n",
                at - 1,
                if at % 9 == 0 { &wrong } else { "" }
            )
        })
        .collect();
    text = text.replace("[features]\n", &format!("[features]\n{chain}"));
    let codes = codes(&text);
    assert_eq!(codes.len(), PROBLEMS_MAX);
    assert!(codes.contains(&"unknown-feature"));
}

/// A small deterministic generator: splitmix64.
struct Random(u64);

impl Random {
    fn next(&mut self, below: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((z ^ (z >> 31)) % below as u64).unwrap()
    }
}

/// Loads and, where it fails, renders: both must hold for any bytes.
fn survives(bytes: &[u8]) -> bool {
    match load(bytes) {
        Ok(_) => true,
        Err(problems) => {
            assert!(!problems.problems.is_empty());
            assert!(!problems.render().is_empty());
            for problem in &problems.problems {
                if let Some(place) = problem.place {
                    assert!(
                        place.start + place.len <= problems.sources[place.file].text.len(),
                        "{problem:?}"
                    );
                }
            }
            false
        }
    }
}

#[test]
fn truncated_files_never_panic() {
    let step = 7;
    for end in (0..VALID.len()).step_by(step) {
        survives(&VALID.as_bytes()[..end]);
    }
}

#[test]
fn mutated_files_never_panic() {
    const PIECES: &[&str] = &[
        "\"",
        "'",
        "\"\"\"",
        "[",
        "]",
        "{",
        "}",
        "[[",
        "]]",
        "=",
        ",",
        ".",
        "\n",
        "\\",
        "#",
        "\0",
        "\u{7f}",
        "é",
        "茶",
        "-1",
        "1e999",
        "nan",
        "9223372036854775808",
        "0x",
        "1979-05-27",
        "true",
        "[features]\n",
        "[[stage]]\n",
        "extends = \"a.toml\"\n",
        "\u{feff}",
        "remove = [\"stage.value-rfm\"]\n",
        "\u{202e}",
        "\\u0000",
        "a.b.c",
    ];
    let mut random = Random(7);
    let mut valid = 0;
    for _ in 0..600 {
        let mut bytes = VALID.as_bytes().to_vec();
        for _ in 0..=random.next(4) {
            let at = random.next(bytes.len());
            match random.next(4) {
                0 => {
                    bytes.remove(at);
                }
                1 => bytes[at] = u8::try_from(random.next(256)).unwrap(),
                2 => {
                    let piece = PIECES[random.next(PIECES.len())];
                    bytes.splice(at..at, piece.bytes());
                }
                _ => {
                    let from = random.next(bytes.len());
                    let len = random.next(80).min(bytes.len() - from);
                    let piece = bytes[from..from + len].to_vec();
                    bytes.splice(at..at, piece);
                }
            }
        }
        valid += usize::from(survives(&bytes));
    }
    // Some changes fall into comments and titles; if none or all loaded, the test would show nothing.
    assert!((1..560).contains(&valid), "{valid} of 600 loaded");
}

#[test]
fn lines_are_swapped_without_panic() {
    let mut random = Random(11);
    for _ in 0..300 {
        let mut lines: Vec<&str> = VALID.lines().collect();
        for _ in 0..=random.next(3) {
            let (a, b) = (random.next(lines.len()), random.next(lines.len()));
            lines.swap(a, b);
        }
        survives(lines.join("\n").as_bytes());
    }
}

#[test]
fn control_characters_do_not_reach_the_terminal() {
    let text = "[playbook]\nid = \"\\u001b[31mred\"\n\"\\u001b]0;title\\u0007\" = 1\nbrand = \"\u{202e}evil\"\n";
    let shown = load(text.as_bytes()).err().unwrap().render();
    assert!(
        !shown.contains('\u{1b}') && !shown.contains('\u{7}') && !shown.contains('\u{202e}'),
        "{shown}"
    );
}
