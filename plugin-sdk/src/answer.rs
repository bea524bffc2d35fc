//! Columns and findings that a plugin gives back.

use std::ops::Range;

use playbook_contract::Layout;

use crate::types::{self, CellType, Finding, NONE_INDEX, Transfer, Wide};

// A quiet NaN with a payload that no arithmetic makes: "nobody has set this value". A NaN that a
// plugin computes by mistake differs from it, so it still reaches the host, which refuses it.
const UNSET_REAL: u64 = 0x7ff8_0b1a_4b0d_ea7a;
const UNSET_INTEGER: i64 = i64::MIN;
const UNSET_SPAN: (u32, u32) = (u32::MAX, u32::MAX);

/// Output columns of one table, by declared position. A value that is never set is missing.
#[derive(Debug)]
pub struct Outputs<'a> {
    rows: usize,
    layout: &'a Layout,
    reals: Vec<f64>,
    integers: Vec<i64>,
    wides: Vec<WideOut>,
}

/// Values of different lengths: the span of each row in what was given, in the order in which it was given.
#[derive(Debug)]
struct WideOut {
    spans: Vec<(u32, u32)>,
    given: Given,
}

#[derive(Debug)]
enum Given {
    Text(Vec<u8>),
    Reals(Vec<f64>),
    Integers(Vec<i64>),
    Texts(Vec<String>),
}

fn position(len: usize) -> u32 {
    u32::try_from(len).expect("a column holds less than 2^32 values")
}

impl WideOut {
    fn new(cell_type: CellType, rows: usize) -> Option<Self> {
        let given = match cell_type {
            CellType::Real | CellType::Integer | CellType::Category => return None,
            CellType::Text => Given::Text(Vec::new()),
            CellType::Reals => Given::Reals(Vec::new()),
            CellType::Integers => Given::Integers(Vec::new()),
            CellType::Texts => Given::Texts(Vec::new()),
        };
        Some(Self { spans: vec![UNSET_SPAN; rows], given })
    }

    fn finish(self) -> Wide {
        let Self { spans, given } = self;
        match given {
            Given::Text(given) => {
                let mut bytes = Vec::new();
                let ends = in_order(&spans, &mut |span| bytes.extend_from_slice(&given[span]));
                Wide::Text(types::TextCells { ends, bytes })
            }
            Given::Reals(given) => {
                let mut values = Vec::new();
                let ends = in_order(&spans, &mut |span| values.extend_from_slice(&given[span]));
                Wide::Reals(types::RealLists { ends, values })
            }
            Given::Integers(given) => {
                let mut values = Vec::new();
                let ends = in_order(&spans, &mut |span| values.extend_from_slice(&given[span]));
                Wide::Integers(types::IntegerLists { ends, values })
            }
            Given::Texts(given) => {
                let mut values = types::TextCells { ends: Vec::new(), bytes: Vec::new() };
                let ends = in_order(&spans, &mut |span| {
                    for text in &given[span] {
                        values.bytes.extend_from_slice(text.as_bytes());
                        values.ends.push(position(values.bytes.len()));
                    }
                });
                Wide::Texts(types::TextLists { ends, values })
            }
        }
    }
}

/// Takes what was given in order of rows; returns where each row ends.
#[inline(never)]
fn in_order(spans: &[(u32, u32)], take: &mut dyn FnMut(Range<usize>)) -> Vec<u32> {
    let mut taken = 0;
    let mut ends = Vec::with_capacity(spans.len());
    for span in spans {
        if *span != UNSET_SPAN {
            take(span.0 as usize..span.1 as usize);
            taken += span.1 - span.0;
        }
        ends.push(taken);
    }
    ends
}

