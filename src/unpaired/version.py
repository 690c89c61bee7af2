"""The version, where everything can import it from."""

import subprocess
from pathlib import Path

VERSION = "0.1.0"


def commit() -> str:
    """The commit of the checkout that this package runs from, "+" after it where files differ; "" outside a checkout."""
    here = Path(__file__).parent
    try:
        head, changes = (
            subprocess.run(["git", *words], cwd=here, capture_output=True, text=True, check=True).stdout.strip()
            for words in (("rev-parse", "HEAD"), ("status", "--porcelain", "."))
        )
    except (OSError, subprocess.CalledProcessError):
        return ""
    return head + ("+" if changes else "")
