//! Rows and tables of native tests, as named columns.

use std::collections::BTreeMap;

use crate::types::{self, CellType, Wide};

/// Values of one column as a test states them.
#[derive(Debug, Clone, PartialEq)]
enum Values {
    Reals(Vec<Option<f64>>),
    Integers(Vec<Option<i64>>),
    Texts(Vec<Option<String>>),
    RealLists(Vec<Option<Vec<f64>>>),
    IntegerLists(Vec<Option<Vec<i64>>>),
    TextLists(Vec<Option<Vec<String>>>),
}

/// Named columns of equal length. Needs of the shape find them by name.
///
/// Names are those of features, `plugin.output` of other plugins, `previous.1.output` of earlier
/// evaluations, and `key`; a table without a key column has the keys 1, 2, 3 ... A column of
/// integers serves a need of reals; texts serve a need of a category. An optional need without a
/// column is all missing.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Data {
    rows: Option<usize>,
    columns: BTreeMap<String, Values>,
}

/// What may stand for a value of a column: the value itself, or an `Option` of it.
pub trait Cell<T> {
    /// The value, `None` where it is missing.
    fn cell(self) -> Option<T>;
}

macro_rules! cells {
    ($($from:ty => $to:ty),* $(,)?) => {$(
        impl Cell<$to> for $from {
            fn cell(self) -> Option<$to> {
                Some(self.into())
            }
        }
        impl Cell<$to> for Option<$from> {
            fn cell(self) -> Option<$to> {
                self.map(Into::into)
            }
        }
    )*};
}

cells!(
    i32 => i64, u32 => i64, i64 => i64, bool => i64,
    f64 => f64,
    &str => String, String => String,
    Vec<f64> => Vec<f64>, Vec<i64> => Vec<i64>,
);

impl Data {
    /// Returns a table without columns; it has as many rows as the first column that is added.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Returns a table of no rows at all.
    #[must_use]
    pub fn empty() -> Self {
        Self { rows: Some(0), ..Self::default() }
    }

    /// Number of rows.
    #[must_use]
    pub fn len(&self) -> usize {
        self.rows.unwrap_or(0)
    }

