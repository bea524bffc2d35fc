//! What a transaction has written and not yet sent: entries, accounts and groups go to the database together, as arrays.

use std::collections::{BTreeMap, HashMap};

use ::postgres::types::ToSql;
use playbook_model::Digest;

use super::link::Link;
use crate::account::Balance;
use crate::store::{Group, UsedKey};
use crate::{Entry, LedgerError};

/// Entries that wait at most; more are sent before the commit.
const ENTRIES_MAX: usize = 8_192;

/// All of it in one statement: one way to the server and back for a commit group, however large.
const BOOK: &str = "WITH entry AS (\
    INSERT INTO entries (brand, number, kind, account, recipient, amount, closes, bound, key, request, member, stage, \
        action, family, quantity, expected_output, flags, hash) \
    SELECT $1, * FROM unnest($2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[], $7::bigint[], \
        $8::bigint[], $9::bytea[], $10::bytea[], $11::bigint[], $12::text[], $13::text[], $14::text[], \
        $15::bigint[], $16::bigint[], $17::bigint[], $18::bytea[])\
    ), account AS (\
    INSERT INTO accounts (brand, id, path, allocated, planned, reserved, spent, frozen, cycle_limit) \
    SELECT $1, * FROM unnest($19::bigint[], $20::text[], $21::bigint[], $22::bigint[], $23::bigint[], $24::bigint[], \
        $25::boolean[], $26::bigint[]) \
    ON CONFLICT (brand, id) DO UPDATE SET allocated = excluded.allocated, planned = excluded.planned, \
        reserved = excluded.reserved, spent = excluded.spent, frozen = excluded.frozen, \
        cycle_limit = excluded.cycle_limit\
    ) INSERT INTO groups (brand, number, purpose, at, playbook, cycle, payload, first, past, seal, accounts) \
    SELECT $1, * FROM unnest($27::bigint[], $28::bigint[], $29::bigint[], $30::text[], $31::bigint[], $32::bytea[], \
        $33::bigint[], $34::bigint[], $35::bytea[], $36::bytea[])";

/// Rows that wait.
#[derive(Default)]
pub(super) struct Pending {
    entries: Vec<(Numbers, [Digest; 3], [String; 3])>,
    /// By number: the last one holds.
    accounts: BTreeMap<i64, Balance>,
    groups: Vec<Group>,
}

/// Fields of an entry that are numbers.
#[derive(Clone, Copy)]
struct Numbers {
    number: i64,
    kind: i64,
    account: i64,
    recipient: Option<i64>,
    amount: i64,
    closes: Option<i64>,
    bound: i64,
    member: i64,
    quantity: i64,
    expected_output: i64,
    flags: i64,
}

impl Pending {
    pub(super) fn entry(&mut self, entry: &Entry<'_>, hash: &Digest) {
        let numbers = Numbers {
            number: entry.number,
            kind: entry.kind.number(),
            account: entry.account.0,
            recipient: entry.to.map(|id| id.0),
            amount: entry.amount.0,
            closes: entry.closes,
            bound: entry.bound.0,
            member: entry.member,
            quantity: entry.quantity,
            expected_output: entry.expected_output.0,
            flags: entry.flags(),
        };
        let texts = [entry.stage, entry.action, entry.family].map(str::to_owned);
        self.entries.push((numbers, [entry.key, entry.request, *hash], texts));
    }

    pub(super) fn account(&mut self, row: &Balance) {
        self.accounts.insert(row.id.0, row.clone());
    }

    pub(super) fn group(&mut self, group: &Group) {
        self.groups.push(group.clone());
    }

    /// Whether no more entries should wait.
    pub(super) fn is_full(&self) -> bool {
        self.entries.len() >= ENTRIES_MAX
    }

