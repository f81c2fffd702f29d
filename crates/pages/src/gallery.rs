//! The images of a page: which are shown, in one picture, and where each stands in it.

use std::collections::HashMap;
use std::fmt::Write as _;

use serde_json::{Value, json};

use crate::classified::{LARGEST_TABLE, TestImages, Tested};
use crate::number::percent;
use crate::outcomes::Chosen;
use crate::pictures::{COLUMNS, Shape, data_uri, sprite};

/// The images that are shown, and where each is in their picture.
pub(crate) struct Gallery {
    pub(crate) chosen: Chosen,
    places: HashMap<usize, usize>,
    /// The picture as a rule of the page's style.
    pub(crate) style: String,
}

impl Gallery {
    pub(crate) fn of(tested: &Tested<'_>, images: &TestImages<'_>) -> Result<Self, String> {
        let shape = Shape::of(images.shape).ok_or_else(|| format!("images of {:?} cannot be shown", images.shape))?;
        let classes = tested.classes.len();
        let chosen = Chosen::of(tested.results, classes, classes <= LARGEST_TABLE, shape.most());
        let shown: Vec<usize> = chosen.images().into_iter().take(shape.most()).collect();
        let pictures: Option<Vec<Vec<u8>>> = shown.iter().map(|at| (images.image)(*at)).collect();
        let pictures = pictures.ok_or("an image could not be read")?;
        let places = shown.iter().enumerate().map(|(place, at)| (*at, place)).collect();
        let Some(png) = sprite(shape, &pictures) else {
            return Ok(Self { chosen: Chosen::default(), places, style: String::new() });
        };
        let small = shape.reduced();
        let columns = COLUMNS.min(shown.len());
        // At least two pixels of the screen for one of the image's, as far as 64.
        let zoom = (64 / small.width.max(small.height)).max(1);
        let style = format!(
            ".shot i{{width:{w}px;height:{h}px;background-image:url({});background-size:{}px auto;background-position:calc(var(--x)*-{w}px) calc(var(--y)*-{h}px)}}",
            data_uri(&png),
            columns * small.width * zoom,
            w = small.width * zoom,
            h = small.height * zoom,
        );
        Ok(Self { chosen, places, style })
    }

    /// Column and row of an image.
    fn place(&self, at: usize) -> Option<[usize; 2]> {
        let columns = COLUMNS.min(self.places.len()).max(1);
        self.places.get(&at).map(|place| [place % columns, place / columns])
    }

    pub(crate) fn sheet(&self, tested: &Tested<'_>, images: &[usize]) -> String {
        let mut html = String::from("<ul class=\"shots\">");
        for at in images {
            let (Some([x, y]), Some(result)) = (self.place(*at), tested.results.get(*at)) else { continue };
            let (label, predicted) = (tested.class(result.label), tested.class(result.predicted));
            let says = if result.is_right() {
                format!("{label} {}", percent(result.confidence))
            } else {
                format!(
                    "{label}, taken for <b>{predicted}</b> {} ({label} {})",
                    percent(result.confidence),
                    percent(result.of_label)
                )
            };
            let _ = write!(
                html,
                "<li class=\"shot\"><i role=\"img\" aria-label=\"test image {at}\" style=\"--x:{x};--y:{y}\"></i><span>{says}</span></li>"
            );
        }
        html + "</ul>"
    }

    /// `{"row,column": [[x, y, image, confidence in percent], …]}`.
    pub(crate) fn cells(&self, tested: &Tested<'_>) -> Value {
        let classes = tested.classes.len().max(1);
        let shot = |at: &usize| {
            let [x, y] = self.place(*at)?;
            Some(json!([x, y, at, percent(tested.results.get(*at)?.confidence)]))
        };
        let cells = self.chosen.cells.iter().enumerate().filter(|(_, cell)| !cell.is_empty());
        let cell = |(at, cell): (usize, &Vec<usize>)| {
            (format!("{},{}", at / classes, at % classes), cell.iter().filter_map(shot).collect())
        };
        Value::Object(cells.map(cell).collect())
    }
}
