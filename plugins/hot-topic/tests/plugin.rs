//! CA-11: which topics rise, and which of them get a slot.
#![allow(clippy::unwrap_used, reason = "tests")]

use hot_topic::HotTopic;
use playbook_sdk::serde_json::Value;
use playbook_sdk::testing::{Data, json, plugin};
use playbook_sdk::{CampaignPlan, Level};

/// Mentions of today and of the 7 days before, class, whether the brand fits, sensitive words.
type Topic<'a> = (i64, i64, Option<&'a str>, Option<i64>, Option<i64>);

fn plan(settings: &Value, topics: &[Topic<'_>]) -> CampaignPlan {
    let data = Data::new()
        .integer("mentions_today", topics.iter().map(|topic| topic.0))
        .integer("mentions_prev7d", topics.iter().map(|topic| topic.1))
        .text("class", topics.iter().map(|topic| topic.2))
        .integer("brand_value_ok", topics.iter().map(|topic| topic.3))
        .integer("sensitive_hits", topics.iter().map(|topic| topic.4));
    let test = plugin::<HotTopic>().settings(settings).table(data);
    test.open().unwrap().plan(1000).unwrap()
}

fn topic(today: i64, before: i64) -> Topic<'static> {
    (today, before, Some("industry"), Some(1), Some(0))
}

/// When the topics are up, minutes of the day.
fn plan_minutes(topics: &[Topic<'_>]) -> Vec<u16> {
    plan(&json!({}), topics).slots.iter().map(|slot| slot.minute).collect()
}

/// Rows with a slot, in the order of the slots.
fn slots(plan: &CampaignPlan) -> Vec<u32> {
    plan.slots.iter().map(|slot| slot.place.unwrap().row).collect()
}

#[test]
fn ca_11_a_topic_rises_from_twice_its_mean() {
    let plan = plan(&json!({}), &[topic(400, 1_400), topic(399, 1_400), topic(0, 0)]);
    assert_eq!(slots(&plan), [0]);
    assert_eq!(plan.findings.len(), 1);
    let found = &plan.findings[0];
    assert_eq!((found.value, found.threshold, found.reason), (Some(2.0), Some(2.0), 0));
    assert_eq!(found.level, Level::Watch);
}

#[test]
fn ca_11_small_topics_do_not_rise() {
    let plan = plan(&json!({}), &[topic(10, 0), topic(9, 0), topic(10, 36)]);
    // A mean below 1 a day counts as 1; ten mentions are less than twice 36 a week.
    assert_eq!(slots(&plan), [0]);
    assert_eq!(plan.findings[0].value, Some(10.0));
}

#[test]
fn y046_a_rising_topic_proposes_a_slot_and_the_brand_check_blocks_it() {
    let checks = [
        (Some("industry"), Some(1), Some(0)),
        (Some("entertainment"), Some(1), Some(0)),
        (None, Some(1), Some(0)),
        (Some("industry"), Some(0), Some(0)),
        (Some("industry"), Some(1), Some(1)),
        (Some("politics"), Some(1), Some(0)),
        (Some("industry"), None, Some(0)),
        (Some("industry"), Some(1), None),
    ];
    let topics: Vec<Topic<'_>> =
        checks.iter().map(|(class, brand, hits)| (500, 70, *class, *brand, *hits)).collect();
    let plan = plan(&json!({ "slots_max": 16 }), &topics);
    assert_eq!(slots(&plan), [0, 1, 2]);
    let reasons: Vec<u32> = plan.findings.iter().map(|finding| finding.reason).collect();
    // Rising three times, then brand, words, class, and twice not checked.
    assert_eq!(reasons, [0, 0, 0, 2, 3, 1, 4, 4]);
}

#[test]
fn the_hottest_topics_get_the_slots_hour_by_hour() {
    let topics = [topic(100, 70), topic(300, 70), topic(200, 70), topic(300, 70), topic(50, 70)];
    let plan = plan(&json!({ "first_minute": 1380 }), &topics);
    assert_eq!(slots(&plan), [1, 3, 2]);
    let minutes: Vec<u16> = plan.slots.iter().map(|slot| slot.minute).collect();
    assert_eq!(minutes, [1380, 0, 60]);
    let at_noon = plan_minutes(&topics);
    assert_eq!(at_noon, [720, 780, 840]);
    assert!(plan.slots.iter().all(|slot| slot.theme == "hot-topic" && !slot.commercial));
    assert_eq!(plan.findings.len(), 5);
}

#[test]
fn a_brand_decides_which_classes_it_keeps_away_from() {
    let politics = (500, 70, Some("politics"), Some(1), Some(0));
    assert_eq!(slots(&plan(&json!({ "barred_classes": [] }), &[politics])), [0]);
    let industry = json!({ "barred_classes": ["industry"] });
    assert!(slots(&plan(&industry, &[topic(500, 70)])).is_empty());
}
