//! Files as shops and tools export them: each is read as it is, or refused with what to do.

use std::collections::BTreeMap;
use std::error::Error;
use std::io::Write as _;
use std::path::Path;

use playbook_batch::{BatchOptions, BatchSource};
use playbook_cycle::DataSource as _;
use playbook_model::{Frame, Playbook};

use crate::world::cells;

/// What came of an export: per member orders and spend, and the rows that were rejected, as `line reason`.
#[derive(Debug)]
pub(crate) struct Seen {
    pub(crate) members: BTreeMap<String, (String, String)>,
    pub(crate) rejects: Vec<String>,
    /// Findings as `code count`.
    pub(crate) findings: Vec<String>,
}

impl Seen {
    /// The members as `id orders spend`.
    pub(crate) fn members(&self) -> Vec<String> {
        let members = self.members.iter();
        members.map(|(id, (orders, spend))| format!("{id} {orders} {spend}")).collect()
    }
}

/// Keys of the source of orders where a test has none of its own.
pub(crate) const MAP: &str = r#"
[source.map]
member = "customer"
time = { from = "date", format = "%Y-%m-%d" }
amount_minor = "total"
"#;

/// Reads one file of paid orders in USD and New York; `keys` are the keys of the source, `map` its mapping.
pub(crate) fn read(name: &str, bytes: &[u8], keys: &str, map: &str) -> Result<Seen, String> {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join(name), bytes).unwrap();
    let event = if map.contains("kind =") { "" } else { "event = \"order_paid\"" };
    let source = format!(
        "[[source]]\nname = \"orders\"\ntable = \"events\"\npath = \"{name}\"\n{event}\n\
         rejects_max = 1.0\n{keys}\n{map}"
    );
    read_sources(dir.path(), &source, "2026-07-01")
}

/// The text of a playbook of a shop in New York.
fn playbook(sources: &str, as_of: &str, features: &str) -> String {
    format!(
        r#"
[playbook]
id = "shop"
brand = "shop"
currency = "USD"
time_zone = "America/New_York"
pseudonym_salt = "salt"
[cycle]
as_of = {as_of}
{sources}
[features]
orders = {{ count = "order_paid" }}
spend_minor = {{ sum = "amount_minor", events = "order_paid" }}
{features}
"#
    )
}

/// Reads the sources of a playbook in `folder`.
pub(crate) fn read_sources(folder: &Path, sources: &str, as_of: &str) -> Result<Seen, String> {
    read_with(folder, &playbook(sources, as_of, "")).map(|(seen, _)| seen)
}

/// Reads the sources of a playbook in `folder` that has features of its own; returns the members with all features too.
pub(crate) fn read_features(
    folder: &Path,
    sources: &str,
    features: &str,
) -> Result<(Seen, Frame), String> {
    read_with(folder, &playbook(sources, "2026-07-01", features))
}

fn read_with(folder: &Path, text: &str) -> Result<(Seen, Frame), String> {
    let loaded = load(folder, text)?;
    let scratch = tempfile::tempdir().unwrap();
    let options = BatchOptions::new(folder, scratch.path());
    let mut source = BatchSource::open(&loaded, options).map_err(|e| words(&e))?;
    let frame = source.members().map_err(|e| words(&e))?;
    let (orders, spend) = (cells(&frame, "orders"), cells(&frame, "spend_minor"));
    let values = orders.into_iter().zip(spend);
    let findings = source.intake().findings.iter().map(|f| format!("{} {}", f.code, f.count));
    let rejects = source.rejects().iter().map(|r| format!("{} {}", r.line, r.reason));
    let seen = Seen {
        members: cells(&frame, "member").into_iter().zip(values).collect(),
        rejects: rejects.collect(),
        findings: findings.collect(),
    };
    Ok((seen, frame))
}

/// Loads the text of a playbook from a file in `folder`, or says what is wrong with it.
pub(crate) fn load(folder: &Path, text: &str) -> Result<Playbook, String> {
    let file = folder.join("book.toml");
    std::fs::write(&file, text).unwrap();
    let loaded = playbook_toml::load(&file).map_err(|problems| problems.to_string())?;
    Ok(loaded.playbook)
}

