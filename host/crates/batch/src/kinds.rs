//! Kinds of events in the data that no feature of the playbook counts.

use std::collections::{BTreeMap, BTreeSet};

use playbook_cycle::IntakeFinding;
use playbook_features::{quote_name, where_clause};
use playbook_model::{Definition, Grain, SourceTable};

use crate::Result;
use crate::cells::of_texts;
use crate::findings::{IDS_NAMED, finding};
use crate::source::BatchSource;

impl BatchSource {
    /// The finding about events before T that no feature counts. There is none where a feature counts events of any
    /// kind, or is a query of the playbook's own, of which it is not known what it counts.
    pub(crate) fn uncounted_kinds(&self) -> Result<Option<IntakeFinding>> {
        let (Some(rows), Some(counted)) = (self.rows(SourceTable::Events), self.counted_kinds())
        else {
            return Ok(None);
        };
        let filter = where_clause(&rows.in_time(self.intake.as_of, None));
        let sql = format!("SELECT kind FROM {}{filter}", quote_name(&rows.name));
        let parts =
            self.session.fold("kinds", &sql, |part: &mut BTreeMap<String, u64>, batch| {
                let (mut names, mut counts) = (Vec::new(), Vec::new());
                let kinds = of_texts(batch.column(0), |kind| {
                    names.push(kind.unwrap_or_default().to_owned());
                    counts.push(0);
                    names.len() - 1
                });
                kinds.into_iter().for_each(|kind| counts[kind] += 1);
                for (name, count) in names.into_iter().zip(counts).filter(|(_, count)| *count > 0) {
                    *part.entry(name).or_default() += count;
                }
            })?;
        let mut kinds: BTreeMap<String, u64> = BTreeMap::new();
        for (kind, count) in parts.into_iter().flatten() {
            *kinds.entry(kind).or_default() += count;
        }
        kinds.retain(|kind, _| !counted.contains(kind.as_str()));
        Ok((!kinds.is_empty()).then(|| told(kinds)))
    }

    /// The kinds that features count; `None`: all, or it is not known.
    fn counted_kinds(&self) -> Option<BTreeSet<&str>> {
        let mut counted = BTreeSet::new();
        for feature in &self.playbook.features {
            match &feature.definition {
                Definition::Sql(_) => return None,
                Definition::Aggregate(aggregate) if aggregate.over == Grain::Events => {
                    if aggregate.filter.kinds.is_empty() {
                        return None;
                    }
                    counted.extend(aggregate.filter.kinds.iter().map(String::as_str));
                }
                Definition::Sequence(sequence) if sequence.takes_any_kind() => return None,
                Definition::Sequence(sequence) => counted.extend(sequence.kinds()),
                _ => {}
            }
        }
        // Refunds are set off against the orders that are counted.
        if counted.contains("order_paid") {
            counted.insert("order_refunded");
        }
        (!counted.is_empty()).then_some(counted)
    }
}

fn told(kinds: BTreeMap<String, u64>) -> IntakeFinding {
    let count = kinds.values().sum();
    let mut most: Vec<(String, u64)> = kinds.into_iter().collect();
    most.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    let named = most.iter().take(IDS_NAMED).map(|(kind, count)| format!("`{kind}` {count}"));
    let mut named = named.collect::<Vec<_>>().join(", ");
    if most.len() > IDS_NAMED {
        named.push_str(", ...");
    }
    finding(
        "kinds-not-counted",
        None,
        count,
        format!(
            "{count} events are of kinds that no feature counts ({named}): they change no number"
        ),
        format!("{count} 個事件的類型沒有任何特徵統計（{named}）：對結果沒有影響"),
    )
}
