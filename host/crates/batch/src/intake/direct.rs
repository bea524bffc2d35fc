//! The fast path for Parquet: a mapping that is plain SQL over the file's columns becomes a view, and no row is
//! copied. It is taken only where a check beforehand shows that no row would be rejected; else `parquet_rows` reads
//! row by row.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, Ordering};

use arrow::datatypes::{DataType, Field, Schema, TimeUnit};
use playbook_features::{quote_name, quote_text};
use playbook_model::{MapType, SourceDef, SourceTable, Transform};

use crate::Result;
use crate::column_files::{ColumnFile, Facts, Found, facts};
use crate::engine::{LOCAL_TO_UNIX, LOWERED, MONEY, PSEUDONYM, TRIMMED};
use crate::intake::decimal::Decimal;
use crate::intake::field::{FieldReader, TEXT_BYTES_MAX, TIMES_MS, Value, blank_letters};
use crate::intake::job::IntakeJob;
use crate::intake::parquet_rows::mapped_columns;
use playbook_features::{BrandClock, DAY_MS};

/// The fast path is not taken where a dictionary holds a longer value than this: SQL over a batch would copy the value
/// once for every row that refers to it.
const REPEATED_BYTES_MAX: usize = 4096;

/// One mapped column as SQL over the raw table.
#[derive(Debug, Clone)]
pub(crate) struct DirectColumn {
    pub(crate) to: String,
    /// Column of the files.
    pub(crate) from: String,
    pub(crate) sql: String,
    /// Whether a missing or unusable value rejects the row. One such value, and the fast path is not taken.
    pub(crate) strict: bool,
    /// Whether the expression is null only where the column is null.
    pub(crate) keeps: bool,
    /// The raw column where `keeps` is not known: a query then counts the nulls of both.
    pub(crate) raw: Option<String>,
    /// What must hold of the values, too.
    pub(crate) check: Check,
    /// Range of the integers, where the pages were read for it.
    pub(crate) range: Option<std::ops::RangeInclusive<i64>>,
}

/// A condition on all values of a column, without which the fast path is not taken.
#[derive(Debug, Clone)]
pub(crate) enum Check {
    Nothing,
    /// SQL that counts the values which reading row by row would reject: none.
    Unfit(String),
    /// SQL that counts the reals which are NaN or infinite: none.
    Infinite(String),
    /// SQL of an integer, whose least and greatest value must lie in the range.
    Within(String, std::ops::RangeInclusive<i64>),
}

