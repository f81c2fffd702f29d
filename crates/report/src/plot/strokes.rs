//! Letters as lines, for pictures: a font file would be larger than the program's other data, and every system has others.

/// A letter: how wide it is, and its strokes, each a line through points. Heights: 0 below the line for `g`, 2 the line, 6 the top of `x`, 8 the top of `A`.
pub(super) struct Letter {
    pub(super) width: f64,
    strokes: &'static str,
}

/// The free room after a letter, in the same units.
pub(super) const GAP: f64 = 1.8;
/// The height of capitals, from the line.
pub(super) const CAPITAL: f64 = 6.0;

impl Letter {
    /// Letters of ASCII; any other is a box.
    pub(super) fn of(c: char) -> Self {
        let letter = |width, strokes| Self { width, strokes };
        let found = LETTERS.iter().find(|(letter, ..)| *letter == c);
        found.map_or(letter(4.0, "02 08 48 42 02"), |(_, width, strokes)| letter(*width, strokes))
    }

    /// The points of each stroke, from the letter's left and from the line.
    pub(super) fn strokes(&self) -> impl Iterator<Item = Vec<(f64, f64)>> {
        let place = |digit: u8| f64::from(digit - b'0');
        let point = move |point: &str| {
            let digits = point.as_bytes();
            (place(digits[0]), place(digits[1]) - 2.0)
        };
        self.strokes
            .split(',')
            .filter(|stroke| !stroke.is_empty())
            .map(move |stroke| stroke.split(' ').map(point).collect())
    }
}

