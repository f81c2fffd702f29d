//! Prints the points that a sweep's file proposes before it has any result: `propose configs/sweeps/rates.toml`.

use std::path::Path;

use strata_sweep::{Sweep, SweepError};

fn main() -> Result<(), SweepError> {
    let sweep = match std::env::args().nth(1) {
        Some(path) => Sweep::read(Path::new(&path), &[])?,
        None => {
            let base = "phases = [{ epochs = 2, lr = 0.1 }]\n[dataset]\nkind = \"synthetic\"\n[model]\nhidden = [8]\n";
            let text = "base = \"base.toml\"\nmethod = \"sobol\"\nbudget = { members = 8 }\n[keys]\n\
                        \"phases.0.lr\" = { low = 1e-3, high = 1.0, scale = \"log\" }\n\"model.hidden\" = [[8], [16]]\n";
            Sweep::parse(Path::new("sweep.toml"), text, Path::new("base.toml"), base, &[])?
        }
    };
    let checked = sweep.check()?;
    for (number, point) in checked.points.iter().flatten().enumerate() {
        println!("p{number:04} {}", sweep.shown(point));
    }
    println!("{} networks", checked.networks.len());
    Ok(())
}
