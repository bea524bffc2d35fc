//! Small files of the kinds that shops and tools export, and what is seen of them.
#![allow(clippy::unwrap_used, reason = "tests")]

use std::io::Write as _;

use playbook_model::{NumberMarks, SourceFormat};

use super::{ColumnKind, ColumnProfile, FileProfile, Sure, profile};

fn seen(bytes: &[u8]) -> FileProfile {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("data");
    std::fs::write(&path, bytes).unwrap();
    profile(&path).unwrap()
}

fn column<'a>(seen: &'a FileProfile, name: &str) -> &'a ColumnProfile {
    seen.columns.iter().find(|column| column.name == name).unwrap_or_else(|| {
        panic!("no {name} in {:?}", seen.columns.iter().map(|c| &c.name).collect::<Vec<_>>())
    })
}

const POINT: NumberMarks = NumberMarks { decimal: '.', thousands: None };

fn time(format: &str) -> ColumnKind {
    ColumnKind::Time { format: Some(format.to_owned()) }
}

fn amount(decimal: char, thousands: Option<char>, decimals: u8) -> ColumnKind {
    ColumnKind::Amount { marks: NumberMarks { decimal, thousands }, decimals }
}

#[test]
fn a_semicolon_and_a_decimal_comma_are_seen_behind_a_mark() {
    let seen = seen(
        "\u{feff}customer;date;total\nA1;2026-06-01;12,50\nA2;2026-06-02;1.007,00\n".as_bytes(),
    );
    assert_eq!(seen.format, SourceFormat::Csv { delimiter: b';', header: true });
    assert_eq!((seen.rows, seen.whole, seen.broken_rows), (2, true, 0));
    assert_eq!(column(&seen, "customer").kind, ColumnKind::Id);
    assert_eq!(column(&seen, "date").kind, time("rfc3339"));
    assert_eq!(column(&seen, "total").kind, amount(',', Some('.'), 2));
    assert_eq!(column(&seen, "total").greatest.as_deref(), Some("1.007,00"));
    assert_eq!(seen.format_sure, Sure::Sure);
}

#[test]
fn encodings_are_known_by_their_mark_or_by_their_bytes() {
    let text =
        "客户,日期,金额\n张三,2026-06-01,10.00\n李四,2026-06-02,20.00\n王五,2026-06-03,30.00\n";
    let utf16: Vec<u8> =
        format!("\u{feff}{text}").encode_utf16().flat_map(u16::to_le_bytes).collect();
    let without_mark = utf16[2..].to_vec();
    let (gbk, _, _) = encoding_rs::GBK.encode(text);
    for (bytes, labels) in [
        (text.as_bytes().to_vec(), ["utf-8", "utf-8"]),
        (utf16, ["utf-16le", "utf-16le"]),
        (without_mark, ["utf-16le", "utf-16le"]),
        (gbk.into_owned(), ["gbk", "gb18030"]),
    ] {
        let seen = seen(&bytes);
        assert!(labels.contains(&seen.encoding.as_deref().unwrap()), "{:?}", seen.encoding);
        assert_eq!(column(&seen, "客户").kind, ColumnKind::Id);
        assert_eq!(column(&seen, "客户").samples, ["张三", "李四", "王五"]);
        assert_eq!(column(&seen, "金额").kind, amount('.', None, 2));
    }
}

#[test]
fn packed_files_are_looked_into() {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(b"customer,date,total\nA1,2026-06-01,1.50\n").unwrap();
    let seen = seen(&encoder.finish().unwrap());
    assert_eq!((seen.packing, seen.rows), (Some("gzip"), 1));
    assert_eq!(column(&seen, "total").kind, amount('.', None, 2));
}

#[test]
fn times_are_known_in_many_spellings_and_doubts_are_told() {
    let many = |values: &[&str]| {
        let rows = values.iter().enumerate().map(|(i, v)| format!("K{i};{v}\n"));
        let seen = seen(format!("k;date\n{}", rows.collect::<String>()).as_bytes());
        let column = column(&seen, "date").clone();
        (column.kind, column.sure, column.doubtful, column.note)
    };
    let cases: [(&[&str], &str, Sure, u64); 9] = [
        (&["2026-06-01", "2026-06-02"], "rfc3339", Sure::Sure, 0),
        (&["19970101", "19970218"], "%Y%m%d", Sure::Sure, 0),
        (&["17/06/2026 08:00", "01/07/2026 09:30"], "%d/%m/%Y %H:%M", Sure::Sure, 0),
        (&["6/5/26", "6/17/26"], "%m/%d/%y", Sure::Sure, 0),
        (&["6/5/26", "06/17/2026", "06/18/2026"], "%m/%d/%Y", Sure::Unsure, 1),
        (&["01/02/2026", "02/02/2026"], "%d/%m/%Y", Sure::Unsure, 0),
        (&["01/02/2026", "01/03/2026", "02/01/2026"], "%m/%d/%Y", Sure::Likely, 0),
        (&["2026-03-07 23:30:00 -0500"], "%Y-%m-%d %H:%M:%S %z", Sure::Sure, 0),
        (&["1780000000", "1780000900"], "unix-s", Sure::Sure, 0),
    ];
    for (values, format, sure, doubtful) in cases {
        let (kind, how_sure, in_doubt, note) = many(values);
        assert_eq!(
            (&kind, how_sure, in_doubt),
            (&time(format), sure, doubtful),
            "{values:?} {note:?}"
        );
    }
    let (_, _, _, note) = many(&["01/02/2026", "02/02/2026"]);
    assert!(note.unwrap().contains("%m/%d/%Y"));
}

