//! The ready-made playbooks load, and say what they seem to say.
#![allow(clippy::unwrap_used, reason = "tests")]

use std::path::PathBuf;

use playbook_model::{Aggregate, Dedupe, Definition, Kind, MapType, Minor, SourceFormat, UnixMs};
use playbook_toml::load;

fn folder() -> PathBuf {
    playbook_toml::ship(playbook_library::FILES);
    std::env::current_dir().unwrap().join("../../../playbooks")
}

#[test]
fn every_ready_made_playbook_loads() {
    let mut count = 0;
    for entry in std::fs::read_dir(folder()).expect("the folder is there") {
        let path = entry.expect("an entry").path();
        let is_playbook = path.extension().is_some_and(|ending| ending == "toml");
        if is_playbook && !path.ends_with("Cargo.toml") {
            if let Err(problems) = load(&path) {
                panic!("{}\n{}", path.display(), problems.render());
            }
            count += 1;
        }
    }
    assert!(count > 0, "there is at least one playbook");
}

#[test]
fn the_cd_shop_reads_the_published_file_as_it_is() {
    let loaded = load(&folder().join("cd-shop.toml"))
        .unwrap_or_else(|problems| panic!("{}", problems.render()));
    let playbook = &loaded.playbook;
    assert_eq!(playbook.currency_digits, 2);
    // Midnight in New York, daylight saving: 04:00 in UTC.
    assert_eq!(playbook.cycle.as_of, Some(UnixMs(899_265_600_000)));
    let orders = &playbook.sources[0];
    assert_eq!(orders.format, SourceFormat::Whitespace { header: true });
    assert_eq!(orders.dedupe, Dedupe::None);
    // The first line of the published file names its columns.
    assert!(orders.columns.is_empty());
    let amount = orders.mapping.iter().find(|row| row.to == "amount_minor").expect("mapped");
    assert_eq!((amount.map_type, amount.factor), (MapType::Money, 1.0));
    let spend = playbook.features.iter().find(|f| f.name == "spend_365d_minor").expect("declared");
    assert_eq!(spend.unit, "minor");
    let Definition::Aggregate(aggregate) = &spend.definition else { panic!("an aggregate") };
    assert_eq!(aggregate.function, Aggregate::Sum);
    assert_eq!(aggregate.window.from_ms, Some(365 * 86_400_000));
    assert_eq!(aggregate.filter.kinds, ["order_paid"]);
    let spending =
        playbook.stages.iter().find(|stage| stage.kind == Kind::Incentive).expect("declared");
    assert_eq!(spending.pool.as_deref(), Some("daily"));
    assert_eq!(playbook.budget.as_ref().map(|budget| budget.total), Some(Minor(5_000_000)));
}
