"""Makes golden.json: small images as files, and what Pillow makes of them at another size.

    python crates/dataset/src/picture/make_golden.py > crates/dataset/src/picture/golden.json

Each entry: the file's bytes (hexadecimal), the size and channels asked for, and Pillow's bytes, channel by channel. Needs numpy and Pillow
up to 12: 13 begins with the columns for some sizes.
"""

import io
import json

import numpy as np
from PIL import Image, ImageOps

rng = np.random.default_rng(43)


def noise(height, width, channels):
    """Smooth enough for JPEG, rough enough to tell filters apart."""
    coarse = rng.integers(0, 256, (height // 4 + 2, width // 4 + 2, channels), dtype=np.uint8)
    image = Image.fromarray(coarse if channels > 1 else coarse[..., 0])
    smooth = np.asarray(image.resize((width, height), Image.Resampling.BICUBIC)).reshape(height, width, channels)
    return np.clip(smooth.astype(int) + rng.integers(-9, 10, smooth.shape), 0, 255).astype(np.uint8)


def expected(file, height, width, channels):
    image = ImageOps.exif_transpose(Image.open(io.BytesIO(file)))
    if image.mode == "I;16":  # Pillow would clip what is above 255.
        image = Image.fromarray((np.asarray(image) >> 8).astype(np.uint8))
    image = image.convert("RGB" if channels == 3 else "L").resize((width, height), Image.Resampling.BILINEAR)
    return np.asarray(image).reshape(height, width, channels).transpose(2, 0, 1).tobytes()


def saved(image, kind, **options):
    out = io.BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


colour, tall, grey = (Image.fromarray(noise(*size, 3)) for size in [(23, 31), (40, 3), (9, 9)])
alpha = colour.copy()
alpha.putalpha(Image.fromarray(rng.integers(0, 256, (23, 31), dtype=np.uint8)))
turned = Image.Exif()
turned[0x0112] = 6
files = {
    "png colour": saved(colour, "PNG"),
    "png transparent": saved(alpha, "PNG"),
    "png grey": saved(grey.convert("L"), "PNG"),
    "png grey of 16 bits": saved(Image.fromarray(rng.integers(0, 65536, (7, 12), dtype=np.uint16)), "PNG"),
    "png palette": saved(colour.quantize(16), "PNG"),
    "png of one bit": saved(colour.convert("1"), "PNG"),
    "png turned": saved(colour, "PNG", exif=turned),
    "png tall": saved(tall, "PNG"),
    "bmp": saved(colour, "BMP"),
    "gif": saved(colour.quantize(32), "GIF"),
    "gif animated": saved(colour.quantize(8), "GIF", save_all=True, append_images=[grey.quantize(8).resize((31, 23))]),
    "webp": saved(colour, "WEBP", lossless=True),
    "jpeg": saved(colour, "JPEG", quality=95, subsampling=0),
    "jpeg turned": saved(colour, "JPEG", quality=95, subsampling=0, exif=turned),
    "jpeg grey": saved(colour.convert("L"), "JPEG", quality=95),
    "jpeg cmyk": saved(colour.convert("CMYK"), "JPEG", quality=95),
    "one pixel": saved(colour.crop((0, 0, 1, 1)), "PNG"),
}
entries = []
for name, file in files.items():
    for height, width, channels in [(8, 8, 3), (8, 5, 1), (32, 32, 3)]:
        if height == 32 and name not in ("png colour", "one pixel"):
            continue
        pixels = expected(file, height, width, channels)
        entries.append(dict(name=name, file=file.hex(), height=height, width=width, channels=channels, expected=pixels.hex()))
print("[\n" + ",\n".join(map(json.dumps, entries)) + "\n]")