/// Each with its width and its strokes: points of two digits, across and up.
const LETTERS: [(char, f64, &str); 95] = [
    (' ', 1.2, ""),
    ('!', 0.0, "08 04,02 02"),
    ('%', 5.0, "02 58,17 17,43 43"),
    ('(', 1.0, "19 07 03 11"),
    (')', 1.0, "09 17 13 01"),
    ('*', 4.0, "05 45,27 23,07 43"),
    ('+', 4.0, "05 45,27 23"),
    (',', 0.0, "02 01"),
    ('-', 3.0, "05 35"),
    ('.', 0.0, "02 02"),
    ('/', 4.0, "01 48"),
    ('0', 4.0, "12 03 07 18 38 47 43 32 12"),
    ('1', 2.0, "07 18 12,02 22"),
    ('2', 4.0, "07 18 38 47 46 02 42"),
    ('3', 4.0, "07 18 38 47 46 35 15,35 44 43 32 12 03"),
    ('4', 4.0, "32 38 04 44"),
    ('5', 4.0, "48 08 05 35 44 43 32 12 03"),
    ('6', 4.0, "47 38 18 07 03 12 32 43 44 35 15 04"),
    ('7', 4.0, "08 48 12"),
    ('8', 4.0, "15 06 07 18 38 47 46 35 15 04 03 12 32 43 44 35"),
    ('9', 4.0, "46 35 15 06 07 18 38 47 43 32 12 03"),
    (':', 0.0, "05 05,02 02"),
    ('=', 4.0, "06 46,04 44"),
    ('A', 4.0, "02 28 42,14 34"),
    ('B', 4.0, "02 08 38 47 46 35 05,35 44 43 32 02"),
    ('C', 4.0, "47 38 18 07 03 12 32 43"),
    ('D', 4.0, "02 08 28 46 44 22 02"),
    ('E', 4.0, "48 08 02 42,05 35"),
    ('F', 4.0, "48 08 02,05 35"),
    ('G', 4.0, "47 38 18 07 03 12 32 43 45 25"),
    ('H', 4.0, "08 02,48 42,05 45"),
    ('I', 0.0, "08 02"),
    ('J', 3.0, "38 33 22 12 03"),
    ('K', 4.0, "08 02,48 04,15 42"),
    ('L', 4.0, "08 02 42"),
    ('M', 6.0, "02 08 35 68 62"),
    ('N', 4.0, "02 08 42 48"),
    ('O', 4.0, "18 07 03 12 32 43 47 38 18"),
    ('P', 4.0, "02 08 38 47 46 35 05"),
    ('Q', 4.0, "18 07 03 12 32 43 47 38 18,24 42"),
    ('R', 4.0, "02 08 38 47 46 35 05,25 42"),
    ('S', 4.0, "47 38 18 07 06 15 35 44 43 32 12 03"),
    ('T', 4.0, "08 48,28 22"),
    ('U', 4.0, "08 03 12 32 43 48"),
    ('V', 4.0, "08 22 48"),
    ('W', 6.0, "08 12 35 52 68"),
    ('X', 4.0, "08 42,48 02"),
    ('Y', 4.0, "08 25 48,25 22"),
    ('Z', 4.0, "08 48 02 42"),
    ('_', 4.0, "01 41"),
    ('a', 4.0, "45 36 16 05 03 12 32 43,46 42"),
    ('b', 4.0, "08 02,05 16 36 45 43 32 12 03"),
    ('c', 4.0, "45 36 16 05 03 12 32 43"),
    ('d', 4.0, "48 42,45 36 16 05 03 12 32 43"),
    ('e', 4.0, "04 44 45 36 16 05 03 12 32 43"),
    ('f', 3.0, "38 28 17 12,06 36"),
    ('g', 4.0, "46 41 30 10 01,45 36 16 05 03 12 32 43"),
    ('h', 4.0, "08 02,05 16 36 45 42"),
    ('i', 0.0, "06 02,08 08"),
    ('j', 1.0, "16 11 00,18 18"),
    ('k', 3.0, "08 02,36 03,14 32"),
    ('l', 0.0, "08 02"),
    ('m', 6.0, "06 02,05 16 26 35 32,35 46 56 65 62"),
    ('n', 4.0, "06 02,05 16 36 45 42"),
    ('o', 4.0, "16 05 03 12 32 43 45 36 16"),
    ('p', 4.0, "06 00,05 16 36 45 43 32 12 03"),
    ('q', 4.0, "46 40,45 36 16 05 03 12 32 43"),
    ('r', 3.0, "06 02,05 16 36"),
    ('s', 4.0, "45 36 16 05 14 34 43 32 12 03"),
    ('t', 3.0, "18 13 22 32,06 36"),
    ('u', 4.0, "06 03 12 32 43,46 42"),
    ('v', 4.0, "06 22 46"),
    ('w', 6.0, "06 12 35 52 66"),
    ('x', 4.0, "06 42,46 02"),
    ('y', 4.0, "06 22,46 10"),
    ('z', 4.0, "06 46 02 42"),
    ('[', 1.0, "19 09 01 11"),
    (']', 1.0, "09 19 11 01"),
    ('<', 4.0, "47 05 43"),
    ('>', 4.0, "07 45 03"),
    ('"', 2.0, "08 06,28 26"),
    ('#', 4.0, "13 17,33 37,04 44,06 46"),
    ('$', 4.0, "47 38 18 07 06 15 35 44 43 32 12 03,29 21"),
    ('&', 5.0, "52 16 17 28 38 37 05 03 12 32 54"),
    ('\'', 0.0, "08 06"),
    (';', 0.0, "05 05,02 01"),
    ('?', 4.0, "07 18 38 47 46 25 24,22 22"),
    ('@', 6.0, "46 26 15 14 23 43 47,43 54 65 57 48 28 07 04 22 52"),
    ('\\', 4.0, "08 41"),
    ('^', 4.0, "06 28 46"),
    ('`', 1.0, "08 17"),
    ('{', 2.0, "29 19 16 05 14 11 21"),
    ('|', 0.0, "09 01"),
    ('}', 2.0, "09 19 16 25 14 11 01"),
    ('~', 4.0, "05 16 34 45"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_letter_lies_within_its_width_and_height() {
        for (c, width, _) in LETTERS {
            for (x, y) in Letter::of(c).strokes().flatten() {
                assert!((0.0..=width).contains(&x) && (-2.0..=7.0).contains(&y), "{c}: {x} {y}");
            }
        }
        let mut letters: Vec<char> = LETTERS.iter().map(|(c, ..)| *c).collect();
        letters.sort_unstable();
        letters.dedup();
        assert_eq!(letters.len(), LETTERS.len(), "a letter is there twice");
        assert!((' '..='~').all(|c| letters.contains(&c)), "all of ASCII");
        assert_eq!(Letter::of('é').strokes().count(), 1, "a box");
    }
}
