//! What to type: the libraries say what is wrong, the program adds what a person can do about it here.

use strata_cli::quoted;
use strata_experiment::ExperimentError;
use strata_report::ReportError;
use strata_sweep::SweepError;
use strata_trainer::TrainError;

use crate::asked::Asked;
use crate::data_hints;

/// What to do about `error`, where there is something to type.
pub(crate) fn hint(error: &anyhow::Error, asked: Asked) -> Option<String> {
    if let Some(error) = error.downcast_ref::<SweepError>() {
        return of_sweep(error);
    }
    match error.downcast_ref::<ExperimentError>() {
        Some(error) => of_experiment(error, asked),
        None => error.downcast_ref::<ReportError>().and_then(|error| of_report(error, asked)),
    }
}

fn of_sweep(error: &SweepError) -> Option<String> {
    Some(match error {
        SweepError::Interrupted { path } => format!("go on with it by: cargo xtask sweep {}", quoted(path)),
        SweepError::MembersFailed { path, .. } => {
            format!("run them again with: cargo xtask sweep {} --retry-failed", quoted(path))
        }
        SweepError::OtherSweep { path } => {
            format!("give the sweep another `name`, or go on with that one by: cargo xtask sweep {}", quoted(path))
        }
        SweepError::Unreached { .. } => {
            "on the machine that runs one, `kill` and its process's number end it, and it saves its state".to_owned()
        }
        SweepError::NoSweep { .. } => "--runs names the folder that sweeps are in".to_owned(),
        _ => return None,
    })
}

fn of_experiment(error: &ExperimentError, asked: Asked) -> Option<String> {
    Some(match error {
        ExperimentError::Interrupted { .. } if asked == Asked::Seeds => {
            "the same command goes on with it, and with the seeds that are left".to_owned()
        }
        ExperimentError::OtherConfig { .. } | ExperimentError::OtherParent { .. } => "--name gives these runs a folder of their own".to_owned(),
        ExperimentError::Interrupted { run } => format!("resume it with: cargo xtask resume {}", quoted(run)),
        ExperimentError::NetworkNotBuilt { network } => {
            let line = strata_config::row_text(network);
            let command = match asked {
                Asked::Resume => "resume",
                Asked::Reproduce => "reproduce",
                Asked::Sweep => "sweep",
                _ => "experiment",
            };
            format!(
                "`cargo xtask {command}` builds a program that has it, or add the line `{line}` to target/architectures.txt and build again"
            )
        }
        ExperimentError::Threads { .. } if asked == Asked::Reading => {
            "ask for fewer with RAYON_NUM_THREADS, or raise the limit (ulimit -u)".to_owned()
        }
        ExperimentError::Threads { .. } => "ask for fewer with --threads, or raise the limit (ulimit -u)".to_owned(),
        ExperimentError::Data { source, folder, kind } => {
            return data_hints::hint(source, folder, *kind, asked).map(str::to_owned);
        }
        ExperimentError::Picture { .. } => "name another file with --out".to_owned(),
        ExperimentError::Memory { key, .. } => format!("lower {key}, or use a machine with more"),
        ExperimentError::UnrecordableFolder { .. } => {
            "a resume would not find it: name a link to it with --data (ln -s), or rename it".to_owned()
        }
        ExperimentError::NoRun { .. } => LISTED.to_owned(),
        ExperimentError::StartFrom { .. } if matches!(asked, Asked::Reproduce | Asked::Resume) => {
            "put the weights back that the run started from: from others it would be another run".to_owned()
        }
        ExperimentError::StartFrom { .. } => {
            "--new-last-layer leaves the last layer out; PyTorch saves by safetensors.torch.save_file(model.state_dict(), FILE)".to_owned()
        }
        ExperimentError::Resume { .. } => {
            "`cargo xtask runs` tells how far each run is; --data names the folder of a run's images".to_owned()
        }
        ExperimentError::Report(error) => return of_report(error, asked),
        ExperimentError::Train(TrainError::NoDevice { .. } | TrainError::OnlyOnCpu { .. }) => {
            "--device cpu does without a card".to_owned()
        }
        ExperimentError::Train(TrainError::Io { .. }) => return another_folder(asked, ""),
        _ => return None,
    })
}

