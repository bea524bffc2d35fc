//! Accounts, consents, refunds, and what earlier cycles left.

use playbook_batch::ClosingCycle;
use playbook_cycle::DataSource;
use playbook_model::{
    Aggregate, CellType, Cells, Column, Definition, MapType, Playbook, SourceTable, Subject, UnixMs,
};

use crate::world::{self, Folder, aggregate, cells, events, feature, map, plain, source};

fn playbook() -> Playbook {
    let mut playbook = world::playbook("UTC");
    let mut identities = source("keys", SourceTable::Identities, "keys.csv");
    identities.mapping = vec![
        map("member", "member", MapType::Text),
        map("kind", "key_kind", MapType::Text),
        map("hash", "key_hash", MapType::Text),
        map("verified", "verified", MapType::Flag),
    ];
    let mut people = source("people", SourceTable::Members, "people.csv");
    people.mapping = vec![
        map("member", "member", MapType::Text),
        map("joined", "joined", MapType::Time),
        map("region", "region", MapType::Text),
    ];
    let mut consents = source("consents", SourceTable::Consents, "consents.csv");
    consents.mapping = vec![
        map("member", "member", MapType::Text),
        map("purpose", "purpose", MapType::Text),
        map("state", "state", MapType::Text),
        map("time", "time", MapType::Time),
    ];
    playbook.sources = vec![events("events.csv", &[]), identities, people, consents];
    playbook.features = vec![
        aggregate("n", Aggregate::Count, None),
        feature(
            "region",
            "member",
            CellType::Text,
            Definition::Attribute { field: "region".to_owned() },
        ),
    ];
    playbook
}

#[test]
fn accounts_with_an_equal_verified_key_are_one_member_and_two_phones_are_two() {
    let folder = Folder::new(&[
        (
            "events.csv",
            "member,kind,time\na,like,2026-01-01\nb,like,2026-01-02\nc,like,2026-01-02\nd,like,2026-01-02\ne,like,2026-01-02\n",
        ),
        (
            "keys.csv",
            "member,kind,hash,verified\n\
            a,phone,1,yes\nb,phone,1,yes\n\
            b,email,x,yes\nc,email,x,yes\nc,phone,2,yes\n\
            d,email,y,no\na,email,y,yes\n\
            e,card,1,yes\nb,card,1,yes\n",
        ),
        (
            "people.csv",
            "member,joined,region\na,2025-05-01,\nb,2025-01-01,\ne,2025-09-01,west\nc,2025-01-01,east\n",
        ),
        (
            "consents.csv",
            "member,purpose,state,time\n\
            a,marketing,granted,2025-06-01\n\
            b,marketing,granted,2025-06-01\nb,marketing,withdrawn,2025-07-01\nb,marketing,granted,2025-06-15\n\
            e,service,granted,2025-06-01\n\
            c,marketing,withdrawn,2025-06-01\nc,marketing,granted,2025-08-01\nc,service,none,2025-08-01\n\
            d,marketing,granted,2023-06-01\nd,service,requested,2025-08-01\n",
        ),
    ]);
    let mut source = folder.open(&playbook());
    assert_eq!(source.intake().accounts_merged, 2);
    let frame = source.members().unwrap();
    // b is the oldest of a, b and e; c has another phone; d's key is not verified.
    assert_eq!(cells(&frame, "member"), ["b", "c", "d"]);
    assert_eq!(cells(&frame, "n"), ["3", "1", "1"]);
    assert_eq!(cells(&frame, "region"), ["west", "east", "-"]);
    assert_eq!(cells(&frame, "consent.marketing"), ["0", "1", "0"], "withdrawn, granted, expired");
    assert_eq!(
        cells(&frame, "consent.service"),
        ["1", "-", "0"],
        "granted, never asked, requested"
    );
}

