//! Random sequences of requests against a simple model that keeps sums only.

use std::collections::BTreeMap;

use crate::fresh;
use crate::shared::{Calls as _, NOW, assert_sound, cycle, key, plan, request};
use playbook_ledger::{
    AccountId, BudgetAccounts, GrantAnswer, Ledger, LedgerError, Movement, SettleAnswer,
};
use playbook_model::Minor;

/// A small generator, so that a failing seed can be run again.
struct Draws(u64);

impl Draws {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % bound
    }
}

/// What a grant is, in the model.
#[derive(Clone, Copy)]
enum State {
    Open(i64),
    Paid(i64),
    Freed,
}

/// Pools and limits as plain sums; one stage per pool.
struct Model {
    pool: BTreeMap<&'static str, i64>,
    limit: BTreeMap<&'static str, i64>,
    grants: BTreeMap<String, (&'static str, State)>,
}

impl Model {
    fn bound(&self, stage: &str) -> i64 {
        let of = |(name, state): &(&str, State)| match state {
            State::Open(amount) | State::Paid(amount) if *name == stage => *amount,
            _ => 0,
        };
        self.grants.values().map(of).sum()
    }

    fn available(&self, stage: &'static str) -> i64 {
        (self.pool[stage].min(self.limit[stage])) - self.bound(stage)
    }
}

const STAGES: [(&str, &str); 2] = [("points", "daily"), ("coupons", "burst")];

fn check(seed: u64) {
    let (_home, ledger) = fresh();
    let accounts = ledger.ensure_budget(&plan(10_000), NOW).unwrap();
    ledger.begin_cycle(&cycle(1), key("run"), NOW).unwrap();
    let mut model = Model {
        pool: BTreeMap::from([("points", 3_150), ("coupons", 2_250)]),
        limit: BTreeMap::from([("points", 1_575), ("coupons", 1_125)]),
        grants: BTreeMap::new(),
    };
    let mut draws = Draws(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
    let mut number = 1;
    for turn in 0..200 {
        let (stage, pool) = STAGES[usize::try_from(draws.below(2)).unwrap()];
        match draws.below(10) {
            0..5 => grant(&ledger, &accounts, &mut model, &mut draws, number, (stage, turn)),
            5..8 => close(&ledger, &mut model, &mut draws),
            8 => transfer(&ledger, &accounts, &mut model, &mut draws, (stage, pool, turn)),
            _ => {
                number += 1;
                ledger.begin_cycle(&cycle(number), key("run"), NOW).unwrap();
                let bound =
                    [("points", 1_575), ("coupons", 1_125)].map(|(s, l)| (s, model.bound(s) + l));
                model.limit = BTreeMap::from(bound);
            }
        }
        for (stage, _) in STAGES {
            let left = ledger.available(accounts.plugins[stage]);
            assert_eq!(left.0, model.available(stage), "seed {seed}, turn {turn}, {stage}");
        }
    }
    assert_sound(&ledger);
}

fn grant(
    ledger: &Ledger,
    accounts: &BudgetAccounts,
    model: &mut Model,
    draws: &mut Draws,
    number: i64,
    (stage, turn): (&'static str, i32),
) {
    let cost = i64::try_from(draws.below(400)).unwrap();
    let name = format!("{turn}");
    let asked = request(&name, accounts.plugins[stage], cost);
    let answer = ledger.grant_batch(&cycle(number), NOW, &[asked]).unwrap()[0];
    if cost <= model.available(stage) {
        assert!(matches!(answer, GrantAnswer::Granted { .. }), "{answer:?}");
        model.grants.insert(name, (stage, State::Open(cost)));
    } else {
        assert!(matches!(answer, GrantAnswer::Refused { .. }), "{answer:?}");
    }
}

fn close(ledger: &Ledger, model: &mut Model, draws: &mut Draws) {
    let count = u64::try_from(model.grants.len()).unwrap();
    if count == 0 {
        return;
    }
    let at = usize::try_from(draws.below(count)).unwrap();
    let (name, (_, state)) = model.grants.iter_mut().nth(at).unwrap();
    let actual = i64::try_from(draws.below(400)).unwrap();
    let release = draws.below(3) == 0;
    let answer =
        if release { ledger.release(&key(name)) } else { ledger.settle(&key(name), actual) };
    match *state {
        State::Open(_) if release => {
            assert!(matches!(answer, SettleAnswer::Done { .. }));
            *state = State::Freed;
        }
        State::Open(cost) if actual <= cost => {
            assert!(matches!(answer, SettleAnswer::Done { .. }));
            *state = State::Paid(actual);
        }
        State::Open(cost) => assert_eq!(answer, SettleAnswer::TooMuch { reserved: Minor(cost) }),
        State::Freed if release => assert!(matches!(answer, SettleAnswer::Already { .. })),
        State::Paid(paid) if !release && paid == actual => {
            assert!(matches!(answer, SettleAnswer::Already { .. }));
        }
        _ => assert!(matches!(answer, SettleAnswer::Otherwise { .. }), "{answer:?}"),
    }
}

fn transfer(
    ledger: &Ledger,
    accounts: &BudgetAccounts,
    model: &mut Model,
    draws: &mut Draws,
    (stage, pool, turn): (&'static str, &str, i32),
) {
    let (other, other_pool) = STAGES[usize::from(stage == "points")];
    let amount = i64::try_from(draws.below(900)).unwrap();
    let (from, to): (AccountId, AccountId) = (accounts.pools[pool], accounts.pools[other_pool]);
    let movement = Movement::Transfer { from, to, amount: Minor(amount) };
    let answer = ledger.move_money(movement, key(&format!("move {turn}")), NOW);
    if amount <= model.pool[stage] - model.bound(stage) {
        answer.unwrap();
        *model.pool.get_mut(stage).unwrap() -= amount;
        *model.pool.get_mut(other).unwrap() += amount;
    } else {
        assert!(matches!(answer, Err(LedgerError::Committed { .. })), "{answer:?}");
    }
}

#[test]
fn random_sequences_answer_as_the_model_does() {
    (1..=12).for_each(check);
}
