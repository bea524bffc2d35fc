//! Evaluation of a compiled expression over the rows of columns.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::ops::Range;

use playbook_model::{Bitmap, CellType, Cells, Column};

use super::compile::{Any, Compiled, Flags, Integers, Reals, Texts, Typed};
use super::parse::{Arithmetic, Comparison};

/// Why a value could not be computed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{kind}")]
pub struct Fault {
    /// Row of the columns.
    pub row: usize,
    /// What went wrong.
    pub kind: FaultKind,
}

/// What cannot be computed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum FaultKind {
    /// A result that 64 bits do not hold.
    #[error("an integer goes beyond 64 bits; `cast(x as double)` computes with reals")]
    Overflow,
    /// A text that was to become a number.
    #[error("a text that is to become a number is none")]
    NotANumber,
}

/// Values of some rows.
#[derive(Debug, Clone, PartialEq)]
pub enum Values<'a> {
    /// Integers; a condition gives 1 or 0.
    Integers(Vec<Option<i64>>),
    /// Reals.
    Reals(Vec<Option<f64>>),
    /// Texts.
    Texts(Vec<Option<Cow<'a, str>>>),
}

impl Compiled {
    /// Evaluates the expression for `rows` of the columns that [`Compiled::names`] asks for, in that order.
    ///
    /// # Errors
    /// The first row whose value cannot be computed.
    pub fn evaluate<'a>(
        &self,
        columns: &[&'a Column],
        rows: Range<u32>,
    ) -> Result<Values<'a>, Fault> {
        let rows: Vec<u32> = rows.collect();
        let table = Table { columns };
        Ok(match &self.root {
            Typed::Integers(root) => Values::Integers(root.of(&table, &rows)?),
            Typed::Flags(root) => {
                let flags = root.of(&table, &rows)?;
                Values::Integers(flags.into_iter().map(|flag| flag.map(i64::from)).collect())
            }
            Typed::Reals(root) => Values::Reals(root.of(&table, &rows)?),
            Typed::Texts(root) => Values::Texts(root.of(&table, &rows)?),
            Typed::Missing => Values::Integers(vec![None; rows.len()]),
        })
    }

    /// Whether the values are texts.
    #[must_use]
    pub fn is_text(&self) -> bool {
        matches!(self.root, Typed::Texts(_))
    }
}

impl Values<'_> {
    /// The values as a column of a type: integers take the nearest integer, half away from zero; a real that is not
    /// finite is missing. `first` is the row that the first value stands for.
    ///
    /// # Errors
    /// A real that is no 64-bit integer where integers are wanted, or a text where numbers are.
    pub fn into_cells(self, cell_type: CellType, first: usize) -> Result<(Cells, Bitmap), Fault> {
        let fault = |at: usize, kind| Fault { row: first + at, kind };
        Ok(match (cell_type, self) {
            (CellType::Real, Self::Integers(values)) => {
                #[expect(clippy::cast_precision_loss, reason = "the feature is declared real")]
                let values: Vec<_> =
                    values.into_iter().map(|value| value.map(|v| v as f64)).collect();
                split(values, Cells::Real)
            }
            (CellType::Real, Self::Reals(values)) => {
                let finite = values.into_iter().map(|value| value.filter(|v| v.is_finite()));
                split(finite.collect(), Cells::Real)
            }
            (CellType::Integer, Self::Integers(values)) => split(values, Cells::Integer),
            (CellType::Integer, Self::Reals(values)) => {
                let whole = values.into_iter().enumerate().map(|(at, value)| match value {
                    Some(value) if value.is_finite() => {
                        whole(value.round()).map(Some).ok_or_else(|| fault(at, FaultKind::Overflow))
                    }
                    _ => Ok(None),
                });
                split(whole.collect::<Result<_, _>>()?, Cells::Integer)
            }
            (CellType::Real | CellType::Integer, Self::Texts(values)) => {
                let text = values.iter().position(Option::is_some);
                match text {
                    Some(at) => return Err(fault(at, FaultKind::NotANumber)),
                    None if cell_type == CellType::Real => {
                        split(vec![None; values.len()], Cells::Real)
                    }
                    None => split(vec![None; values.len()], Cells::Integer),
                }
            }
            (_, values) => {
                let texts = values.into_texts();
                let valid = valid(texts.iter().map(Option::is_some));
                (
                    Cells::Text(
                        texts.iter().map(|text| text.as_deref().unwrap_or_default()).collect(),
                    ),
                    valid,
                )
            }
        })
    }

    fn into_texts(self) -> Vec<Option<String>> {
        match self {
            Self::Integers(values) => {
                values.into_iter().map(|v| v.map(|v| v.to_string())).collect()
            }
            Self::Reals(values) => {
                values.into_iter().map(|v| v.map(|v| format!("{v:?}"))).collect()
            }
            Self::Texts(values) => values.into_iter().map(|v| v.map(Cow::into_owned)).collect(),
        }
    }
}

