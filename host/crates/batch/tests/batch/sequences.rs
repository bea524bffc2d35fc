//! Sessions, funnels and conversions: by hand, against the playbook's own SQL, whatever the order of files and threads.

use std::path::Path;

use playbook_batch::{BatchOptions, BatchSource};
use playbook_cycle::DataSource as _;
use playbook_model::{Frame, Subject};

use crate::exports::load;
use crate::world::{Draws, cells};

/// A playbook over `events.csv` and, where there are any, `keys.csv`.
fn playbook(lines: bool, keys: bool, features: &str) -> String {
    let keys = if keys {
        "[[source]]\nname = \"keys\"\ntable = \"identities\"\npath = \"keys.csv\"\n\
         map = { member = \"member\", key_kind = \"kind\", key_hash = \"hash\", verified = \"verified\" }\n"
    } else {
        ""
    };
    format!(
        r#"
[playbook]
id = "shop"
brand = "shop"
currency = "CNY"
time_zone = "Asia/Shanghai"
pseudonym_salt = "salt"
[cycle]
as_of = 2026-04-01
[[source]]
name = "events"
table = "events"
path = "events*.csv"
lines = {lines}
[source.map]
member = "member"
kind = "kind"
time = "time"
event_id = "id"
channel = "channel"
amount_minor = "amount"
original_order = "of"
field_visit = "visit"
{keys}
[features]
events = {{ count = "any" }}
{features}
"#
    )
}

/// The tables of members and of other subjects, as `name value ...` of each of their columns.
fn tables(
    folder: &Path,
    text: &str,
    subjects: &[&str],
    change: impl Fn(&mut BatchOptions),
) -> Vec<Frame> {
    let loaded = load(folder, text).unwrap();
    let scratch = tempfile::tempdir().unwrap();
    let mut options = BatchOptions::new(folder, scratch.path());
    change(&mut options);
    let mut source = BatchSource::open(&loaded, options).unwrap();
    let members = source.members().unwrap();
    let table = |subject: &&str| source.table(&Subject((*subject).to_owned()), &members).unwrap();
    let others: Vec<Frame> = subjects.iter().map(table).collect();
    [vec![members], others].concat()
}

fn told(frame: &Frame) -> Vec<String> {
    let of = |name: &str| format!("{name} {}", cells(frame, name).join(" "));
    frame.columns().iter().map(|column| of(&column.name)).collect()
}

const HEADER: &str = "id,member,kind,time,channel,amount,of,visit\n";

/// Three members by hand. `a` looks twice on 10 March, in two channels, and buys on the 12th; `b` buys what it did not
/// look at, and gives it back; `c` looks, and that is all. What happens in April is not known yet.
const EVENTS: &str = "\
1,a,view,2026-03-10T09:00,web,,,v1
2,a,view,2026-03-10T09:20,app,,,v1
3,a,like,2026-03-10T09:50,web,,,v2
4,a,order_paid,2026-03-12T09:20,web,10.00,,
5,b,order_paid,2026-03-01T00:00,app,20.00,,v1
6,b,order_refunded,2026-03-05T00:00,app,20.00,5,
7,b,view,2026-03-20T12:00,app,,,v3
8,c,view,2026-03-31T23:59,web,,,
9,c,order_paid,2026-04-01T00:00,web,10.00,,
";

fn by_hand(features: &str, subjects: &[&str]) -> Vec<Vec<String>> {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("events.csv"), format!("{HEADER}{EVENTS}")).unwrap();
    let text = playbook(false, false, features);
    tables(folder.path(), &text, subjects, |_| {}).iter().map(told).collect()
}

