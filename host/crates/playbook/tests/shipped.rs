//! What travels with the program: presets, the catalogue of features, cards.

#![allow(clippy::unwrap_used, reason = "tests")]

use std::collections::BTreeSet;
use std::io;
use std::path::Path;

use playbook_model::{Definition, Limits};
use playbook_toml::{
    ReadFiles, card_facts, load_with, ship, shipped, shipped_files, standard_catalogue,
};

fn with_library() {
    ship(playbook_library::FILES);
}

/// One file.
#[derive(Debug)]
struct One(String);

impl ReadFiles for One {
    fn read(&self, _: &Path, _: usize) -> io::Result<Vec<u8>> {
        Ok(self.0.clone().into_bytes())
    }
}

#[test]
fn every_feature_of_the_catalogue_can_be_had_and_says_what_it_is() {
    with_library();
    let features = standard_catalogue();
    assert!(features.len() > 100, "{}", features.len());
    let text = shipped("catalogue:standard").unwrap();
    let stated = text.lines().filter(|line| line.contains(" = { ") && !line.starts_with('#'));
    let names: BTreeSet<&str> = stated.map(|line| line.split(' ').next().unwrap()).collect();
    let had: BTreeSet<&str> = features.iter().map(|(feature, _)| feature.name.as_str()).collect();
    // What needs a stage is not there without one.
    let of_stages: BTreeSet<&str> = ["revenue_by_tier"].into();
    assert_eq!(names.difference(&had).copied().collect::<BTreeSet<_>>(), of_stages);
}

#[test]
fn queries_of_the_catalogue_name_the_kinds_of_a_group() {
    with_library();
    let features = standard_catalogue();
    let of = |name: &str| {
        let found = features.iter().find(|(feature, _)| feature.name == name);
        &found.unwrap().0.definition
    };
    let kinds = |name: &str| {
        let Definition::Aggregate(counted) = of(name) else { panic!("{name} is counted") };
        let mut kinds = counted.filter.kinds.clone();
        kinds.sort();
        kinds
    };
    let (active, interaction) = (kinds("active_days_30d"), kinds("interactions_30d"));
    for (names, wanted) in [
        (["active_d1", "active_d7", "active_d30", "active_half_year"].as_slice(), active),
        (&["activity_month_1", "activity_month_2", "activity_month_3"], interaction),
    ] {
        for name in names {
            let Definition::Sql(sql) = of(name) else { panic!("{name} is a query") };
            let list = sql.split_once("kind in (").unwrap().1.split_once(')').unwrap().0;
            let mut named: Vec<&str> =
                list.split(", ").map(|kind| kind.trim_matches('\'')).collect();
            named.sort_unstable();
            assert_eq!(named, wanted, "{name}");
        }
    }
}

#[test]
fn every_card_is_named_as_its_file_and_no_two_alike() {
    with_library();
    let cards = card_facts();
    let files: Vec<&str> = shipped_files("card").map(|(name, _)| name).collect();
    let names: Vec<&str> = cards.iter().map(|facts| facts.card.name.as_str()).collect();
    assert_eq!(files, names);
    let plugins = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../plugins");
    for facts in &cards {
        let name = &facts.card.name;
        let stage = format!("{HEAD}\n[[stage]]\ncard = \"{name}\"\n");
        let loaded = load_with(Path::new("p.toml"), &[], &Limits::ceiling(), &One(stage));
        let loaded = loaded.unwrap_or_else(|problems| panic!("{}", problems.render()));
        assert_eq!(loaded.playbook.stages[0].card.as_ref(), Some(&facts.card));
        assert!(!plugins.join(name).exists(), "`{name}` is a plugin as well");
        let engine = facts.engine.split('@').next().unwrap();
        assert!(plugins.join(engine).is_dir(), "`{name}` is of no engine of this repository");
        assert!(facts.card.summary.zh.is_some(), "`{name}` has no Chinese summary");
    }
}

const HEAD: &str = r#"
playbook = { id = "all", brand = "all", currency = "CNY", time_zone = "UTC" }
budget = { total = "1000.00" }

[[source]]
name = "events"
table = "events"
path = "events.csv"
map = { member = "member", kind = "kind", time = "time" }
"#;
