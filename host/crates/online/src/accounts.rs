//! Accounts of one person (domain H2): an equal verified key joins them, by the rule of a cycle; whoever was joined wrongly is parted
//! again within 90 days.
//!
//! Each account keeps its own rows, under its own pseudonym; which member it belongs to is a link beside them. So a parting moves
//! nothing, and each account has what came in its name, before and since. What is decided belongs to the member: it stands under the
//! pseudonym of the person's oldest account.

use std::collections::{BTreeMap, BTreeSet};

use playbook_cycle::LiveGroup;
use playbook_features::{HOLDERS_MAX, Person, VerifiedKey, people};
use playbook_ledger::store::{OnRow, RowScope};
use playbook_ledger::{GroupWork, LedgerError};
use serde::{Deserialize, Serialize};

use crate::brand::Brand;
use crate::columns::FieldError;
use crate::epochs::Pending;
use crate::error::OnlineError;
use crate::links::Link;
use crate::once::{By, Once};
use crate::packed::Kept;
use crate::store::{MemberRow, ReadRows, put_bytes, put_value, read_member, read_values, space};
use crate::version::Version;
use crate::withdrawn::end_unconsented;
use crate::writer::{Done, Job};

/// Accounts that keys link at most, directly or by others between them. So no key has more holders, beyond which a cycle takes it for
/// nobody's.
const LINKED_MAX: usize = HOLDERS_MAX;
/// How long accounts can be parted again.
const PART_MS: i64 = 90 * 86_400_000;
/// Letters of a hash at most.
const HASH_BYTES_MAX: usize = 256;

/// A verified key of an account as it is kept, under its digest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct IdentityRow {
    kind: String,
    hash: String,
    channel: Option<String>,
}

/// A key of an account as a request says it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Identity {
    key: VerifiedKey,
    row: IdentityRow,
    /// Whether it is verified; else what was kept of it goes.
    is_verified: bool,
}

/// An account of a member.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// Its id.
    pub id: String,
    /// Since when it belongs to the member, unix-ms; `None` for the account whose id is the member's.
    pub joined_at: Option<i64>,
    /// Its verified keys.
    pub keys: Vec<AccountKey>,
}

/// A verified key of an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccountKey {
    /// "phone", "email", "union-id" or "card".
    pub kind: String,
    /// Its hash, as it came.
    pub hash: String,
    /// Where it was verified.
    pub channel: Option<String>,
}

/// Reads a key of an account.
pub(crate) fn identity(fields: Vec<(String, Kept)>) -> Result<Identity, Vec<FieldError>> {
    let find = |name: &str| fields.iter().find(|(known, _)| known == name).map(|(_, value)| value);
    let mut errors = Vec::new();
    let mut text = |name: &str| match find(name) {
        Some(Kept::Text(text)) if !text.trim().is_empty() && text.len() <= HASH_BYTES_MAX => {
            text.trim().to_owned()
        }
        _ => {
            let expected = format!("a text of 1 to {HASH_BYTES_MAX} bytes");
            errors.push(FieldError { field: name.to_owned(), what: "is missing", expected });
            String::new()
        }
    };
    let (kind, hash) = (text("key_kind"), text("key_hash"));
    let is_verified = match find("verified") {
        Some(Kept::Integer(flag)) => *flag == 1,
        _ => {
            let (field, expected) = ("verified".to_owned(), "true or false".to_owned());
            errors.push(FieldError { field, what: "is missing", expected });
            false
        }
    };
    if !errors.is_empty() {
        return Err(errors);
    }
    let channel = match find("channel") {
        Some(Kept::Text(text)) => Some(text.clone()),
        _ => None,
    };
    let key = VerifiedKey::new(&kind, &hash);
    Ok(Identity { key, row: IdentityRow { kind, hash, channel }, is_verified })
}

/// Accounts that are linked with one by keys, or that are one person already: who of them is one person is judged anew.
struct Linked {
    /// By account: its verified keys.
    keys: BTreeMap<i64, Vec<VerifiedKey>>,
}

impl Linked {
    /// Those of an account, whose own keys are `own`; `None`: there are too many.
    fn find(
        rows: &mut GroupWork<'_, '_>,
        (account, own): (i64, Vec<VerifiedKey>),
        (version, pending): (&Version, &Pending),
    ) -> Result<Option<Self>, LedgerError> {
        let links = version.epochs().links();
        let mut keys = BTreeMap::new();
        let mut open = vec![account];
        while let Some(next) = open.pop() {
            if keys.contains_key(&next) {
                continue;
            }
            if keys.len() == LINKED_MAX {
                return Ok(None);
            }
            let person = links.of(next, &pending.linking).map_or(next, |(person, _)| person);
            open.push(person);
            open.extend(links.accounts(person, &pending.linking));
            let of_next = match next == account {
                true => own.clone(),
                false => keys_of(rows, next)?,
            };
            for key in &of_next {
                open.extend(holders(rows, key)?.into_iter().filter(|holder| *holder != account));
            }
            keys.insert(next, of_next);
        }
        Ok(Some(Self { keys }))
    }

