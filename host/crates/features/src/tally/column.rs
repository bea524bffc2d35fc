//! Values of a tally as a column of the feature that asked for them.

use std::collections::{BTreeMap, BTreeSet};

use playbook_model::{
    Aggregate, AggregateDef, CellType, Cells, Column, FeatureDef, Filling, Stretch, TextCells,
};

use super::Number;
use crate::rows::{FieldType, RowTable};

/// Whether a tally gives an aggregate the type that its feature declares. `first`, `last` and their like return a value
/// of the field unchanged, which is a text where the field is one.
#[must_use]
pub fn gives_declared_type(
    feature: &FeatureDef,
    aggregate: &AggregateDef,
    rows: &RowTable,
) -> bool {
    let picks = matches!(
        aggregate.function,
        Aggregate::First | Aggregate::Last | Aggregate::Min | Aggregate::Max
    );
    let field = aggregate.field.as_ref().and_then(|field| rows.columns.get(field));
    let gives_text = picks && field == Some(&FieldType::Text);
    match feature.cell_type {
        CellType::Integer | CellType::Real => !gives_text,
        CellType::Text | CellType::Category => gives_text,
        _ => false,
    }
}

/// An empty column of a feature, to be filled in stretches of `stretch_rows`; `is_small` as
/// [`super::TallyPlan::is_small`] says.
#[must_use]
pub fn filling(
    feature: &FeatureDef,
    name: &str,
    is_small: bool,
    rows: usize,
    stretch_rows: usize,
) -> Filling {
    let cells = match feature.cell_type {
        CellType::Real => Cells::Real(Vec::new()),
        CellType::Text | CellType::Category => Cells::Text(TextCells::default()),
        _ if is_small => Cells::Small(Vec::new()),
        _ => Cells::Integer(Vec::new()),
    };
    let column = Column { name: name.to_owned(), unit: feature.unit.clone(), cells, valid: None };
    Filling::new(column, rows, stretch_rows)
}

/// The filled column; texts become a category where the feature is one.
#[must_use]
pub fn filled(feature: &FeatureDef, filling: Filling) -> Column {
    let column = filling.finish();
    if feature.cell_type == CellType::Category { named(column) } else { column }
}

/// A column of texts as one of categories, whose names ascend.
fn named(column: Column) -> Column {
    let rows = column.cells.len();
    let texts = || (0..rows).map(|row| column.text(row));
    let names: BTreeSet<&str> = texts().flatten().collect();
    let codes_of: BTreeMap<&str, u32> = names.iter().copied().zip(0..).collect();
    let code = |text: Option<&str>| text.and_then(|text| codes_of.get(text).copied()).unwrap_or(0);
    let codes = texts().map(code).collect();
    let names = names.into_iter().map(str::to_owned).collect();
    Column { cells: Cells::Category { codes, names }, ..column }
}

/// Writes a value to its row, as the type of the column that its feature declares.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    reason = "the feature declares the type"
)]
pub fn put(stretch: &mut Stretch<'_>, at: usize, value: Number<'_>) {
    match (stretch.is_real(), value) {
        (true, Number::Real(value)) if value.is_finite() => stretch.real(at, value),
        (true, Number::Integer(value)) => stretch.real(at, value as f64),
        (false, Number::Integer(value)) => stretch.integer(at, value),
        (false, Number::Real(value)) if value.abs() < 9.2e18 => {
            stretch.integer(at, value.round() as i64)
        }
        (false, Number::Text(text)) => stretch.push_text(text),
        _ => {
            // Columns of texts need a text in each row, missing or not; for other types this does nothing.
            stretch.push_text("");
            stretch.miss(at);
        }
    }
}
