//! Rows of PostgreSQL: all sources of a connection in one snapshot, each streamed into its file.

use futures::{TryStreamExt as _, pin_mut};
use playbook_model::{Asked, Connection, DatabaseServer};
use tokio_postgres::types::{FromSql, Type};
use tokio_postgres::{IsolationLevel, Row, Transaction};

use super::client::connect;
use crate::error::{Cause, said};
use crate::reach::{each, wait};
use crate::table::{Holds, TableFile, Value, quoted, widened, without_scale};
use crate::{Result, SourcesError, Wanted, Watch};

/// Microseconds from 1970 to 2000, where PostgreSQL counts from.
const EPOCH_MICROS: i64 = 946_684_800_000_000;
const EPOCH_DAYS: i32 = 10_957;

pub(crate) fn take(
    connection: &Connection,
    server: &DatabaseServer,
    wanted: &[Wanted<'_>],
    watch: &Watch<'_>,
) -> Result<Vec<u64>> {
    wait(watch, async {
        let mut client = connect(connection, server).await?;
        let begin = client.build_transaction().isolation_level(IsolationLevel::RepeatableRead);
        let fault = answer(connection, "beginning a snapshot");
        let snapshot = begin.read_only(true).start().await.map_err(fault)?;
        // The server stops too, where nobody is left to tell it.
        let settings = format!(
            "SET LOCAL TimeZone = 'UTC'; SET LOCAL DateStyle = 'ISO'; SET LOCAL IntervalStyle = 'iso_8601'; \
             SET LOCAL bytea_output = 'hex'; SET LOCAL statement_timeout = {}",
            connection.time_ms_max
        );
        let set = snapshot.batch_execute(&settings);
        set.await.map_err(answer(connection, "beginning a snapshot"))?;
        each(connection, wanted, async |one, doing| {
            read(connection, &snapshot, one, doing, watch).await
        })
        .await
    })
}

/// What the server said, with what was going on.
pub(super) fn answer(
    connection: &Connection,
    doing: &str,
) -> impl FnOnce(tokio_postgres::Error) -> SourcesError + use<> {
    let (connection, doing) = (connection.name.clone(), doing.to_owned());
    move |error| SourcesError::Answer { connection, doing, source: words(&error) }
}

/// The server's own words, with its detail and hint.
fn words(error: &tokio_postgres::Error) -> Cause {
    let Some(db) = error.as_db_error() else { return said(error) };
    let more = [db.detail(), db.hint()].into_iter().flatten();
    let more: String = more.map(|text| format!("; {text}")).collect();
    let words: Cause = format!("{} ({}){more}", db.message(), db.code().code()).into();
    said(words.as_ref())
}

async fn read(
    connection: &Connection,
    snapshot: &Transaction<'_>,
    wanted: &Wanted<'_>,
    doing: &str,
    watch: &Watch<'_>,
) -> Result<u64> {
    let from = match wanted.asked {
        Asked::Relation(name) => quoted(name, '"'),
        // As a part of another query it cannot be anything but a query.
        Asked::Query(query) => format!("(\n{query}\n)"),
    };
    let fault = || answer(connection, doing);
    let all = format!("SELECT * FROM {from} AS asked");
    let asked = snapshot.prepare(&all).await.map_err(fault())?;
    let columns: Vec<(String, Holds)> = asked
        .columns()
        .iter()
        .map(|column| (column.name().to_owned(), holds(column.type_())))
        .collect();
    let mut table = TableFile::create(&wanted.file, columns.iter().cloned(), connection.bytes_max)?;
    let selected: Vec<String> = columns
        .iter()
        .zip(asked.columns())
        .map(|((name, _), column)| {
            // Whatever has no form of its own here comes as the server writes it.
            let cast = if is_read(column.type_()) { "" } else { "::text" };
            format!("asked.{}{cast}", quoted_name(name))
        })
        .collect();
    let sql = format!("SELECT {} FROM {from} AS asked", selected.join(", "));
    let statement = snapshot.prepare(&sql).await.map_err(fault())?;
    let rows = snapshot.query_raw(&statement, Vec::<i32>::new()).await.map_err(fault())?;
    pin_mut!(rows);
    let mut count = 0;
    while let Some(row) = rows.try_next().await.map_err(fault())? {
        for (at, (_, holds)) in columns.iter().enumerate() {
            push(&mut table, at, *holds, &row).map_err(fault())?;
        }
        table.end_row()?;
        count += 1;
        if !watch.counted(&wanted.source, count) {
            break;
        }
    }
    table.finish()
}

/// A column may have any name, dots included.
fn quoted_name(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

fn holds(of: &Type) -> Holds {
    match *of {
        Type::BOOL => Holds::Flag,
        Type::INT2 | Type::INT4 | Type::INT8 => Holds::Integer,
        Type::FLOAT4 | Type::FLOAT8 => Holds::Real,
        Type::NUMERIC => Holds::Decimal,
        Type::TIMESTAMPTZ => Holds::Moment,
        Type::TIMESTAMP => Holds::WallTime,
        Type::DATE => Holds::Day,
        _ => Holds::Text,
    }
}

/// Whether values of a type are read in the server's binary form.
fn is_read(of: &Type) -> bool {
    match holds(of) {
        Holds::Text => matches!(*of, Type::TEXT | Type::VARCHAR),
        Holds::Decimal => false,
        _ => true,
    }
}

fn push(
    table: &mut TableFile,
    at: usize,
    holds: Holds,
    row: &Row,
) -> Result<(), tokio_postgres::Error> {
    let value = match holds {
        Holds::Text | Holds::Bytes => row.try_get::<_, Option<&str>>(at)?.map(Value::Text),
        Holds::Decimal => {
            row.try_get::<_, Option<&str>>(at)?.map(|text| Value::Text(without_scale(text)))
        }
        Holds::Flag => row.try_get::<_, Option<bool>>(at)?.map(Value::Flag),
        Holds::Integer => row.try_get::<_, Option<Whole>>(at)?.map(|n| Value::Integer(n.0)),
        Holds::Real => row.try_get::<_, Option<Number>>(at)?.map(|n| Value::Real(n.0)),
        Holds::Moment | Holds::WallTime => {
            row.try_get::<_, Option<Micros>>(at)?.map(|m| Value::Micros(m.0))
        }
        Holds::Day => row.try_get::<_, Option<Days>>(at)?.map(|d| Value::Day(d.0)),
    };
    table.push(at, value.unwrap_or(Value::Missing));
    Ok(())
}

struct Whole(i64);
struct Number(f64);
/// Microseconds since 1970; what the server calls infinity stays out of every range.
struct Micros(i64);
struct Days(i32);

fn bytes<const N: usize>(raw: &[u8]) -> Result<[u8; N], Cause> {
    raw.try_into().map_err(|_| "a value of another length than its type has".into())
}

impl FromSql<'_> for Whole {
    fn from_sql(of: &Type, raw: &[u8]) -> Result<Self, Cause> {
        Ok(Self(match *of {
            Type::INT2 => i16::from_be_bytes(bytes(raw)?).into(),
            Type::INT4 => i32::from_be_bytes(bytes(raw)?).into(),
            _ => i64::from_be_bytes(bytes(raw)?),
        }))
    }

    fn accepts(of: &Type) -> bool {
        holds(of) == Holds::Integer
    }
}

impl FromSql<'_> for Number {
    fn from_sql(of: &Type, raw: &[u8]) -> Result<Self, Cause> {
        Ok(Self(match *of {
            Type::FLOAT4 => widened(f32::from_be_bytes(bytes(raw)?)),
            _ => f64::from_be_bytes(bytes(raw)?),
        }))
    }

    fn accepts(of: &Type) -> bool {
        holds(of) == Holds::Real
    }
}

impl FromSql<'_> for Micros {
    fn from_sql(_: &Type, raw: &[u8]) -> Result<Self, Cause> {
        Ok(Self(i64::from_be_bytes(bytes(raw)?).saturating_add(EPOCH_MICROS)))
    }

    fn accepts(of: &Type) -> bool {
        matches!(holds(of), Holds::Moment | Holds::WallTime)
    }
}

impl FromSql<'_> for Days {
    fn from_sql(_: &Type, raw: &[u8]) -> Result<Self, Cause> {
        Ok(Self(i32::from_be_bytes(bytes(raw)?).saturating_add(EPOCH_DAYS)))
    }

    fn accepts(of: &Type) -> bool {
        holds(of) == Holds::Day
    }
}
