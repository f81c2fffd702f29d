//! From which line on two histories differ.

use strata_spec::HistoryRow;

use super::WrittenRow;

/// The first line in which two histories differ.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HistoryDifference {
    /// Its number in `history.jsonl`, from 1.
    pub line: usize,
    /// The line of the first history, as its file has it; none where that has ended.
    pub first: Option<String>,
    /// The second's.
    pub second: Option<String>,
}

/// The first line in which `first` and `second` differ, as their files would have them: numbers that are not finite are alike. None where all are the same.
pub fn first_difference(first: &[HistoryRow], second: &[HistoryRow]) -> Option<HistoryDifference> {
    // A row is numbers under text keys, which JSON can always hold.
    let text = |row: &HistoryRow| serde_json::to_string(&WrittenRow(row)).unwrap_or_default();
    (0..first.len().max(second.len())).find_map(|place| {
        let [first, second] = [first, second].map(|rows| rows.get(place).map(text));
        (first != second).then_some(HistoryDifference { line: place + 1, first, second })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_other_or_missing_line_is_found() {
        let rows = [0.5, f64::NAN, 0.25].map(|loss| HistoryRow::initial(loss, 0.5));
        assert_eq!(first_difference(&rows, &rows), None);
        let found = first_difference(&rows, &rows[..2]).unwrap();
        assert_eq!((found.line, found.second), (3, None));
        let mut other = rows.clone();
        other[0].val_acc = f64::from_bits(0.5f64.to_bits() + 1);
        let found = first_difference(&rows, &other).unwrap();
        assert_eq!(found.line, 1);
        assert!(
            found.first.unwrap().contains("\"val_acc\":0.5}") && found.second.unwrap().contains("0.500000000000000")
        );
    }
}
