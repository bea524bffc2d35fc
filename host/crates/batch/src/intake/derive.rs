//! Derived columns of a source: those that a hash join with a lookup gives, then those that expressions compute from
//! them and from the source's own. Both come before fields are typed, a batch of rows at a time.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::{Mutex, PoisonError};

use arrow::array::{Array, BinaryViewArray, BinaryViewBuilder, StringArray};
use playbook_cycle::IntakeFinding;
use playbook_features::{Compiled, Expression, Values};
use playbook_model::{Bitmap, Cells, Column, JoinDef, MapRow, NumberMarks, SourceDef};

use crate::findings::{finding, named};
use crate::intake::decimal::decimal_text;
use crate::intake::field::{FieldReader, is_blank};
use crate::intake::lookup_table::Lookup;
use crate::intake::transform::Reason;
use crate::{BatchError, Result};

/// A column of a batch of rows; `None`: the file has none.
pub(crate) type Input = Option<BinaryViewArray>;

/// How the fields of a source come from its columns. All columns share one numbering: those read from the file come
/// first, then those of each join, then those computed.
#[derive(Debug)]
pub(crate) struct Derivation<'l> {
    /// The columns read from a file: those of fields that are read as they are, then the texts that joins and
    /// expressions use.
    pub(crate) inputs: Vec<FieldReader>,
    joins: Vec<Join<'l>>,
    computed: Vec<Computed>,
    /// By field, the number of the column that it reads.
    given: Vec<usize>,
}

#[derive(Debug)]
struct Join<'l> {
    lookup_name: String,
    lookup: &'l Lookup,
    /// The column with the key: its name and number.
    by: (String, usize),
    /// The columns of the lookup that fields or expressions use.
    columns: Vec<(String, &'l StringArray)>,
    unmatched: Mutex<Unmatched>,
}

/// Rows whose key the lookup does not have.
#[derive(Debug, Default)]
struct Unmatched {
    rows: u64,
    /// The least such key: the example in the finding, the same in every run.
    least: Option<String>,
}

#[derive(Debug)]
struct Computed {
    compiled: Compiled,
    /// Numbers of the columns that the expression reads, in its own order of names.
    reads: Vec<usize>,
}

/// A [`Derivation`] under construction.
struct Maker<'a, 'l> {
    source: &'a SourceDef,
    inputs: Vec<FieldReader>,
    /// Number of each input that is read as text, by column name.
    texts: BTreeMap<String, usize>,
    joins: Vec<Join<'l>>,
}

