//! Typed views of the columns that the host delivers, by declared position.

use playbook_contract::{Layout, Layouts, span};

use crate::types::{self, CellType, Wide};

/// Rows with the columns that the shape declares: a streamed batch, or a whole table.
///
/// Columns are addressed by their position in the shape. Asking for a position that is not
/// declared, or with another type than declared, panics with a message that names the column: it is
/// a fault of the plugin that its first native test shows.
#[derive(Debug, Clone, Copy)]
pub struct Rows<'a> {
    rows: usize,
    columns: &'a types::Columns,
    layout: &'a Layout,
}

/// The whole tables of an instance, by their position in the shape.
#[derive(Debug, Clone, Copy)]
pub struct Tables<'a> {
    tables: &'a [types::Table],
    layouts: &'a Layouts,
}

impl<'a> Rows<'a> {
    /// Views `columns`, once they are known to fit the layout.
    pub(crate) fn new(
        rows: u32,
        columns: &'a types::Columns,
        layout: &'a Layout,
    ) -> Result<Self, String> {
        let rows = rows as usize;
        layout.check(rows, columns)?;
        Ok(Self { rows, columns, layout })
    }

    /// Number of rows.
    #[inline]
    #[must_use]
    pub fn len(&self) -> usize {
        self.rows
    }

    /// Whether there is no row.
    #[inline]
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rows == 0
    }

    #[inline]
    fn valid(&self, column: usize) -> Option<&'a [u8]> {
        let bytes = self.columns.valid.as_deref()?;
        let each = self.rows.div_ceil(8);
        bytes.get(column * each..(column + 1) * each)
    }

    /// The column of reals at `column`.
    ///
    /// # Panics
    /// If the shape declares no real there.
    #[inline]
    #[must_use]
    pub(crate) fn real(&self, column: usize) -> Column<'a, f64> {
        let nth = self.layout.place(column, "real", |t| t == CellType::Real);
        let values = &self.columns.reals[nth * self.rows..(nth + 1) * self.rows];
        Column { values, valid: self.valid(column) }
    }

    /// The column of integers at `column`; of a category its positions.
    ///
    /// # Panics
    /// If the shape declares neither an integer nor a category there.
    #[inline]
    #[must_use]
    pub(crate) fn integer(&self, column: usize) -> Column<'a, i64> {
        let fits = |t| matches!(t, CellType::Integer | CellType::Category);
        let nth = self.layout.place(column, "integer", fits);
        let values = &self.columns.integers[nth * self.rows..(nth + 1) * self.rows];
        Column { values, valid: self.valid(column) }
    }

    /// The category column at `column`.
    ///
    /// # Panics
    /// If the shape declares no category there.
    #[inline]
    #[must_use]
    pub(crate) fn category(&self, column: usize) -> Categories<'a> {
        let _ = self.layout.place(column, "category", |t| t == CellType::Category);
        Categories(self.integer(column))
    }

    #[inline]
    fn wide(
        &self,
        column: usize,
        wanted: &'static str,
        cell_type: fn(CellType) -> bool,
    ) -> &'a Wide {
        let nth = self.layout.place(column, wanted, cell_type);
        let wides = self.columns.wides.as_deref().unwrap_or_default();
        &wides[nth]
    }

    /// The column of texts at `column`.
    ///
    /// # Panics
    /// If the shape declares no text there.
    #[must_use]
    pub(crate) fn text(&self, column: usize) -> Texts<'a> {
        match self.wide(column, "text", |t| t == CellType::Text) {
            Wide::Text(cells) => Texts { cells, valid: self.valid(column) },
            other => wrong_wide(column, other),
        }
    }

    /// The column of lists of reals at `column`.
    ///
    /// # Panics
    /// If the shape declares no list of reals there.
    #[must_use]
    pub(crate) fn reals(&self, column: usize) -> Lists<'a, f64> {
        match self.wide(column, "reals", |t| t == CellType::Reals) {
            Wide::Reals(lists) => {
                Lists { ends: &lists.ends, values: &lists.values, valid: self.valid(column) }
            }
            other => wrong_wide(column, other),
        }
    }

    /// The column of lists of integers at `column`.
    ///
    /// # Panics
    /// If the shape declares no list of integers there.
    #[must_use]
    pub(crate) fn integers(&self, column: usize) -> Lists<'a, i64> {
        match self.wide(column, "integers", |t| t == CellType::Integers) {
            Wide::Integers(lists) => {
                Lists { ends: &lists.ends, values: &lists.values, valid: self.valid(column) }
            }
            other => wrong_wide(column, other),
        }
    }

    /// The column of lists of texts at `column`.
    ///
    /// # Panics
    /// If the shape declares no list of texts there.
    #[must_use]
    pub(crate) fn texts(&self, column: usize) -> TextLists<'a> {
        match self.wide(column, "texts", |t| t == CellType::Texts) {
            Wide::Texts(lists) => TextLists { lists, valid: self.valid(column) },
            other => wrong_wide(column, other),
        }
    }
}

