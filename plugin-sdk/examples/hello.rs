//! The smallest useful plugin: 100 points at 20 active days of 30.
use playbook_sdk::prelude::*;
settings! { pub(crate) struct Settings {
    /// Active days of 30 that give the full score.
    days_full: f64 where within(1..=30) = 20,
} }
declare! {
    needs Member { DAYS: integer("active_days_30d").unit("day") }
    outputs Said { SCORE: real("score") }
}
pub(crate) struct Hello(Settings);
impl Plugin for Hello {
    type Settings = Settings;
    const ABOUT: About = About { name: "hello", version: "0.1.0", summary: english("Active days") };
    fn shape(_: &Settings) -> Result<Shape, Problems> {
        Ok(Shape::rows("member").needs(Member::all()).produces(Said::all()))
    }
    fn open(settings: Settings, _: Opening<'_>) -> Result<Self, Problems> {
        Ok(Self(settings))
    }
}
impl Scoring for Hello {
    fn score(&self, _: &Context, rows: &Rows<'_>, out: &mut Answer<'_>) -> Result<(), String> {
        for (row, days) in rows.get(Member::DAYS).iter().enumerate() {
            out.set_or_missing(Said::SCORE, row, days.map(|d| 100.0 * d as f64 / self.0.days_full));
        }
        Ok(())
    }
}
export!(Hello: scoring);
