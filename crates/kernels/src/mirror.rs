//! What a network of mirror symmetry does besides its products: an image's two views, their sums and differences, their mean.

use rayon::prelude::*;

use crate::dispatch::{Kernel, dispatch};
use crate::memory::{scratch, with_room};
use crate::parallel::each_pair;

/// Values that one task goes through.
const PIECE: usize = 1 << 13;

/// Rows that one task goes through at least.
const ROWS: usize = 16;

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
/// assert_eq!(mirror.apply(&[1.0, 2.0, 3.0]), [2.0, 1.0, -3.0]);
/// // The half of a sum; the half of a difference, and the odd frequency.
/// assert_eq!(mirror.parts(&[1.0, 2.0, 3.0], 0.5), [vec![1.5], vec![-0.5, 3.0]]);
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Mirror {
    places: Vec<f32>,
    symmetric: Vec<Of>,
    antisymmetric: Vec<Of>,
}

/// What a value of a row's part is made of: an input, and the one that it changes places with, by which sign.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Of {
    first: u32,
    second: Option<(u32, f32)>,
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
        if !taken.iter().enumerate().all(returns) {
            return None;
        }
        let (mut symmetric, mut antisymmetric) = (Vec::new(), Vec::new());
        for (first, (second, sign)) in (0..).zip(taken) {
            if second > first {
                let pair = Of { first, second: Some((second, sign)) };
                symmetric.push(pair);
                antisymmetric.push(pair);
            } else if second == first {
                let part = if sign > 0.0 { &mut symmetric } else { &mut antisymmetric };
                part.push(Of { first, second: None });
            }
        }
        Some(Self { places: places.to_vec(), symmetric, antisymmetric })
    }

    /// The mirror images of samples `[batch, inputs]`.
    ///
    /// # Panics
    /// Where these are no whole samples.
    pub fn apply(&self, x: &[f32]) -> Vec<f32> {
        let inputs = self.places.len().max(1);
        assert!(x.len().is_multiple_of(inputs), "whole samples");
        let image = |x: &[f32]| {
            self.places.iter().map(|place| 1.0f32.copysign(*place) * x[place.abs() as usize - 1]).collect::<Vec<_>>()
        };
        x.chunks(inputs).flat_map(image).collect()
    }

    /// As [`Mirror::from_places`] takes them.
    pub fn places(&self) -> &[f32] {
        &self.places
    }

    /// The symmetric and the antisymmetric part of each row of `rows`, `[rows, inputs]`: an input that mirroring leaves is in the first, one whose sign it turns in the second, and of
    /// two that change places `factor` times their sum and their difference are in each. With a `factor` of 1/2 the row is the sum of both parts, and its mirror image their
    /// difference.
    ///
    /// # Panics
    /// Where these are no whole rows.
    pub fn parts(&self, rows: &[f32], factor: f32) -> [Vec<f32>; 2] {
        let inputs = self.places.len();
        assert!(rows.len().is_multiple_of(inputs.max(1)), "whole rows");
        let count = rows.len() / inputs.max(1);
        [(&self.symmetric, 1.0f32), (&self.antisymmetric, -1.0)].map(|(part, side)| {
            let mut values = scratch(count * part.len());
            let width = part.len().max(1);
            let (rows, values_of) = ((rows, inputs.max(1)), (&mut values[..], width));
            // Of frequencies none changes places with another.
            if part.iter().all(|of| of.second.is_none()) {
                let firsts: Vec<u32> = part.iter().map(|of| of.first).collect();
                each_pair(rows, values_of, ROWS, &|row, values| {
                    values.iter_mut().zip(&firsts).for_each(|(value, first)| *value = row[*first as usize]);
                });
            } else {
                each_pair(rows, values_of, ROWS, &|row, values| {
                    for (value, of) in values.iter_mut().zip(part) {
                        let first = row[of.first as usize];
                        *value = match of.second {
                            None => first,
                            Some((second, sign)) => factor * (first + side * sign * row[second as usize]),
                        };
                    }
                });
            }
            values
        })
    }

    /// How many values the symmetric and the antisymmetric part of a row have.
    pub fn widths(&self) -> [usize; 2] {
        [self.symmetric.len(), self.antisymmetric.len()]
    }

    /// Adds to `rows`, `[rows, inputs]`, what the transpose of [`Mirror::parts`] makes of gradients of both parts: a row's gradient from its parts'.
    ///
    /// # Panics
    /// Where the parts are of other rows.
    pub fn add_parts_gradient(&self, parts: [&[f32]; 2], factor: f32, rows: &mut [f32]) {
        let inputs = self.places.len().max(1);
        let widths = self.widths();
        let count = rows.len() / inputs;
        assert!(parts.iter().zip(widths).all(|(part, width)| part.len() == count * width), "parts of each row");
        let row_of = |part: usize, row: usize| &parts[part][row * widths[part]..][..widths[part]];
        rows.par_chunks_mut(inputs).enumerate().with_min_len(ROWS).for_each(|(number, row)| {
            for (part, of, side) in [(0, &self.symmetric, 1.0f32), (1, &self.antisymmetric, -1.0)] {
                for (value, of) in row_of(part, number).iter().zip(of) {
                    match of.second {
                        None => row[of.first as usize] += value,
                        Some((second, sign)) => {
                            row[of.first as usize] += factor * value;
                            row[second as usize] += side * sign * factor * value;
                        }
                    }
                }
            }
        });
    }
}

