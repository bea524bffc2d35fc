//! A stopwatch for the parts of a run.

use std::time::{Duration, Instant};

/// A stopwatch: each part lasts from the end of the one before it.
#[derive(Debug, Clone)]
pub struct Laps {
    last: Instant,
    parts: Vec<(String, Duration)>,
}

impl Laps {
    /// Starts the watch.
    #[must_use]
    pub fn start() -> Self {
        Self { last: Instant::now(), parts: Vec::new() }
    }

    /// Ends a part; parts of the same name add up.
    pub fn end(&mut self, part: &str) {
        let now = Instant::now();
        let took = now.duration_since(self.last);
        self.last = now;
        match self.parts.iter_mut().find(|(name, _)| name == part) {
            Some((_, sum)) => *sum += took,
            None => self.parts.push((part.to_owned(), took)),
        }
    }

    /// Forgets the time since the last part.
    pub fn resume(&mut self) {
        self.last = Instant::now();
    }

    /// Adds the parts of another watch that ran meanwhile.
    pub fn append(&mut self, other: &Self) {
        self.resume();
        self.parts.extend_from_slice(&other.parts);
    }

    /// All parts with their times, in the order in which they first ended.
    #[must_use]
    pub fn parts(&self) -> &[(String, Duration)] {
        &self.parts
    }
}

#[cfg(test)]
mod tests {
    use super::Laps;

    #[test]
    fn parts_keep_their_order_and_add_up() {
        let mut laps = Laps::start();
        ["a", "b", "a"].iter().for_each(|part| laps.end(part));
        let mut outer = Laps::start();
        outer.end("first");
        outer.append(&laps);
        let names: Vec<&str> = outer.parts().iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["first", "a", "b"]);
    }
}
