//! A page with as much of everything as a run may have, every text of it hostile.

use std::collections::HashSet;
use std::sync::OnceLock;

use strata_metrics::SampleResult;
use strata_report::{HistoryRow, Part};

use super::*;
use crate::{InputBasis, TestImages};

const HOSTILE: &str = "</script><script>alert(1)</script>\"'><img src=x onerror=alert(2)>\u{202e}\0";

/// A page whose every text is hostile, with as much of everything as a run may have.
fn page() -> &'static str {
    static PAGE: OnceLock<String> = OnceLock::new();
    PAGE.get_or_init(|| make(100_000))
}

fn make(epochs: usize) -> String {
    let mut record = Record::new(HOSTILE, vec![HOSTILE.to_owned(); 3]);
    record.reason = Some(HOSTILE.to_owned());
    record.hyperparameters.insert(HOSTILE.to_owned(), HOSTILE.into());
    record.dataset.folder = Some(HOSTILE.to_owned());
    record.environment.machine = HOSTILE.to_owned();
    record.parts = vec![Part { working_directory: HOSTILE.to_owned(), ..Part::default() }; 1000];
    record.metrics.values.insert(HOSTILE.to_owned(), 0.5);
    let row = |epoch: usize| {
        let mut row = HistoryRow::initial(2.0, 0.5);
        (row.epoch, row.phase) = (Some(epoch), Some(epoch));
        row.values.insert(format!("val_{HOSTILE}"), 0.25);
        HistoryEntry::new(row, 1.0)
    };
    let history: Vec<_> = (0..epochs).map(row).collect();
    let notes = Notes { notes: vec![(HOSTILE.to_owned(), HOSTILE.repeat(1000)); 200], tags: vec![HOSTILE.to_owned()] };
    let classes: Vec<String> = (0..10).map(|class| format!("{class}{HOSTILE}")).collect();
    let result = |at: u32| SampleResult {
        label: at % 10,
        predicted: at / 10 % 10,
        rank: 1,
        confidence: f64::from(at % 997) / 997.0,
        of_label: 0.1,
    };
    let results: Vec<_> = (0..10_000).map(result).collect();
    // Noise, which no compression makes smaller.
    let mut state = 1u32;
    let mut noise = move || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as u8
    };
    let pixels: Vec<u8> = (0..100_000).map(|_| noise()).collect();
    let image = |at: usize| Some(pixels[at * 9..][..3072].to_vec());
    let weights: Vec<f32> = (0..64 * 3072).map(|at| (at as f32).sin()).collect();
    let tensors = vec![WeightTensor { name: HOSTILE, shape: &[5, 100], values: &weights[..500] }; 70];
    RunPage {
        record: &record,
        history: &history,
        notes: Ok(&notes),
        config: &HOSTILE.repeat(10_000),
        config_path: HOSTILE,
        changes: &[UncommittedChange { file: HOSTILE.to_owned(), text: format!("+{HOSTILE}\n").repeat(10_000) }],
        files: &[FileOfRun { name: HOSTILE.to_owned(), bytes: Some(1) }],
        tested: Ok(Tested {
            classes: &classes,
            results: &results,
            images: Ok(TestImages { shape: [3, 32, 32], image: &image }),
        }),
        weights: Ok(&tensors),
        first_layer: Some(FirstLayer {
            weights: &weights,
            image: [3, 32, 32],
            inputs: InputBasis::Pixels { deviation: &[1.0; 3] },
        }),
    }
    .html()
}

#[test]
fn nothing_from_outside_becomes_markup() {
    let html = page();
    assert_eq!(html.matches("<script").count(), 2, "the data and the script");
    assert_eq!(html.matches("</script>").count(), 2);
    assert!(!html.contains("<img src=x") && !html.contains('\0') && !html.contains('\u{202e}'));
    let without_data = html.replace("data:image/png", "").replace("data:,", "").replace("img-src data:", "");
    for far in ["http:", "https:", "src=\"/", "@import", "url(h"] {
        assert!(!without_data.contains(far), "{far}");
    }
}

#[test]
fn identifiers_are_unique_and_what_refers_to_one_finds_it() {
    let html = page();
    let values = |name: &str| -> Vec<&str> {
        html.split(&format!(" {name}=\"")).skip(1).map(|rest| rest.split('"').next().unwrap()).collect()
    };
    let ids = values("id");
    let known: HashSet<&str> = ids.iter().copied().collect();
    assert_eq!(known.len(), ids.len(), "{ids:?}");
    let mut referred: Vec<&str> =
        ["aria-labelledby", "aria-describedby", "aria-controls"].iter().flat_map(|name| values(name)).collect();
    referred.extend(values("href").into_iter().filter_map(|address| address.strip_prefix('#')));
    assert!(referred.len() > 100 && referred.iter().all(|id| known.contains(id)), "{referred:?}");
}

#[test]
fn elements_are_closed_in_the_order_in_which_they_were_opened() {
    const VOID: [&str; 5] = ["meta", "link", "img", "path", "!doctype"];
    let html = page();
    let body = html.split("<script").next().unwrap();
    let mut open: Vec<&str> = Vec::new();
    // The style holds no `<`, and text none but as a reference.
    for tag in body.split('<').skip(1) {
        let name = tag.split([' ', '>', '/']).find(|part| !part.is_empty()).unwrap();
        if tag.starts_with('/') {
            assert_eq!(open.pop(), Some(name), "{}", &tag[..tag.len().min(100)]);
        } else if !VOID.contains(&name) {
            open.push(name);
        }
    }
    assert_eq!(open, ["html", "body"]);
}

#[test]
fn the_largest_page_is_below_three_megabytes() {
    let html = page();
    assert!(html.len() < 3_000_000, "{} bytes", html.len());
}
