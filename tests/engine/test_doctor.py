"""Each sickness produced, by a small game where one falls ill in seconds, beside the health that looks most like it."""

import re
from collections.abc import Iterator
from dataclasses import fields

import pytest
import torch
from torch import Tensor, nn

from unpaired import config, images, losses
from unpaired.data.batches import Unpaired
from unpaired.data.sets import faces
from unpaired.engine.doctor import COLLAPSE, COPY, DISCRIMINATOR, INVERSION, PATIENCE, Doctor, Finding, examine
from unpaired.games import specs, table
from unpaired.games.base import Game
from unpaired.networks import specs as networks
from unpaired.networks.build import generator
from unpaired.networks.specs import ConvDiscriminator, EncoderDecoder, ResNet
from unpaired.options import Adam, DataOptions, Training

SIZE = 16
SHAPE = (3, SIZE, SIZE)
A_STEP_STANDS_FOR = 20
"""Steps of a real run, in which a game of 16 px and 8 channels at ten times the learning rate goes as far."""
SMALL_RESNET = ResNet(width=8, blocks=1, downs=0, norm="none")


@pytest.fixture(autouse=True, scope="module")
def _one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)  # the same results on every machine, and faster on tensors this small
    yield
    torch.set_num_threads(before)


def blobs(colour: list[float], ground: list[float], *, count: int, seed: int) -> Tensor:
    """[count, 3, SIZE, SIZE]: a disc of one colour on a ground of another, place and radius at random."""
    random = torch.Generator().manual_seed(seed)
    y, x = torch.meshgrid(torch.arange(SIZE), torch.arange(SIZE), indexing="ij")
    centre = SIZE * (0.2 + 0.6 * torch.rand(2, count, 1, 1, generator=random))
    radius = SIZE * (0.15 + 0.15 * torch.rand(count, 1, 1, generator=random))
    disc = torch.sigmoid(2 * (radius - torch.hypot(x - centre[0], y - centre[1])))[:, None]
    return disc * torch.tensor(colour).view(3, 1, 1) + (1 - disc) * torch.tensor(ground).view(3, 1, 1)


ORANGE, BLUE = ([0.9, 0.1, -0.5], [-0.8, -0.8, -0.8]), ([-0.3, 0.6, 0.9], [-0.8, -0.4, -0.8])
TRAIN = Unpaired(blobs(*ORANGE, count=256, seed=0), blobs(*BLUE, count=256, seed=1))
HELD_OUT = Unpaired(blobs(*ORANGE, count=32, seed=2), blobs(*BLUE, count=32, seed=3))


def built(spec: specs.GameSpec) -> Game[Unpaired]:
    return table.build(spec, shape_a=SHAPE, shape_b=SHAPE, seed=0)


def observed(game: Game[Unpaired], *, steps: int, learning_rate: float, idle: str = "") -> list[Finding]:
    """What the doctor says over a whole training, looking every 20 steps. idle: a player that never moves."""
    players = game.players()
    optimizers = {
        name: torch.optim.Adam(player.parameters(), lr=learning_rate, betas=(0.5, 0.999)) for name, player in players.items()
    }
    random, doctor, said = torch.Generator().manual_seed(0), Doctor(game.chance()), []
    for step in range(steps + 1):
        if step % 20 == 0:
            samples = {}
            for direction, translator in game.remains().items():
                inputs, targets = HELD_OUT if direction == "a_to_b" else HELD_OUT[::-1]
                samples[direction] = (inputs, translator.batch(inputs), targets)
            said += doctor.look(A_STEP_STANDS_FOR * step, samples)
        rows = [torch.randint(256, (16,), generator=random) for _ in TRAIN]
        means = {}
        for player, losses_ in game.play(Unpaired(*(x[row] for x, row in zip(TRAIN, rows, strict=True))), step):
            means |= {f"{player}/{name}": loss.item() for name, loss in losses_.items()}
            if player != idle:
                optimizers[player].zero_grad()
                sum(losses_.values()).backward(inputs=list(players[player].parameters()))
                optimizers[player].step()
        doctor.losses(means)
    return said


def signs(findings: list[Finding]) -> list[tuple[str, str]]:
    return [(finding.sign, finding.where) for finding in findings]


