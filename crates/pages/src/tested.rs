//! What a network made of the test images: each class, the confusion matrix, confidence, and the images themselves.

use std::fmt::Write as _;

use png::ColorType;
use serde_json::{Value, json};
use strata_metrics::Confusion;

use crate::classified::{LARGEST_TABLE, Tested};
use crate::gallery::Gallery;
use crate::html::{self, text};
use crate::number::{count, percent};
use crate::outcomes::{confusion, top_k};
use crate::pictures::{data_uri, encode};
use crate::reliability;

/// The pairs of classes that are named beside such a picture.
const PAIRS: usize = 40;

/// The section, its part of the style (the images), and what the script shows of a cell.
pub(crate) struct TestedSection {
    pub(crate) html: String,
    pub(crate) style: String,
    pub(crate) cells: Value,
}

impl Tested<'_> {
    pub(crate) fn section(&self) -> TestedSection {
        let classes = self.classes.len();
        let confusion = confusion(self.results, classes);
        let gallery = self.images.as_ref().map_err(Clone::clone).and_then(|images| Gallery::of(self, images));
        let mut html = self.top();
        html += &self.each_class(&confusion);
        let has_images = gallery.as_ref().is_ok_and(|gallery| !gallery.chosen.cells.is_empty());
        html += &match classes <= LARGEST_TABLE {
            true => self.matrix(&confusion, has_images),
            false => self.large_matrix(&confusion),
        };
        html += "<h3 id=\"reliability\">Confidence</h3>";
        html += &reliability::section(self.results);
        let (style, cells) = match gallery {
            Ok(gallery) => {
                html += "<h3 id=\"mistakes\">The most confident mistakes</h3>";
                let wrong = self.results.iter().filter(|result| !result.is_right()).count();
                html += &match (gallery.chosen.mistakes.is_empty(), wrong) {
                    (false, _) => gallery.sheet(self, &gallery.chosen.mistakes),
                    (true, 0) if self.results.is_empty() => "<p>There are no test images.</p>".to_owned(),
                    (true, 0) => "<p>None: each test image is classified rightly.</p>".to_owned(),
                    (true, _) => format!(
                        "<p>{wrong} images are classified wrongly, none with a confidence that is a number.</p>"
                    ),
                };
                html += "<h3 id=\"uncertain\">The least certain images</h3>";
                html += &gallery.sheet(self, &gallery.chosen.uncertain);
                let cells = gallery.cells(self);
                (gallery.style, cells)
            }
            Err(reason) => {
                let _ = write!(html, "<p class=\"missing\">The images are not shown: {}.</p>", text(&reason));
                (String::new(), json!({}))
            }
        };
        TestedSection { html, style, cells }
    }

    fn top(&self) -> String {
        let of = |k: u32| format!("<div><dt>top {k}</dt><dd>{}</dd></div>", percent(top_k(self.results, k)));
        let ks = [1, 2, 3, 5, 10].into_iter().filter(|k| (*k as usize) < self.classes.len());
        let shares: String = ks.map(of).collect();
        let images = count(self.results.len() as u64);
        format!(
            "<p>Of {images} test images, the share whose class is among the likeliest k:</p><dl class=\"figures\">{shares}</dl>"
        )
    }

    fn each_class(&self, confusion: &Confusion) -> String {
        let share = |value: Option<f64>| value.map_or("–".to_owned(), percent);
        let row = |class: usize| {
            let scores = confusion.class(class);
            vec![
                self.class(class as u32),
                share(scores.precision),
                share(scores.recall),
                share(scores.f1),
                count(scores.support),
            ]
        };
        let rows: Vec<_> = (0..self.classes.len()).map(row).collect();
        let table = html::table(
            "Precision, recall and F1 of each class",
            &["class", "precision", "recall", "F1", "images"],
            &rows,
        );
        let folded = if rows.len() > LARGEST_TABLE {
            ("<details><summary>All classes</summary>", "</details>")
        } else {
            ("", "")
        };
        format!("<h3 id=\"classes\">Each class</h3>{}{table}{}", folded.0, folded.1)
    }

    /// A table with a number in each cell, of which a click shows images.
    fn matrix(&self, confusion: &Confusion, has_images: bool) -> String {
        let classes = self.classes.len();
        let note = if has_images { "; a cell shows its images" } else { "" };
        let mut html = format!(
            "<h3 id=\"confusion\">Confusion matrix</h3><p>A row for each class, a column for what its images were taken for{note}.</p>\
             <div class=\"wide\" role=\"region\" tabindex=\"0\" aria-labelledby=\"confusion\"><table class=\"confusion\"><thead><tr><td></td>"
        );
        for class in 0..classes {
            let _ = write!(html, "<th scope=\"col\"><span>{}</span></th>", self.class(class as u32));
        }
        html += "</tr></thead><tbody>";
        for label in 0..classes {
            let row = confusion.row(label);
            let all: u64 = row.iter().sum();
            let name = self.class(label as u32);
            let _ = write!(html, "<tr><th scope=\"row\">{name}</th>");
            for (predicted, number) in row.iter().enumerate() {
                let share = if all > 0 { (*number as f64 / all as f64 * 100.0).round() } else { 0.0 };
                let kind = if label == predicted { " class=\"right\"" } else { "" };
                let _ = match (has_images, number) {
                    (_, 0) => write!(html, "<td{kind}>0</td>"),
                    (false, _) => write!(html, "<td{kind} style=\"--p:{share}\">{number}</td>"),
                    (true, _) => {
                        let taken = self.class(predicted as u32);
                        write!(
                            html,
                            "<td{kind} style=\"--p:{share}\"><button type=\"button\" data-cell=\"{label},{predicted}\" aria-controls=\"cell\" aria-label=\"{number}: {name} taken for {taken}\">{number}</button></td>"
                        )
                    }
                };
            }
            html += "</tr>";
        }
        html += "</tbody></table></div>";
        if has_images {
            html +=
                "<section id=\"cell\" aria-live=\"polite\" aria-label=\"Images of the chosen cell\" hidden></section>";
        }
        html
    }

    /// A picture, a pixel for each cell, and the most frequent confusions as a table.
    fn large_matrix(&self, confusion: &Confusion) -> String {
        let classes = self.classes.len();
        let cell = |(label, predicted): (usize, usize)| {
            let all: u64 = confusion.row(label).iter().sum();
            let share = if all > 0 { confusion.count(label, predicted) as f64 / all as f64 } else { 0.0 };
            // Few are still seen.
            255 - (share.sqrt() * 255.0).round() as u8
        };
        let pixels: Vec<u8> = (0..classes * classes).map(|at| cell((at / classes, at % classes))).collect();
        let mut pairs: Vec<(u64, usize, usize)> = Vec::new();
        for label in 0..classes {
            pairs.extend(
                (0..classes)
                    .filter(|p| *p != label)
                    .map(|p| (confusion.count(label, p), label, p))
                    .filter(|(n, ..)| *n > 0),
            );
        }
        pairs.sort_by(|a, b| b.0.cmp(&a.0).then(a.cmp(b)));
        let row = |(number, label, predicted): &(u64, usize, usize)| {
            vec![self.class(*label as u32), self.class(*predicted as u32), count(*number)]
        };
        let rows: Vec<_> = pairs.iter().take(PAIRS).map(row).collect();
        let picture = encode(classes, classes, ColorType::Grayscale, &pixels).map_or(String::new(), |png| {
            format!("<img class=\"matrix\" alt=\"Confusion matrix of {classes} classes, darker where more images are; the most frequent confusions are in the table\" src=\"{}\">", data_uri(&png))
        });
        let table = html::table("The most frequent confusions", &["class", "taken for", "images"], &rows);
        format!("<h3 id=\"confusion\">Confusion matrix</h3>{picture}<h4>The most frequent confusions</h4>{table}")
    }
}

