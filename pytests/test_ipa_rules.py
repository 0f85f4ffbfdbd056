"""What the IPA says to its eIMs: its messages in the trace, after answers of an eIM that is made to misbehave."""

import json

import pytest

from tlv import find, make, walk

EID = "89049032001234000000000000000141"
WORLD = """scenario: probe
world:
  use: worlds/iot.yaml
  actors:
    eim2: {role: eim, certified-by: ci, fqdn: eim2.example.com, devices: [card]}
    card: {iot: {eim-limit: 2, eims: [EIMS], version: "VERSION"}}
    eim1: {version: "VERSION"}
    dev1: {version: "VERSION"}
faults:
FAULTS
steps:
STEPS
"""


@pytest.fixture
def probe(rspsim, tmp_path):
    """(function, leg, src, dst, body) of every message on ESipa, as sent."""
    def run(steps, faults=(), eims="{eim: eim1}", version="1.2"):
        text = WORLD.replace("EIMS", eims).replace("VERSION", version)
        if version == "1.0":
            text = text.replace("iot: {", "iot: {", 1)
        text = text.replace("FAULTS", "\n".join("  - " + json.dumps(fault) for fault in faults) or "  []")
        text = text.replace("STEPS", "\n".join("  - " + json.dumps(step) for step in steps))
        (tmp_path / "probe.yaml").write_text(text)
        rspsim("run", tmp_path / "probe.yaml", "--trace-dir", tmp_path, check=0)
        events = [json.loads(line) for line in (tmp_path / "probe.jsonl").read_text().splitlines()]
        return [(e["function"], e["leg"], e["src"], e["dst"], bytes.fromhex(e.get("body", ""))) for e in events
                if e["kind"] == "message" and e["stage"] == "sent" and e.get("interface") == "ESipa"]
    return run


def sent(messages, function, dst="eim1"):
    return [body for name, leg, src, to, body in messages if (name, leg, src, to) == (function, "request", "dev1", dst)]


def eim(at="eim1", **keys):
    return {"eim": dict(at=at, to="card", **keys)}


def poll(**expect):
    return {"ipa": dict(at="dev1", do="poll", **({"expect": expect} if expect else {}))}


def replaced(value, nth=1):
    return {"name": f"answer-{nth}", "match": {"function": "ESipa.GetEimPackage", "leg": "response", "nth": nth}, "action": "replace",
            "value": value.hex() if isinstance(value, bytes) else value}


TRANSACTION = make(0x82, bytes(range(16)))
BAD = "badReply"


@pytest.mark.parametrize("answer,code,transaction", [
    (b"", 1, b""), (b"\xff\xff", 1, b""), (bytes.fromhex("bf4f00"), 1, b""), (bytes.fromhex("bf500302017f"), 1, b""),
    (make(0xBF4F, make(0xBF55, b"")), 2, b""), (make(0xBF4F, make(0xA0, b"")), 2, b""),
    (make(0xBF4F, make(0xBF51, b"")), 1, b""), (make(0xBF4F, make(0xBF51, make(0x30, make(0x80, b"x") + TRANSACTION))), 1, bytes(range(16))),
    (make(0xBF4F, make(0xBF52, make(0x83, b"\1\2"))), 1, b"\1\2"), (make(0xBF4F, make(0xBF54, make(0xA0, make(0x85, b"")) + TRANSACTION)), 1,
                                                                  bytes(range(16))),
    (make(0xBF4F, make(0xBF52, make(0x5C, b"\xbf\x20")) + b"\5\0"), 1, b"")])
def test_what_is_no_package(probe, answer, code, transaction):
    messages = probe([poll(error=BAD, packages=0)], [replaced(answer)])
    refusal = (make(0x80, transaction) if transaction else b"") + make(2, bytes([code]))
    assert sent(messages, "ProvideEimPackageResult") == [make(0xBF50, make(0x5A, bytes.fromhex(EID)) + make(0xA0, refusal))]


