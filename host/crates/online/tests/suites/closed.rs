//! What closed cycles leave of members who are erased, over whatever store the root has.

use std::sync::{Arc, Mutex, OnceLock, Weak};

use playbook_model::{Cells, Column, Frame, Subject};
use playbook_online::{Brand, Closed, Keeping, OpenError, Opened, Opener, Source};
use serde_json::Value;
use tokio::runtime::Handle;

use crate::brand::{Demo, T, ask, demo, event, opened};

/// Closes cycles that leave the highest tier of all members; while one closes, `m1` is erased and comes again.
#[derive(Default)]
struct Closing {
    brand: OnceLock<Weak<Brand>>,
    /// What the brand's score was before each of the cycles.
    brand_before: Mutex<Vec<Option<f64>>>,
}

fn reals(name: &str, value: f64) -> Column {
    let cells = Cells::Real(vec![value]);
    Column { name: name.to_owned(), unit: String::new(), cells, valid: None }
}

fn texts<const N: usize>(name: &str, texts: [&str; N]) -> Column {
    let cells = Cells::Text(texts.into_iter().collect());
    Column { name: name.to_owned(), unit: String::new(), cells, valid: None }
}

impl Opener for Closing {
    fn open(&self, source: &Source) -> Result<Opened, OpenError> {
        Demo.open(source)
    }

    fn close_cycle(
        &self,
        source: &Source,
        at: i64,
        keeping: &Keeping<'_>,
    ) -> Result<Opened, OpenError> {
        let brand = self.brand.get().and_then(Weak::upgrade).unwrap();
        // As the log tells them.
        let mut members = Frame::with_rows(3);
        members.append(texts("member", ["m1", "m2", "m3"]));
        members.append(texts("tier-interactions.tier", ["core"; 3]));
        let run = Cells::Integer(vec![0; 3]);
        let name = "tier-interactions.lower_run".to_owned();
        members.append(Column { name, unit: String::new(), cells: run, valid: None });
        Handle::current().block_on(async {
            brand.erase("m1", "leave").await.unwrap();
            brand.events(&[event("again", "m1", "join", 9)]).await.unwrap();
        });
        let mut whole = Frame::with_rows(1);
        whole.append(texts("brand", ["one"]));
        whole.append(reals("health-7x28.activity", 2.5));
        let cycle = brand.version().cycle(at) - 1;
        let of = (demo().0.id.as_str(), cycle, 1);
        let names = ["health-7x28.activity".to_owned()];
        let brand_row = Subject("brand".to_owned());
        let before = keeping.previous(of, &brand_row, &names, &whole).unwrap();
        let score = before.column(&names[0]).and_then(|column| column.real(0));
        self.brand_before.lock().unwrap().push(score);
        let outputs = keeping.keep(&demo().0.id, cycle, &members, [("brand", &whole)]).unwrap();
        assert!(!outputs.is_empty());
        let closed = Closed { at: Some(at), outputs, ..Closed::default() };
        self.open(&Source { closed, ..source.clone() })
    }
}

async fn tier(brand: &Brand, member: &str) -> Value {
    brand.preview(&ask(member)).await.unwrap().outputs["tier-interactions.tier"].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn y092_what_a_cycle_leaves_of_whom_it_ran_over_serves_nobody_who_comes_again() {
    let folder = crate::place();
    let opener = Arc::new(Closing::default());
    let brand = Arc::new(opened(folder.path(), "one", Arc::clone(&opener) as Arc<dyn Opener>));
    opener.brand.set(Arc::downgrade(&brand)).unwrap();
    for member in ["m1", "m2", "m3"] {
        brand.events(&[event("join", member, "join", 9)]).await.unwrap();
    }
    let alone = tier(&brand, "m1").await;
    let closing = Arc::clone(&brand);
    let closed = tokio::task::spawn_blocking(move || closing.close_cycle(Some(T), "me"));
    closed.await.unwrap().unwrap();
    assert_eq!(tier(&brand, "m2").await, "core", "it stood there before");
    assert_ne!(alone, "core");
    // Whoever left while the cycle closed, and came again, stood nowhere.
    assert_eq!(tier(&brand, "m1").await, alone);
    // So whoever leaves after it.
    brand.erase("m3", "leave").await.unwrap();
    brand.events(&[event("again", "m3", "join", 9)]).await.unwrap();
    assert_eq!(tier(&brand, "m3").await, alone);
    // The next cycle finds what this one left of the brand's own row, too.
    let closing = Arc::clone(&brand);
    let end = T + 28 * 86_400_000;
    let closed = tokio::task::spawn_blocking(move || closing.close_cycle(Some(end), "me"));
    closed.await.unwrap().unwrap();
    assert_eq!(*opener.brand_before.lock().unwrap(), [None, Some(2.5)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn y019_an_event_changes_the_group_of_a_member_at_once() {
    let folder = crate::place();
    let brand = opened(folder.path(), "one", Arc::new(Demo) as Arc<dyn Opener>);
    brand.events(&[event("join", "m1", "join", 90)]).await.unwrap();
    assert_eq!(tier(&brand, "m1").await, "silent");
    brand.events(&[event("first", "m1", "comment", 1)]).await.unwrap();
    assert_eq!(tier(&brand, "m1").await, "prospect");
    let events: Vec<_> = (0..10).map(|n| event(&format!("c{n}"), "m1", "comment", 1)).collect();
    brand.events(&events).await.unwrap();
    assert_eq!(tier(&brand, "m1").await, "active");
}
