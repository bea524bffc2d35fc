//! What a brand keeps beside its ledger, as rows: members, their events, their answers about consents, decisions,
//! versions. All of it lies by member, so that a record is read in one stretch.

use playbook_ledger::store::{OnRow, Row, RowScope};
use playbook_ledger::{GroupWork, Ledger, LedgerError};
use playbook_model::Digest;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::alerts::Alert;
use crate::decision;
use crate::facts::VersionFacts;
use crate::packed::Kept;
use crate::record::{Account, Packed, Record};
use crate::versions::{Activation, Source};

/// Spaces of rows. Their numbers never change.
pub(crate) mod space {
    /// By member: its id and profile, under the empty key.
    pub(crate) const MEMBERS: u8 = 1;
    /// By member: an event under its id.
    pub(crate) const EVENTS: u8 = 2;
    /// By member: an answer about a purpose, under purpose and time.
    pub(crate) const CONSENTS: u8 = 3;
    /// By member: a decision under the digest of its request's key.
    pub(crate) const DECISIONS: u8 = 4;
    /// Of the brand: facts of a version under its digest.
    pub(crate) const VERSIONS: u8 = 5;
    /// Of the brand: what opens a version again, under its digest.
    pub(crate) const SOURCES: u8 = 6;
    /// Of the brand: which version decided from when on, under ascending numbers.
    pub(crate) const ACTIVATIONS: u8 = 7;
    /// Of the brand: receipts of erasures, under the digests of their requests.
    pub(crate) const ERASURES: u8 = 8;
    /// Of the brand: effects to be carried out, under ascending numbers.
    pub(crate) const EFFECTS: u8 = 9;
    /// Of the brand: the number of the last effect, under the empty key.
    pub(crate) const LAST_EFFECT: u8 = 10;
    /// By member: the digest of a change that was made, under the digest of its request's key.
    pub(crate) const CHANGES: u8 = 11;
    /// Of the brand: when it last tried whether it can write again, under the empty key.
    pub(crate) const TRIES: u8 = 12;
    /// Of the brand: alerts, under their places.
    pub(crate) const ALERTS: u8 = 13;
    /// Of the brand: the decisions of a commit group, under the descending number of its first one.
    pub(crate) const MADE: u8 = 16;
    /// Of the brand: how many members and decisions there are, under the empty key.
    pub(crate) const TOTALS: u8 = 17;
    /// Of the brand: how far its webhook is, under the empty key.
    pub(crate) const WEBHOOK: u8 = 18;
    /// By number of an effect: that its webhook has still to deliver it, though it delivered later ones.
    pub(crate) const OVERTAKEN: u8 = 19;
    /// By number of an effect: that its webhook gave it up.
    pub(crate) const UNDELIVERED: u8 = 20;
    /// Of a stretch of commit groups, where hosts share the store: what each changed, under its number.
    pub(crate) const NOTES: u8 = 21;
    /// By member: a grant that rests on an order, under the order's id, 0 and the grant's key.
    pub(crate) const OF_ORDERS: u8 = 23;
    /// By the moment at which its time is over, unix-ms: a grant under its key.
    pub(crate) const ENDS: u8 = 24;
    /// By member: what the ledger does not say of a grant, under its key.
    pub(crate) const GRANT_NOTES: u8 = 25;
    /// By its number: a review under the empty key; of the brand: the number of the last one.
    pub(crate) const REVIEWS: u8 = 26;
    /// By its number: that a review waits.
    pub(crate) const WAITING: u8 = 27;
    /// By member: what was refunded of an order, under its id.
    pub(crate) const REFUNDED: u8 = 28;
    /// Of the brand: freezes and their ends, under ascending numbers.
    pub(crate) const FREEZES: u8 = 29;
    /// Of the brand: requests for money, under ascending numbers.
    pub(crate) const MONEY_REQUESTS: u8 = 40;
    /// Of the brand: the last of them, and which wait, under the empty key.
    pub(crate) const MONEY_QUEUE: u8 = 41;
    /// Of the brand: transfers that the stages of a closed cycle asked for, under the number of its activation.
    pub(crate) const TRANSFERS: u8 = 47;
    /// Of the brand: what a change came to, under the digest of its request's key.
    pub(crate) const ONCE: u8 = 30;
    /// By a set of outputs of a closed cycle and the beginning of pseudonyms: the values of these members.
    pub(crate) const PREVIOUS: u8 = 31;
    /// By its number: a set of outputs, under the empty key.
    pub(crate) const SETS: u8 = 32;
    /// Of the brand: the number of the last set of outputs, under the empty key.
    pub(crate) const LAST_SET: u8 = 33;
    /// Of the brand: which host does some work for it, under the name of the work.
    pub(crate) const CLAIMS: u8 = 34;
    /// Of the brand: grants of access to data, under ascending numbers.
    pub(crate) const ACCESS: u8 = 35;
    /// Of the brand: ids that were erased, as keyed hashes, under ascending numbers.
    pub(crate) const SUPPRESSED: u8 = 36;
    /// By account: a verified key under its digest.
    pub(crate) const IDENTITIES: u8 = 43;
    /// By the beginning of a key's digest: an account that has it, under digest and pseudonym.
    pub(crate) const HOLDERS: u8 = 44;
    /// Of the brand: which account belongs to whose member, under ascending numbers.
    pub(crate) const LINKS: u8 = 45;
    /// By account: another one that it was parted from, under its pseudonym.
    pub(crate) const PARTED: u8 = 46;
}

