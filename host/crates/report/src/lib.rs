//! Report pages: one self-contained HTML file from plain values, with charts drawn as SVG.
//!
//! Knows no storage, no engine and no clock. The same values give the same bytes.

mod bar_chart;
pub mod charts;
mod diff;
mod diff_page;
mod document;
mod number;
mod page;
mod phrases;
mod report;
mod sections;
mod table;

pub use diff::render_diff;

pub use diff_page::{
    ActionPairRow, ChangeRow, DiffFigure, DiffReport, DiffSide, Figure, FigureRow, MemberRow,
    PairRow, WinnersRow,
};
pub use document::{readable, style};
pub use number::{DASH, date_of_day, length, money, share, share_of, short_real, signed, whole};
pub use page::{
    Absence, AllocationRow, BudgetRow, Calibration, Campaign, ContentRow, Currency, Curve,
    DataFindingRow, DimensionRow, Distribution, Effect, Evidence, FindingRow, FlowEnd, FlowMatrix,
    ForecastGroup, GateRow, GoalRow, Goals, GrantRow, Header, Health, Incentives, IndicatorRow,
    IndicatorTarget, IndicatorTile, LevelMark, Maker, OutputRow, Outside, PhaseRow, PlanMoneyRow,
    PluginRow, RefusalRow, Report, Roi, RoiRow, Sample, ScoreRow, Section, SegmentRow,
    Segmentation, SlotRow, SourceRow, StageCell, StageColumn, StageTable, StepRow, Summary,
    TargetRow, TimingRow, Told, TransferRow,
};
pub use phrases::{kind_words, transfer_words};
pub use report::render;
pub use table::Table;

/// Language of a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lang {
    /// English.
    En,
    /// Chinese, traditional characters.
    Zh,
}

impl Lang {
    /// Code as command lines, plugins' words and playbook files write it.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::En => "en",
            Self::Zh => "zh",
        }
    }
}
