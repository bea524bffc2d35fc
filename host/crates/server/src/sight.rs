//! What the holder of a role sees of each class of data (domain H5), beside what it may call (`operations`). Whatever is not
//! listed is not seen.

use std::collections::BTreeSet;

use playbook_model::{DataClass, SourceTable};
use playbook_online::{Brand, Decision, Version};
use serde_json::{Map, Value};

use crate::keys::Key;
use crate::problem::Problem;
use crate::role::Role;

/// What is seen of a class of data.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sight {
    /// All of it.
    Read,
    /// That there is a value, and its end.
    Masked,
    /// All of it while a grant of access holds; else nothing.
    ByGrant,
    /// Nothing.
    Nothing,
}

impl Role {
    /// What the holder of the role sees of a class of data.
    #[must_use]
    pub const fn sight(self, class: DataClass) -> Sight {
        match (self, class) {
            (Self::PlatformMonitor, _) => Sight::Nothing,
            (_, DataClass::A) => Sight::Read,
            (Self::PlatformAdmin | Self::Compliance, DataClass::B | DataClass::C) => Sight::Read,
            (Self::PlatformAdmin | Self::Compliance, DataClass::D | DataClass::E) => Sight::ByGrant,
            (Self::BrandOperator | Self::BrandApplication, DataClass::B | DataClass::C) => {
                Sight::Read
            }
            (Self::BrandOperator | Self::BrandApplication, DataClass::D) => Sight::Masked,
            (Self::CustomerService, DataClass::B | DataClass::C | DataClass::D) => Sight::Read,
            (Self::CustomerService, DataClass::E) => Sight::Masked,
            (Self::Analyst, DataClass::B) => Sight::Read,
            _ => Sight::Nothing,
        }
    }

    /// Whether members are named to the holder of the role by their ids; else by pseudonyms, which are the same for a brand for good.
    #[must_use]
    pub const fn names_members(self) -> bool {
        matches!(
            self,
            Self::PlatformAdmin
                | Self::BrandOperator
                | Self::BrandApplication
                | Self::CustomerService
                | Self::Compliance
        )
    }

    /// A member as it is named to the holder of the role.
    pub(crate) fn names(self, brand: &Brand, id: &str) -> String {
        if self.names_members() { id.to_owned() } else { brand.pseudonym(id) }
    }

    /// A decision as it is told to the holder of the role: where no id is to be seen, none stands among values either.
    pub(crate) fn decision(self, brand: &Brand, mut decision: Decision) -> Decision {
        if !self.names_members() {
            let id = std::mem::take(&mut decision.member);
            let is_other = |_: &String, value: &mut Value| value.as_str() != Some(id.as_str());
            decision.features.retain(is_other);
            decision.outputs.retain(is_other);
            decision.member = brand.pseudonym(&id);
        }
        decision
    }

    /// The id of a member as the holder of the role names it.
    ///
    /// # Errors
    /// Nobody has that pseudonym.
    pub(crate) fn id_of(self, brand: &Brand, named: String) -> Result<String, Problem> {
        if self.names_members() { Ok(named) } else { Ok(brand.id_of(&named)?) }
    }

    /// Whether some class is seen by a grant.
    #[must_use]
    pub fn sees_by_grant(self) -> bool {
        DataClass::ALL.iter().any(|class| self.sight(*class) == Sight::ByGrant)
    }
}

/// Letters at the end of a masked value that stay.
const SHOWN: usize = 2;

/// What a key sees of members of a brand.
#[derive(Debug)]
pub(crate) struct Eyes {
    role: Role,
    granted: Vec<DataClass>,
}

impl Eyes {
    /// Those of a key; grants are read where they matter.
    pub(crate) fn of(key: &Key, brand: &Brand) -> Result<Self, Problem> {
        let is_withheld = |class: &DataClass| class.is_withheld();
        let is_needed = key.role.sees_by_grant() && brand.version().has_withheld_fields();
        let mut granted = if is_needed { brand.granted_to(&key.id)? } else { Vec::new() };
        granted.retain(is_withheld);
        for class in &granted {
            // Each look is on record: who, of which brand, by which right.
            tracing::info!(
                key = key.id,
                brand = brand.name(),
                class = class.name(),
                "data read by a grant"
            );
        }
        Ok(Self { role: key.role, granted })
    }

    fn sight(&self, class: DataClass) -> Sight {
        match self.role.sight(class) {
            Sight::ByGrant if self.granted.contains(&class) => Sight::Read,
            Sight::ByGrant => Sight::Nothing,
            sight => sight,
        }
    }

