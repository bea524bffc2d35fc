//! Money that moves between pools when a cycle closes (domain H7), over whatever store the root has.

use std::path::Path;
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex};

use playbook_ledger::{EntryFilter, EntryKind, Proof};
use playbook_model::{
    Digest, Kind, Minor, Playbook, ReasonInfo, Subject, TransferFate, TransferRefusal,
    TransferRules, Words,
};
use playbook_online::{
    Activation, AskedTransfer, Brand, BrandOptions, By, Closed, FreezeScope, How, Keeping, Lanes,
    Ledgers, OpenError, Opened, Opener, Source, Version,
};

use crate::brand::{DAY, T, demo, source};

const WEEK: i64 = 7 * DAY;

/// Opens the demo with a budget of 1,000,000 in weekly cycles, whose pools are channels; what its cycles ask for is put in.
#[derive(Default)]
pub(crate) struct Moving {
    pub(crate) asked: Mutex<Vec<AskedTransfer>>,
    /// Held by a cycle that closes, until it is let go on.
    pub(crate) held: Mutex<Option<Receiver<()>>>,
}

impl Opener for Moving {
    fn open(&self, source: &Source) -> Result<Opened, OpenError> {
        let (playbook, stages) = demo();
        let digest = Digest::of(source.file.as_bytes());
        let mut playbook = Playbook { digest, ..playbook.clone() };
        playbook.cycle.length_days = 7;
        let budget = playbook.budget.as_mut().unwrap();
        budget.total = Minor(1_000_000);
        budget.transfers = Some(TransferRules {
            subject: Subject("channel".to_owned()),
            red_line: None,
            share_max: TransferRules::SHARE_MAX,
            kept_min: TransferRules::KEPT_MIN,
            cool_down_days: TransferRules::COOL_DOWN_DAYS,
        });
        let version = Version::open(playbook, stages, &source.closed).unwrap();
        Ok(Opened { version, source: source.clone() })
    }

    fn close_cycle(&self, source: &Source, at: i64, _: &Keeping<'_>) -> Result<Opened, OpenError> {
        let held = self.held.lock().unwrap().take();
        held.into_iter().for_each(|held| held.recv().unwrap());
        let asked = self.asked.lock().unwrap().clone();
        if asked.is_empty() {
            return Err(OpenError::Foreign("a stage failed".to_owned()));
        }
        let closed = Closed { at: Some(at), transfers: asked, ..Closed::default() };
        self.open(&Source { closed, ..source.clone() })
    }
}

pub(crate) fn asked(from: &str, to: &str) -> AskedTransfer {
    AskedTransfer {
        stage: "pools".to_owned(),
        kind: Kind::Roi,
        subject: "channel".to_owned(),
        from: from.to_owned(),
        to: to.to_owned(),
        amount: Minor(1_000_000),
        reason: ReasonInfo { code: "weak".to_owned(), text: Words::from("two weak weeks") },
        returns: [Some(0.5), Some(2.0)],
        red_line: false,
    }
}

pub(crate) fn served(folder: &Path, opener: &Arc<Moving>) -> Brand {
    let options = BrandOptions {
        ledgers: Ledgers::open(crate::vault(folder).as_ref(), "demo-club").unwrap(),
        records_bytes_max: 64 << 20,
        now: Arc::new(|| T + 400 * DAY),
        opener: Arc::clone(opener) as Arc<dyn Opener>,
        lanes: Arc::new(Lanes::new(2)),
        file: None,
    };
    Brand::open(options, opener.open(&source("one")).unwrap()).unwrap()
}

/// What the pools base and burst hold.
pub(crate) fn pools(brand: &Brand) -> [i64; 2] {
    let balances = brand.balances().unwrap();
    ["base", "burst"].map(|pool| {
        let path = format!("demo-club/demo-club/{pool}");
        balances.iter().find(|one| one.path == path).unwrap().allocated.0
    })
}

fn fates(brand: &Brand, closed: &Activation) -> Vec<TransferFate> {
    brand.transfers_of(closed).unwrap().iter().map(|one| one.fate()).collect()
}

fn close(brand: &Brand, at: i64) -> (Activation, TransferFate) {
    let closed = brand.close_cycle(Some(at), "somebody").unwrap();
    let fates = fates(brand, &closed);
    assert_eq!(fates.len(), 1);
    (closed, fates[0])
}

