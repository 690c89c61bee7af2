"""What a run made of the same images, or of the same noise, as it went on."""

from collections.abc import Iterator

import PIL.Image

from unpaired import images
from unpaired.errors import UnpairedError
from unpaired.products import Autoencoder, Sampler
from unpaired.report.facts import Facts
from unpaired.report.markup import Markup, note, tag
from unpaired.report.pictures import data_uri
from unpaired.report.sampling import spread

MOST_PREVIEWS = 6
LARGEST_PREVIEW = 1100
"""Width in pixels beyond which the page holds a smaller copy."""


def section(facts: Facts) -> Iterator[Markup]:
    """At most `MOST_PREVIEWS` of the previews that training kept, the first and the last among them."""
    what = _what(facts)
    paths = sorted((facts.folder / "previews").glob("*.png"))
    figures = []
    for path in (paths[row] for row in spread(len(paths), MOST_PREVIEWS)):
        try:
            picture = images.picture(images.read(path))
        except UnpairedError:  # cut off in the middle, perhaps: the others tell enough
            continue
        picture.thumbnail((LARGEST_PREVIEW, picture.height), PIL.Image.Resampling.LANCZOS)
        step = f"step {int(path.stem):,}" if path.stem.isdigit() else path.stem
        shown = tag("img", src=data_uri(picture), alt=f"{what} at {step}")
        figures.append(tag("figure", tag("figcaption", step), shown))
    if not figures:
        yield note("No previews were kept.")
        return
    span = f": the same from the first of {len(paths):,} previews to the last." if len(paths) > 1 else ", in the only preview."
    yield tag("p", what + span, class_="soft")
    yield tag("div", *figures, class_="strip", tabindex="0", role="region", aria_label="Previews over time")


def _what(facts: Facts) -> str:
    """What previews show."""
    if facts.translates:
        return "Held-out images and their translations"
    if facts.run.game.plays == "maps":
        return "Held-out images, their label maps and what is said of them"
    if facts.keeps(Sampler):
        return "Samples of one noise, and held-out images"
    return "Held-out images and what they are rebuilt as" if facts.keeps(Autoencoder) else "What was made"
