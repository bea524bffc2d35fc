//! A plan: which rows add to which slots, the same for whatever moment it is asked. `layout.rs` makes it.

use serde::{Deserialize, Serialize};

use crate::recipe::{DAY_MS, Finish, Part, Recipe};

/// What a row adds to one slot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Op {
    /// Its weight, to a count.
    Rows,
    /// 1 where it holds the field, to a count.
    Present(usize),
    /// Its field, to a number.
    Sum(usize),
    /// Its field, where it is the least so far.
    Least(usize),
    /// Its field, where it is the greatest so far.
    Greatest(usize),
    /// Its time, where it is the least so far.
    FirstTime,
    /// Its time, where it is the greatest so far.
    LastTime,
    /// The bit of its local day.
    DayBits,
    /// Its local day with its field, to a list of days.
    Day(Option<usize>),
    /// Its field, to a list of values.
    Value(usize),
    /// Its field, where it is the one to pick.
    Pick(usize),
}

/// How two values of a number become one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fold {
    Sum,
    Least,
    Greatest,
    Bits,
}

/// Which row a slot of picked values takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Rule {
    /// That of the least time; ids, then values, settle which of equal ones.
    First,
    /// That of the greatest time.
    Last,
    /// That of the least value.
    Least,
    /// That of the greatest value.
    Greatest,
}

/// One operation and the slot that it works on; counts, numbers, lists and picks are numbered apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Update {
    pub(super) op: Op,
    pub(super) slot: usize,
}

/// A column that a tally gives.
#[derive(Debug)]
pub(super) struct Output {
    pub(super) recipe: Recipe,
    pub(super) is_real: bool,
    pub(super) slots: Vec<usize>,
    /// List of days or values, for recipes over such.
    pub(super) list: usize,
    /// Whether its slot is one of picked values.
    pub(super) is_picked: bool,
}

/// How the values of a field become integers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reading {
    /// Integers as they are.
    Integer,
    /// Reals in millionths, to be summed.
    Micro,
    /// Reals by [`super::ordered`], to be compared.
    Ordered,
    /// Texts as [`super::code`] numbers them, to be told apart.
    Code,
    /// Texts as they are: [`super::Row::text`] gives them.
    Text,
}

/// A field that rows must give.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Field {
    /// Column.
    pub name: String,
    /// How its values are read.
    pub reading: Reading,
}

/// A column whose texts classify rows: kinds, channels, the columns of splits. Numbers have the text form of SQL's
/// `CAST(... AS VARCHAR)`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dimension {
    /// Column.
    pub column: String,
    /// Texts that any item names, ascending; all other texts share one code.
    pub texts: Vec<String>,
    /// SQL of its texts, where it is a condition and no column.
    pub sql: Option<String>,
    /// The condition as the playbook says it. Rows that meet it have the text [`TallyPlan::MET`], others none.
    pub condition: Option<String>,
}

impl Dimension {
    /// Code of a text.
    #[must_use]
    pub fn code(&self, text: Option<&str>) -> u16 {
        let found =
            text.and_then(|text| self.texts.binary_search_by(|k| k.as_str().cmp(text)).ok());
        u16::try_from(found.unwrap_or(self.texts.len())).unwrap_or(u16::MAX)
    }
}

/// The moment for which features are asked: T.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Moment {
    /// T, unix-ms.
    pub as_of: i64,
    /// Its day on the brand's calendar, days since 1970-01-01.
    pub local_day: i64,
}

impl Moment {
    /// The same on the wall clock for what stands at a local midnight, which is a date; see [`crate::Cut`].
    /// `local_ms` is the time on the wall clock, `local_as_of` T.
    #[must_use]
    pub fn relative_to_dates(&self, time: i64, local_ms: i64, local_as_of: i64) -> i64 {
        match local_ms % DAY_MS {
            0 => local_ms - local_as_of,
            _ => self.relative(time),
        }
    }

    /// A time relative to T, in milliseconds; negative before it.
    #[must_use]
    pub fn relative(&self, time: i64) -> i64 {
        time.saturating_sub(self.as_of)
    }
}

