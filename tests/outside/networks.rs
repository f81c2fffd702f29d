//! `model.network`: a network in words is trained, recorded, listed and compared; what is wrong with one is told before anything is built.

use crate::harness::{Sandbox, residual_network};

#[test]
fn a_network_in_words_is_recorded_and_compared_by_its_text() {
    let sandbox = Sandbox::new();
    let layers = residual_network();
    let set = format!("model.network={layers}");
    let phases = ["--set", "phases=[{epochs=2,lr=0.002,schedule=\"cosine\"}]"];
    let out = sandbox.train(["--name", "residual", "--set", &set].iter().chain(&phases)).succeeded().out;
    let text = format!("3072, {layers}, 10");
    assert!(out.contains(&text) && out.contains("1316618 parameters"), "{out}");
    sandbox.train(["--name", "linear"].iter().chain(&phases)).succeeded();

    let record = sandbox.record("residual");
    assert_eq!(record["parameters"], 1_316_618);
    let hyperparameters = &record["hyperparameters"];
    assert_eq!(
        (&hyperparameters["arch"], &hyperparameters["network"]),
        (&text.as_str().into(), &layers.as_str().into())
    );
    for absent in ["hidden", "activation", "dropout"] {
        assert!(hyperparameters[absent].is_null(), "{absent}: {hyperparameters}");
    }
    // The masks' generators, whose seed is the run's.
    for masks in ["dropout: philox4x32-10", "stochastic depth: philox4x32-10"] {
        assert_eq!(record["rng"]["streams"][masks], 43);
    }
    let compared = sandbox.run(["compare"]).succeeded().out;
    let of = |label: &str| compared.lines().find(|line| line.split_whitespace().next() == Some(label)).unwrap();
    assert!(of("network").contains("256 batch_norm gelu") && of("parameters").contains("1316618"), "{compared}");
    assert!(sandbox.run(["runs"]).succeeded().out.contains("residual"));

    // The weights say what they are of; the resolved config trains the same network again.
    let weights = sandbox.read("runs/residual/model.safetensors");
    let header = String::from_utf8_lossy(&weights[8..4096]).into_owned();
    assert!(header.contains(&text) && header.contains("norm1.running_mean"), "{header}");
    sandbox.run(["experiment", "runs/residual/config.toml", "--name", "again"]).succeeded();
    assert!(sandbox.result("again") == sandbox.result("residual"));
}

#[test]
fn an_initialisation_is_recorded_and_compared() {
    let sandbox = Sandbox::new();
    let phases = ["--set", "phases=[{epochs=1,lr=0.001}]"];
    sandbox.train(["--name", "torch"].iter().chain(&phases)).succeeded();
    let set = ["--name", "orthogonal", "--set", "model.init=orthogonal"];
    sandbox.train(set.iter().chain(&phases)).succeeded();
    let [torch, orthogonal] = ["torch", "orthogonal"].map(|name| sandbox.record(name));
    assert!(torch["hyperparameters"]["init"].is_null(), "a record from before the key was there says the same");
    assert_eq!(orthogonal["hyperparameters"]["init"], "orthogonal");
    assert!(orthogonal["rng"]["initialisation"].as_str().unwrap().contains("right angles"));
    assert!(sandbox.result("torch") != sandbox.result("orthogonal"));
    let compared = sandbox.run(["compare"]).succeeded().out;
    let row = compared.lines().find(|line| line.split_whitespace().next() == Some("init")).unwrap();
    assert!(row.contains("orthogonal"), "{compared}");
    let refused = sandbox.train(["--set", "model.zero_init_residual=true"]);
    refused.failed_saying(2, &["model.zero_init_residual = true", "acts on the `skip(…)` of model.network"]);
    sandbox.train(["--set", "model.init=he"]).failed_saying(2, &["model.init = he", "kaiming_uniform"]);
}

#[test]
fn a_network_that_is_none_is_refused_before_anything_is_made() {
    let sandbox = Sandbox::new();
    // (values, exit code, what the error names)
    let cases: [(&[&str], i32, &[&str]); 4] = [
        (&["model.network=8 relu, skip(9)"], 2, &["--set model.network", "of 8 features ends with 9"]),
        (&["model.network=8 gellu"], 2, &["`gellu` is no layer", "batch_norm"]),
        (
            &["model.network=8 batch_norm relu", "dataset.batch=249"],
            2,
            &["dataset.batch = 249", "leaves 1 of 250 training images", "another batch"],
        ),
        (
            &["model.network=8 batch_norm relu"],
            1,
            &["built without the network 3072, 8 batch_norm relu, 10", "add the line `3072, 8 batch_norm relu, 10`"],
        ),
    ];
    for (values, code, parts) in cases {
        let arguments: Vec<_> = values.iter().flat_map(|value| ["--set", value]).collect();
        sandbox.train(arguments).failed_saying(code, parts);
    }
    assert_eq!(sandbox.names(""), ["small.toml"]);
}
