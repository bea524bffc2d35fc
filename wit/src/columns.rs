//! Columns as they cross the sandbox: flat values of one type in one list, validity as bits.

use serde::{Deserialize, Serialize};

/// Type of a column. Real, integer and category are flat; the others are wide.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum CellType {
    /// Finite `f64`.
    Real,
    /// `i64`: counts, days, times, keys, money in minor units, flags as 0 or 1.
    Integer,
    /// `i64` position in a closed list of texts.
    Category,
    /// UTF-8 text.
    Text,
    /// List of `f64`.
    Reals,
    /// List of `i64`.
    Integers,
    /// List of texts.
    Texts,
}

impl CellType {
    /// Whether values of this type lie in one of the two flat lists.
    #[must_use]
    pub fn is_flat(self) -> bool {
        matches!(self, Self::Real | Self::Integer | Self::Category)
    }

    /// Name as the contract and playbook files write it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Real => "real",
            Self::Integer => "integer",
            Self::Category => "category",
            Self::Text => "text",
            Self::Reals => "reals",
            Self::Integers => "integers",
            Self::Texts => "texts",
        }
    }
}

/// Texts of one column: row `r` is `bytes[ends[r-1]..ends[r]]`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct TextCells {
    /// End offset of each row.
    pub ends: Vec<u32>,
    /// UTF-8 bytes of all rows.
    pub bytes: Vec<u8>,
}

impl TextCells {
    /// Appends one row.
    ///
    /// # Panics
    /// Past 4 GiB of text in one column, which the bounds of every caller exclude.
    pub fn push(&mut self, text: &str) {
        self.bytes.extend_from_slice(text.as_bytes());
        self.ends.push(u32::try_from(self.bytes.len()).expect("a column holds less than 4 GiB"));
    }

    /// Returns the text of `row`; `None` past the end or where the bytes are not UTF-8.
    #[must_use]
    #[inline]
    pub fn get(&self, row: usize) -> Option<&str> {
        std::str::from_utf8(self.bytes.get(span(&self.ends, row)?)?).ok()
    }

    /// Number of rows.
    #[must_use]
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether there is no row.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }
}

impl<'a> FromIterator<&'a str> for TextCells {
    fn from_iter<I: IntoIterator<Item = &'a str>>(texts: I) -> Self {
        let mut cells = Self::default();
        texts.into_iter().for_each(|text| cells.push(text));
        cells
    }
}

/// Positions of row `row` in values that end at `ends`; `None` past the last row or where ends fall.
#[must_use]
pub fn span(ends: &[u32], row: usize) -> Option<std::ops::Range<usize>> {
    let end = *ends.get(row)? as usize;
    let start = row.checked_sub(1).map_or(0, |before| ends[before] as usize);
    (start <= end).then_some(start..end)
}

/// Lists of flat values of one column: row `r` is `values[ends[r-1]..ends[r]]`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct ListCells<T> {
    /// End offset of each row.
    pub ends: Vec<u32>,
    /// Values of all rows.
    pub values: Vec<T>,
}

/// Lists of reals, as the contract names them.
pub type RealLists = ListCells<f64>;
/// Lists of integers, as the contract names them.
pub type IntegerLists = ListCells<i64>;

/// Lists of texts of one column: row `r` is the texts `ends[r-1]..ends[r]` of `values`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct TextLists {
    /// End offset of each row, in texts.
    pub ends: Vec<u32>,
    /// Texts of all rows.
    pub values: TextCells,
}

/// A wide column.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Wide {
    /// One text a row.
    Text(TextCells),
    /// A list of reals a row.
    Reals(RealLists),
    /// A list of integers a row.
    Integers(IntegerLists),
    /// A list of texts a row.
    Texts(TextLists),
}

impl Wide {
    /// The value of a row as text, the items of a list with spaces between them.
    #[must_use]
    pub fn text_of(&self, row: usize) -> String {
        fn list<T: std::fmt::Display>(cells: &ListCells<T>, row: usize) -> String {
            let values = span(&cells.ends, row).and_then(|span| cells.values.get(span));
            let texts = values.unwrap_or_default().iter().map(ToString::to_string);
            texts.collect::<Vec<_>>().join(" ")
        }
        match self {
            Self::Text(cells) => cells.get(row).unwrap_or("").to_owned(),
            Self::Reals(cells) => list(cells, row),
            Self::Integers(cells) => list(cells, row),
            Self::Texts(cells) => {
                let texts = span(&cells.ends, row).unwrap_or_default();
                texts.filter_map(|at| cells.values.get(at)).collect::<Vec<_>>().join(" ")
            }
        }
    }
}

