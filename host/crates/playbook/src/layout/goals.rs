//! Tables of what the brand stands for and where it means to get.

use super::bounds::TEXT;
use crate::spec::{KeySpec, Shape, TableSpec};
use Shape::{Instant, Kebab, List, Real, Reference, Words};

/// Values that a brand may stand for: more are no position.
pub(super) const VALUES_MAX: usize = 20;

/// Goals of one playbook.
pub(super) const GOALS_MAX: usize = 100;

/// Curves of one playbook.
pub(super) const CURVES_MAX: usize = 20;

/// Forecasts that one playbook holds against what came.
pub(super) const FORECASTS_MAX: usize = 20;

/// Values that one goal or one campaign may serve.
pub(super) const SERVES: Shape = List(&Kebab, VALUES_MAX);

pub(super) static GOAL: TableSpec = TableSpec {
    title: "[goals]",
    id: "goal",
    about: "Where a figure of the brand should be by a day: specific, measured, attainable, relevant, with a time (SMART). The way from the baseline to the target is a straight line; the report says how far along it the figure is.",
    keys: &[
        KeySpec::new("metric", Reference, "\"brand_members\"", "What measures it: a feature of the brand, or an output of its row.").required(),
        KeySpec::new("baseline", Real(f64::MIN, f64::MAX), "10_000", "What the metric was at `from`, in its unit.").required(),
        KeySpec::new("from", Instant, "2026-04-01", "When that was.").required(),
        KeySpec::new("target", Real(f64::MIN, f64::MAX), "12_000", "What it should be at the deadline; less than the baseline where less is better.").required(),
        KeySpec::new("deadline", Instant, "2026-07-01", "When it should be there.").required(),
        KeySpec::new("budget", TEXT, "\"20_000.00\"", "Money of [budget] that is meant for it, in units of the currency; \"0\" where it takes none. All goals together have at most the budget's total.").required(),
        KeySpec::new("serves", SERVES, "[\"freshness\"]", "Values of [brand_values] that it serves; at least one.").required(),
        KeySpec::new("objective", Kebab, "\"grow\"", "Objective whose key result it is (OKR), at most 6 of one; [labels] has its words."),
        KeySpec::new("words", Words, "{ en = \"Members\", zh = \"會員數\" }", "What it is.").default("its name"),
    ],
};

pub(super) static CURVE: TableSpec = TableSpec {
    title: "[curves]",
    id: "curve",
    about: "A figure along the bands of another, one curve for each row of its subject: how conversion goes with activity in each community.",
    keys: &[
        KeySpec::new("feature", Shape::Snake, "\"conversion_by_activity\"", "Feature with `by`, of any subject but the member; its columns are the bands, in the order of the numbers that their names begin with.").required(),
        KeySpec::new("along", Words, "{ en = \"Active days in 28\", zh = \"28 天活躍日數\" }", "What the bands are of.").required(),
        KeySpec::new("words", Words, "{ en = \"Conversion\", zh = \"轉化率\" }", "What the figure is.").default("the feature"),
    ],
};

pub(super) static FORECAST: TableSpec = TableSpec {
    title: "[forecasts]",
    id: "forecast",
    about: "What a stage foresaw of members in the cycle before, held against what came: members by their forecast, lowest first, in ten groups of the same size.",
    keys: &[
        KeySpec::new("output", Reference, "\"ltv-bgnbd.purchase_tendency\"", "Output of a stage of members: a probability, or a number that was expected.").required(),
        KeySpec::new("came", Shape::Snake, "\"bought_30d\"", "Feature of members that tells what came of it; its window is as long as the forecast looked ahead, and a cycle about as long.").required(),
        KeySpec::new("words", Words, "{ en = \"Purchase tendency\", zh = \"購買傾向\" }", "What was foreseen.").default("its name"),
    ],
};
