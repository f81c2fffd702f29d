//! A table for other programs: the same rows as text for people, CSV, JSON, Markdown and LaTeX.

use std::fmt::Write as _;

use serde_json::{Map, Value};
use strata_files::escape;

use crate::names::told_apart;
use crate::table::{Give, grid, value_text};

/// How a table is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Format {
    /// Text for people, its columns aligned.
    #[default]
    Table,
    /// Comma-separated values (RFC 4180, with line feeds): a header, then a line for each row; numbers with every digit, nothing where there is nothing.
    Csv,
    /// A list of objects, one for each row; numbers with every digit, `null` where there is nothing.
    Json,
    /// A Markdown table.
    Markdown,
    /// A LaTeX `tabular`.
    Latex,
}

impl Format {
    /// Every format.
    pub const ALL: [Self; 5] = [Self::Table, Self::Csv, Self::Json, Self::Markdown, Self::Latex];

    /// Its name: `table`, `csv`, `json`, `markdown`, `latex`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Table => "table",
            Self::Csv => "csv",
            Self::Json => "json",
            Self::Markdown => "markdown",
            Self::Latex => "latex",
        }
    }

    /// Whether it is for other programs, with every digit.
    pub const fn is_exact(self) -> bool {
        matches!(self, Self::Csv | Self::Json)
    }

    /// The format of this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|format| format.as_str() == name)
    }
}

/// What stands in one place of a table.
#[derive(Clone, Debug, PartialEq)]
pub struct Cell {
    /// The exact value; null where there is nothing.
    pub value: Value,
    /// The same as text for people.
    pub shown: String,
}

impl Cell {
    /// A value that is shown as it is.
    pub fn new(value: impl Into<Value>) -> Self {
        let value = value.into();
        let shown = value_text(&value);
        Self { value, shown }
    }

    /// A value that is shown as `shown`.
    pub fn shown(value: impl Into<Value>, shown: impl Into<String>) -> Self {
        Self { value: value.into(), shown: shown.into() }
    }

    /// A number in four decimals; one that is not finite is nothing for other programs.
    pub fn metric(value: Option<f64>) -> Self {
        Self { value: value.into(), shown: crate::table::metric(value) }
    }
}

/// A table: named columns and rows as long as there are columns.
///
/// ```
/// use strata_report::{Cell, Format, Sheet};
///
/// let mut sheet = Sheet::new(["name", "val_acc"]);
/// sheet.push(vec![Cell::new("a, b"), Cell::metric(Some(0.123456))]);
/// assert_eq!(sheet.write(Format::Csv, None), "name,val_acc\n\"a, b\",0.123456\n");
/// assert_eq!(sheet.write(Format::Json, None), "[\n  {\"name\":\"a, b\",\"val_acc\":0.123456}\n]\n");
/// assert_eq!(sheet.write(Format::Markdown, None), "| name | val\\_acc |\n| --- | ---: |\n| a, b | 0.1235 |\n");
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Sheet {
    columns: Vec<String>,
    rows: Vec<Vec<Cell>>,
}

impl Sheet {
    /// A table without rows. A column whose name another has before it is told from it by a number, as in `same#2`.
    pub fn new(columns: impl IntoIterator<Item = impl Into<String>>) -> Self {
        Self { columns: told_apart(columns.into_iter().map(Into::into)), rows: Vec::new() }
    }

    /// Adds a row. One that is too short ends with nothing, what is beyond the columns is left out.
    pub fn push(&mut self, mut row: Vec<Cell>) {
        row.resize(self.columns.len(), Cell::new(Value::Null));
        self.rows.push(row);
    }

    /// The columns' names.
    pub fn columns(&self) -> &[String] {
        &self.columns
    }

    /// The rows.
    pub fn rows(&self) -> &[Vec<Cell>] {
        &self.rows
    }

    /// The table as text, a newline at its end. Text for people fits `width` columns of a terminal, where that is given.
    pub fn write(&self, format: Format, width: Option<usize>) -> String {
        match format {
            Format::Table => self.table(width),
            Format::Csv => self.csv(),
            Format::Json => self.json(),
            Format::Markdown => self.markdown(),
            Format::Latex => self.latex(),
        }
    }

    /// Whether each value of a column is a number or nothing, and one is a number.
    fn is_numeric(&self, column: usize) -> bool {
        let values = || self.rows.iter().map(|row| &row[column].value);
        values().all(|value| value.is_number() || value.is_null()) && values().any(Value::is_number)
    }

