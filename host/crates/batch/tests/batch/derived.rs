//! Columns that a mapping looks up or computes, from text, JSON and Parquet alike.

use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use arrow::array::{ArrayRef, Float64Array, Int64Array, RecordBatch, StringArray};
use parquet::arrow::ArrowWriter;
use playbook_model::Frame;

use crate::exports::{Seen, read, read_features};
use crate::world::cells;

const PRODUCTS: &str = "[[lookup]]\nname = \"products\"\npath = \"products.csv\"\nkey = \"sku\"\n";

/// A source of order lines that joins products, with more rows of its mapping.
fn lines(path: &str, keys: &str, map: &str) -> String {
    format!(
        "{PRODUCTS}[[source]]\nname = \"lines\"\ntable = \"events\"\npath = \"{path}\"\nevent = \"order_paid\"\n\
         dedupe = \"none\"\nrejects_max = 1.0\n{keys}\n[source.join]\nproducts = \"sku\"\n[source.map]\n\
         member = \"who\"\ntime = {{ from = \"at\", format = \"%Y-%m-%d\" }}\n{map}\n"
    )
}

/// Sums of a department, and the last one, of each member.
const DEPARTMENTS: &str = "meat_minor = { sum = \"amount_minor\", events = \"order_paid\", where = \"field_department = 'MEAT'\" }\n\
     none = { count = \"order_paid\", where = \"field_department is null\" }";
const MAP: &str =
    "amount_minor = { compute = \"price * quantity\" }\nfield_department = \"products.department\"";

fn write(folder: &Path, name: &str, text: &str) {
    std::fs::write(folder.join(name), text).unwrap();
}

/// Members as `member orders spend meat none`.
fn shown((seen, frame): &(Seen, Frame)) -> Vec<String> {
    let more = cells(frame, "meat_minor").into_iter().zip(cells(frame, "none"));
    seen.members()
        .into_iter()
        .zip(more)
        .map(|(m, (meat, none))| format!("{m} {meat} {none}"))
        .collect()
}

fn parquet(path: &Path, columns: Vec<(&str, ArrayRef)>) {
    let batch = RecordBatch::try_from_iter(columns).unwrap();
    let mut writer =
        ArrowWriter::try_new(File::create(path).unwrap(), batch.schema(), None).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
}

#[test]
fn a_row_has_the_fields_of_its_lookup_whatever_the_format() {
    let dir = tempfile::tempdir().unwrap();
    write(
        dir.path(),
        "products.csv",
        "sku,department\n1,MEAT\n 2 ,\"DAIRY, MILK\"\n3,MEAT\n1,MEAT\n",
    );
    let want = ["a 3 650 350 1", "b 1 10 0 0"];
    let rows = [("a", "1", 2.5, 1), ("a", "3", 0.5, 2), ("a", "9", 1.0, 3), ("b", "2", 0.1, 1)];
    let csv: String =
        rows.iter().map(|(w, s, p, q)| format!("{w},2026-06-01,{s},{p},{q}\n")).collect();
    write(dir.path(), "lines.csv", &format!("who,at,sku,price,quantity\n{csv}"));
    let json: String = rows
        .iter()
        .map(|(w, s, p, q)| {
            format!("{{\"who\":\"{w}\",\"at\":\"2026-06-01\",\"sku\":{s},\"price\":{p},\"quantity\":{q}}}\n")
        })
        .collect();
    write(dir.path(), "lines.jsonl", &json);
    let text = |of: fn(&(&str, &str, f64, i64)) -> String| -> ArrayRef {
        Arc::new(rows.iter().map(|row| Some(of(row))).collect::<StringArray>())
    };
    let skus: Vec<i64> = rows.iter().map(|row| row.1.parse().unwrap()).collect();
    parquet(
        &dir.path().join("lines.parquet"),
        vec![
            ("who", text(|row| row.0.to_owned())),
            ("at", text(|_| "2026-06-01".to_owned())),
            ("sku", Arc::new(Int64Array::from(skus))),
            ("price", Arc::new(rows.iter().map(|row| Some(row.2)).collect::<Float64Array>())),
            ("quantity", Arc::new(rows.iter().map(|row| Some(row.3)).collect::<Int64Array>())),
        ],
    );
    for path in ["lines.csv", "lines.jsonl", "lines.parquet"] {
        let read = read_features(dir.path(), &lines(path, "", MAP), DEPARTMENTS).unwrap();
        assert_eq!(shown(&read), want, "{path}");
        assert_eq!(read.0.findings, ["lookup-unmatched 1"], "{path}");
        assert!(read.0.rejects.is_empty(), "{path}: {:?}", read.0.rejects);
    }
}

