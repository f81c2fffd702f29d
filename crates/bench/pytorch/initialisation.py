"""Golden values of torch.nn.init on the layers of a small network, for Strata's tests.

Each layer is constructed, with the draws of its default, then each weight is drawn again in order and each bias is zero. Weights of 35, 96, 42
and 15 elements: PyTorch draws normal values by blocks of 16, and another way below that.

    python initialisation.py > ../../model/tests/golden/initialisation.json
"""

import json
import sys

import torch
from torch import nn

WIDTHS, SEED = [5, 7, 14, 3, 5], 43


def main():
    # Other kernels round normal draws otherwise; these are what processors of the last ten years have.
    assert torch.backends.cpu.get_cpu_capability() in ("AVX2", "AVX512")
    kinds = {
        "torch": None,
        "kaiming_uniform": nn.init.kaiming_uniform_,
        "kaiming_normal": nn.init.kaiming_normal_,
        "xavier_uniform": nn.init.xavier_uniform_,
        "xavier_normal": nn.init.xavier_normal_,
        "orthogonal": nn.init.orthogonal_,
    }
    golden = {"torch": torch.__version__, "widths": WIDTHS, "seed": SEED, "kinds": {}}
    for name, draw in kinds.items():
        torch.manual_seed(SEED)
        layers = [nn.Linear(*pair) for pair in zip(WIDTHS, WIDTHS[1:])]
        if draw:
            for layer in layers:
                draw(layer.weight)
                nn.init.zeros_(layer.bias)
        values = [tensor.flatten().tolist() for layer in layers for tensor in (layer.weight, layer.bias)]
        # What the next draw is.
        golden["kinds"][name] = {"tensors": values, "next": torch.empty(()).uniform_().item()}
    json.dump(golden, sys.stdout)
    print()


if __name__ == "__main__":
    main()
