//! Tables of channels, segments, days, the brand.

use playbook_batch::BatchSource;
use playbook_cycle::DataSource;
use playbook_model::{
    Aggregate, Bitmap, CellType, Cells, Column, Definition, FeatureDef, Frame, Grain, MapType,
    Playbook, SourceTable, Subject,
};

use crate::world::{self, Folder, cells, events, feature, map, plain, source};

fn over(
    name: &str,
    subject: &str,
    grain: Grain,
    function: Aggregate,
    field: Option<&str>,
) -> FeatureDef {
    let mut definition = plain(function, field);
    definition.over = grain;
    let cell_type = match function {
        _ if field == Some("value") => CellType::Real,
        _ => playbook_model::default_cell_type(function),
    };
    feature(name, subject, cell_type, Definition::Aggregate(definition))
}

fn split(mut of: FeatureDef, by: &str) -> FeatureDef {
    if let Definition::Aggregate(aggregate) = &mut of.definition {
        aggregate.by = Some(by.to_owned());
    }
    of
}

fn playbook() -> Playbook {
    let mut playbook = world::playbook("Asia/Shanghai");
    let mut costs = source("costs", SourceTable::Costs, "costs.csv");
    costs.mapping = vec![
        map("day", "day", MapType::Time),
        map("channel", "channel", MapType::Text),
        map("amount", "amount_minor", MapType::Money),
    ];
    let mut entries = source("entries", SourceTable::Entries, "entries.csv");
    entries.mapping = vec![
        map("day", "day", MapType::Time),
        map("subject", "subject", MapType::Text),
        map("key", "key", MapType::Text),
        map("metric", "metric", MapType::Text),
        map("value", "value", MapType::Real),
    ];
    let mut people = source("people", SourceTable::Members, "people.csv");
    people.mapping =
        vec![map("member", "member", MapType::Text), map("region", "region", MapType::Text)];
    let more = [("channel", "channel", MapType::Text), ("amount", "amount_minor", MapType::Money)];
    playbook.sources = vec![events("events.csv", &more), costs, entries, people];
    playbook
}

fn folder() -> Folder {
    Folder::new(&[
        (
            "events.csv",
            "member,kind,time,channel,amount\n\
            a,order_paid,2026-01-01T23:59,web,1\na,order_paid,2026-01-02T00:00,app,2\n\
            b,order_paid,2026-01-02T12:00,web,4\nc,like,2026-01-02T12:00,,\n",
        ),
        (
            "costs.csv",
            "day,channel,amount\n2026-01-01,web,10\n2025-01-01,web,100\n2026-01-01,tv,7\n",
        ),
        (
            "entries.csv",
            "day,subject,key,metric,value\n\
            2026-01-01,brand,,nps,30\n2026-01-02,brand,,nps,40\n2026-01-01,brand,,reach,0.5\n\
            2026-01-01,channel,web,nps,9\n",
        ),
        ("people.csv", "member,region\na,north\nb,south\nc,north\nd,\n"),
    ])
}

/// The members' frame with a score and a segment, as stages would add them.
fn with_outputs(source: &mut BatchSource) -> Frame {
    let mut frame = source.members().unwrap();
    assert_eq!(cells(&frame, "member"), ["a", "b", "c", "d"]);
    let mut valid = Bitmap::filled(4, true);
    valid.set(3, false);
    let column = |name: &str, cells, valid| Column {
        name: name.to_owned(),
        unit: String::new(),
        cells,
        valid,
    };
    frame.push(column("churn.level", Cells::Integer(vec![1, 2, 4, 0]), Some(valid.clone())));
    let names = ["vip", "plain", "empty"].map(str::to_owned).into();
    frame.push(column(
        "tier.segment",
        Cells::Category { codes: vec![0, 1, 1, 0], names },
        Some(valid),
    ));
    frame
}

fn table(features: Vec<FeatureDef>, subject: &str) -> Frame {
    let mut playbook = playbook();
    playbook.features = features;
    let folder = folder();
    let mut source = folder.open(&playbook);
    let outputs = with_outputs(&mut source);
    source.table(&Subject(subject.to_owned()), &outputs).unwrap()
}

