//! Answers as tests read them: by name.

use playbook_contract::{Layout, span};

use crate::types::{self, CellType, NONE_INDEX, Wide};

/// Output columns of a table, read by name.
#[derive(Debug, Clone, PartialEq)]
pub struct Given {
    pub(super) rows: usize,
    pub(super) columns: types::Columns,
    pub(super) produces: Vec<types::Produce>,
}

impl Given {
    pub(super) fn new(
        shape: &types::Shape,
        table: Option<u32>,
        rows: usize,
        columns: types::Columns,
    ) -> Self {
        let produces = shape.produces.iter().filter(|p| p.table == table).cloned().collect();
        Self { rows, columns, produces }
    }

    /// Number of rows.
    #[must_use]
    pub fn len(&self) -> usize {
        self.rows
    }

    /// Whether there is no row.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rows == 0
    }

    /// Place of a value in its store; `None` where it is missing.
    fn find(&self, name: &str, row: usize, types: &[CellType]) -> Option<(usize, usize)> {
        assert!(row < self.rows, "there is no row {row}: the answer has {}", self.rows);
        let table = self.produces.first().and_then(|p| p.table);
        let layout = Layout::of_outputs(&self.produces, table);
        let column = self.produces.iter().position(|p| p.name == name);
        let column = column.unwrap_or_else(|| panic!("the plugin gives no column `{name}`"));
        let place = layout.places[column];
        assert!(types.contains(&place.cell_type), "`{name}` is of type {:?}", place.cell_type);
        self.columns.is_valid(column, row, self.rows).then_some((column, place.nth))
    }

    /// A real; `None` where it is missing.
    ///
    /// # Panics
    /// If the plugin gives no such column, or there is no such row; as all readers do.
    #[must_use]
    pub fn real(&self, name: &str, row: usize) -> Option<f64> {
        let (_, nth) = self.find(name, row, &[CellType::Real])?;
        Some(self.columns.reals[nth * self.rows + row])
    }

    /// A real rounded to 4 decimals, as check values are stated (domain 0.1).
    #[must_use]
    pub fn rounded(&self, name: &str, row: usize) -> Option<f64> {
        self.real(name, row).map(|value| (value * 1e4).round() / 1e4)
    }

    /// An integer; `None` where it is missing.
    #[must_use]
    pub fn integer(&self, name: &str, row: usize) -> Option<i64> {
        let (_, nth) = self.find(name, row, &[CellType::Integer])?;
        Some(self.columns.integers[nth * self.rows + row])
    }

    /// The name of a category; `None` where it is missing.
    #[must_use]
    pub fn category(&self, name: &str, row: usize) -> Option<&str> {
        let (column, nth) = self.find(name, row, &[CellType::Category])?;
        let code = usize::try_from(self.columns.integers[nth * self.rows + row]).ok()?;
        self.produces[column].categories.get(code).map(String::as_str)
    }

    fn wide(&self, name: &str, row: usize, cell_type: CellType) -> Option<&Wide> {
        let (_, nth) = self.find(name, row, &[cell_type])?;
        self.columns.wides.as_ref()?.get(nth)
    }

    /// A text; `None` where it is missing.
    #[must_use]
    pub fn text(&self, name: &str, row: usize) -> Option<&str> {
        match self.wide(name, row, CellType::Text)? {
            Wide::Text(cells) => cells.get(row),
            _ => None,
        }
    }

    /// A list of reals; `None` where it is missing.
    #[must_use]
    pub fn reals(&self, name: &str, row: usize) -> Option<&[f64]> {
        match self.wide(name, row, CellType::Reals)? {
            Wide::Reals(lists) => lists.values.get(span(&lists.ends, row)?),
            _ => None,
        }
    }

    /// A list of integers; `None` where it is missing.
    #[must_use]
    pub fn integers(&self, name: &str, row: usize) -> Option<&[i64]> {
        match self.wide(name, row, CellType::Integers)? {
            Wide::Integers(lists) => lists.values.get(span(&lists.ends, row)?),
            _ => None,
        }
    }

    /// A list of texts; `None` where it is missing.
    #[must_use]
    pub fn texts(&self, name: &str, row: usize) -> Option<Vec<&str>> {
        let Wide::Texts(lists) = self.wide(name, row, CellType::Texts)? else { return None };
        span(&lists.ends, row)?.map(|at| lists.values.get(at)).collect()
    }
}

fn code(codes: &[String], index: u32) -> Option<&str> {
    if index == NONE_INDEX { None } else { codes.get(index as usize).map(String::as_str) }
}

