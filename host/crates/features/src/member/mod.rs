//! Features of one member, from the rows of that member alone: for a decision as for a cycle, by the same tally, the same
//! sequences, the same expressions.
//!
//! A [`MemberPlan`] is made once for a version of a playbook. [`MemberPlan::fold`] gives the frame of one row that a
//! cycle would have for the member at that moment.

mod build;
mod events;
mod fields;
mod filter;
mod sequences;

use std::cell::Cell;
use std::collections::BTreeMap;

use playbook_model::{
    Bitmap, CellType, Cells, Column, Definition, FeatureDef, Frame, Guardrails, LawTrack, MapType,
    UnixMs,
};

pub use events::{EventRows, Value};

use crate::computed::{ComputeError, Computed, missing};
use crate::consent::{Answer, ConsentState, oldest_consent};
use crate::cut::Cut;
use crate::expression::FaultKind;
use crate::law::Tracks;
use crate::local::Zones;
use crate::recipe::DAY_MS;
use crate::tally::{
    Given, Moment, Number, Reading, Row, Tally, TallyPlan, code, filled, filling, micro, ordered,
    put,
};
use crate::wall::WallField;
use crate::{BrandClock, FeatureError, OffsetReader};
use events::RefundFields;
use fields::FieldAt;
use filter::Conditions;
use sequences::MemberSequence;

/// What a plan is made for.
#[derive(Debug)]
pub struct MemberRequest<'a> {
    /// All features of the playbook; those of other subjects are left out.
    pub features: &'a [FeatureDef],
    /// Columns of events with their types; ids and kinds are texts.
    pub events: &'a BTreeMap<String, MapType>,
    /// Columns of the table of members.
    pub profile: &'a BTreeMap<String, MapType>,
    /// Whether costs and entries name members.
    pub dated_of_members: bool,
    /// Values of splits by the name of the feature, each of which is a column.
    pub splits: &'a BTreeMap<String, Vec<String>>,
    /// Purposes of consents, each of which is a column.
    pub purposes: &'a [String],
    /// Which consents count, and under which law.
    pub rules: &'a Guardrails,
    /// The brand's clock.
    pub clock: BrandClock,
}

/// Why a feature cannot be folded from the rows of one member.
#[derive(Debug, thiserror::Error)]
pub enum Unfit {
    /// It reads what the rows do not have.
    #[error(transparent)]
    Feature(#[from] FeatureError),
    /// Its expression cannot be used.
    #[error(transparent)]
    Compute(#[from] ComputeError),
    /// It is computed over whole tables.
    #[error(
        "feature `{feature}` {why}, which needs whole tables: it cannot be had for one member at a time"
    )]
    Whole {
        /// The feature.
        feature: String,
        /// What it does.
        why: &'static str,
    },
}

/// Where a column comes from.
#[derive(Debug)]
enum Source {
    /// The tally fills it.
    Tallied,
    /// A sequence gives it.
    Sequence,
    /// A field of the profile, by position.
    Profile(usize),
    /// The member's id.
    Id,
    /// No row has what it reads.
    Nothing(Column),
}

/// How all features of a member are had from its rows.
#[derive(Debug)]
pub struct MemberPlan {
    clock: BrandClock,
    fields: Vec<String>,
    profile: Vec<String>,
    purposes: Vec<String>,
    rules: Guardrails,
    tracks: Tracks,
    zones: Zones,
    tallies: Vec<MemberTally>,
    conditions: Conditions,
    sequences: Vec<MemberSequence>,
    refunds: Option<RefundFields>,
    /// The fields that the time of an event gives, with their positions.
    walls: Vec<(usize, WallField)>,
    /// Features with their columns, in the order of the frame.
    columns: Vec<(FeatureDef, String, Source)>,
    computed: Computed,
}

/// Aggregates over the events of one member.
#[derive(Debug)]
struct MemberTally {
    plan: TallyPlan,
    /// Of each dimension, where its texts come from.
    dimensions: Vec<Texts>,
    fields: Vec<FieldAt>,
    /// The columns that it fills, in the order of its outputs.
    columns: Vec<usize>,
}

#[derive(Debug)]
enum Texts {
    Field(FieldAt),
    Condition(usize),
}

