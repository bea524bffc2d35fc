//! Claims about a cycle's money over many calls: whatever their number, order and times, its rules hold as
//! if it had been one call.
use std::collections::{BTreeMap, BTreeSet};

use playbook_ledger::{BudgetPlan, Closure, CycleRef, EntryKind, Ledger, PluginLimit, Proof};
use playbook_model::{
    ActionInfo, Context, Digest, Frequency, Guardrails, Minor, Priority, RefusalCode, UnixMs, Words,
};

use super::{Booking, Money, bound_with, grant_key};
use crate::arbitrate::tests::guardrails;
use crate::decide::{Policy, Spender, decide};
use crate::proposal::{Candidate, ContactCaps, Decision, MemberFacts};
use crate::recall::{DAY_MS, HOUR_MS};
use crate::result::PlanMoney;

pub(crate) const NOW: UnixMs = UnixMs(20_000 * DAY_MS);
pub(crate) const MEMBERS: usize = 250;
pub(crate) const CYCLE: i64 = 7;
pub(crate) const CAPS: ContactCaps =
    ContactCaps { all_day: 3, commercial_day: 1, commercial_week: 2 };
pub(crate) const STAGE_CAP: f64 = 0.3;

pub(crate) fn rules() -> Guardrails {
    Guardrails { require_consent: false, ..guardrails() }
}

fn action(name: &str, family: &str, priority: Priority, commercial: bool) -> ActionInfo {
    ActionInfo {
        name: name.to_owned(),
        priority,
        family: family.to_owned(),
        purpose: String::new(),
        commercial,
        contacts_member: name != "points",
        frequency: Frequency::OnceACycle,
        needs_approval: false,
        text: Words::default(),
    }
}

/// A brand of two stages in one pool and one in another; money is short in each.
pub(crate) struct Brand {
    pub(crate) ledger: Ledger,
    points: Vec<ActionInfo>,
    coupons: Vec<ActionInfo>,
    pub(crate) plan: BudgetPlan,
    pub(crate) keys: Vec<i64>,
}

impl Brand {
    pub(crate) fn new() -> Self {
        let limit = |stage: &str, pool: &str| PluginLimit {
            stage: stage.to_owned(),
            pool: Some(pool.to_owned()),
        };
        Self {
            ledger: Ledger::in_memory("aurora").expect("the name is right"),
            points: vec![
                action("points", "points", Priority::Content, false),
                action("thanks", "thanks", Priority::Service, false),
                action("receipt", "receipt", Priority::Transaction, false),
            ],
            coupons: vec![
                action("coupon", "offer", Priority::Promotion, true),
                action("voucher", "offer", Priority::Campaign, true),
                action("gift", "gift", Priority::Retention, true),
            ],
            plan: BudgetPlan {
                playbook: "club".to_owned(),
                total: Minor(20_000),
                reserve_share: 0.1,
                pools: BTreeMap::from([("daily".to_owned(), 0.5), ("burst".to_owned(), 0.5)]),
                plugins: vec![
                    limit("points", "daily"),
                    limit("coupons", "daily"),
                    limit("sale", "burst"),
                ],
                plugin_share_max: 0.9,
            },
            keys: (0..MEMBERS as i64).map(|row| row.wrapping_mul(0x9e37_79b9) ^ 0x55).collect(),
        }
    }

    pub(crate) fn spenders(&self) -> Vec<Spender> {
        let of = |position, name: &str, pool: &str, actions: &[ActionInfo]| Spender {
            position,
            name: name.to_owned(),
            pool: Some(pool.to_owned()),
            actions: actions.to_vec(),
            says: Vec::new(),
        };
        vec![
            of(0, "points", "daily", &self.points[..]),
            of(1, "coupons", "daily", &self.coupons[..]),
            of(2, "sale", "burst", &self.coupons[..]),
        ]
    }

