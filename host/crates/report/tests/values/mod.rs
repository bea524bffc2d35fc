//! Small reports in which every text is the one that is asked for.

use std::collections::BTreeMap;

use playbook_model::{
    Digest, GoalState, Kind, Level, Minor, RefusalCode, TargetState, TransferFate, TransferRefusal,
    Words,
};
use playbook_report::{
    ActionPairRow, AllocationRow, BudgetRow, Calibration, Campaign, ChangeRow, ContentRow,
    Currency, Curve, DataFindingRow, DiffFigure, DiffReport, DiffSide, DimensionRow, Distribution,
    Effect, Evidence, Figure, FigureRow, FindingRow, FlowEnd, FlowMatrix, ForecastGroup, GateRow,
    GoalRow, Goals, GrantRow, Header, Health, Incentives, IndicatorRow, IndicatorTarget,
    IndicatorTile, LevelMark, Maker, MemberRow, OutputRow, Outside, PairRow, PhaseRow,
    PlanMoneyRow, PluginRow, RefusalRow, Report, Roi, RoiRow, Sample, ScoreRow, Section,
    SegmentRow, Segmentation, SlotRow, SourceRow, StageCell, StageColumn, StageTable, StepRow,
    Summary, TargetRow, Told, TransferRow, WinnersRow,
};

fn words(text: &str) -> Words {
    Words { en: text.to_owned(), zh: None }
}

fn flows(text: &str) -> FlowMatrix {
    FlowMatrix {
        from: vec![FlowEnd::Segment(words(text)), FlowEnd::Joined],
        to: vec![FlowEnd::Segment(words(text)), FlowEnd::Left, FlowEnd::Unassigned],
        members: vec![vec![70, 3, 1], vec![12, 0, 0]],
    }
}

fn currency(text: &str) -> Currency {
    Currency { code: text.to_owned(), digits: 2 }
}

fn data_finding(text: &str) -> DataFindingRow {
    DataFindingRow { source: text.to_owned(), count: 1_234, words: words(text) }
}

fn target(text: &str) -> TargetRow {
    TargetRow {
        words: words(text),
        name: text.to_owned(),
        value: Some(0.31),
        unit: text.to_owned(),
        comparison: text.to_owned(),
        target: 0.2,
        state: TargetState::Met,
        source: text.to_owned(),
        form: false,
    }
}

pub(crate) fn goals(text: &str) -> Goals {
    let goal = |state, value: Option<f64>| GoalRow {
        words: words(text),
        metric: text.to_owned(),
        unit: text.to_owned(),
        value,
        baseline: 1_000.0,
        from: text.to_owned(),
        target: 1_200.0,
        deadline: text.to_owned(),
        path: [1_100.0, 1_150.0, 1_200.0],
        progress: value.map(|value| (value - 1_000.0) / 200.0),
        state,
        reserved: Minor(2_000_000),
        serves: vec![text.to_owned()],
        objective: text.to_owned(),
    };
    Goals {
        values: vec![(text.to_owned(), words(text)), ("idle".to_owned(), words("nobody's"))],
        rows: vec![
            goal(GoalState::Reached, Some(1_210.0)),
            goal(GoalState::Late, Some(1_050.0)),
            goal(GoalState::NoData, None),
        ],
        campaigns: vec![(text.to_owned(), vec![text.to_owned()])],
    }
}

pub(crate) fn curve(text: &str) -> Curve {
    Curve {
        words: words(text),
        along: words(text),
        feature: text.to_owned(),
        subject: text.to_owned(),
        unit: "ratio".to_owned(),
        bands: vec!["0".to_owned(), "1-3".to_owned(), text.to_owned()],
        rows: vec![(text.to_owned(), vec![Some(0.0125), None, Some(0.3175)])],
    }
}

pub(crate) fn calibration(text: &str) -> Calibration {
    let group = |members, foreseen, came| ForecastGroup { members, foreseen, came };
    Calibration {
        words: words(text),
        output: text.to_owned(),
        came: text.to_owned(),
        groups: vec![group(20, 0.25, 0.45), group(20, 0.75, 0.75)],
    }
}

