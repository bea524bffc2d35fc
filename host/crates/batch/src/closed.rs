//! Outputs of closed cycles in the state folder.

use std::path::Path;

use playbook_model::Frame;

use crate::Result;

/// Returns outputs of an earlier closed cycle, aligned with `members`.
pub(crate) fn previous(
    _state: &Path,
    _cycle: i64,
    _cycles_ago: u8,
    _wanted: &[String],
    members: &Frame,
) -> Result<Frame> {
    Ok(Frame::with_rows(members.rows()))
}
