//! A sweep's members as processes of this program.

use std::ffi::OsString;
use std::path::PathBuf;

use anyhow::Context;
use strata_sweep::{Job, Processes, Start, SweepFolder};

/// Starts members as processes of this program, their data in the folder `data`.
pub(crate) fn processes(data: Option<PathBuf>) -> anyhow::Result<Processes> {
    let program = std::env::current_exe().context("cannot tell which program this is")?;
    let data: Vec<OsString> = data.into_iter().flat_map(|data| ["--data".into(), data.into()]).collect();
    let arguments = move |folder: &SweepFolder, job: &Job| {
        let mut words = arguments(folder, job);
        words.extend(data.iter().cloned());
        words
    };
    Ok(Processes { program, arguments: Box::new(arguments) })
}

fn arguments(folder: &SweepFolder, job: &Job) -> Vec<OsString> {
    let mut words: Vec<OsString> = Vec::new();
    match &job.start {
        Start::New(sets) => {
            words.extend(["experiment".into(), folder.base().into()]);
            words.extend(sets.iter().flat_map(|set| ["--set".into(), set.into()]));
            words.extend(["--runs".into(), folder.path().into(), "--name".into(), (&job.name).into()]);
        }
        Start::Resume => words.extend(["resume".into(), folder.run(&job.name).into()]),
    }
    let further = [
        ("--threads", (job.threads > 0).then(|| job.threads.to_string())),
        ("--device", job.device.clone()),
        ("--stop-after", job.pause_after.map(|epochs| epochs.to_string())),
    ];
    for (option, value) in further {
        words.extend(value.into_iter().flat_map(|value| [option.into(), value.into()]));
    }
    words
}
