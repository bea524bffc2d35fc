//! Parquet files as strangers write them: rows as they are, or an error that names the file; never what a footer claims.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, DictionaryArray, Float64Array, Int32Array, Int64Array, ListArray, RecordBatch,
    StringArray, StructArray, TimestampMillisecondArray,
};
use arrow::datatypes::{DataType, Field, Int32Type, Int64Type};
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, Encoding};
use parquet::file::metadata::{
    ColumnChunkMetaData, FileMetaData, ParquetMetaData, ParquetMetaDataReader,
    ParquetMetaDataWriter, RowGroupMetaData,
};
use parquet::file::properties::{WriterProperties, WriterPropertiesBuilder, WriterVersion};
use parquet::file::statistics::Statistics;

use crate::exports::{Seen, read};

const NAME: &str = "orders.parquet";
const MAP: &str =
    "[source.map]\nmember = \"customer\"\ntime = \"date\"\namount_minor = \"total\"\n";

fn seen(bytes: &[u8]) -> Result<Seen, String> {
    read(NAME, bytes, "", MAP)
}

/// A file of the columns, written as `by` says.
fn written(columns: &[(&str, ArrayRef)], by: WriterPropertiesBuilder) -> Vec<u8> {
    let columns = columns.iter().map(|(name, column)| (*name, Arc::clone(column), true));
    let batch = RecordBatch::try_from_iter_with_nullable(columns).unwrap();
    let mut bytes = Vec::new();
    let mut writer = ArrowWriter::try_new(&mut bytes, batch.schema(), Some(by.build())).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
    bytes
}

fn times(rows: usize) -> ArrayRef {
    let day = 86_400_000;
    let times = (0..rows as i64).map(|row| 1_780_315_200_000 + row % 20 * day);
    Arc::new(TimestampMillisecondArray::from_iter_values(times).with_timezone("UTC"))
}

fn orders(customers: &[Option<&str>], totals: &[Option<f64>]) -> Vec<(&'static str, ArrayRef)> {
    vec![
        ("customer", Arc::new(StringArray::from(customers.to_vec())) as ArrayRef),
        ("date", times(customers.len())),
        ("total", Arc::new(Float64Array::from(totals.to_vec()))),
    ]
}

/// The same file with another footer.
fn with_footer(bytes: &[u8], change: impl FnOnce(ParquetMetaData) -> ParquetMetaData) -> Vec<u8> {
    let file = bytes::Bytes::copy_from_slice(bytes);
    let metadata = ParquetMetaDataReader::new().parse_and_finish(&file).unwrap();
    let length = u32::from_le_bytes(bytes[bytes.len() - 8..][..4].try_into().unwrap()) as usize;
    let mut changed = bytes[..bytes.len() - 8 - length].to_vec();
    ParquetMetaDataWriter::new(&mut changed, &change(metadata)).finish().unwrap();
    changed
}

/// A footer that says so many rows, with each group changed.
fn groups(
    metadata: &ParquetMetaData,
    rows: i64,
    change: impl Fn(RowGroupMetaData) -> RowGroupMetaData,
) -> ParquetMetaData {
    let file = metadata.file_metadata();
    let file = FileMetaData::new(file.version(), rows, None, None, file.schema_descr_ptr(), None);
    ParquetMetaData::new(file, metadata.row_groups().iter().cloned().map(change).collect())
}

fn columns(
    group: RowGroupMetaData,
    change: impl Fn(ColumnChunkMetaData) -> ColumnChunkMetaData,
) -> RowGroupMetaData {
    let mut group = group.into_builder();
    let columns = group.take_columns().into_iter().map(change).collect();
    group.set_column_metadata(columns).build().unwrap()
}

fn plain() -> WriterPropertiesBuilder {
    WriterProperties::builder().set_dictionary_enabled(false)
}

