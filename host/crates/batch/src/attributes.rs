//! Attributes: columns of the members table as they are.

use std::collections::BTreeMap;

use arrow::array::RecordBatch;
use playbook_features::quote_name;
use playbook_model::{Bitmap, Column, Definition, FeatureDef, SourceTable};

use crate::Result;
use crate::cells::{Target, column};
use crate::expressions::missing;
use crate::identity::MEMBERS_OF_ACCOUNTS;
use crate::keys::{Keys, NO_ROW};
use crate::source::BatchSource;

const STAGE: &str = "members";

impl BatchSource {
    /// Adds the attributes among `features`. A member's own row comes before those of accounts that were joined to it.
    pub(crate) fn attributes(
        &self,
        features: &[FeatureDef],
        keys: &Keys,
        columns: &mut BTreeMap<String, Column>,
    ) -> Result<()> {
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
            return Ok(());
        }
        let fields: Vec<&str> = wanted.iter().map(|(_, field)| *field).collect();
        let (batches, places) = self.member_attributes(&fields, keys)?;
        for (at, (feature, _)) in wanted.iter().enumerate() {
            let target = Target {
                name: &feature.name,
                unit: &feature.unit,
                cell_type: feature.cell_type,
                rows: keys.len(),
                zero_when_empty: false,
            };
            let parts: Vec<_> = batches
                .iter()
                .zip(&places)
                .map(|(batch, places)| (batch.column(at + 1), places.as_slice()))
                .collect();
            columns.insert(feature.name.clone(), column(&target, &parts)?);
        }
        Ok(())
    }

    /// Batches of members with some fields, and the place of each row; of two rows of a place the later one counts.
    fn member_attributes(
        &self,
        fields: &[&str],
        keys: &Keys,
    ) -> Result<(Vec<RecordBatch>, Vec<Vec<u32>>)> {
        let by_account = self.tables.rows_by_account(SourceTable::Members);
        let by_account = by_account.map_or("members", |rows| rows.name.as_str());
        // Numbered, because several features may read one field.
        let selected = |sql_of: &dyn Fn(&str) -> String| {
            let named = fields.iter().enumerate();
            let named = named.map(|(at, field)| format!("{} AS field_{at}", sql_of(field)));
            named.collect::<Vec<_>>().join(", ")
        };
        let mut batches = Vec::new();
        if !self.tables.aliases().is_empty() {
            let of_alias = |field: &str| match field {
                "member" => "a.member".to_owned(),
                field => format!("m.{}", quote_name(field)),
            };
            let sql = format!(
                "SELECT a.member AS key, {} FROM {MEMBERS_OF_ACCOUNTS} a JOIN {by_account} m \
                 ON a.account = m.account ORDER BY m.account DESC",
                selected(&of_alias)
            );
            batches.extend(self.session.collect(STAGE, &sql)?);
        }
        let joined = batches.len();
        // Rows of aliases come once more, and have no place among the members.
        let own = format!("SELECT member AS key, {} FROM {by_account}", selected(&quote_name));
        batches.extend(self.session.collect(STAGE, &own)?);
        let of_batch = |batch: &RecordBatch| keys.places(batch.column(0));
        let mut places: Vec<_> = batches.iter().map(of_batch).collect();
        if repeats(&places[joined..], keys.len()) {
            // A member listed twice: which row wins must not depend on who reads first.
            batches.truncate(joined);
            let all = (1..=fields.len() + 1).map(|at| at.to_string()).collect::<Vec<_>>();
            let order = format!("{own} ORDER BY {}", all.join(", "));
            batches.extend(self.session.collect(STAGE, &order)?);
            places = batches.iter().map(of_batch).collect();
        }
        Ok((batches, places))
    }
}

/// Whether any place occurs twice.
fn repeats(places: &[Vec<u32>], rows: usize) -> bool {
    let mut seen = Bitmap::filled(rows, false);
    places.iter().flatten().filter(|place| **place != NO_ROW).any(|place| {
        let place = *place as usize;
        let again = seen.get(place);
        seen.set(place, true);
        again
    })
}
