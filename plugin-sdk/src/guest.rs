//! What stands between the contract's functions and an author's plugin.
//!
//! One instance is opened at most once. Whatever the host does wrong, and whatever a plugin
//! refuses, becomes an error value; only a fault of the plugin's own code traps.

use std::cell::RefCell;

use playbook_contract::Layouts;

use crate::answer::{Answer, Segments as SegmentsOut, TableAnswer as TablesOut};
use crate::log;
use crate::plugin::{
    Campaign, Diagnosis, Fit, Incentive, Opening, Outcome, Pass, Plugin, Roi, Scoring, Segmentation,
};
use crate::problem::Problems;
use crate::proposals::Proposals;
use crate::rows::{Rows, Tables};
use crate::settings;
use crate::shape::Shape;
use crate::types::{self, Batch, Context, Kind, Problem};

const NOT_OPEN: &str = "the instance is not open";

fn rows<'a>(layouts: &'a Layouts, batch: &'a Batch) -> Result<Rows<'a>, String> {
    let layout = layouts.rows.as_ref().ok_or("the shape streams no rows")?;
    Rows::new(batch.rows, &batch.columns, layout)
}

/// An opened plugin with what its calls need.
#[derive(Debug)]
struct Opened<P> {
    plugin: P,
    layouts: Layouts,
    tables: Vec<types::Table>,
}

/// The plugin of one instance; empty until the instance is opened.
#[derive(Debug)]
pub struct Instance<P>(RefCell<Option<Opened<P>>>);

impl<P> Default for Instance<P> {
    fn default() -> Self {
        Self::new()
    }
}

impl<P> Instance<P> {
    /// Returns an instance that is not open.
    #[must_use]
    pub const fn new() -> Self {
        Self(RefCell::new(None))
    }
}

/// `plugin.describe`, with the schema of the settings as it was written when the plugin was compiled.
#[must_use]
pub fn describe<P: Plugin>(kind: Kind, settings_schema: &str) -> types::Description {
    log::install_panic_hook();
    types::Description {
        kind,
        name: P::ABOUT.name.to_owned(),
        version: P::ABOUT.version.to_owned(),
        summary: P::ABOUT.summary.into(),
        settings_schema: settings_schema.to_owned(),
    }
}

fn checked<P: Plugin>(text: &str) -> Result<(P::Settings, Shape), Problems> {
    let settings = settings::parse::<P::Settings>(text)?;
    let shape = P::shape(&settings)?;
    Ok((settings, shape))
}

/// `plugin.check`
///
/// # Errors
/// Every problem with the settings.
pub fn check<P: Plugin>(text: &str) -> Result<types::Shape, Vec<Problem>> {
    log::install_panic_hook();
    checked::<P>(text).map(|(_, shape)| shape.0).map_err(|problems| problems.0)
}

impl<P: Plugin> Instance<P> {
    /// `plugin.open`
    ///
    /// # Errors
    /// Problems with settings, model or tables; a second call.
    pub fn open(&self, context: &Context, opening: types::Opening) -> Result<(), Vec<Problem>> {
        log::install_panic_hook();
        if self.0.borrow().is_some() {
            return Err(Problems::one("", "the instance is open already").0);
        }
        let opened = Opened::open(context, opening).map_err(|problems| problems.0)?;
        *self.0.borrow_mut() = Some(opened);
        Ok(())
    }

    #[inline]
    fn with<T>(&self, call: impl FnOnce(&Opened<P>) -> Result<T, String>) -> Result<T, String> {
        match &*self.0.borrow() {
            Some(opened) => call(opened),
            None => Err(NOT_OPEN.to_owned()),
        }
    }
}

impl<P: Plugin> Opened<P> {
    fn open(context: &Context, opening: types::Opening) -> Result<Self, Problems> {
        let (settings, shape) = checked::<P>(&opening.settings)?;
        let layouts = Layouts::of(&shape.0);
        let tables = Tables::new(&opening.tables, &layouts)?;
        let model = opening.model.as_deref();
        let plugin = P::open(settings, Opening { context, model, tables })?;
        Ok(Self { plugin, layouts, tables: opening.tables })
    }

    fn tables(&self) -> Tables<'_> {
        Tables::checked(&self.tables, &self.layouts)
    }
}

