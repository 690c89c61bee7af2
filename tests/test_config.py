"""Options: to a dict, to JSON, to text, and back; and what is said where they are wrong."""

import json
import re
from dataclasses import FrozenInstanceError
from typing import Annotated, Literal

import pydantic
import pytest
from pydantic import Field, PositiveInt

from unpaired import config
from unpaired.config import format_choice, from_dict, options, parse_choice, read_file, to_dict
from unpaired.errors import ConfigError
from unpaired.games import specs
from unpaired.losses import L1, L2, Adversarial, Distance, Huber, LeastSquares, NonSaturating
from unpaired.networks.specs import ConvDiscriminator, Discriminator, EncoderDecoder, Generator, Mlp, PatchGAN, ResNet, UNet
from unpaired.options import Adam, DataOptions, Training


@options
class Circle:
    kind: Literal["circle"] = "circle"
    radius: float = 1.0


@options
class Polygon:
    kind: Literal["polygon"] = "polygon"
    corners: PositiveInt = 3
    name: str = 'it\'s "one"'
    weights: tuple[float, ...] | None = None


@options
class Drawing:
    shape: Annotated[Circle | Polygon, Field(discriminator="kind")] = Circle()
    size: PositiveInt = 64
    tags: tuple[str, ...] = ()


# ---- dicts ----

WHOLE = [
    Drawing(),
    Drawing(shape=Polygon(corners=5, weights=(0.5, 1e-9)), size=1, tags=("a", "b")),
    DataOptions(size=32, channels_b=1, fit="pad", background="#fffa", holdout=0.0, flip=False),
    Adam(learning_rate=1e-3, weight_decay=0.0),
    Training(steps=7, minutes=None, ema=0.999, precision="bf16"),
    specs.TranslationGAN(generator=ResNet(blocks=6), discriminator=PatchGAN(norm="none"), gan=LeastSquares()),
    specs.ReconstructionGAN(distance=Huber(delta=0.3), reconstruction=10.0),
    specs.DiscoGAN(generator=Mlp(members=3), discriminator=Mlp(layers=5), distance=L1(), form=specs.AuthorsForm(rate_then=0.9)),
]


@pytest.mark.parametrize("value", WHOLE, ids=lambda value: type(value).__name__)
def test_options_go_to_json_and_back(value):
    text = json.dumps(to_dict(value), allow_nan=False)
    assert from_dict(type(value), json.loads(text)) == value


def test_the_dict_says_everything():
    assert to_dict(Drawing(shape=Polygon(weights=(2,)), tags=("x",))) == {
        "shape": {"kind": "polygon", "corners": 3, "name": 'it\'s "one"', "weights": [2.0]},
        "size": 64,
        "tags": ["x"],
    }


def test_missing_keys_have_their_defaults():
    assert from_dict(Drawing, {}) == Drawing()
    assert from_dict(Drawing, {"shape": {"kind": "polygon"}}) == Drawing(shape=Polygon())


def test_whole_numbers_do_for_floats_and_nothing_else_is_converted():
    assert from_dict(Circle, {"radius": 2}).radius == 2.0
    for values in ({"radius": "2"}, {"radius": True}, {"radius": None}):
        with pytest.raises(ConfigError, match="radius: input should be a valid number"):
            from_dict(Circle, values)
    for size in (64.5, "64", True):
        with pytest.raises(ConfigError, match="size: input should be a valid integer"):
            from_dict(Drawing, {"size": size})


def test_options_are_frozen_keyword_only_and_comparable():
    drawing = Drawing()
    with pytest.raises(FrozenInstanceError):
        drawing.size = 3
    with pytest.raises(pydantic.ValidationError, match="positional"):
        Drawing(Circle())
    with pytest.raises(pydantic.ValidationError, match="wrong"):
        Drawing(wrong=1)
    assert hash(Drawing(size=3)) == hash(Drawing(size=3))
    assert Drawing(size=3) == Drawing(size=3) != Drawing(size=4)


