//! The core indicators: figures of the brand that the playbook names, and the use of its budget.

use playbook_cycle::{CycleRun, StageRun};
use playbook_model::{Column, Minor, Playbook, Produce, Role, Words};
use playbook_report::{IndicatorTarget, IndicatorTile, Maker};

use super::{WHOLE, of_brand};
use crate::stages::{comparison, meaning, plugin_of};

/// Name of the one indicator that the host makes itself.
const BUDGET_USE: &str = "budget.use";

/// The indicators of the playbook with the cycle before and their targets; nothing where it names none.
pub(super) fn indicators(playbook: &Playbook, run: &CycleRun) -> Vec<IndicatorTile> {
    let named = &playbook.outputs.indicators;
    let mut tiles: Vec<IndicatorTile> = named
        .iter()
        .map(|indicator| {
            let name = &indicator.name;
            let column = of_brand(run, name);
            let value = column.and_then(|column| column.real(0));
            IndicatorTile {
                words: indicator.words.clone(),
                name: name.clone(),
                unit: unit(run, name, column),
                value,
                before: run.before(WHOLE, name).and_then(|column| column.real(0)),
                target: target(playbook, name, value),
                maker: maker(playbook, run, name),
            }
        })
        .collect();
    if !named.is_empty() {
        tiles.extend(budget_use(playbook, run));
    }
    tiles
}

/// The unit of a figure. A return is a factor, which nobody reads as a share.
fn unit(run: &CycleRun, name: &str, column: Option<&Column>) -> String {
    match output(run, name) {
        Some((_, produce)) if produce.role == Role::ReturnOnCost => String::new(),
        _ => column.map(|column| column.unit.clone()).unwrap_or_default(),
    }
}

/// The stage and the output that a name stands for.
fn output<'r>(run: &'r CycleRun, name: &str) -> Option<(&'r StageRun, &'r Produce)> {
    let (stage, output) = name.split_once('.')?;
    let stage = run.stages.iter().find(|run| run.name == stage)?;
    Some((stage, stage.shape.produces.iter().find(|produce| produce.name == output)?))
}

fn target(playbook: &Playbook, name: &str, value: Option<f64>) -> Option<IndicatorTarget> {
    let target = playbook.outputs.targets.iter().find(|target| target.name == name)?;
    Some(IndicatorTarget {
        comparison: comparison(target.comparison).to_owned(),
        value: target.value,
        state: target.state(value),
    })
}

fn maker(playbook: &Playbook, run: &CycleRun, name: &str) -> Maker {
    let feature = |name: &str| playbook.features.iter().find(|feature| feature.name == name);
    let stem = name.split('.').next().unwrap_or(name);
    match (feature(name).or_else(|| feature(stem)), output(run, name)) {
        (None, Some((stage, produce))) => Maker::Output {
            plugin: plugin_of(stage),
            digest: stage.digest,
            meaning: meaning(produce),
        },
        (found, _) => {
            let about = found.map(|feature| feature.about.clone()).unwrap_or_default();
            Maker::Feature { about }
        }
    }
}

/// What of the brand's budget is granted or reserved.
#[expect(clippy::cast_precision_loss, reason = "a share for display")]
fn budget_use(playbook: &Playbook, run: &CycleRun) -> Option<IndicatorTile> {
    playbook.budget.as_ref()?;
    let whole = run.accounts.first()?;
    let Minor(limit) = whole.allocated;
    let words =
        Words { en: "Use of the budget".to_owned(), zh: Some("預算使用率".to_owned()) };
    Some(IndicatorTile {
        words,
        name: BUDGET_USE.to_owned(),
        unit: "ratio".to_owned(),
        value: (limit > 0).then(|| (whole.reserved.0 + whole.spent.0) as f64 / limit as f64),
        before: None,
        target: None,
        maker: Maker::Host,
    })
}
