//! What the ledger relies on in a store, as questions that any store can be asked.
//!
//! A test of a store calls [`check`] with a way to make an empty one. It needs no database of its own to
//! compare with, and says in words what the store does otherwise.

use playbook_model::{Digest, Minor, UnixMs};

use crate::account::Balance;
use crate::store::{
    Access, CycleRow, Depth, Group, Head, OnRow, Openings, Purpose, Row, RowScope, Scope, Store,
    Transaction,
};
use crate::work::money_entry;
use crate::{AccountId, CycleRef, Entry, EntryKind, LedgerError};

/// What a store does otherwise than the ledger needs.
#[derive(Debug, thiserror::Error)]
pub enum Nonconformance {
    /// A claim that does not hold.
    #[error("the store does not hold what the ledger needs: {0}")]
    Claim(&'static str),
    /// A call that must succeed failed.
    #[error("a call that must succeed failed")]
    Fault(#[from] LedgerError),
}

type Found = Result<(), Nonconformance>;

/// Asks stores that `fresh` makes, each empty and reached by nobody else, everything that the ledger
/// relies on.
///
/// # Errors
/// The first claim that does not hold, or a fault of the storage.
pub fn check(mut fresh: impl FnMut() -> Result<Box<dyn Store>, LedgerError>) -> Found {
    let claims: [fn(&mut dyn Store) -> Found; 9] = [
        nothing_at_first,
        rows_come_back,
        what_is_dropped_is_undone,
        nothing_stands_twice,
        scans_visit_what_they_say,
        cycles_and_openings_come_back,
        rows_come_in_order_of_owner_and_key,
        rows_stay_or_go_and_are_removed_by_owner,
        leases_exclude_and_return,
    ];
    claims.into_iter().try_for_each(|claim| claim(fresh()?.as_mut()))
}

fn holds(claim: &'static str, holds: bool) -> Found {
    if holds { Ok(()) } else { Err(Nonconformance::Claim(claim)) }
}

fn digest(text: &str) -> Digest {
    Digest::of(text.as_bytes())
}

fn cycle(number: i64) -> CycleRef {
    CycleRef { playbook: "club".to_owned(), number }
}

fn account(id: i64, path: &str) -> Balance {
    Balance {
        id: AccountId(id),
        path: path.to_owned(),
        allocated: Minor(id * 100),
        reserved: Minor(id * 10),
        spent: Minor(id),
        frozen: id == 2,
        planned: Minor(-id),
        cycle_limit: Minor(id * 7),
    }
}

/// A grant of member 9, or of another, under the key that its number makes.
fn grant(number: i64, member: i64) -> Entry<'static> {
    let key = digest(&format!("key {number}"));
    Entry {
        number,
        to: Some(AccountId(2)),
        member,
        stage: "stage",
        action: "action",
        family: "family",
        quantity: i64::MAX,
        expected_output: Minor(i64::MIN),
        priority: 5,
        contacts_member: true,
        commercial: false,
        ..money_entry(EntryKind::Reserve, AccountId(1), Minor(number), key, digest("request"))
    }
}

fn release(number: i64, closed: i64) -> Entry<'static> {
    let key = digest(&format!("key {number}"));
    Entry {
        number,
        closes: Some(closed),
        bound: Minor(closed),
        ..money_entry(EntryKind::Release, AccountId(1), Minor(closed), key, digest("release"))
    }
}

fn group(number: i64, at: i64, cycle: CycleRef, first: i64, end: i64) -> Group {
    Group {
        number,
        purpose: Purpose::Entries,
        at: UnixMs(at),
        cycle,
        payload: digest("payload"),
        first,
        end,
        seal: digest(&format!("seal {number}")),
        accounts: (number > 1).then(|| digest("accounts")),
    }
}

/// Entries 1 to 6 in five groups, the second of them empty: of two members and two cycles, at three times.
fn fill(store: &mut dyn Store) -> Found {
    let mut tx = store.begin(Access::Write)?;
    let entries =
        [grant(1, 9), grant(2, 8), grant(3, 9), release(4, 1), grant(5, 9), release(6, 3)];
    for entry in &entries {
        tx.append_entry(entry, &digest("hash"))?;
    }
    tx.append_group(&group(1, 100, cycle(1), 1, 3))?;
    tx.append_group(&group(2, 100, cycle(1), 3, 3))?;
    tx.append_group(&group(3, 200, cycle(2), 3, 5))?;
    tx.append_group(&group(4, 200, cycle(1), 5, 6))?;
    tx.append_group(&group(5, 50, cycle(1), 6, 7))?;
    Ok(tx.commit()?)
}

