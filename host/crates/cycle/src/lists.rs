//! Lists for plugins: out of several columns of numbers, or of texts that write them in JSON.

use playbook_model::{CellType, Cells, Column, ListCells, TextLists, Wide};

use crate::gather::{Rows, WrongType, each};

/// Where the lists of a need come from.
#[derive(Debug)]
pub(crate) enum Lists<'a> {
    /// The values of these columns, in this order.
    Spread(Vec<&'a Column>),
    /// Texts, each of which is a JSON list: `["spring", "app"]`, `[3, 1]`.
    Written(&'a Column),
}

impl<'a> Lists<'a> {
    /// Lists of numbers out of columns.
    pub(crate) fn spread(wanted: CellType, columns: Vec<&'a Column>) -> Result<Self, WrongType> {
        let fits = |column: &Column| match column.cells {
            Cells::Real(_) => wanted == CellType::Reals,
            Cells::Integer(_) | Cells::Small(_) => {
                matches!(wanted, CellType::Reals | CellType::Integers)
            }
            _ => false,
        };
        match columns.iter().find(|column| !fits(column)) {
            None => Ok(Self::Spread(columns)),
            Some(column) => Err(WrongType {
                column: column.name.clone(),
                found: column.cells.cell_type().name(),
                wanted: wanted.name(),
            }),
        }
    }

    /// Lists out of a column of texts.
    pub(crate) fn written(wanted: CellType, column: &'a Column) -> Result<Self, WrongType> {
        let is_list = |text: &str| match wanted {
            CellType::Reals => reals(text).is_some(),
            CellType::Integers => integers(text).is_some(),
            _ => texts(text).is_some(),
        };
        match (0..column.cells.len()).all(|row| column.text(row).is_none_or(is_list)) {
            true => Ok(Self::Written(column)),
            false => Err(WrongType {
                column: column.name.clone(),
                found: "text, and not always a JSON list",
                wanted: wanted.name(),
            }),
        }
    }

    /// The lists of `rows`; `miss` hears of each row that has none.
    pub(crate) fn wide(
        &self,
        wanted: CellType,
        rows: Rows<'_>,
        mut miss: impl FnMut(usize),
    ) -> Wide {
        match (self, wanted) {
            (Self::Spread(columns), CellType::Reals) => {
                let values = |row| listed(columns, row)?.iter().map(|c| c.real(row)).collect();
                Wide::Reals(cells(rows, miss, values))
            }
            (Self::Spread(columns), _) => {
                let values = |row| listed(columns, row)?.iter().map(|c| c.integer(row)).collect();
                Wide::Integers(cells(rows, miss, values))
            }
            (Self::Written(column), CellType::Reals) => {
                Wide::Reals(cells(rows, miss, |row| reals(column.text(row)?)))
            }
            (Self::Written(column), CellType::Integers) => {
                Wide::Integers(cells(rows, miss, |row| integers(column.text(row)?)))
            }
            (Self::Written(column), _) => {
                let found = cells(rows, &mut miss, |row| texts(column.text(row)?));
                let values = found.values.iter().map(String::as_str).collect();
                Wide::Texts(TextLists { ends: found.ends, values })
            }
        }
    }
}

/// The columns that are the list of a row: those from the first on that has a value. `None`: there is none, or a later
/// one has no value, as a list has no gaps.
fn listed<'a, 'c>(columns: &'a [&'c Column], row: usize) -> Option<&'a [&'c Column]> {
    let first = columns.iter().position(|column| column.is_valid(row))?;
    let listed = &columns[first..];
    listed.iter().all(|column| column.is_valid(row)).then_some(listed)
}

fn cells<T>(
    rows: Rows<'_>,
    mut miss: impl FnMut(usize),
    list: impl Fn(usize) -> Option<Vec<T>>,
) -> ListCells<T> {
    let mut cells = ListCells { ends: Vec::with_capacity(rows.len()), values: Vec::new() };
    each(rows, |row, from| {
        match list(from) {
            Some(list) => cells.values.extend(list),
            None => miss(row),
        }
        let end = u32::try_from(cells.values.len());
        cells.ends.push(end.expect("the lists of a batch hold fewer than 2^32 values"));
    });
    cells
}

fn reals(text: &str) -> Option<Vec<f64>> {
    serde_json::from_str(text).ok()
}

fn integers(text: &str) -> Option<Vec<i64>> {
    serde_json::from_str(text).ok()
}

fn texts(text: &str) -> Option<Vec<String>> {
    serde_json::from_str(text).ok()
}