/// The source of paid orders in `orders.csv`, without its mapping.
const ORDERS: &str = "[[source]]\nname = \"orders\"\ntable = \"events\"\npath = \"orders.csv\"\nevent = \"order_paid\"\n";

/// An error with its causes.
fn words(error: &dyn Error) -> String {
    let mut words = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        words = format!("{words}: {inner}");
        cause = inner.source();
    }
    words
}

fn csv(text: &str, keys: &str) -> Result<Seen, String> {
    read("orders.csv", text.as_bytes(), keys, MAP)
}

/// Amounts of one row each, as they are read or why they are not.
fn amounts(texts: &[&str], keys: &str, map: &str) -> Vec<String> {
    let rows = (0..).zip(texts).map(|(n, text)| format!("m{n:02}|2026-06-01|{text}\n"));
    let file = format!("customer|date|total\n{}", rows.collect::<String>());
    let keys = format!("delimiter = \"|\"\n{keys}");
    let seen = read("orders.csv", file.as_bytes(), &keys, map).unwrap();
    (0..texts.len())
        .map(|n| match seen.members.get(&format!("m{n:02}")) {
            Some((_, spend)) => spend.clone(),
            None => "rejected".to_owned(),
        })
        .collect()
}

#[test]
fn an_amount_is_read_as_it_is_meant_or_not_at_all() {
    let texts = ["12.50", "25.000", "12.345", "1,234.50", "12,50", "1500.0", "1e3", "(5.00)"];
    assert_eq!(
        amounts(&texts, "", MAP),
        ["1250", "rejected", "rejected", "rejected", "rejected", "150000", "100000", "rejected"]
    );
    let comma = "decimal = \",\"\nthousands = \".\"";
    let texts = ["12,50", "1.234,50", "25.000", "12.50", "1.2,5", "7"];
    let want = ["1250", "123450", "2500000", "rejected", "rejected", "700"];
    assert_eq!(amounts(&texts, comma, MAP), want);
    // A row of the mapping says otherwise than its source, and how many decimals are meant.
    let map = MAP.replace(
        "\"total\"",
        "{ from = \"total\", decimal = \".\", thousands = \",\", decimals = 4 }",
    );
    let texts = ["1,234.5000", "0.0049", "0.005", "12.34567"];
    assert_eq!(amounts(&texts, comma, &map), ["123450", "0", "1", "rejected"]);
    let minor = MAP.replace("\"total\"", "{ from = \"total\", unit = \"minor\" }");
    assert_eq!(
        amounts(&["1999", "1999.0", "1999.5", "19.99"], "", &minor),
        ["1999", "1999", "rejected", "rejected"]
    );
}

#[test]
fn a_wrong_delimiter_is_told_with_the_right_one() {
    let error = csv("customer;date;total\nA;2026-06-01;1.00\n", "").unwrap_err();
    assert!(error.contains("`delimiter = \";\"`"), "{error}");
    let error = csv("customer\tdate\ttotal\n", "").unwrap_err();
    assert!(error.contains("`delimiter = \"\\t\"`"), "{error}");
}

#[test]
fn a_column_that_stands_twice_or_not_at_all_is_an_error() {
    let error = csv("customer,date,total,total\nA,2026-06-01,1.00,2.00\n", "").unwrap_err();
    assert!(error.contains("two columns `total`"), "{error}");
    // What no row of the mapping reads may stand twice.
    let seen = csv("customer,date,total,note,note\nA,2026-06-01,1.00,,\n", "").unwrap();
    assert_eq!(seen.members(), ["A 1 100"]);
    let error = csv("customer,date,total price\nA,2026-06-01,1.00\n", "").unwrap_err();
    assert!(error.contains("no column `total`") && error.contains("`total price`"), "{error}");
    assert!(error.contains("`optional = true`"), "{error}");
    let map = MAP.replace("\"total\"", "{ from = \"total\", optional = true }");
    let seen = read("orders.csv", b"customer,date\nA,2026-06-01\n", "", &map).unwrap();
    assert_eq!(seen.members(), ["A 1 0"]);
    // The same of a member of JSON objects, which single lines may leave out.
    let lines = br#"{"customer":"A","date":"2026-06-01","totl":1}"#;
    let error = read("orders.jsonl", lines, "", MAP).unwrap_err();
    assert!(error.contains("no column `total`"), "{error}");
    let lines = b"{\"customer\":\"A\",\"date\":\"2026-06-01\",\"total\":1}\n\
                  {\"customer\":\"A\",\"date\":\"2026-06-02\"}\n";
    assert_eq!(read("orders.jsonl", lines, "", MAP).unwrap().members(), ["A 2 100"]);
}

