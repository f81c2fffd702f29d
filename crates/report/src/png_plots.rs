//! A run's plots as pictures, beside its SVG files.

use std::path::{Path, PathBuf};

use strata_files::write_atomically;

use crate::error::ReportError;
use crate::history::join_history;
use crate::plot::plots_png;
use crate::read::read_history;

/// Draws the history of the run in the folder `run` as PNG files in it, of 1,800 by 1,080 pixels: `loss.png`, `accuracy.png` and, where further metrics were measured, `metrics.png`. Gives
/// their paths. Letters beyond ASCII, which a metric of one's own may be called by, are drawn as boxes: the SVG files and the page have them. The run may be being trained meanwhile.
///
/// # Errors
///
/// As [`read_history`]; [`ReportError::Plot`] and [`ReportError::Io`] where a file cannot be drawn or written.
pub fn write_png_plots(run: &Path) -> Result<Vec<PathBuf>, ReportError> {
    let history = join_history(&read_history(run)?.entries, &[]);
    let mut paths = Vec::new();
    for (file, png) in plots_png(&history)? {
        let path = run.join(file);
        write_atomically(&path, |to| to.write_all(&png)).map_err(ReportError::io("write the file", &path))?;
        paths.push(path);
    }
    Ok(paths)
}
