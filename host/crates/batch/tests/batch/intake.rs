//! Reading: formats, errors of rows, repeats.

use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray};
use playbook_batch::{BatchError, BatchSource};
use playbook_cycle::{DataSource, SourceIntake};
use playbook_model::{
    Aggregate, Dedupe, FeatureDef, MapType, OnError, Playbook, SourceFormat, Transform,
};

use crate::world::{self, Folder, aggregate, cells, events};

fn playbook(path: &str) -> Playbook {
    let mut playbook = world::playbook("Asia/Shanghai");
    playbook.sources = vec![events(path, &[("amount", "amount_minor", MapType::Money)])];
    playbook.features = totals();
    playbook
}

fn totals() -> Vec<FeatureDef> {
    vec![
        aggregate("n", Aggregate::Count, None),
        aggregate("sum", Aggregate::Sum, Some("amount_minor")),
    ]
}

fn totals_of(source: &mut BatchSource) -> Vec<(String, String, String)> {
    let frame = source.members().unwrap();
    let columns = (cells(&frame, "member"), cells(&frame, "n"), cells(&frame, "sum"));
    columns.0.into_iter().zip(columns.1).zip(columns.2).map(|((m, n), s)| (m, n, s)).collect()
}

fn row(member: &str, n: &str, sum: &str) -> (String, String, String) {
    (member.to_owned(), n.to_owned(), sum.to_owned())
}

const GOOD: &str = "member,kind,time,amount,more\n\
    a,order_paid,2026-01-01,1.10,x\n\
    \"b, jr\",order_paid,2026-01-02T10:00:00Z,2,\n\
    a,like,2026-01-03,,\n";

#[test]
fn text_formats_give_the_same_table() {
    let want = [row("a", "2", "110"), row("b, jr", "1", "200")];
    let json = "{\"member\":\"a\",\"kind\":\"order_paid\",\"time\":\"2026-01-01\",\"amount\":1.10,\"more\":1}\n\
        {\"member\":\"b, jr\",\"kind\":\"order_paid\",\"time\":\"2026-01-02T10:00:00Z\",\"amount\":\"2\"}\n\n\
        {\"member\":\"a\",\"kind\":\"like\",\"time\":\"2026-01-03\",\"amount\":null}\n";
    let tabs = GOOD.replace("\"b, jr\"", "b; jr").replace(',', "\t").replace("b; jr", "b, jr");
    let headless = GOOD.lines().skip(1).collect::<Vec<_>>().join("\r\n");
    let cases = [
        (SourceFormat::Csv { delimiter: b',', header: true }, GOOD),
        (SourceFormat::Csv { delimiter: b'\t', header: true }, tabs.as_str()),
        (SourceFormat::Csv { delimiter: b',', header: false }, headless.as_str()),
        (SourceFormat::JsonLines, json),
    ];
    for (format, text) in cases {
        let mut playbook = playbook("data*.txt");
        if format == (SourceFormat::Csv { delimiter: b',', header: false }) {
            let columns = ["member", "kind", "time", "amount", "more"];
            playbook.sources[0].columns = columns.map(str::to_owned).to_vec();
        }
        playbook.sources[0].format = format.clone();
        let folder = Folder::new(&[("data1.txt", text)]);
        let mut source = folder.open(&playbook);
        assert_eq!(totals_of(&mut source), want, "{format:?}");
        let read = &source.intake().sources[0];
        assert_eq!((read.rows_read, read.rows_kept), (3, 3), "{format:?}");
        assert_eq!(read.unmapped_fields, ["more"], "{format:?}");
        assert_eq!(read.files[0].0, "data1.txt");
        assert_eq!(read.files[0].1, playbook_model::Digest::of(text.as_bytes()));
    }
}

const BAD: &str = "member,kind,time,amount\n\
    a,order_paid,2026-01-01,1.10\n\
    ,order_paid,2026-01-01,1.10\n\
    a,order_paid,someday,1.10\n\
    a,order_paid,2026-01-01,=2\n\
    a,order_paid,2026-01-01\n\
    a,order_paid,2026-01-02,3\n";