    fn money(&self, now: UnixMs) -> Money<'_> {
        let key = Digest::of(&now.0.to_be_bytes());
        let context = Context { now: now.0, local_min: now.0.div_euclid(60_000), seed: 1 };
        Money::open(&self.ledger, &self.plan, CYCLE, &context, key).expect("the plan is right")
    }

    /// One call of the cycle at `now`.
    pub(crate) fn call(&self, now: UnixMs, candidates: &[Candidate]) -> Booking {
        self.ask(&self.money(now), candidates)
    }

    fn ask(&self, money: &Money<'_>, candidates: &[Candidate]) -> Booking {
        let policy = Policy::new(&rules(), self.spenders());
        let (caps, stage_cap) = ([CAPS; MEMBERS], [Some(STAGE_CAP); MEMBERS]);
        let mut turn = money.begin().expect("nobody writes");
        let (proposals, history) = turn
            .recall(&policy, &self.keys, candidates.to_vec(), &MemberFacts::default())
            .expect("the storage answers");
        let members = MemberFacts {
            keys: &self.keys,
            contact_caps: &caps,
            stage_cap: &stage_cap,
            history: &history,
            ..MemberFacts::default()
        };
        let mut standing = turn.standing(&policy).expect("the storage answers");
        let mut decisions = decide(&policy, members, proposals, &mut standing);
        let bound = turn.bound().expect("the storage answers");
        turn.book(&policy, &self.keys, &mut decisions).expect("the storage answers");
        let bound = bound_with(bound, &policy, &decisions);
        let accounts = turn.accounts(&bound).expect("the storage answers");
        Booking { decisions, accounts, transfers: Vec::new(), span: turn.span() }
    }

    fn cycle(&self) -> CycleRef {
        CycleRef { playbook: "club".to_owned(), number: CYCLE }
    }

    /// Everything that must hold over the cycle, whatever was asked in whatever order.
    #[track_caller]
    pub(crate) fn assert_rules(&self) {
        let standing = self.ledger.standing(&self.cycle()).expect("the cycle was begun");
        let rules = rules();
        for (spender, pool) in self.spenders().iter().zip(["daily", "daily", "burst"]) {
            let used = standing.stages.get(&spender.name).copied().unwrap_or_default();
            let account = self.money(NOW).accounts.pools[pool];
            let share =
                standing.accounts[&account].at_opening.share_down(rules.single_investment_max);
            assert!(used.bound <= share, "GR-7 of {}: {used:?} of {share}", spender.name);
            assert!(
                used.expected_output.0 >= 4 * used.cost.0,
                "GR-5 of {}: {used:?}",
                spender.name
            );
        }
        let balances = self.ledger.balances().expect("the storage answers");
        assert!(balances.iter().all(|row| row.available() >= Minor::ZERO));
        self.assert_caps();
        let proof = self.ledger.prove().expect("the storage answers");
        assert!(matches!(proof, Proof::Sound { .. }), "{proof:?}");
    }

    /// Caps and families by brute force over the ledger's own entries.
    #[track_caller]
    fn assert_caps(&self) {
        let mut entries = BTreeMap::new();
        let visit = |entry: &playbook_ledger::Entry<'_>, _: &str, at: UnixMs| match entry.kind {
            EntryKind::Reserve => {
                let (contact, commercial) = (entry.contacts_member, entry.commercial);
                let row = (at.0, entry.family.to_owned(), contact, commercial, entry.priority > 0);
                entries.insert(entry.number, (entry.member, row));
            }
            EntryKind::Release => {
                entry.closes.map(|closed| entries.remove(&closed));
            }
            _ => {}
        };
        self.ledger.extract(&self.cycle(), i64::MAX, visit).expect("the storage answers");
        let mut got: BTreeMap<i64, Vec<_>> = BTreeMap::new();
        for (member, row) in entries.into_values() {
            got.entry(member).or_default().push(row);
        }
        for (member, grants) in got {
            let (mut delivered, mut commercial) = (0, 0);
            for (i, (at, family, contact, is_commercial, _)) in grants.iter().enumerate() {
                let twin = grants[..i]
                    .iter()
                    .find(|(then, other, ..)| other == family && (then - at).abs() < 24 * HOUR_MS);
                assert!(twin.is_none(), "member {member} got `{family}` twice within a day");
                delivered += u32::from(*contact);
                commercial += u32::from(*contact && *is_commercial);
                let within = |window_ms: i64, counts: &dyn Fn(bool, bool) -> bool| {
                    let end = at + window_ms;
                    let counted = grants.iter().filter(|(then, _, contact, commercial, capped)| {
                        *capped && counts(*contact, *commercial) && (*at..end).contains(then)
                    });
                    counted.count()
                };
                assert!(within(DAY_MS, &|contact, _| contact) <= 3, "{member}: {grants:?}");
                assert!(within(DAY_MS, &|c, commercial| c && commercial) <= 1, "{grants:?}");
                assert!(within(7 * DAY_MS, &|c, commercial| c && commercial) <= 2, "{grants:?}");
            }
            let room = (STAGE_CAP * f64::from(delivered)).max(1.0);
            assert!(f64::from(commercial) <= room, "GR-1 of {member}: {grants:?}");
        }
    }
}

