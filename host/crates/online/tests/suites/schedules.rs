//! Cycles that close by a schedule, over a clock that jumps.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant};

use playbook_model::{Digest, Playbook};
use playbook_online::{
    Brand, BrandOptions, Closed, How, Keeping, Lanes, Ledgers, Now, OpenError, Opened, Opener,
    Schedules, Source, Version,
};

use crate::brand::{DAY, T, demo, source};

pub(crate) const HOUR: i64 = 3_600_000;

/// Opens the demo with a schedule.
pub(crate) struct Scheduled;

impl Opener for Scheduled {
    fn open(&self, source: &Source) -> Result<Opened, OpenError> {
        let (playbook, stages) = demo();
        let mut playbook =
            Playbook { digest: Digest::of(source.file.as_bytes()), ..playbook.clone() };
        playbook.cycle.close = Some("0 3 * * *".to_owned());
        let version = Version::open(playbook, stages, &source.closed).unwrap();
        Ok(Opened { version, source: source.clone() })
    }

    /// Leaves nothing but its end; a cycle that ends on the fourth day cannot be closed.
    fn close_cycle(&self, source: &Source, at: i64, _: &Keeping<'_>) -> Result<Opened, OpenError> {
        if at == T + 3 * DAY + 3 * HOUR {
            return Err(OpenError::Foreign("no cycle is closed that day".to_owned()));
        }
        let closed = Closed { at: Some(at), ..Closed::default() };
        self.open(&Source { closed, ..source.clone() })
    }
}

pub(crate) fn served(folder: &Path, now: Now) -> Brand {
    served_by(folder, now, Arc::new(Scheduled))
}

pub(crate) fn served_by(folder: &Path, now: Now, opener: Arc<dyn Opener>) -> Brand {
    let options = BrandOptions {
        ledgers: Ledgers::open(crate::vault(folder).as_ref(), "demo-club").unwrap(),
        records_bytes_max: 64 << 20,
        now,
        opener,
        lanes: Arc::new(Lanes::new(2)),
        file: None,
    };
    Brand::open(options, Scheduled.open(&source("one")).unwrap()).unwrap()
}

/// Ends of the cycles that a brand closed by its schedule, in order; waits for so many.
fn closed(brand: &Brand, count: usize) -> Vec<i64> {
    let begun = Instant::now();
    loop {
        let mut all = brand.activations();
        all.reverse();
        all.retain(|one| one.how == How::Cycle);
        if all.len() >= count || begun.elapsed() > Duration::from_secs(20) {
            assert!(all.iter().all(|one| one.by == "schedule"), "{all:?}");
            return all.iter().map(|one| one.at).collect();
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn missed_times_are_made_up_for_by_one_and_no_clock_closes_one_twice() {
    let folder = crate::place();
    let clock = Arc::new(AtomicI64::new(T));
    let now = |clock: &Arc<AtomicI64>| -> Now {
        let clock = Arc::clone(clock);
        Arc::new(move || clock.load(Ordering::Relaxed))
    };
    let look = || std::thread::sleep(Duration::from_millis(2_500));
    let brand = Arc::new(served(folder.path(), now(&clock)));
    let schedules = Schedules::start(vec![Arc::clone(&brand)]).unwrap();
    let at = |moment: i64| clock.store(moment, Ordering::Relaxed);
    look();
    assert!(closed(&brand, 0).is_empty(), "no time has passed since the brand is served");
    at(T + 3 * HOUR);
    assert_eq!(closed(&brand, 1), [T + 3 * HOUR]);
    // Forward and back by an hour, forward by two days and back.
    for moment in [T + 4 * HOUR, T + 2 * HOUR, T + 3 * HOUR] {
        at(moment);
        look();
        assert_eq!(closed(&brand, 0).len(), 1, "{moment}");
    }
    at(T + 2 * DAY + 9 * HOUR);
    assert_eq!(closed(&brand, 2), [T + 3 * HOUR, T + 2 * DAY + 9 * HOUR], "two times, one cycle");
    at(T + DAY + 4 * HOUR);
    look();
    assert_eq!(closed(&brand, 0).len(), 2);
    drop(schedules);
    drop(Arc::into_inner(brand).unwrap());
    // After a restart the history tells it, and what fails changes nothing until the next time.
    let brand = Arc::new(served(folder.path(), now(&clock)));
    let schedules = Schedules::start(vec![Arc::clone(&brand)]).unwrap();
    look();
    assert_eq!((closed(&brand, 0).len(), brand.figures().cycles_failed), (2, 0));
    at(T + 3 * DAY + 5 * HOUR);
    let version = brand.version().digest();
    look();
    assert_eq!((closed(&brand, 0).len(), brand.figures().cycles_failed), (2, 1));
    look();
    assert_eq!(brand.figures().cycles_failed, 1, "it is tried once");
    assert_eq!(brand.version().digest(), version);
    at(T + 4 * DAY + 3 * HOUR);
    assert_eq!(closed(&brand, 3).len(), 3);
    assert_eq!((brand.figures().cycles_closed, brand.figures().cycles_failed), (1, 1));
    drop(schedules);
}
