//! Overrides from outside the file: `--set path=value` and `--swap stage=plugin`.

use std::path::Path;

use crate::files::{Joined, ReadFiles, Reader};
use crate::merge;
use crate::problem::{Place, Problem, Sink};
use crate::tree::{self, Node, Table, Value};

/// A change of a playbook from outside its file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Override {
    /// Puts a TOML value at a dotted path; sources and stages go by name:
    /// `stage.value-rfm.settings.quantile_mode`. A value that is no TOML is taken as text.
    Set {
        /// Dotted path; a part with dots stands in double quotes.
        path: String,
        /// TOML value.
        value: String,
    },
    /// Gives a stage another plugin. The stage keeps its name; settings of another plugin are dropped.
    Swap {
        /// Name of the stage.
        stage: String,
        /// Plugin as in `plugin = "..."`.
        plugin: String,
    },
}

/// Reads `top` with everything it stands on, then applies `overrides`.
pub(crate) fn join(
    top: &Path,
    overrides: &[Override],
    files: &dyn ReadFiles,
    sink: &mut Sink,
) -> Joined {
    let folder = top.parent().unwrap_or(Path::new("")).to_owned();
    let name = top.file_name().map_or(top, Path::new);
    let mut reader = Reader::new(files, folder, sink);
    let mut root = reader.top(name);
    for change in overrides {
        reader.apply(&mut root, change);
    }
    reader.joined(root)
}

impl Reader<'_> {
    /// Applies one override to the joined tree.
    fn apply(&mut self, root: &mut Table, change: &Override) {
        match change {
            Override::Set { path, value } => self.set(root, path, value),
            Override::Swap { stage, plugin } => self.swap(root, stage, plugin),
        }
    }

    fn set(&mut self, root: &mut Table, path: &str, value: &str) {
        let name = format!("--set {path}");
        let file = self.register(name, value, Path::new(""));
        let place = Place { file, start: 0, len: value.len() };
        let node = tree::parse_value(value, file, self.sink)
            .unwrap_or_else(|| Node { place, value: Value::Text(value.to_owned()) });
        let Some(parts) = merge::split_path(path) else {
            self.sink.add(
                Problem::new("bad-path", place, format!("`{path}` is no dotted path"))
                    .expected("a path like stage.value-rfm.settings.r_days"),
            );
            return;
        };
        if let Err(part) = merge::set(root, &parts, node) {
            self.sink.add(
                Problem::new("unknown-path", place, format!("there is no `{part}` in `{path}`"))
                    .expected("a dotted path that the playbook has; sources and stages go by name")
                    .nearest(
                        &parts[..parts.len().min(2)].join("."),
                        merge::paths_of(root).iter().map(String::as_str),
                    ),
            );
        }
    }

    fn swap(&mut self, root: &mut Table, stage: &str, plugin: &str) {
        let file = self.register(format!("--swap {stage}"), plugin, Path::new(""));
        let place = Place { file, start: 0, len: plugin.len() };
        let items = match root.get_mut("stage").map(|node| &mut node.value) {
            Some(Value::List(items)) => items.as_mut_slice(),
            _ => &mut [],
        };
        let Some(at) = merge::item_at(items, stage) else {
            let names: Vec<String> =
                items.iter().filter_map(|node| node.table().and_then(merge::entry_name)).collect();
            self.sink.add(
                Problem::new("unknown-stage", place, format!("there is no stage `{stage}`"))
                    .expected(crate::spec::one_of(&names))
                    .nearest(stage, names.iter().map(String::as_str)),
            );
            return;
        };
        if let Value::Table(table) = &mut items[at].value {
            merge::swap_plugin(table, stage, Node { place, value: Value::Text(plugin.to_owned()) });
        }
    }
}
