//! Refunds set off against their orders: an order's amounts shrink in the window in which it was placed
//! (domain 0.2), whenever the refund came.
//!
//! Each refund gives one more row of kind `order_paid`, with the order's member, time and places, its amounts below
//! zero whatever sign the source gives them, and weight 0, so that it counts in sums and nowhere else. A refund
//! belongs to the order that `original_order` names, else to that of the same member whose id it bears itself. Without
//! such an order it is set off at its own time. A paid order of less than nothing is a refund without an order.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::compute::{is_null, or};
use arrow::datatypes::Int64Type;
use playbook_cycle::IntakeFinding;
use playbook_features::{Expression, key_column, quote_name};
use playbook_model::{Definition, FeatureDef, Grain, MapType};

use crate::Result;
use crate::findings::finding;
use crate::hashes::{HashedSet, for_each_hash};
use crate::schema::sql_type;
use crate::session::Session;

const STAGE: &str = "refunds";
const TABLE: &str = "refund_rows";
/// Temporary table of refunds and of the orders that have one, for their join.
const BOTH: &str = "refunds_and_orders";
/// Column of both: the key of a paid order, missing for a refund.
const PAID: &str = "\"paid order\"";
/// Column of both: the key of the order that a refund belongs to.
const OF: &str = "\"refunded order\"";
/// Column of correcting rows: whether the refund found no order.
const ALONE: &str = "\"without order\"";
/// Column that numbers refunds and lines of orders with one key, so that each refund is joined with one line.
const NUMBER: &str = "\"line of the order\"";

/// Changes to the events view that make sums net of refunds.
#[derive(Debug, Default)]
pub(crate) struct Corrections {
    /// SQL that selects the correcting rows with the columns of the events view; `None`: there are none.
    pub(crate) rows: Option<String>,
    /// SQL of columns that replace mapped ones, by name.
    pub(crate) replaced: BTreeMap<String, String>,
    /// SQL of the weight of an event.
    pub(crate) weight: Option<String>,
    /// What is told of refunds.
    pub(crate) findings: Vec<IntakeFinding>,
}

/// Works out the corrections, and makes a table of those of refunds; `counted` is SQL of the conditions under which a
/// refund counts.
pub(crate) fn create(
    session: &Session,
    columns: &BTreeMap<String, MapType>,
    counted: &[String],
    features: &[FeatureDef],
    least_amount: Option<i64>,
) -> Result<Corrections> {
    let mut corrections = Corrections::default();
    if !columns.contains_key("amount_minor") {
        return Ok(corrections);
    }
    let link = Link::of(columns);
    let least = match least_amount {
        Some(known) => Some(known),
        None => number(session, "SELECT min(amount_minor) FROM events_mapped")?,
    };
    if least.is_some_and(|least| least < 0) {
        minus_orders(session, columns, &mut corrections)?;
    }
    let of = link.of_refund.as_deref().unwrap_or("CAST(NULL AS VARCHAR)");
    // Keys of the refunded orders. A refund without a key has none to look for.
    let mut orders: HashSet<u64> = HashSet::new();
    if link.of_order.is_some() {
        // Those that do not count are among them: orders that are looked for in vain cost less than their amounts and times.
        let refunds =
            format!("SELECT {of} AS {OF} FROM events_mapped WHERE kind = 'order_refunded'");
        let mut rows = 0;
        for batch in session.collect_selective(STAGE, &refunds)? {
            rows += batch.num_rows();
            for_each_hash(batch.column(0), |_, hash| {
                orders.insert(hash);
            });
        }
        if rows == 0 {
            return Ok(corrections);
        }
    }
    let (projected, selected) = columns_of(columns, features, &link);
    let paid = match &link.of_order {
        Some(key) => format!("CASE WHEN kind = 'order_paid' THEN {key} END"),
        None => "CAST(NULL AS VARCHAR)".to_owned(),
    };
    let is_refund: Vec<&str> = std::iter::once("kind = 'order_refunded'")
        .chain(counted.iter().map(String::as_str))
        .collect();
    let is_refund = is_refund.join(" AND ");
    // The kinds stand by themselves, so that nothing else is decoded of events of other kinds.
    let condition = match &link.of_order {
        Some(key) => format!(
            "kind IN ('order_paid', 'order_refunded') \
             AND (({is_refund}) OR (kind = 'order_paid' AND {key} IS NOT NULL))"
        ),
        None => is_refund,
    };
    // One scan of the events gives refunds and orders. Orders without a refund are filtered out here, by a hash set: a
    // join in the engine would scan the events a second time.
    let both = format!(
        "SELECT {}, {of} AS {OF}, {paid} AS {PAID} FROM events_mapped WHERE {condition}",
        projected.join(", "),
    );
    let refunded = HashedSet::new(orders);
    let rows_of_both = session.pick_selective(STAGE, &both, |batch| {
        let paid = batch.column(batch.num_columns() - 1);
        // A row without a paid order is a refund.
        or(&is_null(paid)?, &refunded.among(paid))
    })?;
    let Some(first) = rows_of_both.first() else { return Ok(corrections) };
    session.add_batches(STAGE, BOTH, first.schema(), rows_of_both)?;
    // Of an order in several lines the dearest one stands for all, so that a refund is set off once.
    let all: Vec<String> = std::iter::once("amount_minor DESC".to_owned())
        .chain(projected.iter().filter(|name| **name != quote_name("amount_minor")).cloned())
        .collect();
    let first_lines = format!(
        "SELECT * FROM (SELECT *, row_number() OVER (PARTITION BY {PAID} ORDER BY {}) AS {NUMBER} \
         FROM {BOTH} WHERE {PAID} IS NOT NULL) WHERE {NUMBER} = 1",
        all.join(", ")
    );
    let joined = format!(
        "(SELECT * FROM {BOTH} WHERE {PAID} IS NULL) r LEFT JOIN ({first_lines}) o ON {}",
        link.condition
    );
    let sql = format!("SELECT {}, o.time IS NULL AS {ALONE} FROM {joined}", selected.join(", "));
    let mut batches: Vec<RecordBatch> = session.collect(STAGE, &sql)?;
    let alone: usize = batches.iter_mut().map(take_alone).sum();
    tell_alone(alone, &mut corrections.findings);
    if link.of_order.is_some() {
        tell_beyond(session, &mut corrections.findings)?;
    }
    session.forget(BOTH)?;
    if batches.iter().all(|batch| batch.num_rows() == 0) {
        return Ok(corrections);
    }
    // Cast to the exact types of the events: the union of other types would convert every event.
    let (schema, batches) = session.as_in("events_mapped", &batches)?;
    session.add_batches(STAGE, TABLE, schema, batches)?;
    let names: Vec<_> = columns.keys().map(|name| quote_name(name)).collect();
    corrections.rows = Some(format!(
        "SELECT {}, member AS account, CAST(0 AS BIGINT) AS weight FROM {TABLE}",
        names.join(", ")
    ));
    Ok(corrections)
}

