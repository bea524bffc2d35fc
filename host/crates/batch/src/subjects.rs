//! Tables of other subjects than members: channels, communities, campaigns, segments, days, the brand.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use arrow::array::{RecordBatch, RecordBatchOptions};
use arrow::compute::take;
use arrow::datatypes::Schema;
use playbook_features::{
    Computed, FieldType, Pass, RowTable, function, key_column, quote_name, quote_text, where_clause,
};
use playbook_model::{
    CellType, Cells, Column, Definition, FeatureDef, Frame, Grain, SourceTable, Subject,
};

use crate::aggregates::{needs_members, place_pass, push_in_order, source_table};
use crate::arrays::{array, field, stretches, whole};
use crate::cells::distinct_texts;
use crate::error::engine;
use crate::keys::{Keys, texts};
use crate::own_sql::FreeAnswer;
use crate::sequences::{Sequenced, Whose};
use crate::source::BatchSource;
use crate::{BatchError, Result};

const STAGE: &str = "tables";
/// Engine's table of accounts with outputs of their members.
const OUTPUTS_OF_ACCOUNTS: &str = "outputs_of_accounts";
/// Engine's table of members with the columns that features over members read.
const MEMBER_ROWS: &str = "member_rows";

impl BatchSource {
    /// Computes the frame of a subject.
    pub(crate) fn subject_frame(&mut self, subject: &Subject, outputs: &Frame) -> Result<Frame> {
        let name = subject.0.as_str();
        let features: Vec<FeatureDef> =
            self.playbook.features.iter().filter(|f| f.subject == *subject).cloned().collect();
        let output = output_of_subject(name, outputs);
        let mut passes: Vec<(Pass, Vec<RecordBatch>)> = Vec::new();
        let mut declared = Vec::new();
        let mut found: BTreeSet<Box<str>> = BTreeSet::new();
        let mut sequences = Vec::new();
        for grain in [Grain::Events, Grain::Members, Grain::Costs, Grain::Entries] {
            let wanted = over(&features, grain);
            if wanted.is_empty() && !matches!(grain, Grain::Events) {
                continue;
            }
            let rows = match grain {
                Grain::Members => Some(self.member_rows(&wanted, name, output, outputs)?),
                _ => self.subject_rows(grain, &wanted, name, output, outputs)?,
            };
            let names =
                |by: &str| outputs.column(by).and_then(category_names).map(<[String]>::to_vec);
            if grain == Grain::Events && !wanted.is_empty() {
                sequences = self.subject_sequences(&features, rows.as_ref(), names)?;
            }
            let Some((rows, key)) = rows else { continue };
            let aggregates = self.aggregates(&features, grain, &rows, names)?;
            if let (Grain::Events, Some(key)) = (grain, &key)
                && Some(key.as_str()) != output
                // The outputs that features read are left out: keys alone need no join with them.
                && let Some((rows, _)) = self.subject_rows(grain, &[], name, output, outputs)?
            {
                found.extend(self.every_key(&rows, key)?);
            }
            for pass in self.passes(&aggregates, &rows, key.as_deref())? {
                let batches = self.run_pass(STAGE, &pass)?;
                passes.push((pass, batches));
            }
            declared.extend(aggregates.into_iter().map(|a| (a.def.clone(), a.values)));
        }
        // The brand is one row without a key.
        for batch in passes.iter().filter(|_| name != "brand").flat_map(|(_, batches)| batches) {
            found.extend(texts(batch.column(0)).iter().flatten().map(Box::from));
        }
        if name != "brand" {
            found.extend(sequences.iter().flat_map(Sequenced::keys).cloned());
        }
        // A query of the playbook's own may be all that knows of a subject; those of a stage's output are known.
        let free = self.free_answers(&features)?;
        if output.is_none() {
            found.extend(free.iter().flat_map(FreeAnswer::keys));
        }
        let keys = self.subject_keys(name, output, outputs, found);
        let mut columns: BTreeMap<String, Column> = BTreeMap::new();
        for (pass, batches) in &passes {
            place_pass(pass, batches, &keys, name != "brand", &declared, &mut columns)?;
        }
        for sequence in &sequences {
            sequence.place(&keys, name != "brand", &mut columns)?;
        }
        for answer in free {
            let column = answer.column(&keys)?;
            columns.insert(column.name.clone(), column);
        }
        let mut frame = Frame::with_rows(keys.len());
        frame.push(keys.column(name));
        push_in_order(&mut frame, &features, columns);
        Computed::new(&features, &frame)?.append_to(&mut frame, self.options.partitions)?;
        Ok(frame)
    }

