"""Steps of the notebook's network in PyTorch on a card: plain gradient descent on images that lie on the card as bytes.

    python torch_steps.py --batch 128 --way eager --precision f32 --seconds 3

Prints one line of JSON: the median of steps a second over ten parts of the time.
"""

import argparse
import json
import time
from statistics import median

import torch
from torch import nn

WIDTHS = [3072, 2048, 1024, 64, 10]
SAMPLES = 50_000


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--batch", type=int, default=128)
    parser.add_argument("--way", choices=["eager", "compiled", "graph"], default="eager")
    parser.add_argument("--precision", choices=["f32", "tf32", "bf16"], default="f32")
    parser.add_argument("--seconds", type=float, default=3)
    parser.add_argument("--device", default="cuda", help="cpu tries this script where there is no card")
    arguments = parser.parse_args()
    torch.manual_seed(43)
    torch.set_float32_matmul_precision("high" if arguments.precision == "tf32" else "highest")
    device = torch.device(arguments.device)
    layers = [layer for pair in zip(WIDTHS, WIDTHS[1:]) for layer in (nn.Linear(*pair), nn.ReLU())][:-1]
    model = nn.Sequential(*layers).to(device)
    optimizer = torch.optim.SGD(model.parameters(), 1e-3)
    images = torch.randint(256, (SAMPLES, WIDTHS[0]), dtype=torch.uint8, device=device)
    labels = torch.randint(WIDTHS[-1], (SAMPLES,), device=device)
    chosen = torch.randint(SAMPLES, (arguments.batch,), device=device)

    def step():
        batch = images[chosen].float().div_(255)
        with torch.autocast(device.type, torch.bfloat16, enabled=arguments.precision == "bf16"):
            loss = nn.functional.cross_entropy(model(batch), labels[chosen])
        loss.backward()
        optimizer.step()
        optimizer.zero_grad(set_to_none=arguments.way != "graph")
        return loss

    run = prepared(step, arguments.way)
    for _ in range(10):
        loss = run()
    wait(device)
    rates, end = [], time.perf_counter() + arguments.seconds
    while time.perf_counter() < end:
        begin, steps = time.perf_counter(), 0
        while time.perf_counter() - begin < arguments.seconds / 10:
            for _ in range(20):
                chosen.random_(SAMPLES)
                loss = run()
            steps += 20
            wait(device)
        rates.append(steps / (time.perf_counter() - begin))
    assert torch.isfinite(loss).all()
    print(json.dumps({"steps_a_second": round(median(rates), 1)}))


def prepared(step, way):
    """What makes one step: the function itself, compiled, or a graph of it that is replayed."""
    if way == "eager":
        return step
    if way == "compiled":
        return torch.compile(step)
    side = torch.cuda.Stream()
    side.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(side):
        for _ in range(5):
            step()
    torch.cuda.current_stream().wait_stream(side)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        loss = step()

    def replay():
        graph.replay()
        return loss

    return replay


def wait(device):
    if device.type == "cuda":
        torch.cuda.synchronize()


if __name__ == "__main__":
    main()
