//! What a change of an image draws.

use strata_rng::Philox;

/// A stream of draws of one change of one image (or batch) of one pass: a function of the pass's seed, the image's index and the change's place in the list.
#[derive(Clone, Debug)]
pub struct Draws {
    philox: Philox,
    position: u64,
    words: [u32; 4],
    used: usize,
}

impl Draws {
    /// The draws of the change at `place` of the list, for the image, or batch, whose generator is `philox`.
    pub(super) fn new(philox: Philox, place: usize) -> Self {
        // A transform of a user's own draws from the stream's beginning.
        Self { philox, position: (place as u64 + 1) << 40, words: [0; 4], used: 4 }
    }

    /// 32 random bits.
    pub fn word(&mut self) -> u32 {
        if self.used == self.words.len() {
            self.words = self.philox.block(self.position);
            self.position += 1;
            self.used = 0;
        }
        self.used += 1;
        self.words[self.used - 1]
    }

    /// Uniform from 0 up to but not including 1, in steps of 2⁻³².
    pub fn uniform(&mut self) -> f64 {
        f64::from(self.word()) / 4_294_967_296.0
    }

    /// Uniform between two numbers.
    pub fn between(&mut self, [least, most]: [f64; 2]) -> f64 {
        least + (most - least) * self.uniform()
    }

    /// Uniform among the whole numbers below `count`, which is at least 1 and far below 2³².
    pub fn below(&mut self, count: usize) -> usize {
        ((u64::from(self.word()) * count as u64) >> 32) as usize
    }

    /// Whether a draw falls into this share: never for 0, always for 1.
    pub fn chance(&mut self, share: f64) -> bool {
        self.uniform() < share
    }

    /// From Beta(alpha, alpha): by two gamma draws (Marsaglia and Tsang 2000).
    pub(super) fn beta(&mut self, alpha: f64) -> f64 {
        let (a, b) = (self.log_gamma_draw(alpha), self.log_gamma_draw(alpha));
        // Of logarithms, since a draw of a small alpha is smaller than any double.
        1.0 / (1.0 + strata_kernels::portable::exp(b - a))
    }

    /// The logarithm of a draw from Gamma(alpha, 1).
    fn log_gamma_draw(&mut self, alpha: f64) -> f64 {
        use strata_kernels::portable::ln;
        // Gamma(α) is Gamma(α + 1) · U^(1/α).
        let boost = ln(self.above_zero()) / alpha;
        let d = alpha + 1.0 - 1.0 / 3.0;
        let c = 1.0 / (9.0 * d).sqrt();
        loop {
            let x = self.normal();
            let v = (1.0 + c * x).powi(3);
            if v > 0.0 && ln(self.above_zero()) < 0.5 * x * x + d * (1.0 - v + ln(v)) {
                return ln(d * v) + boost;
            }
        }
    }

    /// From the standard normal distribution (Box and Muller 1958).
    pub(super) fn normal(&mut self) -> f64 {
        use strata_kernels::portable::{ln, sin_cos};
        let radius = (-2.0 * ln(self.above_zero())).sqrt();
        radius * sin_cos(2.0 * std::f64::consts::PI * self.uniform()).1
    }

    /// Uniform above 0, up to 1.
    fn above_zero(&mut self) -> f64 {
        1.0 - self.uniform()
    }
}
