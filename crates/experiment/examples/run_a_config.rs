//! A config run from start to record, as the program does it, with networks of one's own and no program.

use std::path::Path;

use strata_experiment::{Commit, CompiledNetwork, Config, Display, Runner, Stop};
use strata_model::net;
use strata_report::{compare_table, read_record};
use strata_trainer::build;

const CONFIG: &str = r#"
phases = [{ epochs = 2, lr = 0.05 }]

[dataset]
kind = "synthetic"
train = 300
test = 50

[model]
hidden = [16]
"#;

/// A network for each text that a config may ask for.
const NETWORKS: &[CompiledNetwork] =
    &[CompiledNetwork { network: "3072, 16, 10", build: build::<net!(3072, 16, 10), 3072, 10> }];

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let runs = tempfile::tempdir()?;
    let mut records = Vec::new();
    for rate in ["0.05", "0.01"] {
        let set = format!("phases.0.lr={rate}");
        let config = Config::parse(CONFIG, Path::new("small.toml"), &[set])?;
        let mut runner = Runner {
            networks: NETWORKS,
            data: None,
            command: std::env::args().collect(),
            commit: None::<Commit>,
            stop: Stop::default(),
            display: Display::default(),
        };
        let run = runner.start(&config, runs.path(), None)?;
        assert!(run.join("model.safetensors").is_file());
        records.push(read_record(&run)?);
    }
    println!("{}", compare_table(&records, Some(100)));
    Ok(())
}
