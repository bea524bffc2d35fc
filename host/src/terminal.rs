//! The only printer: results, tables and errors. What comes from outside is escaped on its way out.

use std::borrow::Cow;
use std::io::{ErrorKind, IsTerminal, Write};
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::{Context, Result};
use comfy_table::presets::UTF8_FULL_CONDENSED;
use comfy_table::{Attribute, Cell, CellAlignment, ContentArrangement, Table};
use miette::{GraphicalReportHandler, GraphicalTheme};
use playbook_model::{Minor, one_line, printable, steers};
use playbook_toml::{Level, Problems};
use serde::Serialize;

use crate::cli::When;
use crate::text::Text;

/// Whether notes stand in the log.
static NOTES_TO_LOG: AtomicBool = AtomicBool::new(false);

/// What the terminal can show.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Terminal {
    /// Colour on standard output.
    color: bool,
    /// Colour on standard error.
    pub(crate) color_err: bool,
    pub(crate) bars: bool,
}

impl Terminal {
    /// Looks at the terminal, at NO_COLOR, and at what was asked for.
    pub(crate) fn new(when: When) -> Self {
        let colored = |is_terminal: bool| match when {
            When::Always => true,
            When::Never => false,
            When::Auto => is_terminal && !no_color(),
        };
        let to_people = std::io::stderr().is_terminal();
        Self {
            color: colored(std::io::stdout().is_terminal()),
            color_err: colored(to_people),
            bars: when != When::Never && to_people,
        }
    }

    /// Prints to standard output; a closed pipe ends the program quietly, as other tools do.
    ///
    /// # Errors
    /// Where standard output cannot be written, for example on a full disk.
    pub(crate) fn out(text: impl Into<Text>) -> Result<()> {
        written(text.into().as_str())
    }

    /// Prints a value as JSON, in which letters that steer a terminal are escaped as JSON escapes them.
    ///
    /// # Errors
    /// As [`Terminal::out`].
    pub(crate) fn json(value: &impl Serialize) -> Result<()> {
        written(&json_printable(&serde_json::to_string_pretty(value)?))
    }

    /// From now on notes stand in the log, because programs read standard error line by line.
    pub(crate) fn notes_to_log() {
        NOTES_TO_LOG.store(true, Ordering::Relaxed);
    }

    /// Prints a line to standard error.
    pub(crate) fn note(text: &str) {
        if NOTES_TO_LOG.load(Ordering::Relaxed) {
            return tracing::warn!("{text}");
        }
        drop(writeln!(std::io::stderr().lock(), "{}", printable(text)));
    }

    /// Prints an error with its causes.
    pub(crate) fn error(self, error: &str, causes: &[String]) {
        let mut text = Text::styled("error:", "1;31", self.color_err);
        text.push_str(&format!(" {}\n", below(error)));
        for cause in causes {
            text.push_str(&format!("  because {}\n", below(cause)));
        }
        drop(std::io::stderr().lock().write_all(text.as_str().as_bytes()));
    }

    /// Prints problems of a playbook with the places that they concern.
    pub(crate) fn problems(self, problems: &Problems) {
        let theme = if self.color_err {
            GraphicalTheme::unicode()
        } else {
            GraphicalTheme::unicode_nocolor()
        };
        let printer = GraphicalReportHandler::new_themed(theme).with_width(110).with_links(false);
        let mut text = String::new();
        for problem in &problems.problems {
            let file = problem.place.and_then(|p| problems.sources.get(p.file));
            let source = file.map(|f| {
                miette::NamedSource::new(printable(&f.name), snippet(&f.text).into_owned())
            });
            let shown = Place { problem, text: file.map_or("", |f| &f.text), source };
            if printer.render_report(&mut text, &shown).is_err() {
                text.push_str(&printable(&problem.message));
            }
            text.push('\n');
        }
        text.push_str(&format!("{}\n", problems.counted()));
        drop(std::io::stderr().lock().write_all(text.as_bytes()));
    }

    /// A heading over a table.
    pub(crate) fn heading(self, text: &str) -> Text {
        Text::styled(text, "1", self.color)
    }

    /// A line on what would mislead about a source of the data; "": about several.
    pub(crate) fn warning(self, source: &str, text: &str) -> Text {
        let source = if source.is_empty() { String::new() } else { format!(" {source}:") };
        let mut line = Text::styled("warning", "1;33", self.color);
        line.push_str(&format!("{} {}\n", one_line(&source), one_line(text)));
        line
    }

    /// A table; columns listed in `right` are numbers.
    pub(crate) fn table(self, header: &[&str], right: &[usize], rows: &[Vec<String>]) -> Text {
        let mut table = Table::new();
        table.load_style(UTF8_FULL_CONDENSED).set_content_arrangement(ContentArrangement::Dynamic);
        if !self.color {
            table.force_no_tty();
            table.set_width(terminal_width());
        }
        table.set_header(header.iter().map(|h| {
            let cell = Cell::new(printable(h));
            if self.color { cell.add_attribute(Attribute::Bold) } else { cell }
        }));
        for row in rows {
            table.add_row(row.iter().map(|cell| Cell::new(printable(cell))));
        }
        for at in right {
            if let Some(column) = table.column_mut(*at) {
                column.set_cell_alignment(CellAlignment::Right);
            }
        }
        Text::own(table.to_string())
    }
}

/// Writes to standard output, with a line end.
fn written(text: &str) -> Result<()> {
    let mut out = std::io::stdout().lock();
    let end = if text.ends_with('\n') { "" } else { "\n" };
    let told = [text, end].iter().try_for_each(|part| out.write_all(part.as_bytes()));
    match told.and_then(|()| out.flush()) {
        Err(fault) if fault.kind() == ErrorKind::BrokenPipe => Ok(()),
        other => other.context("cannot write to standard output"),
    }
}

