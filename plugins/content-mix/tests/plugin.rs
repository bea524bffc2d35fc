//! The plugin as the host calls it.
#![allow(clippy::unwrap_used, reason = "tests")]

use content_mix::ContentMix;
use playbook_sdk::serde_json::Value;
use playbook_sdk::testing::{Data, json, plugin};
use playbook_sdk::{CampaignPlan, Slot};

const CARD: &str = include_str!("../cards/content-mixes.toml");

fn plan_with(settings: &Value, communities: Data) -> (CampaignPlan, Vec<String>) {
    let test = plugin::<ContentMix>().settings(settings).table(communities);
    let shape = test.shape().unwrap();
    let plan = test.open().unwrap().plan(0).unwrap();
    let codes = plan.findings.iter().map(|f| shape.reasons[f.reason as usize].code.clone());
    let codes = codes.collect();
    (plan, codes)
}

fn plan(communities: Data) -> (CampaignPlan, Vec<String>) {
    plan_with(&json!({}), communities)
}

/// A community of which nothing is known.
fn fresh() -> Data {
    Data::new().real::<Option<f64>>("operator_touches_per_day", [None])
}

/// A community with counts of a list by an axis.
fn counted(list: &str, axis: &str, counts: &[(&str, i64)]) -> Data {
    counts.iter().fold(fresh(), |data, (category, count)| {
        data.integer(&format!("{list}_by_{axis}.{category}"), [*count])
    })
}

fn formats(counts: [i64; 3]) -> Vec<(&'static str, i64)> {
    ["image-text", "short-video", "live"].into_iter().zip(counts).collect()
}

fn share(slots: &[Slot], is: impl Fn(&Slot) -> bool) -> f64 {
    slots.iter().filter(|slot| is(slot)).count() as f64 / slots.len() as f64
}

#[test]
fn y040_plan_off_by_more_than_five_points_is_flagged() {
    let of = |counts| plan(counted("planned", "format", &formats(counts))).1;
    assert_eq!(of([35, 40, 25]), Vec::<String>::new());
    assert_eq!(of([36, 40, 24]), ["plan-format-image-text", "plan-format-live"]);
    assert_eq!(of([30, 46, 24]), ["plan-format-short-video", "plan-format-live"]);
    // Of nineteen publications nobody can tell.
    assert_eq!(of([19, 0, 0]), Vec::<String>::new());
    assert_eq!(of([20, 0, 0]).len(), 3);
}

#[test]
fn y040_next_slot_goes_to_what_lags_most() {
    let next = |counts| {
        let data = counted("content", "format", &formats(counts));
        plan(data).0.slots[0].format.clone()
    };
    assert_eq!(next([0, 0, 0]), "short-video");
    assert_eq!(next([30, 40, 20]), "live");
    assert_eq!(next([20, 40, 30]), "image-text");
    // Equal lags go to the earlier category.
    assert_eq!(next([20, 60, 20]), "image-text");
    // What is planned already counts like what was published.
    let both = formats([0, 0, 20])
        .into_iter()
        .fold(counted("content", "format", &formats([30, 40, 0])), |data, (category, count)| {
            data.integer(&format!("planned_by_format.{category}"), [count])
        });
    assert_eq!(plan(both).0.slots[0].format, "live");
}

#[test]
fn y041_layers_are_checked_on_plan_and_history() {
    let of = |list: &str, counts: [i64; 3]| {
        let counts: Vec<_> = ["base", "core", "value-added"].into_iter().zip(counts).collect();
        plan(counted(list, "layer", &counts)).1
    };
    for list in ["content", "planned"] {
        assert_eq!(of(list, [60, 25, 15]), Vec::<String>::new());
        assert_eq!(of(list, [55, 30, 15]), Vec::<String>::new());
    }
    assert_eq!(of("content", [66, 25, 9]), ["history-layer-base", "history-layer-value-added"]);
    assert_eq!(of("planned", [60, 31, 9]), ["plan-layer-core", "plan-layer-value-added"]);
}

