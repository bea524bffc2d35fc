//! What a plugin says of itself: description, needs, products, segments, actions, reasons.
//!
//! A shape is made once: what makes it is never inlined, which would be a tenth of the code of a guest.

use crate::types;
use crate::types::{CellType, Frequency, Level, NONE_INDEX, Priority, Role};

/// A text in English and, where given, Chinese.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Words {
    en: &'static str,
    zh: Option<&'static str>,
}

/// Returns a text in both languages of reports.
#[must_use]
pub const fn words(en: &'static str, zh: &'static str) -> Words {
    Words { en, zh: Some(zh) }
}

/// Returns a text in English alone.
#[must_use]
pub const fn english(en: &'static str) -> Words {
    Words { en, zh: None }
}

impl From<Words> for types::Words {
    #[inline(never)]
    fn from(words: Words) -> Self {
        Self { en: words.en.to_owned(), zh: words.zh.map(str::to_owned) }
    }
}

/// Fixed facts of a plugin.
#[derive(Debug, Clone, Copy)]
pub struct About {
    /// Kebab-case, unique in a playbook, at most 64 letters.
    pub name: &'static str,
    /// Semantic version of the plugin, as a rule `env!("CARGO_PKG_VERSION")`.
    pub version: &'static str,
    /// What it does.
    pub summary: Words,
}

/// A column that a plugin wants; made by the functions of [`need`].
#[derive(Debug, Clone, PartialEq)]
pub struct Need(pub(crate) types::Need);

/// Columns that a plugin wants. Each is required unless [`Need::optional`] says otherwise.
pub mod need {
    use super::{CellType, Need, types};

    #[inline(never)]
    fn feature(name: String, cell_type: CellType) -> Need {
        Need(types::Need {
            source: types::Source::Feature(name),
            cell_type,
            unit: String::new(),
            required: true,
            categories: Vec::new(),
        })
    }

    /// A feature of reals.
    #[must_use]
    #[inline(never)]
    pub fn real(name: impl Into<String>) -> Need {
        feature(name.into(), CellType::Real)
    }

    /// A feature of integers: counts, days, money in minor units, flags as 0 or 1.
    #[must_use]
    #[inline(never)]
    pub fn integer(name: impl Into<String>) -> Need {
        feature(name.into(), CellType::Integer)
    }

    /// A feature with a closed list of values; values outside it arrive as missing.
    #[must_use]
    pub fn category<S: Into<String>>(
        name: impl Into<String>,
        values: impl IntoIterator<Item = S>,
    ) -> Need {
        let mut need = feature(name.into(), CellType::Category);
        need.0.categories = values.into_iter().map(Into::into).collect();
        need
    }

    /// A feature of texts.
    #[must_use]
    pub fn text(name: impl Into<String>) -> Need {
        feature(name.into(), CellType::Text)
    }

    /// A feature with a list of reals a row.
    #[must_use]
    pub fn reals(name: impl Into<String>) -> Need {
        feature(name.into(), CellType::Reals)
    }

    /// A feature with a list of integers a row.
    #[must_use]
    pub fn integers(name: impl Into<String>) -> Need {
        feature(name.into(), CellType::Integers)
    }

    /// A feature with a list of texts a row.
    #[must_use]
    pub fn texts(name: impl Into<String>) -> Need {
        feature(name.into(), CellType::Texts)
    }

    /// The subject's pseudonym, an integer that is equal in every call; ties go to the lower key.
    #[must_use]
    pub fn key() -> Need {
        let mut need = feature(String::new(), CellType::Integer);
        need.0.source = types::Source::Key;
        need
    }
}

impl Need {
    /// Sets the unit: "count", "day", "minor", "ratio", "unix-ms". The host refuses another.
    #[must_use]
    #[inline(never)]
    pub fn unit(mut self, unit: impl Into<String>) -> Self {
        self.0.unit = unit.into();
        self
    }

    /// A playbook without the column is accepted; every value is then missing.
    #[must_use]
    pub fn optional(mut self) -> Self {
        self.0.required = false;
        self
    }

    /// Takes the output of that name from another plugin of the cycle, instead of a feature.
    #[must_use]
    pub fn output_of(mut self, plugin: &str) -> Self {
        let name = self.name();
        self.0.source = types::Source::Output(format!("{plugin}.{name}"));
        self
    }

    /// Takes this plugin's own output of that name, `evaluations` (1 or 2) closed cycles ago.
    ///
    /// Always missing in the first cycles of a subject, so it is optional.
    #[must_use]
    pub fn previous(mut self, evaluations: u8) -> Self {
        let name = self.name();
        self.0.source = types::Source::Previous((evaluations, name));
        self.optional()
    }

    /// The name as native tests address it: "feature", "plugin.output", "previous.1.output", "key".
    #[must_use]
    pub fn name(&self) -> String {
        self.0.source.name()
    }
}

/// A column that a plugin gives back; made by the functions of [`output`].
#[derive(Debug, Clone, PartialEq)]
pub struct Produce(types::Produce);

/// Columns that a plugin gives back.
pub mod output {
    use super::{CellType, NONE_INDEX, Produce, Role, types};

