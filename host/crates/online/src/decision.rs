//! A decision as it is kept, and as it is told.

use playbook_cycle::{Decided, StageFuel};
use playbook_ledger::LedgerError;
use playbook_model::{Digest, Frame, LawDef, NONE_INDEX, RefusalCode, Words};
use serde::{Deserialize, Serialize};
use serde_json::{Number, Value as Json};

use crate::facts::{ClosedFacts, ColumnFacts, NamedFacts, StageFacts, VersionFacts};
use crate::store::{bytes_of, value_and_rest, value_of};
use crate::version::Evaluated;

/// A decision as it is kept: values without names, which are the version's.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Kept {
    /// Digest of the request that it answers.
    pub(crate) request: [u8; 32],
    /// Digest of the version that made it.
    pub(crate) version: [u8; 32],
    /// Unix-ms.
    pub(crate) at: i64,
    pub(crate) cycle: i64,
    /// Whether it was a look without effect.
    pub(crate) is_preview: bool,
    /// One value for each column of the version.
    pub(crate) row: Vec<KeptCell>,
    pub(crate) outcomes: Vec<Outcome>,
    /// Stages that failed, with what happened.
    pub(crate) failed: Vec<(usize, String)>,
    /// Stages that waited for a first closed cycle.
    pub(crate) waiting: Vec<usize>,
    /// Fuel of each stage that was asked; it follows in the same value, where there is any. Releases before did not keep it.
    #[serde(skip)]
    pub(crate) fuel: StageFuel,
}

/// A value of a row.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) enum KeptCell {
    Missing,
    Integer(i64),
    Real(f64),
    Text(String),
}

/// What became of a proposal.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Outcome {
    stage: u16,
    action: u16,
    quantity: i64,
    cost: i64,
    expected_output: i64,
    reason: u32,
    after_min: u32,
    until_min: Option<u32>,
    /// Position among the codes, and the rule.
    refusal: Option<(u8, String)>,
    granted_before: bool,
    /// Key of the grant in the ledger.
    key: Option<[u8; 32]>,
    /// Whether the member was held for fraud when it was granted.
    is_held: bool,
}

/// A grant of a decision that did not stand before.
pub(crate) struct NewGrant {
    /// Position among the outcomes.
    pub(crate) outcome: usize,
    pub(crate) stage: u16,
    pub(crate) action: u16,
    pub(crate) key: [u8; 32],
    pub(crate) is_held: bool,
    pub(crate) needs_approval: bool,
}

impl Outcome {
    fn new(decided: &Decided) -> Self {
        let candidate = decided.decision.candidate;
        let refusal = decided.decision.refusal;
        Self {
            stage: candidate.stage,
            action: candidate.action,
            quantity: candidate.quantity,
            cost: candidate.cost,
            expected_output: candidate.expected_output,
            reason: candidate.reason,
            after_min: candidate.after_min,
            until_min: candidate.until_min,
            refusal: refusal.map(|refusal| (refusal.code as u8, refusal.rule.to_owned())),
            granted_before: decided.decision.granted_before,
            key: decided.key.map(|key| key.0),
            is_held: decided.is_held,
        }
    }
}

impl Kept {
    pub(crate) fn new(
        request: Digest,
        version: &VersionFacts,
        evaluated: &Evaluated,
        decided: &[Decided],
        is_preview: bool,
    ) -> Self {
        Self {
            request: request.0,
            version: version.digest().0,
            at: evaluated.at,
            cycle: evaluated.cycle,
            is_preview,
            row: cells(&evaluated.frame),
            outcomes: decided.iter().map(Outcome::new).collect(),
            failed: evaluated.failed.iter().map(|(at, fault)| (*at, fault.to_string())).collect(),
            waiting: evaluated.waiting.clone(),
            fuel: evaluated.fuel.clone(),
        }
    }

