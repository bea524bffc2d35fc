//! SG-8: who is routed to which groups.
#![allow(clippy::unwrap_used, reason = "tests")]

use interest_groups::InterestGroups;
use playbook_sdk::serde_json::{self, Value};
use playbook_sdk::testing::{Data, SegmentsGiven, json, plugin};

const TOPICS: [&str; 4] = ["tea", "craft", "travel", "books"];

fn settings(over: Value) -> Value {
    let mut settings = json!({ "topics": TOPICS });
    let over: serde_json::Map<String, Value> = serde_json::from_value(over).unwrap();
    settings.as_object_mut().unwrap().extend(over);
    settings
}

/// Members with events of each topic, all consenting.
fn members(rows: &[[i64; 4]]) -> Data {
    let data = Data::new().integer("consent_profiling", rows.iter().map(|_| 1));
    (0..4).fold(data, |data, at| {
        let name = format!("topic_events_30d.{}", TOPICS[at]);
        data.integer(&name, rows.iter().map(move |row| row[at]))
    })
}

fn ask(over: Value, data: &Data) -> SegmentsGiven {
    plugin::<InterestGroups>().settings(settings(over)).open().unwrap().assign(data).unwrap()
}

fn groups(given: &SegmentsGiven, row: usize) -> Vec<&str> {
    ["group_1", "group_2", "group_3"].iter().filter_map(|name| given.category(name, row)).collect()
}

#[test]
fn y021_a_member_is_in_at_most_three_groups_and_the_core_if_eligible() {
    let data = members(&[[10, 10, 10, 0], [9, 9, 8, 8], [0, 0, 0, 40], [40, 0, 0, 0]])
        .text("tier-interactions.tier", [Some("core"), Some("active"), None, Some("koc")])
        .text("value-rfm.tier", [Some("low"), Some("mid"), Some("high"), None]);
    let given = ask(json!({}), &data);
    assert_eq!(groups(&given, 0), ["tea", "craft", "travel"]);
    assert_eq!((given.segment(0), given.integer("groups", 0)), (Some("tea"), Some(3)));
    // Nine of 34 are less than 30 %.
    assert_eq!((groups(&given, 1).len(), given.segment(1)), (0, Some("general")));
    assert_eq!((groups(&given, 2), given.segment(2)), (vec!["books"], Some("books")));
    let core: Vec<_> = (0..4).map(|row| given.integer("core_group", row)).collect();
    assert_eq!(core, [Some(1), Some(0), Some(1), Some(1)]);
}

#[test]
fn sg_8_a_topic_has_30_per_cent_and_5_events() {
    let given =
        ask(json!({}), &members(&[[5, 3, 2, 0], [4, 0, 0, 0], [300, 700, 0, 0], [299, 701, 0, 0]]));
    assert_eq!(groups(&given, 0), ["tea"]);
    assert_eq!((groups(&given, 1).len(), given.reason(1)), (0, Some("no-interest")));
    assert_eq!(groups(&given, 2), ["craft", "tea"]);
    assert_eq!(groups(&given, 3), ["craft"]);
    assert_eq!(given.rounded("top_topic_share", 3), Some(0.701));
}

#[test]
fn sg_8_equal_topics_are_ranked_by_the_settings_and_most_of_three_stay() {
    let low = json!({ "share_min": 0.2, "events_min": 1 });
    let given = ask(low, &members(&[[6, 7, 7, 7], [7, 7, 7, 7]]));
    assert_eq!(groups(&given, 0), ["craft", "travel", "books"]);
    assert_eq!(groups(&given, 1), ["tea", "craft", "travel"]);
    let one = json!({ "share_min": 0.2, "groups_max": 1 });
    assert_eq!(groups(&ask(one, &members(&[[7, 9, 9, 7]])), 0), ["craft"]);
}

#[test]
fn other_topics_count_in_the_whole_where_it_is_told() {
    let data = members(&[[10, 0, 0, 0], [10, 0, 0, 0]]).integer("topic_events_30d", [34, 33]);
    let given = ask(json!({}), &data);
    assert_eq!((groups(&given, 0).len(), groups(&given, 1)), (0, vec!["tea"]));
}

#[test]
fn without_consent_nobody_is_routed_by_interest() {
    let data = Data::new()
        .integer("topic_events_30d.tea", [50, 50, 50])
        .integer("consent_profiling", [Some(0), None, Some(1)])
        .text("tier-interactions.tier", ["core", "core", "core"]);
    let given = ask(json!({}), &data);
    for row in 0..2 {
        assert_eq!((given.segment(row), given.reason(row)), (Some("general"), Some("no-consent")));
        assert_eq!((groups(&given, row).len(), given.integer("core_group", row)), (0, Some(1)));
    }
    assert_eq!(given.segment(2), Some("tea"));
    let data = Data::new().integer("topic_events_30d.tea", [50]);
    assert_eq!(ask(json!({ "needs_consent": false }), &data).segment(0), Some("tea"));
}

#[test]
fn who_is_not_known_has_no_group_and_no_segment() {
    let data = Data::new().integer("consent_profiling", [1]);
    let given = ask(json!({}), &data);
    assert_eq!((given.segment(0), given.reason(0)), (None, Some("nothing-known")));
    assert_eq!(given.integer("core_group", 0), None);
    // Who looked at nothing is known to have no interest.
    let given = ask(json!({}), &members(&[[0; 4]]));
    assert_eq!((given.segment(0), given.real("top_topic_share", 0)), (Some("general"), None));
}
