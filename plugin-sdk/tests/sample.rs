//! A sample is the same however its rows are cut, and states survive as bytes or are refused.
#![allow(clippy::unwrap_used, reason = "tests")]

use playbook_sdk::Sample;
use playbook_sdk::codec::{Codec, Reader, decode, encode};

fn sampled(keys: impl Iterator<Item = i64>, capacity: usize) -> Sample {
    let mut sample = Sample::new(2, capacity, 7);
    keys.for_each(|key| sample.observe(key, &[key as f64, -key as f64]));
    sample
}

#[test]
fn the_cut_and_the_order_of_rows_do_not_show() {
    let whole = encode(&sampled(0..1_000, 50));
    let backwards = encode(&sampled((0..1_000).rev(), 50));
    assert_eq!(whole, backwards);
    for parts in [2, 7, 100] {
        let part =
            |p: i64| decode::<Sample>(&encode(&sampled((p..1_000).step_by(parts), 50))).unwrap();
        let merged = (1..parts as i64).fold(part(0), |left, p| left.merge(part(p)).unwrap());
        assert_eq!(encode(&merged), whole, "{parts} parts");
    }
}

#[test]
fn at_most_the_capacity_is_kept_and_a_small_population_whole() {
    let many = sampled(0..1_000, 50);
    assert_eq!(many.seen(), 1_000);
    let rows = many.into_rows();
    assert_eq!(rows.len(), 50);
    assert!(rows.is_sorted_by_key(|row| row.0));
    assert!(rows.iter().all(|(key, row)| row == &[*key as f64, -*key as f64]));
    assert_eq!(sampled(0..30, 50).into_rows().len(), 30);
    assert_eq!(sampled(0..30, 50).ascending(1)[0], -29.0);
}

#[test]
fn a_sample_is_even_over_the_population() {
    let keys: Vec<i64> = sampled(0..100_000, 1_000).into_rows().iter().map(|row| row.0).collect();
    for tenth in 0..10 {
        let within = keys.iter().filter(|key| **key / 10_000 == tenth).count();
        assert!((60..140).contains(&within), "{within} of tenth {tenth}");
    }
}

#[test]
fn samples_of_different_make_do_not_merge() {
    assert!(sampled(0..10, 50).merge(sampled(0..10, 51)).is_err());
}

#[test]
fn values_survive_as_bytes() {
    fn same<T: Codec + PartialEq + std::fmt::Debug>(value: &T) {
        assert_eq!(decode::<T>(&encode(value)).as_ref(), Ok(value));
    }
    same(&(1_u8, 2_u16));
    same(&(u64::MAX, i64::MIN));
    same(&(i128::MIN, u128::MAX));
    same(&(f64::MIN_POSITIVE, -0.0_f64));
    same(&("流失".to_owned(), vec![Some(true), None]));
    same(&[[1_i32, 2], [3, 4]]);
    same(&sampled(0..10, 5).ascending(0));
}

#[test]
fn forged_bytes_are_refused_without_reserving_memory() {
    let mut length = u64::MAX.to_le_bytes().to_vec();
    length.extend([1; 64]);
    assert!(decode::<Vec<u64>>(&length).is_err());
    assert!(decode::<String>(&length).is_err());
    assert!(decode::<bool>(&[2]).is_err());
    assert!(decode::<u64>(&[0; 9]).unwrap_err().contains("left over"));
    assert!(decode::<Sample>(&[0xff; 80]).is_err());
    assert!(Reader::new(&[1, 2]).raw(3).is_err());
    let good = encode(&sampled(0..40, 20));
    for end in 0..good.len() {
        assert!(decode::<Sample>(&good[..end]).is_err(), "cut at {end}");
    }
}
