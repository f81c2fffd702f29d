"""A config's recipe in PyTorch: low frequencies, mirrored, shifted and mixed images, a chain of dense layers with batch normalisation (of both views in `mirrored(…)`), SGD, one cycle.

Reads the config itself, and refuses what it does not know, so that both programs train the same thing. Draws are PyTorch's own: means over seeds are to be
compared, and seconds. Prints JSON: seconds of preparation, of training (validation after each epoch included; on the clock and of processor time, which a busy machine disturbs less) and of each epoch's training pass, and accuracies.

    python recipe.py --config configs/speedrun.toml --data cifar-10-batches-bin --seed 1
"""

import argparse
import json
import math
import resource
import time
import tomllib

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from notebook import CLASSES, read_records, training_records

SIDE, CHANNELS = 32, 3


def known(table, section, **keys):
    """The values of a table whose keys are these, each with its default."""
    unknown = set(table) - set(keys)
    if unknown:
        raise SystemExit(f"[{section}] has {', '.join(sorted(unknown))}, which this script does not know")
    return {key: table.get(key, value) for key, value in keys.items()}


def cosines():
    place, frequency = np.arange(SIDE), np.arange(SIDE)[:, None]
    matrix = np.cos(np.pi * (2 * place + 1) * frequency / (2 * SIDE)) * np.sqrt(2 / SIDE)
    matrix[0] /= np.sqrt(2)
    return matrix


class Frequencies:
    """The lowest frequencies of each channel, centred and scaled over the images to train on."""

    def __init__(self, count, power, images):
        pairs = sorted(((u, v) for u in range(SIDE) for v in range(SIDE)), key=lambda p: (p[0] ** 2 + p[1] ** 2, p))[:count]
        matrix = cosines()
        basis = np.stack([np.outer(matrix[u], matrix[v]).ravel() for u, v in pairs], axis=1) / 255
        self.basis = torch.from_numpy(basis.astype(np.float32)).to(images.device)
        self.odd = torch.tensor([v % 2 == 1 for _, v in pairs], device=images.device).repeat(CHANNELS)
        self.mean, self.factor = (torch.full((CHANNELS * count,), value, device=images.device) for value in (0.0, 1.0))
        values = self(images).double()
        mean = torch.where(self.odd, 0.0, values.mean(0))
        variance = values.square().mean(0) - mean.square()
        self.mean, self.factor = mean.float(), ((variance + 1e-3) ** (-power / 2)).float()

    def __call__(self, images):
        """Bytes [images, channels, side, side] to inputs [images, channels x count]."""
        planes = images.reshape(-1, SIDE * SIDE).float() @ self.basis
        return (planes.reshape(len(images), -1) - self.mean) * self.factor


class Shifts:
    """Each image moved by up to so many pixels each way, by a gather."""

    def __init__(self, pixels, edges):
        place = torch.arange(SIDE)
        moved = place[None, :] - torch.arange(-pixels, pixels + 1)[:, None]
        self.inside = (moved >= 0) & (moved < SIDE)
        if edges == "reflected":
            moved = torch.where(moved < 0, -moved, torch.where(moved >= SIDE, 2 * SIDE - 2 - moved, moved))
        elif edges == "wrapped":
            moved = moved % SIDE
        self.zero = edges == "zero"
        self.source = moved.clamp(0, SIDE - 1)

    def __call__(self, images):
        across, down = (torch.randint(len(self.source), (len(images),)) for _ in range(2))
        places = self.source[down][:, :, None] * SIDE + self.source[across][:, None, :]
        places = places.reshape(len(images), 1, -1).expand(-1, CHANNELS, -1)
        moved = images.reshape(len(images), CHANNELS, -1).gather(2, places)
        if self.zero:
            inside = self.inside[down][:, :, None] & self.inside[across][:, None, :]
            moved = moved * inside.reshape(len(images), 1, -1)
        return moved.reshape(images.shape)


class Mix:
    """A batch's samples mixed with those before them, by a share drawn for the batch."""

    def __init__(self, alpha, probability):
        self.share, self.probability = torch.distributions.Beta(alpha, alpha), probability

    def __call__(self, samples):
        """The samples so, and the share of each that is its own."""
        return (samples, 1.0) if torch.rand(()) >= self.probability else self.mix(samples, self.share.sample().item())


