//! What a change of a plugin weighs, and which version it asks for.
#![allow(clippy::unwrap_used, reason = "tests")]

use playbook_model::{
    CellType, Kind, Need, Produce, ReasonInfo, SegmentInfo, Shape, Source, TableNeed,
};
use semver::Version;
use serde_json::{Value, json};

use super::{Description, Offer, Weight, changes, is_compatible, next_version, weight};

fn offer() -> Offer {
    let need = |name: &str, required| Need {
        source: Source::Feature(name.to_owned()),
        cell_type: CellType::Integer,
        unit: "count".to_owned(),
        required,
        categories: Vec::new(),
    };
    let columns = vec![need("orders", true), need("visits", false)];
    let segment = |name: &str| SegmentInfo { name: name.to_owned(), text: name.into() };
    Offer {
        description: Description {
            kind: Kind::Scoring,
            name: "acme-score".to_owned(),
            version: "1.2.0".to_owned(),
            summary: "".into(),
            settings_schema: json!({ "type": "object", "properties": {
                "days": { "type": "integer", "minimum": 1, "maximum": 90, "default": 30 },
                "mode": { "enum": ["a", "b"] },
            } })
            .to_string(),
        },
        shape: Shape {
            rows: Some(TableNeed { subject: "member".to_owned(), columns }),
            produces: vec![produce("total")],
            segments: vec![segment("low"), segment("high")],
            ..Shape::default()
        },
        contract: "0.1.0".to_owned(),
        bytes: 100,
    }
}

fn produce(name: &str) -> Produce {
    Produce {
        name: name.to_owned(),
        role: playbook_model::Role::Score,
        group: String::new(),
        input: playbook_model::NONE_INDEX,
        table: None,
        cell_type: CellType::Real,
        unit: String::new(),
        least: Some(0.0),
        most: Some(100.0),
        categories: Vec::new(),
        bounds: Vec::new(),
        alarms: Vec::new(),
        meaning: "".into(),
    }
}

#[track_caller]
fn told(change: impl FnOnce(&mut Offer), wanted: Weight, words: &str) {
    let old = offer();
    let mut new = offer();
    change(&mut new);
    let found = changes(&old, &new);
    let texts: Vec<&str> = found.iter().map(|change| change.text.as_str()).collect();
    assert!(texts.iter().any(|text| text.contains(words)), "{texts:?}");
    assert_eq!(weight(&found), wanted, "{texts:?}");
}

fn set(offer: &mut Offer, change: impl FnOnce(&mut Value)) {
    let mut schema = serde_json::from_str(&offer.description.settings_schema).unwrap();
    change(&mut schema);
    offer.description.settings_schema = schema.to_string();
}

#[test]
fn what_does_not_differ_is_no_change() {
    assert!(changes(&offer(), &offer()).is_empty());
    told(|new| new.bytes = 200, Weight::Fix, "was `100` and is `200`");
}

#[test]
fn settings_that_were_accepted_have_to_be_accepted_and_to_mean_the_same() {
    let at = |path: &'static str, value: Value| {
        move |new: &mut Offer| set(new, |schema| *schema.pointer_mut(path).unwrap() = value)
    };
    told(
        |new| set(new, |s| drop(s["properties"].as_object_mut().unwrap().remove("days"))),
        Weight::Breaking,
        "setting `days` is gone",
    );
    told(
        at("/properties/days/type", json!("string")),
        Weight::Breaking,
        "the type of setting `days`",
    );
    told(at("/properties/days/default", json!(60)), Weight::Breaking, "was 30 and is 60");
    told(at("/properties/days/minimum", json!(2)), Weight::Breaking, "the least value");
    told(at("/properties/days/minimum", json!(0)), Weight::Addition, "the least value");
    told(at("/properties/days/maximum", json!(365)), Weight::Addition, "the greatest value");
    told(at("/properties/days/maximum", json!(60)), Weight::Breaking, "the greatest value");
    told(at("/properties/mode/enum", json!(["a", "b", "c"])), Weight::Addition, "the choices");
    told(at("/properties/mode/enum", json!(["a"])), Weight::Breaking, "the choices");
    told(
        |new| set(new, |s| s["required"] = json!(["mode"])),
        Weight::Breaking,
        "`mode` must be given now",
    );
    told(
        |new| set(new, |s| s["properties"]["more"] = json!({})),
        Weight::Addition,
        "setting `more` is new",
    );
    let more = |s: &mut Value| {
        s["properties"]["more"] = json!({});
        s["required"] = json!(["more"]);
    };
    told(|new| set(new, more), Weight::Breaking, "`more` is new and must be given");
    let inner = |s: &mut Value| s["properties"]["days"]["properties"] = json!({ "x": {} });
    told(|new| set(new, inner), Weight::Addition, "setting `days.x` is new");
}

