//! Reads one field by its mapping row: bytes to a typed value, or the reason why not.

use std::borrow::Cow;
use std::collections::HashSet;

use foldhash::fast::FixedState;
use playbook_model::{MapRow, MapType, NumberMarks, OnError, Transform};

use crate::intake::decimal::{Decimal, decimals_written};
use crate::intake::moment::TimeFormat;
use crate::intake::rejects::{Refused, raw_text};
use crate::intake::transform::{Reason, transform};
use crate::schema::INTEGER_IDS;
use playbook_features::OffsetReader;

/// Longest text that a field takes: ids, words and names are short, and long ones would fill the memory of a batch.
pub(crate) const TEXT_BYTES_MAX: usize = 1 << 16;

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
    /// Whether a file may lack the column.
    pub(crate) optional: bool,
    /// Whether it holds ids.
    pub(crate) is_id: bool,
    words: Option<HashSet<Box<str>, FixedState>>,
    transform: Transform,
    time: TimeFormat,
    factor: Decimal,
    factor_real: f64,
    plain_factor: bool,
    pub(crate) marks: NumberMarks,
    /// Most decimals that an amount may be written with.
    decimals_max: usize,
    /// Whether further decimals are rounded away; else they are a reject.
    rounds: bool,
    currency_digits: i32,
    salt: Vec<u8>,
}

impl FieldReader {
    /// Compiles a mapping row that reads a field.
    pub(crate) fn new(row: &MapRow, from: &str, currency_digits: u8, salt: &str) -> Option<Self> {
        let factor = Decimal::from_real(row.factor)?;
        let currency_digits = i32::from(currency_digits);
        // With a factor that is no power of ten the number of decimals tells nothing; the scaled amount is checked.
        let of_unit = match factor.mantissa {
            1 => usize::try_from(currency_digits + factor.exponent).unwrap_or(0),
            _ => usize::MAX,
        };
        let words = row.words.as_ref();
        Some(Self {
            to: row.to.clone(),
            from: from.to_owned(),
            map_type: row.map_type,
            on_error: row.on_error,
            required: row.required,
            optional: row.optional,
            is_id: INTEGER_IDS.contains(&row.to.as_str()),
            words: words.map(|words| words.iter().map(|word| word.as_str().into()).collect()),
            transform: row.transform.clone(),
            time: TimeFormat::compile(row.format.as_deref()),
            factor,
            factor_real: row.factor,
            plain_factor: (row.factor - 1.0).abs() < f64::EPSILON,
            marks: row.marks,
            decimals_max: row.decimals.map_or(of_unit, usize::from),
            rounds: row.decimals.is_some(),
            currency_digits,
            salt: salt.as_bytes().to_vec(),
        })
    }

    /// A reader that takes a column as text, unchanged.
    pub(crate) fn of_text(column: &str) -> Self {
        Self {
            to: column.to_owned(),
            from: column.to_owned(),
            map_type: MapType::Text,
            on_error: OnError::Reject,
            required: false,
            optional: false,
            is_id: false,
            words: None,
            transform: Transform::Copy,
            time: TimeFormat::compile(None),
            factor: Decimal::ONE,
            factor_real: 1.0,
            plain_factor: true,
            marks: NumberMarks::default(),
            decimals_max: usize::MAX,
            rounds: false,
            currency_digits: 0,
            salt: Vec::new(),
        }
    }

    /// Makes it read times as unix-ms, whatever the mapping says: Parquet timestamps are converted to that.
    pub(crate) fn read_unix_ms(&mut self) {
        self.time = TimeFormat::UnixMs;
    }

    /// The reason in words, with the column's name, for counts and the rejects file.
    pub(crate) fn reason(&self, reason: Reason) -> String {
        format!("`{}` {}", self.from, reason.words())
    }

    /// The refusal of a row because of this field and its raw text.
    pub(crate) fn refused(&self, reason: Reason, raw: Option<&[u8]>) -> Refused {
        Refused {
            reason: self.reason(reason),
            counts: self.on_error == OnError::Reject,
            value: raw.map_or_else(String::new, raw_text),
        }
    }

