//! Two versions on the same members at the same moments: what the second would change. Each decides on an empty ledger of its
//! own, so that neither finds what the other one granted.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

use playbook_ledger::LedgerError;

use crate::candidate::micros_since;
use crate::candidate::side::Side;
use crate::decision::{Kept, SegmentSaid};
use crate::record::Record;
use crate::rehearsal::Rehearsal;
use crate::version::Version;
use crate::versions::Trial;

/// A decision that was asked for.
#[derive(Debug)]
pub(crate) struct Asked {
    pub(crate) member: String,
    pub(crate) at: i64,
    pub(crate) event: Option<String>,
    /// The member as it was.
    pub(crate) record: Arc<Record>,
}

/// Two versions side by side: the one that decides, and another one.
#[derive(Debug)]
pub(crate) struct Comparison {
    ledgers: [Rehearsal; 2],
    pub(crate) compared: Compared,
}

/// What two versions did, the one that decides first.
#[derive(Debug, Default)]
pub(crate) struct Compared {
    pub(crate) sides: [Side; 2],
    /// Decisions that one of both could not make.
    failed: u64,
    /// Of these, those that the version that decides could make.
    fails: u64,
    moves: BTreeMap<(String, String, String), u64>,
}

impl Comparison {
    pub(crate) fn new(brand: &str) -> Result<Self, LedgerError> {
        let ledgers = [Rehearsal::new(brand)?, Rehearsal::new(brand)?];
        Ok(Self { ledgers, compared: Compared::default() })
    }

    /// Begins anew with empty ledgers; what was counted stays.
    pub(crate) fn empty_ledgers(&mut self, brand: &str) -> Result<(), LedgerError> {
        self.ledgers = [Rehearsal::new(brand)?, Rehearsal::new(brand)?];
        Ok(())
    }

    /// Has both decide.
    pub(crate) fn take(
        &mut self,
        versions: [&Version; 2],
        asked: &Asked,
    ) -> Result<(), LedgerError> {
        let mut made: [Option<Kept>; 2] = [None, None];
        // Whoever comes second finds the member's events in the caches of the processor: they take turns.
        let first = usize::from(self.compared.sides[0].decisions() % 2 == 1);
        for at in [first, 1 - first] {
            let version = versions[at];
            let begun = Instant::now();
            let evaluated = version.evaluate_aside(&asked.member, &asked.record, asked.at);
            let micros = micros_since(begun);
            if let Ok(evaluated) = evaluated {
                let member = version.key(&asked.member);
                let event = asked.event.as_deref();
                made[at] = Some(self.ledgers[at].decide(version, member, &evaluated, event)?);
            }
            self.compared.sides[at].note(made[at].as_ref(), micros);
        }
        let [Some(before), Some(after)] = &made else {
            self.compared.failed += 1;
            self.compared.fails += u64::from(made[0].is_some());
            return Ok(());
        };
        let [now, then] = versions.map(Version::facts);
        for moved in moved(&before.segments(now), &after.segments(then)) {
            *self.compared.moves.entry(moved).or_default() += 1;
        }
        Ok(())
    }
}

impl Compared {
    /// Moves between segments: stage, from, to, how many.
    pub(crate) fn moves(&self) -> Vec<(String, String, String, u64)> {
        let moves = self.moves.iter();
        moves.map(|((s, from, to), count)| (s.clone(), from.clone(), to.clone(), *count)).collect()
    }

    /// In short, as it is kept with an activation.
    pub(crate) fn trial(&self) -> Trial {
        let [before, after] = [0, 1].map(|at| self.sides[at].read());
        Trial {
            compared: before.decisions - self.failed,
            failed: self.failed,
            fails: self.fails,
            moves: self.moves(),
            granted: [before.granted, after.granted],
            cost_minor: [before.cost_minor, after.cost_minor],
        }
    }
}

/// Segments that differ: stage, from, to.
fn moved(before: &[SegmentSaid], after: &[SegmentSaid]) -> Vec<(String, String, String)> {
    let segment_of = |of: &[SegmentSaid], stage: &str| {
        let found = of.iter().find(|segment| segment.stage == stage);
        found.map_or_else(String::new, |segment| segment.segment.clone())
    };
    let mut stages: Vec<&str> = before.iter().chain(after).map(|s| s.stage.as_str()).collect();
    stages.sort_unstable();
    stages.dedup();
    let changed = stages
        .into_iter()
        .map(|stage| (stage.to_owned(), segment_of(before, stage), segment_of(after, stage)));
    changed.filter(|(_, from, to)| from != to).collect()
}
