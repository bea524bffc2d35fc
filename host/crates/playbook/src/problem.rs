//! Problems of a playbook file: where they are, what was expected, and a plain-text rendering.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use playbook_model::printable;
use unicode_width::UnicodeWidthStr;

use crate::secret::without_secrets;

/// The code of problems whose place is a secret.
const SECRET: &str = "secret-in-file";

/// Most problems that are kept of one load; the rest is counted.
pub const PROBLEMS_MAX: usize = 100;

/// Widest stretch of a line that the plain renderer shows, in characters.
const SHOWN_CHARS_MAX: usize = 110;

/// Text of one file, or of one override of the command line.
#[derive(Debug, Clone)]
pub struct SourceText {
    /// Path as it was named, or the words of the override.
    pub name: String,
    /// The whole text.
    pub text: Arc<str>,
}

impl SourceText {
    /// Returns line and column of byte `offset`, both from 1; columns count characters.
    #[must_use]
    pub fn line_column(&self, offset: usize) -> (usize, usize) {
        let before = self.until(offset);
        let line = before.matches('\n').count() + 1;
        let start = before.rfind('\n').map_or(0, |at| at + 1);
        (line, before[start..].chars().count() + 1)
    }

    /// Text before `offset`, cut back to a character where `offset` lies inside one.
    fn until(&self, offset: usize) -> &str {
        let mut end = offset.min(self.text.len());
        while !self.text.is_char_boundary(end) {
            end -= 1;
        }
        &self.text[..end]
    }
}

/// A stretch of a source text, in bytes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    /// Position in the list of source texts; 0 is the top file.
    pub file: usize,
    /// First byte.
    pub start: usize,
    /// Length in bytes; 0 where something is missing.
    pub len: usize,
}

/// Whether a playbook runs in spite of a problem.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Level {
    /// It does not.
    #[default]
    Error,
    /// It does, perhaps otherwise than was meant.
    Warning,
}

impl Level {
    /// Its name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
        }
    }
}

/// One thing that is wrong with a playbook.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Whether the playbook runs in spite of it.
    pub level: Level,
    /// Stable id, kebab-case: `unknown-key`, `bad-duration` ...
    pub code: &'static str,
    /// What is wrong: lower case, no final dot.
    pub message: String,
    /// What would be right.
    pub expected: Option<String>,
    /// What to do, often the nearest valid name.
    pub hint: Option<String>,
    /// Where; `None` for a file that cannot be read at all.
    pub place: Option<Place>,
    /// Where the other half of a conflict is, in words.
    pub related: Option<(Place, String)>,
}

impl Problem {
    /// Returns a problem without expectation or hint.
    #[must_use]
    pub fn new(code: &'static str, place: Place, message: impl Into<String>) -> Self {
        Self {
            level: Level::Error,
            code,
            message: message.into(),
            expected: None,
            hint: None,
            place: Some(place),
            related: None,
        }
    }

    /// Returns the problem of a secret that stands in a file, at its value, which is then not shown.
    pub(crate) fn secret(place: Place, what: &str, instead: &str) -> Self {
        Self::new(SECRET, place, format!("{what} holds a secret, and no file of this kind may"))
            .expected(instead)
            .hint("take it out of the file, and change it where it is in use: whoever could read the file knows it")
    }

    /// Makes it one in spite of which the playbook runs.
    #[must_use]
    pub fn warning(self) -> Self {
        Self { level: Level::Warning, ..self }
    }

    /// Says what would be right.
    #[must_use]
    pub fn expected(mut self, expected: impl Into<String>) -> Self {
        self.expected = Some(expected.into());
        self
    }

    /// Says what to do.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Adds the nearest of `names` as a hint, where one is near enough.
    #[must_use]
    pub fn nearest<'a>(self, wrong: &str, names: impl IntoIterator<Item = &'a str>) -> Self {
        match nearest(wrong, names) {
            Some(name) => self.hint(format!("did you mean `{name}`?")),
            None => self,
        }
    }

    /// Points at the other half of a conflict.
    #[must_use]
    pub fn related(mut self, place: Place, words: impl Into<String>) -> Self {
        self.related = Some((place, words.into()));
        self
    }
}

