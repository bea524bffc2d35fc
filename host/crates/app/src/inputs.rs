//! What stages read of members, as it is shown to people.

use playbook_cycle::{CycleRun, Input, StageRun};
use playbook_model::Need;
use serde::Serialize;
use serde_json::Value;

use crate::outputs::cell;

/// A value that a stage read.
#[derive(Debug, Clone, Serialize)]
pub struct InputSaid {
    /// Name in the plugin.
    pub name: String,
    /// Column of the run that fills it; `None` where nothing does.
    pub column: Option<String>,
    /// Its unit.
    pub unit: String,
    /// The value; null: missing.
    pub value: Value,
}

/// What a stage read of a member.
pub(crate) fn inputs_said(run: &CycleRun, ran: &StageRun, row: usize) -> Vec<InputSaid> {
    let needs = ran.shape.rows.iter().flat_map(|need| &need.columns);
    needs.zip(&ran.wiring.rows).map(|(need, input)| input_said(run, need, input, row)).collect()
}

/// The values of several columns.
fn list(run: &CycleRun, names: &[String], row: usize) -> Value {
    let value = |name: &String| run.members.column(name).map_or(Value::Null, |c| cell(c, row));
    names.iter().map(value).collect()
}

fn input_said(run: &CycleRun, need: &Need, input: &Input, row: usize) -> InputSaid {
    let (column, value) = match input {
        Input::Absent => (None, None),
        Input::Key => (Some("key".to_owned()), Some(run.keys[row].into())),
        Input::Feature(name) | Input::Output(name) => {
            (Some(name.clone()), run.members.column(name).map(|column| cell(column, row)))
        }
        Input::List(names) => (Some(names.join(" ")), Some(list(run, names, row))),
        Input::Previous(ago, name) => {
            let frame = run.previous.of("member").get(usize::from(*ago).wrapping_sub(1));
            let column = frame.and_then(|frame| frame.column(name));
            (Some(need.source.name()), column.map(|column| cell(column, row)))
        }
    };
    InputSaid {
        name: need.source.name(),
        column,
        unit: need.unit.clone(),
        value: value.unwrap_or(Value::Null),
    }
}