fn split<T: Default + Clone>(
    values: Vec<Option<T>>,
    cells: fn(Vec<T>) -> Cells,
) -> (Cells, Bitmap) {
    let valid = valid(values.iter().map(Option::is_some));
    (cells(values.into_iter().map(Option::unwrap_or_default).collect()), valid)
}

fn valid(rows: impl Iterator<Item = bool>) -> Bitmap {
    let mut bitmap = Bitmap::default();
    rows.for_each(|is_valid| bitmap.push(is_valid));
    bitmap
}

/// A whole real as an integer, where 64 bits hold it.
#[expect(clippy::cast_possible_truncation, reason = "the range is checked")]
fn whole(value: f64) -> Option<i64> {
    // 2^63 itself is the first real beyond.
    const BEYOND: f64 = 9_223_372_036_854_775_808.0;
    (-BEYOND..BEYOND).contains(&value).then_some(value as i64)
}

pub(super) struct Table<'c, 'a> {
    columns: &'c [&'a Column],
}

pub(super) type Found<T> = Result<Vec<Option<T>>, Fault>;

/// Operations of one type, evaluated for rows.
pub(super) trait Of<'a>: Sized {
    type Value: Clone;

    fn of(&self, table: &Table<'_, 'a>, rows: &[u32]) -> Found<Self::Value>;

    /// The order of two values.
    fn order(left: &Self::Value, right: &Self::Value) -> Ordering;
}

impl<'a, T: Of<'a>> Any<T> {
    fn of(&self, table: &Table<'_, 'a>, rows: &[u32]) -> Found<T::Value> {
        match self {
            Self::Case(branches, otherwise) => {
                let mut found = vec![None; rows.len()];
                // Rows that no condition held for yet, by their place in `rows`.
                let mut open: Vec<usize> = (0..rows.len()).collect();
                for (when, then) in branches {
                    let holds = when.of(table, &at(rows, &open))?;
                    let (taken, left): (Vec<_>, Vec<_>) =
                        open.iter().zip(&holds).partition(|(_, holds)| **holds == Some(true));
                    let taken: Vec<usize> = taken.into_iter().map(|(place, _)| *place).collect();
                    open = left.into_iter().map(|(place, _)| *place).collect();
                    put(&mut found, &taken, then.of(table, &at(rows, &taken))?);
                }
                if let Some(otherwise) = otherwise {
                    put(&mut found, &open, otherwise.of(table, &at(rows, &open))?);
                }
                Ok(found)
            }
            Self::Coalesce(parts) => {
                let mut found = vec![None; rows.len()];
                let mut open: Vec<usize> = (0..rows.len()).collect();
                for part in parts {
                    put(&mut found, &open, part.of(table, &at(rows, &open))?);
                    open.retain(|place| found[*place].is_none());
                }
                Ok(found)
            }
            Self::NullIf(left, right) => {
                let right = right.of(table, rows)?;
                let pairs = left.of(table, rows)?.into_iter().zip(right);
                let keep =
                    |(left, right): (Option<T::Value>, Option<T::Value>)| match (&left, &right) {
                        (Some(l), Some(r)) if T::order(l, r) == Ordering::Equal => None,
                        _ => left,
                    };
                Ok(pairs.map(keep).collect())
            }
            Self::Extreme(greatest, parts) => {
                let mut found = vec![None; rows.len()];
                for part in parts {
                    for (best, value) in found.iter_mut().zip(part.of(table, rows)?) {
                        let better = match (&*best, &value) {
                            (_, None) => false,
                            (None, Some(_)) => true,
                            (Some(best), Some(value)) => {
                                let wanted =
                                    if *greatest { Ordering::Greater } else { Ordering::Less };
                                T::order(value, best) == wanted
                            }
                        };
                        if better {
                            *best = value;
                        }
                    }
                }
                Ok(found)
            }
        }
    }
}

/// The rows at some places.
fn at(rows: &[u32], places: &[usize]) -> Vec<u32> {
    places.iter().map(|place| rows[*place]).collect()
}

