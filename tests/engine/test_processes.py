"""Two processes on half a batch each are one process on the whole of it."""

import signal
import socket
import subprocess
import sys
import time

import safetensors.torch
import torch
from children import start, tell_weights, train

from unpaired import runs
from unpaired.bundle import load_bundle
from unpaired.engine import checkpoint, journal
from unpaired.games import specs
from unpaired.networks.specs import PatchGAN, ResNet
from unpaired.options import Adam, DataOptions, Training

# Without statistics of the batch, which each process takes of its own share.
GAME = specs.DiscoGAN(
    generator=ResNet(width=4, blocks=1, downs=1),
    discriminator=PatchGAN(width=4, layers=1),
    optimizer=Adam(learning_rate=1e-3, epsilon=1e-2, weight_decay=1e-4),
)
DATA = DataOptions(size=16, load_size=20, jitter=0.3, holdout=0.2)
OPTIONS = {"batch": 8, "precision": "float32", "threads": 1, "compile": "off", "save_every": 4, "clip": 1.0, "ema": 0.9}
LINE = [
    "--generator", "resnet(width=4, blocks=1, downs=1)", "--discriminator", "patch(width=4, layers=1)",
    "--learning-rate", "1e-3", "--epsilon", "1e-2", "--size", "16", "--load-size", "20", "--jitter", "0.3",
    "--holdout", "0.2",
    *(word for key, value in OPTIONS.items() for word in (f"--{key.replace('_', '-')}", str(value))),
]  # fmt: skip


def torchrun(*arguments, said):
    """`unpaired` in two processes, as a user starts them; what they say goes to the file `said`."""
    line = [
        sys.executable,
        "-m",
        "torch.distributed.run",
        "--standalone",
        "--nproc-per-node",
        "2",
        "-m",
        "unpaired",
        *arguments,
    ]
    return subprocess.Popen(line, stdout=said.open("w"), stderr=subprocess.STDOUT)


def last(run):
    return checkpoint.load(run / "checkpoints" / "last.safetensors")


def test_two_processes_follow_one(domains, tmp_path):
    out, said = tmp_path / "two", tmp_path / "said.txt"
    process = torchrun("train", "discogan", *domains, "--out", str(out), "--steps", "8", *LINE, said=said)
    runs.train(*domains, out=tmp_path / "one", game=GAME, data=DATA, training=Training(steps=8, **OPTIONS))
    assert process.wait(180) == 0, said.read_text()
    (state, progress), (wanted, _) = last(out), last(tmp_path / "one")
    assert progress.step == 8
    assert state.keys() == wanted.keys()
    assert max((state[name] - wanted[name]).abs().max().item() for name in wanted) < 1e-5
    assert load_bundle(out).keys() == {"a_to_b", "b_to_a"}
    text = said.read_text()
    assert text.count("done at step 8") == 1  # one speaks
    assert "2 processes" in text
    assert [event["event"] for event in journal.read(out)].count("start") == 1  # one writes
    assert [path.name for path in out.rglob(".*")] == []

    process = torchrun("resume", str(out), "--steps", "1000000", said=said)
    while not any(event["event"] == "steps" and event["step"] > 8 for event in journal.read(out)):
        time.sleep(0.1)
        assert process.poll() is None, said.read_text()
    process.send_signal(signal.SIGTERM)
    assert process.wait(60) != 0
    step = last(out)[1].step
    assert step > 8
    assert f"stopped at step {step}; `unpaired resume {out}` goes on" in said.read_text()
    assert journal.read(out)[-1]["event"] == "end"


def test_two_clocks_are_one(domains, tmp_path):
    """The learning rate follows the clock of one process: else the others' weights would drift away."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    training = Training(minutes=0.8 / 60, schedule="linear", **OPTIONS)
    processes = []
    for rank in ("0", "1"):
        env = {"RANK": rank, "LOCAL_RANK": rank, "WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port}
        options = {"game": GAME, "data": DATA, "training": training}
        hooks = [(tell_weights, tmp_path / f"{rank}.safetensors")]
        said = tmp_path / f"{rank}.txt"
        processes.append(start(train, domains, tmp_path / "run", options, said=said, hooks=hooks, env=env))
    for rank, process in enumerate(processes):
        process.join(120)
        assert process.exitcode == 0, (tmp_path / f"{rank}.txt").read_text()
    assert (tmp_path / "1.txt").read_text() == ""
    first, second = (safetensors.torch.load_file(tmp_path / f"{rank}.safetensors") for rank in "01")
    assert last(tmp_path / "run")[1].step > 2
    assert all(torch.equal(first[name], second[name]) for name in first)
