//! Which decisions a brand made, in the order in which they were made, and how many. A commit group has one row for all of its
//! decisions, so that under load a decision adds next to nothing.

use playbook_ledger::store::{OnRow, RowScope};
use playbook_ledger::{GroupWork, Ledger, LedgerError};
use playbook_model::{Digest, RefusalCode};
use serde::{Deserialize, Serialize};

use crate::brand::{Brand, decision_id};
use crate::decision::{Decision, EffectSaid, Kept};
use crate::error::OnlineError;
use crate::store::{
    BRAND, put_value, read_decision, read_decisions, read_member, read_value, space, value_of,
};
use crate::writer::DecisionKey;

/// Decisions that are looked at for one part of a list: in their rows, and themselves.
const LOOKED_MAX: usize = 20_000;
const READ_MAX: usize = 2_000;
/// Rows of one look; others read in between.
const ROWS_AT_ONCE: usize = 64;

/// A decision among those of its group.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Made {
    member: i64,
    key: DecisionKey,
    /// Unix-ms.
    at: i64,
    /// A bit for each code of its refusals, by position.
    refused: u16,
}

/// What a brand has in all.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Totals {
    /// Decisions that were made, those of members who were erased since included.
    pub decisions: u64,
    /// Members.
    pub members: u64,
}

/// Which decisions a list shows. Stage, action and code are those of one effect.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DecisionFilter {
    /// Decisions about a member, by id.
    pub member: Option<String>,
    /// Decisions that refused something with a code.
    pub refusal: Option<RefusalCode>,
    /// Decisions with an effect of a stage.
    pub stage: Option<String>,
    /// Decisions with an effect of an action.
    pub action: Option<String>,
    /// Decisions of this moment or later, unix-ms.
    pub from: Option<i64>,
    /// Decisions before this moment, unix-ms.
    pub to: Option<i64>,
}

/// A part of a list of decisions, the newest first.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct DecisionPart {
    /// The decisions.
    pub decisions: Vec<Decision>,
    /// What to go on after; `None` at the end.
    pub next: Option<String>,
}

impl Made {
    pub(crate) fn new(member: i64, key: DecisionKey, kept: &Kept) -> Self {
        Self { member, key, at: kept.at, refused: kept.refused() }
    }
}

/// Keeps what a group made: its decisions, and by how many it changed the number of members.
pub(crate) fn put_made(
    rows: &mut GroupWork<'_, '_>,
    made: &[Made],
    members: i64,
) -> Result<(), LedgerError> {
    if made.is_empty() && members == 0 {
        return Ok(());
    }
    // Read here and not held: another host may have written since.
    let mut totals: Totals = read_value(rows, space::TOTALS, BRAND, b"")?.unwrap_or_default();
    if !made.is_empty() {
        let place = (space::MADE, BRAND, &key_of(totals.decisions + 1)[..]);
        put_value(rows, place, &made, OnRow::Stays)?;
    }
    totals.decisions += made.len() as u64;
    totals.members = totals.members.saturating_add_signed(members);
    put_value(rows, (space::TOTALS, BRAND, b""), &totals, OnRow::Goes).map(|_| ())
}

/// The key of the row whose first decision has a number: the newest row comes first.
fn key_of(first: u64) -> [u8; 8] {
    (!first).to_be_bytes()
}

/// Decisions before a number, the newest first, those of some rows.
fn read_made(ledger: &Ledger, before: u64) -> Result<Vec<(u64, Made)>, LedgerError> {
    let mut all = Vec::new();
    let mut rows = 0;
    // Behind the key of the number itself lie the rows that begin before it.
    let from = key_of(before);
    ledger.rows(space::MADE, RowScope::After(Some((BRAND, &from))), &mut |_, key, bytes| {
        let first = key.try_into().map(|key| !u64::from_be_bytes(key));
        let first = first
            .map_err(|_| LedgerError::Damaged("a row of decisions has no number".to_owned()))?;
        let made: Vec<Made> = value_of(bytes)?;
        let numbered = (first..).zip(made).take_while(|(number, _)| *number < before);
        let at = all.len();
        all.extend(numbered);
        all[at..].reverse();
        rows += 1;
        Ok(rows < ROWS_AT_ONCE && all.len() < LOOKED_MAX)
    })?;
    Ok(all)
}

impl Brand {
    /// How many members and decisions there are.
    ///
    /// # Errors
    /// A fault of the storage.
    pub fn totals(&self) -> Result<Totals, OnlineError> {
        let totals = read_value(&mut &*self.reader, space::TOTALS, BRAND, b"")?;
        Ok(totals.unwrap_or_default())
    }

