//! Finishes of recipes as SQL over their parts.

use playbook_model::UnixMs;

use crate::function;
use crate::recipe::{Finish, Part, Recipe};
use crate::rows::FieldType;

/// An SQL expression with its type.
pub(crate) struct ValueSql {
    pub(crate) sql: String,
    pub(crate) value_type: FieldType,
}

/// Millionths of a real, as [`function::MICRO`] gives them.
const MICRO_PER_UNIT: &str = "1000000.0";

/// Returns the finish of `recipe` over the columns `parts`.
pub(crate) fn finish_sql(
    recipe: &Recipe,
    parts: &[String],
    field: Option<FieldType>,
    as_of: UnixMs,
) -> ValueSql {
    use FieldType::{Integer, Real};
    let is_micro = field == Some(Real);
    let local = |time: &str| format!("{}({time})", function::LOCAL_MS);
    let days =
        |from: &str, to: &str| format!("{}({} - {})", function::FLOOR_DAYS, local(to), local(from));
    let now = as_of.0.to_string();
    let (sql, value_type) = match recipe.finish {
        Finish::Same => match recipe.parts[0] {
            Part::Sum if is_micro => {
                (format!("CAST({} AS DOUBLE) / {MICRO_PER_UNIT}", parts[0]), Real)
            }
            Part::Least | Part::Greatest | Part::FirstValue | Part::LastValue => {
                (parts[0].clone(), field.unwrap_or(Integer))
            }
            _ => (parts[0].clone(), Integer),
        },
        Finish::Mean => {
            let count = format!("CAST(nullif({}, 0) AS DOUBLE)", parts[1]);
            let count = if is_micro { format!("({count} * {MICRO_PER_UNIT})") } else { count };
            (format!("CAST({} AS DOUBLE) / {count}", parts[0]), Real)
        }
        Finish::DaysSinceLast | Finish::DaysSinceFirst => (days(&parts[0], &now), Integer),
        Finish::DaysBetween => (days(&parts[0], &parts[1]), Integer),
        Finish::CountBits => (format!("{}({})", function::COUNT_BITS, parts[0]), Integer),
        Finish::CountBitsButFirst => {
            let bits = format!("{}({})", function::COUNT_BITS, parts[0]);
            (format!("CASE WHEN {bits} > 0 THEN {bits} - 1 ELSE 0 END"), Integer)
        }
        Finish::RowsButFirst => {
            (format!("CASE WHEN {0} > 0 THEN {0} - 1 ELSE 0 END", parts[0]), Integer)
        }
        Finish::SumButFirst => {
            let rest = format!("{} - coalesce({}, 0)", parts[0], parts[1]);
            if is_micro {
                (format!("CAST({rest} AS DOUBLE) / {MICRO_PER_UNIT}"), Real)
            } else {
                (rest, Integer)
            }
        }
        Finish::GapMean => {
            let gaps = format!("CAST(nullif({} - 1, 0) AS DOUBLE)", parts[0]);
            (format!("CAST({} - {} AS DOUBLE) / {gaps}", parts[2], parts[1]), Real)
        }
        Finish::GapSd => (gap_sd_sql(parts), Real),
    };
    ValueSql { sql, value_type }
}

/// `sqrt((n * squares - sum^2) / (n * (n - 1)))` over the n gaps: an integer numerator, one division, one root.
fn gap_sd_sql(parts: &[String]) -> String {
    let gaps = format!("({} - 1)", parts[0]);
    let sum = format!("({} - {})", parts[2], parts[1]);
    let squares = &parts[3];
    format!(
        "CASE WHEN {} >= 3 THEN {}(CAST({gaps} * {squares} - {sum} * {sum} AS DOUBLE) / CAST({gaps} * ({gaps} - 1) AS DOUBLE)) END",
        parts[0],
        function::ROOT
    )
}