@pytest.mark.parametrize("code,name", [(2, "eidNotFound"), (3, "invalidEid"), (4, "missingEid"), (127, "undefinedError"), (99, "undefinedError")])
def test_errors_end_the_poll(probe, code, name):
    messages = probe([poll(error=name)], [replaced(make(0xBF4F, make(2, bytes([code]))))])
    assert len(sent(messages, "GetEimPackage")) == 1 and not sent(messages, "ProvideEimPackageResult")


def test_a_package_that_the_card_cannot_read(probe):
    """The eIM hears which one it was."""
    signed = make(0x30, make(0x80, b"eim1.example.com") + make(0x5A, bytes.fromhex(EID)) + make(0x81, b"\1") + TRANSACTION
                  + make(0xA0, make(0xA6, b"")))
    package = make(0xBF51, signed + make(0x5F37, bytes(257)))  # longer than any signature
    messages = probe([poll(packages=1, failed=1)], [replaced(make(0xBF4F, package))])
    refusal = make(0xA0, make(0x80, bytes(range(16))) + make(2, b"\1"))
    assert sent(messages, "ProvideEimPackageResult") == [make(0xBF50, make(0x5A, bytes.fromhex(EID)) + refusal)]


def test_packages_of_nobody(probe):
    """The card's unsigned errors go to the eIM that was asked, which refuses them: it is asked for nothing more."""
    for eim_id in (b"eim1.example.com", b"eim9.example.com"):
        signed = make(0x30, make(0x80, eim_id) + make(0x5A, bytes.fromhex(EID)) + make(0x81, b"\1") + TRANSACTION
                      + make(0xA0, make(0xA6, b"")))
        messages = probe([poll(error="undefinedError", packages=1, failed=1, result="euiccPackageErrorUnsigned")],
                         [replaced(make(0xBF4F, make(0xBF51, signed + make(0x5F37, bytes(64)))))])
        result = find(sent(messages, "ProvideEimPackageResult")[0], 0xBF50, 0xBF51, 0xA2)
        assert result == make(0x80, eim_id) + TRANSACTION
        assert len(sent(messages, "GetEimPackage")) == 1


@pytest.mark.parametrize("tags,code", [("a7", 1), ("5a", 1), ("bf2d", 1), ("bf2080", 1), ("bf", 1), ("80", 1)])
def test_unknown_tags(probe, tags, code):
    request = make(0xBF52, make(0x5C, bytes.fromhex(tags)) + make(0x83, b"\7"))
    messages = probe([poll(packages=1, failed=1, result="incorrectTagList")], [replaced(make(0xBF4F, request))])
    error = find(sent(messages, "ProvideEimPackageResult")[0], 0xBF50, 0xBF52, 0xA1)
    assert error == make(0x80, b"\7") + make(2, bytes([code]))


def test_another_ci(probe):
    request = make(0xBF52, make(0x5C, b"\xa5\xa6\x84") + make(4, bytes(20)) + make(0x83, b"\7"))
    messages = probe([poll(packages=1, failed=1, result="euiccCiPKIdNotFound")], [replaced(make(0xBF4F, request))])
    assert find(sent(messages, "ProvideEimPackageResult")[0], 0xBF50, 0xBF52, 0xA1) == make(0x80, b"\7") + make(2, b"\5")


def test_all_data(probe):
    every = "a0" "81" "a2" "bf20" "bf22" "83" "84" "a5" "a6" "87" "a8" "a9"
    request = make(0xBF52, make(0x5C, bytes.fromhex(every)) + make(0x83, b"\7"))
    messages = probe([poll(packages=1, result="ok")], [replaced(make(0xBF4F, request))], eims="{eim: eim1, token: true}")
    data = find(sent(messages, "ProvideEimPackageResult")[0], 0xBF50, 0xBF52, 0xA0)
    assert [tag for tag, *_ in walk(data)] == [0xA0, 0x81, 0xA2, 0xBF20, 0xBF22, 0x83, 0x84, 0xA5, 0xA6, 0x87, 0xA8, 0xA9]
    assert find(data, 0x81) == b"dp1.example.com" and find(data, 0x84) == b"\1" and find(data, 0x87) == b"\7"
    assert find(data, 0xBF22, 0xB4, 0xA0, 0x04) == b"\1\2\0"


