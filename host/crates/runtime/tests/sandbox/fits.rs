//! Fits: parts merge, and a fit that misbehaves ends.

use playbook_model::{Context, Fault, FitStep, Limit, Limits, Outcome, Validator};
use playbook_runtime::{Fitting, LoadOptions, RuntimeError, Starting};

use crate::support::{Host, behaves, loading, rows, scoring, settings};

fn begin(host: &Host, mode: &str, options: &LoadOptions) -> Fitting {
    let plugin = host.runtime.load(scoring(), options).unwrap();
    let settings = settings(mode);
    let validator = Validator::new(plugin.check(&settings).unwrap().unwrap());
    let starting =
        Starting { validator: &validator, settings: &settings, pass: 0, carried: &[], tables: &[] };
    plugin.begin_fit(&Context::default(), &starting).unwrap().unwrap()
}

fn model(outcome: Outcome<FitStep>) -> Vec<u8> {
    match outcome.unwrap() {
        FitStep::Model(fitted) => fitted.model,
        FitStep::Again(_) | FitStep::Refused(_) => panic!("a model was expected"),
    }
}

#[test]
fn parts_of_buckets_merge_into_one_model() {
    let host = Host::new();
    let part = |count| {
        let mut fit = begin(&host, "good", &LoadOptions::default());
        assert_eq!(fit.observe(&rows(count)).unwrap(), Ok(()));
        assert_eq!(fit.observe(&rows(1)).unwrap(), Ok(()));
        fit.part().unwrap().unwrap()
    };
    let (left, right) = (part(10), part(20));
    let mut last = begin(&host, "good", &LoadOptions::default());
    let merged = last.merge(&left, &right).unwrap().unwrap();
    assert_eq!(model(last.finish(&merged).unwrap()), 32_u64.to_le_bytes());
    assert_eq!(last.usage().calls, 3);
}

#[test]
fn fit_that_loops_is_stopped_and_answers_no_more() {
    let host = Host::new();
    let limits = Limits { fit_fuel_base: 1_000_000, fit_fuel_per_row: 0, ..Limits::default() };
    let good = host.open("good", &LoadOptions::default());
    let mut fit = begin(&host, "loop", &loading(limits));
    assert_eq!(
        fit.observe(&rows(1)).unwrap(),
        Err(Fault::LimitHit { limit: Limit::Fuel, used: 1_000_000, max: 1_000_000 })
    );
    assert!(matches!(fit.part(), Err(RuntimeError::FitEnded)));
    assert!(behaves(&good));
}

#[test]
fn fit_has_a_memory_limit_of_its_own() {
    let host = Host::new();
    let limits = Limits { fit_memory_bytes_max: 96 << 20, ..Limits::default() };
    let mut fit = begin(&host, "grow", &loading(limits));
    let fault = fit.observe(&rows(1)).unwrap().expect_err("it must be stopped");
    assert!(
        matches!(fault, Fault::LimitHit { limit: Limit::Memory, max: 0x600_0000, .. }),
        "{fault}"
    );
}

#[test]
fn data_that_cannot_support_a_fit_is_a_refusal() {
    let host = Host::new();
    let mut fit = begin(&host, "refuse", &LoadOptions::default());
    let part = fit.part().unwrap().unwrap();
    assert_eq!(fit.finish(&part).unwrap(), Err(Fault::Refusal("too few rows".to_owned())));
}

#[test]
fn state_that_does_not_belong_to_the_guest_is_its_refusal() {
    let host = Host::new();
    let mut fit = begin(&host, "good", &LoadOptions::default());
    assert!(matches!(fit.merge(&[1], &[2]).unwrap(), Err(Fault::Refusal(_))));
}