#[test]
fn numbers_are_told_apart_by_how_they_are_written_and_named() {
    let kind = |name: &str, values: &[&str]| {
        let rows = values.iter().map(|v| format!("{v};x\n"));
        let seen = seen(format!("{name};other\n{}", rows.collect::<String>()).as_bytes());
        let column = column(&seen, name).clone();
        (column.kind, column.sure, column.doubtful)
    };
    assert_eq!(kind("total", &["1,234.50", "7.00"]), (amount('.', Some(','), 2), Sure::Sure, 0));
    assert_eq!(kind("total", &["1,234", "2,500"]).1, Sure::Unsure);
    assert_eq!(kind("quantity", &["1", "12"]).0, ColumnKind::Integer { marks: POINT });
    assert_eq!(kind("rate", &["0.125", "0.5"]).0, ColumnKind::Real { marks: POINT });
    assert_eq!(kind("customer_id", &["17", "18"]).0, ColumnKind::Id);
    assert_eq!(kind("card", &["00017", "00018"]).0, ColumnKind::Id);
    assert_eq!(kind("n", &["98765432109876543210", "1"]).0, ColumnKind::Id);
    let spoilt: Vec<&str> = [["1.50"; 19].as_slice(), &["$2"]].concat();
    assert_eq!(kind("total", &spoilt), (amount('.', None, 2), Sure::Likely, 1));
    assert_eq!(kind("paid", &["yes", "no"]).0, ColumnKind::Flag);
}

#[test]
fn json_lines_are_read_as_they_are_written() {
    let seen = seen(
        br#"{"customer":98765432109876543210,"date":"2026-06-01","total":10.10,"tags":["a"]}
{"customer":9007199254740993,"total":"30.30","date":"2026-06-03"}
not json
"#,
    );
    assert_eq!(seen.format, SourceFormat::JsonLines);
    assert_eq!((seen.rows, seen.broken_rows), (2, 1));
    assert_eq!(column(&seen, "customer").samples[0], "98765432109876543210");
    assert_eq!(column(&seen, "customer").kind, ColumnKind::Id);
    assert_eq!(column(&seen, "total").kind, amount('.', None, 2));
    assert_eq!(column(&seen, "tags").kind, ColumnKind::Compound);
}

#[test]
fn blanks_between_columns_and_files_without_header_are_seen() {
    let blanks = seen(b"customer_id date number_of_cds dollar_value\n00001 19970101 1    11.77\n00002 19970112 1  12.00\n00002 19970112 5  77.00\n");
    assert_eq!(blanks.format, SourceFormat::Whitespace { header: true });
    assert_eq!(column(&blanks, "customer_id").kind, ColumnKind::Id);
    assert_eq!(column(&blanks, "number_of_cds").kind, ColumnKind::Integer { marks: POINT });
    assert_eq!(column(&blanks, "dollar_value").kind, amount('.', None, 2));
    let bare = seen(b"A1\t2026-06-01\t3.50\nA2\t2026-06-02\t4.50\nA3\t2026-06-03\t4.50\nA1\t2026-06-04\t5.50\nfooter\n");
    assert_eq!(bare.format, SourceFormat::Csv { delimiter: b'\t', header: false });
    assert_eq!((bare.rows, bare.broken_rows), (4, 1));
    assert_eq!(column(&bare, "column_3").kind, amount('.', None, 2));
    assert_eq!(seen(b"").columns.len(), 0);
}

#[test]
fn contact_data_never_shows() {
    let rows: String = (0..12_000).map(|i| format!("u{i}@shop.example.org,{}\n", i % 3)).collect();
    let seen = seen(format!("email,visits\n{rows}").as_bytes());
    let email = column(&seen, "email");
    assert!(email.is_contact && email.distinct == 12_000);
    let told = format!("{email:?}");
    assert!(!told.contains("shop.example"), "{told}");
    let visits = column(&seen, "visits");
    assert_eq!(visits.histogram.iter().sum::<u64>(), 12_000);
    assert_eq!((visits.least.as_deref(), visits.greatest.as_deref()), (Some("0"), Some("2")));
}
