//! The rules of a ladder once they are read, and where a row stands by them (domain SG-1, SG-2).

use playbook_domain::condition::{Condition, Lookup};
use playbook_engine::{Reading, check, check_name, pointer};

use crate::settings::Settings;

/// A segment as rows are asked.
#[derive(Debug)]
pub(crate) struct Segment {
    when: Condition,
    /// Evaluations in a row that must have reached the rung below.
    pub(crate) after: i64,
}

/// All rules, in the order of the settings.
#[derive(Debug)]
pub(crate) struct Rules {
    pub(crate) segments: Vec<Segment>,
    /// Flags in the order of their names.
    pub(crate) flags: Vec<Condition>,
    among: Condition,
    ordered: bool,
}

/// Reads the rules; none where any of them is a problem.
#[inline(never)]
pub(crate) fn read(settings: &Settings, reading: &mut Reading<'_>) -> Option<Rules> {
    let among = reading.condition(&["among"], &settings.among);
    let mut segments = Vec::new();
    for (at, name) in settings.order.iter().enumerate() {
        let Some(segment) = settings.segment.get(name) else {
            let path = pointer(&["order", &at.to_string()]);
            reading.problems.at(path, "is no segment").hint("a name of `segment`");
            continue;
        };
        let when = reading.condition(&["segment", name, "when"], &segment.when);
        segments.extend(when.map(|when| Segment { when, after: segment.after }));
    }
    for (_, left_out) in settings.segment.iter().filter(|(name, _)| !settings.order.contains(name))
    {
        reading.aside(|reading| drop(reading.condition(&[], &left_out.when)));
    }
    let mut flags = Vec::new();
    for (name, flag) in settings.flag.iter() {
        flags.extend(reading.condition(&["flag", name, "when"], &flag.when));
    }
    check_carried(settings, reading);
    let ordered = settings.ordered;
    reading.problems.is_empty().then_some(Rules { segments, flags, among: among?, ordered })
}

/// What segments carry must be declared, and within its bounds.
#[inline(never)]
fn check_carried(settings: &Settings, reading: &mut Reading<'_>) {
    let problems = &mut reading.problems;
    for (name, segment) in settings.segment.iter() {
        check_name(problems, &["segment", name], name);
        for (value, number) in segment.values.iter() {
            let path = ["segment", name, "values", value];
            let Some(bounds) = settings.value.get(value) else {
                check(problems, false, &path, "is no name of `value`");
                continue;
            };
            let is_within = bounds.least.is_none_or(|least| *number >= least)
                && bounds.most.is_none_or(|most| *number <= most);
            check(problems, is_within, &path, "lies outside the bounds of its output");
        }
        for choice in segment.choices.keys() {
            let is_known = settings.choice.has(choice);
            let path = ["segment", name, "choices", choice];
            check(problems, is_known, &path, "is no name of `choice`");
        }
    }
}

/// Where a row stands by the rules alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Counted {
    /// The segment.
    pub(crate) segment: usize,
    /// The rung that would hold if no rise had to wait.
    pub(crate) reached: usize,
}

impl Rules {
    /// Where a row stands; none where it belongs to no segment. `run` gives the evaluations in a row, this one included,
    /// in which at least the rung below was reached, for the rung that waits and the rung that is reached now.
    pub(crate) fn counted(
        &self,
        row: &impl Lookup,
        run: impl Fn(usize, usize) -> i64,
    ) -> Option<Counted> {
        if !self.among.holds(row) {
            return None;
        }
        if !self.ordered {
            let segment = self.segments.iter().position(|segment| segment.when.holds(row))?;
            return Some(Counted { segment, reached: segment });
        }
        let mut holding =
            (0..self.segments.len()).rev().filter(|at| self.segments[*at].when.holds(row));
        let reached = holding.next()?;
        let may_rise = |at: &usize| {
            let after = self.segments[*at].after;
            after <= 1 || run(*at, reached) >= after
        };
        let segment = std::iter::once(reached).chain(holding).find(may_rise)?;
        Some(Counted { segment, reached })
    }
}
