//! From exports as shops make them to a playbook that checks and runs, without an edit.

use std::fs;

use serde_json::Value;

use crate::bench::{Place, cdnow, command, community, playbook, root, run, succeed};

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

#[test]
fn a_profile_says_who_is_in_a_file_and_what_a_run_would_refuse() {
    let place = Place::new();
    let file = place.beside("orders.csv");
    fs::write(
        &file,
        "order,customer,date,total\nO1,A1,2026-06-01,1.50\nO1,A1,2026-06-01,1.50\nO2,,2026-06-02,2.50\nO3,A2,2026-06-31,2.50\n",
    )
    .unwrap();
    let name = file.to_str().unwrap();
    let shown = succeed(&playbook(["profile", name]));
    for part in [
        "as events: member from customer (likely), time from date",
        "4 rows, 1 kept, 1 repeats, 2 refused",
        "`customer` is missing (1 rows), `date` is not a time of the format (1 rows)",
        "`rejects_max`",
        "members: 1",
    ] {
        assert!(shown.contains(part), "{part} in {shown}");
    }
    let intake = &json(&["profile", name, "--json"])["files"][0]["intake"];
    assert_eq!((&intake["members"], &intake["sources"][0]["rows_kept"]), (&1.into(), &1.into()));
    assert_eq!(intake["sources"][0]["rejected"]["`customer` is missing"], 1);
    let quick = succeed(&playbook(["profile", name, "--quick"]));
    assert!(quick.contains("as events") && !quick.contains("taken in"), "{quick}");
    let events = place.beside("events.csv");
    fs::write(
        &events,
        "customer,date,event\nA1,2026-06-01,view\nA1,2026-06-02,view\nA2,2026-06-02,like\n",
    )
    .unwrap();
    assert!(
        succeed(&playbook(["profile", events.to_str().unwrap()])).contains("kinds: view 2, like 1")
    );
    // A file that fills no table says so.
    let other = place.beside("notes.csv");
    fs::write(&other, "subject,body\nhello,world\nbye,all\n").unwrap();
    assert!(
        succeed(&playbook(["profile", other.to_str().unwrap()])).contains("no table of the host")
    );
}

#[test]
fn a_sample_community_is_found_table_by_table() {
    let place = Place::new();
    let data = place.beside("data");
    fs::create_dir(&data).unwrap();
    let sample = community();
    for table in ["members", "events", "consents", "costs", "identities"] {
        let name = format!("{table}.parquet");
        fs::copy(sample.join(&name), data.join(&name)).unwrap();
    }
    let file = place.beside("club.toml");
    let answer = json(&[
        "init",
        data.to_str().unwrap(),
        "--brand",
        "club",
        "--currency",
        "CNY",
        "--time-zone",
        "Asia/Shanghai",
        "--out",
        file.to_str().unwrap(),
        "--json",
    ]);
    let sources = answer["sources"].as_array().unwrap();
    for source in sources {
        assert_eq!(source["name"], source["table"], "{source}");
    }
    assert_eq!(sources.len(), 5, "{answer}");
    let taken = answer["intake"]["sources"].as_array().unwrap();
    assert!(taken.iter().all(|source| source["rows_read"] == source["rows_kept"]), "{taken:?}");
    // The playbook that was written by hand for the same files finds the same people.
    let by_hand = run(&root().join("playbooks/club.toml"), &sample, &place, &[]);
    assert_eq!(answer["intake"]["members"], by_hand["counts"]["members"]);
}
