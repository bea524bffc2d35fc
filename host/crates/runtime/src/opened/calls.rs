//! The typed calls of an opened plugin, one or two of each kind.

use playbook_model::{
    Batch, CampaignPlan, Context, Factor, Kind, Minor, Outcome, Proposals, RowAnswer, Segments,
    TableAnswer,
};

use super::OpenedPlugin;
use crate::instance::KindGuest;
use crate::{RuntimeError, convert};

impl OpenedPlugin {
    /// Scores rows (kind scoring).
    ///
    /// # Errors
    /// A host's fault: another kind of plugin, a batch without the shape's columns, no free instance.
    pub fn score(
        &self,
        context: &Context,
        batch: &Batch,
    ) -> Result<Outcome<RowAnswer>, RuntimeError> {
        self.expect(Kind::Scoring, "score")?;
        self.run_rows(
            batch,
            self.row_bytes(batch.rows, 4),
            |store, guest, batch| match guest {
                KindGuest::Scoring(guest) => {
                    guest.call_score(store, convert::context(context), batch)
                }
                _ => Err(other_kind()),
            },
            convert::row_answer,
            |answer| self.validator.row_answer(batch.rows, answer),
        )
    }

    /// Explains the scores of one row (kind scoring).
    ///
    /// # Errors
    /// As [`OpenedPlugin::score`].
    pub fn explain(
        &self,
        context: &Context,
        batch: &Batch,
    ) -> Result<Outcome<Vec<Factor>>, RuntimeError> {
        self.expect(Kind::Scoring, "explain")?;
        self.run_rows(
            batch,
            self.plugin.loaded.limits.returned_bytes_max,
            |store, guest, batch| match guest {
                KindGuest::Scoring(guest) => {
                    guest.call_explain(store, convert::context(context), batch)
                }
                _ => Err(other_kind()),
            },
            convert::factors,
            |answer| self.validator.factors(answer),
        )
    }

    /// Assigns one segment to each row (kind segmentation).
    ///
    /// # Errors
    /// As [`OpenedPlugin::score`].
    pub fn assign(
        &self,
        context: &Context,
        batch: &Batch,
    ) -> Result<Outcome<Segments>, RuntimeError> {
        self.expect(Kind::Segmentation, "assign")?;
        self.run_rows(
            batch,
            self.row_bytes(batch.rows, 8),
            |store, guest, batch| match guest {
                KindGuest::Segmentation(guest) => {
                    guest.call_assign(store, convert::context(context), batch)
                }
                _ => Err(other_kind()),
            },
            convert::segments,
            |answer| self.validator.segments(batch.rows, answer),
        )
    }

    /// Proposes rewards for rows (kind incentive).
    ///
    /// # Errors
    /// As [`OpenedPlugin::score`].
    pub fn propose(
        &self,
        context: &Context,
        batch: &Batch,
    ) -> Result<Outcome<Proposals>, RuntimeError> {
        self.expect(Kind::Incentive, "propose")?;
        self.run_rows(
            batch,
            self.proposal_bytes(batch.rows),
            |store, guest, batch| match guest {
                KindGuest::Incentive(guest) => {
                    guest.call_propose(store, convert::context(context), batch)
                }
                _ => Err(other_kind()),
            },
            convert::proposals,
            |answer| self.validator.proposals(batch.rows, answer),
        )
    }

    /// Plans a campaign of at most `budget` (kind campaign).
    ///
    /// # Errors
    /// As [`OpenedPlugin::score`].
    pub fn plan(
        &self,
        context: &Context,
        budget: Minor,
    ) -> Result<Outcome<CampaignPlan>, RuntimeError> {
        self.expect(Kind::Campaign, "plan")?;
        self.run(
            self.all_table_rows(),
            self.plan_bytes(),
            |store, guests| match &guests.kind {
                KindGuest::Campaign(guest) => {
                    guest.call_plan(store, convert::context(context), budget.0)
                }
                _ => Err(other_kind()),
            },
            convert::plan,
            |answer| self.validator.plan(&self.table_rows, budget.0, answer),
        )
    }

    /// Proposes touches for rows in the running phase, by position in the plan (kind campaign).
    ///
    /// # Errors
    /// As [`OpenedPlugin::score`].
    pub fn touch(
        &self,
        context: &Context,
        phase: u32,
        batch: &Batch,
    ) -> Result<Outcome<Proposals>, RuntimeError> {
        self.expect(Kind::Campaign, "touch")?;
        self.run_rows(
            batch,
            self.proposal_bytes(batch.rows),
            |store, guest, batch| match guest {
                KindGuest::Campaign(guest) => {
                    guest.call_touch(store, convert::context(context), phase, batch)
                }
                _ => Err(other_kind()),
            },
            convert::proposals,
            |answer| self.validator.proposals(batch.rows, answer),
        )
    }

    /// Values what was spent, from the tables of the opening (kind roi).
    ///
    /// # Errors
    /// As [`OpenedPlugin::score`].
    pub fn value(&self, context: &Context) -> Result<Outcome<TableAnswer>, RuntimeError> {
        self.expect(Kind::Roi, "value")?;
        self.run(
            self.all_table_rows(),
            self.table_bytes(),
            |store, guests| match &guests.kind {
                KindGuest::Roi(guest) => guest.call_value(store, convert::context(context)),
                _ => Err(other_kind()),
            },
            convert::table_answer,
            |answer| self.validator.table_answer(&self.table_rows, answer),
        )
    }

    /// Diagnoses the community, from the tables of the opening (kind diagnosis).
    ///
    /// # Errors
    /// As [`OpenedPlugin::score`].
    pub fn diagnose(&self, context: &Context) -> Result<Outcome<TableAnswer>, RuntimeError> {
        self.expect(Kind::Diagnosis, "diagnose")?;
        self.run(
            self.all_table_rows(),
            self.table_bytes(),
            |store, guests| match &guests.kind {
                KindGuest::Diagnosis(guest) => {
                    guest.call_diagnose(store, convert::context(context))
                }
                _ => Err(other_kind()),
            },
            convert::table_answer,
            |answer| self.validator.table_answer(&self.table_rows, answer),
        )
    }

    /// Screens rows such as orders or contents (kind diagnosis, where its shape has rows).
    ///
    /// # Errors
    /// As [`OpenedPlugin::score`].
    pub fn screen(
        &self,
        context: &Context,
        batch: &Batch,
    ) -> Result<Outcome<RowAnswer>, RuntimeError> {
        self.expect(Kind::Diagnosis, "screen")?;
        self.run_rows(
            batch,
            self.row_bytes(batch.rows, 4),
            |store, guest, batch| match guest {
                KindGuest::Diagnosis(guest) => {
                    guest.call_screen(store, convert::context(context), batch)
                }
                _ => Err(other_kind()),
            },
            convert::row_answer,
            |answer| self.validator.row_answer(batch.rows, answer),
        )
    }

    fn expect(&self, kind: Kind, call: &'static str) -> Result<(), RuntimeError> {
        if self.plugin.kind() == kind {
            Ok(())
        } else {
            Err(RuntimeError::WrongKind { kind: self.plugin.kind(), call })
        }
    }
}

/// Cannot happen: the kind is checked before the call.
fn other_kind() -> wasmtime::Error {
    wasmtime::Error::msg("plugin of another kind")
}