impl<'l> Derivation<'l> {
    /// Plans the derivation of `fields`, one per mapping row that is no constant; `None` where the source has neither
    /// joins nor expressions, so that each field reads its column as it is.
    pub(crate) fn new(
        source: &SourceDef,
        fields: &mut [FieldReader],
        lookups: &'l BTreeMap<String, Lookup>,
    ) -> Result<Option<Self>> {
        let rows: Vec<_> = source.mapping.iter().filter(|row| row.constant.is_none()).collect();
        if source.joins.is_empty() && rows.iter().all(|row| row.compute.is_none()) {
            return Ok(None);
        }
        let mut maker =
            Maker { source, inputs: Vec::new(), texts: BTreeMap::new(), joins: Vec::new() };
        let is_own = |name: &str| JoinDef::read_by(&source.joins, name).is_none();
        let mut own = Vec::with_capacity(rows.len());
        for (row, field) in rows.iter().zip(fields.iter()) {
            own.push(row.from.as_deref().filter(|from| is_own(from)).map(|_| {
                maker.inputs.push(field.clone());
                maker.inputs.len() - 1
            }));
        }
        let expressions = rows.iter().map(|row| {
            let compile = |text: &str| {
                let expression = Expression::parse(text)?;
                expression.compile_written(row.marks)
            };
            let mapping = |fault: playbook_features::ExpressionError| BatchError::Mapping {
                source_name: source.name.clone(),
                field: row.to.clone(),
                reason: fault.to_string(),
            };
            row.compute.as_deref().map(|text| compile(text).map_err(mapping)).transpose()
        });
        let mut expressions = expressions.collect::<Result<Vec<_>>>()?;
        // First the files' columns, then the joins': the numbering of columns asks for it.
        let named = expressions.iter().flatten().flat_map(|e| e.names().iter().map(String::as_str));
        let named = named.chain(source.joins.iter().map(|join| join.by.as_str()));
        let named: Vec<String> = named.filter(|name| is_own(name)).map(str::to_owned).collect();
        for name in named {
            maker.text(&name);
        }
        // A computed field that is optional makes the columns that it is computed from optional too.
        let computed = rows.iter().zip(&expressions).filter(|(row, _)| row.optional);
        for name in computed.filter_map(|(_, e)| e.as_ref()).flat_map(Compiled::names) {
            if let Some(at) = maker.texts.get(name) {
                maker.inputs[*at].optional = true;
            }
        }
        maker.join(lookups, &rows, &expressions)?;
        let mut next = maker.values();
        let (mut computed, mut given) = (Vec::new(), Vec::new());
        for (at, row) in rows.iter().enumerate() {
            given.push(match (own[at], expressions[at].take()) {
                (Some(input), _) => input,
                (None, Some(compiled)) => {
                    if !compiled.is_text() {
                        fields[at].marks = NumberMarks::default();
                    }
                    let reads = compiled.names().iter().map(|name| maker.number(name));
                    computed.push(Computed { reads: reads.collect::<Result<_>>()?, compiled });
                    next += 1;
                    next - 1
                }
                (None, None) => maker.number(row.from.as_deref().unwrap_or_default())?,
            });
        }
        Ok(Some(Self { inputs: maker.inputs, joins: maker.joins, computed, given }))
    }

    /// Derives a batch of rows, given its columns in the order of [`Derivation::inputs`].
    pub(crate) fn derive(&self, inputs: Vec<Input>, rows: usize) -> Derived<'_> {
        let mut values = inputs;
        for join in &self.joins {
            let found = join.rows(values[join.by.1].as_ref(), rows);
            values.extend(join.columns.iter().map(|(_, column)| Some(taken(column, &found))));
        }
        let mut faults = BTreeMap::new();
        for computed in &self.computed {
            let number = values.len();
            let value = computed.of(&values, rows, |row, reason| {
                faults.insert((number, row), reason);
            });
            values.push(Some(value));
        }
        Derived { values, faults, given: Some(&self.given) }
    }

    /// Replaces the readers of fields that read an input as it is by those of `inputs`, which a file may have changed.
    pub(crate) fn put_inputs(&self, inputs: &[FieldReader], fields: &mut [FieldReader]) {
        for (field, given) in fields.iter_mut().zip(&self.given) {
            if let Some(input) = inputs.get(*given) {
                field.clone_from(input);
            }
        }
    }

    /// The findings about keys that lookups do not have.
    pub(crate) fn findings(&self, source: &SourceDef) -> Vec<IntakeFinding> {
        let of_join = |join: &Join<'_>| {
            let unmatched = join.unmatched.lock().unwrap_or_else(PoisonError::into_inner);
            let (rows, name) = (unmatched.rows, &join.lookup_name);
            let key = named(unmatched.least.as_ref()?);
            let by = &join.by.0;
            let (rows_en, key_en) = if rows == 1 {
                ("1 row has".to_owned(), "")
            } else {
                (format!("{rows} rows have"), ", such as")
            };
            Some(finding(
                "lookup-unmatched",
                Some(&source.name),
                rows,
                format!(
                    "{rows_en} a `{by}` that lookup `{name}` does not have{key_en} {key}; fields that it gives are missing there"
                ),
                format!(
                    "{rows} 行的 `{by}` 不在查詢表 `{name}` 中，例如 {key}；由其提供的欄位在這些行為空"
                ),
            ))
        };
        self.joins.iter().filter_map(of_join).collect()
    }
}

