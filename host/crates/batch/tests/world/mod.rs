//! Builds playbooks for the tests of this crate.
#![allow(dead_code, clippy::unwrap_used, reason = "each test file uses its part")]

use std::collections::BTreeMap;
use std::path::PathBuf;

use playbook_model::{
    Aggregate, AggregateDef, CellType, Definition, Digest, EventFilter, FeatureDef, Grain, Subject,
    Window, Words,
};
use playbook_toml::{
    CycleDef, Dedupe, Guardrails, MapRow, MapType, OnError, OutputDef, Playbook, SourceDef,
    SourceFormat, SourceTable, Transform,
};

pub fn playbook(time_zone: &str) -> Playbook {
    Playbook {
        id: "test".to_owned(),
        brand: "lotus".to_owned(),
        title: Words::default(),
        industry: None,
        currency: "CNY".to_owned(),
        currency_digits: 2,
        time_zone: time_zone.to_owned(),
        seed: 1,
        pseudonym_salt: "salt".to_owned(),
        cycle: CycleDef { as_of: None, length_days: 7 },
        sources: vec![],
        features: vec![],
        stages: vec![],
        budget: None,
        guardrails: guardrails(),
        outputs: OutputDef { languages: vec![], omit_features: vec![] },
        digest: Digest([0; 32]),
        folder: PathBuf::new(),
    }
}

fn guardrails() -> Guardrails {
    Guardrails {
        require_consent: false,
        stage_output: None,
        stage_caps: BTreeMap::new(),
        incentive_ratio_min: 0.0,
        single_investment_max: 1.0,
        commercial_share_max: 1.0,
        contacts_per_member_max: BTreeMap::new(),
        commercial_per_member_max: BTreeMap::new(),
        family_window_h: 0,
        complaint_feature: None,
        churn_output: None,
        age_band_feature: None,
        holdout: 0.0,
    }
}

pub fn source(name: &str, table: SourceTable, path: &str) -> SourceDef {
    SourceDef {
        name: name.to_owned(),
        table,
        path: path.to_owned(),
        format: SourceFormat::Csv { delimiter: b',', header: true },
        columns: vec![],
        mapping: vec![],
        event: None,
        dedupe: Dedupe::EventId,
        rejects_max: 0.0,
        optional: false,
    }
}

pub fn map(from: &str, to: &str, map_type: MapType) -> MapRow {
    MapRow {
        from: Some(from.to_owned()),
        constant: None,
        to: to.to_owned(),
        map_type,
        format: None,
        factor: 1.0,
        transform: Transform::Copy,
        required: false,
        on_error: OnError::Reject,
    }
}

pub fn time(from: &str, to: &str, format: &str) -> MapRow {
    MapRow { format: Some(format.to_owned()), ..map(from, to, MapType::Time) }
}

pub fn feature(name: &str, subject: &str, cell_type: CellType, definition: Definition) -> FeatureDef {
    FeatureDef {
        name: name.to_owned(),
        subject: Subject(subject.to_owned()),
        cell_type,
        unit: String::new(),
        definition,
    }
}

pub fn plain(function: Aggregate, field: Option<&str>) -> AggregateDef {
    AggregateDef {
        over: Grain::Events,
        function,
        filter: EventFilter::default(),
        window: Window::default(),
        field: field.map(str::to_owned),
        by: None,
    }
}

/// A member feature over all events.
pub fn aggregate(name: &str, function: Aggregate, field: Option<&str>) -> FeatureDef {
    let cell_type = playbook_toml::default_cell_type(function);
    feature(name, "member", cell_type, Definition::Aggregate(plain(function, field)))
}
