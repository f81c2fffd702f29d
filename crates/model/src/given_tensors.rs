//! Tensors of a safetensors file that anybody may have saved, brought to a network: by name or by the order of their modules, in single precision, every mismatch
//! told.

use safetensors::tensor::{Dtype, SafeTensors, TensorView};

use crate::layer::check_mirror;
use crate::{ModelError, NamedTensor};

/// Tensors that a file gives for a network.
#[derive(Clone, Debug, PartialEq)]
pub struct GivenTensors {
    /// In the network's order; none for one that is to be drawn.
    pub tensors: Vec<Option<NamedTensor>>,
    /// What was done to them, a sentence each: `0.weight is taken as layer1.weight`, `layer1.bias was BF16`.
    pub notes: Vec<String>,
}

impl GivenTensors {
    /// Takes from the file `bytes` tensors like those of `network`, whose own values do not matter; with `new_last_layer` all but those of its last dense layer, which
    /// are left to be drawn, whatever the file has of them. Modules of a user's own are taken as any other: a network says itself what tensors they have.
    ///
    /// Names are the network's (`layer1.weight`, `norm1.bias`), or those of modules that differ by numbers alone, as in a `torch.nn.Sequential` (`0.weight`,
    /// `net.2.block.0.weight`) or `fc1.weight`, `fc2.weight`: modules are then taken in the numbers' order. `num_batches_tracked` is passed over. Values may be of 32 bits,
    /// of 64, which are rounded, or of 16 (`float16`, `bfloat16`), which are exact.
    ///
    /// # Errors
    /// [`ModelError::OtherTensors`] with all that does not fit: what is missing, surplus, transposed, of another shape or type, no finite number, a negative
    /// variance; that the file is damaged; that the last layer to be drawn is a module of a user's own, which nothing draws.
    pub fn read(bytes: &[u8], network: &[NamedTensor], new_last_layer: bool) -> Result<Self, ModelError> {
        let refused = |problem: String| ModelError::OtherTensors { problems: vec![problem] };
        let last = if new_last_layer { Some(last_layer(network).map_err(refused)?) } else { None };
        let file =
            SafeTensors::deserialize(bytes).map_err(|error| refused(format!("it is no safetensors file: {error}")))?;
        let mut names: Vec<&str> = file.names().into_iter().filter(|name| !is_counter(name)).collect();
        names.sort_unstable();
        let given = names_in_file(&names, network);
        let (mut tensors, mut notes, mut problems) = (Vec::new(), Vec::new(), Vec::new());
        if given.iter().all(Option::is_none) && !names.is_empty() {
            let module = network.first().map_or("layer1.weight", |spec| &spec.name);
            problems.push(format!(
                "its names are neither the network's ({module}, …) nor those of modules that differ by numbers alone (0.weight, 2.weight; fc1.weight, fc2.weight)"
            ));
        }
        for (spec, given) in network.iter().zip(&given) {
            if last.is_some_and(|last| split(&spec.name).0 == last) {
                notes.push(format!("{} {:?} is drawn", spec.name, spec.shape));
                tensors.push(None);
                continue;
            }
            let found = given.as_deref().and_then(|given| Some((given, file.tensor(given).ok()?)));
            match found.map(|(given, tensor)| take(spec, given, &tensor, &mut notes)) {
                Some(Ok(tensor)) => tensors.push(Some(tensor)),
                Some(Err(problem)) => problems.push(problem),
                None => problems.push(format!("{} {:?} is missing", spec.name, spec.shape)),
            }
        }
        let is_used = |name: &str| given.iter().flatten().any(|given| given == name);
        for name in names.into_iter().filter(|name| !is_used(name)) {
            let shape = file.tensor(name).map(|tensor| tensor.shape().to_vec()).unwrap_or_default();
            problems.push(format!("{name} {shape:?} is surplus"));
        }
        if problems.is_empty() { Ok(Self { tensors, notes }) } else { Err(ModelError::OtherTensors { problems }) }
    }
}

/// The module of the network's last dense layer; the error is a sentence where that is a module of a user's own.
fn last_layer(network: &[NamedTensor]) -> Result<&str, String> {
    let modules = network.iter().rev().map(|tensor| split(&tensor.name).0);
    match modules.into_iter().find(|module| !module.starts_with("norm")) {
        Some(module) if module.starts_with("layer") => Ok(module),
        module => Err(format!(
            "the network ends with the module {} of its own, whose weights nothing draws",
            module.unwrap_or_default()
        )),
    }
}

/// Batch normalisation counts its batches in PyTorch, and uses the count nowhere.
fn is_counter(name: &str) -> bool {
    name.rsplit('.').next() == Some("num_batches_tracked")
}

