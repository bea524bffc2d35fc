//! A small brand that the tests of the ledger share.
#![allow(dead_code, reason = "each test file uses a part")]

use std::collections::BTreeMap;

use playbook_ledger::{
    AccountId, BudgetPlan, Closure, CycleRef, GrantAnswer, GrantRequest, GrantState, Ledger,
    LedgerError, PluginLimit, Proof, SettleAnswer,
};
use playbook_model::{Digest, Minor, UnixMs};

pub(crate) const BRAND: &str = "aurora";
pub(crate) const DAY: i64 = 86_400_000;
pub(crate) const NOW: UnixMs = UnixMs(20_000 * DAY);

/// 1 000 000 in three pools (domain H7's check), one granting stage in two of them.
pub(crate) fn plan(total: i64) -> BudgetPlan {
    BudgetPlan {
        playbook: "club".to_owned(),
        total: Minor(total),
        reserve_share: 0.1,
        pools: BTreeMap::from([
            ("base".to_owned(), 0.4),
            ("daily".to_owned(), 0.35),
            ("burst".to_owned(), 0.25),
        ]),
        plugins: vec![
            PluginLimit { stage: "points".to_owned(), pool: Some("daily".to_owned()) },
            PluginLimit { stage: "coupons".to_owned(), pool: Some("burst".to_owned()) },
            PluginLimit { stage: "words".to_owned(), pool: None },
        ],
        plugin_share_max: 0.5,
    }
}

pub(crate) fn cycle(number: i64) -> CycleRef {
    CycleRef { playbook: "club".to_owned(), number }
}

pub(crate) fn key(text: &str) -> Digest {
    Digest::of(text.as_bytes())
}

pub(crate) fn request(name: &str, account: AccountId, cost: i64) -> GrantRequest<'static> {
    GrantRequest {
        key: key(name),
        account,
        member: i64::from(name.bytes().map(u32::from).sum::<u32>()),
        stage: "points",
        action: "points",
        family: "points",
        quantity: 1,
        cost: Minor(cost),
        expected_output: Minor(cost * 5),
        priority: 2,
        contacts_member: true,
        commercial: false,
    }
}

#[track_caller]
pub(crate) fn assert_sound(ledger: &Ledger) {
    let proof = ledger.prove().expect("the storage answers");
    assert!(matches!(proof, Proof::Sound { .. }), "{proof:?}");
}

/// Short forms of calls that tests make often: each a unit of work of its own.
pub(crate) trait Calls {
    fn grant_batch(
        &self,
        cycle: &CycleRef,
        at: UnixMs,
        requests: &[GrantRequest<'_>],
    ) -> Result<Vec<GrantAnswer>, LedgerError>;
    fn close(&self, grant: &Digest, closure: Closure) -> Result<SettleAnswer, LedgerError>;
    fn settle_all(&self, cycle: &CycleRef);
    fn available(&self, account: AccountId) -> Minor;
    fn granted(&self, cycle: &CycleRef) -> usize;

    fn settle(&self, grant: &Digest, paid: i64) -> SettleAnswer {
        self.close(grant, Closure::Settle(Some(Minor(paid)))).expect("the storage answers")
    }

    fn release(&self, grant: &Digest) -> SettleAnswer {
        self.close(grant, Closure::Release).expect("the storage answers")
    }
}

impl Calls for Ledger {
    fn grant_batch(
        &self,
        cycle: &CycleRef,
        at: UnixMs,
        requests: &[GrantRequest<'_>],
    ) -> Result<Vec<GrantAnswer>, LedgerError> {
        self.turn()?.grant_batch(cycle, at, requests)
    }

    fn close(&self, grant: &Digest, closure: Closure) -> Result<SettleAnswer, LedgerError> {
        Ok(self.turn()?.close_batch(&cycle(1), &[(*grant, closure)], NOW)?[0])
    }

    fn settle_all(&self, cycle: &CycleRef) {
        let standing = self.standing(cycle).expect("the cycle was begun");
        let open = standing.grants.iter().filter(|(_, grant)| grant.state == GrantState::Open);
        let closures: Vec<_> = open.map(|(key, _)| (*key, Closure::Settle(None))).collect();
        let turn = self.turn().expect("nobody writes");
        turn.close_batch(cycle, &closures, NOW).expect("the storage answers");
    }

    fn available(&self, account: AccountId) -> Minor {
        let standing = self.standing(&cycle(1)).expect("the cycle was begun");
        standing.accounts[&account].now
    }

    fn granted(&self, cycle: &CycleRef) -> usize {
        self.standing(cycle).expect("the cycle was begun").grants.len()
    }
}
