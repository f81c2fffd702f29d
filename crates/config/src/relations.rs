//! What holds between keys.

mod training;

use strata_spec::{
    AugmentChange, DatasetKind, DatasetSpec, InputSpec, Integers, LossKind, NetworkSpec, ScheduleSpec, ranges,
};

use crate::error::ConfigError;
use crate::keys;
use crate::settings::Settings;
use crate::values::Values;
use crate::written::Written;
use training::{accumulation, averaging, checkpoints, class_weights, epochs, muon, schedules};

/// Checks what no key's own range can say, and gives the network, which the keys of two sections make.
pub(crate) fn check(written: &Written<'_, '_>, values: &Values) -> Result<NetworkSpec, ConfigError> {
    let settings = Settings::of(values);
    own_data(written, values, &settings)?;
    inputs(written, &settings)?;
    validation(written, &settings)?;
    keys::check_augment(written, &settings)?;
    let network = network(written, &settings)?;
    batch_norm(written, &settings, &network)?;
    metrics(written, &settings)?;
    has_phases(written)?;
    epochs(written, &settings)?;
    accumulation(written, &settings)?;
    class_weights(written, values, &settings)?;
    muon(written, &settings, &network)?;
    schedules(written, &settings)?;
    averaging(written, &settings)?;
    checkpoints(written, &settings)?;
    mirrored(written, &settings, &network)?;
    Ok(network)
}

/// Lists are not too long, before any of their tables is read.
pub(crate) fn check_lists(written: &Written<'_, '_>) -> Result<(), ConfigError> {
    for (name, most, what) in [("phases", ranges::PHASES, "phases"), ("augment", ranges::AUGMENTATIONS, "tables")] {
        if let Some((span, count)) = written.list(name).filter(|(_, count)| *count > most) {
            return Err(written.document.fault(span, Some(name), format!("{count} {what}; at most {most} are taken")));
        }
    }
    Ok(())
}

fn has_phases(written: &Written<'_, '_>) -> Result<(), ConfigError> {
    let expected = keys::expects("phases");
    match written.list("phases") {
        None => Err(written.document.missing("phases", format!("missing: expected {expected}"))),
        Some((span, 0)) => Err(written.document.wrong(span, "phases", format!("expected {expected}"))),
        Some(_) => Ok(()),
    }
}

/// What a data set of one's own has and what the config says of it.
fn own_data(written: &Written<'_, '_>, values: &Values, settings: &Settings) -> Result<(), ConfigError> {
    let range = |key: &str, range: Integers, found: usize| match i64::try_from(found).is_ok_and(|n| range.contains(n)) {
        true => Ok(()),
        false => Err(fault(written, key, format!("expected an integer {range}, not {found}"))),
    };
    let drawn = match values.own_data {
        Some(found) if found.test.is_none() => settings.dataset.kind.test_images().unwrap_or_default(),
        _ => 0,
    };
    if let Some(found) = values.own_data.filter(|found| drawn >= found.train) {
        let message = format!("there are {} images without a test part: fewer are drawn to test on", found.train);
        return Err(fault(written, keys::TEST.path(), message));
    }
    match &settings.dataset.kind {
        DatasetSpec::Published { .. } => return Ok(()),
        DatasetSpec::Synthetic { train, test, .. } => {
            range(keys::TRAIN.path(), ranges::SYNTHETIC, *train)?;
            return range(keys::TEST.path(), ranges::SYNTHETIC, *test);
        }
        DatasetSpec::Own { kind: DatasetKind::Images, shape: [0 | 2 | 4.., ..], .. } => {
            return Err(fault(written, keys::SHAPE.path(), "image files give 1 or 3 channels".to_owned()));
        }
        DatasetSpec::Own { train, test, classes, .. } => {
            for (key, found) in
                [(keys::CLASSES.path(), *classes), (keys::TRAIN.path(), *train), (keys::TEST.path(), *test)]
            {
                if found == 0 && written.at(key).is_none() {
                    let message =
                        format!("missing: expected {}; arrays are not read before it is known", keys::expects(key));
                    return Err(written.document.missing(key, message));
                }
            }
            range(keys::TRAIN.path(), ranges::IMAGES, *train)?;
            range(keys::TEST.path(), ranges::IMAGES, *test)?;
        }
    }
    let Some(found) = values.own_data else { return Ok(()) };
    range(keys::CLASSES.path(), ranges::CLASSES, found.classes)?;
    let all = found.train + found.validation.unwrap_or_default() - drawn;
    let said = [
        (keys::CLASSES.path(), settings.dataset.kind.classes(), Some(found.classes)),
        (keys::TEST.path(), settings.dataset.kind.test_images().unwrap_or_default(), found.test),
        (keys::TRAIN.path(), settings.dataset.kind.train_images(), Some(all)),
        (keys::VALIDATION.path(), settings.dataset.validation, found.validation),
    ];
    for (key, said, found) in said {
        if let Some(found) = found.filter(|found| *found != said) {
            return Err(fault(written, key, format!("{found} are there, not {said}; leave it out")));
        }
    }
    Ok(())
}

fn validation(written: &Written<'_, '_>, settings: &Settings) -> Result<(), ConfigError> {
    let train = settings.dataset.kind.train_images();
    let range = keys::validation_range(train);
    if i64::try_from(settings.dataset.validation).is_ok_and(|validation| range.contains(validation)) {
        let left = train - settings.dataset.validation;
        return match settings.dataset.limit.filter(|limit| !(1..left).contains(limit)) {
            None => Ok(()),
            Some(_) => {
                let range = Integers { least: 1, most: i64::try_from(left).unwrap_or(i64::MAX) - 1 };
                let message = format!("expected an integer {range}, since {left} images are there to train on");
                Err(fault(written, keys::LIMIT.path(), message))
            }
        };
    }
    let message = format!("expected an integer {range}, since {train} images are there to split");
    Err(fault(written, keys::VALIDATION.path(), message))
}