#[test]
fn y042_idle_above_a_fifth_is_reported() {
    let of = |name: &str, share: f64| plan(fresh().real(name, [share])).1;
    assert_eq!(of("idle_share", 0.20), Vec::<String>::new());
    assert_eq!(of("idle_share", 0.2001), ["history-density-idle"]);
    assert_eq!(of("quality_share", 0.60), Vec::<String>::new());
    assert_eq!(of("quality_share", 0.5999), ["history-density-quality"]);
    assert_eq!(of("planned_quality_share", 0.5999), ["plan-density-quality"]);
}

#[test]
fn y042_commercial_and_vip_shares_hold_in_plan_and_history() {
    let of = |axis: &str, counts: &[(&str, i64)]| plan(counted("content", axis, counts)).1;
    assert_eq!(of("commercial", &[("value", 75), ("commercial", 25)]), Vec::<String>::new());
    assert_eq!(
        of("commercial", &[("value", 74), ("commercial", 26)]),
        ["history-commercial-value", "history-commercial-commercial"]
    );
    assert_eq!(of("audience", &[("vip", 20), ("general", 80)]), Vec::<String>::new());
    assert_eq!(of("audience", &[("vip", 19), ("general", 81)]).len(), 2);
    let (plan, _) = plan(fresh());
    assert_eq!(plan.slots.len(), 14 * 3);
    assert!((share(&plan.slots, |slot| slot.commercial) - 0.20).abs() <= 0.05);
    assert!((share(&plan.slots, |slot| slot.theme == "vip") - 0.25).abs() <= 0.05);
    for (format, target) in [("image-text", 0.30), ("short-video", 0.40), ("live", 0.30)] {
        assert!(
            (share(&plan.slots, |slot| slot.format == format) - target).abs() <= 0.05,
            "{format}"
        );
    }
    for (layer, target) in [("base", 0.60), ("core", 0.25), ("value-added", 0.15)] {
        assert!((share(&plan.slots, |slot| slot.layer == layer) - target).abs() <= 0.05, "{layer}");
    }
}

#[test]
fn ca_4_other_mixes_of_the_table_are_there_by_name() {
    let with = |mixes: Value, data: Data| plan_with(&json!({ "mixes": mixes }), data).1;
    let hard =
        |count| counted("content", "commercial", &[("value", 100 - count), ("commercial", count)]);
    assert_eq!(with(json!(["soft"]), hard(10)), Vec::<String>::new());
    assert_eq!(with(json!(["soft"]), hard(11)).len(), 2);
    let shares = |name: &str, share: f64| fresh().real(name, [share]);
    for (mix, name, target) in [
        ("quality", "quality_share", 0.65),
        ("origin", "ugc_share", 0.65),
        ("seeding", "seeding_ugc_share", 0.7619),
    ] {
        assert_eq!(with(json!([mix]), shares(name, target)), Vec::<String>::new(), "{mix}");
        assert_eq!(with(json!([mix]), shares(name, target - 0.001)).len(), 1, "{mix}");
    }
    // 3.2 of the members to 1 of the brand.
    assert!((3.2_f64 / 4.2 - 0.7619).abs() < 5e-5);
}

#[test]
fn ca_4_touches_a_day_are_three_to_eight() {
    let of = |touches: f64| plan(Data::new().real("operator_touches_per_day", [touches])).1;
    assert_eq!([of(3.0), of(8.0)], [Vec::<String>::new(), Vec::new()]);
    assert_eq!(
        (of(2.999), of(8.001)),
        (vec!["few-touches".to_owned()], vec!["many-touches".to_owned()])
    );
}

#[test]
fn bounds_of_every_category_are_given() {
    let (plan, _) = plan(fresh());
    let bounds = |category: &str| {
        let share = plan.content.iter().find(|share| share.category == category).unwrap();
        [share.least, share.target, share.most].map(|share| (share * 1e4).round() / 1e4)
    };
    assert_eq!(plan.content.len(), 3 + 3 + 2 + 2 + 2);
    assert_eq!(bounds("live"), [0.25, 0.30, 0.35]);
    assert_eq!((bounds("quality"), bounds("idle")), ([0.6, 0.6, 1.0], [0.0, 0.2, 0.2]));
    assert_eq!(bounds("value-added"), [0.10, 0.15, 0.20]);
    assert_eq!((plan.phases.len(), plan.phases[0].days, plan.phases[0].budget), (1, 14, 0));
}

