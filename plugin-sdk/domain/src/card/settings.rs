//! Settings that all cards share, and what they mean for a shape: written once, made in each engine that names it.

/// Declares `Indicator`, `Dimension`, `Total`, `Level` and what engines of score cards do with them.
///
/// A crate that depends on `playbook-sdk` calls it once in a module of its own, and adds the keys that it alone has.
#[macro_export]
macro_rules! card_settings {
    (
        indicator { $($indicator:tt)* }
        dimension { $($dimension:tt)* }
        total { $($total:tt)* }
        level { $($level:tt)* }
    ) => {
        use ::playbook_sdk::prelude::*;
        use ::playbook_sdk::Categories;
        use ::playbook_sdk::settings::{Docs, Json, Schema, Setting, escaped};
        use $crate::card::{Built, Fault, Form, Group, How, Limit, Measured, Wanted, build};

        /// Settings by name, in the order of their names.
        ///
        /// A list: a tree of each of these types would be a quarter of the component.
        #[derive(Debug, Clone, PartialEq)]
        pub struct Named<T>(Vec<(String, T)>);

        impl<T: Setting> Setting for Named<T> {
            const SCHEMA: &'static Schema = &Schema::Map(T::SCHEMA);
            const DOCS: &'static Docs = T::DOCS;
            fn take(value: Json<'_>) -> Option<Self> {
                let Json::Table(mut table) = value else { return None };
                // Settings are canonical JSON, in which names ascend.
                let mut named = Vec::new();
                for at in 0..table.len() {
                    let (name, value) = entry(&mut table, at);
                    named.push((name, T::take(value)?));
                }
                Some(Self(named))
            }
        }

        /// Takes an entry out of a table. The code of it is not written once for each type.
        #[inline(never)]
        fn entry<'j>(
            table: &mut [(::std::borrow::Cow<'j, str>, Json<'j>)],
            at: usize,
        ) -> (String, Json<'j>) {
            let (name, value) = &mut table[at];
            (String::from(&**name), std::mem::replace(value, Json::Null))
        }

        impl<T> Named<T> {
            pub(crate) fn iter(&self) -> std::slice::Iter<'_, (String, T)> {
                self.0.iter()
            }

            pub(crate) fn position(&self, name: &str) -> Option<usize> {
                self.0.iter().position(|(known, _)| known == name)
            }

            pub(crate) fn get(&self, name: &str) -> Option<&T> {
                self.0.get(self.position(name)?).map(|(_, one)| one)
            }
        }

        /// Parts of a text one after the other.
        #[inline(never)]
        pub(crate) fn text(parts: &[&str]) -> String {
            let mut text = String::new();
            for part in parts {
                text.push_str(part);
            }
            text
        }

        ::playbook_sdk::settings! {
            /// What is measured, and how it becomes a score.
            pub struct Indicator {
                /// What it is called in English; the name of its table where nothing is given.
                pub en: String = "",
                /// What it is called in Chinese; the English words where nothing is given.
                pub zh: String = "",
                /// Dimension that it is a part of; without one it is a part of the total itself.
                pub dimension: String = "",
                /// Columns that are added up, and what each is multiplied by: a feature, or "stage.output". Without any, the
                /// feature of the indicator's own name.
                pub inputs: Named<f64> = {},
                /// Column that the sum is divided by; where it is 0 there is no measure.
                pub per: String = "",
                /// Unit of its columns: "count", "day", "minor", "ratio", or "" for others.
                pub unit: String = "ratio",
                /// Whether a playbook without its columns is refused. Else they are missing, never 0.
                pub required: bool = false,
                /// Weight in its dimension.
                pub weight: f64 where within(0..) = 1.0,
                /// How the measure becomes a score: by lo and hi or a curve ("map"), full where the limit holds ("kept"), or
                /// full where it is broken ("broken").
                pub score: Scored = "map",
                /// Measure of score 0.
                pub lo: f64 = 0.0,
                /// Measure of the full score; below `lo` where less is better.
                pub hi: f64 = 1.0,
                /// Points [measure, share of the full score] with straight lines between them, instead of lo and hi; measures ascend.
                pub curve: Vec<[f64; 2]> = [],
                /// Measure of each value of a category, instead of a number.
                pub categories: Named<f64> = {},
                /// Limit: the measure must reach this.
                pub at_least: Option<f64> = null,
                /// Limit: the measure must not exceed this.
                pub at_most: Option<f64> = null,
                /// Limit: the measure must exceed this.
                pub above: Option<f64> = null,
                /// Limit: the measure must stay under this.
                pub below: Option<f64> = null,
                $($indicator)*
            }
        }

        ::playbook_sdk::settings! {
            /// How a measure becomes a score.
            pub enum Scored {
                /// By lo and hi, or by a curve.
                Map = "map",
                /// Full where the limit holds.
                Kept = "kept",
                /// Full where the limit is broken.
                Broken = "broken",
            }
        }

        ::playbook_sdk::settings! {
            /// A score of several parts.
            pub struct Dimension {
                /// What it is called in English; the name of its table where nothing is given.
                pub en: String = "",
                /// What it is called in Chinese; the English words where nothing is given.
                pub zh: String = "",
                /// Dimension that it is a part of; without one it is a part of the total.
                pub within: String = "",
                /// Weight in the whole that it is a part of.
                pub weight: f64 where within(0..) = 1.0,
                /// How its parts become one score: their mean by weights, or the greatest.
                pub how: Combined = "mean",
                /// Parts that must be known; nothing: half of their weight.
                pub known: Option<u32> where within(1..) = null,
                /// What its score is multiplied by, such as the impact of a risk, 0 to 1.
                pub factor: f64 where within(0.0..=1.0) = 1.0,
                $($dimension)*
            }
        }

        ::playbook_sdk::settings! {
            /// How parts become one score.
            pub enum Combined {
                /// Their mean by weights.
                Mean = "mean",
                /// The greatest of them.
                Max = "max",
            }
        }

        ::playbook_sdk::settings! {
            /// The one score over all dimensions.
            pub struct Total {
                /// Name of the output.
                pub name: String where length(1..) = "total",
                /// What it says in English.
                pub en: String = "Mean of the dimensions",
                /// What it says in Chinese.
                pub zh: String = "總分",
                /// How its parts become one score: their mean by weights, or the greatest.
                pub how: Combined = "mean",
                /// Parts that must be known; nothing: half of their weight.
                pub known: Option<u32> where within(1..) = null,
                /// The full score, of the total as of all indicators and dimensions.
                pub max: f64 where above(0) = 5.0,
                /// Name of the output that says the level of the total.
                pub level: String where length(1..) = "level",
                /// What that output says in English.
                pub level_en: String = "Level of the total",
                /// What that output says in Chinese.
                pub level_zh: String = "總分等級",
                $($total)*
            }
        }

        ::playbook_sdk::settings! {
            /// A named step of the total.
            pub struct Level {
                /// What it is called in English; the name of its table where nothing is given.
                pub en: String = "",
                /// What it is called in Chinese; the English words where nothing is given.
                pub zh: String = "",
                /// Total from which on it holds; the lowest level has none.
                pub from: Option<f64> = null,
                $($level)*
            }
        }

        impl Indicator {
            fn form(&self) -> Result<Form, (&'static str, &'static str)> {
                let limit = self.limit().map_err(|why| ("at_least", why))?;
                let limit = || limit.ok_or(("score", "needs a limit, such as `at_least`"));
                match self.score {
                    Scored::Kept => return Ok(Form::Kept(limit()?)),
                    Scored::Broken => return Ok(Form::Broken(limit()?)),
                    Scored::Map => {}
                }
                if self.curve.is_empty() {
                    let apart = (self.lo - self.hi).abs() > 0.0;
                    return if apart {
                        Ok(Form::Map(self.lo, self.hi))
                    } else {
                        Err(("hi", "must be another measure than `lo`"))
                    };
                }
                let ascends = self.curve.windows(2).all(|two| two[0][0] < two[1][0]);
                let shares = self.curve.iter().all(|[_, share]| (0.0..=1.0).contains(share));
                match (ascends, shares) {
                    (true, true) => Ok(Form::Curve(self.curve.clone())),
                    (false, _) => Err(("curve", "its measures must ascend")),
                    _ => Err(("curve", "its shares must lie between 0 and 1")),
                }
            }

            /// The limit that the measure is held against.
            pub(crate) fn limit(&self) -> Result<Option<Limit>, &'static str> {
                Limit::one_of(self.at_least, self.at_most, self.above, self.below)
            }
        }

        impl From<Combined> for How {
            fn from(how: Combined) -> Self {
                match how {
                    Combined::Mean => Self::Mean,
                    Combined::Max => Self::Max,
                }
            }
        }

        /// Words in both languages, with the name where there are none.
        #[inline(never)]
        pub(crate) fn both(en: &str, zh: &str, name: &str) -> (String, String) {
            let en = if en.is_empty() { name } else { en };
            (en.to_owned(), if zh.is_empty() { en } else { zh }.to_owned())
        }

        /// A name as codes of reasons write it.
        #[inline(never)]
        pub(crate) fn code(parts: &[&str]) -> String {
            let mut bytes = text(parts).into_bytes();
            for byte in &mut bytes {
                *byte = if *byte == b'_' { b'-' } else { *byte };
            }
            String::from_utf8(bytes).unwrap_or_default()
        }

        /// The place of an entry's key, of the entry, or of the list.
        #[inline(never)]
        pub(crate) fn place(list: &str, name: &str, key: &str) -> String {
            let mut place = text(&["/", list]);
            for step in [name, key] {
                if !step.is_empty() {
                    place.push('/');
                    place.push_str(&escaped(step));
                }
            }
            place
        }

        /// Makes the card, and collects all that is wrong with it.
        #[inline(never)]
        pub(crate) fn resolve(
            order: &[String],
            total: &Total,
            indicators: &Named<Indicator>,
            dimensions: &Named<Dimension>,
            levels: &Named<Level>,
        ) -> (Option<Built>, Problems) {
            let known = |known: Option<u32>| known.map(|known| known as usize);
            let mut measured = Vec::new();
            for (name, one) in indicators.iter() {
                measured.push(Measured {
                    name,
                    dimension: &one.dimension,
                    inputs: &one.inputs.0,
                    per: &one.per,
                    unit: &one.unit,
                    required: one.required,
                    categories: &one.categories.0,
                    weight: one.weight,
                    form: one.form(),
                });
            }
            let mut groups = Vec::new();
            for (name, one) in dimensions.iter() {
                groups.push(Group {
                    name,
                    within: &one.within,
                    weight: one.weight,
                    how: one.how.into(),
                    known: known(one.known),
                    factor: one.factor,
                });
            }
            let whole = $crate::card::Total {
                how: total.how.into(),
                known: known(total.known),
                max: total.max,
            };
            let mut problems = Problems::new();
            let built = match build(order, &whole, &measured, &groups) {
                Ok(built) => Some(built),
                Err(faults) => {
                    for Fault { list, name, key, reason } in faults {
                        problems.at(place(list, &name, key), reason);
                    }
                    None
                }
            };
            for name in [&total.name, &total.level] {
                if dimensions.position(name).is_some() {
                    problems.at(place("dimension", name, ""), "is the name of another output");
                }
            }
            let levels = ascending(levels);
            for (at, (name, level)) in levels.iter().enumerate() {
                let wrong = match level.from {
                    None if at > 0 => "only the lowest level begins nowhere",
                    Some(_) if at == 0 => "the lowest level begins nowhere: one level has no `from`",
                    Some(from) if at > 1 && levels[at - 1].1.from == Some(from) => {
                        "another level begins there"
                    }
                    _ => continue,
                };
                problems.at(place("level", name, "from"), wrong);
            }
            (built, problems)
        }

        /// Levels from the lowest up.
        #[inline(never)]
        pub(crate) fn ascending(levels: &Named<Level>) -> Vec<(&String, &Level)> {
            let mut sorted: Vec<(&String, &Level)> = Vec::new();
            for (name, level) in levels.iter() {
                let at = sorted.iter().position(|(_, other)| other.from > level.from);
                sorted.insert(at.unwrap_or(sorted.len()), (name, level));
            }
            sorted
        }

        /// Where levels but the lowest begin.
        #[inline(never)]
        pub(crate) fn bounds(levels: &[(&String, &Level)]) -> Vec<f64> {
            let mut bounds = Vec::new();
            for (_, level) in levels {
                bounds.extend(level.from);
            }
            bounds
        }

        /// The columns of a card.
        #[inline(never)]
        pub(crate) fn needs(built: &Built) -> Vec<Need> {
            let mut needs = Vec::new();
            for Wanted { name, unit, required, categories } in &built.wanted {
                let dot = name.bytes().position(|byte| byte == b'.');
                let stage = dot.and_then(|at| name.get(..at));
                let name = dot.and_then(|at| name.get(at + 1..)).unwrap_or(name);
                let mut made = if categories.is_empty() {
                    need::real(name)
                } else {
                    need::category(name, categories.iter().map(String::as_str))
                };
                made = made.unit(unit.as_str());
                made = if let Some(stage) = stage { made.output_of(stage) } else { made };
                needs.push(if *required { made } else { made.optional() });
            }
            needs
        }

        /// A score of the card.
        #[inline(never)]
        pub(crate) fn score_output(name: String, (en, zh): (String, String), max: f64) -> Produce {
            let meaning = (text(&["Score of ", &en]), text(&[&zh, "評分"]));
            output::real(name).between(0.0, max).meaning(meaning)
        }

        /// Scores of the indicators, of the dimensions.
        #[inline(never)]
        pub(crate) fn score_outputs(
            built: &Built,
            indicators: &Named<Indicator>,
            dimensions: &Named<Dimension>,
        ) -> (Vec<Produce>, Vec<Produce>) {
            let max = built.card.max;
            let mut scores = Vec::new();
            for (at, name) in built.indicators.iter().enumerate() {
                let Some(one) = indicators.get(name) else { continue };
                let made = score_output(text(&[name, "_score"]), both(&one.en, &one.zh, name), max);
                let input = built.columns[at].inputs[0].0 as u32;
                scores.push(made.role(Role::Indicator).group(one.dimension.as_str()).input(input));
            }
            let mut groups = Vec::new();
            for name in &built.nodes[1..] {
                let Some(one) = dimensions.get(name) else { continue };
                let made = score_output(name.clone(), both(&one.en, &one.zh, name), max);
                groups.push(made.role(Role::Dimension).group(name.as_str()));
            }
            (scores, groups)
        }

        /// The total, and its level where the card has levels.
        #[inline(never)]
        pub(crate) fn total_outputs(
            total: &Total,
            role: Role,
            levels: &[(&String, &Level)],
        ) -> (Produce, Option<Produce>) {
            let made = output::real(total.name.as_str())
                .role(role)
                .between(0.0, total.max)
                .meaning((total.en.clone(), total.zh.clone()));
            if levels.is_empty() {
                return (made, None);
            }
            let level = output::category(total.level.as_str(), levels.iter().map(|(name, _)| name.as_str()))
                .role(Role::Level)
                .bounds(bounds(levels))
                .meaning((total.level_en.clone(), total.level_zh.clone()));
            (made, Some(level))
        }

        /// Says the levels in words.
        #[inline(never)]
        pub(crate) fn with_level_terms(shape: Shape, levels: &[(&String, &Level)]) -> Shape {
            levels.iter().fold(shape, |shape, (name, level)| {
                shape.term(name.as_str(), both(&level.en, &level.zh, name))
            })
        }

        /// A column of numbers or of a category.
        #[derive(Debug)]
        pub(crate) enum Cells<'a> {
            /// Numbers.
            Numbers(Column<'a, f64>),
            /// Positions among the values of a category.
            Positions(Categories<'a>),
        }

        impl<'a> Cells<'a> {
            /// The columns of a card, in the order of its needs.
            pub(crate) fn of(rows: &Rows<'a>, built: &Built) -> Vec<Self> {
                let mut cells = Vec::new();
                for (at, wanted) in built.wanted.iter().enumerate() {
                    cells.push(if wanted.categories.is_empty() {
                        Self::Numbers(rows.get(In::<Real>::at(at)))
                    } else {
                        Self::Positions(rows.get(In::<Category>::at(at)))
                    });
                }
                cells
            }

            #[inline]
            pub(crate) fn number(&self, row: usize) -> Option<f64> {
                match self {
                    Self::Numbers(numbers) => numbers.get(row),
                    Self::Positions(_) => None,
                }
            }

            #[inline]
            pub(crate) fn position(&self, row: usize) -> Option<usize> {
                match self {
                    Self::Numbers(_) => None,
                    Self::Positions(positions) => positions.get(row),
                }
            }
        }

        /// The measure of an indicator in a row.
        #[inline]
        pub(crate) fn measure(built: &Built, cells: &[Cells<'_>], indicator: usize, row: usize) -> Option<f64> {
            built.measure(indicator, |at| cells[at].number(row), |at| cells[at].position(row))
        }
    };
}
