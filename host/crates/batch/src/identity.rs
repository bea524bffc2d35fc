//! Identity resolution over tables: the keys of accounts are gathered here, who is one person says `playbook_features` (domain H2).
//! The oldest account gives the member's id.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::hash::BuildHasher;
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, Int64Array, RecordBatch, StringArray, UInt32Array, UInt64Array,
};
use arrow::compute::{concat, filter_record_batch, take};
use arrow::datatypes::Int64Type;
use foldhash::quality::FixedState;
use playbook_features::{Person, VerifiedKey, people};

use crate::Result;
use crate::cells::of_texts;
use crate::hashes::{BloomFilter, HashedSet, for_each_hash, for_each_text};
use crate::keys::{Keys, NO_ROW, integer, texts};
use crate::session::Session;

/// Engine's table of accounts that belong to the member of another: `account`, its `member`.
pub(crate) const MEMBERS_OF_ACCOUNTS: &str = "members_of_accounts";

/// Aliases: accounts that were joined to an older one, whose id is the member's.
#[derive(Debug, Default)]
pub(crate) struct Aliases {
    member_of: BTreeMap<String, String>,
    members: BTreeSet<String>,
}

/// An account's id; integers sort by value.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Account {
    Integer(i64),
    Text(String),
}

impl Account {
    fn text(&self) -> String {
        match self {
            Self::Integer(id) => id.to_string(),
            Self::Text(id) => id.clone(),
        }
    }
}

const STAGE: &str = "identities";
/// SQL of kind and hash of a key.
const KEY: &str = "key_kind, CAST(key_hash AS VARCHAR)";
/// Hash of a missing key.
const NO_KEY: u64 = 0;

impl Aliases {
    pub(crate) fn is_empty(&self) -> bool {
        self.member_of.is_empty()
    }

    pub(crate) fn len(&self) -> u64 {
        self.member_of.len() as u64
    }

    /// Members to whom other accounts were joined.
    pub(crate) fn members(&self) -> impl Iterator<Item = &str> {
        self.members.iter().map(String::as_str)
    }

    /// Finds the accounts to join.
    pub(crate) fn find(session: &Session, is_integer: bool, has_joined: bool) -> Result<Self> {
        let keys = shared_keys(session, is_integer)?;
        let shared = keys.rows.chunk_by(|a, b| a.0 == b.0).filter(|group| group.len() > 1);
        let touched: BTreeSet<u32> = shared.flatten().map(|(_, account)| *account).collect();
        let joined = if has_joined && !touched.is_empty() {
            joined_times(session, &keys, &touched, is_integer)?
        } else {
            HashMap::new()
        };
        // Oldest first; accounts without a date of joining come last.
        let age = |account: u32| {
            (joined.get(&account).copied().unwrap_or(i64::MAX), &keys.accounts[account as usize])
        };
        let mut aliases = Self::default();
        for Person { oldest, accounts } in people(&keys.rows, age, &BTreeSet::new()) {
            let member = keys.accounts[oldest as usize].text();
            for account in accounts.iter().filter(|account| **account != oldest) {
                aliases.member_of.insert(keys.accounts[*account as usize].text(), member.clone());
            }
            aliases.members.insert(member);
        }
        Ok(aliases)
    }

    /// Accounts with the member that they belong to, ascending by the text of the account.
    pub(crate) fn pairs(&self) -> impl Iterator<Item = (&str, &str)> {
        self.member_of.iter().map(|(account, member)| (account.as_str(), member.as_str()))
    }

    /// Makes [`MEMBERS_OF_ACCOUNTS`].
    fn table(&self, is_integer: bool) -> RecordBatch {
        let column = |ids: &mut dyn Iterator<Item = &str>| -> ArrayRef {
            if is_integer {
                Arc::new(Int64Array::from_iter_values(ids.map(integer)))
            } else {
                Arc::new(StringArray::from_iter_values(ids))
            }
        };
        let accounts = column(&mut self.pairs().map(|(account, _)| account));
        let members = column(&mut self.pairs().map(|(_, member)| member));
        RecordBatch::try_from_iter([("account", accounts), ("member", members)])
            .expect("each account has a member")
    }

