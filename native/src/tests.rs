//! What must hold without Python: refusals, wiping of the right lengths, and the batched encoding at its edges.

use curve25519_dalek::constants::RISTRETTO_BASEPOINT_POINT as GENERATOR;
use curve25519_dalek::ristretto::RistrettoPoint;
use curve25519_dalek::scalar::Scalar;
use curve25519_dalek::traits::Identity;

use crate::elements::{multiply_short, Elements};
use crate::error::GroupError;
use crate::scalars::Scalars;
use crate::tables::FixedBase;
use crate::vectors::{collect_secret, paired};

/// The group order, little-endian.
const ORDER: [u8; 32] = [
    0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14, 0, 0, 0, 0, 0, 0,
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10,
];

#[test]
fn identity_is_refused_unless_allowed_and_its_index_is_named() {
    let mut data = GENERATOR.compress().to_bytes().to_vec();
    data.extend([0; 32]);
    assert_eq!(
        Elements::parse(&data, false).err(),
        Some(GroupError::IdentityElement(1))
    );
    assert_eq!(
        Elements::parse(&data, true).map(|elements| elements.to_bytes()),
        Ok(data)
    );
}

#[test]
fn element_with_the_high_bit_set_is_refused() {
    let mut data = GENERATOR.compress().to_bytes();
    if let Some(last) = data.last_mut() {
        *last |= 0x80;
    }
    assert_eq!(Elements::parse(&data, true).err(), Some(GroupError::InvalidElement(0)));
}

#[test]
fn order_is_no_scalar_and_reduces_to_zero() {
    assert_eq!(Scalars::parse(&ORDER).err(), Some(GroupError::UnreducedScalar(0)));
    let mut wide = ORDER.to_vec();
    wide.extend([0; 32]);
    assert_eq!(
        Scalars::reduce(&wide).map(|scalars| scalars.0.to_vec()),
        Ok(vec![Scalar::ZERO])
    );
}

#[test]
fn left_over_bytes_are_refused() {
    let refusal = GroupError::WrongSize {
        what: "element",
        size: 32,
        got: 33,
    };
    assert_eq!(Elements::parse(&[0; 33], true).err(), Some(refusal));
}

#[test]
fn only_a_vector_of_length_one_is_repeated() {
    let lengths = |n: usize, m: usize| paired(&vec![(); n], &vec![(); m]).map(|pairs| pairs.iter().count());
    assert_eq!(lengths(1, 3), Ok(3));
    assert_eq!(lengths(3, 1), Ok(3));
    assert_eq!(lengths(1, 0), Ok(0));
    assert_eq!(lengths(2, 3), Err(GroupError::LengthMismatch(2, 3)));
    assert_eq!(lengths(0, 2), Err(GroupError::LengthMismatch(0, 2)));
}

#[test]
fn collected_secrets_never_move() {
    let secrets = collect_secret(5, std::iter::repeat(Scalar::ONE));
    assert_eq!((secrets.len(), secrets.capacity()), (5, 5));
}

#[test]
fn batched_encodings_are_those_of_single_ones() {
    let scalars = [
        Scalar::ZERO,
        Scalar::ONE,
        -Scalar::ONE,
        Scalar::from(2u8),
        Scalar::from(7u8),
    ];
    for base in [
        GENERATOR,
        RistrettoPoint::identity(),
        GENERATOR * Scalar::from(12_345u32),
    ] {
        let singly: Vec<u8> = scalars
            .iter()
            .flat_map(|scalar| (base * scalar).compress().to_bytes())
            .collect();
        assert_eq!(FixedBase::of(&base).encoded_multiples(&scalars), singly);
    }
}

#[test]
fn short_multiples_are_those_of_whole_scalars() {
    let scalars: Vec<Scalar> = (0..8u8).map(Scalar::from).collect();
    let expected: Vec<RistrettoPoint> = scalars.iter().map(|scalar| GENERATOR * scalar).collect();
    let products = |bits| paired(&[GENERATOR], &scalars).and_then(|pairs| multiply_short(&pairs, bits));
    assert_eq!(products(3), Ok(expected.clone()));
    assert_eq!(products(253), Ok(expected));
    assert_eq!(products(2), Err(GroupError::LongScalar(2)));
    assert_eq!(products(0), Err(GroupError::BitsOutOfRange));
    assert_eq!(products(254), Err(GroupError::BitsOutOfRange));
}

#[test]
fn the_largest_scalar_is_taken_whole() {
    let scalars = [-Scalar::ONE];
    let product = paired(&[GENERATOR], &scalars).and_then(|pairs| multiply_short(&pairs, 253));
    assert_eq!(product, Ok(vec![-GENERATOR]));
}
