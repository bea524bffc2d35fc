//! What stages gave in the closed cycles before this one.

use std::collections::BTreeMap;

use playbook_model::{Frame, Kind, Playbook, Role, Subject};

use crate::error::CycleError;
use crate::graph::Input;
use crate::prepare::Prepared;
use crate::source::DataSource;

/// How many cycles back stages may read.
const CYCLES_AGO_MAX: usize = 2;

/// Columns of earlier closed cycles by subject, row for row as the subject's rows of this cycle: one frame per cycle ago.
#[derive(Debug, Default)]
pub struct Previous {
    wanted: BTreeMap<String, [Vec<String>; CYCLES_AGO_MAX]>,
    frames: BTreeMap<String, Vec<Frame>>,
}

impl Previous {
    /// Collects what the stages read of each subject, and what the report compares with: segments, the outputs of whole tables that
    /// say how something does, and the figures of the brand that it shows.
    pub(crate) fn wanted(playbook: &Playbook, stages: &[Prepared]) -> Self {
        let mut previous = Self::default();
        for stage in stages {
            let rows = stage.shape.rows.iter().map(|need| (need, &stage.wiring.rows));
            let tables = stage.shape.tables.iter().zip(&stage.wiring.tables);
            for (need, inputs) in rows.chain(tables) {
                for input in inputs {
                    if let Input::Previous(ago, name) = input {
                        previous.want(&need.subject, *ago, name.clone());
                    }
                }
            }
            if let Some(need) = &stage.shape.rows
                && stage.def.kind == Kind::Segmentation
            {
                previous.want(&need.subject, 1, format!("{}.segment", stage.def.name));
            }
            for produce in &stage.shape.produces {
                let table = produce.table.and_then(|at| stage.shape.tables.get(at as usize));
                let shown = matches!(produce.role, Role::Total | Role::Dimension);
                if let Some(table) = table.filter(|_| shown) {
                    previous.want(
                        &table.subject,
                        1,
                        format!("{}.{}", stage.def.name, produce.name),
                    );
                }
            }
        }
        for figure in playbook.outputs.shown_of_brand() {
            previous.want("brand", 1, figure.to_owned());
        }
        for forecast in &playbook.outputs.forecasts {
            previous.want("member", 1, forecast.output.clone());
        }
        for names in previous.wanted.values_mut().flatten() {
            names.sort();
            names.dedup();
        }
        previous
    }

    fn want(&mut self, subject: &str, ago: u8, name: String) {
        let lists = self.wanted.entry(subject.to_owned()).or_default();
        if let Some(list) = lists.get_mut(usize::from(ago).wrapping_sub(1)) {
            list.push(name);
        }
    }

    /// Reads what is wanted of a subject, for these rows of it.
    pub(crate) fn read(
        &mut self,
        subject: &Subject,
        rows: &Frame,
        source: &mut dyn DataSource,
    ) -> Result<(), CycleError> {
        let Some(wanted) = self.wanted.get(&subject.0) else { return Ok(()) };
        let mut frames = Vec::new();
        for (ago, names) in (1_u8..).zip(wanted) {
            frames.push(match names.is_empty() {
                true => Frame::with_rows(rows.rows()),
                false => source.previous(ago, subject, names, rows)?,
            });
        }
        self.frames.insert(subject.0.clone(), frames);
        Ok(())
    }

    /// What the last closed cycle alone left of one subject.
    #[must_use]
    pub fn of_last(subject: &str, frame: Frame) -> Self {
        let frames = BTreeMap::from([(subject.to_owned(), vec![frame])]);
        Self { wanted: BTreeMap::new(), frames }
    }

    /// The frames of a subject, the last cycle first; none where nothing was read.
    #[must_use]
    pub fn of(&self, subject: &str) -> &[Frame] {
        self.frames.get(subject).map_or(&[], Vec::as_slice)
    }
}
