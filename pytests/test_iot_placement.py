"""Where an IPA may be: in the eUICC, and in front of a card without IoT functions, seen from outside by the trace."""

import http.client
import json
import ssl
import subprocess

import pytest

from test_iot_card import A, B, Eim
from tlv import find, make, read, walk

FLOWS = ["ipae-activation-code", "ipae-direct", "ipae-indirect", "ipae-rollback-no-coverage"]


def events_of(rspsim, root, folder, name):
    rspsim("run", root / f"scenarios/iot/{name}.yaml", "--trace-dir", folder, "--quiet", check=0)
    events = [json.loads(line) for line in (folder / f"{name}.jsonl").read_text().splitlines()]
    return [e for e in events if e["kind"] == "message" and e["stage"] == "sent"]


@pytest.mark.parametrize("name", FLOWS)
def test_ipa_in_the_euicc_needs_no_store_data(rspsim, root, tmp_path, name):
    """By name all its ES10 calls are in the trace; over the terminal's interface goes only the activation."""
    sent = [e for e in events_of(rspsim, root, tmp_path, name) if e["leg"] == "request"]
    apdus = [e["body"] for e in sent if e["interface"] == "APDU"]
    assert {a[10:14] for a in apdus if a[2:4] == "e2"} == {"bf42"}
    assert {e["function"] for e in sent} >= {"GetEimConfigurationData", "LoadBoundProfilePackage", "GetEimPackage"}
    # What else the terminal sends are channels, SELECT, what it can do, and what its modem and tester read.
    assert {a[2:4] for a in apdus} <= {"70", "a4", "aa", "10", "e2", "b0", "b2", "88", "c0"}


# --- in front of a consumer card: packages of an eIM made of python-cryptography, results read octet by octet ---

NO_SIGNATURE = bytes(64)
FIRST_SEQ = 1 << 30
ENABLE, DISABLE, LIST_EIM = 0xA3, 0xA4, make(0xAB, b"")


class Emulation:
    """Scenarios against one IPA; injected packages and what comes back for them."""

    def __init__(self, rspsim, path, token=False):
        self.rspsim, self.path, self.runs = rspsim, path, 0
        self.eim = Eim(b"eim.example.com")
        self.add = (f'- ipa: {{at: dev1, do: add-initial-eim, eim-id: eim.example.com, public-key: "{self.eim.info().hex()}"'
                    f'{", token: true" if token else ""}}}')
        if token:
            self.eim.token = bytes.fromhex("840101")

    def run(self, *steps, faults=""):
        """Answers to the packages among STEPS (octets), in their order; other steps are YAML."""
        self.runs += 1
        lines = [s if isinstance(s, str) else "- send: {as: tester, to: dev1.example.com, function: ESipa.TransferEimPackage, "
                 f'hex: "{make(0xBF4E, s).hex()}"}}' for s in steps]
        folder = self.path / str(self.runs)
        folder.mkdir()
        (folder / "emulation.yaml").write_text(
            f"scenario: emulation\n{faults}world:\n  use: worlds/iot-emulated.yaml\nsteps:\n" + "".join(f"  {line}\n" for line in lines))
        self.rspsim("run", folder / "emulation.yaml", "--trace-dir", folder, "--state", self.path / "state", "--quiet", check=0)
        events = [json.loads(line) for line in (folder / "emulation.jsonl").read_text().splitlines()]
        self.messages = [e for e in events if e["kind"] == "message" and e["stage"] == "sent"]
        return [find(bytes.fromhex(e["body"]), 0xBF4E, 0xBF51) for e in self.messages
                if e["function"] == "TransferEimPackage" and e["leg"] == "response"]

    def calls(self):
        return [e["function"] for e in self.messages if e["interface"] == "ES10c" and e["leg"] == "request"]


@pytest.fixture(params=[False, True], ids=["bare", "token"])
def emulation(rspsim, tmp_path, request):
    return Emulation(rspsim, tmp_path, request.param)


