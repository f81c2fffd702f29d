//! What bars are drawn on: a terminal that may be resized at any time.

use std::fmt;
use std::io::{self, Write};
use std::sync::{Mutex, MutexGuard, PoisonError};

use console::{Term, truncate_str};
use indicatif::TermLike;

/// A few lines at the terminal's end, drawn again and again.
///
/// indicatif fills each line with spaces up to the terminal's edge and has the terminal break it there. A terminal that lays its lines out anew when it is widened joins
/// them, and the rows that are taken back next are lines of the run. Here each line is cut to the width and ended, and no more rows are taken back than lines were
/// drawn. Where a terminal was made narrower and has broken a line in two, part of it stays; nothing else is ever lost.
pub(crate) struct Frame<W> {
    state: Mutex<State<W>>,
    /// The terminal's rows and columns.
    size: fn() -> (u16, u16),
}

struct State<W> {
    out: W,
    /// What is to be drawn by the next flush.
    lines: Vec<String>,
    /// Rows that are drawn; the cursor stands at the end of the last.
    shown: usize,
}

impl Frame<io::Stderr> {
    pub(crate) fn stderr() -> Self {
        Self::new(io::stderr(), || Term::stderr().size())
    }
}

impl<W: Write> Frame<W> {
    fn new(out: W, size: fn() -> (u16, u16)) -> Self {
        Self { state: Mutex::new(State { out, lines: Vec::new(), shown: 0 }), size }
    }
}

impl<W> Frame<W> {
    fn state(&self) -> MutexGuard<'_, State<W>> {
        // A panic amid a write leaves at most a wrong number of rows.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<W> fmt::Debug for Frame<W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Frame").field("size", &(self.size)()).finish_non_exhaustive()
    }
}

/// indicatif writes each line and what fills it up, then flushes; whatever it does to move and clear is left to the flush.
impl<W: Write + Send> TermLike for Frame<W> {
    fn width(&self) -> u16 {
        (self.size)().1
    }

    fn height(&self) -> u16 {
        (self.size)().0
    }

    fn move_cursor_up(&self, _: usize) -> io::Result<()> {
        Ok(())
    }

    fn move_cursor_down(&self, _: usize) -> io::Result<()> {
        Ok(())
    }

    fn move_cursor_right(&self, _: usize) -> io::Result<()> {
        Ok(())
    }

    fn move_cursor_left(&self, _: usize) -> io::Result<()> {
        Ok(())
    }

    fn clear_line(&self) -> io::Result<()> {
        Ok(())
    }

    fn write_line(&self, text: &str) -> io::Result<()> {
        self.write_str(text)
    }

    fn write_str(&self, text: &str) -> io::Result<()> {
        if !text.trim().is_empty() {
            self.state().lines.push(text.trim_end().to_owned());
        }
        Ok(())
    }

    fn flush(&self) -> io::Result<()> {
        let (rows, columns) = (self.size)();
        let mut state = self.state();
        let lines = std::mem::take(&mut state.lines);
        let mut text = String::new();
        if state.shown > 0 {
            // Row by row: a terminal that is cleared from its first row on may keep what was there among the lines above.
            let up = if state.shown > 1 { format!("\x1b[{}A", state.shown - 1) } else { String::new() };
            let rows = vec!["\x1b[K"; state.shown].join("\x1b[1B");
            text = format!("\r{up}{rows}{up}");
        }
        let fitting = &lines[..lines.len().min(rows.into())];
        // The last column stays free: a terminal may break a line that fills it.
        let width = usize::from(columns).saturating_sub(1);
        let cut: Vec<_> = fitting.iter().map(|line| truncate_str(line, width, "")).collect();
        text += &cut.join("\r\n");
        state.shown = cut.len();
        state.out.write_all(text.as_bytes())?;
        state.out.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drawn(frame: &Frame<Vec<u8>>, lines: &[&str]) -> String {
        frame.state().out.clear();
        // As indicatif does it: what was drawn is cleared, then each line and its filling.
        frame.move_cursor_up(7).unwrap();
        frame.clear_line().unwrap();
        for line in lines {
            frame.write_str(line).unwrap();
            frame.write_str(&" ".repeat(40)).unwrap();
        }
        frame.flush().unwrap();
        String::from_utf8(frame.state().out.clone()).unwrap()
    }

    #[test]
    fn as_many_rows_are_taken_back_as_lines_were_drawn() {
        let frame = Frame::new(Vec::new(), || (3, 10));
        assert_eq!(drawn(&frame, &[]), "");
        assert_eq!(drawn(&frame, &["a bar", "0123456789abc"]), "a bar\r\n012345678");
        assert_eq!(
            drawn(&frame, &["a bar", "b", "▁▂▃", "beyond"]),
            "\r\x1b[1A\x1b[K\x1b[1B\x1b[K\x1b[1Aa bar\r\nb\r\n▁▂▃"
        );
        assert_eq!(drawn(&frame, &["a bar"]), "\r\x1b[2A\x1b[K\x1b[1B\x1b[K\x1b[1B\x1b[K\x1b[2Aa bar");
        assert_eq!(drawn(&frame, &[]), "\r\x1b[K");
        assert_eq!(drawn(&frame, &[]), "");
    }

    #[test]
    fn a_terminal_without_a_size_shows_nothing() {
        let frame = Frame::new(Vec::new(), || (0, 0));
        assert_eq!(drawn(&frame, &["a bar", "b"]), "");
    }
}
