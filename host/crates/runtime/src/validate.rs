//! Holds answers against the shape; what breaks the contract is described by column and row.

use std::collections::HashSet;

use playbook_model::{
    CampaignPlan, CellType, Columns, Description, Factor, Finding, FitStep, Kind, Minor,
    NONE_INDEX, Need, Place, Produce, Proposals, RowAnswer, Segments, Shape, Source, TableAnswer,
    TextCells, Wide,
};

/// Bounds of a shape.
const COLUMNS_MAX: usize = 1_024;
const TABLES_MAX: usize = 64;
const NAMED_MAX: usize = 4_096;
const SCHEMA_BYTES_MAX: usize = 64 << 10;
/// Bounds of a plan.
const PHASES_MAX: usize = 64;
const ALLOCATIONS_MAX: usize = 4_096;
const CONTENT_MAX: usize = 4_096;
const SLOTS_MAX: usize = 65_536;
const DAYS_MAX: u32 = 3_650;
const MINUTES_A_DAY: u16 = 1_440;

/// What is wrong with an answer, in words.
pub(crate) type Checked = Result<(), String>;

/// A column that is expected in an answer.
struct Expected<'a> {
    name: &'a str,
    cell_type: CellType,
    least: Option<f64>,
    most: Option<f64>,
    categories: usize,
}

impl<'a> From<&'a Produce> for Expected<'a> {
    fn from(p: &'a Produce) -> Self {
        Self {
            name: &p.name,
            cell_type: p.cell_type,
            least: p.least,
            most: p.most,
            categories: p.categories.len(),
        }
    }
}

// ---- columns -----------------------------------------------------------------------------------

/// Holds a host's own batch against what the plugin asked for.
pub(crate) fn input(needs: &[Need], rows: u32, columns: &Columns) -> Checked {
    lengths(needs.iter().map(|n| n.cell_type), rows as usize, columns)
}

/// Holds columns of one table against the outputs that belong to it.
fn produced(shape: &Shape, table: Option<u32>, rows: usize, columns: &Columns) -> Checked {
    let produces = || shape.produces.iter().filter(|p| p.table == table);
    lengths(produces().map(|p| p.cell_type), rows, columns)?;
    values(produces().map(Expected::from), rows, columns)
}

/// Checks that every list is as long as the declared columns and the rows ask for.
fn lengths(types: impl Iterator<Item = CellType>, rows: usize, columns: &Columns) -> Checked {
    let (mut reals, mut integers, mut wides) = (0, 0, 0);
    for cell_type in types {
        match cell_type {
            CellType::Real => reals += 1,
            CellType::Integer | CellType::Category => integers += 1,
            CellType::Text | CellType::Reals | CellType::Integers | CellType::Texts => wides += 1,
        }
    }
    same("reals", columns.reals.len(), reals * rows)?;
    same("integers", columns.integers.len(), integers * rows)?;
    if let Some(valid) = &columns.valid {
        same("valid", valid.len(), (reals + integers + wides) * rows.div_ceil(8))?;
    }
    same("wides", columns.wides.as_ref().map_or(0, Vec::len), wides)
}

fn same(list: &str, found: usize, wanted: usize) -> Checked {
    if found == wanted {
        Ok(())
    } else {
        Err(format!("list `{list}` has {found} entries, {wanted} are declared"))
    }
}

/// Checks every value; lengths are right already.
fn values<'a>(
    expected: impl Iterator<Item = Expected<'a>>,
    rows: usize,
    columns: &Columns,
) -> Checked {
    let (mut reals, mut integers, mut wides) = (0, 0, 0);
    for (at, column) in expected.enumerate() {
        let column = &column;
        let valid = |row: usize| columns.is_valid(at, row, rows);
        match column.cell_type {
            CellType::Real => {
                real(column, &columns.reals[reals * rows..(reals + 1) * rows], valid)?;
                reals += 1;
            }
            CellType::Integer | CellType::Category => {
                integer(column, &columns.integers[integers * rows..(integers + 1) * rows], valid)?;
                integers += 1;
            }
            CellType::Text | CellType::Reals | CellType::Integers | CellType::Texts => {
                let list = columns.wides.as_ref().and_then(|w| w.get(wides));
                wide(column, list.ok_or("a wide column is absent")?, rows)?;
                wides += 1;
            }
        }
    }
    Ok(())
}

