//! The third step: which proposals of members are granted. Pure: nothing is read but its arguments, nothing written.

use std::collections::BTreeMap;
use std::sync::Arc;

use playbook_model::{ActionInfo, Guardrails, LawDef, LawTrack, SaysDef};

use crate::prepare::Prepared;
use crate::proposal::{
    ActionFacts, Arbitration, Candidate, Decision, MemberFacts, Proposal, Standing,
};
use crate::trade::Trade;

/// A stage that grants.
#[derive(Debug, Clone)]
pub struct Spender {
    /// Position in the playbook.
    pub position: u16,
    /// Name in the playbook.
    pub name: String,
    /// Pool that pays; `None`: no money.
    pub pool: Option<String>,
    /// What it can grant.
    pub actions: Vec<ActionInfo>,
    /// What each of these offers and says; none beyond the end.
    pub says: Vec<Option<SaysDef>>,
}

/// The stages of a playbook as those who may grant.
#[must_use]
pub fn spenders(stages: &[Prepared]) -> Vec<Spender> {
    stages
        .iter()
        .filter_map(|stage| {
            Some(Spender {
                position: u16::try_from(stage.position).ok()?,
                name: stage.def.name.clone(),
                pool: stage.def.pool.clone(),
                actions: stage.shape.actions.clone(),
                says: stage
                    .shape
                    .actions
                    .iter()
                    .map(|a| stage.def.says.get(&a.name).cloned())
                    .collect(),
            })
        })
        .collect()
}

/// The policy of a playbook: its guardrails, and the actions that its stages may grant with the numbers of their
/// families and purposes. It is made once for a version of a playbook, and serves all its decisions.
#[derive(Debug)]
pub struct Policy {
    pub(crate) rules: Arc<Guardrails>,
    pub(crate) spenders: Vec<Spender>,
    actions: BTreeMap<u16, Vec<ActionFacts>>,
    pub(crate) families: BTreeMap<String, u32>,
    /// Consent purposes by number.
    pub purposes: Vec<String>,
    /// What actions offer and say, by number.
    pub(crate) trades: Vec<Trade>,
    /// Which families may stand together.
    pub(crate) stacks: Vec<Stack>,
}

/// A rule of the playbook about what may stand together, with the numbers of its families.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Stack {
    pub(crate) families: Vec<u32>,
    pub(crate) most: u32,
    pub(crate) window_ms: i64,
}

impl Stack {
    pub(crate) fn has(&self, family: u32) -> bool {
        self.families.contains(&family)
    }
}

impl Policy {
    /// Numbers the families and purposes of all actions.
    #[must_use]
    pub fn new(rules: &Guardrails, spenders: Vec<Spender>) -> Self {
        let mut policy = Self {
            rules: Arc::new(rules.clone()),
            spenders: Vec::new(),
            actions: BTreeMap::new(),
            families: BTreeMap::new(),
            purposes: Vec::new(),
            trades: Vec::new(),
            stacks: Vec::new(),
        };
        for spender in &spenders {
            let says = spender.says.iter().map(Option::as_ref).chain(std::iter::repeat(None));
            let actions = spender.actions.iter().zip(says);
            let facts = actions.map(|(action, says)| policy.facts(action, says)).collect();
            policy.actions.insert(spender.position, facts);
        }
        if let Some(law) = &rules.law {
            let of_tracks = law.purposes(LawTrack::Strictest).chain([LawDef::GUARDIAN]);
            of_tracks.for_each(|purpose| {
                policy.purpose(purpose);
            });
        }
        let numbers = |names: &[String]| {
            names.iter().filter_map(|name| policy.families.get(name).copied()).collect()
        };
        policy.stacks = rules
            .stacking
            .iter()
            .map(|rule| Stack {
                families: numbers(&rule.families),
                most: rule.most,
                window_ms: rule.window_ms,
            })
            .collect();
        policy.spenders = spenders;
        policy
    }

    fn facts(&mut self, action: &ActionInfo, says: Option<&SaysDef>) -> ActionFacts {
        let trade = says.map(|says| {
            self.trades.push(Trade::new(says, &self.rules.trade));
            self.trades.len() - 1
        });
        let purpose = (!action.purpose.is_empty()).then(|| self.purpose(&action.purpose));
        let next = u32::try_from(self.families.len()).unwrap_or(u32::MAX);
        ActionFacts {
            priority: action.priority,
            family: *self.families.entry(action.family.clone()).or_insert(next),
            purpose,
            commercial: action.commercial,
            contacts_member: action.contacts_member,
            trade,
        }
    }

    /// The number of a purpose.
    fn purpose(&mut self, name: &str) -> usize {
        let purposes = &mut self.purposes;
        purposes.iter().position(|known| known == name).unwrap_or_else(|| {
            purposes.push(name.to_owned());
            purposes.len() - 1
        })
    }

    /// Stage and action of a candidate.
    pub(crate) fn spender(&self, c: &Candidate) -> Option<(&Spender, &ActionInfo)> {
        let spender = self.spenders.iter().find(|spender| spender.position == c.stage)?;
        Some((spender, spender.actions.get(usize::from(c.action))?))
    }
}

/// Decides on proposals and takes what it grants from the standing; the decisions come in order of arbitration.
#[must_use]
pub fn decide(
    policy: &Policy,
    members: MemberFacts<'_>,
    proposals: Vec<Proposal>,
    standing: &mut Standing,
) -> Vec<Decision> {
    let Policy { rules, actions, stacks, .. } = policy;
    let guardrails = rules.as_ref();
    Arbitration { guardrails, actions, stacks, members }.decide(proposals, standing)
}
