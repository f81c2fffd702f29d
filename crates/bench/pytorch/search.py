"""Recipes looked for on one card: variants of a config, many side by side, each a captured graph of one training step on a stream of its own.

A line of RECIPES is a variant: what `--set` takes, the parts separated by semicolons (`dataset.coefficients=256; phases.0.lr=0.2`). Networks, frequencies and schedules are those
of `recipe.py`; crops and rotations are by `grid_sample`, the last, smaller batch of an epoch is left out, and 5,000 images are held out, the same for all. The test images are not
read. Writes a line of JSON for each variant: validation accuracy and loss (smoothed as in training) and the mean training loss.

    python search.py --config configs/hour.toml --data cifar-10-batches-bin --recipes recipes.txt --out found.jsonl --seconds 500
"""

import argparse
import copy
import json
import math
import time
import tomllib

import numpy as np
import torch
from torch.nn import functional as F

from notebook import CLASSES, training_records
from recipe import CHANNELS, SIDE, Frequencies, Shifts, known, network

HELD_OUT = 5000
GREY = (0.299, 0.587, 0.114)


def changed(config, line):
    """The config with what a line sets."""
    config = copy.deepcopy(config)
    for part in filter(None, map(str.strip, line.split(";"))):
        path, value = (side.strip() for side in part.split("=", 1))
        try:
            value = tomllib.loads(f"value = {value}")["value"]
        except tomllib.TOMLDecodeError:
            pass  # A word without quotes, as `--set` takes it.
        *above, last = path.split(".")
        table = config
        for key in above:
            table = table[int(key)] if key.isdecimal() else table.setdefault(key, {})
        table[int(last) if last.isdecimal() else last] = value
    return config


def moved(images, matrices, beyond):
    """Each image by its own affine map [2, 3], bilinear."""
    grid = F.affine_grid(matrices, images.shape, align_corners=False)
    return F.grid_sample(images, grid, mode="bilinear", padding_mode=beyond, align_corners=False)


def matrices(a, b, c, d, e, f):
    return torch.stack([torch.stack([a, b, c], 1), torch.stack([d, e, f], 1)], 1)


def crop(area=(0.08, 1.0), ratio=(3 / 4, 4 / 3)):
    def apply(images):
        share, across, down = (torch.rand(len(images)) for _ in range(3))
        share = area[0] + (area[1] - area[0]) * share
        shape = torch.exp(math.log(ratio[0]) + math.log(ratio[1] / ratio[0]) * torch.rand(len(images)))
        width, height = (share * shape).sqrt().clamp(max=1.0), (share / shape).sqrt().clamp(max=1.0)
        none = torch.zeros_like(width)
        return moved(images, matrices(width, none, (2 * across - 1) * (1 - width), none, height, (2 * down - 1) * (1 - height)), "border")

    return apply


def rotate(degrees, probability=1.0):
    def apply(images):
        angle = (2 * torch.rand(len(images)) - 1) * math.radians(degrees) * (torch.rand(len(images)) < probability)
        none = torch.zeros_like(angle)
        return moved(images, matrices(angle.cos(), -angle.sin(), none, angle.sin(), angle.cos(), none), "zeros")

    return apply


