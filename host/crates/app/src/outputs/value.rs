//! roi.csv and transfers.csv: value on cost, and money that plugins would move.

use std::collections::BTreeSet;
use std::path::Path;

use playbook_cycle::{CycleRun, StageRun};
use playbook_files::Csv;
use playbook_model::{Frame, Kind, TransferRefusal};

use super::cells::shown;
use crate::Result;

/// Writes roi.csv: one row per group, inputs and outputs beside each other.
pub(crate) fn roi(dir: &Path, run: &CycleRun) -> Result<()> {
    let stages: Vec<&StageRun> = run.stages.iter().filter(|s| s.kind() == Kind::Roi).collect();
    let has_output = |frame: &Frame| {
        frame
            .columns()
            .iter()
            .any(|c| stages.iter().any(|s| c.name.starts_with(&format!("{}.", s.name))))
    };
    let tables: Vec<(&String, &Frame)> = run.tables.iter().filter(|(_, f)| has_output(f)).collect();
    let mut names: Vec<&str> = Vec::new();
    let mut seen = BTreeSet::new();
    for (_, frame) in &tables {
        for column in frame.columns().iter().skip(1) {
            if seen.insert(column.name.as_str()) {
                names.push(&column.name);
            }
        }
    }
    let header: Vec<&str> = ["subject", "key"].into_iter().chain(names.iter().copied()).collect();
    let mut csv = Csv::create(&dir.join("roi.csv"), &header)?;
    for (subject, frame) in tables {
        for row in 0..frame.rows() {
            let key = frame.columns().first().map_or_else(String::new, |c| shown(c, row));
            let mut cells = vec![subject.clone(), key];
            cells.extend(
                names.iter().map(|n| frame.column(n).map_or_else(String::new, |c| shown(c, row))),
            );
            csv.row(&cells)?;
        }
    }
    csv.finish()?;
    Ok(())
}

/// Writes transfers.csv: money that plugins would move, with their reasons, and what became of it.
pub(crate) fn transfers(dir: &Path, run: &CycleRun) -> Result<()> {
    let header = [
        "stage",
        "subject",
        "from",
        "to",
        "amount_minor",
        "reason_code",
        "reason",
        "became",
        "moved_minor",
        "refusal",
    ];
    let mut csv = Csv::create(&dir.join("transfers.csv"), &header)?;
    for stage in &run.stages {
        for (transfer, fate) in stage.transfers_with_fates() {
            let table = stage.shape.tables.get(transfer.table as usize);
            let places = stage.places.get(transfer.table as usize);
            let key = |row: u32| {
                places.and_then(|rows| rows.get(row as usize)).map_or("", String::as_str)
            };
            let reason = stage.shape.reasons.get(transfer.reason as usize);
            let amount = transfer.amount.to_string();
            let moved = fate.moved().0.to_string();
            csv.row([
                stage.name.as_str(),
                table.map_or("", |t| t.subject.as_str()),
                key(transfer.from_row),
                key(transfer.to_row),
                amount.as_str(),
                reason.map_or("", |r| r.code.as_str()),
                reason.map_or("", |r| r.text.en.as_str()),
                fate.name(),
                moved.as_str(),
                fate.refusal().map_or("", TransferRefusal::name),
            ])?;
        }
    }
    csv.finish()?;
    Ok(())
}
