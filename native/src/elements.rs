//! Vectors of group elements.

use curve25519_dalek::ristretto::{CompressedRistretto, RistrettoPoint};
use curve25519_dalek::scalar::Scalar;
use curve25519_dalek::traits::{Identity, IsIdentity};
use pyo3::prelude::*;
use pyo3::types::PyBytes;
use subtle::{Choice, ConditionallySelectable};

use crate::error::GroupError;
use crate::scalars::Scalars;
use crate::vectors::{as_count, cut, paired, Pairs, Selection, ENCODED_BYTES, WIDE_BYTES};

/// Bits of the group order.
const MAX_BITS: usize = 253;

/// An immutable vector of ristretto255 elements.
///
/// Operators work position by position; a vector of length one is repeated for the other operand, and any other
/// difference in length is a ValueError. Elements are public: equality takes variable time.
#[pyclass(frozen, module = "secballot._group")]
pub struct Elements(pub(crate) Vec<RistrettoPoint>);

impl Elements {
    /// Decode canonical encodings without Python.
    ///
    /// # Errors
    /// `WrongSize`, or `InvalidElement` and `IdentityElement` with the first position at fault.
    pub fn parse(data: &[u8], allow_identity: bool) -> Result<Self, GroupError> {
        let encodings = cut::<ENCODED_BYTES>(data, "element")?;
        let decoded = encodings.iter().enumerate().map(|(index, encoding)| {
            let element = CompressedRistretto(*encoding)
                .decompress()
                .ok_or(GroupError::InvalidElement(index))?;
            if !allow_identity && element.is_identity() {
                return Err(GroupError::IdentityElement(index));
            }
            Ok(element)
        });
        Ok(Self(decoded.collect::<Result<_, _>>()?))
    }

    /// Encode without Python, 32 bytes each.
    pub fn to_bytes(&self) -> Vec<u8> {
        self.0
            .iter()
            .flat_map(|element| element.compress().to_bytes())
            .collect()
    }
}

#[pymethods]
impl Elements {
    /// Decode canonical 32-byte encodings (RFC 9496 §4.3.1).
    ///
    /// Raises EncodingError whose offset is the index of the first element at fault; the identity is refused
    /// unless allow_identity.
    #[staticmethod]
    #[pyo3(signature = (data, *, allow_identity = false))]
    fn decode(py: Python<'_>, data: &[u8], allow_identity: bool) -> PyResult<Self> {
        Ok(py.detach(|| Self::parse(data, allow_identity))?)
    }

    /// Return n copies of the identity.
    #[staticmethod]
    #[pyo3(signature = (n = 1))]
    fn identity(n: isize) -> PyResult<Self> {
        Ok(Self(vec![RistrettoPoint::identity(); as_count(n)?]))
    }

    /// Join vectors in order.
    #[staticmethod]
    fn concat(parts: Vec<PyRef<'_, Self>>) -> Self {
        Self(parts.iter().flat_map(|part| part.0.iter().copied()).collect())
    }

