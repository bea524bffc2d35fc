//! Consents: the latest answer per member and purpose, the strictest where accounts were joined (domain H2, H4).

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use arrow::array::{Array, AsArray};
use arrow::datatypes::Int64Type;
use playbook_cycle::IntakeFinding;
use playbook_features::{Answer, CONSENT_MONTHS, ConsentState, oldest_consent};
use playbook_model::{Bitmap, Cells, Column, SourceTable};

use crate::Result;
use crate::cells::of_texts;
use crate::findings::finding;
use crate::keys::{Keys, NO_ROW, texts};
use crate::source::BatchSource;

/// Answers for one purpose, by row of the member, and a bitset of the members who have one.
struct Purpose {
    answers: Vec<Answer>,
    asked: Bitmap,
}

impl BatchSource {
    /// A flag column for each purpose that occurs, and the finding about expired consents.
    pub(crate) fn consent_columns(
        &self,
        keys: &Arc<Keys>,
    ) -> Result<(Vec<Column>, Option<IntakeFinding>)> {
        let rows = self.tables.rows_by_account(SourceTable::Consents);
        let Some(rows) = rows else { return Ok((Vec::new(), None)) };
        let as_of = self.intake.as_of.0;
        let time = if rows.timed { "time" } else { "CAST(NULL AS BIGINT)" };
        let sql = format!(
            "SELECT member, purpose, state, {time} AS time FROM {} \
             WHERE {time} IS NULL OR {time} < {as_of}",
            rows.name
        );
        let oldest = oldest_consent(&self.clock, as_of);
        let mut names: Vec<String> = Vec::new();
        let mut purposes: Vec<Purpose> = Vec::new();
        // A member with several accounts has an answer for each; they are joined at the end.
        let mut joined: HashMap<(String, usize), (u32, Answer)> = HashMap::new();
        let progress = self.options.progress.as_ref();
        let joined_places = self.joined_places(keys);
        let account_places = self.tables.aliases().places(Arc::clone(keys));
        self.session.stream("consents", &sql, progress, |batch| {
            let places = account_places.of(batch.column(0));
            let asked = of_texts(batch.column(1), |name| {
                let name = name?;
                Some(names.iter().position(|known| known == name).unwrap_or_else(|| {
                    names.push(name.to_owned());
                    purposes.push(Purpose::new(keys.len()));
                    names.len() - 1
                }))
            });
            let states = of_texts(batch.column(2), ConsentState::of);
            let times = batch.column(3).as_primitive::<Int64Type>();
            for (row, place) in places.into_iter().enumerate() {
                let time = times.is_valid(row).then(|| times.value(row));
                let answer = Answer::read(states[row], time, oldest);
                let (Some(purpose), Some(answer)) = (asked[row], answer) else { continue };
                if place == NO_ROW {
                    continue;
                }
                if joined_places.get(place as usize) {
                    let account = texts(&batch.column(0).slice(row, 1)).value(0).to_owned();
                    joined
                        .entry((account, purpose))
                        .or_insert((place, Answer::NEVER))
                        .1
                        .hear(answer);
                } else {
                    purposes[purpose].hear(place, answer);
                }
            }
            Ok(())
        })?;
        let double = self.playbook.guardrails.double_consent;
        for ((_, purpose), (place, answer)) in joined {
            purposes[purpose].join(place, answer.confirmed(double));
        }
        // A file's dictionary may list purposes that no row holds.
        let heard =
            names.into_iter().zip(purposes).filter(|(_, purpose)| purpose.asked.count_ones() > 0);
        let by_name: BTreeMap<String, Purpose> = heard.collect();
        let expired = by_name.values().map(Purpose::expired).sum();
        let columns =
            by_name.into_iter().map(|(name, purpose)| purpose.column(&name, double)).collect();
        Ok((columns, (expired > 0).then(|| told(expired))))
    }
}

impl BatchSource {
    /// Which members have several accounts.
    fn joined_places(&self, keys: &Keys) -> Bitmap {
        let mut joined = Bitmap::filled(keys.len(), false);
        for member in self.tables.aliases().members() {
            let place = keys.place_of(member);
            if place != NO_ROW {
                joined.set(place as usize, true);
            }
        }
        joined
    }
}

impl Purpose {
    fn new(rows: usize) -> Self {
        Self { answers: vec![Answer::NEVER; rows], asked: Bitmap::filled(rows, false) }
    }

    fn hear(&mut self, place: u32, answer: Answer) {
        self.answers[place as usize].hear(answer);
        self.asked.set(place as usize, true);
    }

    /// Joins the answer of a further account of a member: one refusal outweighs all grants.
    fn join(&mut self, place: u32, answer: Answer) {
        let place = place as usize;
        // Before any answer nothing is refused and nothing has expired.
        self.answers[place] = self.answers[place].joined(answer);
        self.asked.set(place, true);
    }

    /// Number of members whose consent was granted and has expired.
    fn expired(&self) -> u64 {
        self.answers.iter().filter(|answer| answer.expired).count() as u64
    }

    fn column(self, purpose: &str, double: bool) -> Column {
        let flags = self.answers.iter().map(|answer| answer.confirmed(double).granted).zip(0..);
        let flags = flags.map(|(granted, row)| i16::from(granted && self.asked.get(row)));
        let cells = Cells::Small(flags.collect());
        let all = self.asked.count_ones() == self.asked.len();
        Column {
            name: format!("consent.{purpose}"),
            unit: String::new(),
            cells,
            valid: (!all).then_some(self.asked),
        }
    }
}

fn told(count: u64) -> IntakeFinding {
    finding(
        "expired-consents",
        None,
        count,
        format!(
            "{count} consents were granted more than {CONSENT_MONTHS} months ago and no longer hold: ask these members again"
        ),
        format!("{count} 項同意的授予時間已超過 {CONSENT_MONTHS} 個月，不再有效：請重新徵求同意"),
    )
}
