//! Texts from outside on their way to people: letters that steer a terminal or mislead the eye are escaped.

use std::borrow::Cow;
use std::fmt::Write as _;

/// Whether a letter is not shown as itself: it moves a cursor, changes colours, turns the direction of what follows,
/// or takes no room at all. A line end counts too.
#[must_use]
pub fn steers(letter: char) -> bool {
    letter.is_control()
        || matches!(letter,
            '\u{61c}' | '\u{180e}' | '\u{feff}'
            | '\u{200b}'..='\u{200f}'
            | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}'
            | '\u{fff9}'..='\u{fffb}'
            | '\u{e0000}'..='\u{e007f}')
}

/// Returns the text as it may be printed: every letter that [`steers`] is escaped, `\u{1b}` for an escape; line ends
/// stay.
#[must_use]
pub fn printable(text: &str) -> Cow<'_, str> {
    let escaped = |letter: char| steers(letter) && letter != '\n';
    if !text.contains(escaped) {
        return text.into();
    }
    let mut out = String::with_capacity(text.len() + 16);
    for letter in text.chars() {
        if escaped(letter) { escape(letter, &mut out) } else { out.push(letter) }
    }
    out.into()
}

/// Returns the text on one line: as [`printable`], and line ends are escaped too.
#[must_use]
pub fn one_line(text: &str) -> Cow<'_, str> {
    match printable(text) {
        shown if shown.contains('\n') => shown.replace('\n', "\\n").into(),
        shown => shown,
    }
}

/// Adds the escape of a letter: `\t`, `\r`, `\n`, else its number.
pub fn escape(letter: char, out: &mut String) {
    write!(out, "{}", letter.escape_default()).expect("writing to a String cannot fail");
}

#[cfg(test)]
mod tests {
    use super::{one_line, printable, steers};

    #[test]
    fn letters_that_steer_are_escaped_and_all_others_stay() {
        let cases = [
            ("plain, 積分 é \u{1f600}", "plain, 積分 é \u{1f600}"),
            ("two\nlines", "two\nlines"),
            ("a\u{1b}[31mred\u{7}", "a\\u{1b}[31mred\\u{7}"),
            ("C1 \u{9b}31m \u{85}", "C1 \\u{9b}31m \\u{85}"),
            ("del\u{7f}", "del\\u{7f}"),
            ("a\tb\r", "a\\tb\\r"),
            ("\u{202e}gnp.exe\u{2066}", "\\u{202e}gnp.exe\\u{2066}"),
            ("no\u{200b}thing\u{feff}", "no\\u{200b}thing\\u{feff}"),
            ("\u{e0041}", "\\u{e0041}"),
        ];
        for (text, want) in cases {
            assert_eq!(printable(text), want);
        }
        for letter in ['\u{202a}', '\u{202d}', '\u{2069}', '\u{200d}', '\u{2060}', '\u{0}'] {
            assert!(steers(letter), "{letter:?}");
        }
    }

    #[test]
    fn one_line_stays_one_line() {
        assert_eq!(one_line("a\nb"), "a\\nb");
        assert_eq!(one_line("a b"), "a b");
    }
}