    /// Return the canonical encodings, 32 bytes each.
    fn encode<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        let encoded = py.detach(|| self.to_bytes());
        PyBytes::new(py, &encoded)
    }

    /// Return the elements at these indices, in this order; an index may repeat.
    fn take(&self, indices: &Bound<'_, PyAny>) -> PyResult<Self> {
        let selection = Selection::indices(indices, self.0.len())?;
        Ok(Self(selection.of(&self.0)))
    }

    /// Return the sum of all elements as a vector of length one; the identity for an empty vector.
    fn sum(&self, py: Python<'_>) -> Self {
        py.detach(|| Self(vec![self.0.iter().sum()]))
    }

    /// Tell for each element whether it is the identity.
    fn is_identity(&self) -> Vec<bool> {
        self.0.iter().map(IsIdentity::is_identity).collect()
    }

    /// Return the encodings of twice each element, 32 bytes each; they share one inversion.
    ///
    /// Whoever computes with halves of scalars so gets many encodings for little more than the price of one.
    fn encode_doubles<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        let encoded = py.detach(|| encode_doubles(&self.0));
        PyBytes::new(py, &encoded)
    }

    /// Return element times scalar, position by position, in constant time, for scalars below 2^bits.
    ///
    /// The number of bits is public, 1 to 253; ValueError for others, or if a scalar has more. Lengths as for
    /// operators.
    fn multiply_short(&self, py: Python<'_>, scalars: PyRef<'_, Scalars>, bits: isize) -> PyResult<Self> {
        let bits = usize::try_from(bits).map_err(|_| GroupError::BitsOutOfRange)?;
        let pairs = paired(&self.0, &scalars.0)?;
        Ok(Self(py.detach(|| multiply_short(&pairs, bits))?))
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
        Self(self.0.iter().map(|element| -element).collect())
    }

    fn __mul__(&self, py: Python<'_>, scalars: PyRef<'_, Scalars>) -> PyResult<Self> {
        let pairs = paired(&self.0, &scalars.0)?;
        Ok(py.detach(|| Self(pairs.iter().map(|(element, scalar)| element * scalar).collect())))
    }

    fn __eq__(&self, other: PyRef<'_, Self>) -> bool {
        self.0 == other.0
    }

    fn __repr__(&self) -> String {
        format!("<Elements of {}>", self.0.len())
    }

    fn __reduce_ex__(&self, _protocol: &Bound<'_, PyAny>) -> PyResult<()> {
        Err(GroupError::NotCopied("Elements").into())
    }
}

/// Encode twice each element, 32 bytes each.
pub fn encode_doubles(elements: &[RistrettoPoint]) -> Vec<u8> {
    let mut encoded = Vec::with_capacity(elements.len() * ENCODED_BYTES);
    for encoding in RistrettoPoint::double_and_compress_batch(elements) {
        encoded.extend_from_slice(encoding.as_bytes());
    }
    encoded
}

/// Multiply elements by scalars below 2^bits in constant time, a doubling and an addition per bit.
///
/// # Errors
/// `BitsOutOfRange`; `LongScalar` if any scalar has more bits, which is seen only after all work is done.
pub fn multiply_short(
    pairs: &Pairs<'_, RistrettoPoint, Scalar>,
    bits: usize,
) -> Result<Vec<RistrettoPoint>, GroupError> {
    if !(1..=MAX_BITS).contains(&bits) {
        return Err(GroupError::BitsOutOfRange);
    }
    let mut products = Vec::with_capacity(pairs.count);
    let mut excess = 0;
    for (element, scalar) in pairs.iter() {
        excess |= bits_above(scalar, bits);
        let mut product = RistrettoPoint::identity();
        product.conditional_assign(element, bit_of(scalar, bits - 1));
        for position in (0..bits - 1).rev() {
            product += product;
            let sum = product + element;
            product.conditional_assign(&sum, bit_of(scalar, position));
        }
        products.push(product);
    }
    match excess {
        0 => Ok(products),
        _ => Err(GroupError::LongScalar(bits)),
    }
}

/// Return one bit of a scalar, counted from the least.
fn bit_of(scalar: &Scalar, position: usize) -> Choice {
    let byte = scalar.as_bytes().get(position / 8).copied().unwrap_or(0);
    Choice::from((byte >> (position % 8)) & 1)
}

/// Return zero if a scalar is below 2^bits, by operations that do not depend on it.
fn bits_above(scalar: &Scalar, bits: usize) -> u8 {
    let (whole, rest) = (bits / 8, bits % 8);
    let partial = scalar.as_bytes().get(whole).map_or(0, |byte| byte >> rest);
    scalar
        .as_bytes()
        .iter()
        .skip(whole + 1)
        .fold(partial, |above, byte| above | byte)
}

/// Map uniform bytes, 64 for each element, to elements whose discrete logarithms nobody knows (RFC 9496 §4.3.4).
///
/// Raises EncodingError if bytes are left over.
#[pyfunction]
pub fn hash_to_element(data: &[u8]) -> PyResult<Elements> {
    let inputs = cut::<WIDE_BYTES>(data, "uniform")?;
    Ok(Elements(
        inputs.iter().map(RistrettoPoint::from_uniform_bytes).collect(),
    ))
}
