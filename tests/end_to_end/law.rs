//! The law over HTTP: which track a member falls under, what it demands, and what a withdrawal ends.

use serde_json::{Value, json};

use crate::bench::{Place, coupons, write};
use crate::serve::{CLUB, Client, DAY, Service, T};

/// The club with two tracks: Germans confirm their consent and agree to profiling, the Chinese do neither.
fn tracked(place: &Place) -> (Service, Client) {
    let text =
        CLUB.replace("age_band = \"age_band\"\n", "age_band = \"age_band\"\nregion = \"region\"\n");
    // Orders of 250.00 as a rule, so that coupons are proposed, which name the purpose of marketing.
    let features = "[features]\nregion = { attribute = \"region\" }\n\
                    aov_minor = { constant = 25_000, type = \"integer\", unit = \"minor\" }\n";
    let text = text.replace("[features]\n", features).replace("1000.00", "100000.00");
    let law = "\n[law]\nregion_feature = \"region\"\n\
               eu = { regions = [\"DE\"], purposes = [\"profiling\"] }\n\
               local = { regions = [\"CN\"], double_consent = false }\n";
    let service = Service::start(
        &write(place, "club.toml", &format!("{text}{law}")),
        &place.beside("service"),
    );
    let key = service.key.clone().unwrap();
    let club = Client { address: service.address.clone(), key, brand: "club" };
    (service, club)
}

fn answer(purpose: &str, state: &str, time: i64) -> Value {
    json!({ "purpose": purpose, "state": state, "time": time, "text_version": "2026-05", "channel": "app" })
}

fn change(
    club: &Client,
    member: &str,
    once: &str,
    region: Option<&str>,
    consents: &[Value],
) -> Value {
    let change = json!({ "profile": { "region": region }, "consents": consents });
    club.ok("PUT", &format!("members/{member}"), once, &change)
}

/// The track of a decision, how many effects it granted, and the codes of its refusals.
fn decided(club: &Client, member: &str, once: &str) -> (String, usize, Vec<String>) {
    let decision = club.decide(member, once).unwrap().body;
    let refused = decision["refused"].as_array().unwrap();
    let codes = refused.iter().map(|effect| effect["refusal"]["code"].as_str().unwrap().to_owned());
    let track = decision["track"].as_str().unwrap().to_owned();
    assert_eq!(
        club.get(&format!("decisions/{}", decision["id"].as_str().unwrap())).body["track"],
        *track
    );
    (track, decision["granted"].as_array().unwrap().len(), codes.collect())
}

#[test]
fn y089_a_member_of_the_eu_uses_the_eu_track_and_of_nowhere_both() {
    let place = Place::new();
    let (_service, club) = tracked(&place);
    let told = |track: &str, granted, code: Option<&str>| {
        (track.to_owned(), granted, code.into_iter().map(str::to_owned).collect::<Vec<_>>())
    };
    // Everybody granted marketing, service and profiling a month ago, and nobody was asked before.
    for (member, region) in
        [("de", Some("DE")), ("cn", Some("CN")), ("us", Some("US")), ("no", None)]
    {
        club.welcome(member, 10);
        change(&club, member, "region", region, &[]);
    }
    assert_eq!(decided(&club, "cn", "1"), told("local", 1, None));
    assert_eq!(decided(&club, "de", "1"), told("eu", 0, Some("R05")));
    assert_eq!(decided(&club, "us", "1"), told("strictest", 0, Some("R05")));
    assert_eq!(decided(&club, "no", "1"), told("strictest", 0, Some("R05")));
    // The second act confirms; what the law asks beside the action's own purpose has to be confirmed, too.
    let asked = T - 33 * DAY;
    for member in ["de", "us"] {
        change(&club, member, "marketing", None, &[answer("marketing", "requested", asked)]);
        assert_eq!(decided(&club, member, "2").2, ["R05"], "{member}: nobody confirmed profiling");
        change(&club, member, "profiling", None, &[answer("profiling", "requested", asked)]);
        assert_eq!(decided(&club, member, "3").1, 1, "{member}");
    }
}