    /// Whether there is no row.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn add(mut self, name: &str, len: usize, values: Values) -> Self {
        let rows = *self.rows.get_or_insert(len);
        assert_eq!(rows, len, "column `{name}` has {len} values in a table of {rows} rows");
        self.columns.insert(name.to_owned(), values);
        self
    }

    /// Adds a column of reals.
    ///
    /// # Panics
    /// If its length differs from the table's; as all columns do.
    #[must_use]
    pub fn real<V: Cell<f64>>(self, name: &str, values: impl IntoIterator<Item = V>) -> Self {
        let values: Vec<_> = values.into_iter().map(Cell::cell).collect();
        self.add(name, values.len(), Values::Reals(values))
    }

    /// Adds a column of integers; flags count as 0 and 1.
    #[must_use]
    pub fn integer<V: Cell<i64>>(self, name: &str, values: impl IntoIterator<Item = V>) -> Self {
        let values: Vec<_> = values.into_iter().map(Cell::cell).collect();
        self.add(name, values.len(), Values::Integers(values))
    }

    /// Adds a column of texts, or of names of a category.
    #[must_use]
    pub fn text<V: Cell<String>>(self, name: &str, values: impl IntoIterator<Item = V>) -> Self {
        let values: Vec<_> = values.into_iter().map(Cell::cell).collect();
        self.add(name, values.len(), Values::Texts(values))
    }

    /// Adds a column of lists of reals.
    #[must_use]
    pub fn reals<V: Cell<Vec<f64>>>(self, name: &str, values: impl IntoIterator<Item = V>) -> Self {
        let values: Vec<_> = values.into_iter().map(Cell::cell).collect();
        self.add(name, values.len(), Values::RealLists(values))
    }

    /// Adds a column of lists of integers.
    #[must_use]
    pub fn integers<V: Cell<Vec<i64>>>(
        self,
        name: &str,
        values: impl IntoIterator<Item = V>,
    ) -> Self {
        let values: Vec<_> = values.into_iter().map(Cell::cell).collect();
        self.add(name, values.len(), Values::IntegerLists(values))
    }

    /// Adds a column of lists of texts.
    #[must_use]
    pub fn texts<'t>(self, name: &str, values: impl IntoIterator<Item = Vec<&'t str>>) -> Self {
        let owned = |list: Vec<&str>| Some(list.into_iter().map(str::to_owned).collect());
        let values: Vec<Option<Vec<String>>> = values.into_iter().map(owned).collect();
        self.add(name, values.len(), Values::TextLists(values))
    }

    /// The keys of the rows.
    pub(crate) fn keys(&self) -> Vec<i64> {
        match self.columns.get("key") {
            Some(Values::Integers(keys)) => keys.iter().map(|k| k.unwrap_or_default()).collect(),
            _ => (1..).take(self.len()).collect(),
        }
    }

    /// The table with the given rows, in that order.
    #[must_use]
    pub(crate) fn rows_at(&self, rows: &[usize]) -> Self {
        fn pick<T: Clone>(values: &[T], rows: &[usize]) -> Vec<T> {
            rows.iter().map(|&row| values[row].clone()).collect()
        }
        let mut picked = Self { rows: Some(rows.len()), columns: BTreeMap::new() };
        for (name, values) in &self.columns {
            let values = match values {
                Values::Reals(v) => Values::Reals(pick(v, rows)),
                Values::Integers(v) => Values::Integers(pick(v, rows)),
                Values::Texts(v) => Values::Texts(pick(v, rows)),
                Values::RealLists(v) => Values::RealLists(pick(v, rows)),
                Values::IntegerLists(v) => Values::IntegerLists(pick(v, rows)),
                Values::TextLists(v) => Values::TextLists(pick(v, rows)),
            };
            picked.columns.insert(name.clone(), values);
        }
        if !picked.columns.contains_key("key") {
            let keys = pick(&self.keys(), rows).into_iter().map(Some).collect();
            picked.columns.insert("key".to_owned(), Values::Integers(keys));
        }
        picked
    }

    /// The columns that `needs` declare, as the host would deliver them.
    pub(crate) fn columns(&self, needs: &[types::Need]) -> types::Columns {
        for name in self.columns.keys().filter(|name| *name != "key") {
            let wanted = needs.iter().any(|need| need.source.name() == *name);
            assert!(wanted, "the plugin needs no column `{name}`: it needs {}", names(needs));
        }
        let mut made = Made::default();
        for need in needs {
            made.add(need, self);
        }
        made.finish(self.len())
    }
}

fn names(needs: &[types::Need]) -> String {
    let names: Vec<String> = needs.iter().map(|need| need.source.name()).collect();
    names.join(", ")
}

#[derive(Default)]
struct Made {
    reals: Vec<f64>,
    integers: Vec<i64>,
    wides: Vec<Wide>,
    valid: Vec<Vec<bool>>,
}

