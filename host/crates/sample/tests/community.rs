//! Samples are reproducible, their truth shows in their data, and CSV says what Parquet says.
#![allow(clippy::unwrap_used, reason = "tests")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::num::NonZero;
use std::path::Path;

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::{DataType, Float64Type, Int32Type, Int64Type};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use playbook_model::Digest;
use playbook_sample::{Counts, Format, SampleError, SampleSpec, Summary, write_sample};

const DAY_MS: i64 = 86_400_000;
/// 2026-07-01T00:00 in UTC+8.
const AS_OF_MS: i64 = 1_782_835_200_000;
const INTERACTIONS: [&str; 14] = [
    "sign_in",
    "like",
    "comment",
    "share",
    "post",
    "topic_join",
    "vote",
    "answer",
    "live_interact",
    "task_done",
    "survey",
    "feedback",
    "review",
    "cocreate_submit",
];

fn sample(out: &Path, members: u64, seed: u64, format: Format, threads: usize) -> Summary {
    let spec = SampleSpec { members, seed, format, threads: NonZero::new(threads) };
    write_sample(&spec, out, &mut |_| {}).unwrap()
}

fn parquet(path: &Path) -> Vec<RecordBatch> {
    let reader = ParquetRecordBatchReaderBuilder::try_new(File::open(path).unwrap()).unwrap();
    reader.build().unwrap().map(Result::unwrap).collect()
}

/// Every cell as CSV would write it.
fn cells(batch: &RecordBatch) -> Vec<Vec<String>> {
    let columns: Vec<Vec<String>> =
        batch
            .columns()
            .iter()
            .map(|column| {
                (0..batch.num_rows())
                    .map(|row| {
                        if column.is_null(row) { String::new() } else { cell(column.as_ref(), row) }
                    })
                    .collect()
            })
            .collect();
    (0..batch.num_rows()).map(|row| columns.iter().map(|c| c[row].clone()).collect()).collect()
}

fn cell(column: &dyn Array, row: usize) -> String {
    match column.data_type() {
        DataType::Int64 => column.as_primitive::<Int64Type>().value(row).to_string(),
        DataType::Float64 => column.as_primitive::<Float64Type>().value(row).to_string(),
        DataType::Boolean => column.as_boolean().value(row).to_string(),
        DataType::Utf8 => column.as_string::<i32>().value(row).to_owned(),
        DataType::Dictionary(..) => {
            let codes = column.as_dictionary::<Int32Type>();
            let names = codes.values().as_string::<i32>();
            names.value(usize::try_from(codes.keys().value(row)).unwrap()).to_owned()
        }
        other => panic!("{other}"),
    }
}

fn rows(path: &Path) -> Vec<BTreeMap<String, String>> {
    let mut rows = Vec::new();
    for batch in parquet(path) {
        let names: Vec<String> = batch.schema().fields().iter().map(|f| f.name().clone()).collect();
        rows.extend(cells(&batch).into_iter().map(|row| names.iter().cloned().zip(row).collect()));
    }
    rows
}

#[test]
fn the_same_seed_gives_the_same_bytes_on_any_number_of_threads() {
    let folder = tempfile::tempdir().unwrap();
    let (one, many) = (folder.path().join("one"), folder.path().join("many"));
    let first = sample(&one, 34_000, 5, Format::Parquet, 1);
    let second = sample(&many, 34_000, 5, Format::Parquet, 3);
    assert_eq!(first.counts, second.counts);
    assert_eq!(first.files.len(), 8);
    for (a, b) in first.files.iter().zip(&second.files) {
        assert!(fs::read(a).unwrap() == fs::read(b).unwrap(), "{} differs", a.display());
    }
    let other = sample(&folder.path().join("other"), 1_000, 6, Format::Parquet, 1);
    let same = sample(&folder.path().join("same"), 1_000, 5, Format::Parquet, 1);
    assert_ne!(other.counts, same.counts, "another seed is another community");
}

/// Logarithms are those of the system's library, whose last bit may be another elsewhere.
#[cfg(all(target_os = "linux", target_env = "gnu", target_arch = "x86_64"))]
#[test]
fn a_seed_gives_the_bytes_that_it_gave_to_earlier_releases() {
    let folder = tempfile::tempdir().unwrap();
    let files = sample(folder.path(), 1_000, 5, Format::Csv, 2).files;
    let bytes: Vec<u8> = files.iter().flat_map(|file| fs::read(file).unwrap()).collect();
    assert_eq!(
        Digest::of(&bytes).hex(),
        "e17e95f41fbb0d3ada294adeb34200e2429bb73ef0cf9aa96b4ad9e4ace6c59f"
    );
}

