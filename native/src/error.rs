//! What can be wrong with an argument, and the one conversion of it to a Python exception.

use std::fmt;

use pyo3::exceptions::{PyIndexError, PyMemoryError, PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::PyDict;

/// Why an argument was refused. No variant holds any part of a scalar.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GroupError {
    /// The bytes do not divide into values of `size` bytes.
    WrongSize {
        /// What the values are, in the singular.
        what: &'static str,
        /// Bytes of one value.
        size: usize,
        /// Bytes at hand.
        got: usize,
    },
    /// These 32 bytes are no canonical encoding of an element (RFC 9496 §4.3.1).
    InvalidElement(usize),
    /// The element is the identity, which the caller did not allow.
    IdentityElement(usize),
    /// These 32 bytes are a number not below the group order.
    UnreducedScalar(usize),
    /// The integer is negative or not below the group order.
    IntOutOfRange(usize),
    /// The item is no integer.
    NotAnInt(usize),
    /// Two vectors of different lengths, neither of which is repeated.
    LengthMismatch(usize, usize),
    /// No such position in the vector.
    NoSuchIndex,
    /// A count below zero.
    NegativeCount,
    /// A count that no memory can hold.
    TooMany,
    /// A number of bits that no scalar has.
    BitsOutOfRange,
    /// Some scalar has more than so many bits.
    LongScalar(usize),
    /// Scalars were compared with `==`, which says nothing about its timing.
    ScalarsCompared,
    /// The class refuses to be copied or pickled.
    NotCopied(&'static str),
}

impl fmt::Display for GroupError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::WrongSize { what, size, got } => {
                write!(
                    out,
                    "{got} bytes are not a whole number of {what} encodings of {size} bytes"
                )
            }
            Self::InvalidElement(index) => write!(out, "element {index} is not a canonical ristretto255 encoding"),
            Self::IdentityElement(index) => write!(out, "element {index} is the identity"),
            Self::UnreducedScalar(index) => write!(out, "scalar {index} is not below the group order"),
            Self::IntOutOfRange(index) => write!(out, "integer {index} is not between 0 and the group order"),
            Self::NotAnInt(index) => write!(out, "item {index} is not an integer"),
            Self::LengthMismatch(left, right) => write!(out, "vectors of lengths {left} and {right} do not match"),
            Self::NoSuchIndex => write!(out, "vector index out of range"),
            Self::NegativeCount => write!(out, "a count cannot be negative"),
            Self::TooMany => write!(out, "too many values for the memory"),
            Self::BitsOutOfRange => write!(out, "a scalar has 1 to 253 bits"),
            Self::LongScalar(bits) => write!(out, "a scalar has more than {bits} bits"),
            Self::ScalarsCompared => write!(out, "compare Scalars with equals()"),
            Self::NotCopied(class) => write!(out, "{class} cannot be copied or pickled"),
        }
    }
}

impl std::error::Error for GroupError {}

impl From<GroupError> for PyErr {
    fn from(error: GroupError) -> Self {
        let message = error.to_string();
        match error {
            GroupError::WrongSize { .. } => encoding_error(message, None),
            GroupError::InvalidElement(index)
            | GroupError::IdentityElement(index)
            | GroupError::UnreducedScalar(index) => encoding_error(message, Some(index)),
            GroupError::IntOutOfRange(_)
            | GroupError::LengthMismatch(..)
            | GroupError::NegativeCount
            | GroupError::BitsOutOfRange
            | GroupError::LongScalar(_) => PyValueError::new_err(message),
            GroupError::NoSuchIndex => PyIndexError::new_err(message),
            GroupError::TooMany => PyMemoryError::new_err(message),
            GroupError::NotAnInt(_) | GroupError::ScalarsCompared | GroupError::NotCopied(_) => {
                PyTypeError::new_err(message)
            }
        }
    }
}

/// Return the `secballot.errors.EncodingError` of this message, or what went wrong on the way to that class.
fn encoding_error(message: String, offset: Option<usize>) -> PyErr {
    Python::attach(|py| {
        let built = || {
            let keywords = PyDict::new(py);
            keywords.set_item("offset", offset)?;
            py.import("secballot.errors")?
                .getattr("EncodingError")?
                .call((message,), Some(&keywords))
        };
        match built() {
            Ok(exception) => PyErr::from_value(exception),
            Err(failure) => failure,
        }
    })
}
