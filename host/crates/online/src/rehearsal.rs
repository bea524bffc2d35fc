//! Decisions on a ledger in memory: what a version would grant, granted nowhere.

use std::collections::BTreeMap;

use playbook_cycle::{LiveMoney, MoneyRole};
use playbook_ledger::{Ledger, LedgerError};
use playbook_model::{Digest, UnixMs};

use crate::decision::Kept;
use crate::version::{Evaluated, Version};
use crate::writer::held;

/// An empty ledger in memory, and the money of cycles in it.
pub(crate) struct Rehearsal {
    ledger: Ledger,
    money: BTreeMap<i64, LiveMoney>,
}

impl std::fmt::Debug for Rehearsal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Rehearsal").finish_non_exhaustive()
    }
}

impl Rehearsal {
    pub(crate) fn new(brand: &str) -> Result<Self, LedgerError> {
        Ok(Self { ledger: Ledger::in_memory(brand)?, money: BTreeMap::new() })
    }

    /// Decides on a member whom `version` evaluated; what is granted counts for the decisions that follow here.
    pub(crate) fn decide(
        &mut self,
        version: &Version,
        member: i64,
        evaluated: &Evaluated,
        event: Option<&str>,
    ) -> Result<Kept, LedgerError> {
        let (turn, at) = (self.ledger.turn()?, UnixMs(evaluated.at));
        let live =
            held(&mut self.money, &turn, (version, None), (evaluated.cycle, MoneyRole::Leads), at)?;
        let asking = version.asking((member, &[]), evaluated, event);
        let decided = live.group(&turn, at, |group| group.decide(asking))?;
        Ok(Kept::new(Digest([0; 32]), version.facts(), evaluated, &decided, true))
    }
}