#[test]
fn a_lookup_of_a_lookup_is_followed_and_one_may_be_joined_twice() {
    let dir = tempfile::tempdir().unwrap();
    write(dir.path(), "products.csv", "sku,group,rival\n1,g1,2\n2,g2,1\n");
    write(dir.path(), "groups.csv", "id;name\ng1;MEAT\ng2;DAIRY\n");
    write(dir.path(), "lines.csv", "who,at,sku,price\na,2026-06-01,1,5\na,2026-06-01,2,7\n");
    let sources = lines("lines.csv", "", "amount_minor = \"price\"\nfield_department = \"group.name\"\nfield_rival = \"rival.group\"")
        .replace("[source.map]", "group = { by = \"products.group\", lookup = \"groups\" }\nrival = { by = \"products.rival\", lookup = \"products\" }\n[source.map]");
    let sources = format!(
        "[[lookup]]\nname = \"groups\"\npath = \"groups.csv\"\nkey = \"id\"\ndelimiter = \";\"\n{sources}"
    );
    let features = "meat_minor = { sum = \"amount_minor\", events = \"order_paid\", where = \"field_department = 'MEAT'\" }\n\
        none = { sum = \"amount_minor\", events = \"order_paid\", where = \"field_rival = 'g1'\" }";
    let read = read_features(dir.path(), &sources, features).unwrap();
    assert_eq!(shown(&read), ["a 2 1200 500 700"]);
    assert!(read.0.findings.is_empty(), "{:?}", read.0.findings);
}

#[test]
fn a_lookup_that_cannot_be_followed_is_refused_with_what_to_do() {
    let dir = tempfile::tempdir().unwrap();
    write(dir.path(), "lines.csv", "who,at,sku,price,quantity\na,2026-06-01,1,5,1\n");
    let fault = |products: &str, sources: &str| {
        write(dir.path(), "products.csv", products);
        read_features(dir.path(), sources, DEPARTMENTS).unwrap_err()
    };
    let plain = lines("lines.csv", "", MAP);
    let twice = fault("sku,department\n1,MEAT\n1,DAIRY\n", &plain);
    assert!(
        twice.contains("`products` has the key `1` with `department` `MEAT` and with `DAIRY`"),
        "{twice}"
    );
    let absent = fault("sku,dept\n1,MEAT\n", &plain);
    assert!(absent.contains("no column `department`; it has `sku`, `dept`"), "{absent}");
    let unknown = fault("", &plain.replace("products = \"sku\"", "product = \"sku\""));
    assert!(unknown.contains("there is no lookup `product`"), "{unknown}");
    let keyless = fault("sku,department\n,MEAT\n", &plain);
    assert!(keyless.contains("`sku` is missing"), "{keyless}");
}

/// The amounts of rows of two texts, computed by an expression over `a` and `b`.
fn computed(expression: &str, rows: &[(&str, &str)], keys: &str) -> (Vec<String>, Vec<String>) {
    let file = (0..).zip(rows).map(|(n, (a, b))| format!("m{n:02}|2026-06-01|{a}|{b}\n"));
    let file = format!("customer|date|a|b\n{}", file.collect::<String>());
    let map = format!(
        "[source.map]\nmember = \"customer\"\ntime = {{ from = \"date\", format = \"%Y-%m-%d\" }}\n\
         amount_minor = {{ compute = \"{expression}\" }}"
    );
    let keys = format!("delimiter = \"|\"\n{keys}");
    let seen = read("orders.csv", file.as_bytes(), &keys, &map).unwrap();
    let amount = |n: usize| match seen.members.get(&format!("m{n:02}")) {
        Some((_, spend)) => spend.clone(),
        None => "rejected".to_owned(),
    };
    ((0..rows.len()).map(amount).collect(), seen.rejects)
}

