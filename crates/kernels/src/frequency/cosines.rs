//! What the transform multiplies with, laid out for the products' tiles.

use crate::lanes::{LANES, Lane};
use crate::portable::sin_cos;

/// Cosines of the frequencies of an image of one size, up to the highest that is kept.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Cosines {
    pub(super) height: usize,
    pub(super) width: usize,
    /// Where each frequency's sum is among all that are worked out, `[U, even and odd panels]` lanes.
    pub(super) places: Vec<u32>,
    /// `cos(π(2y + 1)u / 2H) · a(u) / 255`, `[u, ⌈H / 2⌉]`, of the even u, then of the odd ones.
    pub(super) vertical: [Vec<f32>; 2],
    /// `cos(π(2x + 1)v / 2W) · a(v)` of the even v, `[panels, ⌈W / 2⌉]` lanes.
    pub(super) even: Vec<Lane>,
    /// And of the odd ones, `[panels, ⌊W / 2⌋]` lanes.
    pub(super) odd: Vec<Lane>,
    /// Vertical frequencies up to the highest that is kept.
    pub(super) rows: usize,
    /// Panels of even, and odd, horizontal frequencies up to the highest that is kept.
    pub(super) panels: [usize; 2],
}

impl Cosines {
    /// Of these frequencies `[u, v]`, each below height and width. None where their places cannot be counted.
    pub(super) fn of(height: usize, width: usize, frequencies: &[[u32; 2]]) -> Option<Self> {
        let count = |axis: usize| frequencies.iter().map(|pair| pair[axis] as usize + 1).max().unwrap_or(1);
        let (rows, columns) = (count(0), count(1));
        let panels = [columns.div_ceil(2).div_ceil(LANES), (columns / 2).div_ceil(LANES)];
        let vertical = |parity: usize| {
            let frequencies = (parity..rows).step_by(2);
            let of_frequency =
                |u: usize| (0..height.div_ceil(2)).map(move |y| (cosine(y, u, height) * (1.0 / 255.0)) as f32);
            frequencies.flat_map(of_frequency).collect::<Vec<f32>>()
        };
        let horizontal = |parity: usize| {
            let depth = (width + 1 - parity) / 2;
            let lane = |at: usize| {
                let (panel, x) = (at / depth, at % depth);
                let value = |lane: usize| match 2 * (panel * LANES + lane) + parity {
                    v if v < width => cosine(x, v, width) as f32,
                    _ => 0.0,
                };
                std::array::from_fn(value)
            };
            (0..panels[parity] * depth).map(lane).collect::<Vec<Lane>>()
        };
        let place = |&[u, v]: &[u32; 2]| {
            let (u, v) = (u as usize, v as usize);
            let first = u * (panels[0] + panels[1]) + v % 2 * panels[0];
            u32::try_from(first * LANES + v / 2).ok()
        };
        let places = frequencies.iter().map(place).collect::<Option<Vec<_>>>()?;
        Some(Self {
            vertical: [vertical(0), vertical(1)],
            even: horizontal(0),
            odd: horizontal(1),
            height,
            width,
            places,
            rows,
            panels,
        })
    }
}

/// `cos(π(2 · place + 1) · n / 2 · side) · a(n)`.
fn cosine(place: usize, n: usize, side: usize) -> f64 {
    // The angle within one turn, as a whole number of its parts: nothing is lost.
    let parts = ((2 * place + 1) * n) % (4 * side);
    let angle = std::f64::consts::PI * parts as f64 / (2 * side) as f64;
    let unit = if n == 0 { 1.0 } else { 2.0 };
    sin_cos(angle).1 * (unit / side as f64).sqrt()
}