/// Returns the mapped columns as SQL, or `None` where a mapping row is no plain SQL: texts to parse, values to look up.
pub(crate) fn direct_columns(
    source: &SourceDef,
    schema: &Schema,
    currency_digits: u8,
) -> Option<Vec<DirectColumn>> {
    let mut columns = Vec::new();
    for row in source.mapping.iter().filter(|row| row.constant.is_none()) {
        let from = row.from.as_deref()?;
        let field = schema.field_with_name(from).ok()?;
        let name = quote_name(from);
        if row.transform != Transform::Copy {
            if row.map_type != MapType::Text {
                return None;
            }
            text(field.data_type(), &name)?;
            if source.table == SourceTable::Identities && row.transform == Transform::Hash {
                // Hashing is skipped: keys of identities are only compared with each other and shown nowhere, and every
                // scan of the view would hash them again.
                let sql = format!("nullif(btrim(CAST({name} AS VARCHAR)), '')");
                columns.push(DirectColumn {
                    to: row.to.clone(),
                    from: from.to_owned(),
                    sql,
                    strict: row.required,
                    keeps: false,
                    raw: None,
                    check: Check::Nothing,
                    range: None,
                });
                continue;
            }
            let sql = transformed(&row.transform, &name)?;
            let check = row.words.as_deref().map(|words| Check::Unfit(unfit(&sql, Some(words))));
            columns.push(DirectColumn {
                to: row.to.clone(),
                from: from.to_owned(),
                keeps: false,
                sql,
                strict: row.required,
                raw: Some(name),
                check: check.unwrap_or(Check::Nothing),
                range: None,
            });
            continue;
        }
        let plain = (row.factor - 1.0).abs() < f64::EPSILON;
        let mut check = Check::Nothing;
        let (sql, may_fail) = match row.map_type {
            MapType::Text => {
                let sql = text(field.data_type(), &name)?;
                if row.words.is_some() || !is_integer(field.data_type()) {
                    check = Check::Unfit(unfit(&sql, row.words.as_deref()));
                }
                (sql, false)
            }
            MapType::Integer if plain => (integer(field.data_type(), &name)?, false),
            MapType::Integer => return None,
            MapType::Real => {
                let real = real(field.data_type(), &name)?;
                let real = format!("({real} * CAST({:?} AS DOUBLE))", row.factor);
                check = Check::Infinite(infinite(&real));
                (real, false)
            }
            MapType::Money => {
                if row.decimals.is_some() {
                    return None;
                }
                let shift = power_of_ten(row.factor)? + i32::from(currency_digits);
                let (sql, may_fail, within) = money(field.data_type(), &name, shift)?;
                check = within.unwrap_or(Check::Nothing);
                (sql, may_fail)
            }
            MapType::Time => {
                let (sql, within) = time(
                    field.data_type(),
                    &name,
                    row.format.as_deref(),
                    source.time_zone.as_deref(),
                )?;
                check = within;
                (sql, false)
            }
            MapType::Flag if *field.data_type() == DataType::Boolean => {
                (format!("CAST({name} AS BIGINT)"), false)
            }
            MapType::Flag => return None,
        };
        columns.push(DirectColumn {
            to: row.to.clone(),
            from: from.to_owned(),
            sql,
            strict: row.required,
            keeps: !may_fail,
            raw: may_fail.then_some(name),
            check,
            range: None,
        });
    }
    Some(columns)
}

/// Reads the dictionaries of the mapped text columns. Returns the fields whose every value stands in a dictionary and
/// is accepted unchanged, so that no query need check them; `None` where a value is too long for the fast path.
pub(crate) fn fit_texts(
    job: &IntakeJob<'_>,
    source: &SourceDef,
    files: &[ColumnFile],
    fields: &[FieldReader],
    clock: &BrandClock,
) -> Result<Option<BTreeSet<String>>> {
    let mut found: BTreeMap<String, Found> = BTreeMap::new();
    let is_text = |field: &FieldReader| AtomicBool::new(field.map_type == MapType::Text);
    let fits: Vec<AtomicBool> = fields.iter().map(is_text).collect();
    for file in files {
        let columns = mapped_columns(&source.name, file, fields)?;
        let survey = file.survey(&columns, job.threads, &|column, value| {
            for (field, fits) in fields.iter().zip(&fits).filter(|(f, _)| f.from == column) {
                let is_fit =
                    || matches!(field.read(value, &mut clock.offsets()), Ok(Value::Text(_)));
                if fits.load(Ordering::Relaxed) && !is_fit() {
                    fits.store(false, Ordering::Relaxed);
                }
            }
        })?;
        for (column, here) in survey.columns {
            let known = found.entry(column).or_default();
            *known = known.and(here);
        }
    }
    if found.values().any(|found| found.repeated_bytes > REPEATED_BYTES_MAX) {
        return Ok(None);
    }
    let is_listed = |field: &FieldReader| found.get(&field.from).is_some_and(|f| f.is_listed);
    let fit = fields
        .iter()
        .zip(fits)
        .filter(|(field, fits)| fits.load(Ordering::Relaxed) && is_listed(field));
    Ok(Some(fit.map(|(field, _)| field.to.clone()).collect()))
}

/// Reads the pages of the columns whose conditions they can answer, on several threads.
pub(crate) fn look_through(
    columns: &mut [DirectColumn],
    files: &[ColumnFile],
    schema: &Schema,
    threads: usize,
) -> Result<()> {
    let of_file = |from: &str| schema.field_with_name(from).ok().map(Field::data_type);
    let asked = columns.iter_mut().filter_map(|column| {
        let data_type = of_file(&column.from)?;
        column.asks(data_type).then_some((column, data_type))
    });
    let asked: Vec<_> = asked.collect();
    let names: Vec<&str> = asked.iter().map(|(column, _)| column.from.as_str()).collect();
    let found = facts(files, &names, threads)?;
    for ((column, data_type), facts) in asked.into_iter().zip(found) {
        column.learn(facts, data_type);
    }
    Ok(())
}

