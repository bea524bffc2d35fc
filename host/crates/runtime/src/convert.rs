//! Moves values between the types that are generated for the engine and those of the contract; flat columns are never copied here.

use playbook_contract as model;
use playbook_contract::Columns;

use crate::bindings::playbook::plugin::types as wit;

// ---- to the guest ------------------------------------------------------------------------------

pub(crate) fn context(from: &model::Context) -> wit::Context {
    wit::Context { now: from.now, local_min: from.local_min, seed: from.seed }
}

/// Wide columns as the guest takes them; they borrow from `columns` and must outlive [`batch`].
pub(crate) fn wides(columns: &Columns) -> Option<Vec<wit::WideParam<'_>>> {
    columns.wides.as_ref().map(|wides| wides.iter().map(wide).collect())
}

fn wide(from: &model::Wide) -> wit::WideParam<'_> {
    match from {
        model::Wide::Text(cells) => wit::WideParam::Text(text_cells(cells)),
        model::Wide::Reals(cells) => {
            wit::WideParam::Reals(wit::RealListsParam { ends: &cells.ends, values: &cells.values })
        }
        model::Wide::Integers(cells) => wit::WideParam::Integers(wit::IntegerListsParam {
            ends: &cells.ends,
            values: &cells.values,
        }),
        model::Wide::Texts(cells) => wit::WideParam::Texts(wit::TextListsParam {
            ends: &cells.ends,
            values: text_cells(&cells.values),
        }),
    }
}

fn text_cells(from: &model::TextCells) -> wit::TextCellsParam<'_> {
    wit::TextCellsParam { ends: &from.ends, bytes: &from.bytes }
}

pub(crate) fn batch<'a>(
    from: &'a model::Batch,
    wides: Option<&'a [wit::WideParam<'a>]>,
) -> wit::Batch<'a> {
    wit::Batch { rows: from.rows, columns: lent(&from.columns, wides) }
}

pub(crate) fn table<'a>(
    from: &'a model::Batch,
    wides: Option<&'a [wit::WideParam<'a>]>,
) -> wit::Table<'a> {
    wit::Table { rows: from.rows, columns: lent(&from.columns, wides) }
}

fn lent<'a>(from: &'a Columns, wides: Option<&'a [wit::WideParam<'a>]>) -> wit::ColumnsParam<'a> {
    wit::ColumnsParam {
        reals: &from.reals,
        integers: &from.integers,
        valid: from.valid.as_deref(),
        wides,
    }
}

// ---- from the guest ----------------------------------------------------------------------------

pub(crate) fn columns(from: wit::ColumnsResult) -> Columns {
    Columns {
        reals: from.reals,
        integers: from.integers,
        valid: from.valid,
        wides: from.wides.map(|wides| wides.into_iter().map(wide_back).collect()),
    }
}

fn wide_back(from: wit::WideResult) -> model::Wide {
    match from {
        wit::WideResult::Text(cells) => model::Wide::Text(text_cells_back(cells)),
        wit::WideResult::Reals(cells) => {
            model::Wide::Reals(model::ListCells { ends: cells.ends, values: cells.values })
        }
        wit::WideResult::Integers(cells) => {
            model::Wide::Integers(model::ListCells { ends: cells.ends, values: cells.values })
        }
        wit::WideResult::Texts(cells) => model::Wide::Texts(model::TextLists {
            ends: cells.ends,
            values: text_cells_back(cells.values),
        }),
    }
}

fn text_cells_back(from: wit::TextCellsResult) -> model::TextCells {
    model::TextCells { ends: from.ends, bytes: from.bytes }
}

pub(crate) fn row_answer(from: wit::RowAnswer) -> model::RowAnswer {
    model::RowAnswer { columns: columns(from.columns), reasons: from.reasons }
}

pub(crate) fn segments(from: wit::Segments) -> model::Segments {
    model::Segments { segment: from.segment, answer: row_answer(from.answer) }
}

pub(crate) fn proposals(from: wit::Proposals) -> model::Proposals {
    model::Proposals {
        row: from.row,
        action: from.action,
        quantity: from.quantity,
        cost: from.cost,
        expected_output: from.expected_output,
        reason: from.reason,
        after_min: from.after_min,
        until_min: from.until_min,
    }
}

