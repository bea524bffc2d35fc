//! One line of the ledger, and the digest that chains it to the line before.

use playbook_model::{Digest, Minor};

use crate::AccountId;

/// What an entry does to balances (domain H7).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum EntryKind {
    /// Money comes to an account from its parent, or to the brand from outside.
    Allocate,
    /// A grant binds money of an account and of all accounts above it.
    Reserve,
    /// A bound amount is paid, up to what was bound; the rest is free again.
    Settle,
    /// A bound amount is free again.
    Release,
    /// Money moves between two children of one parent.
    Transfer,
    /// Money goes back to the parent; or, where it names what it takes back, what was paid for a grant is free again.
    Recover,
    /// An account stops granting (1) or grants again (-1).
    Freeze,
    /// A changed plan raises or lowers what an account holds.
    Adjust,
    /// An account comes into being, empty.
    Open,
    /// A changed plan says what each cycle gives to a plugin.
    Limit,
}

impl EntryKind {
    /// All kinds; the position is the stored number.
    pub const ALL: [Self; 10] = [
        Self::Allocate,
        Self::Reserve,
        Self::Settle,
        Self::Release,
        Self::Transfer,
        Self::Recover,
        Self::Freeze,
        Self::Adjust,
        Self::Open,
        Self::Limit,
    ];

    /// Name as extracts write it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Allocate => "allocate",
            Self::Reserve => "reserve",
            Self::Settle => "settle",
            Self::Release => "release",
            Self::Transfer => "transfer",
            Self::Recover => "recover",
            Self::Freeze => "freeze",
            Self::Adjust => "adjust",
            Self::Open => "open",
            Self::Limit => "limit",
        }
    }

    pub(crate) fn number(self) -> i64 {
        self as i64
    }

    pub(crate) fn from_number(number: i64) -> Option<Self> {
        usize::try_from(number).ok().and_then(|at| Self::ALL.get(at).copied())
    }
}

/// A stored line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entry<'a> {
    /// Position in the ledger, from 1.
    pub number: i64,
    /// What it does.
    pub kind: EntryKind,
    /// Account that it concerns.
    pub account: AccountId,
    /// Receiving account of a transfer.
    pub to: Option<AccountId>,
    /// Amount in minor units; 1 or -1 for a freeze.
    pub amount: Minor,
    /// Entry that is settled or released; of a recovery, the settlement or the recovery before, so that they form a chain.
    pub closes: Option<i64>,
    /// Amount that the closed entry had bound, or that is left of what was paid; 0 where none is closed.
    pub bound: Minor,
    /// Idempotency key.
    pub key: Digest,
    /// Digest of the request that the key stands for.
    pub request: Digest,
    /// Pseudonym of the member of a grant; 0 elsewhere.
    pub member: i64,
    /// Stage that proposed a grant.
    pub stage: &'a str,
    /// Action of a grant.
    pub action: &'a str,
    /// Family of the action, for duplicate windows (domain H9).
    pub family: &'a str,
    /// Points, units or 1.
    pub quantity: i64,
    /// Expected output in minor units.
    pub expected_output: Minor,
    /// Class in arbitration, 0 (most urgent) to 5.
    pub priority: u8,
    /// Whether the member is contacted directly.
    pub contacts_member: bool,
    /// Whether it counts against commercial caps.
    pub commercial: bool,
}

impl Entry<'_> {
    /// Flags as stored: priority times 4, plus 2 for commercial, plus 1 for a contact.
    pub(crate) fn flags(&self) -> i64 {
        i64::from(self.priority) * 4
            + i64::from(self.commercial) * 2
            + i64::from(self.contacts_member)
    }

    /// Digest of this entry on top of the digest before it. Accounts enter by their path, so that
    /// renaming one shows.
    pub(crate) fn chained(&self, before: &Digest, account: &str, to: Option<&str>) -> Digest {
        let mut numbers = [0_u8; 72];
        let fields = [
            self.number,
            self.kind.number(),
            self.amount.0,
            self.closes.unwrap_or(0),
            self.bound.0,
            self.member,
            self.quantity,
            self.expected_output.0,
            self.flags(),
        ];
        for (place, field) in numbers.chunks_exact_mut(8).zip(fields) {
            place.copy_from_slice(&field.to_be_bytes());
        }
        Digest::of_parts([
            before.0.as_slice(),
            numbers.as_slice(),
            self.key.0.as_slice(),
            self.request.0.as_slice(),
            account.as_bytes(),
            to.unwrap_or("").as_bytes(),
            self.stage.as_bytes(),
            self.action.as_bytes(),
            self.family.as_bytes(),
        ])
    }
}
