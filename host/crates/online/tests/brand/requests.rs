//! Claims about requests for money (domain H7): who may answer, what may move, and what becomes of those that nobody answers.

use playbook_ledger::Closure;
use playbook_model::{GrantTerms, Minor};
use playbook_online::{
    ANSWER_MS, Brand, MoneyAsk, MoneyRequest, MoneyRequestState, Need, OnlineError,
};

use crate::brand::DAY;
use crate::world::{World, give};

/// A budget of 1,000,000.00.
const TOTAL: i64 = 100_000_000;

fn world() -> World {
    World::new(
        |playbook| playbook.budget.as_mut().unwrap().total = Minor(TOTAL),
        |def, _| def.terms = GrantTerms { expiry_ms: DAY, ..def.terms },
    )
}

fn ask(from: &str, to: &str, amount: i64) -> MoneyAsk {
    MoneyAsk {
        to: to.to_owned(),
        from: from.to_owned(),
        amount_minor: amount,
        need: Need::Strategic,
        plan: (from == "reserve").then(|| "system-outage".to_owned()),
        reason: "the shop was down".to_owned(),
    }
}

/// What accounts hold that the playbook's budget is made of, in the order of `pools`.
fn allocated<const N: usize>(brand: &Brand, pools: [&str; N]) -> [i64; N] {
    let balances = brand.balances().unwrap();
    pools.map(|pool| {
        let of = |path: &str| path.strip_prefix("demo-club/demo-club/") == Some(pool);
        balances.iter().find(|balance| of(&balance.path)).unwrap().allocated.0
    })
}

const POOLS: [&str; 4] = ["reserve", "base", "daily", "burst"];

async fn approve(brand: &Brand, number: u64) -> Result<MoneyRequest, OnlineError> {
    brand.answer_money_request(number, true, "second", "it is so").await
}

