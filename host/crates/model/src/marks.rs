//! How sources write numbers.

use std::borrow::Cow;

/// How a source writes numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NumberMarks {
    /// Before the decimals.
    pub decimal: char,
    /// Between groups of three digits before it; `None`: there is none.
    pub thousands: Option<char>,
}

impl Default for NumberMarks {
    fn default() -> Self {
        Self { decimal: '.', thousands: None }
    }
}

impl NumberMarks {
    /// A number as a source writes it, with a full stop before its decimals and no other mark; `None` where its marks stand
    /// wrongly.
    #[must_use]
    pub fn plain(self, text: &[u8]) -> Option<Cow<'_, [u8]>> {
        if self == Self::default() {
            return Some(Cow::Borrowed(text));
        }
        let text = std::str::from_utf8(text).ok()?;
        let (whole, decimals) = match text.split_once(self.decimal) {
            Some((whole, decimals)) => (whole, Some(decimals)),
            None => (text, None),
        };
        // A full stop that is no mark would be taken for one afterwards.
        let is_stray = |c: char| c == '.' || c == self.decimal || Some(c) == self.thousands;
        if decimals.is_some_and(|decimals| decimals.contains(is_stray)) {
            return None;
        }
        let mut plain = String::with_capacity(text.len());
        let digits = whole.trim_start_matches(['-', '+']);
        plain.push_str(&whole[..whole.len() - digits.len()]);
        let groups: Vec<&str> = match self.thousands {
            Some(mark) => digits.split(mark).collect(),
            None => vec![digits],
        };
        let is_group = |group: &&str| group.len() == 3 && group.bytes().all(|b| b.is_ascii_digit());
        let grouped = groups.len() == 1
            || ((1..=3).contains(&groups[0].len())
                && groups[1..].iter().all(|group| is_group(&group)));
        if !grouped || groups.iter().any(|group| group.contains('.')) {
            return None;
        }
        groups.iter().for_each(|group| plain.push_str(group));
        if let Some(decimals) = decimals {
            plain.push('.');
            plain.push_str(decimals);
        }
        Some(Cow::Owned(plain.into_bytes()))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::NumberMarks;

    #[test]
    fn marks_are_taken_where_they_stand_rightly_and_nowhere_else() {
        let marks = |decimal, thousands| NumberMarks { decimal, thousands };
        let plain = |text: &str, marks: NumberMarks| {
            marks.plain(text.as_bytes()).map(|plain| String::from_utf8(plain.into_owned()).unwrap())
        };
        let comma = marks(',', Some('.'));
        let cases = [
            ("12,50", comma, Some("12.50")),
            ("-1.234.567,5", comma, Some("-1234567.5")),
            ("1.234", comma, Some("1234")),
            ("12.50", comma, None),
            ("1.2345,00", comma, None),
            (".123,00", comma, None),
            ("1,234,5", comma, None),
            ("1,5.000", comma, None),
            ("12.50", marks(',', None), None),
            ("1,234.50", marks('.', Some(',')), Some("1234.50")),
            ("12,34.50", marks('.', Some(',')), None),
            ("1234.50", marks('.', Some(',')), Some("1234.50")),
            ("1\u{a0}234,5", marks(',', Some('\u{a0}')), Some("1234.5")),
        ];
        for (text, marks, want) in cases {
            assert_eq!(plain(text, marks).as_deref(), want, "{text}");
        }
    }
}
