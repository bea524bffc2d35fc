//! deliver/NAME.csv: tables in the layout that messaging tools import.

use std::fs;
use std::path::Path;

use playbook_cycle::{CycleRun, Input, StageRun};
use playbook_files::{Csv, FileError, plain_cell, read_regular};
use playbook_model::{Delivered, Playbook};
use serde_json::Value;

use crate::Result;
use crate::inputs::inputs_said;

/// What a stage read of a member that stands in a reason.
const INPUTS_MAX: usize = 8;

/// Folder of a run's results with what is delivered.
pub(crate) const DELIVER_FOLDER: &str = "deliver";

/// Columns of delivered grants: who, what and why first.
const GRANTS: [&str; 10] = [
    "member",
    "action",
    "reason",
    "stage",
    "quantity",
    "cost_minor",
    "not_before",
    "not_after",
    "status",
    "key",
];

/// The file of a delivery, by its name in the results.
pub(crate) fn delivery_file(name: &str) -> String {
    format!("{DELIVER_FOLDER}/{name}.csv")
}

/// Writes all deliveries of a playbook; grants.csv is written.
pub(crate) fn deliveries(dir: &Path, run: &CycleRun, playbook: &Playbook) -> Result<()> {
    if playbook.outputs.deliveries.is_empty() {
        return Ok(());
    }
    let folder = dir.join(DELIVER_FOLDER);
    fs::create_dir_all(&folder).map_err(FileError::of("create", &folder))?;
    for delivery in &playbook.outputs.deliveries {
        let path = dir.join(delivery_file(&delivery.name));
        match &delivery.what {
            Delivered::Segments(stage) => segments(&path, run, stage)?,
            Delivered::Grants => grants(&path, &dir.join("grants.csv"))?,
        }
    }
    Ok(())
}

/// The segment of every member; the cell is empty of one that belongs to none.
fn segments(path: &Path, run: &CycleRun, stage: &str) -> Result<()> {
    let mut csv = Csv::create(path, &["member", "segment", "reason"])?;
    let members = run.members.column("member");
    let segments = run.members.column(&format!("{stage}.segment"));
    let stage = run.stages.iter().find(|known| known.name == stage);
    for row in 0..run.members.rows() {
        let member = members.and_then(|column| column.text(row)).unwrap_or_default();
        let segment = segments.and_then(|column| column.text(row)).unwrap_or_default();
        let reason =
            stage.filter(|_| !segment.is_empty()).map(|stage| reason(run, stage, segment, row));
        csv.row([member, segment, &reason.unwrap_or_default()])?;
    }
    csv.finish()?;
    Ok(())
}

/// Why a member is in its segment: the segment in words, and what the stage read of the member.
fn reason(run: &CycleRun, stage: &StageRun, segment: &str, row: usize) -> String {
    let known = stage.shape.segments.iter().find(|known| known.name == segment);
    let words = known.map_or(segment, |known| known.text.en.as_str());
    let inputs = inputs_said(run, stage, row).into_iter().zip(&stage.wiring.rows);
    // Neither the member's key nor what an earlier cycle said is a reason.
    let inputs = inputs
        .filter(|(_, of)| matches!(of, Input::Feature(_) | Input::Output(_) | Input::List(_)));
    let read =
        inputs.filter_map(|(input, _)| Some(format!("{} {}", input.column?, shown(&input.value)?)));
    let read: Vec<String> = read.take(INPUTS_MAX).collect();
    if read.is_empty() { words.to_owned() } else { format!("{words}: {}", read.join(", ")) }
}

/// A value for people; `None` where it is missing.
fn shown(value: &Value) -> Option<String> {
    match value {
        Value::Null => None,
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => match number.as_f64().filter(|_| number.is_f64()) {
            Some(real) => Some(((real * 1e4).round() / 1e4).to_string()),
            None => Some(number.to_string()),
        },
        other => Some(other.to_string()),
    }
}

/// The grants of grants.csv, in other columns.
fn grants(path: &Path, from: &Path) -> Result<()> {
    let bytes = read_regular(from)?;
    let fault = |error: csv::Error| FileError::of("read", from)(error.into());
    let mut reader = csv::Reader::from_reader(bytes.as_slice());
    let header = reader.headers().map_err(fault)?.clone();
    let places = GRANTS.map(|name| header.iter().position(|known| known == name));
    let mut csv = Csv::create(path, &GRANTS)?;
    for record in reader.records() {
        let record = record.map_err(fault)?;
        csv.row(places.map(|at| plain_cell(at.and_then(|at| record.get(at)).unwrap_or_default())))?;
    }
    csv.finish()?;
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use std::fs;

    use playbook_cycle::{Input, Wiring};
    use playbook_model::{
        CellType, Cells, Column, Delivered, DeliveryDef, Need, Source, TableNeed,
    };

    use crate::small::{self, granted};

    #[test]
    fn tables_say_who_what_and_why_first() {
        let dir = tempfile::tempdir().unwrap();
        let mut run = small::run(["low", ""], vec![granted(0, 0, 150)]);
        let count = Cells::Integer(vec![3, 5]);
        let share = Cells::Real(vec![1.0 / 3.0, 0.5]);
        let mut needs = Vec::new();
        for (name, cells) in [("orders_30d", count), ("share", share)] {
            needs.push(Need {
                source: Source::Feature(name.to_owned()),
                cell_type: CellType::Real,
                unit: String::new(),
                required: true,
                categories: Vec::new(),
            });
            run.members.push(Column {
                name: name.to_owned(),
                unit: String::new(),
                cells,
                valid: None,
            });
        }
        let rows = ["orders_30d", "share"].map(|name| Input::Feature(name.to_owned()));
        let rows = [&[Input::Key][..], &rows].concat();
        needs.insert(0, Need { source: Source::Key, ..needs[0].clone() });
        let mut shape = run.stages[0].shape.as_ref().clone();
        shape.rows = Some(TableNeed { subject: "member".to_owned(), columns: needs });
        run.stages[0].shape = shape.into();
        run.stages[0].wiring = Wiring { rows, tables: Vec::new() }.into();
        let mut playbook = small::playbook();
        let delivery = |name: &str, what| DeliveryDef {
            name: name.to_owned(),
            what,
            connection: None,
            to: String::new(),
        };
        playbook.outputs.deliveries = vec![
            delivery("who", Delivered::Segments("tiers".to_owned())),
            delivery("gifts", Delivered::Grants),
        ];
        crate::outputs::grants(dir.path(), &run, &playbook, &small::intake()).unwrap();
        super::deliveries(dir.path(), &run, &playbook).unwrap();
        let text = |name: &str| fs::read_to_string(dir.path().join("deliver").join(name)).unwrap();
        // Why a member is where it is, in words and numbers; nothing of one that is nowhere.
        assert_eq!(
            text("who.csv"),
            "member,segment,reason\n'=a,low,\"low: orders_30d 3, share 0.3333\"\nb,,\n"
        );
        let gifts = text("gifts.csv");
        assert!(
            gifts.starts_with(
                "member,action,reason,stage,quantity,cost_minor,not_before,not_after,status,key\n\
                 '=a,gift,\"Near the next tier, \"\"soon\"\"\",rewards,2,150,2026-03-01T"
            ),
            "{gifts}"
        );
    }
}
