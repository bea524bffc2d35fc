//! Settings that are wrong: every problem at once, each with its place, and never a panic.
#![allow(clippy::unwrap_used, reason = "tests")]

use std::collections::BTreeMap;

use playbook_sdk::settings;
use playbook_sdk::settings::{Docs, SETTINGS_BYTES_MAX, Schema, Setting, parse, schema};
use playbook_sdk::{Problems, schema_text};
use serde_json::{Value, json};

settings! {
    /// Settings with one field of each sort.
    pub struct Sorts {
        /// A "share".
        pub share: f64 where within(0.0..=1.0) = 0.5,
        /// A count,
        /// in two lines.
        pub count: u32 where within(1..=9_000) = 3,
        /// Cut points.
        pub cuts: [i64; 3] where each(within(0..)) = [1, 2, 3],
        /// Texts.
        pub texts: Vec<String> where length(0..=2), distinct = [],
        /// A name.
        pub mode: Mode = "fast-and-loose",
        /// Perhaps.
        pub perhaps: Option<i64> where within(-3..) = null,
        /// Nested.
        pub inner: Inner = {},
        /// By name.
        pub by_name: BTreeMap<String, Inner> where length(0..=3) = {},
        /// Named ones.
        pub named: Vec<Named> where distinct(name) = [{ "name": "a" }],
    }
}

settings! {
    /// Settings within settings.
    pub struct Inner {
        /// Weight.
        pub weight: f64 where above(0) = 1.5,
    }
}

settings! {
    /// Something that must be named.
    pub struct Named {
        /// Its name.
        pub name: String where length(1..) = "",
    }
}

settings! {
    /// Names.
    pub enum Mode { FastAndLoose = "fast-and-loose", Exact = "exact" }
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
            "/share",
            "/count",
            "/cuts",
            "/cuts/1",
            "/texts",
            "/mode",
            "/perhaps",
            "/inner/wieght",
            "/by_name/a~1b/weight",
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
        (r#"{ "count": 9001 }"#, "/count", "must be at most 9000, is 9001"),
        (r#"{ "count": -1 }"#, "/count", "must lie between 0 and 4294967295, is -1"),
        (r#"{ "share": 1e999 }"#, "/share", "must be a finite number, is 1e999"),
        (r#"{ "texts": ["a", "a"] }"#, "/texts/1", "stands there already"),
        (
            r#"{ "named": [{ "name": "a" }, { "name": "a" }] }"#,
            "/named/1/name",
            "stands there already",
        ),
        (r#"{ "named": [{}] }"#, "/named/0/name", "must have at least 1 letters, has 0"),
        (r#"{ "inner": { "weight": 0 } }"#, "/inner/weight", "must be above 0, is 0"),
        (r#"{ "perhaps": -4 }"#, "/perhaps", "must be at least -3, is -4"),
        (r#"{ "share": 0.1, "share": 0.2 }"#, "", "not JSON: expected each key once"),
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
fn the_schema_says_all_that_is_checked() {
    let schema: Value = serde_json::from_str(&schema::<Sorts>()).unwrap();
    let integer = |more: Value| merged(json!({ "type": "integer", "maximum": i64::MAX }), more);
    let inner = json!({
        "type": "object", "additionalProperties": false,
        "properties": {
            "weight": { "description": "Weight.", "type": "number", "exclusiveMinimum": 0, "default": 1.5 },
        },
    });
    let want = json!({
        "share": {
            "description": "A \"share\".", "type": "number", "minimum": 0.0, "maximum": 1.0, "default": 0.5,
        },
        "count": {
            "description": "A count, in two lines.", "type": "integer", "minimum": 1, "maximum": 9000,
            "default": 3,
        },
        "cuts": {
            "description": "Cut points.", "type": "array", "minItems": 3, "maxItems": 3,
            "items": integer(json!({ "minimum": 0 })), "default": [1, 2, 3],
        },
        "texts": {
            "description": "Texts.", "type": "array", "items": { "type": "string" }, "maxItems": 2,
            "uniqueItems": true, "default": [],
        },
        "mode": { "description": "A name.", "enum": ["fast-and-loose", "exact"], "default": "fast-and-loose" },
        "perhaps": {
            "description": "Perhaps.", "type": ["integer", "null"], "minimum": -3, "maximum": i64::MAX,
            "default": null,
        },
        "inner": merged(inner.clone(), json!({ "description": "Nested.", "default": {} })),
        "by_name": {
            "description": "By name.", "type": "object", "additionalProperties": inner, "maxProperties": 3,
            "default": {},
        },
        "named": {
            "description": "Named ones.", "type": "array", "uniqueItems": true, "default": [{ "name": "a" }],
            "items": {
                "type": "object", "additionalProperties": false,
                "properties": {
                    "name": { "description": "Its name.", "type": "string", "minLength": 1, "default": "" },
                },
            },
        },
    });
    for (name, property) in want.as_object().unwrap() {
        assert_eq!(&schema["properties"][name], property, "{name}");
    }
    assert_eq!(schema["properties"].as_object().unwrap().len(), want.as_object().unwrap().len());
    assert_eq!(schema["$schema"], "https://json-schema.org/draft/2020-12/schema");
    assert_eq!(
        (&schema["type"], &schema["additionalProperties"]),
        (&json!("object"), &json!(false))
    );
}

fn merged(mut left: Value, right: Value) -> Value {
    let (Value::Object(to), Value::Object(from)) = (&mut left, right) else { unreachable!() };
    to.extend(from);
    left
}

#[test]
fn a_schema_made_while_compiling_is_the_one_made_while_running() {
    const SCHEMA: &Schema = <Sorts as Setting>::SCHEMA;
    const DOCS: &Docs = <Sorts as Setting>::DOCS;
    static BYTES: [u8; schema_text::length(SCHEMA, DOCS)] = schema_text::text(SCHEMA, DOCS);
    assert_eq!(schema_text::as_text(&BYTES), schema::<Sorts>());
}

#[test]
fn a_default_that_is_no_json_number_ends_the_build() {
    use playbook_sdk::settings::or_null;
    assert_eq!(["1000", "-2.5e3", ""].map(or_null), ["1000", "-2.5e3", "null"]);
    let texts = [r#""a_b""#, r#"{ "a_b": "\"_" }"#, r#"["_\\"]"#];
    assert_eq!(texts.map(or_null), texts);
    for wrong in ["1_000", r#"{ "most": 1_000 }"#, r#"["a_\\", 1_0]"#] {
        assert!(std::panic::catch_unwind(|| or_null(wrong)).is_err(), "{wrong}");
    }
}

#[test]
fn problems_are_printed_with_places_and_hints() {
    let mut problems = Problems::new();
    problems.at("/a", "is wrong").hint("try 3");
    problems.check(false, "/b", "is wrong too");
    assert_eq!(problems.to_string(), "at `/a`: is wrong (try 3); at `/b`: is wrong too");
}