/// Which rows add what. Rows that no window, filter or split distinguishes are of one class. A class is numbered by
/// mixed radix: the code of each dimension, then the interval between two bounds that holds the row's time.
#[derive(Debug)]
pub struct TallyPlan {
    pub(super) dimensions: Vec<Dimension>,
    /// Times relative to T, in milliseconds, at which any window begins or ends, ascending.
    pub(super) bounds: Vec<i64>,
    pub(super) fields: Vec<Field>,
    /// By class, what its rows add.
    pub(super) updates: Vec<Vec<Update>>,
    /// Slots that count rows, of each member.
    pub(super) counts: usize,
    /// What each number of a member is before any row.
    pub(super) numbers: Vec<i64>,
    /// Of each number, how two become one.
    pub(super) folds: Vec<Fold>,
    /// Of each picked value, which row it is of.
    pub(super) picks: Vec<Rule>,
    /// Of each list, the cap under which rows of a day are counted, and whether rows have a value.
    pub(super) lists: Vec<(Option<u32>, bool)>,
    pub(super) outputs: Vec<Output>,
    pub(super) weighted: bool,
    /// Stands for all of the above in the bytes of a tally.
    pub(super) fingerprint: [u8; 8],
}

impl TallyPlan {
    /// Text of a row that meets a condition.
    pub const MET: &str = "y";

    /// Classes of rows by their codes, a column for each of [`Self::dimensions`], and their times relative to T
    /// ([`Moment::relative`]). A column at a time, because loops over columns run several rows at once.
    #[must_use]
    pub fn classes(&self, codes: &[Vec<u16>], relatives: &[i64]) -> Vec<u32> {
        let small = |n: usize| u32::try_from(n).expect("classes are few");
        let mut classes = vec![0; relatives.len()];
        for (codes, dimension) in codes.iter().zip(&self.dimensions) {
            let base = small(dimension.texts.len() + 1);
            for (class, code) in classes.iter_mut().zip(codes) {
                *class = *class * base + u32::from(*code);
            }
        }
        let buckets = small(self.bounds.len() + 1);
        for (class, relative) in classes.iter_mut().zip(relatives) {
            let bucket: u32 = self.bounds.iter().map(|bound| u32::from(relative >= bound)).sum();
            *class = *class * buckets + bucket;
        }
        classes
    }

    /// Whether rows of a class add to anything.
    #[must_use]
    pub fn counts(&self, class: usize) -> bool {
        !self.updates[class].is_empty()
    }

    /// Columns of texts that rows must give.
    #[must_use]
    pub fn dimensions(&self) -> &[Dimension] {
        &self.dimensions
    }

    /// Times relative to T, in milliseconds, at which any window begins or ends, ascending.
    #[must_use]
    pub fn bounds(&self) -> &[i64] {
        &self.bounds
    }

    /// Fields that rows must give.
    #[must_use]
    pub fn fields(&self) -> &[Field] {
        &self.fields
    }

    /// Whether rows must say what settles which of two of the same time comes first: [`super::Row::tie`].
    #[must_use]
    pub fn needs_ties(&self) -> bool {
        self.picks.iter().any(|rule| matches!(rule, Rule::First | Rule::Last))
    }

    /// Whether a column holds integers that are small as a rule: counts and days.
    #[must_use]
    pub fn is_small(&self, column: usize) -> bool {
        let output = &self.outputs[column];
        match output.recipe.finish {
            Finish::Same => {
                !output.is_picked
                    && !matches!(output.recipe.parts[0], Part::Sum | Part::Least | Part::Greatest)
            }
            Finish::Mean | Finish::SumButFirst | Finish::GapMean | Finish::GapSd => false,
            _ => true,
        }
    }

    /// Least time, relative to T, of a row that adds to anything; `None`: there is no bound.
    #[must_use]
    pub fn oldest(&self) -> Option<i64> {
        let buckets = self.bounds.len() + 1;
        let is_used = |bucket: usize| {
            self.updates.iter().skip(bucket).step_by(buckets).any(|u| !u.is_empty())
        };
        let first = (0..buckets).find(|bucket| is_used(*bucket))?;
        first.checked_sub(1).map(|before| self.bounds[before])
    }
}
