//! One image as text, for a terminal or a log.

use crate::{DatasetError, Images};

/// From dark to light.
const SHADES: &[u8; 10] = b" .:-=+*#%@";
/// The widest and highest image that is drawn as it is; a larger one is drawn smaller.
const LARGEST: usize = 64;

/// Image `index` as lines of characters from dark (a space) to light (`@`), two a pixel, since a character is twice as high as
/// it is wide; the channels' mean decides. Nothing for an index beyond the images.
///
/// ```
/// use strata_dataset::{ImageShape, Images, text_picture};
///
/// let shape = ImageShape { channels: 1, height: 2, width: 2 };
/// let images = Images::new(shape, vec![255, 0, 0, 255], vec![0], 1)?;
/// assert_eq!(text_picture(&images, 0)?, "@@  \n  @@\n");
/// # Ok::<(), strata_dataset::DatasetError>(())
/// ```
///
/// # Errors
///
/// As [`Images::image`].
pub fn text_picture(images: &Images, index: usize) -> Result<String, DatasetError> {
    let (shape, image) = (images.shape(), images.picture(index)?);
    if image.is_empty() {
        return Ok(String::new());
    }
    let step = shape.height.max(shape.width).div_ceil(LARGEST);
    let mut text = String::new();
    for y in (0..shape.height).step_by(step) {
        for x in (0..shape.width).step_by(step) {
            let values = image.chunks(shape.plane()).map(|plane| usize::from(plane[y * shape.width + x]));
            let mean = values.sum::<usize>() / shape.channels;
            let shade = char::from(SHADES[mean * SHADES.len() / 256]);
            text.extend([shade, shade]);
        }
        text.push('\n');
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ImageShape;

    #[test]
    fn large_images_are_scaled_down_and_missing_ones_left_out() {
        let shape = ImageShape { channels: 3, height: 65, width: 130 };
        let images = Images::new(shape, vec![128; shape.values()], vec![0], 1).unwrap();
        let text = text_picture(&images, 0).unwrap();
        assert_eq!(text.lines().count(), 22);
        assert!(text.lines().all(|line| line == "+".repeat(2 * 44)), "{text}");
        assert_eq!(text_picture(&images, 1).unwrap(), "");
    }
}
