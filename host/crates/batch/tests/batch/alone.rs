//! One log fed both ways: each member's features, folded from its own rows alone, are those of the whole community, to the
//! bit, at many moments.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use playbook_batch::{BatchOptions, BatchSource, BrandClock};
use playbook_cycle::DataSource as _;
use playbook_features::{
    ConsentState, EventRows, MemberPlan, MemberRecord, MemberRequest, SaidOf, Value, mapped_fields,
    merged_columns,
};
use playbook_model::{
    ConsentRule, Frame, LawDef, MapType, Playbook, SourceTable, TrackDef, UnixMs,
};

use crate::exports::load;
use crate::world::Draws;

const MINUTE: i64 = 60_000;
const DAY: i64 = 1_440 * MINUTE;
/// 2026-01-01T05:00Z, a midnight in New York.
const BEGIN: i64 = 1_767_243_600_000;
const MEMBERS: u64 = 1_200;

const PLAYBOOK: &str = r#"
[playbook]
id = "shop"
brand = "shop"
currency = "USD"
time_zone = "America/New_York"
pseudonym_salt = "salt"

[[source]]
name = "members"
table = "members"
path = "members.csv"
[source.map]
member = "member"
region = "region"
attr_visits = { from = "visits", type = "integer" }
attr_rate = { from = "rate", type = "real" }

[[source]]
name = "events"
table = "events"
path = "events.csv"
[source.map]
event_id = "id"
member = "member"
kind = "kind"
time = { from = "time", format = "unix-ms" }
channel = "channel"
topic = "topic"
amount_minor = { from = "amount", unit = "minor" }
cost_of_goods_minor = { from = "goods", unit = "minor" }
original_order = "of"
sentiment = { from = "mood", type = "real" }
quantity = { from = "severity", type = "integer" }
field_visit = "visit"

[[source]]
name = "consents"
table = "consents"
path = "consents.csv"
[source.map]
member = "member"
purpose = "purpose"
state = "state"
time = { from = "time", format = "unix-ms" }

[features]
orders = { count = "order_paid" }
orders_30d = { count = "order_paid", window = "30d" }
orders_early = { count = "order_paid", window = { from = "40d", to = "10d" } }
web_orders = { count = "order_paid", channel = "web", window = "70d" }
large_orders = { count = "order_paid", where = "amount_minor >= 50000 and topic <> 't1'" }
spend = { sum = "amount_minor", events = "order_paid" }
spend_30d = { sum = "amount_minor", events = "order_paid", window = "30d" }
refunds = { sum = "amount_minor", events = "order_refunded" }
goods = { sum = "cost_of_goods_minor", events = "order_paid", window = "60d" }
aov = { mean = "amount_minor", events = "order_paid", window = "60d" }
mood = { mean = "sentiment", window = "60d" }
mood_sum = { sum = "sentiment" }
mood_min = { min = "sentiment" }
mood_last = { last = "sentiment", type = "real" }
worst = { max = "quantity", events = "complaint" }
topic_first = { first = "topic" }
topic_last = { last = "topic", type = "text" }
topics = { distinct = "topic", window = "60d" }
visits = { distinct = "field_visit", window = "60d" }
recency = { recency = "order_paid" }
age = { age = "any" }
span = { span = "order_paid" }
days = { distinct-days = "any", window = "50d" }
all_days = { distinct-days = "any" }
capped = { capped-count = "like", cap = 2, window = "60d" }
repeats = { repeat-days = "order_paid" }
repeat_spend = { repeat-sum = "amount_minor", events = "order_paid" }
gap = { gap-mean = "order_paid" }
gap_sd = { gap-sd = "any" }
by_channel = { count = "any", by = "channel", window = "60d" }
by_severity = { count = "any", by = "quantity" }
spend_by_topic = { sum = "amount_minor", events = "order_paid", by = "topic" }
by_hour = { count = "any", by = "hour", window = "60d" }
spend_by_weekday = { sum = "amount_minor", events = "order_paid", by = "weekday" }
evenings = { count = "any", where = "hour >= 18 and weekday in (6, 7)", window = "50d" }
weekly_spend = { sum = "amount_minor", events = "order_paid", window = { from = "66d", to = "10d" }, every = "14d" }
daily_likes = { capped-count = "like", cap = 2, window = "6d", every = "1d" }
monthly_mood = { mean = "sentiment", window = "90d", every = "30d" }
sessions = { sessions = "any", gap = "1h", window = "60d" }
session_length = { sessions = "any", gap = "1h", window = "60d", give = "length-mean" }
visit_events = { sessions = "any", session_id = "field_visit", give = "events-mean" }
deepest = { funnel = ["view", "like", "order_paid"], within = "20d" }
each_step = { funnel = ["view", "order_paid"], within = "20d", give = "reached" }
converted = { conversion = ["view", "order_paid"], within = "7d", give = "share", by = "channel" }
region = { attribute = "region" }
region_text = { attribute = "region", type = "text" }
their_visits = { attribute = "attr_visits", type = "integer" }
rate = { attribute = "attr_rate", type = "real" }
who = { attribute = "member", type = "text" }
per_order = { expression = "spend * 1.0 / nullif(orders, 0)" }
tier = { expression = "case when orders > 3 then 'gold' when per_order > 100 then 'silver' end", type = "category" }
"#;

