//! The SQL that declared aggregates become.
#![allow(clippy::unwrap_used, reason = "tests")]

use playbook_features::{
    FeatureError, FieldType, Pass, Request, RowTable, Utc, by_values_sql, items, plan,
};
use playbook_model::{Aggregate, AggregateDef, EventFilter, Grain, UnixMs, Window};

const DAY: i64 = 86_400_000;
const T: i64 = 1_000 * DAY;

fn rows() -> RowTable {
    let columns = [
        ("member", FieldType::Integer),
        ("kind", FieldType::Text),
        ("time", FieldType::Integer),
        ("channel", FieldType::Text),
        ("amount_minor", FieldType::Integer),
        ("sentiment", FieldType::Real),
        ("event_id", FieldType::Integer),
    ];
    RowTable {
        name: "events".to_owned(),
        columns: columns.map(|(name, field_type)| (name.to_owned(), field_type)).into(),
        timed: true,
        ..RowTable::default()
    }
}

fn aggregate(function: Aggregate, field: Option<&str>, days: Option<i64>) -> AggregateDef {
    AggregateDef {
        over: Grain::Events,
        function,
        filter: EventFilter {
            kinds: vec!["order_paid".to_owned()],
            channels: vec![],
            condition: None,
        },
        window: Window { from_ms: days.map(|days| days * DAY), to_ms: 0 },
        field: field.map(str::to_owned),
        cap: None,
        by: None,
        every_ms: None,
    }
}

fn passes(
    rows: &RowTable,
    definitions: &[AggregateDef],
    parts_max: usize,
) -> Result<Vec<Pass>, FeatureError> {
    let items = definitions
        .iter()
        .enumerate()
        .flat_map(|(at, aggregate)| items(&format!("f{at}"), aggregate, None))
        .collect();
    let key = Some("member");
    plan(&Request { rows, key, as_of: UnixMs(T), clock: &Utc, items, parts_max })
}

fn one(rows: &RowTable, definition: AggregateDef) -> String {
    let mut passes = passes(rows, &[definition], 12).unwrap();
    passes.pop().unwrap().sql
}

#[test]
fn a_window_and_kinds_become_the_filter_of_an_aggregate() {
    assert_eq!(
        one(&rows(), aggregate(Aggregate::Count, None, Some(30))),
        "SELECT key, a0 AS c0 FROM (SELECT \"member\" AS key, count(*) FILTER (WHERE kind = 'order_paid' AND \
         time >= 83808000000) AS a0 FROM \"events\" WHERE \"member\" IS NOT NULL AND kind = 'order_paid' AND \
         time < 86400000000 AND time >= 83808000000 GROUP BY \"member\")"
    );
}

#[test]
fn conditions_that_always_hold_are_left_out() {
    let mut known = rows();
    known.latest = Some(UnixMs(T - 1));
    known.complete.insert("member".to_owned());
    let sql = one(&known, aggregate(Aggregate::Count, None, None));
    assert!(!sql.contains("time <") && !sql.contains("IS NOT NULL"), "{sql}");
    let mut earlier = aggregate(Aggregate::Count, None, None);
    earlier.window.to_ms = DAY;
    assert!(one(&known, earlier).contains("time < 86313600000"));
}

#[test]
fn equal_parts_are_computed_once_and_passes_are_bounded() {
    let definitions = [
        aggregate(Aggregate::Sum, Some("amount_minor"), None),
        aggregate(Aggregate::Mean, Some("amount_minor"), None),
        aggregate(Aggregate::Count, None, None),
    ];
    let together = passes(&rows(), &definitions, 12).unwrap();
    assert_eq!(together.len(), 1);
    assert_eq!(together[0].sql.matches("sum(").count(), 1);
    let apart = passes(&rows(), &definitions, 2).unwrap();
    assert_eq!(apart.len(), 2);
    assert!(apart[1].sql.contains("WHERE kind = 'order_paid'"), "{}", apart[1].sql);
}

#[test]
fn rows_that_correct_sums_count_nowhere_else() {
    let mut weighted = rows();
    weighted.weighted = true;
    let sum = one(&weighted, aggregate(Aggregate::Sum, Some("amount_minor"), None));
    assert!(!sum.contains("weight"), "{sum}");
    assert!(one(&weighted, aggregate(Aggregate::Count, None, None)).contains("sum(weight)"));
    assert!(one(&weighted, aggregate(Aggregate::Recency, None, None)).contains("weight = 1"));
}

#[test]
fn short_windows_count_days_in_bits_and_long_ones_by_groups() {
    let short = one(&rows(), aggregate(Aggregate::DistinctDays, None, Some(60)));
    assert!(short.contains("bit_or(day_bit(time, local_day(86400000000)))"), "{short}");
    let long = passes(&rows(), &[aggregate(Aggregate::DistinctDays, None, Some(61))], 12).unwrap();
    assert!(long[0].sql.contains("GROUP BY \"member\", local_day(time)"), "{}", long[0].sql);
}

#[test]
fn names_and_values_are_quoted() {
    let mut odd = rows();
    odd.columns.insert("a\"b".to_owned(), FieldType::Text);
    let mut split = aggregate(Aggregate::Count, None, None);
    split.by = Some("a\"b".to_owned());
    split.filter.kinds = vec!["it's".to_owned()];
    let values = by_values_sql("f", &split, "a\"b", &odd, UnixMs(T), &Utc).unwrap();
    assert!(values.contains("\"a\"\"b\"") && values.contains("'it''s'"), "{values}");
}

#[test]
fn fields_that_do_not_fit_are_named() {
    let unknown =
        passes(&rows(), &[aggregate(Aggregate::Sum, Some("amount"), None)], 12).unwrap_err();
    assert!(unknown.to_string().contains("`amount`"), "{unknown}");
    let text =
        passes(&rows(), &[aggregate(Aggregate::Mean, Some("channel"), None)], 12).unwrap_err();
    assert!(matches!(text, FeatureError::NotANumber { function: "mean", .. }), "{text}");
    let none = passes(&rows(), &[aggregate(Aggregate::First, None, None)], 12).unwrap_err();
    assert!(matches!(none, FeatureError::MissingField { function: "first", .. }), "{none}");
    let mut timeless = rows();
    timeless.timed = false;
    let window = passes(&timeless, &[aggregate(Aggregate::Count, None, Some(1))], 12).unwrap_err();
    assert!(matches!(window, FeatureError::NoTime { .. }), "{window}");
}
