//! Records of the contract as authors use them.

pub use playbook_contract::{
    ActionInfo, Allocation, Batch, CampaignPlan, CellType, Columns, Comparison, ContentShare,
    Context, Description, Factor, Finding, FitStep, Fitted, Frequency, Gate, IntegerLists, Kind,
    Level, Measure, NONE_INDEX, Need, Opening, Phase, Place, Priority, Problem, Produce, Proposals,
    RealLists, ReasonInfo, Role, RowAnswer, SegmentInfo, Segments, Shape, Slot, Source, Starting,
    Table, TableAnswer, TableNeed, Term, TextCells, TextLists, Transfer, Wide, Words,
};
