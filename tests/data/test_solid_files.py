"""OBJ and AC3D: small files of every kind of line that is read, and files that are none."""

import io

import models
import numpy as np
import pytest
from PIL import Image

from unpaired.data.solids import ac3d, obj
from unpaired.errors import DataError


def png(*colours: tuple[int, ...]) -> bytes:
    stream = io.BytesIO()
    mode = "RGBA" if len(colours[0]) == 4 else "RGB"
    picture = Image.new(mode, (len(colours), 1))
    picture.putdata(list(colours))
    picture.save(stream, "PNG")
    return stream.getvalue()


FILES = {"house.mtl": models.MTL, "wall picture.png": png((255, 0, 0), (0, 0, 255)), "paint.png": png((255, 255, 255, 0))}


def test_an_obj_file() -> None:
    found = obj.read(models.OBJ, file=FILES.__getitem__, where="house.obj")
    assert found.corners.shape == (5, 3, 3)  # five corners make three triangles, four make two
    assert found.corners[0].tolist() == [[-1, 0, 1], [1, 0, 1], [1, 1, 1]]
    assert found.corners[2].tolist() == [[-1, 0, 1], [0, 2, 1], [-1, 1, 1]]
    assert found.corners[4].tolist() == [[-1, 0, -1], [1, 0, 1], [-1, 0, 1]]  # -2 and -1 are the last two points
    assert found.uv[2].tolist() == [[0, 0], [1, 1], [0, 0]]
    assert found.uv[4].tolist() == [[0, 0]] * 3
    stone, wood = (found.materials[found.material[index]] for index in (0, 4))
    assert stone.texture is not None
    assert stone.texture.tolist() == [[[1, 0, 0], [0, 0, 1]]]
    assert wood.texture is None
    assert np.allclose(wood.colour, np.array([1, 0.5, 0]) / 2 + obj.GLASS / 2)  # half of what is behind it is dark glass
    groups = obj.parse(models.OBJ, where="house.obj")
    assert [groups.groups[index] for index in groups.group] == ["walls"] * 3 + ["floor"] * 2


def test_missing_materials_are_grey() -> None:
    def nothing(name: str) -> bytes:
        raise KeyError(name)

    found = obj.read(models.OBJ, file=nothing, where="house.obj")
    assert {tuple(found.materials[index].colour.tolist()) for index in found.material} == {tuple(obj.PLAIN.colour.tolist())}
    only_mtl = obj.read(models.OBJ, file={"house.mtl": models.MTL}.__getitem__, where="house.obj")
    stone = only_mtl.materials[only_mtl.material[0]]
    assert stone.texture is None
    assert np.allclose(stone.colour, (0.2, 0.4, 0.6))


def test_texture_coordinates_may_come_after_the_faces() -> None:
    text = "v 0 0 0\nv 1 0 0\nv 0 1 0\nf 1/1 2/2 3/3\nvt 0 0\nvt 1 0\nvt 0 1\n"
    assert obj.read(text, file=FILES.__getitem__, where="late.obj").uv.tolist() == [[[0, 0], [1, 0], [0, 1]]]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("v 0 0 0\n", "x.obj has no face"),
        ("v 0 0\n", r"x.obj, line 1 is 'v 0 0': 2 numbers, wanted 3"),
        ("v 0 0 zero\n", "x.obj, line 1 is 'v 0 0 zero'"),
        ("v 0 0 0\nf 1 1 -2\n", "x.obj, line 2 is 'f 1 1 -2': no point or place is number -2"),
        ("v 0 0 0\nf 1 1 2\n", "x.obj has faces between point 2 and texture place 0 of 1 and 0"),
        ("v 0 0 0\nf 1/1 1/1 1/1\n", "x.obj has faces between point 1 and texture place 1 of 1 and 0"),
    ],
)
def test_what_is_no_obj_file(text: str, said: str) -> None:
    with pytest.raises(DataError, match=said):
        obj.read(text, file=FILES.__getitem__, where="x.obj")


def test_textures_are_made_small_and_opaque() -> None:
    stream = io.BytesIO()
    Image.new("RGBA", (1024, 512), (255, 0, 0, 51)).save(stream, "PNG")
    pixels = obj.texture(stream.getvalue())
    assert pixels.shape == (128, 256, 3)
    assert np.allclose(pixels, np.array([1, 0, 0]) * 0.2 + obj.GLASS * 0.8, atol=0.01)


def test_an_ac3d_file() -> None:
    found = ac3d.read(models.AC, file=FILES.__getitem__, where="car.acc")
    assert found.corners.shape == (4, 3, 3)  # two of a square, two of a strip that names a point twice
    # Lifted by 1 within its group, which is turned (x to -z) and stands at x = 10. The line is left out.
    assert np.allclose(found.corners[0], [[10, 1, 0], [10, 1, -1], [10, 2, -1]])
    assert found.uv[1].tolist() == [[0, 0], [1, 1], [0, 1]]
    wall = found.materials[found.material[0]]
    assert wall.texture is not None
    assert np.allclose(wall.texture, obj.GLASS)  # nothing but glass
    assert np.allclose(wall.colour, np.array([0, 1, 0]) / 2 + obj.GLASS / 2)
    assert found.corners[2].tolist() == [[0, 1, 0], [1, 0, 0], [1, 1, 0]]
    strip = found.materials[found.material[2]]
    assert strip.texture is None
    assert strip.colour.tolist() == [1, 0, 0]


def test_objects_by_the_names_of_their_textures() -> None:
    materials, (wall, strip) = ac3d.pieces(models.AC, where="car.acc")
    assert len(materials) == 2
    assert (wall.texture, len(wall.corners)) == ("paint.png", 2)
    assert (strip.texture, strip.material.tolist()) == ("", [0, 0])
    # TORCS's tool counts objects that it leaves out.
    claimed = models.AC.replace("kids 2", "kids 3")
    assert len(ac3d.pieces(claimed, where="track.acc", counted=False)[1]) == 2
    with pytest.raises(DataError, match="wanted an OBJECT"):
        ac3d.pieces(claimed, where="track.acc")
    with pytest.raises(DataError, match="wanted an OBJECT"):
        ac3d.pieces(claimed + "numvert 1\n", where="track.acc", counted=False)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("solid cube", "x.ac does not begin with AC3D"),
        ("AC3Db\nOBJECT world\nkids 0\n", "x.ac has no surface"),
        (models.AC.replace("refs 6\n0", "refs 6\n9"), r"x.ac, line \d+ is .*: corners \[9, 1, 1, 2, 3, 4\] of 5 points"),
        (models.AC.replace("numvert 5", "numvert five"), "x.ac, line 39 is 'numvert five'"),
        (models.AC.replace("kids 2", "kids 3"), "x.ac, line .*: wanted an OBJECT"),
        (models.AC.replace("0 1 0 0 0 1", "0 1"), "x.ac, line"),
    ],
)
def test_what_is_no_ac3d_file(text: str, said: str) -> None:
    with pytest.raises(DataError, match=said):
        ac3d.read(text, file=FILES.__getitem__, where="x.ac")
