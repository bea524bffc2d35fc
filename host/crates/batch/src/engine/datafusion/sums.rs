//! `sum` of integers that never wraps: added up in 128 bits, an error where 64 bits do not hold the result.
//!
//! It replaces the engine's `sum` by name, so that no query can reach the one that wraps. Other types still go to
//! the engine's.

use std::mem::size_of;

use arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, Decimal128Array, Int64Array, PrimitiveArray,
};
use arrow::datatypes::{ArrowPrimitiveType, DataType, Decimal128Type, Field, FieldRef, Int64Type};
use datafusion::common::{DataFusionError, Result, ScalarValue};
use datafusion::functions_aggregate::sum::Sum;
use datafusion::logical_expr::function::{AccumulatorArgs, StateFieldsArgs};
use datafusion::logical_expr::utils::{AggregateOrderSensitivity, format_state_name};
use datafusion::logical_expr::{
    Accumulator, AggregateUDF, AggregateUDFImpl, EmitTo, GroupsAccumulator, ReversedUDAF, Signature,
};

use crate::overflow::Overflow;

/// Decimal digits of a partial sum, enough for 2^63 of the greatest integers.
const DIGITS: u8 = 38;
const STATE: DataType = DataType::Decimal128(DIGITS, 0);

/// [`Overflow`] as an error of this engine.
pub(crate) fn overflow() -> DataFusionError {
    DataFusionError::External(Box::new(Overflow))
}

/// The aggregate function, to be registered in place of the engine's.
pub(crate) fn exact_sum() -> AggregateUDF {
    ExactSum(Sum::new()).into()
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct ExactSum(Sum);

impl AggregateUDFImpl for ExactSum {
    fn name(&self) -> &str {
        "sum"
    }

    fn signature(&self) -> &Signature {
        self.0.signature()
    }

    fn return_type(&self, arg_types: &[DataType]) -> Result<DataType> {
        self.0.return_type(arg_types)
    }

    fn accumulator(&self, args: AccumulatorArgs<'_>) -> Result<Box<dyn Accumulator>> {
        let (is_integer, is_distinct) =
            (is_integer(args.return_field.data_type()), args.is_distinct);
        Ok(match (is_integer, is_distinct) {
            (false, _) => self.0.accumulator(args)?,
            (true, true) => Box::new(OfDistinct(self.0.accumulator(args)?)),
            (true, false) => Box::new(One::default()),
        })
    }

    fn create_sliding_accumulator(
        &self,
        args: AccumulatorArgs<'_>,
    ) -> Result<Box<dyn Accumulator>> {
        if is_integer(args.return_field.data_type()) && !args.is_distinct {
            return Ok(Box::new(One::default()));
        }
        self.0.create_sliding_accumulator(args)
    }

    fn state_fields(&self, args: StateFieldsArgs<'_>) -> Result<Vec<FieldRef>> {
        if is_integer(args.return_type()) && !args.is_distinct {
            return Ok(vec![Field::new(format_state_name(args.name, "sum"), STATE, true).into()]);
        }
        self.0.state_fields(args)
    }

    fn groups_accumulator_supported(&self, args: AccumulatorArgs<'_>) -> bool {
        self.0.groups_accumulator_supported(args)
    }

    fn create_groups_accumulator(
        &self,
        args: AccumulatorArgs<'_>,
    ) -> Result<Box<dyn GroupsAccumulator>> {
        if is_integer(args.return_field.data_type()) {
            return Ok(Box::new(Groups::default()));
        }
        self.0.create_groups_accumulator(args)
    }

    fn reverse_expr(&self) -> ReversedUDAF {
        ReversedUDAF::Identical
    }

    fn order_sensitivity(&self) -> AggregateOrderSensitivity {
        AggregateOrderSensitivity::Insensitive
    }
}

fn is_integer(result: &DataType) -> bool {
    *result == DataType::Int64
}

fn narrow(sum: i128) -> Result<i64> {
    i64::try_from(sum).map_err(|_| overflow())
}

fn state_of(sum: Option<i128>) -> ScalarValue {
    ScalarValue::Decimal128(sum, DIGITS, 0)
}

/// The sum of one group; values can also be subtracted again, as sliding windows need.
#[derive(Debug, Default)]
struct One {
    sum: i128,
    values: u64,
}

impl One {
    fn add<T: ArrowPrimitiveType>(&mut self, values: &PrimitiveArray<T>)
    where
        i128: From<T::Native>,
    {
        self.values += (values.len() - values.null_count()) as u64;
        self.sum += values.iter().flatten().map(i128::from).sum::<i128>();
    }
}

impl Accumulator for One {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        self.add(values[0].as_primitive::<Int64Type>());
        Ok(())
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        self.add(states[0].as_primitive::<Decimal128Type>());
        Ok(())
    }

    fn retract_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        let values = values[0].as_primitive::<Int64Type>();
        self.values -= (values.len() - values.null_count()) as u64;
        self.sum -= values.iter().flatten().map(i128::from).sum::<i128>();
        Ok(())
    }

    fn supports_retract_batch(&self) -> bool {
        true
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        let sum = (self.values > 0).then(|| narrow(self.sum)).transpose()?;
        Ok(ScalarValue::Int64(sum))
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        Ok(vec![state_of((self.values > 0).then_some(self.sum))])
    }

    fn size(&self) -> usize {
        size_of::<Self>()
    }
}

