//! What keys mean: defaults, short and long forms, tightened guardrails.

#![allow(clippy::unwrap_used, reason = "tests")]

use std::io;
use std::path::Path;

use playbook_model::{
    Aggregate, AggregateDef, CellType, Definition, Digest, FeatureDef, Grain, Guardrails, Limits,
    MapRow, MapType, Minor, OnError, OnFault, Playbook, SourceFormat, Transform, Window,
};
use playbook_toml::{Problems, ReadFiles, load_with};

const DAY: i64 = 86_400_000;

#[derive(Debug)]
struct One(String);

impl ReadFiles for One {
    fn read(&self, _path: &Path, _bytes_max: usize) -> io::Result<Vec<u8>> {
        Ok(self.0.clone().into_bytes())
    }
}

const HEAD: &str = r#"
[playbook]
id = "tea-house"
brand = "tea-brand"
currency = "CNY"
time_zone = "Asia/Shanghai"
"#;

const SOURCE: &str = r#"
[[source]]
name = "orders"
table = "events"
path = "orders.csv"
event = "order_paid"
map = { member = "customer", time = "paid_at", amount_minor = "amount" }
"#;

fn try_load(text: &str) -> Result<Playbook, Problems> {
    load_with(Path::new("playbook.toml"), &[], &Limits::ceiling(), &One(text.to_owned()))
        .map(|loaded| loaded.playbook)
}

fn load(text: &str) -> Playbook {
    try_load(text).unwrap_or_else(|problems| panic!("{}", problems.render()))
}

fn with(rest: &str) -> Playbook {
    load(&format!("{HEAD}{SOURCE}{rest}"))
}

fn feature(definition: &str) -> FeatureDef {
    with(&format!("[features]\nx = {{ {definition} }}\n")).features.remove(0)
}

