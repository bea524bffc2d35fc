//! Checks footers and page headers of Parquet (Thrift, compact protocol) before the parquet crate reads them. That
//! crate allocates as much as a length in them claims; a false one ends the process, where no error can be returned.

/// Why bytes are no valid Thrift.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// They end too early.
    Short,
    /// They are contradictory.
    Wrong,
}

type Result<T> = std::result::Result<T, Fault>;

/// Deepest nesting of structures.
const DEPTH_MAX: u8 = 32;

const TRUE: u8 = 1;
const FALSE: u8 = 2;
const I8: u8 = 3;
const I64: u8 = 6;
const DOUBLE: u8 = 7;
const BINARY: u8 = 8;
const LIST: u8 = 9;
const SET: u8 = 10;
const MAP: u8 = 11;
const STRUCT: u8 = 12;

/// The fields of a page header that are used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct PageHeader {
    /// 0 and 3: data, 1: index, 2: dictionary.
    pub(crate) kind: i64,
    /// Compressed and decompressed size.
    pub(crate) packed_bytes: i64,
    pub(crate) unpacked_bytes: i64,
    /// Values and their encoding.
    pub(crate) values: i64,
    pub(crate) encoding: i64,
    /// Length of the uncompressed part at its start; `None` where nothing is compressed.
    pub(crate) plain_bytes: Option<i64>,
    /// Bytes of the header.
    pub(crate) header_bytes: usize,
}

/// Reads the header of a page at the start of `bytes`.
pub(crate) fn page_header(bytes: &[u8]) -> Result<PageHeader> {
    let mut walk = Walk { bytes, at: 0 };
    let (mut kind, mut unpacked_bytes, mut packed_bytes) = (None, None, None);
    let (mut data, mut dictionary, mut data_2) = (None, None, None);
    let mut last = 0;
    while let Some((id, of)) = walk.field(&mut last)? {
        match (id, of) {
            (1, I8..=I64) => kind = Some(walk.integer(of)?),
            (2, I8..=I64) => unpacked_bytes = Some(walk.integer(of)?),
            (3, I8..=I64) => packed_bytes = Some(walk.integer(of)?),
            (5, STRUCT) => data = Some(walk.numbers()?),
            (7, STRUCT) => dictionary = Some(walk.numbers()?),
            (8, STRUCT) => data_2 = Some(walk.numbers()?),
            _ => walk.skip(of, DEPTH_MAX)?,
        }
    }
    let kind = kind.ok_or(Fault::Wrong)?;
    let (inner, encoding_id) = match kind {
        0 => (data, 2),
        1 => (Some([Some(0); FIELDS]), 2),
        2 => (dictionary, 2),
        3 => (data_2, 4),
        _ => return Err(Fault::Wrong),
    };
    let inner = inner.ok_or(Fault::Wrong)?;
    let plain_bytes = match kind {
        // Data pages of version 2 begin with uncompressed levels; the values may be uncompressed too.
        3 if inner[7] == Some(0) => None,
        3 => inner[5].zip(inner[6]).and_then(|(a, b)| a.checked_add(b)),
        _ => Some(0),
    };
    Ok(PageHeader {
        kind,
        packed_bytes: packed_bytes.ok_or(Fault::Wrong)?,
        unpacked_bytes: unpacked_bytes.ok_or(Fault::Wrong)?,
        values: inner[1].ok_or(Fault::Wrong)?,
        encoding: inner[encoding_id].ok_or(Fault::Wrong)?,
        plain_bytes,
        header_bytes: walk.at,
    })
}

/// Fields of a structure within a page header that are kept.
const FIELDS: usize = 8;

/// Checks a footer: no list is longer than the bytes that follow, no column has more children than there are columns.
pub(crate) fn check_footer(bytes: &[u8]) -> Result<()> {
    let mut walk = Walk { bytes, at: 0 };
    let mut last = 0;
    while let Some((id, of)) = walk.field(&mut last)? {
        if (id, of) == (2, LIST) {
            walk.schema()?;
        } else {
            walk.skip(of, DEPTH_MAX)?;
        }
    }
    Ok(())
}

