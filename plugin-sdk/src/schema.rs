//! Holds settings against their JSON Schema, so that every problem shows at once and not only the first.
//!
//! It knows what schemars writes for settings: types, ranges, lengths, names, nested structs, lists
//! and maps. What it does not know it lets pass; the author's struct has the last word.

use serde_json::{Map, Value};

use crate::problem::Problems;
use crate::settings::escaped;

/// Depth of nested settings that is looked at; JSON itself is bounded to 128.
const DEPTH_MAX: usize = 64;

/// Returns the problems of `value` under `schema`.
pub(crate) fn check(schema: &Value, value: &Value) -> Problems {
    let mut problems = Problems::new();
    Walk { root: schema }.any(
        schema,
        value,
        &Place { path: String::new(), depth: 0 },
        &mut problems,
    );
    problems
}

/// Where the walk is.
struct Place {
    path: String,
    depth: usize,
}

impl Place {
    fn step(&self, key: &str) -> Self {
        Self { path: format!("{}/{}", self.path, escaped(key)), depth: self.depth + 1 }
    }
}

struct Walk<'s> {
    root: &'s Value,
}

impl Walk<'_> {
    fn any(&self, schema: &Value, value: &Value, at: &Place, problems: &mut Problems) {
        let Some(schema) = schema.as_object() else { return };
        if at.depth > DEPTH_MAX {
            return;
        }
        if let Some(target) = schema.get("$ref").and_then(|r| self.target(r)) {
            self.any(
                target,
                value,
                &Place { path: at.path.clone(), depth: at.depth + 1 },
                problems,
            );
        }
        for alternatives in ["anyOf", "oneOf"].iter().filter_map(|word| schema.get(*word)) {
            self.one_of(alternatives, value, at, problems);
        }
        for part in schema.get("allOf").and_then(Value::as_array).into_iter().flatten() {
            self.any(part, value, at, problems);
        }
        if !is_of_type(schema.get("type"), value) {
            let wanted = type_words(schema.get("type"));
            let added = problems.at(&at.path, format!("must be {wanted}, is {}", kind_of(value)));
            if let Some(default) = schema.get("default") {
                added.hint(format!("the default is {default}"));
            }
            return;
        }
        named(schema, value, at, problems);
        match value {
            Value::Number(_) => range(schema, value, at, problems),
            Value::String(text) => {
                length(
                    schema,
                    ["minLength", "maxLength"],
                    text.chars().count(),
                    "letters",
                    at,
                    problems,
                );
            }
            Value::Array(list) => self.list(schema, list, at, problems),
            Value::Object(map) => self.map(schema, map, at, problems),
            Value::Null | Value::Bool(_) => {}
        }
    }

    fn target(&self, reference: &Value) -> Option<&Value> {
        self.root.pointer(reference.as_str()?.strip_prefix('#')?)
    }

    /// One alternative must fit; where none does, the problems of the nearest one are told.
    fn one_of(&self, alternatives: &Value, value: &Value, at: &Place, problems: &mut Problems) {
        let Some(alternatives) = alternatives.as_array() else { return };
        let names: Vec<&Value> = alternatives.iter().filter_map(|a| a.get("const")).collect();
        if names.len() == alternatives.len() && !names.is_empty() {
            if !names.contains(&value) {
                not_named(&names, value, at, problems);
            }
            return;
        }
        let mut nearest: Option<Problems> = None;
        for alternative in alternatives {
            let mut found = Problems::new();
            self.any(alternative, value, at, &mut found);
            if found.is_empty() {
                return;
            }
            // A fault deeper inside tells more than "is of another type".
            let depth = |p: &Problems| p.list().iter().map(|one| one.path.len()).max();
            if nearest.as_ref().is_none_or(|best| depth(&found) > depth(best)) {
                nearest = Some(found);
            }
        }
        problems.extend(nearest.unwrap_or_default());
    }

    fn list(
        &self,
        schema: &Map<String, Value>,
        list: &[Value],
        at: &Place,
        problems: &mut Problems,
    ) {
        length(schema, ["minItems", "maxItems"], list.len(), "entries", at, problems);
        let first = schema.get("prefixItems").and_then(Value::as_array);
        for (i, value) in list.iter().enumerate() {
            let own = first.and_then(|first| first.get(i));
            if let Some(items) = own.or_else(|| schema.get("items")) {
                self.any(items, value, &at.step(&i.to_string()), problems);
            }
        }
    }

    fn map(
        &self,
        schema: &Map<String, Value>,
        map: &Map<String, Value>,
        at: &Place,
        problems: &mut Problems,
    ) {
        let empty = Map::new();
        let known = schema.get("properties").and_then(Value::as_object).unwrap_or(&empty);
        let others = schema.get("additionalProperties");
        for (key, value) in map {
            match (known.get(key), others) {
                (Some(property), _) => self.any(property, value, &at.step(key), problems),
                (None, Some(Value::Bool(false))) => unknown(key, known, at, problems),
                (None, Some(other)) => self.any(other, value, &at.step(key), problems),
                (None, None) => {}
            }
        }
        let required = schema.get("required").and_then(Value::as_array).into_iter().flatten();
        for key in required.filter_map(Value::as_str).filter(|key| !map.contains_key(*key)) {
            problems.at(&at.path, format!("`{key}` is missing"));
        }
    }
}