#[test]
fn one_file_of_many_that_lacks_a_column_is_an_error() {
    let dir = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| std::fs::write(dir.path().join(name), text).unwrap();
    write("1.csv", "customer,date,total\nA,2026-06-01,1.00\n");
    write("2.csv", "customer,date,amount\nB,2026-06-01,2.00\n");
    let source = format!(
        "[[source]]\nname = \"orders\"\ntable = \"events\"\npath = \"*.csv\"\nevent = \"order_paid\"\n{MAP}"
    );
    let error = read_sources(dir.path(), &source, "2026-07-01").unwrap_err();
    assert!(error.contains("2.csv` has no column `total`"), "{error}");
}

#[test]
fn packed_files_and_other_encodings_are_read_and_an_unknown_one_is_named() {
    let text = "customer,date,total\nA,2026-06-01,10.00\n";
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    gzip.write_all(text.as_bytes()).unwrap();
    let gzip = gzip.finish().unwrap();
    assert_eq!(read("orders.csv.gz", &gzip, "", MAP).unwrap().members(), ["A 1 1000"]);
    let utf16: Vec<u8> =
        format!("\u{feff}{text}").encode_utf16().flat_map(u16::to_le_bytes).collect();
    assert_eq!(read("orders.csv", &utf16, "", MAP).unwrap().members(), ["A 1 1000"]);
    let bare = &utf16[2..];
    let error = read("orders.csv", bare, "", MAP).unwrap_err();
    assert!(error.contains("`encoding = \"utf-16le\"`"), "{error}");
    let seen = read("orders.csv", bare, "encoding = \"utf-16le\"", MAP).unwrap();
    assert_eq!(seen.members(), ["A 1 1000"]);

    let gb18030 = b"customer,date,total\n\xd5\xc5,2026-06-01,10.00\n";
    let seen = read("orders.csv", gb18030, "encoding = \"gb18030\"", MAP).unwrap();
    assert_eq!(seen.members(), ["\u{5f20} 1 1000"]);
    let seen = read("orders.csv", gb18030, "", MAP).unwrap();
    assert!(seen.rejects[0].contains("`encoding`"), "{:?}", seen.rejects);
    let header = b"\xbb\xe1,date,total\n";
    let error = read("orders.csv", header, "", MAP).unwrap_err();
    assert!(error.contains("name its `encoding`"), "{error}");
}

#[test]
fn whatever_ends_the_lines_all_rows_are_read() {
    for end in ["\n", "\r\n", "\r"] {
        let text = ["customer,date,total", "A,2026-06-01,1.00", "B,2026-06-02,2.00"].join(end);
        assert_eq!(csv(&text, "").unwrap().members(), ["A 1 100", "B 1 200"], "{end:?}");
    }
    let error = csv("", "").unwrap_err();
    assert!(error.contains("lacks even the header"), "{error}");
}

#[test]
fn an_open_quote_costs_one_row_and_a_stray_one_none() {
    let mut text = "customer,date,total,note\n".to_owned();
    for n in 0..900 {
        let note = match n {
            300 => "\"open",
            600 => "\", led by a comma\"",
            601 => "7\" single",
            _ => "note",
        };
        text.push_str(&format!("m{n:03},2026-06-01,1.00,{note}\n"));
    }
    let seen = csv(&text, "").unwrap();
    assert_eq!(seen.members.len(), 899);
    assert_eq!(seen.rejects, ["302 a quote is closed by a quote of another row"]);
}

