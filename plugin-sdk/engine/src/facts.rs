//! What rules of settings see of a row: columns by name, their own earlier outputs, and the brand (domain 0.4).
//!
//! The engines of rules share this file as it is.

use playbook_domain::condition::{Amount, Condition, Kind, Lookup, Names};
use playbook_sdk::columns::Text as TextCell;
use playbook_sdk::prelude::*;
use playbook_sdk::settings::{Docs, Json, Schema, Setting, escaped};
use playbook_sdk::{Texts, types};

/// Settings by name, in the order of the names. A map of the standard library would be 5 KB of a guest for each type.
#[derive(Debug, Clone, PartialEq)]
pub struct Named<T>(Vec<(String, T)>);

impl<T: Setting> Setting for Named<T> {
    const SCHEMA: &'static Schema = &Schema::Map(T::SCHEMA);
    const DOCS: &'static Docs = T::DOCS;

    #[inline(never)]
    fn take(value: Json<'_>) -> Option<Self> {
        let Json::Table(table) = value else { return None };
        let mut named = Vec::with_capacity(table.len());
        for (name, value) in table {
            named.push((name.into_owned(), T::take(value)?));
        }
        Some(Self(named))
    }
}

#[allow(dead_code, reason = "each engine needs some of it")]
impl<T> Named<T> {
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&String, &T)> {
        self.0.iter().map(|(name, value)| (name, value))
    }
    pub(crate) fn keys(&self) -> impl Iterator<Item = &String> {
        self.0.iter().map(|(name, _)| name)
    }
    pub(crate) fn values(&self) -> impl Iterator<Item = &T> {
        self.0.iter().map(|(_, value)| value)
    }
    /// The entry of a name.
    #[inline(never)]
    pub(crate) fn entry(&self, name: &str) -> Option<(&String, &T)> {
        self.iter().find(|(known, _)| *known == name)
    }
    pub(crate) fn get(&self, name: &str) -> Option<&T> {
        self.entry(name).map(|(_, value)| value)
    }
    pub(crate) fn has(&self, name: &str) -> bool {
        self.get(name).is_some()
    }
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }
    pub(crate) fn entries(&self) -> &[(String, T)] {
        &self.0
    }
}

settings! {
    /// A text in both languages of pages.
    pub struct Text {
        /// English.
        pub en: String where length(1..=300) = "",
        /// Chinese, traditional characters; empty: the English text is shown.
        pub zh: String where length(0..=300) = "",
    }
}

settings! {
    /// What is said of a column that rules name.
    pub struct ColumnSetting {
        /// Unit that a feature must have: count, day, minor, ratio; empty: any.
        pub unit: String = "",
        /// Whether the rules can do without the column: it is then missing for every row.
        pub optional: bool = false,
    }
}

impl From<&Text> for types::Words {
    fn from(text: &Text) -> Self {
        Self { en: text.en.clone(), zh: (!text.zh.is_empty()).then(|| text.zh.clone()) }
    }
}

/// Joins steps to a JSON Pointer.
#[inline(never)]
pub(crate) fn pointer(steps: &[&str]) -> String {
    steps.iter().fold(String::new(), |path, step| path + "/" + &escaped(step))
}

/// Adds a problem unless something holds; not generic as the SDK's, which is inlined wherever it is called.
#[inline(never)]
pub(crate) fn check(problems: &mut Problems, holds: bool, path: &[&str], message: &str) {
    if !holds {
        problems.at(pointer(path), message);
    }
}

/// Adds a problem unless `name` may name an output, an action or a reason.
#[inline(never)]
pub(crate) fn check_name(problems: &mut Problems, path: &[&str], name: &str) {
    let is_letter = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let mut parts = name.split(['-', '_']);
    let is_name = name.len() <= 64
        && name.bytes().next().is_some_and(|first| first.is_ascii_lowercase())
        && parts.all(|part| !part.is_empty() && part.bytes().all(is_letter))
        && !(name.contains('-') && name.contains('_'));
    check(
        problems,
        is_name,
        path,
        "must be a name of small letters, digits, and single `_` or `-`",
    );
}

/// Rules while they are read: the columns that they use, and what is wrong with them.
pub(crate) struct Reading<'n> {
    pub(crate) names: Names<'n>,
    pub(crate) problems: Problems,
}

impl<'n> Reading<'n> {
    pub(crate) fn new(numbers: &'n Named<f64>) -> Self {
        Self { names: Names::new(numbers.entries()), problems: Problems::new() }
    }

    /// The condition at a path; none where it is a problem.
    #[inline(never)]
    pub(crate) fn condition(&mut self, path: &[&str], text: &str) -> Option<Condition> {
        match self.names.condition(text) {
            Ok(condition) => Some(condition),
            Err(fault) => {
                self.problems.at(pointer(path), fault.to_string());
                None
            }
        }
    }

    /// The amount at a path; none where it is a problem.
    #[allow(dead_code, reason = "not every engine computes amounts")]
    #[inline(never)]
    pub(crate) fn amount(&mut self, path: &[&str], text: &str) -> Option<Amount> {
        match self.names.amount(text) {
            Ok(amount) => Some(amount),
            Err(fault) => {
                self.problems.at(pointer(path), fault.to_string());
                None
            }
        }
    }
}

