//! The playbook's own SQL: the same bytes whatever the threads, bounded, and never another number.

use std::error::Error;
use std::time::{Duration, Instant};

use playbook_batch::{BatchError, BatchSource};
use playbook_cycle::{Cancel, DataSource, SourceError};
use playbook_model::{Aggregate, CellType, Definition, FeatureDef, MapType, Playbook, Subject};

use crate::world::{self, Folder, aggregate, cells, events, feature};

const EVENTS: &str = "\
event_id,member,kind,time,amount,mood
1,a,order_paid,2026-03-01T09:00,1.00,0.1
2,b,order_paid,2026-03-01T21:30,2.00,0.2
3,b,order_paid,2026-03-04T00:00,3.00,0.7
";

fn playbook(features: Vec<FeatureDef>) -> Playbook {
    let mut playbook = world::playbook("Asia/Shanghai");
    let more = [
        ("event_id", "event_id", MapType::Integer),
        ("amount", "amount_minor", MapType::Money),
        ("mood", "sentiment", MapType::Real),
    ];
    playbook.sources = vec![events("events.csv", &more)];
    playbook.features = features;
    playbook
}

fn sql(text: &str) -> FeatureDef {
    feature("x", "member", CellType::Real, Definition::Sql(text.to_owned()))
}

/// What a query ends in, with the limits that `change` sets and a stop after `stop_ms`.
fn error_of(
    text: &str,
    events: &str,
    change: impl Fn(&mut Playbook),
    stop_ms: Option<u64>,
) -> SourceError {
    let mut playbook = playbook(vec![sql(text)]);
    change(&mut playbook);
    let folder = Folder::new(&[("events.csv", events)]);
    let mut options = folder.options();
    let cancel = Cancel::default();
    options.cancel = cancel.clone();
    let mut source = BatchSource::open(&playbook, options).unwrap();
    let stopper = std::thread::spawn(move || {
        if let Some(stop_ms) = stop_ms {
            std::thread::sleep(Duration::from_millis(stop_ms));
            cancel.cancel();
        }
    });
    let Err(error) = source.members() else { panic!("{text} is answered") };
    stopper.join().unwrap();
    error
}

/// The data room's own error.
fn batch(error: &SourceError) -> &BatchError {
    std::error::Error::source(error).unwrap().downcast_ref().unwrap()
}

fn fails(text: &str) -> SourceError {
    error_of(text, EVENTS, |_| (), None)
}

#[test]
fn a_subject_given_twice_is_an_error_that_names_it() {
    let error = fails("SELECT member AS subject, amount_minor AS value FROM events");
    assert!(
        matches!(batch(&error), BatchError::SubjectTwice { feature, key, .. } if feature == "x" && key == "b"),
        "{error}"
    );
    let strangers = "SELECT 'nobody' AS subject, amount_minor AS value FROM events";
    let folder = Folder::new(&[("events.csv", EVENTS)]);
    let frame = folder.open(&playbook(vec![sql(strangers)])).members().unwrap();
    assert_eq!(cells(&frame, "x"), ["-", "-"]);
}

#[test]
fn what_another_run_would_answer_otherwise_is_refused() {
    for (part, named) in [
        ("random()", "random"),
        ("now()", "now"),
        ("uuid()", "uuid"),
        ("current_date", "current_date"),
        ("current_timestamp", "now"),
        ("current_time", "current_time"),
        ("first_value(amount_minor)", "first_value"),
        ("any_value(amount_minor)", "any_value"),
        ("array_agg(amount_minor)", "array_agg"),
        ("string_agg(kind, ',')", "string_agg"),
        ("row_number() over (partition by member)", "row_number"),
        ("(SELECT amount_minor FROM events LIMIT 1)", "limit"),
        ("(SELECT count(*) FROM events WHERE time < cast(now() as bigint))", "now"),
    ] {
        let text = format!("SELECT member AS subject, {part} AS value FROM events GROUP BY member");
        match batch(&fails(&text)) {
            BatchError::SqlRefused { source, .. } => {
                assert!(source.message.contains(named), "{part}: {source}");
            }
            error => panic!("{part}: {error}"),
        }
    }
}

#[test]
fn an_order_that_is_asked_for_is_one() {
    let text = "SELECT member AS subject, last_value(amount_minor ORDER BY time) AS value FROM events GROUP BY member";
    let folder = Folder::new(&[("events.csv", EVENTS)]);
    let frame = folder.open(&playbook(vec![sql(text)])).members().unwrap();
    assert_eq!(cells(&frame, "x"), ["100", "300"]);
}

