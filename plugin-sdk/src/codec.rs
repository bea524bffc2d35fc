//! A fixed byte form for states and models: little-endian, lengths before contents.

/// Writes values one after the other.
#[derive(Debug, Default)]
pub struct Writer(Vec<u8>);

/// Reads what a [`Writer`] wrote; every fault is an error text, never a panic.
#[derive(Debug)]
pub struct Reader<'a>(&'a [u8]);

/// A value with a byte form. Use [`codec!`](crate::codec!) for structs.
pub trait Codec: Sized {
    /// Appends the value.
    fn write(&self, to: &mut Writer);

    /// Reads the value back.
    ///
    /// # Errors
    /// A text where the bytes end early or cannot be such a value.
    fn read(from: &mut Reader<'_>) -> Result<Self, String>;
}

/// Returns the bytes of a value.
#[must_use]
pub fn encode(value: &impl Codec) -> Vec<u8> {
    let mut writer = Writer::default();
    value.write(&mut writer);
    writer.0
}

/// Reads a value that takes up all of `bytes`.
///
/// # Errors
/// A text where the bytes are too few, too many or not such a value.
pub fn decode<T: Codec>(bytes: &[u8]) -> Result<T, String> {
    let mut reader = Reader(bytes);
    let value = T::read(&mut reader)?;
    match reader.0.len() {
        0 => Ok(value),
        left => Err(format!("{left} bytes are left over")),
    }
}

impl Writer {
    /// Appends bytes as they are, without their length.
    #[inline(never)]
    pub fn raw(&mut self, bytes: &[u8]) {
        self.0.extend_from_slice(bytes);
    }

    /// Appends reals without how many they are, and without a call for each.
    pub(crate) fn reals(&mut self, reals: &[f64]) {
        self.0.extend(reals.iter().flat_map(|real| real.to_le_bytes()));
    }

    /// Appends a length.
    pub fn len(&mut self, len: usize) {
        self.raw(&(len as u64).to_le_bytes());
    }
}

impl<'a> Reader<'a> {
    /// Starts at the first of `bytes`.
    #[must_use]
    pub fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    /// Takes `count` bytes.
    ///
    /// # Errors
    /// Where fewer are left.
    #[inline(never)]
    pub fn raw(&mut self, count: usize) -> Result<&'a [u8], String> {
        let (taken, rest) = self.0.split_at_checked(count).ok_or_else(early)?;
        self.0 = rest;
        Ok(taken)
    }

    #[inline(never)]
    fn fixed<const N: usize>(&mut self) -> Result<[u8; N], String> {
        let (taken, rest) = self.0.split_first_chunk().ok_or_else(early)?;
        self.0 = rest;
        Ok(*taken)
    }

    /// Takes `count` values.
    #[inline(never)]
    fn list<T: Codec>(&mut self, count: usize) -> Result<Vec<T>, String> {
        let mut values = Vec::new();
        for _ in 0..count {
            values.push(T::read(self)?);
        }
        Ok(values)
    }

    /// Takes a length of values that take at least `each` bytes, so that a forged length cannot
    /// reserve more memory than the bytes at hand justify.
    ///
    /// # Errors
    /// Where the bytes left cannot hold so many.
    #[inline(never)]
    pub fn len(&mut self, each: usize) -> Result<usize, String> {
        let len = usize::try_from(u64::read(self)?).unwrap_or(usize::MAX);
        if len.saturating_mul(each.max(1)) > self.0.len() {
            return Err(format!("a length of {len} exceeds the bytes"));
        }
        Ok(len)
    }
}

fn early() -> String {
    "the bytes end early".to_owned()
}

macro_rules! numbers {
    ($($number:ty),*) => {$(
        impl Codec for $number {
            fn write(&self, to: &mut Writer) {
                to.raw(&self.to_le_bytes());
            }
            fn read(from: &mut Reader<'_>) -> Result<Self, String> {
                from.fixed().map(Self::from_le_bytes)
            }
        }
    )*};
}

numbers!(u8, u16, u32, u64, i32, i64, u128, i128, f64);

impl Codec for bool {
    fn write(&self, to: &mut Writer) {
        u8::from(*self).write(to);
    }
    fn read(from: &mut Reader<'_>) -> Result<Self, String> {
        match u8::read(from)? {
            0 => Ok(false),
            1 => Ok(true),
            other => Err(format!("{other} is not a flag")),
        }
    }
}

impl Codec for String {
    fn write(&self, to: &mut Writer) {
        to.len(self.len());
        to.raw(self.as_bytes());
    }
    fn read(from: &mut Reader<'_>) -> Result<Self, String> {
        let len = from.len(1)?;
        Self::from_utf8(from.raw(len)?.to_vec()).map_err(|_| "a text is not UTF-8".to_owned())
    }
}

impl<T: Codec> Codec for Vec<T> {
    fn write(&self, to: &mut Writer) {
        to.len(self.len());
        self.iter().for_each(|value| value.write(to));
    }
    fn read(from: &mut Reader<'_>) -> Result<Self, String> {
        let len = from.len(1)?;
        from.list(len)
    }
}

impl<T: Codec> Codec for Option<T> {
    fn write(&self, to: &mut Writer) {
        self.is_some().write(to);
        self.iter().for_each(|value| value.write(to));
    }
    fn read(from: &mut Reader<'_>) -> Result<Self, String> {
        bool::read(from)?.then(|| T::read(from)).transpose()
    }
}

impl<T: Codec, const N: usize> Codec for [T; N] {
    fn write(&self, to: &mut Writer) {
        self.iter().for_each(|value| value.write(to));
    }
    fn read(from: &mut Reader<'_>) -> Result<Self, String> {
        from.list(N)?.try_into().map_err(|_| "an array has another length".to_owned())
    }
}

impl Codec for () {
    fn write(&self, _: &mut Writer) {}
    fn read(_: &mut Reader<'_>) -> Result<Self, String> {
        Ok(())
    }
}

impl<A: Codec, B: Codec> Codec for (A, B) {
    fn write(&self, to: &mut Writer) {
        self.0.write(to);
        self.1.write(to);
    }
    fn read(from: &mut Reader<'_>) -> Result<Self, String> {
        Ok((A::read(from)?, B::read(from)?))
    }
}

/// Gives a struct its byte form, field by field in the order named.
///
/// ```
/// use playbook_sdk::codec::{decode, encode};
/// #[derive(Debug, PartialEq)]
/// struct State { count: u64, sums: Vec<i64> }
/// playbook_sdk::codec!(State { count, sums });
/// let state = State { count: 2, sums: vec![3, -4] };
/// assert_eq!(decode::<State>(&encode(&state)), Ok(state));
/// ```
#[macro_export]
macro_rules! codec {
    ($name:ident { $($field:ident),* $(,)? }) => {
        impl $crate::codec::Codec for $name {
            fn write(&self, to: &mut $crate::codec::Writer) {
                $($crate::codec::Codec::write(&self.$field, to);)*
            }
            fn read(from: &mut $crate::codec::Reader<'_>) -> Result<Self, String> {
                Ok(Self { $($field: $crate::codec::Codec::read(from)?),* })
            }
        }
    };
}
