//! Columns with the time on each member's own wall clock (domain H9): the same for one member and for a community.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use playbook_model::{Cells, Column, Frame, Guardrails, LocalTime};

use crate::clock::BrandClock;
use crate::recipe::DAY_MS;

/// Names of zones that are remembered, those that are none among them; the tz database has about 600.
const ZONES_MAX: usize = 2_048;

/// Clocks of the zones that members live in.
#[derive(Debug, Default)]
pub struct Zones(RwLock<HashMap<String, Option<Arc<BrandClock>>>>);

impl Zones {
    /// The clock of a zone; `None` for a name that the tz database does not have.
    fn clock(&self, name: &str) -> Option<Arc<BrandClock>> {
        let known = self.0.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(clock) = known.get(name) {
            return clock.clone();
        }
        drop(known);
        let clock = BrandClock::new(name).ok().map(Arc::new);
        let mut known = self.0.write().unwrap_or_else(PoisonError::into_inner);
        // Beyond the bound there are inventions: they are looked up anew.
        if known.len() < ZONES_MAX {
            known.insert(name.to_owned(), clock.clone());
        }
        clock
    }

    /// The columns of [`LocalTime`] at a moment, where the rules ask for any: by the zone of each row of members, by the
    /// brand's where that is missing or none.
    pub fn columns(
        &self,
        rules: &Guardrails,
        brand: &BrandClock,
        members: &Frame,
        at: i64,
    ) -> Option<[Column; 3]> {
        if rules.time_zone_feature.is_none() && rules.quiet_hours.is_none() {
            return None;
        }
        let zone = rules.time_zone_feature.as_deref().and_then(|name| members.column(name));
        let rows = members.rows();
        let (mut minutes, mut days) = (Vec::with_capacity(rows), Vec::with_capacity(rows));
        let mut own = Vec::with_capacity(rows);
        for row in 0..rows {
            let clock = zone.and_then(|zone| zone.text(row)).and_then(|name| self.clock(name));
            own.push(i16::from(clock.is_some()));
            let clock = clock.as_deref().unwrap_or(brand);
            let local = clock.local_ms(at);
            minutes.push((local.rem_euclid(DAY_MS) / 60_000) as i16);
            days.push(at - clock.day_start(local.div_euclid(DAY_MS)));
        }
        let column = |name: &str, unit: &str, cells| {
            let (name, unit) = (name.to_owned(), unit.to_owned());
            Column { name, unit, cells, valid: None }
        };
        Some([
            column(LocalTime::MINUTE, "minute", Cells::Small(minutes)),
            column(LocalTime::DAY_MS, "", Cells::Integer(days)),
            column(LocalTime::IS_OWN, "", Cells::Small(own)),
        ])
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use playbook_model::{Cells, Column, Frame, Guardrails};

    use super::{BrandClock, Zones};

    #[test]
    fn each_member_has_the_clock_of_its_zone_and_the_brands_where_it_has_none() {
        let mut members = Frame::with_rows(4);
        let zones = ["Asia/Shanghai", "America/New_York", "Mars/Base", ""];
        members.push(Column {
            name: "zone".to_owned(),
            unit: String::new(),
            cells: Cells::Text(zones.into_iter().collect()),
            valid: None,
        });
        let rules =
            Guardrails { time_zone_feature: Some("zone".to_owned()), ..Guardrails::default() };
        let brand = BrandClock::new("Europe/London").unwrap();
        // 2026-03-08T20:00Z: in New York the day has 23 hours, and 15 of them have passed by 16:00.
        let at = "2026-03-08T20:00:00Z".parse::<jiff::Timestamp>().unwrap().as_millisecond();
        let clocks = Zones::default();
        let [minute, day, own] = clocks.columns(&rules, &brand, &members, at).unwrap();
        let of =
            |column: &Column| (0..4).map(|row| column.integer(row).unwrap()).collect::<Vec<_>>();
        assert_eq!(of(&minute), [4 * 60, 16 * 60, 20 * 60, 20 * 60]);
        assert_eq!(of(&day), [4, 15, 20, 20].map(|hours: i64| hours * 3_600_000));
        assert_eq!(of(&own), [1, 1, 0, 0]);
        assert!(clocks.columns(&Guardrails::default(), &brand, &members, at).is_none());
    }
}