#[test]
fn no_row_is_cut_in_two_wherever_blocks_end() {
    let mut text = "customer,date,item,total\n".to_owned();
    let rows = 150_000;
    for n in 0..rows {
        let item = if n == 0 { "7\" single" } else { "vinyl record" };
        text.push_str(&format!("m{n:06},2026-06-01,{item},1000000.00\n"));
    }
    let seen = csv(&text, "").unwrap();
    assert_eq!((seen.members.len(), seen.rejects.len()), (rows, 0));
    assert!(seen.members.values().all(|(_, spend)| spend == "100000000"));
}

#[test]
fn a_cell_beyond_the_bound_of_a_record_becomes_no_rows() {
    let forged = "evil,2026-06-01,999999.00,x\n".repeat(700_000);
    let text = format!("customer,date,total,note\nA,2026-06-01,1.00,\"{forged}\"\n");
    let error = csv(&text, "").unwrap_err();
    assert!(error.contains("line 2: a quoted cell does not end within"), "{error}");
    let long = "x".repeat(17 << 20);
    let text = format!("customer,date,total,note\nA,2026-06-01,1.00,{long}\n");
    assert!(csv(&text, "").unwrap_err().contains("line 2: the line does not end within"));
}

#[test]
fn an_id_of_blanks_is_missing_and_ids_of_floats_can_be_read() {
    let text = "customer,date,total\n\"  \",2026-06-01,1.00\n\u{3000},2026-06-01,1.00\nA,2026-06-01,1.00\n";
    let seen = csv(text, "").unwrap();
    assert_eq!(seen.members(), ["A 1 100"]);
    assert_eq!(seen.rejects, ["2 `customer` is missing", "3 `customer` is missing"]);
    let map = MAP.replace("\"customer\"", "{ from = \"customer\", transform = \"whole\" }");
    let text = "customer,date,total\n12345.0,2026-06-01,1.00\n12345,2026-06-01,2.00\n1.5,2026-06-01,4.00\n";
    let seen = read("orders.csv", text.as_bytes(), "", &map).unwrap();
    assert_eq!(seen.members(), ["12345 2 300"]);
    assert_eq!(seen.rejects, ["4 `customer` is not a whole number"]);
}

#[test]
fn times_that_nobody_meant_are_rejects() {
    let dates = ["6/5/26", "06/05/2026", "06/05/0026"];
    let rows = dates.map(|date| format!("A,{date},1.00\n")).concat();
    let map = MAP.replace("%Y-%m-%d", "%m/%d/%Y");
    let text = format!("customer,date,total\n{rows}");
    let seen = read("orders.csv", text.as_bytes(), "", &map).unwrap();
    assert_eq!(seen.members(), ["A 1 100"]);
    assert_eq!(seen.rejects.len(), 2, "{:?}", seen.rejects);
    // Microseconds where milliseconds are said.
    let map = MAP.replace("%Y-%m-%d", "unix-ms");
    let text = "customer,date,total\nA,1780272000000000,1.00\nA,1780272000000,1.00\n";
    let seen = read("orders.csv", text.as_bytes(), "", &map).unwrap();
    assert_eq!(seen.members(), ["A 1 100"]);
    assert!(seen.rejects[0].contains("1900 to 2199"), "{:?}", seen.rejects);
}

#[test]
fn a_kind_that_the_host_does_not_know_is_a_reject() {
    let map = format!("{MAP}kind = \"kind\"\n");
    let text = "customer,date,total,kind\nA,2026-06-01,1.00,order_paid\nA,2026-06-01,2.00,Order_Paid\n\
                A,2026-06-01,4.00,order_payed\n";
    let seen = read("orders.csv", text.as_bytes(), "", &map).unwrap();
    assert_eq!(seen.members(), ["A 1 100"]);
    assert_eq!(seen.rejects.len(), 2);
    assert!(seen.rejects[0].contains("`kind` is not one of the words"), "{:?}", seen.rejects);
}

