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
}

impl Role {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::PlatformAdmin,
        Self::PlatformMonitor,
        Self::BrandOperator,
        Self::BrandApplication,
        Self::Partner,
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
        }
    }

    /// Whether people hold keys of this role, rather than programs.
    #[must_use]
    pub const fn is_of_a_person(self) -> bool {
        matches!(self, Self::PlatformAdmin | Self::BrandOperator)
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
