//! The messages of TensorBoard's event files (tensorflow/core/util/event.proto and its neighbours, the HParams plugin's plugin_data.proto), as far as a run needs them.

use std::collections::HashMap;

use crate::message::messages;

messages! {
    /// A record of an event file.
    Event {
        wall_time: f64 = 1,
        step: i64 = 2,
        file_version: Option<String> = 3,
        summary: Option<Summary> = 5,
        session_log: Option<SessionLog> = 7,
    }

    /// Says that events with this step and later ones are written anew.
    SessionLog {
        status: i32 = 1,
    }

    /// Values by their tags.
    Summary {
        value: Vec<Value> = 1,
    }

    /// A value of one kind.
    Value {
        tag: String = 1,
        simple_value: Option<f32> = 2,
        image: Option<Image> = 4,
        histo: Option<Histogram> = 5,
        tensor: Option<Tensor> = 8,
        metadata: Option<Metadata> = 9,
    }

    /// An encoded picture.
    Image {
        height: i32 = 1,
        width: i32 = 2,
        /// 1 grey, 3 colour.
        colorspace: i32 = 3,
        encoded_image_string: Vec<u8> = 4,
    }

    /// Counts of values between limits.
    Histogram {
        min: f64 = 1,
        max: f64 = 2,
        num: f64 = 3,
        sum: f64 = 4,
        sum_squares: f64 = 5,
        /// Upper ends of the buckets.
        bucket_limit: Vec<f64> = 6,
        bucket: Vec<f64> = 7,
    }

    /// Texts, or a number nobody reads.
    Tensor {
        dtype: i32 = 1,
        tensor_shape: Option<TensorShape> = 2,
        float_val: Vec<f32> = 5,
        string_val: Vec<Vec<u8>> = 8,
    }

    /// A tensor's sizes.
    TensorShape {
        dim: Vec<Dimension> = 2,
    }

    /// One of them.
    Dimension {
        size: i64 = 1,
    }

    /// Whose a value is.
    Metadata {
        plugin_data: Option<PluginData> = 1,
    }

    /// The plugin, and what it keeps there.
    PluginData {
        plugin_name: String = 1,
        content: Vec<u8> = 2,
    }

    /// What the HParams plugin keeps.
    HParams {
        version: i32 = 1,
        session_start_info: Option<SessionStart> = 3,
        session_end_info: Option<SessionEnd> = 4,
    }

    /// A run's hyperparameters.
    SessionStart {
        hparams: HashMap<String, Any> = 1,
        group_name: String = 4,
        start_time_secs: f64 = 5,
    }

    /// How a run ended.
    SessionEnd {
        /// 1 it succeeded, 2 it failed, 3 it runs.
        status: i32 = 1,
        end_time_secs: f64 = 2,
    }

    /// `google.protobuf.Value`, as far as a hyperparameter is one: one of the three.
    Any {
        number: Option<f64> = 2,
        text: Option<String> = 3,
        boolean: Option<bool> = 4,
    }
}

/// `SessionLog.START`.
pub(crate) const START: i32 = 1;
/// `DT_FLOAT`.
pub(crate) const FLOAT: i32 = 1;
/// `DT_STRING`.
pub(crate) const STRING: i32 = 7;
