"""Golden values of the low-frequency input, in double precision: writes crates/kernels/tests/golden/frequency.txt.

The transform is the definition itself, as a product with the matrix of cosines; numpy has no DCT. For each case: sizes, power, the frequencies
kept, the bytes of some images, then means, factors and the images' inputs.
"""

from pathlib import Path

import numpy as np

CASES = [(1, 1, 1, 1, 0.5), (1, 7, 5, 35, 0.0), (3, 7, 5, 9, 1.0), (2, 4, 6, 10, 0.5), (1, 64, 64, 40, 0.5), (3, 32, 32, 64, 0.5)]
IMAGES = {1024: 3, 4096: 3}


def matrix(side):
    place, frequency = np.arange(side), np.arange(side)[:, None]
    cosines = np.cos(np.pi * (2 * place + 1) * frequency / (2 * side)) * np.sqrt(2 / side)
    cosines[0] /= np.sqrt(2)
    return cosines


def main():
    random = np.random.default_rng(43)
    lines = []
    for channels, height, width, count, power in CASES:
        pairs = [(u, v) for u in range(height) for v in range(width)]
        pairs.sort(key=lambda pair: ((pair[0] * width) ** 2 + (pair[1] * height) ** 2, pair))
        pairs = pairs[:count]
        count_of_images = IMAGES.get(height * width, 5)
        images = random.integers(0, 256, (count_of_images, channels, height, width))
        transformed = matrix(height) @ (images / 255) @ matrix(width).T
        kept = np.stack([transformed[:, :, u, v] for u, v in pairs], axis=-1).reshape(count_of_images, -1)
        odd = np.tile([v % 2 == 1 for _, v in pairs], channels)
        mean = np.where(odd, 0, kept.mean(0))
        variance = (kept**2).mean(0) - mean**2
        factor = (variance + 1e-3) ** (-power / 2)
        inputs = (kept - mean) * factor
        lines.append(f"{channels} {height} {width} {count} {power}")
        lines.append(" ".join(f"{u},{v}" for u, v in pairs))
        lines.append(" ".join(map(str, images.ravel())))
        for values in (mean, factor, inputs.ravel()):
            lines.append(" ".join(f"{value:.9g}" for value in values))
    path = Path(__file__).parents[2] / "kernels/tests/golden/frequency.txt"
    path.write_text("\n".join(lines) + "\n")


main()
