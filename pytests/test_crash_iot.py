"""An eIM and an IoT device killed at every commit of one whole flow: downloads, enabling with and without the rollback flag,
data, a list, an eCO and a deletion. Judged by the messages on the wire, by what the card did, and by the eIM's database."""

import base64
import json
import re
import sqlite3
from collections import Counter, defaultdict

import pytest

import tlv

A, B = "8988303000000000010", "8988303000000000028"
ORDERS = ["do: data-request", 'do: download, activationCode: "1$dp1.example.com$MID-0001"', f'do: enable, iccid: "{A}"',
          'do: download, activationCode: "1$dp1.example.com$MID-0002"', f'do: enable, iccid: "{B}", rollback: true',
          "do: list-eim", f'do: delete, iccid: "{A}"', "do: list-profile-info"]
SCENARIO = """scenario: {name}
world:
  use: worlds/iot.yaml
  actors:
    dp1:
      profiles:
        - {{iccid: "{a}", package: profiles/consumer-test.yaml,
            metadata: {{notifications: [{{events: [install, enable, disable, delete], address: dp1.example.com}}]}}}}
        - {{iccid: "{b}", package: profiles/consumer-test.yaml, imsi: "001010000000002"}}
    dev1: {{notify: {notify}, retries: 2}}
faults:
  - {{name: f, match: {{point: {point}, at: {at}, nth: {nth}}}, action: crash}}
steps:
{orders}
  - ipa: {{at: dev1, do: poll, expect: {{error: any}}}}
  - ipa: {{at: dev1, do: poll, expect: {{error: any}}}}
  - wait: 1m
  - ipa: {{at: dev1, do: poll}}
  - ipa: {{at: dev1, do: deliver-notifications}}
  - wait: 20m
expect:
  card: {{profiles: [{{iccid: "{b}", state: enabled}}], notifications: []}}
  eim1: {{believes: [{{eid: "89049032001234000000000000000141", iccid: "{b}", state: enabled}}]}}
  dp1: {{orders: [{{iccid: "{a}", state: installed}}, {{iccid: "{b}", state: installed}}], sessions: 0}}
"""
LAST = 36
CARD_FIRST = 19  # the first after the downloads


def write(folder, at, point, nth, notify):
    orders = "\n".join(f"  - eim: {{at: eim1, to: card, {o}}}" for o in ORDERS)
    name = f"{at}-{point}-{nth:02}"
    (folder / f"{name}.yaml").write_text(SCENARIO.format(name=name, a=A, b=B, point=point, at=at, nth=nth, notify=notify, orders=orders))
    return name


def sent(path):
    """(function, leg, body) of each message that was delivered."""
    bodies = {}
    for line in path.read_text().splitlines():
        e = json.loads(line)
        if e["kind"] != "message":
            continue
        if "body" in e:
            bodies[e["xid"], e["leg"]] = e["body"].encode() if e["encoding"] == "json" else bytes.fromhex(e["body"])
        if e["stage"] == "delivered":
            yield f"{e['interface']}.{e['function']}", e["leg"], bodies[e["xid"], e["leg"]]


def judge_packages(messages, packages=5):
    """What goes out for a transaction is the same octets each time; no counter serves two."""
    by_transaction, counters = defaultdict(set), {}
    for function, leg, body in messages:
        if (function, leg) != ("ESipa.GetEimPackage", "response"):
            continue
        tag, value, whole, _ = tlv.read(tlv.find(body, 0xBF4F))
        if tag != 0xBF51:
            continue
        counter, transaction = tlv.find(value, 0x30, 0x81), tlv.find(value, 0x30, 0x82)
        by_transaction[transaction].add(whole)
        assert counters.setdefault(counter, transaction) == transaction, "a counter was used twice"
    assert len(by_transaction) == packages
    assert all(len(octets) == 1 for octets in by_transaction.values()), "a package was signed anew"
    numbers = [int.from_bytes(c, "big") for c in counters]
    assert numbers == sorted(numbers), "a counter went back"
    return max(numbers)