/// Columns whose range later steps of the intake use, so that they need no query for it.
const RANGED: [&str; 2] = ["time", "amount_minor"];

impl DirectColumn {
    /// Whether reading its pages may answer one of its conditions, or gives a range that is used.
    fn asks(&self, data_type: &DataType) -> bool {
        let is_asked = self.strict || matches!(self.check, Check::Infinite(_) | Check::Within(..));
        is_asked || self.is_ranged(data_type)
    }

    fn is_ranged(&self, data_type: &DataType) -> bool {
        is_signed(data_type) && RANGED.contains(&self.to.as_str())
    }

    /// Drops the conditions that the pages show to hold: reading them is cheaper than a query.
    fn learn(&mut self, facts: Facts, data_type: &DataType) {
        let Facts { is_full, range, is_finite } = facts;
        let name = quote_name(&self.from);
        if self.is_ranged(data_type)
            && (self.sql == name || self.sql == format!("CAST({name} AS BIGINT)"))
        {
            self.range.clone_from(&range);
        }
        self.strict = self.strict && !(is_full && self.keeps);
        let is_known = match &self.check {
            Check::Infinite(_) => is_finite && *data_type == DataType::Float64,
            Check::Within(_, wanted) => range.is_some_and(|found| {
                is_signed(data_type)
                    && (found.is_empty()
                        || wanted.contains(found.start()) && wanted.contains(found.end()))
            }),
            Check::Nothing | Check::Unfit(_) => false,
        };
        if is_known {
            self.check = Check::Nothing;
        }
    }
}

/// Whether the stored integers are signed: the range found in pages is that of signed integers.
fn is_signed(data_type: &DataType) -> bool {
    data_type.is_signed_integer() || data_type.is_temporal()
}

/// SQL that counts the texts which are blank, too long, or none of the words.
fn unfit(name: &str, words: Option<&[String]>) -> String {
    let fit = match words {
        Some(words) => {
            let words: Vec<_> = words.iter().map(|word| quote_text(word)).collect();
            format!("{name} IN ({})", words.join(", "))
        }
        None => format!(
            "btrim({name}, {}) <> '' AND octet_length({name}) <= {TEXT_BYTES_MAX}",
            quote_text(&blank_letters())
        ),
    };
    format!("count({name}) - count(CASE WHEN {fit} THEN 1 END)")
}

/// SQL that counts the reals which are NaN or infinite.
fn infinite(real: &str) -> String {
    let max = f64::MAX;
    let fit = format!("{real} BETWEEN CAST(-{max:e} AS DOUBLE) AND CAST({max:e} AS DOUBLE)");
    format!("count({real}) - count(CASE WHEN {fit} THEN 1 END)")
}

/// SQL of a transformed text, null where the text is empty or in no list; `None` for a transform that SQL lacks.
fn transformed(by: &Transform, name: &str) -> Option<String> {
    let of = |function: &str| format!("{function}(CAST({name} AS VARCHAR))");
    Some(match by {
        Transform::Whole => return None,
        Transform::Copy | Transform::Trim => of(TRIMMED),
        Transform::Lower => of(LOWERED),
        Transform::Hash => of(PSEUDONYM),
        Transform::EnumMap(values) if values.is_empty() => "CAST(NULL AS VARCHAR)".to_owned(),
        Transform::EnumMap(values) => {
            let cases = values
                .iter()
                .map(|(from, to)| format!("WHEN {} THEN {}", quote_text(from), quote_text(to)));
            format!("CASE {} {} END", of(TRIMMED), cases.collect::<Vec<_>>().join(" "))
        }
    })
}

