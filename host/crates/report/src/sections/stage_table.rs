//! What stages say of the rows of a table: a line for each row, shaded where the plugin gives a scale.

use maud::{Markup, html};

use super::health::level;
use crate::document::{Ctx, cell, fold};
use crate::number::whole;
use crate::phrases::fill;
use crate::table::Table;
use crate::{StageCell, StageColumn, StageTable};

/// Columns that lie beside each other; further ones are folded.
const COLUMNS_MOST: usize = 6;
/// Shades of a scale, without the lightest.
const SHADES: f64 = 4.0;

/// The table of a stage.
pub(crate) fn stage_table(ctx: &Ctx<'_>, of: &StageTable) -> Markup {
    let p = ctx.p;
    let is_known = |column: &&StageColumn| column.cells.iter().any(|c| *c != StageCell::Missing);
    let (known, missing): (Vec<&StageColumn>, Vec<_>) = of.columns.iter().partition(is_known);
    let (first, rest) = known.split_at(known.len().min(COLUMNS_MOST));
    html! {
        @if !first.is_empty() { (columns(ctx, of, first)) }
        @if of.rows_left_out > 0 { p.note { (fill(p.rows_left_out, &[&whole(of.rows_left_out)])) } }
        @if !rest.is_empty() {
            (fold(&fill(p.columns_more, &[&whole(rest.len() as u64)]), &columns(ctx, of, rest)))
        }
        @if !missing.is_empty() {
            (fold(&fill(p.n_not_measured, &[&whole(missing.len() as u64)]), &html! {
                ul { @for column in &missing { li { (ctx.words(&column.words)) } } }
            }))
        }
    }
}

/// The line that a folded table has for a name.
pub(crate) fn heading(ctx: &Ctx<'_>, of: &StageTable) -> String {
    let known = ctx.p.subject(&of.subject);
    let subject = if known == of.subject { ctx.name(&of.subject) } else { known };
    format!("{} · {subject}", of.plugin)
}

fn columns(ctx: &Ctx<'_>, of: &StageTable, columns: &[&StageColumn]) -> Markup {
    // One row with many figures reads better from top to bottom.
    if of.rows.len() == 1 {
        let mut table = Table::new(&of.plugin).quiet().words(ctx.p.output).numbers(ctx.p.value);
        for column in columns {
            let value = column.cells.first().map_or_else(|| cell(""), |c| value(ctx, column, c));
            table.row(vec![cell(ctx.words(&column.words)), value]);
        }
        return table.build(ctx);
    }
    let mut table = Table::new(&heading(ctx, of)).quiet().words(ctx.p.group);
    for column in columns {
        let is_words =
            column.cells.iter().any(|c| matches!(c, StageCell::Words(_) | StageCell::Level(_)));
        table = match is_words {
            true => table.words(ctx.words(&column.words)),
            false => table.numbers(ctx.words(&column.words)),
        };
    }
    for (row, name) in of.rows.iter().enumerate() {
        let cells = columns.iter().map(|column| {
            column.cells.get(row).map_or_else(|| cell(""), |c| value(ctx, column, c))
        });
        table.row([cell(ctx.name(name))].into_iter().chain(cells).collect());
    }
    table.build(ctx)
}

fn value(ctx: &Ctx<'_>, column: &StageColumn, of: &StageCell) -> Markup {
    match of {
        StageCell::Missing => cell(crate::number::DASH),
        StageCell::Words(words) => cell(ctx.words(words)),
        StageCell::Level(mark) => level(ctx, Some(mark)),
        StageCell::Number(number) => {
            let text = ctx.measured(*number, &column.unit);
            match column.scale.and_then(|scale| shade(*number, scale)) {
                None => cell(text),
                Some(class) => html! { span.shade.(class) { (text) } },
            }
        }
    }
}

/// The class of the shade of a value on its scale.
fn shade(value: f64, (least, most): (f64, f64)) -> Option<&'static str> {
    const CLASSES: [&str; 5] = ["h0", "h1", "h2", "h3", "h4"];
    let part = (value - least) / (most - least);
    if !part.is_finite() {
        return None;
    }
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 to 4")]
    let at = (part.clamp(0.0, 1.0) * SHADES).ceil() as usize;
    CLASSES.get(at).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_the_darker_the_higher_it_stands_on_its_scale() {
        let classes =
            |values: &[f64]| -> Vec<_> { values.iter().map(|v| shade(*v, (0.0, 5.0))).collect() };
        assert_eq!(classes(&[-1.0, 0.0]), [Some("h0"); 2]);
        assert_eq!(classes(&[0.1, 1.25, 1.26]), [Some("h1"), Some("h1"), Some("h2")]);
        assert_eq!(classes(&[5.0, 9.0]), [Some("h4"); 2]);
        assert_eq!(shade(1.0, (2.0, 2.0)), None, "no scale");
        assert_eq!(shade(f64::NAN, (0.0, 1.0)), None);
    }
}
