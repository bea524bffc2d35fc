//! The header by which a repeated write is known. What is stored under it is the business of the rooms behind.

use axum::extract::FromRequestParts;
use axum::http::HeaderMap;
use axum::http::request::Parts;

use crate::codes::Code;
use crate::problem::Problem;

/// Name of the header.
pub(crate) const IDEMPOTENCY_KEY: &str = "idempotency-key";
/// Letters of a key.
pub(crate) const LETTERS_MAX: usize = 128;

/// The idempotency key of a write. Whether writes have one the guard sees to, also where a handler does not ask.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct IdempotencyKey(String);

impl IdempotencyKey {
    /// The key as it was sent.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// Reads the one header that there has to be.
    pub(crate) fn of(headers: &HeaderMap) -> Result<Self, Problem> {
        let mut values = headers.get_all(IDEMPOTENCY_KEY).iter();
        let Some(value) = values.next() else {
            return Err(Problem::new(Code::IdempotencyKeyMissing));
        };
        let invalid =
            |detail: String| Err(Problem::new(Code::IdempotencyKeyInvalid).detail(detail));
        if values.next().is_some() {
            return invalid("the header came twice".to_owned());
        }
        match value.to_str() {
            Ok(text) if text.len() > LETTERS_MAX => {
                invalid(format!("it has {} letters, at most {LETTERS_MAX} are kept", text.len()))
            }
            Ok(text) if !text.is_empty() && text.bytes().all(|b| b.is_ascii_graphic()) => {
                Ok(Self(text.to_owned()))
            }
            Ok("") => invalid("it is empty".to_owned()),
            _ => invalid("it has letters that are no visible ASCII".to_owned()),
        }
    }
}

impl<S: Sync> FromRequestParts<S> for IdempotencyKey {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        Self::of(&parts.headers)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use axum::http::{HeaderMap, HeaderValue};

    use super::{IDEMPOTENCY_KEY, IdempotencyKey};
    use crate::codes::Code;

    fn read(values: &[&[u8]]) -> Result<String, Code> {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(IDEMPOTENCY_KEY, HeaderValue::from_bytes(value).unwrap());
        }
        IdempotencyKey::of(&headers).map(|key| key.as_str().to_owned()).map_err(|p| p.code())
    }

    #[test]
    fn one_header_of_1_to_128_visible_letters_is_read() {
        let longest = [b'~'; 128];
        for good in [b"!".as_slice(), b"8e03978e-40d5-43dd-bc93-6894a57f9324", &longest] {
            assert_eq!(read(&[good]).unwrap().as_bytes(), good);
        }
        assert_eq!(read(&[]), Err(Code::IdempotencyKeyMissing));
        let longer = [b'a'; 129];
        for bad in [b"".as_slice(), b"a b", b"a\tb", "é".as_bytes(), b"\x80", &longer] {
            assert_eq!(read(&[bad]), Err(Code::IdempotencyKeyInvalid), "{bad:?}");
        }
        assert_eq!(read(&[b"a", b"a"]), Err(Code::IdempotencyKeyInvalid));
    }
}
