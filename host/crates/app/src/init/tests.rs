//! Folders of small exports and the playbooks that are made of them.
#![allow(clippy::unwrap_used, reason = "tests")]

use std::path::{Path, PathBuf};

use playbook_batch::profile::Sure;
use playbook_cycle::Cancel;
use playbook_model::{MapRow, Playbook, SourceTable};
use playbook_runtime::Compiler;

use super::{Draft, Known, Look, init, look_into, take_in};
use crate::{Home, Host};

struct Folder {
    dir: tempfile::TempDir,
    host: Host,
}

impl Folder {
    fn with(files: &[(&str, &[u8])]) -> Self {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir(dir.path().join("data")).unwrap();
        for (name, bytes) in files {
            std::fs::write(dir.path().join("data").join(name), bytes).unwrap();
        }
        let compiler = Compiler::Child { program: PathBuf::from("none"), arguments: Vec::new() };
        let host =
            Host::new(Home::open(&dir.path().join("home")).unwrap(), compiler, Cancel::default());
        Self { dir, host }
    }

    fn data(&self) -> PathBuf {
        self.dir.path().join("data")
    }

    fn out(&self) -> PathBuf {
        self.data().join("shop.toml")
    }

    fn draft(&self) -> Draft {
        draft(&self.host, &self.data()).unwrap()
    }

    fn write(&self, known: &Known<'_>) -> Result<String, String> {
        init(&self.host, &self.draft(), known, &self.out()).map_err(|fault| {
            format!("{fault} {:?}", std::error::Error::source(&fault).map(ToString::to_string))
        })
    }

    fn load(&self, file: &Path) -> Playbook {
        self.host.load(file, &[], &playbook_toml::Disk).unwrap().playbook
    }
}

fn draft(host: &Host, dir: &Path) -> crate::Result<Draft> {
    let (looked, left_out) = look_into(&Look::new(host, false)?, dir)?;
    Ok(Draft::of(dir, looked, left_out))
}

const EUR: Known<'_> =
    Known { brand: "shop", currency: Some("EUR"), time_zone: Some("Europe/Berlin") };

fn rows(playbook: &Playbook, source: usize) -> Vec<(&str, Option<&str>, Option<&str>)> {
    let key = |row: &'_ MapRow| row.to.clone();
    let mut rows: Vec<&MapRow> = playbook.sources[source].mapping.iter().collect();
    rows.sort_by_key(|row| key(row));
    rows.iter().map(|r| (r.to.as_str(), r.from.as_deref(), r.format.as_deref())).collect()
}

#[test]
fn a_shops_export_becomes_a_playbook_that_checks() {
    let folder = Folder::with(&[
        ("orders-2026-05.csv", "\u{feff}Order No;Customer;Order date;Total;Status\n1;A1;01.05.2026;1.012,50;paid\n2;A2;17.05.2026;7,00;cancelled\n".as_bytes()),
        ("orders-2026-06.csv", b"Order No;Customer;Order date;Total;Status\n3;A1;01.06.2026;2,50;paid\n4;A3;18.06.2026;7,00;refunded\n"),
        ("customers.csv", b"Customer,Signup date,Region\nA1,2026-01-01,North\nA2,2026-01-02,North\nA3,2026-02-01,South\n"),
        ("logo.png", b"\x89PNG"),
    ]);
    let text = folder.write(&EUR).unwrap();
    let playbook = folder.load(&folder.out());
    assert_eq!(playbook.sources.len(), 2, "{text}");
    let (members, orders) = (&playbook.sources[0], &playbook.sources[1]);
    assert_eq!((members.table, orders.table), (SourceTable::Members, SourceTable::Events));
    assert_eq!(orders.path, "orders-2026-0*.csv");
    assert_eq!(
        rows(&playbook, 1),
        [
            ("amount_minor", Some("Total"), None),
            ("event_id", Some("Order No"), None),
            ("kind", Some("Status"), None),
            ("member", Some("Customer"), None),
            ("time", Some("Order date"), Some("%d.%m.%Y")),
        ]
    );
    let amount = orders.mapping.iter().find(|row| row.to == "amount_minor").unwrap();
    assert_eq!((amount.marks.decimal, amount.marks.thousands), (',', Some('.')));
    assert!(text.contains("own_cancelled = {}") && text.contains("# Not read: logo.png"), "{text}");
    // A second time nothing is overwritten.
    assert!(folder.write(&EUR).unwrap_err().contains("is there already"));
    assert_eq!(std::fs::read_to_string(folder.out()).unwrap(), text);
}

