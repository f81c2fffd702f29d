//! How much each key mattered, and what the objective was at each of its values.
//!
//! The method is a one-way analysis of variance for each key: the points that finished are grouped by the key's value (a range's numbers into at most
//! four groups of equal size, in order), and the importance is the share of the objective's variance that lies between the groups, less what chance
//! alone would put there (Kelley's ε², *An Unbiased Correlation Ratio Measure*, 1935). It sees no interactions: keys that matter only together get
//! little. It is a description of the points that were tried; where a method came back to good regions, they count more.

use strata_report::{Cell, Sheet, mean_and_deviation};

use crate::domain::Domain;
use crate::driver::state::State;
use crate::folder::SweepFolder;

/// Groups of a range's numbers at most.
const GROUPS: usize = 4;

/// How much one key mattered.
#[derive(Debug, Clone, PartialEq)]
pub struct Importance {
    /// The key.
    pub key: String,
    /// The share of the objective's variance, 0 to 1; none where there are too few points to tell.
    pub share: Option<f64>,
    /// Its values, or groups of them, in order: in words, and the objective's mean of each point there.
    pub groups: Vec<(String, Vec<f64>)>,
}

/// How much each key mattered, in their order.
#[must_use]
pub fn importance(folder: &SweepFolder, state: &State) -> Vec<Importance> {
    let sweep = folder.sweep();
    let of_key = |number: usize| {
        let key = &sweep.keys[number];
        let found = (0..state.points.len()).filter_map(|point| {
            let value = state.points[point].get(number)?.as_deref()?;
            Some((key.domain.place(value)?, value.to_owned(), state.mean(point)?))
        });
        let mut found: Vec<(f64, String, f64)> = found.collect();
        found.sort_by(|a, b| a.0.total_cmp(&b.0));
        let groups = match (&key.domain, key.domain.count()) {
            (Domain::Range(_), count) if count.is_none_or(|count| count > 2 * GROUPS) => quantiles(&found),
            _ => by_value(&found),
        };
        Importance { key: key.path.clone(), share: share(&groups), groups }
    };
    (0..sweep.keys.len()).map(of_key).collect()
}

fn by_value(found: &[(f64, String, f64)]) -> Vec<(String, Vec<f64>)> {
    let groups = found.chunk_by(|a, b| a.1 == b.1);
    groups.map(|group| (group[0].1.clone(), group.iter().map(|(_, _, mean)| *mean).collect())).collect()
}

fn quantiles(found: &[(f64, String, f64)]) -> Vec<(String, Vec<f64>)> {
    let size = found.len().div_ceil(GROUPS).max(2);
    let group = |group: &[(f64, String, f64)]| {
        let (first, last) = (&group[0].1, &group[group.len() - 1].1);
        (format!("{first} to {last}"), group.iter().map(|(_, _, mean)| *mean).collect())
    };
    found.chunks(size).map(group).collect()
}

/// ε² = (SS_between − (k − 1) MS_within) / SS_total, not below 0.
fn share(groups: &[(String, Vec<f64>)]) -> Option<f64> {
    let all: Vec<f64> = groups.iter().flat_map(|(_, values)| values.iter().copied()).collect();
    let (n, k) = (all.len(), groups.len());
    if k < 2 || n <= k {
        return None;
    }
    let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
    let grand = mean(&all);
    let total: f64 = all.iter().map(|value| (value - grand).powi(2)).sum();
    let between: f64 = groups.iter().map(|(_, values)| values.len() as f64 * (mean(values) - grand).powi(2)).sum();
    let within = (total - between).max(0.0) / (n - k) as f64;
    (total > 0.0).then(|| ((between - (k - 1) as f64 * within) / total).clamp(0.0, 1.0))
}

/// A row for each key, the most important first.
#[must_use]
pub fn importance_sheet(found: &[Importance]) -> Sheet {
    let mut sheet = Sheet::new(["key", "share of variance", "points"]);
    let mut sorted: Vec<&Importance> = found.iter().collect();
    sorted.sort_by(|a, b| b.share.unwrap_or(-1.0).total_cmp(&a.share.unwrap_or(-1.0)));
    for importance in sorted {
        let points: usize = importance.groups.iter().map(|(_, values)| values.len()).sum();
        let share =
            importance.share.map_or_else(|| "too few points".to_owned(), |share| format!("{:.0} %", share * 100.0));
        sheet.push(vec![Cell::new(importance.key.as_str()), Cell::shown(importance.share, share), Cell::new(points)]);
    }
    sheet
}

/// A row for each value of each key: the objective's mean and deviation over the points that had it.
#[must_use]
pub fn marginal_sheet(found: &[Importance]) -> Sheet {
    let mut sheet = Sheet::new(["key", "value", "mean", "±", "points"]);
    for importance in found {
        for (value, means) in &importance.groups {
            let mean = means.iter().sum::<f64>() / means.len() as f64;
            sheet.push(vec![
                Cell::new(importance.key.as_str()),
                Cell::new(value.as_str()),
                Cell::metric(Some(mean)),
                Cell::metric(mean_and_deviation(means).1),
                Cell::new(means.len()),
            ]);
        }
    }
    sheet
}

#[cfg(test)]
mod tests {
    use super::*;

    fn groups(values: &[&[f64]]) -> Vec<(String, Vec<f64>)> {
        values.iter().map(|values| (String::new(), values.to_vec())).collect()
    }

    /// Groups 1, 3 and 5, 7: grand mean 4, SS total 9 + 1 + 1 + 9 = 20, between 2·4 + 2·4 = 16, within 4 over 2 degrees: (16 − 2) / 20.
    #[test]
    fn the_share_is_the_variance_between_groups_less_what_chance_gives() {
        assert_eq!(share(&groups(&[&[1.0, 3.0], &[5.0, 7.0]])), Some(0.7));
        assert_eq!(share(&groups(&[&[1.0, 3.0], &[3.0, 1.0]])), Some(0.0));
        assert_eq!(share(&groups(&[&[1.0], &[3.0]])), None, "a value each says nothing");
        assert_eq!(share(&groups(&[&[1.0, 1.0, 1.0]])), None);
    }
}