/// Orders of members A..., one a day from the first date on, in windows of 7 and 14 days.
fn windows(dates: &[&str], as_of: &str, time_of_day: &str) -> Vec<String> {
    let dir = tempfile::tempdir().unwrap();
    let rows = dates.iter().map(|date| format!("{date},{date}{time_of_day},1.00\n"));
    let text = format!("customer,date,total\n{}", rows.collect::<String>());
    std::fs::write(dir.path().join("orders.csv"), text).unwrap();
    let sources = ORDERS.to_owned() + &MAP.replace(", format = \"%Y-%m-%d\"", "");
    let features = "in_window = { count = \"order_paid\", window = \"7d\" }\n\
                    before = { count = \"order_paid\", window = { from = \"14d\", to = \"7d\" } }\n\
                    by_sql = { count = \"order_paid\", window = \"7d\", subject = \"brand\" }\n";
    let loaded = load(dir.path(), &playbook(&sources, as_of, features)).unwrap();
    let scratch = tempfile::tempdir().unwrap();
    let options = BatchOptions::new(dir.path(), scratch.path());
    let mut source = BatchSource::open(&loaded, options).unwrap();
    let frame = source.members().unwrap();
    let total =
        |name: &str| cells(&frame, name).iter().map(|n| n.parse::<i64>().unwrap()).sum::<i64>();
    let brand = source.table(&playbook_model::Subject("brand".to_owned()), &frame).unwrap();
    vec![
        total("in_window").to_string(),
        total("before").to_string(),
        cells(&brand, "by_sql").concat(),
    ]
}

#[test]
fn windows_over_dates_count_whole_local_days_when_the_clock_changes() {
    let days = |month: u32, last: u32| -> Vec<String> {
        (1..=last).map(|day| format!("2026-{month:02}-{day:02}")).collect()
    };
    let october: Vec<String> = days(10, 31).into_iter().chain(days(11, 2)).collect();
    let march: Vec<String> = days(2, 28).into_iter().chain(days(3, 9)).collect();
    for (dates, as_of) in [(october, "2026-11-03"), (march, "2026-03-10")] {
        let dates: Vec<&str> = dates.iter().map(String::as_str).collect();
        assert_eq!(windows(&dates, as_of, ""), ["7", "7", "7"], "{as_of}");
        // Rows with a time of day are cut 168 hours before: one of them an hour after midnight.
        let want = if as_of.contains("-11-") { ["6", "7", "6"] } else { ["7", "7", "7"] };
        assert_eq!(windows(&dates, as_of, "T00:30"), want, "{as_of}");
    }
    let spring = ["2026-03-02", "2026-03-03"];
    assert_eq!(windows(&spring, "2026-03-10", "T23:30"), ["2", "0", "2"]);
    assert_eq!(windows(&spring, "2026-03-10", ""), ["1", "1", "1"]);
}

/// Reads orders and refunds with the mapping of kinds and ids, and `more` of the mapping.
fn refunds(rows: &str, keys: &str, more: &str) -> Seen {
    let map = format!("{MAP}kind = \"kind\"\nevent_id = \"id\"\n{more}");
    let text = format!("customer,date,total,kind,id,of\n{rows}");
    read("orders.csv", text.as_bytes(), keys, &map).unwrap()
}

const OF: &str = "original_order = \"of\"\n";

#[test]
fn a_refund_is_set_off_once_whatever_its_sign_and_however_it_names_its_order() {
    let order = "A,2026-05-01,100.00,order_paid,O1,\n";
    for (refund, more) in [
        ("A,2026-05-20,30.00,order_refunded,R1,O1\n", OF),
        ("A,2026-05-20,-30.00,order_refunded,R1,O1\n", OF),
        ("A,2026-05-20,30.00,order_refunded,O1,O1\n", OF),
        ("A,2026-05-20,30.00,order_refunded,O1,\n", OF),
        ("A,2026-05-20,-30.00,order_refunded,O1,\n", ""),
    ] {
        let seen = refunds(&format!("{order}{refund}"), "", more);
        assert_eq!(seen.members(), ["A 1 7000"], "{refund}");
        assert!(seen.findings.is_empty(), "{refund} {:?}", seen.findings);
    }
    // Without a link it lowers the sum of its own day, and is told.
    let seen = refunds(&format!("{order}A,2026-05-20,30.00,order_refunded,R1,O1\n"), "", "");
    assert_eq!(seen.members(), ["A 1 7000"]);
    assert_eq!(seen.findings, ["refunds-without-order 1"]);
    // An id that is another member's order by chance is no link.
    let other = "B,2026-05-20,30.00,order_refunded,O1,\n";
    let seen = refunds(&format!("{order}{other}"), "", "");
    assert_eq!(seen.members(), ["A 1 10000", "B 0 -3000"]);
    // Two refunds of one order, each under the order's id.
    let twice = "A,2026-05-20,30.00,order_refunded,O1,\nA,2026-05-21,20.00,order_refunded,O1,\n";
    assert_eq!(refunds(&format!("{order}{twice}"), "", "").members(), ["A 1 5000"]);
    let beyond = "A,2026-05-20,130.00,order_refunded,R1,O1\n";
    let seen = refunds(&format!("{order}{beyond}"), "", OF);
    assert_eq!(
        (seen.members(), seen.findings),
        (vec!["A 1 -3000".to_owned()], vec!["refunds-beyond-order 1".to_owned()])
    );
}