    /// The value that keeps it.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        let bytes = bytes_of(self);
        match self.fuel.as_slice() {
            [] => bytes,
            fuel => postcard::to_extend(fuel, bytes).expect("plain values always have bytes"),
        }
    }

    /// Reads a value.
    pub(crate) fn read(bytes: &[u8]) -> Result<Self, LedgerError> {
        let (kept, rest): (Self, _) = value_and_rest(bytes)?;
        let fuel: Vec<(u16, u64)> = if rest.is_empty() { Vec::new() } else { value_of(rest)? };
        Ok(Self { fuel: fuel.into(), ..kept })
    }

    /// What a stage took, where that is known.
    fn fuel_of(&self, position: usize) -> Option<u64> {
        let of = self.fuel.iter().find(|(at, _)| usize::from(*at) == position);
        of.map(|(_, fuel)| *fuel)
    }
}

fn cells(frame: &Frame) -> Vec<KeptCell> {
    let cell = |column: &playbook_model::Column| {
        let integer = column.integer(0).map(KeptCell::Integer);
        let real = || column.real(0).map(KeptCell::Real);
        let text = || column.text(0).map(|text| KeptCell::Text(text.to_owned()));
        integer.or_else(real).or_else(text).unwrap_or(KeptCell::Missing)
    };
    frame.columns().iter().map(cell).collect()
}

/// A decision as it is told.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Decision {
    /// Its id; `None` for a look without effect.
    pub id: Option<String>,
    /// The member's id.
    pub member: String,
    /// Unix-ms.
    pub at: i64,
    /// Number of the cycle.
    pub cycle: i64,
    /// Whether it was a look without effect: nothing was granted.
    pub is_preview: bool,
    /// The law that the member fell under: "eu", "local" or "strictest"; `None`: the playbook has one rule for all.
    pub track: Option<String>,
    /// Id of the playbook.
    pub playbook: String,
    /// Digest of playbook and components: the version that made it, wholly.
    pub version: String,
    /// Digest of the playbook.
    pub playbook_digest: String,
    /// Plugins that answered, with the digests of their components.
    pub plugins: Vec<PluginSaid>,
    /// Fuel of all its calls of plugins, those that failed included; `None` where it was not metered, or an earlier release made it.
    pub fuel: Option<u64>,
    /// The closed cycle that it rests on; `None` where no cycle was closed yet, or an earlier release kept the version.
    pub closed: Option<ClosedSaid>,
    /// ISO 4217 code of all amounts.
    pub currency: String,
    /// Segments, by stage.
    pub segments: Vec<SegmentSaid>,
    /// What stages said: `stage.output` with its value.
    pub outputs: serde_json::Map<String, Json>,
    /// What the stages read.
    pub features: serde_json::Map<String, Json>,
    /// Effects that were granted, in order of arbitration.
    pub granted: Vec<EffectSaid>,
    /// Effects that were refused, with their reasons.
    pub refused: Vec<EffectSaid>,
    /// Stages that failed or wait.
    pub left_out: Vec<LeftOut>,
}

/// A plugin of a decision.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PluginSaid {
    /// Stage of the playbook.
    pub stage: String,
    /// Name of the plugin.
    pub plugin: String,
    /// Its version.
    pub version: String,
    /// Digest of its component.
    pub component: String,
    /// Digest of the model that the closed cycle fitted for it, where there is one.
    pub model: Option<String>,
    /// Digest of the whole tables that the closed cycle left for it, where there are any.
    pub tables: Option<String>,
    /// Fuel of its call, which was for this decision alone; `None` where it was not metered.
    pub fuel: Option<u64>,
}

/// The closed cycle that a decision rests on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ClosedSaid {
    /// Its end, unix-ms.
    pub at: i64,
    /// Stands for all that it left: models, tables, splits, outputs.
    pub digest: String,
}

/// A segment of a decision.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SegmentSaid {
    /// Stage of the playbook.
    pub stage: String,
    /// Name of the segment.
    pub segment: String,
    /// In words.
    pub text: String,
}