#[tokio::test(flavor = "multi_thread")]
async fn y095_the_budget_is_split_exactly_and_the_reserve_opens_to_a_plan_alone() {
    let world = world();
    let brand = world.open();
    give(&brand, "m1", "e1").await;
    assert_eq!(allocated(&brand, POOLS), [10_000_000, 36_000_000, 31_500_000, 22_500_000]);

    let without = MoneyAsk { plan: None, ..ask("reserve", "daily", 1) };
    let refused = brand.ask_for_money(without, "first", "a").await;
    let Err(OnlineError::Fields(faults)) = refused else { panic!("{refused:?}") };
    assert_eq!(faults[0].field, "plan");
    let half = TOTAL / 20;
    let made = brand.ask_for_money(ask("reserve", "daily", half), "first", "b").await.unwrap();
    assert_eq!((made.number, made.state), (1, MoneyRequestState::Waiting));
    assert_eq!(allocated(&brand, POOLS)[0], 10_000_000, "nothing moves before somebody answers");
    let alone = brand.answer_money_request(1, true, "first", "mine").await;
    assert!(matches!(alone, Err(OnlineError::SamePerson)), "{alone:?}");
    let answered = approve(&brand, 1).await.unwrap();
    assert_eq!(answered.state, MoneyRequestState::Approved);
    let moved = [10_000_000 - half, 36_000_000, 31_500_000 + half, 22_500_000];
    assert_eq!(allocated(&brand, POOLS), moved);

    // Five per cent stay, whoever approves.
    brand.ask_for_money(ask("reserve", "burst", 1), "first", "c").await.unwrap();
    let short = approve(&brand, 2).await;
    assert!(matches!(short, Err(OnlineError::NotFree { free: Minor(0) })), "{short:?}");
    assert_eq!(approve(&brand, 1).await.unwrap(), answered, "once");
    let other = brand.answer_money_request(1, false, "second", "it is so").await;
    assert!(matches!(other, Err(OnlineError::Answered(MoneyRequestState::Approved))), "{other:?}");
    assert_eq!(allocated(&brand, POOLS), moved);

    // A start makes the budget of the plan again, and leaves what people moved.
    drop(brand);
    let brand = world.open();
    give(&brand, "m2", "e1").await;
    assert_eq!(allocated(&brand, POOLS), moved);
    let waiting = brand.waiting_money_requests().unwrap();
    assert_eq!(waiting.iter().map(|request| request.number).collect::<Vec<_>>(), [2]);
    assert_eq!(brand.money_requests(None, 1).unwrap()[0].number, 2);
    assert_eq!(brand.money_requests(Some(2), 9).unwrap(), [answered]);
    let reserved = brand.balances().unwrap()[0].reserved.0;
    world.assert_money(reserved, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn y097_what_was_reserved_and_not_used_is_back_in_its_pool_in_one_run() {
    let world = world();
    let brand = world.open();
    let mut reserved = 0;
    for member in 0..40 {
        reserved += give(&brand, &format!("m{member}"), "e1").await.cost;
    }
    let paid = give(&brand, "payer", "e1").await;
    brand.close(&paid.decision, &paid.grant, playbook_online::settled(None)).await.unwrap();
    let dropped = give(&brand, "dropper", "e1").await;
    brand.close(&dropped.decision, &dropped.grant, Closure::Release).await.unwrap();
    let free = |brand: &Brand| {
        let daily = |path: &str| path == "demo-club/demo-club/daily";
        let balances = brand.balances().unwrap();
        balances.iter().find(|balance| daily(&balance.path)).unwrap().available().0
    };
    let before = free(&brand);
    world.assert_money(reserved, paid.cost);
    // The whole cycle's grants end at one time; whatever is asked next finds the money free.
    world.at(DAY);
    let made = brand.ask_for_money(ask("daily", "burst", 1), "first", "one").await.unwrap();
    assert_eq!(made.state, MoneyRequestState::Waiting);
    assert_eq!(free(&brand) - before, reserved);
    world.assert_money(0, paid.cost);
}

#[tokio::test(flavor = "multi_thread")]
async fn y098_a_request_is_answered_in_4_hours_or_escalated_once_and_users_come_first() {
    let world = world();
    let brand = world.open();
    let needs = [Need::Cost, Need::User, Need::Strategic, Need::User];
    for (at, need) in needs.into_iter().enumerate() {
        world.at(at as i64);
        let ask = MoneyAsk { need, ..ask("base", "daily", 100) };
        brand.ask_for_money(ask, "first", &format!("key {at}")).await.unwrap();
    }
    let numbers = |brand: &Brand| {
        let waiting = brand.waiting_money_requests().unwrap();
        waiting.iter().map(|request| request.number).collect::<Vec<_>>()
    };
    assert_eq!(numbers(&brand), [2, 4, 3, 1]);
    approve(&brand, 2).await.unwrap();
    let refused = brand.answer_money_request(1, false, "first", "not now").await.unwrap();
    assert_eq!(refused.state, MoneyRequestState::Refused);
    assert_eq!(numbers(&brand), [4, 3]);

    let late = |brand: &Brand| {
        brand.tend_money_requests().unwrap();
        let alerts = brand.alerts().unwrap();
        let late = alerts.iter().filter(|alert| alert.rule.code() == "request-late");
        late.map(|alert| (alert.scope.clone(), alert.times)).collect::<Vec<_>>()
    };
    world.at(2 + ANSWER_MS - 1);
    assert_eq!(late(&brand), []);
    world.at(2 + ANSWER_MS);
    let three = ("request 3".to_owned(), 1);
    assert_eq!(late(&brand), [three.clone()]);
    world.at(3 + ANSWER_MS);
    let four = ("request 4".to_owned(), 1);
    assert_eq!(late(&brand), [four.clone(), three.clone()]);
    world.at(2 * ANSWER_MS);
    assert_eq!(late(&brand), [four, three], "each is told of once");
    // One that is asked later is told of later, also after a start.
    brand.ask_for_money(ask("base", "daily", 1), "first", "last").await.unwrap();
    drop(brand);
    let brand = world.open();
    world.at(3 * ANSWER_MS);
    assert_eq!(late(&brand)[0].0, "request 5");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_is_made_once_under_its_key_and_names_pools_that_there_are() {
    let world = world();
    let brand = world.open();
    let made = brand.ask_for_money(ask("base", "daily", 100), "first", "key").await.unwrap();
    let again = brand.ask_for_money(ask("base", "daily", 100), "first", "key").await.unwrap();
    assert_eq!(made, again);
    for (ask, by) in [(ask("base", "daily", 101), "first"), (ask("base", "daily", 100), "other")] {
        let other = brand.ask_for_money(ask, by, "key").await;
        assert!(matches!(other, Err(OnlineError::OtherRequest)), "{other:?}");
    }
    let plan = |plan: &str| MoneyAsk { plan: Some(plan.to_owned()), ..ask("reserve", "daily", 1) };
    let wrong = [
        ("to", ask("base", "reserve", 1)),
        ("to", ask("base", "nowhere", 1)),
        ("from", ask("daily", "daily", 1)),
        ("from", ask("nowhere", "daily", 1)),
        ("amount_minor", ask("base", "daily", 0)),
        ("amount_minor", ask("base", "daily", -1)),
        ("reason", MoneyAsk { reason: " ".to_owned(), ..ask("base", "daily", 1) }),
        ("plan", plan("")),
        ("plan", plan("a b")),
    ];
    for (field, ask) in wrong {
        let refused = brand.ask_for_money(ask, "first", field).await;
        let Err(OnlineError::Fields(faults)) = refused else { panic!("{field}: {refused:?}") };
        assert_eq!(faults[0].field, field);
    }
    let unknown = approve(&brand, 2).await;
    assert!(matches!(unknown, Err(OnlineError::Unknown("request"))), "{unknown:?}");
    // More than a pool has free stays where it is.
    let [base] = allocated(&brand, ["base"]);
    brand.ask_for_money(ask("base", "daily", base + 1), "first", "more").await.unwrap();
    let short = approve(&brand, 2).await;
    assert!(matches!(short, Err(OnlineError::NotFree { free }) if free == Minor(base)));
    assert_eq!(allocated(&brand, ["base"]), [base]);
}
