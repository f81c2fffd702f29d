//! What a network of mirror symmetry does besides its products: an image's two views, their sums and differences, their mean.

use rayon::prelude::*;

use crate::dispatch::{Kernel, dispatch};
use crate::memory::{with_room, zeros};

/// Values that one task goes through.
const PIECE: usize = 1 << 13;

/// What mirroring an image does to a network's inputs: each of them becomes another or itself, with its sign turned or not.
///
/// ```
/// use strata_kernels::Mirror;
///
/// // Two pixels that change places, and an odd frequency, whose sign turns.
/// let mirror = Mirror::of(|inputs| {
///     inputs.swap(0, 1);
///     inputs[2] = -inputs[2];
/// }, 3).expect("twice gives the image again");
/// assert_eq!(mirror.places(), [2.0, 1.0, -3.0]);
/// assert_eq!(mirror.views(&[1.0, 2.0, 3.0]), [1.0, 2.0, 3.0, 2.0, 1.0, -3.0]);
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Mirror {
    places: Vec<f32>,
    /// Which input each becomes, and by which factor.
    taken: Vec<(u32, f32)>,
}

/// Inputs of which 32-bit floats can count as many.
const MOST: usize = 1 << 24;

impl Mirror {
    /// The mirror that `mirror` is of an image's `inputs`; none where it is more than a change of places and signs, or where done twice it does not give
    /// the image again.
    pub fn of(mirror: impl FnOnce(&mut [f32]), inputs: usize) -> Option<Self> {
        let mut places: Vec<f32> = (1..=inputs).map(|place| place as f32).collect();
        mirror(&mut places);
        Self::from_places(&places)
    }

    /// The mirror that makes each input the one at such a place, counted from 1, with the sign of the place; none as for [`Mirror::of`].
    pub fn from_places(places: &[f32]) -> Option<Self> {
        let count = places.len();
        let taken = |place: &f32| {
            let at = place.abs();
            let is_one = at >= 1.0 && at <= count as f32 && at.fract() == 0.0;
            is_one.then(|| (at as u32 - 1, 1.0f32.copysign(*place)))
        };
        if count > MOST {
            return None;
        }
        let taken = places.iter().map(taken).collect::<Option<Vec<_>>>()?;
        let returns = |(at, (from, sign)): (usize, &(u32, f32))| taken[*from as usize] == (at as u32, *sign);
        taken.iter().enumerate().all(returns).then(|| Self { places: places.to_vec(), taken: taken.clone() })
    }

    /// As [`Mirror::from_places`] takes them.
    pub fn places(&self) -> &[f32] {
        &self.places
    }

    /// Both views of samples `[batch, inputs]`: as they are, then mirrored, `[2 batch, inputs]`.
    ///
    /// # Panics
    /// Where these are no whole samples.
    pub fn views(&self, x: &[f32]) -> Vec<f32> {
        let inputs = self.taken.len();
        assert!(x.len().is_multiple_of(inputs), "whole samples");
        let mut views = zeros(2 * x.len());
        let (plain, mirrored) = views.split_at_mut(x.len());
        plain.copy_from_slice(x);
        let rows = mirrored.par_chunks_mut(inputs).zip(x.par_chunks(inputs)).with_min_len(PIECE / inputs.min(PIECE));
        rows.for_each(|(mirrored, x)| {
            for (value, (from, sign)) in mirrored.iter_mut().zip(&self.taken) {
                *value = sign * x[*from as usize];
            }
        });
        views
    }

    /// The gradient of samples, written to `dx`, from that of their views.
    ///
    /// # Panics
    /// Where there are not two views of each sample.
    pub fn views_gradient(&self, of_views: &[f32], dx: &mut [f32]) {
        assert_eq!(of_views.len(), 2 * dx.len(), "two views of each sample");
        let inputs = self.taken.len();
        let (plain, mirrored) = of_views.split_at(dx.len());
        let rows = dx.par_chunks_mut(inputs).zip(plain.par_chunks(inputs)).zip(mirrored.par_chunks(inputs));
        // The mirror is its own inverse, and so its own transpose.
        rows.for_each(|((dx, plain), mirrored)| {
            for ((value, plain), (from, sign)) in dx.iter_mut().zip(plain).zip(&self.taken) {
                *value = plain + sign * mirrored[*from as usize];
            }
        });
    }
}

/// `factor (a + b)` and `factor (a - b)` of the views a and b, `[2 batch, features]`: each `[batch, features]`.
pub fn sums_and_differences(views: &[f32], factor: f32) -> [Vec<f32>; 2] {
    let half = views.len() / 2;
    let (mut sums, mut differences) = (zeros(half), zeros(half));
    let (a, b) = (views[..half].par_chunks(PIECE), views[half..].par_chunks(PIECE));
    let outputs = sums.par_chunks_mut(PIECE).zip(differences.par_chunks_mut(PIECE));
    outputs.zip(a.zip(b)).for_each(|((sums, differences), (a, b))| {
        dispatch(SumsAndDifferences { a, b, factor, sums, differences });
    });
    [sums, differences]
}

