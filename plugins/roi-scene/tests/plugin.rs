//! The plugin as the host calls it.
#![allow(clippy::unwrap_used, reason = "tests")]

use playbook_sdk::serde_json::Value;
use playbook_sdk::testing::{Data, TablesGiven, Test, json, plugin};
use roi_scene::RoiScene;

const CARD: &str = include_str!("../cards/scenes-7.toml");

fn value(settings: Value, scenes: Data, high_value: Option<f64>, roi: Option<f64>) -> TablesGiven {
    let brand = Data::new().real("high_value_share", [high_value]).real("brand_roi", [roi]);
    let test = plugin::<RoiScene>().settings(settings).table(scenes).table(brand);
    test.open().unwrap().value().unwrap()
}

/// All scenes, each with its return.
fn scenes(returns: &[(&str, Option<f64>)]) -> Data {
    Data::new()
        .text("name", returns.iter().map(|(name, _)| *name))
        .real("roi_adj", returns.iter().map(|(_, roi)| *roi))
}

fn five() -> Data {
    scenes(&[
        ("e-commerce", Some(4.0)),
        ("paid-knowledge", Some(2.0)),
        ("membership", Some(3.0)),
        ("advertising", Some(0.0)),
        ("services", Some(1.0)),
    ])
}

fn reals(given: &TablesGiven, name: &str) -> Vec<Option<f64>> {
    (0..given.table(0).len()).map(|row| given.table(0).rounded(name, row)).collect()
}

#[test]
fn y057_scenes_are_ranked_and_floors_applied() {
    let given = value(json!({}), five(), None, None);
    let ranks: Vec<_> = (0..5).map(|row| given.table(0).integer("rank", row).unwrap()).collect();
    assert_eq!(ranks, [1, 3, 2, 5, 4]);
    let below: Vec<_> = given
        .findings_of("scene-below-floor")
        .map(|f| (f.place.unwrap().row, f.threshold))
        .collect();
    assert_eq!(below, [(3, Some(1.5)), (4, Some(1.5))]);
    assert_eq!(given.table(1).category("path", 0), Some("by-return"));
    // Suggested in the order of their return; actions are in the order of names.
    let order: Vec<_> =
        given.findings_of("path-by-return").flat_map(|f| f.suggests.clone()).collect();
    assert_eq!(order, [2, 4, 5, 6, 0]);
}

#[test]
fn ro_6_each_scene_has_its_floor_and_the_programme_one_in_the_card_too() {
    let floors = [
        ("e-commerce", 2.0),
        ("paid-knowledge", 1.0),
        ("membership", 1.5),
        ("advertising", 1.5),
        ("services", 1.5),
        ("content", 5.0),
        ("incentives", 4.0),
    ];
    let at = |test: Test<RoiScene>, less: f64, programme: f64| {
        let returns = floors.map(|(name, floor)| (name, Some(floor - less)));
        let brand =
            Data::new().real("high_value_share", [None::<f64>]).real("brand_roi", [programme]);
        test.table(scenes(&returns)).table(brand).open().unwrap().value().unwrap()
    };
    for test in [|| plugin::<RoiScene>(), || plugin::<RoiScene>().card(CARD)] {
        let told = |less: f64| {
            let given = at(test(), less, 1.5);
            let below = given.findings_of("scene-below-floor");
            below.map(|f| (f.place.unwrap().row, f.threshold)).collect::<Vec<_>>()
        };
        assert_eq!(told(0.0), []);
        let want: Vec<_> = (0..).zip(floors).map(|(row, (_, floor))| (row, Some(floor))).collect();
        assert_eq!(told(0.001), want);
        let states = [1.499, 1.5, 3.199, 3.2].map(|roi| {
            let given = at(test(), 0.0, roi);
            given.table(1).category("programme_state", 0).unwrap().to_owned()
        });
        assert_eq!(states, ["below-floor", "above-floor", "above-floor", "at-benchmark"]);
    }
}

