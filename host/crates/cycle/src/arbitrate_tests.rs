//! Claims about arbitration: order, checks, budgets.
use std::collections::BTreeMap;

use playbook_model::{Guardrails, Minor, Priority, QuietHours, RefusalCode};

use super::{Arbitration, in_holdout};
use crate::decide::Stack;
use crate::proposal::{
    ActionFacts, Candidate, ContactCaps, Decision, Earlier, History, LocalFacts, MemberFacts,
    Proposal, StageStanding, Standing,
};
use crate::slots::within_commercial_cap;

/// The rules of the domain, without caps by tier or stage.
pub(crate) fn guardrails() -> Guardrails {
    Guardrails {
        require_consent: true,
        stage_output: None,
        stage_caps: BTreeMap::new(),
        incentive_ratio_min: 4.0,
        single_investment_max: 0.2,
        commercial_share_max: 0.2,
        contacts_per_day_max: BTreeMap::new(),
        commercial_per_day_max: BTreeMap::new(),
        commercial_per_week_max: BTreeMap::new(),
        family_window_h: 24,
        complaint_feature: None,
        churn_output: None,
        fraud_output: None,
        fraud_from: 1.0,
        age_band_feature: None,
        holdout: 0.0,
        ..Guardrails::default()
    }
}

const ONE_EACH: ContactCaps = ContactCaps { all_day: 1, commercial_day: 1, commercial_week: 1 };

const PROMOTION: ActionFacts = ActionFacts {
    priority: Priority::Promotion,
    family: 1,
    purpose: None,
    commercial: true,
    contacts_member: true,
    trade: None,
};

fn candidate(stage: u16, row: u32, cost: i64, output: i64) -> Candidate {
    Candidate {
        stage,
        action: 0,
        row,
        quantity: 1,
        cost,
        expected_output: output,
        reason: 0,
        after_min: 0,
        until_min: None,
    }
}

/// Facts as their owner holds them.
#[derive(Default)]
struct People {
    keys: Vec<i64>,
    consents: Vec<Vec<bool>>,
    holdout: Vec<bool>,
    unknown: Vec<bool>,
    held: Vec<bool>,
    service_only: Vec<bool>,
    not_adult: Vec<bool>,
    stage_cap: Vec<Option<f64>>,
    contact_caps: Vec<ContactCaps>,
    history: Vec<(u32, History)>,
}

struct Case {
    actions: Vec<ActionFacts>,
    members: People,
    standing: Standing,
    local: Vec<LocalFacts>,
    quiet_hours: Option<QuietHours>,
    stacks: Vec<Stack>,
}

fn case(actions: &[ActionFacts], rows: usize) -> Case {
    let stage = StageStanding { pool: Some(0), left: Minor(1_000_000), ..Default::default() };
    Case {
        actions: actions.to_vec(),
        members: People { keys: (0..rows as i64).collect(), ..Default::default() },
        standing: Standing {
            is_closed: false,
            pools: vec![Minor(1_000_000)],
            stages: (0..actions.len() as u16).map(|at| (at, stage)).collect(),
        },
        local: Vec::new(),
        quiet_hours: None,
        stacks: Vec::new(),
    }
}

impl Case {
    fn pool(mut self, money: i64) -> Self {
        self.standing.pools = vec![Minor(money)];
        self
    }

    fn stage(&mut self, at: u16) -> &mut StageStanding {
        self.standing.stages.get_mut(&at).expect("the case has the stage")
    }

