//! Loading a playbook: files to tree to checks to [`Playbook`], with places for later reports.

use std::ops::Range;
use std::path::Path;

use playbook_model::{ArtefactRef, Limits, Playbook, canonical_json};

use crate::canonical::to_json;
use crate::files::{Disk, Joined, ReadFiles};
use crate::layout::FILE;
use crate::merge::{self, entry_name, is_path};
use crate::outside;
use crate::overrides::{Override, join};
use crate::problem::{NamedPlugin, Place, Problem, Problems, Sink, SourceText};
use crate::reading;
use crate::structure;
use crate::tree::{Node, Table, Value};
use crate::values;

/// A checked playbook with the texts it came from.
#[derive(Debug, Clone)]
pub struct Loaded {
    /// The playbook.
    pub playbook: Playbook,
    /// All files, the top one first, then one text per override.
    pub sources: Vec<SourceText>,
    root: Table,
    card_files: Range<usize>,
}

impl Loaded {
    /// Returns where a dotted path stands: `stage.value-rfm.settings`, `features.orders_30d`.
    ///
    /// Where the path leads further than the file, the place of the last part that is there.
    #[must_use]
    pub fn place(&self, path: &str) -> Option<Place> {
        let parts = merge::split_path(path)?;
        let (first, rest) = parts.split_first()?;
        let mut node = self.root.get(first)?;
        for part in rest {
            match step(node, part) {
                Some(next) => node = next,
                None => break,
            }
        }
        Some(node.place)
    }

    /// Whether a place is in the file of a card.
    #[must_use]
    pub fn is_in_card(&self, place: Place) -> bool {
        self.card_files.contains(&place.file)
    }

    /// Returns what the table at a dotted path says: the path of each entry, and its value as JSON.
    #[must_use]
    pub fn said(&self, path: &str) -> Vec<(String, String)> {
        let node = merge::split_path(path).and_then(|parts| {
            let (first, rest) = parts.split_first()?;
            rest.iter().try_fold(self.root.get(first)?, |node, part| step(node, part))
        });
        let entries = node.and_then(Node::table).map(|table| table.entries.as_slice());
        let said = entries
            .unwrap_or_default()
            .iter()
            .map(|entry| (format!("{path}.{}", entry.key), canonical_json(&to_json(&entry.node))));
        said.collect()
    }

    /// Returns where `bytes` of the text at a dotted path stand; the whole text where it is written with escapes.
    #[must_use]
    pub fn place_inside(&self, path: &str, bytes: Range<usize>) -> Option<Place> {
        let parts = merge::split_path(path)?;
        let (first, rest) = parts.split_first()?;
        let node = rest.iter().try_fold(self.root.get(first)?, |node, part| step(node, part))?;
        Some(node.inside(&self.sources, bytes))
    }

    /// Returns where a JSON Pointer into the settings of a stage stands; "" is the whole.
    ///
    /// Where the pointer leads to something that the file does not say, the place of what is around it;
    /// where the stage has no settings, the place of its plugin.
    #[must_use]
    pub fn settings_place(&self, stage: &str, pointer: &str) -> Option<Place> {
        let items = self.root.list("stage");
        let table = items.get(merge::item_at(items, stage)?)?.table()?;
        let Some(mut node) = table.get("settings") else {
            return table.get("plugin").map(|node| node.place);
        };
        for part in pointer.split('/').skip(1) {
            match step(node, &part.replace("~1", "/").replace("~0", "~")) {
                Some(next) => node = next,
                None => break,
            }
        }
        Some(node.place)
    }

    /// Returns where the settings of a stage name `wanted`: as a value, as a key, or by the longest key that is a part of
    /// it, as `like` is of `daily_like_30d`.
    #[must_use]
    pub fn place_in_settings(&self, stage: &str, wanted: &str) -> Option<SettingPlace> {
        let items = self.root.list("stage");
        let settings = items.get(merge::item_at(items, stage)?)?.table()?.get("settings")?;
        let mut found: Option<(usize, SettingPlace)> = None;
        find_in(settings, wanted, &mut |rank, place| {
            if found.is_none_or(|(best, _)| rank > best) {
                found = Some((rank, place));
            }
        });
        found.map(|(_, place)| place)
    }

    /// The plugins that stages name.
    #[must_use]
    pub fn plugins(&self) -> Vec<NamedPlugin> {
        named_plugins(&self.root)
    }

    /// Turns what plugins found wrong with their settings into problems of the file.
    ///
    /// Each entry is the name of a stage and what its plugin said.
    #[must_use]
    pub fn settings_problems(&self, found: &[(String, playbook_model::Problem)]) -> Problems {
        let mut sink = Sink::default();
        for (stage, problem) in found {
            let place = self.settings_place(stage, &problem.path);
            let key = if problem.path.is_empty() {
                String::new()
            } else {
                format!(" `{}`", problem.path)
            };
            let message = format!("stage `{stage}`, setting{key}: {}", problem.message);
            let hint = problem.hint.clone();
            sink.add(Problem {
                hint,
                place,
                ..Problem::new("bad-setting", Place::default(), message)
            });
        }
        sink.into_problems(self.sources.clone())
    }

