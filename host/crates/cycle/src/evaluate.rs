//! The second step for rows: through stages that are open, for one member or for many.
//!
//! A cycle opens its stages anew for every group of rows and runs groups on all threads; a decision about one member
//! finds them open, with settings, models and tables as the last closed cycle left them. Both ask and write alike
//! ([`crate::stream`]), so that a row gets the same answer either way.

use playbook_model::{
    Batch, Column, Context, Fault, Filling, Frame, Need, OnFault, Outcome, Stretch,
};
use playbook_runtime::{OpenedPlugin, Reuse, metered};
use smallvec::SmallVec;

use crate::error::CycleError;
use crate::gather::{At, Gather, Rows, places};
use crate::ground::StageGround;
use crate::prepare::Prepared;
use crate::proposal::Candidate;
use crate::stream::{Said, ask, candidates, output_columns, streams, without_values, write};

/// Rows of members that go through the stages: features first, then a column for each output as stages answer.
#[derive(Debug, Clone, Default)]
pub struct MemberRows {
    /// One row a member; the columns that [`Evaluation::open`] was shown, in that order.
    pub frame: Frame,
    /// Outputs of earlier closed cycles, row for row, one frame per cycle ago.
    pub previous: Vec<Frame>,
    /// Pseudonyms, row for row.
    pub keys: Vec<i64>,
}

/// A stage that is open.
#[derive(Debug)]
struct OpenStage {
    prepared: Prepared,
    /// `None`: what it is opened with is not there yet.
    opened: Option<OpenedPlugin>,
    phase: u32,
    /// Positions of its needs in the frame.
    places: Vec<At>,
    /// The columns that it adds, without values.
    adds: Vec<Column>,
}

/// Stages about members that are open, in the order in which they run, with their columns planned.
#[derive(Debug)]
pub struct Evaluation {
    stages: Vec<OpenStage>,
    /// Number of columns of the frames that it takes.
    takes: usize,
    /// The columns that a frame has afterwards.
    gives: Frame,
}

/// A hook for those who watch an evaluation and stand before its stages, which are numbered in the order in which they run. `()` does
/// nothing and costs nothing.
pub trait Watch {
    /// Whether a stage may be asked; else the fault that stands for its answer.
    ///
    /// # Errors
    /// That fault.
    fn admits(&mut self, stage: usize) -> Outcome<()> {
        let _ = stage;
        Ok(())
    }

    /// A stage was asked, and failed or did not.
    fn answered(&mut self, stage: usize, fault: Option<&Fault>) {
        let _ = (stage, fault);
    }

    /// A part of a stage's work has ended.
    fn ended(&mut self, stage: usize, part: Part);
}

/// A part of what is done for a stage.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// Columns of the host were put into a batch.
    Gather,
    /// The plugin was asked, and its answer checked.
    Ask,
    /// Its answer was written to the frame.
    Scatter,
}

impl Watch for () {
    fn ended(&mut self, _stage: usize, _part: Part) {}
}

/// What stages took: position in the playbook, and fuel. It is held in place for as many stages as playbooks mostly have.
pub type StageFuel = SmallVec<[(u16, u64); 8]>;

/// The result of an evaluation beside the outputs, which stand in the frame.
#[derive(Debug, Default)]
pub struct Evaluated {
    /// Proposals of all stages, rows by position in the frame.
    pub candidates: Vec<Candidate>,
    /// Stages that were left out because their plugin failed, by position in the playbook.
    pub skipped: Vec<(usize, Fault)>,
    /// Stages that were left out because what they are opened with is not there yet, by position in the playbook.
    pub waiting: Vec<usize>,
    /// Fuel of each stage that was asked, whether it answered or failed, in the order in which they ran; a stage is asked once for all
    /// rows. Empty where calls are not metered by fuel.
    pub fuel: StageFuel,
}

impl Evaluation {
    /// Opens the stages that answer row by row about members. A stage without a ground waits: it answers nothing, as if it
    /// were left out. `like` has the columns of the rows that will come; its
    /// own rows do not matter.
    ///
    /// # Errors
    /// A host's fault, or needs that the columns cannot serve; a guest's fault is in the outcome.
    pub fn open(
        stages: &[Prepared],
        context: Context,
        mut ground_of: impl FnMut(&Prepared) -> Option<StageGround>,
        like: &MemberRows,
    ) -> Result<Outcome<Self>, CycleError> {
        let mut gives = like.frame.clone();
        let mut open = Vec::new();
        for prepared in stages.iter().filter(|stage| of_members(stage)) {
            let ground = ground_of(prepared);
            let phase = ground.as_ref().map_or(0, |ground| ground.phase);
            let opened = match ground {
                None => None,
                Some(ground) => {
                    let opening = ground.opening(prepared, context, Reuse::default());
                    match prepared.plugin.open(opening)? {
                        Ok(opened) => Some(opened),
                        Err(fault) => return Ok(Err(fault)),
                    }
                }
            };
            let places = places(&prepared.wiring.rows, &gives, &like.previous);
            let adds = output_columns(prepared);
            without_values(&adds, gives.rows()).for_each(|column| gives.append(column));
            let prepared = prepared.clone();
            open.push(OpenStage { prepared, opened, phase, places, adds });
        }
        Ok(Ok(Self { stages: open, takes: like.frame.columns().len(), gives }))
    }

