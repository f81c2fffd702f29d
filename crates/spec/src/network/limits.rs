//! How large a network may be that a program is built with.

use super::{LayerSpec, NetworkError, NetworkSpec};
use crate::ranges::{HIDDEN_LAYERS, LAYERS, PARAMETERS, WIDTH};

impl NetworkSpec {
    /// Whether a program can be built with the network from its text alone, and it can be trained: widths, number of layers and parameters in
    /// their ranges, no module of a user's own.
    ///
    /// # Errors
    /// The first thing that is not so, and what to change.
    pub fn check_limits(&self) -> Result<(), NetworkError> {
        let widths = self.widths();
        if let Some(width) =
            widths.iter().find(|width| !i64::try_from(**width).is_ok_and(|width| WIDTH.contains(width)))
        {
            return Err(NetworkError(format!("a width of {width}: {WIDTH}")));
        }
        let (mut layers, mut module) = (0, None);
        self.for_each(&mut |_, layer| {
            layers += 1;
            if let LayerSpec::Module { name, .. } = layer {
                module.get_or_insert_with(|| name.clone());
            }
        });
        if let Some(name) = module {
            return Err(NetworkError(format!(
                "`module({name} …)` is known to a program of its own only: name layers of Strata's"
            )));
        }
        // Features of a sample and the classes are ends, not hidden layers.
        let hidden = widths.len().saturating_sub(2);
        if hidden > HIDDEN_LAYERS || layers > LAYERS {
            return Err(NetworkError(format!(
                "{hidden} hidden widths and {layers} layers in all; at most {HIDDEN_LAYERS} and {LAYERS} are taken: leave some out"
            )));
        }
        let parameters = self.parameters();
        if parameters > PARAMETERS {
            return Err(NetworkError(format!(
                "makes {parameters} parameters; at most {PARAMETERS} (4 GB) are taken: narrow a layer"
            )));
        }
        Ok(())
    }
}
