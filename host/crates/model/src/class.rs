//! Classes of data (domain H5): how close a value is to a person.

/// A class of data, the least sensitive first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DataClass {
    /// Aggregates over many members.
    A,
    /// Features and attributes of a member without its name.
    B,
    /// What a member did.
    C,
    /// What a member is reached or known by: phone, e-mail, name.
    D,
    /// Sensitive: numbers of identity papers, health, finance.
    E,
}

impl DataClass {
    /// Every one, ascending.
    pub const ALL: [Self; 5] = [Self::A, Self::B, Self::C, Self::D, Self::E];

    /// As playbooks write it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::A => "A",
            Self::B => "B",
            Self::C => "C",
            Self::D => "D",
            Self::E => "E",
        }
    }

    /// The class of a name.
    #[must_use]
    pub fn of(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|class| class.name() == name)
    }

    /// Whether it is withheld from plugins, and from people who need no such data.
    #[must_use]
    pub const fn is_withheld(self) -> bool {
        matches!(self, Self::D | Self::E)
    }
}
