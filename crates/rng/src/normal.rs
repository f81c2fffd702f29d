//! PyTorch's normal draws on a CPU.

use crate::TorchRng;

/// From this many elements on PyTorch draws by blocks.
const BLOCK: usize = 16;

/// `tensor.normal_(0, deviation)`, draw for draw, of tensors in a row.
///
/// A tensor of 16 elements and more is filled by blocks, eight pairs of uniform draws each, made normal by Box and Muller's formula in single
/// precision: with the polynomials of PyTorch's kernels for AVX2 and fused multiplications and additions, so the bits are those of PyTorch on
/// any processor of the last ten years, and the same on every machine of ours. A smaller tensor is drawn value by value in double precision, and
/// the second value of a pair waits for the next such tensor. Sources: PyTorch's `aten/src/ATen/native/cpu/DistributionTemplates.h`,
/// `avx_mathfun.h` and `aten/src/ATen/core/DistributionsHelper.h`.
///
/// ```
/// use strata_rng::{NormalDraws, TorchRng};
///
/// // torch.manual_seed(43); torch.empty(16).normal_()
/// let (mut rng, mut normal) = (TorchRng::new(43), NormalDraws::default());
/// let mut values = [0.0; 16];
/// normal.fill(&mut rng, &mut values, 1.0);
/// assert_eq!(values[..3], [-0.016603613, -0.46679494, 2.0908976]);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct NormalDraws {
    /// The second value of the last pair, of a tensor of fewer than 16 elements.
    pending: Option<f64>,
}

impl NormalDraws {
    /// Fills `out`, a whole tensor.
    pub fn fill(&mut self, rng: &mut TorchRng, out: &mut [f32], deviation: f64) {
        if out.len() < BLOCK {
            for value in out {
                *value = (self.next(rng) * deviation) as f32;
            }
            return;
        }
        rng.fill_uniform(out, 0.0, 1.0);
        let deviation = deviation as f32;
        let (blocks, rest) = out.as_chunks_mut::<BLOCK>();
        blocks.iter_mut().for_each(|block| make_normal(block, deviation));
        if !rest.is_empty() {
            // The last block is drawn again, over what was made of its first values.
            let first = out.len() - BLOCK;
            if let Some(block) = out[first..].first_chunk_mut() {
                rng.fill_uniform(block, 0.0, 1.0);
                make_normal(block, deviation);
            }
        }
    }

    fn next(&mut self, rng: &mut TorchRng) -> f64 {
        if let Some(pending) = self.pending.take() {
            return pending;
        }
        let mut unit = || (rng.next_u64() & ((1 << 53) - 1)) as f64 * (1.0 / (1u64 << 53) as f64);
        let (angle, length) = (2.0 * std::f64::consts::PI * unit(), unit());
        let radius = (-2.0 * libm::log1p(-length)).sqrt();
        self.pending = Some(radius * libm::sin(angle));
        radius * libm::cos(angle)
    }
}

/// Eight pairs of uniform values, the first of each in the front half, as normal ones.
fn make_normal(block: &mut [f32; BLOCK], deviation: f32) {
    let (front, back) = block.split_at_mut(BLOCK / 2);
    for (first, second) in front.iter_mut().zip(back) {
        let radius = (-2.0 * ln(1.0 - *first)).sqrt();
        let (sine, cosine) = sine_and_cosine(std::f32::consts::TAU * *second);
        // Zero is added as a mean is, which takes the sign of -0.0.
        *first = (radius * cosine).mul_add(deviation, 0.0);
        *second = (radius * sine).mul_add(deviation, 0.0);
    }
}

/// The natural logarithm of a positive normal number, to single precision (Cephes' `logf`).
fn ln(x: f32) -> f32 {
    const COEFFICIENTS: [f32; 9] = [
        7.037_683_6e-2,
        -1.151_461e-1,
        1.167_699_84e-1,
        -1.242_014_1e-1,
        1.424_932_3e-1,
        -1.666_805_8e-1,
        2.000_071_4e-1,
        -2.499_999_4e-1,
        3.333_333e-1,
    ];
    let bits = x.to_bits();
    let mut exponent = (bits >> 23) as f32 - 126.0;
    // In 0.5..1, then around zero.
    let mut m = f32::from_bits(bits & 0x007f_ffff | 0x3f00_0000);
    if m < std::f32::consts::FRAC_1_SQRT_2 {
        exponent -= 1.0;
        m = (m - 1.0) + m;
    } else {
        m -= 1.0;
    }
    let square = m * m;
    let polynomial = COEFFICIENTS[1..].iter().fold(COEFFICIENTS[0], |sum, next| sum.mul_add(m, *next)) * m;
    let rest = polynomial.mul_add(square, exponent * -2.121_944_4e-4);
    exponent.mul_add(0.693_359_4, m + square.mul_add(-0.5, rest))
}

/// Sine and cosine of an angle of 0 and more, to single precision (Cephes' `sinf` and `cosf`).
fn sine_and_cosine(angle: f32) -> (f32, f32) {
    // Octants, rounded up to even: what is left lies within a quarter of π of zero.
    let octant = ((angle * 1.273_239_5) as i32 + 1) & !1;
    let turns = octant as f32;
    let x = turns.mul_add(-3.774_895e-8, turns.mul_add(-2.418_756_5e-4, turns.mul_add(-0.785_156_25, angle)));
    let square = x * x;
    let cosine = 2.443_315_7e-5_f32.mul_add(square, -1.388_731_6e-3).mul_add(square, 4.166_664_6e-2) * square;
    let cosine = cosine.mul_add(square, -(square * 0.5)) + 1.0;
    let sine = (-1.951_529_6e-4_f32).mul_add(square, 8.332_161e-3).mul_add(square, -1.666_665_5e-1) * square;
    let sine = sine.mul_add(x, x);
    let (sine, cosine) = if octant & 2 == 0 { (sine, cosine) } else { (cosine, sine) };
    let signed = |negative: bool, value: f32| if negative { -value } else { value };
    (signed(octant & 4 != 0, sine), signed((octant - 2) & 4 == 0, cosine))
}
