//! Pictures in the page's own text: many images in one PNG, each shown by its place in it.

use png::{BitDepth, ColorType, Encoder};

/// Images in a row of the PNG.
pub(crate) const COLUMNS: usize = 24;
/// The longer side that an image is shown with; larger ones are made smaller.
const LARGEST_SIDE: usize = 64;
/// The bytes of all pixels of one PNG, which compresses them little.
const BUDGET: usize = 1_700_000;

/// The sizes of the images that are put together: `[channels, height, width]`, of one channel or three.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Shape {
    pub(crate) channels: usize,
    pub(crate) height: usize,
    pub(crate) width: usize,
}

impl Shape {
    /// None of images that cannot be shown.
    pub(crate) fn of([channels, height, width]: [usize; 3]) -> Option<Self> {
        (matches!(channels, 1 | 3) && height > 0 && width > 0).then_some(Self { channels, height, width })
    }

    fn values(self) -> usize {
        self.channels * self.height * self.width
    }

    /// How often every side goes into what is shown.
    fn reduction(self) -> usize {
        self.height.max(self.width).div_ceil(LARGEST_SIDE)
    }

    /// The size that is shown.
    pub(crate) fn reduced(self) -> Self {
        let by = self.reduction();
        Self { height: (self.height / by).max(1), width: (self.width / by).max(1), ..self }
    }

    /// How many such images one page shows.
    pub(crate) fn most(self) -> usize {
        (BUDGET / self.reduced().values()).clamp(1, 4096)
    }
}

/// One PNG of all `images`, each `[channels, height, width]` bytes; none of no images.
pub(crate) fn sprite(shape: Shape, images: &[Vec<u8>]) -> Option<Vec<u8>> {
    let small = shape.reduced();
    let columns = COLUMNS.min(images.len());
    let rows = images.len().div_ceil(columns.max(1));
    let (width, height) = (columns * small.width, rows * small.height);
    let mut bytes = vec![255; width * height * shape.channels];
    for (place, image) in images.iter().enumerate().filter(|(_, image)| image.len() == shape.values()) {
        let (left, top) = (place % columns * small.width, place / columns * small.height);
        for y in 0..small.height {
            for x in 0..small.width {
                let to = ((top + y) * width + left + x) * shape.channels;
                for channel in 0..shape.channels {
                    bytes[to + channel] = mean(shape, image, [channel, y, x]);
                }
            }
        }
    }
    let color = if shape.channels == 3 { ColorType::Rgb } else { ColorType::Grayscale };
    encode(width, height, color, &bytes)
}

/// The mean of the pixels that become one.
fn mean(shape: Shape, image: &[u8], [channel, y, x]: [usize; 3]) -> u8 {
    let by = shape.reduction();
    if by == 1 {
        return image[(channel * shape.height + y) * shape.width + x];
    }
    let rows = (y * by..(y + 1) * by).filter(|y| *y < shape.height);
    let pixels = rows.flat_map(|y| (x * by..(x + 1) * by).filter(|x| *x < shape.width).map(move |x| (y, x)));
    let (sum, count) = pixels.fold((0, 0), |(sum, count), (y, x)| {
        (sum + u32::from(image[(channel * shape.height + y) * shape.width + x]), count + 1)
    });
    (sum / count.max(1)) as u8
}

/// A PNG file's bytes; none of no pixels.
pub(crate) fn encode(width: usize, height: usize, color: ColorType, bytes: &[u8]) -> Option<Vec<u8>> {
    let mut file = Vec::new();
    let mut encoder = Encoder::new(&mut file, u32::try_from(width).ok()?, u32::try_from(height).ok()?);
    encoder.set_color(color);
    encoder.set_depth(BitDepth::Eight);
    let mut writer = encoder.write_header().ok()?;
    writer.write_image_data(bytes).ok()?;
    writer.finish().ok()?;
    Some(file)
}

/// `data:` and the PNG in base 64 (RFC 4648).
pub(crate) fn data_uri(png: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::with_capacity(png.len() / 3 * 4 + 32);
    text.push_str("data:image/png;base64,");
    for group in png.chunks(3) {
        let bits = group.iter().fold(0u32, |bits, byte| bits << 8 | u32::from(*byte)) << (8 * (3 - group.len()));
        for place in 0..4 {
            let digit = DIGITS[(bits >> (18 - 6 * place) & 63) as usize];
            text.push(if place <= group.len() { char::from(digit) } else { '=' });
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base_64_is_that_of_the_standard() {
        for (bytes, text) in [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foobar", "Zm9vYmFy")] {
            assert_eq!(data_uri(bytes.as_bytes()), format!("data:image/png;base64,{text}"));
        }
        assert!(data_uri(&[0xfb, 0xff]).ends_with("+/8="));
    }

    #[test]
    fn images_stand_side_by_side_and_large_ones_are_made_smaller() {
        let shape = Shape::of([1, 128, 64]).unwrap();
        assert_eq!(shape.reduced(), Shape { channels: 1, height: 64, width: 32 });
        let png = sprite(shape, &[vec![10; 128 * 64], vec![20; 128 * 64]]).unwrap();
        let mut reader = png::Decoder::new(std::io::Cursor::new(png)).read_info().unwrap();
        let mut bytes = vec![0; reader.output_buffer_size().unwrap()];
        let info = reader.next_frame(&mut bytes).unwrap();
        assert_eq!((info.width, info.height), (64, 64));
        assert_eq!((bytes[0], bytes[31], bytes[32]), (10, 10, 20));
        assert_eq!(sprite(shape, &[]), None);
        assert_eq!(Shape::of([2, 4, 4]), None);
    }

    #[test]
    fn all_images_of_a_page_stay_within_the_budget() {
        for sizes in [[3, 32, 32], [1, 28, 28], [3, 224, 224], [3, 1, 100_000]] {
            let shape = Shape::of(sizes).unwrap();
            assert!(shape.most() * shape.reduced().values() <= BUDGET, "{sizes:?}");
        }
    }
}
