//! Faults in settings: collected, with places and hints, so that an author reports all at once.

use crate::types;

/// A fault in the settings: JSON Pointer, message, and what would be right.
pub use crate::types::Problem;

/// All faults that were found so far. Convertible into `Err` with [`Problems::into_result`].
///
/// ```
/// use playbook_sdk::Problems;
/// let mut problems = Problems::new();
/// problems.at("/bounds", "must ascend").hint("for example [1, 11, 51]");
/// problems.check(2 + 2 == 4, "", "arithmetic is broken");
/// assert_eq!(problems.len(), 1);
/// assert!(problems.into_result().is_err());
/// ```
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Problems(pub(crate) Vec<Problem>);

/// Handle of the problem just added, to give it a hint.
#[derive(Debug)]
pub struct Added<'a>(&'a mut Problem);

impl Added<'_> {
    /// Says what would be right.
    pub fn hint(self, hint: impl Into<String>) {
        self.0.hint = Some(hint.into());
    }
}

impl Problems {
    /// Returns an empty list.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Returns a list of one problem.
    #[must_use]
    pub fn one(path: impl Into<String>, message: impl Into<String>) -> Self {
        let mut problems = Self::new();
        problems.at(path, message);
        problems
    }

    /// Adds a problem at a JSON Pointer such as `/targets/3`; `""` for the settings as a whole.
    #[inline(never)]
    pub fn at(&mut self, path: impl Into<String>, message: impl Into<String>) -> Added<'_> {
        let problem = types::Problem { path: path.into(), message: message.into(), hint: None };
        self.0.push(problem);
        Added(self.0.last_mut().expect("a problem was just pushed"))
    }

    /// Adds a problem unless `holds`.
    pub fn check(&mut self, holds: bool, path: impl Into<String>, message: impl Into<String>) {
        if !holds {
            self.at(path, message);
        }
    }

    /// Adds the problems of another list.
    pub fn extend(&mut self, other: Self) {
        self.0.extend(other.0);
    }

    /// Number of problems.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether nothing is wrong.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The problems in the order they were found.
    #[must_use]
    pub fn list(&self) -> &[Problem] {
        &self.0
    }

    /// `Ok` where nothing is wrong.
    ///
    /// # Errors
    /// The list itself where it holds a problem.
    pub fn into_result(self) -> Result<(), Self> {
        if self.is_empty() { Ok(()) } else { Err(self) }
    }
}

impl From<String> for Problems {
    fn from(message: String) -> Self {
        Self::one("", message)
    }
}

impl std::fmt::Display for Problems {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for (i, problem) in self.0.iter().enumerate() {
            let gap = if i == 0 { "" } else { "; " };
            write!(f, "{gap}at `{}`: {}", problem.path, problem.message)?;
            if let Some(hint) = &problem.hint {
                write!(f, " ({hint})")?;
            }
        }
        Ok(())
    }
}

impl std::error::Error for Problems {}
