//! A validator for the part of JSON Schema 2020-12 that the playbook's schema uses.
//!
//! It panics at a keyword that it does not know, so that no rule passes unchecked.

use serde_json::{Map, Value};

/// Returns every breach of `schema` by `value`, with its path.
pub(crate) fn errors(schema: &Value, value: &Value) -> Vec<String> {
    let mut found = Vec::new();
    check(schema, schema, value, "", &mut found);
    found
}

fn holds(root: &Value, schema: &Value, value: &Value) -> bool {
    let mut found = Vec::new();
    check(root, schema, value, "", &mut found);
    found.is_empty()
}

fn check(root: &Value, schema: &Value, value: &Value, path: &str, found: &mut Vec<String>) {
    let rules = schema.as_object().expect("a schema is an object");
    for (keyword, rule) in rules {
        let fine = match keyword.as_str() {
            "$schema" | "$defs" | "title" | "description" | "default" | "examples" | "then" => true,
            "additionalProperties" | "properties" | "items" | "$ref" | "allOf" => {
                descend(root, rules, keyword, rule, value, path, found);
                true
            }
            "anyOf" => {
                rule.as_array().expect("a list").iter().any(|schema| holds(root, schema, value))
            }
            "not" => !holds(root, rule, value),
            "if" => {
                if holds(root, rule, value) {
                    check(root, &rules["then"], value, path, found);
                }
                true
            }
            _ => simple(root, keyword, rule, value),
        };
        if !fine {
            found.push(format!("{keyword} at {path}: {value}"));
        }
    }
}

fn simple(root: &Value, keyword: &str, rule: &Value, value: &Value) -> bool {
    let bound = |count: Option<usize>| {
        count.is_none_or(|count| count as u64 <= rule.as_u64().expect("a count"))
    };
    match keyword {
        "type" => match rule.as_str().expect("a name") {
            "object" => value.is_object(),
            "array" => value.is_array(),
            "string" => value.is_string(),
            "boolean" => value.is_boolean(),
            "integer" => value.is_i64(),
            "number" => value.is_number(),
            other => panic!("no type {other}"),
        },
        "enum" => rule.as_array().expect("a list").contains(value),
        "const" => rule == value,
        "pattern" => value.as_str().is_none_or(|text| {
            regex_lite::Regex::new(rule.as_str().expect("a pattern"))
                .expect("it compiles")
                .is_match(text)
        }),
        "minimum" => value.as_f64().is_none_or(|number| number >= rule.as_f64().expect("a number")),
        "maximum" => value.as_f64().is_none_or(|number| number <= rule.as_f64().expect("a number")),
        "maxLength" => bound(value.as_str().map(|text| text.chars().count())),
        "maxItems" => bound(value.as_array().map(Vec::len)),
        "maxProperties" => bound(value.as_object().map(Map::len)),
        "required" => value.as_object().is_none_or(|object| {
            rule.as_array()
                .expect("a list")
                .iter()
                .all(|key| object.contains_key(key.as_str().expect("a key")))
        }),
        "propertyNames" => value.as_object().is_none_or(|object| {
            object.keys().all(|key| holds(root, rule, &Value::String(key.clone())))
        }),
        other => panic!("no keyword {other}"),
    }
}

fn descend(
    root: &Value,
    rules: &Map<String, Value>,
    keyword: &str,
    rule: &Value,
    value: &Value,
    path: &str,
    found: &mut Vec<String>,
) {
    match (keyword, value) {
        ("$ref", _) => {
            let pointer = rule.as_str().expect("a reference").trim_start_matches('#');
            check(root, root.pointer(pointer).expect("it leads somewhere"), value, path, found);
        }
        ("allOf", _) => rule
            .as_array()
            .expect("a list")
            .iter()
            .for_each(|schema| check(root, schema, value, path, found)),
        ("items", Value::Array(items)) => {
            for (at, item) in items.iter().enumerate() {
                check(root, rule, item, &format!("{path}/{at}"), found);
            }
        }
        ("properties", Value::Object(object)) => {
            for (key, schema) in rule.as_object().expect("a table") {
                if let Some(value) = object.get(key) {
                    check(root, schema, value, &format!("{path}/{key}"), found);
                }
            }
        }
        ("additionalProperties", Value::Object(object)) => {
            for (key, value) in object.iter().filter(|(key, _)| {
                rules.get("properties").is_none_or(|known| known.get(key).is_none())
            }) {
                match rule {
                    Value::Bool(false) => found.push(format!("{keyword} at {path}/{key}")),
                    schema => check(root, schema, value, &format!("{path}/{key}"), found),
                }
            }
        }
        _ => {}
    }
}
