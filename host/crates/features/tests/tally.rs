//! Tallies merge in any order, serve any moment, and come back from their bytes or are refused.
#![allow(clippy::unwrap_used, reason = "tests")]

use playbook_features::{
    Dimension, FieldType, Given, Moment, Number, Reading, Request, Row, RowTable, Tally,
    TallyError, TallyPlan, code, items, ordered,
};
use playbook_model::{Aggregate, AggregateDef, EventFilter, Grain, UnixMs, Window};

const DAY: i64 = 86_400_000;
const T: i64 = 1_000 * DAY;
const MEMBERS: usize = 24;

/// A linear congruential generator: the same draws each time.
struct Draws(u64);

impl Draws {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % bound
    }
}

/// An event as it came.
#[derive(Debug, Clone)]
struct Event {
    member: usize,
    time: i64,
    kind: &'static str,
    amount: Option<i64>,
    mood: Option<f64>,
    topic: Option<String>,
    id: i64,
    weight: i64,
}

/// Events around T, some after it, several at one time, some with sums that leave 64 bits.
fn events(draws: &mut Draws, count: usize) -> Vec<Event> {
    let kinds = ["order_paid", "like"];
    let mut events = Vec::new();
    for id in 0..i64::try_from(count).unwrap() {
        let day = i64::try_from(draws.below(130)).unwrap();
        let hour = i64::try_from(draws.below(4)).unwrap();
        let amount = i64::try_from(draws.below(90_000)).unwrap();
        events.push(Event {
            member: usize::try_from(draws.below(MEMBERS as u64)).unwrap(),
            time: T - 120 * DAY + day * DAY + hour * DAY / 4,
            kind: kinds[usize::try_from(draws.below(2)).unwrap()],
            amount: (draws.below(5) > 0).then_some(if draws.below(40) == 0 {
                i64::MAX - amount
            } else {
                amount
            }),
            mood: (draws.below(4) > 0)
                .then(|| f64::from(u32::try_from(draws.below(2_000)).unwrap()) / 1e3 - 1.0),
            topic: (draws.below(3) > 0).then(|| format!("t{}", draws.below(7))),
            // Ids repeat: equal times with equal ids are settled by their values.
            id: id / 3,
            weight: i64::from(draws.below(6) > 0),
        });
    }
    events
}

fn rows() -> RowTable {
    let columns = [
        ("member", FieldType::Integer),
        ("kind", FieldType::Text),
        ("time", FieldType::Integer),
        ("amount_minor", FieldType::Integer),
        ("sentiment", FieldType::Real),
        ("topic", FieldType::Text),
        ("event_id", FieldType::Integer),
    ];
    RowTable {
        name: "events".to_owned(),
        columns: columns.map(|(name, field_type)| (name.to_owned(), field_type)).into(),
        timed: true,
        weighted: true,
        ..RowTable::default()
    }
}

/// Every aggregate over every field that it takes, over all history and in windows.
fn definitions() -> Vec<AggregateDef> {
    let mut definitions = Vec::new();
    for (_, function) in Aggregate::ALL {
        let sums = matches!(function, Aggregate::Sum | Aggregate::Mean | Aggregate::RepeatSum);
        let fields: &[Option<&str>] = match function.needs_field() {
            true if sums => &[Some("amount_minor"), Some("sentiment")],
            true => &[Some("amount_minor"), Some("sentiment"), Some("topic")],
            false => &[None],
        };
        for field in fields {
            for (from, to, kinds) in
                [(None, 0, vec![]), (Some(40), 10, vec!["order_paid".to_owned()])]
            {
                definitions.push(AggregateDef {
                    over: Grain::Events,
                    function,
                    filter: EventFilter { kinds, channels: vec![], condition: None },
                    window: Window { from_ms: from.map(|days: i64| days * DAY), to_ms: to * DAY },
                    field: field.map(str::to_owned),
                    cap: (function == Aggregate::CappedCount).then_some(2),
                    by: None,
                    every_ms: None,
                });
            }
        }
    }
    definitions
}

