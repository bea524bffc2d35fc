//! Waiting for a database on a thread that may belong to an asynchronous runtime.

use tokio::runtime::{Handle, RuntimeFlavor};

/// Does work that waits. On a thread of a runtime with several, the others take over what else it had to do; the client of
/// the database would refuse to wait there.
pub(super) fn waiting<T>(work: impl FnOnce() -> T) -> T {
    match Handle::try_current() {
        Ok(runtime) if runtime.runtime_flavor() == RuntimeFlavor::MultiThread => {
            tokio::task::block_in_place(work)
        }
        _ => work(),
    }
}
