//! A store whose n-th write fails, and the claim that a group that meets it leaves nothing.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use playbook_model::{Digest, Minor, UnixMs};

use crate::account::Balance;
use crate::sqlite::Sqlite;
use crate::store::{
    Access, CycleRow, Depth, Group, Head, Leases, OnRow, Openings, Row, RowScope, Scope, Store,
    Transaction, UsedKey, Visit, VisitRow,
};
use crate::{
    AccountId, BudgetPlan, Closure, CycleRef, Entry, GrantRequest, GroupWork, Ledger, LedgerError,
    Movement, PluginLimit, Proof,
};

/// Writes that succeed before one fails.
type Left = Arc<AtomicI64>;

#[derive(Debug)]
struct Faulty(Sqlite, Left);

struct FaultyStep<'s>(Box<dyn Transaction + 's>, Left);

impl FaultyStep<'_> {
    fn write(&self) -> Result<(), LedgerError> {
        let left = self.1.fetch_sub(1, Ordering::Relaxed);
        if left == 0 { Err(LedgerError::Damaged("the disk is full".to_owned())) } else { Ok(()) }
    }
}

impl Store for Faulty {
    fn begin(&mut self, access: Access) -> Result<Box<dyn Transaction + '_>, LedgerError> {
        let left = Arc::clone(&self.1);
        Ok(Box::new(FaultyStep(self.0.begin(access)?, left)))
    }

    fn inspect(&mut self, depth: Depth) -> Result<Option<String>, LedgerError> {
        self.0.inspect(depth)
    }

    fn leases(&self) -> Arc<dyn Leases> {
        self.0.leases()
    }
}

impl Transaction for FaultyStep<'_> {
    fn accounts(&mut self) -> Result<Vec<Balance>, LedgerError> {
        self.0.accounts()
    }

    fn put_accounts(&mut self, rows: &[Balance]) -> Result<(), LedgerError> {
        self.write()?;
        self.0.put_accounts(rows)
    }

    fn head(&mut self) -> Result<Head, LedgerError> {
        self.0.head()
    }

    fn used_key(&mut self, key: &Digest) -> Result<Option<UsedKey>, LedgerError> {
        self.0.used_key(key)
    }

    fn closing_of(&mut self, entry: i64) -> Result<Option<(i64, Digest)>, LedgerError> {
        self.0.closing_of(entry)
    }

    fn foresee(&mut self, keys: &[Digest]) -> Result<(), LedgerError> {
        self.0.foresee(keys)
    }

    fn foresee_rows(&mut self, places: &[(u8, i64, &[u8])]) -> Result<(), LedgerError> {
        self.0.foresee_rows(places)
    }

    fn announce(&mut self) -> Result<(), LedgerError> {
        self.0.announce()
    }

    fn append_entry(&mut self, entry: &Entry<'_>, hash: &Digest) -> Result<(), LedgerError> {
        self.write()?;
        self.0.append_entry(entry, hash)
    }

    fn append_group(&mut self, group: &Group) -> Result<(), LedgerError> {
        self.write()?;
        self.0.append_group(group)
    }

    fn groups(&mut self, from: i64) -> Result<Vec<Group>, LedgerError> {
        self.0.groups(from)
    }

    fn scan(&mut self, scope: Scope<'_>, visit: &mut Visit<'_>) -> Result<(), LedgerError> {
        self.0.scan(scope, visit)
    }

    fn cycle(&mut self, cycle: &CycleRef) -> Result<Option<CycleRow>, LedgerError> {
        self.0.cycle(cycle)
    }

    fn cycles(&mut self) -> Result<std::collections::BTreeMap<CycleRef, CycleRow>, LedgerError> {
        self.0.cycles()
    }

    fn put_cycle(&mut self, cycle: &CycleRef, row: &CycleRow) -> Result<(), LedgerError> {
        self.write()?;
        self.0.put_cycle(cycle, row)
    }

    fn openings(&mut self, cycle: &CycleRef) -> Result<Openings, LedgerError> {
        self.0.openings(cycle)
    }

    fn put_openings(&mut self, cycle: &CycleRef, rows: &Openings) -> Result<(), LedgerError> {
        self.write()?;
        self.0.put_openings(cycle, rows)
    }

    fn put_rows(&mut self, rows: &[Row<'_>], on_row: OnRow) -> Result<Vec<bool>, LedgerError> {
        self.write()?;
        self.0.put_rows(rows, on_row)
    }

    fn rows(
        &mut self,
        space: u8,
        scope: RowScope<'_>,
        visit: &mut VisitRow<'_>,
    ) -> Result<(), LedgerError> {
        self.0.rows(space, scope, visit)
    }

    fn remove_rows(&mut self, space: u8, owner: i64) -> Result<u64, LedgerError> {
        self.write()?;
        self.0.remove_rows(space, owner)
    }

    fn commit(self: Box<Self>) -> Result<(), LedgerError> {
        self.write()?;
        self.0.commit()
    }
}

