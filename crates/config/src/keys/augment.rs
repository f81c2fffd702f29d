//! `[[augment]]`: how training images are changed, anew in each epoch.

use strata_spec::ranges::{self, Integers};
use strata_spec::{AugmentChange, AugmentKind, AugmentSpec, Edges, LossKind};

use crate::error::ConfigError;
use crate::handle::Key;
use crate::key::Fallback::{Is, Required, WorkedInTable};
use crate::key::{Section, When, keys, tables};
use crate::settings::Settings;
use crate::takes::Takes::{Boolean, Choice, IntegerTo, Number, Pair};
use crate::takes::choices;
use crate::value::{Value, boolean, named, number, pair, size};
use crate::values::Values;
use crate::written::Written;

pub(super) const AUGMENT_SECTION: Section = tables(
    "augment",
    "At most 32 tables: what is done to the training images, in this order. It is drawn anew in each epoch, by the seed alone; validation and test images are \
     left as they are. Mixing a batch comes last. A key of another kind is an error, unless its value is the default.",
    ENTRIES,
);

keys! {
    /// what is done
    AUGMENT: AugmentKind, named => "augment[].kind", Choice(choices::<AugmentKind>), Required, None, Some("augment.kind");
    /// whether an image is mirrored in every other epoch, half of the images in each, in place of at random
    ALTERNATE: bool, boolean => "augment[].alternate", Boolean, Is("false"), Some(OF_MIRROR), Some("augment.alternate");
    /// the share of the images (of the batches, of mixup and cutmix) that it is done to; 0.5 of mirror
    PROBABILITY: f64, number => "augment[].probability", Number(ranges::SHARE), WorkedInTable { words: "1.0 (mirror 0.5)", out: probability },
        Some(AT_RANDOM), Some("augment.probability");
    /// the most that an image is moved, each way
    PIXELS: usize, size => "augment[].pixels", IntegerTo { least: 1, most: "one below the image's shorter side" }, Required, Some(OF_SHIFT), Some("augment.pixels");
    /// what lies beyond the edges of an image that is moved
    EDGES: Edges, named => "augment[].edges", Choice(choices::<Edges>), Is("\"zero\""), Some(OF_SHIFT), Some("augment.edges");
    /// the least and the largest share of the image's area that is kept
    AREA: [f64; 2], pair => "augment[].area", Pair(ranges::POSITIVE_SHARE), Is("[0.08, 1.0]"), Some(OF_CROP), Some("augment.area");
    /// the least and the largest width over height of what is kept
    RATIO: [f64; 2], pair => "augment[].ratio", Pair(ranges::RATIO), Is("[0.75, 1.3333333333333333]"), Some(OF_CROP), Some("augment.ratio");
    /// the most that an image is turned, either way
    DEGREES: f64, number => "augment[].degrees", Number(ranges::DEGREES), Required, Some(OF_ROTATE), Some("augment.degrees");
    /// the square's side in pixels
    SIZE: usize, size => "augment[].size", IntegerTo { least: 1, most: "the image's longer side" }, Required, Some(OF_CUTOUT), Some("augment.size");
    /// brightness is multiplied by 1 - x to 1 + x
    BRIGHTNESS: f64, number => "augment[].brightness", Number(ranges::JITTER), Is("0.0"), Some(OF_JITTER), Some("augment.brightness");
    /// contrast is multiplied by 1 - x to 1 + x
    CONTRAST: f64, number => "augment[].contrast", Number(ranges::JITTER), Is("0.0"), Some(OF_JITTER), Some("augment.contrast");
    /// saturation is multiplied by 1 - x to 1 + x; images of three channels have one
    SATURATION: f64, number => "augment[].saturation", Number(ranges::JITTER), Is("0.0"), Some(OF_JITTER), Some("augment.saturation");
    /// the share that an image keeps is drawn from Beta(alpha, alpha), one for each mixed batch
    MIX_ALPHA: f64, number => "augment[].alpha", Number(ranges::ALPHA), Is("1.0"), Some(OF_MIXES), Some("augment.alpha");
}

/// The changes in order.
pub(crate) fn augment(values: &Values) -> Vec<AugmentSpec> {
    (0..values.tables("augment")).filter_map(|index| one(values, index)).collect()
}

fn one(values: &Values, index: usize) -> Option<AugmentSpec> {
    fn of<T: Default>(values: &Values, key: &Key<T>, index: usize) -> T {
        values.in_phase(key, index).unwrap_or_default()
    }
    let change = match values.in_phase(&AUGMENT, index)? {
        AugmentKind::Mirror => AugmentChange::Mirror { alternate: of(values, &ALTERNATE, index) },
        AugmentKind::Shift => {
            AugmentChange::Shift { pixels: of(values, &PIXELS, index), edges: of(values, &EDGES, index) }
        }
        AugmentKind::Crop => AugmentChange::Crop { area: of(values, &AREA, index), ratio: of(values, &RATIO, index) },
        AugmentKind::Rotate => AugmentChange::Rotate { degrees: of(values, &DEGREES, index) },
        AugmentKind::Cutout => AugmentChange::Cutout { size: of(values, &SIZE, index) },
        AugmentKind::ColourJitter => AugmentChange::ColourJitter {
            brightness: of(values, &BRIGHTNESS, index),
            contrast: of(values, &CONTRAST, index),
            saturation: of(values, &SATURATION, index),
        },
        AugmentKind::MixUp => AugmentChange::MixUp { alpha: of(values, &MIX_ALPHA, index) },
        AugmentKind::CutMix => AugmentChange::CutMix { alpha: of(values, &MIX_ALPHA, index) },
    };
    Some(AugmentSpec { probability: of(values, &PROBABILITY, index), change })
}

