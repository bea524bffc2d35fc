//! What a condition is made of, and its value for a row (three-valued as in SQL).

use super::Lookup;

/// Place of a node among the nodes of a text.
pub(super) type At = u16;

/// How two values are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Compare {
    Less,
    LessOrEqual,
    More,
    MoreOrEqual,
    Equal,
    Unequal,
}

impl Compare {
    fn of<T: PartialOrd + ?Sized>(self, left: &T, right: &T) -> bool {
        match self {
            Self::Less => left < right,
            Self::LessOrEqual => left <= right,
            Self::More => left > right,
            Self::MoreOrEqual => left >= right,
            Self::Equal => left == right,
            Self::Unequal => left != right,
        }
    }
}

/// One side of a comparison of texts.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Side {
    Column(At),
    Text(Box<str>),
}

impl Side {
    fn of<'a>(&'a self, row: &'a impl Lookup) -> Option<&'a str> {
        match self {
            Self::Column(column) => row.text(usize::from(*column)),
            Self::Text(text) => Some(text),
        }
    }
}

/// A part of a condition or an amount; parts refer to earlier ones.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Node {
    Truth(bool),
    All(Vec<At>),
    Any(Vec<At>),
    Not(At),
    Numbers(Compare, At, At),
    Texts(Compare, Side, Side),
    /// Whether a column is missing.
    Missing(At),
    /// Whether a number is.
    Unknown(At),
    Number(f64),
    Column(At),
    Negative(At),
    Sum(At, At),
    Difference(At, At),
    Product(At, At),
    Quotient(At, At),
    /// The least of what is known.
    Least(Vec<At>),
    /// The greatest of what is known.
    Greatest(Vec<At>),
    /// The first of what is known.
    First(Vec<At>),
}

/// The parts of one text; the last is the whole.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Nodes(pub(super) Vec<Node>);

impl Nodes {
    pub(super) fn root(&self) -> At {
        (self.0.len() - 1) as At
    }

    pub(super) fn truth<L: Lookup>(&self, at: At, row: &L) -> Option<bool> {
        match &self.0[usize::from(at)] {
            Node::Truth(truth) => Some(*truth),
            Node::All(parts) => self.decided(parts, false, row),
            Node::Any(parts) => self.decided(parts, true, row),
            Node::Not(part) => self.truth(*part, row).map(|truth| !truth),
            Node::Numbers(compare, left, right) => {
                Some(compare.of(&self.number(*left, row)?, &self.number(*right, row)?))
            }
            Node::Texts(compare, left, right) => Some(compare.of(left.of(row)?, right.of(row)?)),
            Node::Missing(column) => {
                let column = usize::from(*column);
                Some(row.real(column).is_none() && row.text(column).is_none())
            }
            Node::Unknown(number) => Some(self.number(*number, row).is_none()),
            _ => None,
        }
    }

    /// The value that decides where a part has it; else none where a part has none, else the other one.
    fn decided<L: Lookup>(&self, parts: &[At], decides: bool, row: &L) -> Option<bool> {
        let mut value = Some(!decides);
        for part in parts {
            match self.truth(*part, row) {
                Some(truth) if truth == decides => return Some(decides),
                None => value = None,
                Some(_) => {}
            }
        }
        value
    }

    pub(super) fn number<L: Lookup>(&self, at: At, row: &L) -> Option<f64> {
        let of = |at: &At| self.number(*at, row);
        let number = match &self.0[usize::from(at)] {
            Node::Number(number) => *number,
            Node::Column(column) => row.real(usize::from(*column))?,
            Node::Negative(part) => -of(part)?,
            Node::Sum(left, right) => of(left)? + of(right)?,
            Node::Difference(left, right) => of(left)? - of(right)?,
            Node::Product(left, right) => of(left)? * of(right)?,
            Node::Quotient(left, right) => of(left)? / of(right)?,
            Node::Least(parts) => parts.iter().filter_map(of).reduce(f64::min)?,
            Node::Greatest(parts) => parts.iter().filter_map(of).reduce(f64::max)?,
            Node::First(parts) => parts.iter().find_map(of)?,
            _ => return None,
        };
        number.is_finite().then_some(number)
    }
}