fn put<T>(found: &mut [Option<T>], places: &[usize], values: Vec<Option<T>>) {
    for (place, value) in places.iter().zip(values) {
        found[*place] = value;
    }
}

/// Applies `op` where both sides are there.
fn both<L, R, T>(
    left: Vec<Option<L>>,
    right: Vec<Option<R>>,
    op: impl Fn(L, R) -> Option<T>,
) -> Vec<Option<T>> {
    left.into_iter().zip(right).map(|(left, right)| op(left?, right?)).collect()
}

/// Applies `op`, which fails beyond 64 bits, where the value is there.
fn checked<T, U>(
    values: Vec<Option<T>>,
    rows: &[u32],
    kind: FaultKind,
    op: impl Fn(T) -> Option<U>,
) -> Found<U> {
    let one = |(value, row): (Option<T>, &u32)| match value {
        None => Ok(None),
        Some(value) => op(value).map(Some).ok_or(Fault { row: *row as usize, kind }),
    };
    values.into_iter().zip(rows).map(one).collect()
}

impl<'a> Of<'a> for Integers {
    type Value = i64;

    fn of(&self, table: &Table<'_, 'a>, rows: &[u32]) -> Found<i64> {
        Ok(match self {
            Self::Column(column) => {
                let column = table.columns[*column];
                match &column.cells {
                    Cells::Integer(values) => read(column, rows, |row| values[row]),
                    Cells::Small(values) => read(column, rows, |row| i64::from(values[row])),
                    _ => rows.iter().map(|row| column.integer(*row as usize)).collect(),
                }
            }
            Self::Constant(value) => vec![Some(*value); rows.len()],
            Self::Missing => vec![None; rows.len()],
            Self::Arithmetic(op, left, right) => {
                let pairs = both(left.of(table, rows)?, right.of(table, rows)?, |l, r| match op {
                    Arithmetic::Remainder if r == 0 => None,
                    _ => Some((l, r)),
                });
                checked(pairs, rows, FaultKind::Overflow, |(l, r)| match op {
                    Arithmetic::Add => l.checked_add(r),
                    Arithmetic::Subtract => l.checked_sub(r),
                    Arithmetic::Multiply => l.checked_mul(r),
                    Arithmetic::Divide => l.checked_div(r),
                    Arithmetic::Remainder => Some(l.wrapping_rem(r)),
                })?
            }
            Self::OfReal(inner) => {
                let finite =
                    inner.of(table, rows)?.into_iter().map(|v| v.filter(|v| v.is_finite()));
                checked(finite.collect(), rows, FaultKind::Overflow, |value| whole(value.trunc()))?
            }
            Self::OfFlag(inner) => {
                inner.of(table, rows)?.into_iter().map(|flag| flag.map(i64::from)).collect()
            }
            Self::OfText(inner) => {
                checked(inner.of(table, rows)?, rows, FaultKind::NotANumber, |text| {
                    text.trim().parse().ok()
                })?
            }
            Self::Any(any) => any.of(table, rows)?,
        })
    }

    fn order(left: &i64, right: &i64) -> Ordering {
        left.cmp(right)
    }
}

/// Reads a column whose values lie in a row.
fn read<T>(column: &Column, rows: &[u32], value: impl Fn(usize) -> T) -> Vec<Option<T>> {
    let rows = rows.iter().map(|row| *row as usize);
    match &column.valid {
        None => rows.map(|row| Some(value(row))).collect(),
        Some(valid) => rows.map(|row| valid.get(row).then(|| value(row))).collect(),
    }
}

impl<'a> Of<'a> for Reals {
    type Value = f64;

    #[expect(clippy::cast_precision_loss, reason = "integers beside reals are read as reals")]
    fn of(&self, table: &Table<'_, 'a>, rows: &[u32]) -> Found<f64> {
        Ok(match self {
            Self::Column(column) => {
                let column = table.columns[*column];
                match &column.cells {
                    Cells::Real(values) => read(column, rows, |row| values[row]),
                    _ => rows.iter().map(|row| column.real(*row as usize)).collect(),
                }
            }
            Self::Constant(value) => vec![Some(*value); rows.len()],
            Self::Missing => vec![None; rows.len()],
            Self::Arithmetic(op, left, right) => {
                both(left.of(table, rows)?, right.of(table, rows)?, |l, r| match op {
                    Arithmetic::Add => Some(l + r),
                    Arithmetic::Subtract => Some(l - r),
                    Arithmetic::Multiply => Some(l * r),
                    Arithmetic::Divide => (r != 0.0).then(|| l / r),
                    Arithmetic::Remainder => (r != 0.0).then(|| l % r),
                })
            }
            Self::OfInteger(inner) => {
                inner.of(table, rows)?.into_iter().map(|v| v.map(|v| v as f64)).collect()
            }
            Self::OfText(inner) => {
                checked(inner.of(table, rows)?, rows, FaultKind::NotANumber, |text| {
                    text.trim().parse().ok()
                })?
            }
            Self::Function(function, inner) => {
                inner.of(table, rows)?.into_iter().map(|value| value.map(function)).collect()
            }
            Self::Any(any) => any.of(table, rows)?,
        })
    }