fn reason_codes(shape: &types::Shape) -> Vec<String> {
    shape.reasons.iter().map(|reason| reason.code.clone()).collect()
}

/// Answer for rows: output columns by name, and reasons.
#[derive(Debug, Clone, PartialEq)]
pub struct RowsGiven {
    given: Given,
    reasons: Vec<u32>,
    codes: Vec<String>,
}

impl std::ops::Deref for RowsGiven {
    type Target = Given;
    fn deref(&self) -> &Given {
        &self.given
    }
}

impl RowsGiven {
    pub(super) fn new(shape: &types::Shape, rows: usize, answer: types::RowAnswer) -> Self {
        Self {
            given: Given::new(shape, None, rows, answer.columns),
            reasons: answer.reasons,
            codes: reason_codes(shape),
        }
    }

    /// Code of the row's reason.
    #[must_use]
    pub fn reason(&self, row: usize) -> Option<&str> {
        self.reasons.get(row).and_then(|&reason| code(&self.codes, reason))
    }
}

/// Answer of a segmentation.
#[derive(Debug, Clone, PartialEq)]
pub struct SegmentsGiven {
    rows: RowsGiven,
    segment: Vec<u32>,
    names: Vec<String>,
}

impl std::ops::Deref for SegmentsGiven {
    type Target = RowsGiven;
    fn deref(&self) -> &RowsGiven {
        &self.rows
    }
}

impl SegmentsGiven {
    pub(super) fn new(shape: &types::Shape, rows: usize, answer: types::Segments) -> Self {
        Self {
            rows: RowsGiven::new(shape, rows, answer.answer),
            segment: answer.segment,
            names: shape.segments.iter().map(|segment| segment.name.clone()).collect(),
        }
    }

    /// Name of the row's segment; `None` where it belongs to none.
    #[must_use]
    pub fn segment(&self, row: usize) -> Option<&str> {
        code(&self.names, self.segment[row])
    }
}

/// One proposal, with names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proposed {
    /// Row of the batch.
    pub row: usize,
    /// Name of the action.
    pub action: String,
    /// Points, units or 1.
    pub quantity: i64,
    /// Greatest cost, in minor units.
    pub cost: i64,
    /// Expected output, in minor units.
    pub expected_output: i64,
    /// Code of the reason.
    pub reason: String,
    /// Minutes from now before which it must not happen; 0: at once.
    pub after_min: u32,
    /// Minutes from now after which it must not happen; `None`: the end of the cycle.
    pub until_min: Option<u32>,
}

pub(super) fn proposed(shape: &types::Shape, answer: &types::Proposals) -> Vec<Proposed> {
    let one = |at: usize| Proposed {
        row: answer.row[at] as usize,
        action: shape.actions[answer.action[at] as usize].name.clone(),
        quantity: answer.quantity[at],
        cost: answer.cost[at],
        expected_output: answer.expected_output[at],
        reason: shape.reasons[answer.reason[at] as usize].code.clone(),
        after_min: answer.after(at),
        until_min: answer.until(at),
    };
    (0..answer.row.len()).map(one).collect()
}

/// Answer of a plugin of whole tables.
#[derive(Debug, Clone, PartialEq)]
pub struct TablesGiven {
    tables: Vec<Given>,
    /// Findings in the order the plugin gave them.
    pub findings: Vec<types::Finding>,
    /// Movements of money in the order the plugin gave them.
    pub transfers: Vec<types::Transfer>,
    codes: Vec<String>,
}

impl TablesGiven {
    pub(super) fn new(shape: &types::Shape, rows: &[u32], answer: types::TableAnswer) -> Self {
        let tables = (0..).zip(rows.iter().zip(answer.tables));
        let given = |(t, (&rows, columns))| Given::new(shape, Some(t), rows as usize, columns);
        Self {
            tables: tables.map(given).collect(),
            findings: answer.findings,
            transfers: answer.transfers,
            codes: reason_codes(shape),
        }
    }

    /// Output columns of the table at `position`.
    ///
    /// # Panics
    /// If the shape declares fewer tables.
    #[must_use]
    pub fn table(&self, position: usize) -> &Given {
        &self.tables[position]
    }

    /// The findings whose reason has that code.
    pub fn findings_of<'s>(&'s self, reason: &'s str) -> impl Iterator<Item = &'s types::Finding> {
        self.findings.iter().filter(move |f| code(&self.codes, f.reason) == Some(reason))
    }
}
