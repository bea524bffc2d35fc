//! Instances: warm, retired, fresh, shared between threads, bounded in number.

use std::thread;
use std::time::Duration;

use playbook_model::{Context, Validator};
use playbook_runtime::{LoadOptions, Opening, Reuse, RuntimeError, Starting};

use crate::support::{Host, behaves, opening, rows, score, scoring, settings};

/// What the guest counts as its number of calls, per call.
fn calls_seen(reuse: Reuse, calls: usize) -> Vec<f64> {
    let host = Host::new();
    let plugin = host.runtime.load(scoring(), &LoadOptions::default()).unwrap();
    let opened = plugin.open(Opening { reuse, ..opening("count-calls") }).unwrap().unwrap();
    (0..calls).map(|_| score(&opened, 1).unwrap().columns.reals[0]).collect()
}

#[test]
fn warm_instance_is_retired_after_its_calls() {
    assert_eq!(calls_seen(Reuse::Warm { calls_max: 3 }, 7), [1.0, 2.0, 3.0, 1.0, 2.0, 3.0, 1.0]);
}

#[test]
fn fresh_instance_has_no_memory_of_earlier_calls() {
    assert_eq!(calls_seen(Reuse::Fresh, 3), [1.0; 3]);
}

#[test]
fn many_threads_share_few_instances() {
    let host = Host::with(|options| options.instances_max = 2);
    let opened = host.open("good", &LoadOptions::default());
    thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| (0..50).for_each(|_| assert!(behaves(&opened))));
        }
    });
    let usage = opened.usage();
    assert_eq!((usage.calls, usage.rows, usage.faults), (400, 1_600, 0));
}

#[test]
fn usage_tells_the_memory_of_the_largest_instance() {
    let host = Host::new();
    let opened = host.open("good", &LoadOptions::default());
    assert_eq!(opened.plugin().instantiate().unwrap(), Ok(()));
    assert_eq!(opened.usage().memory_bytes, 0, "nothing was called yet");
    assert!(score(&opened, 1).is_ok());
    let small = opened.usage().memory_bytes;
    assert!((64 << 10..4 << 20).contains(&small), "{small}");
    // Half a MiB goes in, and as much comes out.
    let wide = score(&opened, 1 << 16).is_ok();
    let large = opened.usage().memory_bytes;
    assert!(wide && large > small, "{large}");
    assert!(score(&opened, 1).is_ok());
    assert_eq!(opened.usage().memory_bytes, large);
}

#[test]
fn idle_instance_gives_its_place_to_another_plugin() {
    let host = Host::with(|options| options.instances_max = 1);
    let one = host.open("good", &LoadOptions::default());
    let other = host.open("good", &LoadOptions::default());
    for _ in 0..3 {
        assert!(behaves(&one));
        assert!(behaves(&other));
    }
    assert_eq!(one.usage().instances, 4);
}

#[test]
fn waiting_for_an_instance_has_a_bound() {
    let host = Host::with(|options| {
        options.instances_max = 1;
        options.wait_max = Duration::from_millis(20);
    });
    let plugin = host.runtime.load(scoring(), &LoadOptions::default()).unwrap();
    let validator = Validator::new(plugin.check(&settings("good")).unwrap().unwrap());
    let settings = settings("good");
    let starting =
        Starting { validator: &validator, settings: &settings, pass: 0, carried: &[], tables: &[] };
    let mut fit = plugin.begin_fit(&Context::default(), &starting).unwrap().unwrap();
    assert!(matches!(plugin.open(opening("good")), Err(RuntimeError::Busy { .. })));
    assert_eq!(fit.observe(&rows(2)).unwrap(), Ok(()));
    drop(fit);
    assert!(plugin.open(opening("good")).unwrap().is_ok());
}

#[test]
fn trapped_instance_is_replaced_and_its_place_comes_back() {
    let host = Host::with(|options| options.instances_max = 2);
    let bad = host.open("trap", &LoadOptions::default());
    for _ in 0..20 {
        assert!(score(&bad, 1).is_err());
    }
    assert_eq!(bad.usage().instances, 20);
    assert!(behaves(&host.open("good", &LoadOptions::default())));
}
