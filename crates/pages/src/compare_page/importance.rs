//! Of a sweep: how much each key mattered, and what the objective was at each of its values.

use std::collections::HashSet;
use std::fmt::Write as _;

use strata_report::mean_and_deviation;

use crate::chart::{HEIGHT, LEFT, RIGHT, Scale, WIDTH};
use crate::html::{table, text};
use crate::number::{metric, percent, short};

const TOP: f64 = 8.0;
const BOTTOM: f64 = 34.0;
/// Points that are drawn of one value at most; its mean and deviation are those of all.
const DOTS: usize = 100;
/// Characters that fit below a chart, all labels together.
const LABELS: usize = 60;
/// Labels that fit below a chart at most; of more values that are in an order every third or so has one.
const LABELLED: usize = 10;

/// A key that a sweep tried with several values, as a page shows it.
#[derive(Clone, Debug)]
pub struct ShownKey<'a> {
    /// As `--set` has it: `phases.0.lr`.
    pub name: &'a str,
    /// The share of the objective's variance that lies between its values, 0 to 1; none where there are too few points to tell.
    pub share: Option<f64>,
    /// Its values, or groups of them, in their order: in words, and the objective's mean of each point there.
    pub groups: &'a [(String, Vec<f64>)],
}

/// What a sweep tried, and by what it is judged.
#[derive(Clone, Debug)]
pub struct SweptKeys<'a> {
    /// The objective's key: `val_acc`.
    pub objective: &'a str,
    /// The keys, in their order.
    pub keys: &'a [ShownKey<'a>],
}

impl SweptKeys<'_> {
    pub(crate) fn section(&self) -> String {
        let mut sorted: Vec<&ShownKey<'_>> = self.keys.iter().collect();
        sorted.sort_by(|a, b| b.share.unwrap_or(-1.0).total_cmp(&a.share.unwrap_or(-1.0)));
        let objective = text(self.objective);
        let mut html = format!(
            "<section aria-labelledby=\"keys\"><h2 id=\"keys\">What mattered</h2><p class=\"soft\">For each key the share of the variance of \
             <code>{objective}</code> that lies between its values, less what chance would put there: one key at a time, without interactions, over the points \
             that finished. Below, {objective} at each value: a dot for each point, a line through the means, a bar of one sample deviation up and down.</p>"
        );
        let share = |key: &ShownKey<'_>| match key.share {
            Some(share) => {
                let width = format!("{:.0}", share * 100.0);
                format!(
                    "<meter min=\"0\" max=\"100\" value=\"{width}\" aria-label=\"{0}\"></meter> {0}",
                    percent(share)
                )
            }
            None => "too few points to tell".to_owned(),
        };
        let points = |key: &ShownKey<'_>| key.groups.iter().map(|(_, values)| values.len()).sum::<usize>();
        let rows: Vec<Vec<String>> =
            sorted.iter().map(|key| vec![text(key.name), share(key), points(key).to_string()]).collect();
        html += &table("Importance of each key", &["key", "share of variance", "points"], &rows);
        html += "<div class=\"marginals\">";
        for key in &sorted {
            html += &key.figure(self.objective);
        }
        html += "</div><details><summary>The means as numbers</summary>";
        let mut rows = Vec::new();
        for key in &sorted {
            for (value, values) in key.groups.iter().filter(|(_, values)| !values.is_empty()) {
                let (mean, deviation) = moments(values);
                let deviation = deviation.map_or("–".to_owned(), metric);
                rows.push(vec![text(key.name), text(value), metric(mean), deviation, values.len().to_string()]);
            }
        }
        html + &table("Means at each value", &["key", "value", self.objective, "±", "points"], &rows)
            + "</details></section>"
    }
}