fn real(column: &Expected<'_>, values: &[f64], valid: impl Fn(usize) -> bool) -> Checked {
    // One pass without branches for the usual case; the slow pass only names the row.
    if !values.iter().fold(true, |all, v| all & v.is_finite()) {
        let row = values.iter().position(|v| !v.is_finite()).unwrap_or_default();
        return Err(format!("column `{}` row {row}: {} is not finite", column.name, values[row]));
    }
    let least = column.least.unwrap_or(f64::NEG_INFINITY);
    let most = column.most.unwrap_or(f64::INFINITY);
    if values.iter().fold(true, |all, v| all & (*v >= least) & (*v <= most)) {
        return Ok(());
    }
    match values.iter().enumerate().find(|(row, v)| (**v < least || **v > most) && valid(*row)) {
        None => Ok(()),
        Some((row, v)) => Err(outside(column, row, &v.to_string())),
    }
}

#[expect(clippy::cast_precision_loss, reason = "bounds of columns are far below 2^53")]
fn integer(column: &Expected<'_>, values: &[i64], valid: impl Fn(usize) -> bool) -> Checked {
    if column.cell_type == CellType::Category {
        let known = |v: i64| usize::try_from(v).is_ok_and(|v| v < column.categories);
        return match values.iter().enumerate().find(|(row, v)| !known(**v) && valid(*row)) {
            None => Ok(()),
            Some((row, v)) => Err(format!(
                "column `{}` row {row}: {v} is no position in its {} categories",
                column.name, column.categories
            )),
        };
    }
    if column.least.is_none() && column.most.is_none() {
        return Ok(());
    }
    let least = column.least.unwrap_or(f64::NEG_INFINITY);
    let most = column.most.unwrap_or(f64::INFINITY);
    let beyond = |v: i64| (v as f64) < least || (v as f64) > most;
    match values.iter().enumerate().find(|(row, v)| beyond(**v) && valid(*row)) {
        None => Ok(()),
        Some((row, v)) => Err(outside(column, row, &v.to_string())),
    }
}

fn outside(column: &Expected<'_>, row: usize, value: &str) -> String {
    let bound = |b: Option<f64>| b.map_or_else(|| "open".to_owned(), |b| b.to_string());
    format!(
        "column `{}` row {row}: {value} is outside {} to {}",
        column.name,
        bound(column.least),
        bound(column.most)
    )
}

fn wide(column: &Expected<'_>, cells: &Wide, rows: usize) -> Checked {
    let named = |text: String| format!("column `{}`: {text}", column.name);
    let checked = match (column.cell_type, cells) {
        (CellType::Text, Wide::Text(cells)) => texts(cells, rows),
        (CellType::Reals, Wide::Reals(cells)) => ends(&cells.ends, rows, cells.values.len())
            .and_then(|()| {
                if cells.values.iter().all(|v| v.is_finite()) {
                    Ok(())
                } else {
                    Err("a value is not finite".to_owned())
                }
            }),
        (CellType::Integers, Wide::Integers(cells)) => ends(&cells.ends, rows, cells.values.len()),
        (CellType::Texts, Wide::Texts(cells)) => ends(&cells.ends, rows, cells.values.ends.len())
            .and_then(|()| texts(&cells.values, cells.values.ends.len())),
        _ => Err(format!("another type than {}", column.cell_type.name())),
    };
    checked.map_err(named)
}

fn texts(cells: &TextCells, rows: usize) -> Checked {
    ends(&cells.ends, rows, cells.bytes.len())?;
    match (0..rows).find(|row| cells.get(*row).is_none()) {
        None => Ok(()),
        Some(row) => Err(format!("row {row} is not UTF-8")),
    }
}

/// Checks end offsets: one a row, never falling, the last one at the end.
fn ends(ends: &[u32], rows: usize, values: usize) -> Checked {
    same("ends", ends.len(), rows)?;
    if ends.windows(2).any(|pair| pair[0] > pair[1]) {
        return Err("end offsets fall".to_owned());
    }
    same("values", values, ends.last().map_or(0, |end| *end as usize))
}

