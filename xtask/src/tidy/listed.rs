//! Every config in `configs/` is right, and the committed list has no network that none of them uses.

use std::fs;
use std::path::Path;

use strata_config::{Config, row_text};
use strata_spec::NetworkSpec;
use strata_sweep::Sweep;

use crate::rows;

/// The configs that are wrong, and the rows that no config uses.
pub(super) fn faults(root: &Path) -> Vec<String> {
    let rows = match rows::read(&root.join(rows::COMMITTED)) {
        Ok(rows) => rows,
        Err(error) => return vec![format!("{error:#}")],
    };
    let entries = match fs::read_dir(root.join("configs")) {
        Ok(entries) => entries,
        Err(error) => return vec![format!("configs: {error}")],
    };
    let paths = entries.filter_map(|entry| entry.ok().map(|entry| entry.path()));
    let mut paths: Vec<_> = paths.filter(|path| path.extension().is_some_and(|end| end == "toml")).collect();
    paths.sort();
    let (mut faults, mut used) = (Vec::new(), Vec::<NetworkSpec>::new());
    for path in paths {
        match Config::read(&path, &[]) {
            Ok(experiment) => used.push(experiment.network().clone()),
            Err(error) => faults.push(error.to_string()),
        }
    }
    faults.extend(sweeps(&root.join("configs/sweeps")));
    let unused = rows.iter().filter(|row| !used.contains(row));
    faults.extend(unused.map(|row| {
        format!(
            "{}: no config in configs/ uses `{}`; remove the line, it costs build time",
            rows::COMMITTED,
            row_text(row)
        )
    }));
    faults
}

/// The sweeps that are wrong; their networks are built when they are run.
fn sweeps(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
    let mut paths: Vec<_> = entries.filter(|path| path.extension().is_some_and(|end| end == "toml")).collect();
    paths.sort();
    let wrong = |path: &std::path::PathBuf| Sweep::read(path, &[]).and_then(|sweep| sweep.check()).err();
    paths.iter().filter_map(wrong).map(|error| error.to_string()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const CONFIG: &str = "phases = [{epochs = 1, lr = 1}]\ndataset.kind = \"cifar10\"\nmodel.hidden = [7]\n";

    #[test]
    fn a_row_without_config_and_a_wrong_config_are_found() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        fs::create_dir_all(root.join("crates/strata")).unwrap();
        fs::create_dir(root.join("configs")).unwrap();
        fs::write(root.join("configs/x.toml"), CONFIG).unwrap();
        fs::write(root.join(rows::COMMITTED), "3072 7 10\n").unwrap();
        assert_eq!(faults(root), Vec::<String>::new());
        fs::write(root.join(rows::COMMITTED), "3072 8 10\n").unwrap();
        let found = faults(root);
        assert!(found[0].contains("no config in configs/ uses `3072 8 10`"), "{found:?}");
        fs::create_dir(root.join("configs/sweeps")).unwrap();
        let sweep = "base = \"../x.toml\"\nmethod = \"grid\"\n[keys]\n\"phases.0.lrr\" = [1]\n";
        fs::write(root.join("configs/sweeps/s.toml"), sweep).unwrap();
        assert!(faults(root).iter().any(|fault| fault.contains("s.toml:4: phases.0.lrr")), "{:?}", faults(root));
        fs::write(root.join("configs/x.toml"), "sed = 1").unwrap();
        assert!(faults(root)[0].contains("did you mean `seed`?"));
    }
}