#[test]
fn sessions_of_members_and_channels_are_as_counted_by_hand() {
    let features = r#"
n = { sessions = "any", gap = "30min" }
n_29 = { sessions = "any", gap = "29min" }
minutes = { sessions = "any", gap = "30min", give = "length-mean" }
all_minutes = { sessions = "any", gap = "30min", give = "length-sum" }
events_each = { sessions = "any", gap = "30min", give = "events-mean" }
days = { sessions = "any", gap = "30min", give = "recency" }
single = { sessions = "any", gap = "30min", give = "single-share" }
visits = { sessions = "any", session_id = "field_visit" }
visit_minutes = { sessions = "any", session_id = "field_visit", give = "length-sum" }
looks = { sessions = "view", window = "15d" }
paid = { sessions = "any", where = "amount_minor > 1500" }
of = { sessions = "any", by = "channel" }
web = { sessions = "any", channel = "web" }
c_n = { sessions = "any", subject = "channel" }
c_minutes = { sessions = "any", subject = "channel", give = "length-mean" }
c_days = { sessions = "any", subject = "channel", give = "recency" }
b_n = { sessions = "any", subject = "brand" }
b_events = { sessions = "any", subject = "brand", give = "events-mean" }
"#;
    let found = by_hand(features, &["channel", "brand"]);
    let third = 1.0 / 3.0;
    assert_eq!(
        found[0],
        [
            "member a b c".to_owned(),
            "events 4 3 1".to_owned(),
            "n 2 3 1".to_owned(),
            "n_29 3 3 1".to_owned(),
            "minutes 25 0 0".to_owned(),
            "all_minutes 50 0 0".to_owned(),
            "events_each 2 1 1".to_owned(),
            "days 19 11 0".to_owned(),
            "single 0.5 1 1".to_owned(),
            "visits 2 2 0".to_owned(),
            "visit_minutes 20 0 0".to_owned(),
            "looks 0 1 1".to_owned(),
            "paid 0 2 0".to_owned(),
            "of.app 1 3 0".to_owned(),
            "of.web 3 0 1".to_owned(),
            "web 3 0 1".to_owned(),
        ]
    );
    assert_eq!(
        found[1],
        ["channel app web", "c_n 4 4", "c_minutes 0 0", "c_days 11 0"].map(str::to_owned)
    );
    let of_brand = format!("b_events {}", 1.0 + third);
    assert_eq!(found[2], ["brand shop", "b_n 6", &of_brand].map(str::to_owned));
}

#[test]
fn funnels_of_members_and_channels_are_as_counted_by_hand() {
    let features = r#"
deepest = { funnel = ["view", "like", "order_paid"], within = "3d" }
soon = { funnel = ["view", "like", "order_paid"], within = "2d" }
took = { funnel = ["view", "like", "order_paid"], give = "time" }
done = { funnel = ["view", "like", "order_paid"], give = "complete" }
at = { funnel = ["view", "like", "order_paid"], give = "reached" }
second = { funnel = ["view", "like", "order_paid"], give = "reached", step = 2 }
dear = { funnel = ["view", { events = "order_paid", where = "amount_minor > 1500" }] }
any = { funnel = [{ events = "any" }, { events = "any" }, { where = "kind = 'order_paid'" }] }
of = { funnel = ["view", "order_paid"], by = "channel" }
early = { funnel = ["view", "like", "order_paid"], window = { to = "20d" } }
c_at = { funnel = ["view", "order_paid"], subject = "channel", give = "reached" }
c_share = { funnel = ["view", "order_paid"], subject = "channel", give = "share" }
c_took = { funnel = ["view", "order_paid"], subject = "channel", give = "time" }
b_at = { funnel = ["view", "order_paid"], subject = "brand", give = "reached" }
"#;
    let found = by_hand(features, &["channel", "brand"]);
    assert_eq!(
        found[0],
        [
            "member a b c".to_owned(),
            "events 4 3 1".to_owned(),
            "deepest 3 1 1".to_owned(),
            "soon 3 1 1".to_owned(),
            "took 2 - -".to_owned(),
            "done 1 0 0".to_owned(),
            "at.1 1 1 1".to_owned(),
            "at.2 1 0 0".to_owned(),
            "at.3 1 0 0".to_owned(),
            "second 1 0 0".to_owned(),
            "dear 1 1 1".to_owned(),
            "any 3 2 1".to_owned(),
            "of.app 1 1 0".to_owned(),
            "of.web 2 0 1".to_owned(),
            "early 2 0 0".to_owned(),
        ]
    );
    let web = 2.0 + 20.0 / 1440.0;
    assert_eq!(
        found[1],
        [
            "channel app web".to_owned(),
            "c_at.1 2 2".to_owned(),
            "c_at.2 0 1".to_owned(),
            "c_share 0 0.5".to_owned(),
            format!("c_took - {web}"),
        ]
    );
    assert_eq!(found[2], ["brand shop", "b_at.1 3", "b_at.2 1"].map(str::to_owned));
}