fn probability(values: &Values, index: usize) -> Option<Value> {
    Some(Value::Number(if values.in_phase(&AUGMENT, index) == Some(AugmentKind::Mirror) { 0.5 } else { 1.0 }))
}

/// A number of some kinds.
macro_rules! of_kinds {
    ($($kind:ident)|+, $takers:literal) => {
        When {
            holds: |_| false,
            in_phase: Some(|values, index| matches!(values.in_phase(&AUGMENT, index), Some($(AugmentKind::$kind)|+))),
            otherwise: |_, name| format!("has no effect: `{name}` is of {}", $takers),
        }
    };
}
const OF_MIRROR: When = of_kinds!(Mirror, "mirror");
const OF_SHIFT: When = of_kinds!(Shift, "shift");
const OF_CROP: When = of_kinds!(Crop, "crop");
const OF_ROTATE: When = of_kinds!(Rotate, "rotate");
const OF_CUTOUT: When = of_kinds!(Cutout, "cutout");
const OF_JITTER: When = of_kinds!(ColourJitter, "colour_jitter");
const OF_MIXES: When = of_kinds!(MixUp | CutMix, "mixup and cutmix");
const AT_RANDOM: When = When {
    holds: |_| false,
    in_phase: Some(|values, index| values.in_phase(&ALTERNATE, index) != Some(true)),
    otherwise: |_, name| format!("has no effect: with alternate = true there is no `{name}`"),
};

/// What no key's own range can say: sizes beside those of the images, pairs in order, the order of the list.
pub(crate) fn check_augment(written: &Written<'_, '_>, settings: &Settings) -> Result<(), ConfigError> {
    let [channels, height, width] = settings.dataset.kind.shape();
    let (mut mixed, mut mixes) = (0.0, false);
    for (index, spec) in settings.augment.iter().enumerate() {
        let wrong = |key: &'static str, message: String| {
            let place = key.replace("[]", &format!(".{index}"));
            let table = format!("augment.{index}");
            match written.at(&place) {
                Some(value) => written.document.wrong(value.span(), &place, message),
                None => match written.at(&table) {
                    Some(value) => written.document.fault(value.span(), Some(&place), message),
                    None => written.document.missing(&place, message),
                },
            }
        };
        let up_to = |most: usize| Integers { least: 1, most: i64::try_from(most).unwrap_or(i64::MAX) };
        let is_in = |value: usize, range: Integers| i64::try_from(value).is_ok_and(|value| range.contains(value));
        let of_images =
            |range: Integers| format!("expected an integer {range}, since the images are {height} x {width}");
        let is_mix = matches!(spec.change, AugmentChange::MixUp { .. } | AugmentChange::CutMix { .. });
        if mixes && !is_mix {
            let kind = spec.change.kind();
            return Err(wrong(AUGMENT.path(), format!("{kind} comes before what mixes a batch: move it up")));
        }
        match spec.change {
            AugmentChange::Shift { pixels, .. } if !is_in(pixels, up_to(height.min(width) - 1)) => {
                return Err(wrong(
                    PIXELS.path(),
                    match height.min(width) {
                        1 => format!("images of {height} x {width} cannot be moved within themselves"),
                        shorter => of_images(up_to(shorter - 1)),
                    },
                ));
            }
            AugmentChange::Cutout { size } if !is_in(size, up_to(height.max(width))) => {
                return Err(wrong(SIZE.path(), of_images(up_to(height.max(width)))));
            }
            AugmentChange::Crop { area, ratio } => {
                for (key, [least, most]) in [(AREA.path(), area), (RATIO.path(), ratio)] {
                    if least > most {
                        return Err(wrong(key, "expected the least first, then the largest".to_owned()));
                    }
                }
            }
            AugmentChange::ColourJitter { saturation, .. } if saturation > 0.0 && channels != 3 => {
                let message =
                    format!("images of {channels} channels have no saturation; those of red, green and blue have");
                return Err(wrong(SATURATION.path(), message));
            }
            AugmentChange::ColourJitter { brightness, contrast, saturation }
                if brightness + contrast + saturation == 0.0 =>
            {
                let message = "has no effect: give it brightness, contrast or saturation above 0".to_owned();
                return Err(wrong(AUGMENT.path(), message));
            }
            _ => {}
        }
        if is_mix {
            (mixed, mixes) = (mixed + spec.probability, true);
            if settings.loss.kind() == LossKind::MeanSquaredError {
                let kind = spec.change.kind();
                let message =
                    format!("{kind} mixes labels, which loss.kind = \"{}\" does not take", settings.loss.kind());
                return Err(wrong(AUGMENT.path(), message));
            }
            if mixed > AugmentSpec::MOST_MIXED {
                let message = format!(
                    "the probabilities of mixup and cutmix add up to {mixed}; a batch is mixed in one way: at most 1"
                );
                return Err(wrong(PROBABILITY.path(), message));
            }
        }
    }
    Ok(())
}