    /// The sequences among the features of a subject, over rows with the column that holds its key.
    fn subject_sequences(
        &self,
        features: &[FeatureDef],
        rows: Option<&(RowTable, Option<String>)>,
        names: impl Fn(&str) -> Option<Vec<String>>,
    ) -> Result<Vec<Sequenced>> {
        if !features.iter().any(|f| matches!(f.definition, Definition::Sequence(_))) {
            return Ok(Vec::new());
        }
        let members = self.keys.as_ref().expect("members are computed before subjects");
        let whose = Whose::Subject(rows.and_then(|(_, key)| key.as_deref()));
        self.sequences(features, rows.map(|(rows, _)| rows), whose, members, names)
    }

    /// All keys of events before T: a subject without events in any window still has a row.
    fn every_key(&self, rows: &RowTable, key: &str) -> Result<BTreeSet<Box<str>>> {
        let filter = where_clause(&rows.in_time(self.intake.as_of, Some(key)));
        let sql = format!("SELECT {} FROM {}{filter}", quote_name(key), quote_name(&rows.name));
        let parts = self.session.fold(STAGE, &sql, |found: &mut BTreeSet<Box<str>>, batch| {
            for key in distinct_texts(batch.column(0)) {
                if !found.contains(&*key) {
                    found.insert(key);
                }
            }
        })?;
        Ok(parts.into_iter().flatten().collect())
    }

    /// Keys of the subject's rows: those that aggregates found, or all values of a segmentation.
    fn subject_keys(
        &self,
        subject: &str,
        output: Option<&str>,
        outputs: &Frame,
        found: BTreeSet<Box<str>>,
    ) -> Keys {
        if subject == "brand" {
            return Keys::from_texts(vec![self.playbook.brand.as_str().into()]);
        }
        let mut all: Vec<Box<str>> = Vec::new();
        if let Some(names) = output.and_then(|o| outputs.column(o)).and_then(category_names) {
            all.extend(names.iter().map(|name| Box::from(name.as_str())));
        }
        all.extend(found.into_iter().filter(|key| !key.is_empty()));
        Keys::from_texts(all)
    }

    /// Rows of events, costs or entries with the column that holds the subject's key.
    fn subject_rows(
        &self,
        grain: Grain,
        wanted: &[&FeatureDef],
        subject: &str,
        output: Option<&str>,
        outputs: &Frame,
    ) -> Result<Option<(RowTable, Option<String>)>> {
        let table = source_table(grain);
        let lines = self.rows(table).is_some_and(|rows| rows.lines);
        let of_member = wanted.iter().any(|feature| needs_members(&feature.definition, lines));
        let rows = if of_member { self.rows(table) } else { self.tables.rows_by_account(table) };
        let Some(rows) = rows.cloned() else { return Ok(None) };
        if grain == Grain::Entries {
            return self.entry_rows(&rows, subject).map(Some);
        }
        let joins: BTreeSet<&str> = splits(wanted)
            .chain(output)
            .filter(|name| !rows.columns.contains_key(*name) && outputs.column(name).is_some())
            .collect();
        let rows = if joins.is_empty() || !rows.columns.contains_key("member") {
            rows
        } else {
            self.with_outputs(&rows, &joins, outputs)?
        };
        let column = match subject {
            "brand" => return Ok(Some((rows, None))),
            "day" if rows.timed => return self.daily_rows(&rows).map(Some),
            _ => output.unwrap_or_else(|| key_column(subject)),
        };
        if rows.columns.contains_key(column) {
            return Ok(Some((rows, Some(column.to_owned()))));
        }
        if wanted.is_empty() {
            Ok(None)
        } else {
            Err(BatchError::UnknownSubject(subject.to_owned()))
        }
    }

