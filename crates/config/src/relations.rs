//! What holds between keys.

use strata_spec::{AveragingSpec, ranges};

use crate::error::ConfigError;
use crate::keys;
use crate::settings::Settings;
use crate::values::Values;
use crate::written::Written;

/// Checks what no key's own range can say.
pub(crate) fn check(written: &Written<'_, '_>, values: &Values) -> Result<(), ConfigError> {
    let settings = Settings::of(values);
    inputs(written, &settings)?;
    validation(written, &settings)?;
    parameters(written, &settings)?;
    has_phases(written)?;
    epochs(written, &settings)?;
    averaging(written, &settings)
}

/// At most 1,000 phases, before any of them is read.
pub(crate) fn check_phase_count(written: &Written<'_, '_>) -> Result<(), ConfigError> {
    match written.list("phases") {
        Some((span, phases)) if phases > ranges::PHASES => {
            let message = format!("{phases} phases; at most {} are taken", ranges::PHASES);
            Err(written.document.fault(span, Some("phases"), message))
        }
        _ => Ok(()),
    }
}

fn has_phases(written: &Written<'_, '_>) -> Result<(), ConfigError> {
    let expected = keys::expects("phases");
    match written.list("phases") {
        None => Err(written.document.missing("phases", format!("missing: expected {expected}"))),
        Some((span, 0)) => Err(written.document.wrong(span, "phases", format!("expected {expected}"))),
        Some(_) => Ok(()),
    }
}

fn validation(written: &Written<'_, '_>, settings: &Settings) -> Result<(), ConfigError> {
    let train = settings.dataset.kind.train_images();
    let range = keys::validation_range(train);
    if i64::try_from(settings.dataset.validation).is_ok_and(|validation| range.contains(validation)) {
        return Ok(());
    }
    let message = format!("expected an integer {range}, since {train} images are there to split");
    let place = keys::VALIDATION.path();
    Err(match written.at(place) {
        Some(value) => written.document.wrong(value.span(), place, message),
        None => written.document.missing(place, message),
    })
}

/// A network's first width has the range of any other.
fn inputs(written: &Written<'_, '_>, settings: &Settings) -> Result<(), ConfigError> {
    let inputs = settings.dataset.kind.inputs();
    if i64::try_from(inputs).is_ok_and(|inputs| ranges::WIDTH.contains(inputs)) {
        return Ok(());
    }
    let message = format!("makes {inputs} inputs of an image; at most {} are taken", ranges::WIDTH.most);
    let place = keys::SHAPE.path();
    Err(match written.at(place) {
        Some(value) => written.document.wrong(value.span(), place, message),
        None => written.document.missing(place, message),
    })
}

fn parameters(written: &Written<'_, '_>, settings: &Settings) -> Result<(), ConfigError> {
    let layers = settings.widths();
    let parameters: u64 = layers.windows(2).map(|pair| (pair[0] as u64 + 1) * pair[1] as u64).sum();
    if parameters <= ranges::PARAMETERS {
        return Ok(());
    }
    let most = ranges::PARAMETERS;
    let message = format!("makes {parameters} parameters; at most {most} (4 GB) are taken: narrow a layer");
    let place = keys::HIDDEN.path();
    Err(match written.at(place) {
        Some(value) => written.document.wrong(value.span(), place, message),
        None => written.document.missing(place, message),
    })
}

fn epochs(written: &Written<'_, '_>, settings: &Settings) -> Result<(), ConfigError> {
    let total = settings.epochs();
    if i64::try_from(total).is_ok_and(|total| ranges::EPOCHS.contains(total)) {
        return Ok(());
    }
    let message = format!("{total} epochs in all; at most {} are taken", ranges::EPOCHS.most);
    Err(match written.list("phases") {
        Some((span, _)) => written.document.fault(span, Some("phases"), message),
        None => written.document.missing("phases", message),
    })
}

/// A mean of one step, or of none, would be no mean.
fn averaging(written: &Written<'_, '_>, settings: &Settings) -> Result<(), ConfigError> {
    let (AveragingSpec::Equal { .. }, steps) = (settings.averaging, settings.steps()) else { return Ok(()) };
    let before = settings.averaging.steps_before(steps);
    if steps - before >= 2 {
        return Ok(());
    }
    let message =
        format!("begins after step {before} of the run's {steps}: two steps at least must be left to average");
    let place = keys::AVERAGING_START.path();
    Err(match written.at(place) {
        Some(value) => written.document.wrong(value.span(), place, message),
        None => written.document.missing(place, message),
    })
}
