//! A withdrawal stops what waits (domain H4): grants that are not settled and that the member no longer consents to end in the
//! transaction of the answer.

use std::collections::HashMap;

use playbook_cycle::{LiveGroup, consents_alone};
use playbook_features::ConsentState;
use playbook_ledger::{GroupWork, LedgerError};
use playbook_model::{Digest, LawDef, LawTrack};

use crate::decision::Kept;
use crate::epochs::Pending;
use crate::facts::VersionFacts;
use crate::grants::{GrantRow, TakenBack, end};
use crate::reviews::Ending;
use crate::store::{ConsentRow, read_consents, read_decisions, read_version};
use crate::version::Version;
use crate::writer::{DecisionKey, Done};

/// Answers of a member about consents, each with the number of the account that gave it.
pub(crate) fn answers_of(
    rows: &mut GroupWork<'_, '_>,
    member: i64,
    version: &Version,
    pending: &Pending,
) -> Result<Vec<(usize, ConsentRow)>, LedgerError> {
    let person = version.person_after(member, pending);
    let others = version.accounts_after(person, pending);
    let mut all = Vec::new();
    for (number, account) in std::iter::once(person).chain(others).enumerate() {
        all.extend(read_consents(rows, account)?.into_iter().map(|answer| (number, answer)));
    }
    Ok(all)
}

/// Whether a member who gave these answers consents to an action of a decision, as the law that it fell under then demands.
pub(crate) fn still_consents(
    version: &Version,
    answers: &[(usize, ConsentRow)],
    (purpose, kept, facts): (&str, &Kept, &VersionFacts),
    at: i64,
) -> bool {
    let rules = &version.playbook().guardrails;
    let text = |column: &str| kept.text(column, facts);
    let track = rules.law.as_ref().map(|_| LawTrack::of(text(LawDef::COLUMN)));
    let consents = |purpose: &str| version.consents_to(answers, (purpose, track), at);
    let Some((law, track)) = rules.law.as_ref().zip(track) else { return consents(purpose) };
    let band = rules.age_band_feature.as_deref().and_then(text);
    consents(purpose)
        && law.purposes(track).all(consents)
        && (consents_alone(band) || consents(LawDef::GUARDIAN))
}

/// Whether an answer may take something back.
pub(crate) fn takes_back(answer: &ConsentRow) -> bool {
    ConsentState::of(Some(&answer.state)) != ConsentState::Granted
}

/// Ends what a member does not consent to any more, whichever of its accounts it was decided for, after these answers were kept.
pub(crate) fn end_unconsented(
    live: &mut LiveGroup<'_, '_, '_>,
    member: i64,
    version: &Version,
    new: &[ConsentRow],
    done: &mut Done,
) -> Result<(), LedgerError> {
    let answers = answers_of(live.rows(), member, version, &done.ids)?;
    // An answer of a clock that goes ahead holds at once, too.
    let at = new.iter().filter_map(|answer| answer.time).fold(done.now, i64::max);
    let mut known: HashMap<[u8; 32], VersionFacts> = HashMap::new();
    let mut made = Vec::new();
    for account in std::iter::once(member).chain(version.accounts_after(member, &done.ids)) {
        let of_account = read_decisions(live.rows(), account)?.into_iter();
        made.extend(of_account.map(|(key, kept)| (account, key, kept)));
    }
    for (account, key, kept) in made {
        if !known.contains_key(&kept.version) {
            let facts = read_version(live.rows(), &Digest(kept.version))?;
            let facts = facts.ok_or_else(|| {
                LedgerError::Damaged("a decision names a version that is not kept".to_owned())
            })?;
            known.insert(kept.version, facts);
        }
        let facts = &known[&kept.version];
        let decision: DecisionKey = key.try_into().map_err(|_: Vec<u8>| {
            LedgerError::Damaged("a decision does not lie under the key of a request".to_owned())
        })?;
        for grant in kept.granted(facts) {
            let names = facts.action(grant.stage, grant.action);
            // Of an action that this version does not have nobody knows what for: it ends.
            let purpose = names.map(|(stage, action)| version.purpose_of(stage, action));
            let holds = match purpose.flatten() {
                Some(None) => true,
                Some(Some(purpose)) => {
                    still_consents(version, &answers, (purpose, &kept, facts), at)
                }
                None => false,
            };
            if !holds {
                let grant = GrantRow::new(facts, &kept, (account, decision), &grant);
                end(live, &grant, (TakenBack::Withdrawn, Ending::Withdrawn, None), done)?;
            }
        }
    }
    Ok(())
}
