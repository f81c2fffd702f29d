//! Members without training, for tests: the driver, the journal and the claims are the real ones.

use std::collections::HashMap;
use std::io;
use std::sync::{Arc, Mutex};

use crate::driver::launch::{Ended, Job, Launcher, Running, Start};
use crate::driver::outcome::Look;
use crate::folder::SweepFolder;
use crate::points::uniform;

/// What a machine would have of the members.
#[derive(Debug, Default)]
pub(crate) struct World {
    /// Epochs that each member has trained, and whether it has ended.
    pub(crate) members: HashMap<String, (usize, bool)>,
    /// Each start, in order: the member's name, and whether it began.
    pub(crate) starts: Vec<(String, bool)>,
    held: Vec<String>,
}

/// How the members of a world go.
#[derive(Debug, Clone)]
pub(crate) struct Simulated {
    pub(crate) world: Arc<Mutex<World>>,
    pub(crate) epochs: usize,
    /// The share of starts that fail, and that are preempted.
    pub(crate) failing: f64,
    pub(crate) preempted: f64,
    /// Looks at a member before it ends, at most.
    pub(crate) slow: usize,
    pub(crate) seed: u64,
}

impl Default for Simulated {
    fn default() -> Self {
        Self { world: Arc::default(), epochs: 4, failing: 0.0, preempted: 0.0, slow: 3, seed: 0 }
    }
}

/// The best rate is 0.1: the value falls by its distance, in powers of ten, and grows with epochs.
fn value(folder: &SweepFolder, name: &str, epochs: usize) -> f64 {
    let number: usize = name[1..name.find("-s").unwrap()].parse().unwrap();
    let state = crate::driver::run::state_of(folder).unwrap();
    let rate = state.points[number].iter().flatten().find_map(|value| value.parse::<f64>().ok()).unwrap_or(1.0);
    1.0 - (rate.log10() + 1.0).abs() / 10.0 - 0.1 / epochs as f64
}

struct Member {
    world: Arc<Mutex<World>>,
    name: String,
    left: usize,
    how: Ended,
    epochs: usize,
    is_over: bool,
}

impl Running for Member {
    fn poll(&mut self) -> io::Result<Option<Ended>> {
        if self.left > 0 {
            self.left -= 1;
            return Ok(None);
        }
        let mut world = self.world.lock().unwrap();
        world.held.retain(|held| *held != self.name);
        world.members.insert(self.name.clone(), (self.epochs, self.is_over));
        Ok(Some(self.how))
    }

    fn stop(&mut self) {
        (self.left, self.how, self.is_over) = (0, Ended { code: Some(130), signal: None }, false);
    }
}

impl Launcher for Simulated {
    fn start(&mut self, _: &SweepFolder, job: &Job) -> io::Result<Box<dyn Running>> {
        let mut world = self.world.lock().unwrap();
        assert!(!world.held.contains(&job.name), "{} runs twice", job.name);
        assert!(world.members.get(&job.name).is_none_or(|(_, is_over)| !is_over), "{} ran already", job.name);
        let number = world.starts.len() as u64;
        let before = world.members.get(&job.name).map_or(0, |(epochs, _)| *epochs);
        assert_eq!(job.start == Start::Resume, world.members.contains_key(&job.name), "{job:?}");
        world.starts.push((job.name.clone(), job.start != Start::Resume));
        world.held.push(job.name.clone());
        let chance = uniform(self.seed, 1, number);
        let (code, epochs) = match chance {
            chance if chance < self.failing => (1, before),
            chance if chance < self.failing + self.preempted => (130, (before + 1).min(self.epochs - 1)),
            _ => (if job.pause_after.is_some() { 130 } else { 0 }, job.pause_after.unwrap_or(self.epochs)),
        };
        let left = (uniform(self.seed, 2, number) * self.slow as f64) as usize;
        let how = Ended { code: Some(code), signal: None };
        let (world, name) = (Arc::clone(&self.world), job.name.clone());
        Ok(Box::new(Member { world, name, left, how, epochs, is_over: code == 0 }))
    }

    fn look(&self, folder: &SweepFolder, name: &str) -> Look {
        let world = self.world.lock().unwrap();
        if world.held.iter().any(|held| held == name) {
            return Look::Held;
        }
        let Some((epochs, is_over)) = world.members.get(name).copied() else { return Look::Absent };
        drop(world);
        match is_over {
            true => {
                let value = Some(value(folder, name, epochs));
                Look::Finished { value, metrics: Default::default(), epochs, seconds: epochs as f64 }
            }
            false => {
                let values = (1..=epochs).map(|epochs| Some(value(folder, name, epochs))).collect();
                Look::Stopped { values, seconds: epochs as f64 }
            }
        }
    }
}
