"""An eIM that is served: management by Python's HTTP client, ESipa by an IPA and a card of python-cryptography, in the ASN.1
and the JSON binding."""

import base64
import http.client
import json
import ssl
import subprocess

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, utils
from cryptography.x509 import load_pem_x509_certificate

import tlv

WORLD = "scenarios/worlds/eim-serve.yaml"
EID = "89049032001234000000000000000141"
STRANGER = "89049032001234000000000000000238"
ICCID = "988803030000000010f0"
ECDSA = ec.ECDSA(hashes.SHA256())


class Eim:
    def __init__(self, endpoint, folder):
        self.endpoint, self.management = endpoint, endpoint["management"]
        self.context = ssl.create_default_context(cafile=str(folder / "ci.pem"))
        self.context.check_hostname = False
        self.public = load_pem_x509_certificate((folder / "eim1-eim.pem").read_bytes()).public_key()
        self.card = serialization.load_pem_private_key((folder / "card-euicc.key.pem").read_bytes(), None)

    def request(self, url, method, path, body, headers):
        connection = http.client.HTTPSConnection(url.removeprefix("https://"), context=self.context, timeout=30)
        connection.request(method, path, body, headers)
        reply = connection.getresponse()
        content = reply.read()
        connection.close()
        return reply.status, content

    def manage(self, method, path, body=None, token=None):
        status, content = self.request(self.management["url"], method, path, None if body is None else json.dumps(body),
                                       {"Authorization": "Bearer " + (token or self.management["token"])})
        return status, json.loads(content) if content else None

    def asn1(self, body):
        status, content = self.request(self.endpoint["url"], "POST", "/gsma/rsp2/asn1", body,
                                       {"Content-Type": "application/x-gsma-rsp-asn1",
                                        "X-Admin-Protocol": "gsma/rsp/v2.1.0"})
        assert status == 200
        return content

    def json(self, name, body):
        status, content = self.request(self.endpoint["url"], "POST", "/gsma/rsp2/esipa/" + name, json.dumps(body),
                                       {"Content-Type": "application/json", "X-Admin-Protocol": "gsma/rsp/v2.1.0"})
        assert status == 200
        return json.loads(content)

    def open(self, package):
        """(counter, transaction) of a BF51 that the eIM has signed for a card without an association token."""
        data = tlv.whole(package, 0xBF51, 0x30)
        raw = tlv.find(package, 0xBF51, 0x5F37)
        signature = utils.encode_dss_signature(int.from_bytes(raw[:32], "big"), int.from_bytes(raw[32:], "big"))
        self.public.verify(signature, data + bytes.fromhex("840100"), ECDSA)
        with pytest.raises(InvalidSignature):
            self.public.verify(signature, data, ECDSA)
        return tlv.find(data, 0x30, 0x81), tlv.find(data, 0x30, 0x82)

    def result(self, counter, transaction, results, seq=1):
        data = tlv.make(0x30, tlv.make(0x80, b"eim1.example.com") + tlv.make(0x81, counter) + tlv.make(0x82, transaction)
                        + tlv.make(0x83, seq.to_bytes(seq.bit_length() // 8 + 1, "big")) + tlv.make(0x30, results))
        r, s = utils.decode_dss_signature(self.card.sign(data + bytes.fromhex("840100"), ECDSA))
        raw = r.to_bytes(32, "big") + s.to_bytes(32, "big")
        return tlv.make(0xBF51, tlv.make(0xA0, data + tlv.make(0x5F37, raw)))


@pytest.fixture
def eim(program, root, tmp_path):
    subprocess.run([program, "pki", WORLD, "-o", tmp_path], cwd=root, check=True, capture_output=True)
    server = subprocess.Popen([program, "serve", WORLD], cwd=root, text=True, stdout=subprocess.PIPE)
    endpoints = json.loads(server.stdout.readline())["endpoints"]
    yield Eim(next(e for e in endpoints if e["role"] == "eim"), tmp_path)
    server.terminate()
    assert server.wait(timeout=10) == 0


def test_management(eim):
    assert eim.manage("GET", "/", token="wrong")[0] == 401
    status, about = eim.manage("GET", "/")
    assert status == 200 and about["eimId"] == "eim1.example.com"
    point = eim.public.public_bytes(serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint)
    config = tlv.find(bytes.fromhex(about["addInitialEimRequest"]), 0xBF57, 0xA0, 0x30)
    assert tlv.find(config, 0xA5, 0xA0, 0x03) == b"\0" + point
    assert eim.manage("GET", "/euiccs") == (200, [EID])
    assert eim.manage("POST", "/packages", {"eid": STRANGER, "do": "get-rat"})[0] == 400
    assert eim.manage("POST", "/euiccs", {"eid": STRANGER})[0] == 201
    assert eim.manage("POST", "/packages", {"eids": [EID, STRANGER], "do": "get-rat"}) == (201, {"ids": [1, 2]})
    assert eim.manage("DELETE", "/packages/1")[0] == 204
    assert eim.manage("GET", "/packages/1")[0] == 404
    assert [p["id"] for p in eim.manage("GET", "/packages")[1]] == [2]
    assert eim.manage("GET", "/fleet")[1]["queued"] == 1
    assert eim.manage("PUT", "/packages")[0] == 405 and eim.manage("GET", "/nothing")[0] == 404


@pytest.mark.parametrize("body", [None, [], 1, "x", {}, {"eid": EID}, {"eid": EID, "do": "enabel"}, {"eid": EID, "do": "enable"},
                                  {"eid": EID, "do": "push"}, {"eid": EID, "operations": []},
                                  {"eid": EID, "operations": [{"do": "download"}]}, {"eid": EID, "do": "add-eim", "eim": "card"},
                                  {"eid": EID, "operations": [{"do": "add-eim", "eim": "nobody"}]},
                                  {"eid": EID, "do": "download", "activationCode": "1$$"}, {"eid": 1, "do": "get-rat"}])
def test_bad_orders(eim, body):
    status, reply = eim.manage("POST", "/packages", body)
    assert status == 400 and reply["error"] and reply["ids"] == []
    assert eim.manage("GET", "/packages") == (200, [])


def test_a_package_in_asn1(eim):
    ask = bytes.fromhex("bf4f125a10" + EID)
    assert eim.asn1(ask).hex() == "bf4f03020101"
    eim.manage("POST", "/packages", {"eid": EID, "do": "enable", "iccid": "8988303000000000010", "rollback": True})
    package = tlv.whole(eim.asn1(ask), 0xBF4F, 0xBF51)
    assert tlv.whole(package, 0xBF51, 0x30, 0xA0).hex() == "a010a30e5a0a" + ICCID + "0500"
    assert tlv.whole(eim.asn1(ask), 0xBF4F, 0xBF51) == package
    assert eim.manage("DELETE", "/packages/1")[0] == 409
    counter, transaction = eim.open(package)
    result = eim.result(counter, transaction, bytes.fromhex("830100"))
    forged = result[:-1] + bytes([result[-1] ^ 1])
    said = tlv.make(0x5A, bytes.fromhex(EID))
    assert eim.asn1(tlv.make(0xBF50, said + forged)).hex() == "bf500302017f"
    assert eim.asn1(tlv.make(0xBF50, said + result)).hex() == "bf5006bf5303800101"
    assert eim.manage("GET", "/packages/1")[1] == {"id": 1, "eid": EID, "kind": "enable", "state": "done", "result": "ok"}
    assert eim.manage("GET", "/euiccs/" + EID)[1]["profiles"] == [{"iccid": "8988303000000000010", "state": "enabled"}]


def test_an_emulated_euicc(eim):
    ask, said = bytes.fromhex("bf4f125a10" + EID), tlv.make(0x5A, bytes.fromhex(EID))

    def give(forge):
        result = eim.result(*eim.open(tlv.whole(eim.asn1(ask), 0xBF4F, 0xBF51)), bytes.fromhex("a600"))
        return eim.asn1(tlv.make(0xBF50, said + (result[:-1] + bytes([result[-1] ^ 1]) if forge else result))).hex()

    assert eim.manage("POST", "/euiccs", {"eid": EID, "emulated": 1})[0] == 400
    eim.manage("POST", "/packages", {"eid": EID, "do": "get-rat"})
    assert give(True) == "bf500302017f"
    assert eim.manage("POST", "/euiccs", {"eid": EID, "emulated": True})[0] == 201
    assert give(True) == "bf5006bf5303800101"
    assert eim.manage("GET", "/packages/1")[1]["state"] == "done"
    assert eim.manage("POST", "/euiccs", {"eid": EID, "emulated": False})[0] == 201
    eim.manage("POST", "/packages", {"eid": EID, "do": "get-rat"})
    assert give(True) == "bf500302017f" and give(False) == "bf5006bf5303800101"


def test_a_package_in_json(eim):
    assert eim.json("getEimPackage", {"eidValue": EID})["eimPackageError"] == 1
    assert eim.json("getEimPackage", {"eidValue": STRANGER})["eimPackageError"] == 2
    assert eim.json("getEimPackage", {"eidValue": EID[:-1] + "0"})["eimPackageError"] == 3
    assert eim.json("getEimPackage", {})["eimPackageError"] == 4
    eim.manage("POST", "/packages", {"eid": EID, "do": "list-profile-info"})
    said = {"eidValue": STRANGER, "eimPackageResult": base64.b64encode(bytes.fromhex("a00302017f")).decode()}
    status = eim.json("provideEimPackageResult", said)["header"]["functionExecutionStatus"]
    assert status["status"] == "Failed" and status["statusCodeData"]["subjectCode"] == "8.1.1"
    assert status["statusCodeData"]["reasonCode"] == "3.9"
    package = base64.b64decode(eim.json("getEimPackage", {"eidValue": EID})["euiccPackageRequest"])
    counter, transaction = eim.open(package)
    listed = bytes.fromhex("bf2d14a012e3105a0a" + ICCID + "9f700101")
    result = eim.result(counter, transaction, listed, seq=9)
    reply = eim.json("provideEimPackageResult", {"eidValue": EID, "eimPackageResult": base64.b64encode(result).decode()})
    assert base64.b64decode(reply["eimAcknowledgements"]).hex() == "bf5303800109"
    assert eim.manage("GET", "/euiccs/" + EID)[1]["profiles"] == [{"iccid": "8988303000000000010", "state": "enabled"}]