#[test]
fn conversions_of_members_and_channels_are_as_counted_by_hand() {
    let features = r#"
share = { conversion = ["view", "order_paid"], within = "2d" }
n = { conversion = ["view", "order_paid"], give = "count" }
days = { conversion = ["view", "order_paid"], give = "time" }
again = { conversion = ["view", "view"], within = "1h", give = "count" }
back = { conversion = ["order_paid", "order_refunded"], within = "14d" }
of = { conversion = ["view", "order_paid"], by = "channel", give = "count" }
c_share = { conversion = ["view", "order_paid"], subject = "channel" }
c_n = { conversion = ["view", "order_paid"], subject = "channel", give = "count" }
c_days = { conversion = ["view", "order_paid"], subject = "channel", give = "time" }
"#;
    let found = by_hand(features, &["channel"]);
    let first = 2.0 + 20.0 / 1440.0;
    assert_eq!(
        found[0],
        [
            "member a b c".to_owned(),
            "events 4 3 1".to_owned(),
            "share 0.5 0 0".to_owned(),
            "n 2 0 0".to_owned(),
            format!("days {first} - -"),
            "again 1 0 0".to_owned(),
            "back 0 1 -".to_owned(),
            "of.app 0 0 0".to_owned(),
            "of.web 1 0 0".to_owned(),
        ]
    );
    assert_eq!(
        found[1],
        [
            "channel app web".to_owned(),
            "c_share 0 0.5".to_owned(),
            "c_n 0 1".to_owned(),
            format!("c_days - {first}"),
        ]
    );
}

#[test]
fn an_order_in_lines_is_one_event_of_the_member() {
    let folder = tempfile::tempdir().unwrap();
    let events = "\
o1,a,view,2026-03-10T09:00,web,,,
o2,a,order_paid,2026-03-11T09:00,web,10.00,,x
o2,a1,order_paid,2026-03-11T09:00,web,30.00,,x
o3,a,order_paid,2026-03-12T09:00,web,1.00,,y
";
    let keys = "member,kind,hash,verified\na,email,1,yes\na1,email,1,yes\n";
    std::fs::write(folder.path().join("events.csv"), format!("{HEADER}{events}")).unwrap();
    std::fs::write(folder.path().join("keys.csv"), keys).unwrap();
    let features = r#"
n = { sessions = "order_paid", give = "events-mean", gap = "7d" }
visits = { sessions = "any", session_id = "field_visit", give = "events-mean" }
again = { conversion = ["order_paid", "order_paid"], give = "count" }
dear = { funnel = ["view", { events = "order_paid", where = "amount_minor > 2000" }, { events = "order_paid", where = "amount_minor < 2000" }] }
c_again = { conversion = ["order_paid", "order_paid"], give = "count", subject = "channel" }
"#;
    let text = playbook(true, true, features);
    let found: Vec<_> =
        tables(folder.path(), &text, &["channel"], |_| {}).iter().map(told).collect();
    let want = ["member a", "events 3", "n 2", "visits 1", "again 1", "dear 3"];
    assert_eq!(found[0], want.map(str::to_owned));
    assert_eq!(found[1], ["channel web", "c_again 1"].map(str::to_owned));
}

/// Members of the drawn community: more than two shards.
const MEMBERS: u64 = 50_000;

/// Events at times that often agree, with refunds, late rows, missing channels; and accounts of one person.
fn drawn() -> (Vec<String>, String) {
    let kinds = ["view", "view", "like", "order_paid", "share", "order_refunded"];
    let channels = ["web", "app", "shop", ""];
    let mut draws = Draws(11);
    let row = |id: u64| {
        // Some are much more active than others.
        let wide = if draws.below(3) == 0 { MEMBERS / 50 } else { MEMBERS };
        let member = draws.below(wide);
        let kind = kinds[draws.below(6) as usize];
        let (day, minute) = (1 + draws.below(33), 10 * draws.below(40));
        let (month, day) = if day > 31 { (4, day - 31) } else { (3, day) };
        let channel = channels[draws.below(4) as usize];
        let (amount, of) = match kind {
            "order_paid" => (draws.below(90_000).to_string(), String::new()),
            "order_refunded" => ("1".to_owned(), draws.below(id + 1).to_string()),
            _ => (String::new(), String::new()),
        };
        let visit =
            if draws.below(4) == 0 { String::new() } else { format!("v{}", draws.below(9)) };
        let (hour, minute) = (minute / 60, minute % 60);
        format!(
            "{id},{member},{kind},2026-{month:02}-{day:02}T{hour:02}:{minute:02},{channel},{amount},{of},{visit}\n"
        )
    };
    let rows = (0..260_000_u64).map(row).collect();
    let mut keys = "member,kind,hash,verified\n".to_owned();
    for account in (0..MEMBERS).step_by(9) {
        let (other, hash) = ((account + 17) % MEMBERS, account / 9);
        keys.push_str(&format!("{account},email,{hash},yes\n{other},email,{hash},yes\n"));
    }
    (rows, keys)
}

