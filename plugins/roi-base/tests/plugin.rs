//! The plugin as the host calls it.
#![allow(clippy::unwrap_used, reason = "tests")]

use playbook_sdk::testing::{Data, TablesGiven, json, plugin};
use roi_base::RoiBase;

fn channels() -> Data {
    Data::new()
        .integer("revenue_minor", [Some(10_000_000), Some(1_000_000), Some(500)])
        .integer("cost_minor", [Some(2_000_000), Some(1_000_000), Some(0)])
        .integer("revenue_minor.core", [Some(4_000_000), None, None])
}

fn brand(wau_ratio: Option<f64>) -> Data {
    Data::new().real("wau_ratio", [wau_ratio])
}

fn value(settings: serde_json::Value, channels: Data, brand: Data) -> TablesGiven {
    plugin::<RoiBase>()
        .settings(settings)
        .table(channels)
        .table(brand)
        .open()
        .unwrap()
        .value()
        .unwrap()
}

use playbook_sdk::serde_json;

#[test]
fn y052_checks_of_the_return_are_met() {
    let given = value(json!({}), channels(), brand(Some(0.30)));
    assert_eq!(given.table(0).rounded("roi", 0), Some(1.98));
    assert_eq!(given.table(0).rounded("margin_ratio", 0), Some(1.5));
    assert_eq!(given.table(0).rounded("ltv_coefficient", 0), Some(1.32));
    assert_eq!(given.table(1).rounded("premium", 0), Some(1.03));
    let lifted = value(json!({ "apply_premium": true }), channels(), brand(Some(0.30)));
    assert_eq!(lifted.table(0).rounded("roi", 0), Some(2.0394));
}

#[test]
fn ro_1_a_row_without_cost_has_no_return() {
    let given = value(json!({}), channels(), brand(None));
    assert_eq!(given.table(0).real("roi", 2), None);
    assert_eq!(given.table(0).rounded("ltv_coefficient", 2), Some(1.0));
}

#[test]
fn returns_below_the_floor_are_findings_at_their_row() {
    let given = value(json!({}), channels(), brand(None));
    let findings: Vec<_> = given.findings_of("below-floor").collect();
    assert_eq!(findings.len(), 1);
    assert_eq!(
        (findings[0].place, findings[0].threshold),
        (Some(playbook_sdk::Place { table: 0, row: 1 }), Some(1.5))
    );
}

#[test]
fn the_brand_return_weighs_rows_by_cost() {
    let given = value(json!({}), channels(), brand(None));
    // 1.98 over 2 million and 0.3 over 1 million.
    assert_eq!(given.table(1).rounded("brand_roi", 0), Some(1.42));
}

#[test]
fn what_the_brand_return_leaves_out_is_said() {
    // Cost unknown, cost 0, revenue unknown, nothing at all, both known.
    let data = || {
        Data::new()
            .integer("revenue_minor", [Some(700), Some(500), None, Some(0), Some(900)])
            .integer("cost_minor", [None, Some(0), Some(100), None, Some(300)])
    };
    let given = value(json!({}), data(), brand(None));
    let rows = |code| given.findings_of(code).map(|f| f.place.unwrap().row).collect::<Vec<_>>();
    assert_eq!((rows("without-cost"), rows("without-revenue")), (vec![0, 1], vec![2]));
    assert!(given.findings_of("without-cost").all(|f| f.level == playbook_sdk::Level::Watch));
    // Where no return over all rows is asked for, none leaves anything out.
    let alone = plugin::<RoiBase>().settings(json!({ "brand": false })).table(data());
    assert_eq!(alone.open().unwrap().value().unwrap().findings_of("without-cost").count(), 0);
}

#[test]
fn revenue_split_by_tier_alone_is_summed() {
    let split = Data::new()
        .integer("cost_minor", [100])
        .integer("revenue_minor.silent", [100])
        .integer("revenue_minor.active", [100]);
    let given = value(json!({ "margin_rate": 0.5 }), split, brand(None));
    assert_eq!(given.table(0).rounded("margin_ratio", 0), Some(1.0));
    assert_eq!(given.table(0).rounded("ltv_coefficient", 0), Some(1.2));
}