    #[inline(never)]
    fn produce(name: String, cell_type: CellType) -> Produce {
        Produce(types::Produce {
            name,
            role: Role::Other,
            group: String::new(),
            input: NONE_INDEX,
            table: None,
            cell_type,
            unit: String::new(),
            least: None,
            most: None,
            categories: Vec::new(),
            bounds: Vec::new(),
            alarms: Vec::new(),
            meaning: types::Words { en: String::new(), zh: None },
        })
    }

    /// A column of reals.
    #[must_use]
    #[inline(never)]
    pub fn real(name: impl Into<String>) -> Produce {
        produce(name.into(), CellType::Real)
    }

    /// A column of integers.
    #[must_use]
    #[inline(never)]
    pub fn integer(name: impl Into<String>) -> Produce {
        produce(name.into(), CellType::Integer)
    }

    /// A column of positions in a closed list of values.
    #[must_use]
    pub fn category<S: Into<String>>(
        name: impl Into<String>,
        values: impl IntoIterator<Item = S>,
    ) -> Produce {
        let mut made = produce(name.into(), CellType::Category);
        made.0.categories = values.into_iter().map(Into::into).collect();
        made
    }

    /// A column of texts.
    #[must_use]
    pub fn text(name: impl Into<String>) -> Produce {
        produce(name.into(), CellType::Text)
    }

    /// A column with a list of reals a row.
    #[must_use]
    pub fn reals(name: impl Into<String>) -> Produce {
        produce(name.into(), CellType::Reals)
    }

    /// A column with a list of integers a row.
    #[must_use]
    pub fn integers(name: impl Into<String>) -> Produce {
        produce(name.into(), CellType::Integers)
    }

    /// A column with a list of texts a row.
    #[must_use]
    pub fn texts(name: impl Into<String>) -> Produce {
        produce(name.into(), CellType::Texts)
    }
}

impl Produce {
    /// Sets the unit.
    #[must_use]
    #[inline(never)]
    pub fn unit(mut self, unit: impl Into<String>) -> Self {
        self.0.unit = unit.into();
        self
    }

    /// Sets both bounds, inclusive; the host refuses an answer outside.
    #[must_use]
    #[inline(never)]
    pub fn between(mut self, least: f64, most: f64) -> Self {
        (self.0.least, self.0.most) = (Some(least), Some(most));
        self
    }

    /// Sets the lower bound, inclusive.
    #[must_use]
    #[inline(never)]
    pub fn at_least(mut self, least: f64) -> Self {
        self.0.least = Some(least);
        self
    }

    /// Says what the output is to readers that do not know the plugin: pages go by it, never by a name.
    #[must_use]
    #[inline(never)]
    pub fn role(mut self, role: Role) -> Self {
        self.0.role = role;
        self
    }

    /// Names the dimension or family that the output belongs to, in snake_case.
    #[must_use]
    #[inline(never)]
    pub fn group(mut self, group: impl Into<String>) -> Self {
        self.0.group = group.into();
        self
    }

    /// Says which need of its table, by position, the output is the score of.
    #[must_use]
    pub fn input(mut self, need: u32) -> Self {
        self.0.input = need;
        self
    }

    /// Says where each category of a level but the first begins, ascending, on the scale of the scores beside it: pages
    /// then name the level of each total, dimension and indicator.
    #[must_use]
    pub fn bounds(mut self, bounds: impl Into<Vec<f64>>) -> Self {
        self.0.bounds = bounds.into();
        self
    }

    /// Says how serious each category of a level is, in their order: pages colour levels by it.
    #[must_use]
    pub fn alarms(mut self, alarms: impl Into<Vec<Level>>) -> Self {
        self.0.alarms = alarms.into();
        self
    }

    /// Says what the column means.
    #[must_use]
    #[inline(never)]
    pub fn meaning(mut self, meaning: impl Into<types::Words>) -> Self {
        self.0.meaning = meaning.into();
        self
    }
}

/// A table that a plugin wants whole.
#[derive(Debug, Clone, PartialEq)]
pub struct Table(types::TableNeed);

/// Returns a table of `subject` ("channel", "community", "brand", "segment" ...) without columns.
#[must_use]
pub fn table(subject: impl Into<String>) -> Table {
    Table(types::TableNeed { subject: subject.into(), columns: Vec::new() })
}

impl Table {
    /// Adds a column.
    #[must_use]
    pub fn need(mut self, need: Need) -> Self {
        self.0.columns.push(need.0);
        self
    }

    /// Adds columns.
    #[must_use]
    pub fn needs(mut self, needs: impl IntoIterator<Item = Need>) -> Self {
        self.0.columns.extend(needs.into_iter().map(|n| n.0));
        self
    }
}

/// Something that may be done to or for a subject; made by [`action`].
#[derive(Debug, Clone, PartialEq)]
pub struct Action(types::ActionInfo);