    fn table(&self, width: Option<usize>) -> String {
        let header: Vec<&str> = self.columns.iter().map(String::as_str).collect();
        let rows: Vec<Vec<String>> =
            self.rows.iter().map(|row| row.iter().map(|cell| cell.shown.clone()).collect()).collect();
        let give: Vec<Give> =
            (0..header.len()).map(|column| if self.is_numeric(column) { Give::Never } else { Give::Any }).collect();
        grid(&header, &rows, &give, width)
    }

    fn csv(&self) -> String {
        let mut text = String::new();
        let mut line = |cells: &mut dyn Iterator<Item = String>| {
            let cells: Vec<String> = cells.map(|cell| csv_cell(&cell)).collect();
            text += &cells.join(",");
            text += "\n";
        };
        line(&mut self.columns.iter().map(|name| plain(&Value::from(name.as_str()))));
        for row in &self.rows {
            line(&mut row.iter().map(|cell| plain(&cell.value)));
        }
        text
    }

    fn json(&self) -> String {
        let object = |row: &Vec<Cell>| {
            let pairs = self.columns.iter().zip(row).map(|(name, cell)| (name.clone(), cell.value.clone()));
            printable_json(&Value::Object(pairs.collect::<Map<_, _>>()))
        };
        let rows: Vec<String> = self.rows.iter().map(|row| format!("  {}", object(row))).collect();
        if rows.is_empty() { "[]\n".to_owned() } else { format!("[\n{}\n]\n", rows.join(",\n")) }
    }

    fn markdown(&self) -> String {
        let line = |cells: Vec<String>| format!("| {} |\n", cells.join(" | "));
        let mut text = line(self.columns.iter().map(|name| markdown_cell(name)).collect());
        let rule = |column| if self.is_numeric(column) { "---:" } else { "---" };
        text += &line((0..self.columns.len()).map(|column| rule(column).to_owned()).collect());
        for row in &self.rows {
            text += &line(row.iter().map(|cell| markdown_cell(&cell.shown)).collect());
        }
        text
    }

    fn latex(&self) -> String {
        let line = |cells: Vec<String>| format!("  {} \\\\\n", cells.join(" & "));
        let sides: String = (0..self.columns.len()).map(|at| if self.is_numeric(at) { 'r' } else { 'l' }).collect();
        let mut text = format!("\\begin{{tabular}}{{{sides}}}\n  \\hline\n");
        text += &line(self.columns.iter().map(|name| latex_cell(name)).collect());
        text += "  \\hline\n";
        for row in &self.rows {
            text += &line(row.iter().map(|cell| latex_cell(&cell.shown)).collect());
        }
        text + "  \\hline\n\\end{tabular}\n"
    }
}

/// `value` as JSON on one line, in which nothing steers a terminal: such characters are written as `\\u001b`.
pub fn printable_json(value: &Value) -> String {
    let mut text = String::new();
    for c in value.to_string().chars() {
        let mut units = [0; 2];
        if c != '\\' && escape(c.encode_utf8(&mut [0; 4])).starts_with('\\') {
            for unit in c.encode_utf16(&mut units) {
                // Writing to a string cannot fail.
                let _ = write!(text, "\\u{unit:04x}");
            }
        } else {
            text.push(c);
        }
    }
    text
}

/// A value as CSV has it: text as it is but for what steers a terminal, nothing for nothing, lists and objects as JSON.
fn plain(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.split('\n').map(escape).collect::<Vec<_>>().join("\n"),
        other => printable_json(other),
    }
}

fn csv_cell(text: &str) -> String {
    let quoted = text.contains([',', '"', '\r', '\n']) || text.starts_with(' ') || text.ends_with(' ');
    if quoted { format!("\"{}\"", text.replace('"', "\"\"")) } else { text.to_owned() }
}

/// On one line, nothing of it taken for markup.
fn markdown_cell(text: &str) -> String {
    let mut cell = String::new();
    for c in escape(text).chars() {
        if matches!(c, '\\' | '|' | '*' | '_' | '`' | '<' | '>' | '[' | ']' | '#' | '~' | '&') {
            cell.push('\\');
        }
        cell.push(c);
    }
    cell
}

fn latex_cell(text: &str) -> String {
    let mut cell = String::new();
    for c in escape(text).chars() {
        match c {
            '&' | '%' | '$' | '#' | '_' | '{' | '}' => {
                // Writing to a string cannot fail.
                let _ = write!(cell, "\\{c}");
            }
            '~' => cell.push_str("\\textasciitilde{}"),
            '^' => cell.push_str("\\textasciicircum{}"),
            '\\' => cell.push_str("\\textbackslash{}"),
            '<' => cell.push_str("\\textless{}"),
            '>' => cell.push_str("\\textgreater{}"),
            '±' => cell.push_str("$\\pm$"),
            c => cell.push(c),
        }
    }
    cell
}

#[cfg(test)]
mod tests;
