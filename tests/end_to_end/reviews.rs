//! What a person decides, over HTTP: effects that are held, freezes; and refunds of orders that nobody paid.

use serde_json::json;

use crate::bench::{Place, coupons, write};
use crate::browser::Browser;
use crate::serve::{CLUB, Client, Service, T, made};

/// The club, where members with many points are held.
fn held(place: &Place) -> (Service, Client) {
    let terms = coupons!().replace("bind =", "expiry = \"7d\"\nrefund = \"in-proportion\"\nbind =");
    let text = CLUB.replace(coupons!(), &terms);
    assert_ne!(text, CLUB);
    let text = text.replace("amount_minor =", "original_order = \"of\"\namount_minor =");
    let text = format!("{text}fraud_output = \"points_90d\"\nfraud_from = 5000.0\n");
    let service = Service::start(&write(place, "club.toml", &text), &place.beside("service"));
    let key = service.key.clone().unwrap();
    let club = Client { address: service.address.clone(), key, brand: "club" };
    club.welcome("m1", 60);
    (service, club)
}

#[test]
fn what_is_held_waits_for_another_person_and_a_freeze_stops_the_rest() {
    let place = Place::new();
    let (_service, club) = held(&place);
    club.welcome("m2", 40);
    let decision = club.decide("m1", "first").unwrap().body;
    let effect = &decision["granted"][0];
    assert_eq!(effect["status"], "held-for-review", "{decision}");
    assert_eq!(club.get("effects").body["items"], json!([]));
    let waiting = club.get("reviews?state=waiting").body;
    let review = &waiting["items"][0];
    assert_eq!((&review["number"], &review["why"]), (&json!(1), &json!("fraud")), "{waiting}");
    assert_eq!((&review["member"], &review["decision"]), (&json!("m1"), &decision["id"]));
    assert_eq!(club.get("reviews/1").body, *review);

    let code = |method: &str, path: &str, body: serde_json::Value| {
        let once = &path[path.len().saturating_sub(100)..];
        let reply = club.send(method, path, once, &body).unwrap();
        (reply.status, reply.body["code"].as_str().unwrap_or_default().to_owned())
    };
    let told = |status: u16, code: &str| (status, code.to_owned());
    let words = || json!({ "reason": "the store knows the order" });
    let (id, grant) = (&decision["id"], &effect["grant"]);
    let settle =
        format!("decisions/{}/grants/{}/settle", id.as_str().unwrap(), grant.as_str().unwrap());
    assert_eq!(code("POST", &settle, json!({})), told(409, "grant-waits"));
    assert_eq!(code("POST", "reviews/1/approve", words()), told(409, "same-person"));
    assert_eq!(
        code("POST", "reviews/1/refuse", json!({ "reason": "" })),
        told(422, "field-invalid")
    );
    assert_eq!(code("POST", "reviews/7/refuse", words()), told(404, "review-not-found"));
    assert_eq!(code("POST", "reviews/x/refuse", words()), told(404, "review-not-found"));
    let state = club.send("GET", "reviews?state=open", "x", &json!({})).unwrap();
    assert_eq!((state.status, &state.body["code"]), (400, &json!("query-invalid")));
    let refused = club.ok("POST", "reviews/1/refuse", "no", &words());
    assert_eq!((&refused["state"], &refused["reason"]), (&json!("refused"), &words()["reason"]));
    assert_eq!(code("POST", "reviews/1/approve", words()), told(409, "review-closed"));
    assert_eq!(club.get("budgets").body["accounts"][0]["reserved_minor"], json!(0));

    let storm = || json!({ "stage": "ladder-exchange", "reason": "a storm" });
    let frozen = club.ok("POST", "freeze", "f", &storm());
    assert_eq!((&frozen["what"], &frozen["stage"]), (&json!("freeze"), &json!("ladder-exchange")));
    let stopped = club.decide("m2", "first").unwrap().body;
    assert_eq!(stopped["refused"][0]["refusal"]["code"], "R03", "{stopped}");
    club.ok("POST", "freeze/lift", "l", &storm());
    let passes = club.decide("m2", "second").unwrap().body;
    assert_eq!(passes["granted"][0]["status"], "granted", "{passes}");
    // A request that comes again, later than another one, does nothing.
    assert_eq!(club.ok("POST", "freeze", "f", &storm()), frozen);
    let other = json!({ "stage": "ladder-exchange", "reason": "another storm" });
    let reused = club.send("POST", "freeze", "f", &other).unwrap();
    assert_eq!((reused.status, &reused.body["code"]), (422, &json!("idempotency-key-reused")));
    let history = club.get("freezes").body;
    let whats: Vec<_> = history["freezes"].as_array().unwrap().iter().map(|f| &f["what"]).collect();
    assert_eq!(whats, ["freeze", "lift"]);

    let refund = json!({ "event_id": "r1", "member": "m2", "kind": "order_refunded", "time": T,
        "original_order": "o1", "amount_minor": 100, "channel": "web" });
    assert_eq!(code("POST", "events", refund.clone()), told(409, "order-unknown"));
    let batch = club.lines(&[refund]);
    assert_eq!(batch["refused"][0]["code"], "order-unknown", "{batch}");
}

