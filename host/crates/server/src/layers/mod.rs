//! What every request goes through before a handler sees it, from the outside in.

pub(crate) mod bodies;
pub(crate) mod guard;
pub(crate) mod observe;