@pytest.mark.parametrize(
    ("cls", "values", "said"),
    [
        (Drawing, {"sizes": 3}, "the configuration is not valid: sizes: unexpected keyword argument, found 3"),
        (Drawing, {"size": 0}, "the configuration is not valid: size: input should be greater than 0, found 0"),
        (
            Drawing,
            {"shape": {"kind": "circle", "corners": 4}},
            "shape.circle.corners: unexpected keyword argument, found 4",
        ),
        (
            Drawing,
            {"size": -1, "tags": [3]},
            "size: input should be greater than 0, found -1; tags.0: input should be a valid string",
        ),
        (Drawing, [1], "value: input should be an object, found [1]"),
        (
            Drawing,
            {"shape": {"kind": "Circle"}},
            "shape: input tag 'Circle' found using 'kind' does not match any of the expected tags: 'circle', 'polygon'",
        ),
        (Drawing, {"shape": {}}, "shape: unable to extract tag using discriminator 'kind', found {}"),
        (
            specs.GameSpec,
            {"game": "disco"},
            "'disco' found using 'game' does not match any of the expected tags: 'translation-gan', ",
        ),
        (DataOptions, {"fit": "stretch"}, "fit: input should be 'crop', 'resize' or 'pad', found 'stretch'"),
        (Circle, {"radius": float("inf")}, "radius: input should be a finite number, found inf"),
        (Circle, {"radius": float("nan")}, "radius: input should be a finite number, found nan"),
        (Circle, {"radius": {1}}, "the configuration is not valid: Object of type set is not JSON serializable"),
    ],
)
def test_what_is_wrong_is_said(cls, values, said):
    with pytest.raises(ConfigError, match=re.escape(said)):
        from_dict(cls, values)


def test_the_place_is_said():
    with pytest.raises(ConfigError, match=r"^runs/x/config.json is not valid: size: "):
        from_dict(Drawing, {"size": 0}, where="runs/x/config.json")


# ---- choices as text ----

CHOICES = [
    ("l1", L1(), Distance),
    ("l2", L2(), Distance),
    ("huber(delta=1.0)", Huber(), Distance),
    ("huber(delta=0.25)", Huber(delta=0.25), Distance),
    ("non_saturating", NonSaturating(), Adversarial),
    ("least_squares", LeastSquares(), Adversarial),
    ("encoder_decoder(width=64, bottleneck=None, inputs='signed')", EncoderDecoder(), Generator),
    (
        "encoder_decoder(width=8, bottleneck=100, inputs='unit')",
        EncoderDecoder(width=8, bottleneck=100, inputs="unit"),
        Generator,
    ),
    (
        "resnet(blocks=6, width=64, downs=2, norm='batch', dropout=0.0, init='default')",
        ResNet(blocks=6, norm="batch"),
        Generator,
    ),
    ("unet(width=64, downs=7, norm='batch', dropout=0.5, init='normal')", UNet(downs=7, init="normal"), Generator),
    ("mlp(hidden=128, layers=5, members=None)", Mlp(layers=5), Discriminator),
    ("conv(width=4, inputs='signed')", ConvDiscriminator(width=4), Discriminator),
    ("patch(width=64, layers=3, norm='instance', init='default')", PatchGAN(), Discriminator),
    (
        "paper(reconstruction=2.0, identity=0.0)",
        specs.PaperForm(reconstruction=2.0),
        specs.PaperForm | specs.AuthorsForm,
    ),
    ("circle(radius=-1e-09)", Circle(radius=-1e-9), Circle),
    ("polygon(corners=3, name='(a, b=1)', weights=[1.0])", Polygon(name="(a, b=1)", weights=(1.0,)), Circle | Polygon),
]


@pytest.mark.parametrize(("text", "choice", "alternatives"), CHOICES, ids=[text for text, *_ in CHOICES])
def test_a_choice_is_written_and_read(text, choice, alternatives):
    assert format_choice(choice) == text
    assert parse_choice(text, alternatives) == choice


@pytest.mark.parametrize("alternatives", [Distance, Adversarial, Generator, Discriminator, Circle | Polygon], ids=str)
def test_every_kind_alone_means_its_defaults(alternatives):
    for member in config.union_members(alternatives):
        kind = member().kind
        assert parse_choice(kind, alternatives) == parse_choice(f" {kind}() ", alternatives) == member()
        assert parse_choice(format_choice(member()), alternatives) == member()