pub(crate) fn effect(text: &str) -> Effect {
    let sample = |share: i32| {
        let mut sample = Sample::default();
        (0..100).for_each(|n| sample.add(f64::from(n % 100 < share)));
        sample
    };
    let few = {
        let mut few = Sample::default();
        few.add(1.0);
        few
    };
    Effect {
        feature: text.to_owned(),
        unit: "ratio".to_owned(),
        segments: vec![[sample(25), sample(10)], [sample(50), few]],
        all: [sample(25), sample(10)],
    }
}

pub(crate) fn report_of(text: &str) -> Report {
    let t = || text.to_owned();
    Report {
        header: Header {
            brand: t(),
            title: words(text),
            as_of: t(),
            cycle: t(),
            run_id: t(),
            playbook_digest: Digest::of(b"playbook"),
            dry_run: true,
            currency: currency(text),
        },
        data_findings: vec![data_finding(text)],
        labels: BTreeMap::new(),
        summary: Summary {
            members: 86,
            active: Told::Value(40),
            orders: Told::Value(12),
            revenue: Told::Value(Minor(123_456_789)),
            grants: 9,
            refused: 4,
            grants_cost: Minor(4_500),
            cost: Told::Value(Minor(90_000)),
            roi: Some(1.98),
            health: None,
            health_most: None,
            health_level: None,
        },
        findings: Section::Filled(findings(text)),
        segmentation: Section::Filled(vec![segmentation(text)]),
        scores: Section::Filled(scores(text)),
        incentives: Section::Filled(incentives(text)),
        budgets: Section::Filled(vec![BudgetRow {
            path: vec![t(), t()],
            allocated: Minor(100_000),
            taken_before: Minor(40_000),
            granted: Minor(60_005),
            reserved: Minor(70_005),
            settled: Minor(30_000),
            available: Minor(-5),
        }]),
        campaign: Section::Filled(campaign(text)),
        roi: Section::Filled(Roi {
            rows: vec![roi(text, "channel", Some(1.2)), roi(text, text, None)],
            transfers: vec![TransferRow {
                stage: t(),
                subject: t(),
                from: t(),
                to: t(),
                amount: Minor(12_345),
                fate: TransferFate::Refused(TransferRefusal::Floor),
                words: words(text),
            }],
        }),
        indicators: indicators(text),
        targets: vec![target(text)],
        goals: goals(text),
        curves: vec![curve(text)],
        calibrations: vec![calibration(text)],
        health: Section::Filled(vec![health(text)]),
        tables: [Kind::Diagnosis, Kind::Roi].map(|kind| stage_table(text, kind)).to_vec(),
        plugins: vec![PluginRow {
            stage: t(),
            plugin: t(),
            version: t(),
            kind: Kind::Scoring,
            digest: Digest::of(b"component"),
            calls: 3,
            rows: 86,
            fuel: Some(91_204),
            faults: 1,
            wall_ms: None,
        }],
        intake: vec![SourceRow {
            source: t(),
            format: t(),
            read: 1_003,
            kept: 1_000,
            rejected: 2,
            duplicates: 1,
            reasons: vec![(t(), 2)],
        }],
        evidence: Evidence {
            digests: vec![(t(), Digest::of(b"input"))],
            host_version: t(),
            engine: t(),
            seed: 7,
            replay_command: t(),
        },
        timings: None,
    }
}

pub(crate) fn segmentation(text: &str) -> Segmentation {
    Segmentation {
        stage: text.to_owned(),
        plugin: text.to_owned(),
        segments: vec![SegmentRow {
            name: text.to_owned(),
            words: words(text),
            members: 82,
            members_before: Some(74),
            revenue: Some(Minor(123_456_789)),
            grants: 9,
        }],
        unassigned: 1,
        unassigned_grants: 2,
        effects: vec![effect(text)],
        flows: Section::Filled(flows(text)),
    }
}

