"""Golden values of augmentation: writes crates/dataset/tests/golden/augment.txt, what Pillow makes of two images.

torchvision's transforms of Pillow's images are these calls: RandomResizedCrop is a crop and `resize`, RandomRotation `rotate`, ColorJitter
`ImageEnhance`, RandomHorizontalFlip `transpose`. Shifts and cutout are NumPy's. Lines: an image as `image channels height width bytes…`, then what is
done to it with its numbers and, after a colon, the bytes that come of it.
"""

from pathlib import Path

import numpy as np
from PIL import Image, ImageEnhance

MODES = {"zero": "constant", "reflected": "reflect", "wrapped": "wrap"}


def picture(pixels):
    return Image.fromarray(pixels[0] if len(pixels) == 1 else pixels.transpose(1, 2, 0))


def values(image):
    pixels = np.asarray(image)
    return pixels[None] if pixels.ndim == 2 else pixels.transpose(2, 0, 1)


def shifted(pixels, right, down, edges):
    reach = max(abs(right), abs(down))
    padded = np.pad(pixels, ((0, 0), (reach, reach), (reach, reach)), mode=MODES[edges])
    _, height, width = pixels.shape
    return padded[:, reach - down : reach - down + height, reach - right : reach - right + width]


def cut_out(pixels, x, y, size):
    pixels = pixels.copy()
    top, left = y - size // 2, x - size // 2
    pixels[:, max(top, 0) : top + size, max(left, 0) : left + size] = 0
    return pixels


def main():
    random, angles = np.random.default_rng(43), np.random.default_rng(44)
    lines = []
    for channels, height, width in [(3, 12, 10), (1, 9, 9), (1, 7, 5)]:
        noise = random.integers(0, 256, (channels, height, width))
        # Half noise, half smooth: filters see both.
        slope = np.linspace(0, 255, width)[None, None, :] * np.linspace(0.3, 1, height)[None, :, None]
        pixels = ((noise + slope) / 2).astype(np.uint8)
        image = picture(pixels)

        def line(words, result, pixels=pixels):
            result = np.asarray(result)
            assert result.shape == pixels.shape and result.dtype == np.uint8, words
            lines.append(f"{words}: " + " ".join(map(str, result.ravel())))

        lines.append(f"image {channels} {height} {width}: " + " ".join(map(str, pixels.ravel())))
        line("mirror", values(image.transpose(Image.Transpose.FLIP_LEFT_RIGHT)))
        for edges in MODES:
            for right, down in [(0, 0), (2, -1), (-3, 4), (4, 4)]:
                line(f"shift {right} {down} {edges}", shifted(pixels, right, down, edges))
        for x, y, size in [(2, 3, 4), (0, 0, 5), (width - 1, height - 1, 3), (1, 2, 1), (2, 2, 12)]:
            line(f"cutout {x} {y} {size}", cut_out(pixels, x, y, size))
        for left, top, w, h in [(0, 0, width, height), (1, 2, 3, 4), (0, 0, 1, 1), (2, 1, 3, height - 1), (0, 3, width, 2)]:
            part = image.crop((left, top, left + w, top + h))
            line(f"crop {left} {top} {w} {h}", values(part.resize((width, height), Image.Resampling.BILINEAR)))
        # In the middle of an image of odd sides the last digits of sine and cosine decide.
        further = angles.uniform(-180, 180, 20).round(6).tolist() if height % 2 == 1 else []
        for degrees in [0.0, 7.3, -15.0, 44.9, -90.5, 179.0, *further]:
            line(f"rotate {degrees}", values(image.rotate(degrees, Image.Resampling.BILINEAR)))
        for factor in [0.0, 0.4, 1.0, 1.3, 2.5]:
            line(f"brightness {factor}", values(ImageEnhance.Brightness(image).enhance(factor)))
            line(f"contrast {factor}", values(ImageEnhance.Contrast(image).enhance(factor)))
            if channels == 3:
                line(f"saturation {factor}", values(ImageEnhance.Color(image).enhance(factor)))
    path = Path(__file__).parents[2] / "dataset/tests/golden/augment.txt"
    path.parent.mkdir(exist_ok=True)
    path.write_text("\n".join(lines) + "\n")


main()
