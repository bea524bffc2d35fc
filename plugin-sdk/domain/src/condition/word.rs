//! Words of a condition: names, numbers, texts and signs.

use super::{Fault, LENGTH_MAX};

/// Digits that a number may have: with them it is exact to the last bit without a table of powers.
const DIGITS_MAX: usize = 15;

/// One word, a stretch of the text.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Word<'t> {
    /// A name or a key word.
    Name(&'t str),
    Number(f64),
    /// What stands between the quotes, doubled ones as they are.
    Text(&'t str),
    Sign(&'t str),
    End,
}

/// Cuts a text into words; the current one lies at `start..end`.
#[derive(Debug)]
pub(super) struct Words<'t> {
    text: &'t str,
    pub(super) word: Word<'t>,
    pub(super) start: usize,
    end: usize,
}

impl<'t> Words<'t> {
    /// Stands on the first word.
    pub(super) fn of(text: &'t str) -> Result<Self, Fault> {
        let mut words = Self { text, word: Word::End, start: 0, end: 0 };
        if text.len() > LENGTH_MAX {
            return Err(words.fault(0, "a text of at most 1000 bytes"));
        }
        words.next()?;
        Ok(words)
    }

    /// What is wrong at a place: the word that begins there is what was found.
    #[cold]
    #[inline(never)]
    pub(super) fn fault(&self, place: usize, expected: &'static str) -> Fault {
        let rest = &self.text[place..];
        let length = rest.chars().take(24).take_while(|c| !c.is_whitespace()).map(char::len_utf8);
        let found = &rest[..length.sum()];
        let found =
            if found.is_empty() { "the end".to_owned() } else { ["`", found, "`"].concat() };
        Fault { column: self.text[..place].chars().count() + 1, expected, found }
    }

    /// Moves to the next word.
    #[inline(never)]
    pub(super) fn next(&mut self) -> Result<(), Fault> {
        let bytes = self.text.as_bytes();
        let at = |place: usize| bytes.get(place).copied().unwrap_or(0);
        let mut start = self.end;
        while at(start).is_ascii_whitespace() {
            start += 1;
        }
        let mut end = start + 1;
        let first = at(start);
        let word = if start >= bytes.len() {
            end = start;
            Word::End
        } else if first.is_ascii_alphabetic() || first == b'_' {
            // A point or a hyphen belongs to a name where the name goes on behind it.
            let goes_on = |place| at(place).is_ascii_alphanumeric() || at(place) == b'_';
            while goes_on(end) || (matches!(at(end), b'.' | b'-') && goes_on(end + 1)) {
                end += 1;
            }
            Word::Name(&self.text[start..end])
        } else if first.is_ascii_digit() {
            while at(end).is_ascii_digit() || at(end) == b'.' {
                end += 1;
            }
            let number = number(&self.text[start..end]);
            Word::Number(number.ok_or_else(|| self.fault(start, "a number of at most 15 digits"))?)
        } else if first == b'\'' {
            while at(end) != b'\'' || at(end + 1) == b'\'' {
                if end >= bytes.len() {
                    return Err(self.fault(start, "a text with a quote at its end"));
                }
                end += if at(end) == b'\'' { 2 } else { 1 };
            }
            end += 1;
            Word::Text(&self.text[start + 1..end - 1])
        } else {
            if matches!(&bytes[start..bytes.len().min(start + 2)], b"<=" | b">=" | b"<>" | b"!=") {
                end += 1;
            }
            match self.text.get(start..end) {
                Some(
                    sign @ ("<" | ">" | "=" | "<=" | ">=" | "<>" | "!=" | "+" | "-" | "*" | "/"
                    | "(" | ")" | ","),
                ) => Word::Sign(sign),
                _ => {
                    return Err(
                        self.fault(start, "a name, a number, a text in single quotes or a sign")
                    );
                }
            }
        };
        (self.word, self.start, self.end) = (word, start, end);
        Ok(())
    }
}

/// The number of digits with at most one point in them.
#[inline(never)]
fn number(text: &str) -> Option<f64> {
    let (mut whole, mut digits, mut scale) = (0_u64, 0, None);
    for byte in text.bytes() {
        if byte == b'.' {
            if scale.replace(1.0_f64).is_some() {
                return None;
            }
            continue;
        }
        whole = whole * 10 + u64::from(byte - b'0');
        digits += 1;
        if let Some(scale) = &mut scale {
            *scale *= 10.0;
        }
        if digits > DIGITS_MAX {
            return None;
        }
    }
    // Both are exact: below 2^53, and a power of ten below 10^22.
    (!text.ends_with('.')).then(|| whole as f64 / scale.unwrap_or(1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_those_of_the_standard_library() {
        for text in ["0", "0.1", "4.7", "0.000001", "123456789012345", "0.99999999999999", "85.50"]
        {
            assert_eq!(number(text), text.parse().ok(), "{text}");
        }
        for text in ["1.", "1.2.3", "1234567890123456"] {
            assert_eq!(number(text), None, "{text}");
        }
    }
}