/// An effect that was proposed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct EffectSaid {
    /// Stage of the playbook.
    pub stage: String,
    /// Name of the action.
    pub action: String,
    /// The action in words.
    pub text: String,
    /// Points, units or 1.
    pub quantity: i64,
    /// Greatest cost in minor units.
    pub cost_minor: i64,
    /// Expected output in minor units.
    pub expected_output_minor: i64,
    /// Minutes from the decision to the effect.
    pub after_min: u32,
    /// Minutes until when it may happen.
    pub until_min: Option<u32>,
    /// Why the plugin proposed it: code and words.
    pub reason: Option<(String, String)>,
    /// "granted", "waits-for-approval", "held-for-review", "granted-before" or "refused"; in a list of effects "granted" or
    /// "reversed".
    pub status: &'static str,
    /// Why it was refused: code of the host, words, rule.
    pub refusal: Option<RefusalSaid>,
    /// Key of the grant, by which it is settled or released.
    pub grant: Option<String>,
}

/// Why an effect was refused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RefusalSaid {
    /// "R01" to "R15".
    pub code: &'static str,
    /// The code in words.
    pub text: &'static str,
    /// The rule of the domain that refused.
    pub rule: String,
}

/// A stage that did not answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LeftOut {
    /// Stage of the playbook.
    pub stage: String,
    /// Why; what a plugin said stays as it said it.
    pub why: Words,
    /// Fuel of its call, where it failed in one: all that it was given, where a trap or a limit ended it.
    pub fuel: Option<u64>,
}

/// What became of a proposal, as it is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Became {
    /// Granted anew, with its cost in minor units.
    Granted(i64),
    /// Granted before.
    GrantedBefore,
    /// Refused, with the position of the code among [`RefusalCode::ALL`].
    Refused(usize),
}