#[test]
fn nan_that_statistics_leave_out_is_a_reject() {
    let customers = [Some("A"), Some("B"), Some("C"), Some("D")];
    let totals = [Some(25.0), Some(f64::NAN), Some(25.0), Some(f64::NAN)];
    for by in [WriterProperties::builder(), plain()] {
        let seen = seen(&written(&orders(&customers, &totals), by)).unwrap();
        assert_eq!(seen.members(), ["A 1 2500", "C 1 2500"]);
        assert_eq!(seen.rejects.len(), 2, "{:?}", seen.rejects);
        assert!(seen.rejects[0].contains("2 `total` is not an amount"), "{:?}", seen.rejects);
    }
}

#[test]
fn reals_that_are_no_numbers_are_rejects() {
    let totals = [Some(0.5), Some(f64::NAN), Some(f64::INFINITY), None];
    let customers = [Some("A"), Some("B"), Some("C"), Some("D")];
    let map = MAP.replace("\"total\"", "\"paid\"\nvalue = \"total\"");
    let mut columns = orders(&customers, &totals);
    columns.push(("paid", Arc::new(Float64Array::from(vec![1.0; 4]))));
    let seen = read(NAME, &written(&columns, plain()), "", &map).unwrap();
    assert_eq!(seen.members(), ["A 1 100", "D 1 100"]);
    assert_eq!(seen.rejects.len(), 2, "{:?}", seen.rejects);
}

#[test]
fn statistics_that_lie_change_nothing() {
    let customers = [Some("A"), None, Some("B"), Some(" "), Some("C")];
    let totals = [Some(1.0), Some(2.0), None, Some(8.0), Some(16.0)];
    let honest = written(&orders(&customers, &totals), WriterProperties::builder());
    let lying = with_footer(&honest, |metadata| {
        groups(&metadata, 5, |group| {
            columns(group, |column| {
                let statistics = match column.column_path().string().as_str() {
                    "customer" => {
                        let one = Some(b"A".to_vec().into());
                        Statistics::byte_array(one.clone(), one, None, Some(0), false)
                    }
                    "date" => Statistics::int64(Some(0), Some(0), None, Some(5), false),
                    _ => Statistics::double(Some(7.0), Some(7.0), None, Some(0), false),
                };
                column.into_builder().set_statistics(statistics).build().unwrap()
            })
        })
    });
    for bytes in [honest, lying] {
        let seen = seen(&bytes).unwrap();
        assert_eq!(seen.members(), ["A 1 100", "B 1 0", "C 1 1600"]);
        assert_eq!(seen.rejects, ["2 `customer` is missing", "4 `customer` is missing"]);
    }
}

/// Every way to write numbers.
fn ways() -> Vec<WriterPropertiesBuilder> {
    let version_2 = || WriterProperties::builder().set_writer_version(WriterVersion::PARQUET_2_0);
    vec![
        WriterProperties::builder(),
        plain(),
        WriterProperties::builder().set_compression(Compression::SNAPPY),
        version_2(),
        version_2().set_dictionary_enabled(false),
        version_2().set_compression(Compression::ZSTD(Default::default())),
        plain().set_encoding(Encoding::DELTA_BINARY_PACKED),
        // Levels in runs and in packed groups, pages of a few rows.
        plain().set_data_page_row_count_limit(3).set_write_batch_size(3),
    ]
}

#[test]
fn a_value_that_is_absent_or_far_is_found_however_it_is_written() {
    let far = 8_000_000_000_000;
    let near = 1_780_315_200_000;
    // Of 100 rows the last but one; of 20 rows each third.
    let cases = [(100, 98, 1000), (20, 1, 3)];
    for (rows, first, step) in cases {
        let odd = |row: &usize| *row >= first && (row - first) % step == 0;
        for value in [None, Some(far)] {
            let times = (0..rows).map(|row| if odd(&row) { value } else { Some(near) });
            let times = TimestampMillisecondArray::from_iter(times).with_timezone("UTC");
            let ids: ArrayRef = Arc::new(Int64Array::from_iter_values(0..rows as i64));
            let totals: ArrayRef = Arc::new(Int64Array::from(vec![1; rows]));
            let columns =
                [("customer", ids), ("date", Arc::new(times) as ArrayRef), ("total", totals)];
            for (way, by) in ways().into_iter().enumerate() {
                let seen = seen(&written(&columns, by)).unwrap();
                let lines: Vec<_> = (0..rows).filter(odd).map(|row| row + 1).collect();
                let rejected = seen.rejects.iter().map(|r| r.split(' ').next().unwrap());
                let rejected: Vec<usize> = rejected.map(|line| line.parse().unwrap()).collect();
                assert_eq!(rejected, lines, "way {way}, {value:?}: {:?}", seen.rejects);
                assert_eq!(seen.members.len(), rows - lines.len());
            }
        }
    }
}