def judge_card(messages):
    """Each operation was executed once."""
    done = Counter(function for function, leg, _ in messages if function.startswith("ESep.") and leg == "request")
    assert done == {"ESep.Enable": 2, "ESep.ListEim": 1, "ESep.Delete": 1, "ESep.ListProfileInfo": 1}


def judge_notifications(messages):
    """Each notification reached the SM-DP+, at least once, whoever brought it."""
    brought = set()
    for function, leg, body in messages:
        if (function, leg) == ("ES9+.HandleNotification", "request"):
            pending = base64.b64decode(json.loads(body)["pendingNotification"])
            path = (0xBF37, 0xBF27, 0xBF2F, 0x80) if pending[:2] == b"\xbf\x37" else (0x30, 0xBF2F, 0x80)
            brought.add(tlv.find(pending, *path))
    assert len(brought) == 6, brought  # two results; installed, enabled, disabled, deleted


def judge_database(path, counter):
    db = sqlite3.connect(path)
    assert db.execute("SELECT result, state FROM package ORDER BY id").fetchall() == [("ok", 2)] * len(ORDERS)
    assert db.execute("SELECT counter FROM device").fetchall() == [(counter,)]
    assert db.execute("SELECT count(*) FROM forward").fetchone() == (0,)
    db.close()


def judge_memory(path):
    """Nothing is left in the device's memory but the number of the result seen last."""
    db = sqlite3.connect(path)
    assert {key for key, in db.execute("SELECT key FROM nvm")} == {"installed"}
    db.close()


@pytest.mark.parametrize("notify", ["smdp", "eim"])
@pytest.mark.parametrize("at, first", [("eim1", len(ORDERS) + 1), ("dev1", 1)])
def test_sweep(rspsim, tmp_path, at, first, notify):
    names = [write(tmp_path, at, point, nth, notify) for point in ("before-commit", "after-commit")
             for nth in range(first, LAST)]
    done = rspsim("run", tmp_path, "--trace-dir", tmp_path / "traces", "--state", tmp_path / "state", "--secrets", "--quiet",
                  "--jobs", "2")
    unfired = {m[1] for m in re.finditer(r"(\S+)\.yaml:\d+:.*to fire", done.stderr)}
    failed = {m[1] for m in re.finditer(r"(\S+?)\.yaml:\d+:", done.stderr)} - unfired
    assert not failed, done.stderr
    fired = [n for n in names if n not in {u.rpartition("/")[2] for u in unfired}]
    assert 2 * 8 <= len(fired) < len(names), "the sweep ends with the last commit"
    for name in fired:
        messages = list(sent(tmp_path / "traces" / f"{name}.jsonl"))
        counter = judge_packages(messages)
        judge_card(messages)
        judge_notifications(messages)
        judge_database(tmp_path / "state" / name / "eim1.db", counter)
        judge_memory(tmp_path / "state" / name / "dev1.nvm")