#[test]
fn ro_1_each_tier_has_its_coefficient() {
    for (tier, want) in
        [("silent", 1.0), ("prospect", 1.0), ("active", 1.4), ("core", 1.8), ("koc", 1.8)]
    {
        let data = Data::new()
            .integer("cost_minor", [100])
            .integer(&format!("revenue_minor.{tier}"), [100]);
        let given = value(json!({}), data, brand(None));
        assert_eq!(given.table(0).rounded("ltv_coefficient", 0), Some(want), "{tier}");
    }
}

#[test]
fn ro_1_floor_is_one_and_a_half() {
    let data =
        Data::new().integer("revenue_minor", [5_000, 4_999]).integer("cost_minor", [1_000, 1_000]);
    let given = value(json!({}), data, brand(None));
    let rows: Vec<_> = given.findings_of("below-floor").map(|f| f.place.unwrap().row).collect();
    assert_eq!(rows, [1]);
}

#[test]
fn ro_2_premium_is_held_at_its_most() {
    let given = value(json!({ "premium_per_ten_points": 0.06 }), channels(), brand(Some(0.9)));
    assert_eq!(given.table(1).rounded("premium", 0), Some(1.3));
}

#[test]
fn a_margin_rate_of_the_table_wins() {
    let own = channels().real("margin_rate", [Some(0.6), None, None]);
    assert_eq!(value(json!({}), own, brand(None)).table(0).rounded("margin_ratio", 0), Some(3.0));
}

#[test]
fn unknown_revenue_gives_no_return_and_no_revenue_gives_zero() {
    let data =
        Data::new().integer("cost_minor", [100, 100]).integer("revenue_minor", [None, Some(0)]);
    let given = value(json!({}), data, brand(None));
    assert_eq!((given.table(0).real("roi", 0), given.table(0).real("roi", 1)), (None, Some(0.0)));
}

#[test]
fn ro_3_check_of_the_depreciation_is_met_and_reported() {
    let months = [0.10, 0.11, 0.12, 0.13, 0.14];
    let brand = (1..).zip(months).fold(Data::new(), |data, (ago, activity)| {
        data.real(&format!("activity_month_{ago}"), [activity])
    });
    let given = value(json!({}), channels(), brand);
    assert_eq!(given.table(1).rounded("brand_value_factor", 0), Some(0.9025));
    assert_eq!(given.findings_of("depreciates").count(), 1);
}

#[test]
fn ro_3_decay_floor_belongs_to_the_better_side() {
    let factor = |activity: f64| {
        let brand = (1..=4)
            .fold(Data::new(), |data, ago| data.real(&format!("activity_month_{ago}"), [activity]));
        value(json!({}), channels(), brand).table(1).rounded("brand_value_factor", 0)
    };
    assert_eq!((factor(0.15), factor(0.1499)), (Some(1.0), Some(0.95)));
}

#[test]
fn a_tier_of_ones_own_counts_as_ordinary() {
    let data = Data::new().integer("cost_minor", [100]).integer("revenue_minor.club", [100]);
    let given = value(json!({ "tiers": [{ "name": "club" }] }), data, brand(None));
    assert_eq!(given.table(0).rounded("ltv_coefficient", 0), Some(1.0));
}

#[test]
fn without_months_nothing_is_said_of_brand_value() {
    let given = value(json!({}), channels(), brand(Some(0.1)));
    assert_eq!(given.table(1).real("brand_value_factor", 0), None);
    assert_eq!(given.table(1).real("premium", 0), Some(1.0));
}

#[test]
fn the_brand_table_may_be_left_out_and_tables_may_be_empty() {
    let alone = plugin::<RoiBase>().settings(json!({ "brand": false })).table(channels());
    assert_eq!(alone.open().unwrap().value().unwrap().table(0).rounded("roi", 0), Some(1.98));
    let empty = value(json!({}), Data::empty(), Data::empty());
    assert!(empty.table(0).is_empty() && empty.findings.is_empty());
}

#[test]
fn wrong_settings_are_refused_with_their_place() {
    for (settings, path) in [
        (json!({ "margin_rate": 1.1 }), "/margin_rate"),
        (json!({ "premium_max": 0.9 }), "/premium_max"),
        (json!({ "tiers": [{ "name": "a" }, { "name": "a" }] }), "/tiers/1/name"),
        (json!({ "tiers": [{ "name": "a", "coefficient": -1 }] }), "/tiers/0/coefficient"),
        (json!({ "subject": "" }), "/subject"),
    ] {
        let problems = plugin::<RoiBase>().settings(&settings).problems();
        assert!(problems.list().iter().any(|p| p.path == path), "{settings}: {problems}");
    }
}
