//! Claims about alerts that nobody has seen.

use playbook_online::{Alarm, AlertEnd, AlertRule, Brand, Evidence, OnlineError};

use crate::brand::event;
use crate::world::World;

const HOUR: i64 = 3_600_000;

fn alarm(rule: AlertRule, scope: &str) -> Alarm {
    let (scope, words) = (scope.to_owned(), "look at it".to_owned());
    Alarm { rule, scope, words, evidence: Evidence::default() }
}

/// Something is written, and with it what is due.
async fn writes(brand: &Brand, id: &str) {
    brand.events(&[event(id, "m1", "like", 1)]).await.unwrap()[0].as_ref().unwrap();
}

/// Numbers of the alerts that were told again, and when.
fn told_again(brand: &Brand) -> Vec<(u64, i64)> {
    let alerts = brand.alerts().unwrap().into_iter();
    alerts.filter_map(|alert| Some((alert.number, alert.escalated?))).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_critical_alert_that_nobody_acknowledges_is_told_again_after_an_hour_and_once() {
    let world = World::with_terms(|_| {});
    let brand = world.open();
    brand.raise(alarm(AlertRule::FallBackFailed, "nobody looks"));
    brand.raise(alarm(AlertRule::FallBackFailed, "somebody looks"));
    brand.raise(alarm(AlertRule::CycleFailed, "a warning"));
    let seen = brand.see_alert(2, "ann").await.unwrap();
    assert_eq!(brand.see_alert(2, "ben").await.unwrap(), seen, "whoever was first stays");
    assert_eq!(seen.seen.as_ref().map(|seen| seen.by.as_str()), Some("ann"));
    let unknown = brand.see_alert(9, "ann").await;
    assert!(matches!(unknown, Err(OnlineError::Unknown("alert"))));
    world.at(HOUR - 1);
    writes(&brand, "early").await;
    assert_eq!((told_again(&brand), brand.figures().alerts_escalated), (Vec::new(), 0));
    world.at(HOUR);
    writes(&brand, "due").await;
    let told = vec![(1, crate::brand::T + HOUR)];
    assert_eq!((told_again(&brand), brand.figures().alerts_escalated), (told.clone(), 1));
    drop(brand);
    // It is kept, with who has seen what, and not told a second time.
    let brand = world.open();
    world.at(9 * HOUR);
    writes(&brand, "late").await;
    assert_eq!((told_again(&brand), brand.figures().alerts_escalated), (told, 0));
    let alerts = brand.alerts().unwrap();
    assert_eq!(alerts[1], seen);
    brand.close_alert(1, (AlertEnd::Resolved, "over"), "ann", "key").await.unwrap();
    let closed = brand.see_alert(1, "ann").await;
    assert!(matches!(closed, Err(OnlineError::AlertClosed)));
}
