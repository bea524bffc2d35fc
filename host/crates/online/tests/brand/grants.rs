//! Claims about grants that end: released once, in order, by the writer's own clock, and never settled afterwards.

use std::time::{Duration, Instant};

use playbook_ledger::Closure;
use playbook_model::GrantTerms;
use playbook_online::{OnlineError, settled};

use crate::brand::DAY;
use crate::world::{World, give, reversals, told};

const HOUR: i64 = 3_600_000;

fn expiring(ms: i64) -> World {
    World::with_terms(move |def| def.terms = GrantTerms { expiry_ms: ms, ..def.terms })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_grant_ends_at_its_time_and_is_not_settled_after_it() {
    let world = expiring(DAY);
    let brand = world.open();
    let (one, two) = (give(&brand, "m1", "e1").await, give(&brand, "m2", "e1").await);
    world.at(DAY - 1);
    brand.close(&one.decision, &one.grant, settled(None)).await.unwrap();
    world.at(DAY);
    let late = brand.close(&two.decision, &two.grant, settled(None)).await;
    assert!(matches!(late, Err(OnlineError::Ended)), "{late:?}");
    let again = brand.close(&two.decision, &two.grant, Closure::Release).await;
    assert!(again.is_ok(), "it is released already");
    world.assert_money(0, one.cost);
    assert_eq!(reversals(&brand, 2), [("released", two.cost)]);
    let reversal = told(&brand)[2].0.reversal.clone().unwrap();
    assert_eq!((reversal.refund, reversal.at), (None, crate::brand::T + DAY));
    // The same is so after a start, and nothing ends twice.
    drop(brand);
    world.at(40 * DAY);
    let brand = world.open();
    let late = brand.close(&two.decision, &two.grant, settled(None)).await;
    assert!(matches!(late, Err(OnlineError::Ended)));
    assert_eq!(told(&brand).len(), 3);
    world.assert_money(0, one.cost);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_action_has_terms_of_its_own() {
    let world = World::with_terms(|def| {
        let own = GrantTerms { expiry_ms: HOUR, ..def.terms };
        def.actions = ["points", "coupon", "custom"].map(|name| (name.to_owned(), own)).into();
    });
    let brand = world.open();
    let one = give(&brand, "m1", "e1").await;
    world.at(HOUR);
    let late = brand.close(&one.decision, &one.grant, settled(None)).await;
    assert!(matches!(late, Err(OnlineError::Ended)));
}

#[tokio::test(flavor = "multi_thread")]
async fn grants_end_in_order_while_nobody_asks_for_anything() {
    let world = expiring(HOUR);
    let brand = world.open();
    let mut costs = Vec::new();
    for (at, member) in [(0, "m2"), (5, "m1"), (5, "m3"), (9, "m4")] {
        world.at(at);
        costs.push(give(&brand, member, "e1").await.cost);
    }
    drop(brand);
    // What ended while the service was down ends as it starts; the writer wakes by itself.
    world.at(HOUR + 6);
    let brand = world.open();
    let ended = |count: usize| {
        let begun = Instant::now();
        while told(&brand).len() < 4 + count && begun.elapsed() < Duration::from_secs(10) {
            std::thread::sleep(Duration::from_millis(5));
        }
        let effects = told(&brand);
        effects[4..].iter().map(|(effect, _)| effect.member.clone()).collect::<Vec<_>>()
    };
    let first = ended(3);
    assert_eq!(first[0], "m2");
    assert_eq!(first.len(), 3, "{first:?}");
    world.assert_money(costs[3], 0);
    world.at(HOUR + 9);
    give(&brand, "m5", "e1").await;
    assert_eq!(told(&brand).len(), 4 + 4 + 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clock_that_jumps_releases_nothing_twice_and_loses_nothing() {
    let world = expiring(2 * DAY);
    let brand = world.open();
    for number in 0..9 {
        crate::brand::welcome(&brand, &format!("m{number}")).await;
    }
    let mut money = 0;
    for (number, jump) in [0, HOUR, -HOUR, DAY, -DAY, 3 * DAY, 0, -3 * DAY, 0].iter().enumerate() {
        world.at(*jump);
        money += give(&brand, &format!("m{number}"), "e1").await.cost;
    }
    let open = |brand: &playbook_online::Brand| {
        let effects = told(brand);
        let ended = effects.iter().filter(|(_, how)| how.is_some()).count();
        (effects.len() - ended, ended)
    };
    // The jump to three days ended all five before it; back at `T` that of three days before it has ended, too.
    assert_eq!(open(&brand), (9, 6));
    drop(brand);
    world.at(0);
    let brand = world.open();
    assert_eq!(open(&brand), (9, 6), "back at its time nothing ends again");
    for at in [DAY, 2 * DAY, 10 * DAY, 10 * DAY, -10 * DAY, 11 * DAY] {
        world.at(at);
        brand.events(&[crate::brand::event(&format!("e{at}"), "m0", "like", 1)]).await.unwrap();
    }
    assert_eq!(open(&brand), (9, 9), "each ended once");
    assert!(money > 0);
    world.assert_money(0, 0);
}
