//! One chart as SVG, 900 by 540 pixels on white, or as a picture of it: lines with crosses, phases marked by thin vertical lines.

use std::error::Error;

use plotters::coord::Shift;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use super::axis::{Axis, short};
use super::raster::Raster;

const WIDTH: i32 = 900;
const HEIGHT: i32 = 540;
const SIZE: (u32, u32) = (WIDTH as u32, HEIGHT as u32);
/// The room above the chart for title, legend and learning rates.
const HEAD: i32 = 66;
/// The margin left of the vertical axis' name.
const LEFT: i32 = 12;

const INK: RGBColor = RGBColor(0x33, 0x33, 0x33);
const FAINT: RGBColor = RGBColor(0x77, 0x77, 0x77);
const GRID: RGBColor = RGBColor(0xe8, 0xe8, 0xe8);
const PHASE: RGBColor = RGBColor(0xb0, 0xb0, 0xb0);
pub(super) const VALIDATION: RGBColor = RGBColor(0xd6, 0x45, 0x3d);
pub(super) const TRAINING: RGBColor = RGBColor(0x2b, 0x6c, 0xb0);
/// Told apart by those who see fewer colours, too (Okabe and Ito 2008); used again from the first where there are more lines.
pub(super) const FURTHER: [RGBColor; 6] = [
    RGBColor(0x00, 0x72, 0xb2),
    RGBColor(0xd5, 0x5e, 0x00),
    RGBColor(0x00, 0x9e, 0x73),
    RGBColor(0xcc, 0x79, 0xa7),
    RGBColor(0xe6, 0x9f, 0x00),
    RGBColor(0x56, 0xb4, 0xe9),
];

/// Beyond this a loss says only that training diverged, and would flatten everything else.
const LARGEST: f64 = 1e12;

/// The least distance between two phases' lines, in pixels.
const LINES_APART: i32 = 5;

/// One line of the chart.
pub(super) struct Series {
    pub(super) name: String,
    pub(super) color: RGBColor,
    /// Epochs trained, value.
    pub(super) points: Vec<(f64, f64)>,
}

/// Where a phase begins, in epochs trained, and its learning rate.
pub(super) struct PhaseMark {
    pub(super) start: f64,
    pub(super) lr: Option<f64>,
}

/// Everything a chart shows.
pub(super) struct Chart {
    pub(super) title: &'static str,
    pub(super) y_name: &'static str,
    /// The values' own limits, which the axis does not pass.
    pub(super) y_limits: (f64, f64),
    /// Each lies beneath those after it.
    pub(super) lines: Vec<Series>,
    pub(super) phases: Vec<PhaseMark>,
}

type Area<B> = DrawingArea<B, Shift>;
type Plane<'a, B> = ChartContext<'a, B, Cartesian2d<Axis, Axis>>;
type Drawn = Result<(), Box<dyn Error>>;

impl Chart {
    /// Draws the chart. The same values give the same bytes.
    pub(super) fn svg(&self) -> Result<String, String> {
        let mut svg = String::new();
        {
            let root = SVGBackend::with_string(&mut svg, SIZE).into_drawing_area();
            self.draw(&root).map_err(|e| e.to_string())?;
        }
        svg.push('\n');
        Ok(svg)
    }

    /// Draws the chart as a PNG file, of two pixels for each of the SVG's. The same values give the same bytes.
    pub(super) fn png(&self) -> Result<Vec<u8>, String> {
        Raster::png(SIZE, &self.pixels()?).map_err(|e| e.to_string())
    }

    /// The picture's pixels, red, green and blue, row by row.
    pub(super) fn pixels(&self) -> Result<Vec<u8>, String> {
        let mut pixels = Vec::new();
        {
            let root = Raster::new(SIZE, &mut pixels).into_drawing_area();
            self.draw(&root).map_err(|e| e.to_string())?;
        }
        Ok(pixels)
    }

