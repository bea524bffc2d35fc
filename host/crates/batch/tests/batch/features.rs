//! Features of members from a handful of events.

use playbook_batch::{BatchError, BatchSource};
use playbook_cycle::DataSource;
use playbook_features::ComputeError;
use playbook_model::{
    Aggregate, CellType, Definition, FeatureDef, Frame, MapType, Playbook, SourceTable,
};

use crate::world::{self, Draws, Folder, aggregate, cells, events, feature, map, plain, source};

/// As of 2026-03-11T00:00+08:00: midnight after the last event.
const EVENTS: &str = "\
event_id,member,kind,time,channel,amount,mood
1,b,order_paid,2026-03-01T09:00,web,10.00,0.1
2,b,order_paid,2026-03-01T21:30,app,5.50,0.2
3,b,order_paid,2026-03-04T00:00,web,1.00,
4,b,like,2026-03-10T23:59,web,,0.3
5,a,like,2026-03-03T12:00,app,,-0.5
6,b,order_paid,2026-03-09T08:00,,2.00,
7,c,order_paid,2025-01-01T00:00,web,100.00,
8,a,like,2026-03-03T12:00,web,,
";

const DAY: i64 = 86_400_000;

fn playbook(features: Vec<FeatureDef>) -> Playbook {
    let mut playbook = world::playbook("Asia/Shanghai");
    let more = [
        ("event_id", "event_id", MapType::Integer),
        ("channel", "channel", MapType::Text),
        ("amount", "amount_minor", MapType::Money),
        ("mood", "sentiment", MapType::Real),
    ];
    playbook.sources = vec![events("events.csv", &more)];
    playbook.features = features;
    playbook
}

fn members(features: Vec<FeatureDef>) -> Frame {
    let folder = Folder::new(&[("events.csv", EVENTS)]);
    folder.open(&playbook(features)).members().unwrap()
}

/// A feature over orders in the last `days`, of all time for 0.
fn orders(function: Aggregate, field: Option<&str>, days: i64) -> FeatureDef {
    let mut definition = plain(function, field);
    definition.filter.kinds = vec!["order_paid".to_owned()];
    definition.window.from_ms = (days > 0).then_some(days * DAY);
    let cell_type = match function {
        Aggregate::First | Aggregate::Last if field == Some("channel") => CellType::Text,
        _ => playbook_model::default_cell_type(function),
    };
    feature("x", "member", cell_type, Definition::Aggregate(definition))
}

fn check(definition: FeatureDef, want: [&str; 3]) {
    let shown = format!("{definition:?}");
    let frame = members(vec![definition]);
    assert_eq!(cells(&frame, "member"), ["a", "b", "c"]);
    assert_eq!(cells(&frame, "x"), want, "{shown}");
}

#[test]
fn every_aggregate_gives_what_its_definition_says() {
    use Aggregate as A;
    let amount = Some("amount_minor");
    check(orders(A::Count, None, 0), ["0", "4", "1"]);
    check(orders(A::Count, None, 7), ["0", "2", "0"]);
    check(orders(A::Sum, amount, 0), ["0", "1850", "10000"]);
    check(orders(A::Sum, amount, 7), ["0", "300", "0"]);
    check(orders(A::Mean, amount, 0), ["-", "462.5", "10000"]);
    check(orders(A::Min, amount, 0), ["-", "100", "10000"]);
    check(orders(A::Max, amount, 30), ["-", "1000", "-"]);
    check(orders(A::Distinct, Some("channel"), 0), ["0", "2", "1"]);
    check(orders(A::DistinctDays, None, 0), ["0", "3", "1"]);
    check(orders(A::DistinctDays, None, 30), ["0", "3", "0"]);
    check(orders(A::Recency, None, 0), ["-", "1", "434"]);
    check(orders(A::Age, None, 0), ["-", "9", "434"]);
    check(orders(A::Span, None, 0), ["-", "7", "0"]);
    check(orders(A::First, amount, 0), ["-", "1000", "10000"]);
    check(orders(A::Last, amount, 0), ["-", "200", "10000"]);
    check(orders(A::First, Some("channel"), 0), ["-", "web", "web"]);
    check(orders(A::RepeatDays, None, 0), ["0", "2", "0"]);
    check(orders(A::RepeatDays, None, 30), ["0", "2", "0"]);
    check(orders(A::RepeatSum, amount, 0), ["0", "300", "0"]);
    for (cap, want) in [(1, "3"), (2, "4"), (9, "4")] {
        let mut capped = orders(A::CappedCount, None, 0);
        if let Definition::Aggregate(definition) = &mut capped.definition {
            definition.cap = Some(cap);
        }
        check(capped, ["0", want, "1"]);
    }
    // Gaps of 3 and 5 days.
    check(orders(A::GapMean, None, 0), ["-", "4", "-"]);
    check(orders(A::GapSd, None, 0), ["-", &2_f64.sqrt().to_string(), "-"]);
}

