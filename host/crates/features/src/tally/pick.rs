//! Slots that pick one row's value: the first, the last, the least or the greatest.

use serde::{Deserialize, Serialize};

use super::plan::Rule;

/// A value of a row; nothing comes after everything, as nulls do in SQL.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Given<'a> {
    /// An integer, or a real by [`super::ordered`].
    Number(i64),
    /// A text, ordered by its bytes.
    Text(&'a str),
    /// None.
    Nothing,
}

impl From<Option<i64>> for Given<'_> {
    fn from(value: Option<i64>) -> Self {
        value.map_or(Self::Nothing, Self::Number)
    }
}

impl<'a> From<Option<&'a str>> for Given<'a> {
    fn from(text: Option<&'a str>) -> Self {
        text.map_or(Self::Nothing, Self::Text)
    }
}

/// A value that is kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
enum Held {
    Number(i64),
    Text(Box<str>),
    Nothing,
}

impl Held {
    fn given(&self) -> Given<'_> {
        match self {
            Self::Number(value) => Given::Number(*value),
            Self::Text(text) => Given::Text(text),
            Self::Nothing => Given::Nothing,
        }
    }
}

impl From<Given<'_>> for Held {
    fn from(given: Given<'_>) -> Self {
        match given {
            Given::Number(value) => Self::Number(value),
            Given::Text(text) => Self::Text(text.into()),
            Given::Nothing => Self::Nothing,
        }
    }
}

/// The row that a slot picked: its value, and the key by which rows are compared.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Pick {
    time: i64,
    tie: Held,
    value: Held,
}

impl Pick {
    pub(super) fn value(&self) -> Given<'_> {
        self.value.given()
    }

    /// Offers this row to the slot of another tally.
    pub(super) fn offer(&self, slot: &mut Option<Box<Self>>, rule: Rule) {
        take(slot, rule, self.time, self.tie.given(), self.value.given());
    }
}

/// Gives a slot the row, where the rule prefers it to the one that is there.
pub(super) fn take(
    slot: &mut Option<Box<Pick>>,
    rule: Rule,
    time: i64,
    tie: Given<'_>,
    value: Given<'_>,
) {
    let (time, tie) = match rule {
        Rule::First | Rule::Last => (time, tie),
        // The least and the greatest look at values alone.
        Rule::Least | Rule::Greatest if value == Given::Nothing => return,
        Rule::Least | Rule::Greatest => (0, Given::Nothing),
    };
    let is_preferred = slot.as_ref().is_none_or(|held| {
        let (now, held) = ((time, tie, value), (held.time, held.tie.given(), held.value.given()));
        match rule {
            Rule::First | Rule::Least => now < held,
            Rule::Last | Rule::Greatest => now > held,
        }
    });
    if is_preferred {
        *slot = Some(Box::new(Pick { time, tie: tie.into(), value: value.into() }));
    }
}