def cutout(size, probability=1.0):
    def apply(images):
        place, middle = torch.arange(SIDE), torch.randint(SIDE, (2, len(images), 1))
        inside = (place >= middle - size // 2) & (place < middle - size // 2 + size)
        box = inside[0][:, :, None] & inside[1][:, None, :] & (torch.rand(len(images), 1, 1) < probability)
        return images.masked_fill(box[:, None], 0.0)

    return apply


def colour_jitter(brightness=0.0, contrast=0.0, saturation=0.0):
    weights = torch.tensor(GREY)[:, None, None]

    def apply(images):
        def factor(most):
            return 1 + (2 * torch.rand(len(images), 1, 1, 1) - 1) * most

        def grey():
            return (images * weights).sum(1, keepdim=True)

        images = (images * factor(brightness)).clamp(0, 255)
        own = factor(contrast)
        images = (images * own + (1 - own) * grey().mean((2, 3), keepdim=True)).clamp(0, 255)
        own = factor(saturation)
        return (images * own + (1 - own) * grey()).clamp(0, 255)

    return apply


CHANGES = {"shift": lambda pixels, edges="zero": Shifts(pixels, edges), "crop": crop, "rotate": rotate, "cutout": cutout, "colour_jitter": colour_jitter}


class Recipe:
    """A network in training."""

    def __init__(self, line, config, images, labels, order):
        self.line, self.began = line, time.perf_counter()
        torch.manual_seed(config.get("seed", 0))
        data = known(config["dataset"], "dataset", kind=None, validation=None, batch=128, evaluation_batch=None, input=None, coefficients=None, power=0.5)
        phase = known(config["phases"][0], "phases", epochs=None, lr=None, schedule=None, warmup=0.3)
        self.rule = known(config["optimizer"], "optimizer", kind=None, momentum=0.0, nesterov=False, weight_decay=0.0)
        if (data["input"], phase["schedule"], self.rule["kind"], len(config["phases"])) != ("frequencies", "one_cycle", "sgd", 1):
            raise SystemExit("frequencies, sgd and one phase of one_cycle are what this script has")
        self.smoothing = known(config.get("loss", {}), "loss", label_smoothing=0.0)["label_smoothing"]
        self.images, self.labels, self.batch = images, labels, data["batch"]
        self.train, held_out = order[:-HELD_OUT], order[-HELD_OUT:]
        self.frequencies = Frequencies(data["coefficients"], data["power"], images[self.train])
        self.validation = self.frequencies(images[held_out]), labels[held_out]
        self.model = network(config["model"]["network"], self.frequencies.odd)
        self.parameters = list(self.model.parameters())
        self.velocities = [torch.zeros_like(parameter) for parameter in self.parameters]
        for parameter in self.parameters:
            parameter.grad = torch.zeros_like(parameter)
        self.steps = len(self.train) // self.batch
        self.total = self.steps * phase["epochs"]
        self.set_draws(config.get("augment", []), config.get("seed", 0), phase)
        self.order = torch.zeros(self.steps * self.batch, dtype=torch.int64)
        self.step_of_run, self.step_of_epoch = (torch.zeros(1, dtype=torch.int64) for _ in range(2))
        self.loss, self.done, self.graph, self.stream = torch.zeros(()), 0, None, None
        self.shuffle()
        if images.is_cuda:
            self.capture()

    def set_draws(self, augment, seed, phase):
        """What is known of every step before the first: its rate, and by what its batch is mixed."""
        self.changes, mixes = [], {}
        for change in augment:
            change = dict(change)
            kind = change.pop("kind")
            if kind in CHANGES:
                self.changes.append(CHANGES[kind](**change))
            else:
                mixes[kind] = known(change, "augment", alpha=1.0, probability=1.0)
        if set(mixes) - {"cutmix", "mixup"}:
            raise SystemExit(f"this script does not {', '.join(mixes)} images")
        draws, shares = np.random.default_rng(seed), {}
        for kind, mix in mixes.items():
            own = draws.beta(mix["alpha"], mix["alpha"], self.total)
            shares[kind] = torch.tensor(np.where(draws.random(self.total) < mix["probability"], own, 1.0), dtype=torch.float32)
        self.cutmix, self.mixup = shares.get("cutmix"), shares.get("mixup")
        step, rise = np.arange(self.total), phase["warmup"] * self.total
        up = (1 - np.cos(np.pi * np.minimum(step / max(rise, 1), 1))) / 2
        down = (1 + np.cos(np.pi * np.clip((step - rise) / (self.total - rise), 0, 1))) / 2
        peak = phase["lr"]
        rates = np.where(step < rise, peak / 25 + (peak - peak / 25) * up, peak / 25e4 + (peak - peak / 25e4) * down)
        self.rates = torch.tensor(rates, dtype=torch.float32)

    def shuffle(self):
        self.order.copy_(self.train[torch.randperm(len(self.train))[: len(self.order)]])
        self.step_of_epoch.zero_()

    def capture(self):
        """A step as a graph; the three that warm it up are undone."""
        state = [*self.model.state_dict().values(), *self.velocities, self.step_of_run, self.step_of_epoch, self.loss]
        before = [tensor.clone() for tensor in state]
        self.stream, self.graph = torch.cuda.Stream(), torch.cuda.CUDAGraph()
        torch.cuda.synchronize()
        with torch.cuda.stream(self.stream):
            for _ in range(3):
                self.step()
        torch.cuda.synchronize()
        with torch.cuda.graph(self.graph, stream=self.stream, capture_error_mode="relaxed"):
            self.step()
        torch.cuda.synchronize()
        with torch.no_grad():
            for tensor, value in zip(state, before):
                tensor.copy_(value)
        torch.cuda.synchronize()

    def step(self):
        indices = self.order.view(-1, self.batch).index_select(0, self.step_of_epoch)[0]
        images = self.images.index_select(0, indices).float()
        target = torch.zeros(self.batch, CLASSES).scatter_(1, self.labels.index_select(0, indices)[:, None], 1.0)
        for change in self.changes:
            images = change(images)
        if self.cutmix is not None:
            half = (0.5 * (1 - self.cutmix.index_select(0, self.step_of_run)).sqrt() * SIDE).floor()
            place, middle = torch.arange(SIDE), torch.randint(SIDE, (2, 1))
            inside = (place >= middle - half) & (place < middle + half)
            box = inside[0][:, None] & inside[1][None, :]
            images, own = torch.where(box, images.roll(1, 0), images), 1 - box.float().mean()
            target = own * target + (1 - own) * target.roll(1, 0)
        values = self.frequencies(images)
        if self.mixup is not None:
            own = self.mixup.index_select(0, self.step_of_run)
            values, target = (own * whole + (1 - own) * whole.roll(1, 0) for whole in (values, target))
        loss = F.cross_entropy(self.model(values), target, label_smoothing=self.smoothing)
        for parameter in self.parameters:
            parameter.grad.zero_()
        loss.backward()
        with torch.no_grad():
            momentum = self.rule["momentum"]
            update = torch._foreach_add([p.grad for p in self.parameters], self.parameters, alpha=self.rule["weight_decay"])
            torch._foreach_mul_(self.velocities, momentum)
            torch._foreach_add_(self.velocities, update)
            if self.rule["nesterov"]:
                torch._foreach_add_(update, self.velocities, alpha=momentum)
            else:
                update = [velocity.clone() for velocity in self.velocities]
            torch._foreach_mul_(update, -self.rates.index_select(0, self.step_of_run)[0])
            torch._foreach_add_(self.parameters, update)
            self.loss += loss.detach()
            self.step_of_run += 1
            self.step_of_epoch += 1

    def advance(self, steps):
        """So many steps; whether they were the last."""
        with torch.cuda.stream(self.stream):  # Nothing where there is no stream.
            for _ in range(steps):
                self.graph.replay() if self.graph else self.step()
                self.done += 1
                if self.done == self.total:
                    return True
                if self.done % self.steps == 0:
                    self.shuffle()
        return False

    @torch.no_grad()
    def found(self):
        if self.stream:
            self.stream.synchronize()
        self.model.eval()
        values, labels = self.validation
        logits = self.model(values)
        return {
            "recipe": self.line,
            "steps": self.done,
            "of": self.total,
            "val_acc": (logits.argmax(1) == labels).float().mean().item(),
            "val_loss": F.cross_entropy(logits, labels, label_smoothing=self.smoothing).item(),
            "train_loss": self.loss.item() / self.done,
            "seconds": time.perf_counter() - self.began,
        }


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--config", required=True)
    parser.add_argument("--data", required=True, help="the folder of CIFAR-10's .bin files")
    parser.add_argument("--recipes", required=True, help="a file with a line for each variant; those that begin with # are left out")
    parser.add_argument("--out", required=True, help="where a line is added for each")
    parser.add_argument("--seconds", type=float, default=math.inf, help="what is not done by then is measured as it is")
    parser.add_argument("--together", type=int, default=8)
    arguments = parser.parse_args()
    begin = time.perf_counter()
    torch.set_default_device("cuda" if torch.cuda.is_available() else "cpu")
    torch.backends.cuda.matmul.allow_tf32 = True
    with open(arguments.config, "rb") as file:
        config = tomllib.load(file)
    with open(arguments.recipes) as file:
        waiting = [line for line in map(str.strip, file) if line and not line.startswith("#")]
    pixels, labels = training_records(arguments.data)
    device = torch.get_default_device()
    images = torch.from_numpy(pixels).reshape(-1, CHANNELS, SIDE, SIDE).to(device)
    labels = torch.from_numpy(labels).to(device)
    order = torch.randperm(len(labels), generator=torch.Generator("cpu").manual_seed(7), device="cpu").to(device)
    active = []
    with open(arguments.out, "a") as out:
        while active or (waiting and time.perf_counter() - begin < arguments.seconds):
            while waiting and len(active) < arguments.together:
                line = waiting.pop(0)
                active.append(Recipe(line, changed(config, line), images, labels, order))
            for recipe in list(active):
                if recipe.advance(40) or time.perf_counter() - begin > arguments.seconds:
                    active.remove(recipe)
                    print(json.dumps(recipe.found()), file=out, flush=True)
            if images.is_cuda:
                torch.cuda.synchronize()


if __name__ == "__main__":
    main()
