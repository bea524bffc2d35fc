//! Attributes: features that are columns of the members table, unchanged.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{ArrayRef, StringArray};
use playbook_cycle::IntakeFinding;
use playbook_features::{holds_ages, quote_name};
use playbook_model::{Bitmap, Column, Definition, FeatureDef, SourceTable};

use crate::Result;
use crate::cells::{Target, column};
use crate::keys::{Keys, NO_ROW};
use crate::listed::{Chunk, Listed, repeated};
use crate::source::BatchSource;
use playbook_features::missing;

const STAGE: &str = "members";

/// Rows of the members table, each member once; and for each field with age bands, the youngest band of each member.
#[derive(Debug)]
struct Attributes {
    chunks: Vec<Chunk>,
    youngest: Vec<(usize, Chunk)>,
    finding: Option<IntakeFinding>,
}

impl BatchSource {
    /// Adds the attributes among `features`; returns the finding about members that are listed more than once.
    pub(crate) fn attributes(
        &self,
        features: &[FeatureDef],
        keys: &Arc<Keys>,
        columns: &mut BTreeMap<String, Column>,
    ) -> Result<Option<IntakeFinding>> {
        let mut wanted: Vec<(&FeatureDef, &str)> = Vec::new();
        for feature in features {
            let Definition::Attribute { field } = &feature.definition else { continue };
            match self.rows(SourceTable::Members) {
                Some(rows) => {
                    rows.field(&feature.name, field)?;
                    wanted.push((feature, field));
                }
                None => {
                    columns.insert(feature.name.clone(), missing(feature, keys.len()));
                }
            }
        }
        if wanted.is_empty() {
            return Ok(None);
        }
        // A field is read once, however many features it gives.
        let mut fields: Vec<&str> = wanted.iter().map(|(_, field)| *field).collect();
        fields.sort_unstable();
        fields.dedup();
        let found = self.read_attributes(&wanted, &fields, keys)?;
        for (feature, field) in &wanted {
            let Ok(at) = fields.binary_search(field) else { continue };
            let target = Target {
                name: &feature.name,
                unit: &feature.unit,
                cell_type: feature.cell_type,
                rows: keys.len(),
                zero_when_empty: false,
            };
            let parts = found.chunks.iter().map(|c| (&c.columns[at], c.places.as_slice()));
            let youngest = found.youngest.iter().filter(|(of, _)| *of == at);
            let youngest = youngest.map(|(_, c)| (&c.columns[0], c.places.as_slice()));
            let parts: Vec<_> = parts.chain(youngest).collect();
            columns.insert(feature.name.clone(), column(&target, &parts)?);
        }
        Ok(found.finding)
    }

    /// Reads fields of the members: first on all threads in any order, then once more, in the order of sources, files
    /// and lines, the rows of members that are listed more than once. Those are few.
    fn read_attributes(
        &self,
        wanted: &[(&FeatureDef, &str)],
        fields: &[&str],
        keys: &Arc<Keys>,
    ) -> Result<Attributes> {
        let account_places = self.tables.aliases().places(Arc::clone(keys));
        let by_account = self.tables.rows_by_account(SourceTable::Members);
        let by_account = by_account.map_or("members", |rows| rows.name.as_str());
        let sql = format!("SELECT {} FROM {by_account}", selected(fields));
        let mut chunks = Vec::new();
        for batch in self.session.collect(STAGE, &sql)? {
            let places = account_places.of(batch.column(0));
            chunks.push(Chunk { columns: batch.columns()[1..].to_vec(), places });
        }
        let mut found = Attributes { chunks, youngest: Vec::new(), finding: None };
        let places = found.chunks.iter().map(|chunk| &chunk.places);
        if let Some(repeated) = repeated(places, keys.len()) {
            found.chunks.iter_mut().for_each(|chunk| leave_out(chunk, &repeated));
            let features = || wanted.iter().map(|(feature, _)| *feature);
            let is_age = |of: &str| holds_ages(&self.playbook.guardrails, features(), of);
            let ages: Vec<usize> = (0..fields.len()).filter(|at| is_age(fields[*at])).collect();
            let mut listed = Listed::new(&repeated, fields.len(), &ages);
            let all: Vec<&str> =
                fields.iter().copied().chain(self.tables.member_fields()).collect();
            for view in self.tables.members_in_order() {
                let sql = format!("SELECT {} FROM {view}", selected(&all));
                self.session.stream_in_order(STAGE, &sql, |batch| {
                    let places = account_places.of(batch.column(0));
                    listed.hear(&batch, places);
                    Ok(())
                })?;
            }
            let (chunks, youngest, finding) = listed.finish();
            found.chunks.extend(chunks);
            (found.youngest, found.finding) = (youngest, finding);
        }
        if let Some(at) = fields.iter().position(|field| *field == "member")
            && !self.tables.aliases().is_empty()
        {
            found.chunks.iter_mut().for_each(|chunk| chunk.columns[at] = ids(&chunk.places, keys));
        }
        Ok(found)
    }
}

/// The account as `key`, then each field under its number.
fn selected(fields: &[&str]) -> String {
    let named = fields.iter().enumerate().map(|(at, field)| {
        let field = if *field == "account" { "member" } else { field };
        format!(", {} AS field_{at}", quote_name(field))
    });
    format!("member AS key{}", named.collect::<String>())
}

/// Drops the rows of some members from a chunk.
fn leave_out(chunk: &mut Chunk, places: &Bitmap) {
    for place in &mut chunk.places {
        if *place != NO_ROW && places.get(*place as usize) {
            *place = NO_ROW;
        }
    }
}

/// The ids of the members at some places. They replace the accounts in the rows, which may belong to another's member.
fn ids(places: &[u32], keys: &Keys) -> ArrayRef {
    let id = |place: &u32| (*place != NO_ROW).then(|| keys.key(*place as usize));
    Arc::new(places.iter().map(id).collect::<StringArray>())
}