impl Kept {
    /// What became of its proposals.
    pub(crate) fn outcomes(&self) -> impl Iterator<Item = Became> + '_ {
        self.outcomes.iter().map(|outcome| match (&outcome.refusal, outcome.granted_before) {
            (Some((code, _)), _) => Became::Refused(usize::from(*code)),
            (None, true) => Became::GrantedBefore,
            (None, false) => Became::Granted(outcome.cost),
        })
    }

    /// What it granted anew.
    pub(crate) fn granted(&self, facts: &VersionFacts) -> Vec<NewGrant> {
        let new = |(at, outcome): (usize, &Outcome)| {
            let is_new = outcome.refusal.is_none() && !outcome.granted_before;
            Some(NewGrant {
                outcome: at,
                stage: outcome.stage,
                action: outcome.action,
                key: outcome.key.filter(|_| is_new)?,
                is_held: outcome.is_held,
                needs_approval: outcome.action(facts).is_some_and(|action| action.needs_approval),
            })
        };
        self.outcomes.iter().enumerate().filter_map(new).collect()
    }

    /// The effect at a position among the outcomes.
    pub(crate) fn effect(&self, at: usize, facts: &VersionFacts) -> Option<EffectSaid> {
        self.outcomes.get(at).map(|outcome| outcome.said(facts))
    }

    /// A bit for each code of its refusals, by position among the codes.
    pub(crate) fn refused(&self) -> u16 {
        let codes = self.outcomes.iter().filter_map(|outcome| outcome.refusal.as_ref());
        codes.fold(0, |bits, (code, _)| bits | 1 << code)
    }

    /// Whether it granted something under this key.
    pub(crate) fn has_grant(&self, key: &Digest) -> bool {
        let is_it = |outcome: &Outcome| outcome.refusal.is_none() && outcome.key == Some(key.0);
        self.outcomes.iter().any(is_it)
    }

    /// The text in a column of its row, where there is one.
    pub(crate) fn text(&self, column: &str, facts: &VersionFacts) -> Option<&str> {
        let at = facts.columns.iter().position(|known| known.name == column)?;
        match self.row.get(at)? {
            KeptCell::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The decision in the words of its version.
    #[must_use]
    pub(crate) fn told(&self, id: Option<String>, member: &str, facts: &VersionFacts) -> Decision {
        let cells = || facts.columns.iter().zip(&self.row).enumerate();
        let value = |(_, (column, cell)): (usize, (&ColumnFacts, &KeptCell))| {
            (column.name.clone(), cell.json())
        };
        let is_feature = |(at, (column, _)): &(usize, (&ColumnFacts, &KeptCell))| {
            // Columns of the host's own have a colon in their names.
            *at > 0 && *at < facts.features && !column.name.contains(':')
        };
        let said = |outcome: &Outcome| outcome.said(facts);
        let is_granted = |outcome: &&Outcome| outcome.refusal.is_none();
        Decision {
            id,
            member: member.to_owned(),
            at: self.at,
            cycle: self.cycle,
            is_preview: self.is_preview,
            track: self.text(LawDef::COLUMN, facts).map(str::to_owned),
            playbook: facts.playbook.clone(),
            version: Digest(self.version).to_string(),
            playbook_digest: facts.playbook_digest.clone(),
            plugins: self.plugins(facts),
            fuel: (!self.fuel.is_empty()).then(|| self.fuel.iter().map(|(_, fuel)| fuel).sum()),
            closed: facts.closed.as_ref().map(ClosedFacts::said),
            currency: facts.currency.clone(),
            segments: self.segments(facts),
            outputs: cells().filter(|(at, _)| *at >= facts.features).map(value).collect(),
            features: cells().filter(is_feature).map(value).collect(),
            granted: self.outcomes.iter().filter(is_granted).map(said).collect(),
            refused: self.outcomes.iter().filter(|o| !is_granted(o)).map(said).collect(),
            left_out: self.left_out(facts),
        }
    }

    fn plugins(&self, facts: &VersionFacts) -> Vec<PluginSaid> {
        let answered = facts.stages.iter().filter(|stage| {
            let is_out = |at: &usize| *at == stage.position;
            stage.of_members
                && !self.waiting.iter().any(is_out)
                && !self.failed.iter().any(|(at, _)| is_out(at))
        });
        let said = |stage: &StageFacts| {
            let ground = facts.closed.as_ref().and_then(|closed| closed.ground(stage.position));
            PluginSaid {
                stage: stage.name.clone(),
                plugin: stage.plugin.clone(),
                version: stage.version.clone(),
                component: stage.component.clone(),
                model: ground.and_then(|ground| ground.model.clone()),
                tables: ground.and_then(|ground| ground.tables.clone()),
                fuel: self.fuel_of(stage.position),
            }
        };
        answered.map(said).collect()
    }

    /// Segments, by stage.
    pub(crate) fn segments(&self, facts: &VersionFacts) -> Vec<SegmentSaid> {
        let stages = facts.stages.iter().filter(|stage| !stage.segments.is_empty());
        let said = |stage: &StageFacts| {
            let segment = self.text(&format!("{}.segment", stage.name), facts)?;
            let known = stage.segments.iter().find(|known| known.name == *segment);
            let text = known.map_or(segment, |known| known.en.as_str()).to_owned();
            Some(SegmentSaid { stage: stage.name.clone(), segment: segment.to_owned(), text })
        };
        stages.filter_map(said).collect()
    }

    fn left_out(&self, facts: &VersionFacts) -> Vec<LeftOut> {
        let name = |at: usize| facts.stage(at).map_or_else(String::new, |stage| stage.name.clone());
        let failed = self.failed.iter();
        let failed = failed.map(|(at, why)| LeftOut {
            stage: name(*at),
            why: why.as_str().into(),
            fuel: self.fuel_of(*at),
        });
        let waiting = self.waiting.iter().map(|at| LeftOut {
            stage: name(*at),
            why: Words {
                en: "it waits for the first closed cycle".to_owned(),
                zh: Some("等待首個週期關閉".to_owned()),
            },
            fuel: None,
        });
        failed.chain(waiting).collect()
    }
}

impl ClosedFacts {
    fn said(&self) -> ClosedSaid {
        ClosedSaid { at: self.at, digest: self.digest.clone() }
    }
}

impl KeptCell {
    fn json(&self) -> Json {
        match self {
            Self::Missing => Json::Null,
            Self::Integer(value) => Json::from(*value),
            Self::Real(value) => Number::from_f64(*value).map_or(Json::Null, Json::Number),
            Self::Text(text) => Json::from(text.as_str()),
        }
    }
}

impl Outcome {
    fn action<'f>(&self, facts: &'f VersionFacts) -> Option<&'f NamedFacts> {
        let stage = facts.stage(usize::from(self.stage));
        stage.and_then(|stage| stage.actions.get(usize::from(self.action)))
    }

    fn said(&self, facts: &VersionFacts) -> EffectSaid {
        let stage = facts.stage(usize::from(self.stage));
        let action = self.action(facts);
        let of_action = |of: fn(&NamedFacts) -> String| action.map_or_else(String::new, of);
        let reason = (self.reason != NONE_INDEX).then_some(self.reason as usize);
        let reason = reason.and_then(|at| stage?.reasons.get(at));
        let waits = action.is_some_and(|action| action.needs_approval);
        let status = match (&self.refusal, self.granted_before, self.is_held, waits) {
            (Some(_), ..) => "refused",
            (None, true, ..) => "granted-before",
            (None, _, true, _) => "held-for-review",
            (None, _, _, true) => "waits-for-approval",
            (None, ..) => "granted",
        };
        let refusal = self.refusal.as_ref().and_then(|(code, rule)| {
            let code = RefusalCode::ALL.get(usize::from(*code))?;
            Some(RefusalSaid { code: code.code(), text: code.words("en"), rule: rule.clone() })
        });
        EffectSaid {
            stage: stage.map_or_else(String::new, |stage| stage.name.clone()),
            action: of_action(|action| action.name.clone()),
            text: of_action(|action| action.en.clone()),
            quantity: self.quantity,
            cost_minor: self.cost,
            expected_output_minor: self.expected_output,
            after_min: self.after_min,
            until_min: self.until_min,
            reason: reason.map(|reason| (reason.name.clone(), reason.en.clone())),
            status,
            refusal,
            grant: self.key.filter(|_| self.refusal.is_none()).map(|key| Digest(key).hex()),
        }
    }
}

