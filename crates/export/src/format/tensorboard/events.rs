//! What is told of a run, as events.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use prost::Message;
use serde_json::Value as Json;
use strata_model::NamedTensor;
use strata_report::{Record, Status};
use strata_spec::HistoryRow;

use super::histogram::histogram;
use super::messages::{
    Any, Dimension, Event, FLOAT, HParams, Image, Metadata, PluginData, START, STRING, SessionEnd, SessionLog,
    SessionStart, Summary, Tensor, TensorShape, Value,
};
use crate::flat::flatten;

/// The tag that each line of the history has, and nothing else.
pub(crate) const LINE: &str = "val_loss";
/// What the tags of what follows the training begin with.
const TEST: &str = "test_";
const END: &str = "_hparams_/session_end_info";

/// Seconds since 1970, now.
pub(crate) fn now() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64()
}

/// Seconds since 1970 of an RFC 3339 time.
pub(crate) fn seconds(time: &str) -> Option<f64> {
    let since = humantime::parse_rfc3339_weak(time).ok()?.duration_since(UNIX_EPOCH);
    since.ok().as_ref().map(Duration::as_secs_f64)
}

/// How many training steps an epoch of the run has; one where the record does not say.
pub(crate) fn steps_of_epoch(record: &Record) -> u64 {
    let count = |name: &str| record.hyperparameters.get(name).and_then(Json::as_u64).filter(|count| *count > 0);
    let batches = count("batch_size").map_or(1, |batch| (record.dataset.train as u64).div_ceil(batch));
    batches.div_ceil(count("accumulate").unwrap_or(1)).max(1)
}

/// The training steps that were taken when `line` was measured.
pub(crate) fn step_of(line: &HistoryRow, steps_of_epoch: u64) -> u64 {
    line.epoch.map_or(0, |epoch| (epoch as u64 + 1).saturating_mul(steps_of_epoch))
}

fn event(step: u64, wall_time: f64, value: Vec<Value>) -> Event {
    let step = i64::try_from(step).unwrap_or(i64::MAX);
    Event { wall_time, step, summary: Some(Summary { value }), ..Event::default() }
}

fn scalar(tag: &str, value: f64) -> Value {
    Value { tag: tag.into(), simple_value: Some(value as f32), ..Value::default() }
}

/// What a file begins with: its version, and that whatever was written from `step` on is written anew.
pub(crate) fn beginning(step: u64, wall_time: f64) -> [Event; 2] {
    let version = Event { wall_time, file_version: Some("brain.Event:2".into()), ..Event::default() };
    let step = i64::try_from(step).unwrap_or(i64::MAX);
    [version, Event { wall_time, step, session_log: Some(SessionLog { status: START }), ..Event::default() }]
}

/// What is known of a run before its first step: hyperparameters, its config's text and its command.
pub(crate) fn introduction(record: &Record, config: &str, wall_time: f64) -> Event {
    let started = seconds(&record.started).unwrap_or(wall_time);
    let hparams = flatten(&record.hyperparameters).into_iter().map(|(key, value)| (key, any(value)));
    let start = SessionStart { hparams: hparams.collect(), group_name: record.name.clone(), start_time_secs: started };
    let info = HParams { session_start_info: Some(start), ..HParams::default() };
    let mut values = vec![of_hparams("_hparams_/session_start_info", &info)];
    if !config.is_empty() {
        values.push(text("config", &format!("```toml\n{config}\n```")));
    }
    if !record.command.is_empty() {
        values.push(text("command", &format!("    {}", record.command.join(" "))));
    }
    event(0, wall_time, values)
}

/// A line of the history: each number under its own key.
pub(crate) fn line(line: &HistoryRow, seconds: Option<f64>, steps_of_epoch: u64, wall_time: f64) -> Event {
    let mut values = vec![scalar(LINE, line.val_loss), scalar("val_acc", line.val_acc)];
    let epoch = line.epoch.map(|epoch| (epoch + 1) as f64);
    let optional =
        [("lr", line.learning_rate), ("train_loss", line.train_loss), ("epoch", epoch), ("seconds", seconds)];
    values.extend(optional.into_iter().filter_map(|(tag, value)| Some(scalar(tag, value?))));
    values.extend(line.values.iter().map(|(tag, value)| scalar(tag, *value)));
    event(step_of(line, steps_of_epoch), wall_time, values)
}

/// The mean training loss of the epoch so far, after `step` steps of the run.
pub(crate) fn training_step(step: u64, loss: f64, wall_time: f64) -> Event {
    event(step, wall_time, vec![scalar("train_loss_so_far", loss)])
}

/// How each tensor's values are spread after `step` steps.
pub(crate) fn histograms(tensors: &[NamedTensor], step: u64, wall_time: f64) -> Event {
    let of = |tensor: &NamedTensor| {
        // TensorBoard groups by what stands before a slash.
        let tag = tensor.name.replacen('.', "/", 1);
        Some(Value { tag, histo: Some(histogram(&tensor.values)?), ..Value::default() })
    };
    event(step, wall_time, tensors.iter().filter_map(of).collect())
}

