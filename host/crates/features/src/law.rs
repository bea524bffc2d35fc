//! The column that says which law each member falls under (domain H4): the same for one member and for a community.

use std::sync::Arc;

use playbook_model::{Cells, Column, Frame, LawDef, LawTrack};

/// Names of tracks, shared by all columns of a plan.
#[derive(Debug, Clone)]
pub struct Tracks(Arc<[String]>);

impl Default for Tracks {
    fn default() -> Self {
        Self(LawTrack::ALL.map(|track| track.name().to_owned()).into())
    }
}

impl Tracks {
    /// The track of each row of members; where the region is missing, and where the frame lacks it, the strictest.
    #[must_use]
    pub fn column(&self, law: &LawDef, members: &Frame) -> Column {
        let region = members.column(&law.region_feature);
        let of_row = |row| law.track_of(region.and_then(|region| region.text(row))) as u32;
        let codes = (0..members.rows()).map(of_row).collect();
        Column {
            name: LawDef::COLUMN.to_owned(),
            unit: String::new(),
            cells: Cells::Category { codes, names: Arc::clone(&self.0) },
            valid: None,
        }
    }
}
