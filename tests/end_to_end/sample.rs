//! The demo's playbook on a sample community: every stage answers, every output is there.

use std::fs;

use crate::bench::{Place, command, community, csv, different, root, run, succeed};

#[test]
fn every_stage_answers_and_every_output_is_there() {
    let place = Place::new();
    let record = run(&root().join("playbooks/club.toml"), &community(), &place, &["--lang", "zh"]);
    let plugins = record["plugins"].as_array().unwrap();
    assert_eq!(plugins.len(), 12, "{plugins:?}");
    for plugin in plugins {
        assert_eq!(plugin["faults"], 0, "{plugin}");
        assert!(plugin["calls"].as_u64().unwrap() > 0, "{plugin}");
    }
    for name in [
        "members.parquet",
        "grants.csv",
        "refused.csv",
        "campaign.json",
        "calendar.csv",
        "roi.csv",
        "diagnosis.json",
        "ledger.csv",
        "rejects.csv",
        "report.html",
        "tables/brand.csv",
        "tables/channel.csv",
    ] {
        let bytes = fs::read(place.out.join(name)).unwrap_or_else(|_| panic!("{name} is missing"));
        assert!(!bytes.is_empty(), "{name} is empty");
    }
    assert!(record["counts"]["grants"].as_u64().unwrap() > 0);
    assert!(record["counts"]["refused"].as_object().unwrap().len() > 1, "{}", record["counts"]);
    let page = fs::read_to_string(place.out.join("report.html")).unwrap();
    assert!(page.contains("lang=\"zh"), "the page is not Chinese");
    assert!(!page.contains("<script"), "the page runs something");
    assert!(page.contains("default-src 'none'"), "the page may load something");
    // Names of levels, rewards and channels stand in the page's language; where it shows a name of files, that is beside.
    for name in ["low", "watch", "lapsed", "welcome-coupon", "short-video", "value", "commercial"] {
        assert!(!page.contains(&format!(">{name}<")), "{name} stands alone on the Chinese page");
    }
    for words in ["新人券", "即時通訊", "已流失", "價值"] {
        assert!(page.contains(words), "{words}");
    }
    // What the summary says of the whole brand stands in its row, and what was granted is not 0.00.
    let section = |id: &str| {
        let rest = page.split_once(&format!("<section id=\"{id}\"")).unwrap().1;
        rest.split_once("</section>").unwrap().0
    };
    let summed = section("summary").split_once("收入").unwrap().1;
    let revenue = summed.split_once("class=\"value\">").unwrap().1.split_once('<').unwrap().0;
    let brand = section("roi").split_once("整個品牌").unwrap().1;
    assert!(brand.contains(revenue.split('.').next().unwrap()), "{revenue} in {brand}");
    assert!(!brand.contains(">–<"), "{brand}");
    let granted = section("budgets").split_once("data-head=\"本週期發放\">").unwrap().1;
    assert!(!granted.starts_with("0.00"), "{}", &granted[..40]);
}

#[test]
fn outputs_do_not_depend_on_the_number_of_threads() {
    let (one, three) = (Place::new(), Place::new());
    let file = root().join("playbooks/club.toml");
    let a = run(&file, &community(), &one, &["--threads", "1"]);
    let b = run(&file, &community(), &three, &["--threads", "3"]);
    assert_eq!(different(&one.out, &three.out), [""; 0]);
    // Fuel too is the same: it is part of the record.
    assert_eq!(a["plugins"], b["plugins"]);
    assert_eq!(a["run_id"], b["run_id"]);
}

#[test]
fn a_dry_run_grants_nothing_and_says_what_it_would() {
    let (dry, wet) = (Place::new(), Place::new());
    let file = root().join("playbooks/club.toml");
    let would = run(&file, &community(), &dry, &["--dry-run"]);
    assert!(!dry.state.join("ledger.sqlite").exists(), "a dry run left a ledger behind");
    let does = run(&file, &community(), &wet, &[]);
    assert_eq!(would["counts"], does["counts"]);
    assert_eq!(
        fs::read(dry.out.join("grants.csv")).unwrap(),
        fs::read(wet.out.join("grants.csv")).unwrap()
    );
}

#[test]
fn csv_samples_give_the_same_members_as_parquet() {
    let place = Place::new();
    let data = place.beside("csv");
    let call = command(["sample", "--members", "1000", "--seed", "5", "--format", "csv", "--out"])
        .arg(&data)
        .output()
        .unwrap();
    succeed(&call);
    let parquet = place.beside("parquet");
    let call = command(["sample", "--members", "1000", "--seed", "5", "--out"])
        .arg(&parquet)
        .output()
        .unwrap();
    succeed(&call);
    let from_parquet = Place::new();
    run(&root().join("playbooks/club.toml"), &parquet, &from_parquet, &[]);
    let text = fs::read_to_string(root().join("playbooks/club.toml")).unwrap();
    let file = place.beside("csv.toml");
    fs::write(
        &file,
        text.replace(".parquet\"", ".csv\"").replace("format = \"parquet\"", "format = \"csv\""),
    )
    .unwrap();
    let from_csv = Place::new();
    run(&file, &data, &from_csv, &[]);
    let members = |place: &Place| fs::read(place.out.join("members.parquet")).unwrap();
    assert_eq!(members(&from_parquet).len(), members(&from_csv).len());
    assert!(members(&from_parquet) == members(&from_csv), "members differ between formats");
    assert!(!csv(&from_csv.out.join("tables/brand.csv")).is_empty());
}