impl Made {
    fn add(&mut self, need: &types::Need, data: &Data) {
        let name = need.source.name();
        let rows = data.len();
        let keys;
        let values = match (data.columns.get(&name), &need.source) {
            (Some(values), _) => Some(values),
            (None, types::Source::Key) => {
                keys = Values::Integers(data.keys().into_iter().map(Some).collect());
                Some(&keys)
            }
            (None, _) => {
                assert!(!need.required || rows == 0, "the plugin requires a column `{name}`");
                None
            }
        };
        match (need.cell_type, values) {
            (CellType::Real, None) => self.flat_reals(&vec![None; rows]),
            (CellType::Real, Some(Values::Reals(v))) => self.flat_reals(v),
            #[expect(
                clippy::cast_precision_loss,
                reason = "what the host does with such a feature"
            )]
            (CellType::Real, Some(Values::Integers(v))) => {
                self.flat_reals(&v.iter().map(|v| v.map(|v| v as f64)).collect::<Vec<_>>());
            }
            (CellType::Integer | CellType::Category, None) => self.flat_integers(&vec![None; rows]),
            (CellType::Integer | CellType::Category, Some(Values::Integers(v))) => {
                self.flat_integers(v);
            }
            (CellType::Category, Some(Values::Texts(v))) => {
                let code = |text: &String| need.categories.iter().position(|c| c == text);
                let codes = v.iter().map(|v| v.as_ref().and_then(code).map(|c| c as i64));
                self.flat_integers(&codes.collect::<Vec<_>>());
            }
            (CellType::Text, None) => self.texts(&vec![None; rows]),
            (CellType::Text, Some(Values::Texts(v))) => self.texts(v),
            (CellType::Reals, None) => self.real_lists(&vec![None; rows]),
            (CellType::Reals, Some(Values::RealLists(v))) => self.real_lists(v),
            (CellType::Integers, None) => self.integer_lists(&vec![None; rows]),
            (CellType::Integers, Some(Values::IntegerLists(v))) => self.integer_lists(v),
            (CellType::Texts, None) => self.text_lists(&vec![None; rows]),
            (CellType::Texts, Some(Values::TextLists(v))) => self.text_lists(v),
            (wanted, Some(_)) => panic!("column `{name}` cannot serve a need of {wanted:?}"),
        }
    }

    fn flat_reals(&mut self, values: &[Option<f64>]) {
        self.reals.extend(values.iter().map(|v| v.unwrap_or(0.0)));
        self.valid.push(values.iter().map(Option::is_some).collect());
    }

    fn flat_integers(&mut self, values: &[Option<i64>]) {
        self.integers.extend(values.iter().map(|v| v.unwrap_or(0)));
        self.valid.push(values.iter().map(Option::is_some).collect());
    }

    fn texts(&mut self, values: &[Option<String>]) {
        self.wides.push(Wide::Text(cells(values.iter().map(|v| v.as_deref().unwrap_or_default()))));
        self.valid.push(values.iter().map(Option::is_some).collect());
    }

    fn real_lists(&mut self, values: &[Option<Vec<f64>>]) {
        let (ends, values) = self.lists(values);
        self.wides.push(Wide::Reals(types::RealLists { ends, values }));
    }

    fn integer_lists(&mut self, values: &[Option<Vec<i64>>]) {
        let (ends, values) = self.lists(values);
        self.wides.push(Wide::Integers(types::IntegerLists { ends, values }));
    }

    fn text_lists(&mut self, values: &[Option<Vec<String>>]) {
        let (ends, texts) = self.lists(values);
        let values = cells(texts.iter().map(String::as_str));
        self.wides.push(Wide::Texts(types::TextLists { ends, values }));
    }

    fn lists<T: Clone>(&mut self, values: &[Option<Vec<T>>]) -> (Vec<u32>, Vec<T>) {
        self.valid.push(values.iter().map(Option::is_some).collect());
        let (mut ends, mut all) = (Vec::new(), Vec::new());
        for list in values {
            all.extend(list.iter().flatten().cloned());
            ends.push(u32::try_from(all.len()).expect("test data are small"));
        }
        (ends, all)
    }

    fn finish(self, rows: usize) -> types::Columns {
        let missing = self.valid.iter().flatten().any(|valid| !valid);
        let valid = missing.then(|| {
            let mut bits = vec![0; self.valid.len() * rows.div_ceil(8)];
            for (column, valid) in self.valid.iter().enumerate() {
                for (row, _) in valid.iter().enumerate().filter(|(_, valid)| **valid) {
                    bits[column * rows.div_ceil(8) + row / 8] |= 1 << (row % 8);
                }
            }
            bits
        });
        let wides = (!self.wides.is_empty()).then_some(self.wides);
        types::Columns { reals: self.reals, integers: self.integers, valid, wides }
    }
}

fn cells<'t>(texts: impl Iterator<Item = &'t str>) -> types::TextCells {
    let mut cells = types::TextCells { ends: Vec::new(), bytes: Vec::new() };
    for text in texts {
        cells.bytes.extend_from_slice(text.as_bytes());
        cells.ends.push(u32::try_from(cells.bytes.len()).expect("test data are small"));
    }
    cells
}
