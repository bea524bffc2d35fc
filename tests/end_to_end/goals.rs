//! Goals of a brand, curves of its communities and effects on its members, from a run's report.

use std::fs;
use std::path::{Path, PathBuf};

use crate::bench::{Place, command, root, run};

/// The demo's playbook with goals; each campaign serves what `serves` says.
fn club(place: &Place, serves: &str) -> PathBuf {
    let own = fs::read_to_string(root().join("playbooks/demo-club.toml")).unwrap();
    let path = place.beside("goals.toml");
    let goals = format!(
        r#"
[brand_values]
company = {{ en = "Good company", zh = "相伴" }}
thrift = "Thrift"

[goals.members]
metric = "brand_members"
baseline = 100
from = 2026-04-01
target = 200
deadline = 2026-10-01
budget = "20_000.00"
serves = ["company"]
objective = "grow"

[goals.active]
metric = "wau_ratio"
baseline = 0.9
from = 2026-04-01
target = 0.99
deadline = 2026-07-02
budget = "0"
serves = ["company"]
objective = "grow"

[targets]
goal_consistency = {{ at_least = 0.9, form = true }}
{serves}"#
    );
    fs::write(&path, format!("{own}{goals}")).unwrap();
    path
}

fn section(page: &str, id: &str) -> String {
    let (_, rest) =
        page.split_once(&format!("<section id=\"{id}\"")).unwrap_or_else(|| panic!("{id}"));
    rest.split_once("</section>").unwrap().0.to_owned()
}

fn page(out: &Path) -> String {
    fs::read_to_string(out.join("report.html")).unwrap()
}

/// Says of each campaign of the playbook that it serves a value.
fn all_serve(place: &Place) -> String {
    let refused = command(["check", "--json"]).arg(club(place, "")).output().unwrap();
    assert!(!refused.status.success());
    let told = String::from_utf8_lossy(&refused.stdout).into_owned();
    let names = told.split("the campaign `").skip(1).filter_map(|rest| rest.split('`').next());
    let serves = |name| format!("\n[[stage]]\nname = \"{name}\"\nserves = [\"company\"]\n");
    names.map(serves).collect()
}

#[test]
fn y047_y122_y019_goals_curves_and_effects_stand_in_the_report() {
    let place = Place::new();
    let serves = all_serve(&place);
    assert!(serves.contains("phases-3"), "{serves}");
    let sample = crate::both_ways::sample(&place, "parquet", 1_000);
    run(&club(&place, &serves), &sample, &place, &[]);
    let page = page(&place.out);

    let goals = section(&page, "goals");
    for words in [">reached<", ">late<", "Good company", "phases-3", "Nothing serves: Thrift"] {
        assert!(goals.contains(words), "{words}: {goals}");
    }
    assert!(goals.contains("grow: 1 of 2 key results reached"), "{goals}");
    let targets = section(&page, "targets");
    assert!(targets.contains("To be filled in by somebody: 1"), "{targets}");

    // Who takes part on more days orders more, in every community of the sample; the highest band is far above the lowest.
    let curves = section(&page, "curves");
    assert!(
        curves.contains("conversion_by_activity") && curves.contains("c-curve-0-0-t"),
        "{curves}"
    );

    let segments = section(&page, "segments");
    assert!(segments.contains("What came of treating members"), "{segments}");
    assert!(segments.contains("bought_30d") && segments.contains("active_30d"));
}

#[test]
fn y010_forecasts_of_the_cycle_before_stand_beside_what_came() {
    let place = Place::new();
    let sample = crate::both_ways::sample(&place, "parquet", 4_000);
    let file = root().join("playbooks/demo-club.toml");
    run(&file, &sample, &place, &["--as-of", "2026-06-03"]);
    let first = section(&page(&place.out), "curves");
    assert!(!first.contains("c-forecast-0"), "nothing was foreseen before: {first}");
    run(&file, &sample, &place, &[]);
    let second = section(&page(&place.out), "curves");
    assert!(second.contains("c-forecast-0-t") && second.contains("purchase_tendency"), "{second}");
}

#[test]
fn ro_3_activity_of_closed_months_is_counted_from_events() {
    let place = Place::new();
    // Weeks of March 2026 end on the 1st, 8th, 15th, 22nd and 29th. `b` is seen from the 10th on, and is active that week alone;
    // its like lies in April's first week in Shanghai, and on a Sunday of March in UTC.
    let mut events = String::from("member,kind,time\n");
    for day in ["02-24", "03-03", "03-10", "03-17", "03-24"] {
        events.push_str(&format!("a,like,2026-{day}T12:00:00+08:00\n"));
    }
    events.push_str("b,comment,2026-03-10T09:00:00+08:00\nb,like,2026-03-30T01:00:00+08:00\n");
    let data = place.beside("months");
    fs::create_dir_all(&data).unwrap();
    fs::write(data.join("events.csv"), events).unwrap();
    let file = place.beside("months.toml");
    fs::write(
        &file,
        r#"include = ["catalogue:standard"]
[playbook]
id = "tea-house"
brand = "tea-house"
currency = "CNY"
time_zone = "Asia/Shanghai"

[cycle]
as_of = 2026-04-15

[[source]]
name = "events"
table = "events"
path = "events.csv"
map = { member = "member", kind = "kind", time = "time" }

[[stage]]
kind = "roi"
plugin = "depreciation@^0.1"
settings = { sample_min = 1 }

[indicators]
activity_month_1 = {}
activity_month_2 = {}
"#,
    )
    .unwrap();
    run(&file, &data, &place, &[]);
    let table = fs::read_to_string(place.out.join("tables/brand.csv")).unwrap();
    let mut lines = table.lines().map(|line| line.split(',').collect::<Vec<_>>());
    let (names, row) = (lines.next().unwrap(), lines.next().unwrap());
    let of = |name: &str| row[names.iter().position(|known| *known == name).unwrap()];
    // 1, 1, 1, 1/2 and 1/2; in February the one week that is known is all of its history.
    assert_eq!(of("activity_month_1").parse::<f64>().unwrap(), 0.8);
    assert_eq!(of("depreciation.low_months"), "0");
}
