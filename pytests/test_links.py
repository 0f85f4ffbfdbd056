"""Whole downloads against measured ones, what a link counts against a sum of its own, and the tables of docs/links.md."""

import json
import re

import pytest

# "Evaluating Post-Quantum Cryptography for Consumer Remote SIM Provisioning", github.com/eqSIM/Test-RSP-SGP22, paper/:
# 200 downloads of TS.48 v1 in March; in seconds. The cycle: thesis_experiments/exp2_classical_apdu_baseline/raw.
MEASURED = {"AuthenticateServer": 3.121, "PrepareDownload": 4.075, "LoadBoundProfilePackage": 18,
            "download": 25.20, "download and deletion": 25.91}
WORLD = """
scenario: whole-download
world:
  seed: 1
  start: "2025-01-01T00:00:00Z"
  latency: {http: 10ms}
  actors:
    ci: {role: ci}
    eum: {role: eum, certified-by: ci}
    mno: {role: operator}
    dp1: {role: smdpp, certified-by: ci, fqdn: dp1.example.com,
          profiles: [{iccid: "89000123456789012341", package: ts48.der, personalise: false}],
          orders: [{iccid: "89000123456789012341", matchingId: TS48}]}
    card: {role: euicc, certified-by: eum, eid: "89049032001234000000000000000141", timing: reference}
    phone: {role: lpa, euicc: card}
steps:
  - user: {at: phone, do: download, activationCode: "LPA:1$dp1.example.com$TS48"}
  - user: {at: phone, do: delete, iccid: "89000123456789012341"}
"""
# docs/links.md
HEADERS, RECORD, PACKET, PACKET_HEAD = {"up": 320, "down": 180}, 29, 1400, 40
HANDSHAKE = {"up": 640, "down": 1500}


def messages(path):
    return [e for e in map(json.loads, path.open()) if e["kind"] == "message"]


def spans(events, functions):
    """Seconds from a function's request to its answer."""
    seen = {}
    for e in events:
        if e["function"] in functions and e["interface"].startswith("ES10"):
            if (e["leg"], e["stage"]) == ("request", "sent"):
                seen.setdefault(e["function"], [e["t"], None])
            if (e["leg"], e["stage"]) == ("response", "delivered"):
                seen[e["function"]][1] = seen[e["function"]][1] or e["t"]
    return {name: (start, end) for name, (start, end) in seen.items()}


@pytest.fixture(scope="module")
def whole(rspsim, shared, tmp_path_factory):
    """The messages of one download and deletion of TS.48 v1."""
    folder = tmp_path_factory.mktemp("whole")
    (folder / "ts48.der").write_bytes((shared / "vectors/ts48/ts48-v1-a.der").read_bytes())
    scenario = folder / "whole-download.yaml"
    scenario.write_text(WORLD)
    rspsim("run", scenario, "--trace-dir", folder, "--quiet", check=0)
    return messages(folder / "whole-download.jsonl")


@pytest.fixture(scope="module")
def modelled(whole):
    names = ("GetEUICCInfo1", "AuthenticateServer", "PrepareDownload", "LoadBoundProfilePackage", "DeleteProfile")
    at = spans(whole, names)
    took = {name: (end - start) / 1e6 for name, (start, end) in at.items()}
    took["download"] = (at["LoadBoundProfilePackage"][1] - at["GetEUICCInfo1"][0]) / 1e6
    took["download and deletion"] = took["download"] + took["DeleteProfile"]
    return took


def test_segments(whole):
    """What the model was made from comes out again: means of 176 downloads in April, contacts included, in ms."""
    sent = [(e["function"], e["t"] / 1e3) for e in whole if e["interface"] == "ES8+" and e["stage"] == "sent"]
    (end,) = [e["t"] / 1e3 for e in whole if e["function"] == "LoadBoundProfilePackage"
              and (e["leg"], e["stage"]) == ("response", "delivered")]
    took = [(name, after - t) for (name, t), (_, after) in zip(sent, [*sent[1:], (None, end)])]
    assert [name for name, _ in took] == ["InitialiseSecureChannel", "ConfigureISDP", "StoreMetadata"] \
        + 12 * ["LoadProfileElements"]
    measured = [1446, 70, 254 + 2 * 1.7] + 11 * [1132] + [3616]
    for (name, ms), mean in zip(took, measured):
        assert ms == pytest.approx(mean, rel=0.08), name


@pytest.mark.parametrize("what", MEASURED)
def test_whole_download(modelled, what):
    assert modelled[what] == pytest.approx(MEASURED[what], rel=0.15)