#[test]
fn a_need_may_go_and_an_output_may_come() {
    fn columns(new: &mut Offer) -> &mut Vec<Need> {
        &mut new.shape.rows.as_mut().unwrap().columns
    }
    told(
        |new| drop(columns(new).remove(0)),
        Weight::Addition,
        "need `orders (rows of member)` is gone",
    );
    told(|new| columns(new)[0].unit = "day".to_owned(), Weight::Breaking, "the unit of need");
    told(|new| columns(new)[0].required = false, Weight::Addition, "may be left unfilled");
    told(|new| columns(new)[1].required = true, Weight::Breaking, "must be filled now");
    let other = |required| {
        move |new: &mut Offer| {
            let mut need = columns(new)[0].clone();
            need.source = Source::Feature("other".to_owned());
            need.required = required;
            columns(new).push(need);
        }
    };
    told(other(true), Weight::Breaking, "need `other (rows of member)` is new");
    told(other(false), Weight::Addition, "need `other (rows of member)` is new");
    told(
        |new| new.shape.produces.push(produce("more")),
        Weight::Addition,
        "output `more (member)` is new",
    );
    told(|new| new.shape.produces.clear(), Weight::Breaking, "output `total (member)` is gone");
    told(
        |new| new.shape.produces[0].most = Some(1.0),
        Weight::Breaking,
        "was `0 to 100` and is `0 to 1`",
    );
    told(
        |new| new.shape.produces[0].alarms.push(playbook_model::Level::Warn),
        Weight::Breaking,
        "the alarms of levels of output `total (member)` differ",
    );
}

#[test]
fn segments_keep_their_rank() {
    told(|new| new.shape.segments.reverse(), Weight::Breaking, "the rank of segments differs");
    told(|new| drop(new.shape.segments.pop()), Weight::Breaking, "segment `high` is gone");
    let middle = |new: &mut Offer| {
        let name = "middle".to_owned();
        new.shape.segments.insert(1, SegmentInfo { name, text: "".into() });
    };
    told(middle, Weight::Addition, "segment `middle` is new");
}

#[test]
fn codes_of_reasons_that_somebody_counts_stay() {
    let reason = |code: &str| ReasonInfo { code: code.to_owned(), text: "".into() };
    let (mut with, without) = (offer(), offer());
    with.shape.reasons.push(reason("few-orders"));
    told(
        |new| new.shape.reasons.push(reason("few-orders")),
        Weight::Addition,
        "`few-orders` is new",
    );
    let found = changes(&with, &without);
    assert_eq!(weight(&found), Weight::Breaking, "{found:?}");
}

#[test]
fn versions_follow_the_weight_of_changes() {
    let next = |old: &str, weight| next_version(&Version::parse(old).unwrap(), weight).to_string();
    use Weight::{Addition, Breaking, Fix};
    for (old, weight, wanted) in [
        ("1.2.3", Fix, "1.2.4"),
        ("1.2.3", Addition, "1.3.0"),
        ("1.2.3", Breaking, "2.0.0"),
        ("0.2.3", Fix, "0.2.4"),
        ("0.2.3", Addition, "0.2.4"),
        ("0.2.3", Breaking, "0.3.0"),
        ("0.0.3", Breaking, "0.0.4"),
        ("2.0.0-rc.1", Breaking, "2.0.0"),
    ] {
        assert_eq!(next(old, weight), wanted, "{old} {weight:?}");
    }
    let compatible = |old: &str, new: &str| {
        is_compatible(&Version::parse(old).unwrap(), &Version::parse(new).unwrap())
    };
    assert!(compatible("1.2.0", "1.9.0") && compatible("0.1.2", "0.1.3"));
    assert!(!compatible("1.2.0", "2.0.0") && !compatible("0.1.2", "0.2.0"));
    assert!(!compatible("0.0.3", "0.0.4") && !compatible("1.2.0", "1.1.0"));
}