/// Owner of what is the brand's.
pub(crate) const BRAND: i64 = 0;

/// A member's row.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct MemberRow {
    pub(crate) id: String,
    pub(crate) profile: Vec<(String, Kept)>,
    /// Grows with each change of a profile, whosever it is; it follows in the same value. 0: releases before did not keep it.
    #[serde(skip)]
    pub(crate) changed: i64,
}

impl MemberRow {
    /// The value that keeps it.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        let mut bytes = bytes_of(self);
        if self.changed != 0 {
            bytes.extend(bytes_of(&self.changed));
        }
        bytes
    }

    /// Reads a value.
    pub(crate) fn read(bytes: &[u8]) -> Result<Self, LedgerError> {
        let (row, rest): (Self, _) = value_and_rest(bytes)?;
        let changed = if rest.is_empty() { 0 } else { value_of(rest)? };
        Ok(Self { changed, ..row })
    }
}

/// An answer about a consent.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct ConsentRow {
    pub(crate) purpose: String,
    pub(crate) state: String,
    pub(crate) time: Option<i64>,
    /// It follows in the same value, where there is any.
    #[serde(skip)]
    pub(crate) evidence: Evidence,
}

/// What was shown when an answer was given, and where.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Evidence {
    pub(crate) text_version: Option<String>,
    pub(crate) channel: Option<String>,
}

impl ConsentRow {
    /// Answers of one purpose and time are one; the stricter one stays by the fold's own rule, because the state is part of
    /// the key.
    pub(crate) fn key(&self) -> Vec<u8> {
        let mut key = self.purpose.clone().into_bytes();
        key.push(0);
        key.extend(self.time.unwrap_or(i64::MIN).to_be_bytes());
        key.extend(self.state.as_bytes());
        key
    }

    /// The value that keeps it.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        let mut bytes = bytes_of(self);
        if self.evidence != Evidence::default() {
            bytes.extend(bytes_of(&self.evidence));
        }
        bytes
    }

    /// Reads a value.
    pub(crate) fn read(bytes: &[u8]) -> Result<Self, LedgerError> {
        let (row, rest): (Self, _) = value_and_rest(bytes)?;
        let evidence = if rest.is_empty() { Evidence::default() } else { value_of(rest)? };
        Ok(Self { evidence, ..row })
    }
}

/// An effect that was granted: which outcome of which decision. Whose it is stands in the decision's own rows, so that an
/// erased member's effects name nobody. The position of a reversal in the note of the grant may follow in the same value: then it
/// is to be undone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct EffectRow {
    pub(crate) member: i64,
    pub(crate) decision: [u8; 16],
    pub(crate) outcome: usize,
}

/// Number of the last effect; 0: none.
pub(crate) fn read_last_effect(rows: &mut dyn ReadRows) -> Result<u64, LedgerError> {
    Ok(read_value(rows, space::LAST_EFFECT, BRAND, b"")?.unwrap_or(0))
}

