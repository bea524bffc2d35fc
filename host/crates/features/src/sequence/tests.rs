//! Sequences of a few rows by hand.

#![allow(clippy::unwrap_used, reason = "tests")]

use playbook_model::{EventFilter, Give, SequenceRule, Steps};

use super::{Parts, SequenceRow, fold_members};
use crate::Number;

const DAY: i64 = 86_400_000;
const MINUTE: i64 = 60_000;

/// What is told of the rows of one member, each a time and a mark.
fn told(rule: &SequenceRule, rows: &[(i64, i64)], give: Give) -> Number<'static> {
    let row = |(time, mark): &(i64, i64)| SequenceRow::new(rule, 0, 0, *time, *mark);
    let mut found = Vec::new();
    // Neither the order in which rows come, nor how often they are sorted, shows.
    for turn in 0..rows.len().max(1) {
        let mut rows: Vec<SequenceRow> = rows.iter().map(row).collect();
        rows.rotate_left(turn);
        let mut all: Option<Parts> = None;
        fold_members(rule, &mut rows, |_, _, parts| all = Some(parts));
        found.push(all.map_or(Number::Missing, |parts| parts.value(give, 10 * DAY, |ms| ms)));
    }
    assert!(found.windows(2).all(|two| two[0] == two[1]), "{found:?}");
    found[0]
}

fn steps(count: usize, within_ms: Option<i64>) -> Steps {
    Steps { steps: vec![EventFilter::default(); count], within_ms }
}

#[test]
fn a_session_ends_where_more_than_the_gap_passes() {
    let rule = SequenceRule::SessionsByGap(30 * MINUTE);
    let rows: Vec<(i64, i64)> =
        [0, 30, 61, 61, 200].into_iter().map(|minute| (minute * MINUTE, 0)).collect();
    let want = [
        (Give::Count, Number::Integer(3)),
        (Give::EventsMean, Number::Real(5.0 / 3.0)),
        (Give::LengthMean, Number::Real(10.0)),
        (Give::LengthSum, Number::Real(30.0)),
        (Give::SingleShare, Number::Real(1.0 / 3.0)),
        (Give::Recency, Number::Integer(9)),
    ];
    for (give, want) in want {
        assert_eq!(told(&rule, &rows, give), want, "{give:?}");
    }
}

#[test]
fn a_session_by_id_is_one_whatever_lies_between() {
    let rule = SequenceRule::SessionsById("field_visit".to_owned());
    let rows = [(0, 7), (5 * DAY, 7), (DAY, -3), (5 * DAY + 1, -3)];
    assert_eq!(told(&rule, &rows, Give::Count), Number::Integer(2));
    assert_eq!(told(&rule, &rows, Give::LengthSum), Number::Real((9 * DAY + 1) as f64 / 6e4));
    assert_eq!(told(&rule, &rows, Give::Recency), Number::Integer(9));
}

#[test]
fn a_funnel_takes_its_steps_in_order_within_its_time() {
    let three = SequenceRule::Funnel(steps(3, Some(10)));
    let deepest = |rows: &[(i64, i64)]| told(&three, rows, Give::Deepest);
    // Bits: 1, 2, 4.
    assert_eq!(deepest(&[(1, 1), (2, 2), (3, 4)]), Number::Integer(3));
    assert_eq!(deepest(&[(1, 4), (2, 2), (3, 1)]), Number::Integer(1));
    assert_eq!(deepest(&[(1, 2), (2, 4)]), Number::Integer(0));
    assert_eq!(deepest(&[(1, 1), (3, 4), (4, 2)]), Number::Integer(2));
    // The bound is counted from the first step to the last, and belongs to it.
    assert_eq!(deepest(&[(1, 1), (6, 2), (11, 4)]), Number::Integer(3));
    assert_eq!(deepest(&[(1, 1), (6, 2), (12, 4)]), Number::Integer(2));
    assert_eq!(told(&three, &[(1, 1), (6, 2), (11, 4)], Give::Time), Number::Real(10.0 / 864e5));
    // A later attempt may succeed where the first is too slow, and the first success gives the time.
    let late = [(1, 1), (8, 1), (9, 2), (14, 4), (15, 1), (16, 2), (17, 4)];
    assert_eq!(told(&three, &late, Give::Time), Number::Real(6.0 / 864e5));
    // A later first step does not hide the second step of an earlier attempt.
    assert_eq!(deepest(&[(1, 1), (2, 2), (3, 1), (4, 4)]), Number::Integer(3));
    for (give, want) in [
        (Give::Reached(Some(2)), Number::Integer(1)),
        (Give::Complete, Number::Integer(0)),
        (Give::Share, Number::Real(0.0)),
        (Give::Time, Number::Missing),
    ] {
        assert_eq!(told(&three, &[(1, 1), (2, 2)], give), want);
    }
    assert_eq!(told(&three, &[(1, 2)], Give::Share), Number::Missing);
}

