//! What this room counts of itself: requests by operation and status, and who was held back.

use std::sync::atomic::{AtomicU64, Ordering};

use axum::http::StatusCode;
use playbook_model::{Distribution, Histogram};

use crate::codes::Code;
use crate::operations::{OPERATIONS, Operation};
use crate::role::Role;

/// Microseconds of requests.
const REQUEST_BOUNDS: &[u64] = &[
    250, 500, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 500_000, 1_000_000,
    2_500_000, 10_000_000,
];
/// Why requests are held back.
const HELD: [Code; 4] =
    [Code::KeyRateExceeded, Code::KeyBusy, Code::BrandRateExceeded, Code::BrandBusy];
/// Status codes by their first digit.
const CLASSES: [&str; 5] = ["1xx", "2xx", "3xx", "4xx", "5xx"];
/// What requests are called that asked for no operation.
const NO_OPERATION: &str = "none";

/// Counts of all requests.
#[derive(Debug)]
pub(crate) struct Meters {
    /// One for each operation, in the order of the table, and one for requests without.
    requests: Box<[RequestMeter]>,
    held: [AtomicU64; HELD.len()],
    /// Calls that a role may not make, in the order of the roles.
    denied: [AtomicU64; Role::ALL.len()],
}

#[derive(Debug)]
struct RequestMeter {
    classes: [AtomicU64; CLASSES.len()],
    micros: Histogram,
}

/// What requests for one operation came to.
#[derive(Debug)]
pub(crate) struct RequestFigures {
    pub(crate) operation: &'static str,
    /// Class of the status with the number of answers.
    pub(crate) classes: [(&'static str, u64); CLASSES.len()],
    /// Microseconds until the head of the answer went out.
    pub(crate) micros: Distribution,
}

impl Meters {
    pub(crate) fn new() -> Self {
        let requests = (0..=OPERATIONS.len()).map(|_| RequestMeter {
            classes: [const { AtomicU64::new(0) }; CLASSES.len()],
            micros: Histogram::new(REQUEST_BOUNDS),
        });
        Self {
            requests: requests.collect(),
            held: [const { AtomicU64::new(0) }; HELD.len()],
            denied: [const { AtomicU64::new(0) }; Role::ALL.len()],
        }
    }

    /// A request was answered.
    pub(crate) fn answered(
        &self,
        operation: Option<&'static Operation>,
        status: StatusCode,
        micros: u64,
    ) {
        let is_it = |row: &Operation| operation.is_some_and(|known| known.id == row.id);
        let at = OPERATIONS.iter().position(is_it).unwrap_or(OPERATIONS.len());
        let meter = &self.requests[at];
        let class = usize::from(status.as_u16() / 100 - 1).min(CLASSES.len() - 1);
        meter.classes[class].fetch_add(1, Ordering::Relaxed);
        meter.micros.note(micros);
    }

    /// A request was held back.
    pub(crate) fn held(&self, code: Code) {
        if let Some(at) = HELD.iter().position(|known| *known == code) {
            self.held[at].fetch_add(1, Ordering::Relaxed);
        }
    }

    /// A role asked for what it may not do.
    pub(crate) fn denied(&self, role: Role) {
        if let Some(at) = Role::ALL.iter().position(|known| *known == role) {
            self.denied[at].fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Roles that asked for what they may not do, and how often.
    pub(crate) fn denials(&self) -> [(&'static str, u64); Role::ALL.len()] {
        std::array::from_fn(|at| (Role::ALL[at].name(), self.denied[at].load(Ordering::Relaxed)))
    }

    /// Requests by operation.
    pub(crate) fn requests(&self) -> Vec<RequestFigures> {
        let names = OPERATIONS.iter().map(|row| row.id).chain([NO_OPERATION]);
        let figures = |(operation, meter): (&'static str, &RequestMeter)| RequestFigures {
            operation,
            classes: std::array::from_fn(|at| {
                (CLASSES[at], meter.classes[at].load(Ordering::Relaxed))
            }),
            micros: meter.micros.read(),
        };
        names.zip(&self.requests).map(figures).collect()
    }

    /// Why requests were held back, and how many.
    pub(crate) fn held_back(&self) -> [(&'static str, u64); HELD.len()] {
        std::array::from_fn(|at| (HELD[at].row().name, self.held[at].load(Ordering::Relaxed)))
    }
}