/// What is known of a member.
#[derive(Debug, Clone, Default)]
pub struct MemberRecord<'a> {
    /// The member's id.
    pub id: &'a str,
    /// Events, in any order, with a value for each of [`MemberPlan::fields`].
    pub events: EventRows<'a>,
    /// A value for each of [`MemberPlan::profile`].
    pub profile: Vec<Value<'a>>,
    /// Answers about consents.
    pub consents: Vec<SaidOf<'a>>,
}

/// An answer about a consent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SaidOf<'a> {
    /// Which of the member's accounts gave it, from 0 on.
    pub account: usize,
    /// What for.
    pub purpose: &'a str,
    /// What was answered.
    pub state: ConsentState,
    /// When, unix-ms.
    pub time: Option<i64>,
}

/// Why a member has no features.
#[derive(Debug, thiserror::Error)]
pub enum FoldError {
    /// A sum, or a value that is to be summed, beyond 64 bits.
    #[error("feature `{feature}` has no value for member `{member}`: {fault}")]
    TooLarge {
        /// The feature.
        feature: String,
        /// The member.
        member: String,
        /// What went wrong.
        fault: FaultKind,
    },
    /// An expression without a value.
    #[error(transparent)]
    Compute(#[from] ComputeError),
}

impl MemberPlan {
    /// Plans all features of members.
    ///
    /// # Errors
    /// Every feature that cannot be had so, and why.
    pub fn new(request: &MemberRequest<'_>) -> Result<Self, Vec<Unfit>> {
        build::build(request)
    }

    /// Columns of events that rows must give, in this order.
    #[must_use]
    pub fn fields(&self) -> &[String] {
        &self.fields
    }

    /// Columns of the table of members that a record must give, in this order.
    #[must_use]
    pub fn profile(&self) -> &[String] {
        &self.profile
    }

    /// The frame of one row that a cycle would have for the member at `as_of`, unix-ms: the columns are the same at every
    /// call. Only what is before `as_of` counts.
    ///
    /// # Errors
    /// A sum beyond 64 bits, or an expression without a value.
    pub fn fold(&self, mut member: MemberRecord<'_>, as_of: i64) -> Result<Frame, FoldError> {
        let mut frame = self.gathered(&mut member, as_of)?;
        self.computed.append_to(&mut frame, 1)?;
        let track = self.rules.law.as_ref().map(|law| {
            let column = self.tracks.column(law, &frame);
            let track = LawTrack::of(column.text(0));
            frame.append(column);
            track
        });
        let local = self.zones.columns(&self.rules, &self.clock, &frame, as_of);
        local.into_iter().flatten().for_each(|column| frame.append(column));
        self.consents((&member, track), as_of, &mut frame);
        Ok(frame)
    }

    /// Everything but expressions and consents.
    fn gathered(&self, member: &mut MemberRecord<'_>, as_of: i64) -> Result<Frame, FoldError> {
        for (field, wall) in &self.walls {
            let mut clock = self.clock.offsets();
            member.events.fill(*field, |time| wall.of(clock.local_ms(time)));
        }
        if let Some(refunds) = &self.refunds {
            member.events.set_off_refunds(refunds, as_of);
        }
        let moment = Moment { as_of, local_day: self.clock.local_day(as_of) };
        let relatives = self.relatives(&member.events, moment);
        let met = self.conditions.met(&member.events, member.id);
        let mut columns: Vec<Option<Column>> = self.columns.iter().map(|_| None).collect();
        for tally in &self.tallies {
            self.tallied(tally, member, moment, &relatives, &met, &mut columns)?;
        }
        for sequence in &self.sequences {
            let mut places = sequence.places.iter();
            let of = (member.id, as_of, &self.clock);
            sequence.fold(&member.events, &relatives, &met, of, |column| {
                if let Some(at) = places.next() {
                    columns[*at] = Some(column);
                }
            });
        }
        let mut frame = Frame::with_rows(1);
        frame.reserve(self.columns.len() + 1);
        frame.append(text_column("member", member.id));
        for ((feature, name, source), column) in self.columns.iter().zip(columns) {
            frame.append(match (source, column) {
                (_, Some(column)) => column,
                (Source::Profile(at), None) => attribute(feature, name, member.profile.get(*at)),
                (Source::Id, None) => attribute(feature, name, Some(&Value::Text(member.id))),
                (Source::Nothing(column), None) => column.clone(),
                (_, None) => missing(feature, 1),
            });
        }
        Ok(frame)
    }

