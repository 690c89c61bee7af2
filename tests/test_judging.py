"""Which pictures a person is given to judge, and the command that serves them."""

import json
import threading
import urllib.request

import numpy as np
import pytest
import torch

import unpaired
from unpaired import cli, images, runs
from unpaired.errors import RunError
from unpaired.games import specs
from unpaired.judging import pictures_of
from unpaired.networks.specs import ConvDiscriminator, DCGANDiscriminator, DCGANGenerator, DenseAutoencoder, EncoderDecoder
from unpaired.options import DataOptions, Training
from unpaired.serve.judge import JudgeServer

DATA = DataOptions(size=8, channels=1, flip=False)
CONV = {"generator": DCGANGenerator(width=2), "discriminator": DCGANDiscriminator(width=2)}
TRAINING = Training(steps=2, batch=8, threads=1, compile="off", precision="float32", evaluate_every=2)


def arrays(path, *, seed, test=40):
    chance = np.random.default_rng(seed)
    train, held = (chance.integers(0, 256, (count, 8, 8), dtype=np.uint8) for count in (40, test))
    values = {"x_train": train, "y_train": np.arange(40) % 3}
    np.savez(path, **values, **({"x_test": held, "y_test": np.arange(test) % 3} if test else {}))
    return path


def trained(tmp_path, game, *sources, **options):
    unpaired.train(*sources, out=tmp_path / "run", game=game, data=DataOptions(**(vars(DATA) | options)), training=TRAINING)
    return tmp_path / "run"


def test_samples_beside_held_out_images(tmp_path):
    source = arrays(tmp_path / "set.npz", seed=0)
    run = trained(tmp_path, specs.ACGAN(**CONV), source)
    real, fake, what, part = pictures_of(run, count=9)
    held = images.to_tensor(np.load(source)["x_test"][..., None])[10:]  # those by which nothing was chosen
    torch.testing.assert_close(real, held[:18])
    sampler = unpaired.load(run)
    classes = torch.from_numpy(np.load(source)["y_test"])[10:19]
    torch.testing.assert_close(fake, sampler(9, class_=classes.tolist(), seed=2))
    assert (what, part) == ("samples of sampler", "sampler")


def test_no_picture_is_one_that_a_checkpoint_was_chosen_by(tmp_path):
    """A run's samplers are chosen by a quarter of the held-out images, here 75 of 300, not by 64 alone."""
    source = arrays(tmp_path / "set.npz", seed=0, test=300)
    real = pictures_of(trained(tmp_path, specs.DCGAN(**CONV), source), count=3).real
    torch.testing.assert_close(real, images.to_tensor(np.load(source)["x_test"][75:81, ..., None]))


def test_each_of_two_domains(tmp_path):
    a, b = (arrays(tmp_path / f"{name}.npz", seed=seed) for seed, name in enumerate("ab"))
    run = trained(tmp_path, specs.CoGAN(**CONV), a, b)
    torch.testing.assert_close(
        pictures_of(run, count=3, part="sampler_b").real, images.to_tensor(np.load(b)["x_test"][10:16, ..., None])
    )
    torch.testing.assert_close(pictures_of(run, count=3).real, images.to_tensor(np.load(a)["x_test"][10:16, ..., None]))
    with pytest.raises(RunError, match="no pictures of 'classifier_a' to judge; wanted one of: sampler_a, sampler_b"):
        pictures_of(run, count=3, part="classifier_a")


def test_translations_beside_the_target_domain(tmp_path):
    for name, seed in (("A", 0), ("B", 1)):
        for part, count in (("train", 20), ("test", 40)):
            for index in range(count):
                (tmp_path / f"{part}{name}").mkdir(exist_ok=True)
                pixels = np.random.default_rng([seed, index, count]).integers(0, 256, (8, 8, 1), dtype=np.uint8)
                images.write(tmp_path / f"{part}{name}" / f"{index:03d}.png", pixels)
    game = specs.DiscoGAN(generator=EncoderDecoder(width=2), discriminator=ConvDiscriminator(width=2))
    run = trained(tmp_path, game, tmp_path)
    real, fake, what, part = pictures_of(run, count=4, part="b_to_a")
    assert (real.shape, fake.shape, what, part) == ((8, 1, 8, 8), (4, 1, 8, 8), "translations to A", "b_to_a")
    held = images.to_tensor(runs.open_data(runs.load_config(run)).test_b[10:14])
    torch.testing.assert_close(fake, unpaired.load(run, direction="b_to_a").batch(held))


