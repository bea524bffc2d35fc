//! What can be looked up of a brand's money: entries of its ledger, and what members have used of their caps.

use playbook_cycle::CapUse;
use playbook_ledger::{EntryFilter, ListedEntry};
use playbook_model::UnixMs;

use crate::brand::Brand;
use crate::error::OnlineError;
use crate::store::read_member;

/// An entry of the ledger.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MoneyEntry {
    /// The entry.
    pub entry: ListedEntry,
    /// Id of the member of a grant; `None` elsewhere, and where the member was erased.
    pub member: Option<String>,
}

impl Brand {
    /// Entries of the ledger that a filter takes, and that are of a member, by id, where one is named; see
    /// [`playbook_ledger::Ledger::entries`].
    ///
    /// # Errors
    /// A fault of the storage.
    pub fn entries(
        &self,
        filter: &EntryFilter,
        member: Option<&str>,
        before: Option<i64>,
        most: usize,
    ) -> Result<(Vec<MoneyEntry>, Option<i64>), OnlineError> {
        let member = member.map(|id| self.version().key(id));
        let filter = EntryFilter { member: member.or(filter.member), ..filter.clone() };
        let (entries, next) = self.reader.entries(&filter, before, most)?;
        let mut told = Vec::with_capacity(entries.len());
        for entry in entries {
            let row = match entry.member {
                0 => None,
                key => read_member(&mut &*self.reader, key)?,
            };
            told.push(MoneyEntry { entry, member: row.map(|row| row.id) });
        }
        Ok((told, next))
    }

    /// What a member has used of each frequency cap at a moment, unix-ms, or now: what a decision at that moment would count.
    /// The moment comes with it.
    ///
    /// # Errors
    /// [`OnlineError::Unknown`], a member who cannot be evaluated, or a fault of the storage.
    pub fn caps(&self, member: &str, at: Option<i64>) -> Result<(i64, CapUse), OnlineError> {
        let version = self.version();
        let key = version.key(member);
        if read_member(&mut &*self.reader, key)?.is_none() {
            return Err(OnlineError::Unknown("member"));
        }
        let at = at.unwrap_or_else(|| (self.now)());
        let record = self.record(key)?;
        let evaluated = version.evaluate(member, &record, at)?;
        let from = UnixMs(at.saturating_sub(version.caps_window_ms()));
        let past = self.reader.grants_of(key, from)?;
        Ok((at, version.caps(key, &evaluated, &past)))
    }
}
