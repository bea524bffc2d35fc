//! The only printer: results, tables, progress and errors.

use std::collections::BTreeMap;
use std::io::{IsTerminal, Write};
use std::sync::Mutex;
use std::time::Instant;

use comfy_table::presets::UTF8_FULL_CONDENSED;
use comfy_table::{Attribute, Cell, CellAlignment, ContentArrangement, Table};
use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use miette::{GraphicalReportHandler, GraphicalTheme};
use playbook_cycle::Progress;
use playbook_model::Minor;
use playbook_toml::Problems;

use crate::cli::When;

/// What the terminal can show.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Terminal {
    pub(crate) color: bool,
    pub(crate) bars: bool,
}

impl Terminal {
    /// Looks at the terminal, at NO_COLOR, and at what was asked for.
    pub(crate) fn new(when: When) -> Self {
        let plain = no_color();
        let color = match when {
            When::Always => true,
            When::Never => false,
            When::Auto => std::io::stdout().is_terminal() && !plain,
        };
        let bars = match when {
            When::Never => false,
            _ => std::io::stderr().is_terminal(),
        };
        Self { color, bars }
    }

    /// Prints to standard output; a closed pipe ends the program quietly, as other tools do.
    pub(crate) fn out(text: &str) {
        let mut out = std::io::stdout().lock();
        drop(
            out.write_all(text.as_bytes())
                .and_then(|()| if text.ends_with('\n') { Ok(()) } else { out.write_all(b"\n") }),
        );
    }

    /// Prints a line to standard error.
    pub(crate) fn note(text: &str) {
        drop(writeln!(std::io::stderr().lock(), "{text}"));
    }

    /// Prints an error with its causes, and a hint.
    pub(crate) fn error(self, error: &anyhow::Error) {
        let mut text = format!("{} {error}\n", self.strong("error:", "31"));
        let mut last = error.to_string();
        for cause in error.chain().skip(1) {
            let cause = cause.to_string();
            // Some libraries repeat their cause in their own words.
            if !last.contains(&cause) {
                text.push_str(&format!("  because {cause}\n"));
            }
            last = cause;
        }
        drop(std::io::stderr().lock().write_all(text.as_bytes()));
    }

    /// Prints problems of a playbook with the places that they concern.
    pub(crate) fn problems(self, problems: &Problems) {
        let theme = if self.color || std::io::stderr().is_terminal() && !no_color() {
            GraphicalTheme::unicode()
        } else {
            GraphicalTheme::unicode_nocolor()
        };
        let printer = GraphicalReportHandler::new_themed(theme).with_width(110).with_links(false);
        let mut text = String::new();
        for problem in &problems.problems {
            let file = problem.place.and_then(|p| problems.sources.get(p.file));
            let source = file.map(|f| miette::NamedSource::new(&f.name, f.text.to_string()));
            let shown = Place { problem, source };
            if printer.render_report(&mut text, &shown).is_err() {
                text.push_str(&problem.message);
            }
            text.push('\n');
        }
        let count = problems.problems.len() + problems.more;
        let what = if count == 1 { "problem" } else { "problems" };
        text.push_str(&format!("{count} {what}\n"));
        drop(std::io::stderr().lock().write_all(text.as_bytes()));
    }

    fn strong(self, text: &str, code: &str) -> String {
        if self.color || (self.bars && std::io::stderr().is_terminal()) {
            format!("\u{1b}[1;{code}m{text}\u{1b}[0m")
        } else {
            text.to_owned()
        }
    }

    /// A heading over a table.
    pub(crate) fn heading(self, text: &str) -> String {
        if self.color { format!("\u{1b}[1m{text}\u{1b}[0m") } else { text.to_owned() }
    }