#[test]
fn a_footer_that_contradicts_its_file_is_an_error_that_names_it() {
    let customers = [Some("A"); 6];
    let bytes = written(&orders(&customers, &[Some(1.0); 6]), WriterProperties::builder());
    assert_eq!(seen(&bytes).unwrap().members(), ["A 6 600"]);
    let group_rows = |group: RowGroupMetaData, rows| {
        let group = group.into_builder().set_num_rows(rows).build().unwrap();
        columns(group, |c| c.into_builder().set_num_values(rows).build().unwrap())
    };
    let moved = |group: RowGroupMetaData, by: i64| {
        columns(group, |column| {
            let dictionary = column.dictionary_page_offset().map(|at| at + by);
            let data = column.data_page_offset() + by;
            let column = column.into_builder().set_data_page_offset(data);
            column.set_dictionary_page_offset(dictionary).build().unwrap()
        })
    };
    // The rows of the file stand between its columns and its groups: a field of the next number each.
    let rows_at = bytes.windows(3).rposition(|found| found == [0x16, 6 << 1, 0x19]).unwrap() + 1;
    let saying = |rows: u8| {
        let mut bytes = bytes.clone();
        bytes[rows_at] = rows << 1;
        bytes
    };
    let faulty = [
        (saying(0), "says 0 rows, its groups hold 6"),
        (saying(7), "says 7 rows, its groups hold 6"),
        (with_footer(&bytes, |m| groups(&m, 5, |g| group_rows(g, 5))), "holds 6 values, not 5"),
        (with_footer(&bytes, |m| groups(&m, 0, |g| group_rows(g, 0))), "holds 6 values, not 0"),
        (
            with_footer(&bytes, |m| groups(&m, 1 << 40, |g| group_rows(g, 1 << 40))),
            "1099511627776 rows in",
        ),
        (with_footer(&bytes, |m| groups(&m, 6, |g| moved(g, 1 << 30))), "lies outside the file"),
        (with_footer(&bytes, |m| groups(&m, 6, |g| moved(g, -4))), "lies outside the file"),
        (bytes[..bytes.len() - 1].to_vec(), "it is no Parquet file"),
        (bytes[20..].to_vec(), "has a page that cannot be read"),
        (b"PAR1".to_vec(), "it is no Parquet file"),
        (Vec::new(), "it is no Parquet file"),
    ];
    for (bytes, want) in faulty {
        let error = seen(&bytes).unwrap_err();
        assert!(error.contains(NAME) && error.contains(want), "{want}: {error}");
    }
}

#[test]
fn a_mapped_column_that_is_a_list_or_stands_twice_is_an_error() {
    let lists = ListArray::from_iter_primitive::<Int64Type, _, _>([Some(vec![Some(1), None])]);
    let mut columns = orders(&[Some("A")], &[Some(1.0)]);
    columns[0].1 = Arc::new(lists);
    let error = seen(&written(&columns, plain())).unwrap_err();
    assert!(error.contains("`customer` is a list or a structure"), "{error}");
    let mut columns = orders(&[Some("A")], &[Some(1.0)]);
    columns.push(("total", Arc::new(Float64Array::from(vec![9.0]))));
    let error = seen(&written(&columns, plain())).unwrap_err();
    assert!(error.contains("two columns `total`"), "{error}");
}