#[test]
fn lines_of_an_order_add_up_and_count_once() {
    let lines = "A,2026-05-01,60.00,order_paid,O1,\nA,2026-05-01,40.00,order_paid,O1,\n\
                 A,2026-05-01,40.00,order_paid,O1,\nB,2026-05-02,5.00,order_paid,O2,\n";
    let refund = "A,2026-05-20,30.00,order_refunded,R1,O1\n";
    let declared = refunds(&format!("{lines}{refund}"), "lines = true", OF);
    assert_eq!(declared.members(), ["A 1 11000", "B 1 500"]);
    assert!(declared.findings.is_empty(), "{:?}", declared.findings);
    // Not declared, equal rows are repeats, and what is taken for lines is told.
    let seen = refunds(&format!("{lines}{refund}"), "", OF);
    assert_eq!(seen.members(), ["A 1 7000", "B 1 500"]);
    assert_eq!(seen.findings, ["lines-of-orders 1"]);
    // Where nothing is a repeat, equal rows are lines as well.
    let seen = refunds(&format!("{lines}{refund}"), "dedupe = \"none\"", OF);
    assert_eq!(seen.members(), ["A 1 11000", "B 1 500"]);
    assert_eq!(seen.findings, ["lines-of-orders 2"]);
    let later = "A,2026-05-09,40.00,order_paid,O1,\n";
    let seen = refunds(&format!("{lines}{later}"), "dedupe = \"none\"", OF);
    assert_eq!(seen.members(), ["A 4 18000", "B 1 500"]);
    // Of other kinds the first row of an id counts.
    let clicks = "A,2026-05-01,0.00,like,C1,\nA,2026-05-02,0.00,like,C1,\n";
    let seen = refunds(&format!("{lines}{clicks}"), "", OF);
    assert_eq!(seen.findings[..2], ["lines-of-orders 1", "ids-used-twice 1"]);
}

#[test]
fn an_order_below_zero_lowers_sums_and_is_no_order() {
    let rows = "A,2026-05-01,100.00,order_paid,O1,\nA,2026-05-03,-20.00,order_paid,O2,\n";
    let seen = refunds(rows, "", "");
    assert_eq!(seen.members(), ["A 1 8000"]);
    assert_eq!(seen.findings, ["minus-orders 1"]);
}

#[test]
fn the_same_orders_in_two_sources_count_once() {
    let dir = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| std::fs::write(dir.path().join(name), text).unwrap();
    write("june.csv", "customer,date,total,id\nA,2026-06-01,1.00,O1\nA,2026-06-02,2.00,O2\n");
    write("again.csv", "customer,date,total,id\nA,2026-06-02,2.00,O2\nB,2026-06-03,4.00,O1\n");
    let source = |name: &str| {
        format!(
            "[[source]]\nname = \"{name}\"\ntable = \"events\"\npath = \"{name}.csv\"\n\
             event = \"order_paid\"\n{MAP}event_id = \"id\"\n"
        )
    };
    let both = source("june") + &source("again");
    let seen = read_sources(dir.path(), &both, "2026-07-01").unwrap();
    assert_eq!(seen.members(), ["A 2 300", "B 1 400"]);
    assert_eq!(seen.findings, ["in-two-sources 1", "id-in-two-sources 1"]);
}

