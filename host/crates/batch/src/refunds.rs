//! Refunds set off against their orders: an order's amounts shrink in the window in which it was placed
//! (domain 0.2), whenever the refund came.
//!
//! Each refund gives one more row of kind `order_paid`, with the order's member, time and places, the amounts
//! negated and weight 0, so that it counts in sums and nowhere else. A refund whose order is unknown is set off
//! at its own time.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use arrow::array::RecordBatch;
use arrow::compute::{is_null, or};
use playbook_features::quote_name;
use playbook_model::{Definition, FeatureDef, Grain, MapType, UnixMs};

use crate::Result;
use crate::hashes::{HashedSet, for_each_hash};
use crate::schema::{key_column, sql_type};
use crate::session::Session;

const STAGE: &str = "refunds";
const TABLE: &str = "refund_rows";
/// Refunds and the orders that have one, while they are joined.
const BOTH: &str = "refunds_and_orders";
/// Column of both: the key of a paid order, missing for a refund.
const PAID: &str = "\"paid order\"";

/// Creates the table of correcting rows; returns SQL that selects them with the columns of the events view,
/// or `None` where there is no refund.
pub(crate) fn create(
    session: &Session,
    columns: &BTreeMap<String, MapType>,
    as_of: UnixMs,
    features: &[FeatureDef],
) -> Result<Option<String>> {
    let order_key = ["event_id", "object"].into_iter().find(|name| columns.contains_key(*name));
    let amounts: Vec<_> =
        columns.iter().filter(|(_, map_type)| **map_type == MapType::Money).collect();
    let Some(order_key) = order_key else { return Ok(None) };
    if amounts.is_empty() || !columns.contains_key("original_order") {
        return Ok(None);
    }
    let mut selected = Vec::new();
    let mut projected = Vec::new();
    let read = columns_read(features);
    for (name, map_type) in columns {
        let quoted = quote_name(name);
        let is_read = [order_key, "original_order", "member", "time", "kind", "channel"]
            .contains(&name.as_str())
            || read.as_ref().is_none_or(|read| read.contains(name.as_str()));
        if is_read {
            projected.push(quoted.clone());
        }
        selected.push(match name.as_str() {
            "kind" => "'order_paid' AS kind".to_owned(),
            _ if !is_read => format!("CAST(NULL AS {}) AS {quoted}", sql_type(*map_type)),
            _ if *map_type == MapType::Money => format!("-r.{quoted} AS {quoted}"),
            _ => {
                format!("CASE WHEN o.time IS NULL THEN r.{quoted} ELSE o.{quoted} END AS {quoted}")
            }
        });
    }
    let amount = quote_name(amounts[0].0);
    let text = |column: &str| format!("CAST({column} AS VARCHAR)");
    // Where both are integers they are compared as such, else both as texts.
    let is_integer = |name: &str| columns.get(name) == Some(&MapType::Integer);
    let key = |column: &str| {
        let integers = is_integer("original_order") && is_integer(order_key);
        if integers { column.to_owned() } else { text(column) }
    };
    let condition = format!("{amount} IS NOT NULL AND time < {}", as_of.0);
    let refunds = format!(
        "SELECT {} FROM events_mapped WHERE kind = 'order_refunded' AND {condition}",
        key("original_order")
    );
    let mut orders: HashSet<u64> = HashSet::new();
    let mut rows = 0;
    for batch in session.collect_selective(STAGE, &refunds)? {
        rows += batch.num_rows();
        for_each_hash(batch.column(0), |_, hash| {
            orders.insert(hash);
        });
    }
    if rows == 0 {
        return Ok(None);
    }
    // One scan of the events gives refunds and orders. Which orders are refunded is told here, from the batches that
    // come back: a second scan, for a join with the refunds, would cost more.
    let both = format!(
        "SELECT {}, CASE WHEN kind = 'order_paid' THEN {1} END AS {PAID} FROM events_mapped \
         WHERE (kind = 'order_refunded' AND {condition}) OR (kind = 'order_paid' AND {1} IS NOT NULL)",
        projected.join(", "),
        key(order_key)
    );
    let refunded = HashedSet::new(orders);
    let rows_of_both = session.pick_selective(STAGE, &both, |batch| {
        let paid = batch.column(batch.num_columns() - 1);
        // A row without a paid order is a refund.
        or(&is_null(paid)?, &refunded.among(paid))
    })?;
    let Some(first) = rows_of_both.first() else { return Ok(None) };
    session.add_batches(STAGE, BOTH, first.schema(), rows_of_both)?;
    let sql = format!(
        "SELECT {} FROM (SELECT * FROM {BOTH} WHERE {PAID} IS NULL) r LEFT JOIN \
         (SELECT * FROM {BOTH} WHERE {PAID} IS NOT NULL) o ON {} = {}",
        selected.join(", "),
        text("r.original_order"),
        text(&format!("o.{order_key}")),
    );
    let batches: Vec<RecordBatch> = session.collect(STAGE, &sql)?;
    session.forget(BOTH)?;
    if batches.iter().all(|batch| batch.num_rows() == 0) {
        return Ok(None);
    }
    // The types of the events, to the letter: a union of others would change every text of every event.
    let (schema, batches) = session.as_in("events_mapped", &batches)?;
    session.add_batches(STAGE, TABLE, schema, batches)?;
    let names: Vec<_> = columns.keys().map(|name| quote_name(name)).collect();
    Ok(Some(format!(
        "SELECT {}, member AS account, CAST(0 AS BIGINT) AS weight FROM {TABLE}",
        names.join(", ")
    )))
}

/// Columns of events that features may read; `None`: all, because a playbook's own SQL may name any.
fn columns_read(features: &[FeatureDef]) -> Option<BTreeSet<&str>> {
    let mut read = BTreeSet::new();
    for feature in features {
        match &feature.definition {
            Definition::Sql(_) => return None,
            Definition::Aggregate(aggregate) if aggregate.over == Grain::Events => {
                read.extend(aggregate.field.iter().chain(&aggregate.by).map(String::as_str));
                read.insert(key_column(&feature.subject.0));
            }
            _ => {}
        }
    }
    Some(read)
}