#[cfg(test)]
mod tests {
    use strata_metrics::SampleResult;

    use super::*;
    use crate::TestImages;

    fn results(classes: u32) -> Vec<SampleResult> {
        let result = |at: u32| {
            let (label, predicted) =
                (at % classes, if at.is_multiple_of(3) { (at + 1) % classes } else { at % classes });
            SampleResult {
                label,
                predicted,
                rank: u32::from(label != predicted),
                confidence: 0.3 + f64::from(at) / 1000.0,
                of_label: 0.2,
            }
        };
        (0..600).map(result).collect()
    }

    #[test]
    fn classes_with_markup_in_their_names_are_text_and_cells_show_images() {
        let classes = ["<script>x</script>".to_owned(), "b\"c".to_owned()];
        let results = results(2);
        let image = |at: usize| Some(vec![at as u8; 12]);
        let images = Ok(TestImages { shape: [3, 2, 2], image: &image });
        let found = Tested { classes: &classes, results: &results, images }.section();
        assert!(!found.html.contains("<script>") && !found.html.contains("b\"c"), "{}", found.html);
        assert_eq!(found.html.matches("data-cell=").count(), 4);
        assert_eq!(found.cells.as_object().unwrap().len(), 4);
        assert!(found.style.contains("data:image/png;base64,"));
        assert!(found.html.contains("taken for <b>b&quot;c</b>"));
    }

    #[test]
    fn images_that_are_not_there_are_missed_with_the_reason_and_the_numbers_stay() {
        let classes = ["a".to_owned(), "b".to_owned()];
        let results = results(2);
        let missing = |_: usize| None;
        for images in [
            Err("they were <moved>".to_owned()),
            Ok(TestImages { shape: [3, 2, 2], image: &missing }),
            Ok(TestImages { shape: [2, 2, 2], image: &missing }),
        ] {
            let found = Tested { classes: &classes, results: &results, images }.section();
            assert!(found.html.contains("The images are not shown: "), "{}", found.html);
            assert!(
                found.html.contains("class=\"confusion\"")
                    && !found.html.contains("data-cell")
                    && found.style.is_empty()
            );
        }
    }

    #[test]
    fn many_classes_give_a_picture_and_the_most_frequent_confusions() {
        let classes: Vec<String> = (0..100).map(|class| format!("class {class}")).collect();
        let results = results(100);
        let found = Tested { classes: &classes, results: &results, images: Err("none".into()) }.section();
        assert!(
            found.html.contains("Confusion matrix of 100 classes") && found.html.len() < 200_000,
            "{}",
            found.html.len()
        );
        let empty = Tested { classes: &classes, results: &[], images: Err("none".into()) }.section();
        assert!(!empty.html.contains("NaN"), "{}", empty.html);
    }
}
