//! The events of one member as rows, and refunds set off against their orders among them (domain 0.2).

use std::borrow::Cow;
use std::collections::HashMap;

/// A value of a field of an event. A field of type real holds reals, one of type integer integers.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Value<'a> {
    /// None.
    Missing,
    /// An integer: money in minor units, a time, a flag.
    Integer(i64),
    /// A real.
    Real(f64),
    /// A text.
    Text(&'a str),
}

impl<'a> Value<'a> {
    /// The text form of SQL's `CAST(... AS VARCHAR)`.
    #[must_use]
    pub fn as_text(self) -> Option<Cow<'a, str>> {
        match self {
            Self::Missing => None,
            Self::Integer(value) => Some(value.to_string().into()),
            Self::Real(value) => Some(format!("{value:?}").into()),
            Self::Text(text) => Some(text.into()),
        }
    }

    /// The integer, where it is one.
    #[must_use]
    pub fn integer(self) -> Option<i64> {
        match self {
            Self::Integer(value) => Some(value),
            _ => None,
        }
    }

    /// The text, where it is one.
    #[must_use]
    pub fn text(self) -> Option<&'a str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }
}

/// Events of one member, a row each: time, id, and a value for each of [`super::MemberPlan::fields`]. No two of one account have one id.
#[derive(Debug, Clone, Default)]
pub struct EventRows<'a> {
    width: usize,
    pub(super) times: Vec<i64>,
    pub(super) ids: Vec<&'a str>,
    /// 0 for rows that correct a sum, 1 for all others.
    pub(super) weights: Vec<i64>,
    /// The account of each row, where the member has several.
    accounts: Vec<&'a str>,
    values: Vec<Value<'a>>,
}

/// Where the fields that refunds need stand among those of a plan.
#[derive(Debug, Clone)]
pub(super) struct RefundFields {
    pub(super) kind: usize,
    pub(super) amount: usize,
    pub(super) original_order: Option<usize>,
    /// All fields that hold money.
    pub(super) money: Vec<usize>,
}

const PAID: &str = "order_paid";
const REFUNDED: &str = "order_refunded";

impl<'a> EventRows<'a> {
    /// No rows, of so many fields.
    #[must_use]
    pub fn new(width: usize) -> Self {
        Self { width, ..Self::default() }
    }

    /// Adds a row.
    ///
    /// # Panics
    /// If there is not one value for each field: a fault of the calling room.
    pub fn push(&mut self, time: i64, id: &'a str, values: impl IntoIterator<Item = Value<'a>>) {
        self.times.push(time);
        self.ids.push(id);
        self.weights.push(1);
        self.values.extend(values);
        assert_eq!(self.values.len(), self.times.len() * self.width, "a value for each field");
    }

    /// Says in the name of which account the last row came, of a member with several: each row has one then.
    pub fn came_for(&mut self, account: &'a str) {
        self.accounts.push(account);
    }

    /// The account of a row; `None`: the member has one alone.
    pub(super) fn account(&self, row: usize) -> Option<&'a str> {
        self.accounts.get(row).copied()
    }

    /// Number of rows.
    #[must_use]
    pub fn len(&self) -> usize {
        self.times.len()
    }

    /// Whether there is no row.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.times.is_empty()
    }

    pub(super) fn value(&self, row: usize, field: usize) -> Value<'a> {
        self.values[row * self.width + field]
    }

    fn set(&mut self, row: usize, field: usize, value: Value<'a>) {
        self.values[row * self.width + field] = value;
    }

    /// Fills a field of all rows from their times.
    pub(super) fn fill(&mut self, field: usize, mut of_time: impl FnMut(i64) -> i64) {
        for row in 0..self.len() {
            self.set(row, field, Value::Integer(of_time(self.times[row])));
        }
    }

    /// Makes sums net of refunds, as over a community: each refund before `as_of` adds a row of weight 0 at its order's
    /// time, with the order's fields and its own amounts below zero; without such an order, at its own. A paid order of less
    /// than nothing corrects sums too.
    pub(super) fn set_off_refunds(&mut self, fields: &RefundFields, as_of: i64) {
        let kind = |rows: &Self, row| rows.value(row, fields.kind).text();
        let events = self.len();
        let refunds: Vec<usize> = (0..events)
            .filter(|row| kind(self, *row) == Some(REFUNDED) && self.times[*row] < as_of)
            .filter(|row| self.value(*row, fields.amount).integer().is_some())
            .collect();
        let orders: HashMap<&str, usize> = match refunds.is_empty() {
            true => HashMap::new(),
            false => (0..events)
                .filter(|row| kind(self, *row) == Some(PAID))
                .map(|row| (self.ids[row], row))
                .collect(),
        };
        for row in 0..events {
            match kind(self, row) {
                Some(REFUNDED) => self.each_amount(row, fields, i64::saturating_abs),
                Some(PAID) if self.value(row, fields.amount).integer() < Some(0) => {
                    let amount = self.value(row, fields.amount).integer();
                    self.weights[row] = i64::from(amount.is_none());
                }
                _ => {}
            }
        }
        for refund in refunds {
            let named = fields.original_order.and_then(|at| self.value(refund, at).text());
            let of = orders.get(named.unwrap_or(self.ids[refund])).copied().unwrap_or(refund);
            self.times.push(self.times[of]);
            self.ids.push(self.ids[of]);
            self.weights.push(0);
            let account = self.account(of);
            self.accounts.extend(account);
            let row = self.len() - 1;
            self.values.extend_from_within(of * self.width..(of + 1) * self.width);
            self.set(row, fields.kind, Value::Text(PAID));
            for at in &fields.money {
                let back = self.value(refund, *at).integer().map(|amount| -amount.saturating_abs());
                self.set(row, *at, back.map_or(Value::Missing, Value::Integer));
            }
        }
    }

    fn each_amount(&mut self, row: usize, fields: &RefundFields, change: fn(i64) -> i64) {
        for at in &fields.money {
            if let Value::Integer(amount) = self.value(row, *at) {
                self.set(row, *at, Value::Integer(change(amount)));
            }
        }
    }
}
