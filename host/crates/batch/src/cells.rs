//! Converts Arrow arrays to columns of the host: each value in the row of its key, with the declared type.

use std::collections::{BTreeSet, HashMap};

use arrow::array::{Array, ArrayRef, AsArray, DictionaryArray, StringArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Float64Type, Int32Type, Int64Type};
use playbook_model::{Bitmap, CellType, Cells, Column, TextCells};

use crate::keys::{NO_ROW, texts};
use crate::{BatchError, Result};

/// Name, type and length of a column that is built.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Target<'a> {
    pub(crate) name: &'a str,
    pub(crate) unit: &'a str,
    pub(crate) cell_type: CellType,
    /// Rows of the table.
    pub(crate) rows: usize,
    /// Whether a row without a value holds 0; else the value is missing.
    pub(crate) zero_when_empty: bool,
}

/// Chunks of one array, and for each value of a chunk the row that it goes to; values for [`NO_ROW`] are dropped.
pub(crate) type Placed<'a> = [(&'a ArrayRef, &'a [u32])];

/// Builds a column of the host. Of several values for one row the last one holds.
pub(crate) fn column(target: &Target<'_>, parts: &Placed<'_>) -> Result<Column> {
    let (cells, valid) = match target.cell_type {
        CellType::Integer => {
            let (values, valid) = integers(target, parts)?;
            (Cells::integers(values), valid)
        }
        CellType::Real => {
            let (values, valid) = reals(target, parts)?;
            (Cells::Real(values), valid)
        }
        CellType::Text => {
            let (values, valid) = text_cells(target, parts);
            (Cells::Text(values), valid)
        }
        CellType::Category => categories(target, parts),
        wide => return Err(type_error(target, "flat values", wide.name())),
    };
    Ok(finished(target, cells, valid))
}

fn finished(target: &Target<'_>, cells: Cells, valid: Bitmap) -> Column {
    let all = target.zero_when_empty || valid.count_ones() == target.rows;
    Column {
        name: target.name.to_owned(),
        unit: target.unit.to_owned(),
        cells,
        valid: (!all).then_some(valid),
    }
}

fn type_error(target: &Target<'_>, found: &str, wanted: &'static str) -> BatchError {
    BatchError::FeatureType { feature: target.name.to_owned(), found: found.to_owned(), wanted }
}

/// Casts a chunk of numbers to 64-bit integers or reals.
fn numbers(target: &Target<'_>, part: &ArrayRef, wanted: &'static str) -> Result<ArrayRef> {
    let found = part.data_type();
    let to = match found {
        DataType::Int64 | DataType::Float64 => return Ok(ArrayRef::clone(part)),
        DataType::Float32 | DataType::Float16 | DataType::Decimal128(..) => DataType::Float64,
        integer if integer.is_integer() => DataType::Int64,
        DataType::Boolean | DataType::Null => DataType::Int64,
        _ => return Err(type_error(target, &found.to_string(), wanted)),
    };
    cast(part, &to).map_err(|_| type_error(target, &found.to_string(), wanted))
}

#[expect(clippy::cast_possible_truncation, reason = "the range is checked")]
fn integers(target: &Target<'_>, parts: &Placed<'_>) -> Result<(Vec<i64>, Bitmap)> {
    let mut values = vec![0; target.rows];
    let mut valid = Bitmap::filled(target.rows, false);
    for (part, places) in parts {
        let part = numbers(target, part, "integer")?;
        if let Some(part) = part.as_primitive_opt::<Int64Type>() {
            place(part.iter(), places, &mut values, &mut valid);
        } else {
            let rounded = part.as_primitive::<Float64Type>().iter().map(|value| {
                let value = value?.round();
                (value.is_finite() && value.abs() < 9.2e18).then_some(value as i64)
            });
            place(rounded, places, &mut values, &mut valid);
        }
    }
    Ok((values, valid))
}

#[expect(clippy::cast_precision_loss, reason = "the feature is declared real")]
fn reals(target: &Target<'_>, parts: &Placed<'_>) -> Result<(Vec<f64>, Bitmap)> {
    let mut values = vec![0.0; target.rows];
    let mut valid = Bitmap::filled(target.rows, false);
    for (part, places) in parts {
        let part = numbers(target, part, "real")?;
        if let Some(part) = part.as_primitive_opt::<Int64Type>() {
            place(part.iter().map(|v| v.map(|v| v as f64)), places, &mut values, &mut valid);
        } else {
            let part = part.as_primitive::<Float64Type>();
            let finite = part.iter().map(|v| v.filter(|v| v.is_finite()));
            place(finite, places, &mut values, &mut valid);
        }
    }
    Ok((values, valid))
}

