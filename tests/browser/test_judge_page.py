"""The human Turing test as a person sees it."""

import threading
from contextlib import contextmanager

import pytest
import torch

from unpaired.serve.judge import JudgeServer
from unpaired.serve.options import JudgeOptions
from unpaired.serve.session import Session, open_session
from unpaired.serve.verdict import conclusion

OPTIONS = JudgeOptions(blocks=2, block_size=4, controls=2, practice=2, seconds=0.15)
KEYS = {"real": "ArrowRight", "fake": "ArrowLeft"}


def begun(folder, **changes) -> Session:
    generator = torch.Generator().manual_seed(0)
    pictures = {name: torch.rand(9, 3, 16, 12, generator=generator) * 2 - 1 for name in ("real", "fake")}
    return open_session(folder, **pictures, options=JudgeOptions(**{**_values(OPTIONS), **changes}))


def _values(options: JudgeOptions) -> dict:
    return {name: getattr(options, name) for name in JudgeOptions.__dataclass_fields__}


@contextmanager
def served(session: Session, *, port: int = 0):
    with JudgeServer(session, port=port) as server:
        thread = threading.Thread(target=server.serve_until_closed)
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()
    session.close()


def due(page):
    """Wait until an answer is due."""
    page.wait_for_selector("#fake:enabled")


def wait_for(page, section: str):
    page.wait_for_selector(f"#{section}", state="visible")


def answered(session: Session, count: int, page):
    """Wait until so many answers are kept. (The page's policy forbids to wait by a script.)"""
    for _ in range(500):
        if session.due == count:
            return
        page.wait_for_timeout(20)
    raise AssertionError(f"{session.due} answers, not {count}")


def begin(page, server: JudgeServer):
    """Open the page and press Enter, once the button is there."""
    page.goto(server.address)
    page.locator("#begin:focus").wait_for()
    page.keyboard.press("Enter")


def test_a_whole_test_by_keyboard(page, tmp_path):
    session = begun(tmp_path)
    with served(session) as server:
        begin(page, server)
        for index, trial in enumerate(session.trials):
            if index in (2, 6):
                page.locator("#go-on:focus").wait_for()
                page.keyboard.press("Enter")
            due(page)
            if index == 0:
                # Hidden when its time is over, not before: then only the mask, which goes too.
                page.wait_for_selector("#picture", state="hidden")
                size = "[picture.style.width, picture.style.height]"
                assert page.evaluate(size) == ["324px", "432px"]  # 12 x 16 pixels, 27 times in a stage of 440
                page.set_viewport_size({"width": 320, "height": 640})
                page.locator("#picture[style*='216px']").wait_for(state="attached")
                assert page.evaluate(size) == ["216px", "288px"]  # 18 times in 292
            page.keyboard.press(KEYS[trial.truth])
            if index < 2:
                page.locator("#told", has_text="Right: it is").wait_for()
        wait_for(page, "end")
        assert page.locator("#conclusion").inner_text() == conclusion(session.verdict())
        assert "100 %" in page.locator("#numbers tr").first.inner_text()
        assert page.locator("#blocks li").all_inner_texts() == ["Block 1: counts", "Block 2: counts"]
        page.get_by_role("button", name="Close the test").click()
        wait_for(page, "closed")
    assert session.finished
    assert session.given[0].shown_ms >= 130
    assert [given.answer for given in session.given] == [trial.truth for trial in session.trials]
    assert all(given.times_shown == 1 and given.reaction_ms > 0 for given in session.given)
    assert (tmp_path / "answers.csv").exists()


def test_buttons_do_what_keys_do_and_have_names(page, tmp_path):
    session = begun(tmp_path, practice=0, blocks=1)
    with served(session) as server:
        page.goto(server.address)
        page.get_by_role("button", name="Begin").click()
        for index, name in enumerate(["Fake", "Real", "Fake", "Real"]):
            due(page)
            page.get_by_role("button", name=name).click()
            answered(session, index + 1, page)
        wait_for(page, "end")
        assert page.get_by_role("heading", name="Thank you").is_visible()
    assert [given.answer for given in session.given] == ["fake", "real", "fake", "real"]


def test_a_closed_browser_and_a_killed_server_cost_one_picture(browser, page, tmp_path):
    session = begun(tmp_path, practice=0)
    with served(session) as server:
        begin(page, server)
        due(page)
        page.keyboard.press("ArrowLeft")
        answered(session, 1, page)
        due(page)
        page.reload()  # the second picture was on the screen
        page.locator("#go-on:focus").wait_for()
        assert "1 of 8 pictures are answered" in page.locator("#pause").inner_text()
        page.keyboard.press("Enter")
        due(page)
        page.keyboard.press("ArrowRight")
        answered(session, 2, page)
        due(page)
        port = server.server_port
    # The server is gone with the third picture on the screen; its answer waits until another one is there.
    page.keyboard.press("ArrowRight")
    wait_for(page, "trouble")
    again = Session(tmp_path)
    with served(again, port=port):
        page.get_by_role("button", name="Try again").click()
        wait_for(page, "trial")
        answered(again, 3, page)
        due(page)
    assert [given.times_shown for given in again.given] == [1, 2, 1]
    assert [given.answer for given in again.given] == ["fake", "real", "real"]


def test_a_second_page_goes_on_where_the_first_is(browser, page, tmp_path):
    session = begun(tmp_path, practice=0)
    with served(session) as server:
        begin(page, server)
        due(page)
        other = browser.new_page()
        begin(other, server)
        due(other)
        other.keyboard.press("ArrowLeft")
        answered(session, 1, other)
        other.close()
        page.keyboard.press("ArrowRight")  # to a picture that has its answer
        page.locator("#where", has_text="picture 2 of 4").wait_for()
        due(page)
    assert [given.answer for given in session.given] == ["fake"]


def test_too_late(page, tmp_path):
    session = begun(tmp_path, practice=0, answer_within=0.3)
    with served(session) as server:
        page.goto(server.address)
        wait_for(page, "start")
        words = page.locator("#start").inner_text()
        assert "0.15 seconds" in words
        assert "Answer within 0.3 seconds." in words
        page.keyboard.press("Enter")
        page.locator("#told", has_text="Too late").wait_for()
        answered(session, 1, page)
    assert session.given[0].answer is None
    assert session.given[0].reaction_ms is None


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [320, 1200])
def test_words_can_be_read_and_nothing_sticks_out(browser, tmp_path, scheme, width):
    session = begun(tmp_path)
    with served(session) as server:
        page = browser.new_page(viewport={"width": width, "height": 640}, color_scheme=scheme)
        page.goto(server.address)
        wait_for(page, "start")
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        inks = page.evaluate(
            """["body", ".soft", "#begin"].map(where => {
                const element = document.querySelector(where), style = getComputedStyle(element);
                const behind = where === "#begin" ? style.backgroundColor : getComputedStyle(document.body).backgroundColor;
                return [style.color, behind];
            })"""
        )
        assert all(contrast(*pair) >= 4.5 for pair in inks)  # WCAG 2.2, 1.4.3
        page.close()


def contrast(ink: str, paper: str) -> float:
    """WCAG's ratio of two colours "rgb(r, g, b)"."""
    lights = []
    for colour in (ink, paper):
        channels = [int(part) / 255 for part in colour.removeprefix("rgb(").removesuffix(")").split(",")]
        linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
        lights.append(0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2])
    return (max(lights) + 0.05) / (min(lights) + 0.05)