/// The tensor `spec` of what the file calls `given`; what does not fit, in words.
fn take(
    spec: &NamedTensor,
    given: &str,
    tensor: &TensorView<'_>,
    notes: &mut Vec<String>,
) -> Result<NamedTensor, String> {
    let NamedTensor { name, shape, .. } = spec;
    let called = if given == name { name.clone() } else { format!("{given} (as {name})") };
    let (found, dtype) = (tensor.shape(), tensor.dtype());
    if found != shape {
        let is_transposed = found.len() == 2 && found.iter().rev().eq(shape);
        let hint = if is_transposed { ": it is transposed" } else { "" };
        return Err(format!("{called} is {found:?}, not {shape:?}{hint}"));
    }
    let Some(values) = values(dtype, tensor.data()) else {
        return Err(format!("{called} is of {dtype:?}, not of F32, F64, F16 or BF16"));
    };
    if let Some(place) = values.iter().position(|value| !value.is_finite()) {
        return Err(format!("{called} has a value that is not finite in 32 bits, at {place}"));
    }
    if name.ends_with(".running_var") && values.iter().any(|value| *value < 0.0) {
        return Err(format!("{called} has a variance below zero"));
    }
    check_mirror(&called, &values)?;
    // A mirror is of the inputs, and no weight; that of a network which nobody told is none yet.
    if name.ends_with(".mirror") && check_mirror(name, &spec.values).is_ok() && values != spec.values {
        return Err(format!(
            "{called} mirrors other inputs: its images are of another shape, or became inputs in another way"
        ));
    }
    match (given == name, dtype == Dtype::F32) {
        (true, true) => {}
        (true, false) => notes.push(format!("{name} was {dtype:?}")),
        (false, true) => notes.push(format!("{given} is taken as {name}")),
        (false, false) => notes.push(format!("{given}, {dtype:?}, is taken as {name}")),
    }
    Ok(NamedTensor { name: name.clone(), shape: shape.clone(), values })
}

/// What the file calls each of the network's tensors, whether it is there or not; none where that cannot be told.
fn names_in_file(names: &[&str], specs: &[NamedTensor]) -> Vec<Option<String>> {
    if specs.iter().any(|spec| names.contains(&spec.name.as_str())) {
        return specs.iter().map(|spec| Some(spec.name.clone())).collect();
    }
    let modules = numbered_modules(names).unwrap_or_default();
    let mut own: Vec<&str> = specs.iter().map(|spec| split(&spec.name).0).collect();
    own.dedup();
    let in_file = |spec: &NamedTensor| {
        let (module, tensor) = split(&spec.name);
        let place = own.iter().position(|own| *own == module)?;
        let given = modules.get(place)?;
        Some(if given.is_empty() { tensor.to_owned() } else { format!("{given}.{tensor}") })
    };
    specs.iter().map(in_file).collect()
}

/// The module and the tensor of a name.
fn split(name: &str) -> (&str, &str) {
    name.rsplit_once('.').unwrap_or(("", name))
}

/// A piece of a name, digits by their number.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Piece<'a> {
    Text(&'a str),
    Number(u64),
}

/// The modules of these names in the order of their numbers; none where two differ by more than numbers, so that their order could only be guessed.
fn numbered_modules<'a>(names: &[&'a str]) -> Option<Vec<&'a str>> {
    let mut modules: Vec<(Vec<Piece<'a>>, &str)> =
        names.iter().map(|name| (pieces(split(name).0), split(name).0)).collect();
    modules.sort();
    modules.dedup();
    let by_number = |pair: &[(Vec<Piece<'_>>, &str)]| {
        let first = pair[0].0.iter().zip(&pair[1].0).find(|(a, b)| a != b);
        matches!(first, Some((Piece::Number(_), Piece::Number(_))))
    };
    let are_ordered = modules.windows(2).all(by_number);
    are_ordered.then(|| modules.into_iter().map(|(_, module)| module).collect())
}

fn pieces(name: &str) -> Vec<Piece<'_>> {
    let is_same_kind = |a: u8, b: u8| a.is_ascii_digit() == b.is_ascii_digit();
    let pieces = name.as_bytes().chunk_by(|a, b| is_same_kind(*a, *b));
    let mut end = 0;
    let piece = |bytes: &[u8]| {
        let start = end;
        end += bytes.len();
        // Digits are one byte each, so a piece never ends within a letter.
        let text = &name[start..start + bytes.len()];
        text.parse().map_or(Piece::Text(text), Piece::Number)
    };
    pieces.map(piece).collect()
}

/// The values in single precision; none of another type.
fn values(dtype: Dtype, bytes: &[u8]) -> Option<Vec<f32>> {
    let widened =
        |widen: fn(u16) -> f32| bytes.as_chunks().0.iter().map(|bits| widen(u16::from_le_bytes(*bits))).collect();
    Some(match dtype {
        Dtype::F32 => bytes.as_chunks().0.iter().map(|bits| f32::from_le_bytes(*bits)).collect(),
        Dtype::F64 => bytes.as_chunks().0.iter().map(|bits| f64::from_le_bytes(*bits) as f32).collect(),
        Dtype::BF16 => widened(|bits| f32::from_bits(u32::from(bits) << 16)),
        Dtype::F16 => widened(widen_half),
        _ => return None,
    })
}

/// A number of IEEE 754's binary16.
fn widen_half(bits: u16) -> f32 {
    let (sign, exponent, fraction) =
        (u32::from(bits >> 15) << 31, u32::from((bits >> 10) & 31), u32::from(bits & 1023));
    match exponent {
        // Multiples of the smallest number, 2⁻²⁴.
        0 => f32::from_bits(sign | (fraction as f32 * 2f32.powi(-24)).to_bits()),
        31 => f32::from_bits(sign | 0x7f80_0000 | (fraction << 13)),
        // The exponents' biases are 15 and 127.
        _ => f32::from_bits(sign | ((exponent + 112) << 23) | (fraction << 13)),
    }
}

#[cfg(test)]
mod tests;