/// Effects after a number, at most so many.
pub(crate) fn read_effects(
    ledger: &Ledger,
    after: u64,
    limit: usize,
) -> Result<Vec<(u64, EffectRow, Option<usize>)>, LedgerError> {
    let mut all = Vec::new();
    let from = after.to_be_bytes();
    ledger.rows(space::EFFECTS, RowScope::After(Some((BRAND, &from))), &mut |_, key, bytes| {
        let number = key.try_into().map(u64::from_be_bytes);
        let number =
            number.map_err(|_| LedgerError::Damaged("an effect has no number".to_owned()))?;
        let (row, rest) = value_and_rest(bytes)?;
        let reversal = if rest.is_empty() { None } else { Some(value_of(rest)?) };
        all.push((number, row, reversal));
        Ok(all.len() < limit)
    })?;
    Ok(all)
}

/// Bytes of a value that is kept.
pub(crate) fn bytes_of<T: Serialize>(value: &T) -> Vec<u8> {
    postcard::to_allocvec(value).expect("plain values always have bytes")
}

/// The value of bytes that were kept.
pub(crate) fn value_of<'b, T: Deserialize<'b>>(bytes: &'b [u8]) -> Result<T, LedgerError> {
    postcard::from_bytes(bytes).map_err(|_| unreadable())
}

/// The value that bytes begin with, and what follows: what later releases keep beside it.
pub(crate) fn value_and_rest<'b, T: Deserialize<'b>>(
    bytes: &'b [u8],
) -> Result<(T, &'b [u8]), LedgerError> {
    postcard::take_from_bytes(bytes).map_err(|_| unreadable())
}

fn unreadable() -> LedgerError {
    LedgerError::Damaged("a row beside the ledger cannot be read".to_owned())
}

/// Rows of one owner or key, from wherever they are read.
pub(crate) trait ReadRows {
    /// Visits them in order.
    fn visit(
        &mut self,
        space: u8,
        scope: RowScope<'_>,
        take: &mut dyn FnMut(&[u8], &[u8]) -> Result<(), LedgerError>,
    ) -> Result<(), LedgerError>;

    /// The value under a key.
    fn one(&mut self, space: u8, owner: i64, key: &[u8]) -> Result<Option<Vec<u8>>, LedgerError> {
        let mut found = None;
        self.visit(space, RowScope::Key(owner, key), &mut |_, value| {
            found = Some(value.to_vec());
            Ok(())
        })?;
        Ok(found)
    }
}

impl ReadRows for &Ledger {
    fn visit(
        &mut self,
        space: u8,
        scope: RowScope<'_>,
        take: &mut dyn FnMut(&[u8], &[u8]) -> Result<(), LedgerError>,
    ) -> Result<(), LedgerError> {
        self.rows(space, scope, &mut |_, key, value| take(key, value).map(|()| true))
    }
}

impl ReadRows for GroupWork<'_, '_> {
    fn visit(
        &mut self,
        space: u8,
        scope: RowScope<'_>,
        take: &mut dyn FnMut(&[u8], &[u8]) -> Result<(), LedgerError>,
    ) -> Result<(), LedgerError> {
        self.rows(space, scope, &mut |_, key, value| take(key, value).map(|()| true))
    }
}

/// The value under a key.
pub(crate) fn read_value<T: DeserializeOwned>(
    rows: &mut dyn ReadRows,
    space: u8,
    owner: i64,
    key: &[u8],
) -> Result<Option<T>, LedgerError> {
    rows.one(space, owner, key)?.map(|bytes| value_of(&bytes)).transpose()
}

/// All values of an owner, in order of their keys.
pub(crate) fn read_values<T: DeserializeOwned>(
    rows: &mut dyn ReadRows,
    space: u8,
    owner: i64,
) -> Result<Vec<T>, LedgerError> {
    let mut all = Vec::new();
    rows.visit(space, RowScope::Owner(owner), &mut |_, bytes| {
        all.push(value_of(bytes)?);
        Ok(())
    })?;
    Ok(all)
}

/// Writes one row; says whether one with its key stood before.
pub(crate) fn put_bytes(
    rows: &mut GroupWork<'_, '_>,
    (space, owner, key): (u8, i64, &[u8]),
    value: &[u8],
    on_row: OnRow,
) -> Result<bool, LedgerError> {
    Ok(rows.put_rows(&[Row { space, owner, key, value }], on_row)? == [true])
}

