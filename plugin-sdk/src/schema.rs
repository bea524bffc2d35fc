//! What settings may be: one tree that checks them, with every problem at once, and tells their JSON Schema.
//!
//! The tree is data that `settings!` lays out at compile time. The schema is written from it then too, so that a
//! component carries a text and no code that makes one.

use std::fmt::Arguments;

use crate::decimal::real;
use crate::json::{Json, escaped};
use crate::problem::{Added, Problems};

/// What a value may be.
#[derive(Debug, Clone, Copy)]
pub enum Schema {
    /// True or false.
    Flag,
    /// An integer between two bounds, inclusive.
    Integer(i64, i64),
    /// A finite number.
    Real,
    /// A text.
    Text,
    /// One of these names.
    Choice(&'static [&'static str]),
    /// Nothing, or such a value.
    Maybe(&'static Schema),
    /// A list of such values; of that length where one is given.
    List(&'static Schema, Option<usize>),
    /// Such values by any name.
    Map(&'static Schema),
    /// Named values.
    Table(&'static [Field]),
}

/// One setting.
#[derive(Debug, Clone, Copy)]
pub struct Field {
    /// Its key.
    pub name: &'static str,
    /// What it may be.
    pub schema: &'static Schema,
    /// What narrows that.
    pub rules: &'static [Rule],
    /// What stands for a key that is left out, in JSON.
    pub default: &'static str,
}

/// Documentation of a table's settings, field by field: its lines, and those of the settings within it.
#[derive(Debug, Clone, Copy)]
pub struct Docs(pub &'static [(&'static [&'static str], &'static Docs)]);

/// A bound as a number, and as it was written.
#[derive(Debug, Clone, Copy)]
pub struct Bound(pub f64, pub &'static str);

/// What narrows a value.
#[derive(Debug, Clone, Copy)]
pub enum Rule {
    /// A number between two bounds, inclusive.
    Within(Option<Bound>, Option<Bound>),
    /// A number above a bound.
    Above(Bound),
    /// The length of a list, a map or a text, inclusive.
    Length(usize, Option<usize>),
    /// The entries of a list differ; tables differ in the field of that name.
    Distinct(Option<&'static str>),
    /// A rule for each entry of a list.
    Each(&'static Rule),
}

/// Where the check stands; a path is only written where there is a problem.
struct Place<'p> {
    above: Option<&'p Place<'p>>,
    step: Step<'p>,
}

enum Step<'p> {
    Key(&'p str),
    Entry(usize),
}

impl Place<'_> {
    fn pointer(&self) -> String {
        let above = self.above.map(Place::pointer).unwrap_or_default();
        match self.step {
            Step::Key("") => above,
            Step::Key(key) => above + "/" + &escaped(key),
            Step::Entry(at) => above + "/" + &at.to_string(),
        }
    }

    fn step<'p>(&'p self, step: Step<'p>) -> Place<'p> {
        Place { above: Some(self), step }
    }
}

/// Returns the problems of `value`.
pub(crate) fn check(schema: &Schema, value: &Json<'_>) -> Problems {
    let mut check = Check { problems: Problems::new() };
    let root = Place { above: None, step: Step::Key("") };
    check.value(schema, &[], None, value, &root);
    check.problems
}

struct Check {
    problems: Problems,
}

impl Check {
    fn value(
        &mut self,
        schema: &Schema,
        rules: &[Rule],
        default: Option<&str>,
        value: &Json<'_>,
        at: &Place<'_>,
    ) {
        match (schema, value) {
            (Schema::Maybe(_), Json::Null) => {}
            (Schema::Maybe(schema), _) => return self.value(schema, rules, default, value, at),
            (Schema::Flag, Json::Flag(_)) | (Schema::Text, Json::Text(_)) => {}
            (Schema::Integer(least, most), Json::Number(text)) if is_integer(text) => {
                let number = text.parse::<i64>().ok();
                if !number.is_some_and(|number| (*least..=*most).contains(&number)) {
                    self.tell(at, format_args!("must lie between {least} and {most}, is {text}"));
                    return;
                }
            }
            (Schema::Real, Json::Number(text)) => {
                if !real(text).is_finite() {
                    self.tell(at, format_args!("must be a finite number, is {text}"));
                    return;
                }
            }
            (Schema::Choice(names), Json::Text(name)) => {
                if !names.contains(&name.as_ref()) {
                    self.unknown_name(names, name, at);
                }
            }
            (Schema::List(schema, length), Json::List(list)) => {
                if length.is_some_and(|length| length != list.len()) {
                    let length = length.unwrap_or_default();
                    let is = list.len();
                    self.tell(at, format_args!("must have exactly {length} entries, has {is}"));
                }
                for (i, entry) in list.iter().enumerate() {
                    let each = rules.iter().find_map(|rule| match rule {
                        Rule::Each(rule) => Some(**rule),
                        _ => None,
                    });
                    self.value(schema, each.as_slice(), None, entry, &at.step(Step::Entry(i)));
                }
            }
            (Schema::Map(schema), Json::Table(table)) => {
                for (key, value) in table {
                    self.value(schema, &[], None, value, &at.step(Step::Key(key)));
                }
            }
            (Schema::Table(fields), Json::Table(table)) => {
                for (key, value) in table {
                    let at = at.step(Step::Key(key));
                    match fields.iter().find(|field| field.name == key) {
                        Some(field) => {
                            let default = Some(field.default);
                            self.value(field.schema, field.rules, default, value, &at);
                        }
                        None => self.unknown_key(fields, key, &at),
                    }
                }
                let given = |field: &&Field| table.iter().any(|(key, _)| key == field.name);
                for field in fields.iter().filter(|field| !given(field)) {
                    self.default(field, &at.step(Step::Key(field.name)));
                }
            }
            _ => {
                let (wanted, is) = (schema.words(), kind_of(value));
                let added = self.tell(at, format_args!("must be {wanted}, is {is}"));
                if let Some(default) = default {
                    added.hint(format!("the default is {default}"));
                }
                return;
            }
        }
        rules.iter().for_each(|rule| self.rule(schema, rule, value, at));
    }

    /// A default is held to the rules like anything else, so that a setting without one that fits must be given.
    fn default(&mut self, field: &Field, at: &Place<'_>) {
        match crate::json::read(field.default) {
            Ok(value) => self.value(field.schema, field.rules, None, &value, at),
            Err(text) => drop(self.tell(at, format_args!("has a default that is {text}"))),
        }
    }

    /// Takes what `format_args!` makes, so that the places that call it need no code that makes and drops texts.
    #[inline(never)]
    fn tell(&mut self, at: &Place<'_>, text: Arguments<'_>) -> Added<'_> {
        self.problems.at(at.pointer(), std::fmt::format(text))
    }

    fn rule(&mut self, schema: &Schema, rule: &Rule, value: &Json<'_>, at: &Place<'_>) {
        match (rule, value) {
            (Rule::Within(least, most), Json::Number(text)) => {
                let number = real(text);
                let below = least.filter(|bound| number < bound.0).map(|b| ("at least", b));
                let above = most.filter(|bound| number > bound.0).map(|b| ("at most", b));
                if let Some((words, Bound(_, bound))) = below.or(above) {
                    let bound: String = bound.chars().filter(|letter| *letter != '_').collect();
                    self.tell(at, format_args!("must be {words} {bound}, is {text}"));
                }
            }
            (Rule::Above(Bound(least, bound)), Json::Number(text)) => {
                if real(text) <= *least {
                    self.tell(at, format_args!("must be above {bound}, is {text}"));
                }
            }
            (Rule::Length(least, most), _) => {
                let (len, what) = match value {
                    Json::List(list) => (list.len(), "entries"),
                    Json::Table(table) => (table.len(), "entries"),
                    Json::Text(text) => (text.chars().count(), "letters"),
                    _ => return,
                };
                if len < *least || most.is_some_and(|most| len > most) {
                    match most {
                        Some(most) if *least == 0 => self
                            .tell(at, format_args!("must have at most {most} {what}, has {len}")),
                        Some(most) => self.tell(
                            at,
                            format_args!("must have {least} to {most} {what}, has {len}"),
                        ),
                        None => self
                            .tell(at, format_args!("must have at least {least} {what}, has {len}")),
                    };
                }
            }
            (Rule::Distinct(name), Json::List(list)) => {
                let name = name.unwrap_or_default();
                let standard = schema.default_of(name);
                let told_by = |entry| field_of(entry, name).or(standard.as_ref());
                for (i, entry) in list.iter().enumerate() {
                    if list[..i].iter().any(|other| told_by(other) == told_by(entry)) {
                        let entry = at.step(Step::Entry(i));
                        self.tell(
                            &entry.step(Step::Key(name)),
                            format_args!("stands there already"),
                        );
                    }
                }
            }
            _ => {}
        }
    }

    fn unknown_key(&mut self, fields: &[Field], key: &str, at: &Place<'_>) {
        let names: Vec<&str> = fields.iter().map(|field| field.name).collect();
        let hint = match nearest(&names, key) {
            Some(name) => format!("did you mean `{name}`?"),
            None => format!("known keys: {}", listed(&names, "")),
        };
        self.tell(at, format_args!("unknown key `{key}`")).hint(hint);
    }

    fn unknown_name(&mut self, names: &[&str], name: &str, at: &Place<'_>) {
        let list = listed(names, "\"");
        let added = self.tell(at, format_args!("must be one of {list}, is \"{name}\""));
        if let Some(near) = nearest(names, name) {
            added.hint(format!("did you mean \"{near}\"?"));
        }
    }
}

/// The field of that name of a table; any other value is told by itself.
fn field_of<'j>(entry: &'j Json<'j>, name: &str) -> Option<&'j Json<'j>> {
    match entry {
        Json::Table(table) => table.iter().find(|(key, _)| key == name).map(|(_, value)| value),
        _ => Some(entry),
    }
}

fn is_integer(text: &str) -> bool {
    !text.bytes().any(|byte| matches!(byte, b'.' | b'e' | b'E'))
}

/// Returns the names one after the other, each between two of `quote`.
#[must_use]
pub fn listed(names: &[&str], quote: &str) -> String {
    let mut list = String::new();
    for name in names {
        let comma = if list.is_empty() { "" } else { ", " };
        [comma, quote, name, quote].iter().for_each(|part| list.push_str(part));
    }
    list
}

/// Returns the name of these that was meant by one that is none of them; none where none is near.
#[inline(never)]
#[must_use]
pub fn nearest<'n>(names: &[&'n str], given: &str) -> Option<&'n str> {
    let near = names.iter().map(|name| (strsim::osa_distance(name, given), *name)).min()?;
    (near.0 <= 1 + given.len() / 3).then_some(near.1)
}

impl Schema {
    /// The default of a field of the tables in a list.
    fn default_of(&self, name: &str) -> Option<Json<'static>> {
        let Self::List(Self::Table(fields), _) = self else { return None };
        let field = fields.iter().find(|field| field.name == name)?;
        crate::json::read(field.default).ok()
    }

    fn words(&self) -> &'static str {
        match self {
            Self::Flag => "true or false",
            Self::Integer(..) => "an integer",
            Self::Real => "a number",
            Self::Text | Self::Choice(_) => "a text",
            Self::Maybe(inner) => inner.words(),
            Self::List(..) => "a list",
            Self::Map(_) | Self::Table(_) => "a table",
        }
    }
}

fn kind_of(value: &Json<'_>) -> &'static str {
    match value {
        Json::Null => "nothing",
        Json::Flag(_) => "true or false",
        Json::Number(text) if is_integer(text) => "an integer",
        Json::Number(_) => "a number with a fraction",
        Json::Text(_) => "a text",
        Json::List(_) => "a list",
        Json::Table(_) => "a table",
    }
}
