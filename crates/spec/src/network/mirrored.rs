//! Layers inside of `mirrored(…)`.

use super::LayerSpec;

impl LayerSpec {
    /// What a layer is inside of `mirrored(…)`, behind its first.
    fn of_views(self) -> Self {
        match self {
            Self::Dense { outputs } => Self::MirroredDense { outputs },
            Self::Skip(layers) => Self::Skip(layers.into_iter().map(Self::of_views).collect()),
            layer => layer,
        }
    }

    /// `mirrored(…)` around layers as they would stand outside of it.
    ///
    /// ```
    /// use strata_spec::{LayerList, LayerSpec, NetworkSpec};
    ///
    /// let LayerList(layers) = "64 relu, 32 relu".parse()?;
    /// let network = NetworkSpec::classifier(12, vec![LayerSpec::mirrored(layers)], 3)?;
    /// assert_eq!(network.to_string(), "12, mirrored(64 relu, 32 relu), 3");
    /// # Ok::<(), strata_spec::NetworkError>(())
    /// ```
    pub fn mirrored(layers: Vec<Self>) -> Self {
        let mut layers = layers.into_iter();
        let first = layers.next().map(|layer| match layer {
            Self::Dense { outputs } => Self::MirroredInput { outputs },
            layer => layer,
        });
        Self::Mirrored(first.into_iter().chain(layers.map(Self::of_views)).collect())
    }
}