    /// Times relative to T. Where the clock changes within a window, what stands at a local midnight is a date; see
    /// [`Cut`].
    fn relatives(&self, rows: &EventRows<'_>, moment: Moment) -> Vec<i64> {
        let as_of = UnixMs(moment.as_of);
        let sequences = self.sequences.iter().flat_map(MemberSequence::bounds);
        let tallies = self.tallies.iter().flat_map(|tally| tally.plan.bounds()).copied();
        let cuts_dates = tallies
            .chain(sequences)
            .any(|bound| Cut::new(&self.clock, as_of, -bound).midnight.is_some());
        if !cuts_dates {
            return rows.times.iter().map(|time| moment.relative(*time)).collect();
        }
        let mut dates = self.clock.offsets();
        let local_as_of = self.clock.local_ms(moment.as_of);
        let of_date =
            |time: &i64| moment.relative_to_dates(*time, dates.local_ms(*time), local_as_of);
        rows.times.iter().map(of_date).collect()
    }

    fn tallied(
        &self,
        of: &MemberTally,
        member: &MemberRecord<'_>,
        moment: Moment,
        relatives: &[i64],
        met: &[Vec<bool>],
        columns: &mut [Option<Column>],
    ) -> Result<(), FoldError> {
        let rows = &member.events;
        let code_of = |texts: &Texts, row: usize, dimension: &crate::Dimension| match texts {
            Texts::Condition(number) => dimension.code(met[*number][row].then_some(TallyPlan::MET)),
            Texts::Field(at) => dimension.code(at.of(rows, row, member.id).as_text().as_deref()),
        };
        let codes: Vec<Vec<u16>> = of
            .dimensions
            .iter()
            .zip(of.plan.dimensions())
            .map(|(texts, dimension)| {
                (0..rows.len()).map(|row| code_of(texts, row, dimension)).collect()
            })
            .collect();
        let classes = of.plan.classes(&codes, relatives);
        let mut tally = Tally::new(&of.plan, moment, 1);
        let days = self.clock.offsets();
        let mut row = MemberRow { of, member, at: 0, days, beyond: Cell::new(None) };
        for (at, class) in classes.into_iter().enumerate() {
            if rows.times[at] >= moment.as_of || !of.plan.counts(class as usize) {
                continue;
            }
            row.at = at;
            tally.add(&of.plan, class as usize, 0, &mut row);
            if let Some(field) = row.beyond.get() {
                return Err(self.too_large(&of.plan.fields()[field].name, member.id));
            }
        }
        let places = &of.columns;
        let mut too_large = None;
        tally.finish(
            &of.plan,
            |time| self.clock.local_ms(time),
            |output, _, values| {
                let (feature, name, _) = &self.columns[places[output]];
                let mut column = filling(feature, name, of.plan.is_small(output), 1, 8);
                put(&mut column.whole(), 0, values[0]);
                if values[0] == Number::TooLarge {
                    too_large = too_large.or(Some(places[output]));
                }
                columns[places[output]] = Some(filled(feature, column));
            },
        );
        match too_large {
            Some(at) => Err(FoldError::TooLarge {
                feature: self.columns[at].1.clone(),
                member: member.id.to_owned(),
                fault: FaultKind::Overflow,
            }),
            None => Ok(()),
        }
    }

    fn too_large(&self, field: &str, member: &str) -> FoldError {
        let reads = |feature: &FeatureDef| matches!(&feature.definition, Definition::Aggregate(a) if a.field.as_deref() == Some(field));
        let names = self.columns.iter().filter(|(feature, ..)| reads(feature));
        let names: Vec<&str> = names.map(|(_, name, _)| name.as_str()).collect();
        FoldError::TooLarge {
            feature: names.join("`, `"),
            member: member.to_owned(),
            fault: FaultKind::Overflow,
        }
    }

