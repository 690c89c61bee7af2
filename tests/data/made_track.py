"""A race track by hand: a ring of a road in a meadow, a wall beyond it and a tree, in TORCS's formats."""

import io

import numpy as np
from PIL import Image

RADIUS, WIDTH, MIDDLE = 150.0, 12.0, (400.0, -250.0)
"""Metres; where the ring's middle lies in the model (x, z)."""
DESCRIPTION = f"""<?xml version="1.0" encoding="ISO-8859-1"?>
<!DOCTYPE params SYSTEM "params.dtd" [
<!ENTITY default-surfaces SYSTEM "surfaces.xml">
]>
<params name="Ring"> <section name="Surfaces"> &default-surfaces; </section>
 <section name="Main Track"> <section name="Track Segments">
  <section name="one"> <attstr name="type" val="lft"/> <attnum name="radius" unit="m" val="{RADIUS}"/>
   <attnum name="arc" unit="deg" val="90"/> 
   <section name="Left Side"> <attnum name="lg" unit="furlong" val="1"/> </section> </section>
  <section name="two"> <attstr name="type" val="lft"/> <attnum name="radius" unit="m" val="{RADIUS}"/>
   <attnum name="end radius" unit="m" val="{RADIUS}"/> <attnum name="arc" unit="deg" val="270"/> </section>
 </section> </section>
</params>"""


def picture(*colours: tuple[int, ...], across: int = 1) -> bytes:
    """A PNG of rows of these colours, from above."""
    stream = io.BytesIO()
    rows = np.array(colours, np.uint8)[:, None].repeat(across, axis=1)
    Image.fromarray(rows).save(stream, "PNG")
    return stream.getvalue()


def ring(inner: float, outer: float, *, low: float = 0.0, high: float = 0.0, texture: str, sides: int = 90) -> str:
    """An object of AC3D: a band around the middle, flat or, from `low` to `high`, sloping."""
    angles = np.linspace(0, 2 * np.pi, sides + 1)
    points = [
        f"{MIDDLE[0] + radius * np.cos(angle)} {height} {MIDDLE[1] + radius * np.sin(angle)}"
        for angle in angles
        for radius, height in ((inner, low), (outer, high))
    ]
    faces = [f"SURF 0x10\nmat 0\nrefs 4\n{2 * n} 0 0\n{2 * n + 1} 1 0\n{2 * n + 3} 1 1\n{2 * n + 2} 0 1" for n in range(sides)]
    head = f'OBJECT poly\nname "x"\ntexture "{texture}" base\n'
    return head + "\n".join((f"numvert {len(points)}", *points, f"numsurf {len(faces)}", *faces, "kids 0\n"))


def files(track: str) -> dict[str, bytes]:
    """The files of the track in a folder such as "road/ring"; the model claims a part more than it has, as TORCS's own do."""
    name = track.rpartition("/")[2]
    near, far = RADIUS - WIDTH / 2, RADIUS + WIDTH / 2
    objects = (
        ring(near, far, texture="tr-road.png"),
        ring(1, near, texture="grass.png"),
        ring(far, far + 12, texture="grass.png"),
        ring(far + 12, far + 12, high=6, texture="walls.rgb"),
        ring(near - 6, near - 6, high=9, texture="tree_n.png", sides=30),
        ring(near - 3, near - 3, high=0.5, texture="strange.png"),
    )
    material = 'MATERIAL "" rgb 0.4 0.4 0.4 amb 1 1 1 emis 0 0 0 spec 0 0 0 shi 0 trans 0\n'
    model = f"AC3Db\n{material}OBJECT world\nkids {len(objects) + 1}\n" + "".join(objects)
    folder = f"tracks/{track}"
    return {
        f"{folder}/{name}.acc": model.encode(),
        f"{folder}/{name}.xml": DESCRIPTION.encode(),
        f"{folder}/background.png": picture((0, 0, 255), (200, 220, 255), (0, 90, 0), (0, 90, 0)),
        f"{folder}/tr-road.png": picture((90, 90, 90)),
        f"{folder}/grass.png": picture((20, 160, 20)),
        f"{folder}/tree_n.png": picture((10, 60, 10, 255), (10, 60, 10, 0), (10, 60, 10, 255)),
        "data/textures/walls.rgb": picture((220, 60, 60)),
    }
