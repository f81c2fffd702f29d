"""Reads exported runs with MLflow's own client, from its file store or its server, and holds them against the runs' records.

    cargo xtask export mlflow RUN… --to DIR [--parent NAME]
    MLFLOW_ALLOW_FILE_STORE=true python crates/export/checks/mlflow_check.py DIR RUN…
    mlflow server --port 5123 &
    cargo xtask export mlflow RUN… --to http://127.0.0.1:5123 [--parent NAME]
    python crates/export/checks/mlflow_check.py http://127.0.0.1:5123 RUN…

Needs mlflow.
"""

import json
import os
import pathlib
import sys
import tempfile

import mlflow


def check(client, experiment, folder):
    record = json.loads((folder / "record.json").read_text())
    lines = [json.loads(line) for line in (folder / "history.jsonl").read_text().splitlines()]
    runs = client.search_runs([experiment.experiment_id], f"tags.`strata.id` = '{record['id']}'")
    assert len(runs) == 1, runs
    run = runs[0]
    expected = {}
    for line in lines:
        step = 0 if line["epoch"] is None else line["epoch"] + 1
        for key, value in line.items():
            if key not in ("epoch", "phase") and value is not None:
                expected.setdefault(key, []).append((step, value))
    for key in ("test_loss", "test_acc"):
        if record["metrics"].get(key) is not None:
            expected[key] = [(expected["val_loss"][-1][0], record["metrics"][key])]
    for key, values in expected.items():
        found = sorted((metric.step, metric.value) for metric in client.get_metric_history(run.info.run_id, key))
        assert found == values, (key, found[:3], values[:3])
    assert run.data.params["optimizer"] == record["hyperparameters"]["optimizer"]
    assert run.data.params["parameters"] == str(record["parameters"])
    assert run.info.status == {"finished": "FINISHED", "failed": "FAILED", "interrupted": "KILLED"}[record["status"]]
    assert run.info.run_name == record["name"]
    assert run.data.tags.get("mlflow.source.git.commit") == record["environment"]["commit"]
    dataset = run.inputs.dataset_inputs[0].dataset
    assert dataset.name == record["dataset"]["name"] and record["dataset"]["sha256"].startswith(dataset.digest)
    files = sorted(file.path for file in client.list_artifacts(run.info.run_id))
    with tempfile.TemporaryDirectory() as to:
        copy = client.download_artifacts(run.info.run_id, "model.safetensors", to)
        assert pathlib.Path(copy).read_bytes() == (folder / "model.safetensors").read_bytes()
    parent = run.data.tags.get("mlflow.parentRunId")
    parent = parent and client.get_run(parent).info.run_name
    numbers = sum(map(len, expected.values()))
    print(f"{record['name']}: {numbers} numbers, {len(run.data.params)} parameters, {len(run.data.tags)} tags; "
          f"data {dataset.name}; files {', '.join(files)}; parent {parent}")


if __name__ == "__main__":
    store = sys.argv[1]
    client = mlflow.MlflowClient(store if store.startswith("http") else f"file://{os.path.abspath(store)}")
    experiment = client.get_experiment_by_name("strata")
    for folder in sys.argv[2:]:
        check(client, experiment, pathlib.Path(folder))
    print(f"{len(client.search_runs([experiment.experiment_id]))} runs in all")