    /// Adds [`MEMBERS_OF_ACCOUNTS`] to the engine.
    pub(crate) fn add_table(&self, session: &Session, is_integer: bool) -> Result<()> {
        let table = self.table(is_integer);
        session.add_batches(STAGE, MEMBERS_OF_ACCOUNTS, table.schema(), vec![table])
    }

    /// A lookup from accounts to the rows of their members.
    pub(crate) fn places(&self, members: Arc<Keys>) -> AccountPlaces {
        let accounts: Vec<&str> = self.pairs().map(|(account, _)| account).collect();
        let aliases = match *members {
            Keys::Integer { .. } => {
                Keys::from_integers(accounts.into_iter().map(integer).collect())
            }
            Keys::Text { .. } => Keys::from_texts(accounts.into_iter().map(Box::from).collect()),
        };
        let mut of_alias = vec![NO_ROW; aliases.len()];
        for (account, member) in self.pairs() {
            of_alias[aliases.place_of(account) as usize] = members.place_of(member);
        }
        AccountPlaces { members, aliases, of_alias }
    }
}

/// A lookup from an account to the row of its member.
#[derive(Debug)]
pub(crate) struct AccountPlaces {
    members: Arc<Keys>,
    aliases: Keys,
    /// By alias, the place of its member.
    of_alias: Vec<u32>,
}

impl AccountPlaces {
    /// Returns the place of the member of each account in a column, [`NO_ROW`] for an unknown account.
    pub(crate) fn of(&self, accounts: &ArrayRef) -> Vec<u32> {
        let mut places = self.members.places(accounts);
        if self.of_alias.is_empty() {
            return places;
        }
        // Most accounts are members' ids; only the others are looked up among the aliases.
        let open: Vec<usize> = (0..places.len()).filter(|row| places[*row] == NO_ROW).collect();
        let rows: UInt64Array = open.iter().map(|row| *row as u64).collect();
        let others = take(accounts, &rows, None).expect("rows of the column are taken");
        for (row, alias) in open.into_iter().zip(self.aliases.places(&others)) {
            if alias != NO_ROW {
                places[row] = self.of_alias[alias as usize];
            }
        }
        places
    }

    /// All accounts, aliases too, each with the place of its member.
    pub(crate) fn rows(&self) -> (ArrayRef, UInt32Array) {
        let accounts = concat(&[self.members.array().as_ref(), self.aliases.array().as_ref()]);
        let members = (0_u32..).take(self.members.len()).map(Some);
        let aliases = self.of_alias.iter().map(|place| (*place != NO_ROW).then_some(*place));
        (accounts.expect("ids are of one type"), members.chain(aliases).collect())
    }
}

/// The verified keys of accounts that share one, with the position of their account.
#[derive(Debug, Default)]
struct SharedKeys {
    rows: Vec<(VerifiedKey, u32)>,
    accounts: Vec<Account>,
    positions: HashMap<Account, u32>,
}

impl SharedKeys {
    fn position(&mut self, account: Account) -> u32 {
        if let Some(position) = self.positions.get(&account) {
            return *position;
        }
        let position = u32::try_from(self.accounts.len()).expect("fewer than 2^32 accounts");
        self.accounts.push(account.clone());
        self.positions.insert(account, position);
        position
    }
}

fn account(ids: &ArrayRef, is_integer: bool) -> Vec<Option<Account>> {
    if is_integer {
        ids.as_primitive::<Int64Type>().iter().map(|id| id.map(Account::Integer)).collect()
    } else {
        texts(ids).iter().map(|id| id.map(|id| Account::Text(id.to_owned()))).collect()
    }
}

