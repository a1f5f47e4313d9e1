//! Elements: what decodes re-encodes to the same bytes, what does not names the first at fault, and both as dalek has it.
#![no_main]

use _group::elements::{encode_doubles, Elements};
use _group::error::GroupError;
use curve25519_dalek::ristretto::{CompressedRistretto, RistrettoPoint};
use curve25519_dalek::traits::IsIdentity;
use libfuzzer_sys::fuzz_target;

fn decoded(encoding: &[u8], allow_identity: bool, index: usize) -> Result<RistrettoPoint, GroupError> {
    let compressed = CompressedRistretto::from_slice(encoding).expect("32 bytes");
    let point = compressed.decompress().ok_or(GroupError::InvalidElement(index))?;
    match point.is_identity() && !allow_identity {
        true => Err(GroupError::IdentityElement(index)),
        false => Ok(point),
    }
}

fuzz_target!(|data: &[u8]| {
    for allow_identity in [false, true] {
        let found = Elements::parse(data, allow_identity);
        if data.len() % 32 != 0 {
            assert!(matches!(found, Err(GroupError::WrongSize { size: 32, .. })));
            continue;
        }
        let chunks = data.chunks_exact(32).enumerate();
        let expected: Result<Vec<_>, _> = chunks.map(|(index, one)| decoded(one, allow_identity, index)).collect();
        match (found, expected) {
            (Ok(elements), Ok(points)) => {
                assert_eq!(elements.as_ref(), points.as_slice());
                assert_eq!(elements.to_bytes(), data);
                let doubles: Vec<u8> = points
                    .iter()
                    .flat_map(|one| (one + one).compress().to_bytes())
                    .collect();
                assert_eq!(encode_doubles(elements.as_ref()), doubles);
            }
            (Err(refusal), Err(expected)) => assert_eq!(refusal, expected),
            (found, expected) => panic!("{:?}, and not {expected:?}", found.err()),
        }
    }
});
