//! Images of one's own, of any size: normalised by their statistics, served in batches, drawn as a sheet.

use std::sync::Arc;

use strata_dataset::{BatchContent, DatasetError, ImageLoader, ImageShape, Images, Order, PixelScale, contact_sheet};
use strata_rng::TorchRng;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    // Forty grey images of 8 × 6; the bright half, left or right, is the class.
    let shape = ImageShape { channels: 1, height: 8, width: 6 };
    let bright = |image: usize, x: usize| (x < 3) == image.is_multiple_of(2);
    let pixel = |i: usize| (i * 7 % 50) as u8 + if bright(i / 48, i % 6) { 200 } else { 0 };
    let pixels = (0..40 * shape.values()).map(pixel).collect();
    let labels = (0..40).map(|image| image % 2).collect();
    let images = Arc::new(Images::new(shape, pixels, labels, 2)?);

    let statistics = images.channel_statistics()?;
    println!("{} images, mean {:?}, deviation {:?}", images.len(), statistics.mean, statistics.deviation);
    let single = |values: &[f64]| values.iter().map(|value| *value as f32).collect();
    let scale = PixelScale::Normalised { mean: single(&statistics.mean), deviation: single(&statistics.deviation) };
    let all = (0..40).collect();
    let transform = scale.transform(shape)?;
    let loader = ImageLoader::new(Arc::clone(&images), all, 16, Order::Shuffled, transform, BatchContent::Pixels)?;
    let mut sum = 0.0;
    for batch in loader.pass(&mut TorchRng::new(43), 0) {
        let batch = batch?;
        println!("{} images, labels {:?}", batch.len(), batch.labels);
        sum += batch.pixels.iter().map(|value| f64::from(*value)).sum::<f64>();
    }
    assert!((sum / (40 * 48) as f64).abs() < 1e-6, "normalised pixels have mean 0");

    let folder = tempfile::tempdir()?;
    contact_sheet(&images, &[0, 1, 2, 3], 2, &folder.path().join("sheet.png"))?;
    // A label that is no class names its image.
    let wrong: Result<_, DatasetError> = Images::new(shape, vec![0; 48], vec![2], 2);
    println!("{}", wrong.err().map(|error| error.to_string()).unwrap_or_default());
    Ok(())
}
