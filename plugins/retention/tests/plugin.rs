//! DG-6 on cohorts that are told, and on cohorts that are counted from days of activity.
#![allow(clippy::unwrap_used, reason = "tests")]

use playbook_sdk::Level;
use playbook_sdk::serde_json::Value;
use playbook_sdk::testing::{Data, TablesGiven, json, plugin};
use retention::Retention;

fn ask(settings: &Value, cohorts: Data) -> TablesGiven {
    let brand = Data::new().integer("key", [1]);
    let test = plugin::<Retention>().settings(settings).table(cohorts).table(brand);
    test.open().unwrap().diagnose().unwrap()
}

/// Size, age, active on day 1, 7 and 30, active in days 151 to 180.
type Cohort = (i64, i64, [Option<i64>; 3], Option<i64>);

fn cohorts(cohorts: &[Cohort], prefix: &str) -> Data {
    let active = |at: usize| cohorts.iter().map(move |cohort| cohort.2[at]);
    Data::new()
        .integer("cohort_size", cohorts.iter().map(|cohort| cohort.0))
        .integer("cohort_age_days", cohorts.iter().map(|cohort| cohort.1))
        .integer("active_half_year", cohorts.iter().map(|cohort| cohort.3))
        .integer(&format!("{prefix}1"), active(0))
        .integer(&format!("{prefix}7"), active(1))
        .integer(&format!("{prefix}30"), active(2))
}

fn exact(rows: &[Cohort]) -> TablesGiven {
    ask(&json!({}), cohorts(rows, "active_d"))
}

const OLD: Cohort = (100, 200, [Some(60), Some(40), Some(25)], Some(20));

#[test]
fn y077_rates_of_fixture_cohorts_are_exact() {
    // Forty members of one day: the nth is active on these days after joining.
    let days = |member: i64| -> Vec<i64> {
        match member % 4 {
            0 => vec![1, 7, 30],
            1 => vec![1, 8],
            2 => vec![0, 6, 29, 31],
            _ => vec![0],
        }
    };
    let members = 0..40_i64;
    let on = |day: i64| members.clone().filter(|m| days(*m).contains(&day)).count() as i64;
    let from =
        |day: i64| members.clone().filter(|m| days(*m).iter().any(|d| *d >= day)).count() as i64;
    let counts = |count: &dyn Fn(i64) -> i64| [1, 7, 30].map(|day| Some(count(day)));
    let given = exact(&[(40, 40, counts(&on), None)]);
    let rates = |given: &TablesGiven| {
        ["retention_d1", "retention_d7", "retention_d30"].map(|name| given.table(0).real(name, 0))
    };
    assert_eq!(rates(&given), [Some(0.5), Some(0.25), Some(0.25)]);
    let rolling = cohorts(&[(40, 40, counts(&from), None)], "active_from_d");
    let given = ask(&json!({ "mode": "rolling" }), rolling);
    assert_eq!(rates(&given), [Some(0.75), Some(0.75), Some(0.5)]);
}

#[test]
fn dg_6_a_cohort_of_29_is_not_judged() {
    let given = exact(&[(29, 200, [Some(29); 3], Some(29)), (30, 200, [Some(15); 3], Some(30))]);
    let cohorts = given.table(0);
    assert_eq!(
        (cohorts.real("retention_d1", 0), cohorts.real("retention_d1", 1)),
        (None, Some(0.5))
    );
    assert_eq!(given.table(1).real("retention_half_year", 0), Some(1.0));
}

#[test]
fn dg_6_a_day_is_known_once_it_is_over() {
    let at = |age| exact(&[(100, age, OLD.2, OLD.3)]);
    let known = |age, name| at(age).table(0).real(name, 0).is_some();
    assert_eq!((known(1, "retention_d1"), known(2, "retention_d1")), (false, true));
    assert_eq!((known(7, "retention_d7"), known(8, "retention_d7")), (false, true));
    assert_eq!((known(30, "retention_d30"), known(31, "retention_d30")), (false, true));
    assert_eq!(
        (known(180, "retention_half_year"), known(181, "retention_half_year")),
        (false, true)
    );
}

#[test]
fn dg_6_the_brand_has_the_rate_of_all_members_and_not_of_all_days() {
    let given =
        exact(&[OLD, (300, 200, [Some(30), None, Some(0)], None), (20, 200, [Some(20); 3], None)]);
    let brand = given.table(1);
    assert_eq!(brand.real("retention_d1", 0), Some(0.225));
    assert_eq!(brand.real("retention_d7", 0), Some(0.4));
    assert_eq!(brand.real("retention_d30", 0), Some(0.0625));
}

#[test]
fn dg_6_half_a_year_has_the_goal_of_sixty_per_cent() {
    let half = |retained| {
        let given = exact(&[(100, 200, [None; 3], Some(retained))]);
        given.findings_of("half-year-below-goal").next().cloned()
    };
    let low = half(59).unwrap();
    assert_eq!((low.level, low.value, low.threshold), (Level::Warn, Some(0.59), Some(0.6)));
    assert!(half(60).is_none());
    assert!(exact(&[(100, 90, OLD.2, None)]).findings.is_empty());
}

#[test]
fn missing_and_impossible_counts_give_no_rate() {
    let given = exact(&[(100, 200, [None, Some(101), Some(100)], Some(-1))]);
    let rate = |name| given.table(0).real(name, 0);
    assert_eq!((rate("retention_d1"), rate("retention_d7")), (None, None));
    assert_eq!((rate("retention_d30"), rate("retention_half_year")), (Some(1.0), None));
    assert_eq!(given.table(1).real("retention_d1", 0), None);
}

#[test]
fn other_days_are_told_where_the_settings_say_so() {
    let data = Data::new()
        .integer("cohort_size", [50])
        .integer("cohort_age_days", [100])
        .integer("active_d90", [10]);
    let settings = json!({ "days": [90], "overall": false });
    let test = plugin::<Retention>().settings(settings).table(data);
    let given = test.open().unwrap().diagnose().unwrap();
    assert_eq!(given.table(0).real("retention_d90", 0), Some(0.2));
}