#[test]
fn reals_are_summed_as_millionths() {
    check(
        FeatureDef {
            cell_type: CellType::Real,
            ..aggregate("x", Aggregate::Sum, Some("sentiment"))
        },
        ["-0.5", "0.6", "0"],
    );
    check(aggregate("x", Aggregate::Mean, Some("sentiment")), ["-0.5", "0.2", "-"]);
}

#[test]
fn a_window_is_closed_at_its_start_and_open_at_its_end() {
    let mut definition = plain(Aggregate::Count, None);
    // [2026-03-04T00:00, 2026-03-09T08:00)
    definition.window.from_ms = Some(7 * DAY);
    definition.window.to_ms = DAY + 16 * DAY / 24;
    let x = feature("x", "member", CellType::Integer, Definition::Aggregate(definition));
    check(x, ["0", "1", "0"]);
}

#[test]
fn a_split_gives_one_column_per_value_and_channels_filter() {
    let mut split = plain(Aggregate::Count, None);
    split.by = Some("channel".to_owned());
    let mut web = plain(Aggregate::Count, None);
    web.filter.channels = vec!["web".to_owned()];
    let frame = members(vec![
        feature("n", "member", CellType::Integer, Definition::Aggregate(split)),
        feature("web", "member", CellType::Integer, Definition::Aggregate(web)),
    ]);
    let names: Vec<_> = frame.columns().iter().map(|c| c.name.as_str()).collect();
    assert_eq!(names, ["member", "n.app", "n.web", "web"]);
    assert_eq!(cells(&frame, "n.app"), ["1", "1", "0"]);
    assert_eq!(cells(&frame, "n.web"), ["1", "3", "1"]);
    assert_eq!(cells(&frame, "web"), ["1", "3", "1"]);
}

fn expression(name: &str, cell_type: CellType, sql: &str) -> FeatureDef {
    feature(name, "member", cell_type, Definition::Expression(sql.to_owned()))
}

#[test]
fn expressions_divide_exactly_and_wait_for_each_other() {
    let frame = members(vec![
        expression("double_aov", CellType::Real, "aov * 2"),
        expression("aov", CellType::Integer, "spend / orders"),
        expression("rounded", CellType::Integer, "floor(spend / 1000.0)"),
        orders(Aggregate::Count, None, 0),
        FeatureDef { name: "orders".to_owned(), ..orders(Aggregate::Count, None, 0) },
        FeatureDef { name: "spend".to_owned(), ..orders(Aggregate::Sum, Some("amount_minor"), 0) },
        feature("k", "member", CellType::Real, Definition::Constant(0.5)),
        expression("flag", CellType::Integer, "case when orders > 1 then 1 else 0 end"),
    ]);
    assert_eq!(cells(&frame, "aov"), ["-", "463", "10000"]);
    assert_eq!(cells(&frame, "double_aov"), ["-", "926", "20000"]);
    assert_eq!(cells(&frame, "rounded"), ["0", "1", "10"]);
    assert_eq!(cells(&frame, "flag"), ["0", "1", "0"]);
    assert_eq!(cells(&frame, "k"), ["0.5", "0.5", "0.5"]);
}

/// Name of the feature whose SQL is refused.
fn refused(definition: FeatureDef) -> Option<String> {
    let folder = Folder::new(&[("events.csv", EVENTS)]);
    let error = folder.open(&playbook(vec![definition])).members().unwrap_err();
    match std::error::Error::source(&error).and_then(|inner| inner.downcast_ref()) {
        Some(
            BatchError::FeatureSql { feature, .. }
            | BatchError::SqlRefused { feature, .. }
            | BatchError::Compute(ComputeError::Expression { feature, .. }),
        ) => Some(feature.clone()),
        _ => None,
    }
}

#[test]
fn expressions_that_cannot_be_computed_name_the_feature() {
    for sql in ["nothing + 1", "orders +", "(select 1)"] {
        assert_eq!(refused(expression("x", CellType::Real, sql)).as_deref(), Some("x"), "{sql}");
    }
}

