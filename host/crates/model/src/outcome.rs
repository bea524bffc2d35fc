//! What became of a plugin call. A guest's fault is a value, never an error of the host.

use std::fmt;

use crate::Problem;

/// Which limit was hit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Limit {
    /// Metered instructions.
    Fuel,
    /// Wall-clock backstop, in milliseconds.
    Deadline,
    /// Linear memory, in bytes.
    Memory,
    /// Call depth.
    Stack,
    /// Returned data, in bytes.
    ReturnedBytes,
    /// Log lines.
    LogLines,
}

impl Limit {
    /// Name as messages and records write it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Fuel => "fuel",
            Self::Deadline => "deadline",
            Self::Memory => "memory",
            Self::Stack => "stack",
            Self::ReturnedBytes => "returned-bytes",
            Self::LogLines => "log-lines",
        }
    }
}

/// A guest's fault.
#[derive(Debug, Clone, PartialEq)]
pub enum Fault {
    /// The plugin said no, in its own words.
    Refusal(String),
    /// The plugin refused its settings.
    Settings(Vec<Problem>),
    /// The guest stopped itself: unreachable, division by zero, out of bounds.
    Trap {
        /// wasmtime's name of the trap.
        trap: String,
        /// Message and place of a panic, where the SDK's hook handed them over.
        panic: Option<String>,
    },
    /// The guest was stopped at a limit.
    LimitHit {
        /// Which one.
        limit: Limit,
        /// What it had used or asked for, in the limit's unit; equal to `max` where only that is known.
        used: u64,
        /// The limit.
        max: u64,
    },
    /// The answer breaks the contract: wrong length, not finite, negative money, out of bounds.
    Malformed(String),
    /// The guest was not called: it failed too often lately.
    BreakerOpen {
        /// In how many milliseconds it may be called again.
        retry_ms: u64,
    },
}

/// Answer of a call, or the guest's fault.
pub type Outcome<T> = Result<T, Fault>;

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refusal(text) => write!(f, "refused: {text}"),
            Self::Settings(problems) => {
                write!(f, "settings refused")?;
                for p in problems {
                    write!(f, "; at `{}`: {}", p.path, p.message)?;
                }
                Ok(())
            }
            Self::Trap { trap, panic: Some(panic) } => write!(f, "trapped ({trap}): {panic}"),
            Self::Trap { trap, panic: None } => write!(f, "trapped ({trap})"),
            Self::LimitHit { limit, used, max } => {
                write!(f, "stopped at the {} limit (used {used}, limit {max})", limit.name())
            }
            Self::Malformed(text) => write!(f, "malformed answer: {text}"),
            Self::BreakerOpen { retry_ms } => {
                let seconds = retry_ms.div_ceil(1_000);
                write!(f, "not called for {seconds} s more: it failed too often lately")
            }
        }
    }
}
