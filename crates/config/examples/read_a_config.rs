//! A config with a value laid over it, and what a mistake says.

use std::path::Path;

use strata_config::{Config, ConfigError};

const TEXT: &str = r#"
phases = [{ epochs = 20, lr = 0.1 }]

[dataset]
kind = "synthetic"

[model]
hidden = [128, 64]
"#;

fn main() -> Result<(), ConfigError> {
    let path = Path::new("example.toml");
    let experiment = Config::parse(TEXT, path, &["model.activation=gelu".to_owned()])?;
    println!("{}: {}, {} epochs", experiment.name, experiment.network(), experiment.epochs());
    assert_eq!(experiment.network().to_string(), "3072, 128, 64, 10");
    // Every key that has a value, defaults included; it reads back as equal.
    println!("{}", experiment.to_toml());

    let wrong = Config::parse(&TEXT.replace("hidden", "hiden"), path, &[]);
    let error = wrong.err().map(|error| error.to_string()).unwrap_or_default();
    println!("{error}");
    assert!(error.contains("did you mean `hidden`?"));
    Ok(())
}