#[test]
fn channels_have_events_costs_and_entries_beside_each_other() {
    let mut recent =
        over("cost_30d", "channel", Grain::Costs, Aggregate::Sum, Some("amount_minor"));
    if let Definition::Aggregate(aggregate) = &mut recent.definition {
        aggregate.window.from_ms = Some(30 * 86_400_000);
    }
    let frame = table(
        vec![
            over("orders", "channel", Grain::Events, Aggregate::Count, None),
            over("revenue", "channel", Grain::Events, Aggregate::Sum, Some("amount_minor")),
            recent,
            split(
                over("entry", "channel", Grain::Entries, Aggregate::Last, Some("value")),
                "metric",
            ),
            feature(
                "roi",
                "channel",
                CellType::Real,
                Definition::Expression("revenue / cost_30d".to_owned()),
            ),
            feature("margin", "channel", CellType::Real, Definition::Constant(0.3)),
        ],
        "channel",
    );
    assert_eq!(cells(&frame, "channel"), ["app", "tv", "web"]);
    assert_eq!(cells(&frame, "orders"), ["1", "0", "2"]);
    assert_eq!(cells(&frame, "revenue"), ["200", "0", "500"]);
    assert_eq!(cells(&frame, "cost_30d"), ["0", "700", "1000"]);
    assert_eq!(cells(&frame, "entry.nps"), ["-", "-", "9"]);
    assert_eq!(cells(&frame, "roi"), ["-", "0", "0.5"]);
    assert_eq!(cells(&frame, "margin"), ["0.3", "0.3", "0.3"]);
}

#[test]
fn the_brand_is_one_row_over_events_members_and_entries() {
    let frame = table(
        vec![
            over("orders", "brand", Grain::Events, Aggregate::Count, None),
            over("days", "brand", Grain::Events, Aggregate::DistinctDays, None),
            over("buyers", "brand", Grain::Events, Aggregate::Distinct, Some("member")),
            over("members", "brand", Grain::Members, Aggregate::Count, None),
            over("level", "brand", Grain::Members, Aggregate::Mean, Some("churn.level")),
            split(over("tier", "brand", Grain::Members, Aggregate::Count, None), "tier.segment"),
            split(
                over("sales", "brand", Grain::Events, Aggregate::Sum, Some("amount_minor")),
                "tier.segment",
            ),
            split(over("entry", "brand", Grain::Entries, Aggregate::Last, Some("value")), "metric"),
            over("lost", "brand", Grain::Costs, Aggregate::Sum, Some("amount_minor")),
        ],
        "brand",
    );
    assert_eq!(cells(&frame, "brand"), ["lotus"]);
    let one = |name: &str| cells(&frame, name).remove(0);
    assert_eq!((one("orders"), one("days"), one("buyers")), ("4".into(), "2".into(), "3".into()));
    assert_eq!((one("members"), one("level")), ("4".into(), (7.0 / 3.0).to_string()));
    assert_eq!(
        (one("tier.vip"), one("tier.plain"), one("tier.empty")),
        ("1".into(), "2".into(), "0".into())
    );
    assert_eq!(
        (one("sales.vip"), one("sales.plain"), one("sales.empty")),
        ("300".into(), "400".into(), "0".into())
    );
    assert_eq!((one("entry.nps"), one("entry.reach")), ("40".into(), "0.5".into()));
    assert_eq!(one("lost"), "11700");
}

#[test]
fn segments_regions_and_days_are_subjects() {
    let frame = table(
        vec![
            over("members", "segment", Grain::Members, Aggregate::Count, None),
            over("sales", "segment", Grain::Events, Aggregate::Sum, Some("amount_minor")),
        ],
        "segment",
    );
    assert_eq!(cells(&frame, "segment"), ["empty", "plain", "vip"]);
    assert_eq!(cells(&frame, "members"), ["0", "2", "1"]);
    assert_eq!(cells(&frame, "sales"), ["0", "400", "300"]);
    let frame = table(
        vec![over("level", "region", Grain::Members, Aggregate::Sum, Some("churn.level"))],
        "region",
    );
    assert_eq!(
        (cells(&frame, "region"), cells(&frame, "level")),
        (vec!["north".into(), "south".into()], vec!["5".into(), "2".into()])
    );
    let frame = table(vec![over("orders", "day", Grain::Events, Aggregate::Count, None)], "day");
    assert_eq!(cells(&frame, "day"), ["2026-01-01", "2026-01-02"]);
    assert_eq!(cells(&frame, "orders"), ["1", "3"]);
}

#[test]
fn a_subject_without_rows_is_an_empty_table() {
    let frame = table(vec![], "campaign");
    assert_eq!((frame.rows(), frame.columns().len()), (0, 1));
}

