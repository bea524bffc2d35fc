//! Small values for tests: two members, a segmentation and an incentive, decisions as a test wants them.

use std::collections::BTreeMap;
use std::path::PathBuf;

use playbook_cycle::{
    Candidate, CycleRun, Decision, Intake, Laps, LedgerSpan, Previous, Refusal, StageGround,
    StageRun, StageUsage, Wiring,
};
use playbook_model::{
    ActionInfo, CatalogueDef, Cells, Column, CycleDef, Description, Digest, Frame, Frequency,
    Guardrails, Kind, OutputDef, Playbook, Priority, ReasonInfo, RefusalCode, SegmentInfo, Shape,
    UnixMs, Words,
};

/// 2026-03-01 in Shanghai.
pub(crate) const AS_OF: UnixMs = UnixMs(1_772_294_400_000);

pub(crate) fn english(text: &str) -> Words {
    Words { en: text.to_owned(), zh: None }
}

pub(crate) fn playbook() -> Playbook {
    Playbook {
        id: "small".to_owned(),
        brand: "lotus".to_owned(),
        title: english("Small"),
        industry: None,
        currency: "CNY".to_owned(),
        currency_digits: 2,
        time_zone: "Asia/Shanghai".to_owned(),
        seed: 1,
        pseudonym_salt: "salt".to_owned(),
        cycle: CycleDef { as_of: None, length_days: 7, close: None },
        sources: Vec::new(),
        lookups: Vec::new(),
        features: Vec::new(),
        stages: Vec::new(),
        sql: playbook_model::SqlLimits::default(),
        budget: None,
        guardrails: Guardrails::default(),
        outputs: OutputDef::default(),
        labels: BTreeMap::new(),
        event_kinds: Vec::new(),
        withheld: BTreeMap::new(),
        catalogue: CatalogueDef::default(),
        digest: Digest([7; 32]),
        folder: PathBuf::new(),
    }
}

pub(crate) fn intake() -> Intake {
    Intake { as_of: AS_OF, local_min: 29_538_240, ..Intake::default() }
}

pub(crate) fn texts(name: &str, values: &[&str]) -> Column {
    let cells = Cells::Text(values.iter().copied().collect());
    Column { name: name.to_owned(), unit: String::new(), cells, valid: None }
}

/// A stage that ran without a fault.
pub(crate) fn stage(position: usize, name: &str, kind: Kind, shape: Shape) -> StageRun {
    let about = Description {
        kind,
        name: name.to_owned(),
        version: "0.1.0".to_owned(),
        summary: Words::default(),
        settings_schema: String::new(),
    };
    StageRun {
        position,
        name: name.to_owned(),
        about,
        digest: Digest([1; 32]),
        shape: shape.into(),
        wiring: Wiring::default().into(),
        ground: StageGround::default(),
        model: None,
        plan: None,
        plan_money: None,
        findings: Vec::new(),
        transfers: Vec::new(),
        transfer_fates: Vec::new(),
        refused_slots: Vec::new(),
        places: Vec::new(),
        usage: StageUsage::default(),
        log: Vec::new(),
        fault: None,
        fault_row: None,
    }
}

/// Members `=a` and `b`, segments `tiers.segment` as given, actions `gift` and `call` of stage `rewards`.
pub(crate) fn run(segments: [&str; 2], decisions: Vec<Decision>) -> CycleRun {
    let mut members = Frame::with_rows(2);
    members.push(texts("member", &["=a", "b"]));
    members.push(texts("tiers.segment", &segments));
    let segment = |name: &str| SegmentInfo { name: name.to_owned(), text: english(name) };
    let tiers = Shape { segments: vec![segment("low"), segment("high")], ..Shape::default() };
    let reason =
        ReasonInfo { code: "near".to_owned(), text: english("Near the next tier, \"soon\"") };
    let rewards = Shape {
        actions: vec![action("gift", false), action("call", true)],
        reasons: vec![reason],
        ..Shape::default()
    };
    CycleRun {
        number: 3,
        members,
        keys: vec![11, 12],
        previous: Previous::default(),
        tables: BTreeMap::new(),
        stages: vec![
            stage(0, "tiers", Kind::Segmentation, tiers),
            stage(1, "rewards", Kind::Incentive, rewards),
        ],
        decisions,
        accounts: Vec::new(),
        ledger: LedgerSpan::default(),
        booked: true,
        laps: Laps::start(),
    }
}

fn action(name: &str, needs_approval: bool) -> ActionInfo {
    ActionInfo {
        name: name.to_owned(),
        priority: Priority::Retention,
        family: name.to_owned(),
        purpose: String::new(),
        commercial: false,
        contacts_member: false,
        frequency: Frequency::OnceACycle,
        needs_approval,
        text: english(name),
    }
}

/// A proposal of `rewards` for a member that costs `cost` and brings twice as much.
pub(crate) fn granted(row: u32, action: u16, cost: i64) -> Decision {
    let candidate = Candidate {
        stage: 1,
        action,
        row,
        quantity: 2,
        cost,
        expected_output: 2 * cost,
        reason: 0,
        after_min: 0,
        until_min: Some(90),
    };
    Decision { candidate, refusal: None, granted_before: false }
}

pub(crate) fn refused(row: u32, action: u16, cost: i64, lost_to: Option<u32>) -> Decision {
    let refusal = Refusal { code: RefusalCode::R14, rule: "H9", lost_to };
    Decision { refusal: Some(refusal), ..granted(row, action, cost) }
}
