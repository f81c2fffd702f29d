//! Initial parameters against PyTorch's, to the bit.

use dfdx::prelude::*;
use sha2::{Digest, Sha256};
use strata_model::{initialise, mlp, weights_of};
use strata_rng::TorchRng;

/// `torch.manual_seed(43)`, then `nn.Linear(3072, 2048)`, `(2048, 1024)`, `(1024, 64)`, `(64, 10)`: the SHA-256 of all 8,457,930
/// values as little-endian f32, in order, printed by PyTorch 2.15.
#[test]
fn initial_parameters_of_seed_43_equal_pytorchs() {
    let mut network = Cpu::default().build_module::<mlp!(3072, 2048, 1024, 64, 10), f32>();
    initialise(&mut network, &mut TorchRng::new(43));
    let weights = weights_of(&network);
    let mut hash = Sha256::new();
    for tensor in &weights.tensors {
        for value in &tensor.values {
            hash.update(value.to_le_bytes());
        }
    }
    let hex: String = hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(hex, "d33ee650daa59ec0f3cb072e9e7cf60a725aa2501dc8ca6581ddc4e67e91e496");
    assert_eq!(weights.architecture.parameters(), 8_457_930);
}
