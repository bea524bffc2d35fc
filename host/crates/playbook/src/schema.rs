//! The JSON Schema (2020-12) of a playbook file, for editors that complete and underline.

use serde_json::{Value as Json, json};

use crate::canonical::to_json;
use crate::layout::{EVENT_GROUPS, EVENT_KINDS, FILE, HOST};
use crate::problem::Sink;
use crate::reading::host_tables::{fields, own_prefix, tables};
use crate::spec::{KeySpec, Shape, TableSpec};
use crate::tree;
use crate::values;

/// Returns the JSON Schema of a playbook file.
///
/// It covers keys, types, bounds and formats. Names that refer to other parts of the file, sums and
/// settings of plugins are checked by loading.
#[must_use]
pub fn schema() -> Json {
    let mut file = file_schema(&FILE, "Playbook", "Operations playbook of one brand's community.");
    add_map_fields(file["$defs"].as_object_mut().expect("definitions are an object"));
    // What a file does not say may come from below it, so only a file that stands alone must say all.
    file["if"] =
        json!({ "not": { "anyOf": [{ "required": ["extends"] }, { "required": ["include"] }] } });
    file["then"] = whole_file();
    file
}

/// Returns the JSON Schema of a host's file.
#[must_use]
pub fn host_schema() -> Json {
    let mut file = file_schema(&HOST, "Host", HOST.about);
    for table in all_tables(&HOST).into_iter().filter(|table| !required(table).is_empty()) {
        file["$defs"][table.id]["required"] = required(table).into();
    }
    file
}

fn file_schema(file: &'static TableSpec, title: &str, description: &str) -> Json {
    let tables = all_tables(file).into_iter().filter(|table| table.id != file.id);
    let definitions: serde_json::Map<_, _> =
        tables.map(|table| (table.id.to_owned(), table_schema(table))).collect();
    let mut schema = table_schema(file);
    schema["$schema"] = json!("https://json-schema.org/draft/2020-12/schema");
    schema["title"] = title.into();
    schema["description"] = description.into();
    schema["$defs"] = definitions.into();
    schema
}

