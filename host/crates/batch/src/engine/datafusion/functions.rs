//! Scalar functions of the engine that the SQL of features and mappings calls.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Float64Array, Int64Array, StringArray};
use arrow::datatypes::{DataType, Float64Type, Int64Type};
use datafusion::common::{DataFusionError, Result, ScalarValue};
use datafusion::logical_expr::{ColumnarValue, ScalarUDF, Volatility, create_udf};
use datafusion::prelude::SessionContext;
use playbook_features::{WallField, function, micro};
use playbook_model::Transform;

use crate::BrandClock;
use crate::engine::datafusion::sums::{exact_sum, overflow};
use crate::engine::{LOCAL_TO_UNIX, LOWERED, MONEY, PSEUDONYM, TRIMMED};
use crate::intake::transform::transformed;
use crate::keys::texts;
use playbook_features::DAY_MS;

/// A function of one real.
type OfReal = fn(f64) -> f64;

/// Functions of one real that expressions may use; results that are not finite become null.
const MATHEMATICS: [(&str, OfReal); 8] = [
    ("abs", f64::abs),
    ("ceil", f64::ceil),
    ("exp", f64::exp),
    ("floor", f64::floor),
    ("ln", f64::ln),
    ("log10", f64::log10),
    ("round", f64::round),
    ("sqrt", f64::sqrt),
];

/// Registers all functions.
pub(crate) fn register(context: &SessionContext, clock: &BrandClock) {
    let clock = Arc::new(clock.clone());
    let with_clock = |read: fn(&BrandClock, &Int64Array) -> Int64Array| {
        let clock = Arc::clone(&clock);
        move |array: &Int64Array| read(&clock, array)
    };
    context.register_udf(integers(
        function::LOCAL_DAY,
        with_clock(|clock, times| {
            let mut reader = clock.offsets();
            map(times, |time| reader.local_ms(time).div_euclid(DAY_MS))
        }),
    ));
    context.register_udf(integers(
        function::LOCAL_MS,
        with_clock(|clock, times| {
            let mut reader = clock.offsets();
            map(times, |time| reader.local_ms(time))
        }),
    ));
    context.register_udf(integers(
        LOCAL_TO_UNIX,
        with_clock(|clock, times| {
            let mut reader = clock.offsets();
            map(times, |time| reader.unix_ms(time))
        }),
    ));
    for wall in WallField::ALL {
        let clock = Arc::clone(&clock);
        context.register_udf(integers(wall.function(), move |times| {
            let mut reader = clock.offsets();
            map(times, |time| wall.of(reader.local_ms(time)))
        }));
    }
    context.register_udf(integers(function::FLOOR_DAYS, |ms| map(ms, |ms| ms.div_euclid(DAY_MS))));
    context.register_udf(integers(function::COUNT_BITS, |bits| {
        map(bits, |bits| i64::from(bits.count_ones()))
    }));
    context.register_udf(day_bit(clock));
    context.register_udf(reals(function::MICRO, DataType::Int64, |values| {
        let micro = |value: Option<f64>| match value.map(micro) {
            None => Ok(None),
            Some(found) => found.map_err(|_| overflow()),
        };
        Ok(Arc::new(values.iter().map(micro).collect::<Result<Int64Array>>()?))
    }));
    context.register_udf(reals(function::ROOT, DataType::Float64, |values| {
        Ok(Arc::new(values.iter().map(|v| v.map(f64::sqrt)).collect::<Float64Array>()))
    }));
    context.register_udf(money());
    context.register_udaf(exact_sum());
    // Scalar mathematics that expressions of playbooks may use.
    for (name, function) in MATHEMATICS {
        context.register_udf(reals(name, DataType::Float64, move |values| {
            Ok(Arc::new(values.iter().map(|value| value.map(function)).collect::<Float64Array>()))
        }));
    }
}

fn map(values: &Int64Array, mut change: impl FnMut(i64) -> i64) -> Int64Array {
    let changed: Vec<i64> = values.values().iter().map(|value| change(*value)).collect();
    Int64Array::new(changed.into(), values.nulls().cloned())
}

fn arrays(args: &[ColumnarValue]) -> Result<Vec<ArrayRef>> {
    ColumnarValue::values_to_arrays(args)
}

/// Returns a scalar where all arguments are scalars, so that the planner can fold constants.
pub(crate) fn like_args(args: &[ColumnarValue], result: ArrayRef) -> Result<ColumnarValue> {
    if args.iter().all(|arg| matches!(arg, ColumnarValue::Scalar(_))) {
        ScalarValue::try_from_array(&result, 0).map(ColumnarValue::Scalar)
    } else {
        Ok(ColumnarValue::Array(result))
    }
}