/// All verified keys of the accounts that share one with another. Two scans: the first keeps hashes alone and finds the
/// accounts that share a key, which are few; the second keeps the rows of those.
fn shared_keys(session: &Session, is_integer: bool) -> Result<SharedKeys> {
    let mut keys = SharedKeys::default();
    let accounts = accounts_that_share(session)?;
    if accounts.is_empty() {
        return Ok(keys);
    }
    // Rows are filtered here, on the engine's threads: a set of millions in a query would be slow.
    let sharing = HashedSet::new(accounts);
    let sql = format!("SELECT member, {KEY} FROM identities_mapped WHERE verified = 1");
    let found = session.fold(STAGE, &sql, move |found: &mut Vec<RecordBatch>, batch| {
        let rows = filter_record_batch(batch, &sharing.among(batch.column(0)));
        found.push(rows.expect("there is a flag per row"));
    })?;
    for batch in found.iter().flatten() {
        let ids = account(batch.column(0), is_integer);
        let (kinds, hashes) = (texts(batch.column(1)), texts(batch.column(2)));
        for (row, account) in ids.into_iter().enumerate() {
            if let Some(account) = account.filter(|_| kinds.is_valid(row) && hashes.is_valid(row)) {
                let position = keys.position(account);
                keys.rows.push((VerifiedKey::new(kinds.value(row), hashes.value(row)), position));
            }
        }
    }
    // By account and not by position, which depends on the threads.
    let accounts = &keys.accounts;
    keys.rows.sort_unstable_by(|(a, x), (b, y)| {
        a.cmp(b).then_with(|| accounts[*x as usize].cmp(&accounts[*y as usize]))
    });
    keys.rows.dedup();
    Ok(keys)
}

/// Hashes of the accounts that share a verified key. Keys are compared by hash, so a collision adds some accounts,
/// which the second scan sorts out.
fn accounts_that_share(session: &Session) -> Result<HashSet<u64>> {
    let sql = format!("SELECT member, {KEY} FROM identities_mapped WHERE verified = 1");
    let hashing = FixedState::default();
    // By row, the hashes of its key and of its account.
    let parts = session.fold(STAGE, &sql, move |part: &mut Vec<(u64, u64)>, batch| {
        let from = part.len();
        part.resize(from + batch.num_rows(), (NO_KEY, 0));
        let kinds = of_texts(batch.column(1), |kind| kind.map(|kind| hashing.hash_one(kind)));
        let rows = &mut part[from..];
        for_each_text(batch.column(2), |row, hash| {
            if let Some(kind) = kinds[row] {
                rows[row].0 = hashing.hash_one((kind, hash)).max(NO_KEY + 1);
            }
        });
        for_each_hash(batch.column(0), |row, account| rows[row].1 = account);
    })?;
    let rows = || parts.iter().flatten().filter(|(key, _)| *key != NO_KEY);
    // A key that was inserted before always finds its bit set; of others few do (false positives).
    let mut taken = BloomFilter::of_size(parts.iter().map(Vec::len).sum());
    let again = rows().filter(|(key, _)| taken.insert(key.cast_signed())).map(|(key, _)| *key);
    let again = HashedSet::new(again.collect());
    let mut candidates: Vec<(u64, u64)> =
        rows().filter(|(key, _)| again.has(*key)).copied().collect();
    candidates.sort_unstable();
    let shared = candidates.chunk_by(|a, b| a.0 == b.0).filter(|rows| rows.len() > 1);
    Ok(shared.flatten().map(|(_, account)| *account).collect())
}

/// The dates of joining of the accounts that share keys.
fn joined_times(
    session: &Session,
    keys: &SharedKeys,
    touched: &BTreeSet<u32>,
    is_integer: bool,
) -> Result<HashMap<u32, i64>> {
    let mut joined: HashMap<u32, i64> = HashMap::new();
    let sql = "SELECT member, joined FROM members_mapped WHERE joined IS NOT NULL";
    session.stream(STAGE, sql, &crate::Silent, |batch| {
        let times = batch.column(1).as_primitive::<Int64Type>();
        for (row, account) in account(batch.column(0), is_integer).into_iter().enumerate() {
            let position = account.and_then(|account| keys.positions.get(&account).copied());
            if let Some(position) = position.filter(|position| touched.contains(position)) {
                let time = times.value(row);
                joined
                    .entry(position)
                    .and_modify(|known| *known = time.min(*known))
                    .or_insert(time);
            }
        }
        Ok(())
    })?;
    Ok(joined)
}