def result_of(answer, eim, counter):
    """(seqNumber, results) of a result for COUNTER that nobody has signed."""
    data, signature = find(answer, 0xA0, 0x30), find(answer, 0xA0, 0x5F37)
    assert signature == NO_SIGNATURE
    assert find(data, 0x80) == eim.name and int.from_bytes(find(data, 0x81), "big") == counter
    seq = int.from_bytes(find(data, 0x83), "big")
    assert seq >= FIRST_SEQ
    return seq, find(data, 0x30)


def error_of(answer):
    assert find(answer, 0xA1, 0x5F37) == NO_SIGNATURE
    return find(answer, 0xA1, 0x30, 0x02)[-1]


def operation(tag, iccid, flag=b""):
    return make(tag, make(0x5A, iccid) + flag)


def test_emulation_verifies_what_it_runs(emulation):
    """Good packages run; a signature by another key, over other octets or without the token is unsigned for."""
    eim = emulation.eim
    good = eim.package([LIST_EIM], kind=0xA1)
    stranger = eim.package([LIST_EIM], kind=0xA1, key=Eim().key)
    altered = bytearray(eim.package([LIST_EIM], kind=0xA1))
    altered[-1] ^= 1
    wrong_token = Eim(eim.name)
    wrong_token.key, wrong_token.counter = eim.key, eim.counter
    wrong_token.token = bytes.fromhex("840102")
    unknown = eim.package([LIST_EIM], kind=0xA1, name=b"eim2.example.com")
    other_eid = eim.package([LIST_EIM], kind=0xA1, eid=bytes(16))
    too_high = eim.package([LIST_EIM], kind=0xA1, counter=8388608)
    too_long = eim.package([LIST_EIM] * 9000, kind=0xA1)
    last = eim.package([LIST_EIM], kind=0xA1)
    answers = emulation.run(emulation.add, good, stranger, bytes(altered), wrong_token.package([LIST_EIM], kind=0xA1),
                            unknown, other_eid, too_high, too_long, good, last)
    seq, results = result_of(answers[0], eim, 1)
    assert find(results, 0xAB, 0xA0, 0x30, 0x80) == eim.name
    for refused in answers[1:5]:
        assert [tag for tag, _, _ in walk(refused)] == [0xA2]
    assert [error_of(a) for a in answers[5:9]] == [3, 6, 15, 4]
    again, _ = result_of(answers[9], eim, eim.counter)
    assert again == seq + 1
    assert emulation.calls() == ["GetEID", "GetProfilesInfo", "GetProfilesInfo"]


def test_emulation_is_kept(emulation):
    """eIM, counter, results and the right to roll back outlive the device's end."""
    eim = emulation.eim
    first = eim.package([LIST_EIM], kind=0xA1)
    emulation.run(emulation.add, first)
    second = eim.package([operation(ENABLE, A), operation(DISABLE, B)])
    answers = emulation.run("- ipa: {at: dev1, do: add-initial-eim, eim: eim1, expect: {error: associatedEimAlreadyExists}}",
                            first, second)
    assert error_of(answers[0]) == 4
    seq, results = result_of(answers[1], eim, 2)
    assert (seq, results.hex()) == (FIRST_SEQ + 1, "830101")
    emulation.run("- ipa: {at: dev1, do: reset}")
    answers = emulation.run(emulation.add.replace("public-key", "counter: 1, public-key"), second)
    assert [tag for tag, _, _ in walk(answers[0])] == ([0xA2] if eim.token[2] else [0xA0])


def test_emulation_cut_off_is_interrupted(emulation):
    """The card does not answer: the package ends with what is known, and is not run again."""
    eim = emulation.eim
    package = eim.package([operation(ENABLE, A)])
    silent = ("faults:\n  - name: silent\n    match: {function: ES10c.GetProfilesInfo, leg: request, from: dev1}\n"
              "    action: drop\n")
    answers = emulation.run(emulation.add, package, faults=silent)
    assert result_of(answers[0], eim, 1)[1].hex() == "020103"
    assert error_of(emulation.run(package)[0]) == 4


