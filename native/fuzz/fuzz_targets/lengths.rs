//! Lengths, positions and rows of vectors, against loops that say what they mean.
#![no_main]

use _group::error::GroupError;
use _group::public::PublicScalars;
use _group::vectors::{as_count, cut, paired};
use curve25519_dalek::scalar::Scalar;
use libfuzzer_sys::fuzz_target;

/// Look at two vectors of numbers side by side.
fn check_pairs(left: &[u8], right: &[u8]) {
    let (n, m) = (left.len(), right.len());
    match paired(left, right) {
        Ok(pairs) => {
            assert!(n == m || n == 1 || m == 1);
            let count = if n == 1 { m } else { n };
            let at = |values: &[u8], index: usize| values[if values.len() == 1 { 0 } else { index }];
            let expected: Vec<(u8, u8)> = (0..count).map(|index| (at(left, index), at(right, index))).collect();
            assert_eq!(pairs.count, count);
            assert_eq!(
                pairs.iter().map(|(&one, &other)| (one, other)).collect::<Vec<_>>(),
                expected
            );
        }
        Err(refusal) => {
            assert_eq!(refusal, GroupError::LengthMismatch(n, m));
            assert!(n != m && n != 1 && m != 1);
        }
    }
}

/// Look at the values as rows, take some of each, and add them up where they belong.
fn check_rows(values: &PublicScalars, places: &[u8], width: usize) {
    let plain = values.as_ref();
    let places: Vec<usize> = places.iter().map(|&place| usize::from(place)).collect();
    if places.iter().any(|&place| place >= width) {
        return; // no caller gets here: positions are looked up before
    }
    match values.gathered(&places, width) {
        Ok(taken) => {
            let rows = plain.chunks(width);
            let expected: Vec<Scalar> = rows.flat_map(|row| places.iter().map(|&place| row[place])).collect();
            assert_eq!(taken.as_ref(), expected);
        }
        Err(refusal) => {
            assert_eq!(refusal, GroupError::LengthMismatch(plain.len(), width));
            assert!(width == 0 || plain.len() % width != 0);
        }
    }
    match values.scattered(&places, width) {
        Ok(sums) => {
            let mut expected = Vec::new();
            for row in plain.chunks(places.len()) {
                let mut own = vec![Scalar::ZERO; width];
                for (value, &place) in row.iter().zip(&places) {
                    own[place] += value;
                }
                expected.extend(own);
            }
            assert_eq!(sums.as_ref(), expected);
        }
        Err(refusal) => {
            assert_eq!(refusal, GroupError::LengthMismatch(plain.len(), places.len()));
            assert!(places.is_empty() || plain.len() % places.len() != 0);
        }
    }
}

fuzz_target!(|data: &[u8]| {
    let [split, width, count, rest @ ..] = data else { return };
    let (left, right) = rest.split_at(usize::from(*split).min(rest.len()));
    check_pairs(left, right);
    match cut::<7>(left, "thing") {
        Ok(cuts) => assert_eq!(cuts.concat(), left),
        Err(refusal) => {
            assert!(left.len() % 7 != 0);
            assert_eq!(
                refusal,
                GroupError::WrongSize {
                    what: "thing",
                    size: 7,
                    got: left.len()
                }
            );
        }
    }
    let whole = right.len() / 16 * 16;
    let values = PublicScalars::widen(&right[..whole]).expect("whole");
    check_rows(
        &values,
        &left[..left.len().min(usize::from(*count))],
        usize::from(*width),
    );
    if let Some(bytes) = rest.first_chunk::<8>() {
        let number = isize::from_le_bytes(*bytes);
        match as_count(number) {
            Ok(size) => assert!(number >= 0 && size == number.unsigned_abs() && size.checked_mul(256).is_some()),
            Err(refusal) if number < 0 => assert_eq!(refusal, GroupError::NegativeCount),
            Err(refusal) => assert!(refusal == GroupError::TooMany && number.checked_mul(256).is_none()),
        }
    }
});
