//! Opened instances of one plugin that wait for a call.

use std::sync::Mutex;

use crate::instance::Instance;
use crate::pool::{GiveUp, lock};

/// Opened instances that wait for a call.
#[derive(Debug, Default)]
pub(crate) struct Idle {
    instances: Mutex<Vec<Instance>>,
}

impl Idle {
    pub(crate) fn take(&self) -> Option<Instance> {
        lock(&self.instances).pop()
    }

    pub(crate) fn put(&self, instance: Instance) {
        lock(&self.instances).push(instance);
    }
}

impl GiveUp for Idle {
    fn give_up(&self) -> bool {
        self.take().is_some()
    }
}