    /// Wraps a problem that a later step found, such as a need that nothing fills.
    #[must_use]
    pub fn problems(&self, problems: Vec<Problem>) -> Problems {
        let mut sink = Sink::default();
        problems.into_iter().for_each(|problem| sink.add(problem));
        Problems { plugins: self.plugins(), ..sink.into_problems(self.sources.clone()) }
    }
}

/// Where settings name something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SettingPlace {
    /// A text that is it.
    Value(Place),
    /// A key that is it, or a part of it.
    Key(Place),
}

/// Calls `take` with every place at which a setting names `wanted`, and how well: a whole value best, then longer keys.
fn find_in(node: &Node, wanted: &str, take: &mut impl FnMut(usize, SettingPlace)) {
    match &node.value {
        Value::Text(text) if text == wanted => take(usize::MAX, SettingPlace::Value(node.place)),
        Value::List(items) => items.iter().for_each(|item| find_in(item, wanted, take)),
        Value::Table(table) => {
            for entry in &table.entries {
                if is_part(&entry.key, wanted) {
                    take(entry.key.len(), SettingPlace::Key(entry.key_place));
                }
                find_in(&entry.node, wanted, take);
            }
        }
        _ => {}
    }
}

/// Whether a key is some of the words of a name.
fn is_part(key: &str, name: &str) -> bool {
    let ends = |text: Option<char>| text.is_none_or(|c| !c.is_alphanumeric());
    !key.is_empty()
        && name.match_indices(key).any(|(at, _)| {
            ends(name[..at].chars().next_back()) && ends(name[at + key.len()..].chars().next())
        })
}

/// The plugins that stages name in a way that can be read.
fn named_plugins(root: &Table) -> Vec<NamedPlugin> {
    let of = |stage: &Table| {
        let node = stage.get("plugin")?;
        let (name, version, place) = match &node.value {
            Value::Text(text) if !is_path(text) && !ArtefactRef::is_meant(text) => {
                let (name, version) = text.split_once('@').unwrap_or((text, "*"));
                (name, version, node.place)
            }
            Value::Table(table) => {
                let version = table.get("version");
                let place = version.or_else(|| table.get("name"))?.place;
                (table.text("name")?, version.map_or(Some("*"), Node::text)?, place)
            }
            _ => return None,
        };
        let can_be_read = values::is_kebab(name) && semver::VersionReq::parse(version).is_ok();
        can_be_read.then(|| NamedPlugin {
            stage: entry_name(stage).unwrap_or_default(),
            name: name.to_owned(),
            version: version.to_owned(),
            place,
        })
    };
    root.list("stage").iter().filter_map(Node::table).filter_map(of).collect()
}

fn step<'a>(node: &'a Node, part: &str) -> Option<&'a Node> {
    match &node.value {
        Value::Table(table) => table.get(part),
        Value::List(items) => merge::item_at(items, part).map(|at| &items[at]),
        _ => None,
    }
}

/// Loads a playbook from the disk.
///
/// # Errors
/// Every problem of the file and of those it stands on.
pub fn load(path: &Path) -> Result<Loaded, Problems> {
    load_with(path, &[], &Limits::ceiling(), &Disk)
}

/// Loads a playbook with overrides, under the limits of a host, from any reader of files.
///
/// # Errors
/// Every problem of the files and overrides. A file that is too large, nested too deeply or stands on
/// itself is refused before its content is looked at.
pub fn load_with(
    path: &Path,
    overrides: &[Override],
    ceiling: &Limits,
    files: &dyn ReadFiles,
) -> Result<Loaded, Problems> {
    let mut sink = Sink::default();
    let joined = join(path, overrides, files, &mut sink);
    let folder = path.parent().unwrap_or(Path::new(""));
    let from_here = sink.problems.len();
    structure::check_table(&joined.root, &FILE, Place::default(), &mut sink);
    if !files.may_name_files() {
        outside::check(&joined.root, &mut sink);
    }
    if !joined.sound {
        keep_what_stands_alone(&mut sink, from_here, &joined.sources);
    }
    let plugins = || named_plugins(&joined.root);
    if !joined.sound || sink.bounds_broken() {
        return Err(Problems { plugins: plugins(), ..sink.into_problems(joined.sources) });
    }
    let playbook = reading::read(&joined, folder, ceiling, &mut sink);
    if !sink.problems.is_empty() || sink.more > 0 {
        return Err(Problems { plugins: plugins(), ..sink.into_problems(joined.sources) });
    }
    let Joined { sources, root, card_files, .. } = joined;
    Ok(Loaded { playbook, sources, root, card_files })
}

/// After a syntax error, drops problems that it may have caused itself: what seems to be missing, and
/// what stands on the same line.
pub(crate) fn keep_what_stands_alone(sink: &mut Sink, from: usize, sources: &[SourceText]) {
    let later = sink.problems.split_off(from.min(sink.problems.len()));
    let line = |place: Place| {
        sources.get(place.file).map(|source| (place.file, source.line_column(place.start).0))
    };
    let broken: Vec<_> =
        sink.problems.iter().filter_map(|problem| problem.place.and_then(line)).collect();
    for problem in later {
        let near = problem.place.and_then(line).is_some_and(|line| broken.contains(&line));
        if !near && !structure::OF_ABSENCE.contains(&problem.code) {
            sink.add(problem);
        }
    }
}
