//! A data set: its classes and its two parts.

use std::sync::Arc;

use sha2::{Digest, Sha256};

use crate::{DatasetError, Images, digest};

/// A training part and a test part over the same classes.
#[derive(Clone, Debug)]
pub struct Dataset {
    /// What it is called: `cifar10`, `synthetic`.
    pub name: String,
    /// The classes' names in label order.
    pub classes: Vec<String>,
    /// The part to train and validate on.
    pub train: Arc<Images>,
    /// Where the data set has a validation part of its own: how many images it has, the last ones of `train`.
    pub validation: Option<usize>,
    /// The part to test on.
    pub test: Arc<Images>,
}

impl Dataset {
    /// SHA-256 over shape, classes, labels and pixels of both parts, hexadecimal.
    ///
    /// Each length comes before its bytes, as a little-endian `u64`, so no two data sets share a
    /// byte string. The name is not part of it: the same images are the same images.
    ///
    /// # Errors
    ///
    /// [`DatasetError::Io`] where images lie in a file that cannot be read.
    pub fn sha256(&self) -> Result<String, DatasetError> {
        let mut hash = Sha256::new();
        let number = |hash: &mut Sha256, n: usize| hash.update((n as u64).to_le_bytes());
        number(&mut hash, self.classes.len());
        for class in &self.classes {
            number(&mut hash, class.len());
            hash.update(class);
        }
        for images in [&self.train, &self.test] {
            let shape = images.shape();
            for n in [images.len(), shape.channels, shape.height, shape.width] {
                number(&mut hash, n);
            }
            hash.update(images.labels());
            if images.values().is_some() {
                hash.update("float32");
            }
            for chunk in images.chunks() {
                hash.update(images.raw(chunk)?);
            }
        }
        if let Some(validation) = self.validation {
            number(&mut hash, validation);
        }
        Ok(digest::finish(hash))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ImageShape;

    fn tiny(classes: [&str; 2], pixels: [u8; 2], label: u8) -> String {
        let shape = ImageShape { channels: 1, height: 1, width: 1 };
        let part = |byte, label| Images::new(shape, vec![byte], vec![label], 2).unwrap();
        Dataset {
            name: "tiny".to_owned(),
            classes: classes.map(str::to_owned).to_vec(),
            train: Arc::new(part(pixels[0], label)),
            validation: None,
            test: Arc::new(part(pixels[1], 0)),
        }
        .sha256()
        .unwrap()
    }

    #[test]
    fn the_data_hash_changes_with_every_part_of_the_data() {
        let base = tiny(["a", "b"], [1, 2], 0);
        assert_eq!(base, tiny(["a", "b"], [1, 2], 0));
        assert_eq!(base.len(), 64);
        assert_ne!(base, tiny(["ab", ""], [1, 2], 0), "where a name ends");
        assert_ne!(base, tiny(["a", "b"], [2, 1], 0), "which part");
        assert_ne!(base, tiny(["a", "b"], [1, 2], 1), "the labels");
    }
}
