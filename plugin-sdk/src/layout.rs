//! Where the columns of a table lie, worked out once when an instance opens.

use crate::shape::source_name;
use crate::types::{self, CellType};

/// Place of one declared column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) cell_type: CellType,
    /// Position among the columns of its store: reals, integers or wides.
    pub(crate) nth: usize,
}

/// Places of all columns of one table, in declared order.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Layout {
    pub(crate) places: Vec<Place>,
    pub(crate) names: Vec<String>,
    pub(crate) reals: usize,
    pub(crate) integers: usize,
    pub(crate) wides: usize,
}

impl Layout {
    fn push(&mut self, name: String, cell_type: CellType) {
        let store = match cell_type {
            CellType::Real => &mut self.reals,
            CellType::Integer | CellType::Category => &mut self.integers,
            CellType::Text | CellType::Reals | CellType::Integers | CellType::Texts => {
                &mut self.wides
            }
        };
        self.places.push(Place { cell_type, nth: *store });
        *store += 1;
        self.names.push(name);
    }

    pub(crate) fn of_needs(needs: &[types::Need]) -> Self {
        let mut layout = Self::default();
        for need in needs {
            layout.push(source_name(&need.source), need.cell_type);
        }
        layout
    }

    /// Layout of the outputs for `table`, or for the streamed rows where it is `None`.
    pub(crate) fn of_outputs(produces: &[types::Produce], table: Option<u32>) -> Self {
        let mut layout = Self::default();
        for produce in produces.iter().filter(|p| p.table == table) {
            layout.push(produce.name.clone(), produce.cell_type);
        }
        layout
    }

    /// Place of `column`, which the author promises to be of a type that `fits`.
    #[inline]
    pub(crate) fn place(
        &self,
        column: usize,
        wanted: &str,
        fits: impl Fn(CellType) -> bool,
    ) -> usize {
        match self.places.get(column) {
            Some(place) if fits(place.cell_type) => place.nth,
            _ => self.wrong_place(column, wanted),
        }
    }

    #[cold]
    #[inline(never)]
    fn wrong_place(&self, column: usize, wanted: &str) -> ! {
        match self.places.get(column) {
            Some(place) => panic!(
                "column {column} (`{}`) is declared as {:?}, not as {wanted}",
                self.names[column], place.cell_type
            ),
            None => {
                panic!("column {column} is not declared: there are {} columns", self.places.len())
            }
        }
    }

    /// Whether `columns` can hold `rows` rows of this layout; the text says what does not fit.
    pub(crate) fn check(&self, rows: usize, columns: &types::Columns) -> Result<(), String> {
        let wides = columns.wides.as_ref().map_or(0, Vec::len);
        let valid = columns.valid.as_ref().is_none_or(|v| v.len() == self.valid_bytes(rows));
        if columns.reals.len() == self.reals * rows
            && columns.integers.len() == self.integers * rows
            && wides == self.wides
            && valid
        {
            Ok(())
        } else {
            Err(self.misfit(rows, columns))
        }
    }

    pub(crate) fn valid_bytes(&self, rows: usize) -> usize {
        self.places.len() * rows.div_ceil(8)
    }

    #[cold]
    fn misfit(&self, rows: usize, columns: &types::Columns) -> String {
        format!(
            "columns do not fit the shape: {rows} rows need {} reals, {} integers and {} wide columns, \
             there are {}, {} and {} (validity of {:?} bytes)",
            self.reals * rows,
            self.integers * rows,
            self.wides,
            columns.reals.len(),
            columns.integers.len(),
            columns.wides.as_ref().map_or(0, Vec::len),
            columns.valid.as_ref().map(Vec::len),
        )
    }
}
