//! Columns while threads fill them side by side, each a stretch of rows of its own.

use crate::{Bitmap, Cells, Column, TextCells};

/// A column of a known number of rows whose stretches are filled in any order. Rows that nothing is written to
/// hold 0 or an empty text.
#[derive(Debug)]
pub struct Filling {
    column: Column,
    rows: usize,
    stretch_rows: usize,
    /// A bit per missing value.
    missing: Vec<u8>,
    /// Per stretch of small integers, all its values, where one does not fit.
    large: Vec<Vec<i64>>,
    /// Per stretch, its texts.
    texts: Vec<TextCells>,
}

/// The rows of a column that one thread fills.
#[derive(Debug)]
pub struct Stretch<'a> {
    values: Values<'a>,
    missing: &'a mut [u8],
    large: Option<&'a mut Vec<i64>>,
}

#[derive(Debug)]
enum Values<'a> {
    Real(&'a mut [f64]),
    Integer(&'a mut [i64]),
    Small(&'a mut [i16]),
    Category(&'a mut [u32]),
    Text(&'a mut TextCells),
}

impl Filling {
    /// Starts a column of `rows` rows like `column`, whose own values are dropped. A column of small integers
    /// widens where a value does not fit.
    ///
    /// # Panics
    /// If `stretch_rows` is no multiple of 8: stretches share no byte of bits.
    #[must_use]
    pub fn new(mut column: Column, rows: usize, stretch_rows: usize) -> Self {
        assert!(
            stretch_rows > 0 && stretch_rows.is_multiple_of(8),
            "stretches end between bytes of bits"
        );
        let stretches = rows.div_ceil(stretch_rows);
        let (mut large, mut texts) = (Vec::new(), Vec::new());
        // New memory rather than cleared memory: what is zero is not written until it is filled.
        match &mut column.cells {
            Cells::Real(values) => *values = vec![0.0; rows],
            Cells::Integer(values) => *values = vec![0; rows],
            Cells::Small(values) => {
                *values = vec![0; rows];
                large = vec![Vec::new(); stretches];
            }
            Cells::Category { codes, .. } => *codes = vec![0; rows],
            Cells::Text(cells) => {
                *cells = TextCells::default();
                texts = vec![TextCells::default(); stretches];
            }
        }
        let missing = vec![0; rows.div_ceil(8)];
        Self { column, rows, stretch_rows, missing, large, texts }
    }

    /// The stretches in order of rows.
    pub fn stretches(&mut self) -> impl Iterator<Item = Stretch<'_>> {
        let rows = self.stretch_rows;
        let values: Vec<Values<'_>> = match &mut self.column.cells {
            Cells::Real(values) => values.chunks_mut(rows).map(Values::Real).collect(),
            Cells::Integer(values) => values.chunks_mut(rows).map(Values::Integer).collect(),
            Cells::Small(values) => values.chunks_mut(rows).map(Values::Small).collect(),
            Cells::Category { codes, .. } => codes.chunks_mut(rows).map(Values::Category).collect(),
            Cells::Text(_) => self.texts.iter_mut().map(Values::Text).collect(),
        };
        let large = self.large.iter_mut().map(Some).chain(std::iter::repeat_with(|| None));
        let parts = values.into_iter().zip(self.missing.chunks_mut(rows / 8)).zip(large);
        parts.map(|((values, missing), large)| Stretch { values, missing, large })
    }

    /// The whole column as one stretch; nothing is allocated for it.
    ///
    /// # Panics
    /// If the column has more rows than one stretch.
    pub fn whole(&mut self) -> Stretch<'_> {
        assert!(self.rows <= self.stretch_rows, "a column of several stretches");
        let values = match &mut self.column.cells {
            Cells::Real(values) => Values::Real(values),
            Cells::Integer(values) => Values::Integer(values),
            Cells::Small(values) => Values::Small(values),
            Cells::Category { codes, .. } => Values::Category(codes),
            Cells::Text(_) => {
                self.texts.resize_with(1, TextCells::default);
                Values::Text(&mut self.texts[0])
            }
        };
        Stretch { values, missing: &mut self.missing, large: self.large.first_mut() }
    }

    /// The filled column; one without a missing value has no bits.
    #[must_use]
    pub fn finish(self) -> Column {
        let Self { mut column, rows, stretch_rows, missing, large, texts } = self;
        column.valid = missing.iter().any(|bits| *bits != 0).then(|| {
            let bits: Vec<u8> = missing.iter().map(|bits| !bits).collect();
            let mut valid = Bitmap::default();
            valid.extend_packed(&bits, rows);
            valid
        });
        match &mut column.cells {
            Cells::Small(values) if large.iter().any(|large| !large.is_empty()) => {
                let mut wide = Vec::with_capacity(rows);
                for (small, large) in values.chunks(stretch_rows).zip(large) {
                    if large.is_empty() {
                        wide.extend(small.iter().map(|value| i64::from(*value)));
                    } else {
                        wide.extend(large);
                    }
                }
                column.cells = Cells::Integer(wide);
            }
            Cells::Text(cells) => {
                for (stretch, texts) in texts.iter().enumerate() {
                    let filled = stretch_rows.min(rows - stretch * stretch_rows);
                    (0..filled).for_each(|row| cells.push(texts.get(row).unwrap_or("")));
                }
            }
            _ => {}
        }
        column
    }
}

impl Stretch<'_> {
    /// Whether the column holds reals.
    #[must_use]
    #[inline]
    pub fn is_real(&self) -> bool {
        matches!(self.values, Values::Real(_))
    }

    /// Sets a row, where the column holds reals.
    #[inline]
    pub fn real(&mut self, at: usize, value: f64) {
        if let Values::Real(values) = &mut self.values {
            values[at] = value;
        }
    }

    /// Sets a row, where the column holds integers, or codes that fit.
    #[inline]
    pub fn integer(&mut self, at: usize, value: i64) {
        match &mut self.values {
            Values::Integer(values) => values[at] = value,
            Values::Small(values) => match (i16::try_from(value), &mut self.large) {
                (Ok(value), large) if large.as_ref().is_none_or(|large| large.is_empty()) => {
                    values[at] = value;
                }
                (_, Some(large)) => {
                    if large.is_empty() {
                        large.extend(values.iter().map(|value| i64::from(*value)));
                    }
                    large[at] = value;
                }
                (_, None) => unreachable!("a small column has room for large values"),
            },
            Values::Category(codes) => codes[at] = u32::try_from(value).unwrap_or(0),
            Values::Real(_) | Values::Text(_) => {}
        }
    }

    /// Sets rows from `at` on.
    pub fn reals(&mut self, at: usize, from: &[f64]) {
        if let Values::Real(values) = &mut self.values {
            values[at..at + from.len()].copy_from_slice(from);
        }
    }

    /// Sets rows from `at` on.
    pub fn integers(&mut self, at: usize, from: &[i64]) {
        (at..).zip(from).for_each(|(at, value)| self.integer(at, *value));
    }

    /// Appends the text of the next row.
    pub fn push_text(&mut self, text: &str) {
        if let Values::Text(cells) = &mut self.values {
            cells.push(text);
        }
    }

    /// Marks a row as missing.
    #[inline]
    pub fn miss(&mut self, at: usize) {
        self.missing[at / 8] |= 1 << (at % 8);
    }

    /// Marks those of `rows` rows from `at` on as missing whose bit in `valid` is 0; `at` is a multiple of 8.
    pub fn keep_valid(&mut self, at: usize, rows: usize, valid: &[u8]) {
        let bytes = self.missing[at / 8..].iter_mut().zip(valid);
        for (left, (missing, valid)) in (0..rows).step_by(8).map(|done| rows - done).zip(bytes) {
            *missing |= !valid & if left < 8 { (1 << left) - 1 } else { 0xff };
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;

    fn column(cells: Cells) -> Column {
        Column { name: "x".to_owned(), unit: String::new(), cells, valid: None }
    }

    #[test]
    fn a_small_column_widens_where_a_value_does_not_fit_and_keeps_all_others() {
        let mut filling = Filling::new(column(Cells::Small(Vec::new())), 19, 16);
        for (at, mut stretch) in filling.stretches().enumerate() {
            let rows = if at == 0 { 16 } else { 3 };
            (0..rows).for_each(|row| stretch.integer(row, i64::try_from(16 * at + row).unwrap()));
            stretch.integer(2, 1 << 40);
            if at == 1 {
                stretch.miss(1);
            }
        }
        let column = filling.finish();
        let seen: Vec<Option<i64>> = [1, 2, 16, 17, 18].map(|row| column.integer(row)).to_vec();
        assert_eq!(seen, [Some(1), Some(1 << 40), Some(16), None, Some(1 << 40)]);
    }

    #[test]
    fn batches_of_a_stretch_keep_their_bits() {
        let mut filling = Filling::new(column(Cells::Real(Vec::new())), 21, 16);
        for (at, mut stretch) in filling.stretches().enumerate() {
            if at == 0 {
                stretch.reals(0, &[1.0; 8]);
                stretch.keep_valid(0, 8, &[0b1111_1101]);
                stretch.reals(8, &[2.0; 8]);
            } else {
                stretch.reals(0, &[3.0; 5]);
                // Bits past the last row say nothing.
                stretch.keep_valid(0, 5, &[0b0001_0111]);
            }
        }
        let column = filling.finish();
        let missing: Vec<usize> = (0..21).filter(|row| column.real(*row).is_none()).collect();
        assert_eq!(missing, [1, 19]);
        assert_eq!((column.real(8), column.real(16)), (Some(2.0), Some(3.0)));
    }

    #[test]
    fn a_column_as_one_stretch_is_the_column_in_stretches() {
        for cells in [Cells::Small(Vec::new()), Cells::Text(TextCells::default())] {
            let mut fillings = [5, 0].map(|_| Filling::new(column(cells.clone()), 5, 8));
            let fill = |mut stretch: Stretch<'_>| {
                stretch.integer(3, 1 << 20);
                (0..5).for_each(|_| stretch.push_text("x"));
                stretch.miss(1);
            };
            fill(fillings[0].whole());
            fillings[1].stretches().for_each(fill);
            let [one, other] = fillings.map(Filling::finish);
            assert_eq!(one, other);
        }
    }

    #[test]
    fn texts_of_a_stretch_that_nobody_filled_are_empty() {
        let mut filling = Filling::new(column(Cells::Text(TextCells::default())), 10, 8);
        filling.stretches().last().unwrap().push_text("b");
        let column = filling.finish();
        assert_eq!(
            (column.text(0), column.text(8), column.text(9)),
            (Some(""), Some("b"), Some(""))
        );
    }
}
