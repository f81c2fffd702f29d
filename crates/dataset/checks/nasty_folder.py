"""Makes a folder of images as nobody should have it, and holds a pack of it against Pillow.

    python crates/dataset/checks/nasty_folder.py make FOLDER
    XDG_CACHE_HOME=CACHE cargo xtask dataset info CONFIG     # dataset.kind = "images", dataset.shape = [3, 32, 32]
    python crates/dataset/checks/nasty_folder.py compare FOLDER CACHE/strata/images-…/images.packed

Names in other scripts, a class with one image and a link, CMYK, palettes, 16 bits, one bit, transparency, turned by EXIF, animated, 1 x 1, 10,000 x 10. Needs numpy and Pillow up to 12.
"""

import hashlib
import os
import pathlib
import sys

import numpy as np
from PIL import Image, ImageOps


def make(root):
    rng = np.random.default_rng(0)

    def image(width, height, mode="RGB"):
        return Image.fromarray(rng.integers(0, 256, (height, width, 3), dtype=np.uint8)).convert(mode)

    for place, name in enumerate(["кошка", "犬", "Λύκος", "übel", "plain", "single"]):
        (root / name).mkdir(parents=True)
        for number in range(1 if name == "single" else 12):
            image(20 + place, 30 + number).save(root / name / f"{number}.png")
    plain = root / "plain"
    for mode, name in [("CMYK", "cmyk.jpg"), ("P", "palette.png"), ("L", "grey.png"), ("RGBA", "alpha.png"), ("1", "bit.png")]:
        image(33, 27, mode).save(plain / name)
    Image.fromarray(rng.integers(0, 65536, (25, 31), dtype=np.uint16)).save(plain / "sixteen.png")
    for turn in range(2, 9):
        turned = image(41, 23)
        exif = turned.getexif()
        exif[0x0112] = turn
        turned.save(plain / f"exif{turn}.png", exif=exif)
    image(1, 1).save(plain / "one.png")
    image(10_000, 10).save(plain / "wide.png")
    image(10, 10_000).save(plain / "tall.bmp")
    image(32, 32).save(plain / "animated.gif", save_all=True, append_images=[image(32, 32), image(32, 32)])
    image(32, 32).save(plain / "animated.webp", save_all=True, append_images=[image(32, 32)], lossless=True)
    (root / "single" / "linked.png").symlink_to(plain.resolve() / "0.png")


def expected(path):
    image = ImageOps.exif_transpose(Image.open(path))
    if image.mode.startswith("I"):  # Pillow would clip what is above 255.
        image = Image.fromarray((np.asarray(image) >> 8).astype(np.uint8))
    return np.asarray(image.convert("RGB").resize((32, 32), Image.Resampling.BILINEAR)).transpose(2, 0, 1).astype(int)


def compare(root, pack):
    data = pack.read_bytes()
    assert hashlib.sha256(data[:-32]).digest() == data[-32:]
    start = data.index(b"\n", data.index(b"\n") + 1) + 1
    images = np.frombuffer(data[start:-32], np.uint8).reshape(-1, 3, 32, 32).astype(int)
    files = sorted(path for path in root.rglob("*") if path.is_file())
    assert len(files) == len(images), (len(files), len(images))
    # Each file's image is the nearest, whatever the order.
    differences = {path: int(np.abs(images - expected(path)).max(axis=(1, 2, 3)).min()) for path in files}
    same = sum(difference == 0 for difference in differences.values())
    print(f"{same} of {len(files)} images are Pillow's to the byte; others differ by at most:")
    for path, difference in differences.items():
        if difference:
            print(f"  {os.path.relpath(path, root)}: {difference}")


if __name__ == "__main__":
    {"make": make, "compare": compare}[sys.argv[1]](*map(pathlib.Path, sys.argv[2:]))