fn plan_of(definitions: &[AggregateDef], as_of: i64) -> TallyPlan {
    let rows = rows();
    let items = definitions
        .iter()
        .enumerate()
        .flat_map(|(at, aggregate)| items(&format!("f{at}"), aggregate, None))
        .collect();
    let request = Request {
        rows: &rows,
        key: Some("member"),
        as_of: UnixMs(as_of),
        clock: &playbook_features::Utc,
        items,
        parts_max: 64,
    };
    let (plan, rest) = TallyPlan::new(&request).unwrap();
    assert!(rest.is_empty(), "numbers hold every aggregate, not {rest:?}");
    plan
}

struct Read<'a> {
    plan: &'a TallyPlan,
    event: &'a Event,
}

impl Row for Read<'_> {
    fn time(&self) -> i64 {
        self.event.time
    }

    fn local_day(&mut self) -> i64 {
        self.event.time.div_euclid(DAY)
    }

    fn weight(&self) -> i64 {
        self.event.weight
    }

    fn value(&self, field: usize) -> Option<i64> {
        let field = &self.plan.fields()[field];
        match (field.name.as_str(), field.reading) {
            ("amount_minor", _) => self.event.amount,
            ("sentiment", Reading::Micro) =>
            {
                #[expect(clippy::cast_possible_truncation, reason = "thousandths of one")]
                self.event.mood.map(|mood| (mood * 1e6).round() as i64)
            }
            ("sentiment", _) => self.event.mood.map(ordered),
            _ => self.event.topic.as_deref().map(code),
        }
    }

    fn text(&self, _: usize) -> Option<&str> {
        self.event.topic.as_deref()
    }

    fn tie(&self) -> Given<'_> {
        Given::Number(self.event.id)
    }
}

fn moment(as_of: i64) -> Moment {
    Moment { as_of, local_day: as_of.div_euclid(DAY) }
}

/// The class of one row, by mixed radix: the code of each dimension, then the stretch of time.
fn class_of(plan: &TallyPlan, event: &Event, moment: Moment) -> usize {
    let relative = moment.relative(event.time);
    let class = plan.dimensions().iter().fold(0, |class, dimension| {
        class * (dimension.texts.len() + 1) + usize::from(dimension.code(Some(event.kind)))
    });
    let bucket = plan.bounds().iter().filter(|bound| relative >= **bound).count();
    class * (plan.bounds().len() + 1) + bucket
}

fn tally<'a>(plan: &TallyPlan, as_of: i64, events: impl IntoIterator<Item = &'a Event>) -> Tally {
    let moment = moment(as_of);
    let mut tally = Tally::new(plan, moment, MEMBERS);
    let events: Vec<_> = events.into_iter().filter(|event| event.time < as_of).collect();
    let codes = |dimension: &Dimension| -> Vec<u16> {
        events.iter().map(|event| dimension.code(Some(event.kind))).collect()
    };
    let codes: Vec<_> = plan.dimensions().iter().map(codes).collect();
    let relatives: Vec<i64> = events.iter().map(|event| moment.relative(event.time)).collect();
    let classes = plan.classes(&codes, &relatives);
    for (event, of_many) in events.into_iter().zip(classes) {
        let class = class_of(plan, event, moment);
        assert_eq!(class, of_many as usize);
        tally.add(plan, class, event.member, &mut Read { plan, event });
    }
    tally
}

/// All values, by column and member.
fn values(plan: &TallyPlan, tally: Tally) -> Vec<String> {
    let mut found = Vec::new();
    tally.finish(
        plan,
        |time| time,
        |column, first, values: &[Number<'_>]| {
            found.extend(
                values.iter().zip(first..).map(|(v, member)| format!("{column} {member} {v:?}")),
            );
        },
    );
    found.sort();
    found
}