/// A picture, as a PNG file's bytes; none where these are no PNG file.
pub(crate) fn picture(tag: &str, png: &[u8], wall_time: f64) -> Option<Event> {
    // Signature, length and name of the first chunk, then width, height, bits, and the kind of colour.
    let size = |at: usize| Some(i32::from_be_bytes(*png.get(at..)?.first_chunk::<4>()?));
    let colorspace = if png.get(25)? & 2 == 0 { 1 } else { 3 };
    let image = Image { height: size(20)?, width: size(16)?, colorspace, encoded_image_string: png.to_vec() };
    let value = Value { tag: tag.into(), image: Some(image), ..Value::default() };
    png.starts_with(b"\x89PNG\r\n\x1a\n").then(|| event(0, wall_time, vec![value]))
}

/// What the run reached on the test images, and how it ended.
pub(crate) fn end(record: &Record, step: u64, wall_time: f64) -> Event {
    let tests = [("test_loss", record.metrics.test_loss), ("test_acc", record.metrics.test_acc)];
    let mut values: Vec<_> = tests.into_iter().filter_map(|(tag, value)| Some(scalar(tag, value?))).collect();
    let further = record.metrics.values.iter().filter(|(tag, _)| tag.starts_with(TEST));
    values.extend(further.map(|(tag, value)| scalar(tag, *value)));
    let status = match record.status {
        Status::Finished => 1,
        Status::Failed | Status::Interrupted => 2,
        Status::Running => 3,
    };
    let ended = record.ended.as_deref().and_then(seconds).unwrap_or(wall_time);
    let end = SessionEnd { status, end_time_secs: ended };
    values.push(of_hparams(END, &HParams { session_end_info: Some(end), ..HParams::default() }));
    event(step, wall_time, values)
}

/// Whether an event says what a run that goes on from `step` training steps, with `lines` of its history kept, will say itself.
pub(crate) fn is_beyond(event: &Event, step: u64, last_line: Option<u64>) -> bool {
    let at = u64::try_from(event.step).unwrap_or(0);
    let has = |tags: &[&str]| tags_of(event).any(|tag| tags.contains(&tag));
    // Histograms belong to the line before them.
    let of_line = has(&[LINE]) || event.summary.iter().flat_map(|s| &s.value).any(|value| value.histo.is_some());
    at > step
        || tags_of(event).any(|tag| tag.starts_with(TEST))
        || has(&[END])
        || (of_line && last_line.is_none_or(|last| at > last))
}

/// The tags of an event's values.
pub(crate) fn tags_of(event: &Event) -> impl Iterator<Item = &str> {
    event.summary.iter().flat_map(|summary| &summary.value).map(|value| value.tag.as_str())
}

fn any(value: &Json) -> Any {
    match value {
        Json::Bool(value) => Any { boolean: Some(*value), ..Any::default() },
        Json::Number(number) => Any { number: Some(number.as_f64().unwrap_or(f64::NAN)), ..Any::default() },
        Json::String(text) => Any { text: Some(text.clone()), ..Any::default() },
        other => Any { text: Some(other.to_string()), ..Any::default() },
    }
}

fn of_plugin(name: &str, content: Vec<u8>) -> Option<Metadata> {
    Some(Metadata { plugin_data: Some(PluginData { plugin_name: name.into(), content }) })
}

fn text(tag: &str, markdown: &str) -> Value {
    let tensor_shape = Some(TensorShape { dim: vec![Dimension { size: 1 }] });
    let tensor =
        Tensor { dtype: STRING, tensor_shape, string_val: vec![markdown.as_bytes().to_vec()], ..Tensor::default() };
    Value { tag: tag.into(), tensor: Some(tensor), metadata: of_plugin("text", Vec::new()), ..Value::default() }
}

/// The plugin reads the metadata alone; a value has to be there all the same.
fn of_hparams(tag: &str, info: &HParams) -> Value {
    let tensor =
        Tensor { dtype: FLOAT, tensor_shape: Some(TensorShape::default()), float_val: vec![0.0], ..Tensor::default() };
    let metadata = of_plugin("hparams", info.encode_to_vec());
    Value { tag: tag.into(), tensor: Some(tensor), metadata, ..Value::default() }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use strata_report::Record;

    use super::steps_of_epoch;

    #[test]
    fn a_step_has_the_batches_whose_gradients_are_added_up() {
        let mut record = Record::new("a", vec![]);
        record.dataset.train = 4500;
        assert_eq!(steps_of_epoch(&record), 1, "of another program");
        record.hyperparameters.insert("batch_size".into(), json!(64));
        assert_eq!(steps_of_epoch(&record), 71);
        record.hyperparameters.insert("accumulate".into(), json!(4));
        assert_eq!(steps_of_epoch(&record), 18);
    }
}