class CutMix(Mix):
    """A rectangle of each image taken from the one before it in the batch, as torchvision's CutMix draws it."""

    def mix(self, images, own):
        half = int(0.5 * math.sqrt(1.0 - own) * SIDE)
        middle = torch.randint(SIDE, (2,)).tolist()
        (top, left), (bottom, right) = ([max(place - half, 0) for place in middle], [min(place + half, SIDE) for place in middle])
        mixed = images.clone()
        mixed[:, :, top:bottom, left:right] = images.roll(1, 0)[:, :, top:bottom, left:right]
        return mixed, 1.0 - (bottom - top) * (right - left) / SIDE**2


class MixUp(Mix):
    """Each sample's values mixed with those of the one before it in the batch."""

    def mix(self, values, own):
        return values * own + values.roll(1, 0) * (1.0 - own), own


class Views(nn.Module):
    """`mirrored(…)`: the same layer of an image and of its mirror image, whose odd frequencies have their signs turned. Even and odd frequencies are multiplied apart, which is
    half of the work of two views."""

    def __init__(self, odd, outputs):
        super().__init__()
        self.even, self.odd = (~odd).nonzero()[:, 0], odd.nonzero()[:, 0]
        whole = nn.Linear(len(odd), outputs)
        self.of_even, self.of_odd = nn.Linear(len(self.even), outputs), nn.Linear(len(self.odd), outputs, bias=False)
        with torch.no_grad():
            self.of_even.weight.copy_(whole.weight[:, self.even])
            self.of_even.bias.copy_(whole.bias)
            self.of_odd.weight.copy_(whole.weight[:, self.odd])

    def forward(self, x):
        even, odd = self.of_even(x[:, self.even]), self.of_odd(x[:, self.odd])
        return torch.cat([even + odd, even - odd])


class Both(nn.Module):
    """A dense layer inside of `mirrored(…)`: by weights of both views' sum and of their difference."""

    def __init__(self, inputs, outputs):
        super().__init__()
        self.even, self.odd = nn.Linear(inputs, outputs), nn.Linear(inputs, outputs, bias=False)

    def forward(self, x):
        a, b = x.chunk(2)
        # Half of the sum: the bias is whole.
        even, odd = self.even((a + b) / 2), self.odd((a - b) / 2)
        return torch.cat([even + odd, even - odd])


class Mean(nn.Module):
    """The end of `mirrored(…)`."""

    def forward(self, x):
        a, b = x.chunk(2)
        return (a + b) / 2


def network(text, odd):
    """A chain of dense layers with what follows each, all of them in `mirrored(…)` or none; `odd` says which inputs turn their signs in a mirror image."""
    mirrored = text.startswith("mirrored(") and text.endswith(")")
    text = text.removeprefix("mirrored(").removesuffix(")") if mirrored else text
    layers, inputs = [], len(odd)
    for words in text.split(","):
        width, *rest = words.split()
        width = int(width)
        layers.append(nn.Linear(inputs, width) if not mirrored else Both(inputs, width) if layers else Views(odd, width))
        inputs = width
        for word in rest:
            kinds = {"batch_norm": lambda: nn.BatchNorm1d(inputs), "relu": nn.ReLU, "gelu": nn.GELU, "silu": nn.SiLU}
            dropped = word.removeprefix("dropout(").removesuffix(")")
            layers.append(kinds[word]() if word in kinds else nn.Dropout(float(dropped)))
    return nn.Sequential(*layers, *([Mean()] if mirrored else []), nn.Linear(inputs, CLASSES))


