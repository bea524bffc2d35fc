//! A bound on instances alive at once over all plugins, and the idle ones that may be given up.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

use crate::RuntimeError;

/// Time between two looks for an idle instance while waiting.
const LOOK: Duration = Duration::from_millis(5);

/// Locks even after a panic elsewhere: what is locked here is whole between any two statements.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What holds places that it could do without.
pub(crate) trait GiveUp: std::fmt::Debug + Send + Sync {
    /// Gives one place back; returns whether it had any.
    fn give_up(&self) -> bool;
}

/// Places for instances.
#[derive(Debug)]
pub(crate) struct Places {
    free: Mutex<u32>,
    freed: Condvar,
    idles: Mutex<Vec<Weak<dyn GiveUp>>>,
}

/// A place for one instance, given back when dropped.
#[derive(Debug)]
pub(crate) struct Place {
    places: Arc<Places>,
}

impl Places {
    pub(crate) fn new(instances_max: u32) -> Self {
        Self {
            free: Mutex::new(instances_max.max(1)),
            freed: Condvar::new(),
            idles: Mutex::new(Vec::new()),
        }
    }

    /// Lets idle instances of `idle` be given up where another plugin needs a place.
    pub(crate) fn register(&self, idle: Weak<dyn GiveUp>) {
        let mut idles = lock(&self.idles);
        idles.retain(|known| known.strong_count() > 0);
        idles.push(idle);
    }

    /// Takes a place, giving up an idle instance or waiting where none is free.
    pub(crate) fn take(self: &Arc<Self>, wait_max: Duration) -> Result<Place, RuntimeError> {
        let begun = Instant::now();
        loop {
            {
                let mut free = lock(&self.free);
                if *free > 0 {
                    *free -= 1;
                    return Ok(Place { places: Arc::clone(self) });
                }
            }
            if self.give_up_idle() {
                continue;
            }
            let waited = begun.elapsed();
            if waited >= wait_max {
                let waited_ms = u64::try_from(waited.as_millis()).unwrap_or(u64::MAX);
                return Err(RuntimeError::Busy { waited_ms });
            }
            let free = lock(&self.free);
            if *free == 0 {
                // Short looks: an instance that turns idle frees no place by itself.
                drop(self.freed.wait_timeout(free, LOOK));
            }
        }
    }

    fn give_up_idle(&self) -> bool {
        let idles: Vec<Arc<dyn GiveUp>> =
            lock(&self.idles).iter().filter_map(Weak::upgrade).collect();
        // The instance is dropped here, with no lock held, and gives its place back.
        idles.iter().any(|idle| idle.give_up())
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        *lock(&self.places.free) += 1;
        self.places.freed.notify_one();
    }
}
