//! From a checked tree to a [`Playbook`]: names resolved, defaults filled in, rules between keys.

mod aggregates;
mod classes;
mod events;
mod features;
mod goals;
mod head;
pub(crate) mod host_tables;
mod law;
mod local;
mod lookups;
mod mapping;
mod money;
mod origin;
mod references;
mod sequences;
mod sources;
mod stages;
mod terms;
mod trade;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use jiff::tz::TimeZone;
use playbook_model::{
    CardDef, CatalogueDef, Digest, FeatureDef, Guardrails, Limits, Playbook, canonical_json,
};

use crate::canonical::table_to_json;
use crate::files::Joined;
use crate::problem::{Place, Problem, Sink, SourceText};
use crate::tree::{Node, Table};

pub(crate) use head::words;

/// What the parts of the reading share.
pub(crate) struct Reading<'a> {
    pub(crate) root: &'a Table,
    /// All texts that the tree was read from.
    pub(crate) texts: &'a [SourceText],
    /// Folder of each source text, relative to the top folder.
    pub(crate) folders: &'a [PathBuf],
    /// Cards that stages took, by the names of the stages.
    pub(crate) cards: &'a BTreeMap<String, CardDef>,
    /// The top folder.
    pub(crate) folder: &'a Path,
    /// What the host lets limits grow to.
    pub(crate) ceiling: &'a Limits,
    pub(crate) sink: &'a mut Sink,
    pub(crate) zone: TimeZone,
    pub(crate) digits: u8,
    /// Kinds of events of the brand's own.
    pub(crate) own_kinds: Vec<events::OwnKind>,
    /// Features, and stages, that something beside the catalogue names.
    pub(crate) named: BTreeSet<String>,
    /// What is known of the catalogue so far.
    pub(crate) catalogue: CatalogueDef,
}

impl Reading<'_> {
    /// What of the catalogue is computed only where somebody asks for it, and for what the file itself asks.
    fn on_demand(&mut self, features: &[FeatureDef]) -> CatalogueDef {
        let stated = self.root.table("features");
        let of_catalogue = |feature: &&FeatureDef| {
            self.root.table("catalogue").is_some()
                && stated.is_none_or(|stated| stated.get(&feature.name).is_none())
        };
        let (catalogue, own): (Vec<&FeatureDef>, Vec<&FeatureDef>) =
            features.iter().partition(of_catalogue);
        let rests = catalogue.into_iter().map(|f| (f.name.clone(), classes::rests_on(f)));
        let rests = rests.map(|(name, below)| (name, below.into_iter().collect())).collect();
        let mut asked = std::mem::take(&mut self.named);
        asked.extend(own.into_iter().flat_map(classes::rests_on));
        CatalogueDef { rests, asked, withheld: std::mem::take(&mut self.catalogue.withheld) }
    }

    fn add(&mut self, problem: Problem) {
        self.sink.add(problem);
    }
}

/// Reads the whole playbook. The result is meaningless where `sink` holds problems.
pub(crate) fn read(joined: &Joined, folder: &Path, ceiling: &Limits, sink: &mut Sink) -> Playbook {
    let Joined { root, sources: texts, folders, cards, .. } = joined;
    let mut reading = Reading {
        root,
        texts,
        folders,
        cards,
        folder,
        ceiling,
        sink,
        zone: TimeZone::UTC,
        digits: 2,
        own_kinds: Vec::new(),
        named: BTreeSet::new(),
        catalogue: CatalogueDef::default(),
    };
    reading.own_kinds = reading.read_own_kinds();
    let head = reading.head();
    let cycle = reading.cycle();
    let mut lookups = reading.lookups();
    let sources = reading.sources();
    lookups::with_columns_read(&mut lookups, &sources);
    let names = references::Names::of(root);
    let features = reading.features(&names, &sources);
    let budget = reading.budget(&names);
    let trade = reading.trade(&names);
    let stages = reading.stages(&names, budget.as_ref(), &trade);
    let sql = reading.sql();
    let law = reading.law(&features);
    let guardrails = Guardrails { law, trade, ..reading.guardrails(&names) };
    reading.age_band(&features);
    reading.guard_features(&features);
    let withheld = classes::withheld(&sources, &features);
    reading.withheld_binds(&withheld);
    let so_far = head::SoFar { budget: budget.as_ref(), stages: &stages, features: &features };
    let outputs = reading.outputs(&names, &so_far);
    let catalogue = reading.on_demand(&features);
    Playbook {
        id: head.id,
        brand: head.brand,
        title: head.title,
        industry: head.industry,
        currency: head.currency,
        currency_digits: reading.digits,
        time_zone: head.time_zone,
        seed: head.seed,
        pseudonym_salt: head.pseudonym_salt,
        cycle,
        sources,
        lookups,
        features,
        stages,
        sql,
        budget,
        guardrails,
        outputs,
        labels: head::labels(root),
        withheld,
        catalogue,
        event_kinds: reading.own_kinds.iter().map(|kind| kind.name.clone()).collect(),
        digest: Digest::of(canonical_json(&table_to_json(root)).as_bytes()),
        folder: folder.to_owned(),
    }
}

/// Texts of a value that is a comma-separated text or a list of texts, each with its place.
pub(crate) fn names_of(node: Option<&Node>) -> Vec<(String, Place)> {
    use crate::tree::Value;
    match node {
        None => Vec::new(),
        Some(Node { value: Value::List(items), .. }) => items
            .iter()
            .filter_map(|item| item.text().map(|text| (text.to_owned(), item.place)))
            .collect(),
        Some(node) => {
            let text = node.text().unwrap_or_default();
            // Inside the quotes every byte stands for itself unless there is an escape.
            let plain = node.place.len == text.len() + 2;
            let mut at = node.place.start + 1;
            let mut names = Vec::new();
            for part in text.split(',') {
                let name = part.trim();
                let lead = part.len() - part.trim_start().len();
                let place = Place { start: at + lead, len: name.len(), ..node.place };
                names.push((name.to_owned(), if plain { place } else { node.place }));
                at += part.len() + 1;
            }
            names
        }
    }
}
