//! What rules of settings see of a row: columns by name, their own earlier outputs, and the brand (domain 0.4).

use playbook_domain::condition::{Amount, Condition, Fault, Kind, Lookup, Names};
use playbook_sdk::Texts;
use playbook_sdk::columns::Text as TextCell;
use playbook_sdk::prelude::*;
use playbook_sdk::settings::{listed, nearest};

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
    /// What texts use that are not in force.
    aside: Names<'n>,
    /// Whether a text could not be read, so that nobody knows what it uses.
    is_open: bool,
}

impl<'n> Reading<'n> {
    /// Nothing is read yet; conditions and amounts may use `numbers` by name.
    #[must_use]
    pub fn new(numbers: &'n Named<f64>) -> Self {
        let names = || Names::new(numbers.entries());
        Self { names: names(), problems: Problems::new(), aside: names(), is_open: false }
    }

    /// Reads texts that are not in force, such as those of a segment that `order` leaves out: they need no column, and
    /// nothing is wrong with them, but the names that they use are not forgotten ones.
    pub fn aside(&mut self, read: impl FnOnce(&mut Self)) {
        let (told, is_open) = (std::mem::take(&mut self.problems), self.is_open);
        std::mem::swap(&mut self.names, &mut self.aside);
        read(self);
        std::mem::swap(&mut self.names, &mut self.aside);
        (self.problems, self.is_open) = (told, is_open);
    }

    /// The condition at a path; none where it is a problem.
    #[inline(never)]
    pub fn condition(&mut self, path: &[&str], text: &str) -> Option<Condition> {
        match self.names.condition(text) {
            Ok(condition) => Some(condition),
            Err(fault) => {
                self.fault(path, &fault);
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
                self.fault(path, &fault);
                None
            }
        }
    }

    fn fault(&mut self, path: &[&str], fault: &Fault) {
        self.problems.at(pointer(path), fault.to_string());
        self.is_open = true;
    }

    /// Tells of numbers that no text uses: somebody meant another one, and would wait for its effect in vain. Columns that are
    /// listed and not used do no harm; a playbook leaves them behind where it replaces the condition of a card.
    #[inline(never)]
    fn check_use(&mut self) {
        if self.is_open {
            return;
        }
        let (mut used, mut unused) = (Vec::new(), Vec::new());
        for ((name, is_used), (_, is_aside)) in self.names.numbers().zip(self.aside.numbers()) {
            let list = if is_used || is_aside { &mut used } else { &mut unused };
            list.push(name);
        }
        let columns: Vec<&str> = self.names.columns().map(|(name, _)| name).collect();
        for name in unused {
            // The text may say the right name, which is then none of a number but of a column.
            let near = nearest(&used, name).or_else(|| nearest(&columns, name));
            let hint = match near {
                Some(near) => ["did you mean `", near, "`?"].concat(),
                None if used.is_empty() => "they use no numbers".to_owned(),
                None => ["they use ", &listed(&used, "`")].concat(),
            };
            let path = pointer(&["numbers", name]);
            self.problems.at(path, "is used by no condition or amount").hint(hint);
        }
    }
}

/// The column of the brand that a name means.
fn of_brand(name: &str) -> Option<&str> {
    name.strip_prefix("brand.")
}

/// The needs of the rows and those of the brand, each in the order of the columns. `outputs` are the stage's own. All texts are
/// read by now, so that numbers which none of them uses are problems.
#[inline(never)]
pub fn needs(
    reading: &mut Reading<'_>,
    settings: &Named<ColumnSetting>,
    outputs: &[&str],
) -> (Vec<Need>, Vec<Need>) {
    reading.check_use();
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

    fn asked(
        conditions: &[&str],
        numbers: &str,
        columns: &str,
    ) -> (Vec<Need>, Vec<Need>, Problems) {
        let numbers = parse(numbers).unwrap();
        let mut reading = Reading::new(&numbers);
        for condition in conditions {
            reading.condition(&["when"], condition);
        }
        reading.aside(|reading| drop(reading.condition(&["when"], "left_out > later")));
        reading.aside(|reading| drop(reading.condition(&["when"], "is none (")));
        let (rows, brand) = needs(&mut reading, &parse(columns).unwrap(), &["rung"]);
        (rows, brand, reading.problems)
    }

    #[test]
    fn columns_are_asked_of_the_rows_of_the_brand_and_of_earlier_outputs() {
        let conditions = ["a >= enough AND brand.b > 1", "previous.2.rung > 0 AND c = 'x'"];
        let columns = r#"{ "a": { "unit": "day" }, "c": { "optional": true } }"#;
        let (rows, brand, problems) = asked(&conditions, r#"{ "enough": 2 }"#, columns);
        let earlier = need::real("rung").previous(2);
        let text = need::text("c").unit("").optional();
        assert_eq!(rows, [need::real("a").unit("day"), earlier, text]);
        assert_eq!(brand, [need::real("b")]);
        assert!(problems.is_empty());
        let (rows, ..) = asked(&["previous.rung = 1"], "{}", "{}");
        assert_eq!(rows, [need::real("rung").previous(1)]);
    }

    #[test]
    fn an_earlier_value_is_of_an_own_output_one_or_two_cycles_ago() {
        for name in ["previous.3.rung", "previous.1.other", "previous.other"] {
            let (_, _, problems) = asked(&[&[name, " > 0"].concat()], "{}", "{}");
            let told = ["`", name, "` is no output of this stage, 1 or 2 cycles ago"].concat();
            assert_eq!(problems.list()[0].message, told);
        }
    }

    #[test]
    fn what_cannot_be_read_is_told_at_its_place() {
        let (.., problems) = asked(&["a >="], r#"{ "enough": 2 }"#, "{}");
        assert_eq!((problems.len(), problems.list()[0].path.as_str()), (1, "/when"));
    }

    #[test]
    fn a_number_that_no_text_uses_is_told_with_what_was_meant() {
        let told = |conditions: &[&str], numbers: &str, columns: &str| {
            let (.., problems) = asked(conditions, numbers, columns);
            let told = problems
                .list()
                .iter()
                .map(|problem| (problem.path.clone(), problem.hint.clone().unwrap_or_default()));
            told.collect::<Vec<_>>()
        };
        let of = |path: &str, hint: &str| vec![(path.to_owned(), hint.to_owned())];
        let conditions = ["orders >= enough", "spend > much"];
        let all = r#"{ "enough": 1, "much": 2, "later": 3 }"#;
        let none = told(&conditions, all, r#"{ "orders": {}, "spend": {}, "left_out": {} }"#);
        assert!(none.is_empty(), "{none:?}");
        assert_eq!(
            told(&conditions, r#"{ "enough": 1, "enogh": 2 }"#, "{}"),
            of("/numbers/enogh", "did you mean `enough`?")
        );
        // The number that was meant stands in a text, where it is a column as nothing else has its name.
        assert_eq!(
            told(&conditions, r#"{ "enuogh": 2 }"#, "{}"),
            of("/numbers/enuogh", "did you mean `enough`?")
        );
        assert_eq!(
            told(&conditions, r#"{ "enough": 1, "much": 2, "a/b": 3 }"#, "{}"),
            of("/numbers/a~1b", "they use `enough`, `much`")
        );
        assert_eq!(
            told(&["a > 0"], r#"{ "x-y-z": 3 }"#, "{}"),
            of("/numbers/x-y-z", "they use no numbers")
        );
        // A column that is left over does no harm.
        assert!(told(&conditions, "{}", r#"{ "order": {} }"#).is_empty());
    }
}
