//! Log lines: kept where both grant it, always counted, bounded, escaped.

use playbook_model::{Fault, Limit};
use playbook_runtime::{LoadOptions, Severity};

use crate::support::{Host, fault_of, score};

fn granted() -> LoadOptions {
    LoadOptions { grants_log: true, ..LoadOptions::default() }
}

#[test]
fn log_flood_is_stopped() {
    let fault = fault_of("log-flood", &granted(), 1);
    assert_eq!(fault, Fault::LimitHit { limit: Limit::LogLines, used: 1_001, max: 1_000 });
}

#[test]
fn log_flood_is_stopped_though_nothing_is_kept() {
    let fault = fault_of("log-flood", &LoadOptions::default(), 1);
    assert!(matches!(fault, Fault::LimitHit { limit: Limit::LogLines, .. }), "{fault}");
}

#[test]
fn text_is_kept_only_where_host_and_playbook_both_grant_it() {
    for (host_grants, playbook_grants) in
        [(true, true), (true, false), (false, true), (false, false)]
    {
        let host = Host::with(|options| options.grants_log = host_grants);
        let options = LoadOptions { grants_log: playbook_grants, ..LoadOptions::default() };
        let opened = host.open("log-escapes", &options);
        assert!(score(&opened, 1).is_ok());
        assert_eq!(opened.usage().log_lines, 1);
        assert_eq!(opened.take_log().len(), usize::from(host_grants && playbook_grants));
    }
}

#[test]
fn control_characters_are_escaped() {
    let host = Host::new();
    let opened = host.open("log-escapes", &granted());
    assert!(score(&opened, 1).is_ok());
    let lines = opened.take_log();
    assert_eq!(lines[0].text, "\\u{1b}[2Jgone\\r\\n");
    assert_eq!(lines[0].severity, Severity::Error);
    assert!(opened.take_log().is_empty());
}

#[test]
fn text_beyond_four_kibibytes_a_call_is_counted_and_not_kept() {
    let host = Host::new();
    let opened = host.open("log-much", &granted());
    assert!(score(&opened, 1).is_ok());
    assert_eq!(opened.usage().log_lines, 100);
    let kept: usize = opened.take_log().iter().map(|line| line.text.len()).sum();
    assert!((1..=4_096).contains(&kept), "{kept}");
}
