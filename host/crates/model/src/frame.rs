//! A table of the host: named columns of equal length.

use std::sync::Arc;

use crate::{Bitmap, CellType, TextCells};

/// Values of one column.
#[derive(Debug, Clone, PartialEq)]
pub enum Cells {
    /// Finite reals; 0 where missing.
    Real(Vec<f64>),
    /// Integers; 0 where missing.
    Integer(Vec<i64>),
    /// Integers that all fit 16 bits; 0 where missing. Counts, days and flags take a quarter of the memory so.
    Small(Vec<i16>),
    /// Positions in `names`; 0 where missing.
    Category {
        /// Position of each row's value.
        codes: Vec<u32>,
        /// The closed list of values; shared, so that a row of a column costs no copy of it.
        names: Arc<[String]>,
    },
    /// Texts; empty where missing.
    Text(TextCells),
}

/// A named column.
#[derive(Debug, Clone, PartialEq)]
pub struct Column {
    /// Feature name, or `plugin.output`.
    pub name: String,
    /// Unit as in the contract: "count", "day", "minor", "ratio", "unix-ms", or "".
    pub unit: String,
    /// The values.
    pub cells: Cells,
    /// Which rows hold a value; `None`: all.
    pub valid: Option<Bitmap>,
}

/// Columns of equal length.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Frame {
    rows: usize,
    columns: Vec<Column>,
}

impl Cells {
    /// Number of rows.
    #[must_use]
    pub fn len(&self) -> usize {
        match self {
            Self::Real(v) => v.len(),
            Self::Integer(v) => v.len(),
            Self::Small(v) => v.len(),
            Self::Category { codes, .. } => codes.len(),
            Self::Text(v) => v.len(),
        }
    }

    /// Whether there is no row.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Integers in the least memory that holds them all.
    #[must_use]
    pub fn integers(values: Vec<i64>) -> Self {
        let small: Result<Vec<i16>, _> = values.iter().map(|value| i16::try_from(*value)).collect();
        small.map_or(Self::Integer(values), Self::Small)
    }

    /// Type of the values.
    #[must_use]
    pub fn cell_type(&self) -> CellType {
        match self {
            Self::Real(_) => CellType::Real,
            Self::Integer(_) | Self::Small(_) => CellType::Integer,
            Self::Category { .. } => CellType::Category,
            Self::Text(_) => CellType::Text,
        }
    }
}

impl Column {
    /// Whether `row` holds a value.
    #[must_use]
    pub fn is_valid(&self, row: usize) -> bool {
        self.valid.as_ref().is_none_or(|bits| bits.get(row))
    }

    /// The column of that row alone.
    fn row(&self, row: usize) -> Self {
        let cells = match &self.cells {
            Cells::Real(v) => Cells::Real(vec![v[row]]),
            Cells::Integer(v) => Cells::Integer(vec![v[row]]),
            Cells::Small(v) => Cells::Small(vec![v[row]]),
            Cells::Category { codes, names } => {
                Cells::Category { codes: vec![codes[row]], names: Arc::clone(names) }
            }
            Cells::Text(v) => Cells::Text(TextCells::from_iter(v.get(row))),
        };
        let valid = (!self.is_valid(row)).then(|| Bitmap::filled(1, false));
        Self { name: self.name.clone(), unit: self.unit.clone(), cells, valid }
    }

    /// The value of `row` as a real, where the column is numeric and holds one.
    #[must_use]
    pub fn real(&self, row: usize) -> Option<f64> {
        if !self.is_valid(row) {
            return None;
        }
        match &self.cells {
            Cells::Real(v) => v.get(row).copied(),
            #[expect(clippy::cast_precision_loss, reason = "display and ratios only, never money")]
            Cells::Integer(v) => v.get(row).map(|v| *v as f64),
            Cells::Small(v) => v.get(row).map(|v| f64::from(*v)),
            Cells::Category { .. } | Cells::Text(_) => None,
        }
    }

    /// The value of `row` as an integer, where the column is integer and holds one.
    #[must_use]
    pub fn integer(&self, row: usize) -> Option<i64> {
        match &self.cells {
            Cells::Integer(v) if self.is_valid(row) => v.get(row).copied(),
            Cells::Small(v) if self.is_valid(row) => v.get(row).map(|v| i64::from(*v)),
            _ => None,
        }
    }

    /// The value of `row` as text, where the column is a category or text and holds one.
    #[must_use]
    pub fn text(&self, row: usize) -> Option<&str> {
        if !self.is_valid(row) {
            return None;
        }
        match &self.cells {
            Cells::Category { codes, names } => {
                names.get(*codes.get(row)? as usize).map(String::as_str)
            }
            Cells::Text(v) => v.get(row),
            Cells::Real(_) | Cells::Integer(_) | Cells::Small(_) => None,
        }
    }
}

impl Frame {
    /// Returns an empty frame of `rows` rows.
    #[must_use]
    pub fn with_rows(rows: usize) -> Self {
        Self { rows, columns: Vec::new() }
    }

    /// Number of rows.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// All columns in the order they were added.
    #[must_use]
    pub fn columns(&self) -> &[Column] {
        &self.columns
    }

    /// The column of that name.
    #[must_use]
    pub fn column(&self, name: &str) -> Option<&Column> {
        self.columns.iter().find(|c| c.name == name)
    }

    /// Returns the first `columns` columns of one row.
    ///
    /// # Panics
    /// If there is no such row.
    #[must_use]
    pub fn row(&self, row: usize, columns: usize) -> Self {
        assert!(row < self.rows, "there is no row {row}");
        let columns = self.columns.iter().take(columns).map(|column| column.row(row)).collect();
        Self { rows: 1, columns }
    }

    /// Position of the column of that name.
    #[must_use]
    pub fn position(&self, name: &str) -> Option<usize> {
        self.columns.iter().position(|c| c.name == name)
    }

    /// Makes room for so many columns more.
    pub fn reserve(&mut self, columns: usize) {
        self.columns.reserve(columns);
    }

    /// Adds a column that no column so far bears the name of: nothing is looked up.
    ///
    /// # Panics
    /// If the column's length differs from the frame's: a fault of the calling room.
    pub fn append(&mut self, column: Column) {
        debug_assert!(self.column(&column.name).is_none(), "column `{}` twice", column.name);
        assert_eq!(column.cells.len(), self.rows, "column `{}` has another length", column.name);
        self.columns.push(column);
    }

    /// Adds a column, replacing one of the same name.
    ///
    /// # Panics
    /// If the column's length differs from the frame's: a fault of the calling room.
    pub fn push(&mut self, column: Column) {
        assert_eq!(column.cells.len(), self.rows, "column `{}` has another length", column.name);
        match self.columns.iter_mut().find(|c| c.name == column.name) {
            Some(old) => *old = column,
            None => self.columns.push(column),
        }
    }
}