    /// Decides and goes on from there: the next call finds what this one took.
    fn call(&mut self, proposals: &[Proposal]) -> Vec<Decision> {
        let actions =
            self.actions.iter().enumerate().map(|(i, a)| (i as u16, vec![a.clone()])).collect();
        let People { keys, consents, holdout, unknown, held, .. } = &self.members;
        let People { service_only, not_adult, stage_cap, contact_caps, history, .. } =
            &self.members;
        let members = MemberFacts {
            consents,
            keys,
            holdout,
            unknown,
            held,
            stage_cap,
            service_only,
            not_adult,
            contact_caps,
            history,
            ..MemberFacts::default()
        };
        let guardrails = &Guardrails { quiet_hours: self.quiet_hours, ..guardrails() };
        let members = MemberFacts { local: &self.local, ..members };
        let stacks = &self.stacks;
        let arbitration = Arbitration { guardrails, actions: &actions, stacks, members };
        arbitration.decide(proposals.to_vec(), &mut self.standing)
    }
}

fn decide(case: &mut Case, candidates: &[Candidate]) -> Vec<Decision> {
    let proposals: Vec<Proposal> = candidates.iter().copied().map(Proposal::from).collect();
    case.call(&proposals)
}

type Code = (u16, u32, Option<(RefusalCode, &'static str)>);

fn codes(decisions: &[Decision]) -> Vec<Code> {
    decisions
        .iter()
        .map(|d| (d.candidate.stage, d.candidate.row, d.refusal.map(|r| (r.code, r.rule))))
        .collect()
}

#[test]
fn the_order_of_candidates_does_not_matter() {
    let case = || case(&[PROMOTION, ActionFacts { family: 2, ..PROMOTION }], 5).pool(250);
    let mut candidates: Vec<Candidate> = (0..5)
        .flat_map(|row| {
            [candidate(0, row, 50, 400), candidate(1, row, 60, 400 + i64::from(row % 2))]
        })
        .collect();
    let forward = decide(&mut case(), &candidates);
    candidates.reverse();
    assert_eq!(forward, decide(&mut case(), &candidates));
    let spent: i64 = forward.iter().filter(|d| d.refusal.is_none()).map(|d| d.candidate.cost).sum();
    assert!(spent <= 250, "spent {spent}");
}

#[test]
fn net_value_then_the_keyed_hash_decide_who_gets_the_last_money() {
    let mut case = case(&[PROMOTION], 3).pool(20);
    case.members.keys = vec![9, 5, 7];
    let seen = decide(
        &mut case,
        &[candidate(0, 0, 10, 50), candidate(0, 1, 10, 50), candidate(0, 2, 10, 60)],
    );
    let budget = Some((RefusalCode::R15, "GR-6"));
    assert_eq!(codes(&seen), [(0, 2, None), (0, 1, None), (0, 0, budget)]);
}

#[test]
fn a_batch_that_promises_less_than_four_times_its_cost_is_refused_as_a_whole() {
    let mut case = case(&[PROMOTION, ActionFacts { family: 2, ..PROMOTION }], 2);
    // 3.6 times in stage 0, 4.0 times in stage 1.
    let seen = decide(
        &mut case,
        &[
            candidate(0, 0, 50_000, 180_000),
            candidate(0, 1, 50_000, 180_000),
            candidate(1, 0, 10, 40),
        ],
    );
    let low = Some((RefusalCode::R15, "GR-5"));
    assert_eq!(codes(&seen), [(0, 0, low), (0, 1, low), (1, 0, None)]);
}

#[test]
fn a_batch_that_costs_nothing_passes_the_ratio() {
    let seen = decide(&mut case(&[PROMOTION], 1), &[candidate(0, 0, 0, 0)]);
    assert_eq!(codes(&seen), [(0, 0, None)]);
}

#[test]
fn a_refused_batch_gives_its_slots_back() {
    let mut case = case(&[PROMOTION, ActionFacts { family: 2, ..PROMOTION }], 1);
    case.members.contact_caps = vec![ONE_EACH];
    // Stage 0 ranks first by net value but breaks the ratio; stage 1 takes the slot it would have had, and
    // from then on the slot is what stage 0 lacks first.
    let seen = decide(&mut case, &[candidate(0, 0, 1_000, 2_000), candidate(1, 0, 10, 100)]);
    assert_eq!(codes(&seen), [(0, 0, Some((RefusalCode::R14, "H9"))), (1, 0, None)]);
}

#[test]
fn one_member_gets_one_of_a_family_and_the_loser_names_the_winner() {
    let mut case = case(&[PROMOTION, PROMOTION], 1);
    let seen = decide(&mut case, &[candidate(0, 0, 10, 100), candidate(1, 0, 10, 200)]);
    assert_eq!(codes(&seen), [(1, 0, None), (0, 0, Some((RefusalCode::R12, "H9")))]);
    assert_eq!(seen[1].refusal.and_then(|r| r.lost_to), Some(0));
}

#[test]
fn a_cap_used_up_before_is_frequency_and_one_lost_to_a_rival_is_arbitration() {
    let mut case = case(&[PROMOTION, ActionFacts { family: 2, ..PROMOTION }], 2);
    case.members.contact_caps = vec![ONE_EACH; 2];
    case.members.history = vec![(1, History { contacts_day: 1, ..History::default() })];
    let seen = decide(
        &mut case,
        &[candidate(0, 0, 10, 100), candidate(1, 0, 10, 90), candidate(0, 1, 10, 80)],
    );
    assert_eq!(
        codes(&seen),
        [
            (0, 0, None),
            (1, 0, Some((RefusalCode::R14, "H9"))),
            (0, 1, Some((RefusalCode::R13, "H9")))
        ]
    );
}

#[test]
fn commercial_messages_have_a_cap_a_day_and_one_a_week_beside_that_of_all() {
    let caps = ContactCaps { all_day: 5, commercial_day: 1, commercial_week: 3 };
    let (lost, used_up) = (Some((RefusalCode::R14, "H9")), Some((RefusalCode::R13, "H9")));
    let before = |contacts_day, commercial_day, commercial_week| History {
        contacts_day,
        commercial_day,
        commercial_week,
        ..History::default()
    };
    for (history, first, second) in [
        (before(0, 0, 0), None, lost),
        (before(4, 0, 2), None, lost),
        (before(1, 1, 1), used_up, used_up),
        (before(0, 0, 3), used_up, used_up),
        (before(5, 0, 0), used_up, used_up),
    ] {
        let mut case = case(&[PROMOTION, ActionFacts { family: 2, ..PROMOTION }], 1);
        case.members.contact_caps = vec![caps];
        case.members.history = vec![(0, history.clone())];
        let seen = decide(&mut case, &[candidate(0, 0, 10, 100), candidate(1, 0, 10, 90)]);
        assert_eq!(codes(&seen), [(0, 0, first), (1, 0, second)], "{history:?}");
    }
}

#[test]
fn the_first_failing_check_names_the_refusal() {
    let mut case = case(&[ActionFacts { purpose: Some(0), ..PROMOTION }], 7);
    case.members.unknown = vec![true, false, false, false, false, false, false];
    case.members.consents = vec![vec![false, false, true, true, true, true, true]];
    case.members.holdout = vec![true, true, true, false, false, false, false];
    case.members.not_adult = vec![true, true, true, true, false, false, false];
    case.members.service_only = vec![true, true, true, true, true, false, false];
    case.members.held = vec![true, true, true, true, true, true, false];
    let candidates: Vec<Candidate> = (0..7).map(|row| candidate(0, row, 10, 100)).collect();
    let codes = |decisions: Vec<Decision>| -> Vec<Option<&str>> {
        decisions.iter().map(|d| d.refusal.map(|r| r.code.code())).collect()
    };
    let first = ["R04", "R05", "R06", "R07", "R10", "R11"].map(Some);
    assert_eq!(codes(decide(&mut case, &candidates)), [&first[..], &[None]].concat());
    // What stops a stage or a whole cycle comes before everything that is known of a member.
    case.stage(0).frozen = true;
    assert_eq!(codes(decide(&mut case, &candidates)), [Some("R03"); 7]);
    case.standing.is_closed = true;
    assert_eq!(codes(decide(&mut case, &candidates)), [Some("R02"); 7]);
    let foreign: Vec<Candidate> =
        candidates.iter().map(|c| Candidate { action: 9, ..*c }).collect();
    assert_eq!(codes(decide(&mut case, &foreign)), [Some("R01"); 7]);
}

#[test]
fn service_reaches_a_member_with_an_open_complaint() {
    let service = ActionFacts { priority: Priority::Service, commercial: false, ..PROMOTION };
    let mut case = case(&[service, PROMOTION], 1);
    case.members.service_only = vec![true];
    let seen = decide(&mut case, &[candidate(0, 0, 0, 0), candidate(1, 0, 0, 10)]);
    assert_eq!(codes(&seen), [(0, 0, None), (1, 0, Some((RefusalCode::R10, "GR-12")))]);
}

#[test]
fn the_commercial_cap_of_a_stage_lets_one_through_unless_it_is_zero() {
    for (cap, delivered, commercial, fits) in [
        (0.0, 0, 0, false),
        (0.05, 0, 0, true),
        (0.05, 10, 1, false),
        (0.20, 9, 1, true),
        (0.20, 8, 1, false),
    ] {
        assert_eq!(
            within_commercial_cap(cap, delivered, commercial),
            fits,
            "cap {cap}, delivered {delivered}, commercial {commercial}"
        );
    }
}

#[test]
fn one_stage_takes_no_more_than_its_share_of_the_pool() {
    let mut case = case(&[PROMOTION], 3);
    case.stage(0).left = Minor(25);
    let seen = decide(
        &mut case,
        &[candidate(0, 0, 10, 50), candidate(0, 1, 10, 50), candidate(0, 2, 10, 50)],
    );
    assert_eq!(seen[2].refusal.map(|r| (r.code, r.rule)), Some((RefusalCode::R15, "GR-7")));
}

#[test]
fn the_holdout_is_sticky_and_near_its_share() {
    let held = (0..20_000).filter(|i| in_holdout(&format!("m{i}"), 0.05)).count();
    assert!((850..1150).contains(&held), "{held} of 20,000");
    assert!(!in_holdout("m1", 0.0));
    assert!(in_holdout("m1", 1.0));
}

fn before(candidate: Candidate, earlier: Earlier) -> Proposal {
    Proposal { candidate, earlier }
}

#[test]
fn what_was_granted_before_is_answered_so_and_takes_nothing_again() {
    let mut case = case(&[PROMOTION, ActionFacts { family: 2, ..PROMOTION }], 2).pool(15);
    case.members.contact_caps = vec![ONE_EACH; 2];
    // Neither a freeze nor the end of the cycle takes back what a member has.
    (case.standing.is_closed, case.stage(0).frozen) = (true, true);
    let standing = case.standing.clone();
    let seen = case.call(&[
        before(candidate(0, 0, 10, 100), Earlier::Granted),
        before(candidate(0, 1, 10, 90), Earlier::GrantedNow),
        before(candidate(1, 0, 10, 80), Earlier::Released),
    ]);
    let once = Some((RefusalCode::R12, "H7"));
    assert_eq!(codes(&seen), [(0, 0, None), (0, 1, None), (1, 0, once)]);
    assert!(seen[0].granted_before && seen[1].granted_before && !seen[2].granted_before);
    assert_eq!(case.standing, standing);
}

#[test]
fn a_grant_of_this_very_time_keeps_its_slot_and_is_named_as_the_winner() {
    let actions = [PROMOTION, ActionFacts { family: 2, ..PROMOTION }, PROMOTION];
    let candidates = [candidate(0, 0, 10, 100), candidate(1, 0, 10, 90), candidate(2, 0, 10, 80)];
    let fresh = || {
        let mut fresh = case(&actions, 1);
        fresh.members.contact_caps = vec![ONE_EACH];
        fresh
    };
    let first = decide(&mut fresh(), &candidates);
    let again = fresh().call(&[
        before(candidates[0], Earlier::GrantedNow),
        candidates[1].into(),
        candidates[2].into(),
    ]);
    assert_eq!(codes(&first), codes(&again));
    let lost_to = |decisions: &[Decision]| -> Vec<Option<u32>> {
        decisions.iter().map(|d| d.refusal.and_then(|r| r.lost_to)).collect()
    };
    assert_eq!(lost_to(&first), [None, Some(0), Some(0)]);
    assert_eq!(lost_to(&again), [None, Some(0), Some(0)]);
    // A better proposal that comes later does not push it out.
    let late = fresh().call(&[before(candidates[1], Earlier::GrantedNow), candidates[0].into()]);
    assert_eq!(codes(&late), [(0, 0, Some((RefusalCode::R14, "H9"))), (1, 0, None)]);
}

#[test]
fn a_stage_keeps_its_floor_over_all_calls_of_a_cycle() {
    let mut case = case(&[PROMOTION, ActionFacts { family: 2, ..PROMOTION }], 9);
    // 10 times its cost: from here on, one at 2 times and one at 3 keep the whole at 4 and more.
    assert_eq!(codes(&decide(&mut case, &[candidate(0, 0, 10, 100)])), [(0, 0, None)]);
    assert_eq!(codes(&decide(&mut case, &[candidate(0, 1, 10, 20)])), [(0, 1, None)]);
    let low = Some((RefusalCode::R15, "GR-5"));
    assert_eq!(codes(&decide(&mut case, &[candidate(0, 2, 100, 200)])), [(0, 2, low)]);
    let both = [candidate(0, 2, 100, 200), candidate(0, 3, 10, 400)];
    assert_eq!(codes(&decide(&mut case, &both)), [(0, 3, None), (0, 2, None)]);
    assert_eq!((case.stage(0).cost, case.stage(0).expected_output), (Minor(130), Minor(720)));
}

#[test]
fn a_stage_whose_best_proposals_find_no_money_must_keep_its_floor_without_them() {
    let mut case = case(&[PROMOTION], 2).pool(50);
    let seen = decide(&mut case, &[candidate(0, 0, 100, 1_000), candidate(0, 1, 10, 20)]);
    assert!(seen.iter().all(|d| d.refusal.is_some_and(|r| r.code == RefusalCode::R15)), "{seen:?}");
    assert_eq!(case.standing.pools, [Minor(50)]);
}

#[test]
fn commercial_deliveries_of_one_call_count_against_the_stage_cap_as_they_come() {
    let service = |family| ActionFacts {
        priority: Priority::Service,
        family,
        commercial: false,
        ..PROMOTION
    };
    let promotion = |family| ActionFacts { family, ..PROMOTION };
    let over = Some((RefusalCode::R10, "GR-1"));
    let mut case = case(&[promotion(1), promotion(2), service(3), service(4)], 1);
    case.members.stage_cap = vec![Some(0.4)];
    let two = [candidate(0, 0, 0, 9), candidate(1, 0, 0, 8)];
    assert_eq!(codes(&decide(&mut case, &two)), [(0, 0, None), (1, 0, over)]);
    // Deliveries of the same call leave room: 2 of 5 are 0.4, whatever their order.
    let late = ActionFacts { priority: Priority::Promotion, ..service(5) };
    case.actions = vec![promotion(1), promotion(2), service(3), service(4), late];
    let five =
        [two[0], two[1], candidate(2, 0, 0, 0), candidate(3, 0, 0, 0), candidate(4, 0, 0, 1)];
    let seen = decide(&mut case, &five);
    assert!(seen.iter().all(|d| d.refusal.is_none()), "{seen:?}");
}

#[test]
fn asking_again_grants_nothing_more() {
    // A refused batch, what its slots make possible, and a second batch that then keeps the floor.
    let actions = [PROMOTION, ActionFacts { family: 1, ..PROMOTION }];
    let mut case = case(&actions, 2);
    let all = [candidate(0, 0, 1_000, 3_000), candidate(0, 1, 10, 60), candidate(1, 0, 10, 50)];
    let first = decide(&mut case, &all);
    let granted: Vec<(u16, u32)> =
        first.iter().filter(|d| d.is_new()).map(|d| (d.candidate.stage, d.candidate.row)).collect();
    assert_eq!(granted, [(0, 1), (1, 0)]);
    let again: Vec<Proposal> = first
        .iter()
        .map(|d| {
            let earlier = if d.is_new() { Earlier::GrantedNow } else { Earlier::Never };
            before(d.candidate, earlier)
        })
        .collect();
    let standing = case.standing.clone();
    let second = case.call(&again);
    assert_eq!(codes(&second), codes(&first));
    assert!(second.iter().all(|d| !d.is_new()));
    assert_eq!(case.standing, standing);
}

#[test]
fn a_message_waits_for_the_end_of_quiet_hours_or_finds_no_slot() {
    let service = ActionFacts { priority: Priority::Service, family: 2, ..PROMOTION };
    let silent = ActionFacts { contacts_member: false, family: 3, ..PROMOTION };
    let mut case = case(&[PROMOTION, service, silent], 1);
    case.quiet_hours = QuietHours::read("22:00-08:00");
    let asked = |after_min, until_min| {
        (0..3).map(move |stage| Candidate { after_min, until_min, ..candidate(stage, 0, 10, 100) })
    };
    // An hour before midnight: nine hours are left.
    case.local = vec![LocalFacts { minute: 23 * 60, day_ms: 0 }];
    let mut seen = decide(&mut case, &asked(0, None).collect::<Vec<_>>());
    seen.sort_by_key(|decision| decision.candidate.stage);
    let waits: Vec<u32> = seen.iter().map(|decision| decision.candidate.after_min).collect();
    assert_eq!(waits, [540, 0, 0], "{seen:?}");
    // What is to come in ten hours comes then; what may not wait is refused.
    for (after_min, until_min, wait) in
        [(600, None, Some(600)), (60, Some(540), Some(540)), (60, Some(539), None)]
    {
        let mut case = super::tests::case(&[PROMOTION], 1);
        case.quiet_hours = QuietHours::read("22:00-08:00");
        case.local = vec![LocalFacts { minute: 23 * 60, day_ms: 0 }];
        let one = Candidate { after_min, until_min, ..candidate(0, 0, 10, 100) };
        let decision = decide(&mut case, &[one])[0];
        let told = decision.refusal.is_none().then_some(decision.candidate.after_min);
        assert_eq!(told, wait, "{decision:?}");
        assert!(decision.refusal.is_none_or(|r| r.code == RefusalCode::R13), "{decision:?}");
    }
}

#[test]
fn of_rivals_that_may_not_stand_together_the_best_stays_and_the_loser_is_told_who_won() {
    let actions = [1, 2, 3].map(|family| ActionFacts { family, ..PROMOTION });
    let mut case = case(&actions, 2);
    case.stacks = vec![Stack { families: vec![1, 2], most: 1, window_ms: 1 }];
    case.members.history = vec![(1, History { stacks: vec![1], ..History::default() })];
    let asked = [
        candidate(0, 0, 10, 100),
        candidate(1, 0, 10, 90),
        candidate(2, 0, 10, 80),
        candidate(0, 1, 10, 100),
    ];
    let seen = decide(&mut case, &asked);
    let of = |stage, row| {
        let found = seen.iter().find(|d| (d.candidate.stage, d.candidate.row) == (stage, row));
        found.unwrap().refusal
    };
    assert_eq!((of(0, 0), of(2, 0)), (None, None));
    let lost = of(1, 0).unwrap();
    assert_eq!((lost.code, lost.rule), (RefusalCode::R14, "H9"));
    let winner = seen[lost.lost_to.unwrap() as usize].candidate;
    assert_eq!((winner.stage, winner.row), (0, 0));
    assert_eq!(of(0, 1).map(|refusal| refusal.code), Some(RefusalCode::R13));
}
