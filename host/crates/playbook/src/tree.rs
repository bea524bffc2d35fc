//! A playbook file as a tree of values that know where they stand.

use std::collections::BTreeMap;
use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};
use toml_parser::lexer::TokenKind;

use crate::problem::{Place, Problem, Sink, SourceText};
use crate::syntax::syntax_problem;
use crate::values;

/// Levels of tables and lists in one file.
pub(crate) const DEPTH_MAX: usize = 32;
/// Values in all files of one playbook.
pub(crate) const VALUES_MAX: usize = 50_000;
/// Bytes of one key.
pub(crate) const KEY_BYTES_MAX: usize = 256;
/// Syntax errors that are kept of one file.
const SYNTAX_MAX: usize = 50;

/// A value with its place.
#[derive(Debug, Clone)]
pub(crate) struct Node {
    pub(crate) place: Place,
    pub(crate) value: Value,
}

#[derive(Debug, Clone)]
pub(crate) enum Value {
    Text(String),
    Integer(i64),
    Real(f64),
    Flag(bool),
    /// Date or time as written.
    Time(String),
    List(Vec<Node>),
    Table(Table),
    /// A value that is reported already; it fits everywhere, so that nothing is reported twice.
    Unreadable,
}

/// A table whose entries keep the order of the file.
#[derive(Debug, Clone, Default)]
pub(crate) struct Table {
    pub(crate) entries: Vec<Entry>,
    index: BTreeMap<String, usize>,
}

#[derive(Debug, Clone)]
pub(crate) struct Entry {
    pub(crate) key: String,
    pub(crate) key_place: Place,
    pub(crate) node: Node,
}

impl Table {
    pub(crate) fn entry(&self, key: &str) -> Option<&Entry> {
        self.index.get(key).map(|at| &self.entries[*at])
    }

    pub(crate) fn get(&self, key: &str) -> Option<&Node> {
        self.entry(key).map(|entry| &entry.node)
    }

    pub(crate) fn get_mut(&mut self, key: &str) -> Option<&mut Node> {
        self.index.get(key).map(|at| &mut self.entries[*at].node)
    }

    /// Adds an entry, or replaces the one of the same key.
    pub(crate) fn put(&mut self, entry: Entry) {
        match self.index.get(&entry.key) {
            Some(at) => self.entries[*at] = entry,
            None => {
                self.index.insert(entry.key.clone(), self.entries.len());
                self.entries.push(entry);
            }
        }
    }

    pub(crate) fn remove(&mut self, key: &str) -> Option<Entry> {
        let at = self.index.remove(key)?;
        let entry = self.entries.remove(at);
        self.index
            .values_mut()
            .filter(|position| **position > at)
            .for_each(|position| *position -= 1);
        Some(entry)
    }

    pub(crate) fn text(&self, key: &str) -> Option<&str> {
        self.get(key).and_then(Node::text)
    }

    pub(crate) fn table(&self, key: &str) -> Option<&Self> {
        self.get(key).and_then(Node::table)
    }

    pub(crate) fn flag(&self, key: &str) -> Option<bool> {
        match self.get(key)?.value {
            Value::Flag(flag) => Some(flag),
            _ => None,
        }
    }

    pub(crate) fn real(&self, key: &str) -> Option<f64> {
        self.get(key).and_then(Node::real)
    }

    pub(crate) fn integer(&self, key: &str) -> Option<i64> {
        match self.get(key)?.value {
            Value::Integer(number) => Some(number),
            _ => None,
        }
    }

    /// A length of time.
    pub(crate) fn duration_ms(&self, key: &str) -> Option<u64> {
        self.text(key).and_then(values::duration_ms).map(i64::unsigned_abs)
    }

    /// A size, as text or as a number of bytes.
    pub(crate) fn bytes(&self, key: &str) -> Option<u64> {
        let node = self.get(key)?;
        node.text().and_then(values::size_bytes).or_else(|| u64::try_from(node.integer()?).ok())
    }

