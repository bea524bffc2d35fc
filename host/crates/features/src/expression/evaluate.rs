//! Evaluation of a compiled expression over the rows of columns.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::ops::Range;

use playbook_model::{Cells, Column};

use super::compile::{Any, Compiled, Flags, Integers, Reals, Texts, Typed};
use super::like::like;
use super::parse::{Arithmetic, Comparison};
use super::values::{Fault, FaultKind, Values, whole};

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
            Typed::Written(column, _) => Values::Texts(Texts::Column(*column).of(&table, &rows)?),
            Typed::Missing => Values::Integers(vec![None; rows.len()]),
        })
    }

    /// Whether the values are texts.
    #[must_use]
    pub fn is_text(&self) -> bool {
        matches!(self.root, Typed::Texts(_) | Typed::Written(..))
    }
}

/// The columns that an expression reads, in the order of [`Compiled::names`].
pub(super) struct Table<'c, 'a> {
    columns: &'c [&'a Column],
}

/// A value, or none, for each row asked, in that order.
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
            Self::Case(branches, otherwise) => case(branches, otherwise.as_ref(), table, rows),
            Self::Coalesce(parts) => coalesce(parts, table, rows),
            Self::NullIf(left, right) => {
                let right = right.of(table, rows)?;
                let pairs = left.of(table, rows)?.into_iter().zip(right);
                let is_equal = |left: &T::Value, right: Option<&T::Value>| {
                    right.is_some_and(|right| T::order(left, right).is_eq())
                };
                let keep = |(left, right): (Option<T::Value>, Option<T::Value>)| {
                    left.filter(|left| !is_equal(left, right.as_ref()))
                };
                Ok(pairs.map(keep).collect())
            }
            Self::Extreme(greatest, parts) => extreme(*greatest, parts, table, rows),
        }
    }
}

/// The result of the first condition that holds. A branch is computed only for the rows that take it.
fn case<'a, T: Of<'a>>(
    branches: &[(Flags, T)],
    otherwise: Option<&T>,
    table: &Table<'_, 'a>,
    rows: &[u32],
) -> Found<T::Value> {
    let mut found = vec![None; rows.len()];
    // Rows that no condition held for yet, by their place in `rows`.
    let mut open: Vec<usize> = (0..rows.len()).collect();
    for (when, then) in branches {
        let holds = when.of(table, &at(rows, &open))?;
        let (taken, left): (Vec<_>, Vec<_>) =
            open.into_iter().zip(holds).partition(|(_, holds)| *holds == Some(true));
        let places = |of: Vec<(usize, _)>| of.into_iter().map(|(place, _)| place).collect();
        let taken: Vec<usize> = places(taken);
        open = places(left);
        put(&mut found, &taken, then.of(table, &at(rows, &taken))?);
    }
    if let Some(otherwise) = otherwise {
        put(&mut found, &open, otherwise.of(table, &at(rows, &open))?);
    }
    Ok(found)
}

/// The first value that is not missing. A part is computed only for the rows that still have none.
fn coalesce<'a, T: Of<'a>>(parts: &[T], table: &Table<'_, 'a>, rows: &[u32]) -> Found<T::Value> {
    let mut found = vec![None; rows.len()];
    let mut open: Vec<usize> = (0..rows.len()).collect();
    for part in parts {
        put(&mut found, &open, part.of(table, &at(rows, &open))?);
        open.retain(|place| found[*place].is_none());
    }
    Ok(found)
}

/// The least or the greatest of the values that are there; of equal ones the first.
fn extreme<'a, T: Of<'a>>(
    greatest: bool,
    parts: &[T],
    table: &Table<'_, 'a>,
    rows: &[u32],
) -> Found<T::Value> {
    let wanted = if greatest { Ordering::Greater } else { Ordering::Less };
    let mut found: Vec<Option<T::Value>> = vec![None; rows.len()];
    for part in parts {
        for (best, value) in found.iter_mut().zip(part.of(table, rows)?) {
            let Some(value) = value else { continue };
            if best.as_ref().is_none_or(|best| T::order(&value, best) == wanted) {
                *best = Some(value);
            }
        }
    }
    Ok(found)
}

/// The rows at some places.
fn at(rows: &[u32], places: &[usize]) -> Vec<u32> {
    places.iter().map(|place| rows[*place]).collect()
}

/// Writes values to their places.
fn put<T>(found: &mut [Option<T>], places: &[usize], values: Vec<Option<T>>) {
    for (place, value) in places.iter().zip(values) {
        found[*place] = value;
    }
}

/// Applies `op` where neither side is missing.
fn both<L, R, T>(
    left: Vec<Option<L>>,
    right: Vec<Option<R>>,
    op: impl Fn(L, R) -> Option<T>,
) -> Vec<Option<T>> {
    left.into_iter().zip(right).map(|(left, right)| op(left?, right?)).collect()
}

/// Applies `op` where the value is not missing; where `op` gives none, the row is at fault.
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
            Self::Written(column, marks) => {
                let texts = Texts::Column(*column).of(table, rows)?;
                checked(texts, rows, FaultKind::NotANumber, |text| {
                    let plain = marks.plain(text.trim().as_bytes())?;
                    let number: f64 = std::str::from_utf8(&plain).ok()?.parse().ok()?;
                    number.is_finite().then_some(number)
                })?
            }
            Self::Function(function, inner) => {
                inner.of(table, rows)?.into_iter().map(|value| value.map(function)).collect()
            }
            Self::Any(any) => any.of(table, rows)?,
        })
    }

    fn order(left: &f64, right: &f64) -> Ordering {
        // NaN sorts after all numbers, so that the order is total.
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
                    Typed::Written(column, _) => {
                        Values::Texts(Self::Column(*column).of(table, rows)?)
                    }
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
            Self::Part(text, mark, number) => {
                let marks =
                    both(mark.of(table, rows)?, number.of(table, rows)?, |m, n| Some((m, n)));
                both(text.of(table, rows)?, marks, |text, (mark, number)| {
                    Some(Cow::Owned(part(&text, &mark, number).to_owned()))
                })
            }
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

/// The part of a text between marks: the first is 1, the last -1. Empty where there is none; without a mark the text is
/// its only part, as SQL's `split_part` has it.
fn part<'t>(text: &'t str, mark: &str, number: i64) -> &'t str {
    let nth = |count: u64| usize::try_from(count - 1).unwrap_or(usize::MAX);
    let found = match (mark.is_empty(), number) {
        (_, 0) => None,
        (true, 1 | -1) => Some(text),
        (true, _) => None,
        (false, 1..) => text.split(mark).nth(nth(number.unsigned_abs())),
        (false, _) => text.rsplit(mark).nth(nth(number.unsigned_abs())),
    };
    found.unwrap_or_default()
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

/// Compares two sides of one type; missing where either is.
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

/// Whether a value is missing, whatever its type.
fn missing(typed: &Typed, table: &Table<'_, '_>, rows: &[u32]) -> Found<bool> {
    fn each<T>(values: Vec<Option<T>>) -> Vec<Option<bool>> {
        values.into_iter().map(|value| Some(value.is_none())).collect()
    }
    Ok(match typed {
        Typed::Integers(inner) => each(inner.of(table, rows)?),
        Typed::Reals(inner) => each(inner.of(table, rows)?),
        Typed::Flags(inner) => each(inner.of(table, rows)?),
        Typed::Texts(inner) => each(inner.of(table, rows)?),
        Typed::Written(column, _) => each(Texts::Column(*column).of(table, rows)?),
        Typed::Missing => vec![Some(true); rows.len()],
    })
}