    /// A frame with the columns that members have after [`Evaluation::evaluate`], and no values of its stages.
    #[must_use]
    pub fn gives(&self) -> &Frame {
        &self.gives
    }

    /// Per stage its position in the playbook, its name, and whether it waits for what it is opened with.
    pub fn stages(&self) -> impl Iterator<Item = (usize, &str, bool)> {
        self.stages.iter().map(|stage| {
            let prepared = &stage.prepared;
            (prepared.position, prepared.def.name.as_str(), stage.opened.is_none())
        })
    }

    /// Per stage its position in the playbook, its calls so far, how many of them failed, and the fuel of all.
    pub fn calls(&self) -> impl Iterator<Item = (usize, u64, u64, u64)> {
        self.stages.iter().map(|stage| {
            let usage = stage.opened.as_ref().map(OpenedPlugin::usage).unwrap_or_default();
            (stage.prepared.position, usage.calls, usage.faults, usage.fuel)
        })
    }

    /// Per stage its name, its calls so far and the microseconds that they took inside the sandbox.
    pub fn time_in_calls(&self) -> impl Iterator<Item = (&str, u64, f64)> {
        self.stages.iter().map(|stage| {
            let usage = stage.opened.as_ref().map(OpenedPlugin::usage).unwrap_or_default();
            (stage.prepared.def.name.as_str(), usage.calls, usage.wall.as_secs_f64() * 1e6)
        })
    }

    /// Takes rows through all stages; their outputs are appended to the frame.
    ///
    /// # Errors
    /// A host's fault; a guest's only where its stage closes on faults.
    pub fn evaluate(
        &self,
        context: &Context,
        members: &mut MemberRows,
    ) -> Result<Evaluated, CycleError> {
        self.evaluate_watched(context, members, &mut ())
    }

    /// As [`Evaluation::evaluate`], with a hook.
    ///
    /// # Errors
    /// As there.
    pub fn evaluate_watched(
        &self,
        context: &Context,
        members: &mut MemberRows,
        watch: &mut impl Watch,
    ) -> Result<Evaluated, CycleError> {
        let found = members.frame.columns().len();
        if found != self.takes {
            return Err(CycleError::OtherColumns { found, wanted: self.takes });
        }
        let mut evaluated = Evaluated::default();
        members.frame.reserve(self.gives.columns().len() - self.takes);
        for (at, stage) in self.stages.iter().enumerate() {
            let rows = members.frame.rows();
            let Some(opened) = &stage.opened else {
                evaluated.waiting.push(stage.prepared.position);
                without_values(&stage.adds, rows).for_each(|c| members.frame.append(c));
                continue;
            };
            let said = match watch.admits(at) {
                Err(fault) => Err(fault),
                Ok(()) => {
                    let batch = stage.gather(members)?;
                    watch.ended(at, Part::Gather);
                    let (said, fuel) = metered(|| stage.ask(opened, context, &batch));
                    let said = said?;
                    if fuel > 0 {
                        let position = u16::try_from(stage.prepared.position).unwrap_or(u16::MAX);
                        evaluated.fuel.push((position, fuel));
                    }
                    watch.answered(at, said.as_ref().err());
                    watch.ended(at, Part::Ask);
                    said
                }
            };
            match said {
                Ok(Said::Proposals(proposals)) => {
                    let position = stage.prepared.position;
                    candidates(position, 0, &proposals, &mut evaluated.candidates);
                }
                Ok(said) => stage.scatter(&said, &mut members.frame),
                Err(fault) => {
                    if stage.prepared.def.on_fault != OnFault::Skip {
                        return Err(stage.prepared.closed(fault, None));
                    }
                    evaluated.skipped.push((stage.prepared.position, fault));
                    without_values(&stage.adds, rows).for_each(|c| members.frame.append(c));
                }
            }
            watch.ended(at, Part::Scatter);
        }
        Ok(evaluated)
    }
}

fn of_members(stage: &Prepared) -> bool {
    streams(stage) && stage.shape.rows.as_ref().is_some_and(|rows| rows.subject == "member")
}

impl OpenStage {
    fn needs(&self) -> &[Need] {
        self.prepared.shape.rows.as_ref().map_or(&[], |rows| &rows.columns)
    }

    /// The columns that the plugin wants.
    fn gather(&self, members: &MemberRows) -> Result<Batch, CycleError> {
        let MemberRows { frame, previous, keys } = members;
        let gather = Gather::at(self.needs(), &self.places, frame, previous, keys)
            .map_err(|problem| self.prepared.wrong_type(problem))?;
        Ok(gather.batch(Rows::Range { start: 0, len: frame.rows() }))
    }

    fn ask(
        &self,
        opened: &OpenedPlugin,
        context: &Context,
        batch: &Batch,
    ) -> Result<Outcome<Said>, CycleError> {
        Ok(ask(self.prepared.def.kind, opened, context, self.phase, batch)?)
    }

    /// Adds its answer to the frame.
    fn scatter(&self, said: &Said, frame: &mut Frame) {
        let rows = frame.rows();
        let whole = rows.next_multiple_of(8).max(8);
        let fill = |column: &Column| Filling::new(column.clone(), rows, whole);
        let mut columns: Vec<Filling> = self.adds.iter().map(fill).collect();
        let mut stretches: Vec<Stretch<'_>> = columns.iter_mut().map(Filling::whole).collect();
        write(&self.prepared, said, 0, rows, &mut stretches);
        columns.into_iter().for_each(|column| frame.append(column.finish()));
    }
}
