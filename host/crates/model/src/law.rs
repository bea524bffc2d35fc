//! The law that members fall under, and which consents count under it (domain H4).

/// When a grant of a consent counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ConsentRule {
    /// Only where it was confirmed: a first act lies at most 7 days before it.
    pub double: bool,
    /// Months after which it no longer holds.
    pub months: u32,
}

impl ConsentRule {
    /// Most months that a consent holds.
    pub const MONTHS_MAX: u32 = 24;

    /// What meets both rules.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self { double: self.double || other.double, months: self.months.min(other.months) }
    }
}

impl Default for ConsentRule {
    /// The loosest rule that a playbook may have.
    fn default() -> Self {
        Self { double: false, months: Self::MONTHS_MAX }
    }
}

/// A legal track.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LawTrack {
    /// The law of the European Union.
    Eu,
    /// The brand's local law.
    Local,
    /// Both at once: nobody knows where the member is.
    Strictest,
}

impl LawTrack {
    /// Every one; a column of tracks has their positions.
    pub const ALL: [Self; 3] = [Self::Eu, Self::Local, Self::Strictest];

    /// As decisions and playbooks write it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Eu => "eu",
            Self::Local => "local",
            Self::Strictest => "strictest",
        }
    }

    /// The track of a name; of any other, and of none, the strictest.
    #[must_use]
    pub fn of(name: Option<&str>) -> Self {
        let known = Self::ALL.into_iter().find(|track| Some(track.name()) == name);
        known.unwrap_or(Self::Strictest)
    }
}

/// What one law demands, and of whom.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TrackDef {
    /// Regions whose members fall under it, as the region feature writes them.
    pub regions: Vec<String>,
    /// When a consent counts.
    pub rule: ConsentRule,
    /// Purposes that a member has to consent to beside an action's own.
    pub purposes: Vec<String>,
}

/// The two tracks of a playbook.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LawDef {
    /// Feature of members with their region.
    pub region_feature: String,
    /// The law of the European Union.
    pub eu: TrackDef,
    /// The brand's local law.
    pub local: TrackDef,
}

impl LawDef {
    /// Name of the column with each member's track. No feature and no output of a stage can have it.
    pub const COLUMN: &str = "law:track";

    /// Purpose under which the consent of a guardian stands: who is not known to be 14 or older needs it.
    pub const GUARDIAN: &str = "guardian";

    /// The track of a region; an unknown one falls under both laws.
    #[must_use]
    pub fn track_of(&self, region: Option<&str>) -> LawTrack {
        let is_of = |track: &TrackDef| {
            region.is_some_and(|region| track.regions.iter().any(|r| r == region))
        };
        match (is_of(&self.eu), is_of(&self.local)) {
            (true, false) => LawTrack::Eu,
            (false, true) => LawTrack::Local,
            _ => LawTrack::Strictest,
        }
    }

    /// When a consent counts on a track.
    #[must_use]
    pub fn rule(&self, track: LawTrack) -> ConsentRule {
        match track {
            LawTrack::Eu => self.eu.rule,
            LawTrack::Local => self.local.rule,
            LawTrack::Strictest => self.eu.rule.and(self.local.rule),
        }
    }

    /// Purposes that a member of a track has to consent to beside an action's own; some may come twice.
    pub fn purposes(&self, track: LawTrack) -> impl Iterator<Item = &str> {
        let eu = self.eu.purposes.iter().filter(move |_| track != LawTrack::Local);
        let local = self.local.purposes.iter().filter(move |_| track != LawTrack::Eu);
        eu.chain(local).map(String::as_str)
    }
}

#[cfg(test)]
mod tests {
    use super::{ConsentRule, LawDef, LawTrack, TrackDef};

    #[test]
    fn an_unknown_region_falls_under_both_laws() {
        let track = |region: &str, rule, purpose: &str| TrackDef {
            regions: vec![region.to_owned()],
            rule,
            purposes: vec![purpose.to_owned()],
        };
        let law = LawDef {
            region_feature: "region".to_owned(),
            eu: track("DE", ConsentRule { double: true, months: 24 }, "profiling"),
            local: track("CN", ConsentRule { double: false, months: 12 }, "cross-border"),
        };
        assert_eq!(law.track_of(Some("DE")), LawTrack::Eu);
        assert_eq!(law.track_of(Some("CN")), LawTrack::Local);
        for unknown in [None, Some(""), Some("de"), Some("US")] {
            assert_eq!(law.track_of(unknown), LawTrack::Strictest, "{unknown:?}");
        }
        let purposes = |track| law.purposes(track).collect::<Vec<_>>();
        assert_eq!(purposes(LawTrack::Eu), ["profiling"]);
        assert_eq!(purposes(LawTrack::Local), ["cross-border"]);
        assert_eq!(purposes(LawTrack::Strictest), ["profiling", "cross-border"]);
        let strictest = ConsentRule { double: true, months: 12 };
        assert_eq!(law.rule(LawTrack::Strictest), strictest);
        assert_eq!(LawTrack::of(Some("anything")), LawTrack::Strictest);
        // A region on both lists is on none.
        let both = LawDef { local: law.eu.clone(), ..law };
        assert_eq!(both.track_of(Some("DE")), LawTrack::Strictest);
    }
}
