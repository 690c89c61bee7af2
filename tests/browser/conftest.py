"""A real browser, where there is one: without Chromium and Playwright nothing here is collected."""

import shutil
from importlib.util import find_spec

import pytest

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
collect_ignore_glob = [] if CHROMIUM and find_spec("playwright") else ["test_*.py"]

QUIET = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]


@pytest.fixture(scope="session")
def browser():
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        yield running
        running.close()


@pytest.fixture
def page(browser):
    """A page that fails the test where its script fails, or where it asks another host."""
    opened = browser.new_page(viewport={"width": 900, "height": 900})
    wrong = []
    opened.on("pageerror", lambda error: wrong.append(str(error)))
    opened.on("console", lambda line: wrong.append(line.text) if "Content Security Policy" in line.text else None)
    opened.on("request", lambda request: None if _local(request.url) else wrong.append(request.url))
    yield opened
    opened.close()
    assert not wrong


def _local(url: str) -> bool:
    return url.startswith(("http://127.0.0.1:", "blob:http://127.0.0.1:", "data:"))