    /// A table; columns listed in `right` are numbers.
    pub(crate) fn table(self, header: &[&str], right: &[usize], rows: &[Vec<String>]) -> String {
        let mut table = Table::new();
        table.load_style(UTF8_FULL_CONDENSED).set_content_arrangement(ContentArrangement::Dynamic);
        if !self.color {
            table.force_no_tty();
            table.set_width(terminal_width());
        }
        table.set_header(header.iter().map(|h| {
            let cell = Cell::new(h);
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
        table.to_string()
    }
}

fn no_color() -> bool {
    std::env::var_os("NO_COLOR").is_some_and(|v| !v.is_empty())
}

/// A problem as the diagnostic printer takes it.
#[derive(Debug)]
struct Place<'a> {
    problem: &'a playbook_toml::Problem,
    source: Option<miette::NamedSource<String>>,
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

    fn help<'a>(&'a self) -> Option<Box<dyn std::fmt::Display + 'a>> {
        let hint = self.problem.hint.as_deref().map(printable);
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
        let here = miette::LabeledSpan::underline((place.start, place.len));
        let related = self
            .problem
            .related
            .as_ref()
            .filter(|(p, _)| p.file == place.file)
            .map(|(p, words)| miette::LabeledSpan::new(Some(words.clone()), p.start, p.len));
        Some(Box::new(std::iter::once(here).chain(related)))
    }
}

/// Names from playbooks and plugins may hold anything; control characters never reach the terminal.
pub(crate) fn printable(text: &str) -> String {
    text.chars().map(|c| if c.is_control() && c != '\n' { '\u{fffd}' } else { c }).collect()
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

/// Shows progress as bars on a terminal, as plain lines elsewhere, and keeps times of parts.
pub(crate) struct Shown {
    bars: Option<MultiProgress>,
    quiet: bool,
    parts: Mutex<BTreeMap<String, Part>>,
}

struct Part {
    bar: Option<ProgressBar>,
    rows: u64,
    began: Instant,
    printed: bool,
}

impl Shown {
    pub(crate) fn new(terminal: Terminal, quiet: bool) -> Self {
        let bars = (terminal.bars && !quiet).then(MultiProgress::new);
        Self { bars, quiet, parts: Mutex::new(BTreeMap::new()) }
    }

    fn with<T>(&self, part: &str, f: impl FnOnce(&mut Part) -> T) -> T {
        let mut parts = self.parts.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let entry = parts.entry(part.to_owned()).or_insert_with(|| Part {
            bar: self.bars.as_ref().map(|bars| {
                let bar = bars.add(ProgressBar::new_spinner());
                bar.set_style(style(
                    "{spinner} {msg:28} {human_pos:>12} rows {per_sec:>16} {elapsed:>6}",
                ));
                bar.set_message(part.to_owned());
                bar
            }),
            rows: 0,
            began: Instant::now(),
            printed: false,
        });
        f(entry)
    }

    /// Leaves the terminal clean.
    pub(crate) fn clear(&self) {
        if let Some(bars) = &self.bars {
            drop(bars.clear());
        }
    }
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_spinner())
}

impl Progress for Shown {
    fn advanced(&self, part: &str, rows: u64, total: Option<u64>) {
        self.with(part, |p| {
            p.rows += rows;
            if let Some(bar) = &p.bar {
                if let (Some(total), None) = (total, bar.length()) {
                    bar.set_length(total);
                    bar.set_style(style(
                        "  {msg:28} {bar:24} {human_pos:>12}/{human_len} {per_sec:>16} {eta:>5}",
                    ));
                }
                bar.inc(rows);
            }
        });
    }

    fn finished(&self, part: &str) {
        let quiet = self.quiet;
        self.with(part, |p| {
            let seconds = p.began.elapsed().as_secs_f64();
            if let Some(bar) = &p.bar {
                bar.finish_and_clear();
            }
            if !quiet && !p.printed {
                p.printed = true;
                let rows = i64::try_from(p.rows).unwrap_or(i64::MAX);
                let line = format!("  {part:<28} {:>12} rows {seconds:>7.2} s", grouped(rows));
                match &self.bars {
                    Some(bars) => drop(bars.println(line)),
                    None => Terminal::note(&line),
                }
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::{grouped, money, printable};

    #[test]
    fn amounts_are_written_with_their_digits() {
        assert_eq!(money(250_031_563, 2), "2,500,315.63");
        assert_eq!(money(-5, 2), "-0.05");
        assert_eq!(money(1234, 0), "1,234");
        assert_eq!(grouped(-1_000), "-1,000");
    }

    #[test]
    fn control_characters_do_not_reach_the_terminal() {
        assert_eq!(printable("a\u{1b}[31mb"), "a\u{fffd}[31mb");
    }
}
