"""A thousand devices moved to another profile: what the eIM wrote down is held against what the cards did and
signed, by the trace of the run and python-cryptography alone."""

import json
import pathlib
import shutil
import sqlite3
import tempfile

import pytest
import yaml
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from tlv import find, walk, whole

COUNT = 1000
NO_TOKEN = bytes.fromhex("840100")
STATES = ["queued", "delivered", "done", "failed", "rolled-back", "expired"]
# SGP.32 5.13, the results that this fleet meets
ENABLE = {1: "iccidOrAidNotFound", 3: "disallowedByPolicy"}
AUTHENTICATE_CLIENT = {11: "insufficientMemory"}
DELETE = {2: "profileNotInDisabledState", 1: "iccidOrAidNotFound"}


def luhn(digits):
    total = sum(sum(divmod(2 * int(d), 10)) if i % 2 == 0 else int(d) for i, d in enumerate(reversed(digits)))
    return digits + str(-total % 10)


def nth(iccid, n):
    """The ICCID N after this one."""
    return luhn(str(int(iccid[:-1]) + n))


def digits(octets):
    return "".join(f"{o & 15:x}{o >> 4:x}" for o in octets).rstrip("f")


def verify(key, signature, message):
    r, s = (int.from_bytes(signature[i:i + 32], "big") for i in (0, 32))
    key.verify(encode_dss_signature(r, s), message, ec.ECDSA(hashes.SHA256()))


def issued(cert, issuer):
    issuer.public_key().verify(cert.signature, cert.tbs_certificate_bytes, ec.ECDSA(hashes.SHA256()))


def refusal(trigger):
    """The SM-DP+'s answer that a profileDownloadError quotes: AuthenticateClientResponse, by its error."""
    quoted = dict((tag, value) for tag, value, _ in walk(find(trigger, 0x30))).get(0x04)
    if not quoted:
        return "undefinedError"
    tag, value, _ = next(walk(quoted))
    answer = next(walk(value))[1] if tag == 0xA2 else value
    return AUTHENTICATE_CLIENT.get(find(answer, 0x81)[0], "undefinedError")


class Fleet:
    """What the trace tells of each device."""

    def __init__(self, trace, preloaded):
        self.first = preloaded
        self.cards = {name: {iccid: True} for name, iccid in preloaded.items()}
        self.keys, self.eids, self.orders, self.results, self.bodies = {}, {}, {}, {}, {}
        self.listed = {}
        with open(trace) as lines:
            for line in lines:
                head = line[:400]
                if '"kind":"state"' in head or '"kind":"run"' in head:
                    self.event(json.loads(line))
                elif any(f'"function":"{name}"' in head
                         for name in ("GetEimPackage", "ProvideEimPackageResult", "AuthenticateServer")):
                    self.message(json.loads(line))

    def event(self, event):
        if event["kind"] == "run":
            self.ci = x509.load_der_x509_certificate(bytes.fromhex(event["ci"][0]))
            return
        name, state = event["src"], event["state"]
        if name not in self.cards or not state["object"].startswith("8988"):
            return
        card, iccid = self.cards[name], state["object"]
        if state["from"] == "loading":
            assert iccid not in card
        else:
            assert card[iccid] == (state["from"] == "enabled"), (name, event)
        if state["to"] == "deleted":
            del card[iccid]
        else:
            card[iccid] = state["to"] == "enabled"
        # In the middle of a switch one is off and the other not yet on, never two on.
        assert sum(card.values()) <= 1

    def message(self, e):
        if e["kind"] != "message":
            return
        what = e["function"], e["leg"]
        if e["stage"] == "sent" and e.get("body"):
            self.bodies[e["xid"], e["leg"]] = bytes.fromhex(e["body"])
        if e["stage"] != "delivered":
            return
        body = self.bodies.pop((e["xid"], e["leg"]), b"")
        if what == ("AuthenticateServer", "response"):
            self.certificate(e["src"], body)
        elif what == ("GetEimPackage", "response"):
            self.order(body)
        elif what == ("ProvideEimPackageResult", "request"):
            self.result(e["src"].replace("meter", "card"), body)

    def certificate(self, name, body):
        parts = [w for tag, _, w in walk(find(body, 0xBF38, 0xA0)) if tag == 0x30]
        if len(parts) < 3 or name in self.keys:
            return
        euicc, eum = (x509.load_der_x509_certificate(w) for w in parts[1:3])
        issued(euicc, eum)
        issued(eum, self.ci)
        self.eids[name] = euicc.subject.get_attributes_for_oid(x509.NameOID.SERIAL_NUMBER)[0].value
        self.keys[name] = euicc.public_key()

    def order(self, body):
        content = find(body, 0xBF4F)
        kinds = {tag: value for tag, value, _ in walk(content)}
        if 0xBF51 in kinds:
            signed = find(kinds[0xBF51], 0x30)
            self.orders[find(signed, 0x82)] = [tag for tag, _, _ in walk(find(signed, 0xA0))]
        elif 0xBF54 in kinds:
            self.orders[find(kinds[0xBF54], 0x82)] = ["download"]

    def result(self, name, body):
        content = find(body, 0xBF50)
        kinds = {tag: value for tag, value, _ in walk(content)}
        eid = kinds[0x5A].hex()
        assert self.eids.setdefault(name, eid) == eid
        if 0xBF54 in kinds:
            self.downloaded(name, kinds[0xBF54])
        else:
            self.executed(name, kinds[0xBF51])

    def downloaded(self, name, trigger):
        transaction = find(trigger, 0x82)
        result = {tag: value for tag, value, _ in walk(trigger)}.get(0xBF37)
        outcome = "failed"
        if result is not None:
            verify(self.keys[name], find(result, 0x5F37), whole(result, 0xBF27))
            if next(walk(find(result, 0xBF27, 0xA2)))[0] == 0xA0:
                outcome = "done"
        self.results[transaction] = name, outcome, "ok" if outcome == "done" else refusal(trigger)

    def executed(self, name, package):
        form, answer, _ = next(walk(package))
        assert form in (0xA0, 0xA1), "results are signed"
        signed = find(answer, 0x30)
        verify(self.keys[name], find(answer, 0x5F37), whole(answer, 0x30) + NO_TOKEN)
        transaction = find(signed, 0x82)
        if form == 0xA1:
            self.results[transaction] = name, "failed", "undefinedError"
            return
        outcome = "done", "ok"
        for tag, value, _ in walk(find(signed, 0x30)):
            if tag == 0xBF2D:
                self.listed[name] = {digits(find(p, 0x5A)): find(p, 0x9F70) == b"\1"
                                     for _, p, _ in walk(find(value, 0xA0))}
            elif tag == 0x8C and value == b"\0":
                outcome = "rolled-back", "rollback"
            elif value != b"\0":
                names = {0x83: ENABLE, 0x85: DELETE}[tag]
                outcome = "failed", names.get(value[0], "undefinedError")
        before = self.results.get(transaction)
        if not before or before[1] != "rolled-back":
            self.results[transaction] = name, *outcome


