//! Functions and operators of a playbook's own SQL: integer arithmetic that does not wrap, and functions of texts whose
//! results are bounded.

use std::sync::Arc;

use arrow::array::{Array, AsArray, Int64Array, StringArray};
use arrow::compute::cast as cast_array;
use arrow::datatypes::{DataType, Int64Type};
use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::Transformed;
use datafusion::common::{DFSchema, DataFusionError, Result};
use datafusion::execution::FunctionRegistry;
use datafusion::logical_expr::expr_rewriter::FunctionRewrite;
use datafusion::logical_expr::{
    BinaryExpr, ColumnarValue, Expr, ExprSchemable, Operator, ReturnFieldArgs, ScalarFunctionArgs,
    ScalarUDF, ScalarUDFImpl, Signature, Volatility, cast, create_udf, lit,
};
use datafusion::prelude::SessionContext;

use crate::engine::datafusion::functions::like_args;
use crate::engine::datafusion::sums::overflow;

/// Most bytes of text that one operation may return for one batch of rows.
const TEXT_BYTES_MAX: u128 = 64 << 20;

/// Upper bound of the bytes that a function returns for one row, from the sizes of its arguments: the bytes of a text,
/// the value of an integer.
type SizeOf = fn(&[u128]) -> u128;

/// Functions whose result can be much longer than their arguments.
const GROWING: [(&str, SizeOf); 5] = [
    ("concat", |sizes| sizes.iter().sum()),
    ("concat_ws", |sizes| sizes.iter().sum::<u128>() + sizes[0] * sizes.len() as u128),
    ("overlay", |sizes| sizes.iter().take(2).sum()),
    ("repeat", |sizes| sizes[0].saturating_mul(sizes[1])),
    ("replace", |sizes| sizes[0] + (sizes[0] / sizes[1].max(1) + 1) * sizes[2]),
];

/// Registers the functions, and the rule that rewrites operators to them.
pub(super) fn register(context: &SessionContext) -> Result<()> {
    for (name, size_of) in GROWING {
        let inner = context.udf(name)?;
        context.register_udf(Bounded { inner, size_of: Size(size_of) }.into());
    }
    let operators = Operators {
        add: checked("checked_add", i64::checked_add),
        subtract: checked("checked_subtract", i64::checked_sub),
        multiply: checked("checked_multiply", i64::checked_mul),
        join: join(),
    };
    // Registering takes `&mut`; a clone shares the state of its context.
    context.clone().register_function_rewrite(Arc::new(operators))
}

/// Rewrites `+`, `-`, `*` of integers and `||` to functions that fail instead of wrapping or growing.
#[derive(Debug)]
struct Operators {
    add: ScalarUDF,
    subtract: ScalarUDF,
    multiply: ScalarUDF,
    join: ScalarUDF,
}

impl FunctionRewrite for Operators {
    fn name(&self) -> &str {
        "operators of a playbook's SQL"
    }

    fn rewrite(
        &self,
        expr: Expr,
        schema: &DFSchema,
        _: &ConfigOptions,
    ) -> Result<Transformed<Expr>> {
        let is_integer = |expr: &Expr| expr.get_type(schema).is_ok_and(|found| found.is_integer());
        let call = |function: &ScalarUDF, left: Expr, right: Expr, to: &DataType| {
            Transformed::yes(function.call(vec![cast(left, to.clone()), cast(right, to.clone())]))
        };
        Ok(match expr {
            Expr::BinaryExpr(BinaryExpr { left, op: Operator::StringConcat, right }) => {
                call(&self.join, *left, *right, &DataType::Utf8)
            }
            Expr::BinaryExpr(BinaryExpr { left, op, right })
                if is_integer(&left) && is_integer(&right) =>
            {
                let function = match op {
                    Operator::Plus => &self.add,
                    Operator::Minus => &self.subtract,
                    Operator::Multiply => &self.multiply,
                    _ => {
                        return Ok(Transformed::no(Expr::BinaryExpr(BinaryExpr {
                            left,
                            op,
                            right,
                        })));
                    }
                };
                call(function, *left, *right, &DataType::Int64)
            }
            Expr::Negative(inner) if is_integer(&inner) && !matches!(*inner, Expr::Literal(..)) => {
                call(&self.subtract, lit(0_i64), *inner, &DataType::Int64)
            }
            other => Transformed::no(other),
        })
    }
}

