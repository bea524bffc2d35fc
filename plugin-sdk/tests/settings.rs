//! Settings that are wrong: every problem at once, each with its place, and never a panic.
#![allow(clippy::unwrap_used, reason = "tests")]

use std::collections::BTreeMap;

use playbook_sdk::Problems;
use playbook_sdk::settings;
use playbook_sdk::settings::{SETTINGS_BYTES_MAX, parse, schema};

settings! {
    /// Settings with one field of each sort.
    pub struct Sorts {
        /// A share.
        #[schemars(range(min = 0.0, max = 1.0))]
        pub share: f64 = 0.5,
        /// A count.
        #[schemars(range(min = 1, max = 9))]
        pub count: u32 = 3,
        /// Cut points.
        #[schemars(inner(range(min = 0)))]
        pub cuts: [i64; 3] = [1, 2, 3],
        /// Texts.
        #[schemars(length(max = 2))]
        pub texts: Vec<String> = Vec::new(),
        /// A name.
        pub mode: Mode = Mode::FastAndLoose,
        /// Perhaps.
        pub perhaps: Option<i64> = None,
        /// Nested.
        pub inner: Inner = Inner::default(),
        /// By name.
        pub by_name: BTreeMap<String, Inner> = BTreeMap::new(),
    }
}

settings! {
    /// Settings within settings.
    pub struct Inner {
        /// Weight.
        #[schemars(range(min = 0.0))]
        pub weight: f64 = 1.0,
    }
}

settings! {
    /// Names.
    pub enum Mode { FastAndLoose, Exact }
}

fn problems(text: &str) -> Vec<(String, String)> {
    let Err(problems) = parse::<Sorts>(text) else { return Vec::new() };
    problems.list().iter().map(|p| (p.path.clone(), p.message.clone())).collect()
}

#[test]
fn what_is_left_out_has_its_default() {
    assert_eq!(parse::<Sorts>("{}").unwrap(), Sorts::default());
    let set =
        parse::<Sorts>(r#"{ "mode": "exact", "perhaps": 4, "inner": {}, "share": 1 }"#).unwrap();
    assert_eq!((set.mode, set.perhaps, set.share), (Mode::Exact, Some(4), 1.0));
    assert_eq!(parse::<Sorts>(r#"{ "perhaps": null }"#).unwrap().perhaps, None);
}

#[test]
fn every_problem_is_told_at_once_with_its_place() {
    let found = problems(
        r#"{
            "share": 1.5, "count": "three", "cuts": [1, -2], "texts": ["a", "b", "c"], "mode": "exakt",
            "perhaps": "no", "inner": { "wieght": 2 }, "by_name": { "a/b": { "weight": -1 } }
        }"#,
    );
    let paths: Vec<&str> = found.iter().map(|(path, _)| path.as_str()).collect();
    assert_eq!(
        paths,
        [
            "/by_name/a~1b/weight",
            "/count",
            "/cuts",
            "/cuts/1",
            "/inner/wieght",
            "/mode",
            "/perhaps",
            "/share",
            "/texts"
        ]
    );
}

#[test]
fn messages_say_what_is_and_what_must_be() {
    for (text, path, message) in [
        (r#"{ "share": 1.5 }"#, "/share", "must be at most 1.0, is 1.5"),
        (r#"{ "count": 0 }"#, "/count", "must be at least 1, is 0"),
        (r#"{ "count": 2.5 }"#, "/count", "must be an integer, is a number with a fraction"),
        (r#"{ "cuts": [1, 2] }"#, "/cuts", "must have exactly 3 entries, has 2"),
        (
            r#"{ "mode": "slow" }"#,
            "/mode",
            "must be one of \"fast-and-loose\", \"exact\", is \"slow\"",
        ),
        (r#"{ "shrae": 1 }"#, "/shrae", "unknown key `shrae`"),
        ("[]", "", "must be a table, is a list"),
    ] {
        let found = problems(text);
        assert_eq!(found.len(), 1, "{text}: {found:?}");
        assert_eq!(found[0].0, path, "{text}");
        assert!(found[0].1.starts_with(message), "{text}: {}", found[0].1);
    }
}

#[test]
fn the_nearest_name_is_offered() {
    let hint = |text: &str| parse::<Sorts>(text).unwrap_err().list()[0].hint.clone().unwrap();
    assert_eq!(hint(r#"{ "shrae": 1 }"#), "did you mean `share`?");
    assert_eq!(hint(r#"{ "mode": "exakt" }"#), "did you mean \"exact\"?");
    assert!(hint(r#"{ "something": 1 }"#).starts_with("known keys: "));
}

#[test]
fn what_is_no_json_or_too_long_is_a_problem_and_no_panic() {
    let deep = "[".repeat(10_000);
    let long = format!("\"{}\"", "x".repeat(SETTINGS_BYTES_MAX));
    for text in ["", "{", "nonsense", "{\"share\": NaN}", "{\"count\": 1e999}", &deep, &long] {
        assert_eq!(problems(text).len(), 1, "{}", &text[..text.len().min(20)]);
    }
}

#[test]
fn the_schema_carries_texts_ranges_and_defaults() {
    let schema: playbook_sdk::serde_json::Value =
        playbook_sdk::serde_json::from_str(&schema::<Sorts>()).unwrap();
    assert_eq!(schema["$schema"], "https://json-schema.org/draft/2020-12/schema");
    assert_eq!(schema["additionalProperties"], false);
    let share = &schema["properties"]["share"];
    assert_eq!((&share["description"], &share["default"]), (&"A share.".into(), &0.5.into()));
    assert_eq!(share["maximum"], 1.0);
}

#[test]
fn problems_are_printed_with_places_and_hints() {
    let mut problems = Problems::new();
    problems.at("/a", "is wrong").hint("try 3");
    problems.check(false, "/b", "is wrong too");
    assert_eq!(problems.to_string(), "at `/a`: is wrong (try 3); at `/b`: is wrong too");
}
