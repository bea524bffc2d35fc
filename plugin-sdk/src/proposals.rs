//! Proposals of incentives and campaigns, gathered as columns.

use std::collections::BinaryHeap;

use crate::types;

/// One proposal: an action for a row. The host decides whether it happens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Proposal {
    /// Row of the batch.
    pub row: usize,
    /// Position of the action in the shape.
    pub action: u32,
    /// Points, units or 1; at least 0.
    pub quantity: i64,
    /// Greatest cost to the brand in minor units, at least 0.
    pub cost: i64,
    /// Expected output if done, in minor units, at least 0.
    pub expected_output: i64,
    /// Position of the reason in the shape.
    pub reason: u32,
    /// Minutes from now before which it must not happen; `None`: at once.
    pub after_min: Option<u32>,
    /// Minutes from now after which it must not happen; `None`: the end of the cycle.
    pub until_min: Option<u32>,
}

impl Proposal {
    /// Returns a proposal of quantity 1 that costs nothing, at once.
    #[must_use]
    pub fn new(row: usize, action: u32, reason: u32) -> Self {
        Self {
            row,
            action,
            quantity: 1,
            cost: 0,
            expected_output: 0,
            reason,
            after_min: None,
            until_min: None,
        }
    }
}

/// Proposals of one batch, in ascending order of rows.
#[derive(Debug, Default)]
pub struct Proposals {
    list: Vec<Proposal>,
}

impl Proposals {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// Adds a proposal. Proposals of one row keep their order; rows may come in any order.
    pub fn push(&mut self, proposal: Proposal) {
        self.list.push(proposal);
    }

    /// Number of proposals so far.
    #[must_use]
    pub fn len(&self) -> usize {
        self.list.len()
    }

    /// Whether nothing is proposed.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    pub(crate) fn finish(mut self) -> types::Proposals {
        if !self.list.is_sorted_by_key(|p| p.row) {
            // Rows mostly come in order. A heap of places is a tenth of the code of a sort.
            let order: BinaryHeap<(usize, usize)> =
                self.list.iter().enumerate().map(|(at, p)| (p.row, at)).collect();
            self.list = order.into_sorted_vec().into_iter().map(|(_, at)| self.list[at]).collect();
        }
        let list = &self.list;
        let after = list.iter().any(|p| p.after_min.is_some());
        let until = list.iter().any(|p| p.until_min.is_some());
        types::Proposals {
            row: list.iter().map(|p| u32::try_from(p.row).unwrap_or(u32::MAX)).collect(),
            action: list.iter().map(|p| p.action).collect(),
            quantity: list.iter().map(|p| p.quantity).collect(),
            cost: list.iter().map(|p| p.cost).collect(),
            expected_output: list.iter().map(|p| p.expected_output).collect(),
            reason: list.iter().map(|p| p.reason).collect(),
            after_min: optional_column(after, list.iter().map(|p| p.after_min.unwrap_or(0))),
            until_min: optional_column(
                until,
                list.iter().map(|p| p.until_min.unwrap_or(types::NONE_INDEX)),
            ),
        }
    }
}

fn optional_column(given: bool, values: impl Iterator<Item = u32>) -> Vec<u32> {
    if given { values.collect() } else { Vec::new() }
}