/// What happened, as the files say it and as records hold it.
struct Event {
    id: String,
    member: usize,
    time: i64,
    kind: &'static str,
    channel: Option<&'static str>,
    topic: Option<String>,
    amount: Option<i64>,
    goods: Option<i64>,
    of: Option<String>,
    mood: Option<f64>,
    severity: Option<i64>,
    visit: Option<String>,
}

struct Log {
    events: Vec<Event>,
    members: Vec<(Option<&'static str>, Option<i64>, Option<f64>)>,
    consents: Vec<(usize, &'static str, &'static str, i64)>,
}

fn name(member: usize) -> String {
    format!("m{member:04}")
}

impl Log {
    fn drawn() -> Self {
        let mut draws = Draws(11);
        let mut orders: Vec<Vec<String>> = vec![Vec::new(); MEMBERS as usize];
        let mut events = Vec::new();
        for number in 0..22_000_u64 {
            let member = draws.below(MEMBERS) as usize;
            let kinds = ["order_paid", "order_paid", "order_refunded", "like", "view", "complaint"];
            let kind = kinds[draws.below(6) as usize];
            // A third are dates: they stand at a local midnight, on both sides of the change of the clock.
            let day = draws.below(110) as i64;
            let time = match draws.below(3) {
                0 => BEGIN + day * DAY - if day >= 66 { 60 * MINUTE } else { 0 },
                _ => BEGIN + day * DAY + draws.below(1_440) as i64 * MINUTE,
            };
            let id = format!("e{}", number * 7_919 % 22_000);
            let some = |draws: &mut Draws, of: u64| draws.below(of) > 0;
            let of = match (kind, orders[member].len() as u64) {
                ("order_refunded", known) if known > 0 && some(&mut draws, 4) => {
                    Some(orders[member][draws.below(known) as usize].clone())
                }
                ("order_refunded", _) if some(&mut draws, 2) => Some("unknown".to_owned()),
                _ => None,
            };
            if kind == "order_paid" {
                orders[member].push(id.clone());
            }
            let sign = if draws.below(40) == 0 { -1 } else { 1 };
            events.push(Event {
                id,
                member,
                time,
                kind,
                channel: ["web", "app", "shop"].get(draws.below(4) as usize).copied(),
                topic: some(&mut draws, 6).then(|| format!("t{}", draws.below(5))),
                amount: some(&mut draws, 7).then(|| sign * draws.below(100_000) as i64),
                goods: some(&mut draws, 3).then(|| draws.below(50_000) as i64),
                of,
                mood: some(&mut draws, 3).then(|| draws.below(2_000_001) as f64 / 1e6 - 1.0),
                severity: some(&mut draws, 3).then(|| draws.below(4) as i64),
                visit: some(&mut draws, 3).then(|| format!("v{}", draws.below(9))),
            });
        }
        let regions = ["north", "south", "east"];
        let members = (0..MEMBERS).map(|_| {
            let region = regions.get(draws.below(4) as usize).copied();
            let visits = (draws.below(3) > 0).then(|| draws.below(70_000) as i64);
            (region, visits, (draws.below(2) > 0).then(|| draws.below(1_000) as f64 / 8.0))
        });
        let members = members.collect();
        let states = ["granted", "withdrawn", "none", "granted", "pending_second"];
        let mut consents = Vec::new();
        for _ in 0..2_000 {
            let member = draws.below(MEMBERS) as usize;
            let purpose = ["marketing", "profiling"][draws.below(2) as usize];
            let state = states[draws.below(5) as usize];
            let at = BEGIN - 700 * DAY + draws.below(800) as i64 * DAY;
            if state == "granted" {
                consents.push((
                    member,
                    purpose,
                    "requested",
                    at - draws.below(10) as i64 * DAY - 1,
                ));
            }
            consents.push((member, purpose, state, at));
        }
        Self { events, members, consents }
    }