impl<'a> Outputs<'a> {
    pub(crate) fn new(rows: usize, layout: &'a Layout) -> Self {
        let wides = match layout.wides {
            0 => Vec::new(),
            _ => layout
                .places
                .iter()
                .filter_map(|place| WideOut::new(place.cell_type, rows))
                .collect(),
        };
        Self {
            rows,
            layout,
            reals: vec![f64::from_bits(UNSET_REAL); layout.reals * rows],
            integers: vec![UNSET_INTEGER; layout.integers * rows],
            wides,
        }
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

    /// Place of `row` in the store of a column.
    #[inline]
    fn at(&self, nth: usize, row: usize) -> usize {
        assert!(row < self.rows, "there is no such row");
        nth * self.rows + row
    }

    /// Sets a real; the host refuses one that is not finite.
    ///
    /// # Panics
    /// If the shape declares no real output there, or there is no such row.
    #[inline]
    pub(crate) fn real(&mut self, column: usize, row: usize, value: f64) {
        let nth = self.layout.place(column, "real", |t| t == CellType::Real);
        let at = self.at(nth, row);
        self.reals[at] = value;
    }

    /// Sets an integer, or the position of a category. `i64::MIN` stands for missing.
    ///
    /// # Panics
    /// If the shape declares no integer or category there, or there is no such row.
    #[inline]
    pub(crate) fn integer(&mut self, column: usize, row: usize, value: i64) {
        let fits = |t| matches!(t, CellType::Integer | CellType::Category);
        let at = self.at(self.layout.place(column, "integer", fits), row);
        self.integers[at] = value;
    }

    /// Sets a category by its position in the declared list.
    ///
    /// # Panics
    /// If the shape declares no category there, or there is no such row.
    #[inline]
    pub(crate) fn category(&mut self, column: usize, row: usize, position: usize) {
        let nth = self.layout.place(column, "category", |t| t == CellType::Category);
        let at = self.at(nth, row);
        self.integers[at] = i64::try_from(position).unwrap_or(i64::MAX);
    }

    /// Sets a text.
    ///
    /// # Panics
    /// If the shape declares no text there, or there is no such row.
    pub(crate) fn text(&mut self, column: usize, row: usize, text: &str) {
        let nth = self.layout.place(column, "text", |t| t == CellType::Text);
        let WideOut { spans, given } = &mut self.wides[nth];
        if let Given::Text(values) = given {
            let start = position(values.len());
            values.extend(text.bytes());
            spans[row] = (start, position(values.len()));
        }
    }

    /// Sets a list of reals.
    ///
    /// # Panics
    /// If the shape declares no list of reals there, or there is no such row.
    pub(crate) fn reals(&mut self, column: usize, row: usize, list: &[f64]) {
        let nth = self.layout.place(column, "reals", |t| t == CellType::Reals);
        let WideOut { spans, given } = &mut self.wides[nth];
        if let Given::Reals(values) = given {
            let start = position(values.len());
            values.extend(list.iter().copied());
            spans[row] = (start, position(values.len()));
        }
    }

    /// Sets a list of integers.
    ///
    /// # Panics
    /// If the shape declares no list of integers there, or there is no such row.
    pub(crate) fn integers(&mut self, column: usize, row: usize, list: &[i64]) {
        let nth = self.layout.place(column, "integers", |t| t == CellType::Integers);
        let WideOut { spans, given } = &mut self.wides[nth];
        if let Given::Integers(values) = given {
            let start = position(values.len());
            values.extend(list.iter().copied());
            spans[row] = (start, position(values.len()));
        }
    }

    /// Sets a list of texts.
    ///
    /// # Panics
    /// If the shape declares no list of texts there, or there is no such row.
    pub(crate) fn texts(&mut self, column: usize, row: usize, list: &[&str]) {
        let nth = self.layout.place(column, "texts", |t| t == CellType::Texts);
        let WideOut { spans, given } = &mut self.wides[nth];
        if let Given::Texts(values) = given {
            let start = position(values.len());
            values.extend(list.iter().map(|&text| text.to_owned()));
            spans[row] = (start, position(values.len()));
        }
    }

    /// Makes a value missing again. Rows that were never set are missing already.
    ///
    /// # Panics
    /// If there is no such column or row.
    pub(crate) fn missing(&mut self, column: usize, row: usize) {
        match self.layout.places[column].cell_type {
            CellType::Real => self.real(column, row, f64::from_bits(UNSET_REAL)),
            CellType::Integer | CellType::Category => self.integer(column, row, UNSET_INTEGER),
            CellType::Text | CellType::Reals | CellType::Integers | CellType::Texts => {
                self.wides[self.layout.places[column].nth].spans[row] = UNSET_SPAN;
            }
        }
    }

    pub(crate) fn finish(mut self) -> types::Columns {
        let missing = self.reals.iter().any(|v| v.to_bits() == UNSET_REAL)
            || self.integers.contains(&UNSET_INTEGER)
            || self.wides.iter().any(|w| w.spans.contains(&UNSET_SPAN));
        let valid = missing.then(|| self.take_validity());
        let wides =
            (self.layout.wides > 0).then(|| self.wides.into_iter().map(WideOut::finish).collect());
        types::Columns { reals: self.reals, integers: self.integers, valid, wides }
    }

    /// Validity of all columns; values that are missing become 0.
    fn take_validity(&mut self) -> Vec<u8> {
        let (rows, each) = (self.rows, self.rows.div_ceil(8));
        let mut bits = vec![0; self.layout.valid_bytes(rows)];
        for (place, bits) in self.layout.places.iter().zip(bits.chunks_exact_mut(each.max(1))) {
            let range = place.nth * rows..(place.nth + 1) * rows;
            match place.cell_type {
                CellType::Real => {
                    for (row, value) in self.reals[range].iter_mut().enumerate() {
                        if value.to_bits() == UNSET_REAL {
                            *value = 0.0;
                        } else {
                            bits[row / 8] |= 1 << (row % 8);
                        }
                    }
                }
                CellType::Integer | CellType::Category => {
                    for (row, value) in self.integers[range].iter_mut().enumerate() {
                        if *value == UNSET_INTEGER {
                            *value = 0;
                        } else {
                            bits[row / 8] |= 1 << (row % 8);
                        }
                    }
                }
                CellType::Text | CellType::Reals | CellType::Integers | CellType::Texts => {
                    for (row, span) in self.wides[place.nth].spans.iter().enumerate() {
                        if *span != UNSET_SPAN {
                            bits[row / 8] |= 1 << (row % 8);
                        }
                    }
                }
            }
        }
        bits
    }
}

/// Answer for the rows of a batch: output columns, and one reason a row.
///
/// The methods of [`Outputs`] set values: `out.set(COLUMN, row, value)`.
#[derive(Debug)]
pub struct Answer<'a> {
    outputs: Outputs<'a>,
    reasons: Vec<u32>,
}

