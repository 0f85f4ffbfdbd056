"""`rspsim sweep`: single faults and pairs over scenarios, and that what it finds can be done again."""

import collections
import json

import pytest
import yaml

HEADLINES = ["consumer/consumer-download-install", "discovery/discovery-download", "iot/indirect-activation-code"]
OUTCOMES = ["unharmed", "recovered", "other", "unfit", "failed"]

# An event that a server puts up and takes away by hand: if the second message does not come, it outlives all orders.
PLANTED = """scenario: planted
world: worlds/discovery.yaml
steps:
  - operator: {at: mno, call: ES2+.DownloadOrder, to: dp1, iccid: "8988303000000000010", eid: "89049032001234000000000000000141"}
  - operator: {at: mno, call: ES2+.ConfirmOrder, to: dp1, iccid: "8988303000000000010", matchingId: MID-0001, releaseFlag: true}
  - send: {as: dp1, to: rootds.example.com, function: ES12.RegisterEvent,
           body: '{"header":{"functionRequesterIdentifier":"2.999.1","functionCallIdentifier":"1"},"eid":"89049032001234000000000000000141","rspServerAddress":"dp1.example.com","eventId":"EVENT-9999","forwardingIndicator":false}'}
  - send: {as: dp1, to: rootds.example.com, function: ES12.DeleteEvent,
           body: '{"header":{"functionRequesterIdentifier":"2.999.1","functionCallIdentifier":"2"},"eid":"89049032001234000000000000000141","eventId":"EVENT-9999"}'}
expect:
  rootds: {events: []}
"""


def test_headlines(rspsim, root, tmp_path):
    """A sample of single faults and pairs breaks nothing, and each case is accounted for."""
    report = tmp_path / "r.json"
    done = rspsim("sweep", *(root / f"scenarios/{name}.yaml" for name in HEADLINES), "--limit", "100", "--pairs", "30", "--seed", "1",
                  "--jobs", "2", "--report", report, check=0)
    told = json.loads(report.read_text())
    assert told["cases"] == 130 and told["failures"] == [] and told["seed"] == 1
    assert list(told["outcomes"]) == OUTCOMES and sum(told["outcomes"].values()) == 130
    assert told["outcomes"]["unharmed"] and told["outcomes"]["recovered"] and not told["outcomes"]["failed"]
    assert sum(sum(n.values()) for n in told["actions"].values()) == 130 + 30
    assert set(told["actions"]) == set(rspsim("list", "faults").stdout.split())
    assert [s["scenario"] for s in told["scenarios"]] == [name.rpartition("/")[2] for name in HEADLINES]
    assert all(line.startswith("# ") for line in done.stdout.splitlines())


def test_every_fault_kind_is_tried(rspsim, root, tmp_path):
    """No action of the language is left out where a device, its card and servers talk."""
    report = tmp_path / "r.json"
    rspsim("sweep", *(root / f"scenarios/{name}.yaml" for name in HEADLINES), "--limit", "300", "--seed", "2", "--jobs", "2",
           "--report", report, check=0)
    told = json.loads(report.read_text())["actions"]
    assert {action for action, n in told.items() if sum(n.values()) == n["unfit"]} == set()


@pytest.fixture
def planted(rspsim, tmp_path):
    path = tmp_path / "planted.yaml"
    path.write_text(PLANTED)
    rspsim("run", path, check=0)
    return path


def test_finds_what_is_planted(rspsim, planted, tmp_path):
    """A lost DeleteEvent is found; the printed file shows it alone; without its fault the file passes."""
    done = rspsim("sweep", planted, "--jobs", "2", check=1)
    assert "expected event EVENT-9999 gone" in done.stderr
    documents = [d for d in yaml.safe_load_all(done.stdout) if d]
    assert len(documents) == 1, "one for each reason"
    alone = tmp_path / "alone.yaml"
    alone.write_text(done.stdout)
    assert "expected event EVENT-9999 gone from rootds" in rspsim("run", alone, check=1).stderr
    harmless = dict(documents[0], faults=[])
    alone.write_text(yaml.safe_dump(harmless, sort_keys=False))
    rspsim("run", alone, check=0)