/// A function of two integers that fails on overflow.
fn checked(name: &str, op: fn(i64, i64) -> Option<i64>) -> ScalarUDF {
    let apply = move |args: &[ColumnarValue]| {
        let arrays = ColumnarValue::values_to_arrays(args)?;
        let (left, right) =
            (arrays[0].as_primitive::<Int64Type>(), arrays[1].as_primitive::<Int64Type>());
        let one = |pair| match pair {
            (Some(left), Some(right)) => op(left, right).map(Some).ok_or_else(overflow),
            _ => Ok(None),
        };
        let values = left.iter().zip(right).map(one).collect::<Result<Int64Array>>()?;
        like_args(args, Arc::new(values))
    };
    let types = vec![DataType::Int64; 2];
    create_udf(name, types, DataType::Int64, Volatility::Immutable, Arc::new(apply))
}

/// `||`, bounded: null where a side is null.
fn join() -> ScalarUDF {
    let apply = |args: &[ColumnarValue]| {
        let arrays = ColumnarValue::values_to_arrays(args)?;
        let (left, right) = (crate::keys::texts(&arrays[0]), crate::keys::texts(&arrays[1]));
        bounded("||", (left.value_data().len() + right.value_data().len()) as u128)?;
        let one = |(left, right): (Option<&str>, Option<&str>)| Some([left?, right?].concat());
        let texts: StringArray = left.iter().zip(right.iter()).map(one).collect();
        like_args(args, Arc::new(texts))
    };
    let types = vec![DataType::Utf8; 2];
    create_udf("join_texts", types, DataType::Utf8, Volatility::Immutable, Arc::new(apply))
}

fn bounded(name: &str, bytes: u128) -> Result<()> {
    if bytes <= TEXT_BYTES_MAX {
        return Ok(());
    }
    Err(DataFusionError::ResourcesExhausted(format!(
        "`{name}` would give {bytes} bytes of text at once; at most {TEXT_BYTES_MAX} are allowed"
    )))
}

/// A function of the engine that fails where its result would exceed the bound, before it is computed.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Bounded {
    inner: Arc<ScalarUDF>,
    size_of: Size,
}

/// The size function of a [`Bounded`]. All compare as equal: those of functions with one name are the same.
#[derive(Debug)]
struct Size(SizeOf);

impl PartialEq for Size {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for Size {}

impl std::hash::Hash for Size {
    fn hash<H: std::hash::Hasher>(&self, _: &mut H) {}
}

impl ScalarUDFImpl for Bounded {
    fn name(&self) -> &str {
        self.inner.name()
    }

    fn signature(&self) -> &Signature {
        self.inner.signature()
    }

    fn return_type(&self, types: &[DataType]) -> Result<DataType> {
        self.inner.return_type(types)
    }

    fn return_field_from_args(
        &self,
        args: ReturnFieldArgs<'_>,
    ) -> Result<arrow::datatypes::FieldRef> {
        self.inner.return_field_from_args(args)
    }

    fn coerce_types(&self, types: &[DataType]) -> Result<Vec<DataType>> {
        self.inner.coerce_types(types)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let sizes = args.args.iter().map(sizes).collect::<Result<Vec<_>>>()?;
        // All arguments may be constants: then there is one row.
        let rows = sizes.iter().map(Vec::len).max().unwrap_or(0);
        let at =
            |sizes: &Vec<u128>, row: usize| sizes.get(row).or(sizes.first()).copied().unwrap_or(0);
        let mut bytes = 0_u128;
        for row in 0..rows {
            let of_row: Vec<u128> = sizes.iter().map(|sizes| at(sizes, row)).collect();
            bytes = bytes.saturating_add((self.size_of.0)(&of_row));
        }
        bounded(self.name(), bytes)?;
        self.inner.invoke_with_args(args)
    }
}

/// The sizes of an argument's values; a constant has one.
fn sizes(value: &ColumnarValue) -> Result<Vec<u128>> {
    let array = value.to_array(1)?;
    if array.data_type().is_integer() {
        let numbers = cast_array(&array, &DataType::Int64)?;
        let numbers = numbers.as_primitive::<Int64Type>();
        return Ok(numbers.iter().map(|n| u128::try_from(n.unwrap_or(0)).unwrap_or(0)).collect());
    }
    let texts = crate::keys::texts(&array);
    Ok(texts.iter().map(|text| text.map_or(0, str::len) as u128).collect())
}
