//! Multiplication: by tables of fixed bases in constant time, and of public data in variable time.

use curve25519_dalek::ristretto::{RistrettoBasepointTable, RistrettoPoint};
use curve25519_dalek::scalar::Scalar;
use curve25519_dalek::traits::VartimeMultiscalarMul;
use pyo3::prelude::*;
use pyo3::types::PyBytes;

use crate::elements::{encode_doubles, Elements};
use crate::error::GroupError;
use crate::public::Public;
use crate::scalars::Scalars;
use crate::vectors::{collect_secret, paired};

/// A table of multiples of one element, for constant-time multiplication.
///
/// Takes a vector of length one, else ValueError. Building it costs as much as some tens of multiplications.
#[pyclass(frozen, module = "secballot._group")]
pub struct FixedBase(Box<RistrettoBasepointTable>);

impl FixedBase {
    /// Build the table without Python.
    pub fn of(element: &RistrettoPoint) -> Self {
        Self(Box::new(RistrettoBasepointTable::create(element)))
    }

    /// Encode the multiples without Python, 32 bytes each.
    ///
    /// The encodings of 2·P share one inversion, so each scalar is halved first.
    pub fn encoded_multiples(&self, scalars: &[Scalar]) -> Vec<u8> {
        let halves = collect_secret(scalars.len(), scalars.iter().map(Scalar::div_by_2));
        let points: Vec<RistrettoPoint> = halves.iter().map(|half| &*self.0 * half).collect();
        encode_doubles(&points)
    }
}

#[pymethods]
impl FixedBase {
    #[new]
    fn new(element: PyRef<'_, Elements>) -> PyResult<Self> {
        match element.0.as_slice() {
            [element] => Ok(Self::of(element)),
            several => Err(GroupError::LengthMismatch(several.len(), 1).into()),
        }
    }

    /// Return scalar times the base, for each scalar, in constant time.
    fn multiply(&self, py: Python<'_>, scalars: PyRef<'_, Scalars>) -> Elements {
        let scalars = scalars.0.as_slice();
        py.detach(|| Elements(scalars.iter().map(|scalar| &*self.0 * scalar).collect()))
    }

    /// Return the encodings of multiply(scalars), 32 bytes each; cheaper than encoding afterwards.
    fn multiply_encode<'py>(&self, py: Python<'py>, scalars: PyRef<'_, Scalars>) -> Bound<'py, PyBytes> {
        let scalars = scalars.0.as_slice();
        let encoded = py.detach(|| self.encoded_multiples(scalars));
        PyBytes::new(py, &encoded)
    }

    fn __reduce_ex__(&self, _protocol: &Bound<'_, PyAny>) -> PyResult<()> {
        Err(GroupError::NotCopied("FixedBase").into())
    }
}

/// Return scalar times the generator, for each scalar, in constant time.
#[pyfunction]
pub fn multiply_base(py: Python<'_>, scalars: PyRef<'_, Scalars>) -> Elements {
    let scalars = scalars.0.as_slice();
    py.detach(|| Elements(scalars.iter().map(RistrettoPoint::mul_base).collect()))
}

/// Return the sum of scalar times element as a vector of length one; public data only.
///
/// Scalars are PublicScalars, or integers from 0 to the group order less one, as many as elements, else ValueError.
#[pyfunction]
pub fn vartime_multiscalar_mul(
    py: Python<'_>,
    scalars: &Bound<'_, PyAny>,
    elements: PyRef<'_, Elements>,
) -> PyResult<Elements> {
    let scalars = Public::of(scalars)?;
    let (scalars, elements) = (&*scalars, elements.0.as_slice());
    Ok(Elements(vec![py.detach(|| sum_of_multiples(scalars, elements))?]))
}

/// Return the sum of scalar times element in variable time.
///
/// # Errors
/// `LengthMismatch` if there are not as many scalars as elements.
pub fn sum_of_multiples(scalars: &[Scalar], elements: &[RistrettoPoint]) -> Result<RistrettoPoint, GroupError> {
    if scalars.len() != elements.len() {
        return Err(GroupError::LengthMismatch(scalars.len(), elements.len()));
    }
    Ok(RistrettoPoint::vartime_multiscalar_mul(scalars, elements))
}

/// Return scalar times the generator, for each scalar; public data only.
///
/// Scalars are PublicScalars, or integers from 0 to the group order less one, else ValueError.
#[pyfunction]
pub fn vartime_multiply_base(py: Python<'_>, scalars: &Bound<'_, PyAny>) -> PyResult<Elements> {
    let scalars = Public::of(scalars)?;
    let scalars = &*scalars;
    Ok(py.detach(|| Elements(scalars.iter().map(RistrettoPoint::mul_base).collect())))
}

/// Return element times scalar, position by position; public data only.
///
/// Scalars are PublicScalars, or integers from 0 to the group order less one, else ValueError; lengths as for operators.
#[pyfunction]
pub fn vartime_multiply(
    py: Python<'_>,
    elements: PyRef<'_, Elements>,
    scalars: &Bound<'_, PyAny>,
) -> PyResult<Elements> {
    let scalars = Public::of(scalars)?;
    let pairs = paired(&elements.0, &scalars)?;
    // For a single term the constant-time code is the faster one.
    Ok(py.detach(|| Elements(pairs.iter().map(|(element, scalar)| element * scalar).collect())))
}
