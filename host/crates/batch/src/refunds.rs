//! Refunds set off against their orders: an order's amounts shrink in the window in which it was placed
//! (domain 0.2), whenever the refund came.
//!
//! Each refund gives one more row of kind `order_paid`, with the order's member, time and places, the amounts
//! negated and weight 0, so that it counts in sums and nowhere else. A refund whose order is unknown is set off
//! at its own time.

use std::collections::BTreeMap;

use arrow::array::RecordBatch;
use datafusion::datasource::MemTable;
use playbook_features::quote_name;
use playbook_model::UnixMs;
use playbook_toml::MapType;

use crate::Result;
use crate::error::engine;
use crate::session::Session;

const STAGE: &str = "refunds";
const TABLE: &str = "refund_rows";

/// Creates the table of correcting rows; returns SQL that selects them with the columns of the events view,
/// or `None` where there is no refund.
pub(crate) fn create(
    session: &Session,
    columns: &BTreeMap<String, MapType>,
    member: &str,
    as_of: UnixMs,
) -> Result<Option<String>> {
    let order_key = ["event_id", "object"].into_iter().find(|name| columns.contains_key(*name));
    let amounts: Vec<_> =
        columns.iter().filter(|(_, map_type)| **map_type == MapType::Money).collect();
    let Some(order_key) = order_key else { return Ok(None) };
    if amounts.is_empty() || !columns.contains_key("original_order") {
        return Ok(None);
    }
    let mut selected = Vec::new();
    for (name, map_type) in columns {
        let quoted = quote_name(name);
        selected.push(match name.as_str() {
            "kind" => "'order_paid' AS kind".to_owned(),
            _ if *map_type == MapType::Money => format!("-r.{quoted} AS {quoted}"),
            _ => format!("CASE WHEN o.time IS NULL THEN r.{quoted} ELSE o.{quoted} END AS {quoted}"),
        });
    }
    let amount = quote_name(amounts[0].0);
    let text = |column: &str| format!("CAST({column} AS VARCHAR)");
    let sql = format!(
        "SELECT {} FROM (SELECT * FROM events_mapped WHERE kind = 'order_refunded' \
         AND {amount} IS NOT NULL AND time < {}) r LEFT JOIN \
         (SELECT * FROM events_mapped WHERE kind = 'order_paid' AND {order_key} IS NOT NULL) o \
         ON {} = {}",
        selected.join(", "),
        as_of.0,
        text("r.original_order"),
        text(&format!("o.{order_key}")),
    );
    let batches: Vec<RecordBatch> = session.collect(STAGE, &sql)?;
    if batches.iter().all(|batch| batch.num_rows() == 0) {
        return Ok(None);
    }
    let table = MemTable::try_new(batches[0].schema(), vec![batches]).map_err(engine(STAGE))?;
    let context = &session.context;
    context.register_table(TABLE, std::sync::Arc::new(table)).map_err(engine(STAGE))?;
    let mut names: Vec<_> =
        columns.keys().filter(|name| *name != "member").map(|name| quote_name(name)).collect();
    names.push(format!("{member} AS member"));
    names.push("member AS account".to_owned());
    Ok(Some(format!("SELECT {}, CAST(0 AS BIGINT) AS weight FROM {TABLE}", names.join(", "))))
}