/// The frame of channels and that of members over three accounts, two of which are one person's.
fn of_accounts(ids: MapType, partitions: usize) -> [Frame; 2] {
    let mut playbook = world::playbook("UTC");
    let channel = [("channel", "channel", MapType::Text)];
    let mut keys = source("keys", SourceTable::Identities, "keys.csv");
    keys.mapping = vec![
        map("member", "member", ids),
        map("kind", "key_kind", MapType::Text),
        map("hash", "key_hash", MapType::Text),
        map("verified", "verified", MapType::Flag),
    ];
    let mut people = source("people", SourceTable::Members, "people.csv");
    people.mapping = vec![
        map("member", "member", ids),
        map("joined", "joined", MapType::Time),
        map("region", "region", MapType::Text),
    ];
    let mut events = events("events.csv", &channel);
    events.mapping[0] = map("member", "member", ids);
    playbook.sources = vec![events, keys, people];
    let attribute = |name: &str, field: &str| {
        let definition = Definition::Attribute { field: field.to_owned() };
        feature(name, "member", CellType::Text, definition)
    };
    let free = "select member as subject, count(distinct account) as value from events group by 1";
    playbook.features = vec![
        over("events", "channel", Grain::Events, Aggregate::Count, None),
        over("people", "channel", Grain::Events, Aggregate::Distinct, Some("member")),
        split(over("tier", "channel", Grain::Events, Aggregate::Count, None), "tier.segment"),
        attribute("region", "region"),
        attribute("home", "region"),
        attribute("id", "member"),
        over("n", "member", Grain::Events, Aggregate::Count, None),
        over("selves", "member", Grain::Events, Aggregate::Distinct, Some("member")),
        feature("accounts", "member", CellType::Integer, Definition::Sql(free.to_owned())),
    ];
    let folder = Folder::new(&[
        (
            "events.csv",
            "member,kind,time,channel\n21,like,2026-01-01,web\n100,like,2026-01-01,web\n\
             3,like,2026-01-01,web\n21,like,2026-01-01,app\n40,like,2026-01-01,app\n",
        ),
        ("keys.csv", "member,kind,hash,verified\n3,phone,1,yes\n100,phone,1,yes\n21,phone,2,yes\n"),
        (
            "people.csv",
            "member,joined,region\n100,2025-01-01,\n3,2025-02-01,north\n21,2025-01-01,west\n",
        ),
    ]);
    let mut options = folder.options();
    options.partitions = partitions;
    let mut source = BatchSource::open(&playbook, options).unwrap();
    assert_eq!(source.intake().accounts_merged, 1);
    let mut members = source.members().unwrap();
    members.push(Column {
        name: "tier.segment".to_owned(),
        unit: String::new(),
        cells: Cells::Category {
            codes: (0..3).map(|row| u32::from(cells(&members, "member")[row] == "100")).collect(),
            names: ["plain", "vip"].map(str::to_owned).into(),
        },
        valid: None,
    });
    [source.table(&Subject("channel".to_owned()), &members).unwrap(), members]
}

#[test]
fn an_account_counts_as_its_member_whichever_way_rows_are_read() {
    for (ids, order) in [(MapType::Text, [0, 1, 2]), (MapType::Integer, [1, 2, 0])] {
        for partitions in [1, 2] {
            let [channels, members] = of_accounts(ids, partitions);
            // Members ascend as texts, or as integers.
            let sorted = |texts: [&str; 3]| order.map(|at| texts[at].to_owned());
            assert_eq!(cells(&members, "member"), sorted(["100", "21", "40"]));
            assert_eq!(cells(&members, "n"), sorted(["2", "2", "1"]));
            assert_eq!(cells(&members, "selves"), sorted(["1", "1", "1"]));
            assert_eq!(cells(&members, "accounts"), sorted(["2", "1", "1"]));
            assert_eq!(cells(&members, "region"), sorted(["north", "west", "-"]));
            assert_eq!(cells(&members, "home"), cells(&members, "region"));
            assert_eq!(cells(&members, "id"), sorted(["100", "21", "-"]));
            assert_eq!(cells(&channels, "channel"), ["app", "web"]);
            assert_eq!(cells(&channels, "events"), ["2", "3"]);
            assert_eq!(cells(&channels, "people"), ["2", "2"]);
            assert_eq!(cells(&channels, "tier.vip"), ["0", "2"]);
            assert_eq!(cells(&channels, "tier.plain"), ["2", "1"]);
        }
    }
}