fn of_report(error: &ReportError, asked: Asked) -> Option<String> {
    match error {
        ReportError::Taken { .. } => Some("--name gives another".to_owned()),
        ReportError::NotARun { .. } => Some(LISTED.to_owned()),
        ReportError::NoOrder { key, value, kind: "a number", .. } => {
            Some(format!("in quotes of its own it is a text: '{key} > \"{value}\"'"))
        }
        ReportError::NoOrder { found: "a number", .. } => {
            Some("numbers are written with a point, as in 'val_acc > 0.6'".to_owned())
        }
        ReportError::Io { action, .. } => another_folder(asked, action),
        _ => None,
    }
}

/// A new run can lie elsewhere; one that is resumed, or looked at, lies where it is.
fn another_folder(asked: Asked, action: &str) -> Option<String> {
    let hint = match asked {
        Asked::Resume => return None,
        Asked::Comparing if action.starts_with("write") => "or name another file with --html",
        Asked::Reading | Asked::Comparing if !action.starts_with("list the runs") => return None,
        _ => "or choose another folder with --runs",
    };
    Some(hint.to_owned())
}

const LISTED: &str = "`cargo xtask runs` lists the runs";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_suggested_resume_command_is_quoted_for_a_shell() {
        let error = anyhow::Error::from(ExperimentError::Interrupted { run: "my runs/a b".into() });
        assert_eq!(hint(&error, Asked::Experiment).unwrap(), "resume it with: cargo xtask resume 'my runs/a b'");
    }

    #[test]
    fn several_seeds_go_on_by_their_own_command() {
        let error = anyhow::Error::from(ExperimentError::Interrupted { run: "runs/a-seeds/seed-2".into() });
        assert!(hint(&error, Asked::Seeds).unwrap().starts_with("the same command goes on"));
    }

    #[test]
    fn hints_name_the_threads_option_that_the_command_has() {
        let error = anyhow::Error::from(ExperimentError::Threads { threads: 2, reason: "none left".into() });
        assert!(hint(&error, Asked::Experiment).unwrap().contains("--threads"));
        assert!(hint(&error, Asked::Reading).unwrap().contains("RAYON_NUM_THREADS"), "`dataset` has no --threads");
    }

    #[test]
    fn the_hint_for_a_missing_network_repeats_the_users_command() {
        let network = strata_spec::NetworkSpec::chain(3072, &[7], 10).unwrap();
        let error = anyhow::Error::from(ExperimentError::NetworkNotBuilt { network });
        let hints = [Asked::Experiment, Asked::Resume].map(|asked| hint(&error, asked).unwrap());
        assert!(hints[0].contains("cargo xtask experiment") && hints[1].contains("cargo xtask resume"), "{hints:?}");
        assert!(hints.iter().all(|hint| hint.contains("`3072 7 10` to target/architectures.txt")), "{hints:?}");
    }

    /// Neither `reproduce` nor `resume` has an option for it.
    #[test]
    fn weights_that_are_gone_are_to_be_put_back_for_a_run_that_is_there() {
        let error = || {
            let (path, reason) = ("runs/a/model.safetensors".into(), "no such file".into());
            anyhow::Error::from(ExperimentError::StartFrom { path, reason })
        };
        assert!(hint(&error(), Asked::Experiment).unwrap().contains("--new-last-layer"));
        for asked in [Asked::Reproduce, Asked::Resume] {
            assert!(hint(&error(), asked).unwrap().starts_with("put the weights back"), "{asked:?}");
        }
    }

    #[test]
    fn a_resumed_run_gets_no_hint_about_another_folder() {
        let source = || std::io::Error::from(std::io::ErrorKind::StorageFull);
        let error = || {
            let error = ReportError::Io { action: "write the file", path: "runs/a/x".into(), source: source() };
            anyhow::Error::from(ExperimentError::Report(error))
        };
        assert!(hint(&error(), Asked::Experiment).unwrap().contains("--runs"));
        assert_eq!(hint(&error(), Asked::Resume), None);
        assert_eq!(hint(&error(), Asked::Reading), None, "`note` and `report` write where the run is");
        assert_eq!(hint(&error(), Asked::Comparing).unwrap(), "or name another file with --html");
    }
}