fn indices(list: &str, found: &[u32], known: usize, none_allowed: bool) -> Checked {
    let good = |i: u32| (i as usize) < known || (none_allowed && i == NONE_INDEX);
    match found.iter().enumerate().find(|(_, i)| !good(**i)) {
        None => Ok(()),
        Some((at, i)) => Err(format!("list `{list}` entry {at}: {i} is no position in {known}")),
    }
}

// ---- answers -----------------------------------------------------------------------------------

pub(crate) fn row_answer(shape: &Shape, rows: u32, answer: &RowAnswer) -> Checked {
    produced(shape, None, rows as usize, &answer.columns)?;
    if !answer.reasons.is_empty() {
        same("reasons", answer.reasons.len(), rows as usize)?;
        indices("reasons", &answer.reasons, shape.reasons.len(), true)?;
    }
    Ok(())
}

pub(crate) fn segments(shape: &Shape, rows: u32, answer: &Segments) -> Checked {
    same("segment", answer.segment.len(), rows as usize)?;
    indices("segment", &answer.segment, shape.segments.len(), true)?;
    row_answer(shape, rows, &answer.answer)
}

pub(crate) fn proposals(shape: &Shape, rows: u32, answer: &Proposals) -> Checked {
    let count = answer.row.len();
    same("action", answer.action.len(), count)?;
    same("quantity", answer.quantity.len(), count)?;
    same("cost", answer.cost.len(), count)?;
    same("expected-output", answer.expected_output.len(), count)?;
    same("reason", answer.reason.len(), count)?;
    for (list, times) in [("after-min", &answer.after_min), ("until-min", &answer.until_min)] {
        if !times.is_empty() {
            same(list, times.len(), count)?;
        }
    }
    indices("row", &answer.row, rows as usize, false)?;
    if answer.row.windows(2).any(|pair| pair[0] > pair[1]) {
        return Err("list `row` does not ascend".to_owned());
    }
    indices("action", &answer.action, shape.actions.len(), false)?;
    indices("reason", &answer.reason, shape.reasons.len(), true)?;
    for (list, amounts) in [
        ("quantity", &answer.quantity),
        ("cost", &answer.cost),
        ("expected-output", &answer.expected_output),
    ] {
        if let Some(at) = amounts.iter().position(|a| *a < 0) {
            return Err(format!("list `{list}` entry {at}: {} is negative", amounts[at]));
        }
    }
    let late = answer.after_min.iter().zip(&answer.until_min).position(|(a, u)| a > u);
    match late {
        None => Ok(()),
        Some(at) => Err(format!("proposal {at} ends before it begins")),
    }
}

pub(crate) fn factors(shape: &Shape, factors: &[Factor]) -> Checked {
    let inputs = shape.rows.as_ref().map_or(0, |r| r.columns.len());
    for (at, f) in factors.iter().enumerate() {
        if f.input as usize >= inputs || f.output as usize >= shape.produces.len() {
            return Err(format!("factor {at} names no input or output"));
        }
        if !f.contribution.is_finite() {
            return Err(format!("factor {at} is not finite"));
        }
    }
    Ok(())
}

/// Rows of the tables that an instance was opened with.
pub(crate) type TableRows = [u32];

pub(crate) fn table_answer(shape: &Shape, tables: &TableRows, answer: &TableAnswer) -> Checked {
    same("tables", answer.tables.len(), shape.tables.len())?;
    for (at, (columns, rows)) in answer.tables.iter().zip(tables).enumerate() {
        let table = u32::try_from(at).map_err(|e| e.to_string())?;
        produced(shape, Some(table), *rows as usize, columns)
            .map_err(|text| format!("table {at}: {text}"))?;
    }
    findings(shape, tables, &answer.findings)?;
    for (at, t) in answer.transfers.iter().enumerate() {
        place(tables, Place { table: t.table, row: t.from_row })
            .and_then(|()| place(tables, Place { table: t.table, row: t.to_row }))
            .and_then(|()| amount(t.amount))
            .and_then(|()| indices("reason", &[t.reason], shape.reasons.len(), true))
            .map_err(|text| format!("transfer {at}: {text}"))?;
    }
    Ok(())
}