#[test]
fn ro_6_no_scene_on_the_path_falls_below_a_twentieth() {
    // 0.05 for the last one; 10 shares the rest.
    let given = value(json!({}), five(), None, None);
    let want = [0.38, 0.19, 0.285, 0.05, 0.095].map(Some);
    assert_eq!(reals(&given, "weight"), want);
}

#[test]
fn ro_6_many_members_of_high_value_lead_to_membership_and_commerce() {
    let given = value(json!({}), five(), Some(0.4001), None);
    assert_eq!(given.table(1).category("path", 0), Some("high-value"));
    let want = [0.4857, 0.05, 0.3643, 0.05, 0.05].map(Some);
    assert_eq!(reals(&given, "weight"), want);
    let meant: Vec<_> =
        given.findings_of("path-high-value").flat_map(|f| f.suggests.clone()).collect();
    assert_eq!(meant, [2, 4]);
    for share in [Some(0.40), None] {
        let given = value(json!({}), five(), share, None);
        assert_eq!(given.table(1).category("path", 0), Some("by-return"));
    }
}

#[test]
fn ro_6_floors_and_benchmarks_of_the_table() {
    let at = |name: &str, roi: f64| {
        let given = value(json!({}), scenes(&[(name, Some(roi))]), None, None);
        given.table(0).category("state", 0).unwrap().to_owned()
    };
    for (name, floor, benchmark) in [
        ("e-commerce", 2.0, Some(4.5)),
        ("paid-knowledge", 1.0, Some(1.8)),
        ("membership", 1.5, None),
        ("advertising", 1.5, None),
        ("services", 1.5, None),
        ("content", 5.0, Some(5.0)),
        ("incentives", 4.0, Some(4.0)),
    ] {
        assert_eq!(at(name, floor - 0.001), "below-floor", "{name}");
        let least = if benchmark == Some(floor) { "at-benchmark" } else { "above-floor" };
        assert_eq!(at(name, floor), least, "{name}");
        let most = benchmark.map_or(100.0, |benchmark| benchmark - 0.001);
        if most > floor {
            assert_eq!(at(name, most), "above-floor", "{name}");
        }
        if let Some(benchmark) = benchmark {
            assert_eq!(at(name, benchmark), "at-benchmark", "{name}");
        }
    }
    let programme = |roi: f64| {
        let given = value(json!({}), Data::empty(), None, Some(roi));
        let found = given.findings_of("programme-below-floor").count();
        (given.table(1).category("programme_state", 0).unwrap().to_owned(), found)
    };
    assert_eq!(programme(1.499), ("below-floor".to_owned(), 1));
    assert_eq!(programme(1.5), ("above-floor".to_owned(), 0));
    assert_eq!(programme(3.199), ("above-floor".to_owned(), 0));
    assert_eq!(programme(3.2), ("at-benchmark".to_owned(), 0));
}

#[test]
fn the_card_says_what_the_plugin_has_by_default() {
    let all = || {
        scenes(&[
            ("e-commerce", Some(2.2)),
            ("paid-knowledge", Some(1.1)),
            ("membership", Some(1.6)),
            ("advertising", Some(1.6)),
            ("services", Some(1.4)),
            ("content", Some(5.1)),
            ("incentives", Some(3.9)),
        ])
    };
    let brand = || Data::new().real("high_value_share", [0.4001]).real("brand_roi", [1.6]);
    let of = |test: playbook_sdk::testing::Test<RoiScene>| {
        let test = test.table(all()).table(brand());
        (test.shape().unwrap(), test.open().unwrap().value().unwrap())
    };
    assert_eq!(of(plugin::<RoiScene>().card(CARD)), of(plugin::<RoiScene>()));
    let given = of(plugin::<RoiScene>()).1;
    assert_eq!(reals(&given, "usual_share")[..3], [Some(0.48), Some(0.23), None]);
    assert_eq!(reals(&given, "to_benchmark")[..3], [Some(0.4889), Some(0.6111), None]);
}