@pytest.mark.parametrize("name", ["emulated-packages", "emulated-rollback", "emulated-indirect"])
def test_emulated_results_are_of_their_packages(rspsim, root, tmp_path, name):
    """Between IPA and eIM: each result has the counter and transaction of the package before it."""
    sent = [e for e in events_of(rspsim, root, tmp_path, name) if e["interface"] == "ESipa"]
    package, seqs = None, []
    for body in (bytes.fromhex(e["body"]) for e in sent if e.get("body") and e["encoding"] == "der"):
        tag, value, _, _ = read(body)
        inner = {t: v for t, v, _ in walk(value)} if tag in (0xBF4F, 0xBF50) else {}
        if tag == 0xBF4F and 0xBF51 in inner:
            package = find(inner[0xBF51], 0x30)
        epr = inner.get(0xBF51) or (find(inner[0x30], 0xBF51) if 0x30 in inner and inner[0x30] else None)
        if tag == 0xBF50 and epr:
            data = find(epr, 0xA0, 0x30)
            assert find(epr, 0xA0, 0x5F37) == NO_SIGNATURE
            assert all(find(data, t) == find(package, t) for t in (0x80, 0x81, 0x82))
            seqs.append(int.from_bytes(find(data, 0x83), "big"))
    assert seqs and seqs == sorted(seqs) and set(seqs) == set(range(FIRST_SEQ, max(seqs) + 1))


def test_emulation_refused_without_the_setting(rspsim, root, tmp_path):
    """The eIM answers undefinedError to what no eUICC has signed; with the setting it would have taken it."""
    sent = events_of(rspsim, root, tmp_path, "emulated-result-refused")
    answers = [e["body"] for e in sent if e["function"] == "ProvideEimPackageResult" and e["leg"] == "response"]
    assert answers[-1] == "bf500302017f"


def test_emulation_of_the_client(program, root, tmp_path):
    """`rspsim ipa --emulate`, every command a process of its own, in front of a consumer card, against a served eIM."""
    world = tmp_path / "world.yaml"
    world.write_text("world:\n  use: worlds/serve.yaml\n  actors:\n    eim1: {role: eim, certified-by: ci, "
                     "fqdn: eim1.example.com, devices: all, emulated: all}\n")
    server = subprocess.Popen([program, "serve", world], cwd=root, text=True, stdout=subprocess.PIPE)
    ends = {e["actor"]: e for e in json.loads(server.stdout.readline())["endpoints"]}

    def manage(path, body=None):
        door = ends["eim1"]["management"]
        connection = http.client.HTTPSConnection(door["url"].removeprefix("https://"), timeout=30,
                                                 context=ssl._create_unverified_context())
        connection.request("POST" if body else "GET", path, body and json.dumps(body), {"Authorization": f"Bearer {door['token']}"})
        return json.loads(connection.getresponse().read())

    def ipa(*args, check=0):
        places = [w for name in ("eim1", "dp1") for w in ("--resolve", f"{name}.example.com={ends[name]['address']}")]
        done = subprocess.run([program, "ipa", "--card", f"sim:{world}:card", "--state", tmp_path / "state", "--emulate",
                               tmp_path / "emulation.db", *places, *args], cwd=root, text=True, capture_output=True, timeout=60)
        assert done.returncode == check, done.stderr
        return done.stdout + done.stderr

    try:
        (tmp_path / "eim.json").write_text(json.dumps(manage("/")))
        ipa("configure", tmp_path / "eim.json")
        assert "associatedEimAlreadyExists" in ipa("configure", tmp_path / "eim.json", check=1)
        orders = [{"do": "download", "activationCode": "LPA:1$dp1.example.com$MID-0001"},
                  {"do": "enable", "iccid": "8988303000000000010"}]
        for order in orders:
            manage("/packages", {"eid": "89049032001234000000000000000141", **order})
        assert "packages 2, delivered 2, kept 0, installed 1, failed 0" in ipa("poll")
        assert ipa("list").split()[:2] == ["8988303000000000010", "enabled"]
        assert [p["state"] for p in manage("/packages")] == ["done", "done"]
        assert "rollbackNotAllowed" in ipa("rollback", check=1)
        (tmp_path / "emulation.db").write_bytes(b"something else, and long enough to be looked at")
        assert "database" in ipa("poll", check=2)
    finally:
        server.terminate()
        assert server.wait(timeout=10) == 0


