//! What stages say of tables with several rows, and of money: a table each, whatever the plugin.

use playbook_cycle::{CycleRun, StageRun};
use playbook_model::{Cells, Column, Frame, Kind, Produce, Role};
use playbook_report::{StageCell, StageColumn, StageTable};

use crate::diagnosis::mark;
use crate::stages::{meaning, plugin_of};

/// Rows of one table that a page shows.
const ROWS_SHOWN: usize = 60;

/// The tables of diagnoses with several rows, and what ROI stages say beside returns; in the order of stages.
pub(crate) fn stage_tables(run: &CycleRun) -> Vec<StageTable> {
    let of_kind = |stage: &&StageRun| matches!(stage.kind(), Kind::Diagnosis | Kind::Roi);
    let stages = run.stages.iter().filter(of_kind).filter(|stage| stage.fault.is_none());
    let mut tables = Vec::new();
    for stage in stages {
        for (table, need) in (0_u32..).zip(&stage.shape.tables) {
            let Some(frame) = run.tables.get(&need.subject).filter(|frame| frame.rows() > 0) else {
                continue;
            };
            if stage.kind() == Kind::Diagnosis && frame.rows() == 1 {
                continue;
            }
            let produces = shown(stage, table);
            if produces.is_empty() {
                continue;
            }
            let rows = rows_shown(stage, table, frame);
            let column = |produce: &&Produce| column(stage, frame, produce, &rows);
            let key = frame.columns().first();
            let name = |row: &usize| key.and_then(|key| key.text(*row)).unwrap_or("").to_owned();
            let columns: Vec<StageColumn> = produces.iter().map(column).collect();
            let judges = |(p, c): (&&Produce, &StageColumn)| weight(p) <= JUDGES && is_known(c);
            tables.push(StageTable {
                plugin: plugin_of(stage),
                kind: stage.kind(),
                judges: produces.iter().zip(&columns).any(judges),
                subject: need.subject.clone(),
                rows: rows.iter().map(name).collect(),
                rows_left_out: (frame.rows() - rows.len()) as u64,
                columns,
            });
        }
    }
    // What judges comes first, what nothing was measured of last.
    tables.sort_by_key(|table| (!table.columns.iter().any(is_known), !table.judges));
    tables
}

/// Whether any row has a value of the column.
fn is_known(column: &StageColumn) -> bool {
    column.cells.iter().any(|cell| *cell != StageCell::Missing)
}

/// Outputs of a table, those that say most first. Indicators stand behind the dimensions that they belong to, returns have
/// drawings of their own.
fn shown(stage: &StageRun, table: u32) -> Vec<&Produce> {
    let of_table = || stage.shape.produces.iter().filter(move |p| p.table == Some(table));
    let has_dimensions = of_table().any(|p| p.role == Role::Dimension);
    let mut produces: Vec<&Produce> = of_table()
        .filter(|p| !(has_dimensions && p.role == Role::Indicator))
        .filter(|p| !(stage.kind() == Kind::Roi && p.role == Role::ReturnOnCost))
        .collect();
    produces.sort_by_key(|produce| weight(produce));
    produces
}

/// Weights of outputs that judge: totals, levels, scores.
const JUDGES: u8 = 2;

/// Order of outputs by how much they say.
fn weight(produce: &Produce) -> u8 {
    match produce.role {
        Role::Total => 0,
        Role::Level => 1,
        Role::Dimension | Role::Score => JUDGES,
        Role::Segment => 3,
        Role::Value | Role::ReturnOnCost | Role::Probability => 4,
        Role::Other => 5,
        Role::Indicator => 6,
        Role::Coverage => 7,
    }
}

/// All rows in their order; of a long table those that findings name, then the last ones from the end.
fn rows_shown(stage: &StageRun, table: u32, frame: &Frame) -> Vec<usize> {
    let places = stage.findings.iter().filter_map(|finding| finding.place);
    let named = places.filter(|place| place.table == table).map(|place| place.row as usize);
    let last = (0..frame.rows()).rev();
    let mut rows: Vec<usize> = Vec::new();
    for row in named.chain(last) {
        if rows.len() == ROWS_SHOWN {
            break;
        }
        if !rows.contains(&row) {
            rows.push(row);
        }
    }
    if frame.rows() <= ROWS_SHOWN {
        rows.sort_unstable();
    }
    rows
}

fn column(stage: &StageRun, frame: &Frame, produce: &Produce, rows: &[usize]) -> StageColumn {
    let column = frame.column(&format!("{}.{}", stage.name, produce.name));
    let cell = |row: &usize| column.map_or(StageCell::Missing, |c| cell(stage, produce, c, *row));
    StageColumn {
        words: meaning(produce),
        unit: produce.unit.clone(),
        scale: produce.least.zip(produce.most),
        cells: rows.iter().map(cell).collect(),
    }
}

fn cell(stage: &StageRun, produce: &Produce, column: &Column, row: usize) -> StageCell {
    let found = match &column.cells {
        Cells::Category { .. } | Cells::Text(_) => column.text(row).map(|name| {
            let at = produce.categories.iter().position(|category| category == name);
            match at.filter(|_| produce.role == Role::Level) {
                Some(at) => mark(stage, produce, at),
                None => None,
            }
            .map_or_else(|| StageCell::Words(stage.shape.words_of(name)), StageCell::Level)
        }),
        _ => column.real(row).map(StageCell::Number),
    };
    found.unwrap_or(StageCell::Missing)
}
