//! Results to a table of PostgreSQL, in one transaction.

use std::pin::pin;

use bytes::Bytes;
use futures::SinkExt as _;
use playbook_model::{Connection, DatabaseServer};
use tokio_postgres::types::ToSql;

use super::client::connect;
use super::take::answer;
use crate::delivery::{Dialect, Rows};
use crate::reach::{Bound, wait, within};
use crate::table::quoted;
use crate::{Parcel, Result, SourcesError, Watch};

/// Bytes that go to the server at a time.
const CHUNK: usize = 1 << 20;

const DIALECT: Dialect = Dialect {
    quote: '"',
    key: "text",
    text: "text",
    whole: "bigint",
    moment: "timestamptz",
    after: "",
};

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
    let table = quoted(parcel.to, DIALECT.quote);
    let rows = Rows::read(parcel.csv)?;
    let columns = rows.columns(DIALECT.quote);
    let change = client.transaction().await.map_err(fault())?;
    let settings = format!("SET LOCAL statement_timeout = {}", connection.time_ms_max);
    change.batch_execute(&settings).await.map_err(fault())?;
    // Deliveries to one table take turns: two of the same cycle would else both find nothing to replace.
    let turn = "SELECT pg_advisory_xact_lock(hashtextextended($1, 0))";
    change.execute(turn, &[&format!("playbook {table}")]).await.map_err(fault())?;
    let is_there = change.query_one("SELECT to_regclass($1) IS NOT NULL", &[&table]).await;
    let is_there: bool = is_there.and_then(|row| row.try_get(0)).map_err(fault())?;
    // Who may fill a table need not be allowed to make one.
    if !is_there {
        change.batch_execute(&rows.create(&table, &DIALECT)).await.map_err(fault())?;
    }
    let aside = format!(
        "CREATE TEMP TABLE playbook_delivery ON COMMIT DROP AS SELECT {columns} FROM {table} WITH NO DATA"
    );
    change.batch_execute(&aside).await.map_err(fault())?;
    let copy = format!("COPY pg_temp.playbook_delivery ({columns}) FROM STDIN (FORMAT csv)");
    {
        let mut sink = pin!(change.copy_in::<_, Bytes>(&copy).await.map_err(fault())?);
        for chunk in as_csv(&rows)?.chunks(CHUNK) {
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

/// The rows as the server copies them: a cell without content is missing.
fn as_csv(rows: &Rows) -> Result<Vec<u8>> {
    let fault = |error: csv::Error| SourcesError::Columns(error.into());
    let mut csv = csv::Writer::from_writer(Vec::new());
    for row in rows.cells.chunks(rows.header.len()) {
        csv.write_record(row).map_err(fault)?;
    }
    csv.into_inner().map_err(|error| SourcesError::Columns(error.into_error().into()))
}
