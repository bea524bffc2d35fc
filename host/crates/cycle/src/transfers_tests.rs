//! Claims about the checks of a transfer, each at its bound.

use playbook_model::{Minor, Subject, TransferRefusal, TransferRules};

use super::Checked;

fn rules() -> TransferRules {
    TransferRules {
        subject: Subject("channel".to_owned()),
        red_line: None,
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
        red_line: false,
        moved_lately: false,
        free: Minor(600),
        out: Minor::ZERO,
        allocated: Minor(1_000),
        planned: Minor(1_000),
    }
}

#[test]
fn a_transfer_within_all_bounds_may_leave() {
    assert_eq!(good().verdict(&rules()), Ok(Minor(120)));
    let more = Checked { amount: Minor(70), out: Minor(50), ..good() };
    assert_eq!(more.verdict(&rules()), Ok(Minor(70)));
    let kept = Checked { allocated: Minor(620), ..good() };
    assert_eq!(kept.verdict(&rules()), Ok(Minor(120)), "exactly half of the plan is kept");
}

#[test]
fn what_is_asked_for_beyond_a_bound_stays() {
    let moved = |checked: Checked, amount| {
        assert_eq!(checked.verdict(&rules()), Ok(Minor(amount)));
    };
    moved(Checked { amount: Minor(121), ..good() }, 120);
    moved(Checked { amount: Minor(71), out: Minor(50), ..good() }, 70);
    moved(Checked { allocated: Minor(619), ..good() }, 119);
    let odd = Checked { planned: Minor(1_001), allocated: Minor(620), ..good() };
    moved(odd, 119);
}

#[test]
fn each_bound_that_is_reached_refuses() {
    let refused = |checked: Checked, why| assert_eq!(checked.verdict(&rules()), Err(why));
    refused(Checked { out: Minor(120), ..good() }, TransferRefusal::Share);
    refused(Checked { free: Minor(4), ..good() }, TransferRefusal::Share);
    refused(Checked { allocated: Minor(500), ..good() }, TransferRefusal::Floor);
    refused(Checked { moved_lately: true, ..good() }, TransferRefusal::CoolDown);
    refused(Checked { red_line: true, ..good() }, TransferRefusal::RedLine);
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
        seen.push(Checked { returns, ..good() }.verdict(&rules()));
    }
    assert_eq!(seen, [Err(TransferRefusal::NotBetter); 5]);
}

#[test]
fn the_first_check_that_fails_names_the_refusal() {
    let all = Checked {
        amount: Minor(900),
        returns: [None, None],
        frozen: true,
        red_line: true,
        moved_lately: true,
        out: Minor(120),
        allocated: Minor(500),
        ..good()
    };
    let better = Checked { returns: good().returns, ..all };
    let thawed = Checked { frozen: false, ..better };
    let sound = Checked { red_line: false, ..thawed };
    let cooled = Checked { moved_lately: false, ..sound };
    let steps = [
        (all, TransferRefusal::NotBetter),
        (better, TransferRefusal::Frozen),
        (thawed, TransferRefusal::RedLine),
        (sound, TransferRefusal::CoolDown),
        (cooled, TransferRefusal::Share),
        (Checked { out: Minor::ZERO, ..cooled }, TransferRefusal::Floor),
    ];
    for (checked, why) in steps {
        assert_eq!(checked.verdict(&rules()), Err(why));
    }
}