/// All tables of a file, the file first, each after the one that holds it.
pub(crate) fn all_tables(file: &'static TableSpec) -> Vec<&'static TableSpec> {
    let mut tables = vec![file];
    let mut at = 0;
    while at < tables.len() {
        for key in tables[at].keys {
            for table in tables_in(&key.shape) {
                if !tables.iter().any(|known| known.id == table.id) {
                    tables.push(table);
                }
            }
        }
        at += 1;
    }
    tables
}

fn tables_in(shape: &'static Shape) -> Vec<&'static TableSpec> {
    match shape {
        Shape::Table(table) => vec![table],
        Shape::List(item, _) => tables_in(item),
        Shape::Map(_, value, _) => tables_in(value),
        Shape::Either(shapes) => shapes.iter().flat_map(tables_in).collect(),
        _ => Vec::new(),
    }
}

fn table_schema(table: &TableSpec) -> Json {
    let properties: serde_json::Map<_, _> =
        table.keys.iter().map(|key| (key.name.to_owned(), key_schema(key))).collect();
    json!({
        "type": "object",
        "description": table.about,
        "properties": properties,
        "additionalProperties": false,
    })
}

fn key_schema(key: &KeySpec) -> Json {
    let mut schema = shape_schema(&key.shape);
    let Some(object) = schema.as_object_mut() else {
        return schema;
    };
    let mut description = key.about.to_owned();
    if !key.unit.is_empty() {
        description.push_str(&format!(" Unit: {}.", key.unit));
    }
    match toml_to_json(key.default) {
        Some(default) => {
            object.insert("default".to_owned(), default);
        }
        None if !key.default.is_empty() => {
            description.push_str(&format!(" Default: {}.", key.default))
        }
        None => {}
    }
    object.insert("description".to_owned(), json!(description));
    if let Some(example) = toml_to_json(key.example) {
        object.insert("examples".to_owned(), json!([example]));
    }
    schema
}

/// Reads a TOML value of the layout; `None` for defaults that are said in words.
pub(crate) fn toml_to_json(text: &str) -> Option<Json> {
    if text.is_empty() {
        return None;
    }
    tree::parse_value(text, 0, &mut Sink::default()).map(|node| to_json(&node))
}

/// One of the known kinds of events, which an editor then offers, or another that the playbook declares.
fn either(kinds: Vec<&str>) -> Json {
    json!({ "anyOf": [{ "enum": kinds }, shape_schema(&Shape::Snake)] })
}

fn shape_schema(shape: &Shape) -> Json {
    let text = |pattern: &str| json!({ "type": "string", "pattern": pattern });
    match shape {
        Shape::Text(chars_max) => json!({ "type": "string", "maxLength": chars_max }),
        Shape::Kebab => text("^[a-z]([a-z0-9-]{0,62}[a-z0-9])?$"),
        Shape::Snake => text("^[a-z]([a-z0-9_]{0,62}[a-z0-9])?$"),
        Shape::Reference => text("^[a-z][a-z0-9_-]*(\\.[a-z0-9_-]+)*$"),
        Shape::Choice(names) => json!({ "enum": names }),
        Shape::Flag => json!({ "type": "boolean" }),
        Shape::Integer(least, most) => match *most {
            i64::MAX => json!({ "type": "integer", "minimum": least }),
            most => json!({ "type": "integer", "minimum": least, "maximum": most }),
        },
        Shape::Real(least, most) => match (*least, *most) {
            (f64::MIN, _) | (_, f64::MAX) => json!({ "type": "number" }),
            (least, most) => json!({ "type": "number", "minimum": least, "maximum": most }),
        },
        Shape::Duration => text("^[0-9]+ *(ms|s|min|h|d|w)$"),
        Shape::Size => {
            json!({ "anyOf": [{ "type": "integer", "minimum": 0 }, text("^[0-9]+ *(B|KiB|MiB|GiB)$")] })
        }
        Shape::Money => text("^[0-9_]+(\\.[0-9]+)?$"),
        Shape::Instant => text("^[0-9]{4}-[0-9]{2}-[0-9]{2}([T ].*)?$"),
        Shape::Words => json!({ "anyOf": [
            { "type": "string", "maxLength": 1_024 },
            {
                "type": "object",
                "properties": {
                    "en": { "type": "string", "maxLength": 1_024 },
                    "zh": { "type": "string", "maxLength": 1_024 },
                },
                "required": ["en"],
                "additionalProperties": false,
            },
        ] }),
        Shape::Currency => json!({ "enum": values::currencies().collect::<Vec<_>>() }),
        Shape::Address => text("^(\\[[0-9a-fA-F:.%]+\\]|[0-9.]+):[0-9]{1,5}$"),
        Shape::Event => either(EVENT_KINDS.to_vec()),
        Shape::Events => {
            let kinds: Vec<&str> = EVENT_GROUPS.iter().chain(EVENT_KINDS).copied().collect();
            json!({ "anyOf": [
                { "enum": kinds },
                text("^[a-z0-9_]+( *, *[a-z0-9_]+)*$"),
                { "type": "array", "items": either(kinds) },
            ] })
        }
        Shape::Any => json!({}),
        Shape::List(item, count_max) => {
            json!({ "type": "array", "items": shape_schema(item), "maxItems": count_max })
        }
        Shape::Map(names, value, count_max) => json!({
            "type": "object",
            "propertyNames": shape_schema(names),
            "additionalProperties": shape_schema(value),
            "maxProperties": count_max,
        }),
        Shape::Table(table) => json!({ "$ref": format!("#/$defs/{}", table.id) }),
        Shape::Either(shapes) => {
            json!({ "anyOf": shapes.iter().map(shape_schema).collect::<Vec<_>>() })
        }
    }
}

/// What a file without `extends` and `include` must say itself.
fn whole_file() -> Json {
    let mut properties = serde_json::Map::new();
    for key in FILE.keys {
        let needed = |table: &TableSpec| json!({ "required": required(table) });
        match &key.shape {
            Shape::Table(table) if !required(table).is_empty() => {
                properties.insert(key.name.to_owned(), needed(table));
            }
            Shape::List(Shape::Table(table), _) if !required(table).is_empty() => {
                properties.insert(key.name.to_owned(), json!({ "items": needed(table) }));
            }
            _ => {}
        }
    }
    json!({ "required": required(&FILE), "properties": properties })
}

fn required(table: &TableSpec) -> Vec<&'static str> {
    table.keys.iter().filter(|key| key.required).map(|key| key.name).collect()
}

/// Adds to sources which fields the mapping of each table may fill.
fn add_map_fields(definitions: &mut serde_json::Map<String, Json>) {
    let rules: Vec<Json> = tables()
        .iter()
        .map(|(name, table)| {
            let names: Vec<&str> = fields(*table).iter().map(|field| field.name).collect();
            let allowed = match own_prefix(*table) {
                Some(prefix) => {
                    json!({ "anyOf": [{ "enum": names }, { "pattern": format!("^{prefix}") }] })
                }
                None => json!({ "enum": names }),
            };
            json!({
                "if": { "properties": { "table": { "const": name } }, "required": ["table"] },
                "then": { "properties": { "map": { "propertyNames": allowed } } },
            })
        })
        .collect();
    if let Some(source) = definitions.get_mut("source").and_then(Json::as_object_mut) {
        source.insert("allOf".to_owned(), Json::Array(rules));
    }
}