const AT: UnixMs = UnixMs(1_000);

fn cycle(number: i64) -> CycleRef {
    CycleRef { playbook: "club".to_owned(), number }
}

fn key(text: &str) -> Digest {
    Digest::of(text.as_bytes())
}

fn ask(account: AccountId, name: &str) -> GrantRequest<'static> {
    GrantRequest {
        key: key(name),
        account,
        member: 7,
        stage: "points",
        action: "points",
        family: "points",
        quantity: 1,
        cost: Minor(100),
        expected_output: Minor(500),
        priority: 2,
        contacts_member: true,
        commercial: false,
    }
}

/// Everything that a group may do: grants, closings of two cycles, a recovery, a freeze, rows.
fn everything(group: &mut GroupWork<'_, '_>) -> Result<(), LedgerError> {
    let account = group.account("aurora/club/daily/points").expect("it is there").id;
    group.grant(&ask(account, "new"))?;
    group.put_rows(&[Row { space: 1, owner: 7, key: b"a", value: b"1" }], OnRow::Goes)?;
    group.close_of(&cycle(1), &key("old"), Closure::Settle(Some(Minor(60))))?;
    group.recover(&cycle(1), &key("old"), Minor(20))?;
    group.close_of(&cycle(1), &key("older"), Closure::Release)?;
    group.remove_rows(2, 7)?;
    let pool = group.account("aurora/club/burst").expect("it is there").id;
    group.move_money(Movement::Freeze(pool), key("freeze"))?;
    group.grant(&ask(account, "newer"))?;
    group.close(&key("new"), Closure::Settle(None)).map(|_| ())
}

/// A ledger of two pools and a stage on each, on a store whose writes fail when a test says so.
fn faulty() -> (Ledger, Left, BudgetPlan) {
    let left: Left = Arc::new(AtomicI64::new(i64::MAX));
    let store = Sqlite::in_memory("aurora").expect("memory is there");
    let ledger = Ledger::over("aurora", Box::new(Faulty(store, Arc::clone(&left))));
    let stage = |stage: &str, pool: &str| PluginLimit {
        stage: stage.to_owned(),
        pool: Some(pool.to_owned()),
    };
    let plan = BudgetPlan {
        playbook: "club".to_owned(),
        total: Minor(10_000),
        reserve_share: 0.1,
        pools: [("base", 0.2), ("daily", 0.4), ("burst", 0.4)]
            .map(|(name, share)| (name.to_owned(), share))
            .into(),
        plugins: vec![stage("points", "daily"), stage("funded", "burst")],
        plugin_share_max: 1.0,
    };
    (ledger, left, plan)
}