fn nothing_at_first(store: &mut dyn Store) -> Found {
    let mut tx = store.begin(Access::Read)?;
    let nothing = Head { group: 0, entry: 0, seal: Digest([0; 32]) };
    holds("an empty chain has head 0", tx.head()? == nothing)?;
    holds("there are no accounts at first", tx.accounts()?.is_empty())?;
    holds("there are no groups at first", tx.groups(1)?.is_empty())?;
    holds("no key is used at first", tx.used_key(&digest("key 1"))?.is_none())?;
    drop(tx);
    holds("an empty store is sound", store.inspect(Depth::Full)?.is_none())
}

fn rows_come_back(store: &mut dyn Store) -> Found {
    let rows = [account(1, "brand"), account(2, "brand/club")];
    let mut tx = store.begin(Access::Write)?;
    tx.put_accounts(&rows)?;
    let changed = Balance { frozen: true, spent: Minor(77), ..rows[0].clone() };
    tx.put_accounts(std::slice::from_ref(&changed))?;
    tx.commit()?;
    fill(store)?;
    let mut tx = store.begin(Access::Read)?;
    holds("an account put again is replaced", tx.accounts()? == [changed, rows[1].clone()])?;
    let head = Head { group: 5, entry: 6, seal: digest("seal 5") };
    holds("the head is the last group", tx.head()? == head)?;
    holds("groups come back from a number on", tx.groups(5)? == [group(5, 50, cycle(1), 6, 7)])?;
    holds("groups come back in order", tx.groups(0)?.iter().map(|g| g.number).eq(1..=5))?;
    let used = tx.used_key(&digest("key 3"))?;
    let found = used.is_some_and(|used| {
        (used.entry, used.account, used.amount) == (3, AccountId(1), Minor(3))
            && used.request == digest("request")
    });
    holds("a key leads to its entry", found)?;
    let closing = tx.closing_of(1)?;
    holds("a closed entry leads to what closed it", closing == Some((4, digest("release"))))?;
    holds("an open one leads nowhere", tx.closing_of(2)?.is_none())
}

fn what_is_dropped_is_undone(store: &mut dyn Store) -> Found {
    let mut tx = store.begin(Access::Write)?;
    tx.append_entry(&grant(1, 9), &digest("hash"))?;
    tx.append_group(&group(1, 100, cycle(1), 1, 2))?;
    tx.put_accounts(&[account(1, "brand")])?;
    drop(tx);
    nothing_at_first(store)
}

fn nothing_stands_twice(store: &mut dyn Store) -> Found {
    fill(store)?;
    let repeats = [
        ("a number of an entry stands once", Entry { key: digest("new"), ..grant(6, 9) }),
        ("a key stands once", Entry { key: digest("key 2"), ..grant(7, 9) }),
        ("an entry is closed once", Entry { key: digest("new"), ..release(7, 1) }),
    ];
    for (claim, entry) in repeats {
        let mut tx = store.begin(Access::Write)?;
        // A store may send entries together, and so hear later that one is refused.
        let kept = tx.append_entry(&entry, &digest("hash")).and_then(|()| tx.commit());
        holds(claim, kept.is_err())?;
    }
    let mut tx = store.begin(Access::Write)?;
    let again = tx.append_group(&group(5, 50, cycle(1), 7, 8)).and_then(|()| tx.commit());
    holds("a number of a group stands once", again.is_err())?;
    let mut tx = store.begin(Access::Read)?;
    holds("what was refused left nothing", tx.head()?.entry == 6 && tx.groups(6)?.is_empty())?;
    holds("nor a key", tx.used_key(&digest("new"))?.is_none())
}