fn findings(shape: &Shape, tables: &TableRows, findings: &[Finding]) -> Checked {
    for (at, f) in findings.iter().enumerate() {
        let checked = || {
            indices("reason", &[f.reason], shape.reasons.len(), true)?;
            indices("suggests", &f.suggests, shape.actions.len(), false)?;
            if let Some(at) = f.place {
                place(tables, at)?;
            }
            finite("value", f.value)?;
            finite("threshold", f.threshold)
        };
        checked().map_err(|text: String| format!("finding {at}: {text}"))?;
    }
    Ok(())
}

fn finite(name: &str, value: Option<f64>) -> Checked {
    if value.is_none_or(f64::is_finite) { Ok(()) } else { Err(format!("`{name}` is not finite")) }
}

fn place(tables: &TableRows, place: Place) -> Checked {
    match tables.get(place.table as usize) {
        Some(rows) if place.row < *rows => Ok(()),
        _ => Err(format!("there is no table {} with a row {}", place.table, place.row)),
    }
}

fn amount(amount: Minor) -> Checked {
    if amount >= Minor::ZERO { Ok(()) } else { Err(format!("amount {amount} is negative")) }
}

pub(crate) fn plan(
    shape: &Shape,
    tables: &TableRows,
    budget: Minor,
    plan: &CampaignPlan,
) -> Checked {
    at_most("phases", plan.phases.len(), PHASES_MAX)?;
    at_most("allocations", plan.allocations.len(), ALLOCATIONS_MAX)?;
    at_most("content", plan.content.len(), CONTENT_MAX)?;
    at_most("slots", plan.slots.len(), SLOTS_MAX)?;
    let phases = plan.phases.len();
    let mut total = Minor::ZERO;
    let mut names = HashSet::new();
    for (at, p) in plan.phases.iter().enumerate() {
        if p.days == 0 || p.days > DAYS_MAX || p.first_day > DAYS_MAX {
            return Err(format!("phase {at}: days are not 1 to {DAYS_MAX}"));
        }
        if !is_kebab(&p.name) || !names.insert(&p.name) {
            return Err(format!("phase {at}: its name is not kebab-case, or not unique"));
        }
        indices("reason", &[p.reason], shape.reasons.len(), true)?;
        amount(p.budget).map_err(|text| format!("phase {at}: {text}"))?;
        total = total.checked_add(p.budget).ok_or("budgets of the phases overflow")?;
    }
    if total > budget {
        return Err(format!("budgets of the phases are {total}, the campaign has {budget}"));
    }
    allocations(tables, plan)?;
    for (at, c) in plan.content.iter().enumerate() {
        indices("phase", &[c.phase], phases, false)?;
        let ordered = 0.0 <= c.least && c.least <= c.target && c.target <= c.most && c.most <= 1.0;
        if !ordered {
            return Err(format!("content share {at}: not 0 <= least <= target <= most <= 1"));
        }
    }
    for (at, s) in plan.slots.iter().enumerate() {
        let checked = || {
            indices("phase", &[s.phase], phases, false)?;
            if s.minute >= MINUTES_A_DAY || s.day > 2 * DAYS_MAX {
                return Err("its time is not in the plan".to_owned());
            }
            s.place.map_or(Ok(()), |at| place(tables, at))
        };
        checked().map_err(|text| format!("slot {at}: {text}"))?;
    }
    for (at, g) in plan.gates.iter().enumerate() {
        indices("phase", &[g.phase], phases, false)?;
        finite("value", Some(g.value)).map_err(|text| format!("gate {at}: {text}"))?;
    }
    findings(shape, tables, &plan.findings)
}

fn allocations(tables: &TableRows, plan: &CampaignPlan) -> Checked {
    let mut given = vec![Minor::ZERO; plan.phases.len()];
    for (at, a) in plan.allocations.iter().enumerate() {
        let checked = || {
            indices("phase", &[a.phase], given.len(), false)?;
            place(tables, a.place)?;
            amount(a.amount)
        };
        checked().map_err(|text: String| format!("allocation {at}: {text}"))?;
        let sum = &mut given[a.phase as usize];
        *sum = sum.checked_add(a.amount).ok_or("allocations overflow")?;
    }
    match given.iter().zip(&plan.phases).find(|(sum, p)| **sum > p.budget) {
        None => Ok(()),
        Some((sum, p)) => {
            Err(format!("phase `{}` allocates {sum} of a budget of {}", p.name, p.budget))
        }
    }
}

