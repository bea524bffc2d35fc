//! Terms of grants: of a stage, and of its actions.

use std::collections::BTreeMap;

use playbook_model::{GrantTerms, Kind, RefundRule};

use super::Reading;
use crate::problem::Problem;
use crate::tree::Table;
use crate::values;

const MINUTE_MS: i64 = 60_000;
const YEAR_MS: i64 = 366 * 86_400_000;

impl Reading<'_> {
    /// Terms of a stage's grants; a stage that grants nothing has none.
    pub(super) fn stage_terms(&mut self, table: &Table, kind: Kind) -> GrantTerms {
        if !matches!(kind, Kind::Incentive | Kind::Campaign) {
            for key in ["refund", "expiry", "actions"] {
                if let Some(entry) = table.entry(key) {
                    self.add(
                        Problem::new(
                            "needless-key",
                            entry.key_place,
                            format!(
                                "`{key}` has no effect: a {} stage grants nothing",
                                kind.name()
                            ),
                        )
                        .expected("a stage without it"),
                    );
                }
            }
        }
        self.terms(table, GrantTerms::default())
    }

    /// Terms of actions; what they leave out is the stage's.
    pub(super) fn action_terms(
        &mut self,
        table: &Table,
        of_stage: GrantTerms,
    ) -> BTreeMap<String, GrantTerms> {
        let entries = table.table("actions").map(|table| table.entries.as_slice());
        let mut actions = BTreeMap::new();
        for entry in entries.unwrap_or_default() {
            if let Some(keys) = entry.node.table() {
                actions.insert(entry.key.clone(), self.terms(keys, of_stage));
            }
        }
        actions
    }

    fn terms(&mut self, table: &Table, fallback: GrantTerms) -> GrantTerms {
        let refund = table.text("refund").and_then(RefundRule::of);
        let mut terms = GrantTerms { refund: refund.unwrap_or(fallback.refund), ..fallback };
        if let Some(node) = table.get("expiry")
            && let Some(ms) = node.text().and_then(values::duration_ms)
        {
            if !(MINUTE_MS..=YEAR_MS).contains(&ms) {
                self.add(
                    Problem::new("out-of-range", node.place, "`expiry` cannot be so")
                        .expected("\"1m\" to \"366d\""),
                );
            }
            terms.expiry_ms = ms;
        }
        terms
    }
}