#[test]
fn rows_that_cannot_be_read_are_counted_with_their_reason_and_written() {
    let mut playbook = playbook("data.csv");
    playbook.sources[0].rejects_max = 0.7;
    let folder = Folder::new(&[("data.csv", BAD)]);
    let mut source = folder.open(&playbook);
    let read = source.intake().sources[0].clone();
    assert_eq!((read.rows_read, read.rows_kept), (6, 2));
    let reasons: Vec<_> = read.rejected.iter().map(|(reason, n)| (reason.as_str(), *n)).collect();
    assert_eq!(
        reasons,
        [
            ("`amount` is not an amount", 1),
            ("`member` is missing", 1),
            ("`time` is not a time of the format", 1),
            ("the row does not have 4 columns", 1),
        ]
    );
    assert_eq!(totals_of(&mut source), [row("a", "2", "410")]);
    let rejects: Vec<_> =
        source.rejects().iter().map(|r| (r.file.as_str(), r.line, r.raw.as_str())).collect();
    assert_eq!(
        rejects,
        [
            ("data.csv", 3, ",order_paid,2026-01-01,1.10"),
            ("data.csv", 4, "a,order_paid,someday,1.10"),
            ("data.csv", 5, "a,order_paid,2026-01-01,=2"),
            ("data.csv", 6, "a,order_paid,2026-01-01"),
        ]
    );
}

#[test]
fn a_run_fails_only_above_the_share_that_may_be_rejected() {
    let folder = Folder::new(&[("data.csv", BAD)]);
    let mut playbook = playbook("data.csv");
    playbook.sources[0].rejects_max = 0.5;
    let error = BatchSource::open(&playbook, folder.options()).unwrap_err();
    assert!(matches!(error, BatchError::TooManyRejects { rejected: 4, rows: 6, .. }), "{error}");
    // Null takes the value away, quarantine the row, and neither counts.
    playbook.sources[0].mapping[3].on_error = OnError::Null;
    for at in 0..3 {
        playbook.sources[0].mapping[at].on_error = OnError::Quarantine;
    }
    playbook.sources[0].rejects_max = 0.17;
    let mut source = folder.open(&playbook);
    assert_eq!(source.intake().sources[0].rejected.values().sum::<u64>(), 3);
    assert_eq!(totals_of(&mut source), [row("a", "3", "410")]);
}

#[test]
fn a_missing_file_or_column_is_named() {
    let folder = Folder::new(&[("data.csv", "member,kind,time\n")]);
    let error = BatchSource::open(&playbook("none*.csv"), folder.options()).unwrap_err();
    assert!(matches!(error, BatchError::NoFile { .. }), "{error}");
    let mut playbook = playbook("data.csv");
    playbook.sources[0].mapping[0].from = Some("id".to_owned());
    let error = BatchSource::open(&playbook, folder.options()).unwrap_err();
    assert!(
        error.to_string().contains("no column `id`; it has `member`, `kind`, `time`"),
        "{error}"
    );
    playbook.sources[0].mapping.remove(0);
    let error = BatchSource::open(&playbook, folder.options()).unwrap_err();
    assert!(matches!(error, BatchError::NoField { field: "member", .. }), "{error}");
}

#[test]
fn transforms_and_constants_come_before_types() {
    let mut playbook = playbook("data.csv");
    let mapping = &mut playbook.sources[0].mapping;
    mapping[0].transform = Transform::Lower;
    mapping[1].transform =
        Transform::EnumMap([("Kauf".to_owned(), "order_paid".to_owned())].into());
    mapping[3].factor = 0.01;
    let mut channel = world::map("", "channel", MapType::Text);
    (channel.from, channel.constant) = (None, Some("shop".to_owned()));
    mapping.push(channel);
    let mut split = world::plain(Aggregate::Count, None);
    split.by = Some("channel".to_owned());
    playbook.features.push(world::feature(
        "by",
        "member",
        playbook_model::CellType::Integer,
        playbook_model::Definition::Aggregate(split),
    ));
    let folder =
        Folder::new(&[("data.csv", "member,kind,time,amount\n AB ,Kauf,2026-01-01,150\n")]);
    let mut source = folder.open(&playbook);
    let frame = source.members().unwrap();
    assert_eq!(
        (cells(&frame, "member"), cells(&frame, "sum")),
        (vec!["ab".to_owned()], vec!["150".to_owned()])
    );
    assert_eq!(cells(&frame, "by.shop"), ["1"]);
}