fn at_most(list: &str, found: usize, max: usize) -> Checked {
    if found <= max {
        Ok(())
    } else {
        Err(format!("list `{list}` has {found} entries, at most {max} are allowed"))
    }
}

pub(crate) fn fit_step(step: &FitStep) -> Checked {
    match step {
        FitStep::Again(_) => Ok(()),
        FitStep::Model(fitted) => {
            fitted.measures.iter().try_for_each(|m| finite(&m.name, Some(m.value)))
        }
    }
}

// ---- what a plugin says of itself --------------------------------------------------------------

pub(crate) fn description(kind: Kind, said: &Description) -> Checked {
    if said.kind != kind {
        return Err(format!("says it is {}, exports {}", said.kind.name(), kind.name()));
    }
    if !is_kebab(&said.name) || said.name.len() > 64 {
        return Err("its name is not kebab-case of at most 64 letters".to_owned());
    }
    let parts: Vec<&str> =
        said.version.split(['-', '+']).take(1).flat_map(|v| v.split('.')).collect();
    if parts.len() != 3 || !parts.iter().all(|p| p.parse::<u32>().is_ok()) {
        return Err(format!("its version `{}` is not like 1.2.3", said.version));
    }
    at_most("settings-schema", said.settings_schema.len(), SCHEMA_BYTES_MAX)?;
    match serde_json::from_str::<serde_json::Value>(&said.settings_schema) {
        Ok(serde_json::Value::Object(_)) => Ok(()),
        Ok(_) => Err("its settings schema is not a JSON object".to_owned()),
        Err(e) => Err(format!("its settings schema is not JSON: {e}")),
    }
}

pub(crate) fn shape(kind: Kind, fitted: bool, shape: &Shape) -> Checked {
    at_most("tables", shape.tables.len(), TABLES_MAX)?;
    at_most("produces", shape.produces.len(), COLUMNS_MAX)?;
    at_most("segments", shape.segments.len(), NAMED_MAX)?;
    at_most("actions", shape.actions.len(), NAMED_MAX)?;
    at_most("reasons", shape.reasons.len(), NAMED_MAX)?;
    for table in shape.tables.iter().chain(&shape.rows) {
        at_most("columns", table.columns.len(), COLUMNS_MAX)?;
        table.columns.iter().try_for_each(need)?;
    }
    if shape.rows.is_none() && matches!(kind, Kind::Scoring | Kind::Segmentation | Kind::Incentive)
    {
        return Err(format!("a {} plugin needs `rows`", kind.name()));
    }
    if shape.fit_passes_max > 0 && !fitted {
        return Err("asks for a fit, but exports no `fitting`".to_owned());
    }
    let mut names = HashSet::new();
    for p in &shape.produces {
        if p.table.is_some_and(|t| t as usize >= shape.tables.len()) {
            return Err(format!("output `{}` belongs to no table", p.name));
        }
        if !names.insert((p.table, &p.name)) {
            return Err(format!("output `{}` is declared twice", p.name));
        }
        finite(&p.name, p.least).and_then(|()| finite(&p.name, p.most))?;
        if p.cell_type == CellType::Category && p.categories.is_empty() {
            return Err(format!("category `{}` lists no values", p.name));
        }
    }
    unique("segment", shape.segments.iter().map(|s| &s.name))?;
    unique("action", shape.actions.iter().map(|a| &a.name))?;
    unique("reason", shape.reasons.iter().map(|r| &r.code))
}

fn need(need: &Need) -> Checked {
    match &need.source {
        Source::Previous(ago, name) if *ago == 0 || *ago > 2 => {
            Err(format!("`{name}` is asked for {ago} cycles ago; 1 and 2 are kept"))
        }
        Source::Key if need.cell_type != CellType::Integer => {
            Err("the key is an integer".to_owned())
        }
        _ => Ok(()),
    }
}

fn unique<'a>(what: &str, names: impl Iterator<Item = &'a String>) -> Checked {
    let mut seen = HashSet::new();
    for name in names {
        if !seen.insert(name) {
            return Err(format!("{what} `{name}` is declared twice"));
        }
    }
    Ok(())
}

/// Whether a name is lower-case words of letters and digits, joined by single hyphens.
fn is_kebab(name: &str) -> bool {
    !name.is_empty()
        && name.split('-').all(|word| {
            !word.is_empty() && word.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit())
        })
}