#[test]
fn a_person_approves_in_the_console_what_was_held() {
    let place = Place::new();
    let (service, club) = held(&place);
    let asked = json!({ "role": "brand-application", "brand": "club", "label": "shop" });
    let shop = made(&service, &club.key, "/v1/keys", &asked)["secret"].as_str().unwrap().to_owned();
    let shop = Client { key: shop, ..club.clone() };
    let decision = shop.decide("m1", "first").unwrap().body;
    assert_eq!(decision["granted"][0]["status"], "held-for-review", "{decision}");

    let mut browser = Browser::start();
    browser.width(1_280);
    browser.go(&format!("http://{}/console", service.address));
    browser.type_in(&club.key);
    browser.enter();
    browser.follow("main a[href$='/brands/club']");
    browser.follow("nav a[href$='/reviews']");
    let page = browser.text();
    assert!(page.contains("held: fraud") && page.contains("m1"), "{page}");
    browser.value("document.querySelector('[name=reason]').value = 'the order is real'");
    browser.follow("button[value=approve]");
    let page = browser.text();
    assert!(page.contains("approved") && page.contains("the order is real"), "{page}");
    let effects = club.get("effects").body;
    assert_eq!(effects["items"].as_array().unwrap().len(), 1, "{effects}");

    let asked = json!({ "role": "brand-operator", "brand": "club", "label": "second" });
    let key = made(&service, &club.key, "/v1/keys", &asked)["secret"].as_str().unwrap().to_owned();
    let ask = json!({ "to": "daily", "from": "reserve", "amount_minor": 100, "need": "user",
        "plan": "system-outage", "reason": "orders were lost" });
    Client { key, ..club.clone() }.ok("POST", "money/requests", "one", &ask);
    browser.follow("nav a[href$='/reviews']");
    let page = browser.text();
    assert!(page.contains("reserve → daily") && page.contains("orders were lost"), "{page}");
    browser.value("document.querySelector('[name=reason]').value = 'the plan says so'");
    browser.follow("button[value=approve]");
    assert!(browser.text().contains("the plan says so"));
    assert_eq!(club.get("money/requests").body["items"][0]["state"], "approved");
}

#[test]
fn money_moves_between_pools_when_another_person_approves() {
    let place = Place::new();
    let (service, club) = held(&place);
    let asked = json!({ "role": "brand-operator", "brand": "club", "label": "second" });
    let key = made(&service, &club.key, "/v1/keys", &asked)["secret"].as_str().unwrap().to_owned();
    let second = Client { key, ..club.clone() };
    let allocated = |pool: &str| {
        let accounts = club.get("budgets").body["accounts"].clone();
        let path = format!("club/club/{pool}");
        let found = accounts.as_array().unwrap().iter().find(|account| account["account"] == path);
        found.unwrap_or_else(|| panic!("{accounts}"))["allocated_minor"].as_i64().unwrap()
    };
    club.decide("m1", "first").unwrap();
    let (reserve, daily) = (allocated("reserve"), allocated("daily"));
    let mut ask = json!({ "to": "daily", "from": "reserve", "amount_minor": 100, "need": "user",
        "reason": "orders were lost" });
    let refused = club.send("POST", "money/requests", "no-plan", &ask).unwrap();
    assert_eq!((refused.status, &refused.body["code"]), (422, &json!("field-invalid")));
    assert_eq!(refused.body["errors"][0]["field"], "plan", "{}", refused.body);
    ask["plan"] = json!("system-outage");
    let made = club.ok("POST", "money/requests", "one", &ask);
    assert_eq!(club.ok("POST", "money/requests", "one", &ask), made);
    assert_eq!(club.get("money/requests/waiting").body["requests"], json!([made]));
    let words = json!({ "reason": "seen" });
    let alone = club.send("POST", "money/requests/1/approve", "a", &words).unwrap();
    assert_eq!((alone.status, &alone.body["code"]), (409, &json!("same-person")));
    let answered = second.ok("POST", "money/requests/1/approve", "b", &words);
    assert_eq!((&answered["state"], &answered["answer"]), (&json!("approved"), &json!("seen")));
    assert_eq!((allocated("reserve"), allocated("daily")), (reserve - 100, daily + 100));
    assert_eq!(club.get("money/requests").body, json!({ "items": [answered] }));
    assert_eq!(club.get("money/requests/waiting").body["requests"], json!([]));
    let moved = club.get("ledger/entries?kind=transfer").body;
    assert_eq!(moved["items"][0]["amount_minor"], 100, "{moved}");
    ask["amount_minor"] = json!(reserve);
    club.ok("POST", "money/requests", "two", &ask);
    let short = second.send("POST", "money/requests/2/approve", "c", &words).unwrap();
    assert_eq!((short.status, &short.body["code"]), (409, &json!("money-not-free")));
}
