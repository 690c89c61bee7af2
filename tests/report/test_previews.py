"""The previews that the page keeps."""

import re


def test_six_previews_from_the_first_to_the_last(page):
    assert re.findall(r"<figcaption>step (\d+)</figcaption>", page) == ["0", "200", "400", "500", "700", "900"]
