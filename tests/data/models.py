"""Tiny 3-D models, written by hand."""

import numpy as np

from unpaired.data.solids.mesh import Material, Mesh

SIDES = {  # which side of the cube, the axis that it faces, and the sign
    "front": (2, 1),
    "back": (2, -1),
    "right": (0, 1),
    "left": (0, -1),
    "top": (1, 1),
    "bottom": (1, -1),
}


def cube(**colours: tuple[float, float, float]) -> Mesh:
    """The cube [-1, 1]^3, two triangles a side, whose sides are mid-grey or of a colour of their own. A side is that of the cube:
    its right one is seen at the right when it faces the viewer.
    """
    corners, materials = [], []
    for axis, sign in SIDES.values():
        first, second = ((axis + 1) % 3, (axis + 2) % 3)
        square = np.zeros((4, 3))
        square[:, axis] = sign
        square[:, first], square[:, second] = (-1, 1, 1, -1), (-1, -1, 1, 1)
        corners += [square[[0, 1, 2]], square[[0, 2, 3]]]
        materials += [len(materials) // 2] * 2
    listed = tuple(Material(np.array(colours.get(side, (0.5, 0.5, 0.5)), np.float32)) for side in SIDES)
    return Mesh(np.array(corners, np.float32), np.zeros((12, 3, 2), np.float32), np.array(materials), listed)


OBJ = """# a house: a box whose front has a roof's gable, one polygon of five corners
mtllib house.mtl
v -1 0 1
v 1 0 1
v 1 1 1
v 0 2 1
v -1 1 1
v -1 0 -1
v 1 0 -1
vt 0 0
vt 1 0
vt 1 1
g walls
usemtl stone
f 1/1 2/2 3/3 4/3 5/1
g floor
usemtl wood
f -2//1 -1//1 2//1 1//1
"""
MTL = b"""newmtl stone
Kd 0.2 0.4 0.6
map_Kd wall picture.png
newmtl wood
Ka 1 1 1
Kd 1 0.5 0
d 0.5
"""
AC = """AC3Db
MATERIAL "red" rgb 1 0 0 amb 1 1 1 emis 0 0 0 spec 0 0 0 shi 0 trans 0
MATERIAL "half" rgb 0 1 0 amb 1 1 1 emis 0 0 0 spec 0 0 0 shi 0 trans 0.5
OBJECT world
kids 2
OBJECT group
name "body"
loc 10 0 0
rot 0 0 -1 0 1 0 1 0 0
kids 1
OBJECT poly
name "wall"
data 5
quiet
texture "paint.png" base
texture "dirt.png" tiled
loc 0 1 0
numvert 4
0 0 0 0 0 1
1 0 0 0 0 1
1 1 0 0 0 1
0 1 0 0 0 1
numsurf 2
SURF 0x10
mat 1
refs 4
0 0 0
1 1 0
2 1 1
3 0 1
SURF 0x02
mat 0
refs 2
0 0 0
1 1 1
kids 0
OBJECT poly
name "strip"
numvert 5
0 0 0
0 1 0
1 0 0
1 1 0
2 0 0
numsurf 1
SURF 0x14
mat 0
refs 6
0 0 0 .5 .5
1 0 1 .5 .5
1 0 1 .5 .5
2 1 0 .5 .5
3 1 1 .5 .5
4 2 0 .5 .5
kids 0
"""
