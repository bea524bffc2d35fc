//! Rows of MySQL and MariaDB: all sources of a connection in one snapshot, each streamed into its file.

use std::fmt::Write as _;

use mysql_async::consts::{ColumnFlags, ColumnType};
use mysql_async::prelude::Queryable as _;
use mysql_async::{Column, Conn, Row, Value as Cell};
use playbook_model::{Asked, Connection, DatabaseServer};

use super::client::{answer, bound, connect};
use crate::reach::{Bound, each, wait, within};
use crate::table::{Holds, TableFile, Value, quoted, widened, without_scale};
use crate::{Result, SourcesError, Wanted, Watch};

/// The character set of what is no text.
const BINARY: u16 = 63;

pub(crate) fn take(
    connection: &Connection,
    server: &DatabaseServer,
    wanted: &[Wanted<'_>],
    watch: &Watch<'_>,
) -> Result<Vec<u64>> {
    wait(watch, async {
        let mut conn = connect(connection, server).await?;
        within(connection, Bound::Connecting, "beginning a snapshot", begin(connection, &mut conn))
            .await?;
        each(connection, wanted, async |one, doing| {
            read(connection, &mut conn, one, doing, watch).await
        })
        .await
    })
}

async fn begin(connection: &Connection, conn: &mut Conn) -> Result<()> {
    bound(connection, conn).await?;
    for said in [
        "SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ",
        "START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY",
    ] {
        conn.query_drop(said).await.map_err(answer(connection, "beginning a snapshot"))?;
    }
    Ok(())
}

async fn read(
    connection: &Connection,
    conn: &mut Conn,
    wanted: &Wanted<'_>,
    doing: &str,
    watch: &Watch<'_>,
) -> Result<u64> {
    let fault = || answer(connection, doing);
    let sql = match wanted.asked {
        Asked::Relation(name) => format!("SELECT * FROM {}", quoted(name, '`')),
        // As a part of another query it cannot be anything but a query.
        Asked::Query(query) => format!("SELECT * FROM (\n{query}\n) AS asked"),
    };
    // Prepared, so that there is one statement, and values come typed.
    let mut answered = conn.exec_iter(sql, ()).await.map_err(fault())?;
    let columns: Vec<(String, Holds)> = answered
        .columns_ref()
        .iter()
        .map(|column| (column.name_str().into_owned(), holds(column)))
        .collect();
    let mut table = TableFile::create(&wanted.file, columns.iter().cloned(), connection.bytes_max)?;
    let (mut count, mut text) = (0, String::new());
    while let Some(row) = answered.next().await.map_err(fault())? {
        push(&mut table, &columns, &row, &mut text)?;
        count += 1;
        if !watch.counted(&wanted.source, count) {
            break;
        }
    }
    answered.drop_result().await.map_err(fault())?;
    table.finish()
}

fn push(
    table: &mut TableFile,
    columns: &[(String, Holds)],
    row: &Row,
    text: &mut String,
) -> Result<()> {
    for (at, (name, holds)) in columns.iter().enumerate() {
        let cell = row.as_ref(at).unwrap_or(&Cell::NULL);
        let value = value(*holds, cell, text).ok_or_else(|| SourcesError::Value {
            column: name.clone(),
            what: "a value that its type does not have, or a text that is no UTF-8".to_owned(),
            hint: "convert it in the query, for example with cast(... as char)",
        })?;
        table.push(at, value);
    }
    table.end_row()
}

fn holds(column: &Column) -> Holds {
    use ColumnType::{
        MYSQL_TYPE_DATE, MYSQL_TYPE_DATETIME, MYSQL_TYPE_DATETIME2, MYSQL_TYPE_DECIMAL,
        MYSQL_TYPE_DOUBLE, MYSQL_TYPE_FLOAT, MYSQL_TYPE_INT24, MYSQL_TYPE_LONG,
        MYSQL_TYPE_LONGLONG, MYSQL_TYPE_NEWDATE, MYSQL_TYPE_NEWDECIMAL, MYSQL_TYPE_SHORT,
        MYSQL_TYPE_TIMESTAMP, MYSQL_TYPE_TIMESTAMP2, MYSQL_TYPE_TINY, MYSQL_TYPE_YEAR,
    };
    match column.column_type() {
        // What is beyond 63 bits keeps its digits.
        MYSQL_TYPE_LONGLONG if column.flags().contains(ColumnFlags::UNSIGNED_FLAG) => Holds::Text,
        MYSQL_TYPE_TINY | MYSQL_TYPE_SHORT | MYSQL_TYPE_INT24 | MYSQL_TYPE_LONG
        | MYSQL_TYPE_LONGLONG | MYSQL_TYPE_YEAR => Holds::Integer,
        MYSQL_TYPE_FLOAT | MYSQL_TYPE_DOUBLE => Holds::Real,
        MYSQL_TYPE_DECIMAL | MYSQL_TYPE_NEWDECIMAL => Holds::Decimal,
        MYSQL_TYPE_TIMESTAMP | MYSQL_TYPE_TIMESTAMP2 => Holds::Moment,
        MYSQL_TYPE_DATETIME | MYSQL_TYPE_DATETIME2 => Holds::WallTime,
        MYSQL_TYPE_DATE | MYSQL_TYPE_NEWDATE => Holds::Day,
        _ if column.character_set() == BINARY && is_bytes(column.column_type()) => Holds::Bytes,
        _ => Holds::Text,
    }
}

fn is_bytes(of: ColumnType) -> bool {
    use ColumnType::{
        MYSQL_TYPE_BIT, MYSQL_TYPE_BLOB, MYSQL_TYPE_GEOMETRY, MYSQL_TYPE_LONG_BLOB,
        MYSQL_TYPE_MEDIUM_BLOB, MYSQL_TYPE_STRING, MYSQL_TYPE_TINY_BLOB, MYSQL_TYPE_VAR_STRING,
        MYSQL_TYPE_VARCHAR,
    };
    matches!(
        of,
        MYSQL_TYPE_BIT
            | MYSQL_TYPE_BLOB
            | MYSQL_TYPE_GEOMETRY
            | MYSQL_TYPE_LONG_BLOB
            | MYSQL_TYPE_MEDIUM_BLOB
            | MYSQL_TYPE_STRING
            | MYSQL_TYPE_TINY_BLOB
            | MYSQL_TYPE_VAR_STRING
            | MYSQL_TYPE_VARCHAR
    )
}

fn value<'a>(holds: Holds, cell: &'a Cell, text: &'a mut String) -> Option<Value<'a>> {
    Some(match (holds, cell) {
        (_, Cell::NULL) => Value::Missing,
        (Holds::Bytes, Cell::Bytes(bytes)) => {
            text.clear();
            bytes.iter().for_each(|byte| write!(text, "{byte:02x}").expect("a text takes letters"));
            Value::Text(text)
        }
        (Holds::Text, Cell::Bytes(bytes)) => Value::Text(std::str::from_utf8(bytes).ok()?),
        (Holds::Decimal, Cell::Bytes(bytes)) => {
            Value::Text(without_scale(std::str::from_utf8(bytes).ok()?))
        }
        (Holds::Text, Cell::Int(number)) => Value::Text(written(text, number)),
        (Holds::Text, Cell::UInt(number)) => Value::Text(written(text, number)),
        (Holds::Text, Cell::Time(minus, days, hours, minutes, seconds, micros)) => {
            let hours = days * 24 + u32::from(*hours);
            let sign = if *minus { "-" } else { "" };
            Value::Text(written(
                text,
                &format_args!("{sign}{hours:02}:{minutes:02}:{seconds:02}.{micros:06}"),
            ))
        }
        (Holds::Integer, Cell::Int(number)) => Value::Integer(*number),
        (Holds::Integer, Cell::UInt(number)) => Value::Integer(i64::try_from(*number).ok()?),
        (Holds::Real, Cell::Float(number)) => Value::Real(widened(*number)),
        (Holds::Real, Cell::Double(number)) => Value::Real(*number),
        (Holds::Day, Cell::Date(year, month, day, ..)) => Value::Day(days(*year, *month, *day)),
        (
            Holds::Moment | Holds::WallTime,
            Cell::Date(year, month, day, hour, minute, second, micros),
        ) => {
            let seconds = (i64::from(days(*year, *month, *day)) * 24 + i64::from(*hour)) * 3_600
                + i64::from(*minute) * 60
                + i64::from(*second);
            Value::Micros(seconds * 1_000_000 + i64::from(*micros))
        }
        _ => return None,
    })
}

fn written<'a>(text: &'a mut String, value: &impl std::fmt::Display) -> &'a str {
    text.clear();
    write!(text, "{value}").expect("a text takes letters");
    text
}

/// Days since 1970. A day that no calendar has, as `0000-00-00`, lies before every time that the host takes, so that its row
/// is rejected.
fn days(year: u16, month: u8, day: u8) -> i32 {
    const BEFORE_ALL: i32 = -1_000_000;
    let calendar =
        i16::try_from(year).ok().zip(i8::try_from(month).ok().zip(i8::try_from(day).ok()));
    let date =
        calendar.and_then(|(year, (month, day))| jiff::civil::Date::new(year, month, day).ok());
    let since = date.and_then(|date| date.since(jiff::civil::date(1970, 1, 1)).ok());
    since.map_or(BEFORE_ALL, |span| span.get_days())
}

#[cfg(test)]
mod tests {
    use super::days;

    #[test]
    fn days_count_from_1970_and_no_day_comes_before_all() {
        assert_eq!((days(1970, 1, 1), days(2026, 3, 1), days(1969, 12, 31)), (0, 20_513, -1));
        assert_eq!((days(0, 0, 0), days(2026, 2, 30)), (-1_000_000, -1_000_000));
    }
}
