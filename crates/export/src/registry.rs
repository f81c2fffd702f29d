//! The exporters by their names.

use crate::format::EXPORTERS;
use crate::{ExportError, Exporter};

/// The exporter called `name`.
///
/// # Errors
/// [`ExportError::NoExporter`] with those that there are.
pub fn exporter(name: &str) -> Result<&'static dyn Exporter, ExportError> {
    let found = EXPORTERS.iter().find(|exporter| exporter.name() == name);
    found.copied().ok_or_else(|| ExportError::NoExporter {
        name: name.to_owned(),
        known: EXPORTERS.iter().map(|exporter| exporter.name()).collect::<Vec<_>>().join(", "),
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::{Onnx, Options};

    #[test]
    fn exporters_have_names_of_their_own_and_say_what_they_do() {
        let names: BTreeSet<_> = EXPORTERS.iter().map(|exporter| exporter.name()).collect();
        assert_eq!(names.len(), EXPORTERS.len());
        for name in names {
            let found = exporter(name).unwrap();
            assert!(!found.about().is_empty() && !found.destination().about.is_empty(), "{name}");
        }
        let Err(error) = exporter("onix") else { panic!("there is no such exporter") };
        assert!(error.to_string().contains("`onix`") && error.to_string().contains("onnx"), "{error}");
    }

    #[test]
    fn an_option_or_a_value_that_an_exporter_does_not_have_is_refused() {
        let check =
            |name: &str, value: &str| Options::default().with(name, value).check(&Onnx).map_err(|e| e.to_string());
        assert_eq!(check("input", "floats"), Ok(()));
        assert!(check("input", "words").unwrap_err().contains("bytes or floats"));
        assert!(check("inputs", "bytes").unwrap_err().contains("only input"));
    }
}