#[cfg(test)]
impl Kept {
    /// A decision of which nothing is known but its outcomes, and whether a stage failed.
    pub(crate) fn of_outcomes(outcomes: &[Became], fails: bool) -> Self {
        let outcome = |became: &Became| {
            let (cost, refusal, granted_before) = match became {
                Became::Granted(cost) => (*cost, None, false),
                Became::GrantedBefore => (0, None, true),
                Became::Refused(code) => {
                    (0, Some((u8::try_from(*code).expect("codes are few"), String::new())), false)
                }
            };
            Outcome {
                stage: 0,
                action: 0,
                quantity: 1,
                cost,
                expected_output: 0,
                reason: NONE_INDEX,
                after_min: 0,
                until_min: None,
                refusal,
                is_held: false,
                granted_before,
                key: None,
            }
        };
        Self {
            request: [0; 32],
            version: [0; 32],
            at: 0,
            cycle: 0,
            is_preview: false,
            row: Vec::new(),
            outcomes: outcomes.iter().map(outcome).collect(),
            failed: fails.then(|| (0, String::new())).into_iter().collect(),
            waiting: Vec::new(),
            fuel: StageFuel::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Became, Kept};
    use crate::store::bytes_of;

    #[test]
    fn fuel_follows_a_decision_and_a_decision_of_an_earlier_release_has_none() {
        let mut kept = Kept::of_outcomes(&[Became::Granted(5), Became::Refused(3)], true);
        // As releases before wrote it: nothing follows.
        let earlier = bytes_of(&kept);
        assert_eq!((kept.bytes(), Kept::read(&earlier).unwrap()), (earlier.clone(), kept.clone()));
        kept.fuel.extend([(0, 1_234), (7, 1 << 40)]);
        let bytes = kept.bytes();
        assert!(bytes.starts_with(&earlier) && bytes.len() > earlier.len());
        assert_eq!(Kept::read(&bytes).unwrap(), kept);
        assert_eq!((kept.fuel_of(7), kept.fuel_of(1)), (Some(1 << 40), None));
        assert!(Kept::read(&bytes[..bytes.len() - 1]).is_err());
    }
}
