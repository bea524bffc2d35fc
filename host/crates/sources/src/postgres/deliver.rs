//! Results to a table of PostgreSQL, in one transaction.

use std::pin::pin;

use bytes::Bytes;
use futures::SinkExt as _;
use playbook_files::plain_cell;
use playbook_model::{Connection, DatabaseServer};
use tokio_postgres::types::ToSql;

use super::client::connect;
use super::take::answer;
use crate::reach::{Bound, wait, within};
use crate::table::quoted;
use crate::{Parcel, Result, SourcesError, Watch};

/// Bytes that go to the server at a time.
const CHUNK: usize = 1 << 20;

pub(crate) fn deliver(
    connection: &Connection,
    server: &DatabaseServer,
    parcel: &Parcel<'_>,
    watch: &Watch<'_>,
) -> Result<()> {
    let doing = format!("delivering `{}`", parcel.delivery);
    wait(watch, async {
        let mut client = connect(connection, server).await?;
        let working = put(connection, &mut client, parcel, &doing);
        within(connection, Bound::Working, &doing, working).await
    })
}

/// Replaces the rows of the playbook's cycle and delivery; nobody sees a part of it.
async fn put(
    connection: &Connection,
    client: &mut tokio_postgres::Client,
    parcel: &Parcel<'_>,
    doing: &str,
) -> Result<()> {
    let fault = || answer(connection, doing);
    let table = quoted(parcel.to, '"');
    let plain = plain_rows(parcel.csv)?;
    let columns: Vec<String> = plain.header.iter().map(|name| quoted(name, '"')).collect();
    let columns = columns.join(", ");
    let change = client.transaction().await.map_err(fault())?;
    let settings = format!("SET LOCAL statement_timeout = {}", connection.time_ms_max);
    change.batch_execute(&settings).await.map_err(fault())?;
    // Deliveries to one table take turns: two of the same cycle would else both find nothing to replace.
    let turn = "SELECT pg_advisory_xact_lock(hashtextextended($1, 0))";
    change.execute(turn, &[&format!("playbook {table}")]).await.map_err(fault())?;
    let is_there = change.query_one("SELECT to_regclass($1) IS NOT NULL", &[&table]).await;
    let is_there: bool = is_there.and_then(|row| row.try_get(0)).map_err(fault())?;
    if !is_there {
        change.batch_execute(&create(&table, &plain.header)).await.map_err(fault())?;
    }
    let aside = format!(
        "CREATE TEMP TABLE playbook_delivery ON COMMIT DROP AS SELECT {columns} FROM {table} WITH NO DATA"
    );
    change.batch_execute(&aside).await.map_err(fault())?;
    let copy = format!("COPY pg_temp.playbook_delivery ({columns}) FROM STDIN (FORMAT csv)");
    {
        let mut sink = pin!(change.copy_in::<_, Bytes>(&copy).await.map_err(fault())?);
        for chunk in plain.rows.chunks(CHUNK) {
            sink.send(Bytes::copy_from_slice(chunk)).await.map_err(fault())?;
        }
        sink.finish().await.map_err(fault())?;
    }
    let clear = format!("DELETE FROM {table} WHERE playbook = $1 AND cycle = $2 AND delivery = $3");
    let keys: [&(dyn ToSql + Sync); 3] = [&parcel.playbook, &parcel.cycle, &parcel.delivery];
    change.execute(&clear, &keys).await.map_err(fault())?;
    let fill = format!(
        "INSERT INTO {table} (playbook, cycle, delivery, {columns}) \
         SELECT $1, $2, $3, {columns} FROM pg_temp.playbook_delivery"
    );
    change.execute(&fill, &keys).await.map_err(fault())?;
    change.commit().await.map_err(fault())
}

/// The table, where there is none.
fn create(table: &str, header: &[String]) -> String {
    let columns = header.iter().map(|name| {
        let kind = match name.as_str() {
            "quantity" | "cost_minor" => "bigint",
            "not_before" | "not_after" => "timestamptz",
            _ => "text",
        };
        format!(", {} {kind}", quoted(name, '"'))
    });
    let columns: String = columns.collect();
    format!(
        "CREATE TABLE {table} (playbook text NOT NULL, cycle bigint NOT NULL, delivery text NOT NULL{columns})"
    )
}

/// A table whose cells are as they were before they were made fit for spreadsheets.
struct PlainRows {
    header: Vec<String>,
    /// CSV without its header.
    rows: Vec<u8>,
}

fn plain_rows(table: &[u8]) -> Result<PlainRows> {
    let fault = |error: csv::Error| SourcesError::Columns(error.into());
    let mut reader = csv::Reader::from_reader(table);
    let header = reader.headers().map_err(fault)?.iter().map(str::to_owned).collect();
    let mut rows = csv::Writer::from_writer(Vec::new());
    for record in reader.records() {
        rows.write_record(record.map_err(fault)?.iter().map(plain_cell)).map_err(fault)?;
    }
    let rows =
        rows.into_inner().map_err(|error| SourcesError::Columns(error.into_error().into()))?;
    Ok(PlainRows { header, rows })
}
