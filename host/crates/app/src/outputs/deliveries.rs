//! deliver/NAME.csv: tables in the layout that messaging tools import.

use std::fs;
use std::path::Path;

use playbook_cycle::CycleRun;
use playbook_files::{Csv, FileError, plain_cell, read_regular};
use playbook_model::{Delivered, Playbook};

use crate::Result;

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
    let words = |name: &str| {
        let known = stage?.shape.segments.iter().find(|segment| segment.name == name)?;
        Some(known.text.en.as_str())
    };
    for row in 0..run.members.rows() {
        let member = members.and_then(|column| column.text(row)).unwrap_or_default();
        let segment = segments.and_then(|column| column.text(row)).unwrap_or_default();
        csv.row([member, segment, words(segment).unwrap_or_default()])?;
    }
    csv.finish()?;
    Ok(())
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

    use playbook_model::{Delivered, DeliveryDef};

    use crate::small::{self, granted};

    #[test]
    fn tables_say_who_what_and_why_first() {
        let dir = tempfile::tempdir().unwrap();
        let run = small::run(["low", ""], vec![granted(0, 0, 150)]);
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
        assert_eq!(text("who.csv"), "member,segment,reason\n'=a,low,low\nb,,\n");
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