def test_what_cannot_be_judged(tmp_path):
    run = trained(tmp_path, specs.Autoencoder(network=DenseAutoencoder(hidden=(4,), code=2)), arrays(tmp_path / "a.npz", seed=0))
    with pytest.raises(RunError, match="keeps autoencoder; wanted a sampler, or translators"):
        pictures_of(run, count=3)


def test_without_held_out_images_there_is_nothing_real(tmp_path):
    run = trained(tmp_path, specs.DCGAN(**CONV), arrays(tmp_path / "a.npz", seed=0, test=0), holdout=0.0)
    with pytest.raises(RunError, match="held no images out, so no real ones are left to judge beside"):
        pictures_of(run, count=3)
    with pytest.raises(RunError, match="held no images out"):
        pictures_of(run, count=3, part="sampler")


def ask(address, path, body=None):
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(address + path, data=data, headers={"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=10) as answer:
        content = answer.read()
    return json.loads(content) if answer.headers.get_content_type() == "application/json" else content


def test_a_person_s_test_from_the_command_to_the_verdict(tmp_path, monkeypatch, capsys):
    run = trained(tmp_path, specs.DCGAN(**CONV), arrays(tmp_path / "a.npz", seed=0))
    ready, heard = threading.Event(), []
    real_print = print

    def noticed(*words):
        heard.append(" ".join(map(str, words)))
        if words and str(words[0]).startswith("open "):
            ready.set()
        real_print(*words)

    monkeypatch.setattr("builtins.print", noticed)
    words = ["judge", str(run), "--port", "0", "--blocks", "1", "--block-size", "6", "--controls", "2", "--practice", "2"]
    serving = threading.Thread(target=cli.main, args=(words,), daemon=True)
    serving.start()
    assert ready.wait(20)
    address = next(line.removeprefix("open ") for line in heard if line.startswith("open "))
    state = ask(address, "state")
    while not state["finished"]:
        assert ask(address, f"picture/{state['trial']}").startswith(b"\x89PNG")
        state = ask(address, "answer", {"trial": state["trial"], "answer": "fake", "reaction_ms": 200, "shown_ms": 300})
    ask(address, "close", {})
    serving.join(20)
    assert not serving.is_alive()
    assert heard[0] == "real pictures beside samples of sampler"
    said = "\n".join(heard).splitlines()
    assert any(line.startswith("Right answers: ") for line in said)
    assert any("can be said" in line or "from the real ones" in line or "of d′" in line for line in said)
    assert json.loads((run / "judge" / "verdict.json").read_text())["finished"]
    assert (run / "judge" / "answers.csv").exists()


def test_a_test_goes_on_as_it_was_begun(tmp_path, monkeypatch, capsys):
    """Of the part and with the certainty that it was begun with, which need not be said again; another part is refused."""
    run = trained(tmp_path, specs.CoGAN(**CONV), *(arrays(tmp_path / f"{name}.npz", seed=seed) for seed, name in enumerate("ab")))

    def some_answers(server):
        session = server.session
        for index in range(session.due, min(session.due + 5, len(session.trials))):
            session.picture(index)
            session.answer(index, session.trials[index].truth, reaction_ms=300.0, shown_ms=300.0)

    monkeypatch.setattr(JudgeServer, "serve_until_closed", some_answers)
    layout = ["--blocks", "1", "--block-size", "6", "--controls", "2", "--practice", "2", "--confidence", "0.99"]
    judge = ["judge", str(run), "--port", "0"]
    cli.main([*judge, "--part", "sampler_b", *layout])
    capsys.readouterr()
    cli.main(judge)
    said = capsys.readouterr().out
    assert said.startswith("real pictures beside samples of sampler_b\n")
    assert "Right answers: 100 % (99 % interval " in said
    assert "95 %" not in said
    with pytest.raises(SystemExit):
        cli.main([*judge, "--part", "sampler_a"])
    assert "holds a test of 'sampler_b', not of 'sampler_a'" in capsys.readouterr().err
