//! CA-9: what is chosen, how much of it is personal, and how alike it is.
#![allow(clippy::unwrap_used, reason = "tests")]

use playbook_sdk::serde_json::Value;
use playbook_sdk::testing::{Data, RowsGiven, json, plugin};
use recommend::Recommend;

const TOPICS: [&str; 3] = ["tea", "craft", "travel"];

/// Key, topic, age in days, quality.
type Content<'a> = (i64, Option<&'a str>, Option<i64>, Option<f64>);

/// Thirty contents, ten of each topic, of the same age and falling quality.
fn shelf() -> Vec<Content<'static>> {
    let content = |n: i64| {
        let topic = TOPICS[n as usize % 3];
        (n + 1, Some(topic), Some(0), Some(5.0 - (n / 3) as f64 * 0.1))
    };
    (0..30).map(content).collect()
}

fn ask(over: Value, contents: &[Content<'_>], events: &[[Option<i64>; 3]]) -> RowsGiven {
    let table = Data::new()
        .integer("key", contents.iter().map(|content| content.0))
        .text("topic", contents.iter().map(|content| content.1))
        .integer("content_age_days", contents.iter().map(|content| content.2))
        .real("quality", contents.iter().map(|content| content.3));
    let data = (0..3).fold(Data::new(), |data, at| {
        let name = format!("topic_events_30d.{}", TOPICS[at]);
        data.integer(&name, events.iter().map(move |row| row[at]))
    });
    let test = plugin::<Recommend>().settings(json!({ "topics": TOPICS })).with(over).table(table);
    test.open().unwrap().score(&data).unwrap()
}

fn keys(given: &RowsGiven, row: usize) -> Vec<i64> {
    (1..=10).filter_map(|nth| given.integer(&format!("content_{nth}"), row)).collect()
}

fn topic_of(key: i64) -> &'static str {
    TOPICS[(key as usize - 1) % 3]
}

#[test]
fn y051_at_most_85_per_cent_are_personal_and_no_topic_has_more_than_half() {
    let members = [
        [Some(90), Some(10), Some(0)],
        [Some(1), Some(0), Some(0)],
        [Some(40), Some(30), Some(30)],
    ];
    let given = ask(json!({}), &shelf(), &members);
    for row in 0..3 {
        let keys = keys(&given, row);
        assert_eq!(keys.len(), 10);
        assert!(given.real("personal_share", row).unwrap() <= 0.85);
        for topic in TOPICS {
            assert!(keys.iter().filter(|key| topic_of(**key) == topic).count() <= 5, "{keys:?}");
        }
        let mut distinct = keys.clone();
        distinct.sort_unstable();
        distinct.dedup();
        assert_eq!(distinct.len(), 10);
    }
    assert_eq!(given.integer("personal", 0), Some(8));
    // One topic alone has half of the slots; the rest is common.
    assert_eq!(given.integer("personal", 1), Some(5));
    assert!(keys(&given, 1)[5..].iter().all(|key| topic_of(*key) != "tea"));
}

#[test]
fn ca_9_the_share_holds_of_few_contents_too() {
    let few = &shelf()[..3];
    let given = ask(json!({ "topic_share": 1.0 }), few, &[[Some(3), Some(2), Some(1)]]);
    assert_eq!((keys(&given, 0), given.integer("personal", 0)), (vec![1, 2, 3], Some(2)));
}

#[test]
fn ca_9_affinity_freshness_and_value_multiply() {
    let contents = [
        (1, Some("tea"), Some(0), Some(5.0)),
        (2, Some("craft"), Some(0), Some(5.0)),
        (3, Some("craft"), Some(7), Some(5.0)),
        (4, Some("craft"), Some(0), Some(2.0)),
        (5, Some("tea"), Some(14), Some(5.0)),
    ];
    let given =
        ask(json!({ "slots": 7, "topic_share": 1.0 }), &contents, &[[Some(3), Some(1), None]]);
    // 3, 1, 0.5, 0.4, 0.75 by events; four of five are personal.
    assert_eq!(
        (1..=5).map(|n| given.integer(&format!("content_{n}"), 0).unwrap()).collect::<Vec<_>>(),
        [1, 2, 5, 3, 4]
    );
    assert_eq!(given.integer("personal", 0), Some(4));
}

#[test]
fn ca_9_freshness_halves_in_seven_days() {
    let order = |age: i64| {
        let old = (1, Some("tea"), Some(age), Some(5.0));
        let fresh = (2, Some("craft"), Some(0), Some(5.0 / 1024.0));
        keys(&ask(json!({}), &[old, fresh], &[[None; 3]]), 0)
    };
    // After ten times seven days both are worth the same, and the lower key comes first.
    assert_eq!((order(69), order(70), order(71)), (vec![1, 2], vec![1, 2], vec![2, 1]));
}

#[test]
fn ca_9_a_quality_of_5_is_full() {
    let order = |first: f64, second: f64| {
        let contents =
            [(1, Some("tea"), Some(0), Some(first)), (2, Some("craft"), Some(0), Some(second))];
        keys(&ask(json!({}), &contents, &[[None; 3]]), 0)
    };
    assert_eq!((order(4.95, 5.0), order(5.0, 5.1)), (vec![2, 1], vec![1, 2]));
}

#[test]
fn ca_9_of_twenty_contents_seventeen_are_personal() {
    let members = [[Some(5), Some(4), Some(3)]];
    let given = ask(json!({ "slots": 20 }), &shelf(), &members);
    assert_eq!(given.integer("personal", 0), Some(17));
    let given = ask(json!({ "slots": 15 }), &shelf(), &members);
    assert_eq!(given.integer("personal", 0), Some(12));
    let shape = plugin::<Recommend>().settings(json!({ "topics": TOPICS })).shape().unwrap();
    let slots =
        shape.produces.iter().filter(|produce| produce.name.starts_with("content_")).count();
    assert_eq!(slots, 10);
}

#[test]
fn without_interests_all_is_common_and_equal_ones_go_by_key() {
    let given = ask(json!({}), &shelf(), &[[None; 3], [Some(0); 3]]);
    for row in 0..2 {
        assert_eq!(keys(&given, row), [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
        assert_eq!(
            (given.integer("personal", row), given.reason(row)),
            (Some(0), Some("common-only"))
        );
    }
}

#[test]
fn contents_that_are_not_known_are_not_shown() {
    let contents = [
        (1, None, Some(0), Some(5.0)),
        (2, Some("tea"), None, Some(5.0)),
        (3, Some("tea"), Some(0), None),
        (4, Some("other"), Some(0), Some(5.0)),
        (5, Some("tea"), Some(0), Some(0.0)),
    ];
    let given = ask(json!({}), &contents, &[[Some(9), None, None]]);
    assert_eq!((keys(&given, 0).len(), given.reason(0)), (0, Some("no-content")));
    assert_eq!(given.real("personal_share", 0), None);
}

#[test]
fn a_share_above_the_guardrail_and_one_that_leaves_nothing_are_refused() {
    let path = |over: Value| {
        let problems = plugin::<Recommend>().settings(over).problems();
        problems.list()[0].path.clone()
    };
    assert_eq!(path(json!({ "personal_share": 0.86 })), "/personal_share");
    assert_eq!(path(json!({ "slots": 1 })), "/topic_share");
}