/// What is declared, and the same by hand in SQL.
const DECLARED: &str = r#"
n = { sessions = "any", gap = "40min", window = "20d", $of }
minutes = { sessions = "any", gap = "40min", window = "20d", give = "length-mean", $of }
single = { sessions = "any", gap = "40min", window = "20d", give = "single-share", $of }
visits = { sessions = "view,like", session_id = "field_visit", $of }
visit_minutes = { sessions = "view,like", session_id = "field_visit", give = "length-sum", $of }
second = { funnel = ["view", "like", "order_paid"], within = "9d", give = "reached", step = 2, $of }
third = { funnel = ["view", "like", "order_paid"], within = "9d", give = "complete", $of }
took = { funnel = ["view", "like", "order_paid"], within = "9d", give = "time", $of }
share = { conversion = ["view", { events = "order_paid", where = "amount_minor > 3000000" }], within = "12h", $of }
again = { conversion = ["order_paid", "order_paid"], within = "6d", give = "count", $of }
first = { conversion = ["view", "share"], window = { from = "25d", to = "2d" }, give = "time", $of }
"#;

/// The same as queries of a playbook; `who` is the column of the events that holds the subject's key.
fn in_sql(who: &str) -> String {
    let events = format!(
        "(select member, {who} as who, kind, time, event_id, amount_minor, field_visit from events where {who} is not null)"
    );
    let sessions = "select who, count(*) as n, sum(l) as l, sum(case when e = 1 then 1 else 0 end) as s from (select who, member, s, max(time) - min(time) as l, count(*) as e from (select who, member, time, sum(b) over (partition by who, member order by time, b desc) as s from (select who, member, time, case when time - lag(time) over (partition by who, member order by time) <= 2400000 then 0 else 1 end as b from events where time >= $as_of - 20 * 86400000)) group by who, member, s) group by who";
    let visits = "select who, count(*) as n, sum(l) as l from (select who, member, field_visit, max(time) - min(time) as l from events where kind in ('view', 'like') and field_visit is not null group by who, member, field_visit) group by who";
    let pairs = "select a.who, a.member as member, a.time as a, b.time as b from events a join events b on a.member = b.member and a.who = b.who where a.kind = 'view' and b.kind = 'like' and b.time between a.time and a.time + 9 * 86400000";
    let triples = format!(
        "select p.who, p.member as member, p.a as a, c.time as c from ({pairs}) p join events c on p.member = c.member and p.who = c.who where c.kind = 'order_paid' and c.time between p.b and p.a + 9 * 86400000"
    );
    let ends = format!("select who, member, min(c) as c from ({triples}) group by who, member");
    let took = format!(
        "select who as subject, sum(took) / (count(*) * 86400000.0) as value from (select t.who, t.member, cast(min(t.c - t.a) as double) as took from ({triples}) t join ({ends}) e on t.member = e.member and t.who = e.who and t.c = e.c group by t.who, t.member) group by who"
    );
    let followed = "select a.who, a.member as member, a.event_id as id, count(b.member) as n from events a left join (select * from events where kind = 'order_paid' and amount_minor > 3000000) b on a.member = b.member and a.who = b.who and b.time between a.time and a.time + 43200000 where a.kind = 'view' group by a.who, a.member, a.event_id";
    let again = "select who, next - time as wait from (select who, member, time, lead(time) over (partition by who, member order by time) as next from events where kind = 'order_paid')";
    let seen = "(select * from events where time >= $as_of - 25 * 86400000 and time < $as_of - 2 * 86400000)";
    let waits = format!(
        "select a.who, a.member as member, a.time as a, min(b.time) as b from {seen} a join {seen} b on a.member = b.member and a.who = b.who where a.kind = 'view' and b.kind = 'share' and b.time >= a.time group by a.who, a.member, a.time"
    );
    let queries = [
        ("n", format!("select who as subject, n as value from ({sessions})")),
        (
            "minutes",
            format!(
                "select who as subject, cast(l as double) / (n * 60000.0) as value from ({sessions})"
            ),
        ),
        (
            "single",
            format!("select who as subject, cast(s as double) / n as value from ({sessions})"),
        ),
        ("visits", format!("select who as subject, n as value from ({visits})")),
        ("visit_minutes", format!("select who as subject, l / 60000.0 as value from ({visits})")),
        (
            "second",
            format!(
                "select who as subject, count(distinct member) as value from ({pairs}) group by who"
            ),
        ),
        (
            "third",
            format!(
                "select who as subject, count(distinct member) as value from ({triples}) group by who"
            ),
        ),
        ("took", took),
        (
            "share",
            format!(
                "select who as subject, cast(sum(case when n > 0 then 1 else 0 end) as double) / count(*) as value from ({followed}) group by who"
            ),
        ),
        (
            "again",
            format!(
                "select who as subject, sum(case when wait <= 6 * 86400000 then 1 else 0 end) as value from ({again}) group by who"
            ),
        ),
        (
            "first",
            format!(
                "select who as subject, cast(sum(b - a) as double) / (count(*) * 86400000.0) as value from (select w.who, w.a as a, w.b as b from ({waits}) w join (select who, member, min(a) as a from ({waits}) group by who, member) f on w.member = f.member and w.who = f.who and w.a = f.a) group by who"
            ),
        ),
    ];
    let queries = queries.map(|(name, text)| (name, text.replace("events", &events)));
    let feature = |(name, text)| format!("{name}_sql = {{ sql = \"{text}\", $of }}\n");
    queries.map(feature).concat()
}