/// How refunds find their orders.
struct Link {
    /// SQL of the key of an order; `None`: orders have none.
    of_order: Option<String>,
    /// SQL of the key of the order that a refund belongs to.
    of_refund: Option<String>,
    /// SQL condition under which a refund `r` belongs to an order `o`.
    condition: String,
    /// Columns that the condition reads.
    columns: Vec<&'static str>,
}

impl Link {
    fn of(columns: &BTreeMap<String, MapType>) -> Self {
        let mapped = |name: &&'static str| columns.contains_key(*name);
        let order_key = ["event_id", "object"].into_iter().find(|name| mapped(name));
        let named = Some("original_order").filter(mapped).filter(|_| order_key.is_some());
        let own = Some("event_id").filter(mapped);
        let keys: Vec<&'static str> = named.into_iter().chain(own).collect();
        // Where all are integers they are compared as such, else all as texts.
        let is_integer = |name: &&str| columns.get(*name) == Some(&MapType::Integer);
        let integers = keys.iter().chain(&order_key).all(is_integer);
        let key = |name: &str| match integers {
            true => name.to_owned(),
            false => format!("CAST({name} AS VARCHAR)"),
        };
        let of_refund = match keys.as_slice() {
            [] => None,
            [one] => Some(key(one)),
            many => {
                let many: Vec<_> = many.iter().map(|name| key(name)).collect();
                Some(format!("coalesce({})", many.join(", ")))
            }
        };
        // A refund's own id may equal the id of another member's order by chance; a named order is meant.
        let is_named = named.map_or("false".to_owned(), |name| format!("r.{name} IS NOT NULL"));
        Self {
            of_order: order_key.map(key),
            of_refund,
            condition: format!("r.{OF} = o.{PAID} AND ({is_named} OR r.member = o.member)"),
            columns: order_key.into_iter().chain(keys).collect(),
        }
    }
}

/// Columns that are read of refunds and orders, and SQL of each column of a correcting row.
fn columns_of(
    columns: &BTreeMap<String, MapType>,
    features: &[FeatureDef],
    link: &Link,
) -> (Vec<String>, Vec<String>) {
    let (mut projected, mut selected) = (Vec::new(), Vec::new());
    let read = columns_read(columns, features);
    for (name, map_type) in columns {
        let quoted = quote_name(name);
        let is_read = ["member", "time", "kind", "channel", "amount_minor"]
            .contains(&name.as_str())
            || link.columns.contains(&name.as_str())
            || read.as_ref().is_none_or(|read| read.contains(name.as_str()));
        if is_read {
            projected.push(quoted.clone());
        }
        selected.push(match name.as_str() {
            "kind" => "'order_paid' AS kind".to_owned(),
            _ if !is_read => format!("CAST(NULL AS {}) AS {quoted}", sql_type(*map_type)),
            _ if *map_type == MapType::Money => format!("-abs(r.{quoted}) AS {quoted}"),
            _ => {
                format!("CASE WHEN o.time IS NULL THEN r.{quoted} ELSE o.{quoted} END AS {quoted}")
            }
        });
    }
    (projected, selected)
}