#[test]
fn a_plan_has_no_more_money_than_its_stage_may_spend() {
    let mut brand = Brand::new();
    let rules = rules();
    let of = |brand: &Brand, stage| brand.money(NOW).plan_money(stage, Some("burst"), &rules);
    // 20,000 less a tenth, halved; of it nine tenths for the stage, and a fifth in one cycle (GR-7).
    let money = of(&brand, "sale");
    let opened = PlanMoney { pool: Minor(9_000), account: Minor(8_100), share: Minor(1_800) };
    assert_eq!((money, money.budget()), (opened, Minor(1_800)));
    // Grants of the cycle do not change its plan.
    brand.call(NOW, &proposals(&mut Draws(1)));
    assert_eq!(of(&brand, "sale"), opened);
    // Where the account has less than GR-7 allows, the account decides.
    brand = Brand::new();
    brand.plan.plugin_share_max = 0.1;
    assert_eq!(of(&brand, "sale").budget(), Minor(900));
    // A stage without an account, or without a pool, has nothing to plan with.
    assert_eq!(of(&brand, "nobody").budget(), Minor::ZERO);
    assert_eq!(brand.money(NOW).plan_money("sale", None, &rules).budget(), Minor::ZERO);
}

/// A small generator, so that a failing seed can be run again.
pub(crate) struct Draws(pub(crate) u64);

impl Draws {
    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % bound
    }

    fn shuffle<T>(&mut self, items: &mut [T]) {
        for at in (1..items.len()).rev() {
            let other = self.below(at as u64 + 1) as usize;
            items.swap(at, other);
        }
    }
}

/// Proposals of all stages for some members: some cheap, some dear, a few that promise too little.
pub(crate) fn proposals(draws: &mut Draws) -> Vec<Candidate> {
    let mut candidates = Vec::new();
    for row in 0..MEMBERS as u32 {
        for stage in 0..3 {
            for action in 0..3 {
                if draws.below(3) == 0 {
                    continue;
                }
                let cost = draws.below(40) as i64;
                let times = if draws.below(5) == 0 { 1 } else { 3 + draws.below(6) as i64 };
                candidates.push(Candidate {
                    stage,
                    action,
                    row,
                    quantity: 1,
                    cost,
                    expected_output: cost * times,
                    reason: 0,
                    after_min: 0,
                    until_min: None,
                });
            }
        }
    }
    candidates
}

fn new_grants(decisions: &[Decision]) -> usize {
    decisions.iter().filter(|d| d.is_new()).count()
}

