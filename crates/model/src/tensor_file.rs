//! The one way our safetensors files are written and read: `F32` tensors in order, one text of metadata under one key.

use std::collections::HashMap;

use safetensors::tensor::{Dtype, SafeTensors, TensorView};

/// Collects tensors, then gives the bytes of a safetensors file. Equal tensors in equal order give equal bytes.
///
/// ```
/// use strata_model::{TensorReader, TensorWriter};
///
/// let mut writer = TensorWriter::default();
/// writer.push("layer1.bias", &[2], &[0.5, -0.5]);
/// let bytes = writer.to_bytes("about", "an example")?;
/// let mut reader = TensorReader::new(&bytes)?;
/// assert_eq!(reader.metadata("about").as_deref(), Some("an example"));
/// assert_eq!(reader.tensor("layer1.bias", &[2])?, [0.5, -0.5]);
/// # Ok::<(), String>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct TensorWriter {
    /// Name, shape, little-endian bytes.
    tensors: Vec<(String, Vec<usize>, Vec<u8>)>,
}

impl TensorWriter {
    /// Adds a tensor: its values row-major, as many as `shape` says.
    pub fn push(&mut self, name: impl Into<String>, shape: &[usize], values: &[f32]) {
        let mut bytes = Vec::with_capacity(4 * values.len());
        values.iter().for_each(|value| bytes.extend_from_slice(&value.to_le_bytes()));
        self.tensors.push((name.into(), shape.to_vec(), bytes));
    }

    /// Each tensor's name and bytes, in the order in which they came.
    pub fn parts(&self) -> impl ExactSizeIterator<Item = (&str, &[u8])> {
        self.tensors.iter().map(|(name, _, bytes)| (name.as_str(), bytes.as_slice()))
    }

    /// The file's bytes, with `text` under `key` in its metadata. One key, since safetensors writes its metadata in no fixed
    /// order and equal runs are to have equal files.
    ///
    /// # Errors
    /// In words, where a tensor's values are not as many as its shape says.
    pub fn to_bytes(&self, key: &str, text: impl Into<String>) -> Result<Vec<u8>, String> {
        let views: Result<Vec<_>, _> = self
            .tensors
            .iter()
            .map(|(name, shape, bytes)| Ok((name.as_str(), TensorView::new(Dtype::F32, shape.clone(), bytes)?)))
            .collect();
        let metadata = HashMap::from([(key.to_owned(), text.into())]);
        views
            .and_then(|views| safetensors::serialize(views, Some(metadata)))
            .map_err(|error: safetensors::SafeTensorError| error.to_string())
    }
}

/// Reads the tensors of a safetensors file one by one, each of the shape that it must have.
#[derive(Debug)]
pub struct TensorReader<'a> {
    file: SafeTensors<'a>,
    metadata: Option<HashMap<String, String>>,
    read: Vec<(String, &'a [u8])>,
}

impl<'a> TensorReader<'a> {
    /// Checks the file's header; the tensors are read when they are asked for.
    ///
    /// # Errors
    /// What does not hold, in words.
    pub fn new(bytes: &'a [u8]) -> Result<Self, String> {
        let (_, header) = SafeTensors::read_metadata(bytes).map_err(|error| error.to_string())?;
        let file = SafeTensors::deserialize(bytes).map_err(|error| error.to_string())?;
        Ok(Self { file, metadata: header.metadata().clone(), read: Vec::new() })
    }

    /// The metadata's text under `key`.
    pub fn metadata(&self, key: &str) -> Option<String> {
        self.metadata.as_ref()?.get(key).cloned()
    }

    /// How many tensors the file holds.
    pub fn count(&self) -> usize {
        self.file.len()
    }

    /// A tensor's values, row-major.
    ///
    /// # Errors
    /// In words, where there is none of this name or it is not `F32` of this shape.
    pub fn tensor(&mut self, name: impl Into<String>, shape: &[usize]) -> Result<Vec<f32>, String> {
        let name = name.into();
        let tensor = self.file.tensor(&name).map_err(|error| format!("{name}: {error}"))?;
        if tensor.dtype() != Dtype::F32 || tensor.shape() != shape {
            return Err(format!("{name} is {:?} {:?}, not F32 {shape:?}", tensor.dtype(), tensor.shape()));
        }
        let bytes = tensor.data();
        self.read.push((name, bytes));
        Ok(bytes.as_chunks::<4>().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect())
    }

    /// Name and bytes of each tensor read so far, in that order.
    pub fn parts(&self) -> impl ExactSizeIterator<Item = (&str, &'a [u8])> {
        self.read.iter().map(|(name, bytes)| (name.as_str(), *bytes))
    }
}