    fn order(left: &f64, right: &f64) -> Ordering {
        // What is no number comes after all numbers, so that every row has an answer.
        left.partial_cmp(right).unwrap_or_else(|| left.is_nan().cmp(&right.is_nan()))
    }
}

impl<'a> Of<'a> for Texts {
    type Value = Cow<'a, str>;

    fn of(&self, table: &Table<'_, 'a>, rows: &[u32]) -> Found<Cow<'a, str>> {
        Ok(match self {
            Self::Column(column) => {
                let column = table.columns[*column];
                rows.iter().map(|row| column.text(*row as usize).map(Cow::Borrowed)).collect()
            }
            Self::Constant(text) => vec![Some(Cow::Owned(text.clone())); rows.len()],
            Self::Missing => vec![None; rows.len()],
            Self::Of(typed) => {
                let values = match &**typed {
                    Typed::Integers(inner) => Values::Integers(inner.of(table, rows)?),
                    Typed::Reals(inner) => Values::Reals(inner.of(table, rows)?),
                    Typed::Texts(inner) => Values::Texts(inner.of(table, rows)?),
                    Typed::Missing => Values::Integers(vec![None; rows.len()]),
                    Typed::Flags(inner) => {
                        let word = |flag| Cow::Borrowed(if flag { "true" } else { "false" });
                        let flags = inner.of(table, rows)?;
                        Values::Texts(flags.into_iter().map(|flag| flag.map(word)).collect())
                    }
                };
                values.into_texts().into_iter().map(|text| text.map(Cow::Owned)).collect()
            }
            Self::Change(change, inner) => inner
                .of(table, rows)?
                .into_iter()
                .map(|text| text.map(|text| Cow::Owned(change(&text))))
                .collect(),
            Self::Concat(parts, leaves_out) => {
                let mut found: Vec<Option<String>> = vec![Some(String::new()); rows.len()];
                for part in parts {
                    for (text, more) in found.iter_mut().zip(part.of(table, rows)?) {
                        match (more, text.as_mut()) {
                            (Some(more), Some(text)) => text.push_str(&more),
                            (None, _) if !leaves_out => *text = None,
                            _ => {}
                        }
                    }
                }
                found.into_iter().map(|text| text.map(Cow::Owned)).collect()
            }
            Self::Any(any) => any.of(table, rows)?,
        })
    }

    fn order(left: &Cow<'a, str>, right: &Cow<'a, str>) -> Ordering {
        left.cmp(right)
    }
}

impl<'a> Of<'a> for Flags {
    type Value = bool;

    fn of(&self, table: &Table<'_, 'a>, rows: &[u32]) -> Found<bool> {
        Ok(match self {
            Self::Constant(flag) => vec![Some(*flag); rows.len()],
            Self::Missing => vec![None; rows.len()],
            Self::OfInteger(inner) => {
                inner.of(table, rows)?.into_iter().map(|v| v.map(|v| v != 0)).collect()
            }
            Self::Not(inner) => {
                inner.of(table, rows)?.into_iter().map(|flag| flag.map(|flag| !flag)).collect()
            }
            Self::And(left, right) => decided(left, right, false, table, rows)?,
            Self::Or(left, right) => decided(left, right, true, table, rows)?,
            Self::Integers(how, left, right) => compared(*how, &**left, &**right, table, rows)?,
            Self::Reals(how, left, right) => compared(*how, &**left, &**right, table, rows)?,
            Self::Texts(how, left, right) => compared(*how, &**left, &**right, table, rows)?,
            Self::Flags(how, left, right) => compared(*how, &**left, &**right, table, rows)?,
            Self::IsMissing(typed) => missing(typed, table, rows)?,
            Self::Is(wanted, inner) => {
                inner.of(table, rows)?.into_iter().map(|flag| Some(flag == Some(*wanted))).collect()
            }
            Self::Like(inner, pattern) => {
                let pattern: Vec<char> = pattern.chars().collect();
                let one = |text: Cow<'_, str>| like(&text.chars().collect::<Vec<_>>(), &pattern);
                inner.of(table, rows)?.into_iter().map(|text| text.map(one)).collect()
            }
            Self::Pair(test, left, right) => {
                both(left.of(table, rows)?, right.of(table, rows)?, |l, r| Some(test(&l, &r)))
            }
            Self::Any(any) => any.of(table, rows)?,
        })
    }

