"""The server, asked by a plain HTTP client."""

import http.client
import json
import threading

import pytest
import torch

from unpaired.errors import ConfigError, RunError
from unpaired.files import alone
from unpaired.serve.judge import JudgeServer, serve_judge
from unpaired.serve.options import JudgeOptions
from unpaired.serve.session import open_session

OPTIONS = JudgeOptions(blocks=1, block_size=4, controls=0, practice=2, seconds=0.5)


def given_pictures():
    generator = torch.Generator().manual_seed(0)
    return {name: torch.rand(5, 3, 8, 8, generator=generator) * 2 - 1 for name in ("real", "fake")}


@pytest.fixture
def server(tmp_path):
    session = open_session(tmp_path, **given_pictures(), options=OPTIONS)
    with JudgeServer(session) as running:
        thread = threading.Thread(target=running.serve_until_closed)
        thread.start()
        yield running
        running.shutdown()
        thread.join()
    session.close()


def ask(server, path, body=None, **headers):
    """Status, headers and content (JSON where it is that)."""
    connection = http.client.HTTPConnection("127.0.0.1", server.server_port, timeout=10)
    if body is not None:
        headers = {"Content-Type": "application/json"} | headers
        body = body if isinstance(body, str) else json.dumps(body)
    connection.request("GET" if body is None else "POST", path, body=body, headers=headers)
    response = connection.getresponse()
    content = response.read()
    connection.close()
    kind = response.headers["Content-Type"]
    return response.status, response.headers, json.loads(content) if kind == "application/json" else content


def answer(trial, said, **more):
    return {"trial": trial, "answer": said, "reaction_ms": 300.5, "shown_ms": 500, **more}


def test_the_page_asks_nothing_of_the_network(server):
    for path, kind in (("/", "text/html"), ("/judge.css", "text/css"), ("/judge.js", "text/javascript")):
        status, headers, content = ask(server, path)
        assert status == 200
        assert headers.get_content_type() == kind
        assert "default-src 'none'" in headers["Content-Security-Policy"]
        assert b"http://" not in content
        assert b"https://" not in content
    assert ask(server, "/elsewhere")[0] == 404
    assert ask(server, "/../session.jsonl")[0] == 404


def test_a_test_from_the_first_picture_to_the_verdict(server):
    trials = server.session.trials
    status, _, state = ask(server, "/state")
    assert status == 200
    assert (state["trial"], state["total"], state["practice"], state["block_size"], state["seconds"]) == (0, 6, True, 2, 0.5)
    for index, trial in enumerate(trials):
        status, headers, content = ask(server, f"/picture/{index}")
        assert (status, headers["Content-Type"], headers["Cache-Control"]) == (200, "image/png", "no-store")
        assert content.startswith(b"\x89PNG")
        status, _, state = ask(server, "/answer", answer(index, trial.truth))
        assert status == 200
        assert state["truth"] == (trial.truth if index < 2 else None)
        assert state["trial"] == index + 1
        if index == 2:
            assert (state["block"], state["within"], state["block_size"], state["practice"]) == (1, 1, 4, False)
    assert state["finished"]
    assert state["verdict"]["accuracy"]["value"] == 1.0
    assert state["verdict"]["sentences"][0][:2] == ["Right answers", "100 %"]
    assert server.session.given[0].reaction_ms == 300.5


def test_neither_order_nor_truth_can_be_asked_for(server):
    state = ask(server, "/state")[2]
    assert not {"kind", "trials", "truth"} & {key for key, value in state.items() if value is not None}
    assert ask(server, "/picture/1")[0] == 409
    assert ask(server, "/picture/x")[0] == 404


def test_an_answer_out_of_turn_is_a_conflict(server):
    assert ask(server, "/answer", answer(0, "real"))[0] == 409  # not shown yet
    ask(server, "/picture/0")
    assert ask(server, "/answer", answer(3, "real"))[0] == 409
    assert ask(server, "/answer", answer(0, None))[0] == 200
    assert server.session.due == 1


@pytest.mark.parametrize(
    "body",
    [
        answer(0, "maybe"),
        answer(True, "real"),
        answer(0, "real", more=1),
        {"trial": 0, "answer": "real"},
        answer(0, "real") | {"reaction_ms": -1},
        answer(0, "real") | {"shown_ms": "long"},
        answer(0, ["real"]),
        [],
        "{",
        "x" * 5000,
    ],
)
def test_what_is_no_answer_is_refused_and_nothing_kept(server, body):
    ask(server, "/picture/0")
    assert ask(server, "/answer", body)[0] == 400
    assert server.session.due == 0


def test_other_sites_can_neither_read_nor_answer(server):
    ask(server, "/picture/0")
    port = server.server_port
    assert ask(server, "/state", Host=f"elsewhere.example:{port}")[0] == 403
    assert ask(server, "/answer", answer(0, "real"), Origin="http://elsewhere.example")[0] == 403
    assert ask(server, "/answer", json.dumps(answer(0, "real")), **{"Content-Type": "text/plain"})[0] == 400
    assert ask(server, "/close", {}, Origin="null")[0] == 403
    assert server.session.due == 0
    assert ask(server, "/answer", answer(0, "real"), Origin=f"http://127.0.0.1:{port}")[0] == 200


def test_served_until_the_page_closes_it(tmp_path):
    addresses, verdicts = [], []
    ready = threading.Event()

    def told(address):
        addresses.append(address)
        ready.set()

    def serve(**pictures):
        verdicts.append(serve_judge(tmp_path / "new", **pictures, options=OPTIONS, port=0, ready=told))

    for pictures in (given_pictures(), {}):  # the second time it goes on
        ready.clear()
        thread = threading.Thread(target=serve, kwargs=pictures)
        thread.start()
        assert ready.wait(10)
        server = type("At", (), {"server_port": int(addresses[-1].rstrip("/").rpartition(":")[2])})
        due = ask(server, "/state")[2]["trial"]
        ask(server, f"/picture/{due}")
        ask(server, "/answer", answer(due, "real"))
        assert ask(server, "/close", {})[0] == 200
        thread.join(10)
        assert not thread.is_alive()
    assert [verdict.answered for verdict in verdicts] == [1, 2]
    assert (tmp_path / "new" / "answers.csv").read_text().count("\n") == 3


def test_a_taken_folder_and_a_taken_port_are_told(tmp_path, server):
    with pytest.raises(ConfigError, match=f"port {server.server_port} of 127.0.0.1 cannot be had"):
        serve_judge(tmp_path / "new", **given_pictures(), options=OPTIONS, port=server.server_port)
    with alone(tmp_path / "new"), pytest.raises(RunError, match="another server has the test"):
        serve_judge(tmp_path / "new", port=0)
