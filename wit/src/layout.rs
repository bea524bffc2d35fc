//! Where the columns of a table lie, worked out once from a shape.

use crate::{Batch, CellType, Columns, Need, Produce, Shape};

/// Place of one declared column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Slotted {
    /// Type of its values.
    pub cell_type: CellType,
    /// Position among the columns of its store: reals, integers or wides.
    pub nth: usize,
}

/// Places of all columns of one table, in declared order.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Layout {
    /// Place of each column.
    pub places: Vec<Slotted>,
    /// Name of each column, for messages.
    pub names: Vec<String>,
    /// Number of real columns.
    pub reals: usize,
    /// Number of integer and category columns.
    pub integers: usize,
    /// Number of wide columns.
    pub wides: usize,
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
        self.places.push(Slotted { cell_type, nth: *store });
        *store += 1;
        self.names.push(name);
    }

    /// Layout of the columns of a need.
    #[must_use]
    pub fn of_needs(needs: &[Need]) -> Self {
        let mut layout = Self::default();
        needs.iter().for_each(|need| layout.push(need.source.name(), need.cell_type));
        layout
    }

    /// Layout of the outputs for `table`, or for the streamed rows where it is `None`.
    #[must_use]
    pub fn of_outputs(produces: &[Produce], table: Option<u32>) -> Self {
        let mut layout = Self::default();
        let of_table = produces.iter().filter(|p| p.table == table);
        of_table.for_each(|produce| layout.push(produce.name.clone(), produce.cell_type));
        layout
    }

    /// Place of `column` in its store.
    ///
    /// # Panics
    /// Where no such column is declared, or its type does not fit: a fault of the author's code.
    #[inline]
    #[must_use]
    pub fn place(&self, column: usize, wanted: &str, fits: impl Fn(CellType) -> bool) -> usize {
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
                "column {column} (`{}`) is declared as {}, not as {wanted}",
                self.names[column],
                place.cell_type.name()
            ),
            None => {
                panic!("column {column} is not declared: there are {} columns", self.places.len())
            }
        }
    }

    /// Bytes of a validity bitmap over all columns of `rows` rows.
    #[must_use]
    pub fn valid_bytes(&self, rows: usize) -> usize {
        self.places.len() * rows.div_ceil(8)
    }

    /// Checks that every list is as long as the declared columns and `rows` ask for.
    ///
    /// # Errors
    /// The first list that is not, in words.
    #[inline]
    pub fn check(&self, rows: usize, columns: &Columns) -> Result<(), String> {
        let wides = columns.wides.as_ref().map_or(0, Vec::len);
        let valid = columns.valid.as_ref().map_or(self.valid_bytes(rows), Vec::len);
        let fits = columns.reals.len() == self.reals * rows
            && columns.integers.len() == self.integers * rows
            && wides == self.wides
            && valid == self.valid_bytes(rows);
        if fits { Ok(()) } else { Err(self.misfit(rows, columns)) }
    }

    #[cold]
    fn misfit(&self, rows: usize, columns: &Columns) -> String {
        let wides = columns.wides.as_ref().map_or(0, Vec::len);
        let valid = columns.valid.as_ref().map_or(self.valid_bytes(rows), Vec::len);
        let lists = [
            ("reals", columns.reals.len(), self.reals * rows),
            ("integers", columns.integers.len(), self.integers * rows),
            ("wides", wides, self.wides),
            ("valid", valid, self.valid_bytes(rows)),
        ];
        let wrong = lists.into_iter().find(|(_, found, wanted)| found != wanted);
        let (list, found, wanted) = wrong.unwrap_or_default();
        format!("list `{list}` has {found} entries, {wanted} are declared for {rows} rows")
    }
}

/// Layouts of everything that a shape declares.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Layouts {
    /// The streamed rows; `None` where there are none.
    pub rows: Option<Layout>,
    /// The whole tables.
    pub tables: Vec<Layout>,
    /// Outputs of the streamed rows.
    pub row_outputs: Layout,
    /// Outputs of each whole table.
    pub table_outputs: Vec<Layout>,
}

impl Layouts {
    /// Works out all layouts of a shape.
    #[must_use]
    pub fn of(shape: &Shape) -> Self {
        let tables = 0..u32::try_from(shape.tables.len()).unwrap_or(u32::MAX);
        Self {
            rows: shape.rows.as_ref().map(|need| Layout::of_needs(&need.columns)),
            tables: shape.tables.iter().map(|need| Layout::of_needs(&need.columns)).collect(),
            row_outputs: Layout::of_outputs(&shape.produces, None),
            table_outputs: tables.map(|t| Layout::of_outputs(&shape.produces, Some(t))).collect(),
        }
    }

    /// Checks that whole tables have the columns that the shape declares.
    ///
    /// # Errors
    /// The first table that has not, in words.
    pub fn check_tables(&self, tables: &[Batch]) -> Result<(), String> {
        let (declared, given) = (self.tables.len(), tables.len());
        if declared != given {
            return Err(format!("the shape declares {declared} tables, {given} were given"));
        }
        for (at, (table, layout)) in tables.iter().zip(&self.tables).enumerate() {
            layout
                .check(table.rows as usize, &table.columns)
                .map_err(|text| format!("table {at}: {text}"))?;
        }
        Ok(())
    }
}
