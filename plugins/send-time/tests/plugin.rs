//! CA-7: which hour, which variant, and what a template may name.
#![allow(clippy::unwrap_used, reason = "tests")]

use playbook_sdk::Context;
use playbook_sdk::serde_json::Value;
use playbook_sdk::testing::{Data, Proposed, json, plugin};
use send_time::SendTime;

/// Members with opens and deliveries: (hour, opens, deliveries) each.
type Member<'a> = &'a [(usize, i64, Option<i64>)];

fn members(members: &[Member<'_>]) -> Data {
    let count = |hour: usize, member: Member<'_>| member.iter().find(|at| at.0 == hour).copied();
    (0..24).fold(Data::new(), |data, hour| {
        let opens = members.iter().map(|member| count(hour, member).map(|at| at.1));
        let sent = members.iter().map(|member| count(hour, member).and_then(|at| at.2));
        data.integer(&format!("opens_by_hour_28d.{hour}"), opens)
            .integer(&format!("deliveries_by_hour_28d.{hour}"), sent)
    })
}

/// Ten in the morning of a day.
const TEN: i64 = 20_000 * 1440 + 600;

fn touch(settings: &Value, data: &Data) -> Vec<Proposed> {
    let context = Context { now: TEN * 60_000, local_min: TEN, seed: 5 };
    let test = plugin::<SendTime>().settings(settings).context(context);
    test.fit_and_open(data).unwrap().touch(0, data).unwrap()
}

/// The hour at which the only member gets its message, and why.
fn hour(member: Member<'_>) -> (u32, String) {
    let proposed = touch(&json!({}), &members(&[member]));
    ((proposed[0].after_min + 600) / 60 % 24, proposed[0].reason.clone())
}

#[test]
fn ca_7_five_opens_give_a_member_its_own_hour() {
    assert_eq!(hour(&[(9, 5, None)]), (9, "own-hour".to_owned()));
    assert_eq!(hour(&[(9, 4, None)]), (20, "default-hour".to_owned()));
    assert_eq!(hour(&[(9, 2, None), (18, 3, None)]), (18, "own-hour".to_owned()));
    assert_eq!(hour(&[]), (20, "default-hour".to_owned()));
}

#[test]
fn ca_7_rates_decide_and_then_opens_and_then_the_earlier_hour() {
    assert_eq!(hour(&[(9, 6, Some(20)), (12, 4, Some(8))]).0, 12);
    assert_eq!(hour(&[(9, 3, Some(6)), (12, 4, Some(8))]).0, 12);
    assert_eq!(hour(&[(19, 3, Some(6)), (12, 3, Some(6))]).0, 12);
}

#[test]
fn y049_quiet_hours_are_kept_however_much_is_opened_then() {
    for night in [22, 23, 0, 3, 7] {
        assert_eq!(hour(&[(night, 500, None), (8, 5, None)]).0, 8, "{night}");
        // Opens of quiet hours alone give no hour.
        assert_eq!(hour(&[(night, 500, None)]).0, 20, "{night}");
    }
    assert_eq!(hour(&[(21, 9, None)]).0, 21);
    let none = json!({ "quiet_from": 0, "quiet_to": 0 });
    assert_eq!(touch(&none, &members(&[&[(3, 9, None)]]))[0].after_min, 17 * 60);
}

#[test]
fn a_message_waits_for_its_hour_and_ends_with_its_window() {
    let proposed =
        touch(&json!({}), &members(&[&[(10, 9, None)], &[(9, 9, None)], &[(21, 9, None)]]));
    let windows: Vec<_> = proposed.iter().map(|p| (p.after_min, p.until_min.unwrap())).collect();
    assert_eq!(windows, [(0, 60), (23 * 60, 24 * 60), (11 * 60, 12 * 60)]);
}

#[test]
fn ca_7_a_segment_has_an_hour_for_those_without_their_own() {
    let data =
        members(&[&[(12, 3, None)], &[(12, 3, None)], &[(9, 4, None)], &[(18, 2, None)], &[]]);
    let data = data.text("tier-interactions.tier", ["active", "active", "active", "core", "core"]);
    let proposed = touch(&json!({}), &data);
    let reasons: Vec<&str> = proposed.iter().map(|p| p.reason.as_str()).collect();
    assert_eq!(
        reasons,
        ["segment-hour", "segment-hour", "segment-hour", "default-hour", "default-hour"]
    );
    assert_eq!(proposed[2].after_min, 2 * 60);
    let (_, measures) = plugin::<SendTime>().fit(&data).unwrap();
    let found: Vec<_> = measures.iter().map(|m| (m.name.as_str(), m.value)).collect();
    assert_eq!(found, [("active.hour", 12.0)]);
}

#[test]
fn y049_only_approved_fields_vary() {
    let paths = |text: &str| -> usize {
        let settings = json!({ "templates": { "poster": { "text": text } } });
        plugin::<SendTime>().settings(settings).problems().list().len()
    };
    assert_eq!(paths("{name}, look: {title} {image} {link}"), 0);
    assert_eq!(paths("no field at all"), 0);
    assert_eq!(paths("{name}: only {price}!"), 1);
    assert_eq!(paths("{phone} {address}"), 2);
    assert_eq!((paths("{name"), paths("name}"), paths("{name}} x"), paths("{}")), (1, 1, 1, 1));
}

#[test]
fn every_variant_goes_out_and_a_member_keeps_its_own() {
    let settings = json!({ "templates": {
        "calm": { "text": "{title}" },
        "loud": { "text": "{title}!", "commercial": true },
    } });
    let none: Member<'_> = &[];
    let data = members(&[none; 40]);
    let (first, again) = (touch(&settings, &data), touch(&settings, &data));
    assert_eq!(first, again);
    let calm = first.iter().filter(|p| p.action == "calm").count();
    assert!((10..=30).contains(&calm), "{calm}");
    let shape = plugin::<SendTime>().settings(settings).shape().unwrap();
    let commercial: Vec<bool> = shape.actions.iter().map(|action| action.commercial).collect();
    assert_eq!(commercial, [false, true]);
    assert!(shape.actions.iter().all(|a| a.contacts_member && a.purpose == "marketing"));
}

#[test]
fn a_plan_has_one_phase_and_a_quiet_default_is_refused() {
    let data = members(&[&[]]);
    let plan = plugin::<SendTime>().fit_and_open(&data).unwrap().plan(100).unwrap();
    assert_eq!((plan.phases.len(), plan.phases[0].days, plan.phases[0].budget), (1, 14, 0));
    let problems = plugin::<SendTime>().settings(json!({ "default_hour": 22 })).problems();
    assert_eq!(problems.list()[0].path, "/default_hour");
}
