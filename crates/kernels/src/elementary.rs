//! Exponential, hyperbolic tangent and error function for single precision, in operations that every machine rounds alike.
//!
//! The C library's differ between systems and are not vectorised; these are straight lines of multiplications and
//! fused multiply-adds, which the compiler turns into vector code. Coefficients are those of Stephen Moshier's Cephes library
//! (`expf`, `tanhf`, `erff`) and, for the complementary error function, of Numerical Recipes' `erfcc`. The tests hold them against
//! double precision: relative error below 3e-7.

#![allow(clippy::excessive_precision, clippy::approx_constant, reason = "the coefficients as their sources print them")]

/// `eˣ`; 0 below -87.3, the largest finite power of two's neighbourhood above 88.3.
#[inline(always)]
pub(crate) fn exp(x: f32) -> f32 {
    const SHIFT: f32 = 12_582_912.0; // 1.5 · 2²³: adding it rounds to a whole number
    let clamped = x.clamp(-87.3, 88.3);
    let n = clamped.mul_add(std::f32::consts::LOG2_E, SHIFT) - SHIFT;
    let r = n.mul_add(-0.693_359_4, clamped);
    let r = n.mul_add(2.121_944_4e-4, r);
    let mut poly = 1.987_569_1e-4f32;
    for c in [1.398_199_9e-3, 8.333_452e-3, 4.166_579_6e-2, 1.666_666_5e-1, 5.000_000_1e-1] {
        poly = poly.mul_add(r, c);
    }
    let e = poly.mul_add(r * r, r) + 1.0;
    let power = f32::from_bits(((n as i32 + 127) << 23) as u32);
    let value = e * power;
    // A NaN stays one: clamp keeps it, and so does every operation above but the conversion.
    if x.is_nan() {
        x
    } else if x < -87.3 {
        0.0
    } else {
        value
    }
}

/// `1 / (1 + e⁻ˣ)`.
#[inline(always)]
pub(crate) fn sigmoid(x: f32) -> f32 {
    1.0 / (1.0 + exp(-x))
}

/// The hyperbolic tangent.
#[inline(always)]
pub(crate) fn tanh(x: f32) -> f32 {
    let z = x * x;
    let mut poly = -5.704_988_7e-3f32;
    for c in [2.063_908_9e-2, -5.373_971_6e-2, 1.333_144_2e-1, -3.333_328_2e-1] {
        poly = poly.mul_add(z, c);
    }
    let small = (poly * z).mul_add(x, x);
    let large = 1.0 - 2.0 / (exp(2.0 * x.abs()) + 1.0);
    if x.abs() < 0.625 { small } else { large.copysign(x) }
}

/// The error function.
#[inline(always)]
pub(crate) fn erf(x: f32) -> f32 {
    let a = x.abs();
    let z = x * x;
    let mut poly = 7.853_861_4e-5f32;
    for c in [-8.010_193_6e-4, 5.188_327_7e-3, -2.685_381_2e-2, 1.128_358_5e-1, -3.761_262_6e-1, 1.128_379_2] {
        poly = poly.mul_add(z, c);
    }
    let small = x * poly;
    let t = 1.0 / a.mul_add(0.5, 1.0);
    let mut poly = 0.170_872_77f32;
    for c in [
        -0.822_152_23,
        1.488_515_87,
        -1.135_203_98,
        0.278_868_07,
        -0.186_288_06,
        0.096_784_18,
        0.374_091_96,
        1.000_023_68,
        -1.265_512_23,
    ] {
        poly = poly.mul_add(t, c);
    }
    let large = (1.0 - t * exp(poly - z)).copysign(x);
    if a < 1.0 { small } else { large }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grid() -> impl Iterator<Item = f32> {
        (-200_000..=200_000).map(|i| i as f32 * 4.4e-4)
    }

    /// The largest error relative to the true value, where it is not tiny; infinite where a value is no number.
    fn worst(ours: fn(f32) -> f32, truth: fn(f64) -> f64) -> f64 {
        grid()
            .map(|x| {
                let truth = truth(f64::from(x));
                (f64::from(ours(x)) - truth).abs() / truth.abs().max(1e-30)
            })
            // `max` passes over a NaN.
            .map(|error| if error.is_nan() { f64::INFINITY } else { error })
            .fold(0.0, f64::max)
    }

    #[test]
    fn elementary_functions_are_close_to_double_precision() {
        assert!(worst(exp, libm::exp) < 3e-7, "{}", worst(exp, libm::exp));
        assert!(worst(tanh, libm::tanh) < 3e-7, "{}", worst(tanh, libm::tanh));
        assert!(worst(erf, libm::erf) < 3e-7, "{}", worst(erf, libm::erf));
    }

    #[test]
    fn elementary_functions_at_infinity_and_nan() {
        assert_eq!(exp(-1000.0), 0.0);
        assert!(exp(1000.0).is_finite() && exp(1000.0) > 1e38);
        assert_eq!((tanh(50.0), tanh(-50.0), erf(9.0), erf(-9.0)), (1.0, -1.0, 1.0, -1.0));
        for f in [exp, tanh, erf, sigmoid] {
            assert!(f(f32::NAN).is_nan());
        }
    }
}
