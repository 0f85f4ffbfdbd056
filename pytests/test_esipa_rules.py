"""Rules of ESipa for the eIM that an acceptance test would try: malformed, foreign, repeated and forged messages, on octets
that no IPA of the simulator makes."""

import base64
import http.client
import json
import random

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, utils

import tlv
from test_eim import ECDSA, EID, ICCID, STRANGER, eim
from tlv import make

__all__ = ["eim"]
ASN1 = {"Content-Type": "application/x-gsma-rsp-asn1", "X-Admin-Protocol": "gsma/rsp/v2.1.0"}
ASK = make(0xBF4F, make(0x5A, bytes.fromhex(EID)))
SAID = make(0x5A, bytes.fromhex(EID))
UNDEFINED = "bf500302017f"
EMPTY = "bf50023000"


def post(eim, body, headers=ASN1, path="/gsma/rsp2/asn1", method="POST"):
    connection = http.client.HTTPSConnection(eim.endpoint["url"].removeprefix("https://"), context=eim.context, timeout=30)
    connection.request(method, path, body, headers)
    reply = connection.getresponse()
    content = reply.read()
    connection.close()
    return reply.status, reply.headers, content


def order(eim, *operations, **keys):
    ids = eim.manage("POST", "/packages", {"eid": EID, "operations": list(operations), **keys} if operations else
                     {"eid": EID, **keys})[1]["ids"]
    return ids[-1]


def state(eim, number):
    package = eim.manage("GET", f"/packages/{number}")[1]
    return package["state"], package.get("result")


def deliver(eim):
    return tlv.whole(eim.asn1(ASK), 0xBF4F, 0xBF51)


def signed(eim, data, kind=0xA0, key=None, token="840100"):
    r, s = utils.decode_dss_signature((key or eim.card).sign(data + bytes.fromhex(token), ECDSA))
    return make(0xBF51, make(kind, data + make(0x5F37, r.to_bytes(32, "big") + s.to_bytes(32, "big"))))


def fields(counter, transaction, seq=b"\1", eim_id=b"eim1.example.com", results=bytes.fromhex("a600")):
    return make(0x30, make(0x80, eim_id) + make(0x81, counter) + transaction + make(0x83, seq) + make(0x30, results))


def test_headers(eim):
    status, headers, content = post(eim, ASK)
    assert (status, content.hex()) == (200, "bf4f03020101")
    assert headers["Content-Type"] == "application/x-gsma-rsp-asn1" and headers["X-Admin-Protocol"].startswith("gsma/rsp/v")
    assert post(eim, ASK, {"Content-Type": ASN1["Content-Type"]})[0] == 400
    assert post(eim, ASK, dict(ASN1, **{"X-Admin-Protocol": "gsma/rsp"}))[0] == 400
    assert post(eim, ASK, dict(ASN1, **{"Content-Type": "text/plain"}))[0] == 415
    status, headers, _ = post(eim, None, method="GET")
    assert (status, headers["Allow"]) == (405, "POST")
    assert post(eim, ASK, path="/gsma/rsp2/esipa")[0] == 404
    assert post(eim, bytes(20 << 20))[0] == 413


@pytest.mark.parametrize("body", ["", "ff" * 9, "bf6000", "bf4f", "bf4f8000" + "00", ASK.hex() + "00", ASK.hex() * 2,
                                  "bf4f81125a10" + EID, "bf4f805a10" + EID + "0000", "bf4f84ffffffff", "3000"])
def test_no_message(eim, body):
    assert post(eim, bytes.fromhex(body))[::2] == (400, b"")
    assert eim.asn1(ASK).hex() == "bf4f03020101"


@pytest.mark.parametrize("content,answer", [
    ("", 4), ("8000", 4), ("5a0f" + EID[:30], 3), ("5a11" + EID + "00", 3), ("5a00", 3), ("5a10" + EID[:-1] + "0", 3), ("5a10" + STRANGER, 2),
    ("5a10" + EID, 1), ("5a10" + EID + "8000810101", 1), ("5a10" + EID + "8203001101", 1), ("5a10" + EID + "850100", 1),
    ("5a10" + EID + "80008101018203001101", 1), ("8000" + "5a10" + EID, 127), ("5a10" + EID + "8100", 127), ("5a10" + EID + "820100", 127)])
def test_who_asks(eim, content, answer):
    assert eim.asn1(make(0xBF4F, bytes.fromhex(content))) == make(0xBF4F, make(2, bytes([answer])))


