//! The quick way for Parquet: a mapping that is plain SQL over the file's own columns.

use arrow::datatypes::{DataType, Schema, TimeUnit};
use playbook_features::{quote_name, quote_text};
use playbook_model::{MapType, SourceDef, SourceTable, Transform};

use crate::engine::{LOCAL_TO_UNIX, LOWERED, MONEY, PSEUDONYM, TRIMMED};
use crate::intake::decimal::Decimal;

/// One mapped column as SQL over the raw table.
#[derive(Debug, Clone)]
pub(crate) struct DirectColumn {
    pub(crate) to: String,
    pub(crate) sql: String,
    /// Whether a missing or unusable value rejects the row; where there is any, the quick way is not taken.
    pub(crate) strict: bool,
    /// The raw column, where the expression may turn a value of it into none.
    pub(crate) raw: Option<String>,
}

/// Returns the mapped columns as SQL, or `None` where a row needs the slow way: texts to parse, values to look up.
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
                // Keys of identities are compared with each other and shown nowhere: digests of them, made
                // anew in every scan, would change no result.
                let sql = format!("nullif(btrim(CAST({name} AS VARCHAR)), '')");
                columns.push(DirectColumn {
                    to: row.to.clone(),
                    sql,
                    strict: row.required,
                    raw: None,
                });
                continue;
            }
            columns.push(DirectColumn {
                to: row.to.clone(),
                sql: transformed(&row.transform, &name),
                strict: row.required,
                raw: Some(name),
            });
            continue;
        }
        let plain = (row.factor - 1.0).abs() < f64::EPSILON;
        let (sql, may_fail) = match row.map_type {
            MapType::Text => (text(field.data_type(), &name)?, false),
            MapType::Integer if plain => (integer(field.data_type(), &name)?, false),
            MapType::Integer => return None,
            MapType::Real => {
                let real = real(field.data_type(), &name)?;
                (format!("({real} * CAST({:?} AS DOUBLE))", row.factor), true)
            }
            MapType::Money => {
                let shift = power_of_ten(row.factor)? + i32::from(currency_digits);
                money(field.data_type(), &name, shift)?
            }
            MapType::Time => (time(field.data_type(), &name, row.format.as_deref())?, false),
            MapType::Flag if *field.data_type() == DataType::Boolean => {
                (format!("CAST({name} AS BIGINT)"), false)
            }
            MapType::Flag => return None,
        };
        columns.push(DirectColumn {
            to: row.to.clone(),
            sql,
            strict: row.required,
            raw: may_fail.then_some(name),
        });
    }
    Some(columns)
}

/// SQL of a transformed text; missing where the text is empty or in no list.
fn transformed(by: &Transform, name: &str) -> String {
    let of = |function: &str| format!("{function}(CAST({name} AS VARCHAR))");
    match by {
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
    }
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

fn money(data_type: &DataType, name: &str, shift: i32) -> Option<(String, bool)> {
    if let Some(integer) = integer(data_type, name) {
        let power = 10_i64.checked_pow(u32::try_from(shift).ok()?)?;
        let sql = if power == 1 { integer } else { format!("({integer} * {power})") };
        return Some((sql, false));
    }
    // A 32-bit real has another shortest text than the 64-bit real of the same value.
    (*data_type == DataType::Float64).then(|| (format!("{MONEY}({name}, {shift})"), true))
}

fn time(data_type: &DataType, name: &str, format: Option<&str>) -> Option<String> {
    match data_type {
        DataType::Timestamp(unit, zone) => {
            let count = format!("arrow_cast({name}, 'Int64')");
            let ms = match unit {
                TimeUnit::Second => format!("({count} * 1000)"),
                TimeUnit::Millisecond => count,
                TimeUnit::Microsecond => format!("({count} / 1000)"),
                TimeUnit::Nanosecond => format!("({count} / 1000000)"),
            };
            Some(if zone.is_some() { ms } else { format!("{LOCAL_TO_UNIX}({ms})") })
        }
        DataType::Date32 => {
            let days = format!("CAST(arrow_cast({name}, 'Int32') AS BIGINT)");
            Some(format!("{LOCAL_TO_UNIX}({days} * 86400000)"))
        }
        other => {
            let integer = integer(other, name)?;
            match format {
                Some("unix-ms") => Some(integer),
                Some("unix-s") => Some(format!("({integer} * 1000)")),
                _ => None,
            }
        }
    }
}