@pytest.mark.parametrize("code", ["", "LPA:", "1$", "1$$x", "2$dp1.example.com$x", "1$dp1.example.com", "1$nowhere.example.com$x"])
def test_downloads_that_cannot_be(probe, code):
    trigger = make(0xBF54, make(0xA0, make(0x80, code.encode())) + make(0x82, b"\7"))
    messages = probe([poll(packages=1, failed=1)], [replaced(make(0xBF4F, trigger))])
    result = find(sent(messages, "ProvideEimPackageResult")[0], 0xBF50, 0xBF54)
    assert [tag for tag, *_ in walk(result)] == [0x82, 0x30]
    assert find(result, 0x30, 0x80) == b"\x7f" and find(result, 0x82) == b"\7"


def test_who_is_told_of_changes(probe):
    steps = [eim(do="download", activationCode="1$dp1.example.com$MID-0001"), poll(packages=1),
             eim(do="enable", iccid="8988303000000000010"), poll(packages=1),
             eim(at="eim2", do="list-profile-info"), poll(packages=1),
             eim(at="eim2", do="disable", iccid="8988303000000000010"), poll(packages=1),
             {"ipa": {"at": "dev1", "do": "reset", "options": ["immediate-enable"]}}, poll(), poll()]
    messages = probe(steps, eims="{eim: eim1}, {eim: eim2}")
    own = make(0x5A, bytes.fromhex(EID))
    quiet, other, reset = (make(0xBF4F, own + more) for more in (b"", b"\x80\0\x81\1\0", b"\x80\0\x81\1\4"))
    # eim1: download and none; enable and none; none; none, before eim2's; reset, which is newer than that; none
    assert sent(messages, "GetEimPackage") == [quiet, quiet, quiet, quiet, quiet, quiet, reset, quiet]
    # eim2: installed; enabled; list and none; disable and none; reset; none
    assert sent(messages, "GetEimPackage", "eim2") == [other, other, quiet, quiet, quiet, quiet, reset, quiet]


@pytest.mark.parametrize("answer,left", [
    ("", 1), ("bf50023000", 1), ("bf500302017f", 1), ("bf5003020102", 1), ("ff", 1), ("bf5000", 1), ("bf5003bf5300", 1), ("bf5006bf5303800163", 1),
    ("bf5006bf53038001ff", 1)])
def test_results_stay_until_acknowledged(probe, answer, left):
    """Whatever the eIM says: the card keeps the result until it is named, and it comes again with the next poll."""
    fault = {"name": "answer", "match": {"function": "ESipa.ProvideEimPackageResult", "leg": "response", "nth": 1}, "action": "replace",
             "value": answer}
    names = {"bf500302017f": "undefinedError", "bf5003020102": "eidNotFound", "ff": BAD, "bf5000": BAD}
    messages = probe([eim(do="get-rat"), poll(packages=1, **({"error": names[answer]} if answer in names else {})), poll(packages=0), poll()], [fault])
    results = sent(messages, "ProvideEimPackageResult")
    assert len(results) == 1 + left and len(set(results)) == 1


def test_too_many_packages(probe):
    """An eIM that never ends does not hold the IPA for ever."""
    request = make(0xBF4F, make(0xBF52, make(0x5C, b"\x84") + make(0x83, b"\7")))
    fault = {"name": "answer", "match": {"function": "ESipa.GetEimPackage", "leg": "response", "every": 1}, "action": "replace",
             "value": request.hex()}
    messages = probe([poll(error="tooManyPackages", packages=256)], [fault])
    assert len(sent(messages, "GetEimPackage")) == 256
