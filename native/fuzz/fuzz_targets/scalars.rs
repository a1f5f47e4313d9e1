//! Scalars: canonical or refused, both vectors alike, and wide ones reduced as schoolbook arithmetic has it.
#![no_main]

use _group::error::GroupError;
use _group::public::PublicScalars;
use _group::scalars::Scalars;
use curve25519_dalek::scalar::Scalar;
use libfuzzer_sys::fuzz_target;

/// The group order, big-endian.
const ORDER: [u8; 32] = [
    0x10, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x14, 0xde, 0xf9, 0xde, 0xa2, 0xf7, 0x9c, 0xd6, 0x58, 0x12,
    0x63, 0x1a, 0x5c, 0xf5, 0xd3, 0xed,
];

fn is_canonical(encoding: &[u8]) -> bool {
    encoding.iter().rev().lt(ORDER.iter())
}

/// Reduce by adding up digits times powers of 256.
fn reduced(data: &[u8]) -> Scalar {
    let base = Scalar::from(256u16);
    data.iter()
        .rev()
        .fold(Scalar::ZERO, |sum, &byte| sum * base + Scalar::from(byte))
}

fuzz_target!(|data: &[u8]| {
    let (secret, public) = (Scalars::parse(data), PublicScalars::parse(data));
    if data.len() % 32 == 0 {
        match data.chunks_exact(32).position(|encoding| !is_canonical(encoding)) {
            Some(index) => {
                assert_eq!(secret.err(), Some(GroupError::UnreducedScalar(index)));
                assert_eq!(public.err(), Some(GroupError::UnreducedScalar(index)));
            }
            None => {
                let (secret, public) = (secret.expect("canonical"), public.expect("canonical"));
                assert_eq!(secret.as_ref(), public.as_ref());
                let again: Vec<u8> = secret.as_ref().iter().flat_map(Scalar::to_bytes).collect();
                assert_eq!(again, data);
            }
        }
    } else {
        assert!(matches!(secret.err(), Some(GroupError::WrongSize { size: 32, .. })));
        assert!(matches!(public.err(), Some(GroupError::WrongSize { size: 32, .. })));
    }
    match Scalars::reduce(data) {
        Ok(found) => assert_eq!(found.as_ref(), data.chunks_exact(64).map(reduced).collect::<Vec<_>>()),
        Err(refusal) => assert!(matches!(refusal, GroupError::WrongSize { size: 64, .. }) && data.len() % 64 != 0),
    }
    match PublicScalars::widen(data) {
        Ok(found) => assert_eq!(found.as_ref(), data.chunks_exact(16).map(reduced).collect::<Vec<_>>()),
        Err(refusal) => assert!(matches!(refusal, GroupError::WrongSize { size: 16, .. }) && data.len() % 16 != 0),
    }
});
