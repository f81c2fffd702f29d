//! What `torch.manual_seed(43)` and the calls after it would draw, and a generator that is stopped and goes on.

use strata_rng::{Philox, RngError, TorchRng};

fn main() -> Result<(), RngError> {
    let mut rng = TorchRng::new(43);
    // random_split(range(50000), [45000, 5000]): the head trains, the tail validates.
    let order = rng.permutation(50_000);
    println!("split: {:?} …, {:?} …", &order[..4], &order[45_000..45_004]);
    assert_eq!(order[..4], [5588, 45689, 25537, 42060]);
    // nn.Linear(4, 2): weight and bias uniform in ±1/√4.
    let mut parameters = [0.0; 4 * 2 + 2];
    rng.fill_uniform(&mut parameters, -0.5, 0.5);
    println!("weight and bias: {parameters:?}");

    // Two numbers are all that has to be kept of a generator.
    let kept = rng.state();
    let mut resumed = TorchRng::from_state(kept)?;
    assert_eq!(resumed.permutation(10), rng.permutation(10));
    println!("resumed after {} draws of seed {}", kept.draws, kept.seed);

    // A counter-based generator needs not even these: a block is a function of seed, stream and position.
    let block = Philox::new(43, 7).block(1_000_000);
    assert_eq!(block, Philox::new(43, 7).block(1_000_000));
    println!("block 1000000 of stream 7: {block:?}");
    Ok(())
}
