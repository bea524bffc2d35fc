//! Values as cells of a table and as JSON.

use std::fs;
use std::path::Path;

use playbook_files::FileError;
use playbook_model::{Cells, Column, Words};
use serde_json::{Value, json};

use crate::Result;

/// A cell as text; empty where missing.
pub(crate) fn shown(column: &Column, row: usize) -> String {
    if !column.is_valid(row) {
        return String::new();
    }
    match &column.cells {
        Cells::Real(v) => v[row].to_string(),
        Cells::Integer(v) => v[row].to_string(),
        Cells::Small(v) => v[row].to_string(),
        Cells::Category { .. } | Cells::Text(_) => column.text(row).unwrap_or("").to_owned(),
    }
}

pub(crate) fn cell(column: &Column, row: usize) -> Value {
    if !column.is_valid(row) {
        return Value::Null;
    }
    match &column.cells {
        Cells::Real(v) => json!(v[row]),
        Cells::Integer(v) => json!(v[row]),
        Cells::Small(v) => json!(v[row]),
        Cells::Category { .. } | Cells::Text(_) => json!(column.text(row)),
    }
}

/// A text in its languages.
#[must_use]
pub fn words_json(words: &Words) -> Value {
    match &words.zh {
        Some(zh) => json!({ "en": words.en, "zh": zh }),
        None => json!({ "en": words.en }),
    }
}

/// Writes JSON with sorted keys and a final newline.
pub(crate) fn write_json(path: &Path, value: &Value) -> Result<()> {
    let mut text = serde_json::to_string_pretty(value).expect("a value is JSON");
    text.push('\n');
    Ok(fs::write(path, text).map_err(FileError::of("write", path))?)
}