/// A message whose later lines stand below its first, so that no text from outside begins a line of its own.
fn below(message: &str) -> Cow<'_, str> {
    if message.contains('\n') { message.replace('\n', "\n    ").into() } else { message.into() }
}

/// JSON text as it may be printed: the writer has escaped the letters that JSON does not allow in texts.
pub(crate) fn json_printable(json: &str) -> Cow<'_, str> {
    let escaped = |letter: char| steers(letter) && letter != '\n';
    if !json.contains(escaped) {
        return json.into();
    }
    let mut out = String::with_capacity(json.len() + 64);
    for letter in json.chars() {
        if escaped(letter) {
            let units = letter.encode_utf16(&mut [0; 2]).to_vec();
            units.iter().for_each(|unit| out.push_str(&format!("\\u{unit:04x}")));
        } else {
            out.push(letter);
        }
    }
    out.into()
}

/// Text of a playbook as a diagnostic shows it.
fn snippet(text: &str) -> Cow<'_, str> {
    if text.chars().any(|letter| steers(letter) && letter != '\n') {
        let lines = text.replace("\r\n", "\n").replace('\t', "    ");
        printable(&lines).into_owned().into()
    } else {
        text.into()
    }
}

fn no_color() -> bool {
    std::env::var_os("NO_COLOR").is_some_and(|v| !v.is_empty())
}

/// A problem as the diagnostic printer takes it.
#[derive(Debug)]
struct Place<'a> {
    problem: &'a playbook_toml::Problem,
    /// Text of the file as it is; places are bytes of it.
    text: &'a str,
    source: Option<miette::NamedSource<String>>,
}

impl Place<'_> {
    /// Where bytes of the file stand in what is shown of it.
    fn shown(&self, start: usize, len: usize) -> miette::SourceSpan {
        let until = |at: usize| snippet(&self.text[..self.text.floor_char_boundary(at)]).len();
        let from = until(start);
        (from, until(start.saturating_add(len)).saturating_sub(from)).into()
    }
}

impl std::fmt::Display for Place<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&printable(&self.problem.message))
    }
}

impl std::error::Error for Place<'_> {}

impl miette::Diagnostic for Place<'_> {
    fn code<'a>(&'a self) -> Option<Box<dyn std::fmt::Display + 'a>> {
        Some(Box::new(self.problem.code))
    }

    fn severity(&self) -> Option<miette::Severity> {
        Some(match self.problem.level {
            Level::Error => miette::Severity::Error,
            Level::Warning => miette::Severity::Warning,
        })
    }

    fn help<'a>(&'a self) -> Option<Box<dyn std::fmt::Display + 'a>> {
        let hint = self.problem.hint.as_deref().map(|hint| printable(hint).into_owned());
        let expected =
            self.problem.expected.as_deref().map(|e| format!("expected {}", printable(e)));
        let text: Vec<String> = expected.into_iter().chain(hint).collect();
        (!text.is_empty()).then(|| Box::new(text.join("; ")) as Box<dyn std::fmt::Display>)
    }

    fn source_code(&self) -> Option<&dyn miette::SourceCode> {
        self.source.as_ref().map(|s| s as &dyn miette::SourceCode)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = miette::LabeledSpan> + '_>> {
        let place = self.problem.place?;
        let here = miette::LabeledSpan::underline(self.shown(place.start, place.len));
        let related = self.problem.related.as_ref().filter(|(p, _)| p.file == place.file).map(
            |(p, words)| {
                let words = Some(printable(words).into_owned());
                miette::LabeledSpan::new_with_span(words, self.shown(p.start, p.len))
            },
        );
        Some(Box::new(std::iter::once(here).chain(related)))
    }
}

fn terminal_width() -> u16 {
    std::env::var("COLUMNS").ok().and_then(|c| c.parse().ok()).unwrap_or(120)
}

/// Groups of three digits.
pub(crate) fn grouped(value: i64) -> String {
    Minor(value).text(0)
}

/// A count in groups of three digits.
pub(crate) fn counted(count: u64) -> String {
    grouped(i64::try_from(count).unwrap_or(i64::MAX))
}

/// An amount in minor units as people write it.
pub(crate) fn money(minor: i64, digits: u8) -> String {
    Minor(minor).text(digits)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::{below, grouped, json_printable, money, snippet};

    #[test]
    fn amounts_are_written_with_their_digits() {
        assert_eq!(money(250_031_563, 2), "2,500,315.63");
        assert_eq!(money(-5, 2), "-0.05");
        assert_eq!(money(1234, 0), "1,234");
        assert_eq!(grouped(-1_000), "-1,000");
    }

    #[test]
    fn json_stays_json_and_holds_no_letter_that_steers() {
        let text = "a\u{1b}\u{7f}\u{9b}\u{202e}\u{e0041}é\n";
        let json = serde_json::to_string_pretty(&serde_json::json!({ "a": text })).unwrap();
        let printed = json_printable(&json);
        assert!(!printed.contains(|c: char| c != '\n' && playbook_model::steers(c)), "{printed}");
        let read: serde_json::Value = serde_json::from_str(&printed).unwrap();
        assert_eq!(read["a"], text);
    }

    #[test]
    fn a_snippet_keeps_its_lines() {
        assert_eq!(snippet("a = 1\r\n\tb = \"\u{1b}[2J\"\r\n"), "a = 1\n    b = \"\\u{1b}[2J\"\n");
        assert_eq!(snippet("a\n"), "a\n");
    }

    #[test]
    fn no_text_from_outside_begins_a_line() {
        assert_eq!(
            below("no column `a\nerror: all is lost`"),
            "no column `a\n    error: all is lost`"
        );
    }
}
