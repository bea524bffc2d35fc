//! Cycles that close by a schedule, over hosts that share a store: each once, by whichever host is there.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::mpsc::channel;
use std::time::Duration;

use playbook_model::{Minor, TransferFate};
use playbook_online::{
    Brand, Following, How, Keeping, Now, OpenError, Opened, Opener, Schedules, Source,
};

use crate::brand::{DAY, T, source};
use crate::schedules::{HOUR, Scheduled, served, served_by};
use crate::together::until;
use crate::transfers::{Moving, asked, pools, served as moving};

/// Opens versions, and closes no cycle.
struct Unable;

impl Opener for Unable {
    fn open(&self, source: &Source) -> Result<Opened, OpenError> {
        Scheduled.open(source)
    }

    fn close_cycle(&self, _: &Source, _: i64, _: &Keeping<'_>) -> Result<Opened, OpenError> {
        Err(OpenError::Foreign("a file is not on this host".to_owned()))
    }
}

fn at(clock: &Arc<AtomicI64>) -> Now {
    let clock = Arc::clone(clock);
    Arc::new(move || clock.load(Ordering::Relaxed))
}

/// Moments at which cycles were closed, in order.
fn closed(brand: &Brand) -> Vec<i64> {
    let mut all = brand.activations();
    all.reverse();
    all.retain(|one| one.how == How::Cycle);
    all.iter().map(|one| one.at).collect()
}

/// Longer than a look at the schedules takes.
fn look() {
    std::thread::sleep(Duration::from_millis(2_500));
}

#[test]
fn each_cycle_is_closed_once_whichever_host_does_it() {
    let place = crate::place();
    let clock = Arc::new(AtomicI64::new(T));
    let hosts = [(), ()].map(|()| Arc::new(served(place.path(), at(&clock))));
    let following = hosts.each_ref().map(Following::start);
    let schedules = hosts.each_ref().map(|host| Schedules::start(vec![Arc::clone(host)]).unwrap());
    let figures = |count: fn(&Brand) -> u64| hosts.iter().map(|host| count(host)).sum::<u64>();
    let mut wanted = Vec::new();
    for moment in [T + 3 * HOUR, T + DAY + 3 * HOUR, T + 9 * DAY + 4 * HOUR] {
        clock.store(moment, Ordering::Relaxed);
        wanted.push(moment);
        until("the cycle", || hosts.iter().all(|host| closed(host) == wanted));
        look();
        assert!(hosts.iter().all(|host| closed(host) == wanted), "it is closed once");
        assert_eq!(hosts[0].version().digest(), hosts[1].version().digest());
    }
    assert_eq!(figures(|host| host.figures().cycles_closed), 3, "times that were missed are one");
    assert_eq!(figures(|host| host.figures().cycles_failed), 0);
    assert!(hosts.iter().all(|host| host.alerts().unwrap().is_empty()));
    drop((schedules, following));
}

#[test]
fn y096_what_two_hosts_close_at_once_moves_once() {
    let place = crate::place();
    let opener = Arc::new(Moving::default());
    *opener.asked.lock().unwrap() = vec![asked("base", "burst")];
    let hosts = [(), ()].map(|()| moving(place.path(), &opener));
    let mut fates = std::thread::scope(|scope| {
        let closing = |host| {
            scope.spawn(move || {
                let host: &Brand = host;
                let closed = host.close_cycle(Some(T), "somebody").unwrap();
                host.transfers_of(&closed).unwrap()[0].fate()
            })
        };
        hosts.each_ref().map(closing).map(|closed| closed.join().unwrap())
    });
    fates.sort_by_key(|fate| fate.name());
    let amount = Minor(72_000);
    assert_eq!(fates, [TransferFate::Moved(amount), TransferFate::MovedBefore(amount)]);
    assert!(hosts.iter().all(|host| pools(host) == [288_000, 297_000]));
}

#[test]
fn what_another_host_activated_while_a_cycle_closed_stays() {
    let place = crate::place();
    let opener = Arc::new(Moving::default());
    *opener.asked.lock().unwrap() = vec![asked("base", "burst")];
    let [first, second] = [(), ()].map(|()| moving(place.path(), &opener));
    let other = second.offer(&source("two")).unwrap();
    let (go, held) = channel();
    *opener.held.lock().unwrap() = Some(held);
    let closed = std::thread::scope(|scope| {
        let closing = scope.spawn(|| first.close_cycle(Some(T), "somebody").unwrap());
        while opener.held.lock().unwrap().is_some() {
            std::thread::yield_now();
        }
        second.activate(&other.digest(), "somebody", How::Activated, None).unwrap();
        go.send(()).unwrap();
        closing.join().unwrap()
    });
    let file = |brand: &Brand| brand.source_of(&brand.version().digest()).unwrap().unwrap().file;
    assert_eq!(file(&first), "two", "with what the cycle left");
    let fates: Vec<_> = first.transfers_of(&closed).unwrap().iter().map(|one| one.fate()).collect();
    assert_eq!((fates, pools(&first)), (vec![TransferFate::Suggested], [360_000, 225_000]));
}

#[test]
fn where_one_host_cannot_close_a_cycle_another_one_does() {
    let place = crate::place();
    let clock = Arc::new(AtomicI64::new(T));
    let unable = Arc::new(served_by(place.path(), at(&clock), Arc::new(Unable)));
    let following = Following::start(&unable);
    let schedules = Schedules::start(vec![Arc::clone(&unable)]).unwrap();
    clock.store(T + 3 * HOUR, Ordering::Relaxed);
    until("the attempt", || unable.figures().cycles_failed == 1);
    look();
    assert_eq!((unable.figures().cycles_failed, closed(&unable).len()), (1, 0), "it tries once");
    let able = Arc::new(served(place.path(), at(&clock)));
    let others = Schedules::start(vec![Arc::clone(&able)]).unwrap();
    until("the cycle", || closed(&unable) == [T + 3 * HOUR]);
    assert_eq!((able.figures().cycles_closed, unable.figures().cycles_failed), (1, 1));
    drop((schedules, others, following));
}