@torch.no_grad()
def accuracy(model, inputs, labels):
    model.eval()
    right = sum((model(part).argmax(1) == of).sum().item() for part, of in zip(inputs.split(1000), labels.split(1000)))
    model.train()
    return right / len(labels)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--config", required=True)
    parser.add_argument("--data", required=True, help="the folder of CIFAR-10's .bin files")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--epochs", type=int, help="train so many in place of the config's, by its schedule over all of them")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    torch.manual_seed(arguments.seed)
    with open(arguments.config, "rb") as file:
        config = tomllib.load(file)
    known(config, "config", name=None, seed=None, dataset=None, augment=[], model=None, loss={}, optimizer=None, phases=None, evaluation={})
    dataset = known(config["dataset"], "dataset", kind=None, validation=5000, batch=128, evaluation_batch=None, input=None, coefficients=None, power=0.5)
    if (dataset["kind"], dataset["input"]) != ("cifar10", "frequencies") or len(config["phases"]) != 1:
        raise SystemExit("this script trains on CIFAR-10's low frequencies, in one phase")
    phase = known(config["phases"][0], "phases", epochs=None, lr=None, schedule=None, warmup=0.3)
    optimizer = known(config["optimizer"], "optimizer", kind=None, momentum=0.0, nesterov=False, weight_decay=0.0)
    smoothing = known(config.get("loss", {}), "loss", label_smoothing=0.0)["label_smoothing"]
    if (optimizer["kind"], phase["schedule"]) != ("sgd", "one_cycle"):
        raise SystemExit("this script has sgd and one_cycle")
    mirror, alternate, shifts, cutmix, mixup = False, False, None, None, None
    for change in config.get("augment", []):
        if change["kind"] == "mirror":
            mirror, alternate = True, known(change, "augment", kind=None, alternate=False)["alternate"]
        elif change["kind"] == "shift":
            shifts = Shifts(**{k: v for k, v in known(change, "augment", kind=None, pixels=None, edges="zero").items() if k != "kind"})
        elif change["kind"] in ("cutmix", "mixup"):
            mix = known(change, "augment", kind=None, alpha=1.0, probability=1.0)
            mix = {"cutmix": CutMix, "mixup": MixUp}[mix.pop("kind")](**mix)
            cutmix, mixup = (mix, mixup) if isinstance(mix, CutMix) else (cutmix, mix)
        else:
            raise SystemExit(f"this script does not {change['kind']} images")

    begin = time.perf_counter()
    pixels, labels = training_records(arguments.data)
    images, labels = torch.from_numpy(pixels).reshape(-1, CHANNELS, SIDE, SIDE), torch.from_numpy(labels)
    order = torch.randperm(len(labels))
    train, held_out = order[: -dataset["validation"]], order[-dataset["validation"] :]
    table = Frequencies(dataset["coefficients"], dataset["power"], images[train])
    # Mirroring is a turn of signs; what moves pixels needs the transform again, batch by batch.
    pixels_change = shifts is not None or cutmix is not None
    inputs = None if pixels_change else table(images)
    validation = table(images[held_out])
    signs = torch.where(table.odd, -1.0, 1.0)
    model = network(config["model"]["network"], table.odd)
    rules = {key: optimizer[key] for key in ("momentum", "nesterov", "weight_decay")}
    sgd = torch.optim.SGD(model.parameters(), lr=phase["lr"], **rules)
    epochs = arguments.epochs or phase["epochs"]
    steps = -(-len(train) // dataset["batch"])
    cycle = torch.optim.lr_scheduler.OneCycleLR(
        sgd, phase["lr"], total_steps=epochs * steps, pct_start=phase["warmup"], cycle_momentum=False, div_factor=25, final_div_factor=1e4
    )
    first_mirrored = torch.rand(len(labels)) < 0.5
    prepared, processor = time.perf_counter(), time.process_time()
    passes, found = [], None
    for epoch in range(epochs):
        start = time.perf_counter()
        for indices in train[torch.randperm(len(train))].split(dataset["batch"]):
            # What becomes of a label: the share that each image keeps of its own, the rest is that of the image before it.
            own = 1.0
            if pixels_change:
                batch = images[indices] if shifts is None else shifts(images[indices])
                batch, own = (batch, own) if cutmix is None else cutmix(batch)
                batch = table(batch)
            else:
                batch = inputs[indices]
            if mirror:
                mirrored = first_mirrored[indices] ^ (epoch % 2 == 1) if alternate else torch.rand(len(indices)) < 0.5
                batch = torch.where(mirrored[:, None], batch * signs, batch)
            target = labels[indices]
            if cutmix is not None or mixup is not None:
                batch, kept = (batch, 1.0) if mixup is None else mixup(batch)
                target = F.one_hot(target, CLASSES).float()
                for share in (own, kept):
                    target = target if share == 1.0 else target * share + target.roll(1, 0) * (1.0 - share)
            loss = F.cross_entropy(model(batch), target, label_smoothing=smoothing)
            sgd.zero_grad()
            loss.backward()
            sgd.step()
            cycle.step()
        passes.append(time.perf_counter() - start)
        found = accuracy(model, validation, labels[held_out])
    trained, processor = time.perf_counter(), time.process_time() - processor
    pixels, labels = read_records(arguments.data, ["test_batch.bin"])
    test = accuracy(model, table(torch.from_numpy(pixels).reshape(-1, CHANNELS, SIDE, SIDE)), torch.from_numpy(labels))
    print(json.dumps({
        "preparation": prepared - begin, "seconds": trained - prepared, "processor_seconds": processor, "passes": passes, "val_acc": found, "test_acc": test,
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6,
    }))


if __name__ == "__main__":
    main()