/// Makes paid orders below zero corrections, and amounts of refunds positive.
fn minus_orders(
    session: &Session,
    columns: &BTreeMap<String, MapType>,
    corrections: &mut Corrections,
) -> Result<()> {
    let is_minus = "kind = 'order_paid' AND amount_minor < 0";
    let count = format!("SELECT count(*) FROM events_mapped WHERE {is_minus}");
    if let Some(count) = number(session, &count)?.filter(|count| *count > 0) {
        corrections.weight =
            Some(format!("CASE WHEN {is_minus} THEN CAST(0 AS BIGINT) ELSE CAST(1 AS BIGINT) END"));
        corrections.findings.push(finding(
            "minus-orders",
            None,
            count.unsigned_abs(),
            format!(
                "{count} paid orders are below zero: they lower the sums of their own day and count as no order; map them \
                 as `order_refunded` with `original_order` to set them off against their orders"
            ),
            format!("{count} 筆已付訂單金額為負：沖減當日金額，不計為訂單；若對應為 `order_refunded` 並給出 `original_order`，則沖減原訂單"),
        ));
    }
    for (name, _) in columns.iter().filter(|(_, map_type)| **map_type == MapType::Money) {
        let quoted = quote_name(name);
        let positive =
            format!("CASE WHEN kind = 'order_refunded' THEN abs({quoted}) ELSE {quoted} END");
        corrections.replaced.insert(name.clone(), positive);
    }
    Ok(())
}

/// Removes the last column of a batch, the flag [`ALONE`]; returns how many rows have it set.
fn take_alone(batch: &mut RecordBatch) -> usize {
    let flags = batch.remove_column(batch.num_columns() - 1);
    flags.as_boolean().true_count()
}

/// Adds the finding about refunds that find no order.
fn tell_alone(alone: usize, findings: &mut Vec<IntakeFinding>) {
    if alone > 0 {
        findings.push(finding(
            "refunds-without-order",
            None,
            alone as u64,
            format!(
                "{alone} refunds name no order that is among the events: they lower the sums of their own day; map \
                 `original_order` to the id of the order, and read orders far enough back"
            ),
            format!("{alone} 筆退款找不到原訂單：沖減退款當日金額；請把原訂單號對應到 `original_order`，並讀入足夠早的訂單"),
        ));
    }
}

/// Adds the finding about orders of which more was refunded than paid.
fn tell_beyond(session: &Session, findings: &mut Vec<IntakeFinding>) -> Result<()> {
    let beyond = format!(
        "SELECT count(*) FROM (SELECT {OF} AS k, sum(abs(amount_minor)) AS back FROM {BOTH} WHERE {PAID} IS NULL \
         GROUP BY {OF}) r JOIN (SELECT {PAID} AS k, sum(amount_minor) AS paid FROM {BOTH} \
         WHERE {PAID} IS NOT NULL GROUP BY {PAID}) o ON r.k = o.k WHERE back > paid"
    );
    if let Some(count) = number(session, &beyond)?.filter(|count| *count > 0) {
        findings.push(finding(
            "refunds-beyond-order",
            None,
            count.unsigned_abs(),
            format!("{count} orders were refunded more than was paid; their sums are below zero"),
            format!("{count} 筆訂單的退款超過實付金額；其淨額為負"),
        ));
    }
    Ok(())
}

/// The single number that a query returns.
fn number(session: &Session, sql: &str) -> Result<Option<i64>> {
    let batches = session.collect(STAGE, sql)?;
    let first = batches.iter().find(|batch| batch.num_rows() > 0);
    Ok(first
        .map(|batch| batch.column(0).as_primitive::<Int64Type>().clone())
        .and_then(|column| column.is_valid(0).then(|| column.value(0))))
}

/// Columns of events that features may read; `None`: all, because a playbook's own SQL may name any.
fn columns_read<'a>(
    columns: &'a BTreeMap<String, MapType>,
    features: &'a [FeatureDef],
) -> Option<BTreeSet<&'a str>> {
    let mut read = BTreeSet::new();
    for feature in features {
        match &feature.definition {
            Definition::Sql(_) => return None,
            Definition::Aggregate(aggregate) if aggregate.over == Grain::Events => {
                read.extend(aggregate.field.iter().chain(&aggregate.by).map(String::as_str));
                read.insert(key_column(&feature.subject.0));
                // A condition that cannot be read may name any column.
                let condition = aggregate.filter.condition.as_deref().map(Expression::parse);
                match condition.transpose() {
                    Ok(Some(condition)) => {
                        read.extend(
                            columns.keys().map(String::as_str).filter(|name| {
                                condition.names().iter().any(|(read, _)| read == name)
                            }),
                        );
                    }
                    Ok(None) => {}
                    Err(_) => return None,
                }
            }
            _ => {}
        }
    }
    Some(read)
}