fn aggregate(definition: &str) -> AggregateDef {
    match feature(definition).definition {
        Definition::Aggregate(aggregate) => aggregate,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_short_playbook_has_the_documented_defaults() {
    let playbook = with(
        "[budget]\ntotal_minor = 100\n\n[[stage]]\nkind = \"incentive\"\nplugin = \"ladder-exchange\"\n\n[[stage]]\nkind = \"campaign\"\nplugin = \"phases-3\"\n\n[[stage]]\nkind = \"roi\"\nplugin = \"roi-base\"\n",
    );
    assert_eq!(
        (playbook.title.en.as_str(), playbook.pseudonym_salt.as_str()),
        ("tea-house", "tea-brand")
    );
    assert_eq!((playbook.seed, playbook.cycle.as_of, playbook.cycle.length_days), (1, None, 28));
    let budget = playbook.budget.unwrap();
    assert_eq!((budget.total, budget.reserve, budget.plugin_share_max), (Minor(100), 0.10, 1.0));
    assert_eq!(
        budget.pools,
        [("base", 0.40), ("daily", 0.35), ("burst", 0.25)]
            .map(|(name, share)| (name.to_owned(), share))
            .into()
    );
    let stages: Vec<_> =
        playbook.stages.iter().map(|s| (s.name.as_str(), s.pool.as_deref(), s.on_fault)).collect();
    assert_eq!(
        stages,
        [
            ("ladder-exchange", Some("daily"), OnFault::Close),
            ("phases-3", Some("burst"), OnFault::Close),
            ("roi-base", None, OnFault::Skip),
        ]
    );
    assert_eq!(playbook.stages[0].limits, Limits::default());
    let source = &playbook.sources[0];
    assert_eq!((source.rejects_max, source.optional), (0.01, false));
    assert_eq!(source.format, SourceFormat::Csv { delimiter: b',', header: true });
}

#[test]
fn a_window_is_cut_into_stretches_from_its_end() {
    let aggregate = aggregate(
        "sum = \"amount_minor\", window = { from = \"10d\", to = \"1d\" }, every = \"3d\"",
    );
    let windows: Vec<_> = aggregate.stretches().iter().map(|one| one.window).collect();
    let window = |from, to| Window { from_ms: Some(from * DAY), to_ms: to * DAY };
    assert_eq!(windows, [window(4, 1), window(7, 4), window(10, 7)]);
    let definition = Definition::Aggregate(aggregate);
    let has = ["1", "3", "0", "4", "01", "+1", ""].map(|value| definition.has_column(value));
    assert_eq!(has, [true, true, false, false, false, false, false]);
}

#[test]
fn the_hour_and_the_day_of_the_week_are_fields_of_events() {
    let split = aggregate("count = \"message_opened\", by = \"hour\"");
    assert_eq!(split.by.as_deref(), Some("hour"));
    let evenings = aggregate("count = \"any\", where = \"hour >= 18 and weekday in (6, 7)\"");
    assert!(evenings.filter.condition.is_some());
}

#[test]
fn guardrails_start_at_the_values_of_the_domain() {
    let rules = Guardrails::default();
    assert!(rules.require_consent);
    assert_eq!(
        (rules.incentive_ratio_min, rules.single_investment_max, rules.commercial_share_max),
        (4.0, 0.20, 0.20)
    );
    assert_eq!((rules.family_window_h, rules.holdout), (24, 0.05));
    let caps = ["silent", "prospect", "active", "core", "koc"]
        .map(|segment| rules.commercial_per_week_max[segment]);
    assert_eq!(caps, [1, 3, 3, 5, 5]);
    assert_eq!(
        ["cognition", "trust", "participation", "creation"].map(|stage| rules.stage_caps[stage]),
        [0.0, 0.05, 0.20, 0.20]
    );
}

#[test]
fn a_brand_may_tighten_a_guardrail() {
    let rules = with(
        "[features]\nopen_complaints = { count = \"complaint\" }\n[guardrails]\nincentive_ratio_min = 5\ncommercial_share_max = 0.05\nfamily_window = \"3d\"\nholdout = 0.1\ncomplaint_feature = \"open_complaints\"\ncontacts_per_day_max = { core = 3, vip = 4, default = 1 }\n",
    )
    .guardrails;
    assert_eq!(
        (
            rules.incentive_ratio_min,
            rules.commercial_share_max,
            rules.family_window_h,
            rules.holdout
        ),
        (5.0, 0.05, 72, 0.1)
    );
    assert_eq!(rules.complaint_feature.as_deref(), Some("open_complaints"));
    let caps = ["", "silent", "core", "vip"].map(|segment| rules.contacts_per_day_max[segment]);
    assert_eq!(caps, [1, 1, 3, 4]);
}

#[test]
fn short_and_long_forms_of_an_aggregate_are_the_same() {
    for (short, long) in [
        (
            "count = \"like,comment\", window = \"30d\"",
            "aggregate = \"count\", events = [\"comment\", \"like\"], window = { from = \"30d\" }",
        ),
        (
            "sum = \"amount_minor\", events = \"order_paid\"",
            "aggregate = \"sum\", field = \"amount_minor\", events = \"order_paid\"",
        ),
        ("recency = \"order_paid\"", "aggregate = \"recency\", events = \"order_paid\""),
        ("count = \"any\"", "aggregate = \"count\""),
    ] {
        assert_eq!(feature(short), feature(long), "{short}");
    }
}

#[test]
fn short_and_long_forms_of_sequences_mean_the_same() {
    let steps = "[\"view\", { events = \"order_paid\", where = \"amount_minor >= 5000\" }]";
    let funnel = "within = \"14d\", subject = \"channel\", give = \"reached\", step = 2";
    let sessions = "gap = \"45min\", window = \"30d\", give = \"recency\"";
    for (short, long) in [
        ("sessions = \"any\"".to_owned(), "sequence = \"sessions\"".to_owned()),
        (
            format!("sessions = \"like, view\", {sessions}"),
            format!("sequence = \"sessions\", events = \"like, view\", {sessions}"),
        ),
        (
            format!("funnel = {steps}, {funnel}"),
            format!("sequence = \"funnel\", steps = {steps}, {funnel}"),
        ),
        (
            format!("conversion = {steps}, by = \"channel\""),
            format!("sequence = \"conversion\", steps = {steps}, by = \"channel\""),
        ),
    ] {
        assert_eq!(feature(&short), feature(&long), "{short}");
    }
}

#[test]
fn groups_stand_for_their_kinds_in_the_order_of_the_domain() {
    let kinds = aggregate("count = \"active, complaint\"").filter.kinds;
    assert_eq!(kinds.len(), 16);
    assert_eq!(
        (kinds[0].as_str(), kinds[14].as_str(), kinds[15].as_str()),
        ("sign_in", "order_paid", "complaint")
    );
    assert!(aggregate("count = \"any\"").filter.kinds.is_empty());
    assert!(aggregate("count = \"like, any\"").filter.kinds.is_empty());
}

#[test]
fn windows_reach_back_from_the_as_of_time() {
    assert_eq!(aggregate("count = \"any\"").window, Window { from_ms: None, to_ms: 0 });
    assert_eq!(
        aggregate("count = \"any\", window = \"12h\"").window,
        Window { from_ms: Some(DAY / 2), to_ms: 0 }
    );
    let before = aggregate("count = \"any\", window = { from = \"2w\", to = \"7d\" }").window;
    assert_eq!(before, Window { from_ms: Some(14 * DAY), to_ms: 7 * DAY });
    let old = aggregate("count = \"any\", window = { to = \"365d\" }").window;
    assert_eq!(old, Window { from_ms: None, to_ms: 365 * DAY });
}

#[test]
fn types_and_units_follow_function_and_field() {
    for (definition, cell_type, unit) in [
        ("count = \"any\"", CellType::Integer, "count"),
        ("distinct-days = \"any\"", CellType::Integer, "day"),
        ("recency = \"any\"", CellType::Integer, "day"),
        ("repeat-days = \"any\"", CellType::Integer, "count"),
        ("gap-mean = \"any\"", CellType::Real, "day"),
        ("sum = \"amount_minor\"", CellType::Integer, "minor"),
        ("repeat-sum = \"amount_minor\"", CellType::Integer, "minor"),
        ("mean = \"sentiment\"", CellType::Real, ""),
        ("last = \"value\"", CellType::Real, ""),
        ("last = \"channel\"", CellType::Text, ""),
        ("distinct = \"channel\"", CellType::Integer, "count"),
        ("max = \"time\"", CellType::Integer, "unix-ms"),
        ("attribute = \"region\"", CellType::Text, ""),
        ("attribute = \"joined\"", CellType::Integer, "unix-ms"),
        ("constant = 0.3", CellType::Real, ""),
        ("mean = \"amount_minor\", type = \"integer\", unit = \"\"", CellType::Integer, ""),
    ] {
        let feature = feature(definition);
        assert_eq!((feature.cell_type, feature.unit.as_str()), (cell_type, unit), "{definition}");
    }
}

#[test]
fn aggregates_run_over_members_costs_and_entries() {
    let playbook = with(
        "[features]\nspend = { sum = \"amount_minor\" }\nspend_of_channel = { sum = \"spend\", over = \"members\", subject = \"channel\" }\ncost = { sum = \"amount_minor\", over = \"costs\", subject = \"channel\", window = \"28d\" }\nnps = { last = \"value\", over = \"entries\", subject = \"brand\" }\nby_tier = { sum = \"spend\", over = \"members\", subject = \"channel\", by = \"tiers.segment\" }\n\n[[stage]]\nname = \"tiers\"\nkind = \"segmentation\"\nplugin = \"tier-interactions\"\n",
    );
    let over: Vec<Grain> = playbook
        .features
        .iter()
        .map(|feature| match &feature.definition {
            Definition::Aggregate(aggregate) => aggregate.over,
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(over, [Grain::Events, Grain::Members, Grain::Costs, Grain::Entries, Grain::Members]);
    let Definition::Aggregate(split) = &playbook.features[4].definition else {
        panic!("an aggregate")
    };
    assert_eq!((split.function, split.by.as_deref()), (Aggregate::Sum, Some("tiers.segment")));
}

fn row(source: &str, to: &str) -> MapRow {
    let playbook = load(&format!("{HEAD}{source}"));
    playbook.sources[0].mapping.iter().find(|row| row.to == to).unwrap().clone()
}

#[test]
fn the_short_form_of_a_mapping_takes_the_type_of_the_field() {
    let amount = row(SOURCE, "amount_minor");
    assert_eq!(
        (amount.map_type, amount.factor, amount.required, amount.on_error),
        (MapType::Money, 1.0, false, OnError::Reject)
    );
    let time = row(SOURCE, "time");
    assert_eq!((time.map_type, time.format, time.required), (MapType::Time, None, true));
}

#[test]
fn money_in_minor_units_has_the_factor_of_its_currency() {
    let source = SOURCE.replace(
        "amount_minor = \"amount\"",
        "amount_minor = { from = \"amount\", unit = \"minor\" }",
    );
    assert_eq!(row(&source, "amount_minor").factor, 0.01);
    let yen = load(&format!("{}{source}", HEAD.replace("CNY", "JPY")));
    assert_eq!(yen.sources[0].mapping[2].factor, 1.0);
    let source = SOURCE
        .replace("amount_minor = \"amount\"", "amount_minor = { from = \"amount\", unit = 0.1 }");
    assert_eq!(row(&source, "amount_minor").factor, 0.1);
}

#[test]
fn contact_keys_are_hashed_unless_the_file_says_otherwise() {
    let source = |key: &str| {
        format!(
            "[[source]]\nname = \"ids\"\ntable = \"identities\"\npath = \"ids.jsonl\"\nmap = {{ member = \"id\", key_kind = {{ constant = \"phone\" }}, key_hash = {key} }}\n"
        )
    };
    assert_eq!(row(&source("\"phone\""), "key_hash").transform, Transform::Hash);
    assert_eq!(row(&source("{ from = \"phone\" }"), "key_hash").transform, Transform::Hash);
    assert_eq!(
        row(&source("{ from = \"phone_sha256\", transform = \"copy\" }"), "key_hash").transform,
        Transform::Copy
    );
    assert_eq!(row(&source("\"phone\""), "key_kind").constant.as_deref(), Some("phone"));
}

#[test]
fn own_fields_of_members_become_features_of_their_type() {
    let people = "[[source]]\nname = \"people\"\ntable = \"members\"\npath = \"people.parquet\"\nmap = { member = \"id\", attr_points = { from = \"p\", type = \"integer\", on_error = \"null\" }, attr_city = \"city\" }\n\n[features]\npoints = { attribute = \"attr_points\" }\ncity = { attribute = \"attr_city\" }\n";
    let playbook = load(&format!("{HEAD}{people}"));
    let types: Vec<CellType> = playbook.features.iter().map(|feature| feature.cell_type).collect();
    assert_eq!(types, [CellType::Integer, CellType::Text]);
    assert_eq!(playbook.sources[0].mapping[1].on_error, OnError::Null);
}

#[test]
fn limits_are_read_in_their_units() {
    let playbook = with(
        "[[stage]]\nkind = \"scoring\"\nplugin = \"value-rfm\"\nlimits = { memory = \"128MiB\", call_time = \"2s\", compile_cpu = \"2min\", returned = 4096, fuel_per_row = 7 }\nallow = [\"log\"]\non_fault = \"last-good\"\n",
    );
    let stage = &playbook.stages[0];
    let expected = Limits {
        memory_bytes_max: 128 << 20,
        call_ms_max: 2_000,
        compile_cpu_s_max: 120,
        returned_bytes_max: 4_096,
        fuel_per_row: 7,
        ..Limits::default()
    };
    assert_eq!(stage.limits, expected);
    assert_eq!(
        (stage.allow.as_slice(), stage.on_fault),
        (["log".to_owned()].as_slice(), OnFault::LastGood)
    );
}

#[test]
fn times_without_offset_are_those_of_the_brand() {
    let at = |as_of: &str| with(&format!("[cycle]\nas_of = {as_of}\n")).cycle.as_of.map(|at| at.0);
    let midnight = Some(1_782_835_200_000);
    for same in [
        "2026-07-01",
        "\"2026-07-01\"",
        "2026-07-01T00:00:00",
        "2026-07-01T00:00:00+08:00",
        "\"2026-06-30T16:00:00Z\"",
    ] {
        assert_eq!(at(same), midnight, "{same}");
    }
    assert!(
        try_load(&format!("{HEAD}{SOURCE}[cycle]\nas_of = 10:30:00\n")).is_err(),
        "a time without a date is none"
    );
}

#[test]
fn the_digest_is_over_canonical_content() {
    let one = with("");
    // Pinned: another layout of the canonical form would make every old run look changed.
    assert_eq!(
        one.digest,
        Digest::of(
            concat!(
                r#"{"playbook":{"brand":"tea-brand","currency":"CNY","id":"tea-house","time_zone":"Asia/Shanghai"},"#,
                r#""source":[{"event":"order_paid","map":{"amount_minor":"amount","member":"customer","time":"paid_at"},"#,
                r#""name":"orders","path":"orders.csv","table":"events"}]}"#
            )
            .as_bytes()
        )
    );
}

#[test]
fn windows_line_ends_and_a_byte_order_mark_are_fine() {
    let text = format!("\u{feff}{HEAD}{SOURCE}").replace('\n', "\r\n");
    assert_eq!(load(&text).id, "tea-house");
    let problems = try_load(&text.replace("currency", "curency")).unwrap_err();
    let (_, line, column) = problems.position(&problems.problems[0]).unwrap();
    assert_eq!((line, column), (5, 1));
    assert!(!problems.render().contains('\r'));
}

const OWN_KINDS: &str = r#"
[events]
product_view = { counts_as = "view" }
quick_like = { counts_as = "like" }
checkin = { interaction = true }
pos_sale = { commercial = true }
ping = {}
"#;

#[test]
fn kinds_of_the_brands_own_count_as_they_are_declared() {
    let kinds = |definition: &str| {
        let text = format!("{OWN_KINDS}[features]\nx = {{ {definition} }}\n");
        match with(&text).features.remove(0).definition {
            Definition::Aggregate(aggregate) => aggregate.filter.kinds.join(" "),
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(kinds("count = \"view\""), "view product_view");
    assert_eq!(kinds("count = \"product_view, ping\""), "ping product_view");
    assert_eq!(kinds("sum = \"value\", events = [\"like\"]"), "like quick_like");
    assert_eq!(kinds("count = \"any\""), "");
    let interaction = kinds("count = \"interaction\"");
    assert!(
        interaction.starts_with("sign_in like ") && interaction.ends_with("checkin quick_like")
    );
    let active = kinds("distinct-days = \"active\"");
    assert!(active.contains(" order_paid ") && active.ends_with("checkin pos_sale quick_like"));
    let source = SOURCE.replace("event = \"order_paid\"", "event = \"ping\"");
    let playbook = load(&format!("{HEAD}{OWN_KINDS}{source}"));
    assert_eq!(playbook.sources[0].event.as_deref(), Some("ping"));
    let source = source.replace("event = \"ping\"\n", "").replace("time =", "kind = \"k\", time =");
    let mapping = load(&format!("{HEAD}{OWN_KINDS}{source}")).sources.remove(0).mapping;
    let words = mapping.into_iter().find(|row| row.to == "kind").unwrap().words.unwrap();
    assert!(["view", "ping", "product_view"].iter().all(|kind| words.iter().any(|w| w == kind)));
}

#[test]
fn labels_are_words_for_both_languages_or_for_one() {
    let playbook =
        with("[labels]\nwechat = \"WeChat\"\n\"新客\" = { en = \"New\" }\nlow = { zh = \"低\" }\n");
    let label = |name: &str| {
        let label = &playbook.labels[name];
        (label.en.as_deref(), label.zh.as_deref())
    };
    assert_eq!(label("wechat"), (Some("WeChat"), Some("WeChat")));
    assert_eq!(label("新客"), (Some("New"), None));
    assert_eq!(label("low"), (None, Some("低")));
    let problems = try_load(&format!("{HEAD}{SOURCE}[labels]\nlow = {{ de = \"tief\" }}\n"));
    assert!(problems.unwrap_err().render().contains("`de`"));
}
