//! Canonical JSON: sorted keys, no blanks, shortest floats; what digests are taken over.

use serde_json::{Map, Number, Value as Json};

use crate::tree::{Node, Table, Value};

/// Writes `value` with sorted keys, without blanks, each float in its shortest form.
///
/// Two settings that mean the same give the same bytes, whatever their layout was.
#[must_use]
pub fn canonical_json(value: &Json) -> String {
    let mut out = String::new();
    write(value, &mut out);
    out
}

fn write(value: &Json, out: &mut String) {
    match value {
        Json::Object(map) => {
            let mut keys: Vec<&String> = map.keys().collect();
            keys.sort_unstable();
            out.push('{');
            for (at, key) in keys.into_iter().enumerate() {
                if at > 0 {
                    out.push(',');
                }
                out.push_str(&Json::String(key.clone()).to_string());
                out.push(':');
                write(&map[key], out);
            }
            out.push('}');
        }
        Json::Array(items) => {
            out.push('[');
            for (at, item) in items.iter().enumerate() {
                if at > 0 {
                    out.push(',');
                }
                write(item, out);
            }
            out.push(']');
        }
        scalar => out.push_str(&scalar.to_string()),
    }
}

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
