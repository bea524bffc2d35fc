//! What the holder of a key is.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What the holder of a key is; `operations` says what each may do.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema,
)]
#[serde(rename_all = "kebab-case")]
#[schema(example = "brand-operator")]
pub enum Role {
    /// Runs the host: every brand, and the keys.
    PlatformAdmin,
    /// A program that watches the host: reads its numbers, and nothing of any brand.
    PlatformMonitor,
    /// Runs one brand.
    BrandOperator,
    /// A program of one brand: sends events, asks for decisions.
    BrandApplication,
    /// Writes plugins for one brand.
    Partner,
    /// Reads what a brand does in all.
    Analyst,
    /// Helps members of one brand, one at a time.
    CustomerService,
    /// Plans what one brand says: reads what it does in all.
    Marketing,
    /// Reads the money of one brand.
    Finance,
    /// Sees to it that one brand keeps the law.
    Compliance,
    /// Reads what was done in one brand, and by whom.
    Auditor,
}

impl Role {
    /// All of them.
    pub const ALL: [Self; 11] = [
        Self::PlatformAdmin,
        Self::PlatformMonitor,
        Self::BrandOperator,
        Self::BrandApplication,
        Self::Partner,
        Self::Analyst,
        Self::CustomerService,
        Self::Marketing,
        Self::Finance,
        Self::Compliance,
        Self::Auditor,
    ];

    /// As it is written.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::PlatformAdmin => "platform-admin",
            Self::PlatformMonitor => "platform-monitor",
            Self::BrandOperator => "brand-operator",
            Self::BrandApplication => "brand-application",
            Self::Partner => "partner",
            Self::Analyst => "analyst",
            Self::CustomerService => "customer-service",
            Self::Marketing => "marketing",
            Self::Finance => "finance",
            Self::Compliance => "compliance",
            Self::Auditor => "auditor",
        }
    }

    /// Whether people hold keys of this role, rather than programs.
    #[must_use]
    pub const fn is_of_a_person(self) -> bool {
        !matches!(self, Self::PlatformMonitor | Self::BrandApplication | Self::Partner)
    }

    /// Whether a key of this role is for one brand and names it.
    #[must_use]
    pub const fn is_of_a_brand(self) -> bool {
        !matches!(self, Self::PlatformAdmin | Self::PlatformMonitor)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::Role;

    #[test]
    fn a_role_is_written_as_it_is_named() {
        for role in Role::ALL {
            assert_eq!(serde_json::to_value(role).unwrap(), role.name());
        }
    }
}
