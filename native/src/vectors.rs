//! The rules that both kinds of vector share: lengths, positions, and how bytes and integers become values.

use pyo3::exceptions::PyOverflowError;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyInt, PySlice};
use zeroize::Zeroizing;

use curve25519_dalek::scalar::Scalar;

use crate::error::GroupError;

/// Bytes of an encoded element and of an encoded scalar.
pub const ENCODED_BYTES: usize = 32;

/// Bytes that are reduced to a scalar or mapped to an element.
pub const WIDE_BYTES: usize = 64;

/// Bytes of an integer that is a scalar as it is.
pub const SHORT_BYTES: usize = 16;

/// Decode one canonical encoding.
///
/// # Errors
/// `UnreducedScalar` with its position.
pub fn canonical((index, encoding): (usize, &[u8; ENCODED_BYTES])) -> Result<Scalar, GroupError> {
    let scalar: Option<Scalar> = Scalar::from_canonical_bytes(*encoding).into();
    scalar.ok_or(GroupError::UnreducedScalar(index))
}

/// Pair two vectors; one of length one is repeated for the other.
///
/// # Errors
/// `LengthMismatch` if the lengths differ and neither is one.
pub fn paired<'a, A, B>(left: &'a [A], right: &'a [B]) -> Result<Pairs<'a, A, B>, GroupError> {
    let count = match (left.len(), right.len()) {
        (n, m) if n == m => n,
        (1, m) => m,
        (n, 1) => n,
        (n, m) => return Err(GroupError::LengthMismatch(n, m)),
    };
    Ok(Pairs { left, right, count })
}

/// Two vectors of which one may be repeated; see [`paired`].
pub struct Pairs<'a, A, B> {
    left: &'a [A],
    right: &'a [B],
    /// Length of the result.
    pub count: usize,
}

impl<'a, A, B> Pairs<'a, A, B> {
    /// Yield the pairs in order.
    pub fn iter(&self) -> impl Iterator<Item = (&'a A, &'a B)> {
        self.left.iter().cycle().zip(self.right.iter().cycle()).take(self.count)
    }
}

/// Collect secrets without ever growing the vector, which would leave a copy behind in freed memory.
pub fn collect_secret(count: usize, values: impl Iterator<Item = Scalar>) -> Zeroizing<Vec<Scalar>> {
    let mut collected = Zeroizing::new(Vec::with_capacity(count));
    collected.extend(values.take(count));
    collected
}

/// Cut bytes into values of `N` bytes.
///
/// # Errors
/// `WrongSize` if bytes are left over.
pub fn cut<'a, const N: usize>(data: &'a [u8], what: &'static str) -> Result<&'a [[u8; N]], GroupError> {
    match data.as_chunks::<N>() {
        (chunks, []) => Ok(chunks),
        _ => Err(GroupError::WrongSize {
            what,
            size: N,
            got: data.len(),
        }),
    }
}

/// Return the count as a size.
///
/// # Errors
/// `NegativeCount` below zero, `TooMany` above what 64-byte values can fill.
pub fn as_count(count: isize) -> Result<usize, GroupError> {
    let count = usize::try_from(count).map_err(|_| GroupError::NegativeCount)?;
    if count > isize::MAX as usize / 256 {
        return Err(GroupError::TooMany);
    }
    Ok(count)
}

