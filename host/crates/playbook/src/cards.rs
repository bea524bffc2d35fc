//! Cards: settings files beside an engine, which stages take by name and change where they want to.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use playbook_model::CardDef;

use crate::canonical::to_json;
use crate::files::Reader;
use crate::layout::CARD_FILE;
use crate::merge::{entry_name, merge_stage_or_source};
use crate::problem::{Place, Problem};
use crate::reading::words;
use crate::shipped::{CARDS, shipped_files};
use crate::structure;
use crate::tree::{self, Node, Table, Value};

/// What a card that travels with the program says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CardFacts {
    /// The card.
    pub card: CardDef,
    /// Kind of the stages that take it.
    pub kind: String,
    /// Its engine, as a playbook would name it.
    pub engine: String,
    /// Its settings.
    pub settings: serde_json::Value,
    /// The whole file.
    pub text: &'static str,
}

/// The cards that travel with the program, in order of their names.
#[must_use]
pub fn card_facts() -> Vec<CardFacts> {
    shipped_files("card").filter_map(|(_, text)| facts(text)).collect()
}

fn facts(text: &'static str) -> Option<CardFacts> {
    let mut sink = crate::problem::Sink::default();
    let (table, _) = tree::parse(text, 0, &mut 0, &mut sink);
    let stage = table.table("stage")?;
    let (kind, engine) = (stage.text("kind")?.to_owned(), stage.text("plugin")?.to_owned());
    let settings = stage.get("settings").map_or_else(|| serde_json::json!({}), to_json);
    Some(CardFacts { card: card_def(&table)?, kind, engine, settings, text })
}

fn card_def(file: &Table) -> Option<CardDef> {
    let card = file.table("card")?;
    let text = |key: &str| card.text(key).unwrap_or_default().to_owned();
    let summary = card.get("summary").map(words).unwrap_or_default();
    Some(CardDef { name: text("name"), version: text("version"), model: text("model"), summary })
}

impl Reader<'_> {
    /// Lays every stage that takes a card over what the card says. The cards by the names of their stages.
    pub(crate) fn take_cards(&mut self, root: &mut Table) -> BTreeMap<String, CardDef> {
        let mut cards = BTreeMap::new();
        let Some(Node { value: Value::List(items), .. }) = root.get_mut("stage") else {
            return cards;
        };
        for item in items {
            let Value::Table(stage) = &mut item.value else { continue };
            let Some(card) = stage.get("card") else { continue };
            let place = card.place;
            let Some(text) = card.text().map(str::to_owned) else { continue };
            if let Some(plugin) = stage.entry("plugin") {
                let conflict = Problem::new(
                    "conflicting-keys",
                    plugin.key_place,
                    "`card` and `plugin` exclude each other: a card names its plugin",
                );
                self.sink.add(conflict.expected("one of them").related(place, "the card"));
                continue;
            }
            let taken = self
                .card(&text, place)
                .and_then(|file| Some((card_def(&file)?, file.table("stage")?.clone())));
            let Some((def, mut below)) = taken else { continue };
            // Where the brand's file says that it takes the card, not where the card names its engine.
            below.get_mut("plugin").into_iter().for_each(|plugin| plugin.place = place);
            merge_stage_or_source(&mut below, std::mem::take(stage));
            cards.insert(entry_name(&below).unwrap_or_default(), def);
            *stage = below;
        }
        cards
    }

    /// A card's file, checked.
    fn card(&mut self, text: &str, place: Place) -> Option<Table> {
        let is_file = text.contains('/') || Path::new(text).extension().is_some();
        let path = if is_file {
            let folder = self.folder_of(place);
            self.allowed(&folder.join("card"), text, place)?
        } else {
            // Among the files of a run or a version it may be one that this program no longer has.
            let name = format!("{CARDS}{text}");
            if self.files.shipped(&name).is_err() {
                self.sink.add_with(|| {
                    Problem::new("unknown-card", place, format!("there is no card `{text}`"))
                        .expected(
                            "the name of a card, or the path of its file, which ends in .toml",
                        )
                        .nearest(text, shipped_files("card").map(|(name, _)| name))
                });
                return None;
            }
            PathBuf::from(name)
        };
        let own = self.text(&path, Some(place))?;
        let before = self.sink.problems.len();
        let (table, sound) = self.parse(&own);
        let whole = Place { file: self.last_file(), ..Place::default() };
        structure::check_table(&table, &CARD_FILE, whole, self.sink);
        (sound && self.sink.problems.len() == before).then_some(table)
    }
}
