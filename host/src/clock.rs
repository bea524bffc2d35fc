//! The one clock of the program.

use playbook_model::UnixMs;

/// The time of a decision that a person takes now; cycles never read it.
pub(crate) fn now() -> UnixMs {
    UnixMs(jiff::Timestamp::now().as_millisecond())
}