#[test]
fn only_what_nobody_can_see_is_asked_for_and_by_the_name_of_its_flag() {
    let folder = Folder::with(&[(
        "sales.jsonl",
        br#"{"customer":"A1","date":"2026-06-01","total":1.5,"currency":"CHF"}
{"customer":"A2","date":"2026-06-02","total":2.5,"currency":"CHF"}
"#,
    )]);
    let nothing = Known { brand: "shop", currency: None, time_zone: None };
    let asked = folder.write(&nothing).unwrap_err();
    assert!(asked.contains("--time-zone") && !asked.contains("--currency"), "{asked}");
    folder.write(&Known { time_zone: Some("Europe/Zurich"), ..nothing }).unwrap();
    assert_eq!(folder.load(&folder.out()).currency, "CHF");
    let none = Folder::with(&[("sales.csv", b"customer,date,total\nA1,2026-06-01,1.50\n")]);
    let asked = none.write(&nothing).unwrap_err();
    assert!(asked.contains("--currency") && asked.contains("--time-zone"), "{asked}");
    assert!(none.write(&Known { currency: Some("EURO"), ..EUR }).unwrap_err().contains("ISO 4217"));
    assert!(none.write(&Known { time_zone: Some("Mars"), ..EUR }).unwrap_err().contains("Mars"));
    assert!(!none.out().exists());
}

#[test]
fn kinds_are_read_from_their_column_and_words_that_nobody_knows_are_told() {
    let rows = |words: &[&str]| {
        let row = |word: &&str| format!("A1,2026-06-01,1.50,{word}\n");
        format!("customer,date,total,kind\n{}", words.iter().map(row).collect::<String>())
    };
    let known = rows(&["order_paid", "Order Paid", "refund", "like", "checkout"]);
    let text = Folder::with(&[("events.csv", known.as_bytes())]).write(&EUR).unwrap();
    let values = "values = { \"Order Paid\" = \"order_paid\", \"checkout\" = \"own_checkout\", \"like\" = \"like\", \
                  \"order_paid\" = \"order_paid\", \"refund\" = \"order_refunded\" }";
    assert!(text.contains(values), "{text}");
    let strange = rows(&["alpha", "beta"]);
    let folder = Folder::with(&[("events.csv", strange.as_bytes())]);
    assert!(folder.draft().sources[0].notes[0].contains("`kind` may say"));
    assert!(folder.write(&EUR).unwrap().contains("# `kind` may say"));
}

#[test]
fn contact_data_becomes_a_digest_and_never_a_comment() {
    let folder = Folder::with(&[(
        "orders.csv",
        b"Name,Email,Paid at,Total\n#1001,ann@shop.example.org,2026-03-07 23:30:00 -0500,65.00\n#1002,bob@shop.example.org,2026-03-08 08:00:00 -0500,5.00\n",
    )]);
    let text = folder.write(&EUR).unwrap();
    assert!(!text.contains("shop.example.org"), "{text}");
    assert!(text.contains("member = { from = \"Email\", transform = \"hash\" }"), "{text}");
    assert!(text.contains("%Y-%m-%d %H:%M:%S %z"), "{text}");
}

