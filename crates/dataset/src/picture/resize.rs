//! Images of another size: bilinear with antialiasing, to the byte as Pillow's `Image.resize((width, height), Image.Resampling.BILINEAR)`
//! up to version 12.

/// The bits behind the point of a weight.
const PRECISION: u32 = 32 - 8 - 2;

/// What one output pixel is made of: the first input pixel and the weights of those from it on.
struct Weights {
    first: usize,
    weights: Vec<i32>,
}

/// The weights of each of `to` pixels made of `from`, as Pillow's `precompute_coeffs` and `normalize_coeffs_8bpc` give them: a triangle around the pixel's
/// middle, as wide as two input pixels, or two output pixels where the image gets smaller.
fn weights(from: usize, to: usize) -> Vec<Weights> {
    let scale = from as f64 / to as f64;
    let width = scale.max(1.0);
    let pixel = |place: usize| {
        let center = (place as f64 + 0.5) * scale;
        let first = (center - width + 0.5).max(0.0) as usize;
        let end = ((center + width + 0.5) as usize).min(from);
        let triangle = |x: usize| (1.0 - ((x as f64 - center + 0.5) / width).abs()).max(0.0);
        let values: Vec<f64> = (first..end).map(triangle).collect();
        let sum: f64 = values.iter().sum();
        let fixed = |value: f64| {
            let value = if sum == 0.0 { value } else { value / sum };
            (0.5 + value * f64::from(1 << PRECISION)) as i32
        };
        Weights { first, weights: values.into_iter().map(fixed).collect() }
    };
    (0..to).map(pixel).collect()
}

/// The weighted sum, rounded.
fn sum(pixels: impl Iterator<Item = u8>, weights: &[i32]) -> u8 {
    let sum: i32 = pixels.zip(weights).map(|(pixel, weight)| i32::from(pixel) * weight).sum();
    ((sum + (1 << (PRECISION - 1))) >> PRECISION).clamp(0, 255) as u8
}

/// A plane `[height, width]` as one of `[to_height, to_width]`: first along the rows, then along the columns, each pass only where a size changes.
pub(super) fn resize(plane: &[u8], (height, width): (usize, usize), (to_height, to_width): (usize, usize)) -> Vec<u8> {
    let mut plane = plane.to_vec();
    if width != to_width {
        let weights = weights(width, to_width);
        let row = |row: &[u8]| {
            let pixel = |w: &Weights| sum(row[w.first..].iter().copied(), &w.weights);
            weights.iter().map(pixel).collect::<Vec<_>>()
        };
        plane = plane.chunks_exact(width).flat_map(row).collect();
    }
    if height != to_height {
        let weights = weights(height, to_height);
        let pixel =
            |w: &Weights, x: usize| sum(plane[w.first * to_width + x..].iter().step_by(to_width).copied(), &w.weights);
        plane = weights.iter().flat_map(|w| (0..to_width).map(move |x| (w, x))).map(|(w, x)| pixel(w, x)).collect();
    }
    plane
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn halves_are_weighted_by_a_triangle_of_four_pixels() {
        // The pixel at the left has 3/7, 3/7 and 1/7 of the three within reach, the others 1/8, 3/8, 3/8, 1/8.
        let found = resize(&[0, 70, 140, 210, 0, 0], (1, 6), (1, 3));
        assert_eq!(found, [50, 140, 30]);
        assert_eq!(resize(&[0, 70, 140, 210, 0, 0], (6, 1), (3, 1)), found, "columns as rows");
    }

    #[test]
    fn an_image_of_the_size_is_itself_and_one_colour_stays() {
        let pixels: Vec<u8> = (0..35).collect();
        assert_eq!(resize(&pixels, (5, 7), (5, 7)), pixels);
        for to in [(1, 1), (3, 11), (40, 2)] {
            assert_eq!(resize(&[200; 35], (5, 7), to), vec![200; to.0 * to.1]);
        }
    }
}
