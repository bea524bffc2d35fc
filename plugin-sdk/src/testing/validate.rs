//! The checks that the host runs on answers, so that a plugin meets them in its own tests first.

use crate::layout::Layout;
use crate::types::{self, CellType, NONE_INDEX};

/// Checks output columns of `rows` rows against the outputs declared for `table`.
pub(super) fn columns(
    shape: &types::Shape,
    table: Option<u32>,
    rows: usize,
    columns: &types::Columns,
) -> Result<(), String> {
    let layout = Layout::of_outputs(&shape.produces, table);
    layout.check(rows, columns)?;
    let produces = shape.produces.iter().filter(|p| p.table == table);
    for (column, (produce, place)) in produces.zip(&layout.places).enumerate() {
        for row in 0..rows {
            if !is_valid(columns, column, row, rows) {
                continue;
            }
            let at = place.nth * rows + row;
            match place.cell_type {
                CellType::Real => bounds(produce, row, columns.reals[at])?,
                #[expect(clippy::cast_precision_loss, reason = "bounds are small numbers")]
                CellType::Integer => bounds(produce, row, columns.integers[at] as f64)?,
                CellType::Category => {
                    let code = usize::try_from(columns.integers[at]).unwrap_or(usize::MAX);
                    if code >= produce.categories.len() {
                        return Err(format!("`{}` of row {row} is no category", produce.name));
                    }
                }
                CellType::Reals => {
                    if let Some(types::Wide::Reals(lists)) =
                        columns.wides.as_ref().map(|wides| &wides[place.nth])
                        && lists.values.iter().any(|v| !v.is_finite())
                    {
                        return Err(format!(
                            "`{}` holds a number that is not finite",
                            produce.name
                        ));
                    }
                }
                CellType::Text | CellType::Integers | CellType::Texts => {}
            }
        }
    }
    Ok(())
}

pub(super) fn is_valid(columns: &types::Columns, column: usize, row: usize, rows: usize) -> bool {
    columns.valid.as_ref().is_none_or(|bits| {
        bits.get(column * rows.div_ceil(8) + row / 8).is_some_and(|b| b >> (row % 8) & 1 == 1)
    })
}

fn bounds(produce: &types::Produce, row: usize, value: f64) -> Result<(), String> {
    let name = &produce.name;
    if !value.is_finite() {
        return Err(format!("`{name}` of row {row} is {value}"));
    }
    let low = produce.least.is_some_and(|least| value < least);
    let high = produce.most.is_some_and(|most| value > most);
    if low || high {
        return Err(format!("`{name}` of row {row} is {value}, out of its declared bounds"));
    }
    Ok(())
}

fn index(what: &str, index: u32, len: usize) -> Result<(), String> {
    if (index as usize) < len { Ok(()) } else { Err(format!("{what} {index} is not declared")) }
}

pub(super) fn reasons(shape: &types::Shape, rows: usize, reasons: &[u32]) -> Result<(), String> {
    if !reasons.is_empty() && reasons.len() != rows {
        return Err(format!("{} reasons for {rows} rows", reasons.len()));
    }
    reasons
        .iter()
        .filter(|&&reason| reason != NONE_INDEX)
        .try_for_each(|&reason| index("reason", reason, shape.reasons.len()))
}

pub(super) fn row_answer(
    shape: &types::Shape,
    rows: usize,
    answer: &types::RowAnswer,
) -> Result<(), String> {
    columns(shape, None, rows, &answer.columns)?;
    reasons(shape, rows, &answer.reasons)
}

pub(super) fn segments(
    shape: &types::Shape,
    rows: usize,
    answer: &types::Segments,
) -> Result<(), String> {
    row_answer(shape, rows, &answer.answer)?;
    answer
        .segment
        .iter()
        .filter(|&&segment| segment != NONE_INDEX)
        .try_for_each(|&segment| index("segment", segment, shape.segments.len()))
}

pub(super) fn factors(shape: &types::Shape, factors: &[types::Factor]) -> Result<(), String> {
    let inputs = shape.rows.as_ref().map_or(0, |rows| rows.columns.len());
    let outputs = shape.produces.iter().filter(|p| p.table.is_none()).count();
    for factor in factors {
        index("input", factor.input, inputs)?;
        index("output", factor.output, outputs)?;
        if !factor.contribution.is_finite() {
            return Err("a factor holds a number that is not finite".to_owned());
        }
    }
    Ok(())
}

