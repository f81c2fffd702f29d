//! Runs as text: a listing, and a comparison side by side. Every cell is made safe to print first.

mod compare;
mod runs;

use comfy_table::{CellAlignment, ColumnConstraint, ContentArrangement, LineStyle, Table, Width, presets};
use serde_json::Value;

use strata_files::escape_truncated;

pub use compare::{Comparison, ComparisonRow, Hyperparameter, compare_table, recorded_hyperparameters};
pub use runs::{runs_sheet, runs_table};

/// What stands where there is nothing.
const NOTHING: &str = "-";

/// Narrower tables than this cannot be read; wider terminals scroll.
const NARROWEST: usize = 40;

/// How a column gives way where the table is too wide.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Give {
    /// Wrapped as narrow as need be.
    Any,
    /// Wrapped, but never narrower than this.
    Down(u16),
    /// Numbers: never wrapped, set flush right.
    Never,
}

/// Columns apart by two spaces; with a width, a rule beneath the header and cells wrapped to fit.
pub(crate) fn grid(header: &[&str], rows: &[Vec<String>], give: &[Give], width: Option<usize>) -> String {
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    if !header.is_empty() {
        table.set_header(header.iter().map(|cell| escape_truncated(cell)));
    }
    table.add_rows(rows.iter().map(|row| row.iter().map(|cell| escape_truncated(cell)).collect::<Vec<_>>()));
    if let Some(width) = width {
        table
            .load_style(presets::NOTHING.header_separator(LineStyle::none().fill('─')))
            .set_content_arrangement(ContentArrangement::Dynamic)
            .set_width(u16::try_from(width.max(NARROWEST)).unwrap_or(u16::MAX));
    }
    for (index, column) in table.column_iter_mut().enumerate() {
        column.set_padding((0, 2));
        match give.get(index).copied().unwrap_or(Give::Any) {
            Give::Any => {}
            Give::Down(least) => {
                column.set_constraint(ColumnConstraint::LowerBoundary(Width::Fixed(least + 2)));
            }
            Give::Never => {
                column.set_constraint(ColumnConstraint::ContentWidth);
                column.set_cell_alignment(CellAlignment::Right);
            }
        }
    }
    table.trim_fmt() + "\n"
}

/// A loss or an accuracy in four decimals; very large and small ones as powers of ten.
pub(crate) fn metric(value: Option<f64>) -> String {
    match value {
        None => NOTHING.to_owned(),
        Some(v) if v != 0.0 && v.is_finite() && !(1e-4..1e6).contains(&v.abs()) => {
            format!("{v:.3e}")
        }
        Some(v) => format!("{v:.4}"),
    }
}

/// Seconds in one decimal.
pub(crate) fn seconds(value: Option<f64>) -> String {
    value.map_or_else(|| NOTHING.to_owned(), |s| format!("{s:.1}"))
}

/// A hyperparameter's value as one reads it: text without quotes, a list by its commas.
pub(crate) fn value_text(value: &Value) -> String {
    match value {
        Value::Null => NOTHING.to_owned(),
        Value::String(text) => text.clone(),
        Value::Array(items) if items.is_empty() => "[]".to_owned(),
        Value::Array(items) if items.iter().all(|item| !item.is_array() && !item.is_object()) => {
            items.iter().map(value_text).collect::<Vec<_>>().join(", ")
        }
        other => other.to_string(),
    }
}