/// Read integers from 0 to the group order less one into scalars.
///
/// # Errors
/// `NotAnInt` and `IntOutOfRange` with the position of the item.
pub fn scalars_of_ints(values: &Bound<'_, PyAny>) -> PyResult<Zeroizing<Vec<Scalar>>> {
    let py = values.py();
    let arguments = (ENCODED_BYTES, intern!(py, "little"));
    let mut scalars = Zeroizing::new(Vec::with_capacity(values.len()?));
    for (index, value) in values.try_iter()?.enumerate() {
        let value = value?.cast_into::<PyInt>().map_err(|_| GroupError::NotAnInt(index))?;
        let encoded = value.call_method1(intern!(py, "to_bytes"), arguments);
        let encoded = encoded
            .map_err(|_| GroupError::IntOutOfRange(index))?
            .cast_into::<PyBytes>()?;
        let encoded: [u8; ENCODED_BYTES] = encoded
            .as_bytes()
            .try_into()
            .map_err(|_| GroupError::IntOutOfRange(index))?;
        let scalar: Option<Scalar> = Scalar::from_canonical_bytes(encoded).into();
        scalars.push(scalar.ok_or(GroupError::IntOutOfRange(index))?);
    }
    Ok(scalars)
}

/// The positions that a subscript or a list of indices selects.
pub enum Selection {
    /// Positions at equal distances, all of them in the vector.
    Steps {
        /// The first position.
        start: isize,
        /// From one to the next.
        step: isize,
        /// How many.
        count: usize,
    },
    /// Any positions.
    Listed(Vec<usize>),
}

impl Selection {
    /// Read what stands between the brackets of `vector[…]`: an integer or a slice.
    ///
    /// # Errors
    /// `NoSuchIndex`; a Python `TypeError` for any other key.
    pub fn subscript(key: &Bound<'_, PyAny>, length: usize) -> PyResult<Self> {
        let Ok(slice) = key.cast::<PySlice>() else {
            return Ok(Self::Listed(vec![position(key, length)?]));
        };
        let bounds = slice.indices(isize::try_from(length)?)?;
        Ok(Self::Steps {
            start: bounds.start,
            step: bounds.step,
            count: bounds.slicelength,
        })
    }

    /// Read a sequence of integers.
    ///
    /// # Errors
    /// As [`Selection::subscript`].
    pub fn indices(keys: &Bound<'_, PyAny>, length: usize) -> PyResult<Self> {
        Ok(Self::Listed(places_in(keys, length)?))
    }

    /// Return the selected values, in memory of exactly their size: nothing is left behind where it grew.
    pub fn of<T: Copy>(&self, values: &[T]) -> Vec<T> {
        match *self {
            Self::Steps { start, step: 1, count } => {
                let start = start as usize;
                values.get(start..start + count).map_or_else(Vec::new, <[T]>::to_vec)
            }
            Self::Steps { start, step, count } => {
                let positions = (0..count).map(|number| (start + number as isize * step) as usize);
                picked(values, positions, count)
            }
            Self::Listed(ref positions) => picked(values, positions.iter().copied(), positions.len()),
        }
    }
}

/// Return the values at positions that are all there.
fn picked<T: Copy>(values: &[T], positions: impl Iterator<Item = usize>, count: usize) -> Vec<T> {
    let mut selected = Vec::with_capacity(count);
    selected.extend(
        positions
            .filter_map(|position| values.get(position).copied())
            .take(count),
    );
    selected
}

/// Read a sequence of positions in something of this length.
///
/// # Errors
/// As [`Selection::subscript`].
pub fn places_in(keys: &Bound<'_, PyAny>, length: usize) -> PyResult<Vec<usize>> {
    keys.try_iter()?.map(|key| position(&key?, length)).collect()
}

/// Return the position that an index names, which counts from the end if it is negative.
fn position(key: &Bound<'_, PyAny>, length: usize) -> PyResult<usize> {
    let index: isize = match key.extract() {
        Ok(index) => index,
        Err(error) if error.is_instance_of::<PyOverflowError>(key.py()) => return Err(GroupError::NoSuchIndex.into()),
        Err(error) => return Err(error),
    };
    let index = if index < 0 {
        index.checked_add_unsigned(length)
    } else {
        Some(index)
    };
    let index = index
        .and_then(|index| usize::try_from(index).ok())
        .filter(|&index| index < length);
    Ok(index.ok_or(GroupError::NoSuchIndex)?)
}