    fn write(&self, folder: &std::path::Path) {
        fn cell<T: ToString>(value: Option<T>) -> String {
            value.map(|value| value.to_string()).unwrap_or_default()
        }
        let mut text =
            "id,member,kind,time,channel,topic,amount,goods,of,mood,severity,visit\n".to_owned();
        for e in &self.events {
            writeln!(
                text,
                "{},{},{},{},{},{},{},{},{},{},{},{}",
                e.id,
                name(e.member),
                e.kind,
                e.time,
                cell(e.channel),
                cell(e.topic.as_ref()),
                cell(e.amount),
                cell(e.goods),
                cell(e.of.as_ref()),
                cell(e.mood),
                cell(e.severity),
                cell(e.visit.as_ref())
            )
            .unwrap();
        }
        std::fs::write(folder.join("events.csv"), text).unwrap();
        let mut text = "member,region,visits,rate\n".to_owned();
        for (at, (region, visits, rate)) in self.members.iter().enumerate() {
            writeln!(text, "{},{},{},{}", name(at), cell(*region), cell(*visits), cell(*rate))
                .unwrap();
        }
        std::fs::write(folder.join("members.csv"), text).unwrap();
        let mut text = "member,purpose,state,time\n".to_owned();
        for (member, purpose, state, time) in &self.consents {
            writeln!(text, "{},{purpose},{state},{time}", name(*member)).unwrap();
        }
        std::fs::write(folder.join("consents.csv"), text).unwrap();
    }

    fn record<'a>(&'a self, plan: &MemberPlan, member: usize, id: &'a str) -> MemberRecord<'a> {
        fn text(value: Option<&str>) -> Value<'_> {
            value.map_or(Value::Missing, Value::Text)
        }
        let integer = |value: Option<i64>| value.map_or(Value::Missing, Value::Integer);
        let real = |value: Option<f64>| value.map_or(Value::Missing, Value::Real);
        let mut events = EventRows::new(plan.fields().len());
        for e in self.events.iter().filter(|e| e.member == member) {
            let value = |field: &String| match field.as_str() {
                "kind" => Value::Text(e.kind),
                "channel" => text(e.channel),
                "topic" => text(e.topic.as_deref()),
                "amount_minor" => integer(e.amount),
                "cost_of_goods_minor" => integer(e.goods),
                "original_order" => text(e.of.as_deref()),
                "sentiment" => real(e.mood),
                "quantity" => integer(e.severity),
                "field_visit" => text(e.visit.as_deref()),
                "hour" | "weekday" => Value::Missing,
                other => panic!("the plan reads {other}"),
            };
            events.push(e.time, &e.id, plan.fields().iter().map(value));
        }
        let (region, visits, rate) = self.members[member];
        let profile = |field: &String| match field.as_str() {
            "region" => text(region),
            "attr_visits" => integer(visits),
            "attr_rate" => real(rate),
            other => panic!("the plan reads {other}"),
        };
        let answers = self.consents.iter().filter(|(of, ..)| *of == member);
        MemberRecord {
            id,
            events,
            profile: plan.profile().iter().map(profile).collect(),
            consents: answers
                .map(|(_, purpose, state, time)| SaidOf {
                    account: 0,
                    purpose,
                    state: ConsentState::of(Some(state)),
                    time: Some(*time),
                })
                .collect(),
        }
    }
}