/// The column of the brand that a name means.
fn of_brand(name: &str) -> Option<&str> {
    name.strip_prefix("brand.")
}

/// The needs of the rows and those of the brand, each in the order of the columns. `outputs` are the stage's own.
#[inline(never)]
pub(crate) fn needs(
    reading: &mut Reading<'_>,
    settings: &Named<ColumnSetting>,
    outputs: &[&str],
) -> (Vec<Need>, Vec<Need>) {
    let (mut rows, mut brand) = (Vec::new(), Vec::new());
    for (name, kind) in reading.names.columns() {
        let make = |name: &str| match kind {
            Kind::Real => need::real(name),
            Kind::Text => need::text(name),
        };
        let setting = settings.get(name);
        let finished = |need: Need| match setting {
            Some(setting) if setting.optional => need.unit(setting.unit.clone()).optional(),
            Some(setting) => need.unit(setting.unit.clone()),
            None => need,
        };
        if let Some(name) = of_brand(name) {
            brand.push(finished(make(name)));
        } else if let Some(output) = name.strip_prefix("previous.") {
            let (ago, output) = output.split_once('.').unwrap_or(("", output));
            if !matches!(ago, "1" | "2") || !outputs.contains(&output) {
                let message = ["`", name, "` is no output of this stage, 1 or 2 cycles ago"];
                reading.problems.at("", message.concat());
            }
            rows.push(make(output).previous(if ago == "2" { 2 } else { 1 }));
        } else {
            rows.push(finished(make(name)));
        }
    }
    (rows, brand)
}

/// Where the columns of the rules lie.
#[derive(Debug)]
pub(crate) struct Sources(Vec<Source>);

#[derive(Debug)]
enum Source {
    Row(usize, Kind),
    Number(Option<f64>),
    Word(Option<String>),
}

impl Sources {
    /// The columns of rows lie from the first need on, those of the brand from `first` on in the first row of `brand`.
    pub(crate) fn new(names: &Names<'_>, brand: Option<Rows<'_>>, first: usize) -> Self {
        let (mut rows, mut at_brand) = (0, first);
        let source = |(name, kind): (&str, Kind)| {
            if of_brand(name).is_none() {
                rows += 1;
                return Source::Row(rows - 1, kind);
            }
            at_brand += 1;
            match kind {
                Kind::Real => {
                    let column = In::<Real>::at(at_brand - 1);
                    Source::Number(brand.and_then(|brand| brand.get(column).get(0)))
                }
                Kind::Text => {
                    let column = In::<TextCell>::at(at_brand - 1);
                    let word = brand.and_then(|brand| brand.get(column).get(0));
                    Source::Word(word.map(str::to_owned))
                }
            }
        };
        Self(names.columns().map(source).collect())
    }

    /// How many columns the rows have for the rules.
    #[allow(dead_code, reason = "not every engine has columns behind them")]
    pub(crate) fn rows(&self) -> usize {
        self.0.iter().filter(|source| matches!(source, Source::Row(..))).count()
    }

    /// The columns of the brand, where there are no rows.
    #[allow(dead_code, reason = "not every engine asks the brand alone")]
    pub(crate) fn of_brand(&self) -> Facts<'_> {
        let view = |source| match source {
            &Source::Row(..) => View::Number(None),
            Source::Number(number) => View::Number(*number),
            Source::Word(word) => View::Word(word.as_deref()),
        };
        Facts { views: self.0.iter().map(view).collect(), row: 0 }
    }

    /// The columns in these rows.
    pub(crate) fn of<'a>(&'a self, rows: &Rows<'a>) -> Facts<'a> {
        let view = |source: &'a Source| match source {
            Source::Row(at, Kind::Real) => View::Real(rows.get(In::<Real>::at(*at))),
            Source::Row(at, Kind::Text) => View::Text(rows.get(In::<TextCell>::at(*at))),
            Source::Number(number) => View::Number(*number),
            Source::Word(word) => View::Word(word.as_deref()),
        };
        Facts { views: self.0.iter().map(view).collect(), row: 0 }
    }
}

/// The columns of a batch or a table, at one row of it.
pub(crate) struct Facts<'a> {
    views: Vec<View<'a>>,
    pub(crate) row: usize,
}

enum View<'a> {
    Real(Column<'a, f64>),
    Text(Texts<'a>),
    Number(Option<f64>),
    Word(Option<&'a str>),
}

impl Lookup for Facts<'_> {
    #[inline]
    fn real(&self, column: usize) -> Option<f64> {
        match self.views.get(column)? {
            View::Real(cells) => cells.get(self.row),
            View::Number(number) => *number,
            _ => None,
        }
    }

    #[inline]
    fn text(&self, column: usize) -> Option<&str> {
        match self.views.get(column)? {
            View::Text(cells) => cells.get(self.row),
            View::Word(word) => *word,
            _ => None,
        }
    }
}