fn write_parquet(folder: &Folder, name: &str, columns: Vec<(&str, ArrayRef)>) {
    let batch =
        RecordBatch::try_from_iter_with_nullable(columns.into_iter().map(|(n, a)| (n, a, true)))
            .unwrap();
    let file = std::fs::File::create(folder.path().join(name)).unwrap();
    let mut writer = parquet::arrow::ArrowWriter::try_new(file, batch.schema(), None).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
}

#[test]
fn parquet_is_read_as_it_is_and_row_by_row_where_a_row_is_bad() {
    // 2026-01-01T00:00 and 2026-01-02T10:00 on the brand's clock.
    let wall = |first: Option<i64>| -> ArrayRef {
        Arc::new(TimestampMicrosecondArray::from(vec![first, Some(1_767_348_000_000_000)]))
    };
    for (first, want, rejected) in [
        (Some(1_767_225_600_000_000), vec![row("2", "1", "200"), row("10", "1", "110")], 0),
        (None, vec![row("2", "1", "200")], 1),
    ] {
        let folder = Folder::new(&[]);
        let columns: Vec<(&str, ArrayRef)> = vec![
            ("member", Arc::new(Int64Array::from(vec![10, 2]))),
            ("kind", Arc::new(StringArray::from(vec!["order_paid", "order_paid"]))),
            ("time", wall(first)),
            ("amount", Arc::new(Int64Array::from(vec![110, 200]))),
        ];
        write_parquet(&folder, "data.parquet", columns);
        let mut playbook = playbook("data.parquet");
        playbook.sources[0].format = SourceFormat::Parquet;
        playbook.sources[0].mapping[3].factor = 0.01;
        playbook.sources[0].rejects_max = 0.5;
        let mut source = folder.open(&playbook);
        let read = source.intake().sources[0].clone();
        assert_eq!((read.rows_read, read.rows_kept), (2, 2 - rejected));
        assert_eq!(read.rejected.get("`time` is missing").copied().unwrap_or(0), rejected);
        assert_eq!(source.intake().last_event.unwrap().0, 1_767_319_200_000);
        assert_eq!(totals_of(&mut source), want);
    }
}

fn repeats(dedupe: Dedupe, ids: bool) -> (SourceIntake, Vec<(String, String, String)>) {
    let mut text = String::from("member,kind,time,amount,id\n");
    for line in [
        "a,order_paid,2026-01-01T10:00:00,1,7",
        "a,order_paid,2026-01-01T10:00:00.5,2,8",
        "a,order_paid,2026-01-01T10:00:01,4,7",
        "b,order_paid,2026-01-01T10:00:00,8,",
        "b,order_paid,2026-01-01T10:00:00,16,",
    ] {
        text.push_str(line);
        text.push('\n');
    }
    let folder = Folder::new(&[("data.csv", &text)]);
    let mut playbook = playbook("data.csv");
    playbook.sources[0].dedupe = dedupe;
    if ids {
        playbook.sources[0].mapping.push(world::map("id", "event_id", MapType::Text));
    }
    let mut source = folder.open(&playbook);
    (source.intake().sources[0].clone(), totals_of(&mut source))
}

#[test]
fn repeats_are_removed_by_event_id_or_where_asked_by_content() {
    let (read, rows) = repeats(Dedupe::EventId, true);
    assert_eq!((read.duplicates, read.rows_kept), (1, 4));
    assert_eq!(rows, [row("a", "2", "300"), row("b", "2", "2400")]);
    let (read, rows) = repeats(Dedupe::Content, false);
    assert_eq!(read.duplicates, 2);
    assert_eq!(rows, [row("a", "2", "500"), row("b", "1", "800")]);
    for (dedupe, ids) in [(Dedupe::None, true), (Dedupe::EventId, false)] {
        assert_eq!(repeats(dedupe, ids).0.duplicates, 0);
    }
}

#[test]
fn a_cancelled_run_stops() {
    let folder = Folder::new(&[("data.csv", GOOD)]);
    let options = folder.options();
    options.cancel.cancel();
    let error = BatchSource::open(&playbook("data.csv"), options).unwrap_err();
    assert!(matches!(error, BatchError::Cancelled), "{error}");
}
