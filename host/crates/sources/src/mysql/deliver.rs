//! Results to a table of MySQL or MariaDB, in one transaction.

use mysql_async::prelude::Queryable as _;
use mysql_async::{Conn, TxOpts, Value as Cell};
use playbook_model::{Connection, DatabaseServer, Digest};

use super::client::{answer, bound, connect};
use crate::delivery::{Dialect, Rows};
use crate::reach::{Bound, wait, within};
use crate::table::quoted;
use crate::{Parcel, Result, SourcesError, Watch};

/// Values of one statement, of which the protocol takes 65,535.
const VALUES_MAX: usize = 16_384;

const DIALECT: Dialect = Dialect {
    quote: '`',
    key: "varchar(255)",
    text: "text",
    whole: "bigint",
    // A `timestamp` ends in 2038.
    moment: "datetime(6)",
    // Others are no transactions, and hold no member's name in other letters than Latin.
    after: " ENGINE = InnoDB CHARACTER SET utf8mb4",
};

pub(crate) fn deliver(
    connection: &Connection,
    server: &DatabaseServer,
    parcel: &Parcel<'_>,
    watch: &Watch<'_>,
) -> Result<()> {
    let doing = format!("delivering `{}`", parcel.delivery);
    wait(watch, async {
        let mut conn = connect(connection, server).await?;
        let working = put(connection, &mut conn, parcel, &doing);
        within(connection, Bound::Working, &doing, working).await
    })
}

/// Replaces the rows of the playbook's cycle and delivery; nobody sees a part of it.
async fn put(
    connection: &Connection,
    conn: &mut Conn,
    parcel: &Parcel<'_>,
    doing: &str,
) -> Result<()> {
    let fault = || answer(connection, doing);
    let rows = Rows::read(parcel.csv)?;
    let table = quoted(parcel.to, DIALECT.quote);
    bound(connection, conn).await?;
    // What a column cannot hold is an error instead of a part of it; no more is locked than what is replaced.
    for said in [
        "SET SESSION sql_mode = 'STRICT_ALL_TABLES'",
        "SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED",
    ] {
        conn.query_drop(said).await.map_err(fault())?;
    }
    // Deliveries to one table take turns: two of the same cycle would else both find nothing to replace. The turn ends with the
    // session; a name of more than 64 letters is none.
    let name = format!("playbook {}", &Digest::of(table.as_bytes()).hex()[..32]);
    let seconds = connection.time_ms_max.div_ceil(1_000);
    let turn: Option<Option<i64>> =
        conn.exec_first("SELECT GET_LOCK(?, ?)", (name, seconds)).await.map_err(fault())?;
    if turn.flatten() != Some(1) {
        return Err(refused(connection, parcel, "another delivery to it does not end"));
    }
    // Making a table ends a transaction here, so it stands before.
    conn.query_drop(rows.create(&table, &DIALECT)).await.map_err(fault())?;
    check_engine(connection, conn, parcel, doing).await?;
    let mut change = conn.start_transaction(TxOpts::default()).await.map_err(fault())?;
    let clear = format!("DELETE FROM {table} WHERE playbook = ? AND cycle = ? AND delivery = ?");
    let keys = (parcel.playbook, parcel.cycle, parcel.delivery);
    change.exec_drop(clear, keys).await.map_err(fault())?;
    let width = rows.header.len() + 3;
    for chunk in rows.cells.chunks(rows.header.len() * (VALUES_MAX / width)) {
        let count = chunk.len() / rows.header.len();
        let row = format!("({})", vec!["?"; width].join(", "));
        let fill = format!(
            "INSERT INTO {table} (playbook, cycle, delivery, {}) VALUES {}",
            rows.columns(DIALECT.quote),
            vec![row.as_str(); count].join(", ")
        );
        let mut values: Vec<Cell> = Vec::with_capacity(count * width);
        for cells in chunk.chunks(rows.header.len()) {
            values.extend([parcel.playbook.into(), parcel.cycle.into(), parcel.delivery.into()]);
            values.extend(cells.iter().zip(&rows.header).map(|(cell, name)| value(name, cell)));
        }
        change.exec_drop(fill, values).await.map_err(fault())?;
    }
    change.commit().await.map_err(fault())
}

/// A cell as the server takes it; empty cells are missing, moments have no letters between.
fn value(column: &str, cell: &str) -> Cell {
    match cell {
        "" => Cell::NULL,
        moment if Rows::is_moment(column) => {
            let plain = moment.parse::<jiff::Timestamp>();
            let plain = plain.map(|at| at.strftime("%Y-%m-%d %H:%M:%S%.6f").to_string());
            plain.unwrap_or_else(|_| moment.to_owned()).into()
        }
        other => other.into(),
    }
}

/// Refuses a table whose engine keeps what a transaction takes back.
async fn check_engine(
    connection: &Connection,
    conn: &mut Conn,
    parcel: &Parcel<'_>,
    doing: &str,
) -> Result<()> {
    let (schema, name) = match parcel.to.rsplit_once('.') {
        Some((schema, name)) => (Some(schema), name),
        None => (None, parcel.to),
    };
    let sql = "SELECT engines.transactions = 'YES' FROM information_schema.tables \
               JOIN information_schema.engines USING (engine) \
               WHERE table_schema = coalesce(?, database()) AND table_name = ?";
    let found: Option<Option<bool>> =
        conn.exec_first(sql, (schema, name)).await.map_err(answer(connection, doing))?;
    match found.flatten() {
        Some(true) => Ok(()),
        _ => Err(refused(
            connection,
            parcel,
            "it is no table of an engine with transactions; make it one with `ENGINE = InnoDB`",
        )),
    }
}

fn refused(connection: &Connection, parcel: &Parcel<'_>, why: &str) -> SourcesError {
    SourcesError::Target {
        connection: connection.name.clone(),
        table: parcel.to.to_owned(),
        why: why.to_owned(),
    }
}