    fn consents(
        &self,
        (member, track): (&MemberRecord<'_>, Option<LawTrack>),
        as_of: i64,
        frame: &mut Frame,
    ) {
        for purpose in &self.purposes {
            let granted = self.consents_to(&member.consents, (purpose, track), as_of);
            frame.append(consent_column(purpose, granted));
        }
    }

    /// Whether a member of a track who gave these answers consents to a purpose at a moment; `None`: it gave none to that purpose. Of
    /// several accounts one refusal outweighs all grants.
    #[must_use]
    pub fn consents_to(
        &self,
        answers: &[SaidOf<'_>],
        (purpose, track): (&str, Option<LawTrack>),
        as_of: i64,
    ) -> Option<bool> {
        let rule = self.rules.consent_rule(track);
        let oldest = || oldest_consent(&self.clock, as_of, rule.months);
        let last_of = |account: usize| {
            let is_told = |said: &&SaidOf<'_>| {
                said.account == account
                    && said.purpose == purpose
                    && said.time.is_none_or(|time| time < as_of)
            };
            let told = answers.iter().filter(is_told);
            let mut last = None;
            for answer in told.filter_map(|said| Answer::read(said.state, said.time)) {
                last.get_or_insert(Answer::NEVER).hear(answer);
            }
            last.map(|answer: Answer| answer.judged(rule, oldest()))
        };
        let accounts = answers.iter().map(|said| said.account + 1).max().unwrap_or(0);
        let joined = (0..accounts).filter_map(last_of).reduce(Answer::joined);
        joined.map(|answer| answer.granted)
    }
}

/// The flag of a consent; missing where nobody answered.
fn consent_column(purpose: &str, granted: Option<bool>) -> Column {
    Column {
        name: format!("consent.{purpose}"),
        unit: String::new(),
        cells: Cells::Small(vec![i16::from(granted == Some(true))]),
        valid: granted.is_none().then(|| Bitmap::filled(1, false)),
    }
}

fn text_column(name: &str, text: &str) -> Column {
    let cells = Cells::Text([text].into_iter().collect());
    Column { name: name.to_owned(), unit: String::new(), cells, valid: None }
}

/// A field of the profile as the feature that it gives.
fn attribute(feature: &FeatureDef, name: &str, value: Option<&Value<'_>>) -> Column {
    let mut column = filling(feature, name, true, 1, 8);
    let value = value.copied().unwrap_or(Value::Missing);
    let text = value.as_text();
    let number = match (feature.cell_type, value) {
        (_, Value::Missing) => Number::Missing,
        (CellType::Text | CellType::Category, _) => {
            text.as_deref().map_or(Number::Missing, Number::Text)
        }
        (_, Value::Integer(value)) => Number::Integer(value),
        (_, Value::Real(value)) => Number::Real(value),
        (_, Value::Text(_)) => Number::Missing,
    };
    put(&mut column.whole(), 0, number);
    filled(feature, column)
}

/// A row of a member, as a tally reads it.
struct MemberRow<'r, 'a> {
    of: &'r MemberTally,
    member: &'r MemberRecord<'a>,
    at: usize,
    days: OffsetReader<'r>,
    /// The field whose value was too large for a sum.
    beyond: Cell<Option<usize>>,
}

impl MemberRow<'_, '_> {
    fn field(&self, field: usize) -> Value<'_> {
        self.of.fields[field].of(&self.member.events, self.at, self.member.id)
    }
}

impl Row for MemberRow<'_, '_> {
    fn time(&self) -> i64 {
        self.member.events.times[self.at]
    }

    fn local_day(&mut self) -> i64 {
        self.days.local_ms(self.member.events.times[self.at]).div_euclid(DAY_MS)
    }

    fn weight(&self) -> i64 {
        self.member.events.weights[self.at]
    }

    fn value(&self, field: usize) -> Option<i64> {
        match (self.of.plan.fields()[field].reading, self.field(field)) {
            (Reading::Integer, value) => value.integer(),
            (Reading::Code, value) => value.text().map(code),
            (Reading::Micro, Value::Real(real)) => micro(real).unwrap_or_else(|_| {
                self.beyond.set(Some(field));
                None
            }),
            (Reading::Ordered, Value::Real(real)) if !real.is_nan() => Some(ordered(real)),
            _ => None,
        }
    }

    fn text(&self, field: usize) -> Option<&str> {
        self.field(field).text()
    }

    fn tie(&self) -> Given<'_> {
        Given::Text(self.member.events.ids[self.at])
    }
}
