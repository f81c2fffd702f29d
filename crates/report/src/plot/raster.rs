//! A chart as a picture: plotters' drawing in pixels, with smooth lines, and letters of strokes.

use plotters_backend::text_anchor::{HPos, VPos};
use plotters_backend::{
    BackendColor, BackendCoord, BackendStyle, BackendTextStyle, DrawingBackend, DrawingErrorKind, FontTransform,
};

use super::strokes::{CAPITAL, GAP, Letter};

/// Pixels of the picture for one of the chart's, in each direction.
const SCALE: f64 = 2.0;
/// The height of capitals, of a font's size.
const CAPITAL_SHARE: f64 = 0.72;
/// How much narrower letters are than they are laid out: about as wide as the font that the chart counts on.
const NARROW: f64 = 0.74;
/// The width of a letter's strokes, of a font's size.
const STROKE_SHARE: f64 = 0.085;

/// What a chart is drawn on.
pub(super) struct Raster<'a> {
    size: (u32, u32),
    width: usize,
    /// Red, green and blue of each pixel, row by row.
    pixels: &'a mut Vec<u8>,
}

/// Nothing fails here.
type Drawn = Result<(), DrawingErrorKind<std::convert::Infallible>>;

impl<'a> Raster<'a> {
    /// Of a chart of this size; `pixels` are made so many that they hold it.
    pub(super) fn new(size: (u32, u32), pixels: &'a mut Vec<u8>) -> Self {
        let [width, height] = [size.0, size.1].map(|side| (f64::from(side) * SCALE) as usize);
        pixels.clear();
        pixels.resize(3 * width * height, 255);
        Self { size, width, pixels }
    }

    /// The picture of a chart of this size as a PNG file.
    pub(super) fn png(size: (u32, u32), pixels: &[u8]) -> Result<Vec<u8>, png::EncodingError> {
        let [width, height] = [size.0, size.1].map(|side| (f64::from(side) * SCALE) as u32);
        let mut file = Vec::new();
        let mut encoder = png::Encoder::new(&mut file, width, height);
        encoder.set_color(png::ColorType::Rgb);
        encoder.set_depth(png::BitDepth::Eight);
        // Of a few colours in plain areas no filter is the shortest, and the fastest.
        encoder.set_filter(png::Filter::NoFilter);
        let mut writer = encoder.write_header()?;
        writer.write_image_data(pixels)?;
        writer.finish()?;
        Ok(file)
    }

    fn blend(&mut self, (x, y): (i64, i64), color: BackendColor, share: f64) {
        let height = self.pixels.len() / 3 / self.width;
        let (Ok(x), Ok(y)) = (usize::try_from(x), usize::try_from(y)) else { return };
        if x >= self.width || y >= height {
            return;
        }
        let (share, place) = (share * color.alpha, 3 * (y * self.width + x));
        let (red, green, blue) = color.rgb;
        for (pixel, value) in self.pixels[place..place + 3].iter_mut().zip([red, green, blue]) {
            *pixel = (f64::from(*pixel) + (f64::from(value) - f64::from(*pixel)) * share).round() as u8;
        }
    }

    /// A line with round ends, in the picture's pixels; each pixel gets the share of it that the line covers.
    fn segment(&mut self, from: (f64, f64), to: (f64, f64), width: f64, color: BackendColor) {
        let (dx, dy) = (to.0 - from.0, to.1 - from.1);
        let length = (dx * dx + dy * dy).max(f64::MIN_POSITIVE);
        let reach = width / 2.0 + 1.0;
        let rows = (from.1.min(to.1) - reach).floor() as i64..=(from.1.max(to.1) + reach).ceil() as i64;
        for y in rows {
            // Of a long slanted line only the part beside this row is looked at.
            let near = |x: f64| if dx == 0.0 || dy.abs() < 1.0 { (from.0.min(to.0), from.0.max(to.0)) } else { (x, x) };
            let at = |row: f64| from.0 + dx * ((row - from.1) / dy).clamp(0.0, 1.0);
            let (a, b) = (near(at(y as f64 - reach)), near(at(y as f64 + 1.0 + reach)));
            let (left, right) = (a.0.min(b.0), a.1.max(b.1));
            for x in (left - reach).floor() as i64..=(right + reach).ceil() as i64 {
                let (px, py) = (x as f64 + 0.5 - from.0, y as f64 + 0.5 - from.1);
                let along = ((px * dx + py * dy) / length).clamp(0.0, 1.0);
                let distance = (px - along * dx).hypot(py - along * dy);
                let share = (width / 2.0 + 0.5 - distance).clamp(0.0, 1.0);
                if share > 0.0 {
                    self.blend((x, y), color, share);
                }
            }
        }
    }
}

