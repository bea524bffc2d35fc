//! What the brand stands for, where it means to get, and whether all that is meant serves it (Y047).

use std::collections::BTreeMap;

use playbook_model::{
    BrandValue, BudgetDef, CurveDef, FeatureDef, ForecastDef, GoalDef, Kind, Minor, StageDef,
};

use super::Reading;
use super::head::{figure_words, plain_words, words};
use super::references::Names;
use crate::merge::entry_name;
use crate::problem::{Place, Problem};
use crate::spec::one_of;
use crate::tree::{Entry, Table};

/// Key results of one objective: more are none (Y047).
const KEY_RESULTS_MAX: usize = 6;

impl Reading<'_> {
    /// The values of the brand, in the playbook's order.
    pub(super) fn brand_values(&mut self) -> Vec<BrandValue> {
        let entries = self.root.table("brand_values").map_or(&[][..], |table| &table.entries);
        let value =
            |entry: &Entry| BrandValue { name: entry.key.clone(), words: words(&entry.node) };
        entries.iter().map(value).collect()
    }

    pub(super) fn goals(
        &mut self,
        names: &Names,
        values: &[BrandValue],
        budget: Option<&BudgetDef>,
    ) -> Vec<GoalDef> {
        let table = self.root.table("goals").cloned().unwrap_or_default();
        let mut goals: Vec<GoalDef> = Vec::new();
        let mut results: BTreeMap<String, usize> = BTreeMap::new();
        for entry in &table.entries {
            let Some(goal) = self.goal(names, values, entry) else { continue };
            if let Some(objective) = &goal.objective {
                let count = results.entry(objective.clone()).or_default();
                *count += 1;
                if *count == KEY_RESULTS_MAX + 1 {
                    let message =
                        format!("`{objective}` has more than {KEY_RESULTS_MAX} key results");
                    self.add(
                        Problem::new("too-many", entry.key_place, message)
                            .expected(format!("at most {KEY_RESULTS_MAX} goals of one objective")),
                    );
                }
            }
            goals.push(goal);
        }
        self.goals_are_paid_for(&table, &goals, budget);
        goals
    }

    fn goal(&mut self, names: &Names, values: &[BrandValue], entry: &Entry) -> Option<GoalDef> {
        let table = entry.node.table()?;
        if let Some(metric) = table.entry("metric") {
            self.figure_exists(names, metric.node.text()?, metric.node.place, "a goal");
        }
        let serves = self.serves(table, values);
        if let Some(node) = table.get("serves").filter(|_| table.list("serves").is_empty()) {
            self.serves_nothing(&format!("the goal `{}`", entry.key), node.place, values);
        }
        let from = table.get("from").and_then(|node| self.instant(node, "from"));
        let deadline = table.get("deadline").and_then(|node| self.instant(node, "deadline"));
        let reserved = table.get("budget").and_then(|node| self.price(node, "budget"));
        let (baseline, target) = (table.real("baseline")?, table.real("target")?);
        let mut out_of_range = |key: &str, message: &str, expected: &str| {
            let place = table.get(key).map_or(entry.key_place, |node| node.place);
            self.add(Problem::new("out-of-range", place, message).expected(expected));
        };
        if baseline == target {
            out_of_range(
                "target",
                "`target` is the baseline, so that there is nothing to reach",
                "another value than `baseline`",
            );
        }
        let (from, deadline) = (from?, deadline?);
        if deadline <= from {
            out_of_range("deadline", "`deadline` is not after `from`", "a later time");
        }
        Some(GoalDef {
            name: entry.key.clone(),
            words: figure_words(entry),
            metric: table.text("metric")?.to_owned(),
            baseline,
            from,
            target,
            deadline,
            reserved: reserved?,
            serves,
            objective: table.text("objective").map(str::to_owned),
        })
    }

    /// What goals are meant to cost has to be there.
    fn goals_are_paid_for(&mut self, table: &Table, goals: &[GoalDef], budget: Option<&BudgetDef>) {
        let total = budget.map_or(Minor::ZERO, |budget| budget.total);
        let mut sum = 0_i128;
        for goal in goals {
            let was_within = sum <= i128::from(total.0);
            sum += i128::from(goal.reserved.0);
            if was_within && sum > i128::from(total.0) {
                let node = table.table(&goal.name).and_then(|goal| goal.get("budget"));
                let place = node.map_or_else(Place::default, |node| node.place);
                let message = match budget {
                    Some(_) => "with this the goals have more money than [budget] `total`",
                    None => "the goal has money, and there is no [budget]",
                };
                self.add(
                    Problem::new("out-of-range", place, message)
                        .expected("all goals together within the budget's total"),
                );
            }
        }
    }

    /// The values that a goal or a campaign names.
    fn serves(&mut self, table: &Table, values: &[BrandValue]) -> Vec<String> {
        let mut named = Vec::new();
        for node in table.list("serves") {
            let Some(name) = node.text() else { continue };
            if values.iter().any(|value| value.name == name) {
                named.push(name.to_owned());
                continue;
            }
            let known = values.iter().map(|value| value.name.as_str());
            let message = format!("[brand_values] has no `{name}`");
            let problem = Problem::new("unknown-value", node.place, message)
                .expected(one_of(known.clone()))
                .nearest(name, known);
            self.add(problem);
        }
        named
    }

    fn serves_nothing(&mut self, what: &str, place: Place, values: &[BrandValue]) {
        let known = one_of(values.iter().map(|value| value.name.as_str()));
        let message = format!("{what} names no value of the brand that it serves");
        self.add(
            Problem::new("missing-key", place, message)
                .expected(format!("`serves` with values of [brand_values]: {known}"))
                .hint("a campaign or a goal that serves none is not for this brand"),
        );
    }

    /// The values that each campaign serves. Where the brand says what it stands for, none may serve nothing.
    pub(super) fn campaigns_serve(
        &mut self,
        values: &[BrandValue],
        stages: &[StageDef],
    ) -> BTreeMap<String, Vec<String>> {
        let mut all = BTreeMap::new();
        for node in self.root.list("stage") {
            let Some((table, name)) = node.table().and_then(|t| Some((t, entry_name(t)?))) else {
                continue;
            };
            let Some(stage) = stages.iter().find(|stage| stage.name == name) else { continue };
            let serves = self.serves(table, values);
            match (stage.kind, table.entry("serves")) {
                (Kind::Campaign, said) if table.list("serves").is_empty() && !values.is_empty() => {
                    let place = said.map_or(node.place, |entry| entry.key_place);
                    let place = Place { len: place.len.min(80), ..place };
                    self.serves_nothing(&format!("the campaign `{name}`"), place, values);
                }
                (Kind::Campaign, _) | (_, None) => {}
                (_, Some(said)) => self.add(
                    Problem::new(
                        "needless-key",
                        said.key_place,
                        "`serves` has no effect outside of campaigns",
                    )
                    .expected("it on stages of the kind campaign, and on goals"),
                ),
            }
            if !serves.is_empty() {
                all.insert(name, serves);
            }
        }
        all
    }

    pub(super) fn curves(&mut self, names: &Names, features: &[FeatureDef]) -> Vec<CurveDef> {
        let table = self.root.table("curves").cloned().unwrap_or_default();
        table.entries.iter().filter_map(|entry| self.curve(names, features, entry)).collect()
    }

    fn curve(&mut self, names: &Names, features: &[FeatureDef], entry: &Entry) -> Option<CurveDef> {
        let table = entry.node.table()?;
        let node = table.get("feature")?;
        let feature = node.text()?.to_owned();
        self.feature_exists(names, &feature, node.place);
        if names.features.get(&feature).is_some_and(|subject| subject == "member") {
            let message = format!("`{feature}` describes members, of whom there are too many");
            self.add(
                Problem::new("subject-mismatch", node.place, message)
                    .expected("a feature of another subject, such as the community"),
            );
        }
        let found = features.iter().find(|found| found.name == feature);
        if found.is_some_and(|found| !found.definition.is_split()) {
            let message = format!("`{feature}` has one column, which is no curve");
            self.add(
                Problem::new("type-mismatch", node.place, message)
                    .expected("a feature with a column for each band: one with `by`"),
            );
        }
        Some(CurveDef {
            words: table.get("words").map_or_else(|| plain_words(&feature), words),
            along: table.get("along").map_or_else(|| plain_words(&feature), words),
            feature,
        })
    }

    pub(super) fn forecasts(&mut self, names: &Names) -> Vec<ForecastDef> {
        let table = self.root.table("forecasts").cloned().unwrap_or_default();
        let mut forecasts = Vec::new();
        for entry in &table.entries {
            let Some(table) = entry.node.table() else { continue };
            let nodes = table.get("output").zip(table.get("came"));
            let Some((output, came)) = nodes else { continue };
            let (Some(foreseen), Some(feature)) = (output.text(), came.text()) else { continue };
            self.reference_exists(names, foreseen, output.place);
            if !names.stages.contains(foreseen.split('.').next().unwrap_or_default()) {
                let message = format!("`{foreseen}` is no output of a stage, which alone foresees");
                self.add(
                    Problem::new("bad-reference", output.place, message)
                        .expected("`stage.output` of a stage of members"),
                );
            }
            self.feature_exists(names, feature, came.place);
            self.describes_members(names, came, "forecasts are");
            forecasts.push(ForecastDef {
                output: foreseen.to_owned(),
                came: feature.to_owned(),
                words: figure_words(entry),
            });
        }
        forecasts
    }
}