    /// Decisions, at most `most`, the newest first: in the order in which they were made, or, of one member, in that of their
    /// moments. `after` is where the part before ended. A part whose filter takes little may be short, because there is a
    /// bound on what is looked at for it.
    ///
    /// # Errors
    /// [`OnlineError::Cursor`] for an `after` that is none, or a fault of the storage.
    pub fn decisions(
        &self,
        filter: &DecisionFilter,
        after: Option<&str>,
        most: usize,
    ) -> Result<DecisionPart, OnlineError> {
        if let Some(member) = &filter.member {
            return self.decisions_of(member, filter, after, most);
        }
        let mut before = match after {
            None => u64::MAX,
            Some(number) => number.parse().map_err(|_| OnlineError::Cursor)?,
        };
        let mut decisions: Vec<Decision> = Vec::new();
        let (mut looked, mut read) = (0, 0);
        loop {
            let made = read_made(&self.reader, before)?;
            if made.is_empty() {
                return Ok(DecisionPart { decisions, next: None });
            }
            for (number, made) in made {
                if decisions.len() == most || looked == LOOKED_MAX || read == READ_MAX {
                    return Ok(DecisionPart { decisions, next: Some(before.to_string()) });
                }
                (before, looked) = (number, looked + 1);
                if filter.may_take(&made) {
                    read += 1;
                    let told = self.made(&made)?;
                    decisions.extend(told.filter(|decision| filter.takes(decision)));
                }
            }
        }
    }

    /// Decisions about one member: all of them are read, which are as many as one member has.
    fn decisions_of(
        &self,
        member: &str,
        filter: &DecisionFilter,
        after: Option<&str>,
        most: usize,
    ) -> Result<DecisionPart, OnlineError> {
        let mut all = self.all_decisions_of(member)?;
        all.retain(|decision| filter.takes(decision));
        let from = match after {
            None => 0,
            Some(after) => {
                let is_it = |decision: &Decision| decision.id.as_deref() == Some(after);
                all.iter().position(is_it).ok_or(OnlineError::Cursor)? + 1
            }
        };
        let has_more = all.len() - from > most;
        let decisions: Vec<Decision> = all.into_iter().skip(from).take(most).collect();
        let next = decisions.last().filter(|_| has_more).and_then(|last| last.id.clone());
        Ok(DecisionPart { decisions, next })
    }

    /// All decisions about a member, those of the latest moments first.
    pub(crate) fn all_decisions_of(&self, member: &str) -> Result<Vec<Decision>, OnlineError> {
        let mut all = Vec::new();
        for account in self.all_keys(self.version().key(member)) {
            let row = read_member(&mut &*self.reader, account)?;
            let of = row.as_ref().map_or(member, |row| row.id.as_str());
            for (request, kept) in read_decisions(&mut &*self.reader, account)? {
                let id = request.try_into().ok().map(|request| decision_id(account, &request));
                all.push(self.told(&kept, id, of)?);
            }
        }
        all.sort_by(|a, b| b.at.cmp(&a.at).then_with(|| b.id.cmp(&a.id)));
        Ok(all)
    }

    /// A decision in the words of its version; `None` where its member was erased.
    fn made(&self, made: &Made) -> Result<Option<Decision>, OnlineError> {
        let Some(member) = read_member(&mut &*self.reader, made.member)? else { return Ok(None) };
        let Some(kept) = read_decision(&mut &*self.reader, made.member, &made.key)? else {
            return Ok(None);
        };
        let id = decision_id(made.member, &made.key);
        self.told(&kept, Some(id), &member.id).map(Some)
    }

    /// Decisions that were made since the brand was opened: it changes with each.
    #[must_use]
    pub fn decisions_made(&self) -> u64 {
        self.queue.counts.decisions()
    }

    /// What a version's decisions are told by, of any version that was kept.
    #[must_use]
    pub fn facts_of(&self, version: &Digest) -> Option<std::sync::Arc<crate::VersionFacts>> {
        // What cannot be read is as good as not kept: a list is told without it.
        self.facts(version).ok().flatten()
    }
}

impl DecisionFilter {
    /// Whether a decision may be one of the list, by what its row says.
    fn may_take(&self, made: &Made) -> bool {
        self.is_within(made.at)
            && self.refusal.is_none_or(|code| made.refused & (1 << code as u16) != 0)
    }

    fn is_within(&self, at: i64) -> bool {
        self.from.is_none_or(|from| at >= from) && self.to.is_none_or(|to| at < to)
    }

    fn takes(&self, decision: &Decision) -> bool {
        let asks = self.refusal.is_some() || self.stage.is_some() || self.action.is_some();
        let mut effects = decision.granted.iter().chain(&decision.refused);
        self.is_within(decision.at) && (!asks || effects.any(|effect| self.takes_effect(effect)))
    }

    fn takes_effect(&self, effect: &EffectSaid) -> bool {
        let is_same = |asked: &Option<String>, said: &str| {
            asked.as_ref().is_none_or(|asked| asked.as_str() == said)
        };
        let refused = effect.refusal.as_ref().map(|refusal| refusal.code);
        is_same(&self.stage, &effect.stage)
            && is_same(&self.action, &effect.action)
            && self.refusal.is_none_or(|code| refused == Some(code.code()))
    }
}