def preloaded(root):
    """The ICCID that each card begins with, enabled."""
    world = yaml.safe_load((root / "scenarios/worlds/fleet.yaml").read_text())["world"]["actors"]
    apart = yaml.safe_load((root / "scenarios/fleet/fleet-1000.yaml").read_text())["world"]["actors"]
    assert world["card"]["count"] == COUNT
    cards = {}
    for n in range(COUNT):
        name = f"card-{n + 1:04}"
        own = apart.get(name, {}).get("preloaded")
        first = (own or world["card"]["preloaded"])[0]
        assert first["state"] == "enabled"
        cards[name] = first["iccid"] if own else nth(first["iccid"], n)
    return cards


@pytest.fixture(scope="module")
def run(rspsim, root, tmp_path_factory):
    """The trace, read; and the eIM's database."""
    memory = pathlib.Path("/dev/shm")
    folder = pathlib.Path(tempfile.mkdtemp(dir=memory if memory.is_dir() else tmp_path_factory.mktemp("fleet")))
    try:
        done = rspsim("run", "scenarios/fleet/fleet-1000.yaml", "--trace-dir", folder, "--state", folder, "--report",
                      folder / "report.json", check=0)
        assert len((done.stdout + done.stderr).splitlines()) < 5, "a thousand devices do not flood the terminal"
        fleet = Fleet(folder / "fleet-1000.jsonl", preloaded(root))
        db = sqlite3.connect(folder / "fleet-1000/eim1.db")
        yield fleet, db, json.loads((folder / "report.json").read_text())["scenarios"][0]
        db.close()
    finally:
        shutil.rmtree(folder)


def test_none_is_lost(run):
    """Each card has one profile enabled: the new one, or the one before."""
    fleet, _, _ = run
    stayed = {name for name, card in fleet.cards.items() if card.get(fleet.first[name])}
    assert all(sum(card.values()) == 1 for card in fleet.cards.values())
    assert len(fleet.cards) == COUNT
    assert stayed == {"card-0100", "card-0300", "card-0700", "card-0900", "card-1000"}
    # Who has moved has let the old one go.
    assert all(len(card) == 1 for name, card in fleet.cards.items() if name not in stayed)


def test_cards_sign_what_they_have(run):
    fleet, _, _ = run
    assert fleet.listed == fleet.cards


def test_table_of_the_eim_agrees(run):
    fleet, db, _ = run
    believed = {name: {} for name in fleet.cards}
    names = {eid: name for name, eid in fleet.eids.items()}
    assert len(names) == COUNT
    for eid, iccid, enabled in db.execute("SELECT eid, iccid, enabled FROM profile"):
        believed[names[eid]][iccid] = bool(enabled)
    assert believed == fleet.cards


def test_outcome_of_each_order(run):
    """By what the cards signed, as far as it reached the eIM."""
    fleet, db, report = run
    rows = db.execute("SELECT transaction_id, eid, state, result FROM package").fetchall()
    assert len(rows) == 4003
    for transaction, eid, state, result in rows:
        name, outcome, why = fleet.results[transaction]
        assert (fleet.eids[name], outcome, why) == (eid, STATES[state], result)
        assert transaction in fleet.orders
    told = report["eims"][0]
    counts = {state: sum(row[2] == i for row in rows) for i, state in enumerate(STATES)}
    assert told["packages"] == counts
    assert [p["eid"] for p in told["notDone"]] == [row[1] for row in rows if STATES[row[2]] != "done"]


def test_counters_never_repeat(run):
    _, db, _ = run
    rows = db.execute("SELECT eid, counter FROM package WHERE counter > 0").fetchall()
    assert len(set(rows)) == len(rows) == 3001