#[test]
fn a_brand_tunes_one_scene_of_the_card() {
    let tuned = json!({ "scene": { "e-commerce": { "floor": 4.2 }, "events": { "floor": 1.0 } } });
    let rows = scenes(&[("e-commerce", Some(4.0)), ("events", Some(1.2))]);
    let test = plugin::<RoiScene>().card(CARD).with(tuned).table(rows);
    let given = test.table(Data::new().real("brand_roi", [None])).open().unwrap().value().unwrap();
    assert_eq!(given.table(0).category("state", 0), Some("below-floor"));
    assert_eq!(given.table(0).category("state", 1), Some("above-floor"));
    assert_eq!(given.table(0).rounded("to_benchmark", 0), Some(0.8889));
}

#[test]
fn a_scene_of_a_brand_has_the_floor_of_most() {
    let at = |roi: f64| {
        let settings = json!({ "scene": { "events": {} } });
        let given = value(settings, scenes(&[("events", Some(roi))]), None, None);
        given.table(0).category("state", 0).unwrap().to_owned()
    };
    assert_eq!((at(1.499), at(1.5)), ("below-floor".to_owned(), "above-floor".to_owned()));
}

#[test]
fn content_and_incentives_are_watched_and_not_ranked() {
    let rows =
        scenes(&[("content", Some(9.0)), ("incentives", Some(3.0)), ("services", Some(2.0))]);
    let given = value(json!({}), rows, None, None);
    assert_eq!(reals(&given, "weight"), [None, None, Some(1.0)]);
    assert_eq!(given.table(0).integer("rank", 2), Some(1));
    assert_eq!(given.findings_of("scene-below-floor").count(), 1);
}

#[test]
fn the_plain_return_is_held_against_the_floor_where_it_is_known() {
    let rows = scenes(&[("services", Some(1.4))]).real("roi", [1.6]);
    let given = value(json!({}), rows, None, None);
    assert_eq!(given.table(0).category("state", 0), Some("above-floor"));
    assert_eq!(given.table(0).rounded("return", 0), Some(1.4));
}

#[test]
fn unknown_returns_have_no_rank_and_the_least_weight() {
    let rows = scenes(&[("services", None), ("membership", Some(2.0)), ("advertising", Some(2.0))]);
    let given = value(json!({}), rows, None, None);
    let rank: Vec<_> = (0..3).map(|row| given.table(0).integer("rank", row)).collect();
    assert_eq!(
        (rank, reals(&given, "weight")),
        (vec![None, Some(1), Some(2)], vec![Some(0.05), Some(0.475), Some(0.475)])
    );
    let none =
        value(json!({}), scenes(&[("services", None), ("gone", Some(1.0))]), Some(0.9), None);
    assert_eq!(
        (none.table(0).category("state", 0), none.table(0).category("state", 1)),
        (None, None)
    );
    assert_eq!(value(json!({}), Data::empty(), None, None).table(1).category("path", 0), None);
}

#[test]
fn revenue_tells_the_share_of_a_scene() {
    let rows = five().integer("revenue_minor", [Some(600), Some(300), Some(100), None, Some(0)]);
    let given = value(json!({}), rows, None, None);
    assert_eq!(reals(&given, "revenue_share"), [Some(0.6), Some(0.3), Some(0.1), None, Some(0.0)]);
}

#[test]
fn wrong_settings_are_refused_with_their_place() {
    for (settings, path) in [
        (json!({ "scene": {} }), "/scene"),
        (json!({ "scene": { "A b": {} } }), "/scene/A b"),
        (json!({ "scene": { "by-return": {} } }), "/scene/by-return"),
        (json!({ "scene": { "a": { "floor": 2.0, "benchmark": 1.0 } } }), "/scene/a/benchmark"),
        (json!({ "programme_benchmark": 1.0 }), "/programme_benchmark"),
        (json!({ "weight_min": 1.1 }), "/weight_min"),
    ] {
        let problems = plugin::<RoiScene>().settings(&settings).problems();
        assert!(problems.list().iter().any(|p| p.path == path), "{settings}: {problems}");
    }
}