    fn draw<B: DrawingBackend<ErrorType: 'static>>(&self, root: &Area<B>) -> Drawn {
        root.fill(&WHITE)?;
        let all = || {
            let lines = self.lines.iter();
            lines.flat_map(|series| series.points.iter().copied())
        };
        let x = Axis::of_epochs(all().fold(0.0, |last, (x, _)| x.max(last)));
        let values = all().map(|(_, y)| y).filter(|y| drawable(*y));
        let y = Axis::of_values(values, self.y_limits);
        let mut plane = ChartBuilder::on(root)
            .margin_top(HEAD)
            .margin_left(LEFT)
            .margin_right(28)
            .margin_bottom(10)
            .x_label_area_size(46)
            .y_label_area_size(72)
            .build_cartesian_2d(x, y.clone())?;
        plane
            .configure_mesh()
            .bold_line_style(GRID)
            .light_line_style(TRANSPARENT)
            .axis_style(FAINT)
            .label_style(("sans-serif", 15).into_font().color(&INK))
            .axis_desc_style(("sans-serif", 16).into_font().color(&INK))
            .x_desc("epoch")
            .y_desc(self.y_name)
            .draw()?;
        self.draw_phases(root, &plane, &y)?;
        for series in &self.lines {
            draw_line(&mut plane, series)?;
        }
        text(root, self.title, (LEFT + 72, 24), HPos::Left, 20, INK)?;
        self.draw_legend(root)?;
        self.draw_note(root)?;
        root.present()?;
        Ok(())
    }

    fn draw_phases<B: DrawingBackend<ErrorType: 'static>>(
        &self,
        root: &Area<B>,
        plane: &Plane<'_, B>,
        y: &Axis,
    ) -> Drawn {
        let at_bottom = |start: f64| {
            let area = plane.plotting_area();
            area.map_coordinate(&(start, y.extent.start))
        };
        let starts: Vec<(i32, i32)> = self.phases.iter().map(|p| at_bottom(p.start)).collect();
        let mut last = i32::MIN / 2;
        for (number, (phase, &(at, bottom))) in self.phases.iter().zip(&starts).enumerate() {
            if at - last < LINES_APART {
                continue;
            }
            last = at;
            let label = phase.lr.map(|lr| format!("lr {}", short(lr))).filter(|label| {
                let end = starts.get(number + 1).map_or(WIDTH, |next| next.0);
                at + text_width(label, 13) + 8 <= end
            });
            let overhang = if label.is_some() { 14 } else { 0 };
            root.draw(&PathElement::new([(at, HEAD - overhang), (at, bottom)], PHASE))?;
            if let Some(label) = label {
                text(root, &label, (at + 4, HEAD - 9), HPos::Left, 13, FAINT)?;
            }
        }
        Ok(())
    }

    /// The legend stands in the head's right, where no line passes.
    fn draw_legend<B: DrawingBackend<ErrorType: 'static>>(&self, root: &Area<B>) -> Drawn {
        let mut right = WIDTH - 28;
        for series in self.lines.iter().rev().filter(|series| !series.points.is_empty()) {
            let color = series.color;
            text(root, &series.name, (right, 24), HPos::Right, 15, INK)?;
            let end = right - text_width(&series.name, 15) - 8;
            root.draw(&PathElement::new([(end - 28, 24), (end, 24)], color.stroke_width(2)))?;
            root.draw(&Cross::new((end - 14, 24), 4, color.stroke_width(2)))?;
            right = end - 28 - 22;
        }
        Ok(())
    }

    fn draw_note<B: DrawingBackend<ErrorType: 'static>>(&self, root: &Area<B>) -> Drawn {
        let points = self.lines.iter().flat_map(|series| &series.points);
        let note = match points.filter(|(_, y)| !drawable(*y)).count() {
            0 => return Ok(()),
            1 => "1 value that is not finite or too large is not drawn".to_owned(),
            left_out => format!("{left_out} values that are not finite or too large are not drawn"),
        };
        text(root, &note, (WIDTH - 28, HEIGHT - 16), HPos::Right, 13, VALIDATION)
    }
}

/// About as wide as a wide font's letters: SVG leaves the font, and so the width, to whoever shows it.
fn text_width(words: &str, size: i32) -> i32 {
    (words.chars().count() as f64 * f64::from(size) * 0.46).ceil() as i32
}

fn drawable(value: f64) -> bool {
    value.abs() <= LARGEST
}

/// A line with a cross at each point, broken where a value cannot be drawn; a point alone always has its cross.
fn draw_line<B: DrawingBackend<ErrorType: 'static>>(plane: &mut Plane<'_, B>, series: &Series) -> Drawn {
    let color = series.color;
    let cross = match series.points.len() {
        0..=80 => 4,
        81..=160 => 3,
        _ => 0,
    };
    for piece in series.points.split(|(_, y)| !drawable(*y)).filter(|piece| !piece.is_empty()) {
        if piece.len() > 1 {
            plane.draw_series(LineSeries::new(piece.iter().copied(), color.stroke_width(2)))?;
        }
        let size = if piece.len() == 1 { 4 } else { cross };
        if size > 0 {
            plane.draw_series(piece.iter().map(|&point| Cross::new(point, size, color.stroke_width(2))))?;
        }
    }
    Ok(())
}

fn text<B: DrawingBackend<ErrorType: 'static>>(
    root: &Area<B>,
    words: &str,
    at: (i32, i32),
    side: HPos,
    size: i32,
    color: RGBColor,
) -> Drawn {
    let style = ("sans-serif", size).into_font().color(&color).pos(Pos::new(side, VPos::Center));
    root.draw(&Text::new(words, at, style))?;
    Ok(())
}
