//! What became of each test image: which classes are taken for which, and which images to show.

use strata_metrics::{Confusion, SampleResult};

/// Images of one list, and of one cell of the confusion matrix.
const LIST: usize = 40;
const CELL: usize = 8;

/// The images to show, by their places among the test images.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Chosen {
    /// Wrong, the most confident first.
    pub(crate) mistakes: Vec<usize>,
    /// Of the lowest confidence, right or wrong.
    pub(crate) uncertain: Vec<usize>,
    /// `[label, prediction]`, row-major: the most confident of each cell. Empty where the matrix has too many cells.
    pub(crate) cells: Vec<Vec<usize>>,
}

impl Chosen {
    /// At most `most` images, the lists first, the rest shared among the cells.
    pub(crate) fn of(results: &[SampleResult], classes: usize, has_cells: bool, most: usize) -> Self {
        let mut order: Vec<usize> = (0..results.len()).filter(|at| results[*at].confidence.is_finite()).collect();
        // A stable order: of equally confident ones the first image first.
        order.sort_by(|a, b| results[*b].confidence.total_cmp(&results[*a].confidence));
        let list = LIST.min(most / 4);
        let mistakes = order.iter().copied().filter(|at| !results[*at].is_right()).take(list).collect();
        let uncertain = order.iter().rev().copied().take(list).collect();
        let mut cells = vec![Vec::new(); if has_cells { classes * classes } else { 0 }];
        let room = most.saturating_sub(2 * list) / cells.len().max(1);
        for at in order {
            let result = &results[at];
            if let Some(cell) = place(result, classes).and_then(|at| cells.get_mut(at))
                && cell.len() < room.clamp(1, CELL)
            {
                cell.push(at);
            }
        }
        Self { mistakes, uncertain, cells }
    }

    /// Every image once, in the order of the lists.
    pub(crate) fn images(&self) -> Vec<usize> {
        let mut seen = std::collections::HashSet::new();
        let all = self.mistakes.iter().chain(&self.uncertain).chain(self.cells.iter().flatten());
        all.copied().filter(|at| seen.insert(*at)).collect()
    }
}

/// Which classes are taken for which.
pub(crate) fn confusion(results: &[SampleResult], classes: usize) -> Confusion {
    let mut counts = vec![0; classes * classes];
    for result in results {
        if let Some(count) = place(result, classes).and_then(|at| counts.get_mut(at)) {
            *count += 1;
        }
    }
    Confusion::from_counts(classes, counts).unwrap_or_else(|| Confusion::new(classes))
}

/// A result's cell of the confusion matrix, row-major; none of a label or a prediction that is no class.
fn place(result: &SampleResult, classes: usize) -> Option<usize> {
    let (label, predicted) = (result.label as usize, result.predicted as usize);
    (label < classes && predicted < classes).then_some(label * classes + predicted)
}

/// The share of images whose class is among the `k` likeliest.
pub(crate) fn top_k(results: &[SampleResult], k: u32) -> f64 {
    results.iter().filter(|result| result.rank < k).count() as f64 / results.len() as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn result(label: u32, predicted: u32, confidence: f64) -> SampleResult {
        SampleResult { label, predicted, rank: u32::from(label != predicted), confidence, of_label: 0.1 }
    }

    #[test]
    fn mistakes_come_by_confidence_and_uncertain_images_by_the_lack_of_it() {
        let results =
            [result(0, 0, 0.9), result(0, 1, 0.6), result(1, 0, 0.8), result(1, 1, 0.51), result(1, 0, f64::NAN)];
        let chosen = Chosen::of(&results, 2, true, 400);
        assert_eq!(chosen.mistakes, [2, 1]);
        assert_eq!(chosen.uncertain, [3, 1, 2, 0]);
        assert_eq!(chosen.cells, [vec![0], vec![1], vec![2], vec![3]]);
        assert_eq!(chosen.images(), [2, 1, 3, 0]);
        assert_eq!((top_k(&results, 1), top_k(&results, 2)), (0.4, 1.0));
        assert_eq!(confusion(&results, 2).row(1), [2, 1]);
        let beyond = [result(0, 2, 0.9), result(5, 0, 0.8)];
        assert_eq!(confusion(&beyond, 2), Confusion::new(2), "no cell of another row");
        assert!(Chosen::of(&beyond, 2, true, 400).cells.iter().all(Vec::is_empty));
    }

    #[test]
    fn no_more_images_are_chosen_than_there_is_room_for() {
        let results: Vec<_> =
            (0..10_000).map(|at| result(at % 10, at / 10 % 10, 0.1 + f64::from(at) / 20_000.0)).collect();
        assert!(Chosen::of(&results, 10, true, 480).images().len() <= 480);
        let few = Chosen::of(&results, 10, false, 8);
        assert_eq!((few.mistakes.len(), few.uncertain.len(), few.cells.len()), (2, 2, 0));
    }
}