fn network(written: &Written<'_, '_>, settings: &Settings) -> Result<NetworkSpec, ConfigError> {
    let network = settings.model.network(settings.dataset.inputs(), settings.dataset.kind.classes());
    let network = network.and_then(|network| network.check_limits().map(|()| network));
    network.map_err(|error| {
        let (key, advice) = match &settings.model.network {
            Some(_) => {
                let (inputs, classes) = (settings.dataset.inputs(), settings.dataset.kind.classes());
                (
                    keys::NETWORK.path(),
                    format!(" (a sample has {inputs} features, and the last layer to {classes} classes is added)"),
                )
            }
            None => (keys::HIDDEN.path(), String::new()),
        };
        fault(written, key, format!("{error}{advice}"))
    })
}

/// A network's first width has the range of any other.
fn inputs(written: &Written<'_, '_>, settings: &Settings) -> Result<(), ConfigError> {
    if let InputSpec::Frequencies { coefficients, .. } = settings.dataset.input {
        let [_, height, width] = settings.dataset.kind.shape();
        if coefficients == 0 || coefficients > height * width {
            let range = Integers { least: 1, most: i64::try_from(height * width).unwrap_or(i64::MAX) };
            let message = format!("expected an integer {range}, since a channel has {height} x {width} pixels");
            return Err(fault(written, keys::COEFFICIENTS.path(), message));
        }
    }
    let inputs = settings.dataset.inputs();
    if i64::try_from(inputs).is_ok_and(|inputs| ranges::WIDTH.contains(inputs)) {
        return Ok(());
    }
    let message = format!("makes {inputs} inputs of an image; at most {} are taken", ranges::WIDTH.most);
    let place = match settings.dataset.input {
        InputSpec::Pixels { .. } => keys::SHAPE.path(),
        InputSpec::Frequencies { .. } => keys::COEFFICIENTS.path(),
    };
    Err(fault(written, place, message))
}

/// Under batch normalisation no training batch may be of one sample, which has no variance; an epoch's last batch is what the others leave.
fn batch_norm(written: &Written<'_, '_>, settings: &Settings, network: &NetworkSpec) -> Result<(), ConfigError> {
    let batch = settings.dataset.batch.get();
    let samples = settings.training_images();
    let last = if samples.is_multiple_of(batch) { batch.min(samples) } else { samples % batch };
    if !network.has_batch_norm() || last > 1 {
        return Ok(());
    }
    let message = format!(
        "leaves 1 of {samples} training images for an epoch's last batch, and batch normalisation (model.network) needs 2: another batch, or \
         another dataset.validation or dataset.limit"
    );
    Err(fault(written, keys::BATCH.path(), message))
}

/// A network that is the same for an image and its mirror image needs none of what makes it so.
fn mirrored(written: &Written<'_, '_>, settings: &Settings, network: &NetworkSpec) -> Result<(), ConfigError> {
    if !network.is_mirrored() {
        return Ok(());
    }
    let message = || "has no effect: the network is mirrored(…), the same for an image and its mirror image".to_owned();
    if settings.evaluation.mirrored {
        return Err(fault(written, keys::MIRRORED.path(), message()));
    }
    // Before other changes, or mixed with an image that is not mirrored, it is another image.
    let is_mirror = |change: AugmentChange| matches!(change, AugmentChange::Mirror { .. });
    if !settings.augment.is_empty() && settings.augment.iter().all(|spec| is_mirror(spec.change)) {
        return Err(fault(written, "augment.0.kind", message()));
    }
    Ok(())
}

/// Each metric says something of the data set's classes, and what epochs are judged by is measured.
fn metrics(written: &Written<'_, '_>, settings: &Settings) -> Result<(), ConfigError> {
    let classes = settings.dataset.kind.classes();
    for name in &settings.metrics {
        let Some(metric) = strata_metrics::find(name) else { continue };
        if let Err(reason) = metric.check(classes) {
            return Err(fault(written, keys::METRICS.path(), format!("{name}: {reason}")));
        }
        if metric.is_of_probabilities() && settings.loss.kind() == LossKind::MeanSquaredError {
            let message =
                format!("{name} is of probabilities, and a network trained by loss.kind = \"mse\" gives none");
            return Err(fault(written, keys::METRICS.path(), message));
        }
    }
    let stopping = settings.early_stopping.as_ref().map(|stopping| (keys::METRIC.path(), &stopping.metric));
    let stopping = stopping.map(|(place, metric)| (place.to_owned(), metric));
    let watched = settings.phases.iter().enumerate().filter_map(|(number, phase)| match &phase.schedule {
        ScheduleSpec::Plateau { metric, .. } => Some((format!("phases.{number}.metric"), metric)),
        _ => None,
    });
    let best = (keys::BEST.path().to_owned(), &settings.checkpoint.best);
    for (place, criterion) in stopping.into_iter().chain([best]).chain(watched) {
        let metric = criterion.key.strip_prefix("val_").filter(|name| !["loss", "acc"].contains(name));
        if let Some(name) = metric.filter(|name| !settings.metrics.iter().any(|measured| measured == name)) {
            return Err(fault(
                written,
                &place,
                format!("is not measured; add \"{name}\" to `{}`", keys::METRICS.path()),
            ));
        }
    }
    Ok(())
}

/// That the value of `key` is wrong, where it is written, else that the one it has is.
fn fault(written: &Written<'_, '_>, key: &str, message: String) -> ConfigError {
    match written.at(key) {
        Some(value) => written.document.wrong(value.span(), key, message),
        None => written.document.missing(key, message),
    }
}