#[test]
fn y096_what_a_cycle_asks_for_moves_once_within_its_bounds() {
    let place = crate::place();
    let opener = Arc::new(Moving::default());
    *opener.asked.lock().unwrap() = vec![asked("base", "burst")];
    let brand = served(place.path(), &opener);
    let refused = TransferFate::Refused;
    let moved = |amount| TransferFate::Moved(Minor(amount));
    assert_eq!(pools(&brand), [360_000, 225_000]);

    let (first, fate) = close(&brand, T);
    assert_eq!((fate, pools(&brand)), (moved(72_000), [288_000, 297_000]), "20 % of what is free");
    // The same cycle again, whatever its moment.
    for at in [T, T + DAY / 2] {
        let before = TransferFate::MovedBefore(Minor(72_000));
        assert_eq!((close(&brand, at).1, pools(&brand)), (before, [288_000, 297_000]));
    }
    // The pair cools down, in both directions.
    assert_eq!(close(&brand, T + WEEK).1, refused(TransferRefusal::CoolDown));
    *opener.asked.lock().unwrap() = vec![asked("burst", "base")];
    assert_eq!(close(&brand, T + 2 * WEEK - 1).1, refused(TransferRefusal::CoolDown));
    *opener.asked.lock().unwrap() = vec![asked("base", "burst")];
    assert_eq!(pools(&brand), [288_000, 297_000]);
    assert_eq!(close(&brand, T + 2 * WEEK).1, moved(57_600), "14 days later it may again");
    assert_eq!(close(&brand, T + 4 * WEEK).1, moved(46_080));
    // Half of its plan stays.
    assert_eq!(close(&brand, T + 6 * WEEK).1, moved(4_320));
    assert_eq!(close(&brand, T + 8 * WEEK).1, refused(TransferRefusal::Floor));
    assert_eq!(pools(&brand), [180_000, 405_000]);

    // What moved, and what became of all that was asked for, is there after a restart.
    let figures = brand.figures().transfers;
    assert_eq!((figures.moved, figures.moved_before, figures.refused), (4, 2, 3));
    drop(brand);
    let brand = served(place.path(), &opener);
    assert_eq!((fates(&brand, &first), pools(&brand)), (vec![moved(72_000)], [180_000, 405_000]));
    assert_eq!(close(&brand, T).1, TransferFate::MovedBefore(Minor(72_000)));
    let kind = Some(EntryKind::Transfer);
    let filter = EntryFilter { kind, ..EntryFilter::default() };
    let (entries, _) = brand.entries(&filter, None, None, 100).unwrap();
    let booked: Vec<_> = entries.iter().map(|one| (one.entry.at.0, one.entry.amount.0)).collect();
    let ends = [6, 4, 2, 0].map(|week| T + week * WEEK);
    let amounts = [4_320, 46_080, 57_600, 72_000];
    assert_eq!(booked, ends.into_iter().zip(amounts).collect::<Vec<_>>(), "at the cycle's end");
    drop(brand);
    let ledger = crate::vault(place.path()).read("demo-club").unwrap();
    assert!(matches!(ledger.prove().unwrap(), Proof::Sound { .. }));
}

#[test]
fn y096_what_may_not_move_is_refused_by_name_and_a_cycle_that_fails_moves_nothing() {
    let place = crate::place();
    let opener = Arc::new(Moving::default());
    let brand = served(place.path(), &opener);
    assert!(brand.close_cycle(Some(T), "somebody").is_err());
    assert_eq!((pools(&brand), brand.figures().transfers.moved), ([360_000, 225_000], 0));

    let base = || asked("base", "burst");
    let cases = [
        (AskedTransfer { to: "nowhere".to_owned(), ..base() }, TransferRefusal::NoPool),
        (AskedTransfer { to: "reserve".to_owned(), ..base() }, TransferRefusal::NoPool),
        (AskedTransfer { returns: [Some(2.0), Some(2.0)], ..base() }, TransferRefusal::NotBetter),
        (AskedTransfer { red_line: true, ..base() }, TransferRefusal::RedLine),
    ];
    let others = [
        AskedTransfer { kind: Kind::Diagnosis, ..base() },
        AskedTransfer { subject: "reward".to_owned(), ..base() },
    ];
    let all = cases.iter().map(|(one, _)| one.clone()).chain(others);
    *opener.asked.lock().unwrap() = all.collect();
    let closed = brand.close_cycle(Some(T), "somebody").unwrap();
    let wanted = cases.iter().map(|(_, why)| TransferFate::Refused(*why));
    let wanted: Vec<_> = wanted.chain([TransferFate::Suggested; 2]).collect();
    assert_eq!(fates(&brand, &closed), wanted);

    // A person's freeze comes first, and two moves of one cycle share its bound.
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let freeze = |begins| {
        let done = brand.freeze(FreezeScope::Brand, begins, By::from("somebody"), "a crisis");
        runtime.block_on(done).unwrap();
    };
    freeze(true);
    *opener.asked.lock().unwrap() = vec![base()];
    assert_eq!(close(&brand, T + WEEK).1, TransferFate::Refused(TransferRefusal::Frozen));
    freeze(false);
    let first = AskedTransfer { amount: Minor(70_000), ..base() };
    *opener.asked.lock().unwrap() = vec![first, asked("base", "daily")];
    let closed = brand.close_cycle(Some(T + 2 * WEEK), "somebody").unwrap();
    let moved = |amount| TransferFate::Moved(Minor(amount));
    assert_eq!(fates(&brand, &closed), [moved(70_000), moved(2_000)]);
    assert_eq!(pools(&brand), [288_000, 295_000]);
}

#[test]
fn y096_nothing_moves_where_another_version_came_to_decide_meanwhile() {
    let place = crate::place();
    let opener = Arc::new(Moving::default());
    *opener.asked.lock().unwrap() = vec![asked("base", "burst")];
    let brand = served(place.path(), &opener);
    let (go, held) = channel();
    *opener.held.lock().unwrap() = Some(held);
    let other = brand.offer(&source("two")).unwrap();
    let closed = std::thread::scope(|scope| {
        let closing = scope.spawn(|| close(&brand, T));
        while opener.held.lock().unwrap().is_some() {
            std::thread::yield_now();
        }
        brand.activate(&other.digest(), "somebody", How::Activated, None).unwrap();
        go.send(()).unwrap();
        closing.join().unwrap()
    });
    assert_eq!((closed.1, pools(&brand)), (TransferFate::Suggested, [360_000, 225_000]));
    assert_eq!(close(&brand, T).1, TransferFate::Moved(Minor(72_000)), "the next time it does");
}
