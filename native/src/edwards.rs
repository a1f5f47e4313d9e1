//! Points of edwards25519, the curve of Ed25519: which encodings are of prime order.

use curve25519_dalek::edwards::{CompressedEdwardsY, EdwardsPoint};
use curve25519_dalek::scalar::Scalar;
use curve25519_dalek::traits::{Identity, IsIdentity};
use pyo3::prelude::*;

use crate::error::GroupError;
use crate::vectors::{cut, ENCODED_BYTES};

/// Tell for each 32 bytes whether they are the canonical encoding of a point of prime order.
///
/// # Errors
/// `WrongSize`.
pub fn of_prime_order(data: &[u8]) -> Result<Vec<bool>, GroupError> {
    let encodings = cut::<ENCODED_BYTES>(data, "point")?;
    let decoded: Vec<Option<EdwardsPoint>> = encodings
        .iter()
        .map(|encoding| CompressedEdwardsY(*encoding).decompress())
        .collect();
    // Decoding takes y beyond the prime, and a sign for x = 0; encoding gives neither. All share one inversion.
    let points: Vec<EdwardsPoint> = decoded
        .iter()
        .map(|point| point.unwrap_or_else(EdwardsPoint::identity))
        .collect();
    let again = EdwardsPoint::compress_batch_alloc(&points);
    Ok(decoded
        .iter()
        .zip(encodings.iter().zip(&again))
        .map(|(point, (encoding, canonical))| {
            encoding == canonical.as_bytes() && point.as_ref().is_some_and(has_prime_order)
        })
        .collect())
}

/// Tell in variable time whether a point is a multiple of the generator other than the identity.
fn has_prime_order(point: &EdwardsPoint) -> bool {
    // The order of the subgroup less one is a scalar, and the order itself is none.
    let opposite = EdwardsPoint::vartime_double_scalar_mul_basepoint(&-Scalar::ONE, point, &Scalar::ZERO);
    !point.is_identity() && opposite == -point
}

/// Tell for each 32 bytes whether they are the canonical encoding of a point of edwards25519 of prime order.
///
/// Such a point is on the curve, in the main subgroup, and not the identity; public data only. Raises EncodingError
/// if bytes are left over.
#[pyfunction]
pub fn vartime_prime_order(py: Python<'_>, data: &[u8]) -> PyResult<Vec<bool>> {
    Ok(py.detach(|| of_prime_order(data))?)
}