/// Returns the name nearest to `wrong`, where it is near enough to be what was meant.
#[must_use]
pub fn nearest<'a>(wrong: &str, names: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    // Comparing costs length times length: a hostile name must not make every comparison slow.
    if wrong.chars().count() > 64 {
        return None;
    }
    let tidy = |text: &str| text.to_lowercase().replace('-', "_");
    let wanted = tidy(wrong);
    let mut best: Option<(f64, &str)> = None;
    for name in names {
        // Names whose lengths are far apart cannot be alike enough; this spares most comparisons.
        let (short, long) = (wanted.len().min(name.len()), wanted.len().max(name.len()));
        if short * 10 < long * 3 {
            continue;
        }
        let other = tidy(name);
        let mut likeness = strsim::normalized_damerau_levenshtein(&wanted, &other);
        if wanted.len() >= 3 && (other.starts_with(&wanted) || wanted.starts_with(&other)) {
            likeness = likeness.max(0.65);
        }
        if likeness >= 0.6 && best.is_none_or(|(most, _)| likeness > most) {
            best = Some((likeness, name));
        }
    }
    best.map(|(_, name)| name)
}

/// A plugin that a stage names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamedPlugin {
    /// The stage, as far as it has a name.
    pub stage: String,
    /// Name of the plugin.
    pub name: String,
    /// Version requirement.
    pub version: String,
    /// Where it is named.
    pub place: Place,
}

/// Everything that is wrong with a playbook, in the order of its files.
#[derive(Debug, Clone)]
pub struct Problems {
    /// Texts that places refer to; the top file first.
    pub sources: Vec<SourceText>,
    /// At least one.
    pub problems: Vec<Problem>,
    /// Problems beyond [`PROBLEMS_MAX`].
    pub more: usize,
    /// Plugins that the file names, as far as it can be read: who knows which are installed adds those that are not.
    pub plugins: Vec<NamedPlugin>,
}

impl Problems {
    /// Adds what a later step found, at its place among the others.
    #[must_use]
    pub fn and(self, found: Vec<Problem>) -> Self {
        let Self { sources, problems, more, plugins } = self;
        let mut sink = Sink { problems, more };
        found.into_iter().for_each(|problem| sink.add(problem));
        Self { plugins, ..sink.into_problems(sources) }
    }

    /// How many there are, in words: warnings where the playbook runs in spite of all.
    #[must_use]
    pub fn counted(&self) -> String {
        let runs = !self.problems.is_empty()
            && self.problems.iter().all(|problem| problem.level == Level::Warning);
        let what = if runs { "warning" } else { "problem" };
        match self.problems.len() + self.more {
            1 => format!("1 {what}"),
            count => format!("{count} {what}s"),
        }
    }

    /// Returns name, line and column of a problem; `None` where a file cannot be read.
    #[must_use]
    pub fn position(&self, problem: &Problem) -> Option<(&str, usize, usize)> {
        let place = problem.place?;
        let source = self.sources.get(place.file)?;
        let (line, column) = source.line_column(place.start);
        Some((&source.name, line, column))
    }

    /// Renders all problems as plain text with underlines.
    #[must_use]
    pub fn render(&self) -> String {
        let mut out = String::new();
        for problem in &self.problems {
            render_one(&mut out, &self.sources, problem);
            out.push('\n');
        }
        let files: BTreeSet<usize> =
            self.problems.iter().filter_map(|p| p.place).map(|p| p.file).collect();
        let problems = self.counted();
        if self.more > 0 {
            out.push_str(&format!("{} further problems are not shown\n", self.more));
        }
        match files.len() {
            0 | 1 => out.push_str(&format!("{problems}\n")),
            files => out.push_str(&format!("{problems} in {files} files\n")),
        }
        out
    }
}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = self.problems.len() + self.more;
        let name = self.sources.first().map_or("playbook", |source| source.name.as_str());
        match self.problems.first() {
            Some(first) if count == 1 => write!(f, "{name}: {}", first.message),
            Some(first) => write!(f, "{name}: {count} problems, the first: {}", first.message),
            None => write!(f, "{name}: no problem"),
        }
    }
}

impl std::error::Error for Problems {}

