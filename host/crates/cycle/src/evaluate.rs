//! Rows through stages that are open: the part of a decision that asks plugins, for one member or for many.
//!
//! A cycle opens its stages anew for every group of rows and runs groups on all threads; a decision about one member
//! finds them open, with settings, models and tables as the last closed cycle left them. Both ask and write alike
//! ([`crate::stream`]), so that a row gets the same answer either way.

use playbook_model::{Batch, Context, Fault, Filling, Frame, OnFault, Outcome, Stretch};
use playbook_runtime::{OpenedPlugin, Opening, Reuse};

use crate::arbitrate::Candidate;
use crate::error::CycleError;
use crate::gather::{At, Gather, Rows, places};
use crate::prepare::Prepared;
use crate::stream::{Said, ask, candidates, missing_columns, outputs, streams, write};

/// Members on their way through the stages: features first, then a column per output as stages answer.
#[derive(Debug, Clone, Default)]
pub struct MemberRows {
    /// One row a member; the columns that [`Evaluation::open`] was shown, in that order.
    pub frame: Frame,
    /// Outputs of earlier closed cycles, row for row, one frame per cycle ago.
    pub previous: Vec<Frame>,
    /// Pseudonyms, row for row.
    pub keys: Vec<i64>,
}

/// What a stage is opened with beside its settings.
#[derive(Debug, Clone, Default)]
pub struct StageGround {
    /// Model of a fit, where the stage has one.
    pub model: Option<Vec<u8>>,
    /// The whole tables of its shape.
    pub tables: Vec<Batch>,
    /// Running phase of a campaign.
    pub phase: u32,
}

/// A stage that is open.
#[derive(Debug)]
struct OpenStage {
    prepared: Prepared,
    opened: OpenedPlugin,
    phase: u32,
    places: Vec<At>,
}

/// Stages about members that are open, in the order in which they run, with their columns planned.
#[derive(Debug)]
pub struct Evaluation {
    stages: Vec<OpenStage>,
    /// Columns of the frames that it takes.
    columns: usize,
}

/// What the stages said of rows, beside the outputs that stand in the frame.
#[derive(Debug, Default)]
pub struct Evaluated {
    /// Proposals of all stages, rows by position in the frame.
    pub candidates: Vec<Candidate>,
    /// Stages that were left out, by position in the playbook.
    pub skipped: Vec<(usize, Fault)>,
}

impl Evaluation {
    /// Opens the stages that answer row by row about members. `like` has the columns of the rows that will come; its
    /// own rows do not matter.
    ///
    /// # Errors
    /// A host's fault, or needs that the columns cannot serve; a guest's fault is in the outcome.
    pub fn open(
        stages: &[Prepared],
        context: Context,
        mut ground_of: impl FnMut(&Prepared) -> StageGround,
        like: &MemberRows,
    ) -> Result<Outcome<Self>, CycleError> {
        let mut frame = like.frame.clone();
        let mut open = Vec::new();
        for prepared in stages.iter().filter(|stage| of_members(stage)) {
            let StageGround { model, tables, phase } = ground_of(prepared);
            let opening = Opening {
                context,
                settings: prepared.settings(),
                model,
                tables,
                reuse: Reuse::default(),
            };
            let opened = match prepared.plugin.open(opening)? {
                Ok(opened) => opened,
                Err(fault) => return Ok(Err(fault)),
            };
            let places = places(&prepared.wiring.rows, &frame, &like.previous);
            open.push(OpenStage { prepared: prepared.clone(), opened, phase, places });
            missing_columns(prepared, frame.rows()).into_iter().for_each(|c| frame.push(c));
        }
        Ok(Ok(Self { stages: open, columns: like.frame.columns().len() }))
    }

    /// Per stage its name, its calls so far and the microseconds that they took inside the sandbox.
    pub fn time_in_calls(&self) -> impl Iterator<Item = (&str, u64, f64)> {
        self.stages.iter().map(|stage| {
            let usage = stage.opened.usage();
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
        let found = members.frame.columns().len();
        if found != self.columns {
            return Err(CycleError::OtherColumns { found, wanted: self.columns });
        }
        let mut evaluated = Evaluated::default();
        for stage in &self.stages {
            let rows = members.frame.rows();
            let columns = match stage.ask(context, members)? {
                Ok(Said::Proposals(proposals)) => {
                    let position = stage.prepared.position;
                    candidates(position, 0, &proposals, &mut evaluated.candidates);
                    continue;
                }
                Ok(said) => {
                    let mut columns = outputs(&stage.prepared, rows);
                    let mut stretches: Vec<Stretch<'_>> =
                        columns.iter_mut().flat_map(Filling::stretches).collect();
                    write(&stage.prepared, &said, 0, rows, &mut stretches);
                    columns.into_iter().map(Filling::finish).collect()
                }
                Err(fault) => {
                    if stage.prepared.def.on_fault != OnFault::Skip {
                        return Err(stage.prepared.closed(fault));
                    }
                    evaluated.skipped.push((stage.prepared.position, fault));
                    missing_columns(&stage.prepared, rows)
                }
            };
            columns.into_iter().for_each(|column| members.frame.push(column));
        }
        Ok(evaluated)
    }
}

fn of_members(stage: &Prepared) -> bool {
    streams(stage) && stage.shape.rows.as_ref().is_some_and(|rows| rows.subject == "member")
}

impl OpenStage {
    fn ask(&self, context: &Context, members: &MemberRows) -> Result<Outcome<Said>, CycleError> {
        let prepared = &self.prepared;
        let needs = prepared.shape.rows.as_ref().map_or(&[][..], |rows| &rows.columns);
        let MemberRows { frame, previous, keys } = members;
        let gather = Gather::at(needs, &self.places, frame, previous, keys)
            .map_err(|problem| prepared.wrong_type(problem))?;
        let batch = gather.batch(Rows::Range { start: 0, len: frame.rows() });
        Ok(ask(prepared.def.kind, &self.opened, context, self.phase, &batch)?)
    }
}