#[test]
fn the_same_cycle_again_grants_nothing_new_and_says_what_was_granted_before() {
    for seed in 1..6 {
        let brand = Brand::new();
        let candidates = proposals(&mut Draws(seed));
        let first = brand.call(NOW, &candidates);
        assert!(new_grants(&first.decisions) > 50);
        brand.assert_rules();
        let head = brand.ledger.head().expect("the storage answers");
        let again = brand.call(NOW, &candidates);
        assert_eq!(brand.ledger.head().expect("the storage answers"), head);
        assert_eq!((again.span.decided_at, again.span.booked_to), (head, head));
        for (one, two) in first.decisions.iter().zip(&again.decisions) {
            assert_eq!((one.candidate, one.refusal), (two.candidate, two.refusal));
            assert_eq!(one.refusal.is_none(), two.granted_before);
        }
        assert_eq!(first.accounts, again.accounts);
        // Nothing was settled, and there was no cycle before: what is reserved is what this cycle granted.
        for account in &again.accounts {
            assert_eq!((account.granted, account.spent), (account.reserved, Minor::ZERO));
        }
        let cost = |d: &Decision| if d.refusal.is_none() { d.candidate.cost } else { 0 };
        let granted: i64 = first.decisions.iter().map(cost).sum();
        assert_eq!(again.accounts[0].granted, Minor(granted), "{}", again.accounts[0].path);
    }
}

#[test]
fn a_thousand_calls_of_one_member_each_keep_every_rule_of_the_cycle() {
    for seed in 1..4 {
        let brand = Brand::new();
        let mut draws = Draws(seed);
        let mut calls: Vec<(UnixMs, Vec<Candidate>)> = Vec::new();
        for day in [0, 0, 1, 3, 8] {
            let all = proposals(&mut draws);
            for row in 0..MEMBERS as u32 {
                let own = all.iter().filter(|c| c.row == row).copied().collect();
                calls.push((UnixMs(NOW.0 + day * DAY_MS + i64::from(row) * 1_000), own));
            }
        }
        draws.shuffle(&mut calls);
        let mut granted = BTreeSet::new();
        for (now, candidates) in calls.iter().take(1_000) {
            let answer = brand.call(*now, candidates);
            for d in answer.decisions.iter().filter(|d| d.is_new()) {
                let c = d.candidate;
                assert!(granted.insert((c.stage, c.action, c.row)), "{c:?} was granted twice");
            }
        }
        assert!(granted.len() > 100, "{} grants are too few to try the rules", granted.len());
        brand.assert_rules();
    }
}

#[test]
fn one_money_that_lives_through_many_calls_knows_what_a_new_one_would() {
    let (kept, fresh) = (Brand::new(), Brand::new());
    let money = kept.money(NOW);
    let candidates = proposals(&mut Draws(11));
    for row in 0..60 {
        let own: Vec<Candidate> = candidates.iter().filter(|c| c.row == row).copied().collect();
        let one = kept.ask(&money, &own);
        let other = fresh.call(NOW, &own);
        assert_eq!(one.decisions, other.decisions);
        assert_eq!(one.accounts, other.accounts);
        if row % 7 == 0 {
            // What others book meanwhile is seen, too.
            for brand in [&kept, &fresh] {
                let standing = brand.ledger.standing(&brand.cycle()).expect("it was begun");
                let mut keys: Vec<_> = standing.grants.keys().copied().collect();
                keys.sort();
                let closure = |key: &Digest| {
                    let release = key.0[0].is_multiple_of(2);
                    (*key, if release { Closure::Release } else { Closure::Settle(None) })
                };
                let closures: Vec<_> = keys.iter().take(5).map(closure).collect();
                let turn = brand.ledger.turn().expect("nobody writes");
                turn.close_batch(&brand.cycle(), &closures, NOW).expect("they are grants");
            }
        }
    }
    kept.assert_rules();
}

