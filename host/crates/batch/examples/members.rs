//! Measures intake and member features over generated data: `members [MEMBERS] [EVENTS] [PARTITIONS] [csv]`.
#![allow(clippy::print_stdout, clippy::unwrap_used, reason = "a measuring program")]

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use arrow::array::{ArrayRef, Int64Array, RecordBatch, StringArray};
use parquet::arrow::ArrowWriter;
use playbook_batch::{BatchOptions, BatchSource, write_table};
use playbook_cycle::DataSource;
use playbook_model::{
    Aggregate, AggregateDef, CatalogueDef, CellType, Container, CycleDef, Dedupe, Definition,
    Digest, EventFilter, FeatureDef, Grain, Guardrails, MapRow, MapType, Origin, OutputDef,
    Playbook, SourceDef, SourceFormat, SourceTable, Subject, Window, Words,
};

const KINDS: [&str; 12] = [
    "view",
    "like",
    "comment",
    "share",
    "sign_in",
    "order_paid",
    "view",
    "like",
    "post",
    "vote",
    "view",
    "message_opened",
];
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
const CHANNELS: [&str; 4] = ["web", "app", "shop", "chat"];
const DAY: i64 = 86_400_000;
const START: i64 = 1_735_660_800_000;

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let number =
        |at: usize, default: u64| arguments.get(at).and_then(|a| a.parse().ok()).unwrap_or(default);
    let (members, events) = (number(1, 1_000_000), number(2, 10_000_000));
    let partitions = usize::try_from(number(3, 2)).unwrap();
    let csv = arguments.get(4).is_some_and(|format| format == "csv");
    let folder = std::env::temp_dir().join("playbook-members");
    std::fs::create_dir_all(folder.join("scratch")).unwrap();
    let file = write(&folder, members, events, csv);
    let playbook = playbook(&file, csv);
    let began = Instant::now();
    let mut options = BatchOptions::new(&folder, folder.join("scratch"));
    options.partitions = partitions;
    let mut source = BatchSource::open(&playbook, options).unwrap();
    let intake_s = began.elapsed().as_secs_f64();
    println!("intake    {intake_s:.2} s, peak {} MiB", peak_mib());
    let began = Instant::now();
    let frame = source.members().unwrap();
    println!(
        "features  {:.2} s, {} members, {} columns, peak {} MiB",
        began.elapsed().as_secs_f64(),
        frame.rows(),
        frame.columns().len(),
        peak_mib()
    );
    let began = Instant::now();
    write_table(&folder.join("members.parquet"), &frame, &[], 2).unwrap();
    println!("members.parquet {:.2} s, peak {} MiB", began.elapsed().as_secs_f64(), peak_mib());
}

/// Greatest resident memory so far.
fn peak_mib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmHWM")).unwrap_or("");
    line.split_whitespace().nth(1).and_then(|kib| kib.parse::<u64>().ok()).unwrap_or(0) / 1024
}

fn mixed(seed: u64) -> u64 {
    let mut value = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
    value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ (value >> 31)
}

struct Event {
    member: i64,
    kind: &'static str,
    time: i64,
    channel: &'static str,
    amount: Option<i64>,
}

#[allow(clippy::cast_possible_wrap, clippy::cast_possible_truncation, reason = "small numbers")]
fn event(at: u64, members: u64) -> Event {
    let draw = mixed(at);
    let kind = KINDS[(draw % 12) as usize];
    Event {
        member: (mixed(draw) % members) as i64 + 1,
        kind,
        time: START + (mixed(draw ^ 1) % (365 * DAY as u64)) as i64,
        channel: CHANNELS[(draw >> 20) as usize % 4],
        amount: (kind == "order_paid").then(|| 100 + (draw >> 32) as i64 % 50_000),
    }
}

fn write(folder: &Path, members: u64, events: u64, csv: bool) -> PathBuf {
    let path =
        folder.join(format!("events-{members}-{events}.{}", if csv { "csv" } else { "parquet" }));
    if path.exists() {
        return path;
    }
    let file = File::create(&path).unwrap();
    if csv {
        let mut out = std::io::BufWriter::new(file);
        out.write_all(b"event_id,member,kind,time,channel,amount_minor\n").unwrap();
        for at in 0..events {
            let event = event(at, members);
            let Event { member, kind, time, channel, .. } = event;
            let amount =
                event.amount.map_or_else(String::new, |a| format!("{}.{:02}", a / 100, a % 100));
            writeln!(out, "{at},{member},{kind},{time},{channel},{amount}").unwrap();
        }
        return path;
    }
    let mut writer: Option<ArrowWriter<File>> = None;
    let mut file = Some(file);
    for from in (0..events).step_by(1 << 17) {
        let rows: Vec<Event> =
            (from..events.min(from + (1 << 17))).map(|at| event(at, members)).collect();
        let ids = (from..).take(rows.len()).map(|id| i64::try_from(id).unwrap());
        let columns: Vec<(&str, ArrayRef)> = vec![
            ("event_id", Arc::new(Int64Array::from_iter_values(ids))),
            ("member", Arc::new(Int64Array::from_iter_values(rows.iter().map(|e| e.member)))),
            ("kind", Arc::new(StringArray::from_iter_values(rows.iter().map(|e| e.kind)))),
            ("time", Arc::new(Int64Array::from_iter_values(rows.iter().map(|e| e.time)))),
            ("channel", Arc::new(StringArray::from_iter_values(rows.iter().map(|e| e.channel)))),
            ("amount_minor", Arc::new(rows.iter().map(|e| e.amount).collect::<Int64Array>())),
        ];
        let batch = RecordBatch::try_from_iter_with_nullable(
            columns.into_iter().map(|(n, a)| (n, a, true)),
        )
        .unwrap();
        let writer = writer.get_or_insert_with(|| {
            ArrowWriter::try_new(file.take().unwrap(), batch.schema(), None).unwrap()
        });
        writer.write(&batch).unwrap();
    }
    writer.unwrap().close().unwrap();
    path
}