/// The middle of a chart's pixel in the picture.
fn placed((x, y): BackendCoord) -> (f64, f64) {
    ((f64::from(x) + 0.5) * SCALE, (f64::from(y) + 0.5) * SCALE)
}

impl DrawingBackend for Raster<'_> {
    type ErrorType = std::convert::Infallible;

    fn get_size(&self) -> (u32, u32) {
        self.size
    }

    fn ensure_prepared(&mut self) -> Drawn {
        Ok(())
    }

    fn present(&mut self) -> Drawn {
        Ok(())
    }

    fn draw_pixel(&mut self, point: BackendCoord, color: BackendColor) -> Drawn {
        self.draw_rect(point, point, &color, true)
    }

    fn draw_line<S: BackendStyle>(&mut self, from: BackendCoord, to: BackendCoord, style: &S) -> Drawn {
        self.draw_path([from, to], style)
    }

    fn draw_path<S: BackendStyle, I: IntoIterator<Item = BackendCoord>>(&mut self, path: I, style: &S) -> Drawn {
        let points: Vec<_> = path.into_iter().map(placed).collect();
        for pair in points.windows(2) {
            self.segment(pair[0], pair[1], f64::from(style.stroke_width()) * SCALE, style.color());
        }
        Ok(())
    }

    fn draw_rect<S: BackendStyle>(
        &mut self,
        (left, top): BackendCoord,
        (right, bottom): BackendCoord,
        style: &S,
        fill: bool,
    ) -> Drawn {
        if !fill {
            let corners = [(left, top), (right, top), (right, bottom), (left, bottom), (left, top)];
            return self.draw_path(corners, style);
        }
        let side = |start: i32, end: i32| {
            let [start, end] = [start, end + 1].map(|at| (f64::from(at) * SCALE) as i64);
            start..end
        };
        let height = self.pixels.len() / 3 / self.width;
        let within = |side: std::ops::Range<i64>, most: usize| {
            let [start, end] = [side.start, side.end].map(|at| usize::try_from(at.max(0)).unwrap_or(most).min(most));
            start..end.max(start)
        };
        let (color, columns) = (style.color(), within(side(left, right), self.width));
        for y in within(side(top, bottom), height) {
            if color.alpha < 1.0 {
                columns.clone().for_each(|x| self.blend((x as i64, y as i64), color, 1.0));
                continue;
            }
            let row = 3 * (y * self.width + columns.start)..3 * (y * self.width + columns.end);
            let (red, green, blue) = color.rgb;
            let whole = [red, green, blue].repeat(columns.len());
            self.pixels[row].copy_from_slice(&whole);
        }
        Ok(())
    }

    fn draw_text<S: BackendTextStyle>(&mut self, text: &str, style: &S, position: BackendCoord) -> Drawn {
        let size = style.size() * SCALE;
        let up_unit = size * CAPITAL_SHARE / CAPITAL;
        let unit = up_unit * NARROW;
        let width = text.chars().map(|c| (Letter::of(c).width + GAP) * unit).sum::<f64>() - GAP * unit;
        let anchor = style.anchor();
        let mut left = match anchor.h_pos {
            HPos::Left => 0.0,
            HPos::Center => -width / 2.0,
            HPos::Right => -width,
        };
        // Where the letters' line is, below the place.
        let line = match anchor.v_pos {
            VPos::Top => size * CAPITAL_SHARE,
            VPos::Center => size * CAPITAL_SHARE / 2.0,
            VPos::Bottom => 0.0,
        };
        let (x, y) = placed(position);
        let turned = |(across, down): (f64, f64)| match style.transform() {
            FontTransform::None => (x + across, y + down),
            FontTransform::Rotate90 => (x - down, y + across),
            FontTransform::Rotate180 => (x - across, y - down),
            FontTransform::Rotate270 => (x + down, y - across),
        };
        for c in text.chars() {
            let letter = Letter::of(c);
            for stroke in letter.strokes() {
                let points: Vec<_> = stroke
                    .into_iter()
                    .map(|(across, up)| turned((left + across * unit, line - up * up_unit)))
                    .collect();
                // A stroke of a point and itself is a dot.
                for pair in points.windows(2) {
                    self.segment(pair[0], pair[1], size * STROKE_SHARE, style.color());
                }
            }
            left += (letter.width + GAP) * unit;
        }
        Ok(())
    }
}
