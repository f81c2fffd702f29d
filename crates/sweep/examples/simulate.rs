//! Members that train nothing but leave a run's files, over the real journal, claims, driver and `collect`: `simulate 10000 tpe` (docs/scale.md).

use std::{fs, io, path::Path, path::PathBuf, time::Instant};
use strata_report::{Record, Status};
use strata_sweep::*;
const ROW: &str = "{\"epoch\":0,\"phase\":0,\"lr\":0.1,\"train_loss\":1.0,\"val_loss\":1.0,\"val_acc\":0.5}\n";
struct Members; // one in twenty fails, one in ten is preempted, one in ten is slow
/// How often it is looked at before it ends, and what it leaves then.
struct Member(u32, PathBuf, Status);
impl Running for Member {
    fn poll(&mut self) -> io::Result<Option<Ended>> {
        self.0 -= 1;
        if self.0 > 0 {
            return Ok(None);
        }
        let mut record = Record::new("simulated", vec![]);
        (record.status, record.metrics.val_acc, record.metrics.seconds) = (self.2, Some(0.5), Some(9.0));
        fs::create_dir_all(&self.1)?;
        fs::write(self.1.join("history.jsonl"), ROW)?;
        fs::write(self.1.join("record.json"), serde_json::to_vec(&record)?)?;
        Ok(Some(Ended { code: Some([130, 1][usize::from(self.2 == Status::Failed)]), signal: None }))
    }
    fn stop(&mut self) {}
}
impl Launcher for Members {
    fn start(&mut self, folder: &SweepFolder, job: &Job) -> io::Result<Box<dyn Running>> {
        let status = match job.member.point {
            point if point % 20 == 3 => Status::Failed,
            point if point % 10 == 5 && job.start != Start::Resume => Status::Interrupted,
            _ => Status::Finished,
        };
        Ok(Box::new(Member(if job.member.point % 10 == 7 { 20 } else { 1 }, folder.run(&job.name), status)))
    }
}
fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut words = std::env::args().skip(1);
    let [members, method] = ["200", "random"].map(|usual| words.next().unwrap_or(usual.to_owned()));
    let base = "phases = [{ epochs = 1, lr = 0.1 }]\ndataset.kind = 'synthetic'\nmodel.hidden = []\n";
    let text =
        format!("base='b'\nbudget.members={members}\nmethod='{method}'\nkeys.'phases.0.lr'={{low=0.1,high=1.0}}");
    let (temporary, mut begin) = (tempfile::tempdir()?, Instant::now());
    let mut told = |part: &str| println!("{part}: {:.2?}", std::mem::replace(&mut begin, Instant::now()).elapsed());
    let sweep = Sweep::parse(Path::new("s.toml"), &text, Path::new("b"), base, &[])?;
    let folder = SweepFolder::begin(&temporary.path().join("s"), &sweep, &[], sweep.check()?.points)?;
    told("checked and frozen");
    let options = Options { jobs: 64, ..Options::default() };
    Driver::open(&folder, options)?.run(&mut Members, &mut |_| {}, &|| false)?;
    told("run");
    let folder = SweepFolder::open(folder.path())?;
    told("manifest read");
    let state = state_of(&folder)?;
    let rows = points_sheet(&folder, &state, 10).rows().len() + importance(&folder, &state).len();
    let journal = folder.path().join("journal.jsonl");
    println!("{}\njournal of {} bytes", summary_lines(&folder, &state, 64).join("\n"), fs::metadata(&journal)?.len());
    told(&format!("status of {rows} rows"));
    fs::remove_file(&journal)?;
    // Without the journal a frozen sweep's members are found in their folders; the points of a method that learns are in the journal alone.
    told(&format!("collected {} members", slurm::collect(&folder, &Members)?));
    Ok(())
}