@pytest.mark.parametrize(
    "text",
    ["", "L1", "l3", "huber(", "huber(0.5)", "huber(delta=half)", "huber(delta=1, delta=2)", "huber(delta={[]})",
     "l1 + l2", "l1.x", "lambda: l1", "__import__('os')", "huber\0"],
)  # fmt: skip
def test_a_wrong_choice_lists_the_alternatives(text):
    with pytest.raises(ConfigError) as caught:
        parse_choice(text, Distance)
    assert str(caught.value) == f"'{text}' is none of the choices; wanted one of: l1, l2, huber(delta=1.0)"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("huber(delta=-1)", "'huber(delta=-1)' is not valid: delta: input should be greater than 0, found -1"),
        ("huber(delta='1')", "delta: input should be a valid number, found '1'"),
        ("huber(delta=1e999)", "delta: input should be a finite number, found inf"),
        ("huber(width=2)", "width: unexpected keyword argument, found 2"),
        ("l1(delta=2)", "delta: unexpected keyword argument, found 2"),
        ("huber(kind='l1')", "kind: input should be 'huber', found 'l1'"),
        ("huber(delta={1})", "'huber(delta={1})' is not valid: Object of type set is not JSON serializable"),
    ],
)
def test_a_choice_with_wrong_values_says_which(text, said):
    with pytest.raises(ConfigError, match=re.escape(said)):
        parse_choice(text, Distance)


def test_a_choice_is_data_and_never_run(tmp_path):
    target = tmp_path / "written"
    with pytest.raises(ConfigError):
        parse_choice(f"huber(delta=open({str(target)!r}, 'w').write('x'))", Distance)
    assert not target.exists()


def test_members_of_a_union():
    assert config.union_members(Circle) == (Circle,)
    assert config.union_members(Circle | Polygon) == (Circle, Polygon)
    assert config.union_members(Annotated[Circle | Polygon, Field(discriminator="kind")]) == (Circle, Polygon)
    assert config.union_members(Annotated[Circle, "note"]) == (Circle,)


# ---- files ----


def test_toml_and_json_files_say_the_same(tmp_path):
    written = {"size": 32, "tags": ["a", "ä"], "shape": {"kind": "polygon", "corners": 4}}
    (tmp_path / "c.json").write_text(json.dumps(written), encoding="utf-8")
    (tmp_path / "c.toml").write_text('size = 32\ntags = ["a", "ä"]\n[shape]\nkind = "polygon"\ncorners = 4\n', encoding="utf-8")
    assert read_file(tmp_path / "c.json") == read_file(tmp_path / "c.toml") == written
    assert from_dict(Drawing, read_file(tmp_path / "c.toml")).shape == Polygon(corners=4)


def test_a_missing_file(tmp_path):
    with pytest.raises(ConfigError, match=re.escape(f"no configuration file at {tmp_path / 'none.toml'}")):
        read_file(tmp_path / "none.toml")


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("c.json", b'{"size": }', "c.json cannot be read as JSON: Expecting value: line 1 column 10"),
        ("c.json", b"", "c.json cannot be read as JSON: Expecting value"),
        ("c.json", b"\xff\xfe", "c.json cannot be read as JSON: 'utf-8' codec"),
        ("c.toml", b"size == 3", "c.toml cannot be read as TOML: "),
        ("c.toml", b"size = 3\nsize = 4", "c.toml cannot be read as TOML: Cannot overwrite a value"),
        ("c.json", b"[1, 2]", "c.json holds a list; wanted a table of options"),
        ("c.json", b"3", "c.json holds a int; wanted a table of options"),
    ],
)
def test_a_malformed_file(tmp_path, name, content, said):
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(ConfigError, match=re.escape(f"{tmp_path}/{said}")):
        read_file(path)


def test_a_folder_is_no_file(tmp_path):
    with pytest.raises(ConfigError, match=r"cannot be read as JSON: .*directory"):
        read_file(tmp_path)
