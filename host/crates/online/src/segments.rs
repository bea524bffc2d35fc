//! Who is in which segment. Each member is evaluated when it is asked for, so that the answer is what a decision would say.

use std::collections::BTreeMap;

use crate::brand::Brand;
use crate::error::OnlineError;
use crate::store::{MemberRow, read_member, read_members};
use crate::version::{Evaluated, Version};

/// Members that are looked at in one stretch.
const LOOKED: usize = 500;

/// How many members are in a segment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SegmentCount {
    /// Stage of the playbook.
    pub stage: String,
    /// Name of the segment.
    pub segment: String,
    /// In words.
    pub text: String,
    /// Members.
    pub members: u64,
}

impl Brand {
    /// Members after `after`, in the order of their pseudonyms, whom the segmentation `stage` sorts into `segment` at the moment
    /// `at`, unix-ms, or now. At most `most` members are looked at; returns the ids of those who are in it, and the member to go on
    /// after, or none at the end.
    ///
    /// # Errors
    /// [`OnlineError::Unknown`] for a segment that the version does not have, a member who cannot be evaluated, or a fault of the
    /// storage.
    pub fn members_in(
        &self,
        (stage, segment): (&str, &str),
        at: Option<i64>,
        after: Option<i64>,
        most: usize,
    ) -> Result<(Vec<String>, Option<i64>), OnlineError> {
        let version = self.version();
        let known = version.facts().stages.iter().find(|known| known.name == stage);
        let is_known = known.is_some_and(|known| known.segments.iter().any(|s| s.name == segment));
        if !is_known {
            return Err(OnlineError::Unknown("segment"));
        }
        let at = at.unwrap_or_else(|| (self.now)());
        let column = format!("{stage}.segment");
        let mut found = Vec::new();
        let last = self.look_at((&version, at), after, most, |row, evaluated| {
            let is_in = evaluated.frame.column(&column).and_then(|c| c.text(0)) == Some(segment);
            found.extend(is_in.then_some(row.id));
        })?;
        Ok((found, last))
    }

    /// How many members are in each segment at a moment, unix-ms, or now; the moment comes with it. All members are looked at.
    ///
    /// # Errors
    /// A member who cannot be evaluated, or a fault of the storage.
    pub fn segment_counts(&self, at: Option<i64>) -> Result<(i64, Vec<SegmentCount>), OnlineError> {
        let version = self.version();
        let at = at.unwrap_or_else(|| (self.now)());
        let stages = version.facts().stages.iter().filter(|stage| !stage.segments.is_empty());
        let stages: Vec<_> =
            stages.map(|stage| (stage, format!("{}.segment", stage.name))).collect();
        let mut counts: Vec<BTreeMap<String, u64>> = vec![BTreeMap::new(); stages.len()];
        let mut after = None;
        loop {
            after = self.look_at((&version, at), after, LOOKED, |_, evaluated| {
                for ((_, column), counts) in stages.iter().zip(&mut counts) {
                    let segment = evaluated.frame.column(column).and_then(|c| c.text(0));
                    if let Some(count) = segment.and_then(|segment| counts.get_mut(segment)) {
                        *count += 1;
                    } else if let Some(segment) = segment {
                        counts.insert(segment.to_owned(), 1);
                    }
                }
            })?;
            if after.is_none() {
                break;
            }
        }
        let mut all = Vec::new();
        for ((stage, _), counts) in stages.iter().zip(counts) {
            all.extend(stage.segments.iter().map(|segment| SegmentCount {
                stage: stage.name.clone(),
                segment: segment.name.clone(),
                text: segment.en.clone(),
                members: counts.get(&segment.name).copied().unwrap_or(0),
            }));
        }
        Ok((at, all))
    }

    /// Evaluates the members after one, at most so many; returns the one to go on after, or none at the end.
    fn look_at(
        &self,
        (version, at): (&Version, i64),
        after: Option<i64>,
        most: usize,
        mut take: impl FnMut(MemberRow, &Evaluated),
    ) -> Result<Option<i64>, OnlineError> {
        let looked = read_members(&self.reader, after, most)?;
        let last = (looked.len() == most).then(|| looked.last().map(|(key, _)| *key)).flatten();
        for (key, row) in looked {
            // An account of another member, with whom it is looked at.
            if version.epochs().links().of(key, &[]).is_some() {
                continue;
            }
            let record = self.record(key)?;
            let evaluated = version.evaluate(&row.id, &record, at)?;
            take(row, &evaluated);
        }
        Ok(last)
    }

    /// The pseudonym of the member whom an id names: the same for the brand for good, and it leads nobody to the id.
    #[must_use]
    pub fn pseudonym(&self, id: &str) -> String {
        format!("{:016x}", self.version().key(id))
    }

    /// The id of the member with a pseudonym.
    ///
    /// # Errors
    /// [`OnlineError::Unknown`], or a fault of the storage.
    pub fn id_of(&self, pseudonym: &str) -> Result<String, OnlineError> {
        let unknown = || OnlineError::Unknown("member");
        let key = u64::from_str_radix(pseudonym, 16).map_err(|_| unknown())?.cast_signed();
        if pseudonym.len() != 16 {
            return Err(unknown());
        }
        read_member(&mut &*self.reader, key)?.map(|row| row.id).ok_or_else(unknown)
    }
}
