"""Holds an exported network against Strata's predictor on CIFAR-10's test images: the same classes, logits within 1e-4.

    cargo run --release -p strata-export --example to_onnx -- RUN/model.safetensors model.onnx
    python crates/export/checks/onnx_check.py images DATA/test_batch.bin images.bytes
    cargo run --release -p strata-export --example logits -- RUN/model.safetensors images.bytes logits.f32
    python crates/export/checks/onnx_check.py compare model.onnx images.bytes logits.f32

Needs onnx, onnxruntime and numpy.
"""

import json
import sys

import numpy as np

RECORD = 3073


def images(batch, out):
    """The bytes of a batch file's images, without their labels."""
    np.fromfile(batch, np.uint8).reshape(-1, RECORD)[:, 1:].tofile(out)


def compare(model, images, logits):
    import onnx
    import onnxruntime

    onnx.checker.check_model(model, full_check=True)
    session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    taken = session.get_inputs()[0]
    metadata = session.get_modelmeta().custom_metadata_map
    classes = json.loads(metadata["classes"])
    x = np.fromfile(images, np.uint8).reshape(-1, *taken.shape[1:])
    if taken.type == "tensor(float)":
        x = x.astype(np.float32) / 255
    expected = np.fromfile(logits, np.float32).reshape(len(x), len(classes))
    # Batches of any size, one of a single image among them.
    found = [session.run(["logits", "probabilities"], {taken.name: part}) for part in (x[:1], x[1:1000], x[1000:])]
    logits, probabilities = (np.concatenate(parts) for parts in zip(*found))
    same = int((logits.argmax(1) == expected.argmax(1)).sum())
    difference = float(np.abs(logits - expected).max())
    print(f"{model}: {taken.name} {taken.type} {taken.shape}, {metadata['network']}")
    print(f"  {same} of {len(x)} classes equal, logits differ by at most {difference:.2e}")
    assert same == len(x) and difference < 1e-4
    assert np.abs(probabilities.sum(1) - 1).max() < 1e-5


if __name__ == "__main__":
    {"images": images, "compare": compare}[sys.argv[1]](*sys.argv[2:])