impl<P: Scoring> Instance<P> {
    /// `scoring.score`
    ///
    /// # Errors
    /// The plugin's refusal, or rows that do not fit the shape.
    pub fn score(&self, context: &Context, batch: &Batch) -> Result<types::RowAnswer, String> {
        self.with(|opened| {
            let rows = rows(&opened.layouts, batch)?;
            let mut out = Answer::new(rows.len(), &opened.layouts.row_outputs);
            opened.plugin.score(context, &rows, &mut out)?;
            Ok(out.finish())
        })
    }

    /// `scoring.explain`
    ///
    /// # Errors
    /// The plugin's refusal, or anything but one row that fits the shape.
    pub fn explain(&self, context: &Context, batch: &Batch) -> Result<Vec<types::Factor>, String> {
        self.with(|opened| {
            let rows = rows(&opened.layouts, batch)?;
            if rows.len() != 1 {
                return Err(format!("one row is explained at a time, {} were given", rows.len()));
            }
            opened.plugin.explain(context, &rows)
        })
    }
}

impl<P: Segmentation> Instance<P> {
    /// `segmentation.assign`
    ///
    /// # Errors
    /// The plugin's refusal, or rows that do not fit the shape.
    pub fn assign(&self, context: &Context, batch: &Batch) -> Result<types::Segments, String> {
        self.with(|opened| {
            let rows = rows(&opened.layouts, batch)?;
            let mut out = SegmentsOut::new(rows.len(), &opened.layouts.row_outputs);
            opened.plugin.assign(context, &rows, &mut out)?;
            Ok(out.finish())
        })
    }
}

impl<P: Incentive> Instance<P> {
    /// `incentive.propose`
    ///
    /// # Errors
    /// The plugin's refusal, or rows that do not fit the shape.
    pub fn propose(&self, context: &Context, batch: &Batch) -> Result<types::Proposals, String> {
        self.with(|opened| {
            let rows = rows(&opened.layouts, batch)?;
            let mut out = Proposals::new();
            opened.plugin.propose(context, &rows, &mut out)?;
            Ok(out.finish())
        })
    }
}

impl<P: Campaign> Instance<P> {
    /// `campaign.plan`
    ///
    /// # Errors
    /// The plugin's refusal.
    pub fn plan(&self, context: &Context, budget: i64) -> Result<types::CampaignPlan, String> {
        self.with(|opened| opened.plugin.plan(context, &opened.tables(), budget))
    }

    /// `campaign.touch`
    ///
    /// # Errors
    /// The plugin's refusal, or rows that do not fit the shape.
    pub fn touch(
        &self,
        context: &Context,
        phase: u32,
        batch: &Batch,
    ) -> Result<types::Proposals, String> {
        self.with(|opened| {
            let rows = rows(&opened.layouts, batch)?;
            let mut out = Proposals::new();
            opened.plugin.touch(context, phase, &rows, &mut out)?;
            Ok(out.finish())
        })
    }
}

impl<P: Roi> Instance<P> {
    /// `roi.value`
    ///
    /// # Errors
    /// The plugin's refusal.
    pub fn value(&self, context: &Context) -> Result<types::TableAnswer, String> {
        self.with(|opened| {
            let mut out = TablesOut::new(&opened.tables, &opened.layouts.table_outputs);
            opened.plugin.value(context, &opened.tables(), &mut out)?;
            Ok(out.finish())
        })
    }
}

impl<P: Diagnosis> Instance<P> {
    /// `diagnosis.diagnose`
    ///
    /// # Errors
    /// The plugin's refusal.
    pub fn diagnose(&self, context: &Context) -> Result<types::TableAnswer, String> {
        self.with(|opened| {
            let mut out = TablesOut::new(&opened.tables, &opened.layouts.table_outputs);
            opened.plugin.diagnose(context, &opened.tables(), &mut out)?;
            Ok(out.finish())
        })
    }

    /// `diagnosis.screen`
    ///
    /// # Errors
    /// The plugin's refusal, or rows that do not fit the shape.
    pub fn screen(&self, context: &Context, batch: &Batch) -> Result<types::RowAnswer, String> {
        self.with(|opened| {
            let rows = rows(&opened.layouts, batch)?;
            let mut out = Answer::new(rows.len(), &opened.layouts.row_outputs);
            opened.plugin.screen(context, &rows, &mut out)?;
            Ok(out.finish())
        })
    }
}

/// A pass of a fit that has begun in this instance.
struct Begun<P: Fit> {
    settings: P::Settings,
    context: Context,
    number: u32,
    carried: Vec<u8>,
    tables: Vec<types::Table>,
    layouts: Layouts,
    state: P::State,
}

