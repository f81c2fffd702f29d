//! Files that Pillow wrote, held against what Pillow makes of them; files that are none.

use std::fs;

use serde_json::Value;

use super::read_image;
use crate::ImageShape;

fn bytes(text: &Value) -> Vec<u8> {
    let text = text.as_str().unwrap();
    (0..text.len() / 2).map(|at| u8::from_str_radix(&text[2 * at..2 * at + 2], 16).unwrap()).collect()
}

#[test]
fn every_kind_of_file_gives_the_bytes_that_pillow_gives() {
    let golden: Vec<Value> = serde_json::from_str(include_str!("golden.json")).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("an image whose name says nothing");
    for entry in &golden {
        fs::write(&path, bytes(&entry["file"])).unwrap();
        let size = |key: &str| entry[key].as_u64().unwrap() as usize;
        let shape = ImageShape { channels: size("channels"), height: size("height"), width: size("width") };
        let name = entry["name"].as_str().unwrap();
        let found = read_image(&path, shape).unwrap();
        let expected = bytes(&entry["expected"]);
        assert_eq!(found.len(), expected.len(), "{name}");
        let largest = found.iter().zip(&expected).map(|(found, expected)| found.abs_diff(*expected)).max().unwrap();
        // Decoders of JPEG round differently; from there on nothing does.
        let allowed = if name.starts_with("jpeg") { 3 } else { 0 };
        assert!(largest <= allowed, "{name} {shape:?}: {largest}");
    }
}

#[test]
fn what_is_no_image_is_refused_in_words() {
    let golden: Vec<Value> = serde_json::from_str(include_str!("golden.json")).unwrap();
    let png = bytes(&golden[0]["file"]);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.png");
    let refusal = |bytes: &[u8]| {
        fs::write(&path, bytes).unwrap();
        let error = read_image(&path, ImageShape::CIFAR).unwrap_err().to_string();
        assert!(error.contains("x.png"), "{error}");
        error
    };
    assert!(refusal(b"").contains("empty"));
    assert!(refusal(b"no image at all").contains("none of PNG, JPEG, WebP, GIF and BMP"));
    assert!(refusal(&png[..png.len() / 2]).contains("a PNG file that cannot be read"));
    // A header that claims 60,000 by 60,000 pixels; its checksum is not asked for before the size is.
    let mut bomb = Vec::from(*b"BM\x36\0\0\0\0\0\0\0\x36\0\0\0\x28\0\0\0\x60\xea\0\0\x60\xea\0\0\x01\0\x18\0");
    bomb.resize(54, 0);
    assert!(refusal(&bomb).contains("more than 805306368"), "{}", refusal(&bomb));
    assert!(read_image(folder.path(), ImageShape::CIFAR).is_err());
    let two = ImageShape { channels: 2, ..ImageShape::CIFAR };
    assert!(read_image(&path, two).unwrap_err().to_string().contains("channels"));
}