fn scans_visit_what_they_say(store: &mut dyn Store) -> Found {
    fill(store)?;
    let mut tx = store.begin(Access::Read)?;
    let first = [grant(1, 9), grant(2, 8)];
    let mut same = true;
    tx.scan(Scope::From(1), &mut |scanned| {
        let at = usize::try_from(scanned.entry.number).unwrap_or(0);
        same &= first.get(at.wrapping_sub(1)) == Some(&scanned.entry);
        same &= scanned.hash == digest("hash");
        Ok(at < 2)
    })?;
    holds("an entry comes back as it was, and a scan ends when it is told", same)?;
    let (one, two) = (cycle(1), cycle(2));
    let cases: [(&str, Scope<'_>, &[i64]); 7] = [
        ("a scan begins at a number", Scope::From(3), &[3, 4, 5, 6]),
        ("a scan of a cycle has its groups' entries", Scope::Cycle(&one), &[1, 2, 5, 6]),
        ("a scan of another cycle has the others", Scope::Cycle(&two), &[3, 4]),
        (
            "a scan of a window has what closes its grants, too",
            Scope::Since(UnixMs(100)),
            &[3, 4, 5, 6],
        ),
        (
            "a scan of a member has its grants and what closes them",
            Scope::Members(&[9]),
            &[1, 3, 4, 5, 6],
        ),
        ("a scan of a member has no other's", Scope::Members(&[8]), &[2]),
        ("a scan of a span ends before its end", Scope::Span(2, 5), &[2, 3, 4]),
    ];
    for (claim, scope, wanted) in cases {
        holds(claim, numbers(tx.as_mut(), scope)? == wanted)?;
    }
    let mut times = Vec::new();
    tx.scan(Scope::Members(&[9]), &mut |scanned| {
        times.push(scanned.at.0);
        Ok(true)
    })?;
    holds("an entry has the time of its group", times == [100, 200, 200, 200, 50])?;
    let mut times = Vec::new();
    tx.scan(Scope::Span(1, 99), &mut |scanned| {
        times.push(scanned.at.0);
        Ok(true)
    })?;
    holds("an entry of a span has the time of its group", times == [100, 100, 200, 200, 200, 50])
}

fn numbers(tx: &mut dyn Transaction, scope: Scope<'_>) -> Result<Vec<i64>, LedgerError> {
    let mut numbers = Vec::new();
    tx.scan(scope, &mut |scanned| {
        numbers.push(scanned.entry.number);
        Ok(true)
    })?;
    Ok(numbers)
}

fn cycles_and_openings_come_back(store: &mut dyn Store) -> Found {
    let begun = CycleRow { run_key: digest("run"), opening_entry: 3, summary: None };
    let closed = CycleRow { summary: Some(digest("summary")), ..begun.clone() };
    let openings = Openings::from([(AccountId(1), Minor(5)), (AccountId(2), Minor(i64::MAX))]);
    let mut tx = store.begin(Access::Write)?;
    tx.put_cycle(&cycle(1), &begun)?;
    tx.put_cycle(&cycle(2), &begun)?;
    tx.put_cycle(&cycle(2), &closed)?;
    tx.put_openings(&cycle(1), &openings)?;
    tx.commit()?;
    let mut tx = store.begin(Access::Read)?;
    holds("a cycle comes back", tx.cycle(&cycle(1))?.as_ref() == Some(&begun))?;
    holds("a cycle that was never begun is absent", tx.cycle(&cycle(3))?.is_none())?;
    let all = [(cycle(1), begun), (cycle(2), closed)].into();
    holds("a summary is put on a cycle", tx.cycles()? == all)?;
    holds("openings come back", tx.openings(&cycle(1))? == openings)?;
    holds("a cycle may have none", tx.openings(&cycle(2))?.is_empty())
}

fn leases_exclude_and_return(store: &mut dyn Store) -> Found {
    let leases = store.leases();
    let first = leases.take(std::time::Duration::from_secs(5))?;
    drop(first);
    drop(leases.take(std::time::Duration::from_secs(5))?);
    Ok(())
}

/// A row that was read: owner, key, value.
type Read = (i64, Vec<u8>, Vec<u8>);

fn read(
    tx: &mut dyn Transaction,
    scope: RowScope<'_>,
    most: usize,
) -> Result<Vec<Read>, LedgerError> {
    let mut found = Vec::new();
    tx.rows(7, scope, &mut |owner, key, value| {
        found.push((owner, key.to_vec(), value.to_vec()));
        Ok(found.len() < most)
    })?;
    Ok(found)
}

fn row(owner: i64, key: &'static [u8], value: &'static [u8]) -> Row<'static> {
    Row { space: 7, owner, key, value }
}