def test_table_of_whole_downloads(modelled, root):
    """The figures in the documentation are those of a run."""
    text = (root / "docs" / "links.md").read_text()
    for what, measured in MEASURED.items():
        told, model, off = re.search(rf"^\| {what} \| ([\d.]+)[^|]* \| ([\d.]+) \| ([+−]\d+) % \|$", text, re.M).groups()
        assert float(told) == pytest.approx(measured, abs=0.006)
        assert float(model) == pytest.approx(modelled[what], abs=0.006), what
        assert int(off.replace("−", "-")) == round(100 * (modelled[what] / measured - 1)), what


def carried(events, device):
    """Octets up and down by the documented overheads, and the messages."""
    total, used, count = {"up": 0, "down": 0}, {}, 0

    def send(way, octets):
        total[way] += octets + PACKET_HEAD * max(1, -(-octets // PACKET))

    for e in events:
        if e["interface"] not in ("ES9+", "ES11", "ESipa") or e["stage"] != "sent" or device not in (e["src"], e["dst"]):
            continue
        way = "up" if e["src"] == device else "down"
        peer = e["dst"] if way == "up" else e["src"]
        if e["leg"] == "request" and e["t"] - used.get(peer, -1e9) > 60e6:
            for side, octets in HANDSHAKE.items():
                send(side, octets)
        send(way, e["bytes"] + RECORD * (1 + e["bytes"] // 16384) + HEADERS[way])
        used[peer] = e["t"]
        count += 1
    return total, count


@pytest.mark.parametrize("pause,handshakes", [("50s", 1), ("2m", 3)])
def test_idle_connections(rspsim, tmp_path, pause, handshakes):
    """Three polls: on one connection, or on one each."""
    scenario, report = tmp_path / "polls.yaml", tmp_path / "report.json"
    scenario.write_text(f"""
scenario: polls
world:
  actors:
    ci: {{role: ci}}
    eum: {{role: eum, certified-by: ci}}
    eim1: {{role: eim, certified-by: ci, fqdn: eim1.example.com, devices: [card]}}
    card: {{role: euicc, certified-by: eum, eid: "89049032001234000000000000000141", iot: {{version: "1.2", eims: [{{eim: eim1}}]}}}}
    dev1: {{role: ipa, euicc: card, connectivity: {{link: {{latency: 50ms, up: 50000, down: 50000}}}}}}
steps:
  - ipa: {{at: dev1, do: poll}}
  - wait: {pause}
  - ipa: {{at: dev1, do: poll}}
  - wait: {pause}
  - ipa: {{at: dev1, do: poll}}
""")
    rspsim("run", scenario, "--report", report, "--trace-dir", tmp_path, "--quiet", check=0)
    (link,) = json.loads(report.read_text())["scenarios"][0]["links"]
    total, count = carried(messages(tmp_path / "polls.jsonl"), "dev1")
    assert (link["up"], link["down"], link["messages"]) == (total["up"], total["down"], count) and count == 6
    assert link["down"] == handshakes * (1500 + 80) + 3 * (6 + 180 + 29 + 40)


@pytest.mark.parametrize("name,device", [("link-direct", "dev1"), ("link-indirect", "dev1"), ("link-package", "dev1"),
                                         ("link-indirect-json", "dev1"),
                                         ("link-poll", "dev1"), ("link-download", "phone")])
def test_octets_of_a_link(rspsim, tmp_path, name, device):
    report = tmp_path / "report.json"
    rspsim("run", f"scenarios/network/{name}.yaml", "--report", report, "--trace-dir", tmp_path, "--quiet", check=0)
    (link,) = json.loads(report.read_text())["scenarios"][0]["links"]
    assert link["lost"] == 0, "choose another seed: what is lost goes again"
    total, count = carried(messages(tmp_path / f"{name}.jsonl"), device)
    assert (link["up"], link["down"], link["messages"]) == (total["up"], total["down"], count)


def test_direct_and_indirect(rspsim):
    """Through the eIM the device sends and receives less, over every link."""
    done = rspsim("compare", "scenarios/network/link-direct.yaml", "scenarios/network/link-indirect.yaml", check=0)
    rows = {tuple(r[:2]): [float(v) for v in r[2:]] for r in map(str.split, done.stdout.splitlines()[1:])}
    for link in ("nb-iot", "lte-m", "lte"):
        direct, indirect = rows["link-direct", link], rows["link-indirect", link]
        assert indirect[0] < direct[0] and indirect[3] < direct[3] and indirect[4] < direct[4]
        assert indirect[1] == pytest.approx(direct[1], abs=0.2), "the card does the same"


def test_package_costs_its_parts(rspsim, tmp_path):
    """A verification, a signature, a list, a switch and the record, beside the contacts."""
    rspsim("run", "scenarios/network/link-package.yaml", "--trace-dir", tmp_path, "--quiet", check=0)
    start, end = spans(messages(tmp_path / "link-package.jsonl"), ["LoadEuiccPackage"])["LoadEuiccPackage"]
    assert (end - start) / 1e3 == pytest.approx(750 + 750 + 40 + 100 + 40, abs=60)
