//! SQL of the rows of a sequence: which count, whose they are, and which steps they take.

use playbook_model::{SequenceDef, SequenceRule, UnixMs};

use crate::cut::Clock;
use crate::rows::{FieldType, RowTable, filter_conditions, row_condition};
use crate::{FeatureError, quote_name, where_clause};

/// A sequence over one table, grouped by one key.
#[derive(Debug, Clone)]
pub struct SequenceRequest<'a> {
    /// Feature that asks.
    pub feature: &'a str,
    /// What is asked.
    pub sequence: &'a SequenceDef,
    /// The rows.
    pub rows: &'a RowTable,
    /// Column that holds the subject's key beside the member; `None`: members, or one row over all.
    pub key: Option<&'a str>,
    /// T.
    pub as_of: UnixMs,
    /// The wall clock, for rows that are dates.
    pub clock: &'a dyn Clock,
}

impl SequenceRequest<'_> {
    /// Returns a query that gives the columns `member`, `time` and `mark`, then `key` where one is named, then `by` where
    /// the sequence is split. `mark` has a bit for each step that a row takes, or the id of its session; rows without an id,
    /// without a key or without a value to split by are left out. Lines of one paid order are one row, as orders count once.
    ///
    /// # Errors
    /// Unknown columns, rows without a time, a condition that cannot be used.
    pub fn sql(&self) -> Result<String, FeatureError> {
        let (feature, rows) = (self.feature, self.rows);
        if !rows.timed {
            return Err(FeatureError::NoTime {
                feature: feature.to_owned(),
                rows: rows.name.clone(),
            });
        }
        let sequence = self.sequence;
        let mut conditions = rows.in_time(self.as_of, Some("member"));
        let (filter, window) = (&sequence.filter, sequence.window);
        conditions.extend(row_condition(feature, filter, window, rows, self.as_of, self.clock)?);
        // Rows that correct a sum are no events.
        conditions.extend(rows.weighted.then(|| "weight = 1".to_owned()));
        let steps = self.step_conditions()?;
        if !steps.is_empty() {
            conditions.push(format!("({})", steps.join(" OR ")));
        }
        let (mark, merged) = match &sequence.rule {
            SequenceRule::SessionsById(id) => {
                conditions.extend(rows.present(id));
                let text = rows.text_sql(feature, id)?;
                (if self.marks_are_numbers() { quote_name(id) } else { text }, "mark")
            }
            SequenceRule::SessionsByGap(_) => ("CAST(0 AS BIGINT)".to_owned(), "max(mark)"),
            SequenceRule::Funnel(_) | SequenceRule::Conversion(_) => {
                let bit = |(at, step)| format!("CASE WHEN {step} THEN {} ELSE 0 END", 1_i64 << at);
                let bits: Vec<String> = steps.iter().enumerate().map(bit).collect();
                (bits.join(" + "), "bit_or(mark)")
            }
        };
        let mut selected = vec!["member".to_owned(), "time".to_owned(), format!("{mark} AS mark")];
        let mut groups = vec!["member"];
        let mut group = |column: &str, name: &'static str| -> Result<(), FeatureError> {
            selected.push(format!("{} AS {name}", rows.text_sql(feature, column)?));
            conditions.extend(rows.present(column));
            groups.push(name);
            Ok(())
        };
        self.key.into_iter().try_for_each(|key| group(key, "\"key\""))?;
        sequence.by.as_deref().into_iter().try_for_each(|by| group(by, "\"by\""))?;
        conditions.sort();
        conditions.dedup();
        let plain = |more: Option<&str>, selected: &[String]| {
            let mut all = conditions.clone();
            all.extend(more.map(str::to_owned));
            let source = quote_name(&rows.name);
            format!("SELECT {} FROM {source}{}", selected.join(", "), where_clause(&all))
        };
        if !(rows.lines && rows.columns.contains_key("event_id")) {
            return Ok(plain(None, &selected));
        }
        let others = plain(Some("(kind <> 'order_paid' OR event_id IS NULL)"), &selected);
        let more = groups[1..].iter().map(|name| format!(", {name}")).collect::<String>();
        selected.push("event_id AS order_id".to_owned());
        let lines = plain(Some("kind = 'order_paid' AND event_id IS NOT NULL"), &selected);
        groups.push("order_id");
        groups.extend((merged == "mark").then_some("mark"));
        Ok(format!(
            "{others} UNION ALL SELECT member, min(time) AS time, {merged} AS mark{more} FROM ({lines}) GROUP BY {}",
            groups.join(", ")
        ))
    }

    /// The condition of each step.
    fn step_conditions(&self) -> Result<Vec<String>, FeatureError> {
        let condition = |filter| {
            let all = filter_conditions(self.feature, filter, self.rows)?;
            Ok(if all.is_empty() { "true".to_owned() } else { format!("({})", all.join(" AND ")) })
        };
        self.sequence.rule.steps().iter().map(condition).collect()
    }

    /// Whether the marks are numbers as they are; else they are texts, by [`crate::code`].
    #[must_use]
    pub fn marks_are_numbers(&self) -> bool {
        match &self.sequence.rule {
            SequenceRule::SessionsById(id) => {
                self.rows.columns.get(id) == Some(&FieldType::Integer)
            }
            _ => true,
        }
    }
}
