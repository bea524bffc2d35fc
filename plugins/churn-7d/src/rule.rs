//! The rule of SC-6 for one member, free of columns.

use playbook_domain::rung;

use crate::{Settings, Why};

/// Warning level, in the order of the output's categories.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Nothing to see.
    Ok,
    /// Keep an eye on the member.
    Watch,
    /// Reach out.
    Warn,
    /// Reach out now.
    Critical,
    /// Gone: silent for long without a baseline.
    Lapsed,
    /// Joined too recently to be judged. A word and not a missing value: guards take what is missing for the worst.
    Unjudged,
}

impl Level {
    /// Names of the levels, in order.
    pub const NAMES: [&'static str; 6] = ["ok", "watch", "warn", "critical", "lapsed", "none"];
    /// Levels by the size of a drop, and by days of silence without a baseline.
    const BY_DROP: [Self; 4] = [Self::Ok, Self::Watch, Self::Warn, Self::Critical];
    const BY_SILENCE: [Self; 3] = [Self::Ok, Self::Watch, Self::Lapsed];

    /// The level one higher: critical stays, and lapsed and unjudged are not part of the ladder.
    fn raised(self) -> Self {
        match self {
            Self::Ok => Self::Watch,
            Self::Watch => Self::Warn,
            Self::Warn | Self::Critical => Self::Critical,
            Self::Lapsed | Self::Unjudged => self,
        }
    }
}

/// What is known of a member; `None` where a value is missing.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Member {
    /// Interactions of the week before last.
    pub previous: Option<i64>,
    /// Interactions of the last week.
    pub recent: Option<i64>,
    /// Days since the last interaction.
    pub silent_days: Option<i64>,
    /// Mean sentiment of 30 days, -1 to 1.
    pub sentiment: Option<f64>,
    /// Complaints that are open.
    pub complaints: Option<i64>,
    /// Days since the member joined.
    pub joined_days: Option<i64>,
}

/// What the rule says of a member.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Verdict {
    /// Warning level; `None` where nothing is known.
    pub level: Option<Level>,
    /// Risk 0 to 1; `None` where the drop is.
    pub risk: Option<f64>,
    /// Share of interactions that is gone.
    pub drop: Option<f64>,
    /// Why: position of the shape's reason.
    pub reason: Option<u32>,
}

/// Judges one member (domain SC-6).
#[must_use]
pub fn judge(settings: &Settings, member: &Member) -> Verdict {
    if member.joined_days.is_some_and(|days| days < settings.first_days) {
        let (level, reason) = (Some(Level::Unjudged), Some(Why::FIRST_DAYS));
        return Verdict { level, reason, ..Verdict::default() };
    }
    let drop = drop(settings, member);
    let (plain, why) = match drop {
        Some(drop) => (Some(by_drop(settings, drop)), Why::WEEKLY_DROP),
        None => (by_silence(settings, member), Why::SILENT_DAYS),
    };
    let worried = member.sentiment.is_some_and(|s| s < settings.sentiment_below)
        || member.complaints.is_some_and(|open| open > settings.complaints_above);
    let level = plain.map(|level| if worried { level.raised() } else { level });
    let reason = match (plain, level) {
        (Some(before), Some(after)) if after > before => Some(Why::NEGATIVE_FEELING),
        (_, Some(Level::Ok) | None) => None,
        (_, Some(_)) => Some(why),
    };
    Verdict { level, risk: drop.map(|drop| risk(settings, member, drop)), drop, reason }
}

#[expect(clippy::cast_precision_loss, reason = "counts of a week")]
fn drop(settings: &Settings, member: &Member) -> Option<f64> {
    let previous = member.previous.filter(|&count| count >= settings.baseline_min)?;
    let recent = member.recent?;
    Some((previous - recent) as f64 / previous as f64)
}

fn by_drop(settings: &Settings, drop: f64) -> Level {
    let bounds = [settings.drop_watch, settings.drop_warn, settings.drop_critical];
    Level::BY_DROP[rung(drop, &bounds)]
}

/// The days rule; a member who never interacted has been silent since joining.
fn by_silence(settings: &Settings, member: &Member) -> Option<Level> {
    let days = member.silent_days.or(member.joined_days)?;
    let bounds = [settings.silent_watch_days, settings.silent_lapsed_days];
    Some(Level::BY_SILENCE[rung(days, &bounds)])
}

/// Weighted risk; a part without a value adds nothing where the domain's formula would add 0 for a
/// neutral one.
#[expect(clippy::cast_precision_loss, reason = "days")]
fn risk(settings: &Settings, member: &Member, drop: f64) -> f64 {
    let silent = member.silent_days.unwrap_or(0) as f64 / settings.risk_silence_days as f64;
    let negative = (-member.sentiment.unwrap_or(0.0)).max(0.0);
    let risk = settings.risk_drop * drop.max(0.0)
        + settings.risk_silence * silent.min(1.0)
        + settings.risk_sentiment * negative;
    risk.clamp(0.0, 1.0)
}
