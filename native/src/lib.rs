//! The ristretto255 group for Python: vectors of elements and scalars, on curve25519-dalek.
//!
//! Knows nothing of what the group is used for. Every value is a vector, so that one call does the work of many and
//! the interpreter lock is given up meanwhile. `secballot/_group.pyi` states the same interface for Python.

pub mod edwards;
pub mod elements;
pub mod error;
pub mod public;
pub mod scalars;
pub mod tables;
pub mod values;
pub mod vectors;

#[cfg(test)]
mod tests;

/// Vectors of ristretto255 elements and scalars (RFC 9496).
#[pyo3::pymodule]
mod _group {
    #[pymodule_export]
    use crate::edwards::vartime_prime_order;
    #[pymodule_export]
    use crate::elements::{hash_to_element, Elements};
    #[pymodule_export]
    use crate::public::PublicScalars;
    #[pymodule_export]
    use crate::scalars::Scalars;
    #[pymodule_export]
    use crate::tables::{multiply_base, vartime_multiply, vartime_multiply_base, vartime_multiscalar_mul, FixedBase};
}