fn render_one(out: &mut String, sources: &[SourceText], problem: &Problem) {
    out.push_str(&format!(
        "{}[{}]: {}\n",
        problem.level.name(),
        problem.code,
        printable(&problem.message)
    ));
    if let Some(place) = problem.place {
        render_place(out, sources, place, '^', "");
    }
    if let Some((place, words)) = &problem.related {
        render_place(out, sources, *place, '-', words);
    }
    if let Some(expected) = &problem.expected {
        out.push_str(&format!("  = expected: {}\n", printable(expected)));
    }
    if let Some(hint) = &problem.hint {
        out.push_str(&format!("  = hint: {}\n", printable(hint)));
    }
}

fn render_place(out: &mut String, sources: &[SourceText], place: Place, mark: char, words: &str) {
    let Some(source) = sources.get(place.file) else {
        return;
    };
    let (line, column) = source.line_column(place.start);
    let text = source.text.split('\n').nth(line - 1).unwrap_or("").trim_end_matches('\r');
    let marked =
        source.until(place.start + place.len).get(source.until(place.start).len()..).unwrap_or("");
    let marked = marked.split('\n').next().unwrap_or("").trim_end_matches('\r').chars().count();

    // A long line is cut to what surrounds the place.
    let first = if column > SHOWN_CHARS_MAX / 2 && text.chars().count() > SHOWN_CHARS_MAX {
        column - SHOWN_CHARS_MAX / 2
    } else {
        0
    };
    let shown: Vec<char> = text.chars().skip(first).take(SHOWN_CHARS_MAX).collect();
    // A tab is as wide as the terminal likes; the marks below are as wide as what stands above them.
    let escaped = |chars: &[char]| {
        printable(&chars.iter().collect::<String>().replace('\t', " ")).into_owned()
    };
    let width = |chars: &[char]| escaped(chars).width();
    let from = (column - 1 - first).min(shown.len());
    let to = (from + marked).min(shown.len());
    let lead = if first > 0 { "..." } else { "" };
    let tail = if text.chars().count() > first + shown.len() { "..." } else { "" };
    let shown_text = escaped(&shown);

    let gutter = line.to_string();
    let blank = " ".repeat(gutter.len());
    let indent = " ".repeat(lead.len() + width(&shown[..from]));
    let underline = mark.to_string().repeat(width(&shown[from..to]).max(1));
    let words = if words.is_empty() { String::new() } else { format!(" {}", printable(words)) };
    out.push_str(&format!("{blank}--> {}:{line}:{column}\n", printable(&source.name)));
    out.push_str(&format!("{blank} |\n{gutter} | {lead}{shown_text}{tail}\n"));
    out.push_str(&format!("{blank} | {indent}{underline}{words}\n"));
}

/// Collects problems up to a bound.
#[derive(Debug, Default)]
pub(crate) struct Sink {
    pub(crate) problems: Vec<Problem>,
    pub(crate) more: usize,
}

impl Sink {
    pub(crate) fn add(&mut self, problem: Problem) {
        if self.problems.len() < PROBLEMS_MAX {
            self.problems.push(problem);
        } else {
            self.more += 1;
        }
    }

    /// Adds a problem that is worked out only where it is kept: the nearest of many names costs time.
    pub(crate) fn add_with(&mut self, problem: impl FnOnce() -> Problem) {
        if self.problems.len() < PROBLEMS_MAX {
            self.problems.push(problem());
        } else {
            self.more += 1;
        }
    }

    /// Whether a bound on size was broken, so that further checks may be slow and say little.
    pub(crate) fn bounds_broken(&self) -> bool {
        const BOUNDS: [&str; 4] = ["too-deep", "too-many", "too-many-files", "too-many-values"];
        self.more > 0 || self.problems.iter().any(|problem| BOUNDS.contains(&problem.code))
    }

    pub(crate) fn into_problems(mut self, mut sources: Vec<SourceText>) -> Problems {
        for (file, source) in sources.iter_mut().enumerate() {
            let secrets = self.problems.iter().filter(|problem| problem.code == SECRET);
            let here = secrets.filter_map(|secret| secret.place.filter(|p| p.file == file));
            let places: Vec<_> = here.map(|place| place.start..place.start + place.len).collect();
            source.text = without_secrets(&source.text, &places);
        }
        self.problems.sort_by_key(|p| (p.place.is_some(), p.place));
        self.problems.dedup();
        Problems { sources, problems: self.problems, more: self.more, plugins: Vec::new() }
    }
}
