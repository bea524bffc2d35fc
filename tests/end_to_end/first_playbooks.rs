//! What `init` makes of exports as shops and tools write them: right without an edit, or told what to say or to edit. The
//! inputs of the table lie in `tests/first-playbooks/`.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;

use crate::bench::{Place, cdnow, command, error, grocery, root, succeed};

/// What comes of a folder.
enum Outcome {
    /// A playbook that is right without an edit: rows read and kept of each source, members, revenue in minor units, and
    /// what stands in the playbook.
    Right(&'static [(&'static str, u64, u64)], u64, u64, &'static [&'static str]),
    /// A playbook over which a run stops, as `init` says: the reason stands in what it says, with what to edit.
    Edit(&'static [&'static str]),
    /// No playbook, and what has to be done first.
    None(&'static [&'static str]),
}

use Outcome::{Edit, None as Refused, Right};

const PLAIN: &[&str] = &[
    "event = \"order_paid\"\n",
    "\nmember = \"customer\"\n",
    "\ntime = \"date\"\n",
    "\namount_minor = \"total\"\n",
];
const CONSENTS_ASKED: &str = "# Not read: say for which purpose the consents are: service, marketing, profiling, location, sharing or cross-border";

const CASES: &[(&str, Outcome)] = &[
    (
        "semicolons-and-decimal-commas",
        Right(
            &[("orders", 3, 3)],
            2,
            131_950,
            &[
                "delimiter = \";\"\n",
                "amount_minor = { from = \"total\", decimal = \",\", thousands = \".\" }\n",
            ],
        ),
    ),
    ("gbk", Right(&[("gbk", 2, 2)], 2, 3_000, &["encoding = \"gbk\"", "member = \"会员\"\n"])),
    (
        "utf-16",
        Right(&[("utf16", 2, 2)], 2, 3_000, &["encoding = \"utf-16le\"", "member = \"會員\"\n"]),
    ),
    ("gzip", Right(&[("orders", 1, 1)], 1, 1_000, PLAIN)),
    ("carriage-returns", Right(&[("cr-only", 2, 2)], 2, 3_000, PLAIN)),
    (
        "a-footer",
        Right(&[("footer", 301, 300)], 300, 300_000, &["# 1 rows have none and are rejects"]),
    ),
    ("an-open-quote", Right(&[("open-then-comma", 1_000, 999)], 999, 99_900, PLAIN)),
    ("an-order-in-the-future", Right(&[("orders", 201, 201)], 200, 201_000, PLAIN)),
    ("days-without-a-clock", Right(&[("autumn", 14, 14)], 14, 14_000, PLAIN)),
    ("one-price", Right(&[("orders", 1_398, 1_398)], 400, 4_054_200, PLAIN)),
    (
        "another-name-of-a-column",
        Right(&[("june", 2, 2)], 2, 3_000, &["amount_minor = \"total price\"\n"]),
    ),
    (
        "control-characters",
        Right(
            &[("head", 1, 1), ("ids", 4, 4)],
            5,
            10_000,
            &["member = \"cust\\U0000001b]0;owned\\U00000007\\U0000001b[31mred\\U0000001b[0m\"\n"],
        ),
    ),
    (
        "ids-as-floats",
        Right(
            &[("members", 2, 2), ("orders", 2, 2)],
            2,
            3_000,
            &["member = { from = \"customer\", transform = \"whole\" }\n", CONSENTS_ASKED],
        ),
    ),
    (
        "ids-that-look-like-formulas",
        Right(&[("orders", 9, 9)], 9, 810_000, &[PLAIN[1], CONSENTS_ASKED]),
    ),
    (
        "members-listed-twice",
        Right(
            &[("members", 7, 7), ("orders", 4, 4)],
            4,
            40_000,
            &["age_band = \"age\"\n", "# Not used: city, email\n", CONSENTS_ASKED],
        ),
    ),
    (
        "orders-in-two-files",
        Right(
            &[("orders-0", 200, 140)],
            40,
            700_000,
            &["path = \"orders/0*.csv\"\n", "event_id = \"order\"\n", CONSENTS_ASKED],
        ),
    ),
    (
        "lines-of-a-shop-export",
        Right(
            &[("orders-export", 5, 3)],
            2,
            16_000,
            &[
                "# times carry their offset",
                "member = { from = \"Email\", transform = \"hash\" }\n",
                "time = { from = \"Paid at\", format = \"%Y-%m-%d %H:%M:%S %z\", on_error = \"quarantine\" }\n",
                "kind = { from = \"Financial Status\", values = { \"paid\" = \"order_paid\" } }\n",
            ],
        ),
    ),
    ("refunds-of-lines", Right(&[("lines", 3, 3)], 1, 7_000, &["original_order = \"of\"\n"])),
    ("refunds-below-zero", Right(&[("negative", 5, 5)], 3, 11_000, &["kind = \"kind\"\n"])),
    ("refunds-above-zero", Right(&[("positive", 5, 5)], 3, 11_000, &["kind = \"kind\"\n"])),
    (
        "refunds-under-the-orders-id",
        Right(&[("same-file-id", 2, 2)], 1, 7_000, &["original_order = \"of\"\n"]),
    ),
    (
        "refunds-without-orders",
        Right(&[("orders", 12, 12)], 6, 10_500, &["channel = \"shop\"\n", "kind = \"kind\"\n"]),
    ),
    (
        "words-of-kinds",
        Right(
            &[("events", 4, 4)],
            2,
            15_000,
            &["# order_payed is taken for order_paid: not sure, please look.\n"],
        ),
    ),
    (
        "things-and-where-they-were-bought",
        Right(
            &[("lines", 5, 5), ("products", 6, 6), ("stores", 3, 3)],
            3,
            2_150,
            &[
                "[[lookup]]\nname = \"products\"\npath = \"products.csv\"\n",
                "[[lookup]]\nname = \"stores\"\npath = \"stores.csv\"\n",
                "# `sold_at_utc` is named so.  # likely\ntime_zone = \"UTC\"\n",
                "# sku names rows of products: 3 of 4 values are among its keys.  # not sure",
                "# store_id names rows of stores: 2 of 2 values are among its keys.  # likely",
                "join = { products = \"sku\", stores = \"store_id\" }\n",
                "field_department = \"products.department\"\n",
                "field_organic = { from = \"products.organic\", type = \"flag\" }\n",
                "field_city = \"stores.city\"\n",
                "lines = true\n",
            ],
        ),
    ),
    ("ids-of-blanks", Edit(&["`customer` is missing (2 rows)", "`rejects_max`"])),
    (
        "ids-of-json",
        Edit(&[
            "`customer` is an array or an object (2 rows)",
            "true or false, not an id (1 rows)",
        ]),
    ),
    ("amounts-that-are-no-numbers", Edit(&["`total` is not an amount (2 rows)"])),
    ("short-years", Edit(&["`date` is not a time of the format (1 rows)"])),
    ("sums-beyond-64-bits", Edit(&["the sum goes beyond 64 bits"])),
    (
        "amounts-in-many-spellings",
        Refused(&["`total` is named like amounts", "make them one, or map it"]),
    ),
    ("a-header-with-a-name-twice", Refused(&["two columns `total`; give each a name of its own"])),
    (
        "a-footer-that-contradicts-its-groups",
        Refused(&["its footer says 0 rows, its groups hold 6; write the file anew"]),
    ),
    ("damaged-parquet", Refused(&["was it cut short?", "its reader gives up"])),
];