/// As [`put_bytes`], of a value.
pub(crate) fn put_value<T: Serialize>(
    rows: &mut GroupWork<'_, '_>,
    place: (u8, i64, &[u8]),
    value: &T,
    on_row: OnRow,
) -> Result<bool, LedgerError> {
    put_bytes(rows, place, &bytes_of(value), on_row)
}

/// Keeps the id of a member, where nothing was known of it; says whether that is so.
pub(crate) fn put_new_member(
    rows: &mut GroupWork<'_, '_>,
    member: i64,
    id: String,
) -> Result<bool, LedgerError> {
    let row = MemberRow { id, ..MemberRow::default() };
    Ok(!put_bytes(rows, (space::MEMBERS, member, b""), &row.bytes(), OnRow::Stays)?)
}

/// A member's row.
pub(crate) fn read_member(
    rows: &mut dyn ReadRows,
    member: i64,
) -> Result<Option<MemberRow>, LedgerError> {
    rows.one(space::MEMBERS, member, b"")?.map(|bytes| MemberRow::read(&bytes)).transpose()
}

/// The record of a member with its further accounts; an empty one where nothing is kept.
pub(crate) fn read_record(
    rows: &mut dyn ReadRows,
    member: i64,
    accounts: &[i64],
) -> Result<Record, LedgerError> {
    let own = read_account(rows, member)?;
    let others: Result<_, _> = accounts.iter().map(|of| read_account(rows, *of)).collect();
    Ok(Record::of_person(own, others?))
}

fn read_account(rows: &mut dyn ReadRows, account: i64) -> Result<Account, LedgerError> {
    let mut read = Account::default();
    if let Some(row) = read_member(rows, account)? {
        read.record.set_profile(row.profile);
        (read.id, read.changed) = (row.id, row.changed);
    }
    rows.visit(space::EVENTS, RowScope::Owner(account), &mut |key, bytes| {
        let id = std::str::from_utf8(key)
            .map_err(|_| LedgerError::Damaged("the id of an event is no text".to_owned()))?;
        read.record.push(&Packed { id, bytes });
        Ok(())
    })?;
    rows.visit(space::CONSENTS, RowScope::Owner(account), &mut |_, bytes| {
        read.record.add_consent(ConsentRow::read(bytes)?);
        Ok(())
    })?;
    Ok(read)
}

/// The answers of an account about consents.
pub(crate) fn read_consents(
    rows: &mut dyn ReadRows,
    member: i64,
) -> Result<Vec<ConsentRow>, LedgerError> {
    let mut all = Vec::new();
    rows.visit(space::CONSENTS, RowScope::Owner(member), &mut |_, bytes| {
        all.push(ConsentRow::read(bytes)?);
        Ok(())
    })?;
    Ok(all)
}

/// A decision under the digest of its request's key.
pub(crate) fn read_decision(
    rows: &mut dyn ReadRows,
    member: i64,
    key: &[u8],
) -> Result<Option<decision::Kept>, LedgerError> {
    rows.one(space::DECISIONS, member, key)?.map(|bytes| decision::Kept::read(&bytes)).transpose()
}

/// Keeps what the decisions of a version are told by, and what opens it again.
pub(crate) fn put_version(
    rows: &mut GroupWork<'_, '_>,
    facts: &VersionFacts,
    source: &Source,
) -> Result<(), LedgerError> {
    let digest = facts.digest().0;
    // A row of an earlier release says less of the same version.
    put_bytes(rows, (space::VERSIONS, BRAND, &digest), &facts.bytes(), OnRow::Goes)?;
    let mut bytes = bytes_of(source);
    // What it reads of closed cycles follows where there is any.
    if !source.closed.outputs.is_empty() {
        bytes.extend(bytes_of(&source.closed.outputs));
    }
    put_bytes(rows, (space::SOURCES, BRAND, &digest), &bytes, OnRow::Stays).map(|_| ())
}

/// Keeps that a version decides from now on.
pub(crate) fn put_activation(
    rows: &mut GroupWork<'_, '_>,
    activation: &Activation,
) -> Result<(), LedgerError> {
    let key = activation.number.to_be_bytes();
    put_value(rows, (space::ACTIVATIONS, BRAND, &key), activation, OnRow::Stays)?;
    rows.announce()
}