#[test]
fn more_members_leave_the_first_ones_as_they_are() {
    let folder = tempfile::tempdir().unwrap();
    let (small, large) = (folder.path().join("small"), folder.path().join("large"));
    sample(&small, 1_000, 5, Format::Csv, 1);
    sample(&large, 3_000, 5, Format::Csv, 1);
    for file in ["members.csv", "events.csv", "consents.csv"] {
        let few = fs::read_to_string(small.join(file)).unwrap();
        let many = fs::read_to_string(large.join(file)).unwrap();
        assert!(many.starts_with(&few), "{file}");
    }
}

#[test]
fn csv_holds_cell_by_cell_what_parquet_holds() {
    let folder = tempfile::tempdir().unwrap();
    let (csv, binary) = (folder.path().join("csv"), folder.path().join("parquet"));
    sample(&csv, 2_000, 9, Format::Csv, 2);
    sample(&binary, 2_000, 9, Format::Parquet, 2);
    for name in ["members", "events", "identities", "consents", "costs", "entries", "truth"] {
        let text = fs::read_to_string(csv.join(format!("{name}.csv"))).unwrap();
        let mut lines = text.lines();
        let batches = parquet(&binary.join(format!("{name}.parquet")));
        let header: Vec<String> =
            batches[0].schema().fields().iter().map(|f| f.name().clone()).collect();
        assert_eq!(lines.next().unwrap(), header.join(","), "{name}");
        let mut count = 0;
        for row in batches.iter().flat_map(cells) {
            assert_eq!(lines.next(), Some(row.join(",").as_str()), "{name}");
            count += 1;
        }
        assert_eq!(lines.next(), None, "{name}");
        assert!(count > 0, "{name}");
    }
    let truth = |folder: &Path| fs::read(folder.join("truth.json")).unwrap();
    assert_eq!(truth(&csv), truth(&binary));
}

#[test]
fn events_tell_the_tiers_orders_and_refunds_that_the_truth_states() {
    let folder = tempfile::tempdir().unwrap();
    let counts = sample(folder.path(), 5_000, 3, Format::Parquet, 2).counts;
    let mut recent: BTreeMap<String, i64> = BTreeMap::new();
    let (mut orders, mut spend, mut refunds) = (BTreeMap::<String, i64>::new(), 0, 0);
    let mut ids = BTreeSet::new();
    let mut order_amounts = BTreeMap::new();
    let events = rows(&folder.path().join("events.parquet"));
    assert_eq!(events.len() as u64, counts.events);
    for event in &events {
        let time: i64 = event["time"].parse().unwrap();
        assert!((AS_OF_MS - 400 * DAY_MS..AS_OF_MS).contains(&time));
        assert!(ids.insert(event["event_id"].clone()), "event ids are unique");
        if INTERACTIONS.contains(&event["kind"].as_str()) && time >= AS_OF_MS - 30 * DAY_MS {
            *recent.entry(event["member"].clone()).or_default() += 1;
        }
        if event["kind"] == "order_paid" {
            *orders.entry(event["member"].clone()).or_default() += 1;
            let amount: i64 = event["amount_minor"].parse().unwrap();
            let goods: i64 = event["cost_of_goods_minor"].parse().unwrap();
            assert!(goods <= amount && amount > 0);
            spend += amount;
            order_amounts.insert(event["event_id"].clone(), (amount, time));
        }
    }
    for refund in events.iter().filter(|event| event["kind"] == "order_refunded") {
        let (amount, time) = order_amounts[&refund["original_order"]];
        assert!(refund["amount_minor"].parse::<i64>().unwrap() <= amount);
        assert!(refund["time"].parse::<i64>().unwrap() > time, "a refund follows its order");
        refunds += 1;
    }
    let told = (orders.values().sum::<i64>().unsigned_abs(), spend, refunds, orders.len() as u64);
    assert_eq!(told, (counts.orders, counts.spend_minor, counts.refunds, counts.buyers));
    let mut tiers = [0_u64; 4];
    for truth in rows(&folder.path().join("truth.parquet")) {
        let n = recent.get(&truth["member"]).copied().unwrap_or(0);
        assert_eq!(truth["interactions_30d"], n.to_string());
        let tier = usize::from(n >= 1) + usize::from(n >= 11) + usize::from(n >= 51);
        assert_eq!(truth["tier"], ["silent", "prospect", "active", "core"][tier]);
        assert_eq!(truth["orders"], orders.get(&truth["member"]).copied().unwrap_or(0).to_string());
        tiers[tier] += 1;
    }
    assert_eq!(tiers, counts.tiers);
}

