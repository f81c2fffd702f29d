//! Averages of parameters over the steps of training.

use crate::dispatch::{Kernel, dispatch};
use crate::parallel::each_pair;

/// `average += share · (values - average)`, as `torch.lerp`: what a moving average (a fixed share) and a mean (a share of one over the count) are
/// made of. A share of 1 copies. The same bits for any number of threads.
///
/// # Panics
/// Where the slices differ in length, or `share` is not in `0..=1`.
pub fn average_towards(average: &mut [f32], values: &[f32], share: f32) {
    /// Values of a task: a quarter of a MiB of both.
    const PIECE: usize = 1 << 15;
    assert_eq!(average.len(), values.len(), "an average is as long as what it is of");
    assert!((0.0..=1.0).contains(&share), "a share of {share}");
    each_pair((values, PIECE), (average, PIECE), 1, &|values, average| {
        if share == 1.0 {
            average.copy_from_slice(values);
        } else {
            dispatch(Towards { average, values, share });
        }
    });
}

struct Towards<'a> {
    average: &'a mut [f32],
    values: &'a [f32],
    share: f32,
}

impl Kernel for Towards<'_> {
    #[inline(always)]
    fn run(self) {
        for (average, value) in self.average.iter_mut().zip(self.values) {
            *average = self.share.mul_add(value - *average, *average);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 1, 2 and 4 by shares of 1, 1/2 and 1/3: the mean, 7/3.
    #[test]
    fn shares_of_one_over_the_count_make_the_mean() {
        let mut average = vec![f32::NAN; 70_000];
        for (count, value) in [(1.0, 1.0), (2.0, 2.0), (3.0, 4.0f32)] {
            average_towards(&mut average, &vec![value; 70_000], 1.0 / count);
        }
        assert!(average.iter().all(|value| (value - 7.0 / 3.0).abs() < 1e-6), "{}", average[0]);
        average_towards(&mut average, &vec![0.1; 70_000], 0.0);
        assert!(average.iter().all(|value| (value - 7.0 / 3.0).abs() < 1e-6));
    }
}