/// A text of many bytes in every row, which stands in the file once.
fn long_texts(bytes: usize, rows: usize) -> ArrayRef {
    let values = StringArray::from(vec!["x".repeat(bytes)]);
    let keys = Int32Array::from(vec![0; rows]);
    Arc::new(DictionaryArray::<Int32Type>::new(keys, Arc::new(values)))
}

/// The most memory that this process ever had.
fn peak_bytes() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
    let kib: usize = line.split_whitespace().nth(1).unwrap().parse().unwrap();
    kib << 10
}

#[test]
fn a_long_text_in_many_rows_takes_its_memory_once() {
    let rows = 10_000;
    let columns = |bytes| {
        let totals: ArrayRef = Arc::new(Int64Array::from(vec![1; rows]));
        [("customer", long_texts(bytes, rows)), ("date", times(rows)), ("total", totals)]
    };
    let by = || {
        let by = WriterProperties::builder().set_compression(Compression::SNAPPY);
        by.set_dictionary_page_size_limit(1 << 21)
    };
    // 10 GB in all, were each row to have its own.
    let map = format!("{MAP}object = {{ from = \"customer\", transform = \"trim\" }}\n");
    let bytes = written(&columns(1 << 20), by());
    assert!(bytes.len() < 1 << 20, "{}", bytes.len());
    let seen = read(NAME, &bytes, "", &map).unwrap();
    assert_eq!(seen.rejects.len(), rows);
    assert!(seen.rejects[0].contains("1 `customer` is longer"), "{:?}", seen.rejects[0]);
    let seen = read(NAME, &written(&columns(60_000), by()), "", &map).unwrap();
    assert_eq!(seen.members.len(), 1);
    assert!(peak_bytes() < 3 << 30, "{}", peak_bytes());
}

#[test]
fn rows_of_nulls_are_counted_in_seconds() {
    let rows = 1_000_000;
    let nulls: ArrayRef = Arc::new(StringArray::new_null(rows));
    let columns = [
        ("customer", nulls),
        ("date", times(rows)),
        ("total", Arc::new(Int64Array::from(vec![1; rows])) as ArrayRef),
    ];
    let started = std::time::Instant::now();
    let seen = seen(&written(&columns, WriterProperties::builder())).unwrap();
    assert!(seen.members.is_empty());
    assert!(started.elapsed().as_secs() < 20, "{:?}", started.elapsed());
}

/// Small files of every way to write a column.
pub(crate) fn corpus() -> Vec<Vec<u8>> {
    let customers: Vec<_> =
        (0..40).map(|n| (n % 7 != 3).then_some(["A", "B", "a longer id"][n % 3])).collect();
    let totals: Vec<_> = (0..40).map(|n| (n % 5 != 2).then_some(n as f64)).collect();
    let simple = orders(&customers, &totals);
    let mut nested = simple.clone();
    let lists = (0..40).map(|n| (n % 3 != 0).then(|| vec![Some(n), None]));
    nested.push(("lists", Arc::new(ListArray::from_iter_primitive::<Int64Type, _, _>(lists))));
    let field = Arc::new(Field::new("inner", DataType::Utf8, true));
    let inner: ArrayRef = Arc::new(StringArray::from(customers.clone()));
    nested.push(("structure", Arc::new(StructArray::from(vec![(field, inner)]))));
    let all = WriterProperties::builder;
    vec![
        written(&simple, all()),
        written(&simple, plain()),
        written(&simple, all().set_compression(Compression::SNAPPY)),
        written(&simple, all().set_compression(Compression::ZSTD(Default::default()))),
        written(&simple, all().set_compression(Compression::GZIP(Default::default()))),
        written(
            &simple,
            all()
                .set_writer_version(WriterVersion::PARQUET_2_0)
                .set_max_row_group_row_count(Some(16)),
        ),
        written(
            &simple,
            plain().set_column_encoding("customer".into(), Encoding::DELTA_BYTE_ARRAY),
        ),
        written(&nested, all().set_compression(Compression::SNAPPY)),
    ]
}