/// Returns an action: once a cycle, no consent purpose, not commercial, no message, no approval.
///
/// Its family is its own name until [`Action::family`] says otherwise.
#[must_use]
pub fn action(
    name: impl Into<String>,
    priority: Priority,
    text: impl Into<types::Words>,
) -> Action {
    let name = name.into();
    Action(types::ActionInfo {
        family: name.clone(),
        name,
        priority,
        purpose: String::new(),
        commercial: false,
        contacts_member: false,
        frequency: Frequency::OnceACycle,
        needs_approval: false,
        text: text.into(),
    })
}

impl Action {
    /// Sets the family: two of one family within the host's window are duplicates.
    #[must_use]
    pub fn family(mut self, family: impl Into<String>) -> Self {
        self.0.family = family.into();
        self
    }

    /// Sets the consent purpose without which the host refuses.
    #[must_use]
    pub fn purpose(mut self, purpose: impl Into<String>) -> Self {
        self.0.purpose = purpose.into();
        self
    }

    /// Counts against commercial caps.
    #[must_use]
    pub fn commercial(mut self) -> Self {
        self.0.commercial = true;
        self
    }

    /// Counts against frequency caps as a direct message.
    #[must_use]
    pub fn contacts_member(mut self) -> Self {
        self.0.contacts_member = true;
        self
    }

    /// Says how often it may happen to one subject; once a cycle until then.
    #[must_use]
    pub fn frequency(mut self, frequency: Frequency) -> Self {
        self.0.frequency = frequency;
        self
    }

    /// A person approves before it happens.
    #[must_use]
    pub fn needs_approval(mut self) -> Self {
        self.0.needs_approval = true;
        self
    }
}

/// What a plugin needs and gives under given settings.
#[derive(Debug, Clone, PartialEq)]
pub struct Shape(pub(crate) types::Shape);

impl Shape {
    /// Starts the shape of a plugin that answers row by row about `subject`, as a rule "member".
    #[must_use]
    pub fn rows(subject: impl Into<String>) -> Self {
        let mut shape = Self::whole_tables();
        shape.0.rows = Some(table(subject).0);
        shape
    }

    /// Starts the shape of a plugin that has no streamed rows: plans, ROI, diagnosis.
    #[must_use]
    pub fn whole_tables() -> Self {
        Self(types::Shape {
            rows: None,
            tables: Vec::new(),
            produces: Vec::new(),
            segments: Vec::new(),
            actions: Vec::new(),
            reasons: Vec::new(),
            terms: Vec::new(),
            fit_passes_max: 0,
        })
    }

    /// Adds a column to the streamed rows; its position is the number of columns before it.
    ///
    /// # Panics
    /// On a shape of [`Shape::whole_tables`].
    #[must_use]
    pub fn need(mut self, need: Need) -> Self {
        self.streamed().columns.push(need.0);
        self
    }

    /// Adds columns to the streamed rows.
    ///
    /// # Panics
    /// On a shape of [`Shape::whole_tables`].
    #[must_use]
    pub fn needs(mut self, needs: impl IntoIterator<Item = Need>) -> Self {
        self.streamed().columns.extend(needs.into_iter().map(|need| need.0));
        self
    }

    fn streamed(&mut self) -> &mut types::TableNeed {
        self.0.rows.as_mut().expect("the shape was started with Shape::rows")
    }

    /// Adds a table handed over whole; its position is the number of tables before it.
    #[must_use]
    pub fn table(mut self, table: Table) -> Self {
        self.0.tables.push(table.0);
        self
    }

    /// Adds an output column of the streamed rows.
    #[must_use]
    pub fn produce(mut self, produce: Produce) -> Self {
        self.0.produces.push(produce.0);
        self
    }

    /// Adds an output column of the `table`-th whole table.
    #[must_use]
    pub fn produce_in(mut self, table: u32, mut produce: Produce) -> Self {
        produce.0.table = Some(table);
        self.0.produces.push(produce.0);
        self
    }

    /// Adds a segment; segments are declared in ascending rank.
    #[must_use]
    #[inline(never)]
    pub fn segment(mut self, name: impl Into<String>, text: impl Into<types::Words>) -> Self {
        self.0.segments.push(types::SegmentInfo { name: name.into(), text: text.into() });
        self
    }

    /// Adds an action that proposals and findings refer to by position.
    #[must_use]
    pub fn action(mut self, action: Action) -> Self {
        self.0.actions.push(action.0);
        self
    }

    /// Adds a reason that answers refer to by position.
    #[must_use]
    #[inline(never)]
    pub fn reason(mut self, code: impl Into<String>, text: impl Into<types::Words>) -> Self {
        self.0.reasons.push(types::ReasonInfo { code: code.into(), text: text.into() });
        self
    }

    /// Says a name of the answers in words: a category, a phase, a mix, a format, a layer, a theme.
    #[must_use]
    pub fn term(mut self, name: impl Into<String>, text: impl Into<types::Words>) -> Self {
        self.0.terms.push(types::Term { name: name.into(), text: text.into() });
        self
    }

    /// Allows a fit to take that many passes over the rows; the plugin then implements `Fit`.
    #[must_use]
    pub fn fit_passes(mut self, passes_max: u32) -> Self {
        self.0.fit_passes_max = passes_max;
        self
    }

    /// The shape as the contract writes it.
    #[must_use]
    pub fn facts(&self) -> &types::Shape {
        &self.0
    }
}
