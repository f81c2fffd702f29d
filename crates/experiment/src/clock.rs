//! How long the parts of a run take.

use std::time::{Duration, Instant};

use strata_report::{TimingLine, now};
use strata_trainer::{Elapsed, Event, Pass};

/// Measures a run, its epochs and their training from its events, earlier parts of a resumed run included.
#[derive(Debug)]
pub(crate) struct Clock {
    started: Instant,
    /// What the earlier parts took.
    before: Elapsed,
    /// When the work on the next line of the history began in this part.
    line: Option<Instant>,
    /// Training steps of the epoch in this part, so far.
    training: Duration,
    /// Since when a training step is under way.
    training_since: Option<Instant>,
    /// Samples of the next line that were trained on (for the initial evaluation: evaluated), earlier parts included.
    samples: u64,
    /// Whether the pass under way counts for them.
    is_counted: bool,
}

impl Clock {
    /// Starts now; `samples` of the epoch under way were trained on in earlier parts.
    pub(crate) fn new(before: Elapsed, samples: u64) -> Self {
        Self {
            started: Instant::now(),
            before,
            line: None,
            training: Duration::ZERO,
            training_since: None,
            samples,
            is_counted: false,
        }
    }

    /// Takes the time of an event of the loop.
    pub(crate) fn event(&mut self, event: &Event<'_>) {
        match event {
            Event::PassStarted { pass, .. } => {
                self.is_counted = matches!(pass, Pass::Initial | Pass::Training { .. });
                if self.is_counted {
                    self.line = Some(Instant::now());
                }
                self.pause_training();
                if matches!(pass, Pass::Training { .. }) {
                    self.training_since = Some(Instant::now());
                }
            }
            Event::BatchFinished { samples, .. } if self.is_counted => self.samples += *samples as u64,
            _ => {}
        }
    }

    /// Ends a line of the history: the initial evaluation (`epoch` none), or an epoch.
    pub(crate) fn end_line(&mut self, epoch: Option<usize>) -> TimingLine {
        let elapsed = self.elapsed();
        let training_seconds = epoch.map(|_| elapsed.training);
        let samples_per_second = self.samples as f64 / training_seconds.unwrap_or(elapsed.epoch);
        (self.before.epoch, self.before.training, self.line, self.samples) = (0.0, 0.0, None, 0);
        (self.training, self.training_since) = (Duration::ZERO, None);
        TimingLine { epoch, seconds: elapsed.epoch, training_seconds, samples_per_second, finished: now() }
    }

    /// Goes on with the training that [`pause_training`](Self::pause_training) ended.
    pub(crate) fn go_on(&mut self, was_training: bool) {
        if was_training {
            self.training_since = Some(Instant::now());
        }
    }

    /// Ends the training that is under way; whether there was any.
    pub(crate) fn pause_training(&mut self) -> bool {
        let since = self.training_since.take();
        self.training += since.map_or(Duration::ZERO, |since| since.elapsed());
        since.is_some()
    }

    /// What the run, its epoch and the epoch's training took up to now, in seconds.
    pub(crate) fn elapsed(&self) -> Elapsed {
        let seconds = |since: Option<Instant>| since.map_or(0.0, |since| since.elapsed().as_secs_f64());
        Elapsed {
            run: self.before.run + self.started.elapsed().as_secs_f64(),
            epoch: self.before.epoch + seconds(self.line),
            training: self.before.training + self.training.as_secs_f64() + seconds(self.training_since),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::thread::sleep;

    const PAUSE: Duration = Duration::from_millis(30);

    fn start(clock: &mut Clock, pass: Pass) {
        clock.event(&Event::PassStarted { pass, batches: 1, done: 0 });
    }

    /// Only what must be so is asserted: a sleep takes at least its time, and neither part is more than the whole.
    #[test]
    fn neither_validation_nor_checkpoints_count_as_training() {
        let mut clock = Clock::new(Elapsed::default(), 0);
        start(&mut clock, Pass::Training { epoch: 0, learning_rate: 0.1 });
        sleep(PAUSE);
        clock.event(&Event::BatchFinished { samples: 30, loss: None });
        let was_training = clock.pause_training();
        assert!(was_training);
        sleep(PAUSE);
        clock.go_on(was_training);
        start(&mut clock, Pass::Validation { epoch: 0 });
        clock.event(&Event::BatchFinished { samples: 1000, loss: None });
        sleep(PAUSE);
        let line = clock.end_line(Some(0));
        let training = line.training_seconds.unwrap();
        assert!(training >= PAUSE.as_secs_f64() && training + 2.0 * PAUSE.as_secs_f64() <= line.seconds, "{line:?}");
        assert_eq!(line.samples_per_second, 30.0 / training);
    }

    #[test]
    fn a_resumed_epoch_counts_the_time_and_samples_before_the_stop() {
        let before = Elapsed { run: 1000.0, epoch: 500.0, training: 400.0 };
        let mut clock = Clock::new(before, 4000);
        start(&mut clock, Pass::Training { epoch: 3, learning_rate: 0.1 });
        clock.event(&Event::BatchFinished { samples: 100, loss: None });
        start(&mut clock, Pass::Validation { epoch: 3 });
        let line = clock.end_line(Some(3));
        let training = line.training_seconds.unwrap();
        assert!(line.seconds >= 500.0 && (400.0..500.0).contains(&training), "{line:?}");
        assert_eq!(line.samples_per_second, 4100.0 / training);
        assert!(clock.elapsed().run >= 1000.0);
        // The next epoch is its own.
        start(&mut clock, Pass::Training { epoch: 4, learning_rate: 0.1 });
        assert!(clock.end_line(Some(4)).seconds < 500.0);
    }

    #[test]
    fn the_initial_evaluation_is_timed_apart() {
        let mut clock = Clock::new(Elapsed::default(), 0);
        start(&mut clock, Pass::Initial);
        clock.event(&Event::BatchFinished { samples: 50, loss: None });
        sleep(PAUSE);
        let line = clock.end_line(None);
        assert_eq!(line.training_seconds, None);
        assert_eq!(line.samples_per_second, 50.0 / line.seconds);
    }
}
