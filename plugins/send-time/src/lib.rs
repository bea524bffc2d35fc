//! Messages at the hour at which a member opens them (推送時間, domain CA-7), from templates with approved fields.

mod hours;

use hours::{HOURS, Hours};
use playbook_sdk::codec::{decode, encode};
use playbook_sdk::prelude::*;
use std::collections::BTreeMap;

settings! {
    /// When messages go out, and which.
    pub struct Settings {
        /// Fewest opens of 28 days, outside quiet hours, from which a member has an hour of its own; of a segment too.
        pub opens_min: i64 where within(1..) = 5,
        /// Hour of whoever has none of its own and is of no segment that has one.
        pub default_hour: u16 where within(0..=23) = 20,
        /// First quiet hour.
        pub quiet_from: u16 where within(0..=23) = 22,
        /// Hour at which quiet hours end; equal to the first one: there are none.
        pub quiet_to: u16 where within(0..=23) = 8,
        /// Minutes from the hour on within which a message may go out.
        pub window_minutes: u32 where within(1..=720) = 60,
        /// Stage whose tier is the segment of a member.
        pub segment_stage: String where length(1..) = "tier-interactions",
        /// Segments with an hour of their own.
        pub segments: Vec<String> where length(0..=32), each(length(1..)), distinct
            = ["silent", "prospect", "active", "core"],
        /// Fields that a template may name.
        pub fields: Vec<String> where length(0..=64), each(length(1..)), distinct = ["name", "title", "image", "link"],
        /// Variants of the message by name; each member gets one of them, the same in a cycle.
        pub templates: BTreeMap<String, Template> where length(1..=16) = { "digest": { "text": "{name}: {title} {link}" } },
        /// Days that the plan covers.
        pub days: u32 where within(1..=365) = 14,
        /// Consent that a message needs; "" for none.
        pub purpose: String = "marketing",
    }
}

settings! {
    /// A variant of a message.
    pub struct Template {
        /// Text with approved fields in braces.
        pub text: String where length(1..=2000) = "{title}",
        /// Whether it counts as commercial.
        pub commercial: bool = false,
    }
}

declare! {
    /// What is known of a member; opens and deliveries of each hour follow.
    needs Member(settings: &Settings) {
        KEY: key(),
        SEGMENT: category("tier", settings.segments.iter().cloned()).output_of(&settings.segment_stage).optional(),
    }
    reasons Why {
        OWN_HOUR: "own-hour" => words("The hour at which the member opens most", "該成員打開率最高的時段"),
        SEGMENT_HOUR: "segment-hour" => words("The hour at which the segment opens most", "所屬分層打開率最高的時段"),
        DEFAULT_HOUR: "default-hour" => words("Too few opens are known", "打開記錄不足，採用預設時段"),
        MESSAGES: "messages" => words("Messages at the best hour", "擇時推送"),
    }
}

/// The opened plugin.
#[derive(Debug)]
pub struct SendTime {
    settings: Settings,
    /// Hour of each segment that has one.
    segments: Vec<Option<u16>>,
}

impl Plugin for SendTime {
    type Settings = Settings;

    const ABOUT: About = About {
        name: "send-time",
        version: env!("CARGO_PKG_VERSION"),
        summary: words(
            "Messages at the hour at which a member opens them",
            "推送時間調整與動態創意模板",
        ),
    };

    fn shape(settings: &Settings) -> Result<Shape, Problems> {
        check(settings)?;
        let count = |name: String| need::integer(name).unit("count").optional();
        let opens = (0..HOURS).map(|hour| count(format!("opens_by_hour_28d.{hour}")));
        let delivered = (0..HOURS).map(|hour| count(format!("deliveries_by_hour_28d.{hour}")));
        let shape =
            Shape::rows("member").needs(Member::all(settings)).needs(opens.chain(delivered));
        let message = |(name, template): (&String, &Template)| {
            let text = (template.text.clone(), template.text.clone());
            let action = action(name, Priority::Content, text);
            let action = action.family("send-time").purpose(&settings.purpose).contacts_member();
            if template.commercial { action.commercial() } else { action }
        };
        let shape = shape.actions(settings.templates.iter().map(message));
        let shape = shape.term("messages", words("messages", "推送"));
        Ok(shape.reasons(Why::all()).fit_passes(1))
    }

    fn open(settings: Settings, opening: Opening<'_>) -> Result<Self, Problems> {
        let model = opening.model.ok_or_else(|| Problems::one("", "opens with a model only"))?;
        let segments: Vec<Option<u16>> = decode(model)
            .map_err(|text| Problems::one("", format!("the model is not readable: {text}")))?;
        if segments.len() != settings.segments.len() {
            return Err(Problems::one("", "the model was fitted under other settings"));
        }
        Ok(Self { settings, segments })
    }
}

fn check(settings: &Settings) -> Result<(), Problems> {
    let mut problems = Problems::new();
    if settings.is_quiet(settings.default_hour) {
        problems.at("/default_hour", "is a quiet hour").hint("20");
    }
    for (name, template) in &settings.templates {
        for field in fields(&template.text) {
            let path = || format!("/templates/{}/text", playbook_sdk::settings::escaped(name));
            match field {
                None => problems.at(path(), "has a brace without its other one").hint("{title}"),
                Some(field) if settings.fields.iter().any(|known| known == field) => continue,
                Some(field) => problems
                    .at(path(), format!("names the field `{field}`, which is not approved"))
                    .hint("one of `fields`"),
            };
        }
    }
    problems.into_result()
}

