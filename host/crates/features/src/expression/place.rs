//! Where in an SQL text something stands, and the error that points there.

use std::ops::Range;

use sqlparser::tokenizer::{Location, Span};

/// A line and a column of a text, both from 1; columns count characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Spot {
    /// Line.
    pub line: u64,
    /// Column.
    pub column: u64,
}

impl Spot {
    /// Byte of `text` at which the spot lies; its end where the text is shorter.
    #[must_use]
    pub fn byte(self, text: &str) -> usize {
        let mut start = 0;
        for _ in 1..self.line {
            match text[start..].find('\n') {
                Some(end) => start += end + 1,
                None => return text.len(),
            }
        }
        let skipped = usize::try_from(self.column.saturating_sub(1)).unwrap_or(usize::MAX);
        text[start..].char_indices().nth(skipped).map_or(text.len(), |(at, _)| start + at)
    }
}

impl From<Location> for Spot {
    fn from(location: Location) -> Self {
        Self { line: location.line, column: location.column }
    }
}

/// Why an expression cannot be used, and where in its text that shows.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct ExpressionError {
    /// Bytes of the text.
    pub at: Range<usize>,
    /// What is wrong.
    pub message: String,
    /// What would be right.
    pub expected: String,
}

/// Splits what the SQL parser says into its words and the place that it names at their end.
#[must_use]
pub fn spot_in(message: &str) -> (&str, Option<Spot>) {
    let Some(at) = message.rfind(" at Line: ") else { return (message, None) };
    let (words, place) = message.split_at(at);
    let mut numbers = place.split(|c: char| !c.is_ascii_digit()).filter(|part| !part.is_empty());
    let mut number = || numbers.next().and_then(|digits| digits.parse().ok());
    match (number(), number()) {
        (Some(line), Some(column)) => (words, Some(Spot { line, column })),
        _ => (message, None),
    }
}

/// Bytes of a span; the whole text where the parser gave none.
pub(super) fn bytes(text: &str, span: Span) -> Range<usize> {
    if span.start.line == 0 {
        return 0..text.len();
    }
    let start = Spot::from(span.start).byte(text);
    start..Spot::from(span.end).byte(text).max(start)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spots_count_characters_and_lines() {
        let text = "a\n你好 b";
        assert_eq!(Spot { line: 1, column: 1 }.byte(text), 0);
        assert_eq!(Spot { line: 2, column: 4 }.byte(text), text.len() - 1);
        assert_eq!(Spot { line: 3, column: 1 }.byte(text), text.len());
        assert_eq!(
            spot_in("no such thing at Line: 2, Column: 7"),
            ("no such thing", Some(Spot { line: 2, column: 7 }))
        );
        assert_eq!(spot_in("no place"), ("no place", None));
    }
}