#[test]
fn free_sql_gives_subject_and_value_and_changes_nothing() {
    let sql =
        |text: &str| feature("x", "member", CellType::Integer, Definition::Sql(text.to_owned()));
    check(
        sql(
            "SELECT member AS subject, count(*) AS value FROM events WHERE kind = 'like' GROUP BY member",
        ),
        ["2", "1", "-"],
    );
    for text in
        ["DROP TABLE events", "CREATE TABLE t AS SELECT 1", "COPY events TO 'x.csv'", "SET a = 1"]
    {
        assert_eq!(refused(sql(text)).as_deref(), Some("x"), "{text}");
    }
    for hidden in ["raw_0", "source_0", "events_mapped"] {
        let text = format!("SELECT member AS subject, 1 AS value FROM {hidden}");
        assert_eq!(refused(sql(&text)).as_deref(), Some("x"), "{hidden}");
    }
}

#[test]
fn results_do_not_depend_on_the_number_of_partitions() {
    let mut features = Vec::new();
    let functions = Aggregate::ALL.iter().zip(0..);
    for ((_, function), at) in functions {
        let field = function.needs_field().then_some("amount_minor");
        features.push(FeatureDef { name: format!("f{at}"), ..orders(*function, field, 0) });
    }
    let mut rows = String::from("event_id,member,kind,time,channel,amount,mood\n");
    for at in 0..60_000_u64 {
        let mixed = at.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 20;
        let (member, day, hour) = (mixed % 997, 1 + mixed / 997 % 28, mixed / 40_000 % 24);
        let (channel, cents, mood) =
            (["web", "app", "shop"][at as usize % 3], mixed % 10_000, mixed % 7);
        rows.push_str(&format!(
            "{at},m{member},order_paid,2026-02-{day:02}T{hour:02}:00,{channel},{}.{:02},0.{mood}\n",
            cents / 100,
            cents % 100
        ));
    }
    let folder = Folder::new(&[("events.csv", &rows)]);
    let frame = |partitions| {
        let mut options = folder.options();
        options.partitions = partitions;
        let mut source = BatchSource::open(&playbook(features.clone()), options).unwrap();
        let frame = source.members().unwrap();
        let path = folder.path().join(format!("{partitions}.parquet"));
        playbook_batch::write_table(&path, &frame, &[], partitions).unwrap();
        (frame, std::fs::read(path).unwrap())
    };
    let one = frame(1);
    assert_eq!(one.0.rows(), 997);
    for partitions in [2, 5] {
        let other = frame(partitions);
        assert!(one.0 == other.0, "{partitions} partitions give another frame");
        assert!(one.1 == other.1, "{partitions} partitions give other bytes");
    }
}

#[test]
fn members_without_events_are_members_and_keep_their_attributes() {
    let mut playbook = playbook(vec![
        aggregate("n", Aggregate::Count, None),
        feature(
            "region",
            "member",
            CellType::Category,
            Definition::Attribute { field: "region".to_owned() },
        ),
        feature(
            "joined",
            "member",
            CellType::Integer,
            Definition::Attribute { field: "joined".to_owned() },
        ),
    ]);
    let mut people = source("people", SourceTable::Members, "people.csv");
    people.mapping = vec![
        map("id", "member", MapType::Text),
        map("region", "region", MapType::Text),
        map("joined", "joined", MapType::Time),
    ];
    playbook.sources.push(people);
    let folder = Folder::new(&[
        ("events.csv", EVENTS),
        ("people.csv", "id,region,joined\nz,south,1970-01-02\na,north,\n"),
    ]);
    let frame = folder.open(&playbook).members().unwrap();
    assert_eq!(cells(&frame, "member"), ["a", "b", "c", "z"]);
    assert_eq!(cells(&frame, "n"), ["2", "5", "1", "0"]);
    assert_eq!(cells(&frame, "region"), ["north", "-", "-", "south"]);
    assert_eq!(cells(&frame, "joined"), ["-", "-", "-", "57600000"]);
}