/// The views a and b, `[2 batch, features]`, written to `views`, of which `sums` and `differences` are `[batch, features]`: `factor (s + d)` and `factor (s - d)`.
///
/// # Panics
/// Where the lengths do not fit.
pub fn views_of(sums: &[f32], differences: &[f32], factor: f32, views: &mut [f32]) {
    let half = sums.len();
    assert!(differences.len() == half && views.len() == 2 * half, "a sum and a difference for two values");
    let (first, second) = views.split_at_mut(half);
    let inputs = sums.par_chunks(PIECE).zip(differences.par_chunks(PIECE));
    let outputs = first.par_chunks_mut(PIECE).zip(second.par_chunks_mut(PIECE));
    outputs.zip(inputs).for_each(|((sums, differences), (a, b))| {
        dispatch(SumsAndDifferences { a, b, factor, sums, differences });
    });
}

/// The mean of both views: of `[2 batch, features]` it is `[batch, features]`.
pub fn mean_of_views(views: &[f32]) -> Vec<f32> {
    let (a, b) = views.split_at(views.len() / 2);
    let mut mean = with_room(a.len());
    mean.extend(a.iter().zip(b).map(|(a, b)| 0.5 * (a + b)));
    mean
}

/// The gradient of both views, written to `of_views`, from that of their mean.
///
/// # Panics
/// Where the lengths do not fit.
pub fn mean_of_views_gradient(of_mean: &[f32], of_views: &mut [f32]) {
    assert_eq!(of_views.len(), 2 * of_mean.len(), "two views of each sample");
    for view in of_views.chunks_exact_mut(of_mean.len().max(1)) {
        view.iter_mut().zip(of_mean).for_each(|(value, dy)| *value = 0.5 * dy);
    }
}

struct SumsAndDifferences<'a> {
    a: &'a [f32],
    b: &'a [f32],
    factor: f32,
    sums: &'a mut [f32],
    differences: &'a mut [f32],
}

impl Kernel for SumsAndDifferences<'_> {
    #[inline(always)]
    fn run(self) {
        let outputs = self.sums.iter_mut().zip(self.differences);
        for ((sum, difference), (a, b)) in outputs.zip(self.a.iter().zip(self.b)) {
            *sum = self.factor * (a + b);
            *difference = self.factor * (a - b);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mirror_changes_places_and_signs_and_twice_gives_the_image_again() {
        for places in [&[1.0, 2.0][..], &[2.0, 1.0, -3.0], &[-2.0, -1.0], &[]] {
            assert_eq!(Mirror::from_places(places).unwrap().places(), places);
        }
        // A turn, a place that there is not, a part of one, none, one sign of two.
        for places in [&[2.0, 3.0, 1.0][..], &[3.0, 1.0], &[1.5, 2.0], &[0.0, 2.0], &[f32::NAN], &[-2.0, 1.0]] {
            assert_eq!(Mirror::from_places(places), None, "{places:?}");
        }
        assert_eq!(Mirror::of(|inputs| inputs[0] = 7.0, 3), None);
    }

    #[test]
    fn gradients_are_the_transposes_of_what_they_belong_to() {
        let mirror = Mirror::from_places(&[3.0, -2.0, 1.0]).unwrap();
        let x: Vec<f32> = (0..15).map(|x| x as f32 - 4.0).collect();
        let dy: Vec<f32> = (0..30).map(|x| (x * x % 11) as f32).collect();
        let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f32>();
        let mut dx = vec![0.0; 15];
        mirror.views_gradient(&dy, &mut dx);
        assert_eq!(dot(&mirror.views(&x), &dy), dot(&x, &dx));
        let views = &dy;
        let mut of_views = vec![0.0; 30];
        mean_of_views_gradient(&x, &mut of_views);
        assert_eq!(dot(&mean_of_views(views), &x), dot(views, &of_views));
    }

    #[test]
    fn views_are_made_of_their_sums_and_differences_again() {
        let views: Vec<f32> = (0..20_000).map(|x| (x % 17) as f32).collect();
        let [sums, differences] = sums_and_differences(&views, 1.0);
        assert_eq!((sums[3], differences[3]), (views[3] + views[10_003], views[3] - views[10_003]));
        let mut again = vec![0.0; views.len()];
        views_of(&sums, &differences, 0.5, &mut again);
        assert_eq!(again, views);
    }
}