    fn order(left: &bool, right: &bool) -> Ordering {
        left.cmp(right)
    }
}

/// `and` (`decisive` is false) and `or` (true): the right side is asked only where the left does not decide.
fn decided(
    left: &Flags,
    right: &Flags,
    decisive: bool,
    table: &Table<'_, '_>,
    rows: &[u32],
) -> Found<bool> {
    let mut found = left.of(table, rows)?;
    let open: Vec<usize> =
        (0..rows.len()).filter(|place| found[*place] != Some(decisive)).collect();
    for (place, right) in open.iter().zip(right.of(table, &at(rows, &open))?) {
        let known = found[*place];
        found[*place] = match right {
            Some(right) if right == decisive => Some(decisive),
            Some(_) => known,
            None => None,
        };
    }
    Ok(found)
}

fn compared<'a, T: Of<'a>>(
    how: Comparison,
    left: &T,
    right: &T,
    table: &Table<'_, 'a>,
    rows: &[u32],
) -> Found<bool> {
    let holds = |order: Ordering| match how {
        Comparison::Equal => order.is_eq(),
        Comparison::Unequal => order.is_ne(),
        Comparison::Less => order.is_lt(),
        Comparison::AtMost => order.is_le(),
        Comparison::More => order.is_gt(),
        Comparison::AtLeast => order.is_ge(),
    };
    Ok(both(left.of(table, rows)?, right.of(table, rows)?, |l, r| Some(holds(T::order(&l, &r)))))
}

fn missing(typed: &Typed, table: &Table<'_, '_>, rows: &[u32]) -> Found<bool> {
    fn each<T>(values: Vec<Option<T>>) -> Vec<Option<bool>> {
        values.into_iter().map(|value| Some(value.is_none())).collect()
    }
    Ok(match typed {
        Typed::Integers(inner) => each(inner.of(table, rows)?),
        Typed::Reals(inner) => each(inner.of(table, rows)?),
        Typed::Flags(inner) => each(inner.of(table, rows)?),
        Typed::Texts(inner) => each(inner.of(table, rows)?),
        Typed::Missing => vec![Some(true); rows.len()],
    })
}

/// Whether a text fits a pattern: `%` stands for any characters, `_` for one, a backslash takes the next as it is.
fn like(text: &[char], pattern: &[char]) -> bool {
    let (mut at, mut in_pattern) = (0, 0);
    // Where to go on when what follows the last `%` does not fit.
    let mut retry: Option<(usize, usize)> = None;
    loop {
        match pattern.get(in_pattern) {
            Some('%') => {
                retry = Some((in_pattern + 1, at));
                in_pattern += 1;
                continue;
            }
            Some('_') if at < text.len() => {
                at += 1;
                in_pattern += 1;
                continue;
            }
            Some('\\')
                if pattern.len() > in_pattern + 1
                    && text.get(at) == pattern.get(in_pattern + 1) =>
            {
                at += 1;
                in_pattern += 2;
                continue;
            }
            Some(wanted) if *wanted != '\\' && text.get(at) == Some(wanted) => {
                at += 1;
                in_pattern += 1;
                continue;
            }
            None if at == text.len() => return true,
            _ => {}
        }
        match retry {
            Some((after, from)) if from < text.len() => {
                retry = Some((after, from + 1));
                (at, in_pattern) = (from + 1, after);
            }
            _ => return false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::like;

    #[test]
    fn patterns_stand_for_characters() {
        let fits = |text: &str, pattern: &str| {
            like(&text.chars().collect::<Vec<_>>(), &pattern.chars().collect::<Vec<_>>())
        };
        for (text, pattern, want) in [
            ("vip", "vip", true),
            ("vip", "v%", true),
            ("vip", "%p", true),
            ("vip", "v_p", true),
            ("vip", "v_", false),
            ("", "%", true),
            ("aab", "%ab", true),
            ("a%b", "a\\%b", true),
            ("axb", "a\\%b", false),
            ("abcabd", "%ab_", true),
            ("abc", "_%_%d", false),
        ] {
            assert_eq!(fits(text, pattern), want, "{text} like {pattern}");
        }
    }
}