#[test]
fn numbers_by_member_and_sql_over_the_brand_agree_where_the_brand_has_one_member() {
    let kinds = ["order_paid", "order_refunded", "like", "join"];
    let mut draws = Draws(7);
    let mut text = "event_id,member,kind,time,channel,amount,mood,of,topic\n".to_owned();
    for id in 0..600 {
        let kind = kinds[usize::try_from(draws.below(4)).unwrap()];
        let (month, day, hour) = (1 + draws.below(3), 1 + draws.below(28), draws.below(24));
        let or_empty = |draws: &mut Draws, text: String| {
            if draws.below(4) == 0 { String::new() } else { text }
        };
        let channel = ["web", "app", ""][usize::try_from(draws.below(3)).unwrap()];
        let cents = draws.below(10_000);
        let amount = or_empty(&mut draws, format!("{}.{:02}", cents / 100, cents % 100));
        let mood = draws.below(2_000_001);
        let mood = or_empty(&mut draws, format!("0.{mood:06}"));
        let of = or_empty(&mut draws, (id / 2).to_string());
        let topic = draws.below(9);
        let topic = or_empty(&mut draws, format!("topic {topic}"));
        text.push_str(&format!(
            "{id},a,{kind},2026-{month:02}-{day:02}T{hour:02}:30,{channel},{amount},{mood},{of},{topic}\n"
        ));
    }
    let mut features = Vec::new();
    for (name, function) in Aggregate::ALL {
        for field in [None, Some("amount_minor"), Some("sentiment"), Some("topic")] {
            let sums = matches!(function, Aggregate::Sum | Aggregate::Mean | Aggregate::RepeatSum);
            let counts = function == Aggregate::Count;
            if (field.is_some() != function.needs_field() && !counts)
                || (sums && field == Some("topic"))
            {
                continue;
            }
            for (from, to) in [(None, 0), (None, 20), (Some(5), 0), (Some(40), 10), (Some(70), 0)] {
                for (kinds, channels) in [
                    (vec![], vec![]),
                    (vec!["order_paid"], vec![]),
                    (vec!["like", "order_paid"], vec!["web"]),
                ] {
                    let mut definition = plain(function, field);
                    definition.window.from_ms = from.map(|days: i64| days * DAY);
                    definition.window.to_ms = to * DAY;
                    definition.cap = (function == Aggregate::CappedCount).then_some(2);
                    definition.filter.kinds = kinds.into_iter().map(str::to_owned).collect();
                    definition.filter.channels = channels.into_iter().map(str::to_owned).collect();
                    let of_text = matches!(
                        function,
                        Aggregate::Min | Aggregate::Max | Aggregate::First | Aggregate::Last
                    );
                    let cell_type = match field {
                        Some("topic") if of_text => CellType::Text,
                        Some("sentiment")
                            if function != Aggregate::Count && function != Aggregate::Distinct =>
                        {
                            CellType::Real
                        }
                        _ => playbook_model::default_cell_type(function),
                    };
                    for subject in ["member", "brand"] {
                        let name =
                            format!("{name}-{}-{}", field.unwrap_or("rows"), features.len() / 2);
                        let definition = Definition::Aggregate(definition.clone());
                        features.push(feature(&name, subject, cell_type, definition));
                    }
                }
            }
        }
    }
    let mut playbook = playbook(features.clone());
    let more = [("of", "original_order", MapType::Text), ("topic", "topic", MapType::Text)];
    playbook.sources[0].mapping.extend(more.map(|(from, to, map_type)| map(from, to, map_type)));
    playbook.cycle.as_of = Some(playbook_model::UnixMs(1_774_800_000_000)); // 2026-03-30
    let folder = Folder::new(&[("events.csv", &text)]);
    let mut source = folder.open(&playbook);
    let members = source.members().unwrap();
    let brand = source.table(&playbook_model::Subject::brand(), &members).unwrap();
    assert_eq!(cells(&members, "member"), ["a"]);
    assert!(features.len() > 500, "{}", features.len());
    for feature in features.iter().step_by(2) {
        let (of_member, of_brand) = (cells(&members, &feature.name), cells(&brand, &feature.name));
        assert_eq!(of_member, of_brand, "{feature:?}");
    }
}

#[test]
fn an_integer_beyond_64_bits_is_an_error_that_names_the_member() {
    let big = "1000000.0 * 4611686018427.0";
    for sql in
        ["orders * 4611686018427387904", "orders + 9223372036854775807", &format!("orders * {big}")]
    {
        let orders = FeatureDef { name: "orders".to_owned(), ..orders(Aggregate::Count, None, 0) };
        let features = vec![orders, expression("x", CellType::Integer, sql)];
        let folder = Folder::new(&[("events.csv", EVENTS)]);
        let error = folder.open(&playbook(features)).members().unwrap_err();
        let error = std::error::Error::source(&error).unwrap();
        assert!(
            matches!(error.downcast_ref(), Some(BatchError::NoValue { key, .. }) if key == "b"),
            "{sql}: {error}"
        );
    }
}