/// What stands in braces; none where one of them is missing.
fn fields(text: &str) -> Vec<Option<&str>> {
    let (mut fields, mut open) = (Vec::new(), None);
    for (at, byte) in text.bytes().enumerate() {
        match (byte, open) {
            (b'{', None) => open = Some(at + 1),
            (b'}', Some(from)) => {
                fields.push(text.get(from..at));
                open = None;
            }
            (b'{' | b'}', _) => fields.push(None),
            _ => {}
        }
    }
    if open.is_some() {
        fields.push(None);
    }
    fields
}

impl Settings {
    fn is_quiet(&self, hour: u16) -> bool {
        let (from, to) = (self.quiet_from, self.quiet_to);
        if from <= to { (from..to).contains(&hour) } else { hour >= from || hour < to }
    }

    /// The hour with the highest rate of opens, of equal ones the one with more opens and then the earlier one.
    fn best(&self, hours: &Hours) -> Option<u16> {
        hours.best(self.opens_min, |hour| !self.is_quiet(hour))
    }
}

/// Columns of opens and of deliveries, hour by hour.
type Columns<'a> = [[Column<'a, i64>; HOURS]; 2];

fn columns<'a>(rows: &Rows<'a>) -> Columns<'a> {
    let column = |which: usize, hour: usize| {
        rows.get(In::<Integer>::at(Member::COUNT + which * HOURS + hour))
    };
    std::array::from_fn(|which| std::array::from_fn(|hour| column(which, hour)))
}

fn hours(columns: &Columns<'_>, row: usize) -> Hours {
    let [opens, delivered] = columns;
    Hours::of(opens.each_ref().map(|c| c.get(row)), delivered.each_ref().map(|c| c.get(row)))
}

impl Campaign for SendTime {
    fn plan(&self, _: &Context, _: &Tables<'_>, _: i64) -> Result<CampaignPlan, String> {
        let (name, days) = ("messages".to_owned(), self.settings.days);
        let phase = Phase { name, first_day: 0, days, budget: 0, reason: Why::MESSAGES };
        Ok(CampaignPlan {
            phases: vec![phase],
            allocations: Vec::new(),
            content: Vec::new(),
            slots: Vec::new(),
            gates: Vec::new(),
            findings: Vec::new(),
        })
    }

    fn touch(
        &self,
        context: &Context,
        _: u32,
        rows: &Rows<'_>,
        out: &mut Proposals,
    ) -> Result<(), String> {
        let (keys, segments) = (rows.get(Member::KEY), rows.get(Member::SEGMENT));
        let columns = columns(rows);
        let variants = self.settings.templates.len() as u64;
        for row in 0..rows.len() {
            let Some(key) = keys.get(row) else { continue };
            let own = self.settings.best(&hours(&columns, row));
            let of_segment = || segments.get(row).and_then(|segment| self.segments[segment]);
            let (hour, why) = match (own, of_segment()) {
                (Some(hour), _) => (hour, Why::OWN_HOUR),
                (None, Some(hour)) => (hour, Why::SEGMENT_HOUR),
                (None, None) => (self.settings.default_hour, Why::DEFAULT_HOUR),
            };
            let variant = context.mixed(key) % variants;
            let after = (i64::from(hour) * 60 - context.local_min).rem_euclid(24 * 60) as u32;
            out.push(Proposal {
                after_min: Some(after),
                until_min: Some(after + self.settings.window_minutes),
                ..Proposal::new(row, variant as u32, why)
            });
        }
        Ok(())
    }
}

impl Fit for SendTime {
    type State = Vec<Hours>;

    fn begin(pass: &Pass<'_, Settings>) -> Result<Vec<Hours>, Problems> {
        Ok(vec![Hours::default(); pass.settings.segments.len()])
    }

    fn observe(
        _: &Pass<'_, Settings>,
        seen: &mut Vec<Hours>,
        rows: &Rows<'_>,
    ) -> Result<(), String> {
        let (segments, columns) = (rows.get(Member::SEGMENT), columns(rows));
        for row in 0..rows.len() {
            if let Some(segment) = segments.get(row) {
                seen[segment].add(&hours(&columns, row));
            }
        }
        Ok(())
    }

    fn merge(
        _: &Pass<'_, Settings>,
        left: Vec<Hours>,
        right: Vec<Hours>,
    ) -> Result<Vec<Hours>, String> {
        if left.len() != right.len() {
            return Err("the states are of different segments".to_owned());
        }
        let mut joined = left;
        joined.iter_mut().zip(&right).for_each(|(left, right)| left.add(right));
        Ok(joined)
    }

    fn finish(pass: &Pass<'_, Settings>, seen: Vec<Hours>) -> Result<Outcome, String> {
        let best: Vec<Option<u16>> = seen.iter().map(|hours| pass.settings.best(hours)).collect();
        let measure = |(name, hour): (&String, &Option<u16>)| {
            Some(Measure { name: format!("{name}.hour"), value: f64::from((*hour)?) })
        };
        let measures = pass.settings.segments.iter().zip(&best).filter_map(measure).collect();
        Ok(Outcome::Model { model: encode(&best), measures })
    }
}

export!(SendTime: fitted campaign);