    /// Events with outputs of their member as further columns, by a hash join with a table of one row for each account.
    fn with_outputs(
        &self,
        rows: &RowTable,
        joins: &BTreeSet<&str>,
        outputs: &Frame,
    ) -> Result<RowTable> {
        let keys = Arc::clone(self.keys.as_ref().expect("members are computed before outputs"));
        let (accounts, places) = self.tables.aliases().places(keys).rows();
        let columns: Vec<&Column> = joins.iter().filter_map(|name| outputs.column(name)).collect();
        let of_accounts = |column: &&Column| {
            let taken = take(&whole(column), &places, None).expect("members have outputs");
            (column.name.clone(), taken, true)
        };
        let table = [("account".to_owned(), accounts, false)].into_iter();
        let table = table.chain(columns.iter().map(of_accounts));
        let table = RecordBatch::try_from_iter_with_nullable(table)
            .map_err(|error| engine(STAGE)(error.into()))?;
        self.session.add_batches(STAGE, OUTPUTS_OF_ACCOUNTS, table.schema(), vec![table])?;
        let selected: Vec<_> =
            columns.iter().map(|c| format!("o.{0} AS {0}", quote_name(&c.name))).collect();
        let name = format!("{}_with_outputs", rows.name);
        let sql = format!(
            "SELECT e.*, {} FROM {OUTPUTS_OF_ACCOUNTS} o RIGHT JOIN {} e ON o.account = e.member",
            selected.join(", "),
            quote_name(&rows.name)
        );
        self.session.add_view(&name, &sql)?;
        let mut rows = RowTable { name, ..rows.clone() };
        rows.columns.extend(columns.iter().map(|c| (c.name.clone(), field_type(c))));
        Ok(rows)
    }

    /// Events with their local day as a date.
    fn daily_rows(&self, rows: &RowTable) -> Result<(RowTable, Option<String>)> {
        let name = format!("{}_by_day", rows.name);
        let columns: Vec<_> = rows
            .columns
            .keys()
            .filter(|column| *column != "day")
            .map(|column| quote_name(column))
            .chain(rows.weighted.then(|| "weight".to_owned()))
            .collect();
        let day = format!("arrow_cast(CAST({}(time) AS INT), 'Date32')", function::LOCAL_DAY);
        let sql = format!(
            "SELECT {}, CAST({day} AS VARCHAR) AS day FROM {}",
            columns.join(", "),
            quote_name(&rows.name)
        );
        self.session.add_view(&name, &sql)?;
        let mut rows = RowTable { name, ..rows.clone() };
        rows.columns.insert("day".to_owned(), FieldType::Text);
        Ok((rows, Some("day".to_owned())))
    }

    /// Entries on one subject; their key is the column `key`.
    fn entry_rows(&self, rows: &RowTable, subject: &str) -> Result<(RowTable, Option<String>)> {
        let name =
            format!("entries_of_{}", subject.replace(|c: char| !c.is_ascii_alphanumeric(), "_"));
        let condition = if rows.columns.contains_key("subject") {
            format!(" WHERE subject = {}", quote_text(subject))
        } else {
            String::new()
        };
        self.session.add_view(&name, &format!("SELECT * FROM entries{condition}"))?;
        let key =
            (subject != "brand" && rows.columns.contains_key("key")).then(|| "key".to_owned());
        Ok((RowTable { name, ..rows.clone() }, key))
    }

    /// Members as rows, with the columns that features over members read.
    fn member_rows(
        &self,
        wanted: &[&FeatureDef],
        subject: &str,
        output: Option<&str>,
        outputs: &Frame,
    ) -> Result<(RowTable, Option<String>)> {
        let key = (subject != "brand").then(|| output.unwrap_or(subject));
        let fields = wanted.iter().filter_map(|feature| match &feature.definition {
            Definition::Aggregate(aggregate) => aggregate.field.as_deref(),
            _ => None,
        });
        let names: BTreeSet<&str> =
            fields.chain(splits(wanted)).chain(key).filter(|name| *name != "member").collect();
        let mut attributes = Frame::with_rows(outputs.rows());
        for name in &names {
            if outputs.column(name).is_none()
                && let Some(attribute) = self.attribute_column(name, outputs)?
            {
                attributes.push(attribute);
            }
        }
        let find = |name: &&str| outputs.column(name).or_else(|| attributes.column(name));
        let columns: Vec<&Column> = names.iter().filter_map(find).collect();
        self.register_members(outputs.rows(), &columns)?;
        let fields = columns.iter().map(|c| (c.name.clone(), field_type(c)));
        let rows = RowTable {
            name: MEMBER_ROWS.to_owned(),
            columns: fields.collect(),
            ..RowTable::default()
        };
        Ok((rows, key.map(str::to_owned)))
    }