#[test]
fn an_order_of_another_century_is_told() {
    let mut text = "customer,date,total\n".to_owned();
    for n in 0..200 {
        text.push_str(&format!("m{n},2026-06-{:02},1.00\n", n % 28 + 1));
    }
    let dir = tempfile::tempdir().unwrap();
    let sources = ORDERS.to_owned() + MAP;
    let loaded = load(dir.path(), &playbook(&sources, "X", "").replace("as_of = X\n", "")).unwrap();
    let findings = |text: &str| {
        std::fs::write(dir.path().join("orders.csv"), text).unwrap();
        let scratch = tempfile::tempdir().unwrap();
        let options = BatchOptions::new(dir.path(), scratch.path());
        let source = BatchSource::open(&loaded, options).unwrap();
        source.intake().findings.clone()
    };
    assert!(findings(&text).is_empty());
    text.push_str("m0,2062-06-01,1.00\n");
    let found = findings(&text);
    assert_eq!((found[0].code, found[0].count), ("events-far-ahead", 1));
    assert!(found[0].text.en.contains("2062-06-01") && found[0].text.en.contains("2026-06-28"));
}

#[test]
fn own_sql_counts_events_before_t_and_finds_corrections_apart() {
    let dir = tempfile::tempdir().unwrap();
    let text = "customer,date,total,kind,id,of\nA,2026-05-01,100.00,order_paid,O1,\n\
                A,2026-05-20,30.00,order_refunded,R1,O1\nA,2026-07-05,7.00,order_paid,O2,\n";
    std::fs::write(dir.path().join("orders.csv"), text).unwrap();
    let sources = format!(
        "[[source]]\nname = \"orders\"\ntable = \"events\"\npath = \"orders.csv\"\n\
         {MAP}kind = \"kind\"\nevent_id = \"id\"\n{OF}"
    );
    let sql = |name: &str, of: &str, from: &str| {
        format!(
            "{name} = {{ sql = \"SELECT member AS subject, {of} AS value FROM {from} WHERE kind = 'order_paid' \
             GROUP BY member\", type = \"integer\" }}\n"
        )
    };
    let features = [
        sql("counted", "count(*)", "events"),
        sql("gross", "sum(amount_minor)", "events"),
        sql("back", "sum(amount_minor)", "corrections"),
        sql("days", "min($as_of - time) / 86400000", "events"),
    ];
    let loaded = load(dir.path(), &playbook(&sources, "2026-07-01", &features.concat())).unwrap();
    assert!(playbook_batch::check_sql(&loaded).unwrap().is_empty());
    let scratch = tempfile::tempdir().unwrap();
    let options = BatchOptions::new(dir.path(), scratch.path());
    let frame = BatchSource::open(&loaded, options).unwrap().members().unwrap();
    let values = ["counted", "gross", "back", "days"].map(|name| cells(&frame, name).concat());
    assert_eq!(values, ["1", "10000", "-3000", "61"]);
    // The engine's own tables are not for a playbook.
    let text = playbook(&sources, "2026-07-01", &sql("all", "count(*)", "public.events"));
    let loaded = load(dir.path(), &text).unwrap();
    let faults = playbook_batch::check_sql(&loaded).unwrap();
    assert!(faults[0].1.message.contains("`public.events`"), "{faults:?}");
}

#[test]
fn times_of_a_source_are_read_in_its_own_zone() {
    let map = MAP.replace(", format = \"%Y-%m-%d\"", "");
    // Two hours after midnight in London it is still June in New York.
    let text = b"customer,date,total\nA,2026-07-01T02:00,1.00\nB,2026-07-01T05:00,1.00\n";
    let seen = read("orders.csv", text, "time_zone = \"UTC\"", &map).unwrap();
    assert_eq!(seen.members(), ["A 1 100"]);
    assert!(read("orders.csv", text, "", &map).unwrap().members().is_empty());
    let error = read("orders.csv", text, "time_zone = \"Mars/Base\"", &map).unwrap_err();
    assert!(error.contains("no time zone"), "{error}");
}

