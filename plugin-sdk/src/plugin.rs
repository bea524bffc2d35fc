//! What an author implements: one trait for every plugin, one for its kind, one for fits.

use crate::answer::{Answer, Segments, TableAnswer};
use crate::codec::Codec;
use crate::problem::Problems;
use crate::proposals::Proposals;
use crate::rows::{Rows, Tables};
use crate::settings::Setting;
use crate::shape::{About, Shape};
use crate::types::{CampaignPlan, Context, Factor, Measure};

/// What an instance is opened with, beside its settings.
#[derive(Debug, Clone, Copy)]
pub struct Opening<'a> {
    /// As-of time, local minute and seed of the cycle.
    pub context: &'a Context,
    /// What [`Fit::finish`] gave under the same settings; `None` where the shape allows no fit.
    pub model: Option<&'a [u8]>,
    /// The whole tables of the shape, as of the start of the cycle.
    pub tables: Tables<'a>,
}

/// A plugin of any kind. A value of the type is an opened plugin: one (settings, model, tables).
///
/// A plugin is a pure function: no clock, no randomness but the context's seed, no files, no
/// network. Same inputs, same bytes.
pub trait Plugin: Sized + 'static {
    /// Settings as the playbook gives them, in JSON; made with [`settings!`](crate::settings!).
    type Settings: Setting;

    /// Name, version and summary.
    const ABOUT: About;

    /// Says what the plugin needs and gives under these settings.
    ///
    /// # Errors
    /// Every problem with the settings at once. Types, unknown keys and ranges of the schema are
    /// checked before this is called.
    fn shape(settings: &Self::Settings) -> Result<Shape, Problems>;

    /// Makes the plugin ready to answer.
    ///
    /// # Errors
    /// Problems that show only with the model or the tables at hand.
    fn open(settings: Self::Settings, opening: Opening<'_>) -> Result<Self, Problems>;
}

/// Scores rows.
pub trait Scoring: Plugin {
    /// Fills `out` for every row; a value that is never set is missing.
    ///
    /// # Errors
    /// A text where the rows cannot be scored at all.
    fn score(&self, context: &Context, rows: &Rows<'_>, out: &mut Answer<'_>)
    -> Result<(), String>;

    /// Says how much each input of the one row moved each output; nothing where there are no
    /// additive parts.
    ///
    /// # Errors
    /// A text where the row cannot be explained.
    fn explain(&self, context: &Context, rows: &Rows<'_>) -> Result<Vec<Factor>, String> {
        let _ = (context, rows);
        Ok(Vec::new())
    }
}

/// Puts each row into one segment, or none.
pub trait Segmentation: Plugin {
    /// Fills `out` for every row.
    ///
    /// # Errors
    /// A text where the rows cannot be assigned at all.
    fn assign(
        &self,
        context: &Context,
        rows: &Rows<'_>,
        out: &mut Segments<'_>,
    ) -> Result<(), String>;
}

/// Proposes rewards and other effects for rows.
pub trait Incentive: Plugin {
    /// Adds proposals; the host decides on each.
    ///
    /// # Errors
    /// A text where nothing can be proposed at all.
    fn propose(
        &self,
        context: &Context,
        rows: &Rows<'_>,
        out: &mut Proposals,
    ) -> Result<(), String>;
}

/// Plans a campaign, and the touches that carry it out.
pub trait Campaign: Plugin {
    /// Plans from the whole tables; the budgets of all phases together stay within `budget`
    /// (minor units).
    ///
    /// # Errors
    /// A text where no plan is possible.
    fn plan(
        &self,
        context: &Context,
        tables: &Tables<'_>,
        budget: i64,
    ) -> Result<CampaignPlan, String>;

    /// Proposes touches for rows in the running phase (position in the plan); nothing by default.
    ///
    /// # Errors
    /// A text where nothing can be proposed at all.
    fn touch(
        &self,
        context: &Context,
        phase: u32,
        rows: &Rows<'_>,
        out: &mut Proposals,
    ) -> Result<(), String> {
        let _ = (context, phase, rows, out);
        Ok(())
    }
}