impl<'a> std::ops::Deref for Answer<'a> {
    type Target = Outputs<'a>;
    fn deref(&self) -> &Outputs<'a> {
        &self.outputs
    }
}

impl<'a> std::ops::DerefMut for Answer<'a> {
    fn deref_mut(&mut self) -> &mut Outputs<'a> {
        &mut self.outputs
    }
}

impl<'a> Answer<'a> {
    pub(crate) fn new(rows: usize, layout: &'a Layout) -> Self {
        Self { outputs: Outputs::new(rows, layout), reasons: Vec::new() }
    }

    /// Gives the row a reason, by its position in the shape.
    ///
    /// # Panics
    /// If there is no such row.
    pub fn reason(&mut self, row: usize, reason: u32) {
        if self.reasons.is_empty() {
            self.reasons = vec![NONE_INDEX; self.outputs.rows];
        }
        self.reasons[row] = reason;
    }

    pub(crate) fn finish(self) -> types::RowAnswer {
        types::RowAnswer { columns: self.outputs.finish(), reasons: self.reasons }
    }
}

/// Answer of a segmentation: one segment a row, and what an [`Answer`] holds.
#[derive(Debug)]
pub struct Segments<'a> {
    segment: Vec<u32>,
    answer: Answer<'a>,
}

impl<'a> std::ops::Deref for Segments<'a> {
    type Target = Answer<'a>;
    fn deref(&self) -> &Answer<'a> {
        &self.answer
    }
}

impl<'a> std::ops::DerefMut for Segments<'a> {
    fn deref_mut(&mut self) -> &mut Answer<'a> {
        &mut self.answer
    }
}

impl<'a> Segments<'a> {
    pub(crate) fn new(rows: usize, layout: &'a Layout) -> Self {
        Self { segment: vec![NONE_INDEX; rows], answer: Answer::new(rows, layout) }
    }

    /// Puts the row into a segment, by its position in the shape; else it belongs to none.
    ///
    /// # Panics
    /// If there is no such row.
    #[inline]
    pub fn segment(&mut self, row: usize, segment: u32) {
        self.segment[row] = segment;
    }

    pub(crate) fn finish(self) -> types::Segments {
        types::Segments { segment: self.segment, answer: self.answer.finish() }
    }
}

/// Answer of a plugin of whole tables: output columns a table, findings and transfers.
#[derive(Debug)]
pub struct TableAnswer<'a> {
    tables: Vec<Outputs<'a>>,
    findings: Vec<Finding>,
    transfers: Vec<Transfer>,
}

impl<'a> TableAnswer<'a> {
    pub(crate) fn new(tables: &[types::Table], layouts: &'a [Layout]) -> Self {
        let outputs = tables.iter().zip(layouts);
        Self {
            tables: outputs
                .map(|(table, layout)| Outputs::new(table.rows as usize, layout))
                .collect(),
            findings: Vec::new(),
            transfers: Vec::new(),
        }
    }

    /// The output columns of the table at `position`.
    ///
    /// # Panics
    /// If the shape declares fewer tables.
    pub fn table(&mut self, position: usize) -> &mut Outputs<'a> {
        &mut self.tables[position]
    }

    /// Adds a finding; findings keep their order.
    pub fn finding(&mut self, finding: Finding) {
        self.findings.push(finding);
    }

    /// Adds a movement of money.
    pub fn transfer(&mut self, transfer: Transfer) {
        self.transfers.push(transfer);
    }

    pub(crate) fn finish(self) -> types::TableAnswer {
        types::TableAnswer {
            tables: self.tables.into_iter().map(Outputs::finish).collect(),
            findings: self.findings,
            transfers: self.transfers,
        }
    }
}
