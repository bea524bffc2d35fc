//! Transfers between pools that the stages of a closed cycle ask for (domain H7): judged and booked by the writer in the transaction
//! that makes what the cycle left the version that decides, so that both happen or neither does.

use playbook_cycle::{AskedTransfer, LiveGroup, PastMoves};
use playbook_ledger::LedgerError;
use playbook_ledger::store::OnRow;
use playbook_model::{Minor, ReasonInfo, TransferFate, TransferRefusal, TransferRules, UnixMs};
use serde::{Deserialize, Serialize};

use crate::brand::Core;
use crate::counts::{Number, Tally};
use crate::error::OnlineError;
use crate::store::{BRAND, put_value, read_value, space};
use crate::version::Version;
use crate::versions::{Activation, How};

/// Transfers of a cycle that is to be closed, and what they are judged by.
#[derive(Debug, Clone)]
pub(crate) struct Moves {
    /// Number of the cycle, and its end, unix-ms.
    cycle: i64,
    end: i64,
    /// `None`: nothing moves, and what is asked for stays a suggestion.
    rules: Option<(TransferRules, PastMoves)>,
    asked: Vec<AskedTransfer>,
}

/// A transfer that a stage of a closed cycle asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CycleTransfer {
    /// Name of the stage.
    pub stage: String,
    /// Key of the giving row: a pool where money may move.
    pub from: String,
    /// Key of the receiving row.
    pub to: String,
    /// Most that was to move, minor units.
    pub asked_minor: i64,
    /// What moved of it, minor units.
    pub moved_minor: i64,
    /// "moved", "moved before" (when the cycle was closed the first time), "suggested" or "refused".
    pub became: String,
    /// The first check that failed, of one that was refused, as "cool-down".
    pub refusal: Option<String>,
    /// Why the stage asks for it.
    pub reason: ReasonInfo,
}

impl CycleTransfer {
    fn new(asked: &AskedTransfer, fate: TransferFate) -> Self {
        Self {
            stage: asked.stage.clone(),
            from: asked.from.clone(),
            to: asked.to.clone(),
            asked_minor: asked.amount.0,
            moved_minor: fate.moved().0,
            became: fate.name().to_owned(),
            refusal: fate.refusal().map(|refusal| refusal.name().to_owned()),
            reason: asked.reason.clone(),
        }
    }

    /// What became of it.
    #[must_use]
    pub fn fate(&self) -> TransferFate {
        let moved = Minor(self.moved_minor);
        let refused = self.refusal.as_deref().and_then(|name| {
            TransferRefusal::ALL.into_iter().find(|refusal| refusal.name() == name)
        });
        let all = [TransferFate::Moved(moved), TransferFate::MovedBefore(moved)];
        let all = all.into_iter().chain(refused.map(TransferFate::Refused));
        let mut known = all.filter(|fate| fate.name() == self.became);
        known.next().unwrap_or(TransferFate::Suggested)
    }
}

impl Moves {
    /// When a group has to be in order to book them: in their cycle, at its end. None where nothing can move.
    pub(crate) fn place(&self) -> Option<(i64, i64)> {
        self.rules.as_ref().map(|_| (self.cycle, self.end))
    }

    /// Nothing moves, and what is asked for stays a suggestion.
    pub(crate) fn lapse(&mut self) {
        self.rules = None;
    }

    /// Books what passes, and keeps what became of all under the number of the activation. The group is where [`Moves::place`] says.
    pub(crate) fn book(
        &self,
        live: &mut LiveGroup<'_, '_, '_>,
        activation: u64,
        tally: &mut Tally,
    ) -> Result<(), LedgerError> {
        let (rules, past) = self.rules.clone().unzip();
        let past = past.unwrap_or_default();
        let fates = live.settle_transfers(rules.as_ref(), &self.asked, past)?;
        for fate in &fates {
            tally.add(match fate {
                TransferFate::Moved(_) => Number::TransfersMoved,
                TransferFate::MovedBefore(_) => Number::TransfersMovedBefore,
                TransferFate::Suggested => Number::TransfersSuggested,
                TransferFate::Refused(_) => Number::TransfersRefused,
            });
        }
        let told: Vec<CycleTransfer> =
            self.asked.iter().zip(fates).map(|(one, fate)| CycleTransfer::new(one, fate)).collect();
        let place = (space::TRANSFERS, BRAND, &activation.to_be_bytes()[..]);
        put_value(live.rows(), place, &told, OnRow::Stays).map(|_| ())
    }
}

impl Core {
    /// What the stages of a cycle of `version` that ends at `end`, unix-ms, ask for; none where they ask for nothing.
    pub(crate) fn moves(
        &self,
        asked: Vec<AskedTransfer>,
        version: &Version,
        end: i64,
    ) -> Result<Option<Moves>, LedgerError> {
        if asked.is_empty() {
            return Ok(None);
        }
        let rules = version.playbook().budget.as_ref().and_then(|budget| budget.transfers.clone());
        let with_past = |rules: TransferRules| {
            let past = PastMoves::read(&self.reader, &rules, UnixMs(end))?;
            Ok::<_, LedgerError>((rules, past))
        };
        let rules = rules.map(with_past).transpose()?;
        Ok(Some(Moves { cycle: version.cycle(end), end, rules, asked }))
    }

    /// What the stages of the cycle asked for that an activation closed, and what became of it.
    ///
    /// # Errors
    /// A fault of the storage.
    pub fn transfers_of(&self, activation: &Activation) -> Result<Vec<CycleTransfer>, OnlineError> {
        if activation.how != How::Cycle {
            return Ok(Vec::new());
        }
        let key = activation.number.to_be_bytes();
        Ok(read_value(&mut &*self.reader, space::TRANSFERS, BRAND, &key)?.unwrap_or_default())
    }
}
