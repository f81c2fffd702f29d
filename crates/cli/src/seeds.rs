//! The seeds of one config's runs, as a command line says them.

use strata_spec::ranges::SEED;

/// As many runs as one command starts at most.
const MOST: u64 = 1000;

/// Different seeds, at least one, in the order in which they are run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seeds(Vec<u64>);

impl Seeds {
    /// The seeds.
    #[must_use]
    pub fn as_slice(&self) -> &[u64] {
        &self.0
    }
}

/// `N`: the seeds 1 to N; a list, `7,43`: those. A list of one ends with a comma.
///
/// # Errors
/// What is expected, in words.
pub(crate) fn parse_seeds(text: &str) -> Result<Seeds, String> {
    let expected = || {
        let most = SEED.most;
        format!(
            "expected a number from 1 to {MOST}, for the seeds 1 to it, or a list of at most {MOST} different seeds from 0 to {most}, as in 7,43"
        )
    };
    let Some((first, rest)) = text.split_once(',') else {
        let count: u64 = text.trim().parse().map_err(|_| expected())?;
        let seeds = if (1..=MOST).contains(&count) { Ok((1..=count).collect()) } else { Err(expected()) };
        return seeds.map(Seeds);
    };
    let rest = rest.strip_suffix(',').unwrap_or(rest);
    let words = std::iter::once(first).chain(rest.split(',').filter(|_| !rest.is_empty()));
    let seeds: Option<Vec<u64>> = words.map(|word| word.trim().parse().ok().filter(|seed| in_range(*seed))).collect();
    let seeds = seeds.filter(|seeds| seeds.len() as u64 <= MOST).ok_or_else(expected)?;
    let mut sorted = seeds.clone();
    sorted.sort_unstable();
    match sorted.windows(2).find(|pair| pair[0] == pair[1]) {
        Some(pair) => Err(format!("{} is named twice, and would be the same run", pair[0])),
        None => Ok(Seeds(seeds)),
    }
}

fn in_range(seed: u64) -> bool {
    i64::try_from(seed).is_ok_and(|seed| SEED.contains(seed))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_means_the_seeds_from_one_and_a_list_its_own() {
        for (text, seeds) in
            [("3", vec![1, 2, 3]), ("1", vec![1]), ("43,7", vec![43, 7]), ("43,", vec![43]), (" 0, 5 ", vec![0, 5])]
        {
            assert_eq!(parse_seeds(text).as_ref().map(Seeds::as_slice), Ok(seeds.as_slice()), "{text:?}");
        }
    }

    #[test]
    fn what_is_no_number_and_no_list_is_refused() {
        for text in ["", "0", "-1", "1001", "a", ",", ",1", "1,,2", "1;2", "1.5", "9223372036854775808,1"] {
            assert!(parse_seeds(text).unwrap_err().contains("as in 7,43"), "{text:?}");
        }
        assert!(parse_seeds("7,3,7").unwrap_err().starts_with("7 is named twice"));
    }
}
