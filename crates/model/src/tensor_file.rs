//! The one way our safetensors files are written and read: `F32` tensors in order, one text of metadata under one key.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, ErrorKind, Read, Write};
use std::path::Path;

use safetensors::tensor::{Dtype, Metadata, SafeTensors, TensorInfo};

/// Collects tensors by reference, then writes a safetensors file piece by piece: a checkpoint of 100 MB is never copied
/// as a whole. Equal tensors give equal bytes.
///
/// ```
/// use strata_model::{TensorReader, TensorWriter};
///
/// let mut writer = TensorWriter::default();
/// writer.push("layer1.bias", &[2], &[0.5, -0.5]);
/// let mut bytes = Vec::new();
/// writer.write_to(&mut bytes, "about", "an example")?;
/// let mut reader = TensorReader::new(&bytes)?;
/// assert_eq!(reader.metadata("about").as_deref(), Some("an example"));
/// assert_eq!(reader.tensor("layer1.bias", &[2])?, [0.5, -0.5]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct TensorWriter<'a> {
    tensors: Vec<(String, Vec<usize>, &'a [f32])>,
}

impl<'a> TensorWriter<'a> {
    /// Adds a tensor: its values row-major, as many as `shape` says.
    pub fn push(&mut self, name: impl Into<String>, shape: &[usize], values: &'a [f32]) {
        self.tensors.push((name.into(), shape.to_vec(), values));
    }

    /// Each tensor's name and values, in the order in which they came.
    pub fn parts(&self) -> impl ExactSizeIterator<Item = (&str, &'a [f32])> {
        self.tensors.iter().map(|(name, _, values)| (name.as_str(), *values))
    }

    /// Writes the file, with `text` under `key` in its metadata. One key, since safetensors writes its metadata in no fixed
    /// order and equal runs are to have equal files.
    ///
    /// # Errors
    /// What `file` fails with; [`io::ErrorKind::InvalidInput`], before anything is written, where a tensor's values are not
    /// as many as its shape says, or two tensors have one name.
    pub fn write_to(&self, file: &mut dyn Write, key: &str, text: impl Into<String>) -> io::Result<()> {
        let invalid = |reason: String| io::Error::new(ErrorKind::InvalidInput, reason);
        // The library's own order, in which its readers expect the values without gaps.
        let mut sorted: Vec<_> = self.tensors.iter().collect();
        sorted.sort_by_key(|tensor| &tensor.0);
        let mut header = Vec::new();
        let mut offset = 0;
        for (name, shape, values) in &sorted {
            if shape.iter().product::<usize>() != values.len() {
                return Err(invalid(format!("{name} has {} values, its shape is {shape:?}", values.len())));
            }
            let data_offsets = (offset, offset + size_of_val(*values));
            offset = data_offsets.1;
            header.push((name.clone(), TensorInfo { dtype: Dtype::F32, shape: shape.clone(), data_offsets }));
        }
        if let Some(pair) = sorted.windows(2).find(|pair| pair[0].0 == pair[1].0) {
            return Err(invalid(format!("two tensors are called {}", pair[0].0)));
        }
        let metadata = HashMap::from([(key.to_owned(), text.into())]);
        let metadata = Metadata::new(Some(metadata), header).map_err(|error| invalid(error.to_string()))?;
        let mut header = serde_json::to_vec(&metadata)?;
        header.resize(header.len().next_multiple_of(8), b' ');
        if header.len() as u64 > LONGEST_HEADER {
            let bytes = header.len();
            return Err(invalid(format!(
                "a header of {bytes} bytes, of which no reader takes more than {LONGEST_HEADER}"
            )));
        }
        file.write_all(&(header.len() as u64).to_le_bytes())?;
        file.write_all(&header)?;
        sorted.iter().try_for_each(|(_, _, values)| for_each_piece(values, |piece| file.write_all(piece)))
    }
}

/// Hands over the little-endian bytes of `values`, at most a quarter MiB at a time: fewer of them cost a call to the system
/// each, more leave the second-level cache.
///
/// # Errors
/// The first that `take` gives.
pub fn for_each_piece<E>(values: &[f32], mut take: impl FnMut(&[u8]) -> Result<(), E>) -> Result<(), E> {
    let mut bytes = vec![0; (4 * values.len()).min(1 << 18)];
    for values in values.chunks((bytes.len() / 4).max(1)) {
        let bytes = &mut bytes[..4 * values.len()];
        write_little_endian(values, bytes);
        take(bytes)?;
    }
    Ok(())
}

/// No generic function, so that it is compiled here, as fast as can be, and not where pieces are taken.
fn write_little_endian(values: &[f32], bytes: &mut [u8]) {
    for (bytes, value) in bytes.as_chunks_mut::<4>().0.iter_mut().zip(values) {
        *bytes = value.to_le_bytes();
    }
}