    /// Fields of a row as the key sees them; and the names of those that it does not see, or not whole.
    pub(crate) fn fields(
        &self,
        version: &Version,
        table: SourceTable,
        fields: Map<String, Value>,
    ) -> (Map<String, Value>, Vec<String>) {
        let mut withheld = Vec::new();
        let seen = fields.into_iter().filter_map(|(name, value)| {
            let sight = self.sight(version.class_of(table, &name));
            if sight != Sight::Read {
                withheld.push(name.clone());
            }
            match sight {
                Sight::Read => Some((name, value)),
                Sight::Masked => Some((name, masked(&value))),
                Sight::ByGrant | Sight::Nothing => None,
            }
        });
        let seen = seen.collect();
        (seen, withheld)
    }

    /// Events as the key sees them; and the names of the fields that it does not see, or not whole.
    pub(crate) fn events(
        &self,
        version: &Version,
        events: Vec<Value>,
    ) -> (Vec<Value>, BTreeSet<String>) {
        let mut withheld = BTreeSet::new();
        let seen = events.into_iter().map(|event| match event {
            Value::Object(fields) => {
                let (seen, not_seen) = self.fields(version, SourceTable::Events, fields);
                withheld.extend(not_seen);
                Value::Object(seen)
            }
            other => other,
        });
        let seen = seen.collect();
        (seen, withheld)
    }
}

/// A value whose end alone is shown, and of a short one nothing.
fn masked(value: &Value) -> Value {
    let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let letters = text.chars().count();
    let shown = if letters > 3 * SHOWN { SHOWN } else { 0 };
    let end: String = text.chars().skip(letters - shown).collect();
    format!("\u{2022}\u{2022}\u{2022}{end}").into()
}

#[cfg(test)]
mod tests {
    use playbook_model::DataClass;
    use serde_json::json;

    use super::{Role, Sight, masked};

    /// The table of domain H5, as far as roles have keys.
    #[test]
    fn y091_the_matrix_is_that_of_the_domain_and_nothing_else_is_seen() {
        use Sight::{ByGrant, Masked, Nothing, Read};
        let matrix = [
            (Role::PlatformAdmin, [Read, Read, Read, ByGrant, ByGrant]),
            (Role::PlatformMonitor, [Nothing; 5]),
            (Role::BrandOperator, [Read, Read, Read, Masked, Nothing]),
            (Role::BrandApplication, [Read, Read, Read, Masked, Nothing]),
            (Role::Partner, [Read, Nothing, Nothing, Nothing, Nothing]),
            (Role::Analyst, [Read, Read, Nothing, Nothing, Nothing]),
            (Role::CustomerService, [Read, Read, Read, Read, Masked]),
            (Role::Marketing, [Read, Nothing, Nothing, Nothing, Nothing]),
            (Role::Finance, [Read, Nothing, Nothing, Nothing, Nothing]),
            (Role::Compliance, [Read, Read, Read, ByGrant, ByGrant]),
            (Role::Auditor, [Read, Nothing, Nothing, Nothing, Nothing]),
        ];
        assert_eq!(matrix.map(|(role, _)| role), Role::ALL);
        for (role, sights) in matrix {
            let seen = DataClass::ALL.map(|class| role.sight(class));
            assert_eq!(seen, sights, "{}", role.name());
        }
    }

    #[test]
    fn y091_who_may_not_know_members_by_name_calls_nothing_that_takes_or_tells_all_of_one() {
        let by_pseudonym = ["list_decisions", "read_decision", "list_segment", "export_segment"];
        let nameless = |role: &&Role| !role.names_members();
        for operation in crate::operations::OPERATIONS {
            let roles: Vec<Role> =
                operation.access.roles().iter().filter(nameless).copied().collect();
            if ["read_member", "copy_member", "list_accounts", "read_caps"].contains(&operation.id)
            {
                assert_eq!(roles, [], "{}", operation.id);
            }
            if by_pseudonym.contains(&operation.id) {
                assert_eq!(roles, [Role::Analyst], "{}", operation.id);
            }
        }
    }

    #[test]
    fn a_masked_value_shows_its_end_and_a_short_one_nothing() {
        assert_eq!(masked(&json!("13800138000")), json!("•••00"));
        assert_eq!(masked(&json!("secret")), json!("•••"));
        assert_eq!(masked(&json!("")), json!("•••"));
        assert_eq!(masked(&json!(123_456_789)), json!("•••89"));
    }
}