/// `factor (a + b)` and `factor (a - b)` of the views a and b, `[2 batch, features]`: each `[batch, features]`.
pub fn sums_and_differences(views: &[f32], factor: f32) -> [Vec<f32>; 2] {
    let half = views.len() / 2;
    let (mut sums, mut differences) = (scratch(half), scratch(half));
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
        let mirror = Mirror::from_places(&[3.0, -2.0, 1.0, -5.0, -4.0, 6.0]).unwrap();
        let x: Vec<f32> = (0..18).map(|x| x as f32 - 4.0).collect();
        let dy: Vec<f32> = (0..36).map(|x| (x * x % 11) as f32).collect();
        let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f32>();
        let [symmetric, antisymmetric] = mirror.parts(&x, 0.5);
        assert_eq!(mirror.widths(), [3, 3]);
        let of_parts = [&dy[..9], &dy[20..29]];
        let mut dx = vec![0.0; 18];
        mirror.add_parts_gradient(of_parts, 0.5, &mut dx);
        assert_eq!(dot(&symmetric, of_parts[0]) + dot(&antisymmetric, of_parts[1]), dot(&x, &dx));
        let views = &dy;
        let mut of_views = vec![0.0; 36];
        mean_of_views_gradient(&x, &mut of_views);
        assert_eq!(dot(&mean_of_views(views), &x), dot(views, &of_views));
    }

    #[test]
    fn a_row_is_the_sum_of_its_parts_and_its_mirror_image_their_difference() {
        let mirror = Mirror::from_places(&[3.0, -2.0, 1.0, -5.0, -4.0, 6.0]).unwrap();
        let x = [1.0, 2.0, 4.0, 8.0, 16.0, 32.0];
        let [symmetric, antisymmetric] = mirror.parts(&x, 0.5);
        let (mut sum, mut difference) = (vec![0.0; 6], vec![0.0; 6]);
        let turned: Vec<f32> = antisymmetric.iter().map(|value| -value).collect();
        // The transpose at a factor of 1 is the inverse at one half.
        mirror.add_parts_gradient([&symmetric, &antisymmetric], 1.0, &mut sum);
        mirror.add_parts_gradient([&symmetric, &turned], 1.0, &mut difference);
        assert_eq!((sum, difference), (x.to_vec(), mirror.apply(&x)));
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