#[test]
fn every_community_has_its_calendar_as_far_as_there_is_room() {
    let many = |count: usize| Data::new().real("operator_touches_per_day", vec![5.0; count]);
    let (plan, codes) = plan_with(&json!({ "days": 2 }), many(2));
    let rows: Vec<_> = plan.slots.iter().map(|slot| slot.place.unwrap().row).collect();
    assert_eq!((rows, codes.len()), ([[0; 6], [1; 6]].concat(), 0));
    let (plan, codes) = plan_with(&json!({ "days": 14 }), many(1_600));
    assert_eq!((plan.slots.len(), codes), (1_600 * 3 * 13, vec!["calendar-short".to_owned()]));
    assert!(plan_with(&json!({}), Data::empty()).0.slots.is_empty());
}

#[test]
fn the_card_says_what_the_plugin_has_by_default() {
    // On both sides of the bounds of a sample and of touches a day.
    let few = |count: i64, touches: f64| {
        let data = Data::new().real("operator_touches_per_day", [touches]);
        formats([0, 0, count]).into_iter().fold(data, |data, (format, count)| {
            data.integer(&format!("content_by_format.{format}"), [count])
        })
    };
    let shape = |test: &dyn Fn() -> playbook_sdk::testing::Test<ContentMix>| {
        let plan = |data: Data| test().table(data).open().unwrap().plan(0).unwrap();
        let plans = [few(19, 3.0), few(20, 8.0), few(0, 2.999), few(0, 8.001)].map(plan);
        let found = plans.iter().map(|plan| plan.findings.len()).collect::<Vec<_>>();
        (test().shape().unwrap(), found, plans)
    };
    let all =
        json!({ "mixes": ["format", "layer", "soft", "quality", "audience", "origin", "seeding"] });
    let carded = || plugin::<ContentMix>().card(CARD);
    assert_eq!(shape(&carded), shape(&plugin::<ContentMix>));
    assert_eq!(shape(&carded).1, [0, 3, 1, 1]);
    let (with, own) =
        (|| carded().with(all.clone()), || plugin::<ContentMix>().settings(all.clone()));
    assert_eq!(shape(&with), shape(&own));
}

#[test]
fn a_mix_of_one_category_is_the_whole() {
    let settings = json!({ "mixes": ["topic"], "mix": { "topic": {} } });
    let (plan, _) = plan_with(&settings, fresh());
    assert_eq!((plan.content.len(), plan.content[0].target), (1, 1.0));
    assert!(plan.slots.iter().all(|slot| slot.format.is_empty() && !slot.commercial));
}

#[test]
fn wrong_settings_are_refused_with_their_place() {
    let one = |target: f64, bound: &str| {
        let category = json!({ "name": "a", "target": target, "bound": bound });
        json!({ "mixes": ["m"], "mix": { "m": { "categories": [category] } } })
    };
    for (settings, path) in [
        (json!({ "subject": "" }), "/subject"),
        (json!({ "mixes": ["other"] }), "/mixes/0"),
        (json!({ "mixes": ["commercial", "soft"] }), "/mixes/1"),
        (json!({ "mixes": ["density", "quality"] }), "/mixes/1"),
        (one(0.9, "around"), "/mix/m/categories"),
        (one(1.0, "at-least"), "/mix/m/categories"),
        (json!({ "slot_minutes": [600, 840] }), "/slot_minutes"),
        (json!({ "slot_minutes": [600, 840, 840] }), "/slot_minutes"),
        (json!({ "touches_least": 9 }), "/touches_most"),
    ] {
        let problems = plugin::<ContentMix>().settings(&settings).problems();
        assert!(problems.list().iter().any(|p| p.path == path), "{settings}: {problems}");
    }
}