/// Which version decided from when on, in order.
pub(crate) fn read_activations(rows: &mut dyn ReadRows) -> Result<Vec<Activation>, LedgerError> {
    read_values(rows, space::ACTIVATIONS, BRAND)
}

/// Alerts in order of their places.
pub(crate) fn read_alerts(rows: &mut dyn ReadRows) -> Result<Vec<Alert>, LedgerError> {
    let mut all = Vec::new();
    rows.visit(space::ALERTS, RowScope::Owner(BRAND), &mut |_, bytes| {
        all.push(alert_of(bytes)?);
        Ok(())
    })?;
    Ok(all)
}

/// The alert at a place.
pub(crate) fn read_alert(
    rows: &mut dyn ReadRows,
    place: u16,
) -> Result<Option<Alert>, LedgerError> {
    let bytes = rows.one(space::ALERTS, BRAND, &place.to_be_bytes())?;
    bytes.map(|bytes| alert_of(&bytes)).transpose()
}

/// Keeps an alert at its place. Who has seen it, and that it was told again, follow where there is any of it.
pub(crate) fn put_alert(
    rows: &mut GroupWork<'_, '_>,
    place: u16,
    alert: &Alert,
) -> Result<(), LedgerError> {
    let mut bytes = bytes_of(alert);
    if alert.seen.is_some() || alert.escalated.is_some() {
        bytes.extend(bytes_of(&(&alert.seen, alert.escalated)));
    }
    put_bytes(rows, (space::ALERTS, BRAND, &place.to_be_bytes()), &bytes, OnRow::Goes).map(|_| ())
}

fn alert_of(bytes: &[u8]) -> Result<Alert, LedgerError> {
    let (mut alert, rest): (Alert, _) = value_and_rest(bytes)?;
    if !rest.is_empty() {
        (alert.seen, alert.escalated) = value_of(rest)?;
    }
    Ok(alert)
}

/// What opens a version again.
pub(crate) fn read_source(
    rows: &mut dyn ReadRows,
    version: &Digest,
) -> Result<Option<Source>, LedgerError> {
    let Some(bytes) = rows.one(space::SOURCES, BRAND, &version.0)? else { return Ok(None) };
    let (mut source, rest): (Source, _) = value_and_rest(&bytes)?;
    if !rest.is_empty() {
        source.closed.outputs = value_of(rest)?;
    }
    Ok(Some(source))
}

/// Members after one, in the order of their pseudonyms, at most so many.
pub(crate) fn read_members(
    ledger: &Ledger,
    after: Option<i64>,
    most: usize,
) -> Result<Vec<(i64, MemberRow)>, LedgerError> {
    let mut all = Vec::new();
    let after = after.map(|member| (member, &b""[..]));
    ledger.rows(space::MEMBERS, RowScope::After(after), &mut |member, _, bytes| {
        all.push((member, MemberRow::read(bytes)?));
        Ok(all.len() < most)
    })?;
    Ok(all)
}

/// All decisions about a member with the digests of their keys.
pub(crate) fn read_decisions(
    rows: &mut dyn ReadRows,
    member: i64,
) -> Result<Vec<(Vec<u8>, decision::Kept)>, LedgerError> {
    let mut all = Vec::new();
    rows.visit(space::DECISIONS, RowScope::Owner(member), &mut |key, bytes| {
        all.push((key.to_vec(), decision::Kept::read(bytes)?));
        Ok(())
    })?;
    Ok(all)
}

/// Facts of a version that made decisions.
pub(crate) fn read_version(
    rows: &mut dyn ReadRows,
    version: &Digest,
) -> Result<Option<VersionFacts>, LedgerError> {
    let bytes = rows.one(space::VERSIONS, BRAND, &version.0)?;
    bytes.map(|bytes| VersionFacts::read(&bytes)).transpose()
}

/// Facts of the versions that made decisions.
pub(crate) fn read_versions(rows: &mut dyn ReadRows) -> Result<Vec<VersionFacts>, LedgerError> {
    let mut all = Vec::new();
    rows.visit(space::VERSIONS, RowScope::Owner(BRAND), &mut |_, bytes| {
        all.push(VersionFacts::read(bytes)?);
        Ok(())
    })?;
    Ok(all)
}