impl<'l> Maker<'_, 'l> {
    /// Adds a column that is read as text, once.
    fn text(&mut self, name: &str) {
        if !self.texts.contains_key(name) {
            self.texts.insert(name.to_owned(), self.inputs.len());
            self.inputs.push(FieldReader::of_text(name));
        }
    }

    /// Number of columns from the file and the joins: the number of the first computed one.
    fn values(&self) -> usize {
        self.inputs.len() + self.joins.iter().map(|join| join.columns.len()).sum::<usize>()
    }

    /// The number of the column that a name means.
    fn number(&self, name: &str) -> Result<usize> {
        let Some((join, column)) = JoinDef::read_by(&self.source.joins, name) else {
            return self.texts.get(name).copied().ok_or_else(|| self.unknown(name));
        };
        let before = &self.joins.get(..join).ok_or_else(|| self.unknown(name))?;
        let start = self.inputs.len() + before.iter().map(|j| j.columns.len()).sum::<usize>();
        let columns = self.joins.get(join).map(|join| &join.columns);
        let at = columns.and_then(|columns| columns.iter().position(|(known, _)| known == column));
        at.map(|at| start + at).ok_or_else(|| self.unknown(name))
    }

    fn unknown(&self, name: &str) -> BatchError {
        BatchError::Mapping {
            source_name: self.source.name.clone(),
            field: name.to_owned(),
            reason: "no column of the source or of a join above has this name".to_owned(),
        }
    }

    fn join(
        &mut self,
        lookups: &'l BTreeMap<String, Lookup>,
        rows: &[&MapRow],
        expressions: &[Option<Compiled>],
    ) -> Result<()> {
        let read = rows.iter().filter_map(|row| row.from.as_deref());
        let read = read.chain(self.source.joins.iter().map(|join| join.by.as_str()));
        let named = expressions.iter().flatten().flat_map(|e| e.names().iter().map(String::as_str));
        let read: Vec<(usize, &str)> = read
            .chain(named)
            .filter_map(|name| JoinDef::read_by(&self.source.joins, name))
            .collect();
        for (number, join) in self.source.joins.iter().enumerate() {
            let lookup = lookups.get(&join.lookup).ok_or_else(|| self.unknown(&join.lookup))?;
            let mut columns: Vec<(String, &StringArray)> = Vec::new();
            for (_, name) in read.iter().filter(|(of, _)| *of == number) {
                if columns.iter().all(|(known, _)| known != name) {
                    let column = lookup.column(name).ok_or_else(|| self.unknown(name))?;
                    columns.push(((*name).to_owned(), column));
                }
            }
            let by = (join.by.clone(), self.number(&join.by)?);
            self.joins.push(Join {
                lookup_name: join.lookup.clone(),
                lookup,
                by,
                columns,
                unmatched: Mutex::default(),
            });
        }
        Ok(())
    }
}

impl Join<'_> {
    /// The probe of the hash join: for each key of a batch, the row of the lookup.
    fn rows(&self, keys: Option<&BinaryViewArray>, rows: usize) -> Vec<Option<usize>> {
        let mut unmatched = Unmatched::default();
        let mut found = Vec::with_capacity(rows);
        for row in 0..rows {
            let key = keys.filter(|keys| keys.is_valid(row)).map(|keys| keys.value(row));
            let key = key.map(<[u8]>::trim_ascii).filter(|key| !is_blank(key));
            let at = key.and_then(|key| self.lookup.row(key));
            if let (Some(key), None) = (key, at) {
                unmatched.add(1, || String::from_utf8_lossy(key).into_owned());
            }
            found.push(at);
        }
        if let Some(least) = unmatched.least {
            let mut all = self.unmatched.lock().unwrap_or_else(PoisonError::into_inner);
            all.add(unmatched.rows, || least);
        }
        found
    }
}

impl Unmatched {
    fn add(&mut self, rows: u64, key: impl FnOnce() -> String) {
        self.rows += rows;
        let key = key();
        if self.least.as_ref().is_none_or(|least| key < *least) {
            self.least = Some(key);
        }
    }
}

/// The values of a lookup's column at the given rows.
fn taken(column: &StringArray, rows: &[Option<usize>]) -> BinaryViewArray {
    let mut taken = BinaryViewBuilder::with_capacity(rows.len());
    for row in rows {
        taken.append_option(row.filter(|row| column.is_valid(*row)).map(|row| column.value(row)));
    }
    taken.finish()
}

