//! Vectors of public scalars: everybody may know them, so nothing is wiped and arithmetic may take variable time.

use std::collections::HashSet;
use std::ops::Deref;

use curve25519_dalek::scalar::Scalar;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyInt, PyList};
use zeroize::Zeroizing;

use crate::error::GroupError;
use crate::vectors::{
    as_count, canonical, cut, paired, places_in, scalars_of_ints, Selection, ENCODED_BYTES, SHORT_BYTES, WIDE_BYTES,
};

/// An immutable vector of public integers modulo the group order.
///
/// Operators work position by position; a vector of length one is repeated for the other operand, and any other
/// difference in length is a ValueError. `gather` and `scatter` look at a vector as rows of one length.
#[pyclass(frozen, module = "secballot._group")]
pub struct PublicScalars(pub(crate) Vec<Scalar>);

impl PublicScalars {
    /// Decode canonical encodings without Python.
    ///
    /// # Errors
    /// `WrongSize`, or `UnreducedScalar` with the first position at fault.
    pub fn parse(data: &[u8]) -> Result<Self, GroupError> {
        let encodings = cut::<ENCODED_BYTES>(data, "scalar")?;
        let decoded = encodings.iter().enumerate().map(canonical);
        Ok(Self(decoded.collect::<Result<_, _>>()?))
    }

    /// Read integers of 16 bytes each without Python.
    ///
    /// # Errors
    /// `WrongSize`.
    pub fn widen(data: &[u8]) -> Result<Self, GroupError> {
        let inputs = cut::<SHORT_BYTES>(data, "short scalar")?;
        Ok(Self(
            inputs.iter().map(|input| u128::from_le_bytes(*input).into()).collect(),
        ))
    }

    /// Take the values at these positions of every row without Python.
    ///
    /// # Errors
    /// `LengthMismatch` if the values are no whole number of rows.
    pub fn gathered(&self, places: &[usize], width: usize) -> Result<Self, GroupError> {
        let rows = rows_of(&self.0, width)?;
        let mut taken = Vec::with_capacity(product(places.len(), self.0.len() / width)?);
        for row in rows {
            taken.extend(places.iter().filter_map(|&place| row.get(place)));
        }
        Ok(Self(taken))
    }

    /// Add the values of every row up by the sums they belong to, without Python.
    ///
    /// # Errors
    /// `LengthMismatch` if the values are no whole number of rows.
    pub fn scattered(&self, places: &[usize], width: usize) -> Result<Self, GroupError> {
        let rows = rows_of(&self.0, places.len())?;
        let mut sums = vec![Scalar::ZERO; product(width, self.0.len() / places.len())?];
        // No row without a sum: a place below `width` has been found for each of its values.
        for (row, own) in rows.zip(sums.chunks_exact_mut(width)) {
            for (value, &place) in row.iter().zip(places) {
                if let Some(sum) = own.get_mut(place) {
                    *sum += value;
                }
            }
        }
        Ok(Self(sums))
    }
}

/// Return a number of values that memory may hold.
///
/// # Errors
/// `TooMany` above that.
fn product(left: usize, right: usize) -> Result<usize, GroupError> {
    let product = left.checked_mul(right).and_then(|count| isize::try_from(count).ok());
    as_count(product.ok_or(GroupError::TooMany)?)
}

/// Cut values into rows.
///
/// # Errors
/// `LengthMismatch` if the values are no whole number of rows.
fn rows_of(values: &[Scalar], width: usize) -> Result<impl Iterator<Item = &[Scalar]>, GroupError> {
    if width == 0 || !values.len().is_multiple_of(width) {
        return Err(GroupError::LengthMismatch(values.len(), width));
    }
    Ok(values.chunks_exact(width))
}

#[pymethods]
impl PublicScalars {
    /// Decode canonical 32-byte little-endian encodings, each below the group order.
    ///
    /// Raises EncodingError whose offset is the index of the first scalar at fault.
    #[staticmethod]
    fn decode(data: &[u8]) -> PyResult<Self> {
        Ok(Self::parse(data)?)
    }

    /// Return little-endian integers of 16 bytes each.
    ///
    /// Raises EncodingError if bytes are left over.
    #[staticmethod]
    fn from_short(data: &[u8]) -> PyResult<Self> {
        Ok(Self::widen(data)?)
    }

    /// Reduce little-endian integers of 64 bytes each modulo the group order.
    ///
    /// Raises EncodingError if bytes are left over.
    #[staticmethod]
    fn from_wide(data: &[u8]) -> PyResult<Self> {
        let inputs = cut::<WIDE_BYTES>(data, "wide scalar")?;
        Ok(Self(inputs.iter().map(Scalar::from_bytes_mod_order_wide).collect()))
    }

    /// Return the scalars that these integers are.
    ///
    /// Raises ValueError unless each is from 0 to the group order less one.
    #[staticmethod]
    fn from_ints(values: &Bound<'_, PyAny>) -> PyResult<Self> {
        Ok(Self(scalars_of_ints(values)?.to_vec()))
    }

    /// Join vectors in order.
    #[staticmethod]
    fn concat(parts: Vec<PyRef<'_, Self>>) -> Self {
        Self(parts.iter().flat_map(|part| part.0.iter().copied()).collect())
    }

