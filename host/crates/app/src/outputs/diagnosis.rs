//! diagnosis.json: outputs of diagnoses by row, and what they found.

use std::path::Path;

use playbook_cycle::{CycleRun, StageRun};
use playbook_model::{Column, Finding, Frame, Kind};
use serde_json::{Map, Value, json};

use super::cells::{cell, words_json, write_json};
use crate::Result;
use crate::stages::of_kind;

/// Writes diagnosis.json: outputs per table row and findings, stage by stage.
pub(crate) fn diagnosis(dir: &Path, run: &CycleRun) -> Result<()> {
    let stage = |stage: &StageRun| {
        json!({
            "stage": stage.name,
            "plugin": stage.about.name,
            "version": stage.about.version,
            "skipped": stage.fault_told(),
            "tables": tables_of(stage, run),
            "findings": stage.findings.iter().map(|f| finding(stage, f)).collect::<Vec<_>>(),
        })
    };
    let stages: Vec<Value> = of_kind(run, Kind::Diagnosis).map(stage).collect();
    write_json(&dir.join("diagnosis.json"), &json!({ "stages": stages }))
}

/// The stage's outputs of whole tables, by subject.
fn tables_of(stage: &StageRun, run: &CycleRun) -> Map<String, Value> {
    let prefix = format!("{}.", stage.name);
    let mut tables = Map::new();
    for (subject, frame) in &run.tables {
        let own: Vec<(&str, &Column)> = frame
            .columns()
            .iter()
            .filter_map(|column| Some((column.name.strip_prefix(&prefix)?, column)))
            .collect();
        if !own.is_empty() {
            let rows = (0..frame.rows()).map(|at| row(frame, &own, at)).collect();
            tables.insert(subject.clone(), Value::Array(rows));
        }
    }
    tables
}

fn row(frame: &Frame, own: &[(&str, &Column)], at: usize) -> Value {
    let key = frame.columns().first().map(|key| ("key", key));
    let cells = key.iter().chain(own).map(|(name, column)| ((*name).to_owned(), cell(column, at)));
    Value::Object(cells.collect())
}

pub(super) fn finding(stage: &StageRun, finding: &Finding) -> Value {
    let reason = stage.shape.reasons.get(finding.reason as usize);
    let place = finding.place.and_then(|p| {
        let rows = stage.places.get(p.table as usize)?;
        let table = stage.shape.tables.get(p.table as usize)?;
        Some(json!({ "subject": table.subject, "key": rows.get(p.row as usize)? }))
    });
    let suggests: Vec<Value> = finding
        .suggests
        .iter()
        .filter_map(|a| stage.shape.actions.get(*a as usize))
        .map(|a| json!({ "action": a.name, "text": words_json(&a.text) }))
        .collect();
    json!({
        "level": finding.level.name(),
        "code": reason.map(|r| r.code.as_str()),
        "text": reason.map(|r| words_json(&r.text)),
        "place": place,
        "value": finding.value,
        "threshold": finding.threshold,
        "suggests": suggests,
    })
}