/// Says what was worth its cost.
pub trait Roi: Plugin {
    /// Fills the output columns of the whole tables.
    ///
    /// # Errors
    /// A text where nothing can be valued.
    fn value(
        &self,
        context: &Context,
        tables: &Tables<'_>,
        out: &mut TableAnswer<'_>,
    ) -> Result<(), String>;
}

/// Says how the community is, and what to do.
pub trait Diagnosis: Plugin {
    /// Fills the output columns of the whole tables and adds findings.
    ///
    /// # Errors
    /// A text where nothing can be said.
    fn diagnose(
        &self,
        context: &Context,
        tables: &Tables<'_>,
        out: &mut TableAnswer<'_>,
    ) -> Result<(), String>;

    /// Screens rows, where the shape streams any: orders, contents.
    ///
    /// # Errors
    /// A text where the rows cannot be screened; by default always.
    fn screen(
        &self,
        context: &Context,
        rows: &Rows<'_>,
        out: &mut Answer<'_>,
    ) -> Result<(), String> {
        let _ = (context, rows, out);
        Err("this plugin screens no rows".to_owned())
    }
}

/// One pass of a fit, as every step of it sees it.
#[derive(Debug)]
pub struct Pass<'a, S> {
    /// Settings of the plugin.
    pub settings: &'a S,
    /// As-of time, local minute and seed of the cycle.
    pub context: &'a Context,
    /// Which pass, from 0.
    pub number: u32,
    /// What [`Outcome::Again`] of the pass before carried over; empty in pass 0.
    pub carried: &'a [u8],
    /// The whole tables of the shape.
    pub tables: Tables<'a>,
}

/// How a pass ends.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    /// The model, with numbers that tell how the fit went.
    Model {
        /// Bytes that [`Plugin::open`] gets.
        model: Vec<u8>,
        /// Log-likelihood, rounds, standard errors.
        measures: Vec<Measure>,
    },
    /// Another pass over the same rows, carrying these bytes to every bucket.
    Again(Vec<u8>),
    /// The data cannot support a fit.
    Refused(String),
}

impl Outcome {
    /// A model without measures.
    #[must_use]
    pub fn model(model: Vec<u8>) -> Self {
        Self::Model { model, measures: Vec::new() }
    }
}

/// A plugin that learns from the whole population before it answers.
///
/// The host cuts the rows into buckets that depend on keys alone, begins and observes each bucket
/// in an instance of its own, in key order, and merges the states in bucket order. A state must
/// therefore merge to the same value whatever the cut: sums of integers, counts, or a
/// [`Sample`](crate::Sample).
pub trait Fit: Plugin {
    /// What is known from the rows so far. It travels between instances as bytes.
    type State: Codec;

    /// Returns the state before any row.
    ///
    /// # Errors
    /// Problems of settings or tables that only a fit can see.
    fn begin(pass: &Pass<'_, Self::Settings>) -> Result<Self::State, Problems>;

    /// Takes in a batch of rows.
    ///
    /// # Errors
    /// A text where the rows cannot be learnt from.
    fn observe(
        pass: &Pass<'_, Self::Settings>,
        state: &mut Self::State,
        rows: &Rows<'_>,
    ) -> Result<(), String>;

    /// Joins two states, `left` before `right`.
    ///
    /// # Errors
    /// A text where the states cannot belong to one fit.
    fn merge(
        pass: &Pass<'_, Self::Settings>,
        left: Self::State,
        right: Self::State,
    ) -> Result<Self::State, String>;

    /// Ends the pass: a model, another pass, or a refusal.
    ///
    /// # Errors
    /// A text where the state is not usable.
    fn finish(pass: &Pass<'_, Self::Settings>, state: Self::State) -> Result<Outcome, String>;
}
