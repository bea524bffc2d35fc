//! The reference page of the file's layout, written from the same description as the checks.

use crate::codes::CODES;
use crate::files::{EXTENDS_DEPTH_MAX, FILE_BYTES_MAX, FILES_BYTES_MAX, FILES_MAX};
use crate::layout::{
    EVENT_KINDS, FEATURES_MAX, FILE, HOST, INTERACTION_KINDS, SOURCES_MAX, STAGES_MAX,
};
use crate::reading::host_tables::{closed_values, fields, tables, type_name};
use crate::schema::all_tables;
use crate::spec::{KeySpec, Shape, TableSpec};
use crate::tree::{DEPTH_MAX, KEY_BYTES_MAX, VALUES_MAX};

/// Returns the reference page as Markdown: every table and key with type, unit, default and example.
#[must_use]
pub fn reference() -> String {
    let mut out = include_str!("reference_head.md").to_owned();
    out.push_str(&tables_of(&FILE));
    out.push_str(&host_tables());
    out.push_str(&events());
    out.push_str(&bounds());
    out.push_str(&codes());
    out
}

/// Returns the reference page of a host's file as Markdown.
#[must_use]
pub fn host_reference() -> String {
    format!("{}{}", include_str!("host_reference_head.md"), tables_of(&HOST).trim_end()) + "\n"
}

/// Every key of a file, a table for each of its tables.
fn tables_of(file: &'static TableSpec) -> String {
    let mut out = String::new();
    for table in all_tables(file) {
        let title = if table.id == file.id { "Top of the file" } else { table.title };
        out.push_str(&format!("## {title}\n\n{}\n\n", table.about));
        out.push_str("| key | type | default | example | what it says |\n|---|---|---|---|---|\n");
        for key in table.keys {
            out.push_str(&row(key));
        }
        out.push('\n');
    }
    out
}

fn row(key: &KeySpec) -> String {
    let mut kind = type_words(&key.shape);
    if !key.unit.is_empty() && key.unit != "share" {
        kind.push_str(&format!(", unit {}", key.unit));
    }
    let default = match (key.required, key.default) {
        (true, _) => "must be given".to_owned(),
        (false, "") => "none".to_owned(),
        (false, words) if crate::schema::toml_to_json(words).is_some() => format!("`{words}`"),
        (false, words) => words.to_owned(),
    };
    let cell = |text: &str| text.replace('|', "\\|");
    format!(
        "| `{}` | {} | {} | `{}` | {} |\n",
        key.name,
        cell(&kind),
        cell(&default),
        cell(key.example),
        cell(key.about)
    )
}

fn type_words(shape: &Shape) -> String {
    match shape {
        Shape::Text(_) => "text".to_owned(),
        Shape::Kebab | Shape::Snake => "name".to_owned(),
        Shape::Reference => "reference".to_owned(),
        Shape::Choice(names) => {
            names.iter().map(|name| format!("`\"{name}\"`")).collect::<Vec<_>>().join(" or ")
        }
        Shape::Flag => "true or false".to_owned(),
        Shape::Integer(_, i64::MAX) => "whole number".to_owned(),
        Shape::Integer(least, most) => format!("whole number, {least} to {most}"),
        Shape::Real(least, most) => match (*least, *most) {
            (f64::MIN, _) | (_, f64::MAX) => "number".to_owned(),
            (0.0, 1.0) => "share".to_owned(),
            (least, most) => format!("number, {least} to {most}"),
        },
        Shape::Duration => "length of time".to_owned(),
        Shape::Size => "size".to_owned(),
        Shape::Money => "money".to_owned(),
        Shape::Instant => "date or time".to_owned(),
        Shape::Words => "words".to_owned(),
        Shape::Currency => "currency".to_owned(),
        Shape::Address => "address with port".to_owned(),
        Shape::Event => "kind of event".to_owned(),
        Shape::Events => "kinds of events".to_owned(),
        Shape::Any => "any value".to_owned(),
        Shape::List(Shape::Table(_), count_max) => format!("tables, at most {count_max}"),
        Shape::List(item, count_max) => {
            format!("list of {}, at most {count_max}", type_words(item))
        }
        Shape::Map(_, value, count_max) => {
            format!("table of names with {}, at most {count_max}", type_words(value))
        }
        Shape::Table(table) => format!("table, see {}", table.title),
        Shape::Either(shapes) => shapes.iter().map(type_words).collect::<Vec<_>>().join(", or "),
    }
}

fn host_tables() -> String {
    let mut out = "## Fields of the host's tables\n\nWhat `[source.map]` may fill, with the type that the short form takes. \
                   Fields in bold must be mapped; an events source needs `kind` or the key `event`. Times may carry an offset; \
                   without one they are meant in the brand's time zone.\n\n| table | field | type | values |\n|---|---|---|---|\n"
        .to_owned();
    for (name, table) in tables() {
        for field in fields(*table) {
            let marked = if field.required {
                format!("**`{}`**", field.name)
            } else {
                format!("`{}`", field.name)
            };
            let values = match closed_values(*table, field.name) {
                Some(values) if values == EVENT_KINDS => "kinds of events, below".to_owned(),
                Some(values) => {
                    values.iter().map(|value| format!("`{value}`")).collect::<Vec<_>>().join(", ")
                }
                None => String::new(),
            };
            out.push_str(&format!(
                "| {name} | {marked} | {} | {values} |\n",
                type_name(field.map_type)
            ));
        }
        if let Some(prefix) = crate::reading::host_tables::own_prefix(*table) {
            out.push_str(&format!(
                "| {name} | `{prefix}*` | any, text by default | fields of the brand's own |\n"
            ));
        }
    }
    out.push('\n');
    out
}

fn events() -> String {
    let list = |kinds: &[&str]| {
        kinds.iter().map(|kind| format!("`{kind}`")).collect::<Vec<_>>().join(", ")
    };
    format!(
        "## Kinds of events\n\n{}.\n\nGroups: `interaction` stands for {}; `active` for an interaction or `order_paid`; `any` for all kinds.\n\nA playbook declares kinds of its own in the table `[events]`, and says there what they count as.\n\n",
        list(EVENT_KINDS),
        list(INTERACTION_KINDS),
    )
}

fn bounds() -> String {
    format!(
        "## Bounds of a file\n\n| what | at most |\n|---|---|\n\
         | bytes of one file | {FILE_BYTES_MAX} |\n| bytes of all files | {FILES_BYTES_MAX} |\n| files | {FILES_MAX} |\n\
         | files that stand on each other | {EXTENDS_DEPTH_MAX} |\n| levels of tables and lists | {DEPTH_MAX} |\n\
         | values in all files | {VALUES_MAX} |\n| bytes of a key | {KEY_BYTES_MAX} |\n| sources | {SOURCES_MAX} |\n\
         | features | {FEATURES_MAX} |\n| stages | {STAGES_MAX} |\n\n"
    )
}

fn codes() -> String {
    let mut out = "## Codes of problems\n\nEach problem carries one of these codes, so that scripts can tell them apart.\n\n\
                   | code | what it says |\n|---|---|\n"
        .to_owned();
    for (code, words) in CODES {
        out.push_str(&format!("| `{code}` | {words} |\n"));
    }
    out
}
