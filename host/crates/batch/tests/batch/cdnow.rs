//! The CDNOW master file as published, through the mapping alone. Runs where `PLAYBOOK_CDNOW_DIR` holds it.

use playbook_batch::{BatchOptions, BatchSource};
use playbook_cycle::DataSource;
use playbook_model::{Aggregate, CellType, MapType, SourceFormat, SourceTable};

use crate::world::{self, aggregate, map, source};

#[test]
fn the_totals_of_the_published_file_come_out() {
    let Some(folder) = std::env::var_os("PLAYBOOK_CDNOW_DIR") else { return };
    let mut playbook = world::playbook("America/New_York");
    playbook.currency = "USD".to_owned();
    let mut file = source("purchases", SourceTable::Events, "CDNOW_master.txt");
    file.format = SourceFormat::Whitespace { header: true };
    file.event = Some("order_paid".to_owned());
    file.mapping = vec![
        map("customer_id", "member", MapType::Integer),
        world::time("date", "time", "%Y%m%d"),
        map("number_of_cds", "items", MapType::Integer),
        map("dollar_value", "amount", MapType::Money),
    ];
    playbook.sources = vec![file];
    playbook.features = vec![
        aggregate("orders", Aggregate::Count, None),
        aggregate("spend", Aggregate::Sum, Some("amount")),
        aggregate("items", Aggregate::Sum, Some("items")),
        aggregate("recency", Aggregate::Recency, None),
        aggregate("age", Aggregate::Age, None),
        aggregate("repeat_days", Aggregate::RepeatDays, None),
    ];
    let scratch = tempfile::tempdir().unwrap();
    let mut source =
        BatchSource::open(&playbook, BatchOptions::new(folder, scratch.path())).unwrap();
    let read = &source.intake().sources[0];
    assert_eq!((read.rows_read, read.rows_kept, read.duplicates), (69_659, 69_659, 0));
    assert!(read.unmapped_fields.is_empty());
    assert_eq!(source.intake().as_of.0, 899_265_600_000, "1998-07-01T00:00-04:00");
    let members = source.members().unwrap();
    assert_eq!(members.rows(), 23_570);
    let sum = |name: &str| -> i64 {
        let column = members.column(name).unwrap();
        assert_eq!(column.cells.cell_type(), CellType::Integer);
        (0..members.rows()).map(|row| column.integer(row).unwrap()).sum()
    };
    assert_eq!(sum("orders"), 69_659);
    assert_eq!(sum("spend"), 250_031_563);
    let first = |name: &str| members.column(name).unwrap().integer(0);
    assert_eq!(members.column("member").unwrap().text(0), Some("1"));
    assert_eq!((first("orders"), first("spend"), first("items")), (Some(1), Some(1177), Some(1)));
    assert_eq!((first("recency"), first("age")), (Some(546), Some(546)));
    assert_eq!(first("repeat_days"), Some(0));
}