#[test]
fn all_tiers_occur_and_means_are_those_of_the_parameters() {
    let folder = tempfile::tempdir().unwrap();
    let counts: Counts = sample(folder.path(), 25_000, 1, Format::Parquet, 2).counts;
    let share = |n: u64| n as f64 / counts.members as f64;
    let per_member = share(counts.events);
    assert!((7.0..14.0).contains(&per_member), "{per_member} events a member");
    let [silent, prospect, active, core] = counts.tiers.map(share);
    assert!(
        silent > 0.5 && prospect > 0.08 && active > 0.005 && core > 0.0005,
        "{:?}",
        counts.tiers
    );
    // Gamma-Gamma: the mean order is p * v / (q - 1) = 6.25 * 60 / 2.74 = 136.86 units.
    let mean = counts.spend_minor as f64 / counts.orders as f64 / 100.0;
    assert!((mean / 136.86 - 1.0).abs() < 0.08, "mean order {mean}");
    let refunds = counts.refunds as f64 / counts.orders as f64;
    assert!((0.03..0.045).contains(&refunds), "{refunds} of orders are refunded");
    let second = share(counts.second_accounts);
    assert!((0.017..0.022).contains(&second), "{second} second accounts");
    assert!(counts.conflicts > 20 && counts.buying > 0 && counts.buying < counts.buyers);
}

#[test]
fn second_accounts_carry_their_owners_verified_phone_and_conflicts_another() {
    let folder = tempfile::tempdir().unwrap();
    let counts = sample(folder.path(), 12_000, 2, Format::Parquet, 2).counts;
    let mut phones: BTreeMap<String, (String, bool)> = BTreeMap::new();
    let mut unions: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for key in rows(&folder.path().join("identities.parquet")) {
        match key["key_kind"].as_str() {
            "phone" => {
                let verified = key["verified"] == "true";
                phones.insert(key["member"].clone(), (key["key_hash"].clone(), verified));
            }
            "union-id" => {
                unions.entry(key["key_hash"].clone()).or_default().push(key["member"].clone())
            }
            _ => {}
        }
    }
    let mut joined = 0;
    for truth in rows(&folder.path().join("truth.parquet")) {
        if truth["person"] != truth["member"] {
            let (own, verified) = &phones[&truth["member"]];
            assert!(verified);
            assert_eq!(*own, phones[&truth["person"]].0);
            joined += 1;
        }
    }
    assert_eq!(joined, counts.second_accounts);
    let blocked = unions
        .values()
        .filter(|members| members.windows(2).any(|pair| phones[&pair[0]].0 != phones[&pair[1]].0))
        .count();
    assert!(blocked > 5, "{blocked} platform ids stand between two phones");
}

#[test]
fn too_few_and_too_many_members_are_refused_and_nothing_is_written() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    for members in [0, 999, 10_000_001] {
        let spec = SampleSpec { members, seed: 1, format: Format::Csv, threads: None };
        let error = write_sample(&spec, &out, &mut |_| {}).unwrap_err();
        assert!(matches!(error, SampleError::Members(n) if n == members));
    }
    assert!(!out.exists());
}

#[test]
fn progress_counts_up_to_all_members() {
    let folder = tempfile::tempdir().unwrap();
    let spec =
        SampleSpec { members: 34_000, seed: 1, format: Format::Csv, threads: NonZero::new(1) };
    let mut seen = Vec::new();
    let summary = write_sample(&spec, folder.path(), &mut |progress| seen.push(progress)).unwrap();
    assert!(seen.is_sorted_by(|a, b| a.members < b.members));
    let last = seen.last().unwrap();
    assert_eq!(
        (last.members, last.members_total, last.events),
        (34_000, 34_000, summary.counts.events)
    );
}