impl ShownKey<'_> {
    /// The objective over the key's values, evenly spaced in their order.
    fn figure(&self, objective: &str) -> String {
        let groups: Vec<(&str, Vec<f64>)> = self
            .groups
            .iter()
            .map(|(value, values)| (value.as_str(), values.iter().copied().filter(|value| value.is_finite()).collect()))
            .filter(|(_, values): &(&str, Vec<f64>)| !values.is_empty())
            .collect();
        let ends = groups.iter().flat_map(|(_, values)| {
            let (mean, deviation) = moments(values);
            let deviation = deviation.unwrap_or_default();
            values.iter().copied().chain([mean - deviation, mean + deviation]).collect::<Vec<_>>()
        });
        let all: Vec<f64> = ends.collect();
        let scale = Scale::linear(all.iter().copied());
        let step = (WIDTH - LEFT - RIGHT) / groups.len().max(1) as f64;
        let x = |number: usize| LEFT + (number as f64 + 0.5) * step;
        let y = |value: f64| HEIGHT - BOTTOM - scale.share(value) * (HEIGHT - TOP - BOTTOM);
        let name = text(self.name);
        let mut svg = format!(
            "<svg viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\" aria-label=\"{} over {name}\">",
            text(objective)
        );
        scale.draw_grid(&mut svg, y);
        let mut line = String::new();
        let values: Vec<&str> = groups.iter().map(|(value, _)| *value).collect();
        let is_ordered = values.iter().all(|value| numbers(value).is_some());
        let labels = labels(&values, is_ordered);
        let every = match &labels {
            Some(labels) if labels.len() > LABELLED => labels.len().div_ceil(6),
            Some(_) => 1,
            None => groups.len().div_ceil(2 * LABELLED),
        };
        for (number, (value, values)) in groups.iter().enumerate() {
            let (mean, deviation) = moments(values);
            let (at, deviation) = (x(number), deviation.unwrap_or_default());
            for dot in values.iter().step_by(values.len().div_ceil(DOTS)) {
                let _ = write!(svg, "<circle class=\"dot\" cx=\"{at:.1}\" cy=\"{:.1}\" r=\"2.5\"/>", y(*dot));
            }
            let _ = write!(
                svg,
                "<path class=\"deviation\" d=\"M{at:.1} {:.1}V{:.1}\"/>",
                y(mean - deviation),
                y(mean + deviation)
            );
            // Between words that are in no order there is nothing to connect.
            let _ = match is_ordered && groups.len() > 1 {
                true => write!(line, "{}{at:.1} {:.1}", if number == 0 { 'M' } else { 'L' }, y(mean)),
                false => write!(line, "M{:.1} {:.1}h12", at - 6.0, y(mean)),
            };
            if number % every == 0 {
                let label = labels.as_ref().map_or_else(|| (number + 1).to_string(), |labels| labels[number].clone());
                let _ = write!(
                    svg,
                    "<text x=\"{at:.1}\" y=\"{:.1}\" class=\"middle small\">{}<title>{}</title></text>",
                    HEIGHT - BOTTOM + 15.0,
                    text(&label),
                    text(value)
                );
            }
        }
        let _ = write!(svg, "<path class=\"means\" d=\"{line}\"/>");
        let _ =
            write!(svg, "<path class=\"axis\" d=\"M{LEFT} {TOP}V{:.1}H{:.1}\"/></svg>", HEIGHT - BOTTOM, WIDTH - RIGHT);
        let list = match labels {
            Some(_) => String::new(),
            None => {
                values.iter().fold("<ol class=\"values\">".to_owned(), |list, value| {
                    list + "<li>" + &text(value.trim_matches('"')) + "</li>"
                }) + "</ol>"
            }
        };
        format!("<figure><figcaption>{name}</figcaption>{svg}{list}</figure>")
    }
}

/// What stands below the values of a chart; none where these would be cut or look alike, and are to be numbered and listed.
fn labels(values: &[&str], is_ordered: bool) -> Option<Vec<String>> {
    if values.len() > LABELLED && !is_ordered {
        return None;
    }
    let letters = LABELS / values.len().clamp(1, LABELLED);
    let labels: Option<Vec<String>> = values.iter().map(|value| label(value, letters)).collect();
    labels.filter(|labels| labels.iter().collect::<HashSet<_>>().len() == labels.len())
}

