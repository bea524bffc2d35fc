//! What a version's decisions are told by: names of columns, stages, actions and reasons. Kept once for each version, so that
//! a decision is told in the words of the version that made it, however many came after.

use playbook_cycle::Prepared;
use playbook_ledger::LedgerError;
use playbook_model::{CellType, Digest, Frame, Playbook, Words};
use serde::{Deserialize, Serialize};

use crate::store::{bytes_of, value_and_rest, value_of};
use crate::version::Grounds;
use crate::versions::Closed;

/// Facts of a version.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct VersionFacts {
    /// Digest of playbook, components, and what the last closed cycle left.
    digest: [u8; 32],
    /// Id of the playbook.
    pub playbook: String,
    /// Digest of the playbook.
    pub playbook_digest: String,
    /// ISO 4217 code of all amounts.
    pub currency: String,
    /// Columns of a decision's row, in order.
    pub columns: Vec<ColumnFacts>,
    /// Number of columns that are features; outputs of stages follow.
    pub features: usize,
    /// Stages, in the order in which they run.
    pub stages: Vec<StageFacts>,
    /// What it has of the last closed cycle, where there is any; it follows in the same value. Releases before did not keep it.
    #[serde(skip)]
    pub closed: Option<ClosedFacts>,
}

/// What a version has of the last closed cycle.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClosedFacts {
    /// End of the cycle, unix-ms.
    pub at: i64,
    /// Stands for all that the cycle left: models, tables, splits, outputs.
    pub digest: String,
    /// What stages were opened with.
    pub grounds: Vec<GroundFacts>,
}

/// What a stage was opened with beside its settings.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GroundFacts {
    /// Position of the stage in the playbook.
    pub position: usize,
    /// Digest of the model that was fitted, where there is one.
    pub model: Option<String>,
    /// Digest of the whole tables, where there are any.
    pub tables: Option<String>,
}

impl ClosedFacts {
    fn new(closed: &Closed, grounds: &Grounds) -> Option<Self> {
        let ground = |(position, ground): (&usize, &playbook_cycle::StageGround)| {
            let tables = (!ground.tables.is_empty()).then(|| bytes_of(&&ground.tables[..]));
            GroundFacts {
                position: *position,
                model: ground.model.as_ref().map(|model| Digest::of(model).to_string()),
                tables: tables.map(|tables| Digest::of(&tables).to_string()),
            }
        };
        Some(Self {
            at: closed.at?,
            digest: closed.digest()?.to_string(),
            grounds: grounds.iter().map(ground).collect(),
        })
    }

    /// What the stage at a position was opened with.
    pub(crate) fn ground(&self, position: usize) -> Option<&GroundFacts> {
        self.grounds.iter().find(|ground| ground.position == position)
    }
}

/// A column of a decision's row.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ColumnFacts {
    /// Name of a feature, or `stage.output`.
    pub name: String,
    /// Unit.
    pub unit: String,
    /// Whether values are reals.
    pub is_real: bool,
}

/// A stage of a version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StageFacts {
    /// Position in the playbook.
    pub position: usize,
    /// Name in the playbook.
    pub name: String,
    /// Kind of its plugin.
    pub kind: String,
    /// Name of its plugin.
    pub plugin: String,
    /// Version of its plugin.
    pub version: String,
    /// Digest of the component.
    pub component: String,
    /// Whether it answers for single members; others answer once a cycle.
    pub of_members: bool,
    /// What it can grant.
    pub actions: Vec<NamedFacts>,
    /// Reasons that it gives.
    pub reasons: Vec<NamedFacts>,
    /// Segments that it sorts members into.
    pub segments: Vec<NamedFacts>,
}

/// A name with its words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NamedFacts {
    /// Stable name or code.
    pub name: String,
    /// In English.
    pub en: String,
    /// In Chinese, where there are words.
    pub zh: Option<String>,
    /// Whether a person approves before it happens.
    pub needs_approval: bool,
}

fn named(name: &str, text: &Words) -> NamedFacts {
    let (name, en, zh) = (name.to_owned(), text.en.clone(), text.zh.clone());
    NamedFacts { name, en, zh, needs_approval: false }
}

impl VersionFacts {
    pub(crate) fn new(
        playbook: &Playbook,
        stages: &[Prepared],
        (closed, grounds): (&Closed, &Grounds),
        (features, gives): (usize, &Frame),
    ) -> Self {
        let columns = gives.columns().iter().map(|column| ColumnFacts {
            name: column.name.clone(),
            unit: column.unit.clone(),
            is_real: column.cells.cell_type() == CellType::Real,
        });
        let components = stages.iter().map(|stage| stage.plugin.digest());
        let own = std::iter::once(playbook.digest);
        let all: Vec<Digest> = own.chain(components).chain(closed.digest()).collect();
        Self {
            digest: Digest::of_parts(all.iter().map(|digest| &digest.0[..])).0,
            playbook: playbook.id.clone(),
            playbook_digest: playbook.digest.to_string(),
            currency: playbook.currency.clone(),
            columns: columns.collect(),
            features,
            stages: stages.iter().map(StageFacts::new).collect(),
            closed: ClosedFacts::new(closed, grounds),
        }
    }

    /// The value that keeps it.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        let mut bytes = bytes_of(self);
        if let Some(closed) = &self.closed {
            bytes.extend(bytes_of(closed));
        }
        bytes
    }

    /// Reads a value.
    pub(crate) fn read(bytes: &[u8]) -> Result<Self, LedgerError> {
        let (facts, rest): (Self, _) = value_and_rest(bytes)?;
        let closed = if rest.is_empty() { None } else { Some(value_of(rest)?) };
        Ok(Self { closed, ..facts })
    }

    /// Digest of playbook and components.
    #[must_use]
    pub fn digest(&self) -> Digest {
        Digest(self.digest)
    }

    /// The stage at a position of the playbook.
    #[must_use]
    pub fn stage(&self, position: usize) -> Option<&StageFacts> {
        self.stages.iter().find(|stage| stage.position == position)
    }
}

impl VersionFacts {
    /// The names of a stage and of its action, by their positions.
    pub(crate) fn action(&self, stage: u16, action: u16) -> Option<(&str, &str)> {
        let stage = self.stage(usize::from(stage))?;
        let action = stage.actions.get(usize::from(action))?;
        Some((&stage.name, &action.name))
    }
}

impl StageFacts {
    fn new(stage: &Prepared) -> Self {
        let shape = &stage.shape;
        let action = |action: &playbook_model::ActionInfo| NamedFacts {
            needs_approval: action.needs_approval,
            ..named(&action.name, &action.text)
        };
        Self {
            position: stage.position,
            name: stage.def.name.clone(),
            kind: stage.def.kind.name().to_owned(),
            plugin: stage.about.name.clone(),
            version: stage.about.version.clone(),
            component: stage.plugin.digest().to_string(),
            of_members: shape.rows.as_ref().is_some_and(|rows| rows.subject == "member"),
            actions: shape.actions.iter().map(action).collect(),
            reasons: shape.reasons.iter().map(|r| named(&r.code, &r.text)).collect(),
            segments: shape.segments.iter().map(|s| named(&s.name, &s.text)).collect(),
        }
    }
}
