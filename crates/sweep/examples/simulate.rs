//! A sweep of members that train nothing, over the real journal, claims and driver: `simulate 10000` prints how long each part takes (docs/scale.md).

use std::{cell::RefCell, collections::HashMap, io, path::Path, time::Instant};

use strata_sweep::*;

/// The epochs of each member that was started; one in twenty fails, one in ten is preempted, one in ten is slow.
#[derive(Default)]
struct Members(RefCell<HashMap<String, usize>>);

struct Member(usize, Ended);

impl Running for Member {
    fn poll(&mut self) -> io::Result<Option<Ended>> {
        self.0 = self.0.saturating_sub(1);
        Ok((self.0 == 0).then_some(self.1))
    }

    fn stop(&mut self) {}
}

impl Launcher for Members {
    fn start(&mut self, _: &SweepFolder, job: &Job) -> io::Result<Box<dyn Running>> {
        let (code, epochs) = match job.member.point {
            point if point % 20 == 3 => (1, 0),
            point if point % 10 == 5 && job.start != Start::Resume => (130, 1),
            _ => (0, 4),
        };
        self.0.borrow_mut().insert(job.name.clone(), epochs);
        Ok(Box::new(Member(if job.member.point % 10 == 7 { 20 } else { 1 }, Ended { code: Some(code), signal: None })))
    }

    fn look(&self, _: &SweepFolder, name: &str) -> Look {
        match self.0.borrow().get(name).copied() {
            None => Look::Absent,
            Some(4) => Look::Finished { value: Some(0.5), metrics: [].into(), epochs: 4, seconds: 9.0 },
            Some(epochs) => Look::Stopped { values: vec![Some(0.4); epochs], seconds: 2.0 },
        }
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let members = std::env::args().nth(1).map_or(Ok(200), |count| count.parse::<usize>())?;
    let base = "phases = [{ epochs = 4, lr = 0.1 }]\ndataset.kind = \"synthetic\"\nmodel.hidden = []\n";
    let keys = "method = \"random\"\nkeys.\"phases.0.lr\" = { low = 0.1, high = 1.0 }";
    let text = format!("base = \"b\"\nbudget.members = {members}\n{keys}");
    let temporary = tempfile::tempdir()?;
    let begin = Instant::now();
    let sweep = Sweep::parse(Path::new("s.toml"), &text, Path::new("b"), base, &[])?;
    let folder = SweepFolder::begin(&temporary.path().join("s"), &sweep, &[], sweep.check()?.points)?;
    let begun = begin.elapsed();
    let driver = Driver::open(&folder, Options { jobs: 64, ..Options::default() })?;
    driver.run(&mut Members::default(), &mut |_| {}, &|| false)?;
    let run = begin.elapsed();
    println!("{}", summary_lines(&folder, &state_of(&folder)?, 64).join("\n"));
    let (all, journal) = (begin.elapsed(), std::fs::metadata(folder.path().join("journal.jsonl"))?);
    println!("frozen after {begun:.2?}, run after {run:.2?}, all after {all:.2?}, journal of {} bytes", journal.len());
    Ok(())
}
