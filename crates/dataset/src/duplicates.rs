//! Images that are there more than once.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use sha2::{Digest, Sha256};

use crate::{DatasetError, Images};

/// Images that are, byte for byte, those of another place.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Duplicates {
    /// Of two parts: the place where the image comes first, and where it comes again; each a part's number and the image's index in it.
    pub across: Vec<[(usize, u32); 2]>,
    /// How many are of an image that comes before in the same part.
    pub within: usize,
    /// How many of all of these are of another class than the first.
    pub of_another_class: usize,
}

impl Duplicates {
    /// Looks through parts, each with the images of these indices. An image is known by half of its SHA-256.
    ///
    /// ```
    /// use strata_dataset::{Duplicates, ImageShape, Images};
    ///
    /// let shape = ImageShape { channels: 1, height: 1, width: 1 };
    /// let train = Images::new(shape, vec![1, 2, 1], vec![0, 0, 1], 2)?;
    /// let test = Images::new(shape, vec![3, 2], vec![0, 0], 2)?;
    /// let found = Duplicates::of(&[(&train, &[0, 1, 2]), (&test, &[0, 1])])?;
    /// assert_eq!((found.across.as_slice(), found.within, found.of_another_class), (&[[(0, 1), (1, 1)]][..], 1, 1));
    /// # Ok::<(), strata_dataset::DatasetError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As [`Images::image`].
    pub fn of(parts: &[(&Images, &[u32])]) -> Result<Self, DatasetError> {
        let (mut found, mut seen) = (Self::default(), HashMap::new());
        for (part, (images, indices)) in parts.iter().enumerate() {
            for &index in *indices {
                let digest = Sha256::digest(images.raw(index as usize..index as usize + 1)?);
                let mut known = [0u8; 16];
                known.copy_from_slice(&digest[..16]);
                let label = images.labels().get(index as usize).copied();
                match seen.entry(known) {
                    Entry::Vacant(place) => drop(place.insert((part, index, label))),
                    Entry::Occupied(first) => {
                        let (first_part, first_index, first_label) = *first.get();
                        found.of_another_class += usize::from(first_label != label);
                        match first_part == part {
                            true => found.within += 1,
                            false => found.across.push([(first_part, first_index), (part, index)]),
                        }
                    }
                }
            }
        }
        Ok(found)
    }
}