fn power_of_ten(factor: f64) -> Option<i32> {
    let decimal = Decimal::from_real(factor)?;
    (decimal.mantissa == 1).then_some(decimal.exponent)
}

fn is_integer(data_type: &DataType) -> bool {
    use DataType as T;
    matches!(data_type, T::Int8 | T::Int16 | T::Int32 | T::Int64 | T::UInt8 | T::UInt16 | T::UInt32)
}

fn text(data_type: &DataType, name: &str) -> Option<String> {
    match data_type {
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => Some(name.to_owned()),
        DataType::Dictionary(_, value) if text(value, name).is_some() => Some(name.to_owned()),
        integer if is_integer(integer) => Some(format!("CAST({name} AS VARCHAR)")),
        _ => None,
    }
}

fn integer(data_type: &DataType, name: &str) -> Option<String> {
    match data_type {
        DataType::Int64 => Some(name.to_owned()),
        other if is_integer(other) || *other == DataType::Boolean => {
            Some(format!("CAST({name} AS BIGINT)"))
        }
        _ => None,
    }
}

fn real(data_type: &DataType, name: &str) -> Option<String> {
    match data_type {
        DataType::Float64 => Some(name.to_owned()),
        DataType::Float32 => Some(format!("CAST({name} AS DOUBLE)")),
        other if is_integer(other) => Some(format!("CAST({name} AS DOUBLE)")),
        _ => None,
    }
}

/// SQL of an amount, whether it is null where it fails, and the condition on its values.
fn money(data_type: &DataType, name: &str, shift: i32) -> Option<(String, bool, Option<Check>)> {
    if let Some(integer) = integer(data_type, name) {
        let power = 10_i64.checked_pow(u32::try_from(shift).ok()?)?;
        if power == 1 {
            return Some((integer, false, None));
        }
        let most = i64::MAX / power;
        let within = Check::Within(integer.clone(), -most..=most);
        return Some((format!("({integer} * {power})"), false, Some(within)));
    }
    // A 32-bit real has another shortest text than the 64-bit real of the same value.
    (*data_type == DataType::Float64).then(|| (format!("{MONEY}({name}, {shift})"), true, None))
}

/// SQL of a time in unix-ms, and the condition on its values.
fn time(
    data_type: &DataType,
    name: &str,
    format: Option<&str>,
    zone: Option<&str>,
) -> Option<(String, Check)> {
    // The engine has functions for the brand's zone and UTC alone; other zones are read row by row.
    let local = |ms: String| match zone {
        None => Some(format!("{LOCAL_TO_UNIX}({ms})")),
        Some("UTC") => Some(ms),
        Some(_) => None,
    };
    let within = |count: String, per_second: i64| {
        let (from, to) = (TIMES_MS.start / 1000, TIMES_MS.end / 1000);
        Check::Within(count, from * per_second..=to * per_second - 1)
    };
    match data_type {
        DataType::Timestamp(unit, own) => {
            let count = format!("arrow_cast({name}, 'Int64')");
            let (ms, per_second) = match unit {
                TimeUnit::Second => (format!("({count} * 1000)"), 1),
                TimeUnit::Millisecond => (count.clone(), 1_000),
                TimeUnit::Microsecond => (format!("({count} / 1000)"), 1_000_000),
                TimeUnit::Nanosecond => (format!("({count} / 1000000)"), 1_000_000_000),
            };
            let sql = if own.is_some() { ms } else { local(ms)? };
            Some((sql, within(count, per_second)))
        }
        DataType::Date32 => {
            let days = format!("CAST(arrow_cast({name}, 'Int32') AS BIGINT)");
            let (from, to) = (TIMES_MS.start / DAY_MS, TIMES_MS.end / DAY_MS);
            let check = Check::Within(days.clone(), from..=to - 1);
            Some((local(format!("({days} * 86400000)"))?, check))
        }
        other => {
            let integer = integer(other, name)?;
            match format {
                Some("unix-ms") => Some((integer.clone(), within(integer, 1_000))),
                Some("unix-s") => Some((format!("({integer} * 1000)"), within(integer, 1))),
                _ => None,
            }
        }
    }
}
