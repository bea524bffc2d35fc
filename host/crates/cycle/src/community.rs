//! A whole community on its way through a cycle: frames of members and other subjects, which the outputs of stages
//! join wave by wave.

use std::borrow::Cow;
use std::collections::BTreeMap;

use playbook_model::{
    Batch, Column, Context, Frame, Limits, Playbook, Subject, TableNeed, pseudonym,
};
use rayon::prelude::*;

use crate::book::Booking;
use crate::error::CycleError;
use crate::fit::Buckets;
use crate::gather::{Gather, Rows};
use crate::graph::Input;
use crate::laps::Laps;
use crate::options::cycle_number;
use crate::prepare::Prepared;
use crate::previous::Previous;
use crate::progress::Cancel;
use crate::result::{CycleRun, StageRun};
use crate::source::DataSource;

/// Columns that a stage adds, with the subject of their rows.
pub(crate) type TableColumns = (String, Vec<Column>);

/// Most rows of a table that goes to a plugin as a whole.
const TABLE_ROWS_MAX: usize = 65_536;

/// Frames of members and other subjects, with the outputs of the stages that ran so far.
#[derive(Debug)]
pub struct Community<'a> {
    pub(crate) playbook: &'a Playbook,
    pub(crate) context: Context,
    /// One row each, ascending by id: features first, then a column per output.
    pub(crate) members: Frame,
    /// Pseudonyms, row for row.
    pub(crate) keys: Vec<i64>,
    /// Outputs of earlier closed cycles.
    pub(crate) previous: Previous,
    /// Other subjects.
    tables: BTreeMap<String, Frame>,
    /// The members by bucket of a fit, where any stage fits.
    pub(crate) buckets: Option<Buckets>,
    /// Stages that ran.
    ran: Vec<StageRun>,
}

impl<'a> Community<'a> {
    /// The first step: computes the members' features, their pseudonyms, and what stages read of earlier cycles.
    ///
    /// # Errors
    /// A host's fault, or [`CycleError::Cancelled`].
    pub fn prepare(
        playbook: &'a Playbook,
        stages: &[Prepared],
        source: &mut dyn DataSource,
        cancel: &Cancel,
        laps: &mut Laps,
    ) -> Result<Self, CycleError> {
        let members = source.members()?;
        laps.end("features");
        let salt = format!("{}\0{}", playbook.brand, playbook.pseudonym_salt);
        let ids = members.column("member");
        let keys: Vec<i64> = (0..members.rows())
            .into_par_iter()
            .map(|row| pseudonym(salt.as_bytes(), ids.and_then(|c| c.text(row)).unwrap_or("")))
            .collect();
        let mut previous = Previous::wanted(playbook, stages);
        previous.read(&Subject::member(), &members, source)?;
        let buckets = stages
            .iter()
            .any(|stage| stage.shape.fit_passes_max > 0)
            .then(|| Buckets::cut(&keys, Limits::default().fit_rows_max));
        if cancel.is_cancelled() {
            return Err(CycleError::Cancelled);
        }
        laps.end("keys");
        Ok(Self {
            playbook,
            context: source.intake().context(playbook.seed),
            members,
            keys,
            previous,
            tables: BTreeMap::new(),
            buckets,
            ran: Vec::new(),
        })
    }

    /// Number of the cycle.
    #[must_use]
    pub fn number(&self) -> i64 {
        cycle_number(self.context.local_min, self.playbook.cycle.length_days)
    }

    /// The stages that ran.
    pub(crate) fn ran(&self) -> &[StageRun] {
        &self.ran
    }

    /// The result of the cycle, once it is booked.
    pub(crate) fn ended(mut self, booking: Booking, booked: bool, laps: Laps) -> CycleRun {
        for (run, fates) in self.ran.iter_mut().zip(booking.transfers) {
            run.transfer_fates = fates;
        }
        CycleRun {
            number: self.number(),
            members: self.members,
            keys: self.keys,
            previous: self.previous,
            tables: self.tables,
            stages: self.ran,
            decisions: booking.decisions,
            accounts: booking.accounts,
            ledger: booking.span,
            booked,
            laps,
        }
    }

