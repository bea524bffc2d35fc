//! Transforms of a mapping, applied to texts before they are typed. They depend on the text and the playbook's salt
//! alone.

use std::borrow::Cow;

use playbook_features::FaultKind;
use playbook_model::{Digest, Transform};

use crate::intake::decimal::Decimal;

/// Why a value could not be mapped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Reason {
    Missing,
    NotUtf8,
    NotInteger,
    NotReal,
    NotMoney,
    NotTime,
    NotFlag,
    NotInList,
    /// None of the words that are allowed for the field.
    UnknownWord,
    /// More decimals than the currency has.
    Decimals,
    /// A time before 1900 or after 2199.
    FarTime,
    TooLong,
    /// A number with a fraction where the digits of a whole one are wanted.
    NotWhole,
    /// An array or an object.
    Compound,
    /// A JSON flag where an id is wanted.
    NotAnId,
    /// An expression that has no value for the row.
    NotComputed(FaultKind),
}

impl Reason {
    pub(crate) fn words(self) -> &'static str {
        match self {
            Self::Missing => "is missing",
            Self::NotUtf8 => {
                "is not UTF-8 (`encoding` of the source names another, as gb18030 or windows-1252)"
            }
            Self::NotInteger => "is not an integer",
            Self::NotReal => "is not a number",
            Self::NotMoney => "is not an amount",
            Self::NotTime => "is not a time of the format",
            Self::NotFlag => "is not a flag",
            Self::NotInList => "is not in the list of values",
            Self::UnknownWord => {
                "is not one of the words of this field (`values` translates others)"
            }
            Self::Decimals => {
                "has more decimals than the currency (`thousands` or `decimals` says what they mean)"
            }
            Self::FarTime => "lies outside the years 1900 to 2199",
            Self::TooLong => "is longer than 65536 bytes",
            Self::NotWhole => "is not a whole number",
            Self::Compound => "is an array or an object",
            Self::NotAnId => "is true or false, not an id",
            Self::NotComputed(FaultKind::Overflow) => {
                "cannot be computed: an integer goes beyond 64 bits"
            }
            Self::NotComputed(FaultKind::NotANumber) => {
                "cannot be computed: a text stands where a number belongs"
            }
        }
    }
}

/// Applies a transform to a trimmed text that is not empty.
pub(crate) fn transform<'a>(
    transform: &Transform,
    salt: &[u8],
    raw: &'a [u8],
) -> Result<Cow<'a, [u8]>, Reason> {
    Ok(match transform {
        Transform::Copy | Transform::Trim => Cow::Borrowed(raw),
        Transform::Lower => {
            let text = std::str::from_utf8(raw).map_err(|_| Reason::NotUtf8)?;
            Cow::Owned(text.to_lowercase().into_bytes())
        }
        Transform::Whole => Cow::Owned(whole(raw).ok_or(Reason::NotWhole)?),
        Transform::EnumMap(values) => {
            let text = std::str::from_utf8(raw).map_err(|_| Reason::NotUtf8)?;
            let value = values.get(text).ok_or(Reason::NotInList)?;
            Cow::Owned(value.clone().into_bytes())
        }
        Transform::Hash => Cow::Owned(hex(&Digest::of_parts([salt, raw]))),
    })
}

/// The digits of a whole number that was written as a real.
fn whole(raw: &[u8]) -> Option<Vec<u8>> {
    let decimal = Decimal::parse(raw).filter(|decimal| decimal.is_whole(Decimal::ONE))?;
    Some(decimal.scaled(Decimal::ONE, 0)?.to_string().into_bytes())
}

/// Transforms a text; `None` where it cannot be mapped or is missing.
pub(crate) fn transformed(by: &Transform, salt: &[u8], text: &str) -> Option<String> {
    let raw = text.trim_ascii().as_bytes();
    if raw.is_empty() {
        return None;
    }
    String::from_utf8(transform(by, salt, raw).ok()?.into_owned()).ok()
}

/// Lower-case hexadecimal, by a table: contact identifiers come by the million.
fn hex(digest: &Digest) -> Vec<u8> {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    digest
        .0
        .iter()
        .flat_map(|b| [DIGITS[usize::from(b >> 4)], DIGITS[usize::from(b & 15)]])
        .collect()
}
