"""Writes torch_bf16.safetensors and torch_f64.safetensors: a network as PyTorch saves it, in two precisions, and its values in single precision, from_torch.json.

    python crates/experiment/tests/golden/from_torch.py
"""

import json
import pathlib

import torch
from safetensors.torch import save_file

folder = pathlib.Path(__file__).parent
torch.manual_seed(7)
network = torch.nn.Sequential(torch.nn.Linear(16, 4), torch.nn.BatchNorm1d(4), torch.nn.ReLU(), torch.nn.Linear(4, 3))
network(torch.randn(32, 16))  # statistics that are not those of a new module
values = {}
for name, kind in [("bf16", torch.bfloat16), ("f64", torch.float64)]:
    state = {
        key: tensor if key.endswith("num_batches_tracked") else (tensor.double() + 1e-9).to(kind)
        for key, tensor in network.state_dict().items()
    }
    save_file(state, folder / f"torch_{name}.safetensors")
    values[name] = {
        key: tensor.float().flatten().tolist() for key, tensor in state.items() if not key.endswith("num_batches_tracked")
    }
(folder / "from_torch.json").write_text(json.dumps(values) + "\n")