#[test]
fn sequences_agree_with_sql_over_many_members_and_channels() {
    let (rows, keys) = drawn();
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("events.csv"), format!("{HEADER}{}", rows.concat())).unwrap();
    std::fs::write(folder.path().join("keys.csv"), keys).unwrap();
    for (subject, who, least) in [("member", "member", 40_000), ("channel", "channel", 3)] {
        let features = format!("{DECLARED}{}", in_sql(who));
        let features = features.replace("$of", &format!("subject = \"{subject}\""));
        let subjects: &[&str] = if subject == "member" { &[] } else { &[subject] };
        let text = playbook(false, true, &features);
        let frame = tables(folder.path(), &text, subjects, |options| {
            options.partitions = 2;
        });
        let frame = frame.last().unwrap();
        assert!(frame.rows() >= least, "{} rows", frame.rows());
        let names: Vec<&str> = frame.columns().iter().map(|c| c.name.as_str()).collect();
        let declared: Vec<&&str> =
            names.iter().filter(|name| names.contains(&format!("{name}_sql").as_str())).collect();
        assert_eq!(declared.len(), 11);
        for name in declared {
            // A query gives no row where the subject has none.
            let zero = ["n", "visits", "visit_minutes", "second", "third", "again"].contains(name);
            let ours = cells(frame, name);
            let theirs = cells(frame, &format!("{name}_sql"));
            let theirs =
                theirs.into_iter().map(|t| if zero && t == "-" { "0".to_owned() } else { t });
            let keys = cells(frame, subject);
            let wrong = ours.iter().zip(theirs).zip(keys).find(|((a, b), _)| *a != b);
            assert!(wrong.is_none(), "{name} by {subject}: {wrong:?}");
            assert!(ours.iter().filter(|cell| !["0", "-"].contains(&cell.as_str())).count() >= 3);
        }
    }
}

#[test]
fn neither_the_order_of_files_nor_threads_nor_ranges_of_members_show() {
    let (mut rows, keys) = drawn();
    let mut declared = DECLARED.replace("$of", "by = \"channel\"");
    let of_channels = DECLARED.replace("$of", "subject = \"channel\"");
    declared
        .extend(of_channels.lines().filter(|line| !line.is_empty()).map(|l| format!("c_{l}\n")));
    let text = playbook(false, true, &declared);
    let read = |rows: &[Vec<String>], partitions: usize, kept: usize| {
        let folder = tempfile::tempdir().unwrap();
        for (at, rows) in rows.iter().enumerate() {
            let path = folder.path().join(format!("events{at}.csv"));
            std::fs::write(path, format!("{HEADER}{}", rows.concat())).unwrap();
        }
        std::fs::write(folder.path().join("keys.csv"), &keys).unwrap();
        let tables = tables(folder.path(), &text, &["channel"], |options| {
            options.partitions = partitions;
            options.sequence_rows = kept;
        });
        tables.iter().flat_map(told).collect::<Vec<_>>()
    };
    let whole = read(&[rows.clone()], 1, usize::MAX);
    assert!(whole.len() > 40);
    let mut draws = Draws(23);
    for (partitions, kept) in [(2, usize::MAX), (4, 1_000)] {
        for at in (1..rows.len()).rev() {
            rows.swap(at, draws.below(at as u64 + 1) as usize);
        }
        let cut = draws.below(rows.len() as u64) as usize;
        let files = [rows[..cut].to_vec(), rows[cut..].to_vec()];
        assert!(read(&files, partitions, kept) == whole, "{partitions} threads, {kept} rows");
    }
}
