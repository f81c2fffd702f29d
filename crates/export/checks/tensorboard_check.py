"""Reads exported event files with TensorBoard's own EventAccumulator and HParams plugin, and holds them against the runs' records.

    cargo xtask export tensorboard RUN… --to DIR
    python crates/export/checks/tensorboard_check.py DIR RUN…

Needs tensorboard and numpy.
"""

import json
import math
import pathlib
import sys

import numpy as np
from tensorboard.backend.event_processing import data_ingester, plugin_event_accumulator
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.context import RequestContext
from tensorboard.plugins import base_plugin
from tensorboard.plugins.hparams import api_pb2, backend_context, hparams_plugin, list_session_groups


def check_scalars(folder, run):
    """Each number of the history once, under its key, at its training steps."""
    record = json.loads((run / "record.json").read_text())
    lines = [json.loads(line) for line in (run / "history.jsonl").read_text().splitlines()]
    steps = math.ceil(record["dataset"]["train"] / record["hyperparameters"]["batch_size"])
    events = EventAccumulator(str(folder), size_guidance={"scalars": 0, "histograms": 0, "images": 0, "tensors": 0})
    events.Reload()
    expected = {}
    for line in lines:
        step = 0 if line["epoch"] is None else (line["epoch"] + 1) * steps
        for key, value in line.items():
            if key not in ("epoch", "phase") and value is not None:
                expected.setdefault(key, []).append((step, np.float32(value)))
    for key in ("test_loss", "test_acc"):
        if record["metrics"].get(key) is not None:
            expected[key] = [(expected["val_loss"][-1][0], np.float32(record["metrics"][key]))]
    for key, values in expected.items():
        found = [(event.step, np.float32(event.value)) for event in events.Scalars(key)]
        assert found == values, (key, found[:3], values[:3])
    wall = [event.wall_time for event in events.Scalars("val_loss")]
    assert wall == sorted(wall)
    histograms = events.Tags()["histograms"]
    counts = {tag: [(event.step, event.histogram_value.num) for event in events.Histograms(tag)] for tag in histograms}
    parameters = sum(values[-1][1] for tag, values in counts.items() if "running" not in tag)
    assert parameters == record["parameters"], (parameters, record["parameters"])
    text = events.Tensors("config")[0].tensor_proto.string_val[0].decode()
    assert (run / "config.toml").read_text() in text
    images = {tag: [(event.width, event.height) for event in events.Images(tag)] for tag in events.Tags()["images"]}
    at = {tag: [step for step, _ in values] for tag, values in counts.items()}
    print(f"{run}: {sum(map(len, expected.values()))} numbers under {len(expected)} tags, as recorded")
    print(f"  histograms of {len(histograms)} tensors at {next(iter(at.values()))}, images {images}")
    extra = sorted(set(events.Tags()["scalars"]) - set(expected))
    print(f"  further: {[(tag, len(events.Scalars(tag))) for tag in extra]}")
    return record


def check_hparams(folder, records):
    """The HParams tab: a session a run, with its hyperparameters and metrics."""
    flags = type("Flags", (), dict(
        samples_per_plugin={}, max_reload_threads=1, reload_interval=0, reload_multifile=False, purge_orphaned_data=True,
        reload_multifile_inactive_secs=0, generic_data="auto", logdir=str(folder), logdir_spec="", window_title="",
        reload_task="blocking", detect_file_replacement=None, path_prefix="",
    ))
    ingester = data_ingester.LocalDataIngester(flags)
    ingester.start()
    context = base_plugin.TBContext(data_provider=ingester.data_provider, flags=flags, logdir=str(folder))
    backend = backend_context.Context(context)
    request_context, experiment_id = RequestContext(), ""
    metadata = backend.hparams_metadata(request_context, experiment_id)
    experiment = backend.experiment_from_metadata(
        request_context, experiment_id, True, metadata, backend.hparams_from_data_provider(request_context, experiment_id, 1000)
    )
    names = [info.name for info in experiment.hparam_infos]
    request = api_pb2.ListSessionGroupsRequest(
        start_index=0, slice_size=100,
        allowed_statuses=[api_pb2.STATUS_SUCCESS, api_pb2.STATUS_FAILURE, api_pb2.STATUS_RUNNING, api_pb2.STATUS_UNKNOWN],
        col_params=[api_pb2.ColParams(hparam=name) for name in names]
        + [api_pb2.ColParams(metric=api_pb2.MetricName(group="", tag="test_acc"))],
    )
    handler = list_session_groups.Handler(request_context, backend, experiment_id, request)
    groups = {group.name: group for group in handler.run().session_groups}
    print(f"HParams: {len(groups)} sessions, {len(names)} hyperparameters: {', '.join(sorted(names))}")
    assert len(groups) == len(records)
    for record in records:
        group = groups[record["name"]]
        assert group.hparams["optimizer"].string_value == record["hyperparameters"]["optimizer"]
        assert group.hparams["batch_size"].number_value == record["hyperparameters"]["batch_size"]
        metrics = {value.name.tag: value.value for value in group.metric_values}
        if record["metrics"].get("test_acc") is not None:
            assert abs(metrics["test_acc"] - record["metrics"]["test_acc"]) < 1e-6
        print(f"  {group.name}: {len(group.hparams)} hyperparameters, {sorted(metrics)}")


if __name__ == "__main__":
    root = pathlib.Path(sys.argv[1])
    runs = [pathlib.Path(run) for run in sys.argv[2:]]
    records = []
    for run in runs:
        records.append(check_scalars(root / run.name, run))
    check_hparams(root, records)