#[test]
fn fields_of_the_brands_own_are_read_and_rows_chosen_by_them() {
    let dir = tempfile::tempdir().unwrap();
    let text = "customer,date,total,kind,id,of,dept,discount\n\
                A,2026-05-01,60.00,order_paid,O1,,GROCERY,1.50\n\
                A,2026-05-01,40.00,order_paid,O1,,DRUG,0\n\
                A,2026-05-03,10.00,order_paid,O2,,DRUG,0.25\n\
                A,2026-05-20,30.00,order_refunded,R1,O1,,0\n\
                B,2026-05-03,5.00,order_paid,O3,,,0\n";
    std::fs::write(dir.path().join("orders.csv"), text).unwrap();
    let sources = format!(
        "[[source]]\nname = \"orders\"\ntable = \"events\"\npath = \"orders.csv\"\nlines = true\n\
         {MAP}kind = \"kind\"\nevent_id = \"id\"\n{OF}field_dept = \"dept\"\n\
         field_discount = {{ from = \"discount\", type = \"money\" }}\n"
    );
    let grocery = "where = \"field_dept = 'GROCERY' or field_discount > 100\"";
    let features = [
        format!("grocery = {{ count = \"order_paid\", {grocery} }}\n"),
        format!("grocery_minor = {{ sum = \"amount_minor\", events = \"order_paid\", {grocery} }}\n"),
        "drug = { count = \"order_paid\", where = \"field_dept in ('DRUG') and not channel = 'x' is true\" }\n".to_owned(),
        "discount_minor = { sum = \"field_discount\", events = \"order_paid\" }\n".to_owned(),
        "spend_of_dept = { sum = \"amount_minor\", events = \"order_paid\", by = \"field_dept\" }\n".to_owned(),
        format!("all_grocery = {{ count = \"order_paid\", subject = \"brand\", {grocery} }}\n"),
    ];
    let sources = sources.replace("kind = \"kind\"", "kind = \"kind\"\nchannel = \"dept\"");
    let loaded = load(dir.path(), &playbook(&sources, "2026-07-01", &features.concat())).unwrap();
    for aggregation in [playbook_batch::Aggregation::Numbers, playbook_batch::Aggregation::Sql] {
        let scratch = tempfile::tempdir().unwrap();
        let mut options = BatchOptions::new(dir.path(), scratch.path());
        options.aggregation = aggregation;
        let mut source = BatchSource::open(&loaded, options).unwrap();
        let frame = source.members().unwrap();
        let value = |name: &str| cells(&frame, name).join(" ");
        assert_eq!(value("grocery"), "1 0");
        // The refund is set off against the dearest line of its order.
        assert_eq!(value("grocery_minor"), "3000 0");
        assert_eq!(value("drug"), "2 0");
        assert_eq!(value("discount_minor"), "175 0");
        assert_eq!(value("spend_of_dept.DRUG"), "5000 0");
        let brand = source.table(&playbook_model::Subject("brand".to_owned()), &frame).unwrap();
        assert_eq!(cells(&brand, "all_grocery"), ["1"]);
    }
    let wrong = |text: &str| {
        let feature = format!("f = {{ count = \"order_paid\", where = \"{text}\" }}\n");
        load(dir.path(), &playbook(&sources, "2026-07-01", &feature)).unwrap_err()
    };
    assert!(wrong("field_dpt = 'A'").contains("no field `field_dpt`"));
    assert!(wrong("amount_minor / 2 > 1").contains("computes nothing"));
    assert!(wrong("amount_minor").contains("no condition"));
}

#[test]
fn files_without_rows_are_told_and_lines_without_anything_passed_over() {
    let seen = csv("customer,date,total\n", "").unwrap();
    assert_eq!(seen.findings, ["no-rows 0"]);
    let seen = csv("\n\r\ncustomer,date,total\n\nA,2026-06-01,1.00\n", "").unwrap();
    assert_eq!((seen.members(), seen.findings.len()), (vec!["A 1 100".to_owned()], 0));
    // A file of no object at all lacks no member.
    let seen = read("orders.jsonl", b"[{\"customer\":\"A\"}]\n", "", MAP).unwrap();
    assert_eq!(seen.rejects, ["1 the line is not a JSON object"]);
}
