//! Images in batches: made from a seed, split, shuffled as PyTorch would, scaled.

use std::sync::Arc;

use strata_dataset::{BatchContent, DatasetError, ImageLoader, Order, PixelScale, Split, Synthetic, text_picture};
use strata_rng::TorchRng;

fn main() -> Result<(), DatasetError> {
    let data = Synthetic { train: 300, test: 50, ..Synthetic::default() }.generate()?;
    println!("{} training images of {:?}, classes {:?}", data.train.len(), data.train.shape(), data.classes);
    println!("{}", text_picture(&data.train, 0)?);

    let mut rng = TorchRng::new(43);
    let split = Split::random(data.train.len(), 50, &mut rng)?;
    let images = Arc::clone(&data.train);
    let transform = PixelScale::Unit.transform(images.shape())?;
    let loader = ImageLoader::new(images, split.train, 64, Order::Shuffled, transform, BatchContent::Pixels)?;
    // Each pass draws its seed from the generator, so two epochs have two orders; a thread prepares batches ahead.
    for epoch in 0..2 {
        let mut samples = 0;
        for (number, batch) in loader.pass(&mut rng, 0).enumerate() {
            let batch = batch?;
            samples += batch.len();
            if number == 0 {
                println!("epoch {epoch}: first labels {:?}, first pixels {:?}", &batch.labels[..5], &batch.pixels[..3]);
            }
        }
        println!("epoch {epoch}: {samples} samples in {} batches", loader.batches());
        assert_eq!(samples, 250);
    }
    Ok(())
}