#[test]
fn endless_queries_end_within_their_limits() {
    let started = Instant::now();
    let quick = |playbook: &mut Playbook| {
        playbook.sql.time_ms_max = 700;
        playbook.sql.memory_bytes_max = 64 << 20;
    };
    let mut many = EVENTS.to_owned();
    (0..3_000)
        .for_each(|at| many.push_str(&format!("{},m{at},like,2026-03-02T00:00,,\n", at + 10)));
    let one = |value: &str| format!("SELECT 'a' AS subject, ({value}) AS value");
    let cross =
        "SELECT sum(a.event_id - c.event_id) FROM events a CROSS JOIN events b CROSS JOIN events c";
    let filtered = "SELECT count(*) FROM events a, events b, events c WHERE a.amount_minor + b.amount_minor * c.amount_minor < -5";
    let recursive =
        "WITH RECURSIVE t(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM t) SELECT max(n) FROM t";
    let constant =
        "WITH RECURSIVE t(n) AS (SELECT 1 UNION ALL SELECT n FROM t) SELECT count(*) FROM t";
    for text in [
        one("SELECT count(*) FROM generate_series(1, 1000000000000) AS s(n) WHERE n % 7 = 9"),
        one(cross),
        one(filtered),
        one(recursive),
        one(constant),
    ] {
        let error = error_of(&text, &many, quick, None);
        assert!(
            matches!(batch(&error), BatchError::SqlTime { ms_max: 700, .. }),
            "{text}: {error}"
        );
    }
    for text in [
        one(
            "SELECT count(DISTINCT n * 7919 % 1000000007) FROM generate_series(1, 1000000000000) AS s(n)",
        ),
        one(
            "SELECT max(s) FROM (SELECT sum(n) OVER () AS s FROM generate_series(1, 1000000000000) AS s(n))",
        ),
        one(
            "SELECT max(s) FROM (SELECT sum(n) OVER (ORDER BY n) AS s FROM generate_series(1, 1000000000000) AS s(n))",
        ),
        one(
            "SELECT octet_length(string_agg(kind, ',' ORDER BY n)) FROM events, generate_series(1, 100000000) AS s(n)",
        ),
        one("SELECT octet_length(repeat('x', 2000000000))"),
        one("SELECT max(octet_length(repeat(kind, 2000000000))) FROM events"),
        one("SELECT octet_length(replace(repeat('x', 1000000), 'x', repeat('y', 1000000)))"),
        one(
            "WITH a AS (SELECT repeat('x', 60000000) AS t) SELECT octet_length(t || t || t || t || t) FROM a",
        ),
    ] {
        let long = |playbook: &mut Playbook| {
            playbook.sql.memory_bytes_max = 8 << 20;
        };
        match batch(&error_of(&text, &many, long, None)) {
            BatchError::SqlMemory { .. } => {}
            error => panic!("{text}: {error}: {:?}", std::error::Error::source(&error)),
        }
    }
    assert!(started.elapsed() < Duration::from_secs(120), "{:?}", started.elapsed());
}

#[test]
fn a_query_is_given_up_at_once() {
    let text = "SELECT 'a' AS subject, (SELECT count(*) FROM generate_series(1, 1000000000000) AS s(n) WHERE n % 7 = 9) AS value";
    let started = Instant::now();
    let error = error_of(text, EVENTS, |_| (), Some(300));
    assert!(matches!(batch(&error), BatchError::Cancelled), "{error}");
    assert!(started.elapsed() < Duration::from_secs(3), "{:?}", started.elapsed());
}

#[test]
fn integers_beyond_64_bits_are_errors_in_sql() {
    let big = 9_000_000_000_000_000_000_i64;
    let events = format!(
        "event_id,member,kind,time,amount,mood\n1,a,order_paid,2026-03-01T09:00,,0\n2,a,order_paid,2026-03-02T09:00,,0\n{big},b,x,2026-03-02T09:00,,0\n"
    );
    for value in [
        format!("sum(event_id - event_id + {big})"),
        format!("sum(distinct event_id + {big} - 1)"),
        format!("max(event_id) * {big}"),
        format!("max(event_id) + {big} + {big}"),
        format!("-max(event_id) - {big} - {big}"),
        format!(
            "(SELECT sum(v) OVER () FROM (VALUES ({big}), ({big})) AS t(v) ORDER BY 1 LIMIT 1)"
        ),
    ] {
        let text = format!(
            "SELECT member AS subject, {value} AS value FROM events WHERE member = 'a' GROUP BY member"
        );
        let error = error_of(&text, &events, |_| (), None);
        let BatchError::FeatureSql { source, .. } = batch(&error) else {
            panic!("{value}: {error}")
        };
        let first: &dyn Error = &**source;
        let root = std::iter::successors(Some(first), |error| (*error).source()).last().unwrap();
        assert!(root.to_string().contains("64 bits"), "{value}: {source}");
    }
    // Beyond 64 bits on the way, within them at the end.
    let text = format!(
        "SELECT member AS subject, sum(CASE WHEN event_id = 2 THEN -{big} ELSE {big} END) AS value FROM events WHERE member = 'a' GROUP BY member"
    );
    let folder = Folder::new(&[("events.csv", &events)]);
    let frame = folder.open(&playbook(vec![sql(&text)])).members().unwrap();
    assert_eq!(cells(&frame, "x"), ["0", "-"]);
}