    pub(crate) fn list(&self, key: &str) -> &[Node] {
        match self.get(key).map(|node| &node.value) {
            Some(Value::List(items)) => items,
            _ => &[],
        }
    }
}

impl Node {
    /// Where `bytes` of a text stand; the whole value where escapes keep its text from standing there as it is.
    pub(crate) fn inside(&self, texts: &[SourceText], bytes: Range<usize>) -> Place {
        let whole = self.place;
        let written = texts
            .get(whole.file)
            .and_then(|source| source.text.get(whole.start..whole.start + whole.len));
        let found = self.text().zip(written).and_then(|(text, written)| written.find(text));
        match found {
            Some(at) => Place { start: whole.start + at + bytes.start, len: bytes.len(), ..whole },
            None => whole,
        }
    }

    pub(crate) fn text(&self) -> Option<&str> {
        match &self.value {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }

    pub(crate) fn table(&self) -> Option<&Table> {
        match &self.value {
            Value::Table(table) => Some(table),
            _ => None,
        }
    }

    #[expect(clippy::cast_precision_loss, reason = "a whole number where a real one is asked")]
    pub(crate) fn real(&self) -> Option<f64> {
        match self.value {
            Value::Real(number) => Some(number),
            Value::Integer(number) => Some(number as f64),
            _ => None,
        }
    }

    pub(crate) fn integer(&self) -> Option<i64> {
        match self.value {
            Value::Integer(number) => Some(number),
            _ => None,
        }
    }

    /// The type in words, for messages.
    pub(crate) fn type_words(&self) -> &'static str {
        match self.value {
            Value::Text(_) => "a text",
            Value::Integer(_) => "a whole number",
            Value::Real(_) => "a number",
            Value::Flag(_) => "true or false",
            Value::Time(_) => "a date or time",
            Value::List(_) => "a list",
            Value::Table(_) => "a table",
            Value::Unreadable => "unreadable",
        }
    }
}

/// Parses `text` as file number `file`. Problems go to `sink`; the tree holds what could be read.
/// The second value says whether the syntax was in order.
/// `values` counts the values of all files so far.
pub(crate) fn parse(text: &str, file: usize, values: &mut usize, sink: &mut Sink) -> (Table, bool) {
    if let Some(start) = too_deep(text) {
        sink.add(depth_problem(Place { file, start, len: 1 }));
        return (Table::default(), false);
    }
    let (table, errors) = DeTable::parse_recoverable(text);
    let sound = errors.is_empty();
    for error in errors.iter().take(SYNTAX_MAX) {
        sink.add(syntax_problem(error, text, file));
    }
    sink.more += errors.len().saturating_sub(SYNTAX_MAX);
    let mut convert = Convert { file, values, sink, full: false };
    let table = convert.table(table.get_ref(), 0);
    (table, sound)
}

/// Parses one value, as after `key = `.
pub(crate) fn parse_value(text: &str, file: usize, sink: &mut Sink) -> Option<Node> {
    if too_deep(text).is_some() {
        sink.add(depth_problem(Place { file, start: 0, len: text.len() }));
        return None;
    }
    let value = DeValue::parse(text).ok()?;
    Convert { file, values: &mut 0, sink, full: false }.node(&value, 0)
}