#[test]
fn a_refund_shrinks_its_order_in_the_orders_window() {
    let mut playbook = world::playbook("UTC");
    let more = [
        ("id", "event_id", MapType::Text),
        ("of", "original_order", MapType::Text),
        ("amount", "amount_minor", MapType::Money),
        ("channel", "channel", MapType::Text),
    ];
    playbook.sources = vec![events("events.csv", &more)];
    let orders = |name: &str, function, field: Option<&str>, days: Option<i64>| {
        let mut definition = plain(function, field);
        definition.filter.kinds = vec!["order_paid".to_owned()];
        definition.window.from_ms = days.map(|days| days * 86_400_000);
        feature(
            name,
            "member",
            playbook_model::default_cell_type(function),
            Definition::Aggregate(definition),
        )
    };
    let amount = Some("amount_minor");
    playbook.features = vec![
        orders("spend", Aggregate::Sum, amount, None),
        orders("spend_7d", Aggregate::Sum, amount, Some(7)),
        orders("orders", Aggregate::Count, None, None),
        orders("orders_7d", Aggregate::Count, None, Some(7)),
        orders("aov", Aggregate::Mean, amount, None),
        orders("days", Aggregate::DistinctDays, None, None),
        orders("repeat", Aggregate::RepeatSum, amount, None),
        orders("greatest", Aggregate::Max, amount, None),
        aggregate("events", Aggregate::Count, None),
    ];
    let mut spend = plain(Aggregate::Sum, amount);
    spend.filter.kinds = vec!["order_paid".to_owned()];
    playbook.features.push(feature(
        "spend",
        "channel",
        CellType::Integer,
        Definition::Aggregate(spend),
    ));
    playbook.cycle.as_of = Some(UnixMs(1_769_904_000_000)); // 2026-02-01
    let folder = Folder::new(&[(
        "events.csv",
        "member,kind,time,id,of,amount,channel\n\
         a,order_paid,2026-01-01,1,,10,web\n\
         a,order_paid,2026-01-30,2,,20,app\n\
         a,order_refunded,2026-01-31,3,1,4,app\n\
         a,order_refunded,2026-01-31,4,9,1,app\n\
         b,order_paid,2026-01-02,5,,30,web\n\
         b,order_refunded,2026-02-02,6,5,30,web\n",
    )]);
    let mut source = folder.open(&playbook);
    let frame = source.members().unwrap();
    assert_eq!(
        cells(&frame, "spend"),
        ["2500", "3000"],
        "the refund after the as-of time is unknown"
    );
    assert_eq!(cells(&frame, "spend_7d"), ["1900", "0"]);
    assert_eq!(cells(&frame, "orders"), ["2", "1"]);
    assert_eq!(cells(&frame, "orders_7d"), ["1", "0"]);
    assert_eq!(cells(&frame, "aov"), ["1250", "3000"]);
    assert_eq!(cells(&frame, "days"), ["2", "1"]);
    assert_eq!(cells(&frame, "repeat"), ["1900", "0"]);
    assert_eq!(cells(&frame, "greatest"), ["2000", "3000"]);
    assert_eq!(cells(&frame, "events"), ["4", "1"]);
    let channels = source.table(&playbook_model::Subject("channel".to_owned()), &frame).unwrap();
    assert_eq!(cells(&channels, "channel"), ["app", "web"]);
    assert_eq!(cells(&channels, "spend"), ["1900", "3600"]);
}

fn output(name: &str, cells: Cells) -> Column {
    Column { name: name.to_owned(), unit: String::new(), cells, valid: None }
}

#[test]
fn previous_gives_what_closed_cycles_left_and_not_the_cycle_itself() {
    let mut playbook = world::playbook("UTC");
    playbook.sources = vec![events("events.csv", &[])];
    playbook.cycle.as_of = Some(UnixMs(7 * 86_400_000 * 12));
    let folder = Folder::new(&[(
        "events.csv",
        "member,kind,time\nb,like,1970-01-02\na,like,1970-01-02\nz,like,1970-01-02\n",
    )]);
    let mut options = folder.options();
    options.state = Some(folder.path().join("state"));
    let mut source = playbook_batch::BatchSource::open(&playbook, options.clone()).unwrap();
    assert_eq!(source.cycle_number(), 12);
    let members = source.members().unwrap();
    let member = Subject::member();
    let wanted = ["s.score".to_owned(), "t.segment".to_owned(), "none.here".to_owned()];
    assert!(source.previous(1, &member, &wanted, &members).unwrap().columns().is_empty());
    for (number, score) in [(3, 1.0), (10, 2.0), (12, 3.0)] {
        let mut frame = playbook_model::Frame::with_rows(2);
        frame.push(output("member", Cells::Text(["a", "b"].into_iter().collect())));
        frame.push(output("feature", Cells::Integer(vec![1, 2])));
        frame.push(output("s.score", Cells::Real(vec![score, score + 0.5])));
        let names = ["low", "high"].map(str::to_owned).into();
        frame.push(output("t.segment", Cells::Category { codes: vec![1, 0], names }));
        let path = folder.path().join("members.parquet");
        playbook_batch::write_table(&path, &frame, &[], 2).unwrap();
        let state = options.state.as_ref().unwrap();
        let mut shops = playbook_model::Frame::with_rows(2);
        shops.push(output("shop", Cells::Text(["east", "west"].into_iter().collect())));
        shops.push(output("s.low_run", Cells::Integer(vec![number, number + 1])));
        let closing = ClosingCycle::copy(state, "test", &path).unwrap();
        closing.close(number, [("shop", &shops)]).unwrap();
    }
    let last = source.previous(1, &member, &wanted, &members).unwrap();
    assert_eq!(cells(&last, "s.score"), ["2", "2.5", "-"]);
    assert_eq!(cells(&last, "t.segment"), ["high", "low", "-"]);
    assert!(last.column("none.here").is_none());
    // Other subjects are met by their own keys, whatever the order; one that is new has no value.
    let mut shops = playbook_model::Frame::with_rows(3);
    shops.push(output("shop", Cells::Text(["north", "west", "east"].into_iter().collect())));
    let runs = |source: &mut playbook_batch::BatchSource, ago| {
        let (shop, wanted) = (Subject("shop".to_owned()), ["s.low_run".to_owned()]);
        cells(&source.previous(ago, &shop, &wanted, &shops).unwrap(), "s.low_run")
    };
    assert_eq!(runs(&mut source, 1), ["-", "11", "10"]);
    assert_eq!(runs(&mut source, 2), ["-", "4", "3"]);
    let town = Subject("town".to_owned());
    assert!(source.previous(1, &town, &wanted, &shops).unwrap().columns().is_empty());
    assert_eq!(
        cells(&source.previous(2, &member, &wanted, &members).unwrap(), "s.score"),
        ["1", "1.5", "-"]
    );
    assert!(source.previous(3, &member, &wanted, &members).unwrap().columns().is_empty());
}
