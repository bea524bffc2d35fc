//! The writer against a model that keeps plain numbers: decisions, settling, releasing, refunds and time in random order, with
//! money that runs out.

use std::collections::BTreeMap;

use playbook_ledger::Closure;
use playbook_model::{GrantTerms, Minor, RefundRule};
use playbook_online::{Ask, Brand, EventFate, OnlineError, settled};
use serde_json::json;

use crate::brand::{DAY, T, event, welcome};
use crate::world::World;

/// A small generator, so that a failing seed can be run again.
struct Draws(u64);

impl Draws {
    fn below(&mut self, bound: i64) -> i64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        i64::try_from(self.0 % bound.unsigned_abs()).unwrap()
    }
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum State {
    /// Reserved, of which this much may be settled.
    Open(i64),
    /// Paid, and not taken back.
    Paid(i64),
    Gone,
    Ended,
}

#[derive(Debug)]
struct Grant {
    decision: String,
    key: String,
    cost: i64,
    ends: i64,
    order: usize,
    state: State,
}

/// What the model knows: sums alone.
#[derive(Debug, Default)]
struct Model {
    money: i64,
    now: i64,
    /// Amount and what is left of it.
    orders: Vec<(i64, i64)>,
    grants: Vec<Grant>,
}

impl Model {
    fn reserved(&self) -> i64 {
        let open = self.grants.iter().filter(|grant| matches!(grant.state, State::Open(_)));
        open.map(|grant| grant.cost).sum()
    }

    fn spent(&self) -> i64 {
        let paid = |grant: &Grant| if let State::Paid(paid) = grant.state { paid } else { 0 };
        self.grants.iter().map(paid).sum()
    }

    /// Time goes on, or back; grants end for good.
    fn at(&mut self, now: i64) {
        self.now = now;
        for grant in &mut self.grants {
            if matches!(grant.state, State::Open(_)) && grant.ends <= now {
                grant.state = State::Ended;
            }
        }
    }

    fn refund(&mut self, order: usize, amount: i64, rule: RefundRule) {
        let left = self.orders[order].1;
        let part = amount.min(left);
        self.orders[order].1 -= part;
        if part == 0 && left > 0 || rule == RefundRule::Nothing {
            return;
        }
        let is_all = rule == RefundRule::Whole || part == left;
        for grant in self.grants.iter_mut().filter(|grant| grant.order == order) {
            let taken = |held: i64| if is_all { held } else { held * part / left };
            grant.state = match grant.state {
                State::Open(_) if is_all => State::Gone,
                State::Open(most) => State::Open(most - taken(most)),
                State::Paid(paid) => State::Paid(paid - taken(paid)),
                closed => closed,
            };
        }
    }

    /// What closing a grant comes to.
    fn close(&mut self, at: usize, paid: Option<i64>) -> &'static str {
        let grant = &mut self.grants[at];
        match (grant.state, paid) {
            (State::Open(most), Some(paid)) if paid > most => "closed",
            (State::Open(_), Some(paid)) => {
                grant.state = State::Paid(paid);
                "done"
            }
            (State::Open(_), None) => {
                grant.state = State::Gone;
                "done"
            }
            (State::Ended, Some(_)) => "ended",
            (State::Ended | State::Gone, None) => "done",
            _ => "closed",
        }
    }
}

