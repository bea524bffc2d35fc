//! Conditions and amounts that operators write in settings, in the syntax of SQL (domain 0.4).
//!
//! A text is read once, into nodes that refer to columns by place; a row is then answered through a [`Lookup`]
//! without any allocation. What a column holds follows from how the texts use it.

mod node;
mod parse;
mod word;

use std::fmt;

use node::Nodes;
use parse::Parser;

/// Longest text that is read, in bytes.
pub const LENGTH_MAX: usize = 1_000;
/// Deepest nesting of parentheses, signs and operators.
pub const DEPTH_MAX: usize = 32;
/// Most columns that the texts of one list of names may use.
pub const COLUMNS_MAX: usize = 512;

/// What the cells of a column hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Numbers: counts, days, money, flags.
    Real,
    /// Texts and categories.
    Text,
}

/// Values of one row, by the place of the column in [`Names::columns`]. A column of the other kind has none.
pub trait Lookup {
    /// The number of a column; none where it is missing.
    fn real(&self, column: usize) -> Option<f64>;
    /// The text of a column; none where it is missing.
    fn text(&self, column: usize) -> Option<&str>;
}

/// The columns that texts use, in order of their first use, and the named numbers that they may use.
#[derive(Debug)]
pub struct Names<'n> {
    numbers: &'n [(String, f64)],
    /// Whether a text has used the number at each place.
    used: Vec<bool>,
    columns: Vec<(String, Option<Kind>)>,
}

impl<'n> Names<'n> {
    /// Returns an empty list; `numbers` stand in the texts for their values.
    #[must_use]
    pub fn new(numbers: &'n [(String, f64)]) -> Self {
        Self { numbers, used: vec![false; numbers.len()], columns: Vec::new() }
    }

    /// Reads a condition.
    ///
    /// # Errors
    /// Where the text stops to be one, and what was expected there.
    pub fn condition(&mut self, text: &str) -> Result<Condition, Fault> {
        Parser::of(text, self)?.condition().map(Condition)
    }

    /// Reads an amount: a number that is computed from columns.
    ///
    /// # Errors
    /// As [`Names::condition`].
    pub fn amount(&mut self, text: &str) -> Result<Amount, Fault> {
        Parser::of(text, self)?.amount().map(Amount)
    }

    /// The number of a name.
    fn number(&mut self, name: &str) -> Option<f64> {
        let at = self.numbers.iter().position(|(known, _)| known == name)?;
        self.used[at] = true;
        Some(self.numbers[at].1)
    }

    /// The numbers by name, each with whether a text has used it so far.
    pub fn numbers(&self) -> impl Iterator<Item = (&'n str, bool)> {
        self.numbers.iter().zip(&self.used).map(|((name, _), used)| (name.as_str(), *used))
    }

    /// The columns so far with what they hold: one that is only asked for being missing holds numbers.
    pub fn columns(&self) -> impl ExactSizeIterator<Item = (&str, Kind)> {
        self.columns.iter().map(|(name, kind)| (name.as_str(), kind.unwrap_or(Kind::Real)))
    }
}

/// A condition. It holds where it is true, not where what is missing leaves it open.
#[derive(Debug, Clone, PartialEq)]
pub struct Condition(Nodes);

impl Condition {
    /// Whether the condition is true of a row.
    #[inline]
    pub fn holds(&self, row: &impl Lookup) -> bool {
        self.truth(row) == Some(true)
    }

    /// Whether it is true or false of a row; none where that depends on what is missing.
    #[inline]
    pub fn truth(&self, row: &impl Lookup) -> Option<bool> {
        self.0.truth(self.0.root(), row)
    }
}

/// A number that is computed from the columns of a row.
#[derive(Debug, Clone, PartialEq)]
pub struct Amount(Nodes);

impl Amount {
    /// The number for a row; none where a column is missing, or where there is none (a division by 0).
    #[inline]
    pub fn of(&self, row: &impl Lookup) -> Option<f64> {
        self.0.number(self.0.root(), row)
    }
}

/// Why a text is no condition or amount.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// Letter of the text at which it stops to be one, from 1.
    pub column: usize,
    /// What was expected there.
    pub expected: &'static str,
    /// What stands there.
    pub found: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { column, expected, found } = self;
        write!(f, "column {column}: expected {expected}, found {found}")
    }
}

impl std::error::Error for Fault {}

#[cfg(test)]
mod tests;