    /// The frame of a subject; an empty one where no stage has asked for the subject.
    pub(crate) fn frame(&self, subject: &str) -> &Frame {
        static NOTHING: std::sync::OnceLock<Frame> = std::sync::OnceLock::new();
        if subject == "member" {
            &self.members
        } else {
            self.tables.get(subject).unwrap_or_else(|| NOTHING.get_or_init(Frame::default))
        }
    }

    /// Keys of a subject's rows as the data names them.
    pub(crate) fn names_of(&self, subject: &str) -> impl Iterator<Item = &str> {
        let frame = self.frame(subject);
        let column = frame.columns().first();
        (0..frame.rows()).map(move |row| column.and_then(|c| c.text(row)).unwrap_or(""))
    }

    /// Pseudonyms of a subject's rows.
    pub(crate) fn keys_of(&self, subject: &str) -> Cow<'_, [i64]> {
        if subject == "member" {
            return Cow::Borrowed(&self.keys);
        }
        self.names_of(subject).map(|name| pseudonym(subject.as_bytes(), name)).collect()
    }

    /// Makes sure that every table that the stage reads is there; returns those that go to it as a whole.
    pub(crate) fn tables_of(
        &mut self,
        stage: &Prepared,
        source: &mut dyn DataSource,
    ) -> Result<Vec<Batch>, CycleError> {
        let rows = stage.shape.rows.iter().map(|t| t.subject.as_str());
        let wanted = stage.shape.tables.iter().map(|t| t.subject.as_str()).chain(rows);
        for subject in wanted {
            self.read(&Subject(subject.to_owned()), source)?;
        }
        let tables = stage.shape.tables.iter().zip(&stage.wiring.tables);
        tables.map(|(need, inputs)| self.whole(stage, need, inputs)).collect()
    }

    /// Reads a subject's table where it was not read yet.
    fn read(&mut self, subject: &Subject, source: &mut dyn DataSource) -> Result<(), CycleError> {
        if subject.0 != "member" && !self.tables.contains_key(&subject.0) {
            let table = source.table(subject, &self.members)?;
            self.previous.read(subject, &table, source)?;
            self.tables.insert(subject.0.clone(), table);
        }
        Ok(())
    }

    fn whole(
        &self,
        stage: &Prepared,
        need: &TableNeed,
        inputs: &[Input],
    ) -> Result<Batch, CycleError> {
        let frame = self.frame(&need.subject);
        if frame.rows() > TABLE_ROWS_MAX {
            return Err(CycleError::TableTooLong {
                stage: stage.def.name.clone(),
                subject: need.subject.clone(),
                rows: frame.rows(),
            });
        }
        let keys = self.keys_of(&need.subject);
        let previous = self.previous.of(&need.subject);
        let gather = Gather::new(&need.columns, inputs, frame, previous, &keys)
            .map_err(|problem| stage.wrong_type(problem))?;
        Ok(gather.batch(Rows::Range { start: 0, len: frame.rows() }))
    }

    /// Adds what a stage gave to the frames, and the record of its run.
    pub(crate) fn keep(&mut self, columns: Vec<TableColumns>, run: StageRun) {
        for (subject, columns) in columns {
            self.add(&subject, columns);
        }
        self.ran.push(run);
    }

    fn add(&mut self, subject: &str, columns: Vec<Column>) {
        let frame = match subject {
            "member" => Some(&mut self.members),
            other => self.tables.get_mut(other),
        };
        if let Some(frame) = frame {
            columns.into_iter().for_each(|column| frame.push(column));
        }
    }

    /// Reads the tables that the playbook declares and no stage asked for: the report shows them.
    pub(crate) fn remaining_tables(
        &mut self,
        source: &mut dyn DataSource,
    ) -> Result<(), CycleError> {
        let playbook = self.playbook;
        playbook.features.iter().try_for_each(|feature| self.read(&feature.subject, source))
    }
}
