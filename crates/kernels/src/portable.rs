//! Sine, cosine, logarithm and exponential in double precision, of operations that every machine rounds alike.
//!
//! The C library's differ between systems in the last place. These are series over a reduced argument, within some 1e-15 of the truth, and not
//! fast: for tables and for a few draws of a batch, not for each element.

use std::f64::consts::{FRAC_2_PI, LN_2, LOG2_E, SQRT_2};

/// π/2 in two parts, the first with zeros at its end, so that its product with a small whole number is exact.
const HALF_PI: [f64; 2] = [1.570_796_326_734_125_6, 6.077_100_506_506_192e-11];
/// ln 2 likewise.
const LN_2_PARTS: [f64; 2] = [0.693_147_180_369_123_8, 1.908_214_929_270_587_7e-10];

/// Sine and cosine of `x` in radians, which is below a million in size.
///
/// ```
/// let (sine, cosine) = strata_kernels::portable::sin_cos(std::f64::consts::FRAC_PI_6);
/// assert!((sine - 0.5).abs() < 1e-15 && (cosine - 0.75f64.sqrt()).abs() < 1e-15);
/// ```
pub fn sin_cos(x: f64) -> (f64, f64) {
    let quarters = (x * FRAC_2_PI).round();
    let r = quarters.mul_add(-HALF_PI[1], quarters.mul_add(-HALF_PI[0], x));
    let z = r * r;
    // From the highest term down: 1 - z/(2·3) · (1 - z/(4·5) · (…)), and the same of the cosine.
    let series = |first: u32| {
        (0..10).rev().fold(1.0, |sum, n| {
            let (a, b) = (f64::from(first + 2 * n), f64::from(first + 2 * n + 1));
            1.0 - z / (a * b) * sum
        })
    };
    let (sine, cosine) = (r * series(2), series(1));
    match quarters.rem_euclid(4.0) as u8 {
        0 => (sine, cosine),
        1 => (cosine, -sine),
        2 => (-sine, -cosine),
        _ => (-cosine, sine),
    }
}

/// The natural logarithm of `x`, a normal number above 0.
///
/// ```
/// assert!((strata_kernels::portable::ln(10.0) - 2.302_585_092_994_045_7).abs() < 1e-15);
/// ```
pub fn ln(x: f64) -> f64 {
    let bits = x.to_bits();
    let mut exponent = (bits >> 52) as i64 - 1023;
    let mut mantissa = f64::from_bits(bits & ((1 << 52) - 1) | 1023 << 52);
    if mantissa > SQRT_2 {
        mantissa /= 2.0;
        exponent += 1;
    }
    let s = (mantissa - 1.0) / (mantissa + 1.0);
    let series = (0..14).rev().fold(0.0, |sum, n| sum * (s * s) + 1.0 / f64::from(2 * n + 1));
    let exponent = exponent as f64;
    exponent.mul_add(LN_2_PARTS[0], exponent.mul_add(LN_2_PARTS[1], 2.0 * s * series))
}

/// `eˣ`; 0 below -700, the value at 700 above it.
///
/// ```
/// assert!((strata_kernels::portable::exp(1.0) - std::f64::consts::E).abs() < 1e-15);
/// ```
pub fn exp(x: f64) -> f64 {
    if x < -700.0 {
        return 0.0;
    }
    let x = x.min(700.0);
    let power = (x * LOG2_E).round();
    let r = power.mul_add(-LN_2_PARTS[1], power.mul_add(-LN_2_PARTS[0], x));
    let series = (1..18).rev().fold(1.0, |sum, n| 1.0 + r / f64::from(n) * sum);
    series * f64::from_bits(((power as i64 + 1023) as u64) << 52)
}

/// `x` to the power `exponent`, from 0 to 1: a product of square roots, which are exact to the last place.
///
/// ```
/// assert_eq!(strata_kernels::portable::root(16.0, 0.25), 2.0);
/// ```
pub fn root(x: f64, exponent: f64) -> f64 {
    let (mut rest, mut root, mut product) = (exponent, x, 1.0);
    if rest >= 1.0 {
        return x;
    }
    // A double has 52 digits after the first.
    for _ in 0..52 {
        root = root.sqrt();
        rest *= 2.0;
        if rest >= 1.0 {
            product *= root;
            rest -= 1.0;
        }
    }
    product
}

const _: () = assert!(LN_2 > LN_2_PARTS[0]);

#[cfg(test)]
mod tests {
    use super::*;

    fn close(ours: f64, truth: f64, scale: f64) -> bool {
        (ours - truth).abs() <= 2e-15 * scale
    }

    #[test]
    fn each_is_within_2e_15_of_the_c_librarys() {
        for i in -4000..=4000 {
            let x = f64::from(i) * 0.0173;
            let (sine, cosine) = sin_cos(x);
            assert!(close(sine, libm::sin(x), 1.0) && close(cosine, libm::cos(x), 1.0), "{x}");
            assert!(close(exp(x), libm::exp(x), libm::exp(x)), "{x}");
            let positive = libm::exp(x);
            assert!(close(ln(positive), libm::log(positive), libm::log(positive).abs().max(1.0)), "{positive}");
            for exponent in [0.0, 0.1, 0.25, 0.5, 0.77, 1.0] {
                let truth = libm::pow(positive, exponent);
                assert!((root(positive, exponent) - truth).abs() <= 2e-14 * truth, "{positive}^{exponent}");
            }
        }
        assert_eq!((exp(-701.0), exp(0.0), ln(1.0), sin_cos(0.0)), (0.0, 1.0, 0.0, (0.0, 1.0)));
        assert!(exp(1e300).is_finite());
    }
}