pub(crate) fn factors(from: Vec<wit::Factor>) -> Vec<model::Factor> {
    from.into_iter()
        .map(|f| model::Factor { input: f.input, output: f.output, contribution: f.contribution })
        .collect()
}

pub(crate) fn table_answer(from: wit::TableAnswer) -> model::TableAnswer {
    model::TableAnswer {
        tables: from.tables.into_iter().map(columns).collect(),
        findings: from.findings.into_iter().map(finding).collect(),
        transfers: from.transfers.into_iter().map(transfer).collect(),
    }
}

fn place(from: wit::Place) -> model::Place {
    model::Place { table: from.table, row: from.row }
}

fn level(from: wit::Level) -> model::Level {
    match from {
        wit::Level::None => model::Level::None,
        wit::Level::Watch => model::Level::Watch,
        wit::Level::Warn => model::Level::Warn,
        wit::Level::Critical => model::Level::Critical,
    }
}

fn finding(from: wit::Finding) -> model::Finding {
    model::Finding {
        level: level(from.level),
        reason: from.reason,
        place: from.place.map(place),
        value: from.value,
        threshold: from.threshold,
        suggests: from.suggests,
    }
}

fn transfer(from: wit::Transfer) -> model::Transfer {
    model::Transfer {
        table: from.table,
        from_row: from.from_row,
        to_row: from.to_row,
        amount: from.amount,
        reason: from.reason,
    }
}

pub(crate) fn plan(from: wit::CampaignPlan) -> model::CampaignPlan {
    model::CampaignPlan {
        phases: from
            .phases
            .into_iter()
            .map(|p| model::Phase {
                name: p.name,
                first_day: p.first_day,
                days: p.days,
                budget: p.budget,
                reason: p.reason,
            })
            .collect(),
        allocations: from
            .allocations
            .into_iter()
            .map(|a| model::Allocation { phase: a.phase, place: place(a.place), amount: a.amount })
            .collect(),
        content: from
            .content
            .into_iter()
            .map(|c| model::ContentShare {
                phase: c.phase,
                mix: c.mix,
                category: c.category,
                least: c.least,
                target: c.target,
                most: c.most,
            })
            .collect(),
        slots: from.slots.into_iter().map(slot).collect(),
        gates: from.gates.into_iter().map(gate).collect(),
        findings: from.findings.into_iter().map(finding).collect(),
    }
}

fn slot(from: wit::Slot) -> model::Slot {
    model::Slot {
        phase: from.phase,
        day: from.day,
        minute: from.minute,
        place: from.place.map(place),
        format: from.format,
        layer: from.layer,
        theme: from.theme,
        commercial: from.commercial,
    }
}

fn gate(from: wit::Gate) -> model::Gate {
    model::Gate {
        phase: from.phase,
        metric: from.metric,
        comparison: match from.comparison {
            wit::Comparison::AtLeast => model::Comparison::AtLeast,
            wit::Comparison::MoreThan => model::Comparison::MoreThan,
            wit::Comparison::AtMost => model::Comparison::AtMost,
            wit::Comparison::LessThan => model::Comparison::LessThan,
        },
        value: from.value,
        sample_min: from.sample_min,
    }
}

pub(crate) fn problems(from: Vec<wit::Problem>) -> Vec<model::Problem> {
    from.into_iter()
        .map(|p| model::Problem { path: p.path, message: p.message, hint: p.hint })
        .collect()
}

pub(crate) fn fit_step(from: wit::FitStep) -> model::FitStep {
    match from {
        wit::FitStep::Model(fitted) => model::FitStep::Model(model::Fitted {
            model: fitted.model,
            measures: fitted
                .measures
                .into_iter()
                .map(|m| model::Measure { name: m.name, value: m.value })
                .collect(),
        }),
        wit::FitStep::Again(carried) => model::FitStep::Again(carried),
        wit::FitStep::Refused(why) => model::FitStep::Refused(why),
    }
}

fn words(from: wit::Words) -> model::Words {
    model::Words { en: from.en, zh: from.zh }
}

pub(crate) fn description(from: wit::Description) -> model::Description {
    model::Description {
        kind: match from.kind {
            wit::Kind::Scoring => model::Kind::Scoring,
            wit::Kind::Segmentation => model::Kind::Segmentation,
            wit::Kind::Incentive => model::Kind::Incentive,
            wit::Kind::Campaign => model::Kind::Campaign,
            wit::Kind::Roi => model::Kind::Roi,
            wit::Kind::Diagnosis => model::Kind::Diagnosis,
        },
        name: from.name,
        version: from.version,
        summary: words(from.summary),
        settings_schema: from.settings_schema,
    }
}

