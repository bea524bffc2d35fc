//! A grocer's year as it was published, mapped without a script: lines of baskets, lookups, computed columns. What it should
//! give is worked out by DuckDB from the same files.

use std::process::Command;

use serde_json::Value;

use crate::bench::{Place, csv, grocery, root, run, succeed};

#[test]
fn the_year_of_the_grocer_gives_what_duckdb_finds_in_its_files() {
    let (data, place) = (grocery(), Place::new());
    let record = run(&root().join("playbooks/grocery.toml"), &data, &place, &[]);
    for source in record["sources"].as_array().unwrap() {
        assert_eq!(source["rows_read"], source["rows_kept"], "{source}");
    }
    let mut duckdb = Command::new("python3");
    duckdb.arg(root().join("tests/end_to_end/grocery.py")).arg(&data).arg(&place.out);
    let wanted: Value = serde_json::from_str(&succeed(&duckdb.output().unwrap())).unwrap();
    for (feature, members) in wanted["differing"].as_object().unwrap() {
        assert_eq!(members, 0, "members that differ in {feature}: {wanted}");
    }
    assert_eq!(wanted["differing"].as_object().unwrap().len(), 9, "{wanted}");
    assert_eq!(record["counts"]["members"], wanted["members"]);
    let brand = &csv(&place.out.join("tables/brand.csv"))[0];
    for total in ["orders_total", "revenue_total_minor", "mailings_total", "coupons_total"] {
        assert_eq!(wanted[total], brand[total].as_str(), "{total}");
    }
    let findings = record["findings"].as_array().unwrap();
    let unmatched = findings.iter().find(|found| found["code"] == "lookup-unmatched").unwrap();
    assert_eq!(unmatched["count"], wanted["lines_without_product"]);
}
