"""All scenarios over both transports; determinism; the outside checker."""

import json
import pathlib
import xml.etree.ElementTree as ET

import jsonschema
import pytest
import yaml

import tracecheck
from conftest import traced_folders


def load(path):
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def test_all_pass_over_memory(rspsim, tmp_path):
    done = rspsim("run", "scenarios", "--junit", tmp_path / "j.xml", check=0)
    suite = ET.parse(tmp_path / "j.xml").getroot()
    assert int(suite.get("tests")) > 30 and suite.get("failures") == "0"
    assert done.stdout.rstrip().endswith(f"{suite.get('tests')} passed, 0 failed")


def test_same_traces_over_https(rspsim, traces, root, tmp_path):
    rspsim("run", *traced_folders(root), "--transport", "https", "--trace-dir", tmp_path, "--secrets",
           "--quiet", "--jobs", "2", check=0)
    files = sorted(traces.glob("*.jsonl"))
    assert len(files) > 30
    for memory in files:
        a = memory.read_text().split("\n", 1)
        b = (tmp_path / memory.name).read_text().split("\n", 1)
        head_a, head_b = json.loads(a[0]), json.loads(b[0])
        assert (head_a.pop("transport"), head_b.pop("transport")) == ("memory", "https")
        assert head_a == head_b
        assert a[1] == b[1], memory.name


def test_same_seed_same_bytes(rspsim, traces, root, tmp_path):
    rspsim("run", *traced_folders(root), "--trace-dir", tmp_path, "--secrets", "--quiet",
           "--jobs", "2", check=0)
    for first in traces.glob("*.jsonl"):
        assert first.read_bytes() == (tmp_path / first.name).read_bytes(), first.name


def test_other_seed_other_bytes(rspsim, traces, tmp_path, root):
    name = "consumer-download-install"
    rspsim("run", root / f"scenarios/consumer/{name}.yaml", "--trace-dir", tmp_path, "--seed", "7",
           "--quiet", check=0)
    assert (tmp_path / f"{name}.jsonl").read_bytes() != (traces / f"{name}.jsonl").read_bytes()


def test_secret_traces_are_private(traces):
    for path in traces.glob("*.jsonl"):
        assert path.stat().st_mode & 0o777 == 0o600


def test_outside_checker(traces, root):
    """Every signature, chain, MAC and package of the scenarios that hurt no message."""
    checked = 0
    for source in sorted((root / "scenarios").rglob("*.yaml")):
        doc = yaml.safe_load(source.read_text())
        if "scenario" not in doc or "faults" in doc or "pki" in source.parts:
            continue
        if any("send" in step for step in doc["steps"]) or "certificates" in source.read_text():
            continue
        checker = tracecheck.Checker(traces / f"{doc['scenario']}.jsonl")
        assert checker.run() == [], doc["scenario"]
        checked += sum(checker.counts.values())
    assert checked > 100


def test_checker_finds_damage(traces, tmp_path):
    """The checker itself: a signature that was damaged on the way is found where it was applied."""
    lines = (traces / "consumer-download-install.jsonl").read_text().splitlines()
    for i, line in enumerate(lines):
        event = json.loads(line)
        if event.get("function") == "InitiateAuthentication" and event.get("leg") == "response" \
                and event.get("stage") == "sent":
            body = json.loads(event["body"])
            signature = body["serverSignature1"]
            body["serverSignature1"] = signature[:-6] + ("AAAAAA" if signature[-6:] != "AAAAAA"
                                                         else "BBBBBB")
            event["body"] = json.dumps(body)
            lines[i] = json.dumps(event)
    damaged = tmp_path / "damaged.jsonl"
    damaged.write_text("\n".join(lines) + "\n")
    assert any("serverSignature1" in p for p in tracecheck.Checker(damaged).run())


def test_schema_is_current_and_fits(rspsim, root):
    text = rspsim("check", "--schema", check=0).stdout
    path = root / "scenarios" / "scenario.schema.json"
    assert path.read_text() == text
    validator = jsonschema.Draft202012Validator(json.loads(text))
    for source in sorted((root / "scenarios").rglob("*.yaml")):
        doc = yaml.safe_load(source.read_text())
        if "scenario" in doc:
            assert not list(validator.iter_errors(doc)), source


def test_names_match_files(root):
    for source in (root / "scenarios").rglob("*.yaml"):
        doc = yaml.safe_load(source.read_text())
        if "scenario" in doc:
            assert doc["scenario"] == source.stem


def test_trace_has_the_contract(traces):
    order = ["v", "seq", "t", "step", "cause", "kind"]
    tail = ["interface", "function", "spec", "src", "dst", "leg", "stage", "xid", "transactionId",
            "encoding", "bytes", "sha256", "body", "plain", "status", "state", "fault", "op", "key",
            "result", "secret"]
    for path in traces.glob("*.jsonl"):
        events = load(path)
        assert [e["seq"] for e in events] == list(range(len(events)))
        assert events[0]["kind"] == "run"
        for e in events:
            keys = [k for k in e if k in order or k in tail]
            assert keys == [k for k in order + tail if k in e]
            if "cause" in e:
                assert e["cause"] < e["seq"]


def test_restart_of_a_run_on_durable_state(rspsim, tmp_path, root):
    """The second run on the same state finds the profile installed already: it must fail, not crash."""
    scenario = root / "scenarios/consumer/consumer-download-install.yaml"
    rspsim("run", scenario, "--state", tmp_path / "s", "--quiet", check=0)
    again = rspsim("run", scenario, "--state", tmp_path / "s", "--quiet", check=1)
    assert "expected code success, got 8.2.1/3.3" in again.stderr


@pytest.mark.parametrize("damage", ["garbage", "version"])
def test_damaged_state_is_refused(rspsim, tmp_path, root, damage):
    import sqlite3
    scenario = root / "scenarios/consumer/consumer-download-install.yaml"
    rspsim("run", scenario, "--state", tmp_path, "--quiet", check=0)
    database = pathlib.Path(tmp_path) / "consumer-download-install" / "dp1.db"
    assert database.exists()
    if damage == "garbage":
        database.write_bytes(b"SQLite format 3\0" + bytes(range(256)) * 64)
    else:
        connection = sqlite3.connect(database)
        connection.execute("PRAGMA user_version = 9999")
        connection.close()
    before = database.read_bytes()
    done = rspsim("run", scenario, "--state", tmp_path, "--quiet", check=1)
    assert "dp1.db" in done.stderr
    assert database.read_bytes() == before


def test_a_package_in_clear_is_noticed(rspsim, tmp_path, root):
    """The invariant itself: a peer that sends an ordered package in clear fails the run."""
    import base64
    rspsim("profile", "build", root / "scenarios/profiles/consumer-test.yaml", "-o", tmp_path / "p.der",
           check=0)
    clear = base64.b64encode((tmp_path / "p.der").read_bytes()).decode()
    path = tmp_path / "leak.yaml"
    path.write_text("scenario: leak\nworld: worlds/consumer.yaml\nsteps:\n  - send: {as: mallory, to: "
                    "dp1.example.com, function: ES9+.CancelSession, body: '{\"x\": \"" + clear + "\"}'}\n")
    assert "in clear on the bus" in rspsim("run", path, check=1).stderr
