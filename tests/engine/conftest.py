"""Two tiny domains for real trainings."""

import numpy as np
import pytest
from PIL import Image


@pytest.fixture(scope="session")
def domains(tmp_path_factory):
    """Folders A and B of 24 images each, 20 px, of noise about a colour of the domain's own."""
    root = tmp_path_factory.mktemp("domains")
    for domain, colour in (("A", (60, 90, 160)), ("B", (190, 120, 70))):
        (root / domain).mkdir()
        for index in range(24):
            noise = np.random.default_rng([index, *colour]).integers(-60, 60, (20, 20, 3))
            Image.fromarray((noise + colour).astype(np.uint8)).save(root / domain / f"{index}.png")
    return str(root / "A"), str(root / "B")