fn init(place: &Place, data: &Path, zone: &str) -> Output {
    let mut call = command(["init".as_ref(), data.as_os_str()]);
    call.args(["--brand", "shop", "--currency", "USD", "--time-zone", zone]).arg("--out");
    call.arg(place.beside("shop.toml")).output().unwrap()
}

/// Runs the playbook that was made, with the revenue of the brand beside it; nothing is booked.
fn run(place: &Place, data: &Path, more: &str) -> Output {
    let made = fs::read_to_string(place.beside("shop.toml")).unwrap();
    let revenue = "\n[features.revenue_total_minor]\nsum = \"amount_minor\"\nevents = \"order_paid\"\nsubject = \"brand\"\n";
    let file = place.beside("with-revenue.toml");
    fs::write(&file, made + revenue + more).unwrap();
    let mut call = command(["run".as_ref(), file.as_os_str()]);
    call.arg("--data").arg(data).args(["--dry-run", "--json", "--state"]).arg(&place.state);
    call.arg("--out").arg(&place.out).output().unwrap()
}

fn right(place: &Place, data: &Path, rows: &[(&str, u64, u64)], members: u64, revenue: u64) {
    let record: Value = serde_json::from_str(&succeed(&run(place, data, ""))).unwrap();
    let row = |s: &Value| {
        let number = |key: &str| s[key].as_u64().unwrap();
        (s["name"].as_str().unwrap().to_owned(), number("rows_read"), number("rows_kept"))
    };
    let mut seen: Vec<_> = record["sources"].as_array().unwrap().iter().map(row).collect();
    seen.sort();
    let wanted: Vec<_> = rows.iter().map(|(name, r, k)| ((*name).to_owned(), *r, *k)).collect();
    assert_eq!(seen, wanted);
    assert_eq!(record["counts"]["members"], members);
    let brand = &crate::bench::csv(&place.out.join("tables/brand.csv"))[0];
    assert_eq!(brand["revenue_total_minor"], revenue.to_string());
}

