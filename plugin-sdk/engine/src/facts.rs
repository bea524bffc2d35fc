//! What rules of settings see of a row: columns by name, their own earlier outputs, and the brand (domain 0.4).

use playbook_domain::condition::{Amount, Condition, Kind, Lookup, Names};
use playbook_sdk::Texts;
use playbook_sdk::columns::Text as TextCell;
use playbook_sdk::prelude::*;

use crate::check::pointer;
use crate::named::Named;

settings! {
    /// What is said of a column that rules name.
    pub struct ColumnSetting {
        /// Unit that a feature must have: count, day, minor, ratio; empty: any.
        pub unit: String = "",
        /// Whether the rules can do without the column: it is then missing for every row.
        pub optional: bool = false,
    }
}

/// Rules while they are read.
#[derive(Debug)]
pub struct Reading<'n> {
    /// The columns that they use.
    pub names: Names<'n>,
    /// What is wrong with them.
    pub problems: Problems,
}

impl<'n> Reading<'n> {
    /// Nothing is read yet; conditions and amounts may use `numbers` by name.
    #[must_use]
    pub fn new(numbers: &'n Named<f64>) -> Self {
        Self { names: Names::new(numbers.entries()), problems: Problems::new() }
    }

    /// The condition at a path; none where it is a problem.
    #[inline(never)]
    pub fn condition(&mut self, path: &[&str], text: &str) -> Option<Condition> {
        match self.names.condition(text) {
            Ok(condition) => Some(condition),
            Err(fault) => {
                self.problems.at(pointer(path), fault.to_string());
                None
            }
        }
    }

    /// The amount at a path; none where it is a problem.
    #[inline(never)]
    pub fn amount(&mut self, path: &[&str], text: &str) -> Option<Amount> {
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
pub fn needs(
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
pub struct Sources(Vec<Source>);

#[derive(Debug)]
enum Source {
    Row(usize, Kind),
    Number(Option<f64>),
    Word(Option<String>),
}

impl Sources {
    /// Finds them: the columns of rows lie from the first need on, those of the brand from `first` on in the first row of `brand`.
    pub fn new(names: &Names<'_>, brand: Option<Rows<'_>>, first: usize) -> Self {
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
    #[must_use]
    pub fn rows(&self) -> usize {
        self.0.iter().filter(|source| matches!(source, Source::Row(..))).count()
    }

    /// The columns of the brand, where there are no rows.
    #[must_use]
    pub fn of_brand(&self) -> Facts<'_> {
        let view = |source| match source {
            &Source::Row(..) => View::Number(None),
            Source::Number(number) => View::Number(*number),
            Source::Word(word) => View::Word(word.as_deref()),
        };
        Facts { views: self.0.iter().map(view).collect(), row: 0 }
    }

    /// The columns in these rows, at the first of them.
    #[must_use]
    pub fn of<'a>(&'a self, rows: &Rows<'a>) -> Facts<'a> {
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
#[derive(Debug)]
pub struct Facts<'a> {
    views: Vec<View<'a>>,
    /// The row that is looked at.
    pub row: usize,
}

#[derive(Debug)]
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

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use playbook_sdk::settings::parse;

    fn asked(conditions: &[&str], columns: &str) -> (Vec<Need>, Vec<Need>, Problems) {
        let numbers = parse(r#"{ "enough": 2 }"#).unwrap();
        let mut reading = Reading::new(&numbers);
        for condition in conditions {
            reading.condition(&["when"], condition);
        }
        let (rows, brand) = needs(&mut reading, &parse(columns).unwrap(), &["rung"]);
        (rows, brand, reading.problems)
    }

    #[test]
    fn columns_are_asked_of_the_rows_of_the_brand_and_of_earlier_outputs() {
        let conditions = ["a >= enough AND brand.b > 1", "previous.2.rung > 0 AND c = 'x'"];
        let columns = r#"{ "a": { "unit": "day" }, "c": { "optional": true } }"#;
        let (rows, brand, problems) = asked(&conditions, columns);
        let earlier = need::real("rung").previous(2);
        let text = need::text("c").unit("").optional();
        assert_eq!(rows, [need::real("a").unit("day"), earlier, text]);
        assert_eq!(brand, [need::real("b")]);
        assert!(problems.is_empty());
        let (rows, ..) = asked(&["previous.rung = 1"], "{}");
        assert_eq!(rows, [need::real("rung").previous(1)]);
    }

    #[test]
    fn an_earlier_value_is_of_an_own_output_one_or_two_cycles_ago() {
        for name in ["previous.3.rung", "previous.1.other", "previous.other"] {
            let (_, _, problems) = asked(&[&[name, " > 0"].concat()], "{}");
            let told = ["`", name, "` is no output of this stage, 1 or 2 cycles ago"].concat();
            assert_eq!(problems.list()[0].message, told);
        }
    }

    #[test]
    fn what_cannot_be_read_is_told_at_its_place() {
        let (.., problems) = asked(&["a >="], "{}");
        assert_eq!((problems.len(), problems.list()[0].path.as_str()), (1, "/when"));
    }
}
