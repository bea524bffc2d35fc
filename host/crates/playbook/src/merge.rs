//! Laying one tree over another: `extends`, `include`, `remove`, `--set`, `--swap`.

use std::collections::BTreeMap;

use playbook_model::ArtefactRef;

use crate::tree::{Entry, Node, Table, Value};

/// Paths that a nearest name is looked for among.
const NEAREST_PATHS_MAX: usize = 2_000;

/// Lists of tables that merge by name.
const NAMED_LISTS: [&str; 3] = ["source", "lookup", "stage"];

/// Tables whose values are replaced as wholes.
const STATED_WHOLE: [&str; 3] = ["features", "catalogue", "map"];

/// Lays `over` on `base`: tables merge key by key, named lists by name, all else is replaced.
pub(crate) fn lay_over(base: &mut Table, over: Table) {
    for entry in over.entries {
        let named = NAMED_LISTS.contains(&entry.key.as_str());
        match (base.get_mut(&entry.key), entry) {
            (
                Some(Node { value: Value::List(under), .. }),
                Entry { node: Node { value: Value::List(items), .. }, .. },
            ) if named => {
                lay_list_over(under, items);
            }
            (Some(below), entry) => lay_entry_over(below, entry),
            (None, entry) => base.put(entry),
        }
    }
}

fn lay_entry_over(below: &mut Node, entry: Entry) {
    match (&mut below.value, entry.node.value) {
        (Value::Table(below_table), Value::Table(table)) => {
            below.place = entry.node.place;
            // Half of an old feature or mapping row under a new one would say what nobody wrote.
            let whole = STATED_WHOLE.contains(&entry.key.as_str());
            for entry in table.entries {
                match below_table.get_mut(&entry.key) {
                    Some(node) if !whole => lay_entry_over(node, entry),
                    _ => below_table.put(entry),
                }
            }
        }
        (_, value) => *below = Node { place: entry.node.place, value },
    }
}

fn lay_list_over(under: &mut Vec<Node>, items: Vec<Node>) {
    // Only what stood below is matched, so that a name that one file uses twice is still seen as such.
    let mut below = BTreeMap::new();
    for (at, node) in under.iter().enumerate() {
        if let Some(name) = node.table().and_then(entry_name) {
            below.entry(name).or_insert(at);
        }
    }
    for mut item in items {
        let at = item.table().and_then(entry_name).and_then(|name| below.get(&name).copied());
        match (at, &mut item.value) {
            (Some(at), Value::Table(table)) => {
                let table = std::mem::take(table);
                if let Value::Table(below) = &mut under[at].value {
                    drop_what_another_had(below, &table);
                    merge_stage_or_source(below, table);
                }
                under[at].place = item.place;
            }
            _ => under.push(item),
        }
    }
}

pub(crate) fn merge_stage_or_source(below: &mut Table, over: Table) {
    for entry in over.entries {
        match below.get_mut(&entry.key) {
            Some(node) if !["plugin", "card"].contains(&entry.key.as_str()) => {
                lay_entry_over(node, entry);
            }
            _ => below.put(entry),
        }
    }
}

/// A stage that gets another plugin, or another card, keeps nothing that was meant for the one before.
fn drop_what_another_had(below: &mut Table, over: &Table) {
    let is_other = |key: &str, name: fn(&Table) -> Option<String>| {
        over.get(key).is_some() && name(over) != name(below)
    };
    let (plugin, card) = (is_other("plugin", plugin_name), is_other("card", card_name));
    if plugin || card {
        below.remove("settings");
        below.remove(if card { "plugin" } else { "card" });
    }
}

/// Name of the card that a stage refers to; of a file the stem of its name.
pub(crate) fn card_name(stage: &Table) -> Option<String> {
    let stem = std::path::Path::new(stage.text("card")?).file_stem()?.to_str()?;
    Some(stem.replace('_', "-"))
}

/// Name of a source or stage: as written, else the card's, else the plugin's.
pub(crate) fn entry_name(table: &Table) -> Option<String> {
    let named = table.text("name").map(str::to_owned);
    named.or_else(|| card_name(table)).or_else(|| plugin_name(table))
}

/// Name of the plugin that a stage refers to; for a component file the stem of its name, for an artefact the last part of its
/// repository.
pub(crate) fn plugin_name(stage: &Table) -> Option<String> {
    let plugin = stage.get("plugin")?;
    let (name, path) = match &plugin.value {
        Value::Text(text) if ArtefactRef::is_meant(text) => {
            let repository = ArtefactRef::parse(text).ok()?.repository;
            let name = repository.rsplit('/').next().unwrap_or_default();
            return Some(name.replace(['_', '.'], "-"));
        }
        Value::Text(text) if is_path(text) => (None, Some(text.as_str())),
        Value::Text(text) => (Some(text.split('@').next().unwrap_or(text)), None),
        Value::Table(table) => (table.text("name"), table.text("path")),
        _ => (None, None),
    };
    name.map(str::to_owned).or_else(|| {
        let stem = std::path::Path::new(path?).file_stem()?.to_str()?;
        Some(stem.replace('_', "-"))
    })
}