#[test]
fn an_amount_is_computed_exactly_from_what_is_written() {
    let rows =
        [("0.1", "0.2"), ("19.99", "3"), ("-5", "0.05"), ("1e2", "1"), ("", "2"), ("x", "2")];
    let (sums, rejects) = computed("a + b", &rows, "");
    assert_eq!(sums, ["30", "2299", "-495", "10100", "0", "rejected"]);
    assert_eq!(
        rejects,
        ["7 `amount_minor` cannot be computed: a text stands where a number belongs"]
    );
    let (products, _) = computed("a * b", &rows, "");
    assert_eq!(products, ["2", "5997", "-25", "10000", "0", "rejected"]);
    let (thirds, rejects) = computed("a / 3", &rows[..2], "");
    assert_eq!(thirds, ["rejected", "rejected"]);
    assert!(rejects[0].contains("more decimals than the currency"), "{rejects:?}");
    assert_eq!(computed("round(a / 3 * 100) / 100", &rows[..2], "").0, ["3", "666"]);
    let comma = "decimal = \",\"\nthousands = \".\"";
    let rows = [("1.234,50", "2"), ("12,5", "0,01"), ("12.5", "1")];
    assert_eq!(computed("a * b", &rows, comma).0, ["246900", "rejected", "rejected"]);
    assert_eq!(
        computed("case when b = '2' then a else '0' end", &rows, comma).0,
        ["123450", "0", "0"]
    );
}

#[test]
fn conditions_parts_and_texts_are_computed() {
    let rows = [("EUR 12.50", "return"), ("12.50", "sale"), ("EUR 7", "sale")];
    let (amounts, _) = computed(
        "case when b = 'return' then -1 else 1 end * cast(split_part(a, ' ', -1) as double)",
        &rows,
        "",
    );
    assert_eq!(amounts, ["-1250", "1250", "700"]);
    // A branch that a row does not take is not computed for it.
    assert_eq!(
        computed("case when b = 'sale' then 1 else a * 1 end", &rows, "").0,
        ["rejected", "100", "100"]
    );
    assert_eq!(
        computed("concat(split_part(a, '.', 1), '.', '00')", &[("12.50", "")], "").0,
        ["1200"]
    );
}

#[test]
fn an_expression_that_cannot_be_is_refused_at_its_place() {
    let fault = |expression: &str| {
        let map = format!(
            "columns = [\"customer\", \"date\", \"a\"]\n[source.map]\nmember = \"customer\"\n\
             time = {{ from = \"date\", format = \"%Y-%m-%d\" }}\namount_minor = {{ compute = \"{expression}\" }}"
        );
        read("orders.csv", b"", "", &map).unwrap_err()
    };
    for (expression, want) in [
        ("a + price", "there is no column `price`"),
        ("a + 'x'", "a text stands where a number belongs"),
        ("random()", "expressions have no function `random`"),
        ("split_part(a, 1)", "`split_part` has 2 arguments"),
        ("a +", "expected: an expression"),
    ] {
        let told = fault(expression);
        assert!(told.contains(want) && told.contains("book.toml:"), "{expression}: {told}");
    }
}

#[test]
fn what_sums_of_reals_leave_is_read_alike_by_the_quick_way_and_row_by_row() {
    let dir = tempfile::tempdir().unwrap();
    let reals = [1.776_356_839_400_25e-15, 0.1 + 0.2, -59.969_999_999_999_995, 12.345, 1e10];
    let names = (0..reals.len()).map(|n| Some(format!("m{n}"))).collect::<StringArray>();
    parquet(
        &dir.path().join("reals.parquet"),
        vec![
            ("who", Arc::new(names)),
            ("at", Arc::new(Int64Array::from(vec![1_780_000_000_i64; reals.len()]))),
            ("total", Arc::new(Float64Array::from(reals.to_vec()))),
        ],
    );
    let read = |rows: &str| {
        let source = format!(
            "[[source]]\nname = \"orders\"\ntable = \"events\"\npath = \"reals.parquet\"\nevent = \"order_paid\"\n\
             rejects_max = 1.0\n[source.map]\nmember = \"who\"\ntime = {{ from = \"at\", format = \"unix-s\" }}\n{rows}"
        );
        read_features(dir.path(), &source, "").unwrap().0
    };
    let plain = read("amount_minor = \"total\"");
    assert_eq!(plain.rejects.len(), 1, "{:?}", plain.rejects);
    assert_eq!(plain.members.len(), 4);
    for rows in [
        "amount_minor = { compute = \"total * 1\" }",
        "amount_minor = \"total\"\ntopic = { compute = \"concat(who, '!')\" }",
    ] {
        let seen = read(rows);
        assert_eq!((seen.members(), seen.rejects.len()), (plain.members(), 1), "{rows}");
    }
    assert_eq!(plain.members(), ["m0 1 0", "m1 1 30", "m2 0 -5997", "m4 1 1000000000000"]);
}
