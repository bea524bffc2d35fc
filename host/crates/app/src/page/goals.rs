//! Goals of the brand with where they stand.

use playbook_cycle::CycleRun;
use playbook_model::{GoalDef, Playbook, UnixMs};
use playbook_report::{GoalRow, Goals};

use super::of_brand;
use crate::clock;

/// The goals of the playbook at a moment, and what serves which value of the brand.
pub(super) fn goals(playbook: &Playbook, run: &CycleRun, as_of: UnixMs) -> Goals {
    let outputs = &playbook.outputs;
    let values = outputs.brand_values.iter();
    Goals {
        values: values.map(|value| (value.name.clone(), value.words.clone())).collect(),
        rows: outputs.goals.iter().map(|goal| row(playbook, run, as_of, goal)).collect(),
        campaigns: outputs.serves.clone().into_iter().collect(),
    }
}

fn row(playbook: &Playbook, run: &CycleRun, as_of: UnixMs, goal: &GoalDef) -> GoalRow {
    let zone = playbook.time_zone.as_str();
    let column = of_brand(run, &goal.metric);
    let value = column.and_then(|column| column.real(0));
    let ends = [as_of, clock::month_end(as_of, zone), clock::quarter_end(as_of, zone)];
    GoalRow {
        words: goal.words.clone(),
        metric: goal.metric.clone(),
        unit: column.map(|column| column.unit.clone()).unwrap_or_default(),
        value,
        baseline: goal.baseline,
        from: clock::day(goal.from, zone),
        target: goal.target,
        deadline: clock::day(goal.deadline, zone),
        path: ends.map(|at| goal.path(at)),
        progress: value.map(|value| goal.progress(value)),
        state: goal.state(value, as_of),
        reserved: goal.reserved,
        serves: goal.serves.clone(),
        objective: goal.objective.clone().unwrap_or_default(),
    }
}
