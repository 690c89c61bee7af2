"""Every change of the same images, side by side: what a translator of attributes is for."""

from collections.abc import Iterator

import torch

from unpaired import evaluation, images
from unpaired.attribute_translator import AttributeTranslator
from unpaired.bundle import ATTRIBUTES
from unpaired.data.labelled import LabelledImages, LabelledSet
from unpaired.report.facts import Facts
from unpaired.report.markup import Markup, tag
from unpaired.report.pictures import shown_image
from unpaired.report.sampling import spread

COLUMNS = 8
"""Held-out test images, spread evenly over all of them."""


def matrix(facts: Facts) -> Iterator[Markup]:
    """Of each data set some images, a column each, with a row for every value; nothing where no attributes are translated."""
    translator = facts.remains.get(ATTRIBUTES)
    if not isinstance(facts.data, LabelledImages) or not isinstance(translator, AttributeTranslator):
        return
    for one in facts.data.sets:
        if not len(one.test):
            continue
        of = f" of {one.name}" if len(facts.data.sets) > 1 else ""
        yield tag("h3", f"Every change of the same images{of}")
        yield tag(
            "p",
            "Held-out test images, spread evenly, not chosen. Each row asks for one value and leaves the rest as it is; images "
            "that have it already should stay as they are.",
            class_="soft",
        )
        yield tag("div", _table(one, translator), class_="scroll")


def _table(one: LabelledSet, translator: AttributeTranslator) -> Markup:
    part = evaluation.rows_of(one.test.pixels, "test")
    rows = [part.start + row for row in spread(len(one.test.pixels[part]), COLUMNS)]
    inputs, values = images.to_tensor(one.test.pixels[rows]), torch.from_numpy(one.test.values[rows])
    lines = [("input", inputs)]
    lines += [(name, translator.batch(inputs, settings, values=values)) for name, settings in translator.targets()]
    made = [
        tag(
            "tr",
            tag("th", name, scope="row"),
            *(tag("td", shown_image(image, alt=f"{name} {at}")) for at, image in enumerate(x, 1)),
        )
        for name, x in lines
    ]
    return tag("table", tag("tbody", *made), class_="matrix")