#[test]
fn hostile_names_stay_texts_and_what_has_no_orders_is_told() {
    let hostile = "cust\"omer\u{1b}[31m\\id\u{202e}";
    let orders = format!(
        "{},date,total\nA1,2026-06-01,1.50\nA2,2026-06-02,2.50\n",
        hostile.replace('"', "\"\"")
    )
    .replacen("cust", "\"cust", 1)
    .replacen(",date", "\",date", 1);
    let folder = Folder::with(&[
        ("or\"ders\u{7f}.csv", orders.as_bytes()),
        ("times.csv", b"date\n2026-01-01\n"),
    ]);
    let text = folder.write(&EUR).unwrap();
    assert!(!text.chars().any(|c| c != '\n' && playbook_model::steers(c)), "{text}");
    let playbook = folder.load(&folder.out());
    let member = playbook.sources[0].mapping.iter().find(|row| row.to == "member").unwrap();
    assert_eq!(member.from.as_deref(), Some(hostile));
    let empty = Folder::with(&[("times.csv", b"date\n2026-01-01\n")]);
    let told = empty.write(&EUR).unwrap_err();
    assert!(told.contains("no file has orders") && told.contains("times.csv"), "{told}");
    let nothing = tempfile::tempdir().unwrap();
    assert!(draft(&empty.host, nothing.path()).unwrap_err().to_string().contains("no data files"));
}

/// What was found: table, then each field with its column.
fn found(draft: &Draft) -> Vec<String> {
    let source = |source: &super::DraftSource| {
        let rows = source.rows.iter().map(|row| format!("{}={}", row.field, row.column.name));
        let constants = source.constants.iter().map(|(field, value)| format!("{field}:{value}"));
        let event = source.event.map(|kind| format!("kind:{kind}"));
        let rows: Vec<String> = rows.chain(constants).chain(event).collect();
        format!("{} {}", source.table, rows.join(" "))
    };
    draft.sources.iter().map(source).collect()
}

const ORDERS: (&str, &[u8]) = (
    "orders.csv",
    b"order_id,customer,date,total\nO1,A1,2026-06-01,10.50\nO2,A2,2026-06-02,20.25\n",
);

#[test]
fn costs_consents_accounts_and_attributes_are_found() {
    let costs = b"day,channel,type,spend,sent\n2026-06-01,mail,Advertising,12.50,100\n2026-06-01,app,salaries,7.25,0\n";
    let consents = b"customer,purpose,status,date\nA1,marketing,opt-in,2026-01-01\nA2,Newsletter,unsubscribed,2026-01-02\n";
    let long: String =
        (0..24).map(|n| format!("A{n},{},k{n},yes\n", ["phone", "email"][n % 2])).collect();
    let long = format!("customer,key_kind,key,verified\n{long}");
    let wide = b"customer,email,mobile\nA1,ann@example.org,+491701234567\nA2,bob@example.org,+491707654321\n";
    let people = "customer,joined,age,tier,visits,newsletter,email\nA1,2025-01-01,19-24,gold,3,yes,ann@example.org\n\
                  A2,2025-01-02,Under 18,silver,4,no,bob@example.org\nA3,2025-01-03,?,gold,5,yes,eve@example.org\n";
    let folder = Folder::with(&[
        ("ad_costs.csv", costs),
        ("consents.csv", consents),
        ("identities.csv", long.as_bytes()),
        ("identities-wide.csv", wide),
        ("members.csv", people.as_bytes()),
        ORDERS,
    ]);
    let draft = folder.draft();
    assert_eq!(
        found(&draft),
        [
            "costs day=day amount_minor=spend channel=channel delivered=sent kind=type",
            "consents member=customer state=status purpose=purpose time=date",
            "identities member=customer key_hash=email key_kind:email",
            "identities member=customer key_hash=mobile key_kind:phone",
            "identities member=customer verified=verified key_kind=key_kind key_hash=key",
            "members member=customer joined=joined age_band=age attr_tier=tier attr_visits=visits attr_newsletter=newsletter",
            "events member=customer time=date amount_minor=total event_id=order_id kind:order_paid",
        ],
        "{:?}",
        draft.left_out
    );
    let text = folder.write(&EUR).unwrap();
    let playbook = folder.load(&folder.out());
    assert_eq!(playbook.sources.len(), 7);
    for part in [
        "kind = { from = \"type\", values = { \"Advertising\" = \"media\", \"salaries\" = \"people\" } }",
        "state = { from = \"status\", values = { \"opt-in\" = \"granted\", \"unsubscribed\" = \"withdrawn\" } }",
        "\"19-24\" = \"adult\", \"Under 18\" = \"unknown\" }, on_error = \"null\" }",
        "attr_visits = { from = \"visits\", type = \"integer\" }",
        "attr_newsletter = { from = \"newsletter\", type = \"flag\" }",
    ] {
        assert!(text.contains(part), "{part}\n{text}");
    }
    assert!(!text.contains("example.org") && !text.contains("1234567"), "{text}");
    assert!(text.contains("# `newsletter` may say what members agreed to"), "{text}");
}