@pytest.mark.parametrize("content,answer", [
    ("", UNDEFINED), ("3000", UNDEFINED), (SAID.hex(), UNDEFINED), ("bf5100", UNDEFINED), ("bf5b00", UNDEFINED), ("020101", UNDEFINED),
    ("a003020102", EMPTY), (SAID.hex() + "a003020102", EMPTY), (SAID.hex() + "bf5202a000", EMPTY),
    ("5a10" + STRANGER + "a003020102", "bf5003020102"), ("5a10" + EID[:-1] + "0" + "a003020102", "bf5003020103"),
    (SAID.hex() + "a003020102" * 2, UNDEFINED), ("a003020102" + SAID.hex(), UNDEFINED), (SAID.hex() * 2 + "a003020102", UNDEFINED)])
def test_who_provides(eim, content, answer):
    number = order(eim, {"do": "get-rat"})
    assert eim.asn1(make(0xBF50, bytes.fromhex(content))).hex() == answer
    assert state(eim, number) == ("queued", None)


def test_what_is_no_result_of_the_package(eim):
    number = order(eim, {"do": "get-rat"})
    counter, transaction = eim.open(deliver(eim))
    transaction = make(0x82, transaction)
    later = (int.from_bytes(counter, "big") + 1).to_bytes(len(counter), "big")
    stranger = ec.generate_private_key(ec.SECP256R1())
    good = signed(eim, fields(counter, transaction))
    for wrong in (signed(eim, fields(later, transaction)), signed(eim, fields(counter, make(0x82, bytes(16)))),
                  signed(eim, fields(counter, transaction, eim_id=b"eim2.example.com")), signed(eim, fields(counter, transaction), key=stranger),
                  signed(eim, fields(counter, transaction), token="840101"), signed(eim, fields(counter, transaction), token=""),
                  signed(eim, fields(counter, transaction, seq=b"\1") + b"", kind=0xA1), good.replace(b"\xa6\0", b"\xa6\1"),
                  signed(eim, make(0x30, make(0x80, b"eim2") + make(0x81, counter) + transaction + make(2, b"\4")), kind=0xA1),
                  make(0xBF51, make(0xA2, make(0x80, b"eim2.example.com") + transaction)),
                  make(0xBF51, make(0xA2, make(0x80, b"eim1.example.com") + make(0x82, b"\1"))), make(0xBF51, make(0xA3, b""))):
        for eid in (SAID, b""):
            answer = eim.asn1(make(0xBF50, eid + wrong)).hex()
            assert answer in (UNDEFINED, "bf5003020104"), wrong.hex()
        assert state(eim, number) == ("delivered", None), wrong.hex()
    assert eim.manage("POST", "/euiccs", {"eid": STRANGER})[0] == 201
    assert eim.asn1(make(0xBF50, make(0x5A, bytes.fromhex(STRANGER)) + good)).hex() == UNDEFINED
    assert state(eim, number) == ("delivered", None)
    # With what it signed, notifications are not taken either.
    notification = make(0x30, make(0xBF2F, make(0x80, b"\7") + make(0x81, b"\4\x80") + make(0x0C, b"dp1.example.com") + make(0x5A, bytes(10)))
                        + make(0x5F37, bytes(64)) + make(0x30, b"") * 2)
    both = make(0x30, signed(eim, fields(later, transaction)) + make(0xA0, notification))
    assert eim.asn1(make(0xBF50, SAID + both)).hex() == UNDEFINED
    assert eim.asn1(make(0xBF50, good)).hex() == "bf5006bf5303800101"  # the EID need not be said
    assert state(eim, number) == ("done", "ok")
    assert eim.asn1(make(0xBF50, SAID + good)).hex() == "bf5006bf5303800101"  # repeated: acknowledged again
    assert eim.asn1(ASK).hex() == "bf4f03020101"


