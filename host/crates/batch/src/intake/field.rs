//! One mapping row at work: bytes of a source's field to a typed value, or the reason why not.

use std::borrow::Cow;

use playbook_model::{MapRow, MapType, OnError, Transform};

use crate::clock::OffsetReader;
use crate::intake::decimal::Decimal;
use crate::intake::moment::TimeFormat;
use crate::intake::transform::{Reason, transform};

/// A typed value on its way into a column.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Value<'a> {
    Missing,
    Integer(i64),
    Real(f64),
    Text(Cow<'a, str>),
}

/// A mapping row, compiled.
#[derive(Debug, Clone)]
pub(crate) struct FieldReader {
    pub(crate) to: String,
    pub(crate) from: String,
    pub(crate) map_type: MapType,
    pub(crate) on_error: OnError,
    pub(crate) required: bool,
    transform: Transform,
    time: TimeFormat,
    factor: Decimal,
    factor_real: f64,
    plain_factor: bool,
    currency_digits: i32,
    salt: Vec<u8>,
}

impl FieldReader {
    /// Compiles a mapping row that reads a field.
    pub(crate) fn new(row: &MapRow, from: &str, currency_digits: u8, salt: &str) -> Option<Self> {
        Some(Self {
            to: row.to.clone(),
            from: from.to_owned(),
            map_type: row.map_type,
            on_error: row.on_error,
            required: row.required,
            transform: row.transform.clone(),
            time: TimeFormat::compile(row.format.as_deref()),
            factor: Decimal::from_real(row.factor)?,
            factor_real: row.factor,
            plain_factor: (row.factor - 1.0).abs() < f64::EPSILON,
            currency_digits: i32::from(currency_digits),
            salt: salt.as_bytes().to_vec(),
        })
    }

    /// Reads times as unix-ms, whatever the mapping says: the file has times of its own.
    pub(crate) fn read_unix_ms(&mut self) {
        self.time = TimeFormat::UnixMs;
    }

    /// The reason in words, for counts and the rejects file.
    pub(crate) fn reason(&self, reason: Reason) -> String {
        format!("`{}` {}", self.from, reason.words())
    }

    /// Types a field; empty text is a missing value.
    pub(crate) fn read<'a>(
        &self,
        raw: &'a [u8],
        clock: &mut OffsetReader<'_>,
    ) -> Result<Value<'a>, Reason> {
        if self.map_type == MapType::Text && self.transform == Transform::Copy {
            return match std::str::from_utf8(raw) {
                Ok("") => self.missing(),
                Ok(text) => Ok(Value::Text(Cow::Borrowed(text))),
                Err(_) => Err(Reason::NotUtf8),
            };
        }
        let raw = raw.trim_ascii();
        if raw.is_empty() {
            return self.missing();
        }
        match transform(&self.transform, &self.salt, raw)? {
            Cow::Borrowed(text) => self.typed(text, clock),
            Cow::Owned(text) => Ok(match self.typed(&text, clock)? {
                Value::Text(text) => Value::Text(Cow::Owned(text.into_owned())),
                Value::Integer(v) => Value::Integer(v),
                Value::Real(v) => Value::Real(v),
                Value::Missing => Value::Missing,
            }),
        }
    }

    pub(crate) fn missing<'a>(&self) -> Result<Value<'a>, Reason> {
        if self.required { Err(Reason::Missing) } else { Ok(Value::Missing) }
    }

    fn typed<'a>(&self, text: &'a [u8], clock: &mut OffsetReader<'_>) -> Result<Value<'a>, Reason> {
        match self.map_type {
            MapType::Text => match std::str::from_utf8(text) {
                Ok(text) => Ok(Value::Text(Cow::Borrowed(text))),
                Err(_) => Err(Reason::NotUtf8),
            },
            MapType::Integer => self.integer(text).ok_or(Reason::NotInteger),
            MapType::Real => self.real(text).ok_or(Reason::NotReal),
            MapType::Money => self.money(text).ok_or(Reason::NotMoney),
            MapType::Time => self.time.read(text, clock).map(Value::Integer).ok_or(Reason::NotTime),
            MapType::Flag => flag(text).map(Value::Integer).ok_or(Reason::NotFlag),
        }
    }

    fn integer(&self, text: &[u8]) -> Option<Value<'static>> {
        if self.plain_factor
            && let Some(value) = short_integer(text)
        {
            return Some(Value::Integer(value));
        }
        let decimal = Decimal::parse(text)?;
        if self.plain_factor && !decimal.is_whole(Decimal::ONE) {
            return None;
        }
        decimal.scaled(self.factor, 0).map(Value::Integer)
    }

    fn real(&self, text: &[u8]) -> Option<Value<'static>> {
        let value: f64 = std::str::from_utf8(text).ok()?.parse().ok()?;
        let value = value * self.factor_real;
        value.is_finite().then_some(Value::Real(value))
    }

    fn money(&self, text: &[u8]) -> Option<Value<'static>> {
        Decimal::parse(text)?.scaled(self.factor, self.currency_digits).map(Value::Integer)
    }
}

/// Reads up to 18 digits with a sign, the common case.
fn short_integer(text: &[u8]) -> Option<i64> {
    let (negative, digits) = match text.first()? {
        b'-' => (true, &text[1..]),
        _ => (false, text),
    };
    if digits.is_empty() || digits.len() > 18 {
        return None;
    }
    let mut value = 0;
    for byte in digits {
        if !byte.is_ascii_digit() {
            return None;
        }
        value = value * 10 + i64::from(byte - b'0');
    }
    Some(if negative { -value } else { value })
}

/// Reads true/false, yes/no, 1/0, t/f, y/n in any case.
pub(crate) fn flag(text: &[u8]) -> Option<i64> {
    let is = |words: [&str; 4]| words.iter().any(|w| text.eq_ignore_ascii_case(w.as_bytes()));
    if is(["true", "yes", "1", "t"]) || text.eq_ignore_ascii_case(b"y") {
        Some(1)
    } else if is(["false", "no", "0", "f"]) || text.eq_ignore_ascii_case(b"n") {
        Some(0)
    } else {
        None
    }
}
