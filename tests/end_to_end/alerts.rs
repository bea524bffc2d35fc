//! Alerts of a served brand: raised, kept, closed once.

use serde_json::{Value, json};

use crate::bench::Place;
use crate::serve::{CLUB, Client, Service, metrics, served, until};

#[test]
fn a_refused_file_is_an_alert_until_somebody_says_what_became_of_it() {
    let place = Place::new();
    let (file, data) = served(&place);
    let service = Service::start(&file, &data);
    let key = service.key.clone().unwrap();
    let club = Client { address: service.address.clone(), key: key.clone(), brand: "club" };
    let items = |state: &str| -> Vec<Value> {
        club.get(&format!("alerts?state={state}")).body["items"].as_array().unwrap().clone()
    };
    let version = club.get("versions").body["items"][0]["version"].clone();
    assert_eq!(items("open"), Vec::<Value>::new());
    std::fs::write(&file, CLUB.replace("[cycle]", "[cycles]")).unwrap();
    until("the alert", || !items("open").is_empty());
    let raised = items("open").remove(0);
    let told = ["number", "level", "rule", "state", "times"].map(|name| raised[name].clone());
    assert_eq!(told, [json!(1), json!("warn"), json!("file-refused"), json!("open"), json!(1)]);
    assert_eq!(raised["evidence"]["version"], version, "the version that goes on");
    let words = raised["words"].as_str().unwrap();
    assert!(words.contains("line") && words.contains("`cycles`"), "{words}");
    assert!(!words.contains(place.dir.path().to_str().unwrap()), "no path of the host: {words}");
    // Another fault of the file is the same alert again.
    std::fs::write(&file, CLUB.replace("[cycle]", "[cycle")).unwrap();
    until("the second time", || items("open")[0]["times"] == json!(2));
    let open = |level: &str| {
        metrics(&service, &key)
            [&format!("playbook_brand_alerts{{brand=\"club\",level=\"{level}\"}}")]
    };
    assert_eq!(["watch", "warn", "critical"].map(open), [0.0, 1.0, 0.0]);

    let close = json!({ "state": "resolved", "note": "mended" });
    let closed = club.ok("POST", "alerts/1/close", "c", &close);
    assert_eq!(
        (&closed["state"], &closed["closed"]["note"]),
        (&json!("resolved"), &json!("mended"))
    );
    assert_eq!(club.ok("POST", "alerts/1/close", "c", &close), closed, "the same again");
    let codes = [
        ("alerts/1/close", "c", json!({ "state": "false" })),
        ("alerts/1/close", "d", close.clone()),
        ("alerts/2/close", "e", close.clone()),
        ("alerts/1/close", "f", json!({ "state": "gone" })),
        ("alerts/1/close", "g", json!({ "state": "false", "note": "n".repeat(2_001) })),
    ]
    .map(|(path, once, body)| club.send("POST", path, once, &body).unwrap().body["code"].clone());
    let wanted = [
        "idempotency-key-reused",
        "alert-closed",
        "alert-not-found",
        "json-unexpected",
        "field-invalid",
    ];
    assert_eq!(codes, wanted.map(Value::from));
    assert_eq!(club.get("alerts?state=gone").body["code"], "query-invalid");
    assert_eq!(["watch", "warn", "critical"].map(open), [0.0; 3]);
    // What was resolved and happens again is raised anew.
    std::fs::write(&file, CLUB.replace("[features]", "[feature]")).unwrap();
    until("the next alert", || !items("open").is_empty());
    let page = club.get("alerts?limit=1").body;
    assert_eq!(page["items"][0]["number"], json!(2));
    let next = format!("alerts?limit=1&cursor={}", page["next"].as_str().unwrap());
    assert_eq!(club.get(&next).body["items"], json!([closed]));

    std::fs::write(&file, CLUB).unwrap();
    service.stop();
    let service = Service::start(&file, &data);
    let club = Client { address: service.address.clone(), ..club };
    assert_eq!(club.get("alerts?state=resolved").body["items"], json!([closed]), "it is kept");
    assert_eq!(club.get("alerts?state=open").body["items"][0]["number"], json!(2));
    service.stop();
}
