//! Cells of a workbook as texts, as Excel itself shows what it knows of them.

use calamine::{DataRef, ExcelDateTime};

/// The text of a cell; `None` of one without content.
pub(super) fn text(cell: &DataRef<'_>) -> Option<String> {
    let text = match cell {
        DataRef::Empty => return None,
        DataRef::String(text) | DataRef::DateTimeIso(text) | DataRef::DurationIso(text) => {
            text.clone()
        }
        DataRef::SharedString(text) => (*text).to_owned(),
        DataRef::Int(number) => number.to_string(),
        DataRef::Float(number) => decimal(*number),
        DataRef::Bool(flag) => flag.to_string(),
        DataRef::DateTime(time) => moment(time),
        // `#N/A` and its like are no values: where a number is read they reject the row.
        DataRef::Error(error) => error.to_string(),
    };
    (!text.is_empty()).then_some(text)
}

/// A number with the 15 digits that Excel keeps: 0.1 + 0.2 is 0.3 there.
fn decimal(number: f64) -> String {
    let kept: f64 = format!("{number:.14e}").parse().unwrap_or(number);
    kept.to_string()
}

fn moment(time: &ExcelDateTime) -> String {
    if time.is_duration() {
        return decimal(time.as_f64());
    }
    let (year, month, day, hour, minute, second, ms) = time.to_ymd_hms_milli();
    let whole = format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}");
    if ms == 0 { whole } else { format!("{whole}.{ms:03}") }
}

#[cfg(test)]
mod tests {
    use calamine::{DataRef, ExcelDateTime, ExcelDateTimeType};

    use super::text;

    #[test]
    fn cells_are_what_excel_shows() {
        let time = |serial| {
            let kind = ExcelDateTimeType::DateTime;
            DataRef::DateTime(ExcelDateTime::new(serial, kind, false))
        };
        let cases = [
            (DataRef::Float(0.1 + 0.2), Some("0.3")),
            (DataRef::Float(12_345_678.0), Some("12345678")),
            (DataRef::Float(1177.5), Some("1177.5")),
            (time(46_027.5), Some("2026-01-05T12:00:00")),
            (time(46_027.0), Some("2026-01-05T00:00:00")),
            (DataRef::Bool(true), Some("true")),
            (DataRef::SharedString("a"), Some("a")),
            (DataRef::String(String::new()), None),
            (DataRef::Empty, None),
        ];
        for (cell, wanted) in cases {
            assert_eq!(text(&cell).as_deref(), wanted, "{cell:?}");
        }
    }
}