#[test]
fn no_consent_is_guessed() {
    let folder = Folder::with(&[
        ("consents.csv", b"customer,state\nA1,granted\nA2,grantd\nA3,withdrawn\n"),
        ORDERS,
    ]);
    let draft = folder.draft();
    let consents = &draft.sources[0];
    assert!(consents.asks.as_deref().unwrap().contains("for which purpose"));
    assert!(consents.notes[0].contains("`grantd`") && consents.notes[0].contains("no consent"));
    let text = folder.write(&EUR).unwrap();
    assert!(
        text.contains("# table = \"consents\"") && !text.contains("\ntable = \"consents\""),
        "{text}"
    );
    assert!(text.contains("# purpose = { constant = \"...\" }"), "{text}");
    assert!(!text.contains("\"grantd\""), "{text}");
    assert_eq!(folder.load(&folder.out()).sources.len(), 1);
}

#[test]
fn slips_of_kinds_are_proposed_with_how_sure_that_is_and_consents_are_not() {
    let row = |word: &str| format!("A1,2026-06-01,1.50,{word}\n");
    let rows: String = ["order_payed", "sign_inn", "consent_grantd", "checkout"].map(row).concat();
    let text = format!("customer,date,total,kind\n{rows}{}", row("order_paid"));
    let folder = Folder::with(&[("events.csv", text.as_bytes())]);
    let draft = folder.draft();
    let kind = draft.sources[0].rows.iter().find(|row| row.field == "kind").unwrap();
    let meanings: Vec<_> =
        kind.values.iter().map(|v| (v.word.as_str(), v.means.as_str(), v.sure)).collect();
    assert_eq!(
        meanings,
        [
            ("checkout", "own_checkout", Sure::Likely),
            ("consent_grantd", "own_consent_grantd", Sure::Likely),
            ("order_paid", "order_paid", Sure::Sure),
            ("order_payed", "order_paid", Sure::Unsure),
            ("sign_inn", "sign_in", Sure::Unsure),
        ]
    );
    let notes = draft.sources[0].notes.join("\n");
    assert!(notes.contains("`order_payed` (1 rows) is taken for `order_paid`"), "{notes}");
    assert!(
        notes.contains("`consent_grantd` (1 rows) is not taken for `consent_granted`"),
        "{notes}"
    );
    let text = folder.write(&EUR).unwrap();
    assert!(
        text.contains("# order_payed is taken for order_paid: not sure, please look."),
        "{text}"
    );
}

#[test]
fn names_of_files_say_what_rows_without_kinds_are_and_refunds_are_no_orders() {
    let folder = Folder::with(&[
        ORDERS,
        ("refunds.csv", b"customer,date,total,original\nA1,2026-06-03,10.50,O1\n"),
        ("coupon_redemptions.csv", b"customer,date,coupon_id\nA1,2026-06-01,7\nA1,2026-06-02,8\n"),
        ("campaigns.csv", b"campaign_id,start\n1,2026-06-01\n2,2026-06-02\n"),
    ]);
    let draft = folder.draft();
    assert_eq!(
        found(&draft),
        [
            "events member=customer time=date object=coupon_id kind:redeem",
            "events member=customer time=date amount_minor=total event_id=order_id kind:order_paid",
            "events member=customer time=date amount_minor=total original_order=original kind:order_refunded",
        ]
    );
    assert!(draft.sources[2].notes[0].contains("because the file is named so"));
    assert_eq!(draft.left_out[0].file, "campaigns.csv");
    folder.write(&EUR).unwrap();
    folder.load(&folder.out());
}

