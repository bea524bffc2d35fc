//! Claims about decisions in groups: each is what it would be if it were booked and committed by itself.

use playbook_ledger::{Closure, LedgerError, Proof, SettleAnswer};
use playbook_model::{Digest, UnixMs};

use super::{Asking, Decided, LiveGroup, LiveMoney, MoneyRole};
use crate::book::tests::{Brand, CAPS, CYCLE, Draws, MEMBERS, NOW, STAGE_CAP, proposals, rules};
use crate::decide::Policy;
use crate::facts::FactColumns;
use crate::proposal::{Candidate, Decision};

impl Brand {
    fn live(&self) -> LiveMoney {
        let turn = self.ledger.turn().expect("nobody writes");
        LiveMoney::open(
            &turn,
            self.plan.clone(),
            CYCLE,
            Digest::of(b"run"),
            (NOW, MoneyRole::Leads),
        )
        .expect("the plan is right")
    }

    fn policy(&self) -> Policy {
        Policy::new(&rules(), self.spenders())
    }
}

/// What is asked of one member: its candidates in row 0.
fn asked(candidates: &[Candidate], row: u32) -> Vec<Candidate> {
    let own = candidates.iter().filter(|c| c.row == row);
    own.map(|c| Candidate { row: 0, ..*c }).collect()
}

fn decide(
    group: &mut LiveGroup<'_, '_, '_>,
    policy: &Policy,
    member: i64,
    candidates: Vec<Candidate>,
) -> Result<Vec<Decided>, LedgerError> {
    let facts = FactColumns::of_one(CAPS, Some(STAGE_CAP));
    let facts = &facts;
    let (accounts, local_day, event) = (&[][..], 20_000, None);
    group.decide(Asking { policy, facts, member, accounts, local_day, event, candidates })
}

#[test]
fn decisions_in_groups_are_those_of_one_commit_each() {
    for seed in 1..5 {
        let (grouped, single) = (Brand::new(), Brand::new());
        let policy = grouped.policy();
        let mut live = grouped.live();
        let mut draws = Draws(seed);
        let candidates = proposals(&mut draws);
        let mut at = NOW.0;
        let mut granted = 0;
        for _ in 0..60 {
            at += draws.below(9_000_000) as i64;
            let rows: Vec<u32> =
                (0..=draws.below(12)).map(|_| draws.below(MEMBERS as u64) as u32).collect();
            let turn = grouped.ledger.turn().expect("nobody writes");
            let ours: Vec<Vec<Decided>> = live
                .group(&turn, UnixMs(at), |group| {
                    let ask = |row: &u32| {
                        let key = grouped.keys[*row as usize];
                        decide(group, &policy, key, asked(&candidates, *row))
                    };
                    rows.iter().map(ask).collect::<Result<_, LedgerError>>()
                })
                .expect("the storage answers");
            for (row, ours) in rows.iter().zip(ours) {
                let theirs = single.call(UnixMs(at), &candidates_of(&candidates, *row));
                let told = |d: &Decision| {
                    (d.candidate.stage, d.candidate.action, d.refusal, d.granted_before)
                };
                let ours: Vec<_> = ours.iter().map(|d| told(&d.decision)).collect();
                let theirs: Vec<_> = theirs.decisions.iter().map(told).collect();
                assert_eq!(ours, theirs, "member {row}, seed {seed}");
                granted += theirs.iter().filter(|(.., refusal, _)| refusal.is_none()).count();
            }
        }
        assert!(granted > 40, "{granted}");
        grouped.assert_rules();
        let balances = |brand: &Brand| brand.ledger.balances().expect("the storage answers");
        assert_eq!(balances(&grouped), balances(&single));
    }
}

fn candidates_of(candidates: &[Candidate], row: u32) -> Vec<Candidate> {
    candidates.iter().filter(|c| c.row == row).copied().collect()
}

#[test]
fn a_group_that_fails_leaves_nothing_and_the_next_one_sees_the_ledger() {
    let brand = Brand::new();
    let policy = brand.policy();
    let mut live = brand.live();
    let candidates = proposals(&mut Draws(3));
    let all = |live: &mut LiveMoney, fails: bool| {
        let turn = brand.ledger.turn().expect("nobody writes");
        live.group(&turn, NOW, |group| {
            let mut decided = Vec::new();
            for (row, key) in (0..).zip(&brand.keys) {
                decided.extend(decide(group, &policy, *key, asked(&candidates, row))?);
            }
            if fails { Err(LedgerError::Overflow) } else { Ok(decided) }
        })
    };
    let head = brand.ledger.head().expect("the storage answers");
    assert!(all(&mut live, true).is_err());
    assert_eq!(brand.ledger.head().expect("the storage answers"), head);
    let first = all(&mut live, false).expect("the storage answers");
    let new = first.iter().filter(|d| d.decision.is_new()).count();
    assert!(new > 50, "{new}");
    let again = all(&mut live, false).expect("the storage answers");
    assert!(again.iter().all(|d| !d.decision.is_new()));
    assert_eq!(again.iter().filter(|d| d.decision.granted_before).count(), new);
    brand.assert_rules();
}

#[test]
fn what_others_book_between_groups_counts_and_a_release_gives_back() {
    let brand = Brand::new();
    let policy = brand.policy();
    let mut live = brand.live();
    let candidates = proposals(&mut Draws(4));
    let call = |live: &mut LiveMoney, row: u32, at: i64| {
        let turn = brand.ledger.turn().expect("nobody writes");
        let asked = asked(&candidates, row);
        live.group(&turn, UnixMs(at), |group| {
            decide(group, &policy, brand.keys[row as usize], asked)
        })
        .expect("the storage answers")
    };
    let first = call(&mut live, 0, NOW.0);
    let granted: Vec<&Decided> = first.iter().filter(|d| d.decision.is_new()).collect();
    assert!(!granted.is_empty());
    // Another process books for the next members.
    brand.call(UnixMs(NOW.0 + 1), &candidates_of(&candidates, 1));
    let after = call(&mut live, 1, NOW.0 + 2);
    assert!(after.iter().all(|d| !d.decision.is_new()));
    let key = granted[0].key.expect("a grant has a key");
    let close = |live: &mut LiveMoney| {
        let turn = brand.ledger.turn().expect("nobody writes");
        live.group(&turn, UnixMs(NOW.0 + 3), |group| {
            let cycle = group.cycle().clone();
            group.close(&cycle, brand.keys[0], &key, Closure::Release)
        })
    };
    assert!(matches!(close(&mut live), Ok(SettleAnswer::Done { .. })));
    assert!(matches!(close(&mut live), Ok(SettleAnswer::Already { .. })));
    let again = call(&mut live, 0, NOW.0 + 4);
    let released = again.iter().find(|d| d.key == Some(key)).expect("it is asked again");
    assert!(!released.decision.is_new(), "a key stands for one grant for ever");
    assert!(matches!(brand.ledger.prove(), Ok(Proof::Sound { .. })));
}
