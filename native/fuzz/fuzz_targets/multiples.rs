//! Multiplication in every way: many terms at once, by tables, and by short scalars, against one product at a time.
#![no_main]

use _group::elements::multiply_short;
use _group::error::GroupError;
use _group::tables::{sum_of_multiples, FixedBase};
use _group::vectors::paired;
use curve25519_dalek::ristretto::RistrettoPoint;
use curve25519_dalek::scalar::Scalar;
use libfuzzer_sys::fuzz_target;

/// Bytes of a term: what is mapped to an element, and what is reduced to a scalar.
const TERM: usize = 96;

/// Most terms, above which the algorithm for many terms is used (from 190 on) and every run would take long.
const MOST: usize = 200;

/// Return the element and the scalar that these bytes stand for; small and opposite ones are as likely as others.
fn term(data: &[u8]) -> (RistrettoPoint, Scalar) {
    let (element, scalar) = data.split_at(64);
    let element = match element[0] % 4 {
        0 => RistrettoPoint::mul_base(&Scalar::from(element[1])),
        1 => -RistrettoPoint::mul_base(&Scalar::from(element[1])),
        _ => RistrettoPoint::from_uniform_bytes(element.try_into().expect("64 bytes")),
    };
    let whole = Scalar::from_bytes_mod_order(scalar.try_into().expect("32 bytes"));
    let scalar = match scalar[31] % 4 {
        0 => Scalar::from(scalar[0]),
        1 => -Scalar::from(scalar[0]),
        _ => whole,
    };
    (element, scalar)
}

fn has_at_most(scalar: &Scalar, bits: usize) -> bool {
    (bits..256).all(|bit| scalar.as_bytes()[bit / 8] >> (bit % 8) & 1 == 0)
}

fuzz_target!(|data: &[u8]| {
    let Some((&first, rest)) = data.split_first() else {
        return;
    };
    let (elements, scalars): (Vec<_>, Vec<_>) = rest.chunks_exact(TERM).take(MOST).map(term).unzip();
    let products: Vec<RistrettoPoint> = elements
        .iter()
        .zip(&scalars)
        .map(|(point, factor)| point * factor)
        .collect();
    assert_eq!(sum_of_multiples(&scalars, &elements), Ok(products.iter().sum()));
    let Some((base, fewer)) = elements.split_first() else {
        return;
    };
    let mismatch = GroupError::LengthMismatch(scalars.len(), fewer.len());
    assert_eq!(sum_of_multiples(&scalars, fewer), Err(mismatch));

    let few = &scalars[..scalars.len().min(4)];
    let multiples: Vec<u8> = few
        .iter()
        .flat_map(|factor| (base * factor).compress().to_bytes())
        .collect();
    assert_eq!(FixedBase::of(base).encoded_multiples(few), multiples);

    let bits = usize::from(first);
    let pairs = paired(&elements[..few.len()], few).expect("as many");
    let found = multiply_short(&pairs, bits);
    if !(1..=253).contains(&bits) {
        assert_eq!(found, Err(GroupError::BitsOutOfRange));
    } else if few.iter().all(|scalar| has_at_most(scalar, bits)) {
        assert_eq!(found.as_deref(), Ok(&products[..few.len()]));
    } else {
        assert_eq!(found, Err(GroupError::LongScalar(bits)));
    }
});