    /// Who of them belongs to whom: by account the person, where that is another one.
    fn judged(&self, rows: &mut GroupWork<'_, '_>) -> Result<BTreeMap<i64, i64>, LedgerError> {
        let mut accounts = Vec::new();
        for account in self.keys.keys() {
            let row = read_member(rows, *account)?.unwrap_or_default();
            accounts.push((row.joined().unwrap_or(i64::MAX), row.id, *account));
        }
        // In the order of ids, as a cycle takes accounts that are equally old.
        accounts.sort_by(|a, b| a.1.cmp(&b.1));
        let number_of = |account: i64| {
            let at = accounts.iter().position(|(.., known)| *known == account);
            at.and_then(|at| u32::try_from(at).ok())
        };
        let (mut keys, mut apart) = (Vec::new(), BTreeSet::new());
        for (account, of_account) in &self.keys {
            let Some(number) = number_of(*account) else { continue };
            keys.extend(of_account.iter().map(|key| (*key, number)));
            for other in parted_from(rows, *account)? {
                apart.extend(number_of(other).map(|other| (number.min(other), number.max(other))));
            }
        }
        keys.sort_unstable();
        keys.dedup();
        let age = |number: u32| {
            let (joined, id, _) = &accounts[number as usize];
            (*joined, id)
        };
        let mut belongs = BTreeMap::new();
        for Person { oldest, accounts: of_person } in people(&keys, age, &apart) {
            let person = accounts[oldest as usize].2;
            for account in of_person.into_iter().filter(|account| *account != oldest) {
                belongs.insert(accounts[account as usize].2, person);
            }
        }
        Ok(belongs)
    }
}

/// Whether keys may be kept of an account, and what follows from them is not too much; before anything of the request is written.
pub(crate) fn may_identify(
    rows: &mut GroupWork<'_, '_>,
    account: i64,
    identities: &[Identity],
    (version, pending): (&Version, &Pending),
) -> Result<Result<(), OnlineError>, LedgerError> {
    if identities.is_empty() {
        return Ok(Ok(()));
    }
    let mut keys: BTreeSet<VerifiedKey> = keys_of(rows, account)?.into_iter().collect();
    for identity in identities {
        match identity.is_verified {
            true => keys.insert(identity.key),
            false => keys.remove(&identity.key),
        };
    }
    let own = keys.into_iter().collect();
    let linked = Linked::find(rows, (account, own), (version, pending))?;
    Ok(linked.map(|_| ()).ok_or_else(|| {
        OnlineError::Fields(vec![FieldError {
            field: "identities".to_owned(),
            what: "link more accounts than one person has",
            expected: format!("keys that link at most {LINKED_MAX} accounts"),
        }])
    }))
}

/// Keeps the verified keys of an account, and judges anew who is one person, where they changed or `has_aged`: the account says another
/// date of joining.
pub(crate) fn identify(
    live: &mut LiveGroup<'_, '_, '_>,
    account: i64,
    (identities, has_aged): (&[Identity], bool),
    version: &Version,
    done: &mut Done,
) -> Result<(), LedgerError> {
    let rows = live.rows();
    let mut has_changed = has_aged;
    for Identity { key, row, is_verified } in identities {
        let place = (space::IDENTITIES, account, &key.digest()[..]);
        let stood = rows.one(place.0, place.1, place.2)?.is_some();
        match (is_verified, stood) {
            (true, _) => {
                put_value(rows, place, row, OnRow::Goes)?;
                hold(rows, key, account)?;
            }
            (false, true) => {
                remove_row(rows, place)?;
                let_go(rows, key, account)?;
            }
            (false, false) => {}
        }
        has_changed |= *is_verified != stood;
    }
    match has_changed {
        true => judge(live, account, version, done),
        false => Ok(()),
    }
}

