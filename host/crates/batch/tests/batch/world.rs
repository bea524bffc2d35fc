//! Builds playbooks for the tests of this crate.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use playbook_batch::{BatchOptions, BatchSource};
use playbook_model::{
    Aggregate, AggregateDef, CatalogueDef, CellType, Cells, Container, CycleDef, Dedupe,
    Definition, Digest, EventFilter, FeatureDef, Frame, Grain, Guardrails, MapRow, MapType, Origin,
    OutputDef, Playbook, SourceDef, SourceFormat, SourceTable, Subject, Window, Words,
};

pub(crate) fn playbook(time_zone: &str) -> Playbook {
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
        cycle: CycleDef { as_of: None, length_days: 7, close: None },
        sources: vec![],
        lookups: Vec::new(),
        labels: std::collections::BTreeMap::new(),
        event_kinds: Vec::new(),
        withheld: BTreeMap::new(),
        catalogue: CatalogueDef::default(),
        features: vec![],
        stages: vec![],
        sql: playbook_model::SqlLimits::default(),
        budget: None,
        guardrails: guardrails(),
        outputs: OutputDef::default(),
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
        contacts_per_day_max: BTreeMap::new(),
        commercial_per_day_max: BTreeMap::new(),
        commercial_per_week_max: BTreeMap::new(),
        family_window_h: 0,
        complaint_feature: None,
        churn_output: None,
        fraud_output: None,
        fraud_from: 1.0,
        age_band_feature: None,
        holdout: 0.0,
        ..Guardrails::default()
    }
}

pub(crate) fn source(name: &str, table: SourceTable, path: &str) -> SourceDef {
    SourceDef {
        name: name.to_owned(),
        table,
        path: path.to_owned(),
        origin: Origin::Files,
        container: Container::Rows,
        format: SourceFormat::Csv { delimiter: b',', header: true },
        encoding: None,
        time_zone: None,
        columns: vec![],
        joins: Vec::new(),
        mapping: vec![],
        event: None,
        dedupe: Dedupe::EventId,
        lines: false,
        rejects_max: 0.0,
        optional: false,
    }
}

pub(crate) fn map(from: &str, to: &str, map_type: MapType) -> MapRow {
    MapRow::plain(from, to, map_type)
}

pub(crate) fn time(from: &str, to: &str, format: &str) -> MapRow {
    MapRow { format: Some(format.to_owned()), ..map(from, to, MapType::Time) }
}

pub(crate) fn feature(
    name: &str,
    subject: &str,
    cell_type: CellType,
    definition: Definition,
) -> FeatureDef {
    FeatureDef {
        name: name.to_owned(),
        subject: Subject(subject.to_owned()),
        cell_type,
        unit: String::new(),
        definition,
        about: String::new(),
    }
}

pub(crate) fn plain(function: Aggregate, field: Option<&str>) -> AggregateDef {
    AggregateDef {
        over: Grain::Events,
        function,
        filter: EventFilter::default(),
        window: Window::default(),
        field: field.map(str::to_owned),
        cap: None,
        by: None,
        every_ms: None,
    }
}

/// A folder of data files and a scratch folder, gone after the test.
pub(crate) struct Folder(tempfile::TempDir);

impl Folder {
    pub(crate) fn new(files: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("scratch")).unwrap();
        for (name, text) in files {
            std::fs::write(folder.path().join(name), text).unwrap();
        }
        Self(folder)
    }

    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }

    pub(crate) fn options(&self) -> BatchOptions {
        BatchOptions::new(self.path(), self.path().join("scratch"))
    }

    pub(crate) fn open(&self, playbook: &Playbook) -> BatchSource {
        BatchSource::open(playbook, self.options()).unwrap()
    }
}

/// A column as text, missing cells as "-".
pub(crate) fn cells(frame: &Frame, name: &str) -> Vec<String> {
    let column = frame.column(name).unwrap_or_else(|| panic!("no column {name}"));
    (0..frame.rows())
        .map(|row| match &column.cells {
            _ if !column.is_valid(row) => "-".to_owned(),
            Cells::Integer(values) => values[row].to_string(),
            Cells::Small(values) => values[row].to_string(),
            Cells::Real(values) => values[row].to_string(),
            _ => column.text(row).unwrap().to_owned(),
        })
        .collect()
}

/// A source of events with the usual columns; times are text in the brand's zone.
pub(crate) fn events(path: &str, more: &[(&str, &str, MapType)]) -> SourceDef {
    let mut events = source("events", SourceTable::Events, path);
    events.mapping = vec![
        map("member", "member", MapType::Text),
        map("kind", "kind", MapType::Text),
        map("time", "time", MapType::Time),
    ];
    events.mapping.extend(more.iter().map(|(from, to, map_type)| map(from, to, *map_type)));
    events
}

/// A member feature over all events.
pub(crate) fn aggregate(name: &str, function: Aggregate, field: Option<&str>) -> FeatureDef {
    let cell_type = playbook_model::default_cell_type(function);
    feature(name, "member", cell_type, Definition::Aggregate(plain(function, field)))
}

/// Numbers that look drawn by chance and are the same in every run.
pub(crate) struct Draws(pub(crate) u64);

impl Draws {
    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % bound
    }
}
