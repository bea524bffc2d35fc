//! Value on cost, and money that stages would move.

use playbook_cycle::{CycleRun, StageRun};
use playbook_model::{Frame, Kind, Minor, Place, Playbook, Produce, Role, Words};
use playbook_report::{Roi, RoiRow, Section, TransferRow};

use super::{WHOLE, sum_of};
use crate::stages::{absent, figure_of, meaning, of_kind, place_name, plugin_of, reason_words};

/// An output that is a return on cost, with its table.
pub(super) struct Return<'a> {
    stage: &'a StageRun,
    subject: &'a str,
    pub(super) table: &'a Frame,
    produce: &'a Produce,
}

impl Return<'_> {
    pub(super) fn value(&self, row: usize) -> Option<f64> {
        self.table.column(&format!("{}.{}", self.stage.name, self.produce.name))?.real(row)
    }
}

/// A name of a row in the brand's words.
fn name_of(playbook: &Playbook, name: &str) -> Words {
    playbook.labels.get(name).map_or_else(|| name.into(), |label| label.over(&name.into()))
}

/// Every return that ROI stages give, in the order of stages, tables and outputs.
pub(super) fn returns(run: &CycleRun) -> impl Iterator<Item = Return<'_>> {
    of_kind(run, Kind::Roi).filter(|s| s.fault.is_none()).flat_map(move |stage| {
        stage.shape.produces.iter().filter(|p| p.role == Role::ReturnOnCost).filter_map(
            move |produce| {
                let subject = &stage.shape.tables.get(produce.table? as usize)?.subject;
                Some(Return { stage, subject, table: run.tables.get(subject)?, produce })
            },
        )
    })
}

pub(crate) fn roi(playbook: &Playbook, run: &CycleRun) -> Section<Roi> {
    let figures = &playbook.outputs.figures;
    let mut rows = Vec::new();
    for given in returns(run) {
        let Return { stage, subject, table, produce } = given;
        let key = table.columns().first();
        let money = |features: &[String], row: usize| {
            let own = figure_of(table, features).and_then(|column| column.integer(row));
            // The one row of the whole is what the summary says, where no feature counts by it.
            let whole = || (subject == WHOLE).then(|| sum_of(run, features)).flatten();
            own.or_else(whole).map(Minor)
        };
        for row in 0..table.rows() {
            rows.push(RoiRow {
                plugin: plugin_of(stage),
                meaning: meaning(produce),
                subject: subject.to_owned(),
                name: name_of(playbook, key.and_then(|k| k.text(row)).unwrap_or(&playbook.brand)),
                revenue: money(&figures.revenue, row),
                cost: money(&figures.cost, row),
                roi: given.value(row),
                floor: floor_of(stage, subject, row),
            });
        }
    }
    let transfers: Vec<TransferRow> =
        of_kind(run, Kind::Roi).chain(of_kind(run, Kind::Diagnosis)).flat_map(transfers).collect();
    if rows.is_empty() && transfers.is_empty() {
        return Section::Empty(absent(run, Kind::Roi));
    }
    Section::Filled(Roi { rows, transfers })
}

/// Money that a stage would move, with the names of its rows.
fn transfers(stage: &StageRun) -> impl Iterator<Item = TransferRow> {
    stage.transfers_with_fates().map(|(transfer, fate)| {
        let subject = stage.shape.tables.get(transfer.table as usize).map(|t| t.subject.clone());
        let row = |row| place_name(stage, Some(Place { table: transfer.table, row }));
        TransferRow {
            stage: stage.name.clone(),
            subject: subject.unwrap_or_default(),
            from: row(transfer.from_row),
            to: row(transfer.to_row),
            amount: Minor(transfer.amount),
            fate,
            words: reason_words(stage, transfer.reason),
        }
    })
}

/// What the plugin held a row against, where it found it wanting.
fn floor_of(stage: &StageRun, subject: &str, row: usize) -> Option<f64> {
    let found = stage.findings.iter().find(|f| {
        f.place.is_some_and(|p| {
            let of_subject =
                stage.shape.tables.get(p.table as usize).is_some_and(|t| t.subject == subject);
            of_subject && p.row as usize == row
        })
    });
    found?.threshold
}