/// Judges anew who is one person among the accounts that are linked with one.
fn judge(
    live: &mut LiveGroup<'_, '_, '_>,
    account: i64,
    version: &Version,
    done: &mut Done,
) -> Result<(), LedgerError> {
    let rows = live.rows();
    let own = keys_of(rows, account)?;
    let Some(linked) = Linked::find(rows, (account, own), (version, &done.ids))? else {
        // It was looked at before anything was written: whoever is one person stays so.
        tracing::error!(account, "more accounts are linked than one person has");
        return Ok(());
    };
    let belongs = linked.judged(rows)?;
    let links = version.epochs().links();
    let mut joined = BTreeSet::new();
    let mut moved = BTreeSet::new();
    for account in linked.keys.keys() {
        let now = links.of(*account, &done.ids.linking);
        let to = belongs.get(account).copied();
        if now.map(|(person, _)| person) == to {
            continue;
        }
        // Whoever belongs to another member already belongs to this one for as long: only the oldest account is another.
        let at = now.map_or(done.now, |(_, at)| at);
        let linking = links.put(rows, Link { account: *account, to, at }, &done.ids.linking)?;
        done.ids.linking.push(linking);
        done.count_members(i64::from(now.is_some()) - i64::from(to.is_some()));
        joined.extend(to);
        moved.extend([Some(*account), to, now.map(|(person, _)| person)].into_iter().flatten());
    }
    for member in moved {
        done.overtakes(member);
    }
    // Of the answers of several accounts the strictest holds, at once.
    for member in joined {
        end_unconsented(live, member, version, &[], done)?;
    }
    Ok(())
}

/// An account is to be parted from the others of its person.
#[derive(Debug)]
pub(crate) struct PartJob {
    /// Id of the member, by any of its accounts.
    member: String,
    id: String,
    once: Option<Once>,
}

/// Parts an account from the others of its person, once under its key.
pub(crate) fn part(
    live: &mut LiveGroup<'_, '_, '_>,
    PartJob { member, id, once }: PartJob,
    version: &Version,
    done: &mut Done,
) -> Result<Result<(), OnlineError>, LedgerError> {
    if let Some(made) = once.as_ref().map_or(Ok(None), |once| once.made(live.rows()))? {
        return Ok(made.map(|_| ()));
    }
    let account = version.own_key_after(&id, &done.ids);
    let links = version.epochs().links();
    let since = |of: i64| links.of(of, &done.ids.linking).map_or(i64::MIN, |(_, at)| at);
    let person = version.person_after(account, &done.ids);
    if version.person_after(version.own_key_after(&member, &done.ids), &done.ids) != person {
        return Ok(Err(OnlineError::Unknown("account")));
    }
    let others = links.others(account, &done.ids.linking);
    let Some(first) = others.iter().map(|other| since(*other).max(since(account))).min() else {
        return Ok(Err(OnlineError::Unknown("account")));
    };
    if done.now.saturating_sub(first) > PART_MS {
        return Ok(Err(OnlineError::TooLate));
    }
    let rows = live.rows();
    for other in others {
        for (of, from) in [(account, other), (other, account)] {
            put_bytes(rows, (space::PARTED, of, &from.to_be_bytes()), b"", OnRow::Goes)?;
        }
    }
    once.map_or(Ok(()), |once| once.keep(rows, 0))?;
    judge(live, account, version, done)?;
    Ok(Ok(()))
}

/// Takes away what is kept of an account's keys, and its link; whoever has its id from now on is somebody else.
pub(crate) fn erase_identities(
    rows: &mut GroupWork<'_, '_>,
    account: i64,
    version: &Version,
    done: &mut Done,
) -> Result<(), LedgerError> {
    for key in keys_of(rows, account)? {
        let_go(rows, &key, account)?;
    }
    rows.remove_rows(space::IDENTITIES, account)?;
    rows.remove_rows(space::PARTED, account)?;
    let links = version.epochs().links();
    if links.of(account, &done.ids.linking).is_some() {
        let link = Link { account, to: None, at: done.now };
        let linking = links.put(rows, link, &done.ids.linking)?;
        done.ids.linking.push(linking);
    }
    Ok(())
}

fn keys_of(rows: &mut dyn ReadRows, account: i64) -> Result<Vec<VerifiedKey>, LedgerError> {
    let rows = identities_of(rows, account)?;
    Ok(rows.iter().map(|row| VerifiedKey::new(&row.kind, &row.hash)).collect())
}

fn identities_of(rows: &mut dyn ReadRows, account: i64) -> Result<Vec<IdentityRow>, LedgerError> {
    read_values(rows, space::IDENTITIES, account)
}

