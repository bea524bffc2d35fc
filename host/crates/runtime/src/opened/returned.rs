//! How many bytes the host takes back from a call: what its shape and rows can need, with room.

use playbook_model::{CellType, Shape};

use super::OpenedPlugin;

/// What the host reckons for a cell of a wide column in an answer, in bytes.
const WIDE_CELL_BYTES: u64 = 256;
/// A row's entries in all lists of [`Proposals`], in bytes.
const PROPOSAL_BYTES: u64 = 44;
/// Proposals for one row beyond which more actions do not raise what may be returned.
const PROPOSALS_PER_ROW: u64 = 8;
/// A finding or transfer with its suggestions, in bytes.
const FINDING_BYTES: u64 = 256;
/// Most that a plan may be, in bytes as the host holds it: every list at its bound.
const PLAN_BYTES_MAX: u64 = 16 << 20;

impl OpenedPlugin {
    /// Twice what the outputs of `rows` rows need, at least the bound of one decision.
    pub(super) fn row_bytes(&self, rows: u32, index_bytes: u64) -> u64 {
        let needed = produced_bytes(self.shape(), None).saturating_add(index_bytes);
        self.batch_bytes(rows, needed)
    }

    pub(super) fn proposal_bytes(&self, rows: u32) -> u64 {
        let actions = (self.shape().actions.len() as u64).clamp(1, PROPOSALS_PER_ROW);
        self.batch_bytes(rows, actions * PROPOSAL_BYTES)
    }

    fn batch_bytes(&self, rows: u32, bytes_a_row: u64) -> u64 {
        let least = self.plugin.loaded.limits.returned_bytes_max;
        if rows <= 1 { least } else { (2 * bytes_a_row * u64::from(rows)).max(least) }
    }

    pub(super) fn table_bytes(&self) -> u64 {
        let columns: u64 = self
            .table_rows
            .iter()
            .zip(0_u32..)
            .map(|(rows, table)| {
                u64::from(*rows) * (produced_bytes(self.shape(), Some(table)) + FINDING_BYTES)
            })
            .sum();
        let reasons = self.shape().reasons.len() as u64 * FINDING_BYTES;
        (2 * (columns + reasons)).max(self.plugin.loaded.limits.returned_bytes_max)
    }

    pub(super) fn plan_bytes(&self) -> u64 {
        PLAN_BYTES_MAX.max(self.plugin.loaded.limits.returned_bytes_max)
    }
}

/// Bytes of one row's outputs.
fn produced_bytes(shape: &Shape, table: Option<u32>) -> u64 {
    shape
        .produces
        .iter()
        .filter(|p| p.table == table)
        .map(|p| match p.cell_type {
            CellType::Real | CellType::Integer | CellType::Category => 9,
            CellType::Text | CellType::Reals | CellType::Integers | CellType::Texts => {
                WIDE_CELL_BYTES
            }
        })
        .sum()
}