fn findings(text: &str) -> Vec<FindingRow> {
    [Level::Watch, Level::Critical, Level::None, Level::Warn]
        .into_iter()
        .map(|level| FindingRow {
            level,
            plugin: text.to_owned(),
            rule: text.to_owned(),
            words: words(text),
            place: text.to_owned(),
            value: Some(0.5),
            threshold: Some(0.25),
            suggests: vec![words(text)],
        })
        .collect()
}

fn scores(text: &str) -> Vec<ScoreRow> {
    let row = |distribution, quantiles| ScoreRow {
        plugin: text.to_owned(),
        leads: true,
        output: text.to_owned(),
        meaning: words(text),
        unit: text.to_owned(),
        distribution,
        missing: 2,
        mean: Some(0.5),
        quantiles,
    };
    vec![
        row(
            Distribution::Bins {
                edges: vec![0.0, 0.5, 1.0],
                counts: vec![60, 24],
                outside: Outside { below: 1, least: -7e6, above: 3, most: 1e9 },
            },
            Some([0.1, 0.4, 0.9]),
        ),
        row(Distribution::Categories(vec![(words(text), 84)]), None),
        row(
            Distribution::Bins { edges: vec![], counts: vec![], outside: Outside::default() },
            None,
        ),
    ]
}

fn incentives(text: &str) -> Incentives {
    Incentives {
        grants: vec![GrantRow {
            plugin: text.to_owned(),
            action: text.to_owned(),
            words: words(text),
            proposed: 13,
            granted: 9,
            granted_before: 0,
            quantity: 900,
            cost: Minor(4_500),
            expected_output: Minor(18_000),
        }],
        refusals: vec![RefusalRow {
            code: RefusalCode::R05,
            proposals: 4,
            cost: Minor(2_000),
            detail: Some(words(text)),
        }],
    }
}

fn campaign(text: &str) -> Campaign {
    let t = || text.to_owned();
    Campaign {
        plugin: t(),
        terms: Vec::new(),
        day_zero: 20_513,
        phases: vec![PhaseRow {
            name: t(),
            reason: words(text),
            first_day: 1,
            days: 7,
            budget: Minor(10_000),
        }],
        allocations: vec![AllocationRow { phase: 0, place: t(), amount: Minor(10_000) }],
        money: Some(PlanMoneyRow {
            pool: Minor(50_000),
            account: Minor(25_000),
            share: Minor(10_000),
        }),
        content: vec![ContentRow {
            phase: 0,
            mix: t(),
            category: t(),
            least: 0.9,
            target: 0.95,
            most: 1.0,
        }],
        slots: vec![SlotRow {
            phase: 9,
            day: 3,
            minute: 1_230,
            place: t(),
            format: t(),
            layer: t(),
            theme: t(),
            commercial: true,
        }],
        gates: vec![GateRow { phase: 0, metric: t(), comparison: t(), value: 0.2, sample_min: 30 }],
    }
}

fn roi(text: &str, subject: &str, value: Option<f64>) -> RoiRow {
    RoiRow {
        plugin: text.to_owned(),
        meaning: words(text),
        subject: subject.to_owned(),
        name: words(text),
        revenue: Some(Minor(123_456_789)),
        cost: Some(Minor(90_000)),
        roi: value,
        floor: Some(1.5),
    }
}

fn steps(text: &str) -> Vec<StepRow> {
    let step = |count| StepRow { words: words(text), count };
    vec![step(Some(400.0)), step(Some(100.0)), step(None)]
}

pub(crate) fn indicators(text: &str) -> Vec<IndicatorTile> {
    let tile = |name: &str, value, before, maker| IndicatorTile {
        words: words(text),
        name: name.to_owned(),
        unit: "ratio".to_owned(),
        value,
        before,
        target: None,
        maker,
    };
    let target =
        IndicatorTarget { comparison: ">=".to_owned(), value: 0.25, state: TargetState::Near };
    let output = Maker::Output {
        plugin: text.to_owned(),
        digest: Digest::of(text.as_bytes()),
        meaning: words(text),
    };
    vec![
        IndicatorTile {
            target: Some(target),
            ..tile(text, Some(0.24), Some(0.2), Maker::Feature { about: text.to_owned() })
        },
        tile("card.total", Some(0.2), Some(0.2), output),
        tile("nps", None, Some(0.1), Maker::Feature { about: String::new() }),
        tile("budget.use", Some(0.1), None, Maker::Host),
    ]
}

