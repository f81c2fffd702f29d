//! What a classifier is to say of each sample.

/// The classes of a batch's samples: one each, or two with their shares. No matrix of `[batch, classes]` is made of them.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Targets<'a> {
    /// `[batch]`, each below the number of classes.
    pub labels: &'a [u8],
    /// Where two samples were mixed (MixUp, CutMix): the other one's class.
    pub mix: Option<Mix<'a>>,
}

/// The second class of each sample: its target is `share · onehot(label) + (1 - share) · onehot(mix label)`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Mix<'a> {
    /// `[batch]`, each below the number of classes.
    pub labels: &'a [u8],
    /// `[batch]`: the share of the first class, in `0..=1`.
    pub shares: &'a [f32],
}

impl<'a> From<&'a [u8]> for Targets<'a> {
    fn from(labels: &'a [u8]) -> Self {
        Self { labels, mix: None }
    }
}

/// Targets that are not those of a batch.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
pub enum TargetError {
    /// Not one label, or one share, for each sample.
    #[error("{found} labels or shares for {samples} samples")]
    Count {
        /// Samples.
        samples: usize,
        /// Labels or shares.
        found: usize,
    },
    /// A label that is no class.
    #[error("sample {sample} of the batch has label {label}; there are {classes} classes, the first is 0")]
    Label {
        /// The sample's place in the batch.
        sample: usize,
        /// Its label.
        label: u8,
        /// Classes.
        classes: usize,
    },
    /// A share that is none.
    #[error("sample {sample} of the batch is mixed with a share of {share}, not in 0..=1")]
    Share {
        /// The sample's place in the batch.
        sample: usize,
        /// Its share.
        share: f32,
    },
}

impl Targets<'_> {
    /// Whether these are targets of so many samples and classes.
    ///
    /// # Errors
    /// [`TargetError`] where they are not.
    pub fn check(&self, samples: usize, classes: usize) -> Result<(), TargetError> {
        let labels = |labels: &[u8]| {
            if labels.len() != samples {
                return Err(TargetError::Count { samples, found: labels.len() });
            }
            match labels.iter().enumerate().find(|(_, label)| usize::from(**label) >= classes) {
                Some((sample, label)) => Err(TargetError::Label { sample, label: *label, classes }),
                None => Ok(()),
            }
        };
        labels(self.labels)?;
        let Some(mix) = self.mix else { return Ok(()) };
        labels(mix.labels)?;
        if mix.shares.len() != samples {
            return Err(TargetError::Count { samples, found: mix.shares.len() });
        }
        match mix.shares.iter().enumerate().find(|(_, share)| !(0.0..=1.0).contains(*share)) {
            Some((sample, share)) => Err(TargetError::Share { sample, share: *share }),
            None => Ok(()),
        }
    }

    /// Each sample's classes with their shares; of a sample that is not mixed, the second share is 0.
    pub fn shares(&self) -> impl Iterator<Item = [(usize, f32); 2]> {
        self.labels.iter().enumerate().map(|(sample, label)| {
            let label = usize::from(*label);
            match self.mix {
                Some(Mix { labels, shares }) => {
                    [(label, shares[sample]), (usize::from(labels[sample]), 1.0 - shares[sample])]
                }
                None => [(label, 1.0), (label, 0.0)],
            }
        })
    }
}