/// The sum of distinct values. The engine's accumulator keeps the values; only adding them up is done here.
#[derive(Debug)]
struct OfDistinct(Box<dyn Accumulator>);

impl Accumulator for OfDistinct {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        self.0.update_batch(values)
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        self.0.merge_batch(states)
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        let mut sum = One::default();
        for state in self.0.state()? {
            if let ScalarValue::List(lists) = state {
                sum.add(lists.values().as_primitive::<Int64Type>());
            }
        }
        sum.evaluate()
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        self.0.state()
    }

    fn size(&self) -> usize {
        self.0.size()
    }
}

/// The sums of many groups; that of a group without any value is null.
#[derive(Debug, Default)]
struct Groups {
    sums: Vec<i128>,
    seen: Vec<bool>,
}

impl Groups {
    fn add<T: ArrowPrimitiveType>(
        &mut self,
        values: &PrimitiveArray<T>,
        groups: &[usize],
        filter: Option<&BooleanArray>,
        total: usize,
    ) where
        i128: From<T::Native>,
    {
        self.sums.resize(total, 0);
        self.seen.resize(total, false);
        let plain = values.null_count() == 0 && filter.is_none();
        for (row, (group, value)) in groups.iter().zip(values.values()).enumerate() {
            if plain || (values.is_valid(row) && filter.is_none_or(|filter| holds(filter, row))) {
                self.sums[*group] += i128::from(*value);
                self.seen[*group] = true;
            }
        }
    }

    fn take(&mut self, emit_to: EmitTo) -> Vec<Option<i128>> {
        let (sums, seen) =
            (emit_to.take_needed(&mut self.sums), emit_to.take_needed(&mut self.seen));
        sums.into_iter().zip(seen).map(|(sum, seen)| seen.then_some(sum)).collect()
    }
}

fn holds(filter: &BooleanArray, row: usize) -> bool {
    filter.is_valid(row) && filter.value(row)
}

fn states(sums: impl Iterator<Item = Option<i128>>) -> Result<Vec<ArrayRef>> {
    let states: Decimal128Array = sums.collect();
    Ok(vec![std::sync::Arc::new(states.with_precision_and_scale(DIGITS, 0)?)])
}

impl GroupsAccumulator for Groups {
    fn update_batch(
        &mut self,
        values: &[ArrayRef],
        groups: &[usize],
        filter: Option<&BooleanArray>,
        total: usize,
    ) -> Result<()> {
        self.add(values[0].as_primitive::<Int64Type>(), groups, filter, total);
        Ok(())
    }

    fn merge_batch(&mut self, values: &[ArrayRef], groups: &[usize], total: usize) -> Result<()> {
        self.add(values[0].as_primitive::<Decimal128Type>(), groups, None, total);
        Ok(())
    }

    fn evaluate(&mut self, emit_to: EmitTo) -> Result<ArrayRef> {
        let sums = self.take(emit_to).into_iter().map(|sum| sum.map(narrow).transpose());
        Ok(std::sync::Arc::new(sums.collect::<Result<Int64Array>>()?))
    }

    fn state(&mut self, emit_to: EmitTo) -> Result<Vec<ArrayRef>> {
        states(self.take(emit_to).into_iter())
    }

    fn convert_to_state(
        &self,
        values: &[ArrayRef],
        filter: Option<&BooleanArray>,
    ) -> Result<Vec<ArrayRef>> {
        let kept = |row: usize| filter.is_none_or(|filter| holds(filter, row));
        let values = values[0].as_primitive::<Int64Type>().iter().enumerate();
        states(values.map(|(row, value)| value.filter(|_| kept(row)).map(i128::from)))
    }

    fn size(&self) -> usize {
        self.sums.capacity() * size_of::<i128>() + self.seen.capacity()
    }
}