fn parted_from(rows: &mut dyn ReadRows, account: i64) -> Result<Vec<i64>, LedgerError> {
    let mut all = Vec::new();
    rows.visit(space::PARTED, RowScope::Owner(account), &mut |key, _| {
        all.push(account_of(key)?);
        Ok(())
    })?;
    Ok(all)
}

fn account_of(bytes: &[u8]) -> Result<i64, LedgerError> {
    let account = bytes.try_into().map(i64::from_be_bytes);
    account.map_err(|_| LedgerError::Damaged("an account has no pseudonym".to_owned()))
}

/// Owner of the rows that say who has a key.
fn owner_of(key: &VerifiedKey) -> i64 {
    let half: [u8; 8] = key.digest()[..8].try_into().expect("half of it");
    i64::from_be_bytes(half)
}

/// The accounts that have a key.
fn holders(rows: &mut dyn ReadRows, key: &VerifiedKey) -> Result<Vec<i64>, LedgerError> {
    let mut all = Vec::new();
    rows.visit(space::HOLDERS, RowScope::Owner(owner_of(key)), &mut |place, _| {
        if let Some(account) = place.strip_prefix(&key.digest()[..]) {
            all.push(account_of(account)?);
        }
        Ok(())
    })?;
    Ok(all)
}

fn hold(rows: &mut GroupWork<'_, '_>, key: &VerifiedKey, account: i64) -> Result<(), LedgerError> {
    let place = [&key.digest()[..], &account.to_be_bytes()].concat();
    put_bytes(rows, (space::HOLDERS, owner_of(key), &place), b"", OnRow::Goes).map(|_| ())
}

/// Takes an account from those that have a key.
fn let_go(
    rows: &mut GroupWork<'_, '_>,
    key: &VerifiedKey,
    account: i64,
) -> Result<(), LedgerError> {
    let place = [&key.digest()[..], &account.to_be_bytes()].concat();
    remove_row(rows, (space::HOLDERS, owner_of(key), &place))
}

/// Takes one row away of those of an owner.
fn remove_row(
    rows: &mut GroupWork<'_, '_>,
    (space, owner, key): (u8, i64, &[u8]),
) -> Result<(), LedgerError> {
    let mut others: Vec<(Vec<u8>, Vec<u8>)> = Vec::new();
    rows.visit(space, RowScope::Owner(owner), &mut |known, value| {
        if known != key {
            others.push((known.to_vec(), value.to_vec()));
        }
        Ok(())
    })?;
    rows.remove_rows(space, owner)?;
    for (key, value) in others {
        put_bytes(rows, (space, owner, &key), &value, OnRow::Goes)?;
    }
    Ok(())
}

impl MemberRow {
    /// When it joined, unix-ms, by its profile.
    pub(crate) fn joined(&self) -> Option<i64> {
        self.profile.iter().find_map(|(name, value)| match value {
            Kept::Integer(at) if name == "joined" => Some(*at),
            _ => None,
        })
    }
}

impl Brand {
    /// The accounts of a member by the id of any of them, the one whose id is the member's first.
    ///
    /// # Errors
    /// [`OnlineError::Unknown`], or a fault of the storage.
    pub fn accounts(&self, id: &str) -> Result<Vec<Account>, OnlineError> {
        let version = self.version();
        let (person, links) = (version.key(id), version.epochs().links());
        let mut all = Vec::new();
        for key in std::iter::once(person).chain(links.accounts(person, &[])) {
            let Some(row) = read_member(&mut &*self.reader, key)? else { continue };
            let keys = identities_of(&mut &*self.reader, key)?;
            let keys = keys.into_iter().map(|IdentityRow { kind, hash, channel }| AccountKey {
                kind,
                hash,
                channel,
            });
            let joined_at = links.of(key, &[]).map(|(_, at)| at);
            all.push(Account { id: row.id, joined_at, keys: keys.collect() });
        }
        if all.is_empty() { Err(OnlineError::Unknown("member")) } else { Ok(all) }
    }

    /// Parts an account from the others of a member, within 90 days: each has what came in its name, before and since. They are not
    /// joined again. The same under the same key happens once.
    ///
    /// # Errors
    /// [`OnlineError::Unknown`] for an account that is not joined with another one of the member, [`OnlineError::TooLate`] after 90
    /// days.
    pub async fn part<'a>(
        &self,
        member: &str,
        account: &str,
        by: impl Into<By<'a>>,
    ) -> Result<(), OnlineError> {
        let once = by.into().once([b"part", member.as_bytes(), account.as_bytes()]);
        let job = PartJob { member: member.to_owned(), id: account.to_owned(), once };
        self.queue.ask(|reply| Job::Part(Box::new(job), reply)).await
    }
}
