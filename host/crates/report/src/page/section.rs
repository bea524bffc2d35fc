//! A part of the page, or why there is nothing to show.

use playbook_model::{Kind, Words};

/// A part of the page, or why there is nothing to show.
#[derive(Debug, Clone, PartialEq)]
pub enum Section<T> {
    /// There is something to show. An empty list inside reads as [`Absence::Nothing`].
    Filled(T),
    /// There is nothing, and why.
    Empty(Absence),
}

impl<T> Section<T> {
    /// The content, where there is one.
    #[must_use]
    pub fn filled(&self) -> Option<&T> {
        match self {
            Self::Filled(content) => Some(content),
            Self::Empty(_) => None,
        }
    }
}

/// Why a part of the page is empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Absence {
    /// The playbook names no stage of this kind.
    NoStage(Kind),
    /// There is no closed earlier cycle to compare with.
    FirstCycle,
    /// The stage ran and found nothing.
    Nothing,
    /// The playbook declares no budget.
    NoBudget,
    /// The stage was stopped and the playbook says that the cycle goes on without it.
    Skipped {
        /// Stage that was left out.
        stage: String,
        /// Fault of its plugin in words.
        fault: Words,
    },
    /// Only one of the two compared runs holds it.
    OneSideOnly,
    /// Another cause, in words.
    Because(Words),
}