fn cell_type(from: wit::CellType) -> model::CellType {
    match from {
        wit::CellType::Real => model::CellType::Real,
        wit::CellType::Integer => model::CellType::Integer,
        wit::CellType::Category => model::CellType::Category,
        wit::CellType::Text => model::CellType::Text,
        wit::CellType::Reals => model::CellType::Reals,
        wit::CellType::Integers => model::CellType::Integers,
        wit::CellType::Texts => model::CellType::Texts,
    }
}

fn need(from: wit::Need) -> model::Need {
    model::Need {
        source: match from.source {
            wit::Source::Feature(name) => model::Source::Feature(name),
            wit::Source::Output(name) => model::Source::Output(name),
            wit::Source::Previous(previous) => model::Source::Previous(previous),
            wit::Source::Key => model::Source::Key,
        },
        cell_type: cell_type(from.cell_type),
        unit: from.unit,
        required: from.required,
        categories: from.categories,
    }
}

fn table_need(from: wit::TableNeed) -> model::TableNeed {
    model::TableNeed {
        subject: from.subject,
        columns: from.columns.into_iter().map(need).collect(),
    }
}

fn produce(from: wit::Produce) -> model::Produce {
    model::Produce {
        name: from.name,
        role: role(from.role),
        group: from.group,
        input: from.input,
        table: from.table,
        cell_type: cell_type(from.cell_type),
        unit: from.unit,
        least: from.least,
        most: from.most,
        categories: from.categories,
        bounds: from.bounds,
        alarms: from.alarms.into_iter().map(level).collect(),
        meaning: words(from.meaning),
    }
}

fn role(from: wit::Role) -> model::Role {
    match from {
        wit::Role::Other => model::Role::Other,
        wit::Role::Score => model::Role::Score,
        wit::Role::Indicator => model::Role::Indicator,
        wit::Role::Dimension => model::Role::Dimension,
        wit::Role::Total => model::Role::Total,
        wit::Role::Level => model::Role::Level,
        wit::Role::Segment => model::Role::Segment,
        wit::Role::Value => model::Role::Value,
        wit::Role::ReturnOnCost => model::Role::ReturnOnCost,
        wit::Role::Probability => model::Role::Probability,
        wit::Role::Coverage => model::Role::Coverage,
    }
}

fn action(from: wit::ActionInfo) -> model::ActionInfo {
    model::ActionInfo {
        name: from.name,
        priority: match from.priority {
            wit::Priority::Transaction => model::Priority::Transaction,
            wit::Priority::Service => model::Priority::Service,
            wit::Priority::Retention => model::Priority::Retention,
            wit::Priority::Campaign => model::Priority::Campaign,
            wit::Priority::Content => model::Priority::Content,
            wit::Priority::Promotion => model::Priority::Promotion,
        },
        family: from.family,
        purpose: from.purpose,
        commercial: from.commercial,
        contacts_member: from.contacts_member,
        frequency: match from.frequency {
            wit::Frequency::OnceACycle => model::Frequency::OnceACycle,
            wit::Frequency::OnceADay => model::Frequency::OnceADay,
            wit::Frequency::OnceAnEvent => model::Frequency::OnceAnEvent,
        },
        needs_approval: from.needs_approval,
        text: words(from.text),
    }
}

pub(crate) fn shape(from: wit::Shape) -> model::Shape {
    model::Shape {
        rows: from.rows.map(table_need),
        tables: from.tables.into_iter().map(table_need).collect(),
        produces: from.produces.into_iter().map(produce).collect(),
        segments: from
            .segments
            .into_iter()
            .map(|s| model::SegmentInfo { name: s.name, text: words(s.text) })
            .collect(),
        actions: from.actions.into_iter().map(action).collect(),
        reasons: from
            .reasons
            .into_iter()
            .map(|r| model::ReasonInfo { code: r.code, text: words(r.text) })
            .collect(),
        terms: from
            .terms
            .into_iter()
            .map(|t| model::Term { name: t.name, text: words(t.text) })
            .collect(),
        fit_passes_max: from.fit_passes_max,
    }
}