#[test]
fn lines_of_orders_add_up_or_are_set_aside_and_folders_are_looked_into() {
    let lines = b"basket_id,household_id,product_id,day,amount\nB1,H1,P1,2026-06-01,1.50\nB1,H1,P2,2026-06-01,2.50\nB2,H2,P1,2026-06-02,1.50\n";
    let shop = b"Name,Email,Paid at,Total\n#1,ann@example.org,2026-06-01,65.00\n#1,ann@example.org,,\n#2,bob@example.org,2026-06-02,5.00\n";
    let folder = Folder::with(&[("grocer.csv", lines), ("shop.csv", shop)]);
    let more = folder.data().join("more");
    std::fs::create_dir(&more).unwrap();
    for (day, name) in [(3, "1"), (4, "2")] {
        let rows = format!("customer,date,total\nA1,2026-06-0{day},1.50\n");
        std::fs::write(more.join(format!("{name}-orders.csv")), rows).unwrap();
    }
    let results = folder.data().join("results");
    std::fs::create_dir(&results).unwrap();
    std::fs::write(results.join("run.json"), "{}").unwrap();
    std::fs::write(results.join("grants.csv"), "member\nA1\n").unwrap();
    let text = folder.write(&EUR).unwrap();
    assert!(text.contains("lines = true") && text.contains("on_error = \"quarantine\""), "{text}");
    let playbook = folder.load(&folder.out());
    let paths: Vec<&str> = playbook.sources.iter().map(|source| source.path.as_str()).collect();
    assert_eq!(paths, ["grocer.csv", "more/*-orders.csv", "shop.csv"]);
    assert!(text.contains("results: it holds the results of a run"), "{text}");
    let taken = take_in(&folder.host, &folder.draft(), &text).unwrap().unwrap();
    let counts: Vec<_> = taken
        .sources
        .iter()
        .map(|s| (s.name.as_str(), s.read, s.kept, s.refused(), s.set_aside, s.stops_a_run()))
        .collect();
    assert_eq!(
        counts,
        [
            ("grocer", 3, 3, 0, 0, false),
            ("more-orders", 2, 2, 0, 0, false),
            ("shop", 3, 2, 0, 1, false),
        ]
    );
    assert_eq!(taken.members, Some(5));
}

#[test]
fn what_a_run_would_refuse_is_told_by_the_intake_itself() {
    let folder = Folder::with(&[(
        "orders.csv",
        b"customer,date,total\nA1,2026-06-01,1.50\n,2026-06-02,2.50\nA2,2026-06-31,2.50\nA3,2026-06-03,2.50\n",
    )]);
    let draft = folder.draft();
    let taken = take_in(&folder.host, &draft, &super::mapping(&draft, &EUR).unwrap());
    let taken = taken.unwrap().unwrap();
    let orders = &taken.sources[0];
    assert_eq!((orders.read, orders.kept, taken.members), (4, 2, Some(2)));
    assert!(orders.stops_a_run());
    let reasons: Vec<&String> = orders.rejected.keys().collect();
    assert_eq!(reasons, ["`customer` is missing", "`date` is not a time of the format"]);
}

#[test]
fn what_is_said_about_a_customer_names_no_customer() {
    let rows: String =
        (0..30).map(|n| format!("Ann {n},new,{},C{n},2026-06-01,1.50\n", n % 3)).collect();
    let text = format!("customer_name,customer_type,household_size,customer_no,date,total\n{rows}");
    let folder = Folder::with(&[("orders.csv", text.as_bytes())]);
    assert_eq!(
        found(&folder.draft()),
        ["events member=customer_no time=date amount_minor=total kind:order_paid"]
    );
}
