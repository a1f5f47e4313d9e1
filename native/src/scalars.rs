//! Vectors of secret scalars, wiped when they are dropped.

use curve25519_dalek::scalar::Scalar;
use pyo3::basic::CompareOp;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyInt, PyList};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use crate::error::GroupError;
use crate::vectors::{
    as_count, canonical, collect_secret, cut, paired, scalars_of_ints, Selection, ENCODED_BYTES, WIDE_BYTES,
};

/// An immutable vector of secret integers modulo the group order.
///
/// Arithmetic takes constant time, nothing but encode() and to_ints() reveals a value, and the memory is wiped when
/// the vector goes. Operators work position by position; a vector of length one is repeated for the other operand,
/// and any other difference in length is a ValueError.
#[pyclass(frozen, module = "secballot._group")]
pub struct Scalars(pub(crate) Zeroizing<Vec<Scalar>>);

impl Scalars {
    /// Decode canonical encodings without Python.
    ///
    /// # Errors
    /// `WrongSize`, or `UnreducedScalar` with the first position at fault.
    pub fn parse(data: &[u8]) -> Result<Self, GroupError> {
        let encodings = cut::<ENCODED_BYTES>(data, "scalar")?;
        let mut scalars = Zeroizing::new(Vec::with_capacity(encodings.len()));
        for encoding in encodings.iter().enumerate() {
            scalars.push(canonical(encoding)?);
        }
        Ok(Self(scalars))
    }

    /// Reduce 64 bytes each without Python.
    ///
    /// # Errors
    /// `WrongSize`.
    pub fn reduce(data: &[u8]) -> Result<Self, GroupError> {
        let inputs = cut::<WIDE_BYTES>(data, "wide scalar")?;
        Ok(Self(collect_secret(
            inputs.len(),
            inputs.iter().map(Scalar::from_bytes_mod_order_wide),
        )))
    }

    fn selected(&self, selection: &Selection) -> Self {
        Self(Zeroizing::new(selection.of(&self.0)))
    }
}

#[pymethods]
impl Scalars {
    /// Decode canonical 32-byte little-endian encodings, each below the group order.
    ///
    /// Raises EncodingError whose offset is the index of the first scalar at fault.
    #[staticmethod]
    fn decode(data: &[u8]) -> PyResult<Self> {
        Ok(Self::parse(data)?)
    }

    /// Reduce little-endian integers of 64 bytes each modulo the group order.
    ///
    /// Raises EncodingError if bytes are left over.
    #[staticmethod]
    fn from_wide(data: &[u8]) -> PyResult<Self> {
        Ok(Self::reduce(data)?)
    }

    /// Return scalars of integers that are public or small: conversion does not take constant time.
    ///
    /// Raises ValueError unless each is from 0 to the group order less one.
    #[staticmethod]
    fn from_ints(values: &Bound<'_, PyAny>) -> PyResult<Self> {
        Ok(Self(scalars_of_ints(values)?))
    }

    /// Return n scalars, each uniform, from 64 bytes of the operating system's randomness.
    #[staticmethod]
    #[pyo3(signature = (n = 1))]
    fn random(py: Python<'_>, n: isize) -> PyResult<Self> {
        let size = as_count(n)? * WIDE_BYTES;
        let bytes = py
            .import(intern!(py, "os"))?
            .call_method1(intern!(py, "urandom"), (size,))?;
        Ok(Self::reduce(bytes.cast::<PyBytes>()?.as_bytes())?)
    }

    /// Join vectors in order.
    #[staticmethod]
    fn concat(parts: Vec<PyRef<'_, Self>>) -> Self {
        let count = parts.iter().map(|part| part.0.len()).sum();
        Self(collect_secret(
            count,
            parts.iter().flat_map(|part| part.0.iter().copied()),
        ))
    }

    /// Reveal the canonical encodings, 32 bytes little-endian each.
    fn encode<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        let mut revealed = Zeroizing::new(Vec::with_capacity(self.0.len() * ENCODED_BYTES));
        for scalar in self.0.iter() {
            revealed.extend_from_slice(scalar.as_bytes());
        }
        PyBytes::new(py, &revealed)
    }

    /// Reveal the scalars as integers.
    fn to_ints<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        let from_bytes = py.get_type::<PyInt>().getattr(intern!(py, "from_bytes"))?;
        let revealed = PyList::empty(py);
        for scalar in self.0.iter() {
            revealed.append(from_bytes.call1((PyBytes::new(py, scalar.as_bytes()), intern!(py, "little")))?)?;
        }
        Ok(revealed)
    }

    /// Tell in constant time whether both vectors hold the same scalars; lengths are public.
    fn equals(&self, other: PyRef<'_, Self>) -> bool {
        self.0.ct_eq(&other.0).into()
    }

    /// Return the scalars at these indices, in this order; an index may repeat.
    fn take(&self, indices: &Bound<'_, PyAny>) -> PyResult<Self> {
        Ok(self.selected(&Selection::indices(indices, self.0.len())?))
    }

    /// Return the sum of all scalars as a vector of length one; zero for an empty vector.
    fn sum(&self) -> Self {
        Self(collect_secret(1, std::iter::once(self.0.iter().sum())))
    }

    fn __len__(&self) -> usize {
        self.0.len()
    }

    fn __getitem__(&self, key: &Bound<'_, PyAny>) -> PyResult<Self> {
        Ok(self.selected(&Selection::subscript(key, self.0.len())?))
    }

    fn __add__(&self, other: PyRef<'_, Self>) -> PyResult<Self> {
        let pairs = paired(&self.0, &other.0)?;
        Ok(Self(collect_secret(
            pairs.count,
            pairs.iter().map(|(left, right)| left + right),
        )))
    }

    fn __sub__(&self, other: PyRef<'_, Self>) -> PyResult<Self> {
        let pairs = paired(&self.0, &other.0)?;
        Ok(Self(collect_secret(
            pairs.count,
            pairs.iter().map(|(left, right)| left - right),
        )))
    }

    fn __neg__(&self) -> Self {
        Self(collect_secret(self.0.len(), self.0.iter().map(|scalar| -scalar)))
    }

    fn __mul__(&self, other: PyRef<'_, Self>) -> PyResult<Self> {
        let pairs = paired(&self.0, &other.0)?;
        Ok(Self(collect_secret(
            pairs.count,
            pairs.iter().map(|(left, right)| left * right),
        )))
    }

    fn __richcmp__(&self, _other: &Bound<'_, PyAny>, _operator: CompareOp) -> PyResult<bool> {
        Err(GroupError::ScalarsCompared.into())
    }

    fn __repr__(&self) -> String {
        format!("<redacted Scalars of {}>", self.0.len())
    }

    fn __reduce_ex__(&self, _protocol: &Bound<'_, PyAny>) -> PyResult<()> {
        Err(GroupError::NotCopied("Scalars").into())
    }
}
