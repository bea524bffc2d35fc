//! Grants of access to data that a role sees only by one (domain H5): asked for by one person with a reason, approved by
//! another, for at most 90 days, and kept with who did what.

use playbook_ledger::store::OnRow;
use playbook_ledger::{GroupWork, LedgerError};
use playbook_model::DataClass;
use serde::{Deserialize, Serialize};

use crate::brand::Brand;
use crate::columns::FieldError;
use crate::error::OnlineError;
use crate::store::{BRAND, put_value, read_value, read_values, space};
use crate::writer::Job;

const DAY_MS: i64 = 86_400_000;
/// Days that a grant holds at most.
const DAYS_MAX: u32 = 90;
/// Grants that a brand keeps.
const GRANTS_MAX: usize = 10_000;

/// A grant of access.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccessGrant {
    /// Its number among the brand's, from 1.
    pub number: u64,
    /// Position among [`DataClass::ALL`].
    class: u8,
    /// Id of the key that sees.
    pub key: String,
    /// Days that it holds from its approval on.
    pub days: u32,
    /// Why, in the words of whoever asked.
    pub reason: String,
    /// Who asked, and when, unix-ms.
    pub asked: (String, i64),
    /// Who approved it, and when.
    pub approved: Option<(String, i64)>,
    /// Who ended or refused it, and when.
    pub ended: Option<(String, i64)>,
}

/// Where a grant stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AccessState {
    /// Nobody has approved it.
    Asked,
    /// It holds.
    Holds,
    /// Its time is over.
    Over,
    /// Somebody ended it, or refused it.
    Ended,
}

impl AccessState {
    /// As it is told.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Asked => "asked",
            Self::Holds => "holds",
            Self::Over => "over",
            Self::Ended => "ended",
        }
    }
}

impl AccessGrant {
    /// The class of data.
    #[must_use]
    pub fn class(&self) -> DataClass {
        DataClass::ALL.get(usize::from(self.class)).copied().unwrap_or(DataClass::E)
    }

    /// When it ends by itself, unix-ms; `None`: nobody has approved it.
    #[must_use]
    pub fn ends_at(&self) -> Option<i64> {
        let (_, at) = self.approved.as_ref()?;
        Some(at.saturating_add(i64::from(self.days) * DAY_MS))
    }

    /// Where it stands at a moment, unix-ms.
    #[must_use]
    pub fn state(&self, at: i64) -> AccessState {
        match (&self.ended, self.ends_at()) {
            (Some(_), _) => AccessState::Ended,
            (None, None) => AccessState::Asked,
            (None, Some(end)) if end <= at => AccessState::Over,
            (None, Some(_)) => AccessState::Holds,
        }
    }
}

/// What a person does about access.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AccessStep {
    /// Asks for itself.
    Ask {
        /// The class.
        class: DataClass,
        /// For how many days.
        days: u32,
        /// Why.
        reason: String,
    },
    /// Approves what somebody else asked for.
    Approve(u64),
    /// Ends it, or refuses what was asked for.
    End(u64),
}

#[derive(Debug)]
pub(crate) struct AccessJob {
    step: AccessStep,
    by: String,
}

/// Takes a step; the same step again changes nothing.
pub(crate) fn step(
    rows: &mut GroupWork<'_, '_>,
    job: AccessJob,
    now: i64,
) -> Result<Result<AccessGrant, OnlineError>, LedgerError> {
    let AccessJob { step, by } = job;
    let grant = match step {
        AccessStep::Ask { class, days, reason } => {
            let all: Vec<AccessGrant> = read_values(rows, space::ACCESS, BRAND)?;
            if all.len() >= GRANTS_MAX {
                return Ok(Err(fault("class", "finds no room", "at most 10,000 grants a brand")));
            }
            let class = class as u8;
            let is_it = |known: &&AccessGrant| {
                (known.class, known.days, &known.key) == (class, days, &by)
                    && known.reason == reason
                    && known.state(now) == AccessState::Asked
            };
            if let Some(known) = all.iter().find(is_it) {
                return Ok(Ok(known.clone()));
            }
            let (key, asked) = (by.clone(), (by, now));
            let number = all.len() as u64 + 1;
            let (approved, ended) = (None, None);
            AccessGrant { number, class, key, days, reason, asked, approved, ended }
        }
        AccessStep::Approve(number) => {
            let Some(grant) = read(rows, number)? else {
                return Ok(Err(OnlineError::Unknown("access grant")));
            };
            if grant.asked.0 == by || grant.key == by {
                return Ok(Err(OnlineError::SamePerson));
            }
            match grant.state(now) {
                AccessState::Asked => AccessGrant { approved: Some((by, now)), ..grant },
                AccessState::Holds => return Ok(Ok(grant)),
                state => return Ok(Err(OnlineError::AccessClosed(state))),
            }
        }
        AccessStep::End(number) => {
            let Some(grant) = read(rows, number)? else {
                return Ok(Err(OnlineError::Unknown("access grant")));
            };
            match grant.state(now) {
                AccessState::Asked | AccessState::Holds => {
                    AccessGrant { ended: Some((by, now)), ..grant }
                }
                AccessState::Over | AccessState::Ended => return Ok(Ok(grant)),
            }
        }
    };
    let place = (space::ACCESS, BRAND, &grant.number.to_be_bytes()[..]);
    put_value(rows, place, &grant, OnRow::Goes)?;
    Ok(Ok(grant))
}

fn read(rows: &mut GroupWork<'_, '_>, number: u64) -> Result<Option<AccessGrant>, LedgerError> {
    read_value(rows, space::ACCESS, BRAND, &number.to_be_bytes())
}

fn fault(field: &str, what: &'static str, expected: &str) -> OnlineError {
    let (field, expected) = (field.to_owned(), expected.to_owned());
    OnlineError::Fields(vec![FieldError { field, what, expected }])
}

impl Brand {
    /// Takes a step towards access to data, or away from it.
    ///
    /// # Errors
    /// [`OnlineError::Fields`] for days or a reason that are none, [`OnlineError::Unknown`], [`OnlineError::SamePerson`] where
    /// somebody would approve what it asked for itself, [`OnlineError::AccessClosed`] where there is nothing to approve any more.
    pub async fn access(&self, step: AccessStep, by: &str) -> Result<AccessGrant, OnlineError> {
        let step = match step {
            AccessStep::Ask { class, days, reason } => {
                if !(1..=DAYS_MAX).contains(&days) {
                    return Err(fault("days", "is no time that a grant may hold", "1 to 90 days"));
                }
                AccessStep::Ask { class, days, reason: crate::intake::reason(&reason)? }
            }
            step => step,
        };
        let job = AccessJob { step, by: by.to_owned() };
        self.queue.ask(|reply| Job::Access(Box::new(job), reply)).await
    }

    /// Grants of access, in the order in which they were asked for, and the moment by which they stand, unix-ms.
    ///
    /// # Errors
    /// A fault of the storage.
    pub fn access_grants(&self) -> Result<(Vec<AccessGrant>, i64), OnlineError> {
        Ok((read_values(&mut &*self.reader, space::ACCESS, BRAND)?, (self.now)()))
    }

    /// Classes of data that a key sees by a grant now.
    ///
    /// # Errors
    /// A fault of the storage.
    pub fn granted_to(&self, key: &str) -> Result<Vec<DataClass>, OnlineError> {
        let (grants, now) = self.access_grants()?;
        let holds =
            |grant: &&AccessGrant| grant.key == key && grant.state(now) == AccessState::Holds;
        Ok(grants.iter().filter(holds).map(AccessGrant::class).collect())
    }
}