async fn check(seed: u64, rule: RefundRule) {
    let world = World::new(
        |playbook| {
            let budget = playbook.budget.as_mut().unwrap();
            (budget.total, budget.plugin_share_max) = (Minor(60_000), 1.0);
            playbook.guardrails.single_investment_max = 1.0;
        },
        |def, _| def.terms = GrantTerms { refund: rule, expiry_ms: 3 * DAY },
    );
    let mut brand = world.open();
    let pool = |brand: &Brand| {
        let all = brand.balances().unwrap();
        all.iter().find(|a| a.path.ends_with("/daily")).unwrap().clone()
    };
    let mut model = Model { money: pool(&brand).allocated.0, now: T, ..Model::default() };
    let mut draws = Draws(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
    for member in ["m0", "m1", "m2"] {
        welcome(&brand, member).await;
    }
    let (mut refused, mut outcomes) = (0, BTreeMap::<&str, u32>::new());
    for turn in 0..150 {
        match draws.below(12) {
            0..4 => {
                let number = model.orders.len();
                let (member, id) = (format!("m{}", number % 3), format!("order-{number}"));
                let amount = 1 + draws.below(20_000);
                let mut paid = event(&id, &member, "order_paid", 2);
                paid.insert("amount_minor".to_owned(), json!(amount));
                brand.events(&[paid]).await.unwrap();
                model.orders.push((amount, amount));
                let ask = Ask { member, at: Some(T), event: Some(id.clone()) };
                let decision = brand.decide(&ask, &id).await.unwrap().decision;
                let left = model.money - model.reserved() - model.spent();
                for effect in decision.granted.iter().filter(|e| e.status == "granted") {
                    assert!(effect.cost_minor <= left, "seed {seed}, turn {turn}");
                    model.grants.push(Grant {
                        decision: decision.id.clone().unwrap(),
                        key: effect.grant.clone().unwrap(),
                        cost: effect.cost_minor,
                        ends: model.now + 3 * DAY,
                        order: number,
                        state: State::Open(effect.cost_minor),
                    });
                }
                for effect in &decision.refused {
                    let code = effect.refusal.as_ref().unwrap().code;
                    assert_eq!(code, "R15", "seed {seed}, turn {turn}");
                    assert!(effect.cost_minor > left, "seed {seed}, turn {turn}");
                    refused += 1;
                }
            }
            4..7 if !model.grants.is_empty() => {
                let at = usize::try_from(draws.below(model.grants.len() as i64)).unwrap();
                let (cost, key) = (model.grants[at].cost, model.grants[at].key.clone());
                let paid = (draws.below(4) > 0).then(|| draws.below(cost + cost / 4 + 1));
                let closure = paid.map_or(Closure::Release, |paid| settled(Some(paid)));
                let decision = model.grants[at].decision.clone();
                let was = model.grants[at].state;
                let said = match brand.close(&decision, &key, closure).await {
                    Ok(()) => "done",
                    Err(OnlineError::Ended) => "ended",
                    Err(OnlineError::Closed(_)) => "closed",
                    Err(error) => panic!("{error}"),
                };
                let want = model.close(at, paid);
                // The same amount again is no other settlement.
                if !(matches!(was, State::Paid(_)) && said == "done") {
                    assert_eq!(said, want, "seed {seed}, turn {turn}, {was:?}, {paid:?}");
                }
                *outcomes.entry(said).or_default() += 1;
            }
            7..10 if !model.orders.is_empty() => {
                let at = usize::try_from(draws.below(model.orders.len() as i64)).unwrap();
                let mut refund =
                    event(&format!("r{turn}"), &format!("m{}", at % 3), "order_refunded", 1);
                let amount = draws.below(12_000);
                refund.insert("amount_minor".to_owned(), json!(amount));
                refund.insert("original_order".to_owned(), json!(format!("order-{at}")));
                let fate = brand.events(&[refund]).await.unwrap().remove(0).unwrap();
                assert_eq!(fate, EventFate::Accepted);
                model.refund(at, amount, rule);
            }
            10 => {
                // Mostly on, sometimes back: an hour or a day.
                let jump = [DAY, DAY, DAY / 24, -DAY / 24, -DAY][draws.below(5) as usize];
                let now = (model.now + jump).max(T);
                world.at(now - T);
                brand.events(&[event(&format!("tick-{turn}"), "m0", "like", 3)]).await.unwrap();
                model.at(now);
            }
            _ => {
                drop(brand);
                brand = world.open();
            }
        }
        let account = pool(&brand);
        assert_eq!(
            (account.reserved.0, account.spent.0),
            (model.reserved(), model.spent()),
            "seed {seed}, {rule:?}, turn {turn}"
        );
    }
    assert!(outcomes.len() >= 2 && model.grants.len() > 10, "{outcomes:?}, {refused} refused");
    drop(brand);
    world.assert_money(model.reserved(), model.spent());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_writer_answers_as_a_model_of_sums_does() {
    for seed in 1..=4 {
        for rule in RefundRule::ALL {
            check(seed, rule).await;
        }
    }
}
