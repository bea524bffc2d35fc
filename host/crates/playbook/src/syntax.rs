//! Syntax errors in words for people who do not know TOML.

use crate::problem::{Place, Problem};

/// Messages of the parser that say little to somebody who does not know TOML, with better words:
/// what is wrong, what was expected.
const SYNTAX_WORDS: &[(&str, &str, &str)] = &[
    (
        "string values must be quoted",
        "this is no value",
        "a text in quotes, a number, true or false, a date, a list or a table",
    ),
    (
        "invalid value",
        "this is no value",
        "a text in quotes, a number, true or false, a date, a list or a table",
    ),
    ("invalid basic string", "the text is not closed", "a quote \" at its end"),
    ("invalid literal string", "the text is not closed", "a quote ' at its end"),
    ("duplicate key", "this key stands twice", "each key once in its table"),
    ("unclosed table", "the header is not closed", "a bracket ] at its end"),
    ("unclosed array table", "the header is not closed", "two brackets ]] at its end"),
    ("unclosed array", "the list is not closed", "a bracket ] at its end"),
    ("unclosed inline table", "the table is not closed", "a brace } at its end"),
    ("key with no value", "the key has no value", "`=` and a value after the key"),
    ("missing value for key", "the key has no value", "a value after `=`"),
    ("missing value", "there is no value", "a value after `=`"),
    (
        "unexpected key or value",
        "there is more on this line than one key and value",
        "one `key = value` on a line",
    ),
    (
        "invalid unquoted key",
        "the key has letters that need quotes",
        "letters, digits, `_` and `-`, or a key in quotes",
    ),
    (
        "missing comma between array elements",
        "a comma is missing",
        "commas between the items of a list",
    ),
    (
        "missing comma between key-value pairs",
        "a comma is missing",
        "commas between the keys of a table in braces",
    ),
];

/// Turns an error of the parser into a problem.
pub(crate) fn syntax_problem(error: &toml::de::Error, text: &str, file: usize) -> Problem {
    let span = error.span().unwrap_or(0..0);
    let start = span.start.min(text.len());
    let place = Place { file, start, len: span.end.min(text.len()).saturating_sub(start) };
    let (message, expected) = match error.message().split_once(", expected ") {
        Some((message, expected)) => (message, expected),
        None => (error.message(), "TOML, as toml.io describes it"),
    };
    let better = SYNTAX_WORDS.iter().find(|(theirs, _, _)| *theirs == message);
    let (message, expected) =
        better.map_or((message, expected), |(_, message, expected)| (*message, *expected));
    Problem::new("syntax", place, message.to_owned()).expected(expected)
}