fn integers(
    name: &str,
    change: impl Fn(&Int64Array) -> Int64Array + Send + Sync + 'static,
) -> ScalarUDF {
    let apply = move |args: &[ColumnarValue]| {
        let input = arrays(args)?;
        like_args(args, Arc::new(change(input[0].as_primitive::<Int64Type>())))
    };
    create_udf(name, vec![DataType::Int64], DataType::Int64, Volatility::Immutable, Arc::new(apply))
}

fn reals(
    name: &str,
    result: DataType,
    change: impl Fn(&Float64Array) -> Result<ArrayRef> + Send + Sync + 'static,
) -> ScalarUDF {
    let apply = move |args: &[ColumnarValue]| {
        let input = arrays(args)?;
        like_args(args, change(input[0].as_primitive::<Float64Type>())?)
    };
    create_udf(name, vec![DataType::Float64], result, Volatility::Immutable, Arc::new(apply))
}

/// Registers the transforms of texts. The salt is bound into the function: as an argument it would stand in logged SQL.
pub(super) fn register_transforms(context: &SessionContext, salt: &str) {
    let transforms =
        [(TRIMMED, Transform::Trim), (LOWERED, Transform::Lower), (PSEUDONYM, Transform::Hash)];
    for (name, by) in transforms {
        let salt = salt.as_bytes().to_vec();
        let run = move |args: &[ColumnarValue]| {
            let input = arrays(args)?;
            let texts = texts(&input[0]);
            let changed = texts.iter().map(|text| transformed(&by, &salt, text?));
            like_args(args, Arc::new(changed.collect::<StringArray>()))
        };
        let types = vec![DataType::Utf8];
        let run = Arc::new(run);
        context.register_udf(create_udf(name, types, DataType::Utf8, Volatility::Immutable, run));
    }
}

fn day_bit(clock: Arc<BrandClock>) -> ScalarUDF {
    let apply = move |args: &[ColumnarValue]| {
        let [ColumnarValue::Array(times), ColumnarValue::Scalar(ScalarValue::Int64(Some(day)))] =
            args
        else {
            let input = arrays(args)?;
            let (times, days) =
                (input[0].as_primitive::<Int64Type>(), input[1].as_primitive::<Int64Type>());
            let bits: Int64Array = times
                .iter()
                .zip(days)
                .map(|(time, day)| Some(bit(day? - clock.local_day(time?))))
                .collect();
            return like_args(args, Arc::new(bits));
        };
        let mut reader = clock.offsets();
        let times = times.as_primitive::<Int64Type>();
        let bits = map(times, |time| bit(day - reader.local_ms(time).div_euclid(DAY_MS)));
        Ok(ColumnarValue::Array(Arc::new(bits)))
    };
    let types = vec![DataType::Int64, DataType::Int64];
    create_udf(function::DAY_BIT, types, DataType::Int64, Volatility::Immutable, Arc::new(apply))
}

fn bit(days_before: i64) -> i64 {
    if (0..=62).contains(&days_before) { 1 << days_before } else { 0 }
}

fn money() -> ScalarUDF {
    let apply = |args: &[ColumnarValue]| {
        let input = arrays(args)?;
        let shift = match &args[1] {
            ColumnarValue::Scalar(ScalarValue::Int64(Some(shift))) => *shift,
            _ => {
                return Err(DataFusionError::Plan(
                    "the shift of an amount is a constant".to_owned(),
                ));
            }
        };
        let amounts: Int64Array =
            input[0].as_primitive::<Float64Type>().iter().map(|v| money_of(v?, shift)).collect();
        like_args(args, Arc::new(amounts))
    };
    let types = vec![DataType::Float64, DataType::Int64];
    create_udf(MONEY, types, DataType::Int64, Volatility::Immutable, Arc::new(apply))
}

/// An amount in minor units; `None` where it is not whole but for floating-point error.
#[expect(clippy::cast_possible_truncation, reason = "the range is checked")]
fn money_of(value: f64, shift: i64) -> Option<i64> {
    let scaled = value * 10_f64.powi(i32::try_from(shift).ok()?);
    let whole = scaled.round();
    let is_whole = (scaled - whole).abs() <= 1e-9 + scaled.abs() * 1e-12;
    (is_whole && scaled.abs() < 9e15).then_some(whole as i64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_stored_as_reals_are_whole_minor_units_or_none() {
        let cases = [
            (11.77, Some(1177)),
            (0.1 + 0.2, Some(30)),
            (-59.969_999_999_999_995, Some(-5997)),
            (1e10, Some(1_000_000_000_000)),
            (12.345, None),
            (1.005, None),
            (12.340_000_1, None),
            (f64::NAN, None),
            (f64::INFINITY, None),
            (1e300, None),
        ];
        for (value, want) in cases {
            assert_eq!(money_of(value, 2), want, "{value}");
        }
        assert_eq!(money_of(1500.5, 0), None);
    }
}
