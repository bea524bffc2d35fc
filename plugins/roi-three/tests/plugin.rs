//! The plugin as the host calls it.
#![allow(clippy::unwrap_used, reason = "tests")]

use playbook_sdk::serde_json::Value;
use playbook_sdk::testing::{Data, TablesGiven, json, plugin};
use roi_three::RoiThree;

fn value(settings: Value, rows: Data) -> TablesGiven {
    let brand = Data::new().integer("brand_value_change_minor", [100_000]);
    let test = plugin::<RoiThree>().settings(settings).table(rows).table(brand);
    test.open().unwrap().value().unwrap()
}

/// Direct return of 52 000, indirect of 48 000, a hundred new profiles; cost 50 000.
fn campaign() -> Data {
    Data::new()
        .integer("cost_minor", [50_000])
        .integer("commission_minor", [10_000])
        .integer("sales_margin_minor", [40_000])
        .integer("ad_fees_minor", [2_000])
        .real("brand_share", [0.4])
        .integer("channel_expansion_minor", [8_000])
        .integer("complete_profiles_new", [100])
}

fn real(given: &TablesGiven, name: &str) -> Option<f64> {
    given.table(0).rounded(name, 0)
}

#[test]
fn y055_parts_are_reported_with_their_shares() {
    let given = value(json!({}), campaign());
    let minor = |name| given.table(0).integer(name, 0);
    assert_eq!(
        [minor("direct_minor"), minor("indirect_minor"), minor("potential_minor")],
        [Some(52_000), Some(48_000), Some(0)]
    );
    assert_eq!(
        [real(&given, "share_direct"), real(&given, "share_indirect")],
        [Some(0.52), Some(0.48)]
    );
    assert_eq!([real(&given, "roi_direct"), real(&given, "roi_total")], [Some(1.04), Some(2.0)]);
    let all = |name| given.table(1).rounded(name, 0);
    assert_eq!(
        [all("all_direct"), all("all_total"), all("all_share_direct")],
        [Some(1.04), Some(2.0), Some(0.52)]
    );
}

#[test]
fn y055_only_direct_return_gates() {
    let given = value(json!({}), campaign());
    // The total of 2.0 is above the floor of 1.5; the direct return is not, and it alone has the role.
    let values: Vec<_> = given.findings_of("below-floor").map(|f| f.value.unwrap()).collect();
    assert_eq!(values, [1.04]);
    let shape = plugin::<RoiThree>().shape().unwrap();
    let gates: Vec<_> = (shape.produces.iter())
        .filter(|produce| produce.role == playbook_sdk::Role::ReturnOnCost)
        .map(|produce| produce.name.as_str())
        .collect();
    assert_eq!(gates, ["roi_direct", "all_direct"]);
}

#[test]
fn ro_4_floor_is_one_and_a_half() {
    let rows = Data::new()
        .integer("cost_minor", [1_000, 1_000])
        .integer("commission_minor", [1_500, 1_499])
        .integer("channel_expansion_minor", [0, 0]);
    let given = value(json!({}), rows);
    let below: Vec<_> = given.findings_of("below-floor").map(|f| f.place.unwrap().row).collect();
    assert_eq!(below, [1]);
}

#[test]
fn ro_4_potential_counts_for_nothing_until_it_has_price_and_weight() {
    let priced = value(json!({ "profile_price_minor": 500 }), campaign());
    assert_eq!(priced.table(0).integer("potential_minor", 0), Some(50_000));
    assert_eq!(real(&priced, "roi_total"), Some(2.0));
    let weighed = json!({ "profile_price_minor": 500, "potential_weight": 0.5 });
    let given = value(weighed.clone(), campaign());
    assert_eq!(real(&given, "roi_total"), Some(2.5));
    assert_eq!(real(&given, "share_direct"), Some(0.416));
    let unknown =
        value(weighed, campaign().integer::<Option<i64>>("complete_profiles_new", [None]));
    assert_eq!(real(&unknown, "roi_total"), None);
}

#[test]
fn ro_4_share_far_from_the_benchmark_is_said() {
    let with_direct = |direct: i64| {
        let rows = Data::new()
            .integer("cost_minor", [100])
            .integer("commission_minor", [direct])
            .integer("channel_expansion_minor", [1_000 - direct]);
        value(json!({}), rows).findings_of("direct-share-differs").count()
    };
    assert_eq!([369, 371, 520, 669, 671].map(with_direct), [1, 0, 0, 0, 1]);
}

#[test]
fn what_is_not_known_is_not_nothing() {
    let only_direct = Data::new().integer("cost_minor", [50_000]).integer("ad_fees_minor", [2_000]);
    let given = value(json!({}), only_direct);
    assert_eq!((real(&given, "roi_direct"), real(&given, "roi_total")), (Some(0.04), None));
    assert_eq!(given.findings_of("indirect-unknown").count(), 1);
    assert_eq!(given.table(1).rounded("all_total", 0), None);
    let only_cost = value(json!({}), Data::new().integer("cost_minor", [50_000]));
    assert_eq!(
        (real(&only_cost, "roi_direct"), only_cost.table(0).integer("direct_minor", 0)),
        (None, None)
    );
    let without_cost = value(json!({}), campaign().integer("cost_minor", [0]));
    assert_eq!(real(&without_cost, "roi_direct"), None);
    assert_eq!(real(&without_cost, "share_direct"), Some(0.52));
}

#[test]
fn a_loss_of_brand_value_has_no_share() {
    let brand = Data::new().integer("brand_value_change_minor", [-1_000]);
    let rows = campaign().integer::<Option<i64>>("channel_expansion_minor", [None]);
    let given = plugin::<RoiThree>().table(rows).table(brand).open().unwrap().value().unwrap();
    assert_eq!(given.table(0).integer("indirect_minor", 0), Some(-400));
    assert_eq!((real(&given, "share_direct"), real(&given, "roi_total")), (None, Some(1.032)));
    assert_eq!(given.table(1).rounded("all_share_direct", 0), None);
}

#[test]
fn the_brand_weighs_rows_by_their_cost() {
    let rows = Data::new()
        .integer("cost_minor", [1_000, 3_000])
        .integer("commission_minor", [2_000, 3_000])
        .integer("channel_expansion_minor", [None, Some(3_000)]);
    let given = value(json!({}), rows);
    assert_eq!(given.table(1).rounded("all_direct", 0), Some(1.25));
    assert_eq!(given.table(1).rounded("all_total", 0), Some(2.0));
}

#[test]
fn the_brand_may_be_left_out() {
    let test = plugin::<RoiThree>().settings(json!({ "brand": false })).table(campaign());
    let given = test.open().unwrap().value().unwrap();
    assert_eq!(given.table(0).integer("indirect_minor", 0), Some(8_000));
}

#[test]
fn wrong_settings_are_refused_with_their_place() {
    for (settings, path) in [
        (json!({ "subject": "" }), "/subject"),
        (json!({ "profile_price_minor": -1 }), "/profile_price_minor"),
        (json!({ "potential_weight": 1.5 }), "/potential_weight"),
        (json!({ "roi_floor": -1 }), "/roi_floor"),
        (json!({ "direct_share": 52 }), "/direct_share"),
    ] {
        let problems = plugin::<RoiThree>().settings(&settings).problems();
        assert!(problems.list().iter().any(|p| p.path == path), "{settings}: {problems}");
    }
}