/// Whether a plugin reference in short form is a component file.
pub(crate) fn is_path(text: &str) -> bool {
    let is_component = std::path::Path::new(text).extension().is_some_and(|end| end == "wasm");
    !ArtefactRef::is_meant(text) && (text.contains('/') || is_component)
}

/// Splits a dotted path; a part in double quotes may hold dots.
pub(crate) fn split_path(path: &str) -> Option<Vec<String>> {
    let mut parts = Vec::new();
    let mut part = String::new();
    let mut quoted = false;
    for c in path.chars() {
        match c {
            '"' => quoted = !quoted,
            '.' if !quoted => parts.push(std::mem::take(&mut part)),
            c => part.push(c),
        }
    }
    parts.push(part);
    (!quoted && parts.iter().all(|part| !part.is_empty())).then_some(parts)
}

/// Returns the item of a list that `part` names: by name, else by position.
pub(crate) fn item_at(items: &[Node], part: &str) -> Option<usize> {
    let named = |node: &Node| node.table().and_then(entry_name).is_some_and(|name| name == part);
    items.iter().position(named).or_else(|| part.parse().ok().filter(|at| *at < items.len()))
}

/// Takes what `path` names out of `root`; whether it was there.
pub(crate) fn remove(root: &mut Table, path: &[String]) -> bool {
    let Some((last, parents)) = path.split_last() else {
        return false;
    };
    let mut holder: Option<&mut Node> = None;
    for (depth, part) in parents.iter().enumerate() {
        let next = if depth == 0 {
            root.get_mut(part)
        } else {
            holder.and_then(|node| step_mut(node, part))
        };
        let Some(next) = next else { return false };
        holder = Some(next);
    }
    match holder.map(|node| &mut node.value) {
        None => root.remove(last).is_some(),
        Some(Value::Table(table)) => table.remove(last).is_some(),
        Some(Value::List(items)) => match item_at(items, last) {
            Some(at) => {
                items.remove(at);
                true
            }
            None => false,
        },
        Some(_) => false,
    }
}

fn step_mut<'a>(node: &'a mut Node, part: &str) -> Option<&'a mut Node> {
    match &mut node.value {
        Value::Table(table) => table.get_mut(part),
        Value::List(items) => item_at(items, part).map(|at| &mut items[at]),
        _ => None,
    }
}

/// Puts `node` at `path`, making tables on the way; an error names the part that is not there.
pub(crate) fn set(root: &mut Table, path: &[String], node: Node) -> Result<(), String> {
    let Some((first, rest)) = path.split_first() else {
        return Err(String::new());
    };
    if rest.is_empty() {
        root.put(Entry { key: first.clone(), key_place: node.place, node });
        return Ok(());
    }
    if root.get(first).is_none() {
        let value = Value::Table(Table::default());
        root.put(Entry {
            key: first.clone(),
            key_place: node.place,
            node: Node { place: node.place, value },
        });
    }
    let below = root.get_mut(first).expect("the entry was put");
    match &mut below.value {
        Value::Table(table) => set(table, rest, node),
        Value::List(items) => {
            let Some(at) = item_at(items, &rest[0]) else {
                return Err(rest[0].clone());
            };
            match (&mut items[at].value, rest.len()) {
                (_, 1) => {
                    items[at] = node;
                    Ok(())
                }
                (Value::Table(table), _) => set(table, &rest[1..], node),
                _ => Err(rest[1].clone()),
            }
        }
        _ => Err(rest[0].clone()),
    }
}

/// Gives a stage another plugin under the name that it has; settings of another plugin go.
pub(crate) fn swap_plugin(stage: &mut Table, name: &str, plugin: Node) {
    let place = plugin.place;
    let mut over = Table::default();
    over.put(Entry { key: "plugin".to_owned(), key_place: place, node: plugin });
    // A card's engine may be swapped for another version of it, under the card's settings.
    drop_what_another_had(stage, &over);
    if stage.get("name").is_none() {
        let node = Node { place, value: Value::Text(name.to_owned()) };
        over.put(Entry { key: "name".to_owned(), key_place: place, node });
    }
    merge_stage_or_source(stage, over);
}

/// Paths of everything down to the entries of stages, for the nearest name.
pub(crate) fn paths_of(root: &Table) -> Vec<String> {
    let mut paths = Vec::new();
    for entry in root.entries.iter().take(64) {
        paths.push(entry.key.clone());
        let names: Vec<String> = match &entry.node.value {
            Value::Table(table) => table.entries.iter().map(|entry| entry.key.clone()).collect(),
            Value::List(items) => {
                items.iter().filter_map(|node| node.table().and_then(entry_name)).collect()
            }
            _ => Vec::new(),
        };
        let room = NEAREST_PATHS_MAX.saturating_sub(paths.len());
        paths.extend(names.iter().take(room).map(|name| format!("{}.{name}", entry.key)));
    }
    paths
}