def test_files_of_all_failures(rspsim, planted, tmp_path):
    folder = tmp_path / "found"
    done = rspsim("sweep", planted, "--write", folder, check=1)
    files = sorted(folder.glob("*.yaml"))
    assert len(files) == len(done.stderr.splitlines()) > 5
    ran = rspsim("run", folder, check=1)
    assert f"0 passed, {len(files)} failed" in ran.stdout
    faults = [yaml.safe_load(f.read_text())["faults"][0] for f in files]
    assert "ES12.DeleteEvent" in {f["match"].get("function") for f in faults}


def test_same_whatever_the_jobs(rspsim, root, planted, tmp_path):
    args = ["sweep", planted, root / "scenarios/consumer/consumer-download-install.yaml", "--limit", "60", "--pairs", "20", "--seed", "9"]
    outs = [rspsim(*args, "--jobs", jobs, "--report", tmp_path / f"{jobs}.json") for jobs in (1, 3)]
    assert (outs[0].stdout, outs[0].stderr, outs[0].returncode) == (outs[1].stdout, outs[1].stderr, outs[1].returncode)
    assert (tmp_path / "1.json").read_bytes() == (tmp_path / "3.json").read_bytes()


def test_without_a_fault(rspsim, tmp_path, planted):
    """A scenario that fails anyway is told, and is no subject."""
    planted.write_text(PLANTED.replace("rootds: {events: []}", "dp1: {sessions: 7}"))
    done = rspsim("sweep", planted, check=1)
    assert "without a fault: planted.yaml" in done.stderr and "expected sessions 7" in done.stderr
    assert not done.stdout


@pytest.mark.parametrize("args", [(), ("--jobs", "0", "x"), ("--limit", "-5", "x"), ("--pairs", "-1", "x"), ("nowhere.yaml",)])
def test_bad_usage(rspsim, args):
    done = rspsim("sweep", *args, check=2)
    assert done.stderr and not done.stdout


JUDGED = """scenario: judged
judge: {judge}
world: worlds/consumer.yaml
faults:
  - {{name: lost, match: {{function: ES9+.InitiateAuthentication, leg: response, nth: 1}}, action: drop}}
steps:
  - operator: {{at: mno, call: ES2+.DownloadOrder, to: dp1, iccid: "8988303000000000010"}}
  - operator: {{at: mno, call: ES2+.ConfirmOrder, to: dp1, iccid: "8988303000000000010", matchingId: MID-0001, releaseFlag: true}}
  - user: {{at: phone, do: download, activationCode: "LPA:1$dp1.example.com$MID-0001", consent: granted}}
expect:
  card: {{profiles: [{{iccid: "8988303000000000010", state: disabled}}]}}
"""


@pytest.mark.parametrize("judge, status, downloads", [("expectations", 1, 1), ("invariants", 0, 2)])
def test_judge(rspsim, tmp_path, judge, status, downloads):
    """By invariants alone, a step that fails is done again and what it wants is no condition."""
    path = tmp_path / "judged.yaml"
    path.write_text(JUDGED.format(judge=judge))
    rspsim("run", path, "--trace-dir", tmp_path, check=status)
    sent = collections.Counter((e.get("function"), e.get("leg")) for e in map(json.loads, (tmp_path / "judged.jsonl").open())
                               if e.get("stage") == "sent")
    assert sent["InitiateAuthentication", "request"] == downloads


def test_judge_is_not_blind(rspsim, tmp_path):
    """A fault that never fires fails a run however it is judged."""
    path = tmp_path / "judged.yaml"
    path.write_text(JUDGED.format(judge="invariants").replace("nth: 1", "nth: 9"))
    assert 'expected fault "lost" to fire' in rspsim("run", path, check=1).stderr
