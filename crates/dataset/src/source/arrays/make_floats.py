"""Writes floats.npz: samples of 16, 32 and 64 bits, one of them of the other byte order, as NumPy saves them.

    python crates/dataset/src/source/arrays/make_floats.py
"""

import pathlib

import numpy as np

values = np.array([0.1, -1.5, 2.0**-24, 65504.0, -0.0, 1 / 3, 7.25, -2.0], dtype=np.float16).reshape(2, 1, 2, 2)
np.savez_compressed(
    pathlib.Path(__file__).parent / "floats.npz",
    x_train=values,
    y_train=np.array([2, 0]),
    x_val=np.array([0.1, 1e-3, -3.0, 4.0], dtype=">f4").reshape(1, 1, 2, 2),
    y_val=np.array([1]),
    x_test=np.array([0.1, 1e-300, 1.0, -5.0]).reshape(1, 1, 2, 2),
    y_test=np.array([0], dtype=np.uint8),
)

# Means and deviations of features and of channels, as the tests of scaling have them.
rows = values.astype(np.float32).reshape(2, 4).astype(np.float64)
channels = values.astype(np.float64).transpose(0, 3, 1, 2)
print(rows.mean(0), rows.std(0), channels.mean((0, 2, 3)), channels.std((0, 2, 3)))