#[test]
fn sums_of_members_and_of_the_brand_beyond_64_bits_are_errors() {
    let mut events = String::from("event_id,member,kind,time,amount,mood\n");
    (0..20).for_each(|day| {
        events.push_str(&format!(
            "{day},a,order_paid,2026-03-{:02}T09:00,69012345678901.23,9e12\n",
            day + 1
        ));
    });
    events.push_str("99,b,order_paid,2026-03-01T09:00,1.00,0.5\n");
    let big: String = events.replace("69012345678901.23", "69012345678901234.56");
    for (field, function) in [
        ("amount_minor", Aggregate::Sum),
        ("amount_minor", Aggregate::Mean),
        ("amount_minor", Aggregate::RepeatSum),
        ("sentiment", Aggregate::Sum),
        ("sentiment", Aggregate::Mean),
    ] {
        for subject in ["member", "brand"] {
            let mut x = aggregate("x", function, Some(field));
            x.subject = Subject(subject.to_owned());
            x.cell_type = if field == "sentiment" || function == Aggregate::Mean {
                CellType::Real
            } else {
                CellType::Integer
            };
            let folder = Folder::new(&[("events.csv", &big)]);
            let mut source = folder.open(&playbook(vec![x]));
            let members = source.members();
            let frame = match members {
                Ok(members) => source.table(&Subject(subject.to_owned()), &members),
                error => error,
            };
            let Err(error) = frame else { panic!("{field} {function:?} {subject} has a value") };
            let named = match batch(&error) {
                BatchError::NoValue { feature, key, .. } => feature == "x" && key == "a",
                BatchError::SumTooLarge { features } => features == "`x`",
                _ => false,
            };
            assert!(named, "{field} {function:?} {subject}: {error}");
        }
    }
    // Sums on the way to it are within bounds.
    let folder = Folder::new(&[("events.csv", &events)]);
    let x = aggregate("x", Aggregate::Sum, Some("amount_minor"));
    let frame = folder.open(&playbook(vec![x])).members().unwrap();
    assert_eq!(cells(&frame, "x"), ["138024691357802460", "100"]);
}

#[test]
fn a_subject_that_only_a_query_knows_has_a_row_for_each_that_it_gives() {
    let query = "SELECT CAST(local_day(min(time)) AS VARCHAR) AS subject, count(*) AS value \
                 FROM events GROUP BY local_day(time)";
    let cohort = |name: &str, sql: &str| {
        feature(name, "cohort", CellType::Integer, Definition::Sql(sql.to_owned()))
    };
    let fixed = "SELECT '20513' AS subject, 7 AS value UNION ALL SELECT 'new', 8";
    let playbook = playbook(vec![cohort("x", query), cohort("y", fixed)]);
    let folder = Folder::new(&[("events.csv", EVENTS)]);
    let table = |playbook: &Playbook| {
        let mut source = folder.open(playbook);
        let members = source.members().unwrap();
        source.table(&Subject("cohort".to_owned()), &members)
    };
    let frame = table(&playbook).unwrap();
    // 2026-03-01 is day 20,513.
    assert_eq!(cells(&frame, "cohort"), ["20513", "20516", "new"]);
    assert_eq!(cells(&frame, "x"), ["2", "1", "-"]);
    assert_eq!(cells(&frame, "y"), ["7", "-", "8"]);

    let mut small = playbook;
    small.sql.memory_bytes_max = 100;
    let error = table(&small).unwrap_err();
    assert!(matches!(batch(&error), BatchError::SqlMemory { .. }), "{error}");
}

#[test]
fn free_sql_gives_the_same_bytes_whatever_the_threads() {
    let mut rows = String::from("event_id,member,kind,time,amount,mood\n");
    for at in 0..60_000_u64 {
        let mixed = at.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 20;
        let mood = (mixed % 1_000_003) as f64 * 1e-7 + 1e6 / ((mixed % 977) as f64 + 1.0);
        rows.push_str(&format!(
            "{at},m{},order_paid,2026-02-{:02}T08:00,{}.00,{mood}\n",
            mixed % 97,
            1 + mixed / 97 % 28,
            mixed % 1_000
        ));
    }
    let folder = Folder::new(&[("events.csv", &rows)]);
    let values = [
        "sum(sentiment)",
        "avg(sentiment)",
        "stddev(sentiment)",
        "var_pop(sentiment)",
        "corr(sentiment, amount_minor)",
        "regr_slope(sentiment, amount_minor)",
        "median(sentiment)",
        "approx_percentile_cont(0.9) within group (order by sentiment)",
        "sum(sentiment * amount_minor) / sum(amount_minor)",
        "last_value(sentiment order by time)",
    ];
    let features: Vec<FeatureDef> = values
        .iter()
        .zip(0..)
        .map(|(value, at)| {
            let text =
                format!("SELECT member AS subject, {value} AS value FROM events GROUP BY member");
            feature(&format!("x{at}"), "member", CellType::Real, Definition::Sql(text))
        })
        .collect();
    let frame = |partitions| {
        let mut options = folder.options();
        options.partitions = partitions;
        BatchSource::open(&playbook(features.clone()), options).unwrap().members().unwrap()
    };
    let one = frame(1);
    assert_eq!(one.rows(), 97);
    for partitions in [2, 4] {
        let other = frame(partitions);
        for (a, b) in one.columns().iter().zip(other.columns()) {
            assert!(a == b, "{} differs between 1 and {partitions} threads", a.name);
        }
    }
}