fn rows_come_in_order_of_owner_and_key(store: &mut dyn Store) -> Found {
    let mut tx = store.begin(Access::Write)?;
    let rows = [
        row(5, b"b", b"1"),
        row(-3, b"", b"2"),
        row(5, b"a\xff", b"3"),
        row(5, b"a", b""),
        row(i64::MAX, b"\0\0", b"4"),
        row(i64::MIN, b"z", b"5"),
    ];
    let stood = tx.put_rows(&rows, OnRow::Stays)?;
    holds("new rows did not stand before", stood == [false; 6])?;
    tx.put_rows(&[Row { space: 8, ..row(5, b"a", b"other") }], OnRow::Stays)?;
    tx.commit()?;
    let mut tx = store.begin(Access::Read)?;
    let mut sorted: Vec<Read> =
        rows.iter().map(|row| (row.owner, row.key.to_vec(), row.value.to_vec())).collect();
    sorted.sort();
    let all = read(tx.as_mut(), RowScope::After(None), usize::MAX)?;
    holds("rows come by owner, then by the bytes of their keys", all == sorted)?;
    let own = read(tx.as_mut(), RowScope::Owner(5), usize::MAX)?;
    holds("an owner has its rows and no others", own == sorted[2..5])?;
    let one = read(tx.as_mut(), RowScope::Key(5, b"a"), usize::MAX)?;
    holds("a key names one row", one == sorted[2..3])?;
    let none = read(tx.as_mut(), RowScope::Key(6, b"a"), usize::MAX)?;
    holds("a key belongs to its owner", none.is_empty())?;
    let page = read(tx.as_mut(), RowScope::After(Some((5, b"a"))), 2)?;
    holds("rows go on behind a key until nobody asks", page == sorted[3..5])
}

fn rows_stay_or_go_and_are_removed_by_owner(store: &mut dyn Store) -> Found {
    let mut tx = store.begin(Access::Write)?;
    tx.put_rows(&[row(1, b"a", b"first"), row(2, b"a", b"other")], OnRow::Stays)?;
    let stood = tx.put_rows(&[row(1, b"a", b"second"), row(1, b"b", b"new")], OnRow::Stays)?;
    holds("a row that stands is told", stood == [true, false])?;
    let value = |tx: &mut dyn Transaction| read(tx, RowScope::Key(1, b"a"), 1);
    holds("a row that stays keeps its value", value(tx.as_mut())?[0].2 == b"first")?;
    let stood = tx.put_rows(&[row(1, b"a", b"third")], OnRow::Goes)?;
    holds("a row that goes is told", stood == [true])?;
    holds("a row that goes has the new value", value(tx.as_mut())?[0].2 == b"third")?;
    drop(tx);
    let mut tx = store.begin(Access::Write)?;
    holds("rows go with their transaction", value(tx.as_mut())?.is_empty())?;
    tx.put_rows(&[row(1, b"a", b"1"), row(1, b"b", b"2"), row(2, b"a", b"3")], OnRow::Stays)?;
    holds("rows of an owner go together", tx.remove_rows(7, 1)? == 2)?;
    let left = read(tx.as_mut(), RowScope::After(None), usize::MAX)?;
    holds("rows of others remain", left.len() == 1 && left[0].0 == 2)?;
    tx.foresee_rows(&[(7, 2, b"a"), (7, 2, b"b"), (7, 2, b"a")])?;
    let own = |tx: &mut dyn Transaction, key| read(tx, RowScope::Key(2, key), 1);
    holds("a row that was foreseen stands", own(tx.as_mut(), b"a")?.len() == 1)?;
    holds("a row that was foreseen and is not there, is not", own(tx.as_mut(), b"b")?.is_empty())?;
    let stood = tx.put_rows(&[row(2, b"b", b"4"), row(2, b"a", b"5")], OnRow::Goes)?;
    holds("a row that was foreseen is told as any", stood == [false, true])?;
    let both = read(tx.as_mut(), RowScope::Owner(2), usize::MAX)?;
    let values: Vec<&[u8]> = both.iter().map(|row| &row.2[..]).collect();
    holds("what was written is seen with the rest", values == [b"5", b"4"])?;
    holds("what was written goes with the rest", tx.remove_rows(7, 2)? == 2)?;
    let stood = tx.put_rows(&[row(2, b"a", b"6")], OnRow::Stays)?;
    holds("what has gone does not stand", stood == [false])
}