def test_errors_settle_the_package(eim):
    for code, name in ((3, "invalidEid"), (4, "replayError"), (6, "counterValueOutOfRange"), (15, "sizeOverflow"), (104, "ecallActive")):
        number = order(eim, {"do": "get-rat"})
        counter, transaction = eim.open(deliver(eim))
        data = make(0x30, make(0x80, b"eim1.example.com") + make(0x81, counter) + make(0x82, transaction) + make(2, bytes([code])))
        assert eim.asn1(make(0xBF50, SAID + signed(eim, data, kind=0xA1))).hex() == EMPTY
        assert state(eim, number) == ("failed", name)
    number = order(eim, {"do": "get-rat"})
    _, transaction = eim.open(deliver(eim))
    assert eim.asn1(make(0xBF50, SAID + make(0xBF51, make(0xA2, make(0x80, b"eim1.example.com") + make(0x82, transaction))))).hex() == EMPTY
    assert state(eim, number) == ("failed", "euiccPackageErrorUnsigned")
    for code, name in ((1, "invalidPackageFormat"), (2, "unknownPackage"), (127, "undefinedError")):
        number = order(eim, {"do": "get-rat"})
        _, transaction = eim.open(deliver(eim))
        refusal = make(0xA0, make(0x80, transaction) + make(2, bytes([code])))
        assert eim.asn1(make(0xBF50, SAID + refusal)).hex() == EMPTY
        assert state(eim, number) == ("failed", name)
        counter = eim.asn1(ASK)
        assert counter.hex() == "bf4f03020101"


def test_a_result_after_its_replay_error(eim):
    """The card had executed the package before: what it said then is what counts, whenever it comes."""
    number = order(eim, {"do": "enable", "iccid": "8988303000000000010"})
    counter, transaction = eim.open(deliver(eim))
    data = make(0x30, make(0x80, b"eim1.example.com") + make(0x81, counter) + make(0x82, transaction) + make(2, b"\4"))
    assert eim.asn1(make(0xBF50, SAID + signed(eim, data, kind=0xA1))).hex() == EMPTY
    assert state(eim, number) == ("failed", "replayError")
    late = signed(eim, fields(counter, make(0x82, transaction), results=bytes.fromhex("830100")))
    assert eim.asn1(make(0xBF50, SAID + late)).hex() == "bf5006bf5303800101"
    assert state(eim, number) == ("done", "ok")
    assert eim.manage("GET", "/euiccs/" + EID)[1]["profiles"] == [{"iccid": "8988303000000000010", "state": "enabled"}]


def test_several_operations(eim):
    """The first that failed names the result; those before it are believed."""
    number = order(eim, {"do": "enable", "iccid": "8988303000000000010"}, {"do": "get-rat"}, {"do": "delete", "iccid": "8988303000000000028"})
    counter, transaction = eim.open(deliver(eim))
    results = bytes.fromhex("830100a600850103")
    data = fields(counter, make(0x82, transaction), seq=b"\0\x80", results=results)
    assert eim.asn1(make(0xBF50, SAID + signed(eim, data))).hex() == "bf5007bf530480020080"
    assert state(eim, number) == ("failed", "disallowedByPolicy")
    assert eim.manage("GET", "/euiccs/" + EID)[1]["profiles"] == [{"iccid": "8988303000000000010", "state": "enabled"}]
    number = order(eim, {"do": "get-rat"}, {"do": "get-rat"})
    counter, transaction = eim.open(deliver(eim))
    data = fields(counter, make(0x82, transaction), results=bytes.fromhex("a600020101"))
    assert eim.asn1(make(0xBF50, SAID + signed(eim, data))).hex() == "bf5006bf5303800101"
    assert state(eim, number) == ("failed", "resultSizeOverflow")


def test_a_change_of_state_forgets(eim):
    order(eim, {"do": "list-profile-info"})
    counter, transaction = eim.open(deliver(eim))
    listed = bytes.fromhex("bf2d14a012e3105a0a" + ICCID + "9f700101")
    eim.asn1(make(0xBF50, SAID + signed(eim, fields(counter, make(0x82, transaction), results=listed))))
    believed = eim.manage("GET", "/euiccs/" + EID)[1]["profiles"]
    assert len(believed) == 1
    for cause in range(7):
        eim.asn1(make(0xBF4F, SAID + b"\x80\0" + make(0x81, bytes([cause]))))
        assert eim.manage("GET", "/euiccs/" + EID)[1]["profiles"] == []


def test_the_counter_is_used_up(eim):
    """What cannot be signed any more fails, and stands in the way of nothing."""
    assert eim.manage("POST", "/euiccs", {"eid": STRANGER, "counter": 8388606})[0] == 201
    eim.manage("POST", "/packages", {"eid": STRANGER, "do": "get-rat"})
    last = tlv.whole(eim.asn1(make(0xBF4F, make(0x5A, bytes.fromhex(STRANGER)))), 0xBF4F, 0xBF51)
    counter, transaction = eim.open(last)
    assert int.from_bytes(counter, "big") == 8388607
    refusal = make(0xA0, make(0x80, transaction) + make(2, b"\1"))
    eim.asn1(make(0xBF50, make(0x5A, bytes.fromhex(STRANGER)) + refusal))
    ids = [eim.manage("POST", "/packages", {"eid": STRANGER, "do": what})[1]["ids"][0] for what in ("get-rat", "list-eim", "data-request")]
    answer = eim.asn1(make(0xBF4F, make(0x5A, bytes.fromhex(STRANGER))))
    assert tlv.find(answer, 0xBF4F, 0xBF52, 0x5C)
    assert [state(eim, n) for n in ids] == [("failed", "counterValueOutOfRange")] * 2 + [("delivered", None)]


