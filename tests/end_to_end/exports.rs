//! From exports as shops make them to a playbook that checks and runs, without an edit.

use std::fs;

use serde_json::Value;

use crate::bench::{Place, cdnow, command, playbook, run, succeed};

fn json(arguments: &[&str]) -> Value {
    serde_json::from_str(&succeed(&playbook(arguments))).unwrap()
}

#[test]
fn a_shop_goes_from_its_exports_to_a_run_without_an_edit() {
    let place = Place::new();
    let data = place.beside("data");
    fs::create_dir(&data).unwrap();
    fs::write(
        data.join("orders.csv"),
        "\u{feff}Order No;Customer;Order date;Total\n1;A1;01.05.2026;1.012,50\n2;A2;17.05.2026;7,00\n3;A1;01.06.2026;2,50\n",
    )
    .unwrap();
    fs::write(data.join("customers.csv"), "Customer,Signup date,Region\nA1,2026-01-01,North\nA2,2026-01-02,North\nA3,2026-02-01,South\n").unwrap();
    let dir = data.to_str().unwrap();

    let call = command(["init", dir, "--brand", "shop"]).output().unwrap();
    let (shown, told) =
        (String::from_utf8_lossy(&call.stdout), String::from_utf8_lossy(&call.stderr));
    assert_eq!(call.status.code(), Some(1), "{shown}");
    assert!(shown.contains("amount_minor") && shown.contains("1.012,50"), "{shown}");
    assert!(told.contains("--currency") && told.contains("--time-zone"), "{told}");

    let flags = ["--currency", "EUR", "--time-zone", "Europe/Berlin"];
    let shown = succeed(&command(["init", dir, "--brand", "shop"]).args(flags).output().unwrap());
    assert!(shown.contains("is written"), "{shown}");
    let file = data.join("shop.toml");
    assert!(succeed(&playbook(["check".as_ref(), file.as_os_str()])).contains("in order"));
    let record = run(&file, &data, &place, &[]);
    assert_eq!(record["counts"]["members"], 3);
    for source in record["sources"].as_array().unwrap() {
        assert_eq!(
            (&source["rows_read"], &source["rows_kept"]),
            (&3.into(), &3.into()),
            "{source}"
        );
    }
    let again = command(["init", dir, "--brand", "shop"]).args(flags).output().unwrap();
    assert!(String::from_utf8_lossy(&again.stderr).contains("is there already"));
}

#[test]
fn the_published_cdnow_file_is_mapped_without_an_edit() {
    let place = Place::new();
    let data = place.beside("data");
    fs::create_dir(&data).unwrap();
    fs::copy(cdnow().join("CDNOW_master.txt"), data.join("CDNOW_master.txt")).unwrap();
    let file = place.beside("cds.toml");
    let dir = data.to_str().unwrap();
    let answer = json(&[
        "init",
        dir,
        "--brand",
        "cds",
        "--currency",
        "USD",
        "--time-zone",
        "America/New_York",
        "--out",
        file.to_str().unwrap(),
        "--json",
    ]);
    let map = answer["sources"][0]["map"].as_array().unwrap();
    let columns: Vec<_> = map
        .iter()
        .map(|row| (row["field"].as_str().unwrap(), row["column"].as_str().unwrap()))
        .collect();
    assert_eq!(
        columns,
        [
            ("member", "customer_id"),
            ("time", "date"),
            ("amount_minor", "dollar_value"),
            ("quantity", "number_of_cds"),
        ]
    );
    let record = run(&file, &data, &place, &[]);
    assert_eq!(record["sources"][0]["rows_kept"], 69_659);
    assert_eq!(record["counts"]["members"], 23_570);
}

#[test]
fn a_profile_is_shown_with_what_is_doubtful_and_without_contact_data() {
    let place = Place::new();
    let file = place.beside("orders\u{1b}[31m.csv");
    let rows: String =
        (0..30).map(|i| format!("u{i}@shop.example.org,2026-06-01,{i}.50\n")).collect();
    fs::write(&file, format!("e\u{202e}mail,date,total\n{rows}u@shop.example.org,2026-06-01,$5\n"))
        .unwrap();
    let name = file.to_str().unwrap();
    let shown = succeed(&playbook(["profile", name]));
    for part in ["31 rows (all of the file)", "100%", "$5", "***@***.org", "\\u{1b}", "\\u{202e}"] {
        assert!(shown.contains(part), "{part} in {shown}");
    }
    assert!(!shown.contains("shop.example") && !shown.contains('\u{1b}'), "{shown}");
    let told = json(&["profile", name, "--json"]);
    let total = &told["files"][0]["columns"][2];
    assert_eq!(
        (&total["kind"], &total["doubtful"], &total["decimals"]),
        (&"amount".into(), &1.into(), &2.into())
    );
    assert!(!told.to_string().contains("shop.example"));
    let absent = playbook(["profile", "/nowhere.csv"]);
    assert_eq!(absent.status.code(), Some(1));
}