def seen(inputs: Tensor, outputs: Tensor, targets: Tensor) -> list[str]:
    return [finding.sign for finding in examine("a_to_b", inputs=inputs, outputs=outputs, targets=targets)]


# -- small games --


def test_a_healthy_discogan_raises_no_alarm():
    game = built(specs.DiscoGAN(generator=SMALL_RESNET, discriminator=ConvDiscriminator(width=8)))
    assert observed(game, steps=100, learning_rate=2e-3) == []
    # And it did learn: nothing was said of a game that stood still.
    translated = game.remains()["a_to_b"].batch(HELD_OUT.a)
    mean = HELD_OUT.b.mean(dim=(0, 2, 3))
    assert (translated.mean(dim=(0, 2, 3)) - mean).norm() < 0.5 * (HELD_OUT.a.mean(dim=(0, 2, 3)) - mean).norm()


def test_a_gan_that_collapses_is_told_once():
    game = built(specs.TranslationGAN(generator=EncoderDecoder(width=8), discriminator=ConvDiscriminator(width=8)))
    findings = observed(game, steps=300, learning_rate=4e-3)
    assert signs(findings) == [(COLLAPSE, "a_to_b")]
    assert re.fullmatch(r"Two outputs differ by \d+\.\d\d% of the full range .*two targets by .*", findings[0].says)


def test_a_discriminator_wins_against_a_generator_that_cannot_move():
    game = built(specs.DiscoGAN(generator=EncoderDecoder(width=8), discriminator=ConvDiscriminator(width=8)))
    findings = observed(game, steps=160, learning_rate=2e-3, idle="generators")
    assert sorted(signs(findings)) == [(DISCRIMINATOR, "discriminators/a"), (DISCRIMINATOR, "discriminators/b")]
    assert all("of the 1.39 at which it cannot tell real from fake" in finding.says for finding in findings)


