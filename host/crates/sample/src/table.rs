//! Columns of a chunk of rows before they become Parquet or CSV.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, BooleanArray, DictionaryArray, Float64Array, Int32Array, Int64Array, StringArray,
};
use arrow::datatypes::{DataType, Field, Int32Type, Schema};

/// Stands for a missing integer.
pub(crate) const NO_INTEGER: i64 = i64::MIN;
/// Stands for a missing code.
pub(crate) const NO_CODE: u8 = u8::MAX;

/// Values of one column.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Cells {
    /// [`NO_INTEGER`] where missing.
    Integer(Vec<i64>),
    /// NaN where missing.
    Real(Vec<f64>),
    /// Positions in a closed list; [`NO_CODE`] where missing.
    Code(Vec<u8>, &'static [&'static str]),
    /// True or false.
    Flag(Vec<bool>),
    /// Written as 16 hexadecimal letters.
    Hash(Vec<u64>),
}

/// A named column.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Column {
    pub(crate) name: &'static str,
    pub(crate) cells: Cells,
}

/// Columns of equal length.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Table {
    pub(crate) columns: Vec<Column>,
}

impl Table {
    pub(crate) fn of<const N: usize>(columns: [(&'static str, Cells); N]) -> Self {
        Self { columns: columns.map(|(name, cells)| Column { name, cells }).into() }
    }

    pub(crate) fn rows(&self) -> usize {
        self.columns.first().map_or(0, |column| match &column.cells {
            Cells::Integer(v) => v.len(),
            Cells::Real(v) => v.len(),
            Cells::Code(v, _) => v.len(),
            Cells::Flag(v) => v.len(),
            Cells::Hash(v) => v.len(),
        })
    }

    /// Schema of the file; categories keep their dictionary when they are read again.
    pub(crate) fn schema(&self) -> Arc<Schema> {
        let field = |column: &Column| {
            let data_type = match &column.cells {
                Cells::Integer(_) => DataType::Int64,
                Cells::Real(_) => DataType::Float64,
                Cells::Code(..) => {
                    DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8))
                }
                Cells::Flag(_) => DataType::Boolean,
                Cells::Hash(_) => DataType::Utf8,
            };
            Field::new(column.name, data_type, true)
        };
        Arc::new(Schema::new(self.columns.iter().map(field).collect::<Vec<_>>()))
    }

    /// The columns as arrays, in order.
    pub(crate) fn arrays(&self) -> Vec<ArrayRef> {
        self.columns.iter().map(|column| column.cells.array()).collect()
    }
}

impl Cells {
    fn array(&self) -> ArrayRef {
        match self {
            Self::Integer(v) => {
                Arc::new(v.iter().map(|v| (*v != NO_INTEGER).then_some(*v)).collect::<Int64Array>())
            }
            Self::Real(v) => {
                Arc::new(v.iter().map(|v| (!v.is_nan()).then_some(*v)).collect::<Float64Array>())
            }
            Self::Code(codes, names) => {
                let keys: Int32Array =
                    codes.iter().map(|c| (*c != NO_CODE).then_some(i32::from(*c))).collect();
                let values: StringArray = names.iter().map(Some).collect();
                let array = DictionaryArray::<Int32Type>::try_new(keys, Arc::new(values));
                Arc::new(array.expect("codes are positions in their list"))
            }
            Self::Flag(v) => Arc::new(v.iter().copied().map(Some).collect::<BooleanArray>()),
            Self::Hash(v) => {
                Arc::new(v.iter().map(|v| Some(format!("{v:016x}"))).collect::<StringArray>())
            }
        }
    }
}