impl Computed {
    fn of(
        &self,
        values: &[Input],
        rows: usize,
        mut fault: impl FnMut(usize, Reason),
    ) -> BinaryViewArray {
        let mut columns = Vec::with_capacity(self.reads.len());
        for read in &self.reads {
            columns.push(column(values[*read].as_ref(), rows, &mut fault));
        }
        let columns: Vec<&Column> = columns.iter().collect();
        let mut texts = BinaryViewBuilder::with_capacity(rows);
        self.evaluate(&columns, 0..rows, &mut texts, &mut fault);
        texts.finish()
    }

    /// Evaluates a range of rows. A row that cannot be computed fails its whole range, so a failed range is halved
    /// until such rows are found (binary search).
    fn evaluate(
        &self,
        columns: &[&Column],
        rows: Range<usize>,
        texts: &mut BinaryViewBuilder,
        fault: &mut impl FnMut(usize, Reason),
    ) {
        let stretch = |rows: &Range<usize>| {
            let number = |row| u32::try_from(row).unwrap_or(u32::MAX);
            number(rows.start)..number(rows.end)
        };
        match self.compiled.evaluate(columns, stretch(&rows)) {
            Ok(Values::Integers(values)) => {
                values.into_iter().for_each(|v| texts.append_option(v.map(|v| v.to_string())));
            }
            Ok(Values::Reals(values)) => {
                values.into_iter().for_each(|v| texts.append_option(v.map(decimal_text)));
            }
            Ok(Values::Texts(values)) => {
                values.into_iter().for_each(|v| texts.append_option(v.as_deref()));
            }
            Err(found) if rows.len() == 1 => {
                fault(rows.start, Reason::NotComputed(found.kind));
                texts.append_null();
            }
            Err(_) => {
                let middle = rows.start + rows.len() / 2;
                self.evaluate(columns, rows.start..middle, texts, fault);
                self.evaluate(columns, middle..rows.end, texts, fault);
            }
        }
    }
}

/// A column as an expression reads it: blanks are missing.
fn column(
    input: Option<&BinaryViewArray>,
    rows: usize,
    fault: &mut impl FnMut(usize, Reason),
) -> Column {
    let mut valid = Bitmap::default();
    let mut texts = Vec::with_capacity(rows);
    for row in 0..rows {
        let bytes = input.filter(|input| input.is_valid(row)).map(|input| input.value(row));
        let bytes = bytes.filter(|bytes| !is_blank(bytes)).unwrap_or_default();
        let text = std::str::from_utf8(bytes).unwrap_or_else(|_| {
            fault(row, Reason::NotUtf8);
            ""
        });
        valid.push(!text.is_empty());
        texts.push(text);
    }
    let cells = Cells::Text(texts.into_iter().collect());
    Column { name: String::new(), unit: String::new(), cells, valid: Some(valid) }
}

/// A batch of rows with all its columns, read and derived.
pub(crate) struct Derived<'d> {
    values: Vec<Input>,
    /// By column number and row, why a value could not be computed.
    faults: BTreeMap<(usize, usize), Reason>,
    given: Option<&'d [usize]>,
}

impl Derived<'_> {
    /// Nothing is derived: each field reads the input of its own number.
    pub(crate) fn as_they_are(inputs: Vec<Input>) -> Self {
        Self { values: inputs, faults: BTreeMap::new(), given: None }
    }

    /// What a field reads in a row.
    pub(crate) fn field(&self, field: usize, row: usize) -> Result<Option<&[u8]>, Reason> {
        let number = self.given.map_or(field, |given| given[field]);
        if let Some(reason) = self.faults.get(&(number, row)) {
            return Err(*reason);
        }
        Ok(self.value(number, row))
    }

    /// The value of a column, by its number, in a row.
    pub(crate) fn value(&self, number: usize, row: usize) -> Option<&[u8]> {
        let values = self.values.get(number)?.as_ref();
        values.filter(|values| values.is_valid(row)).map(|values| values.value(row))
    }
}