#[test]
fn each_export_is_mapped_right_or_says_what_to_edit() {
    let folder = root().join("tests/first-playbooks");
    let there =
        fs::read_dir(&folder).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap());
    let tried = CASES.iter().map(|(name, _)| (*name).to_owned());
    assert_eq!(there.collect::<BTreeSet<_>>(), tried.collect::<BTreeSet<_>>());
    for (name, outcome) in CASES {
        let (place, data) = (Place::new(), folder.join(name));
        let output = init(&place, &data, "America/New_York");
        let shown = String::from_utf8_lossy(&output.stdout).into_owned();
        match outcome {
            Right(rows, members, revenue, says) => {
                succeed(&output);
                let made = fs::read_to_string(place.beside("shop.toml")).unwrap();
                says.iter().for_each(|part| assert!(made.contains(part), "{name}: {part}\n{made}"));
                right(&place, &data, rows, *members, *revenue);
            }
            Edit(says) => {
                succeed(&output);
                says.iter()
                    .for_each(|part| assert!(shown.contains(part), "{name}: {part}\n{shown}"));
                error(&run(&place, &data, ""));
            }
            Refused(says) => {
                let told = error(&output);
                says.iter().for_each(|part| assert!(told.contains(part), "{name}: {part}\n{told}"));
                assert!(!place.beside("shop.toml").exists(), "{name}");
            }
        }
    }
}

#[test]
fn the_published_cds_are_mapped_right() {
    let place = Place::new();
    let data = place.beside("data");
    fs::create_dir(&data).unwrap();
    fs::copy(cdnow().join("CDNOW_master.txt"), data.join("CDNOW_master.txt")).unwrap();
    succeed(&init(&place, &data, "America/New_York"));
    right(&place, &data, &[("cdnow-master", 69_659, 69_659)], 23_570, 250_031_563);
}

/// Prints how many members differ between a run and the grocer's files, and how many there are.
const COMPARED: &str = r#"
import sys
data, out = sys.argv[1:3]
sys.path.insert(0, data + "/python")
import duckdb
db = duckdb.connect()
# It goes to standard output where a query takes long.
db.execute("set enable_progress_bar = false")
print(*db.execute(f"""
    with wanted as (
        select household_id::varchar as member, count(distinct basket_id) as orders, sum(cast(round(sales_value * 100) as bigint)) as spend,
               min(datediff('day', ((transaction_timestamp at time zone 'UTC') at time zone 'America/New_York')::date, date '2018-01-01') - 1) as days,
               coalesce(sum(cast(round(sales_value * 100) as bigint)) filter (department = 'PRODUCE'), 0) as produce
        from '{data}/transactions.parquet' left join '{data}/products.parquet' using (product_id) group by 1)
    select count(*) filter ((orders, spend, days, produce) is distinct from
        (orders_365d, spend_365d_minor, days_since_last_order, produce_minor)), count(*)
    from wanted full join '{out}/members.parquet' using (member)""").fetchone())
"#;

#[test]
fn the_grocers_files_are_mapped_right_and_what_has_no_time_is_told() {
    let (data, place) = (grocery(), Place::new());
    let output = init(&place, &data, "America/New_York");
    let shown = succeed(&output);
    let made = fs::read_to_string(place.beside("shop.toml")).unwrap();
    for part in [
        "[[lookup]]\nname = \"products\"\n",
        "join = { products = \"product_id\" }\n",
        "stamps would be between one and five at night",
        "time_zone = \"UTC\"\n",
        "lines = true\n",
        "field_department = \"products.department\"\n",
        "age_band = { from = \"age\", values = {",
    ] {
        assert!(made.contains(part), "{part}\n{made}");
    }
    // A campaign reaches its households on the day on which it starts, which another table knows.
    let mailings = "`campaign_descriptions.parquet` has `start_date` for each `campaign_id`: join it as a [[lookup]], map `time` from there";
    assert!(shown.contains(mailings) && made.contains(mailings), "{shown}");
    assert!(shown.contains("1,469,307 rows, 1,469,307 kept"), "{shown}");
    let produce = "[features.produce_minor]\nsum = \"amount_minor\"\nevents = \"order_paid\"\nwhere = \"field_department = 'PRODUCE'\"\n";
    succeed(&run(&place, &data, produce));
    let mut duckdb = Command::new("python3");
    duckdb.args(["-c", COMPARED]).arg(&data).arg(&place.out);
    assert_eq!(succeed(&duckdb.output().unwrap()).trim(), "0 2469");
}
