"""Crash faults: what a server that starts again must not repeat, and what a scenario may not say."""

import base64
import json

import pytest

import tlv

HEAD = """scenario: bad
world: worlds/discovery.yaml
faults:
  - {name: f, %s}
steps:
  - wait: 1s
"""


def answers(path, function):
    for line in path.read_text().splitlines():
        e = json.loads(line)
        if e["kind"] == "message" and e.get("function") == function and e["leg"] == "response" and e["stage"] == "sent":
            yield json.loads(e["body"])


def test_no_challenge_transaction_or_one_time_key_is_repeated(traces):
    for name in ("crash-between-sessions", "crash-authenticate-client", "crash-get-bpp"):
        replies = [r for r in answers(traces / f"{name}.jsonl", "InitiateAuthentication") if "transactionId" in r]
        challenges = []
        for reply in replies:
            signed = tlv.read(base64.b64decode(reply["serverSigned1"]))[1]
            challenges += [v for t, v, _ in tlv.walk(signed) if t == 0x84]
        assert len(replies) >= 3
        assert len({r["transactionId"] for r in replies}) == len(replies)
        assert len(challenges) == len(set(challenges)) == len(replies)


def test_databases_are_removed(rspsim, root, tmp_path):
    rspsim("run", root / "scenarios/faults/crash-get-bpp.yaml", "--quiet", check=0, env={"TMPDIR": str(tmp_path)})
    assert not list(tmp_path.iterdir())


def test_over_durable_state(rspsim, root, tmp_path):
    """The second run finds the order installed, so its own orders are refused: the state is the one of the first."""
    path = root / "scenarios/faults/crash-get-bpp.yaml"
    rspsim("run", path, "--quiet", "--state", tmp_path, check=0)
    assert (tmp_path / "crash-get-bpp" / "dp1.db").exists()
    done = rspsim("run", path, "--quiet", "--state", tmp_path, check=1)
    assert "8.2.1/3.3" in done.stderr


@pytest.mark.parametrize("fault, wanted", [
    ("match: {point: before-commit, at: card}, action: crash", "expected smdpp, smds, eim or ipa"),
    ("match: {point: before-commit}, action: crash", 'needs "at"'),
    ("match: {function: ES9+.CancelSession}, action: crash, at: phone", "expected smdpp, smds, eim or ipa"),
    ("match: {function: ES9+.CancelSession}, action: drop, down: 3s", '"down" goes with crash'),
    ("match: {point: after-commit, at: dp1}, action: power-loss", "expected euicc"),
    ("match: {point: after-commit, at: nobody}, action: crash", "nobody")])
def test_positions(rspsim, tmp_path, fault, wanted):
    (tmp_path / "x.yaml").write_text(HEAD % fault)
    done = rspsim("run", tmp_path / "x.yaml", check=2)
    assert done.stderr.startswith("x.yaml:4:") or f"{tmp_path}/x.yaml:4:" in done.stderr
    assert wanted in done.stderr


def changes(path, actor):
    for line in path.read_text().splitlines():
        e = json.loads(line)
        if e["kind"] == "state" and e["src"] == actor:
            yield e["state"]["object"], e["state"].get("from"), e["state"]["to"]


def test_what_was_not_committed_did_not_change(traces):
    """The power goes before a switch is written down, an eIM dies before a result is: the trace knows one change alone."""
    switched = [c for c in changes(traces / "power-loss-before-enable-commit.jsonl", "card") if c[1] == "disabled"]
    assert switched == [("8988303000000000010", "disabled", "enabled")]
    done = [c for c in changes(traces / "crash-eim-result.jsonl", "eim1") if c[2] == "done"]
    assert done == [("package 1", "delivered", "done"), ("package 2", "delivered", "done")]