impl<P: Fit> Begun<P> {
    fn begin(context: &Context, starting: types::Starting) -> Result<Self, Problems> {
        let (settings, shape) = checked::<P>(&starting.settings)?;
        if starting.pass >= shape.0.fit_passes_max {
            return Err(Problems::one(
                "",
                format!(
                    "pass {} of a fit that may take {} under these settings",
                    starting.pass, shape.0.fit_passes_max
                ),
            ));
        }
        let layouts = Layouts::of(&shape.0);
        let tables = Tables::new(&starting.tables, &layouts)?;
        let (number, carried) = (starting.pass, starting.carried.as_slice());
        let state = P::begin(&Pass { settings: &settings, context, number, carried, tables })?;
        Ok(Self {
            settings,
            context: *context,
            number,
            carried: starting.carried,
            tables: starting.tables,
            layouts,
            state,
        })
    }

    fn split(&mut self) -> (Pass<'_, P::Settings>, &mut P::State, &Layouts) {
        let pass = Pass {
            settings: &self.settings,
            context: &self.context,
            number: self.number,
            carried: &self.carried,
            tables: Tables::checked(&self.tables, &self.layouts),
        };
        (pass, &mut self.state, &self.layouts)
    }
}

/// The fit of one instance; empty until it has begun.
#[expect(missing_debug_implementations, reason = "an author's state need not be printable")]
pub struct Fitting<P: Fit>(RefCell<Option<Begun<P>>>);

impl<P: Fit> Default for Fitting<P> {
    fn default() -> Self {
        Self::new()
    }
}

impl<P: Fit> Fitting<P> {
    /// Returns a fit that has not begun.
    #[must_use]
    pub const fn new() -> Self {
        Self(RefCell::new(None))
    }

    /// `fitting.begin`
    ///
    /// # Errors
    /// Problems with settings or tables, or a pass beyond what the shape allows.
    pub fn begin(&self, context: &Context, starting: types::Starting) -> Result<(), Vec<Problem>> {
        log::install_panic_hook();
        let begun = Begun::begin(context, starting).map_err(|problems| problems.0)?;
        *self.0.borrow_mut() = Some(begun);
        Ok(())
    }

    fn with<T>(&self, call: impl FnOnce(&mut Begun<P>) -> Result<T, String>) -> Result<T, String> {
        match &mut *self.0.borrow_mut() {
            Some(begun) => call(begun),
            None => Err("the fit has not begun".to_owned()),
        }
    }

    /// `fitting.observe`
    ///
    /// # Errors
    /// The plugin's refusal, or rows that do not fit the shape.
    pub fn observe(&self, batch: &Batch) -> Result<(), String> {
        self.with(|begun| {
            let (pass, state, layouts) = begun.split();
            P::observe(&pass, state, &rows(layouts, batch)?)
        })
    }

    /// `fitting.part`
    ///
    /// # Errors
    /// Where the fit has not begun.
    pub fn part(&self) -> Result<Vec<u8>, String> {
        self.with(|begun| Ok(crate::codec::encode(&begun.state)))
    }

    /// `fitting.merge`
    ///
    /// # Errors
    /// The plugin's refusal, or bytes that are no states.
    pub fn merge(&self, left: &[u8], right: &[u8]) -> Result<Vec<u8>, String> {
        let left = crate::codec::decode(left).map_err(|text| format!("left state: {text}"))?;
        let right = crate::codec::decode(right).map_err(|text| format!("right state: {text}"))?;
        self.with(|begun| {
            let (pass, ..) = begun.split();
            P::merge(&pass, left, right).map(|state| crate::codec::encode(&state))
        })
    }

    /// `fitting.finish`
    ///
    /// # Errors
    /// The plugin's refusal, or bytes that are no state.
    pub fn finish(&self, state: &[u8]) -> Result<types::FitStep, String> {
        let state = crate::codec::decode(state).map_err(|text| format!("state: {text}"))?;
        self.with(|begun| {
            let (pass, ..) = begun.split();
            P::finish(&pass, state).map(|outcome| match outcome {
                Outcome::Model { model, measures } => {
                    types::FitStep::Model(types::Fitted { model, measures })
                }
                Outcome::Again(carried) => types::FitStep::Again(carried),
                Outcome::Refused(text) => types::FitStep::Refused(text),
            })
        })
    }
}
