//! PyTorch 2.15's own draws for several seeds, as golden values.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on has failed")]

use sha2::{Digest, Sha256};
use strata_rng::{MAX_DRAWS, NormalDraws, RngError, RngState, TorchRng};

fn sha256(bytes: impl IntoIterator<Item = [u8; 4]>) -> String {
    let mut hash = Sha256::new();
    let mut buffer = Vec::with_capacity(1 << 16);
    for word in bytes {
        buffer.extend_from_slice(&word);
        if buffer.len() == 1 << 16 {
            hash.update(&buffer);
            buffer.clear();
        }
    }
    hash.update(&buffer);
    hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// `manual_seed(43); random_split(range(50000), [45000, 5000])`: head and tail of one permutation.
#[test]
fn the_split_of_seed_43_equals_pytorchs() {
    let order = TorchRng::new(43).permutation(50_000);
    assert_eq!(order[..8], [5588, 45689, 25537, 42060, 5685, 37915, 48574, 7254]);
    assert_eq!(order[45_000..45_008], [22846, 30903, 12610, 24867, 33057, 6780, 14066, 18937]);
    assert_eq!(
        sha256(order.iter().map(|i| i.to_le_bytes())),
        "4ea0beb9ccf5d95342ab7433f3059f7ec803c1b2f9c7b758691f705595f01fa4"
    );
}

/// `manual_seed(43)`, then `nn.Linear` layers in order: weight and bias uniform in ±1/√inputs.
#[test]
fn the_8_457_930_initial_parameters_of_seed_43_equal_pytorchs_to_the_bit() {
    let widths = [3072, 2048, 1024, 64, 10];
    let mut rng = TorchRng::new(43);
    let mut parameters = Vec::new();
    for pair in widths.windows(2) {
        let bound = 1.0 / (pair[0] as f64).sqrt();
        let start = parameters.len();
        parameters.resize(start + pair[0] * pair[1] + pair[1], 0.0);
        rng.fill_uniform(&mut parameters[start..], -bound, bound);
    }
    assert_eq!(parameters.len(), 8_457_930);
    assert_eq!(parameters[0], -0.001_661_026_4);
    assert_eq!(
        sha256(parameters.iter().map(|v| v.to_le_bytes())),
        "d33ee650daa59ec0f3cb072e9e7cf60a725aa2501dc8ca6581ddc4e67e91e496"
    );
    assert_eq!(rng.state().draws, 8_457_930);
}

/// `randperm(1000)`, `empty(5).uniform_(-0.3, 0.7)`, `empty((), int64).random_()` in a row.
#[test]
fn draws_of_other_seeds_equal_pytorchs() {
    // Seeds above 32 bits: the engine takes the low half, as PyTorch does.
    let rows: [(u64, &str, [u32; 5], u64); 4] = [
        (
            0,
            "d03e91824c6ac07cf8674ccb9e53d0eb11d062a609be69e91ec6e9379036ef25",
            [1037350488, 1042367848, 3192029068, 1045014200, 3193712324],
            460623457219653266,
        ),
        (
            7,
            "9474a982d16edc13ae546cc97b13f0d313038c52166429a461526e7553fbef49",
            [1059987028, 1059347516, 1055513632, 3171882992, 1037573032],
            8830432183706159307,
        ),
        (
            (1 << 32) + 5,
            "fae6f7c575700ea72d5a97e9457e8a8689df12dd7bf55c8d0b7d24d910d47407",
            [1049868848, 1049711290, 1006856256, 3172221344, 1038517272],
            1102661097466752566,
        ),
        (
            (1 << 63) + 9,
            "62055eab7f8a205ca81b619faa2f4e899db98fcc315f8a5c7cbe1fb372abcc98",
            [1057512001, 1060195124, 1052249112, 1050839760, 1059218153],
            7309428334657026597,
        ),
    ];
    for (seed, permutation, floats, drawn) in rows {
        let mut rng = TorchRng::new(seed);
        let order = rng.permutation(1000);
        assert_eq!(sha256(order.iter().map(|i| i.to_le_bytes())), permutation);
        let mut values = [0.0; 5];
        rng.fill_uniform(&mut values, -0.3, 0.7);
        assert_eq!(values.map(f32::to_bits), floats);
        assert_eq!(rng.random_seed(), drawn);
        // n - 1 draws, one a float, two of 32 bits for the seed.
        assert_eq!(rng.state(), RngState { seed, draws: 999 + 5 + 2 });
    }
}

#[test]
fn permutations_of_zero_and_one_elements_draw_nothing() {
    let mut rng = TorchRng::new(1);
    assert_eq!(rng.permutation(0), Vec::<u32>::new());
    assert_eq!(rng.permutation(1), [0]);
    assert_eq!(rng.state().draws, 0);
}

#[test]
fn a_restored_state_continues_its_draws() {
    let mut rng = TorchRng::new((9 << 32) + 1);
    // Past one refill of the engine's 624 words, and in the middle of the next.
    for _ in 0..1000 {
        rng.next_u32();
    }
    let text = serde_json::to_string(&rng.state()).unwrap();
    assert_eq!(text, r#"{"seed":38654705665,"draws":1000}"#);
    let mut resumed = TorchRng::from_state(serde_json::from_str(&text).unwrap()).unwrap();
    assert_eq!(resumed, rng);
    assert_eq!(resumed.permutation(500), rng.permutation(500));
}

/// A damaged checkpoint may claim any number of draws: going over them must not take years.
#[test]
fn an_absurd_number_of_draws_is_refused() {
    let state = RngState { seed: 1, draws: MAX_DRAWS + 1 };
    let error = TorchRng::from_state(state).unwrap_err();
    assert_eq!(error, RngError::TooManyDraws { draws: MAX_DRAWS + 1 });
    assert!(error.to_string().contains("17179869185"));
}

#[test]
fn a_state_with_an_unknown_key_is_refused() {
    let text = r#"{"seed":1,"draws":2,"position":3}"#;
    assert!(serde_json::from_str::<RngState>(text).is_err());
}

/// `manual_seed(43); empty(40001).normal_(0, 0.037)`, by PyTorch's kernels for AVX2: 2,500 blocks, and the last one drawn again.
#[test]
fn normal_draws_equal_pytorchs_to_the_bit() {
    let mut rng = TorchRng::new(43);
    let mut values = vec![0.0; 40_001];
    NormalDraws::default().fill(&mut rng, &mut values, 0.037);
    assert_eq!(
        sha256(values.iter().map(|value| value.to_le_bytes())),
        "54826826d6bb057e3d71f072dc969b226c1c35e89835a091ec0f696d68fba9e0"
    );
    assert_eq!(rng.uniform(0.0, 1.0), 0.628_470_5);
}

/// `manual_seed(43)`, then `empty(n).normal_(0, 0.5)` of n = 3, 4, 16 and 5: pairs go on over a tensor drawn by blocks.
#[test]
fn normal_draws_of_small_tensors_equal_pytorchs() {
    let (mut rng, mut normal) = (TorchRng::new(43), NormalDraws::default());
    let mut draw = |count: usize| {
        let mut values = vec![0.0; count];
        normal.fill(&mut rng, &mut values, 0.5);
        values
    };
    assert_eq!(draw(3), [-0.324_200_54, -0.352_920_7, 0.321_609_2]);
    assert_eq!(draw(4), [0.739_399_55, 0.595_924_9, -0.072_308_28, 0.242_357_97]);
    assert_eq!(draw(16)[..3], [0.357_123_73, 0.209_914_8, -0.883_612_9]);
    assert_eq!(draw(5), [0.346_052_05, -0.415_648_64, 0.234_007_5, 1.135_007_3, 0.037_172_46]);
}