/// A value's text in `letters`, of a number that is longer two digits; none where it does not fit.
fn label(value: &str, letters: usize) -> Option<String> {
    let plain = value.trim_matches('"').to_owned();
    let short = match numbers(value).as_deref() {
        Some([low, high]) => format!("{}–{}", two_digits(*low), two_digits(*high)),
        Some([number]) if plain.chars().count() > letters => two_digits(*number),
        _ => plain,
    };
    (short.chars().count() <= letters).then_some(short)
}

/// A number, or the two ends of a group of them; none of what is none.
fn numbers(value: &str) -> Option<Vec<f64>> {
    value.split(" to ").map(|number| number.parse().ok()).collect()
}

fn two_digits(value: f64) -> String {
    short(format!("{value:.1e}").parse().unwrap_or(value))
}

/// Of one value or more: their mean, and the deviation of two or more.
fn moments(values: &[f64]) -> (f64, Option<f64>) {
    let (mean, deviation) = mean_and_deviation(values);
    (mean.unwrap_or(f64::NAN), deviation)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_stand_by_importance_and_what_they_are_called_is_text() {
        let few = [("1".to_owned(), vec![0.5])];
        let many = [
            ("\"<b>\"".to_owned(), vec![0.25, 0.75]),
            ("long ".repeat(20), vec![0.5, f64::NAN]),
            ("none".to_owned(), vec![]),
        ];
        let keys = [
            ShownKey { name: "a", share: None, groups: &few },
            ShownKey { name: "<i>", share: Some(0.7), groups: &many },
        ];
        let html = SweptKeys { objective: "val_acc", keys: &keys }.section();
        assert!(html.find("&lt;i&gt;").unwrap() < html.find(">a<").unwrap(), "{html}");
        assert!(html.contains("too few points to tell") && html.contains("70"), "{html}");
        assert!(!html.contains("<b>") && !html.contains("<i>") && !html.contains("NaN"), "{html}");
        // 0.25 and 0.75: mean 0.5, deviation √(2 · 0.0625).
        assert!(html.contains("<td>0.5000</td><td>0.3536</td><td>2</td>"), "{html}");
        assert_eq!(html.matches("class=\"dot\"").count(), 4);
    }

    #[test]
    fn values_that_would_be_cut_or_look_alike_are_numbered_and_listed() {
        let shown = |values: &[&str]| labels(values, values.iter().all(|value| numbers(value).is_some()));
        assert_eq!(shown(&["\"adam\"", "\"sgd\""]).unwrap(), ["adam", "sgd"]);
        assert_eq!(shown(&["0.000121129 to 0.000134166", "0.1 to 0.2"]).unwrap(), ["1.2e-4–1.3e-4", "0.1–0.2"]);
        assert_eq!(shown(&["0.10001 to 0.10002", "0.10003 to 0.10004"]), None);
        let texts = ["512 batch_norm relu, 256 batch_norm relu", "512 batch_norm relu, 256 batch_norm gelu"];
        assert_eq!(shown(&texts), None);
        let groups = texts.map(|value| (format!("\"{value}\""), vec![0.5]));
        let html = ShownKey { name: "k", share: None, groups: &groups }.figure("val_acc");
        let list = format!("<ol class=\"values\"><li>{}</li><li>{}</li></ol>", texts[0], texts[1]);
        assert!(html.contains(&list) && html.contains(">1<title>") && html.contains(">2<title>"), "{html}");
        let many: Vec<_> = (0..40).map(|value| (format!("w{value}"), vec![0.5])).collect();
        let html = ShownKey { name: "k", share: None, groups: &many }.figure("val_acc");
        assert_eq!((html.matches("<li>").count(), html.matches("<title>").count()), (40, 20));
    }

    #[test]
    fn many_values_and_many_points_make_a_chart_of_bounded_size() {
        let groups: Vec<_> = (0..40).map(|value| (value.to_string(), vec![value as f64; 10_000])).collect();
        let html = ShownKey { name: "k", share: Some(1.0), groups: &groups }.figure("val_loss");
        assert!(html.len() < 500_000 && html.matches("<title>").count() <= 7, "{}", html.len());
    }
}
