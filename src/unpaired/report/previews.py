"""How the same images were translated as the run went on."""

from collections.abc import Iterator

import PIL.Image

from unpaired import images
from unpaired.errors import UnpairedError
from unpaired.report.facts import Facts
from unpaired.report.markup import Markup, note, tag
from unpaired.report.pictures import data_uri
from unpaired.report.sampling import spread

MOST_PREVIEWS = 6
LARGEST_PREVIEW = 1100
"""Width in pixels beyond which the page holds a smaller copy."""


def section(facts: Facts) -> Iterator[Markup]:
    """At most `MOST_PREVIEWS` of the previews that training kept, the first and the last among them."""
    paths = sorted((facts.folder / "previews").glob("*.png"))
    figures = []
    for path in (paths[row] for row in spread(len(paths), MOST_PREVIEWS)):
        try:
            picture = images.picture(images.read(path))
        except UnpairedError:  # cut off in the middle, perhaps: the others tell enough
            continue
        picture.thumbnail((LARGEST_PREVIEW, picture.height), PIL.Image.Resampling.LANCZOS)
        step = f"step {int(path.stem):,}" if path.stem.isdigit() else path.stem
        shown = tag("img", src=data_uri(picture), alt=f"Held-out images and their translations at {step}")
        figures.append(tag("figure", tag("figcaption", step), shown))
    if not figures:
        yield note("No previews were kept.")
        return
    yield tag("p", f"The same held-out images, from the first of {len(paths):,} previews to the last.", class_="soft")
    yield tag("div", *figures, class_="strip", tabindex="0", role="region", aria_label="Previews over time")
