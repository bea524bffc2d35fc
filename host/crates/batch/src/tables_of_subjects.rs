//! Tables of other subjects.

use playbook_model::{Frame, Subject};

use crate::source::BatchSource;
use crate::{BatchError, Result};

impl BatchSource {
    pub(crate) fn subject_frame(&mut self, subject: &Subject, _outputs: &Frame) -> Result<Frame> {
        Err(BatchError::UnknownSubject(subject.0.clone()))
    }
}
