//! Numbers by member against SQL, the other implementation of every aggregate.

use playbook_batch::{Aggregation, BatchSource};
use playbook_cycle::DataSource;
use playbook_model::{
    Aggregate, CellType, Definition, FeatureDef, MapType, Playbook, SourceTable, UnixMs,
};

use crate::world::{self, Draws, Folder, events, feature, map, plain, source};

const DAY: i64 = 86_400_000;
/// More than two shards.
const MEMBERS: u64 = 42_000;

/// Events with refunds, late rows, several accounts of one person, missing values; and the keys of accounts.
fn files() -> (String, String) {
    let kinds = ["order_paid", "order_refunded", "like", "join", "order_paid"];
    let channels = ["web", "app", "shop", ""];
    let mut draws = Draws(5);
    let mut text = "event_id,member,kind,time,channel,amount,mood,of,topic,severity\n".to_owned();
    for id in 0..200_000_u64 {
        let member = draws.below(MEMBERS);
        let kind = kinds[draws.below(5) as usize];
        let (month, day, hour) = (1 + draws.below(3), 1 + draws.below(28), draws.below(24));
        let channel = channels[draws.below(4) as usize];
        let cents = draws.below(100_000);
        let amount = if draws.below(5) == 0 {
            String::new()
        } else {
            format!("{}.{:02}", cents / 100, cents % 100)
        };
        let mood = if draws.below(4) == 0 {
            String::new()
        } else {
            format!("{}.{:06}", draws.below(3) as i64 - 1, draws.below(1_000_000))
        };
        let of = if draws.below(3) == 0 { String::new() } else { draws.below(id + 1).to_string() };
        let topic =
            if draws.below(8) == 0 { String::new() } else { format!("t{}", draws.below(6)) };
        let severity = draws.below(4);
        text.push_str(&format!("{id},{member},{kind},2026-{month:02}-{day:02}T{hour:02}:30,{channel},{amount},{mood},{of},{topic},{severity}\n"));
    }
    let mut keys = "member,kind,hash,verified\n".to_owned();
    for account in (0..MEMBERS).step_by(9) {
        keys.push_str(&format!(
            "{account},email,{},yes\n{},email,{},yes\n",
            account / 9,
            (account + 17) % MEMBERS,
            account / 9
        ));
    }
    (text, keys)
}

/// Every aggregate over every field it takes, in windows, with kinds and channels, whole and split.
fn features() -> Vec<FeatureDef> {
    let mut features = Vec::new();
    let shapes: [(Option<i64>, i64, &[&str], &[&str], Option<&str>); 7] = [
        (None, 0, &[], &[], None),
        (Some(40), 10, &["order_paid"], &[], None),
        (Some(70), 0, &["like", "order_paid"], &["web", "app"], None),
        (Some(30), 0, &["order_paid"], &[], Some("channel")),
        (None, 5, &[], &["web"], Some("topic")),
        (Some(60), 0, &["order_paid"], &[], Some("severity")),
        (Some(50), 0, &["like", "order_paid"], &[], Some("weekday")),
    ];
    for (name, function) in Aggregate::ALL {
        for field in [None, Some("amount_minor"), Some("sentiment"), Some("topic")] {
            let sums = matches!(function, Aggregate::Sum | Aggregate::Mean | Aggregate::RepeatSum);
            let picks = matches!(
                function,
                Aggregate::Min | Aggregate::Max | Aggregate::First | Aggregate::Last
            );
            if field.is_some()
                != (function.needs_field()
                    || (function == Aggregate::Count && field == Some("topic")))
                || (field == Some("topic") && sums)
            {
                continue;
            }
            for (at, (from, to, kinds, channels, by)) in shapes.iter().enumerate() {
                let mut definition = plain(function, field);
                definition.window.from_ms = from.map(|days| days * DAY);
                definition.window.to_ms = to * DAY;
                definition.cap = (function == Aggregate::CappedCount).then_some(2);
                definition.filter.kinds = kinds.iter().map(|k| (*k).to_owned()).collect();
                definition.filter.channels = channels.iter().map(|c| (*c).to_owned()).collect();
                definition.by = by.map(str::to_owned);
                let is_real = field == Some("sentiment") && (sums || picks);
                let cell_type = if is_real {
                    CellType::Real
                } else if picks && field == Some("topic") {
                    [CellType::Category, CellType::Text][at % 2]
                } else {
                    playbook_model::default_cell_type(function)
                };
                let name = format!("{name}_{}_{at}", field.unwrap_or("rows")).replace('-', "_");
                features.push(feature(
                    &name,
                    "member",
                    cell_type,
                    Definition::Aggregate(definition),
                ));
            }
        }
    }
    features
}

fn playbook() -> Playbook {
    let mut playbook = world::playbook("America/New_York");
    let more = [
        ("event_id", "event_id", MapType::Integer),
        ("channel", "channel", MapType::Text),
        ("amount", "amount_minor", MapType::Money),
        ("mood", "sentiment", MapType::Real),
        ("of", "original_order", MapType::Integer),
        ("topic", "topic", MapType::Text),
        ("severity", "severity", MapType::Integer),
    ];
    let mut identities = source("keys", SourceTable::Identities, "keys.csv");
    identities.mapping = vec![
        map("member", "member", MapType::Text),
        map("kind", "key_kind", MapType::Text),
        map("hash", "key_hash", MapType::Text),
        map("verified", "verified", MapType::Flag),
    ];
    playbook.sources = vec![events("events.csv", &more), identities];
    playbook.features = features();
    playbook.cycle.as_of = Some(UnixMs(1_774_800_000_000)); // 2026-03-30
    playbook
}

#[test]
fn numbers_and_sql_agree_for_every_aggregate() {
    let (events, keys) = files();
    let folder = Folder::new(&[("events.csv", &events), ("keys.csv", &keys)]);
    let frame = |aggregation| {
        let mut options = folder.options();
        options.aggregation = aggregation;
        let mut source = BatchSource::open(&playbook(), options).unwrap();
        assert!(source.intake().accounts_merged > 1_000);
        source.members().unwrap()
    };
    let (numbers, sql) = (frame(Aggregation::Numbers), frame(Aggregation::Sql));
    assert!(numbers.rows() > 32_768 && numbers.columns().len() > 200, "{}", numbers.rows());
    let names = |frame: &playbook_model::Frame| -> Vec<String> {
        frame.columns().iter().map(|column| column.name.clone()).collect()
    };
    assert_eq!(names(&numbers), names(&sql));
    for (ours, theirs) in numbers.columns().iter().zip(sql.columns()) {
        let wrong = (0..numbers.rows()).find(|row| {
            (ours.integer(*row), ours.real(*row), ours.text(*row))
                != (theirs.integer(*row), theirs.real(*row), theirs.text(*row))
        });
        if let Some(row) = wrong {
            panic!("{} row {row}: {:?} and {:?}", ours.name, ours.real(row), theirs.real(row));
        }
    }
}
