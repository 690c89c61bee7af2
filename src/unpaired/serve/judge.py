"""The server of a human Turing test: a page for one person on this machine."""

import json
import threading
from collections.abc import Callable, Sequence
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.resources import files
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from torch import Tensor

from unpaired.errors import ConfigError, RunError
from unpaired.files import alone, to_json
from unpaired.serve.options import JudgeOptions
from unpaired.serve.session import Session, WrongMoment, as_json, open_session
from unpaired.serve.trials import PRACTICE
from unpaired.serve.verdict import Verdict

PAGE = {
    "/": ("judge.html", "text/html; charset=utf-8"),
    "/judge.css": ("judge.css", "text/css; charset=utf-8"),
    "/judge.js": ("judge.js", "text/javascript; charset=utf-8"),
}
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src blob: data:; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
LARGEST_BODY = 4096
LOCAL = ("127.0.0.1", "localhost", "[::1]")


def serve_judge(
    folder: Path,
    *,
    real: Tensor | Sequence[bytes] | None = None,
    fake: Tensor | Sequence[bytes] | None = None,
    options: JudgeOptions | None = None,
    what: str = "",
    part: str | None = None,
    host: str = "127.0.0.1",
    port: int = 8000,
    ready: Callable[[str], None] = print,
) -> Verdict:
    """Serve a test until the person closes it on the page, or Ctrl-C; the same call goes on with a test that was begun.

    real, fake, options, what, part, and what is raised because of them: as `session.open_session`. folder: where the test is
    kept, one for each person. port: 0 for any free one. ready: called with the page's address. Whoever reaches the host and port
    may answer: only this machine, unless another host is given.

    Returns what the answers given so far say, which stands in `verdict.json` and `answers.csv` too. RunError where another
    server has the folder, ConfigError where the port cannot be had.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with alone(folder) as free:
        if not free:
            raise RunError(f"another server has the test in {folder}; end that, or take another folder")
        session = open_session(folder, real=real, fake=fake, options=options, what=what, part=part)
        try:
            with JudgeServer(session, host=host, port=port) as server:
                ready(server.address)
                server.serve_until_closed()
            return session.verdict()
        finally:
            session.close()


class JudgeServer(ThreadingHTTPServer):
    """Serves one session; every request that touches it waits for the one before."""

    daemon_threads = True

    def __init__(self, session: Session, *, host: str = "127.0.0.1", port: int = 0) -> None:
        """ConfigError where the port cannot be had."""
        try:
            super().__init__((host, port), _Handler)
        except (OSError, OverflowError) as error:
            raise ConfigError(f"port {port} of {host} cannot be had: {error}; choose another, or 0 for any free one") from None
        self.session, self.lock = session, threading.Lock()
        self.host = host

    @property
    def address(self) -> str:
        """Of the page."""
        return f"http://{self.host}:{self.server_port}/"

    def serve_until_closed(self) -> None:
        """Answer until the page says that it is done, or Ctrl-C."""
        try:
            self.serve_forever(poll_interval=0.1)
        except KeyboardInterrupt:
            return

    def close_soon(self) -> None:
        """End `serve_until_closed` after the answer that is being given."""
        threading.Thread(target=self.shutdown, daemon=True).start()


def state(session: Session, *, truth: str | None = None) -> dict[str, Any]:
    """What the page needs to go on; truth: of the picture just answered, in practice."""
    options, due = session.options, session.due
    result: dict[str, Any] = {
        "trial": due,
        "total": len(session.trials),
        "finished": session.finished,
        "seconds": options.seconds,
        "answer_within": options.answer_within,
        "blocks": options.blocks,
        "truth": truth,
    }
    if session.finished:
        return {**result, "verdict": as_json(session.verdict())}
    block = session.trials[due].block
    members = [index for index, trial in enumerate(session.trials) if trial.block == block]
    return {**result, "block": block, "practice": block == PRACTICE, "within": due - members[0], "block_size": len(members)}


class _Handler(BaseHTTPRequestHandler):
    server: JudgeServer
    server_version = "unpaired"
    sys_version = ""
    protocol_version = "HTTP/1.1"
    timeout = 60

    def do_GET(self) -> None:
        path = urlsplit(self.path).path
        if not self._from_here():
            return
        if path in PAGE:
            name, kind = PAGE[path]
            self._send(HTTPStatus.OK, files("unpaired.serve").joinpath(name).read_bytes(), kind=kind)
        elif path == "/state":
            with self.server.lock:
                self._json(state(self.server.session))
        elif path.startswith("/picture/") and path[9:].isdecimal():
            with self.server.lock:
                try:
                    self._send(HTTPStatus.OK, self.server.session.picture(int(path[9:])), kind="image/png")
                except WrongMoment as error:
                    self._json({"error": str(error)}, status=HTTPStatus.CONFLICT)
        else:
            self._json({"error": f"there is nothing at {path}"}, status=HTTPStatus.NOT_FOUND)

    def do_POST(self) -> None:
        path, body = urlsplit(self.path).path, self._body()
        if body is None or not self._from_here():
            return
        if path == "/close":
            self._json({"closed": True})
            self.server.close_soon()
        elif path != "/answer":
            self._json({"error": f"there is nothing at {path}"}, status=HTTPStatus.NOT_FOUND)
        elif not _is_answer(body):
            wanted = 'trial, answer ("real", "fake" or null), reaction_ms and shown_ms (numbers from 0, or null)'
            self._json({"error": f"found {body}; wanted {wanted}"}, status=HTTPStatus.BAD_REQUEST)
        else:
            with self.server.lock:
                self._answer(body)

    def _answer(self, body: dict[str, Any]) -> None:
        session, index = self.server.session, body["trial"]
        try:
            session.answer(index, body["answer"], reaction_ms=body["reaction_ms"], shown_ms=body["shown_ms"])
        except WrongMoment as error:
            self._json({"error": str(error)}, status=HTTPStatus.CONFLICT)
        else:
            trial = session.trials[index]
            self._json(state(session, truth=trial.truth if trial.block == PRACTICE else None))

    def _from_here(self) -> bool:
        """Whether the page that asks is this server's own: another site's page must neither read nor answer."""
        host, origin = self.headers.get("Host", ""), self.headers.get("Origin")
        local = self.server.host not in LOCAL or host.rpartition(":")[0] in LOCAL
        if local and origin in (None, f"http://{host}"):
            return True
        self._json({"error": "this page belongs to another site"}, status=HTTPStatus.FORBIDDEN)
        return False

    def _body(self) -> dict[str, Any] | None:
        """The JSON object that was sent; None, and an answer given, where it is none."""
        length = self.headers.get("Content-Length", "")
        if not length.isdecimal() or int(length) > LARGEST_BODY:
            self.close_connection = True
            self._json({"error": f"wanted a body of up to {LARGEST_BODY} bytes"}, status=HTTPStatus.BAD_REQUEST)
            return None
        content = self.rfile.read(int(length))
        # Other sites' pages can send forms and text unasked, but not this type.
        if self.headers.get_content_type() == "application/json":
            try:
                body = json.loads(content)
                if isinstance(body, dict):
                    return body
            except ValueError:
                pass
        self._json({"error": "wanted a JSON object as application/json"}, status=HTTPStatus.BAD_REQUEST)
        return None

    def _json(self, values: dict[str, Any], *, status: HTTPStatus = HTTPStatus.OK) -> None:
        self._send(status, to_json(values).encode(), kind="application/json")

    def _send(self, status: HTTPStatus, content: bytes, *, kind: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(content)))
        self.send_header("Cache-Control", "no-store")
        self.send_header("Content-Security-Policy", POLICY)
        self.send_header("X-Content-Type-Options", "nosniff")
        self.send_header("Referrer-Policy", "no-referrer")
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing: the session file has all that matters."""


def _is_answer(body: dict[str, Any]) -> bool:
    def is_time(value: Any) -> bool:
        return value is None or (isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < 1e9)

    return (
        body.keys() == {"trial", "answer", "reaction_ms", "shown_ms"}
        and type(body["trial"]) is int
        and body["answer"] in ("real", "fake", None)
        and is_time(body["reaction_ms"])
        and is_time(body["shown_ms"])
    )
