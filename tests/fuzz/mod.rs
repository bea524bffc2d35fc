//! Fuzzing of what strangers send: small valid inputs, changed by chance, are handed to a room, which must give an answer
//! or an error and keep its promises. It runs as ordinary tests, the same in every run; by hand for as long as wanted:
//!
//! ```text
//! PLAYBOOK_FUZZ_SECONDS=3600 cargo test --release --workspace --test batch -- --nocapture fuzz::parquet
//! ```
//!
//! The targets are `fuzz::csv`, `fuzz::json_lines` and `fuzz::parquet` of `--test batch`, `playbook_files` of `--test
//! fuzz`, `fuzz::requests` of `--test server` and `fuzz::components` of `--test sandbox`. Each writes its own corpus.
//! An input that fails is kept, and the message says where: make it a test of its own. Plain mutation in the test's own
//! process, because a coverage-guided fuzzer needs a nightly compiler and would compile the engine a second time.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::time::{Duration, Instant};

/// What fuzzing one room takes.
pub(crate) struct Target<'a> {
    /// Name of the target, and of the file that keeps a failing input.
    pub(crate) name: &'a str,
    /// Rounds of an ordinary test.
    pub(crate) rounds: u64,
    /// Valid inputs.
    pub(crate) corpus: &'a [Vec<u8>],
    /// Pieces that mean something to the room.
    pub(crate) words: &'a [&'a [u8]],
    /// Where an input that fails is kept.
    pub(crate) kept: &'a str,
}

impl Target<'_> {
    /// Hands the corpus and what chance makes of it to `room`, which says what promise was broken.
    #[track_caller]
    pub(crate) fn run(&self, mut room: impl FnMut(&[u8]) -> Result<(), String>) {
        let by_hand = std::env::var("PLAYBOOK_FUZZ_SECONDS").ok();
        let until = by_hand.map(|seconds| {
            Instant::now() + Duration::from_secs(seconds.parse().expect("a number of seconds"))
        });
        for input in self.corpus {
            self.check(input, &mut room);
        }
        let mut chance = Chance(0x5eed);
        let mut round = 0;
        while until.map_or(round < self.rounds, |until| Instant::now() < until) {
            let input = self.mutated(&mut chance);
            self.check(&input, &mut room);
            round += 1;
            if round % 10_000 == 0 {
                println!("{}: {round} rounds", self.name);
            }
        }
    }

    #[track_caller]
    fn check(&self, input: &[u8], room: &mut impl FnMut(&[u8]) -> Result<(), String>) {
        let fault = match catch_unwind(AssertUnwindSafe(|| room(input))) {
            Ok(Ok(())) => return,
            Ok(Err(fault)) => fault,
            Err(_) => "it panicked".to_owned(),
        };
        let kept = Path::new(self.kept).join(format!("fuzz-{}", self.name));
        std::fs::write(&kept, input).expect("the input can be kept");
        panic!("{}: {fault}; the input is {}", self.name, kept.display());
    }

    fn mutated(&self, chance: &mut Chance) -> Vec<u8> {
        let mut input = self.corpus[chance.below(self.corpus.len())].clone();
        for _ in 0..=chance.below(4) {
            self.mutate(&mut input, chance);
        }
        input
    }

    fn mutate(&self, input: &mut Vec<u8>, chance: &mut Chance) {
        let at = chance.below(input.len() + 1);
        let end = at + chance.below(input.len() - at + 1).min(1 + chance.below(64));
        match chance.below(9) {
            0 | 1 if at < input.len() => input[at] ^= 1 << chance.below(8),
            2 if at < input.len() => input[at] = chance.byte(),
            3 => drop(input.drain(at..end)),
            4 => {
                let piece = input[at..end].to_vec();
                let to = chance.below(input.len() + 1);
                input.splice(to..to, piece);
            }
            5 if !self.words.is_empty() => {
                let word = self.words[chance.below(self.words.len())];
                input.splice(at..at, word.iter().copied());
            }
            6 => {
                let number = [0_u64, 1, 0x7f, 0xff, 0x7fff, 0xffff_ffff, 1 << 62, u64::MAX];
                let bytes = number[chance.below(number.len())].to_le_bytes();
                let bytes = &bytes[..(1 << chance.below(4)).min(input.len() - at)];
                input[at..at + bytes.len()].copy_from_slice(bytes);
            }
            7 => {
                let other = &self.corpus[chance.below(self.corpus.len())];
                let from = chance.below(other.len() + 1);
                input.truncate(at);
                input.extend_from_slice(&other[from..]);
            }
            8 if chance.below(4) == 0 => input.truncate(at),
            _ => {}
        }
    }
}

/// Numbers that look drawn by chance and are the same in every run.
struct Chance(u64);

impl Chance {
    fn below(&mut self, bound: usize) -> usize {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).expect("31 bits") % bound.max(1)
    }

    fn byte(&mut self) -> u8 {
        u8::try_from(self.below(256)).expect("less than 256")
    }
}