pub(crate) fn stage_table(text: &str, kind: Kind) -> StageTable {
    let column = |cells| StageColumn {
        words: words(text),
        unit: "ratio".to_owned(),
        scale: Some((0.0, 1.0)),
        cells,
    };
    let mark = LevelMark { words: words(text), alarm: None };
    StageTable {
        plugin: text.to_owned(),
        kind,
        judges: true,
        subject: text.to_owned(),
        rows: vec![text.to_owned(), "b".to_owned()],
        rows_left_out: 3,
        columns: vec![
            column(vec![StageCell::Number(0.5), StageCell::Missing]),
            column(vec![StageCell::Level(mark), StageCell::Words(words(text))]),
            column(vec![StageCell::Missing, StageCell::Missing]),
        ],
    }
}

fn health(text: &str) -> Health {
    let level = |alarm| Some(LevelMark { words: words(text), alarm: Some(alarm) });
    let dimension = |score: Option<f64>| DimensionRow {
        words: words(text),
        score,
        level: score.and(level(Level::Watch)),
        score_before: score,
    };
    let indicator = |dimension, value, score| IndicatorRow {
        dimension,
        words: words(text),
        feature: text.to_owned(),
        unit: text.to_owned(),
        value,
        score,
        level: score.and(level(Level::None)),
    };
    Health {
        plugin: text.to_owned(),
        steps: steps(text),
        total: None,
        most: Some(5.0),
        level: level(Level::Watch),
        dimensions: vec![
            dimension(Some(3.0)),
            dimension(Some(4.1)),
            dimension(Some(1.5)),
            dimension(None),
        ],
        indicators: vec![indicator(Some(0), Some(0.2), Some(3.0)), indicator(Some(3), None, None)],
        others: vec![
            OutputRow { words: words(text), value: Some(words(text)) },
            OutputRow { words: words(text), value: None },
        ],
    }
}

pub(crate) fn diff_of(text: &str) -> DiffReport {
    let t = || text.to_owned();
    let side = |name: &[u8]| DiffSide {
        title: words(text),
        origin: t(),
        playbook_digest: Digest::of(name),
    };
    let pair = || Section::Filled(vec![PairRow { name: words(text), a: Some(1.5), b: Some(2.0) }]);
    DiffReport {
        brand: t(),
        as_of: t(),
        currency: currency(text),
        input_digest: Digest::of(b"input"),
        data_findings: vec![data_finding(text)],
        a: side(b"a"),
        b: side(b"b"),
        changes: vec![ChangeRow { path: t(), a: t(), b: String::new() }],
        figures: vec![
            FigureRow {
                what: DiffFigure::Grants,
                a: Some(Figure::Count(10)),
                b: Some(Figure::Count(8)),
            },
            FigureRow {
                what: DiffFigure::Spend,
                a: Some(Figure::Money(Minor(1_000))),
                b: Some(Figure::Money(Minor(1_500))),
            },
            FigureRow {
                what: DiffFigure::Other(words(text)),
                a: Some(Figure::Share(0.5)),
                b: None,
            },
            FigureRow {
                what: DiffFigure::Roi,
                a: Some(Figure::Ratio(2.0)),
                b: Some(Figure::Ratio(2.5)),
            },
        ],
        migration: Section::Filled(flows(text)),
        winners: Section::Filled(vec![WinnersRow {
            segment: words(text),
            members: 86,
            win: 20,
            lose: 6,
            spend_a: Minor(1_000),
            spend_b: Minor(1_500),
        }]),
        members: vec![MemberRow {
            member: t(),
            segment_a: words(text),
            segment_b: words(text),
            spend_a: Minor(0),
            spend_b: Minor(500),
        }],
        actions: Section::Filled(vec![ActionPairRow {
            words: words(text),
            grants_a: 10,
            grants_b: 8,
            spend_a: Minor(1_000),
            spend_b: Minor(1_500),
        }]),
        roi: pair(),
        health: pair(),
    }
}
