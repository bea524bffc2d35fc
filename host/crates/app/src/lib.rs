//! What can be done with a playbook: load it, run a cycle, compare two, repeat or explain one; what a run leaves
//! behind.
//!
//! Reads no command line and prints nothing: what is worth saying is a value, what went wrong an [`AppError`].

mod artefacts;
mod check;
mod clock;
mod closing;
mod compare;
mod counts;
mod data;
mod deliver;
mod diagnosis;
mod error;
mod evidence;
mod explain;
mod finished;
mod fixture;
mod guards;
mod home;
mod host;
mod init;
mod inputs;
mod job;
mod outputs;
mod page;
mod places;
mod replay;
mod run;
mod serve;
mod shared;
#[cfg(test)]
mod small;
mod stages;
mod state;
mod taking;
mod versions;
mod webhooks;
mod write;

pub use artefacts::{named_by, policy};
pub use check::{warnings, windows};
pub use clock::shown;
pub use compare::{Side, compare, diff};
pub use counts::{Counts, Granted, OfAction, OfCode};
pub use data::{
    BackedUp, BrandMark, Exported, FileMark, Imported, back_up, brand_state, check_layout, export,
    import, open_data, restore,
};
pub use deliver::{Delivery, deliver};
pub use error::{AppError, Result};
pub use evidence::{
    Invocation, LedgerMark, Recorded, RecordedFile, RecordedPlugin, Recording, SavedFiles,
    SavedOverride, read_output, read_record,
};
pub use explain::{
    DecisionSaid, Explanation, FactorSaid, OutputSaid, Reason, RefusalSaid, StageSaid, explain,
};
pub use finished::Finished;
pub use fixture::{Fixture, Wanted, fixture};
pub use home::{Home, Installed};
pub use host::{Host, Pinned, Stages, looking};
pub use init::{
    Beyond, Draft, DraftJoin, DraftLookup, DraftRow, DraftSource, InitError, Known, LeftOut, Look,
    Looked, Meaning, TakenIn, TakenSource, draft_of, init, look_into, mapping, take_in,
};
pub use inputs::InputSaid;
pub use job::Job;
pub use outputs::words_json;
pub use page::{PageFacts, report};
pub use places::{Kept, PlaceError, RUN_FILE, check_results, check_written};
pub use replay::{Differences, replay};
pub use run::{check_job, execute, run};
pub use serve::{ServeOptions, Watched, open_brand, system_clock};
pub use shared::shared_ledgers;
pub use state::ledger_path;
pub use versions::{Change, Offer, Weight, changes, is_compatible, next_version, weight};
pub use webhooks::webhook;
