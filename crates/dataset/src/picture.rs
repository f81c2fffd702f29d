//! Image files of any size and kind as the bytes that a network takes.

mod resize;
#[cfg(test)]
mod tests;

use std::io::{BufReader, Seek, SeekFrom};
use std::path::Path;

use image::{DynamicImage, ImageDecoder, ImageError, ImageReader, Limits};
use strata_files::open_regular;

use self::resize::resize;
use crate::{DatasetError, ImageShape};

/// The largest file that is read.
const LARGEST_FILE: u64 = 1 << 30;
/// The most memory that a decoded image may take, in bytes: some ninety million pixels of 16 bits in four channels.
const LARGEST_IMAGE: u64 = 768 << 20;

/// Reads a PNG, JPEG, WebP, GIF or BMP file as an image of `shape`, channel by channel: bytes `[channels, height, width]`.
///
/// - What a file is, its content says, not its name. Of an animation the first image is taken.
/// - It is turned as its EXIF orientation says.
/// - Of 16 bits the upper eight are kept, transparency is dropped, and palettes, grey and CMYK become red, green and blue. For one channel colours become
///   their luma, (19595 R + 38470 G + 7471 B + 32768) / 65536, as Pillow's mode `L`.
/// - Another size is made bilinearly with antialiasing, height and width apart from each other, to the byte as Pillow's
///   `Image.resize((width, height), Image.Resampling.BILINEAR)` of the same pixels, first along the rows (Pillow up to 12; 13 begins with the columns for
///   some sizes, by which a byte differs by one at most).
///
/// # Errors
/// [`DatasetError::ImageFile`] with the reason: no such file, none of these formats, damaged, or larger than 1 GiB (768 MiB once decoded);
/// [`DatasetError::Value`] where `shape` is neither of one channel nor of three.
pub fn read_image(path: &Path, shape: ImageShape) -> Result<Vec<u8>, DatasetError> {
    if !matches!(shape.channels, 1 | 3) {
        return Err(DatasetError::value("channels", shape.channels, "an image file gives 1 or 3"));
    }
    decode_image(path, shape).map_err(|reason| DatasetError::ImageFile { path: path.to_owned(), reason })
}

/// [`read_image`] of one or three channels; an error is the reason alone.
pub(crate) fn decode_image(path: &Path, shape: ImageShape) -> Result<Vec<u8>, String> {
    let image = decode(path)?;
    let size = (image.height() as usize, image.width() as usize);
    let planes = planes(&image, shape.channels);
    Ok(planes.iter().flat_map(|plane| resize(plane, size, (shape.height, shape.width))).collect())
}

fn decode(path: &Path) -> Result<DynamicImage, String> {
    let mut file = open_regular(path, LARGEST_FILE).map_err(|error| error.to_string())?;
    if file.seek(SeekFrom::End(0)).map_err(|error| error.to_string())? == 0 {
        return Err("the file is empty".into());
    }
    file.rewind().map_err(|error| error.to_string())?;
    let reader = ImageReader::new(BufReader::new(file)).with_guessed_format().map_err(|error| error.to_string())?;
    let Some(format) = reader.format().filter(|format| format.reading_enabled()) else {
        return Err("it is none of PNG, JPEG, WebP, GIF and BMP".into());
    };
    let name = format!("{format:?}").to_uppercase();
    let in_words = |error: ImageError| match error {
        ImageError::Limits(_) => format!("a {name} file whose image takes more than {LARGEST_IMAGE} bytes"),
        error => format!("a {name} file that cannot be read: {}", error.to_string().trim()),
    };
    let mut reader = reader;
    let mut limits = Limits::default();
    limits.max_alloc = Some(LARGEST_IMAGE);
    reader.limits(limits);
    let mut decoder = reader.into_decoder().map_err(in_words)?;
    if decoder.total_bytes() > LARGEST_IMAGE {
        return Err(format!(
            "a {name} file whose image takes {} bytes, more than {LARGEST_IMAGE}",
            decoder.total_bytes()
        ));
    }
    let orientation = decoder.orientation().map_err(in_words)?;
    let mut image = DynamicImage::from_decoder(decoder).map_err(in_words)?;
    image.apply_orientation(orientation);
    Ok(image)
}

/// The image's bytes, a plane a channel.
fn planes(image: &DynamicImage, channels: usize) -> Vec<Vec<u8>> {
    let upper = |values: &[u16]| values.iter().map(|value| (value >> 8) as u8).collect::<Vec<u8>>();
    // Interleaved, and of how many channels.
    let (bytes, of) = match image {
        DynamicImage::ImageLuma8(image) => (image.as_raw().clone(), 1),
        DynamicImage::ImageLumaA8(image) => (image.as_raw().clone(), 2),
        DynamicImage::ImageRgb8(image) => (image.as_raw().clone(), 3),
        DynamicImage::ImageRgba8(image) => (image.as_raw().clone(), 4),
        DynamicImage::ImageLuma16(image) => (upper(image.as_raw()), 1),
        DynamicImage::ImageLumaA16(image) => (upper(image.as_raw()), 2),
        DynamicImage::ImageRgb16(image) => (upper(image.as_raw()), 3),
        DynamicImage::ImageRgba16(image) => (upper(image.as_raw()), 4),
        other => (other.to_rgb8().into_raw(), 3),
    };
    let plane = |channel: usize| bytes.iter().skip(channel).step_by(of).copied().collect::<Vec<u8>>();
    match (of, channels) {
        (1 | 2, 1) => vec![plane(0)],
        (1 | 2, _) => vec![plane(0); channels],
        (_, 1) => {
            let luma = |pixel: &[u8]| {
                let sum = 19_595 * u32::from(pixel[0]) + 38_470 * u32::from(pixel[1]) + 7_471 * u32::from(pixel[2]);
                ((sum + 0x8000) >> 16) as u8
            };
            vec![bytes.chunks_exact(of).map(luma).collect()]
        }
        _ => (0..channels).map(plane).collect(),
    }
}