/// Returns where brackets and dotted keys go deeper than any playbook needs. The parser and the
/// destructor of its tree recurse, so a hostile file must be refused before either sees it.
fn too_deep(text: &str) -> Option<usize> {
    // Per open bracket: what closes it, and the dots of the key before it. A stray closer closes
    // nothing, so that mismatched brackets cannot hide depth.
    let mut levels: Vec<(TokenKind, usize)> = vec![(TokenKind::Eof, 0)];
    let mut dots_sum = 0;
    for token in toml_parser::Source::new(text).lex() {
        let (closer, dots) = levels.last_mut().expect("the outermost level stays");
        match token.kind() {
            TokenKind::LeftSquareBracket => levels.push((TokenKind::RightSquareBracket, 0)),
            TokenKind::LeftCurlyBracket => levels.push((TokenKind::RightCurlyBracket, 0)),
            TokenKind::Dot => {
                *dots += 1;
                dots_sum += 1;
            }
            TokenKind::Comma | TokenKind::Newline => dots_sum -= std::mem::take(dots),
            TokenKind::Eof => {}
            kind if kind == *closer => {
                dots_sum -= *dots;
                levels.pop();
            }
            _ => {}
        }
        if levels.len() + dots_sum > 2 * DEPTH_MAX {
            return Some(token.span().start());
        }
    }
    None
}

fn depth_problem(place: Place) -> Problem {
    Problem::new("too-deep", place, "nested too deeply")
        .expected(format!("at most {DEPTH_MAX} levels of tables and lists"))
}

struct Convert<'a> {
    file: usize,
    values: &'a mut usize,
    sink: &'a mut Sink,
    full: bool,
}

impl Convert<'_> {
    fn place(&self, span: std::ops::Range<usize>) -> Place {
        Place { file: self.file, start: span.start, len: span.len() }
    }

    fn table(&mut self, table: &DeTable<'_>, depth: usize) -> Table {
        let mut entries: Vec<_> = table.iter().collect();
        // The parser sorts keys; people read the order of the file.
        entries.sort_by_key(|(key, _)| key.span().start);
        let mut out = Table::default();
        for (key, value) in entries {
            let key_place = self.place(key.span());
            if key.get_ref().len() > KEY_BYTES_MAX {
                self.sink.add(
                    Problem::new(
                        "long-key",
                        Place { len: KEY_BYTES_MAX.min(key_place.len), ..key_place },
                        "key too long",
                    )
                    .expected(format!("at most {KEY_BYTES_MAX} bytes")),
                );
                continue;
            }
            if let Some(node) = self.node(value, depth + 1) {
                out.put(Entry { key: key.get_ref().clone().into_owned(), key_place, node });
            }
        }
        out
    }

    fn node(&mut self, spanned: &Spanned<DeValue<'_>>, depth: usize) -> Option<Node> {
        let place = self.place(spanned.span());
        *self.values += 1;
        if depth > DEPTH_MAX {
            self.sink.add(depth_problem(Place { len: place.len.min(1), ..place }));
            return None;
        }
        if *self.values > VALUES_MAX {
            if !self.full {
                self.full = true;
                self.sink.add(
                    Problem::new(
                        "too-many-values",
                        Place { len: place.len.min(1), ..place },
                        "too many values",
                    )
                    .expected(format!("at most {VALUES_MAX}")),
                );
            }
            return None;
        }
        let value = match spanned.get_ref() {
            DeValue::String(text) => Value::Text(text.clone().into_owned()),
            DeValue::Integer(number) => {
                match i64::from_str_radix(number.as_str(), number.radix()) {
                    Ok(number) => Value::Integer(number),
                    Err(_) => {
                        self.sink.add(
                            Problem::new("number-range", place, "whole number out of range")
                                .expected("a number of at most 64 bits"),
                        );
                        Value::Unreadable
                    }
                }
            }
            DeValue::Float(number) => match number.as_str().parse::<f64>() {
                Ok(number) if number.is_finite() => Value::Real(number),
                _ => {
                    self.sink.add(
                        Problem::new("not-finite", place, "not a finite number")
                            .expected("a finite number"),
                    );
                    Value::Unreadable
                }
            },
            DeValue::Boolean(flag) => Value::Flag(*flag),
            DeValue::Datetime(time) => Value::Time(time.to_string()),
            DeValue::Array(items) => {
                Value::List(items.iter().filter_map(|item| self.node(item, depth + 1)).collect())
            }
            DeValue::Table(table) => Value::Table(self.table(table, depth)),
        };
        Some(Node { place, value })
    }
}
