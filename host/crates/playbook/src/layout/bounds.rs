//! Bounds and shapes that several tables share.

use crate::spec::Shape;
use Shape::{Either, List, Real, Text};

/// Sources of one playbook.
pub(crate) const SOURCES_MAX: usize = 64;

/// Lookups of one playbook.
pub(super) const LOOKUPS_MAX: usize = 64;

/// Lookups that one source joins.
pub(super) const JOINS_MAX: usize = 16;

/// Stages of one playbook.
pub(crate) const STAGES_MAX: usize = 128;

/// Features of one playbook.
pub(crate) const FEATURES_MAX: usize = 1_000;

/// Deliveries of one playbook.
pub(super) const DELIVERIES_MAX: usize = 16;

/// Features of one figure.
pub(super) const FIGURES_MAX: usize = 64;

pub(super) const TEXT: Shape = Text(1_024);

pub(super) const TEXTS: Shape = List(&TEXT, 256);

pub(super) const NAMES: Shape = Either(&[TEXT, TEXTS]);

pub(super) const SHARE: Shape = Real(0.0, 1.0);