struct Walk<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Walk<'_> {
    fn byte(&mut self) -> Result<u8> {
        let byte = self.bytes.get(self.at).copied().ok_or(Fault::Short)?;
        self.at += 1;
        Ok(byte)
    }

    fn varint(&mut self) -> Result<u64> {
        let mut value = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            value |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Ok(value);
            }
        }
        Err(Fault::Wrong)
    }

    fn zigzag(&mut self) -> Result<i64> {
        let value = self.varint()?;
        Ok((value >> 1).cast_signed() ^ -(value & 1).cast_signed())
    }

    fn pass(&mut self, bytes: u64) -> Result<()> {
        let left = self.bytes.len() - self.at;
        let bytes = usize::try_from(bytes).map_err(|_| Fault::Wrong)?;
        if bytes > left {
            return Err(Fault::Short);
        }
        self.at += bytes;
        Ok(())
    }

    /// The number and type of the next field; `None` at the end of the structure.
    fn field(&mut self, last: &mut i64) -> Result<Option<(i64, u8)>> {
        let head = self.byte()?;
        if head & 0x0f == 0 {
            return Ok(None);
        }
        *last = match head >> 4 {
            0 => self.zigzag()?,
            step => last.checked_add(i64::from(step)).ok_or(Fault::Wrong)?,
        };
        Ok(Some((*last, head & 0x0f)))
    }

    /// Length and type of a list; each of its items takes a byte at least.
    fn list(&mut self) -> Result<(usize, u8)> {
        let head = self.byte()?;
        let items = match head >> 4 {
            15 => usize::try_from(self.varint()?).map_err(|_| Fault::Wrong)?,
            few => usize::from(few),
        };
        if items > self.bytes.len() - self.at {
            return Err(Fault::Short);
        }
        Ok((items, head & 0x0f))
    }

    fn skip(&mut self, of: u8, depth: u8) -> Result<()> {
        let depth = depth.checked_sub(1).ok_or(Fault::Wrong)?;
        match of {
            TRUE | FALSE => Ok(()),
            I8 => self.pass(1),
            4..=I64 => self.varint().map(drop),
            DOUBLE => self.pass(8),
            BINARY => {
                let bytes = self.varint()?;
                self.pass(bytes)
            }
            LIST | SET => {
                let (items, of) = self.list()?;
                (0..items).try_for_each(|_| self.skip_item(of, depth))
            }
            MAP => {
                let items = self.varint()?;
                if items == 0 {
                    return Ok(());
                }
                let of = self.byte()?;
                (0..items).try_for_each(|_| {
                    self.skip_item(of >> 4, depth)?;
                    self.skip_item(of & 0x0f, depth)
                })
            }
            STRUCT => {
                let mut last = 0;
                while let Some((_, of)) = self.field(&mut last)? {
                    self.skip(of, depth)?;
                }
                Ok(())
            }
            _ => Err(Fault::Wrong),
        }
    }

    fn skip_item(&mut self, of: u8, depth: u8) -> Result<()> {
        // A flag as a field has its value in the type; as a list item it is a byte.
        if of <= FALSE { self.pass(1) } else { self.skip(of, depth) }
    }

    fn integer(&mut self, of: u8) -> Result<i64> {
        if of == I8 { self.byte().map(i64::from) } else { self.zigzag() }
    }

    /// Integers and flags of a structure, by field number.
    fn numbers(&mut self) -> Result<[Option<i64>; FIELDS]> {
        let (mut numbers, mut last) = ([None; FIELDS], 0);
        while let Some((id, of)) = self.field(&mut last)? {
            let value = match of {
                TRUE | FALSE => Some(i64::from(of == TRUE)),
                I8..=I64 => Some(self.integer(of)?),
                _ => {
                    self.skip(of, DEPTH_MAX)?;
                    None
                }
            };
            if let Some(number) = usize::try_from(id).ok().and_then(|id| numbers.get_mut(id)) {
                *number = value;
            }
        }
        Ok(numbers)
    }

    /// The list of columns, each of which says how many of those that follow lie in it.
    fn schema(&mut self) -> Result<()> {
        let (items, of) = self.list()?;
        if of != STRUCT {
            return Err(Fault::Wrong);
        }
        // For each open column, how many children are still to come.
        let mut open: Vec<usize> = Vec::new();
        for _ in 0..items {
            let children = self.children(items)?;
            while open.last() == Some(&0) {
                open.pop();
            }
            if let Some(left) = open.last_mut() {
                *left -= 1;
            }
            if children > 0 {
                open.push(children);
            }
            if open.len() > usize::from(DEPTH_MAX) {
                return Err(Fault::Wrong);
            }
        }
        Ok(())
    }

    /// Skips a column of the schema; returns the number of its children.
    fn children(&mut self, max: usize) -> Result<usize> {
        let (mut children, mut last) = (0, 0);
        while let Some((id, of)) = self.field(&mut last)? {
            if id == 5 && (I8..=I64).contains(&of) {
                children = usize::try_from(self.integer(of)?).map_err(|_| Fault::Wrong)?;
            } else {
                self.skip(of, DEPTH_MAX)?;
            }
        }
        if children > max { Err(Fault::Wrong) } else { Ok(children) }
    }
}

#[cfg(test)]
mod tests {
    use super::{Fault, check_footer, page_header};

    #[test]
    fn a_page_header_is_read_and_one_cut_short_says_so() {
        // kind 0, 10 bytes unpacked, 8 packed, a data page of 3 values in encoding 8, stop.
        let bytes = [0x15, 0, 0x15, 20, 0x15, 16, 0x2c, 0x15, 6, 0x15, 16, 0, 0, 0xff];
        let header = page_header(&bytes).unwrap();
        assert_eq!((header.kind, header.unpacked_bytes, header.packed_bytes), (0, 10, 8));
        assert_eq!((header.values, header.encoding, header.header_bytes), (3, 8, 13));
        for end in 0..13 {
            assert_eq!(page_header(&bytes[..end]), Err(Fault::Short), "{end}");
        }
    }

    #[test]
    fn what_claims_more_than_follows_is_refused() {
        // A list of 2^31 structures; a text of 2^62 bytes; a schema of one column with 2^20 children.
        let list = [0x49, 0xfc, 0x80, 0x80, 0x80, 0x80, 0x08, 0];
        assert_eq!(check_footer(&list), Err(Fault::Short));
        let text = [0x68, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x40, 0];
        assert_eq!(check_footer(&text), Err(Fault::Short));
        let schema = [0x29, 0x1c, 0x55, 0x80, 0x80, 0x80, 0x01, 0, 0, 0];
        assert_eq!(check_footer(&schema), Err(Fault::Wrong));
        // A hundred columns, each in the one before.
        let nested = [&[0x29, 0xfc, 100][..], &[0x55, 2, 0].repeat(100), &[0]].concat();
        assert_eq!(check_footer(&nested), Err(Fault::Wrong));
        // Structures in structures without an end.
        assert_eq!(check_footer(&[0x1c; 4096]), Err(Fault::Wrong));
    }
}
