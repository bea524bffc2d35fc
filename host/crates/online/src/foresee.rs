//! What a commit group will ask of a store that is far away, said before it is asked: then it is looked for at once, and not
//! one by one.

use playbook_cycle::{Foreseen, LiveGroup};
use playbook_ledger::LedgerError;

use crate::notes::Notes;
use crate::store::{BRAND, space};
use crate::writer::Job;

/// Says what the requests of a group will ask for and write. What is left out is looked for when it is asked.
pub(crate) fn foresee(
    live: &mut LiveGroup<'_, '_, '_>,
    group: &[Job],
    last_effect: u64,
    notes: &Notes,
) -> Result<(), LedgerError> {
    let mut asked: Vec<Foreseen<'_>> = Vec::new();
    let mut keys = Vec::new();
    let mut rows = Vec::new();
    for job in group {
        match job {
            Job::Events(events, _) => {
                for event in events {
                    rows.push((space::EVENTS, event.account, event.id.as_bytes().to_vec()));
                    rows.push((space::MEMBERS, event.account, Vec::new()));
                }
            }
            Job::Member(job, _) => {
                let consents =
                    job.consents.iter().map(|row| (space::CONSENTS, job.account, row.key()));
                rows.extend(consents);
                rows.push((space::CHANGES, job.account, job.request.0.to_vec()));
                rows.push((space::MEMBERS, job.account, Vec::new()));
            }
            Job::Decide(job, _) => {
                if let Some((key, _)) = &job.request {
                    rows.push((space::DECISIONS, job.member, key.to_vec()));
                    rows.push((space::MEMBERS, job.member, Vec::new()));
                }
                // An order that it rests on, and what was refunded of it.
                if let Some(event) = &job.event {
                    for space in [space::EVENTS, space::REFUNDED] {
                        rows.push((space, job.member, event.as_bytes().to_vec()));
                    }
                }
                let whom = (job.member, &job.accounts[..]);
                asked.push(job.version.foreseen(whom, &job.evaluated, job.event.as_deref()));
            }
            Job::Close(job, _) => keys.push(job.key),
            _ => {}
        }
    }
    // At most one effect of each proposal.
    let proposals: usize = asked.iter().map(|of| of.candidates.len()).sum();
    let effects =
        (1..=proposals as u64).map(|number| (last_effect + number).to_be_bytes().to_vec());
    rows.extend(effects.map(|key| (space::EFFECTS, BRAND, key)));
    rows.push((space::LAST_EFFECT, BRAND, Vec::new()));
    rows.push((space::TOTALS, BRAND, Vec::new()));
    rows.push(notes.next());
    let places: Vec<_> =
        rows.iter().map(|(space, owner, key)| (*space, *owner, &key[..])).collect();
    live.rows().foresee_rows(&places)?;
    live.rows().foresee(&keys)?;
    live.foresee(&asked)
}
