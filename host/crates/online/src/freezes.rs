//! Freezes: nothing is granted by a stage, or by the whole brand, but transactions and safety (R03, domain H13), until a
//! person lifts it. The ledger's accounts say what is frozen; beside them stands who did it and why.

use playbook_cycle::LiveGroup;
use playbook_ledger::store::OnRow;
use playbook_ledger::{LedgerError, Movement};
use playbook_model::Digest;
use serde::{Deserialize, Serialize};

use crate::brand::Brand;
use crate::columns::FieldError;
use crate::error::OnlineError;
use crate::once::{By, Once};
use crate::store::{BRAND, bytes_of, put_value, read_values, space};
use crate::writer::{Done, Job};

/// What is frozen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum FreezeScope {
    /// All that the brand grants.
    Brand,
    /// What a stage grants.
    Stage(String),
}

/// A freeze, or its end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Freeze {
    /// Its number among the brand's, from 1.
    pub number: u64,
    /// Unix-ms.
    pub at: i64,
    /// What is frozen.
    pub scope: FreezeScope,
    /// Whether it begins; else it ends.
    pub begins: bool,
    /// Who did it.
    pub by: String,
    /// Why, in the words of whoever did it.
    pub reason: String,
}

/// A freeze that is asked for.
#[derive(Debug)]
pub(crate) struct FreezeJob {
    scope: FreezeScope,
    begins: bool,
    by: String,
    reason: String,
    once: Option<Once>,
}

/// Freezes, or ends a freeze. What is so already stays so, and is answered by what made it so.
pub(crate) fn freeze(
    live: &mut LiveGroup<'_, '_, '_>,
    brand: &str,
    job: FreezeJob,
    done: &Done,
) -> Result<Result<Freeze, OnlineError>, LedgerError> {
    let FreezeJob { scope, begins, by, reason, once } = job;
    let history: Vec<Freeze> = read_values(live.rows(), space::FREEZES, BRAND)?;
    if let Some(made) = once.as_ref().map_or(Ok(None), |once| once.made(live.rows()))? {
        let of = |number| history.into_iter().find(|freeze| freeze.number == number);
        let lost = OnlineError::Unknown("freeze");
        return Ok(made.and_then(|number| of(number).ok_or(lost)));
    }
    let account = match &scope {
        FreezeScope::Brand => live.rows().account(brand).cloned(),
        FreezeScope::Stage(stage) => {
            let own = live.account(stage).and_then(|id| live.rows().account_of(id).cloned());
            // A stage without a pool is paid by the account of all of them.
            own.filter(|account| account.path.ends_with(&format!("/{stage}")))
        }
    };
    let Some(account) = account else {
        return Ok(Err(OnlineError::Fields(vec![FieldError {
            field: "stage".to_owned(),
            what: "has no account of its own",
            expected: "a stage that grants and has a pool; or freeze the brand".to_owned(),
        }])));
    };
    if account.frozen == begins {
        let made = history.into_iter().rev().find(|freeze| freeze.scope == scope);
        if let (Some(once), Some(made)) = (&once, &made) {
            once.keep(live.rows(), made.number)?;
        }
        return Ok(made.ok_or(OnlineError::Closed(match begins {
            true => "it was frozen from elsewhere before",
            false => "it is not frozen",
        })));
    }
    let number = history.len() as u64 + 1;
    let key = Digest::of_parts([&b"service freeze"[..], brand.as_bytes(), &number.to_be_bytes()]);
    let movement = if begins { Movement::Freeze(account.id) } else { Movement::Thaw(account.id) };
    live.rows().move_money(movement, key)?;
    let freeze = Freeze { number, at: done.now, scope, begins, by, reason };
    let place = (space::FREEZES, BRAND, &number.to_be_bytes()[..]);
    put_value(live.rows(), place, &freeze, OnRow::Stays)?;
    once.map_or(Ok(()), |once| once.keep(live.rows(), number))?;
    Ok(Ok(freeze))
}

impl Brand {
    /// Freezes a stage or the brand (`begins`), or ends that. Decisions that come after it know of it. The same under the same key
    /// happens once.
    ///
    /// # Errors
    /// [`OnlineError::Fields`] for a stage without money of its own or a reason that is none, [`OnlineError::Closed`] for the end
    /// of a freeze that is none.
    pub async fn freeze<'a>(
        &self,
        scope: FreezeScope,
        begins: bool,
        by: impl Into<By<'a>>,
        reason: &str,
    ) -> Result<Freeze, OnlineError> {
        let reason = crate::intake::reason(reason)?;
        let by = by.into();
        let once = by.once([&bytes_of(&scope), &[u8::from(begins)], reason.as_bytes()]);
        let job = FreezeJob { scope, begins, by: by.who.to_owned(), reason, once };
        self.queue.ask(|reply| Job::Freeze(Box::new(job), reply)).await
    }

    /// Freezes and their ends, in order.
    ///
    /// # Errors
    /// A fault of the storage.
    pub fn freezes(&self) -> Result<Vec<Freeze>, OnlineError> {
        Ok(read_values(&mut &*self.reader, space::FREEZES, BRAND)?)
    }
}
