//! Consents: the latest answer per member and purpose, the strictest where accounts were joined (domain H2, H4).

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use arrow::array::{Array, AsArray};
use arrow::datatypes::Int64Type;
use playbook_cycle::IntakeFinding;
use playbook_features::{Answer, ConsentState, Tracks, Zones, oldest_consent};
use playbook_model::{Bitmap, Cells, Column, ConsentRule, Frame, LawTrack, SourceTable};

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

/// All answers about consents.
#[derive(Default)]
pub(crate) struct Answers {
    purposes: BTreeMap<String, Purpose>,
    /// Of members with several accounts, an answer for each, by purpose and account: they are joined at the end.
    joined: HashMap<(String, String), (u32, Answer)>,
}

impl BatchSource {
    /// What members answered, for each purpose that occurs.
    pub(crate) fn consents(&self, keys: &Arc<Keys>) -> Result<Answers> {
        let rows = self.tables.rows_by_account(SourceTable::Consents);
        let Some(rows) = rows else { return Ok(Answers::default()) };
        let as_of = self.intake.as_of.0;
        let time = if rows.timed { "time" } else { "CAST(NULL AS BIGINT)" };
        let sql = format!(
            "SELECT member, purpose, state, {time} AS time FROM {} \
             WHERE {time} IS NULL OR {time} < {as_of}",
            rows.name
        );
        let mut names: Vec<String> = Vec::new();
        let mut purposes: Vec<Purpose> = Vec::new();
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
                let answer = Answer::read(states[row], time);
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
                    purposes[purpose].asked.set(place as usize, true);
                } else {
                    purposes[purpose].hear(place, answer);
                }
            }
            Ok(())
        })?;
        let named = |((account, purpose), of): ((String, usize), _)| {
            ((names[purpose].clone(), account), of)
        };
        let joined = joined.into_iter().map(named).collect();
        // A file's dictionary may list purposes that no row holds.
        let heard = names
            .iter()
            .cloned()
            .zip(purposes)
            .filter(|(_, purpose)| purpose.asked.count_ones() > 0);
        Ok(Answers { purposes: heard.collect(), joined })
    }

    /// The columns with the law that each member falls under and with its own time, and a flag column for each purpose, as that law counts consents;
    /// with the finding about expired ones. Members have their features already.
    pub(crate) fn consent_columns(
        &self,
        answers: Answers,
        members: &Frame,
    ) -> (Vec<Column>, Option<IntakeFinding>) {
        let rules = &self.playbook.guardrails;
        let track = rules.law.as_ref().map(|law| Tracks::default().column(law, members));
        let zones = Zones::default().columns(rules, &self.clock, members, self.intake.as_of.0);
        let local = zones.into_iter().flatten();
        let of_track = |track| {
            let rule = rules.consent_rule(track);
            (rule, oldest_consent(&self.clock, self.intake.as_of.0, rule.months))
        };
        let by_track = LawTrack::ALL.map(|track| of_track(Some(track)));
        let of_all = of_track(None);
        let of_row = |row: usize| match &track {
            Some(track) => by_track[LawTrack::of(track.text(row)) as usize],
            None => of_all,
        };
        let Answers { mut purposes, joined } = answers;
        for ((purpose, _), (place, answer)) in joined {
            let (rule, oldest) = of_row(place as usize);
            if let Some(purpose) = purposes.get_mut(&purpose) {
                purpose.join(place, answer.judged(rule, oldest));
            }
        }
        purposes.values_mut().for_each(|purpose| purpose.judge(&of_row));
        let expired = purposes.values().map(Purpose::expired).sum();
        let columns = purposes.into_iter().map(|(name, purpose)| purpose.column(&name));
        let columns = track.clone().into_iter().chain(local).chain(columns).collect();
        (columns, (expired > 0).then(|| told(expired)))
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

    /// Judges each answer by the rule of its row.
    fn judge(&mut self, of_row: impl Fn(usize) -> (ConsentRule, i64)) {
        for (row, answer) in self.answers.iter_mut().enumerate() {
            if self.asked.get(row) {
                let (rule, oldest) = of_row(row);
                *answer = answer.judged(rule, oldest);
            }
        }
    }

    /// Number of members whose consent was granted and has expired.
    fn expired(&self) -> u64 {
        self.answers.iter().filter(|answer| answer.expired).count() as u64
    }

    fn column(self, purpose: &str) -> Column {
        let flags = self.answers.iter().map(|answer| answer.granted).zip(0..);
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
            "{count} consents were granted too long ago and no longer hold: ask these members again"
        ),
        format!("{count} 項同意授予已久，不再有效：請重新徵求同意"),
    )
}