@pytest.mark.parametrize("body,status", [
    ("bf3d00", 400), ("bf3d03a00105", 400), ("bf3d05bf50023000", 400), ("bf3d04bf500100", 400), ("bf3d08bf5005a003020102", 204), ("bf4e00", 404),
    ("bf4e03bf5100", 404)])
def test_notifications(eim, body, status):
    assert post(eim, bytes.fromhex(body))[::2] == (status, b"")


def test_json_notifications(eim):
    headers = {"Content-Type": "application/json", "X-Admin-Protocol": "gsma/rsp/v2.1.0"}
    for body in ("", "{", "[]", "{}", '{"pendingNotification": 1}', '{"pendingNotification": "!"}', '{"provideEimPackageResult": "AAAA"}'):
        assert post(eim, body, headers, "/gsma/rsp2/esipa/handleNotification")[0] == 400, body


@pytest.mark.parametrize("body,answer", [
    ("bf3900", "bf390381017f"), ("bf3b00", "bf3b0382017f"), ("bf3a00", "bf3a0381017f"), ("bf4100", "bf410381017f"),
    ("bf3b158010" + "00" * 16 + "bf3800", "bf3b0382017f"), ("bf41158010" + "00" * 16 + "bf4100", "bf410381017f")])
def test_relayed(eim, body, answer):
    status, _, content = post(eim, bytes.fromhex(body))
    assert (status, content.hex()) == (200, answer)


def test_both_bindings_see_one_queue(eim):
    number = order(eim, {"do": "get-rat"})
    package = deliver(eim)
    assert base64.b64decode(eim.json("getEimPackage", {"eidValue": EID})["euiccPackageRequest"]) == package
    counter, transaction = eim.open(package)
    result = signed(eim, fields(counter, make(0x82, transaction)))
    reply = eim.json("provideEimPackageResult", {"eidValue": EID, "eimPackageResult": base64.b64encode(result).decode()})
    assert base64.b64decode(reply["eimAcknowledgements"]).hex() == "bf5303800101"
    assert state(eim, number) == ("done", "ok")
    for body in ({"eidValue": STRANGER, "eimPackageResult": base64.b64encode(result).decode()}, {"eidValue": EID, "eimPackageResult": ""},
                 {"eidValue": EID}, {}):
        assert json.dumps(eim.json("provideEimPackageResult", body)).find("eimAcknowledgements") < 0, body


def test_random_damage(eim):
    """Damaged messages: an answer to each, no package settled by one, and the eIM as it was."""
    rng = random.Random(20250101)
    number = order(eim, {"do": "get-rat"})
    counter, transaction = eim.open(deliver(eim))
    result = signed(eim, fields(counter, make(0x82, transaction)))
    say = make(0xBF50, SAID + result)
    notification = make(0xBF3D, make(0xA0, make(0x30, make(0xBF2F, make(0x80, b"\7") + make(0x81, b"\4\x80") + make(0x0C, b"dp1.example.com")
                                                             + make(0x5A, bytes(10))) + make(0x5F37, bytes(64)) + make(0x30, b"") * 2)))
    for _ in range(250):
        body = bytearray(rng.choice([ASK, say, say, notification]))
        at = rng.randrange(len(body))
        kind = rng.randrange(4)
        if kind == 0:
            body[at] ^= 1 << rng.randrange(8)
        elif kind == 1:
            del body[at:at + rng.randint(1, 8)]
        elif kind == 2:
            body[at:at] = rng.randbytes(rng.randint(1, 8))
        else:
            body[at] = rng.choice([0, 0x7F, 0x80, 0x81, 0x82, 0x84, 0xBF, 0xFF])
        if result in body:
            continue
        assert post(eim, bytes(body))[0] in (200, 204, 400), body.hex()
    assert state(eim, number) == ("delivered", None)
    assert eim.asn1(say).hex() == "bf5006bf5303800101"