#[test]
fn y035_what_moves_between_two_accounts_posts_on_both_or_on_neither() {
    let (ledger, left, plan) = faulty();
    let turn = ledger.turn().expect("nobody writes");
    let accounts = turn.ensure_budget(&plan, AT).expect("the plan is right");
    turn.begin_cycle(&cycle(1), key("run"), AT).expect("the storage answers");
    let (from, to) = (accounts.pools["base"], accounts.pools["daily"]);
    let both = || {
        let all = ledger.balances().expect("the storage answers");
        [from, to].map(|id| all.iter().find(|known| known.id == id).expect("it is there").allocated)
    };
    let before = both();
    let mut standing = None;
    let mut failed = 0;
    for nth in 0.. {
        left.store(nth, Ordering::Relaxed);
        let moved = turn.group(&cycle(1), AT, &mut standing, |group| {
            let exchange = Movement::Transfer { from, to, amount: Minor(700) };
            group.move_money(exchange, key("exchange"))
        });
        left.store(i64::MAX, Ordering::Relaxed);
        if moved.is_ok() {
            break;
        }
        assert_eq!(both(), before, "the write {nth} failed");
        failed += 1;
    }
    assert!(failed > 2, "{failed}");
    assert_eq!(both(), [Minor(before[0].0 - 700), Minor(before[1].0 + 700)]);
    // The cost of what a partner funds lands on the partner's account and on no other.
    let funding = accounts.pools["burst"];
    let free = |id: AccountId| {
        let all = ledger.balances().expect("the storage answers");
        all.into_iter().find(|known| known.id == id)
    };
    turn.group(&cycle(1), AT, &mut standing, |group| {
        let funded = GrantRequest { stage: "funded", ..ask(accounts.plugins["funded"], "gift") };
        group.grant(&funded)?;
        group.close(&key("gift"), Closure::Settle(None))
    })
    .expect("the storage answers");
    let spent = |id: AccountId| free(id).expect("it is there").spent;
    assert_eq!([spent(funding), spent(from), spent(to)], [Minor(100), Minor::ZERO, Minor::ZERO]);
    assert!(matches!(ledger.prove(), Ok(Proof::Sound { .. })));
}

#[test]
fn a_write_that_fails_leaves_nothing_of_its_group_whichever_it_is() {
    let (ledger, left, plan) = faulty();
    let turn = ledger.turn().expect("nobody writes");
    let accounts = turn.ensure_budget(&plan, AT).expect("the plan is right");
    for number in [1, 2] {
        turn.begin_cycle(&cycle(number), key("run"), AT).expect("the storage answers");
    }
    let mut standing = None;
    turn.group(&cycle(1), AT, &mut standing, |group| {
        for name in ["old", "older"] {
            group.grant(&ask(accounts.plugins["points"], name))?;
        }
        group.put_rows(&[Row { space: 2, owner: 7, key: b"b", value: b"2" }], OnRow::Goes)?;
        Ok::<_, LedgerError>(())
    })
    .expect("the storage answers");
    let rows = |space: u8| {
        let mut all = Vec::new();
        let mut take = |owner: i64, key: &[u8], value: &[u8]| {
            all.push((owner, key.to_vec(), value.to_vec()));
            Ok(true)
        };
        ledger.rows(space, RowScope::After(None), &mut take).expect("the storage answers");
        all
    };
    let state = || {
        let head = ledger.head().expect("the storage answers");
        (head, ledger.balances().expect("the storage answers"), rows(1), rows(2))
    };
    let before = state();
    let mut standing = None;
    let mut failed = 0;
    for nth in 0.. {
        left.store(nth, Ordering::Relaxed);
        let done = turn.group(&cycle(2), AT, &mut standing, everything);
        left.store(i64::MAX, Ordering::Relaxed);
        if done.is_ok() {
            break;
        }
        assert_eq!(state(), before, "the write {nth} failed");
        failed += 1;
    }
    assert!(failed > 15, "{failed}");
    assert_ne!(state(), before);
    assert_eq!(standing, Some(ledger.standing(&cycle(2)).expect("the storage answers")));
    assert!(matches!(ledger.prove(), Ok(Proof::Sound { .. })));
}