TWICE = "  - ipa: {{{{at: dev1, do: {0}, expect: {{{{error: any}}}}}}}}\n" * 2
CARD = """scenario: {name}
world:
  use: worlds/iot.yaml
  actors:
    dp1:
      profiles:
        - {{iccid: "{a}", package: profiles/minimal.yaml, metadata: {{fallback-allowed: true}}}}
        - {{iccid: "{b}", package: profiles/minimal.yaml}}
        - {{iccid: "{c}", package: profiles/minimal.yaml, metadata: {{ecall: true}}}}
      orders:
        - {{iccid: "{a}", matchingId: MID-0001}}
        - {{iccid: "{b}", matchingId: MID-0002}}
        - {{iccid: "{c}", matchingId: MID-0003}}
    dev1: {{retries: 2}}
faults:
  - {{name: f, match: {{point: {point}, at: card, nth: {nth}}}, action: power-loss}}
steps:
  - eim: {{at: eim1, to: card, do: download, activationCode: "1$dp1.example.com$MID-0001"}}
  - eim: {{at: eim1, to: card, do: download, activationCode: "1$dp1.example.com$MID-0002"}}
  - eim: {{at: eim1, to: card, do: download, activationCode: "1$dp1.example.com$MID-0003"}}
  - ipa: {{at: dev1, do: poll, expect: {{installed: 3}}}}
  - note: three profiles
  - eim: {{at: eim1, to: card, do: enable, iccid: "{b}"}}
  - eim: {{at: eim1, to: card, operations: [{{do: set-fallback, iccid: "{a}"}}, {{do: list-profile-info}}]}}
""" + TWICE.format("poll") + TWICE.format("fallback") + """
  - expect: {{card: {{profiles: [{{iccid: "{a}", state: enabled}}, {{iccid: "{b}", state: disabled}}, {{iccid: "{c}", state: disabled}}]}}}}
""" + TWICE.format("return-from-fallback") + """
  - expect: {{card: {{profiles: [{{iccid: "{a}", state: disabled}}, {{iccid: "{b}", state: enabled}}, {{iccid: "{c}", state: disabled}}]}}}}
""" + TWICE.format("enable-emergency-profile") + """
  - expect: {{card: {{profiles: [{{iccid: "{a}", state: disabled}}, {{iccid: "{b}", state: disabled}}, {{iccid: "{c}", state: enabled}}]}}}}
""" + TWICE.format("disable-emergency-profile") + """
  - eim: {{at: eim1, to: card, do: enable, iccid: "{a}", rollback: true}}
""" + TWICE.format("poll") + """
  - expect:
      card: {{profiles: [{{iccid: "{a}", state: enabled}}, {{iccid: "{b}", state: disabled}}, {{iccid: "{c}", state: disabled}}]}}
      eim1: {{packages: [{{state: done}}, {{state: done}}, {{state: done}}, {{state: done}}, {{state: done}}, {{state: done}}]}}
""" + TWICE.format("rollback") + TWICE.format("poll") + """
  - expect:
      card: {{profiles: [{{iccid: "{a}", state: disabled}}, {{iccid: "{b}", state: enabled}}, {{iccid: "{c}", state: disabled}}]}}
      eim1: {{packages: [{{state: done}}, {{state: done}}, {{state: done}}, {{state: done}}, {{state: done}}, {{state: rolled-back}}]}}
""" + TWICE.format("reset, options: [operational, eim]") + """
  - ipa: {{at: dev1, do: get-eims, expect: {{eims: 0}}}}
  - expect: {{card: {{profiles: []}}}}
""" + TWICE.format("add-initial-eim, eim: eim1") + """
  - ipa: {{at: dev1, do: get-eims, expect: {{eims: 1}}}}
"""
C = "8988303000000000036"


def test_power_goes_at_every_commit(rspsim, tmp_path):
    """The power of the card goes before and after each commit of packages, fallback, emergency, rollback, reset and AddInitialEim:
    each has happened entirely or not at all, its result is there if it has, and doing it again makes it so."""
    names = []
    for point in ("before-commit", "after-commit"):
        for nth in range(CARD_FIRST, CARD_FIRST + 30):
            names.append(f"{point}-{nth}")
            (tmp_path / f"{names[-1]}.yaml").write_text(CARD.format(name=names[-1], a=A, b=B, c=C, point=point, nth=nth))
    done = rspsim("run", tmp_path, "--trace-dir", tmp_path / "traces", "--state", tmp_path / "state", "--secrets", "--quiet",
                  "--jobs", "2")
    unfired = {m[1] for m in re.finditer(r"(\S+)\.yaml:\d+:.*to fire", done.stderr)}
    failed = {m[1] for m in re.finditer(r"(\S+?)\.yaml:?", done.stderr)} - unfired
    assert not failed, done.stderr
    fired = [n for n in names if n not in {u.rpartition("/")[2] for u in unfired}]
    assert 20 <= len(fired) < len(names)
    for name in fired:
        messages = list(sent(tmp_path / "traces" / f"{name}.jsonl"))
        assert judge_packages(messages, 3) == 3
        did = Counter(function for function, leg, _ in messages if function.startswith("ESep.") and leg == "request")
        assert did == {"ESep.Enable": 2, "ESep.SetFallbackAttribute": 1, "ESep.ListProfileInfo": 1}
