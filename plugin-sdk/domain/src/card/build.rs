//! From named indicators and dimensions to a card: places, columns, and every fault with its place.

use super::{Card, Form, How, Node, Of};

/// An indicator as settings give it.
#[derive(Debug)]
pub struct Measured<'s> {
    /// Its name.
    pub name: &'s str,
    /// The dimension that it belongs to; "" for the total itself.
    pub dimension: &'s str,
    /// Columns and what each is multiplied by; empty: the column of the indicator's name.
    pub inputs: &'s [(String, f64)],
    /// The column that the sum is divided by; "" for none.
    pub per: &'s str,
    /// Unit of all its columns.
    pub unit: &'s str,
    /// A playbook without its columns is refused.
    pub required: bool,
    /// Measure of each value of a category; empty: its columns hold numbers.
    pub categories: &'s [(String, f64)],
    /// Its weight.
    pub weight: f64,
    /// How it is scored, or what is wrong with that: the key and the reason.
    pub form: Result<Form, (&'static str, &'static str)>,
}

/// A dimension as settings give it.
#[derive(Debug)]
pub struct Group<'s> {
    /// Its name.
    pub name: &'s str,
    /// The dimension that it is a part of; "" for the total itself.
    pub within: &'s str,
    /// Its weight.
    pub weight: f64,
    /// How its parts become one score.
    pub how: How,
    /// Parts that must be known; none: half of their weight.
    pub known: Option<usize>,
    /// What its score is multiplied by.
    pub factor: f64,
}

/// The total as settings give it.
#[derive(Debug)]
pub struct Total {
    /// How its parts become one score.
    pub how: How,
    /// Parts that must be known; none: half of their weight.
    pub known: Option<usize>,
    /// The full score.
    pub max: f64,
}

/// A fault in the settings: list, name in the list, key (or ""), reason.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// "indicator", "dimension", "order".
    pub list: &'static str,
    /// Name or position in the list; "" for the list itself.
    pub name: String,
    /// Key of the entry; "" for the entry itself.
    pub key: &'static str,
    /// What is wrong.
    pub reason: String,
}

/// Faults in the making.
struct Faults(Vec<Fault>);

impl Faults {
    #[inline(never)]
    fn tell(&mut self, list: &'static str, name: &str, key: &'static str, reason: &str) {
        self.0.push(Fault { list, name: name.to_owned(), key, reason: reason.to_owned() });
    }
}

/// A column that a card reads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// Name of a feature, or "stage.output".
    pub name: String,
    /// Its unit.
    pub unit: String,
    /// A playbook without it is refused.
    pub required: bool,
    /// Values of a category; empty for a number.
    pub categories: Vec<String>,
}

/// What an indicator reads.
#[derive(Debug, Clone, PartialEq)]
pub struct Column {
    /// Columns by place, and what each is multiplied by.
    pub inputs: Vec<(usize, f64)>,
    /// The column that the sum is divided by.
    pub per: Option<usize>,
    /// Measure of each value, in the order of the categories; empty for numbers.
    pub measures: Vec<f64>,
}

/// A card, with names in its order.
#[derive(Debug, Clone, PartialEq)]
pub struct Built {
    /// The arithmetic.
    pub card: Card,
    /// Names of the indicators.
    pub indicators: Vec<String>,
    /// Names of the nodes; that of the total is "".
    pub nodes: Vec<String>,
    /// For each indicator the node that it is a part of.
    pub parents: Vec<usize>,
    /// What each indicator reads.
    pub columns: Vec<Column>,
    /// The columns to read.
    pub wanted: Vec<Wanted>,
}

impl Built {
    /// Returns the measure of an indicator; a value that is missing, or no number, makes it missing.
    ///
    /// `number` and `position` give the cell of a column of numbers and of a category.
    #[inline]
    pub fn measure(
        &self,
        indicator: usize,
        number: impl Fn(usize) -> Option<f64>,
        position: impl Fn(usize) -> Option<usize>,
    ) -> Option<f64> {
        let column = &self.columns[indicator];
        let mut sum = 0.0;
        for (at, factor) in &column.inputs {
            let value = if column.measures.is_empty() {
                number(*at)?
            } else {
                *column.measures.get(position(*at)?)?
            };
            sum += value * factor;
        }
        if let Some(per) = column.per {
            sum /= number(per)?;
        }
        sum.is_finite().then_some(sum)
    }

    /// Returns the place of a column, which becomes required where it is required once; adds it where it is new.
    pub fn want(&mut self, wanted: Wanted) -> usize {
        let is_same = |known: &Wanted| {
            known.name == wanted.name
                && known.unit == wanted.unit
                && known.categories == wanted.categories
        };
        if let Some(at) = self.wanted.iter().position(is_same) {
            self.wanted[at].required |= wanted.required;
            return at;
        }
        self.wanted.push(wanted);
        self.wanted.len() - 1
    }

    /// The nodes that the total is made of.
    pub fn tops(&self) -> impl Iterator<Item = usize> {
        self.card.nodes[0].parts.iter().filter_map(|(_, of)| match of {
            Of::Node(at) => Some(*at),
            Of::Indicator(_) => None,
        })
    }
}