#[test]
fn y089_a_withdrawal_ends_at_once_what_waits_and_the_evidence_is_told() {
    let place = Place::new();
    let (_service, club) = tracked(&place);
    club.welcome("cn", 10);
    let granted = answer("marketing", "granted", T - 40 * DAY);
    let member = change(&club, "cn", "evidence", Some("CN"), &[granted]);
    let told = |of: &Value| {
        let consents = of["consents"].as_array().unwrap().clone();
        consents
            .into_iter()
            .filter(|answer| answer["text_version"] == "2026-05")
            .collect::<Vec<_>>()
    };
    let evidence = told(&member);
    assert_eq!((evidence.len(), &evidence[0]["channel"]), (1, &json!("app")), "{member}");
    let copy = club.get("members/cn/copy").body;
    assert_eq!(told(&copy["member"]), evidence, "{copy}");

    let decision = club.decide("cn", "first").unwrap().body;
    assert_eq!(decision["granted"].as_array().unwrap().len(), 1, "{decision}");
    let reserved = || club.get("budgets").body["accounts"][0]["reserved_minor"].as_i64().unwrap();
    assert!(reserved() > 0);
    change(&club, "cn", "no", None, &[answer("marketing", "withdrawn", T)]);
    assert_eq!(reserved(), 0);
    let effects = club.get("effects").body;
    let reversal = &effects["items"][1]["reversal"];
    assert_eq!(
        (&reversal["why"], &reversal["how"]),
        (&json!("withdrawn"), &json!("released")),
        "{effects}"
    );
    let (id, grant) = (&decision["id"], &decision["granted"][0]["grant"]);
    let path =
        format!("decisions/{}/grants/{}/settle", id.as_str().unwrap(), grant.as_str().unwrap());
    assert_eq!(club.send("POST", &path, "settle", &json!({})).unwrap().status, 409);
    assert_eq!(
        decided(&club, "cn", "again").2,
        ["R12"],
        "a key whose grant was released grants no more"
    );
}

/// What the club decides on a member whose coupons have these terms, and how: status, code and rule of the first effect.
fn with_terms(terms: &str, tables: &str) -> (String, Option<(String, String)>) {
    let place = Place::new();
    let bind = "bind = { points_balance = \"points_90d\" }\n";
    let of = |action: &str| format!("[stage.actions.{action}]\n{terms}\n");
    let stage = format!("{bind}{}{}{}", of("points"), of("coupon"), of("custom"));
    let text = CLUB.replace(coupons!(), &coupons!().replace(bind, &stage));
    let text = format!("{text}\n{tables}\n");
    let service = Service::start(&write(&place, "club.toml", &text), &place.beside("service"));
    let key = service.key.clone().unwrap();
    let club = Client { address: service.address.clone(), key, brand: "club" };
    club.welcome("m1", 40);
    let decision = club.decide("m1", "first").unwrap().body;
    let all = |list: &str| decision[list].as_array().unwrap().clone();
    let effect = all("granted").into_iter().chain(all("refused")).next().unwrap();
    let text = |of: &Value| of.as_str().unwrap().to_owned();
    let refusal = effect.get("refusal").map(|said| (text(&said["code"]), text(&said["rule"])));
    (text(&effect["status"]), refusal)
}

#[test]
fn y110_an_unauthorised_price_yields_r08_and_a_claim_without_report_r07() {
    let refused =
        |code: &str, rule: &str| ("refused".to_owned(), Some((code.to_owned(), rule.to_owned())));
    let granted = || ("granted".to_owned(), None);
    // T is the beginning of July in Shanghai.
    let prices = |from: &str, to: &str| {
        format!(
            "[prices]\nlist = {{ tea = \"29.00\" }}\n[[prices.grants]]\nsku = \"tea\"\nprice = \"24.00\"\n\
             from = {from}\nto = {to}\napprover = \"head of sales\"\nreason = \"summer\"\n"
        )
    };
    let at = |price: &str| format!("sku = \"tea\"\nprice = \"{price}\"");
    let july = prices("2026-07-01", "2026-08-01");
    assert_eq!(with_terms(&at("29.00"), &july), granted(), "the list");
    assert_eq!(
        with_terms(&at("24.00"), &july),
        granted(),
        "a grant that holds from this moment on"
    );
    assert_eq!(with_terms(&at("24.01"), &july), refused("R08", "GR-8"));
    let june = prices("2026-06-01", "2026-07-01");
    assert_eq!(with_terms(&at("24.00"), &june), refused("R08", "GR-8"), "a grant that is over");

    let claims = "[claims]\nbare = {}\nshown = { report = \"lab-1\", until = 2026-07-02 }\nold = { report = \"lab-2\", until = 2026-07-01 }\n";
    assert_eq!(with_terms("claims = [\"shown\"]", claims), granted());
    assert_eq!(with_terms("claims = [\"shown\", \"bare\"]", claims), refused("R07", "H14"));
    assert_eq!(with_terms("claims = [\"old\"]", claims), refused("R07", "H14"));
    assert_eq!(with_terms("inducement = true", ""), refused("R07", "H14"));
    assert_eq!(with_terms("inducement = true\nlabel = \"advertisement\"", ""), granted());
    assert_eq!(with_terms("topics = [\"health\"]", "").0, "waits-for-approval");
}