/// Columns of one table in declared order; row `r` of the k-th real column is `reals[k * rows + r]`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Columns {
    /// Real columns, whole columns one after the other.
    pub reals: Vec<f64>,
    /// Integer and category columns, whole columns one after the other.
    pub integers: Vec<i64>,
    /// Validity of all columns in declared order, each starting on a byte, least significant bit
    /// first, 1 where there is a value; `None` where nothing is missing.
    pub valid: Option<Vec<u8>>,
    /// Wide columns in declared order; `None` where none is declared.
    pub wides: Option<Vec<Wide>>,
}

/// Rows with their columns.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Batch {
    /// Number of rows, 0 to 65,536.
    pub rows: u32,
    /// Columns in the order of the shape.
    pub columns: Columns,
}

/// A table that is handed over whole has the form of a batch.
pub type Table = Batch;

impl Columns {
    /// Whether row `row` of the `column`-th declared column holds a value.
    #[must_use]
    pub fn is_valid(&self, column: usize, row: usize, rows: usize) -> bool {
        match &self.valid {
            None => true,
            Some(bits) => {
                let at = column * rows.div_ceil(8) + row / 8;
                bits.get(at).is_some_and(|byte| byte >> (row % 8) & 1 == 1)
            }
        }
    }
}

/// One bit a row, least significant first, 1 where there is a value.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Bitmap {
    bytes: Vec<u8>,
    rows: usize,
}

impl Bitmap {
    /// Returns a bitmap of `rows` bits that are all `value`.
    #[must_use]
    pub fn filled(rows: usize, value: bool) -> Self {
        let mut bytes = vec![if value { 0xff } else { 0 }; rows.div_ceil(8)];
        if value && !rows.is_multiple_of(8) {
            // Bits past the last row stay 0, so that equal maps have equal bytes.
            let last = bytes.len() - 1;
            bytes[last] = (1 << (rows % 8)) - 1;
        }
        Self { bytes, rows }
    }

    /// Appends one bit.
    #[inline]
    pub fn push(&mut self, value: bool) {
        if self.rows.is_multiple_of(8) {
            self.bytes.push(0);
        }
        if value {
            self.bytes[self.rows / 8] |= 1 << (self.rows % 8);
        }
        self.rows += 1;
    }

    /// Returns the bit of `row`; false past the end.
    #[must_use]
    #[inline]
    pub fn get(&self, row: usize) -> bool {
        row < self.rows && self.bytes[row / 8] >> (row % 8) & 1 == 1
    }

    /// Sets the bit of `row`, which must exist.
    #[inline]
    pub fn set(&mut self, row: usize, value: bool) {
        let mask = 1 << (row % 8);
        if value {
            self.bytes[row / 8] |= mask;
        } else {
            self.bytes[row / 8] &= !mask;
        }
    }

    /// Number of bits.
    #[must_use]
    pub fn len(&self) -> usize {
        self.rows
    }

    /// Whether there is no bit.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rows == 0
    }

    /// Number of bits that are 1.
    #[must_use]
    pub fn count_ones(&self) -> usize {
        self.bytes.iter().map(|b| b.count_ones() as usize).sum()
    }

    /// Appends `rows` bits packed as in [`Columns::valid`]; bits past the end of `bits` are 0.
    pub fn extend_packed(&mut self, bits: &[u8], rows: usize) {
        if self.rows.is_multiple_of(8) && bits.len() == rows.div_ceil(8) {
            self.bytes.extend_from_slice(bits);
            self.rows += rows;
            if let (false, Some(last)) = (self.rows.is_multiple_of(8), self.bytes.last_mut()) {
                *last &= (1 << (self.rows % 8)) - 1;
            }
        } else {
            for row in 0..rows {
                self.push(bits.get(row / 8).is_some_and(|byte| byte >> (row % 8) & 1 == 1));
            }
        }
    }

    /// The packed bytes.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }
}