fn place<T>(
    from: impl Iterator<Item = Option<T>>,
    places: &[u32],
    values: &mut [T],
    valid: &mut Bitmap,
) {
    for (value, place) in from.zip(places) {
        if let Some(value) = value
            && *place != NO_ROW
        {
            values[*place as usize] = value;
            valid.set(*place as usize, true);
        }
    }
}

fn text_cells(target: &Target<'_>, parts: &Placed<'_>) -> (TextCells, Bitmap) {
    let casts: Vec<_> = parts.iter().map(|(part, _)| texts(part)).collect();
    let mut rows: Vec<Option<&str>> = vec![None; target.rows];
    for (part, (_, places)) in casts.iter().zip(parts) {
        for (text, place) in part.iter().zip(*places) {
            if let Some(text) = text
                && *place != NO_ROW
            {
                rows[*place as usize] = Some(text);
            }
        }
    }
    let mut cells = TextCells::default();
    let mut valid = Bitmap::default();
    for text in rows {
        cells.push(text.unwrap_or_default());
        valid.push(text.is_some());
    }
    (cells, valid)
}

fn categories(target: &Target<'_>, parts: &Placed<'_>) -> (Cells, Bitmap) {
    let parts: Vec<_> = parts.iter().map(|(part, places)| (dictionary(part), *places)).collect();
    let texts_of: Vec<StringArray> = parts.iter().map(|(part, _)| texts(part.values())).collect();
    // A file's dictionary may list texts that no row holds; those are no names of the category.
    let mut names: BTreeSet<&str> = BTreeSet::new();
    for ((part, _), texts) in parts.iter().zip(&texts_of) {
        let mut is_used = vec![false; texts.len()];
        part.keys()
            .iter()
            .flatten()
            .filter_map(|key| usize::try_from(key).ok())
            .for_each(|key| is_used[key] = true);
        names.extend(
            texts.iter().zip(is_used).filter_map(|(text, is_used)| text.filter(|_| is_used)),
        );
    }
    let codes_of = codes_of(&names);
    let mut codes = vec![0; target.rows];
    let mut valid = Bitmap::filled(target.rows, false);
    for (part, places) in &parts {
        let found = of_dictionary(part, |text| text.and_then(|text| codes_of.get(text).copied()));
        place(found.into_iter(), places, &mut codes, &mut valid);
    }
    let names = names.into_iter().map(str::to_owned).collect();
    (Cells::Category { codes, names }, valid)
}

/// The code of each name of a category: its position among the sorted names.
fn codes_of<'a>(names: &BTreeSet<&'a str>) -> HashMap<&'a str, u32> {
    names.iter().copied().zip(0..).collect()
}

/// Applies `of` to each text of a column; of a dictionary-encoded column to each distinct text once.
pub(crate) fn of_texts<T: Copy>(part: &ArrayRef, of: impl FnMut(Option<&str>) -> T) -> Vec<T> {
    of_dictionary(&dictionary(part), of)
}

/// The distinct texts of a column.
pub(crate) fn distinct_texts(part: &ArrayRef) -> BTreeSet<Box<str>> {
    let part = dictionary(part);
    let known = texts(part.values());
    let mut used = vec![false; known.len()];
    for key in part.keys().iter().flatten() {
        usize::try_from(key).into_iter().for_each(|key| used[key] = true);
    }
    let used = used.iter().enumerate().filter(|(_, used)| **used);
    used.filter(|(at, _)| known.is_valid(*at)).map(|(at, _)| known.value(at).into()).collect()
}

fn of_dictionary<T: Copy>(
    part: &DictionaryArray<Int32Type>,
    mut of: impl FnMut(Option<&str>) -> T,
) -> Vec<T> {
    let none = of(None);
    let known: Vec<T> = texts(part.values()).iter().map(of).collect();
    let at = |key: i32| usize::try_from(key).ok().and_then(|key| known.get(key)).copied();
    part.keys().iter().map(|key| key.and_then(at).unwrap_or(none)).collect()
}

/// A column of texts as a dictionary.
fn dictionary(part: &ArrayRef) -> DictionaryArray<Int32Type> {
    let to = DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8));
    let part = match part.data_type() {
        DataType::Dictionary(..) => cast(part, &to),
        _ => cast(&texts(part), &to),
    };
    part.expect("every text fits a dictionary").as_dictionary::<Int32Type>().clone()
}
