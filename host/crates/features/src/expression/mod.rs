//! Expressions of playbooks: a small part of SQL over the features of one subject, read once, checked against the
//! types of what it names, then evaluated for any number of rows, in batch as for one member. A mapping computes
//! columns in the same language, over the columns of a file.
//!
//! The language: numbers, texts, `true`, `false`, `null`, names of features; `+ - * / %`, `||`; `= <> < <= > >=`,
//! `is [not] null`, `is [not] true`, `is [not] false`, `[not] in (...)`, `[not] between`, `[not] like`;
//! `and`, `or`, `not`; `case`; `cast` to `double`, `bigint`, `boolean` and `varchar`; the functions of
//! [`FUNCTIONS`]. Nothing in it reads a clock, draws a number or depends on other rows.
//!
//! Rules: an operation over a missing value is missing, except that `and` and `or` need only the side that decides.
//! `/` divides exactly, whatever its sides; `/` and `%` by zero are missing. Integers have 64 bits: a result beyond
//! is an error ([`Fault`]), never another number. Only the branch of a `case` that a row takes is computed for it.

mod compile;
mod condition;
mod evaluate;
mod like;
mod parse;
mod place;
mod values;

use std::ops::Range;

use playbook_model::{CellType, NumberMarks};

pub use compile::Compiled;
pub use parse::FUNCTIONS;
pub use place::{ExpressionError, Spot, spot_in};
pub use values::{Fault, FaultKind, Values};

use compile::Named;
use parse::Node;

/// An expression that was read.
#[derive(Debug, Clone)]
pub struct Expression {
    root: Node,
}

impl Expression {
    /// Reads an expression.
    ///
    /// # Errors
    /// Text that is no expression, or one that uses what the language does not have.
    pub fn parse(text: &str) -> Result<Self, ExpressionError> {
        Ok(Self { root: parse::parse(text)? })
    }

    /// Names that the expression reads, each with its place in the text, in the order of the text.
    #[must_use]
    pub fn names(&self) -> Vec<(&str, Range<usize>)> {
        let mut names = Vec::new();
        self.root.names(&mut names);
        names.sort_by_key(|(_, at)| at.start);
        names
    }

    /// Checks the types of all parts; `type_of` tells the type of a name.
    ///
    /// # Errors
    /// A name without a type, or an operation whose sides do not go together.
    pub fn compile(
        &self,
        type_of: impl Fn(&str) -> Option<CellType>,
    ) -> Result<Compiled, ExpressionError> {
        compile::compile(&self.root, &|name| type_of(name).map(Named::Cells))
    }

    /// Checks an expression over columns of a file, all of which are texts as they are written: such a column stands
    /// for its number, written with `marks`, where a number belongs, and for its text elsewhere.
    ///
    /// # Errors
    /// An operation whose sides do not go together.
    pub fn compile_written(&self, marks: NumberMarks) -> Result<Compiled, ExpressionError> {
        compile::compile(&self.root, &|_| Some(Named::Written(marks)))
    }
}