    /// A column of the members table that is no feature.
    fn attribute_column(&self, name: &str, outputs: &Frame) -> Result<Option<Column>> {
        let Some(found) = self.rows(SourceTable::Members).and_then(|rows| rows.columns.get(name))
        else {
            return Ok(None);
        };
        let feature = FeatureDef {
            name: name.to_owned(),
            subject: Subject::member(),
            cell_type: match found {
                FieldType::Integer => CellType::Integer,
                FieldType::Real => CellType::Real,
                FieldType::Text => CellType::Category,
            },
            unit: String::new(),
            definition: Definition::Attribute { field: name.to_owned() },
            about: String::new(),
        };
        let ids = outputs.column("member");
        let ids = (0..outputs.rows()).map(|row| ids.and_then(|ids| ids.text(row)).unwrap_or(""));
        let keys = Arc::new(Keys::in_order(ids));
        let mut columns = BTreeMap::new();
        self.attributes(&[feature], &keys, &mut columns)?;
        Ok(columns.remove(name))
    }

    /// Makes columns of members a table of the engine.
    fn register_members(&self, members: usize, columns: &[&Column]) -> Result<()> {
        let schema =
            Arc::new(Schema::new(columns.iter().map(|column| field(column)).collect::<Vec<_>>()));
        let mut batches = Vec::new();
        for rows in stretches(0..members) {
            // Without columns the number of rows must be given: a feature may count members and read nothing of them.
            let options = RecordBatchOptions::new().with_row_count(Some(rows.len()));
            let arrays = columns.iter().map(|column| array(column, rows.clone())).collect();
            let batch = RecordBatch::try_new_with_options(Arc::clone(&schema), arrays, &options);
            batches.push(batch.map_err(|error| engine(STAGE)(error.into()))?);
        }
        self.session.add_batches(STAGE, MEMBER_ROWS, schema, batches)
    }
}

/// The output whose values are the subject's keys: named outright, or the last segmentation for `segment`.
fn output_of_subject<'a>(subject: &'a str, outputs: &'a Frame) -> Option<&'a str> {
    if subject == "segment" {
        let segments = outputs.columns().iter().rev();
        return segments.map(|c| c.name.as_str()).find(|name| name.ends_with(".segment"));
    }
    (subject.contains('.') && outputs.column(subject).is_some()).then_some(subject)
}

/// Features that aggregate rows of one grain.
fn over(features: &[FeatureDef], grain: Grain) -> Vec<&FeatureDef> {
    let is_over = |feature: &&FeatureDef| match &feature.definition {
        Definition::Aggregate(aggregate) => aggregate.over == grain,
        Definition::Sequence(_) => grain == Grain::Events,
        _ => false,
    };
    features.iter().filter(is_over).collect()
}

/// Columns that features are split by.
fn splits<'a>(features: &[&'a FeatureDef]) -> impl Iterator<Item = &'a str> {
    let splits: Vec<_> = features.iter().filter_map(|feature| feature.definition.by()).collect();
    splits.into_iter()
}

fn category_names(column: &Column) -> Option<&[String]> {
    match &column.cells {
        Cells::Category { names, .. } => Some(names),
        _ => None,
    }
}

fn field_type(column: &Column) -> FieldType {
    match &column.cells {
        Cells::Integer(_) | Cells::Small(_) => FieldType::Integer,
        Cells::Real(_) => FieldType::Real,
        Cells::Category { .. } | Cells::Text(_) => FieldType::Text,
    }
}
