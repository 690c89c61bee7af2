"""The charts of a run, as those hear them who do not see them."""

from elements import Elements, words


def test_the_curves_are_drawn(page):
    drawn = [svg["aria-label"] for svg in Elements(page).all("svg")]
    assert "Held-out error over steps: dusk → dawn" in drawn[0]
    assert "from 0.2 to 0.0667" in drawn[0]
    assert "doing nothing at 0.3" in drawn[0]
    assert [label.split(" over")[0] for label in drawn[1:]] == [
        "Losses of the generators", "Losses of the discriminators", "Speed"
    ]  # fmt: skip
    assert "chance at 0.5" in drawn[2]  # least squares
    assert "kept: step 1,000" in words(page)
