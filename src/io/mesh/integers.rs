//! Integers of an HDF5 dataset in the width of the file: a copy in another width would take as long
//! as reading them.

/// Integers of any width.
pub enum Integers {
    /// 8 bits.
    I8(Vec<i8>),
    /// 16 bits.
    I16(Vec<i16>),
    /// 32 bits.
    I32(Vec<i32>),
    /// 64 bits.
    I64(Vec<i64>),
    /// 8 bits, unsigned.
    U8(Vec<u8>),
    /// 16 bits, unsigned.
    U16(Vec<u16>),
    /// 32 bits, unsigned.
    U32(Vec<u32>),
    /// 64 bits, unsigned.
    U64(Vec<u64>),
}

impl Integers {
    /// Returns the number of integers.
    pub fn len(&self) -> usize {
        match self {
            Self::I8(list) => list.len(),
            Self::I16(list) => list.len(),
            Self::I32(list) => list.len(),
            Self::I64(list) => list.len(),
            Self::U8(list) => list.len(),
            Self::U16(list) => list.len(),
            Self::U32(list) => list.len(),
            Self::U64(list) => list.len(),
        }
    }

    /// Returns row `row` of `N` integers. Unsigned ones too large for 64 bits with a sign become
    /// -1, which no node has.
    pub fn row<const N: usize>(&self, row: usize) -> [i64; N] {
        match self {
            Self::I8(list) => of_row(list, row),
            Self::I16(list) => of_row(list, row),
            Self::I32(list) => of_row(list, row),
            Self::I64(list) => of_row(list, row),
            Self::U8(list) => of_row(list, row),
            Self::U16(list) => of_row(list, row),
            Self::U32(list) => of_row(list, row),
            Self::U64(list) => of_row(list, row),
        }
    }

    /// Iterates over all integers.
    pub fn iter(&self) -> impl Iterator<Item = i64> + '_ {
        (0..self.len()).map(|i| self.row::<1>(i)[0])
    }
}

fn of_row<T: Copy + TryInto<i64>, const N: usize>(list: &[T], row: usize) -> [i64; N] {
    list.as_chunks::<N>().0[row].map(|value| value.try_into().unwrap_or(-1))
}
