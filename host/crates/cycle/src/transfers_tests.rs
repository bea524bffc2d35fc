//! Claims about the checks of a transfer, each at its bound.

use playbook_model::{Minor, Subject, TransferRefusal, TransferRules};

use super::Checked;

fn rules() -> TransferRules {
    TransferRules {
        subject: Subject("channel".to_owned()),
        share_max: 0.20,
        kept_min: 0.50,
        cool_down_days: 14,
    }
}

/// A transfer that may just leave.
fn good() -> Checked {
    Checked {
        amount: Minor(120),
        returns: [Some(1.0), Some(1.5)],
        frozen: false,
        moved_lately: false,
        free: Minor(600),
        out: Minor::ZERO,
        allocated: Minor(1_000),
        planned: Minor(1_000),
    }
}

#[test]
fn a_transfer_within_all_bounds_may_leave() {
    assert_eq!(good().refusal(&rules()), None);
    assert_eq!(Checked { amount: Minor(70), out: Minor(50), ..good() }.refusal(&rules()), None);
    let kept = Checked { allocated: Minor(620), ..good() };
    assert_eq!(kept.refusal(&rules()), None, "exactly half of the plan is kept");
}

#[test]
fn each_bound_refuses_what_is_one_unit_beyond_it() {
    let refused = |checked: Checked, why| assert_eq!(checked.refusal(&rules()), Some(why));
    refused(Checked { amount: Minor(121), ..good() }, TransferRefusal::Share);
    refused(Checked { amount: Minor(71), out: Minor(50), ..good() }, TransferRefusal::Share);
    refused(Checked { allocated: Minor(619), ..good() }, TransferRefusal::Floor);
    let odd = Checked { planned: Minor(1_001), allocated: Minor(620), ..good() };
    refused(odd, TransferRefusal::Floor);
    refused(Checked { moved_lately: true, ..good() }, TransferRefusal::CoolDown);
    refused(Checked { frozen: true, ..good() }, TransferRefusal::Frozen);
}

#[test]
fn money_goes_only_where_the_plugin_says_that_it_brings_more() {
    let mut seen = Vec::new();
    for returns in [
        [Some(1.5), Some(1.5)],
        [Some(2.0), Some(1.5)],
        [None, Some(1.5)],
        [Some(1.0), None],
        [None, None],
    ] {
        seen.push(Checked { returns, ..good() }.refusal(&rules()));
    }
    assert_eq!(seen, [Some(TransferRefusal::NotBetter); 5]);
}

#[test]
fn the_first_check_that_fails_names_the_refusal() {
    let all = Checked {
        amount: Minor(900),
        returns: [None, None],
        frozen: true,
        moved_lately: true,
        ..good()
    };
    let steps = [
        (all, TransferRefusal::NotBetter),
        (Checked { returns: good().returns, ..all }, TransferRefusal::Frozen),
        (Checked { returns: good().returns, frozen: false, ..all }, TransferRefusal::CoolDown),
    ];
    for (checked, why) in steps {
        assert_eq!(checked.refusal(&rules()), Some(why));
    }
}
