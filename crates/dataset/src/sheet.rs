//! A contact sheet: many images in one picture.

use std::io::Write;
use std::path::Path;

use strata_files::write_atomically;

use crate::{DatasetError, Images};

/// How many picture pixels a side of an image's pixel gets.
const SCALE: usize = 2;
/// Picture pixels between images and around them.
const GAP: usize = 4;
const PAPER: u8 = 255;
/// The largest picture, in bytes: a sheet of every training image would be of no use to look at.
const LARGEST: usize = 1 << 28;

/// Writes these images as a PNG, `columns` in a row, each pixel doubled, a small gap between.
///
/// Images have three channels (red, green, blue) or one (grey). The file appears whole or not at
/// all.
///
/// # Errors
///
/// No columns, no images, an index beyond them, another number of channels, a picture beyond 256
/// MiB, and what the file system refuses.
pub fn contact_sheet(images: &Images, indices: &[u32], columns: usize, path: &Path) -> Result<(), DatasetError> {
    // Encoded before the file is begun: what the encoder says and what the disk says are different errors.
    let bytes = encoded(images, indices, columns, path)?;
    write_atomically(path, |file| file.write_all(&bytes)).map_err(|error| DatasetError::io("write", path, error))
}

/// The same sheet as a PNG file's bytes.
///
/// # Errors
///
/// As [`contact_sheet`], but for the file system's.
pub fn contact_sheet_png(images: &Images, indices: &[u32], columns: usize) -> Result<Vec<u8>, DatasetError> {
    encoded(images, indices, columns, Path::new("the sheet"))
}

fn encoded(images: &Images, indices: &[u32], columns: usize, path: &Path) -> Result<Vec<u8>, DatasetError> {
    let sheet = Sheet::draw(images, indices, columns)?;
    let mut bytes = Vec::new();
    let failed = |problem: String| DatasetError::Picture { path: path.to_owned(), problem };
    sheet.encode(&mut bytes).map_err(|error| failed(error.to_string()))?;
    Ok(bytes)
}

struct Sheet {
    width: usize,
    height: usize,
    channels: usize,
    /// `[height, width, channels]`.
    bytes: Vec<u8>,
}

impl Sheet {
    fn draw(images: &Images, indices: &[u32], columns: usize) -> Result<Self, DatasetError> {
        let shape = images.shape();
        if columns == 0 || indices.is_empty() {
            return Err(DatasetError::value(
                if columns == 0 { "columns" } else { "images" },
                0,
                "a sheet has at least one column and one image",
            ));
        }
        if !matches!(shape.channels, 1 | 3) {
            return Err(DatasetError::value("channels", shape.channels, "a picture has 1 or 3"));
        }
        if let Some(&index) = indices.iter().find(|&&i| i as usize >= images.len()) {
            return Err(DatasetError::value("index", index as usize, format!("there are {} images", images.len())));
        }
        let columns = columns.min(indices.len());
        let side =
            |count: usize, size: usize| size.checked_mul(SCALE)?.checked_add(GAP)?.checked_mul(count)?.checked_add(GAP);
        let sides = side(columns, shape.width).zip(side(indices.len().div_ceil(columns), shape.height));
        let size = sides.and_then(|(w, h)| w.checked_mul(h)?.checked_mul(shape.channels));
        let (Some((width, height)), Some(size)) = (sides, size.filter(|&size| size <= LARGEST)) else {
            return Err(DatasetError::value(
                "images",
                indices.len(),
                format!("the sheet would be larger than {LARGEST} bytes; show fewer"),
            ));
        };
        let mut bytes = vec![PAPER; size];
        for (cell, &index) in indices.iter().enumerate() {
            let image = images.picture(index as usize)?;
            let left = GAP + cell % columns * (shape.width * SCALE + GAP);
            let top = GAP + cell / columns * (shape.height * SCALE + GAP);
            for y in 0..shape.height * SCALE {
                for x in 0..shape.width * SCALE {
                    let to = ((top + y) * width + left + x) * shape.channels;
                    let from = y / SCALE * shape.width + x / SCALE;
                    for channel in 0..shape.channels {
                        bytes[to + channel] = image[channel * shape.plane() + from];
                    }
                }
            }
        }
        Ok(Self { width, height, channels: shape.channels, bytes })
    }

    fn encode(&self, writer: impl Write) -> Result<(), png::EncodingError> {
        // Both sides are below 2^28, the whole picture's bytes.
        let mut encoder = png::Encoder::new(writer, self.width as u32, self.height as u32);
        encoder.set_color(if self.channels == 3 { png::ColorType::Rgb } else { png::ColorType::Grayscale });
        encoder.set_depth(png::BitDepth::Eight);
        let mut writer = encoder.write_header()?;
        writer.write_image_data(&self.bytes)?;
        writer.finish()
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::io::BufReader;

    use super::*;
    use crate::ImageShape;

    fn two() -> Images {
        let shape = ImageShape { channels: 3, height: 1, width: 2 };
        // Image 0: red 10 11, green 20 21, blue 30 31; image 1 a hundred more.
        let pixels = [10, 11, 20, 21, 30, 31, 110, 111, 120, 121, 130, 131];
        Images::new(shape, pixels.to_vec(), vec![0, 1], 2).unwrap()
    }

    #[test]
    fn sheet_pixels_are_at_their_image_row_and_column() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("grid.png");
        contact_sheet(&two(), &[1, 0, 1], 2, &path).unwrap();
        let file = BufReader::new(fs::File::open(&path).unwrap());
        let mut reader = png::Decoder::new(file).read_info().unwrap();
        let mut bytes = vec![0; reader.output_buffer_size().unwrap()];
        let info = reader.next_frame(&mut bytes).unwrap();
        // Two images of 4x2 picture pixels a row, two rows, gaps of 4: 20 wide, 16 high.
        assert_eq!((info.width, info.height), (20, 16));
        let at = |x: usize, y: usize| &bytes[(y * 20 + x) * 3..][..3];
        assert_eq!(at(3, 3), [255; 3]);
        assert_eq!(at(4, 4), [110, 120, 130]);
        assert_eq!(at(7, 5), [111, 121, 131]);
        assert_eq!(at(12, 4), [10, 20, 30]);
        assert_eq!(at(4, 10), [110, 120, 130]);
        assert_eq!(at(12, 10), [255; 3]);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn sheets_of_unsupported_sizes_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("grid.png");
        let rows: [(&[u32], usize, &str); 3] =
            [(&[0], 0, "columns = 0"), (&[], 4, "images = 0"), (&[0, 2], 4, "index = 2")];
        for (indices, columns, message) in rows {
            let error = contact_sheet(&two(), indices, columns, &path).unwrap_err();
            assert!(error.to_string().starts_with(message), "{error}");
        }
        assert!(!path.exists());
    }

    #[test]
    fn a_missing_folder_is_named_in_the_error() {
        let path = Path::new("no-such-folder/grid.png");
        let error = contact_sheet(&two(), &[0], 1, path).unwrap_err();
        assert!(error.to_string().starts_with("cannot write no-such-folder/grid.png"), "{error}");
    }
}