    /// Sends what waits; nothing waits afterwards.
    pub(super) fn send(&mut self, link: &mut Link, brand: &str) -> Result<(), LedgerError> {
        let Self { entries, accounts, groups } = std::mem::take(self);
        if entries.is_empty() && accounts.is_empty() && groups.is_empty() {
            return Ok(());
        }
        let whole =
            |of: fn(&Numbers) -> i64| entries.iter().map(|row| of(&row.0)).collect::<Vec<_>>();
        let maybe = |of: fn(&Numbers) -> Option<i64>| {
            entries.iter().map(|row| of(&row.0)).collect::<Vec<_>>()
        };
        let digest = |at: usize| entries.iter().map(|row| &row.1[at].0[..]).collect::<Vec<_>>();
        let text = |at: usize| entries.iter().map(|row| row.2[at].as_str()).collect::<Vec<_>>();
        let held = |of: fn(&Balance) -> i64| accounts.values().map(of).collect::<Vec<_>>();
        let of_group = |of: fn(&Group) -> i64| groups.iter().map(of).collect::<Vec<_>>();
        let sealed = |of: fn(&Group) -> &Digest| {
            groups.iter().map(|group| &of(group).0[..]).collect::<Vec<_>>()
        };
        let paths: Vec<&str> = accounts.values().map(|row| row.path.as_str()).collect();
        let frozen: Vec<bool> = accounts.values().map(|row| row.frozen).collect();
        let playbooks: Vec<&str> =
            groups.iter().map(|group| group.cycle.playbook.as_str()).collect();
        let sums: Vec<Option<&[u8]>> =
            groups.iter().map(|group| group.accounts.as_ref().map(|sum| &sum.0[..])).collect();
        let values: [&(dyn ToSql + Sync); 36] = [
            &brand,
            &whole(|row| row.number),
            &whole(|row| row.kind),
            &whole(|row| row.account),
            &maybe(|row| row.recipient),
            &whole(|row| row.amount),
            &maybe(|row| row.closes),
            &whole(|row| row.bound),
            &digest(0),
            &digest(1),
            &whole(|row| row.member),
            &text(0),
            &text(1),
            &text(2),
            &whole(|row| row.quantity),
            &whole(|row| row.expected_output),
            &whole(|row| row.flags),
            &digest(2),
            &held(|row| row.id.0),
            &paths,
            &held(|row| row.allocated.0),
            &held(|row| row.planned.0),
            &held(|row| row.reserved.0),
            &held(|row| row.spent.0),
            &frozen,
            &held(|row| row.cycle_limit.0),
            &of_group(|group| group.number),
            &of_group(|group| group.purpose as i64),
            &of_group(|group| group.at.0),
            &playbooks,
            &of_group(|group| group.cycle.number),
            &sealed(|group| &group.payload),
            &of_group(|group| group.first),
            &of_group(|group| group.end),
            &sealed(|group| &group.seal),
            &sums,
        ];
        link.execute(BOOK, &values)?;
        Ok(())
    }
}

/// What a transaction knows of keys: found in the database, or written by itself.
#[derive(Default)]
pub(super) struct Known {
    keys: HashMap<Digest, Option<UsedKey>>,
    closings: HashMap<i64, Option<(i64, Digest)>>,
}

impl Known {
    pub(super) fn key(&self, key: &Digest) -> Option<Option<UsedKey>> {
        self.keys.get(key).copied()
    }

    pub(super) fn closing(&self, entry: i64) -> Option<Option<(i64, Digest)>> {
        self.closings.get(&entry).copied()
    }

    /// Learns what the database says; what the transaction itself wrote is newer.
    pub(super) fn found_key(&mut self, key: Digest, used: Option<UsedKey>) {
        self.keys.entry(key).or_insert(used);
    }

    /// As [`Self::found_key`].
    pub(super) fn found_closing(&mut self, entry: i64, closing: Option<(i64, Digest)>) {
        self.closings.entry(entry).or_insert(closing);
    }

    /// Learns what the transaction writes.
    pub(super) fn written(&mut self, entry: &Entry<'_>) {
        let used = UsedKey {
            entry: entry.number,
            request: entry.request,
            account: entry.account,
            amount: entry.amount,
        };
        self.keys.insert(entry.key, Some(used));
        if let Some(closed) = entry.closes {
            self.closings.insert(closed, Some((entry.number, entry.request)));
        }
    }
}
