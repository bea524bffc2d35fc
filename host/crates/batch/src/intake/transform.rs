//! Texts as a mapping changes them before they are typed: each by the transform, the playbook's salt and the text alone.

use std::borrow::Cow;

use playbook_model::{Digest, Transform};

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
}

impl Reason {
    pub(crate) fn words(self) -> &'static str {
        match self {
            Self::Missing => "is missing",
            Self::NotUtf8 => "is not UTF-8",
            Self::NotInteger => "is not an integer",
            Self::NotReal => "is not a number",
            Self::NotMoney => "is not an amount",
            Self::NotTime => "is not a time of the format",
            Self::NotFlag => "is not a flag",
            Self::NotInList => "is not in the list of values",
        }
    }
}

/// Transforms a trimmed text that is not empty.
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
        Transform::EnumMap(values) => {
            let text = std::str::from_utf8(raw).map_err(|_| Reason::NotUtf8)?;
            let value = values.get(text).ok_or(Reason::NotInList)?;
            Cow::Owned(value.clone().into_bytes())
        }
        Transform::Hash => Cow::Owned(hex(&Digest::of_parts([salt, raw]))),
    })
}

/// Transforms a text; `None` where it cannot be mapped or is missing.
pub(crate) fn transformed(by: &Transform, salt: &[u8], text: &str) -> Option<String> {
    let raw = text.trim_ascii().as_bytes();
    if raw.is_empty() {
        return None;
    }
    String::from_utf8(transform(by, salt, raw).ok()?.into_owned()).ok()
}

/// Lower-case hexadecimal; contact identifiers come by the million.
fn hex(digest: &Digest) -> Vec<u8> {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    digest
        .0
        .iter()
        .flat_map(|b| [DIGITS[usize::from(b >> 4)], DIGITS[usize::from(b & 15)]])
        .collect()
}