pub(super) fn proposals(
    shape: &types::Shape,
    rows: usize,
    answer: &types::Proposals,
) -> Result<(), String> {
    for at in 0..answer.row.len() {
        index("row", answer.row[at], rows)?;
        index("action", answer.action[at], shape.actions.len())?;
        index("reason", answer.reason[at], shape.reasons.len())?;
        let least = answer.quantity[at].min(answer.cost[at]).min(answer.expected_output[at]);
        if least < 0 {
            return Err(format!("proposal {at} has a negative quantity, cost or expected output"));
        }
        let after = answer.after_min.get(at).copied().unwrap_or(0);
        if answer.until_min.get(at).is_some_and(|&until| until < after) {
            return Err(format!("proposal {at} ends before it starts"));
        }
    }
    Ok(())
}

pub(super) fn findings(shape: &types::Shape, findings: &[types::Finding]) -> Result<(), String> {
    for finding in findings {
        index("reason", finding.reason, shape.reasons.len())?;
        for &action in &finding.suggests {
            index("action", action, shape.actions.len())?;
        }
        if [finding.value, finding.threshold].into_iter().flatten().any(|v| !v.is_finite()) {
            return Err("a finding holds a number that is not finite".to_owned());
        }
    }
    Ok(())
}

pub(super) fn table_answer(
    shape: &types::Shape,
    rows: &[usize],
    answer: &types::TableAnswer,
) -> Result<(), String> {
    for (table, (&rows, given)) in (0..).zip(rows.iter().zip(&answer.tables)) {
        columns(shape, Some(table), rows, given)
            .map_err(|text| format!("table {table}: {text}"))?;
    }
    findings(shape, &answer.findings)?;
    for transfer in &answer.transfers {
        index("table", transfer.table, rows.len())?;
        index("row", transfer.from_row, rows[transfer.table as usize])?;
        index("row", transfer.to_row, rows[transfer.table as usize])?;
        index("reason", transfer.reason, shape.reasons.len())?;
        if transfer.amount < 0 {
            return Err("a transfer is negative".to_owned());
        }
    }
    Ok(())
}

pub(super) fn plan(
    shape: &types::Shape,
    budget: i64,
    plan: &types::CampaignPlan,
) -> Result<(), String> {
    let mut total = 0_i64;
    for phase in &plan.phases {
        index("reason", phase.reason, shape.reasons.len())?;
        if phase.days == 0 || phase.days > 3_650 || phase.first_day > 3_650 || phase.budget < 0 {
            return Err(format!("phase `{}` has impossible days or money", phase.name));
        }
        total = total.saturating_add(phase.budget);
    }
    if total > budget {
        return Err(format!("the phases take {total} of a budget of {budget}"));
    }
    let phases = plan.phases.len();
    let mut spent = vec![0_i64; phases];
    for allocation in &plan.allocations {
        index("phase", allocation.phase, phases)?;
        if allocation.amount < 0 {
            return Err("an allocation is negative".to_owned());
        }
        spent[allocation.phase as usize] += allocation.amount;
    }
    for (phase, spent) in plan.phases.iter().zip(spent) {
        if spent > phase.budget {
            return Err(format!("phase `{}` allocates {spent} of {}", phase.name, phase.budget));
        }
    }
    for share in &plan.content {
        index("phase", share.phase, phases)?;
        let ordered = 0.0 <= share.least
            && share.least <= share.target
            && share.target <= share.most
            && share.most <= 1.0;
        if !ordered {
            return Err(format!("share `{}` of mix `{}` is no share", share.category, share.mix));
        }
    }
    for slot in &plan.slots {
        index("phase", slot.phase, phases)?;
        if slot.minute > 1_439 {
            return Err(format!("a slot is planned for minute {}", slot.minute));
        }
    }
    for gate in &plan.gates {
        index("phase", gate.phase, phases)?;
        if !gate.value.is_finite() {
            return Err(format!("the gate on `{}` is not finite", gate.metric));
        }
    }
    findings(shape, &plan.findings)
}
