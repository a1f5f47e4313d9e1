//! The values of vectors for Rust, which the fuzz targets compare with plain arithmetic.

use curve25519_dalek::ristretto::RistrettoPoint;
use curve25519_dalek::scalar::Scalar;

use crate::elements::Elements;
use crate::public::PublicScalars;
use crate::scalars::Scalars;

impl AsRef<[RistrettoPoint]> for Elements {
    fn as_ref(&self) -> &[RistrettoPoint] {
        &self.0
    }
}

impl AsRef<[Scalar]> for Scalars {
    fn as_ref(&self) -> &[Scalar] {
        &self.0
    }
}

impl AsRef<[Scalar]> for PublicScalars {
    fn as_ref(&self) -> &[Scalar] {
        &self.0
    }
}