#[test]
fn parts_merge_to_the_whole_in_any_order() {
    let plan = plan_of(&definitions(), T);
    let mut draws = Draws(7);
    for round in 0..20 {
        let events = events(&mut draws, 400);
        let whole = values(&plan, tally(&plan, T, &events));
        assert!(whole.iter().any(|value| value.ends_with("TooLarge")), "sums leave 64 bits");
        let parts = 2 + usize::try_from(draws.below(5)).unwrap();
        let mut shared: Vec<Vec<&Event>> = vec![Vec::new(); parts];
        for event in &events {
            shared[usize::try_from(draws.below(parts as u64)).unwrap()].push(event);
        }
        let mut tallies: Vec<Tally> =
            shared.into_iter().map(|part| tally(&plan, T, part.into_iter().rev())).collect();
        while tallies.len() > 1 {
            let at = usize::try_from(draws.below(tallies.len() as u64)).unwrap();
            let one = tallies.swap_remove(at);
            let other = usize::try_from(draws.below(tallies.len() as u64)).unwrap();
            tallies[other].merge(&plan, one).unwrap();
        }
        assert_eq!(values(&plan, tallies.pop().unwrap()), whole, "round {round}");
    }
}

#[test]
fn counts_merge_beyond_what_is_small() {
    let mut count = definitions();
    count.retain(|one| one.function == Aggregate::Count && one.window.from_ms.is_none());
    let plan = plan_of(&count, T);
    let event = Event { member: 3, weight: 1, time: T - 1, ..events(&mut Draws(1), 1).remove(0) };
    let mut sum = tally(&plan, T, std::iter::repeat_n(&event, 60_000));
    sum.merge(&plan, tally(&plan, T, std::iter::repeat_n(&event, 60_000))).unwrap();
    sum.merge(&plan, tally(&plan, T, std::iter::repeat_n(&event, 7))).unwrap();
    assert!(values(&plan, sum).contains(&"0 3 Integer(120007)".to_owned()));
}

#[test]
fn one_plan_serves_every_moment() {
    let definitions = definitions();
    let plan = plan_of(&definitions, T);
    let events = events(&mut Draws(11), 900);
    for days in [-70, -31, -3, 0, 2, 9, 40] {
        let as_of = T + days * DAY + 3_600_000 * days;
        let own = plan_of(&definitions, as_of);
        let here = values(&plan, tally(&plan, as_of, &events));
        assert_eq!(here, values(&own, tally(&own, as_of, &events)), "{days} days from T");
        assert!(days < -3 || here.iter().any(|value| value.contains("Text")));
    }
    assert_ne!(
        values(&plan, tally(&plan, T, &events)),
        values(&plan, tally(&plan, T - 30 * DAY, &events))
    );
}

#[test]
fn bytes_come_back_and_every_other_byte_is_refused() {
    let plan = plan_of(&definitions(), T);
    let events = events(&mut Draws(3), 150);
    let bytes = tally(&plan, T, &events).to_bytes(&plan);
    let back = Tally::from_bytes(&plan, &bytes).unwrap();
    assert_eq!(values(&plan, back), values(&plan, tally(&plan, T, &events)));

    for at in (0..bytes.len()).step_by(7) {
        let mut damaged = bytes.clone();
        damaged[at] ^= 1 << (at % 8);
        assert!(Tally::from_bytes(&plan, &damaged).is_err(), "byte {at}");
        assert!(Tally::from_bytes(&plan, &bytes[..at]).is_err(), "cut at {at}");
    }
    assert_eq!(Tally::from_bytes(&plan, b"").unwrap_err(), TallyError::Foreign);
    let other = plan_of(&definitions()[..4], T);
    assert_eq!(Tally::from_bytes(&other, &bytes).unwrap_err(), TallyError::Other);
}

#[test]
fn what_is_of_another_moment_does_not_merge() {
    let plan = plan_of(&definitions(), T);
    let events = events(&mut Draws(5), 50);
    let mut one = tally(&plan, T, &events);
    let other = tally(&plan, T - DAY, &events);
    assert_eq!(one.merge(&plan, other), Err(TallyError::Other));
    assert_eq!(values(&plan, one), values(&plan, tally(&plan, T, &events)));
}
