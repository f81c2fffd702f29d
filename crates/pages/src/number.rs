//! Numbers for people, as few as they need.

/// A loss, an accuracy, a weight: four decimals, very large and small ones as powers of ten.
pub(crate) fn metric(value: f64) -> String {
    match value {
        v if !v.is_finite() => "–".to_owned(),
        v if v != 0.0 && !(1e-4..1e6).contains(&v.abs()) => format!("{v:.3e}"),
        v => format!("{v:.4}"),
    }
}

/// As few digits as say it, four at most: a rate.
pub(crate) fn short(value: f64) -> String {
    short_to(value, 4)
}

/// As few digits as tell ticks apart that lie `step` from each other, and say `value`.
pub(crate) fn tick(value: f64, step: f64) -> String {
    let beyond = (value.abs() / step).log10();
    short_to(value, if beyond.is_finite() { (beyond.floor().max(0.0) as usize + 2).clamp(4, 15) } else { 4 })
}

fn short_to(value: f64, digits: usize) -> String {
    let decimals = digits - 1;
    match format!("{value:.decimals$e}").parse().unwrap_or(value) {
        v if v != 0.0 && !(1e-3..1e5).contains(&v.abs()) => format!("{v:e}"),
        v => format!("{v}"),
    }
}

/// A count with its thousands apart.
pub(crate) fn count(value: u64) -> String {
    let digits = value.to_string();
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push('\u{202f}');
        }
        text.push(digit);
    }
    text
}

/// A share in percent.
pub(crate) fn percent(value: f64) -> String {
    if value.is_finite() { format!("{:.2}\u{202f}%", value * 100.0) } else { "–".to_owned() }
}

/// Seconds, from a minute on in minutes and hours.
pub(crate) fn duration(seconds: f64) -> String {
    match seconds {
        s if !s.is_finite() => "–".to_owned(),
        s if s < 60.0 => format!("{s:.1} s"),
        s if s < 3600.0 => format!("{} min {:.0} s", (s / 60.0).floor(), (s % 60.0).floor()),
        s => format!("{} h {:.0} min", (s / 3600.0).floor(), (s % 3600.0 / 60.0).floor()),
    }
}

/// Bytes in the unit that fits.
pub(crate) fn bytes(value: u64) -> String {
    match value {
        b if b < 10_000 => format!("{b} B"),
        b if b < 10_000_000 => format!("{:.0} kB", b as f64 / 1e3),
        b => format!("{:.1} MB", b as f64 / 1e6),
    }
}

/// At most some `most` of `all`, the first and the last among them.
pub(crate) fn evenly<T>(all: &[T], most: usize) -> Vec<&T> {
    match all.len() {
        count if count <= most => all.iter().collect(),
        count => (0..most).map(|number| &all[number * (count - 1) / (most - 1)]).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_short_and_those_that_are_none_are_a_dash() {
        assert_eq!([metric(0.56784), metric(1e-7), metric(f64::NAN)], ["0.5678", "1.000e-7", "–"]);
        assert_eq!([short(0.004000000000000004), short(5e-8), short(2.0)], ["0.004", "5e-8", "2"]);
        assert_eq!([1.3024, 1.3026, 1.303].map(|value| tick(value, 0.0002)), ["1.3024", "1.3026", "1.303"]);
        assert_eq!([tick(0.5, 0.1), tick(0.0, 0.2), tick(3.0, 0.0)], ["0.5", "0", "3"]);
        assert_eq!(count(8_457_930), "8\u{202f}457\u{202f}930");
        assert_eq!([duration(59.0), duration(61.0), duration(7300.0)], ["59.0 s", "1 min 1 s", "2 h 1 min"]);
    }
}