    /// Join vectors row by row: each has so many rows, and those of one number are put one behind the other.
    ///
    /// Raises ValueError unless every vector is a whole number of rows.
    #[staticmethod]
    fn side_by_side(parts: Vec<PyRef<'_, Self>>, rows: isize) -> PyResult<Self> {
        let rows = as_count(rows)?;
        for part in &parts {
            if rows == 0 && !part.0.is_empty() || rows > 0 && !part.0.len().is_multiple_of(rows) {
                return Err(GroupError::LengthMismatch(part.0.len(), rows).into());
            }
        }
        let mut joined = Vec::with_capacity(parts.iter().map(|part| part.0.len()).sum());
        for row in 0..rows {
            for part in &parts {
                let width = part.0.len() / rows;
                joined.extend(part.0.iter().skip(row * width).take(width));
            }
        }
        Ok(Self(joined))
    }

    /// Return the canonical encodings, 32 bytes little-endian each.
    fn encode<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        let encoded: Vec<u8> = self.0.iter().flat_map(Scalar::to_bytes).collect();
        PyBytes::new(py, &encoded)
    }

    /// Return the scalars as integers.
    fn to_ints<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        let from_bytes = py.get_type::<PyInt>().getattr(intern!(py, "from_bytes"))?;
        let values = PyList::empty(py);
        for scalar in &self.0 {
            values.append(from_bytes.call1((PyBytes::new(py, scalar.as_bytes()), intern!(py, "little")))?)?;
        }
        Ok(values)
    }

    /// Return the scalars at these indices, in this order; an index may repeat.
    fn take(&self, indices: &Bound<'_, PyAny>) -> PyResult<Self> {
        let selection = Selection::indices(indices, self.0.len())?;
        Ok(Self(selection.of(&self.0)))
    }

    /// Return the vector so many times, one behind the other.
    fn repeat(&self, times: isize) -> PyResult<Self> {
        let count = product(as_count(times)?, self.0.len())?;
        Ok(Self(self.0.iter().copied().cycle().take(count).collect()))
    }

    /// Return of every row of so many scalars those at these places, in this order; a place may repeat.
    ///
    /// Raises ValueError if the scalars are no whole number of rows.
    fn gather(&self, py: Python<'_>, places: &Bound<'_, PyAny>, width: isize) -> PyResult<Self> {
        let width = as_count(width)?;
        let places = places_in(places, width)?;
        Ok(py.detach(|| self.gathered(&places, width))?)
    }

    /// Return for every row of as many scalars as there are places so many sums: each scalar is added at its place.
    ///
    /// Raises ValueError if there is no place, or the scalars are no whole number of rows.
    fn scatter(&self, py: Python<'_>, places: &Bound<'_, PyAny>, width: isize) -> PyResult<Self> {
        let width = as_count(width)?;
        let places = places_in(places, width)?;
        Ok(py.detach(|| self.scattered(&places, width))?)
    }

    /// Return the sum of all scalars as a vector of length one; zero for an empty vector.
    fn sum(&self) -> Self {
        Self(vec![self.0.iter().sum()])
    }

    /// Tell whether no two of the scalars are equal.
    fn distinct(&self, py: Python<'_>) -> bool {
        py.detach(|| {
            let mut seen = HashSet::with_capacity(self.0.len());
            self.0.iter().all(|scalar| seen.insert(scalar.as_bytes()))
        })
    }

    fn __len__(&self) -> usize {
        self.0.len()
    }

    fn __getitem__(&self, key: &Bound<'_, PyAny>) -> PyResult<Self> {
        let selection = Selection::subscript(key, self.0.len())?;
        Ok(Self(selection.of(&self.0)))
    }

    fn __add__(&self, py: Python<'_>, other: PyRef<'_, Self>) -> PyResult<Self> {
        let pairs = paired(&self.0, &other.0)?;
        Ok(py.detach(|| Self(pairs.iter().map(|(left, right)| left + right).collect())))
    }

    fn __sub__(&self, py: Python<'_>, other: PyRef<'_, Self>) -> PyResult<Self> {
        let pairs = paired(&self.0, &other.0)?;
        Ok(py.detach(|| Self(pairs.iter().map(|(left, right)| left - right).collect())))
    }

    fn __neg__(&self) -> Self {
        Self(self.0.iter().map(|scalar| -scalar).collect())
    }

    fn __mul__(&self, py: Python<'_>, other: PyRef<'_, Self>) -> PyResult<Self> {
        let pairs = paired(&self.0, &other.0)?;
        Ok(py.detach(|| Self(pairs.iter().map(|(left, right)| left * right).collect())))
    }

    fn __eq__(&self, other: PyRef<'_, Self>) -> bool {
        self.0 == other.0
    }

    fn __repr__(&self) -> String {
        format!("<PublicScalars of {}>", self.0.len())
    }

    fn __reduce_ex__(&self, _protocol: &Bound<'_, PyAny>) -> PyResult<()> {
        Err(GroupError::NotCopied("PublicScalars").into())
    }
}

/// The public scalars of an argument: a vector of them, or integers that were read.
pub enum Public<'py> {
    /// A vector that Python holds.
    Held(PyRef<'py, PublicScalars>),
    /// Integers from 0 to the group order less one.
    Read(Zeroizing<Vec<Scalar>>),
}

impl<'py> Public<'py> {
    /// Take a vector as it is, and read anything else as integers.
    ///
    /// # Errors
    /// As [`scalars_of_ints`].
    pub fn of(values: &Bound<'py, PyAny>) -> PyResult<Self> {
        match values.cast::<PublicScalars>() {
            Ok(vector) => Ok(Self::Held(vector.borrow())),
            Err(_) => Ok(Self::Read(scalars_of_ints(values)?)),
        }
    }
}

impl Deref for Public<'_> {
    type Target = [Scalar];

    fn deref(&self) -> &[Scalar] {
        match self {
            Self::Held(vector) => &vector.0,
            Self::Read(scalars) => scalars,
        }
    }
}
