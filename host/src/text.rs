//! Text on its way to the terminal: what is added is escaped, so that only the host's own styles steer it.

use playbook_model::printable;

/// Text that holds no control letter but line ends and the styles that were asked for by name.
#[derive(Debug, Clone, Default)]
pub(crate) struct Text(String);

impl Text {
    /// Adds words, escaped.
    pub(crate) fn push_str(&mut self, words: &str) {
        self.0.push_str(&printable(words));
    }

    /// Adds what is escaped already.
    pub(crate) fn push(&mut self, text: &Self) {
        self.0.push_str(&text.0);
    }

    /// Words in a style, where `color` allows one.
    pub(crate) fn styled(words: &str, style: &str, color: bool) -> Self {
        match color {
            true => Self(format!("\u{1b}[{style}m{}\u{1b}[0m", printable(words))),
            false => Self(printable(words).into_owned()),
        }
    }

    /// What the host made itself, of parts that it escaped: a table, a diagnostic, a script for a shell.
    pub(crate) fn own(text: String) -> Self {
        Self(text)
    }

    /// As it goes out.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<&str> for Text {
    fn from(words: &str) -> Self {
        Self(printable(words).into_owned())
    }
}

impl From<&String> for Text {
    fn from(words: &String) -> Self {
        words.as_str().into()
    }
}

#[cfg(test)]
mod tests {
    use super::Text;

    #[test]
    fn only_styles_that_were_asked_for_steer_the_terminal() {
        let mut text = Text::styled("head\u{1b}[0m", "1", true);
        text.push_str(" \u{1b}]0;owned\u{7}\n");
        text.push(&Text::from("\u{9b}2J"));
        assert_eq!(
            text.as_str(),
            "\u{1b}[1mhead\\u{1b}[0m\u{1b}[0m \\u{1b}]0;owned\\u{7}\n\\u{9b}2J"
        );
        assert_eq!(Text::styled("head", "1", false).as_str(), "head");
    }
}