/// Makes a card of its settings, indicators by `order`, those that it leaves out after it by name.
///
/// # Errors
/// Every fault that shows.
pub fn build(
    order: &[String],
    total: &Total,
    measured: &[Measured<'_>],
    groups: &[Group<'_>],
) -> Result<Built, Vec<Fault>> {
    let mut faults = Faults(Vec::new());
    for (at, name) in order.iter().enumerate() {
        if !measured.iter().any(|m| m.name == name) {
            faults.tell("order", &at.to_string(), "", "is no indicator of the card");
        }
    }
    if measured.is_empty() {
        faults.tell("indicator", "", "", "must name at least one indicator");
    }
    let group = |name: &str| groups.iter().find(|group| group.name == name);
    for one in measured {
        if let Err((key, reason)) = one.form {
            faults.tell("indicator", one.name, key, reason);
        }
        if !one.dimension.is_empty() && group(one.dimension).is_none() {
            faults.tell("indicator", one.name, "dimension", "is no dimension of the card");
        }
        if one.inputs.iter().any(|(name, _)| name.is_empty()) {
            faults.tell("indicator", one.name, "inputs", "a column has a name");
        }
    }
    for one in groups {
        let mut above = one;
        for _ in 0..groups.len() {
            if above.within.is_empty() {
                break;
            }
            let Some(next) = group(above.within) else {
                if above.name == one.name {
                    faults.tell("dimension", one.name, "within", "is no dimension of the card");
                }
                break;
            };
            above = next;
            if above.name == one.name {
                faults.tell("dimension", one.name, "within", "lies within itself");
                break;
            }
        }
    }
    if !faults.0.is_empty() {
        return Err(faults.0);
    }
    let built = assemble(order, total, measured, groups);
    let mut faults = Faults(Vec::new());
    for one in groups.iter().filter(|one| !built.nodes.iter().any(|node| node == one.name)) {
        faults.tell("dimension", one.name, "", "has no indicator");
    }
    for (node, name) in built.card.nodes.iter().zip(&built.nodes) {
        if node.parts.iter().all(|(weight, _)| *weight <= 0.0) {
            let (list, key) = if name.is_empty() { ("indicator", "") } else { ("dimension", "") };
            faults.tell(list, name, key, "at least one of its weights must be above 0");
        }
    }
    if faults.0.is_empty() { Ok(built) } else { Err(faults.0) }
}

fn assemble(
    order: &[String],
    total: &Total,
    measured: &[Measured<'_>],
    groups: &[Group<'_>],
) -> Built {
    let first = Node { parts: Vec::new(), how: total.how, known: total.known, factor: 1.0 };
    let mut built = Built {
        card: Card { max: total.max, forms: Vec::new(), nodes: vec![first] },
        indicators: Vec::new(),
        nodes: vec![String::new()],
        parents: Vec::new(),
        columns: Vec::new(),
        wanted: Vec::new(),
    };
    let named = order.iter().filter_map(|name| measured.iter().find(|m| m.name == name));
    let others = measured.iter().filter(|m| !order.iter().any(|name| m.name == name));
    for one in named.chain(others) {
        let Ok(form) = &one.form else { continue };
        let at = built.indicators.len();
        let parent = node(&mut built, one.dimension, groups);
        built.card.nodes[parent].parts.push((one.weight, Of::Indicator(at)));
        built.card.forms.push(form.clone());
        built.indicators.push(one.name.to_owned());
        built.parents.push(parent);
        let categories: Vec<String> = one.categories.iter().map(|(name, _)| name.clone()).collect();
        let mut want = |name: &str, categories: Vec<String>| {
            let (name, unit) = (name.to_owned(), one.unit.to_owned());
            built.want(Wanted { name, unit, required: one.required, categories })
        };
        let mut inputs: Vec<(usize, f64)> = Vec::new();
        for (name, factor) in one.inputs {
            inputs.push((want(name, categories.clone()), *factor));
        }
        if inputs.is_empty() {
            inputs.push((want(one.name, categories), 1.0));
        }
        let per = (!one.per.is_empty()).then(|| want(one.per, Vec::new()));
        let measures = one.categories.iter().map(|(_, measure)| *measure).collect();
        built.columns.push(Column { inputs, per, measures });
    }
    built
}

/// The place of a dimension, which is added after those that it lies within.
fn node(built: &mut Built, name: &str, groups: &[Group<'_>]) -> usize {
    if let Some(at) = built.nodes.iter().position(|node| node == name) {
        return at;
    }
    let Some(group) = groups.iter().find(|group| group.name == name) else { return 0 };
    let parent = node(built, group.within, groups);
    let at = built.nodes.len();
    built.card.nodes[parent].parts.push((group.weight, Of::Node(at)));
    let Group { how, known, factor, .. } = *group;
    built.card.nodes.push(Node { parts: Vec::new(), how, known, factor });
    built.nodes.push(name.to_owned());
    at
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    const NONE: &[(String, f64)] = &[];

    fn measured<'s>(name: &'s str, dimension: &'s str) -> Measured<'s> {
        Measured {
            name,
            dimension,
            inputs: NONE,
            per: "",
            unit: "count",
            required: false,
            categories: NONE,
            weight: 1.0,
            form: Ok(Form::Map(0.0, 1.0)),
        }
    }

    fn group<'s>(name: &'s str, within: &'s str) -> Group<'s> {
        Group { name, within, weight: 1.0, how: How::Mean, known: None, factor: 1.0 }
    }

    const TOTAL: Total = Total { how: How::Mean, known: None, max: 5.0 };

    fn faults(
        order: &[&str],
        measured: &[Measured<'_>],
        groups: &[Group<'_>],
    ) -> Vec<(String, String)> {
        let order: Vec<String> = order.iter().map(|name| (*name).to_owned()).collect();
        let faults = build(&order, &TOTAL, measured, groups).err().unwrap_or_default();
        faults.into_iter().map(|f| (format!("{}/{}/{}", f.list, f.name, f.key), f.reason)).collect()
    }

    #[test]
    fn indicators_stand_by_order_and_dimensions_by_their_first_indicator() {
        let all = [measured("a", "y"), measured("b", "x"), measured("c", "in"), measured("d", "")];
        let groups = [group("in", "x"), group("x", ""), group("y", "")];
        let built = build(&["c".to_owned(), "d".to_owned()], &TOTAL, &all, &groups).unwrap();
        assert_eq!(built.indicators, ["c", "d", "a", "b"]);
        assert_eq!(built.nodes, ["", "x", "in", "y"]);
        assert_eq!(built.parents, [2, 0, 3, 1]);
        assert_eq!(built.tops().collect::<Vec<_>>(), [1, 3]);
        use Of::{Indicator, Node};
        assert_eq!(built.card.nodes[1].parts, [(1.0, Node(2)), (1.0, Indicator(3))]);
    }

    #[test]
    fn columns_are_read_once_and_add_up() {
        let sum = [("a".to_owned(), 2.0), ("b".to_owned(), 1.0)];
        let all = [
            Measured { inputs: &sum, per: "n", ..measured("first", "") },
            Measured { required: true, ..measured("a", "") },
        ];
        let built = build(&["first".to_owned()], &TOTAL, &all, &[]).unwrap();
        let names: Vec<&str> = built.wanted.iter().map(|w| w.name.as_str()).collect();
        assert_eq!(names, ["a", "b", "n"]);
        assert!(built.wanted[0].required && !built.wanted[1].required);
        let with = |cells: [Option<f64>; 3]| built.measure(0, |at| cells[at], |_| None);
        assert_eq!(with([Some(1.0), Some(4.0), Some(3.0)]), Some(2.0));
        for cells in [[None, Some(4.0), Some(3.0)], [Some(1.0), Some(4.0), None]] {
            assert_eq!(with(cells), None);
        }
        assert_eq!(with([Some(1.0), Some(4.0), Some(0.0)]), None);
        assert_eq!(with([Some(f64::MAX), Some(4.0), Some(1.0)]), None);
    }

    #[test]
    fn categories_have_a_measure_each() {
        let tiers = [("core".to_owned(), 1.0), ("silent".to_owned(), 0.2)];
        let all = [Measured { categories: &tiers, ..measured("tier", "") }];
        let built = build(&[], &TOTAL, &all, &[]).unwrap();
        assert_eq!(built.wanted[0].categories, ["core", "silent"]);
        let at = |position| built.measure(0, |_| None, |_| position);
        assert_eq!(
            [at(Some(0)), at(Some(1)), at(Some(2)), at(None)],
            [Some(1.0), Some(0.2), None, None]
        );
    }

    #[test]
    fn faults_are_told_with_their_place() {
        let told = |path: &str, reason: &str| vec![(path.to_owned(), reason.to_owned())];
        assert_eq!(faults(&[], &[], &[]), told("indicator//", "must name at least one indicator"));
        let a = || measured("a", "x");
        assert_eq!(
            faults(&["b"], &[a()], &[group("x", "")]),
            told("order/0/", "is no indicator of the card")
        );
        assert_eq!(
            faults(&[], &[a()], &[]),
            told("indicator/a/dimension", "is no dimension of the card")
        );
        assert_eq!(
            faults(&[], &[a()], &[group("x", "z")]),
            told("dimension/x/within", "is no dimension of the card")
        );
        assert_eq!(
            faults(&[], &[a()], &[group("x", "x")]),
            told("dimension/x/within", "lies within itself")
        );
        assert_eq!(faults(&[], &[a()], &[group("x", "y"), group("y", "x")]).len(), 2);
        assert_eq!(
            faults(&[], &[a()], &[group("x", ""), group("y", "")]),
            told("dimension/y/", "has no indicator")
        );
        let light = Measured { weight: 0.0, ..a() };
        assert_eq!(
            faults(&[], &[light], &[group("x", "")]),
            told("dimension/x/", "at least one of its weights must be above 0")
        );
        let wrong = Measured { form: Err(("lo", "is wrong")), ..a() };
        assert_eq!(faults(&[], &[wrong], &[group("x", "")]), told("indicator/a/lo", "is wrong"));
    }
}