#[test]
fn other_figures_under_the_same_key_change_nothing() {
    let brand = Brand::new();
    let candidate = proposals(&mut Draws(3))[0];
    let small = Candidate { cost: 5, expected_output: 50, quantity: 1, ..candidate };
    assert_eq!(new_grants(&brand.call(NOW, &[small]).decisions), 1);
    let big = Candidate { cost: 90, expected_output: 900, quantity: 9, ..candidate };
    let later = UnixMs(NOW.0 + 5 * DAY_MS);
    let seen = brand.call(later, &[big]).decisions;
    assert!(seen[0].granted_before);
    assert_eq!(seen[0].candidate, small, "it shows what was booked");
    assert_eq!(brand.ledger.balances().expect("the storage answers")[0].reserved, Minor(5));
}

#[test]
fn a_released_grant_is_refused_and_its_money_goes_to_others() {
    let brand = Brand::new();
    let candidates = proposals(&mut Draws(5));
    let first = brand.call(NOW, &candidates);
    let refused = |decisions: &[Decision], code| {
        decisions.iter().filter(|d| d.refusal.is_some_and(|r| r.code == code)).count()
    };
    assert!(refused(&first.decisions, RefusalCode::R15) > 0, "money was not short");
    let standing = brand.ledger.standing(&brand.cycle()).expect("the cycle was begun");
    let all: Vec<_> = standing.grants.keys().map(|key| (*key, Closure::Release)).collect();
    let turn = brand.ledger.turn().expect("nobody writes");
    turn.close_batch(&brand.cycle(), &all, NOW).expect("they are grants");
    drop(turn);
    let second = brand.call(NOW, &candidates);
    let once = second
        .decisions
        .iter()
        .filter(|d| d.refusal.is_some_and(|r| (r.code, r.rule) == (RefusalCode::R12, "H7")));
    assert_eq!(once.count(), new_grants(&first.decisions));
    assert!(new_grants(&second.decisions) > 0, "what was released is free again");
    brand.assert_rules();
}

#[test]
fn a_freeze_is_told_first_and_a_closed_cycle_before_it() {
    let brand = Brand::new();
    let candidates = proposals(&mut Draws(9));
    let accounts = brand.money(NOW).accounts;
    let freeze = playbook_ledger::Movement::Freeze(accounts.pools["daily"]);
    brand.ledger.move_money(freeze, Digest::of(b"crisis"), NOW).expect("it was open");
    let codes = |decisions: &[Decision], stage: u16| -> BTreeSet<&'static str> {
        let own = decisions.iter().filter(|d| d.candidate.stage == stage);
        // Transactions pass a freeze.
        let own = own.filter(|d| (d.candidate.stage, d.candidate.action) != (0, 2));
        own.map(|d| d.refusal.map_or("", |r| r.code.code())).collect()
    };
    let seen = brand.call(NOW, &candidates).decisions;
    assert_eq!(codes(&seen, 0), BTreeSet::from(["R03"]));
    assert_eq!(codes(&seen, 1), BTreeSet::from(["R03"]));
    assert!(codes(&seen, 2).contains(""), "another pool is open");
    brand.ledger.close_cycle(&brand.cycle(), Digest::of(b"end"), NOW).expect("it was begun");
    let seen = brand.call(NOW, &candidates).decisions;
    assert_eq!(codes(&seen, 0), BTreeSet::from(["R02"]));
    assert_eq!(new_grants(&seen), 0);
}

#[test]
fn an_action_of_once_a_day_has_a_key_a_day_and_others_one_a_cycle() {
    let cycle = CycleRef { playbook: "p".to_owned(), number: 3 };
    let keys = |frequency| {
        let info = ActionInfo { frequency, ..action("points", "points", Priority::Service, false) };
        [20_000, 20_001].map(|day| grant_key(&cycle, day, "stage", &info, 7, None))
    };
    let [first, next] = keys(Frequency::OnceADay);
    assert_ne!(first, next);
    for frequency in [Frequency::OnceACycle, Frequency::OnceAnEvent] {
        let [one, other] = keys(frequency);
        assert_eq!(one, other);
        assert_ne!(one, first);
    }
}
