//! A playbook's tables as JSON, of which digests are taken.

use serde_json::{Map, Number, Value as Json};

use crate::tree::{Node, Table, Value};

/// Turns a tree into JSON; dates become texts, -0.0 becomes 0.0.
pub(crate) fn to_json(node: &Node) -> Json {
    match &node.value {
        Value::Text(text) | Value::Time(text) => Json::String(text.clone()),
        Value::Integer(number) => Json::from(*number),
        // Adding 0.0 takes the sign off a negative zero.
        Value::Real(number) => Number::from_f64(*number + 0.0).map_or(Json::Null, Json::Number),
        Value::Flag(flag) => Json::Bool(*flag),
        Value::List(items) => Json::Array(items.iter().map(to_json).collect()),
        Value::Table(table) => table_to_json(table),
        Value::Unreadable => Json::Null,
    }
}

pub(crate) fn table_to_json(table: &Table) -> Json {
    let mut entries: Vec<_> = table.entries.iter().collect();
    entries.sort_by(|a, b| a.key.cmp(&b.key));
    Json::Object(
        entries
            .into_iter()
            .map(|entry| (entry.key.clone(), to_json(&entry.node)))
            .collect::<Map<_, _>>(),
    )
}