#[cold]
fn wrong_wide(column: usize, got: &Wide) -> ! {
    let name = match got {
        Wide::Text(_) => "text",
        Wide::Reals(_) => "reals",
        Wide::Integers(_) => "integers",
        Wide::Texts(_) => "texts",
    };
    panic!("the host delivered column {column} as {name}")
}

impl<'a> Tables<'a> {
    /// Views whole tables, once each is known to fit its layout.
    pub(crate) fn new(tables: &'a [types::Table], layouts: &'a Layouts) -> Result<Self, String> {
        layouts.check_tables(tables)?;
        Ok(Self { tables, layouts })
    }

    /// Views tables that [`Tables::new`] has accepted before.
    pub(crate) fn checked(tables: &'a [types::Table], layouts: &'a Layouts) -> Self {
        Self { tables, layouts }
    }

    /// Number of tables.
    #[must_use]
    pub fn len(&self) -> usize {
        self.tables.len()
    }

    /// Whether the shape declares no table.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.tables.is_empty()
    }

    /// The table at `position`.
    ///
    /// # Panics
    /// If the shape declares fewer tables.
    #[must_use]
    pub fn table(&self, position: usize) -> Rows<'a> {
        let table = &self.tables[position];
        Rows {
            rows: table.rows as usize,
            columns: &table.columns,
            layout: &self.layouts.tables[position],
        }
    }
}

#[inline]
fn bit(valid: Option<&[u8]>, row: usize) -> bool {
    match valid {
        None => true,
        Some(bits) => bits.get(row / 8).is_some_and(|byte| byte >> (row % 8) & 1 == 1),
    }
}

/// A column of flat values.
#[derive(Debug, Clone, Copy)]
pub struct Column<'a, T> {
    values: &'a [T],
    valid: Option<&'a [u8]>,
}

impl<'a, T: Copy> Column<'a, T> {
    /// The value of `row`; `None` where it is missing or past the end.
    #[inline]
    #[must_use]
    pub fn get(&self, row: usize) -> Option<T> {
        let value = *self.values.get(row)?;
        bit(self.valid, row).then_some(value)
    }

    /// Whether `row` holds a value.
    #[inline]
    #[must_use]
    pub fn is_valid(&self, row: usize) -> bool {
        row < self.values.len() && bit(self.valid, row)
    }

    /// Whether no value of the column is missing.
    #[inline]
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.valid.is_none() || (0..self.values.len()).all(|row| bit(self.valid, row))
    }

    /// All values; 0 where one is missing.
    #[inline]
    #[must_use]
    pub fn values(&self) -> &'a [T] {
        self.values
    }

    /// The values in order of rows, `None` where one is missing.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = Option<T>> + 'a {
        let valid = self.valid;
        self.values.iter().enumerate().map(move |(row, value)| bit(valid, row).then_some(*value))
    }
}

/// A column of positions in a closed list.
#[derive(Debug, Clone, Copy)]
pub struct Categories<'a>(Column<'a, i64>);

impl Categories<'_> {
    /// Position of the row's value in the declared list; `None` where it is missing.
    #[inline]
    #[must_use]
    pub fn get(&self, row: usize) -> Option<usize> {
        self.0.get(row).and_then(|code| usize::try_from(code).ok())
    }
}

fn text_at(cells: &types::TextCells, at: usize) -> Option<&str> {
    cells.get(at)
}

/// A column of texts.
#[derive(Debug, Clone, Copy)]
pub struct Texts<'a> {
    cells: &'a types::TextCells,
    valid: Option<&'a [u8]>,
}

impl<'a> Texts<'a> {
    /// The text of `row`; `None` where it is missing.
    #[must_use]
    pub fn get(&self, row: usize) -> Option<&'a str> {
        if bit(self.valid, row) { text_at(self.cells, row) } else { None }
    }
}

/// A column of lists of flat values.
#[derive(Debug, Clone, Copy)]
pub struct Lists<'a, T> {
    ends: &'a [u32],
    values: &'a [T],
    valid: Option<&'a [u8]>,
}

impl<'a, T> Lists<'a, T> {
    /// The list of `row`; `None` where it is missing, which an empty list is not.
    #[must_use]
    pub fn get(&self, row: usize) -> Option<&'a [T]> {
        if !bit(self.valid, row) {
            return None;
        }
        self.values.get(span(self.ends, row)?)
    }
}

/// A column of lists of texts.
#[derive(Debug, Clone, Copy)]
pub struct TextLists<'a> {
    lists: &'a types::TextLists,
    valid: Option<&'a [u8]>,
}

impl<'a> TextLists<'a> {
    /// The texts of `row`; `None` where the list is missing.
    pub fn get(&self, row: usize) -> Option<impl Iterator<Item = &'a str>> {
        if !bit(self.valid, row) {
            return None;
        }
        let (cells, range) = (&self.lists.values, span(&self.lists.ends, row)?);
        Some(range.filter_map(move |at| text_at(cells, at)))
    }
}
