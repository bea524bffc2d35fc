//! What readers of files share: their inputs, and what they report.

use std::collections::BTreeSet;

use playbook_model::{Digest, SourceDef};

use crate::intake::derive::Derivation;
use crate::intake::field::FieldReader;
use crate::intake::files::SourceFile;
use crate::intake::rejects::RejectTally;
use crate::{BrandClock, Cancel, Progress};

/// The inputs of reading one source.
pub(crate) struct ReadJob<'a> {
    pub(crate) source: &'a SourceDef,
    pub(crate) files: &'a [SourceFile],
    /// The columns that are read from the files.
    pub(crate) inputs: &'a [FieldReader],
    /// The fields that are written to the scratch file.
    pub(crate) fields: &'a [FieldReader],
    /// How fields come from inputs; `None`: each field is the input of its number.
    pub(crate) derivation: Option<&'a Derivation<'a>>,
    pub(crate) clock: &'a BrandClock,
    pub(crate) threads: usize,
    pub(crate) cancel: &'a Cancel,
    pub(crate) progress: &'a dyn Progress,
}

/// Counts, digests and rejects of reading one source.
#[derive(Debug, Default)]
pub(crate) struct ReadResult {
    pub(crate) digests: Vec<Digest>,
    pub(crate) rows_read: u64,
    pub(crate) rows_kept: u64,
    pub(crate) rejects: RejectTally,
    pub(crate) unmapped: BTreeSet<String>,
    /// Names of files of 0 bytes.
    pub(crate) empty_files: Vec<String>,
}
