//! DG-9 at its bounds, and a burst minute by minute.
#![allow(clippy::unwrap_used, reason = "tests")]

use opinion_risk::OpinionRisk;
use playbook_sdk::Level;
use playbook_sdk::testing::{Data, TablesGiven, json, plugin};

/// Negative mentions of the hour and of the 24 hours before, all mentions of the hour, sensitive words, matters.
type Hour = (Option<i64>, Option<i64>, Option<i64>, i64, i64);

fn ask(hours: &[Hour]) -> TablesGiven {
    let data = Data::new()
        .integer("negative_mentions_1h", hours.iter().map(|hour| hour.0))
        .integer("negative_mentions_prev24h", hours.iter().map(|hour| hour.1))
        .integer("mentions_1h", hours.iter().map(|hour| hour.2))
        .integer("sensitive_hits_1h", hours.iter().map(|hour| hour.3))
        .integer("confirmed_matters", hours.iter().map(|hour| hour.4));
    plugin::<OpinionRisk>().table(data).open().unwrap().diagnose().unwrap()
}

fn level(hour: Hour) -> Option<String> {
    ask(&[hour]).table(0).category("level", 0).map(str::to_owned)
}

/// So many negative mentions after so many in the day before, and nothing else.
fn speed(negative: i64, before: i64) -> String {
    level((Some(negative), Some(before), None, 0, 0)).unwrap()
}

#[test]
fn dg_9_levels_begin_at_their_speeds() {
    // A mean of 100 an hour.
    for (negative, level) in
        [(299, "none"), (300, "l1"), (499, "l1"), (500, "l2"), (999, "l2"), (1_000, "l3")]
    {
        assert_eq!(speed(negative, 2_400), level, "{negative}");
    }
}

#[test]
fn dg_9_small_waves_are_none() {
    assert_eq!(speed(9, 0), "none");
    assert_eq!(speed(10, 0), "l2");
    assert_eq!(speed(49, 24), "l2");
    assert_eq!(speed(50, 24), "l3");
    // A mean below 1 an hour counts as 1.
    assert_eq!(speed(10, 12), "l2");
    assert_eq!(ask(&[(Some(10), Some(12), None, 0, 0)]).table(0).real("speed", 0), Some(10.0));
}

#[test]
fn dg_9_a_fifth_of_thirty_mentions_is_level_2() {
    let share = |negative, mentions| level((Some(negative), Some(2400), Some(mentions), 0, 0));
    assert_eq!(share(6, 30).as_deref(), Some("l2"));
    assert_eq!(share(200, 1_000).as_deref(), Some("l2"));
    assert_eq!(share(199, 1_000).as_deref(), Some("none"));
    assert_eq!(share(6, 29).as_deref(), Some("none"));
}

#[test]
fn dg_9_a_confirmed_matter_is_level_3_and_sensitive_words_raise_by_one() {
    assert_eq!(level((Some(0), Some(0), None, 0, 1)).as_deref(), Some("l3"));
    assert_eq!(level((None, None, None, 0, 1)).as_deref(), Some("l3"));
    assert_eq!(level((Some(0), Some(0), None, 1, 0)).as_deref(), Some("l1"));
    assert_eq!(level((Some(12), Some(96), None, 1, 0)).as_deref(), Some("l2"));
    assert_eq!(level((Some(20), Some(96), None, 5, 0)).as_deref(), Some("l3"));
    assert_eq!(level((Some(0), Some(0), None, 1, 1)).as_deref(), Some("l3"));
}

#[test]
fn what_is_not_known_is_no_calm() {
    assert_eq!(level((None, Some(0), Some(100), 0, 0)), None);
    assert_eq!(level((Some(5), None, Some(100), 0, 0)), None);
    // The share does not need the day before.
    assert_eq!(level((Some(50), None, Some(100), 0, 0)).as_deref(), Some("l2"));
}

#[test]
fn findings_say_the_rule_and_what_helps() {
    let given = ask(&[
        (Some(12), Some(96), None, 0, 0),
        (Some(6), Some(2400), Some(30), 0, 0),
        (Some(0), Some(0), None, 0, 2),
        (Some(0), Some(0), None, 0, 0),
    ]);
    let levels: Vec<Level> = given.findings.iter().map(|finding| finding.level).collect();
    assert_eq!(levels, [Level::Watch, Level::Warn, Level::Critical]);
    let first = given.findings_of("speed").next().unwrap();
    assert_eq!((first.value, first.threshold), (Some(3.0), Some(3.0)));
    let share = given.findings_of("share").next().unwrap();
    assert_eq!((share.value, share.threshold), (Some(0.2), Some(0.2)));
    assert_eq!(given.findings_of("confirmed").next().unwrap().suggests, [0, 1]);
}

#[test]
fn dg_9_negative_reach_above_three_in_a_thousand_is_a_finding() {
    let data = Data::new()
        .integer("negative_mentions_1h", [0, 0])
        .integer("negative_mentions_prev24h", [0, 0])
        .real("negative_reach", [0.003, 0.003_01]);
    let given = plugin::<OpinionRisk>().table(data).open().unwrap().diagnose().unwrap();
    let rows: Vec<u32> = given.findings_of("reach").map(|f| f.place.unwrap().row).collect();
    assert_eq!(rows, [1]);
}

/// Minutes of negative mentions: four an hour for a day, then a burst of so many a minute.
fn burst(a_minute: usize) -> Vec<i64> {
    let calm = (0..24 * 60_i64).step_by(15);
    let wave = (24 * 60..26 * 60_i64).flat_map(|minute| std::iter::repeat_n(minute, a_minute));
    calm.chain(wave).collect()
}

/// The first minute after the onset at which a scan every ten minutes gives the level.
fn found(mentions: &[i64], wanted: &str) -> Option<i64> {
    (0..12).map(|scan| 10 * scan).find(|after| {
        let now = 24 * 60 + after;
        let within = |from: i64, to: i64| {
            mentions.iter().filter(|at| (from..to).contains(*at)).count() as i64
        };
        let hour = within(now - 60, now);
        let day = within(now - 60 - 24 * 60, now - 60);
        speed(hour, day) == wanted
    })
}

#[test]
fn y075_a_burst_reaches_its_levels_within_30_minutes() {
    let (small, middle, large) = (burst(1), burst(2), burst(4));
    assert!(found(&small, "l1").is_some_and(|minute| minute <= 30));
    assert!(found(&middle, "l2").is_some_and(|minute| minute <= 30));
    assert!(found(&large, "l3").is_some_and(|minute| minute <= 30));
    assert_eq!(found(&burst(0), "l1"), None);
}

#[test]
fn speeds_that_do_not_ascend_are_refused() {
    let settings = json!({ "speed_l2": 2.0, "negative_min": 60 });
    let problems = plugin::<OpinionRisk>().settings(settings).problems();
    let paths: Vec<&str> = problems.list().iter().map(|problem| problem.path.as_str()).collect();
    assert_eq!(paths, ["/speed_l2", "/negative_min_l3"]);
}