/// The longest header that safetensors takes, in bytes, and the length that stands before each.
const LONGEST_HEADER: u64 = 100_000_000;
const LENGTH: u64 = 8;

/// The bytes of a safetensors file of at most `values` numbers.
///
/// What is no file (a pipe would block for ever, a device never end), what begins with no header, and what is longer than such a
/// file can be is refused before it is read: memory follows what is wanted, not what a file claims.
///
/// # Errors
/// [`ErrorKind::InvalidData`] with what does not hold, in words; otherwise what the system says.
pub fn read_tensor_file(path: &Path, values: usize) -> io::Result<Vec<u8>> {
    let invalid = |reason: String| io::Error::new(ErrorKind::InvalidData, reason);
    // Asked by name first: opening a pipe would block.
    if !std::fs::metadata(path)?.is_file() {
        return Err(invalid("it is not a regular file".into()));
    }
    let mut file = File::open(path)?;
    let size = file.metadata()?.len();
    let longest = (values as u64).saturating_mul(4).saturating_add(LENGTH + LONGEST_HEADER);
    if size > longest {
        return Err(invalid(format!("{size} bytes are more than {values} numbers need")));
    }
    let mut bytes = Vec::new();
    bytes.try_reserve_exact(size as usize).map_err(|_| io::Error::from(ErrorKind::OutOfMemory))?;
    (&mut file).take(LENGTH).read_to_end(&mut bytes)?;
    let header = bytes.as_slice().try_into().map(u64::from_le_bytes).unwrap_or_default();
    if header < 2 || header > size - LENGTH {
        return Err(invalid(format!("its {size} bytes do not begin with the length of a header")));
    }
    file.take(longest).read_to_end(&mut bytes)?;
    Ok(bytes)
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

    /// A tensor's shape.
    ///
    /// # Errors
    /// In words, where there is none of this name.
    pub fn shape(&self, name: &str) -> Result<Vec<usize>, String> {
        self.file.tensor(name).map(|tensor| tensor.shape().to_vec()).map_err(|error| format!("{name}: {error}"))
    }

    /// Whether there is a tensor of this name and this shape.
    pub fn has_shape(&self, name: &str, shape: &[usize]) -> bool {
        self.file.tensor(name).is_ok_and(|tensor| tensor.shape() == shape)
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
        self.read.push((name.clone(), bytes));
        let mut values = Vec::new();
        values.try_reserve_exact(bytes.len() / 4).map_err(|_| format!("{name}: there is no memory for it"))?;
        values.extend(bytes.as_chunks::<4>().0.iter().map(|bytes| f32::from_le_bytes(*bytes)));
        Ok(values)
    }

    /// Name and bytes of each tensor read so far, in that order.
    pub fn parts(&self) -> impl ExactSizeIterator<Item = (&str, &'a [u8])> {
        self.read.iter().map(|(name, bytes)| (name.as_str(), *bytes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(path: &Path) -> String {
        let error = read_tensor_file(path, 1000).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidData, "{error}");
        error.to_string()
    }

    #[test]
    fn files_of_impossible_lengths_are_refused_before_reading() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.safetensors");
        let file = File::create(&path).unwrap();
        for size in [0, 7, 8, 1000] {
            file.set_len(size).unwrap();
            assert!(refusal(&path).contains("do not begin with the length of a header"), "{size}");
        }
        // Sparse: a hundred gigabytes that are nowhere.
        file.set_len(100 << 30).unwrap();
        assert_eq!(refusal(&path), format!("{} bytes are more than 1000 numbers need", 100u64 << 30));
        assert!(refusal(folder.path()).contains("not a regular file"));
        assert_eq!(read_tensor_file(&folder.path().join("none"), 1).unwrap_err().kind(), ErrorKind::NotFound);
    }

    /// Both would be read for ever.
    #[cfg(target_os = "linux")]
    #[test]
    fn pipes_and_devices_are_refused_as_weights() {
        let folder = tempfile::tempdir().unwrap();
        let pipe = folder.path().join("pipe");
        assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
        for path in [&pipe, Path::new("/dev/zero")] {
            assert!(refusal(path).contains("not a regular file"));
        }
    }

    #[test]
    fn a_written_file_reads_back_equal() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.safetensors");
        let mut writer = TensorWriter::default();
        writer.push("a", &[2], &[0.5, -0.5]);
        let mut bytes = Vec::new();
        writer.write_to(&mut bytes, "about", "").unwrap();
        std::fs::write(&path, &bytes).unwrap();
        assert_eq!(read_tensor_file(&path, 2).unwrap(), bytes);
    }
}
