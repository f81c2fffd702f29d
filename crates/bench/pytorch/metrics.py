"""Golden values of metrics for crates/metrics/tests/golden: by scikit-learn and torchmetrics, which Strata's tests do not need.

    pip install scikit-learn torchmetrics
    python metrics.py > ../../metrics/tests/golden/metrics.txt

A line `value NAME NUMBER` for each metric, then a line `LABEL LOGIT LOGIT …` for each sample.
"""

import numpy as np
import torch
from sklearn.metrics import f1_score, top_k_accuracy_score
from torchmetrics.classification import MulticlassCalibrationError

SAMPLES, CLASSES = 97, 7


def main():
    draw = np.random.default_rng(43)
    labels = draw.integers(0, CLASSES - 1, SAMPLES)  # the last class is a label of no sample
    logits = draw.normal(size=(SAMPLES, CLASSES)) * 1.5
    logits[np.arange(SAMPLES), labels] += 1.2
    logits = logits.round(3).astype(np.float32)
    probabilities = torch.softmax(torch.tensor(logits, dtype=torch.float64), 1)
    predicted = logits.argmax(1)
    for k in (2, 3, 5):
        print(f"value top_{k}", repr(float(top_k_accuracy_score(labels, logits, k=k, labels=range(CLASSES)))))
    print("value macro_f1", repr(float(f1_score(labels, predicted, average="macro"))))
    error = MulticlassCalibrationError(CLASSES, n_bins=15, norm="l1")(probabilities, torch.tensor(labels))
    print("value calibration_error", repr(float(error)))
    for label, row in zip(labels, logits):
        print(label, *(f"{value:.3f}" for value in row))


main()
