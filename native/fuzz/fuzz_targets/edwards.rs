//! Points of edwards25519: of prime order, by multiplication with the group order bit by bit.
#![no_main]

use _group::edwards::of_prime_order;
use _group::error::GroupError;
use curve25519_dalek::constants::EIGHT_TORSION;
use curve25519_dalek::edwards::{CompressedEdwardsY, EdwardsPoint};
use curve25519_dalek::scalar::Scalar;
use curve25519_dalek::traits::{Identity, IsIdentity};
use libfuzzer_sys::fuzz_target;

/// The group order, little-endian.
const ORDER: [u8; 32] = [
    0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14, 0, 0, 0, 0, 0, 0,
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10,
];

fn expected(encoding: &[u8]) -> bool {
    let Some(point) = CompressedEdwardsY::from_slice(encoding).expect("32 bytes").decompress() else {
        return false;
    };
    let mut multiple = EdwardsPoint::identity();
    for bit in (0..256).rev() {
        multiple += multiple;
        if ORDER[bit / 8] >> (bit % 8) & 1 == 1 {
            multiple += point;
        }
    }
    point.compress().as_bytes() == encoding && multiple.is_identity() && !point.is_identity()
}

/// Return 32 bytes as they are, or the encoding of a point of a known coset, since few bytes are of any.
fn encoding(data: &[u8]) -> Vec<u8> {
    match data[31] % 4 {
        0 => data.to_vec(),
        kind => {
            let scalar = Scalar::from_bytes_mod_order(data.try_into().expect("32 bytes"));
            let scalar = if kind == 1 { Scalar::from(data[0] % 4) } else { scalar };
            let torsion = EIGHT_TORSION[usize::from(data[1] % 8)];
            (EdwardsPoint::mul_base(&scalar) + torsion)
                .compress()
                .to_bytes()
                .to_vec()
        }
    }
}

fuzz_target!(|data: &[u8]| {
    let whole: Vec<u8> = data.chunks_exact(32).flat_map(encoding).collect();
    let answers: Vec<bool> = whole.chunks_exact(32).map(expected).collect();
    assert_eq!(of_prime_order(&whole), Ok(answers));
    if data.len() % 32 != 0 {
        assert!(matches!(
            of_prime_order(data),
            Err(GroupError::WrongSize { size: 32, .. })
        ));
    }
});