fn columns_of(playbook: &Playbook, table: SourceTable) -> BTreeMap<String, MapType> {
    let sources = playbook.sources.iter().filter(|source| source.table == table);
    let fields: Vec<_> = sources.map(mapped_fields).collect();
    merged_columns(fields.iter(), false)
}

/// The plan for single members, whose splits have the values that the community's columns name.
fn plan(playbook: &Playbook, community: &Frame) -> MemberPlan {
    let splits = playbook.features.iter().filter(|feature| feature.definition.by().is_some());
    let splits = splits.map(|feature| {
        let prefix = format!("{}.", feature.name);
        let names = community.columns().iter().filter_map(|c| c.name.strip_prefix(&prefix));
        (feature.name.clone(), names.map(str::to_owned).collect())
    });
    MemberPlan::new(&MemberRequest {
        features: &playbook.features,
        events: &columns_of(playbook, SourceTable::Events),
        profile: &columns_of(playbook, SourceTable::Members),
        dated_of_members: false,
        splits: &splits.collect(),
        purposes: &["marketing".to_owned(), "profiling".to_owned()],
        rules: &playbook.guardrails,
        clock: BrandClock::new(&playbook.time_zone).unwrap(),
    })
    .unwrap()
}

fn law() -> LawDef {
    let track = |region: &str, double, months| TrackDef {
        regions: vec![region.to_owned()],
        rule: ConsentRule { double, months },
        purposes: Vec::new(),
    };
    let (eu, local) = (track("north", true, 24), track("south", false, 1));
    LawDef { region_feature: "region".to_owned(), eu, local }
}

#[test]
fn members_folded_alone_have_the_features_of_the_community_at_many_moments() {
    let folder = tempfile::tempdir().unwrap();
    let log = Log::drawn();
    log.write(folder.path());
    let mut playbook = load(folder.path(), PLAYBOOK).unwrap();
    let mut seen = 0;
    // Before, within and after the change of the clock on 8 March; at midnight, and in the middle of a minute.
    for as_of in
        [20 * DAY, 55 * DAY, 66 * DAY + 3_661_001, 75 * DAY + 7, 93 * DAY - 60 * MINUTE, 120 * DAY]
    {
        let as_of = BEGIN + as_of;
        playbook.cycle.as_of = Some(UnixMs(as_of));
        playbook.guardrails.consent.double = !playbook.guardrails.consent.double;
        playbook.guardrails.consent.months -= 4;
        // With two tracks and without, by turns.
        playbook.guardrails.law = match playbook.guardrails.law.take() {
            None => Some(law()),
            Some(_) => None,
        };
        let scratch = tempfile::tempdir().unwrap();
        let options = BatchOptions::new(folder.path(), scratch.path());
        let mut source = BatchSource::open(&playbook, options).unwrap();
        let community = source.members().unwrap();
        let plan = plan(&playbook, &community);
        assert_eq!(community.rows(), MEMBERS as usize);
        for member in 0..MEMBERS as usize {
            let id = name(member);
            let alone = plan.fold(log.record(&plan, member, &id), as_of).unwrap();
            let names = |frame: &Frame| -> Vec<String> {
                frame.columns().iter().map(|column| column.name.clone()).collect()
            };
            assert_eq!(names(&alone), names(&community));
            for (ours, theirs) in alone.columns().iter().zip(community.columns()) {
                let of = |column: &playbook_model::Column, row| {
                    let real = column.real(row).map(f64::to_bits);
                    (
                        column.cells.cell_type(),
                        column.integer(row),
                        real,
                        column.text(row).map(str::to_owned),
                    )
                };
                let (ours, theirs, column) = (of(ours, 0), of(theirs, member), &theirs.name);
                assert_eq!(ours, theirs, "{column} of {id} at {as_of}");
                seen += usize::from(theirs.1.is_some() || theirs.2.is_some() || theirs.3.is_some());
            }
        }
    }
    assert!(seen > 200_000, "{seen}");
}