fn unknown(key: &str, known: &Map<String, Value>, at: &Place, problems: &mut Problems) {
    let nearest = known.keys().min_by_key(|name| strsim::osa_distance(name, key));
    let added = problems.at(&at.step(key).path, format!("unknown key `{key}`"));
    match nearest {
        Some(name) if strsim::osa_distance(name, key) <= 1 + key.len() / 3 => {
            added.hint(format!("did you mean `{name}`?"));
        }
        _ => {
            let names: Vec<&str> = known.keys().map(String::as_str).collect();
            added.hint(format!("known keys: {}", names.join(", ")));
        }
    }
}

fn is_of_type(wanted: Option<&Value>, value: &Value) -> bool {
    let fits = |name: &str| match name {
        "null" => value.is_null(),
        "boolean" => value.is_boolean(),
        "integer" => value.is_i64() || value.is_u64(),
        "number" => value.is_number(),
        "string" => value.is_string(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        _ => true,
    };
    match wanted {
        Some(Value::String(name)) => fits(name),
        Some(Value::Array(names)) => names.iter().filter_map(Value::as_str).any(fits),
        _ => true,
    }
}

fn type_words(wanted: Option<&Value>) -> String {
    let word = |name: &str| match name {
        "null" => "nothing",
        "boolean" => "true or false",
        "integer" => "an integer",
        "number" => "a number",
        "string" => "a text",
        "array" => "a list",
        "object" => "a table",
        _ => "something else",
    };
    match wanted {
        Some(Value::String(name)) => word(name).to_owned(),
        Some(Value::Array(names)) => {
            names.iter().filter_map(Value::as_str).map(word).collect::<Vec<_>>().join(" or ")
        }
        _ => "something else".to_owned(),
    }
}

fn kind_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "nothing",
        Value::Bool(_) => "true or false",
        Value::Number(number) if number.is_f64() => "a number with a fraction",
        Value::Number(_) => "an integer",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "a table",
    }
}

fn named(schema: &Map<String, Value>, value: &Value, at: &Place, problems: &mut Problems) {
    if let Some(names) = schema.get("enum").and_then(Value::as_array) {
        if !names.contains(value) {
            not_named(&names.iter().collect::<Vec<_>>(), value, at, problems);
        }
    } else if let Some(name) = schema.get("const").filter(|name| *name != value) {
        not_named(&[name], value, at, problems);
    }
}

fn not_named(names: &[&Value], value: &Value, at: &Place, problems: &mut Problems) {
    let list: Vec<String> = names.iter().map(ToString::to_string).collect();
    let added = problems.at(&at.path, format!("must be one of {}, is {value}", list.join(", ")));
    let near = value.as_str().and_then(|text| {
        let names = names.iter().filter_map(|name| name.as_str());
        let near = names.min_by_key(|name| strsim::osa_distance(name, text))?;
        (strsim::osa_distance(near, text) <= 1 + text.len() / 3).then_some(near)
    });
    if let Some(near) = near {
        added.hint(format!("did you mean \"{near}\"?"));
    }
}

fn range(schema: &Map<String, Value>, value: &Value, at: &Place, problems: &mut Problems) {
    let Some(number) = value.as_f64() else { return };
    let bound = |word: &str| schema.get(word).and_then(|bound| Some((bound.as_f64()?, bound)));
    let faults = [
        bound("minimum").filter(|b| number < b.0).map(|b| ("at least", b.1)),
        bound("maximum").filter(|b| number > b.0).map(|b| ("at most", b.1)),
        bound("exclusiveMinimum").filter(|b| number <= b.0).map(|b| ("more than", b.1)),
        bound("exclusiveMaximum").filter(|b| number >= b.0).map(|b| ("less than", b.1)),
    ];
    for (words, bound) in faults.into_iter().flatten() {
        problems.at(&at.path, format!("must be {words} {bound}, is {value}"));
    }
}

fn length(
    schema: &Map<String, Value>,
    [least, most]: [&str; 2],
    len: usize,
    what: &str,
    at: &Place,
    problems: &mut Problems,
) {
    let bound = |word: &str| schema.get(word).and_then(Value::as_u64);
    let (least, most) = (bound(least), bound(most));
    let len = len as u64;
    if least.is_some_and(|least| len < least) || most.is_some_and(|most| len > most) {
        let wanted = match (least, most) {
            (Some(least), Some(most)) if least == most => format!("exactly {least}"),
            (Some(least), Some(most)) => format!("{least} to {most}"),
            (Some(least), None) => format!("at least {least}"),
            (None, most) => format!("at most {}", most.unwrap_or_default()),
        };
        problems.at(&at.path, format!("must have {wanted} {what}, has {len}"));
    }
}