    /// Reads a value; an empty or blank text is a missing value.
    pub(crate) fn read<'a>(
        &self,
        raw: &'a [u8],
        clock: &mut OffsetReader<'_>,
    ) -> Result<Value<'a>, Reason> {
        // First of all checks: a dictionary may hold such a text once for a million rows, each of which comes here.
        if raw.len() > TEXT_BYTES_MAX {
            return Err(Reason::TooLong);
        }
        if self.map_type == MapType::Text && self.transform == Transform::Copy {
            return if is_blank(raw) { self.missing() } else { self.text(raw) };
        }
        let raw = raw.trim_ascii();
        if is_blank(raw) {
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
            MapType::Text => self.text(text),
            MapType::Integer => self.integer(text).ok_or(Reason::NotInteger),
            MapType::Real => self.real(text).ok_or(Reason::NotReal),
            MapType::Money => self.money(text),
            MapType::Time => match self.time.read(text, clock) {
                Some(ms) if TIMES_MS.contains(&ms) => Ok(Value::Integer(ms)),
                Some(_) => Err(Reason::FarTime),
                None => Err(Reason::NotTime),
            },
            MapType::Flag => flag(text).map(Value::Integer).ok_or(Reason::NotFlag),
        }
    }

    fn text<'a>(&self, raw: &'a [u8]) -> Result<Value<'a>, Reason> {
        let text = std::str::from_utf8(raw).map_err(|_| Reason::NotUtf8)?;
        match &self.words {
            Some(words) if !words.contains(text) => Err(Reason::UnknownWord),
            _ => Ok(Value::Text(Cow::Borrowed(text))),
        }
    }

    fn integer(&self, text: &[u8]) -> Option<Value<'static>> {
        if self.plain_factor
            && let Some(value) = short_integer(text)
        {
            return Some(Value::Integer(value));
        }
        let decimal = Decimal::parse(&self.marks.plain(text)?)?;
        if self.plain_factor && !decimal.is_whole(Decimal::ONE) {
            return None;
        }
        decimal.scaled(self.factor, 0).map(Value::Integer)
    }

    fn real(&self, text: &[u8]) -> Option<Value<'static>> {
        let text = self.marks.plain(text)?;
        let value: f64 = std::str::from_utf8(&text).ok()?.parse().ok()?;
        let value = value * self.factor_real;
        value.is_finite().then_some(Value::Real(value))
    }

    /// An amount in minor units. One with more decimals than the currency has may be a misread thousands separator, a
    /// unit price, or a mistake: it is never rounded in silence.
    fn money(&self, text: &[u8]) -> Result<Value<'static>, Reason> {
        let plain = self.marks.plain(text).ok_or(Reason::NotMoney)?;
        let decimal = Decimal::parse(&plain).ok_or(Reason::NotMoney)?;
        if decimals_written(&plain) > self.decimals_max
            || !(self.rounds || decimal.is_whole_shifted(self.factor, self.currency_digits))
        {
            return Err(Reason::Decimals);
        }
        let minor = decimal.scaled(self.factor, self.currency_digits);
        minor.map(Value::Integer).ok_or(Reason::NotMoney)
    }
}

/// Times that are accepted, in unix-ms: 1900-01-01 to 2199-12-31. Others come of a wrong unit or format.
pub(crate) const TIMES_MS: std::ops::Range<i64> = -2_208_988_800_000..7_258_118_400_000;

/// Whether a text is empty or blank. White space of Unicode and letters without width are blanks too.
pub(crate) fn is_blank(raw: &[u8]) -> bool {
    if raw.first().is_some_and(u8::is_ascii_graphic) {
        return false;
    }
    std::str::from_utf8(raw).is_ok_and(|text| text.chars().all(is_blank_letter))
}

/// All blanks in the sense of [`is_blank`].
pub(crate) fn blank_letters() -> String {
    ('\0'..='\u{feff}').filter(|letter| is_blank_letter(*letter)).collect()
}

fn is_blank_letter(letter: char) -> bool {
    letter.is_whitespace() || matches!(letter, '\u{200b}'..='\u{200d}' | '\u{feff}')
}

/// Fast path of integers: a sign and at most 18 digits.
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