fn playbook(file: &Path, csv: bool) -> Playbook {
    let field = |name: &str, map_type| MapRow {
        format: (map_type == MapType::Time).then(|| "unix-ms".to_owned()),
        factor: if map_type == MapType::Money && !csv { 0.01 } else { 1.0 },
        ..MapRow::plain(name, name, map_type)
    };
    let events = SourceDef {
        name: "events".to_owned(),
        table: SourceTable::Events,
        path: file.file_name().unwrap().to_string_lossy().into_owned(),
        origin: Origin::Files,
        container: Container::Rows,
        format: if csv {
            SourceFormat::Csv { delimiter: b',', header: true }
        } else {
            SourceFormat::Parquet
        },
        encoding: None,
        time_zone: None,
        columns: vec![],
        joins: Vec::new(),
        mapping: vec![
            field("event_id", MapType::Integer),
            field("member", MapType::Integer),
            field("kind", MapType::Text),
            field("time", MapType::Time),
            field("channel", MapType::Text),
            field("amount_minor", MapType::Money),
        ],
        event: None,
        dedupe: Dedupe::EventId,
        lines: false,
        rejects_max: 0.0,
        optional: false,
    };
    Playbook {
        id: "members".to_owned(),
        brand: "members".to_owned(),
        title: Words::default(),
        industry: None,
        currency: "CNY".to_owned(),
        currency_digits: 2,
        time_zone: "Asia/Shanghai".to_owned(),
        seed: 1,
        pseudonym_salt: String::new(),
        cycle: CycleDef { as_of: None, length_days: 28, close: None },
        sources: vec![events],
        lookups: Vec::new(),
        features: features(),
        stages: vec![],
        sql: playbook_model::SqlLimits::default(),
        budget: None,
        guardrails: Guardrails {
            require_consent: false,
            stage_output: None,
            stage_caps: BTreeMap::new(),
            incentive_ratio_min: 0.0,
            single_investment_max: 1.0,
            commercial_share_max: 1.0,
            contacts_per_day_max: BTreeMap::new(),
            commercial_per_day_max: BTreeMap::new(),
            commercial_per_week_max: BTreeMap::new(),
            family_window_h: 0,
            complaint_feature: None,
            churn_output: None,
            fraud_output: None,
            fraud_from: 1.0,
            age_band_feature: None,
            holdout: 0.0,
            ..Guardrails::default()
        },
        outputs: OutputDef::default(),
        labels: BTreeMap::new(),
        event_kinds: Vec::new(),
        withheld: BTreeMap::new(),
        catalogue: CatalogueDef::default(),
        digest: Digest([0; 32]),
        folder: PathBuf::new(),
    }
}

/// The eight features of the comparison with other engines, and more where `PLAYBOOK_WIDE` is set.
fn features() -> Vec<FeatureDef> {
    let one =
        |name: &str, function, kinds: &[&str], days: Option<i64>, field: Option<&str>| FeatureDef {
            name: name.to_owned(),
            subject: Subject::member(),
            cell_type: CellType::Integer,
            unit: String::new(),
            definition: Definition::Aggregate(AggregateDef {
                over: Grain::Events,
                function,
                filter: EventFilter {
                    kinds: kinds.iter().map(|k| (*k).to_owned()).collect(),
                    channels: vec![],
                    condition: None,
                },
                window: Window { from_ms: days.map(|days| days * DAY), to_ms: 0 },
                field: field.map(str::to_owned),
                cap: None,
                by: None,
                every_ms: None,
            }),
            about: String::new(),
        };
    let order = ["order_paid"];
    let amount = Some("amount_minor");
    let mut features = vec![
        one("interactions_30d", Aggregate::Count, &INTERACTIONS, Some(30), None),
        one("interactions_7d", Aggregate::Count, &INTERACTIONS, Some(7), None),
        one("views_30d", Aggregate::Count, &["view"], Some(30), None),
        one("orders_90d", Aggregate::Count, &order, Some(90), None),
        one("orders_365d", Aggregate::Count, &order, Some(365), None),
        one("spend_365d_minor", Aggregate::Sum, &order, Some(365), amount),
        one("days_since_last_order", Aggregate::Recency, &order, None, None),
        one("days_since_last_interaction", Aggregate::Recency, &INTERACTIONS, None, None),
    ];
    if std::env::var_os("PLAYBOOK_WIDE").is_some() {
        features.push(one(
            "active_days_30d",
            Aggregate::DistinctDays,
            &INTERACTIONS,
            Some(30),
            None,
        ));
        features.push(one("repeat_days", Aggregate::RepeatDays, &order, None, None));
        features.push(one("repeat_spend_minor", Aggregate::RepeatSum, &order, None, amount));
        for (at, kind) in KINDS.iter().enumerate() {
            features.push(one(&format!("k{at}"), Aggregate::Count, &[kind], Some(60), None));
            features.push(one(&format!("l{at}"), Aggregate::Count, &[kind], Some(14), None));
        }
    }
    features
}
