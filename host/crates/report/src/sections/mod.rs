//! The sections of a report page, one file for each theme.

mod campaign;
mod curves;
mod evidence;
mod findings;
mod flows;
mod goals;
mod health;
mod incentives;
mod indicators;
mod scores;
mod segments;
mod stage_table;
mod summary;
mod targets;
mod value;

pub(crate) use campaign::campaign;
pub(crate) use curves::{curves, effects};
pub(crate) use evidence::{evidence, intake, plugins, timings};
pub(crate) use findings::{data_findings, findings};
pub(crate) use flows::{MatrixWords, matrix};
pub(crate) use goals::goals;
pub(crate) use health::health;
pub(crate) use incentives::{budgets, grants};
pub(crate) use indicators::indicators;
pub(crate) use scores::scores;
pub(crate) use segments::segments;
pub(crate) use summary::{head, summary};
pub(crate) use targets::targets;
pub(crate) use value::roi;