SWEEP = """scenario: {name}
world: worlds/iot-emulated.yaml
faults:
  - {{name: f, match: {{point: {point}, at: dev1, nth: {nth}}}, action: crash}}
steps:
  - ipa: {{at: dev1, do: add-initial-eim, eim: eim1, expect: {{error: any}}}}
  - ipa: {{at: dev1, do: add-initial-eim, eim: eim1, expect: {{error: any}}}}
  - eim: {{at: eim1, to: card, do: download, activationCode: "1$dp1.example.com$MID-0001"}}
  - eim: {{at: eim1, to: card, do: download, activationCode: "1$dp1.example.com$MID-0002"}}
  - eim: {{at: eim1, to: card, do: enable, iccid: "8988303000000000010"}}
  - eim: {{at: eim1, to: card, operations: [{{do: disable, iccid: "8988303000000000010"}},
           {{do: enable, iccid: "8988303000000000028", rollback: true}}]}}
  - ipa: {{at: dev1, do: poll, expect: {{error: any}}}}
  - ipa: {{at: dev1, do: poll, expect: {{error: any}}}}
  - eim: {{at: eim1, to: card, do: list-profile-info}}
  - ipa: {{at: dev1, do: poll}}
  - ipa: {{at: dev1, do: deliver-notifications}}
  - wait: 20m
expect:
  eim1: {{fleet: {{queued: 0, delivered: 0}}}}
"""
SWEPT = 28


@pytest.mark.parametrize("point, first", [("before-commit", 1), ("after-commit", 2)])
def test_emulation_killed_at_its_commits(rspsim, root, tmp_path, point, first):
    """The device dies at its commits, before every other one and after the rest: no package runs twice, none is left open, and the eIM believes what is so."""
    for nth in range(first, SWEPT + 1, 2):
        name = f"swept-{point}-{nth:02}"
        (tmp_path / f"{name}.yaml").write_text(SWEEP.format(name=name, point=point, nth=nth))
    rspsim("run", tmp_path, "--trace-dir", tmp_path, "--quiet", "--jobs", "2", check=0)
    interrupted = 0
    for nth in range(first, SWEPT + 1, 2):
        events = [json.loads(line) for line in (tmp_path / f"swept-{point}-{nth:02}.jsonl").read_text().splitlines()]
        sent = [e for e in events if e["kind"] == "message" and e["stage"] == "sent" and e["interface"] in ("ESipa", "ES10c")]
        calls = [e["function"] for e in sent if e["leg"] == "request"]
        assert calls.count("EnableProfile") <= 2 and calls.count("DisableProfile") <= 1
        results = {}
        for body in (bytes.fromhex(e["body"]) for e in sent if e["function"] == "ProvideEimPackageResult" and e["leg"] == "request"):
            epr = {t: v for t, v, _ in walk(find(body, 0xBF50))}.get(0xBF51)
            if epr and epr[0] == 0xA0:
                results.setdefault(find(epr, 0xA0, 0x30, 0x81), set()).add(find(epr, 0xA0, 0x30, 0x30))
        assert all(len(said) == 1 for said in results.values()) and len(results) == 3
        interrupted += any(b"\x02\x01\x03" in said for r in results.values() for said in r)
    assert interrupted >= 1