#[test]
fn events_at_one_time_stand_in_the_order_of_the_steps() {
    let three = SequenceRule::Funnel(steps(3, None));
    assert_eq!(told(&three, &[(5, 4), (5, 2), (5, 1)], Give::Deepest), Number::Integer(3));
    // An event takes one step: two are needed for two, and the order is such that two suffice.
    let again = SequenceRule::Funnel(steps(2, None));
    assert_eq!(told(&again, &[(5, 3)], Give::Deepest), Number::Integer(1));
    assert_eq!(told(&again, &[(5, 3), (5, 3)], Give::Deepest), Number::Integer(2));
    assert_eq!(told(&again, &[(5, 2), (5, 3)], Give::Deepest), Number::Integer(2));
    assert_eq!(told(&again, &[(5, 1), (5, 3)], Give::Deepest), Number::Integer(2));
}

#[test]
fn a_conversion_counts_first_events_that_are_followed() {
    let rule = SequenceRule::Conversion(steps(2, Some(10)));
    let rows = [(1, 1), (2, 1), (12, 2), (13, 2), (20, 1), (40, 2), (50, 1)];
    assert_eq!(told(&rule, &rows, Give::Count), Number::Integer(1));
    assert_eq!(told(&rule, &rows, Give::Share), Number::Real(0.25));
    assert_eq!(told(&rule, &rows, Give::Time), Number::Real(10.0 / 864e5));
    assert_eq!(told(&rule, &[(1, 2), (3, 2)], Give::Share), Number::Missing);
    assert_eq!(told(&rule, &[(1, 1)], Give::Time), Number::Missing);
    // An event does not follow itself; the same kind twice is a repeat.
    assert_eq!(told(&rule, &[(1, 3)], Give::Count), Number::Integer(0));
    assert_eq!(told(&rule, &[(1, 3), (4, 3), (9, 3)], Give::Share), Number::Real(2.0 / 3.0));
    // At the same time a view comes before its order.
    assert_eq!(told(&rule, &[(1, 2), (1, 1)], Give::Count), Number::Integer(1));
}

#[test]
fn parts_of_members_add_up() {
    let rule = SequenceRule::Funnel(steps(2, None));
    let row = |member, time, mark| SequenceRow::new(&rule, 4, member, time, mark);
    let mut rows =
        vec![row(2, DAY, 1), row(1, 0, 1), row(1, DAY, 2), row(3, 5, 1), row(3, 3 * DAY + 5, 2)];
    let mut all: Option<Parts> = None;
    fold_members(&rule, &mut rows, |group, _, parts| {
        assert_eq!(group, 4);
        match &mut all {
            Some(all) => all.add(&parts),
            None => all = Some(parts),
        }
    });
    let told = |give| all.as_ref().unwrap().value(give, 0, |ms| ms);
    assert_eq!(told(Give::Reached(Some(1))), Number::Integer(3));
    assert_eq!(told(Give::Complete), Number::Integer(2));
    assert_eq!(told(Give::Share), Number::Real(2.0 / 3.0));
    assert_eq!(told(Give::Time), Number::Real(2.0));
}
