//! How a tensor's values are spread.

use super::messages::Histogram;

/// As many as TensorBoard itself draws.
const BUCKETS: usize = 30;

/// Counts in equal steps from the least value to the largest; none where no value is a finite number. What is no number is not counted.
pub(crate) fn histogram(values: &[f32]) -> Option<Histogram> {
    let finite = || values.iter().filter(|value| value.is_finite()).map(|value| f64::from(*value));
    let (mut min, mut max, mut sum, mut sum_squares, mut num) = (f64::INFINITY, f64::NEG_INFINITY, 0.0, 0.0, 0usize);
    for value in finite() {
        (min, max) = (min.min(value), max.max(value));
        sum += value;
        sum_squares += value * value;
        num += 1;
    }
    if num == 0 {
        return None;
    }
    let mut histogram =
        Histogram { min, max, num: num as f64, sum, sum_squares, bucket_limit: vec![max], bucket: vec![num as f64] };
    if max > min {
        let width = (max - min) / BUCKETS as f64;
        histogram.bucket_limit = (1..BUCKETS).map(|bucket| min + bucket as f64 * width).chain([max]).collect();
        let mut counts = [0u64; BUCKETS];
        for value in finite() {
            // The largest value falls into the last bucket.
            counts[(((value - min) / width) as usize).min(BUCKETS - 1)] += 1;
        }
        histogram.bucket = counts.iter().map(|count| *count as f64).collect();
    }
    Some(histogram)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_finite_value_is_counted_once() {
        // From 0 to 30 in steps of one: 0 and 0.5 in the first bucket, 30 in the last.
        let found = histogram(&[0.0, 30.0, 0.5, 15.5, f32::NAN, f32::INFINITY]).unwrap();
        assert_eq!((found.min, found.max, found.num, found.sum), (0.0, 30.0, 4.0, 46.0));
        assert_eq!((found.bucket[0], found.bucket[15], found.bucket[29]), (2.0, 1.0, 1.0));
        assert_eq!(found.bucket.iter().sum::<f64>(), 4.0);
        assert_eq!((found.bucket_limit[0], found.bucket_limit[29]), (1.0, 30.0));
    }

    #[test]
    fn equal_values_are_one_bucket_and_no_numbers_none() {
        let found = histogram(&[2.0; 3]).unwrap();
        assert_eq!((found.bucket_limit, found.bucket), (vec![2.0], vec![3.0]));
        assert_eq!(histogram(&[f32::NAN]), None);
        assert_eq!(histogram(&[]), None);
    }
}
