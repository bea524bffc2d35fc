//! Guardrails by the member's own clock, and which grants may stand together.

use std::collections::BTreeSet;

use playbook_model::{Guardrails, QuietHours, StackRule};

use super::Reading;
use super::references::Names;
use crate::problem::Problem;
use crate::tree::{Node, Table};
use crate::values;

const HOUR_MS: i64 = 3_600_000;
const YEAR_MS: i64 = 366 * 24 * HOUR_MS;

impl Reading<'_> {
    pub(super) fn local_rules(&mut self, table: &Table, rules: &mut Guardrails, names: &Names) {
        if let Some(node) = table.get("time_zone_feature")
            && let Some(name) = node.text()
        {
            // An output of a stage would come too late: the member's clock is read before any stage runs.
            self.feature_exists(names, name, node.place);
            rules.time_zone_feature = Some(name.to_owned());
        }
        if let Some(node) = table.get("quiet_hours")
            && let Some(text) = node.text()
        {
            rules.quiet_hours = QuietHours::read(text);
            if rules.quiet_hours.is_none() {
                self.add(
                    Problem::new(
                        "bad-time",
                        node.place,
                        format!("`quiet_hours` cannot be `{text}`"),
                    )
                    .expected("two times of the day, like \"22:00-08:00\""),
                );
            }
        }
        let mut seen = BTreeSet::new();
        for node in table.list("stacking") {
            let Some(rule) = node.table() else { continue };
            rules.stacking.extend(self.stack_rule(rule, &mut seen));
        }
    }

    fn stack_rule(&mut self, table: &Table, seen: &mut BTreeSet<String>) -> Option<StackRule> {
        let mut window_ms = 24 * HOUR_MS;
        if let Some(node) = table.get("window")
            && let Some(ms) = node.text().and_then(values::duration_ms)
        {
            if !(HOUR_MS..=YEAR_MS).contains(&ms) {
                self.add(
                    Problem::new("out-of-range", node.place, "`window` cannot be so")
                        .expected("\"1h\" to \"366d\""),
                );
            }
            window_ms = ms;
        }
        let (node, name) = (table.get("name")?, table.text("name")?.to_owned());
        if !seen.insert(name.clone()) {
            self.add(
                Problem::new("duplicate-name", node.place, format!("there are two rules `{name}`"))
                    .expected("a `name` of its own for each rule"),
            );
        }
        let families = table.list("families").iter().filter_map(Node::text).map(str::to_owned);
        let most = table.integer("most").and_then(|most| u32::try_from(most).ok()).unwrap_or(1);
        Some(StackRule { name, families: families.collect(), most, window_ms })
    }
}