def taught(answer: float) -> nn.Module:
    """A generator that learned to return its input times `answer`, as where nothing but a reconstruction counts."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        network = generator(SMALL_RESNET, SHAPE, SHAPE)
    optimizer, random = torch.optim.Adam(network.parameters(), lr=5e-3), torch.Generator().manual_seed(0)
    for _ in range(100):
        x = TRAIN.a[torch.randint(256, (16,), generator=random)]
        optimizer.zero_grad()
        (network(x) - answer * x).abs().mean().backward()
        optimizer.step()
    return network.eval()


@pytest.mark.parametrize(("answer", "sign"), [(1.0, COPY), (-1.0, INVERSION)])
@torch.no_grad()
def test_a_generator_that_copies_and_one_that_inverts(answer: float, sign: str):
    with torch.enable_grad():
        network = taught(answer)
    assert seen(HELD_OUT.a, network(HELD_OUT.a), HELD_OUT.b) == [sign]
    # Between two samples of one domain a copy is a perfect translation.
    if sign == COPY:
        assert seen(HELD_OUT.a, network(HELD_OUT.a), TRAIN.a[:32]) == []


# -- faces, whose perfect translations are known --

TASKS = {
    "hair": ({"hair": "dark", "glasses": False}, {"hair": "blond", "glasses": False}),
    "glasses": ({"glasses": False}, {"glasses": True}),
}


@pytest.fixture(scope="module", params=["hair", "glasses", "hair back", "glasses back"])
def perfect(request: pytest.FixtureRequest) -> tuple[str, Tensor, Tensor, Tensor]:
    """The task; 64 inputs, their exact counterfactuals, 64 other faces of the target domain."""
    task, *back = request.param.split()
    source, target = TASKS[task][::-1] if back else TASKS[task]
    ours, others = ([faces.identity(0, split, index) for index in range(64)] for split in ("testA", "testB"))
    plan = ((ours, source), (ours, target), (others, target))
    return task, *(images.to_tensor(faces.render(seeds, size=32, **options)) for seeds, options in plan)


def test_perfect_translations_of_faces_raise_no_alarm(perfect):
    _, inputs, truths, targets = perfect
    assert seen(inputs, truths, targets) == []
    assert seen(inputs[:16], truths[:16], targets[:16]) == []
    assert seen(inputs, (inputs + truths) / 2, targets) == []  # half-way there


def test_sick_translations_of_faces(perfect):
    task, inputs, truths, targets = perfect
    # What glasses change is far less than what two sets of 64 faces differ by: a copy cannot be told.
    assert seen(inputs, inputs, targets) == ([COPY] if task == "hair" else [])
    assert seen(inputs, -truths, targets) == [INVERSION]
    assert seen(inputs, targets[:1].expand_as(targets), targets) == [COLLAPSE]
    twins = examine("a_to_b", inputs=inputs, outputs=targets[:4].repeat(16, 1, 1, 1), targets=targets)
    assert [finding.sign for finding in twins] == [COLLAPSE]
    assert "a few images over and over" in twins[0].says


# -- what must not be taken for a sickness --


def digits() -> tuple[Tensor, Tensor]:
    """[64, 1, 16, 16]: handwritten digits, white on black, and others."""
    datasets = pytest.importorskip("sklearn.datasets")
    pixels = torch.from_numpy(datasets.load_digits().images[:128]).float()[:, None] / 8 - 1
    pixels = nn.functional.interpolate(pixels, size=16, mode="bilinear")
    return pixels[:64], pixels[64:]


def test_a_task_that_is_an_inversion_may_be_solved():
    white, others = digits()
    assert seen(-white, white, others) == []
    assert seen(white, -white, -others) == []
    assert seen(-white, -white, others) == [COPY]
    assert seen(white, -white, others) == [INVERSION]


def test_plain_inputs_or_plain_targets_are_no_collapse():
    random = torch.Generator().manual_seed(0)
    varied = 2 * torch.rand(32, 3, 1, 1, generator=random) - 1 + torch.zeros(32, 3, SIZE, SIZE)
    plain = varied / 10
    assert seen(varied, plain, plain.flip(0)) == []  # photographs to outlines
    assert COLLAPSE not in seen(plain, plain, varied)  # outlines to photographs, as varied as their inputs
    one = torch.zeros_like(varied)
    assert COLLAPSE not in seen(one, one, varied)  # one input alone has one translation


def test_brighter_is_not_inverted():
    inputs, targets = HELD_OUT.a * 0.3 - 0.6, HELD_OUT.b * 0.3 + 0.6
    assert seen(inputs, -inputs, targets) == [INVERSION]
    assert seen(inputs, inputs + 1.2, targets) == []


def test_channels_and_sizes_may_differ():
    grey = HELD_OUT.b.mean(dim=1, keepdim=True)
    assert seen(HELD_OUT.a, HELD_OUT.a.mean(dim=1, keepdim=True), grey) == []  # no copy of what has other channels
    assert seen(HELD_OUT.a, -HELD_OUT.a.mean(dim=1, keepdim=True), grey) == [INVERSION]
    large = nn.functional.interpolate(HELD_OUT.b, size=(24, 40))
    assert seen(HELD_OUT.a, large, large.flip(0)) == []
    assert seen(HELD_OUT.a, large[:1].expand_as(large), large) == [COLLAPSE]


@pytest.mark.parametrize("value", [torch.nan, torch.inf])
def test_of_values_that_are_not_finite_nothing_is_said(value: float):
    broken = HELD_OUT.a.clone()
    broken[3, 0, 2, 2] = value
    assert seen(HELD_OUT.a, broken, HELD_OUT.b) == []
    assert seen(HELD_OUT.a, torch.full_like(broken, value), HELD_OUT.b) == []


def test_of_points_and_of_a_handful_of_images_nothing_is_said():
    points = torch.randn(32, 2, generator=torch.Generator().manual_seed(0))
    assert seen(points, torch.zeros_like(points), points) == []
    assert seen(HELD_OUT.a[:7], HELD_OUT.a[:7], HELD_OUT.b) == []
    assert seen(HELD_OUT.a[:0], HELD_OUT.a[:0], HELD_OUT.b[:0]) == []


def test_looking_leaves_images_and_random_state_alone():
    before, state = HELD_OUT.a.clone(), torch.get_rng_state()
    seen(HELD_OUT.a, HELD_OUT.a, HELD_OUT.b)
    assert torch.equal(HELD_OUT.a, before)
    assert torch.equal(torch.get_rng_state(), state)


# -- memory --

WELL = {"a_to_b": (HELD_OUT.a, blobs(*BLUE, count=32, seed=2), HELD_OUT.b)}
COPYING = {"a_to_b": (HELD_OUT.a, HELD_OUT.a, HELD_OUT.b)}
GREY = {"a_to_b": (HELD_OUT.a, torch.zeros_like(HELD_OUT.a), HELD_OUT.b)}


def test_a_finding_must_last_and_is_said_once_until_it_comes_back():
    doctor = Doctor({})
    looks = [(0, COPYING), (100, COPYING), (200, COPYING), (300, COPYING), (400, WELL), (500, COPYING), (700, COPYING)]
    said = [signs(doctor.look(step, samples)) for step, samples in looks]
    told = [(COPY, "a_to_b")]
    assert said == [[], [], told, [], [], [], told]


def test_one_long_pause_between_two_looks_is_not_enough_where_three_are_asked_for():
    doctor = Doctor({})
    assert [signs(doctor.look(step, GREY)) for step in (0, 5000, 5001)] == [[], [], [(COLLAPSE, "a_to_b")]]


def test_the_grey_of_an_untrained_generator_is_no_collapse():
    doctor = Doctor({})
    said = [doctor.look(step, GREY) for step in range(0, PATIENCE[COLLAPSE].steps, 50)]
    assert not any([*said, doctor.look(PATIENCE[COLLAPSE].steps, WELL)])


def test_directions_are_remembered_apart():
    doctor = Doctor({})
    for step in (0, 200):
        said = doctor.look(step, {"a_to_b": COPYING["a_to_b"], "b_to_a": WELL["a_to_b"]})
    assert signs(said) == [(COPY, "a_to_b")]
    assert signs(doctor.look(400, {"b_to_a": COPYING["a_to_b"]})) == []
    assert signs(doctor.look(600, {"b_to_a": COPYING["a_to_b"]})) == [(COPY, "b_to_a")]


def test_a_discriminators_loss_is_averaged_between_looks():
    doctor = Doctor({"discriminators/a": 1.0})

    def look(step: int, *values: float) -> list[tuple[str, str]]:
        for value in values:
            doctor.losses({"discriminators/a": value, "generators/gan_a": 9.0})
        return signs(doctor.look(step, {}))

    wins = [(DISCRIMINATOR, "discriminators/a")]
    # Early in a run it is natural; one second of doubt in a window is enough to take it back.
    assert [look(0, 0.01), look(300, 0.01), look(500, 0.01, 0.2), look(600, 0.01)] == [[], [], [], []]
    # A window in which the discriminator did not move says nothing either way.
    assert [look(900, 0.0, 0.09), look(1000), look(1100, 0.01), look(1200, 0.01)] == [[], [], wins, []]


# -- words --


def test_what_is_to_be_tried_can_be_tried():
    """Every option that is named exists, and every choice can be written so."""
    classes = (DataOptions, Training, Adam, specs.TranslationGAN, specs.ReconstructionGAN, specs.DiscoGAN, specs.StarGAN)
    known = {field.name.replace("_", "-"): field.type for cls in classes for field in fields(cls)}
    forms = specs.PaperForm | specs.AuthorsForm
    choices = {"gan": losses.Critical, "discriminator": networks.Discriminator, "form": forms}
    inverting = (HELD_OUT.a, -HELD_OUT.a, HELD_OUT.b)
    doctor, told = Doctor({"discriminators/a": 1.0}), []
    for step in (0, 500, 1000):
        doctor.losses({"discriminators/a": 0.0})
        told += doctor.look(step, {**COPYING, "b_to_a": GREY["a_to_b"], "c_to_d": inverting})
    assert {finding.sign for finding in told} == {COLLAPSE, DISCRIMINATOR, COPY, INVERSION} == set(PATIENCE)
    for finding in told:
        named = re.findall(r"--([a-z-]+)(?: (?:'([^']+)'|([a-z_]+\b)))?", finding.tries)
        assert named, finding
        for option, quoted, plain in named:
            assert option in known
            if option in choices:
                config.parse_choice(quoted or plain, choices[option])
