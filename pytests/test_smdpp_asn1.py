"""The ASN.1 binding of ES9+ (SGP.22 6.6) against the eUICC of test_smdpp: the same download and the same refusals as in JSON,
as values of the response's enumerations."""

import time

import asn1crypto.core
import pytest
from cryptography.hazmat.primitives.asymmetric import ec

import test_smdpp
import tlv

FUNCTIONS = {"initiateAuthentication": 0xBF39, "authenticateClient": 0xBF3B, "getBoundProfilePackage": 0xBF3A,
             "cancelSession": 0xBF41, "handleNotification": 0xBF3D}
REPLIES = {0xBF39: ["transactionId", "serverSigned1", "serverSignature1", "euiccCiPKIdToBeUsed", "serverCertificate"],
           0xBF3B: ["transactionId", "profileMetadata", "smdpSigned2", "smdpSignature2", "smdpCertificate"],
           0xBF3A: ["transactionId", "boundProfilePackage"], 0xBF41: []}


class Device(test_smdpp.Device):
    def __init__(self, other):
        self.__dict__.update(other.__dict__)

    def raw(self, body, headers=None):
        self.https.request("POST", "/gsma/rsp2/asn1", body, headers or {
            "Content-Type": "application/x-gsma-rsp-asn1", "X-Admin-Protocol": "gsma/rsp/v2.5.0",
            "User-Agent": "gsma-rsp-lpad"})
        answer = self.https.getresponse()
        return answer, answer.read()

    def content(self, tag, members):
        if tag == 0xBF39:
            return (tlv.make(0x81, members["euiccChallenge"]) + tlv.make(0x83, members["smdpAddress"].encode()) +
                    members["euiccInfo1"])
        if tag == 0xBF3D:
            return tlv.make(0xA0, members["pendingNotification"])
        id_tlv = tlv.make(0x80, bytes.fromhex(members["transactionId"]))
        if tag == 0xBF41:
            return id_tlv + tlv.make(0xA1, tlv.find(members["cancelSessionResponse"], 0xBF41))
        return id_tlv + (members.get("authenticateServerResponse") or members["prepareDownloadResponse"])

    def post(self, function, **members):
        tag = FUNCTIONS[function]
        answer, text = self.raw(tlv.make(0xA2, tlv.make(tag, self.content(tag, members))))
        if answer.status == 204:
            assert text == b""
            return None
        assert answer.status == 200 and answer.getheader("Content-Type") == "application/x-gsma-rsp-asn1"
        choice = tlv.find(text, 0xA2, tag)
        kind, value = tlv.read(choice)[:2]
        if kind == 0x81:
            return int.from_bytes(value, "big")
        assert kind == 0xA0
        names = REPLIES[tag]
        parts = list(tlv.walk(value))
        assert len(parts) == len(names)
        reply = {name: whole for name, (_, _, whole) in zip(names, parts)}
        if names:
            reply["transactionId"] = parts[0][1].hex().upper()
        return reply


@pytest.fixture
def serve(program, root, tmp_path):
    servers = []

    def start(settings=""):
        servers.append(test_smdpp.Server(program, root, tmp_path, settings))
        return Device(servers[-1].device)

    yield start
    for server in servers:
        server.stop()


def test_download(serve):
    device = serve()
    device.initiate()
    assert device.authenticate("MID-0001") is False
    opened, _ = device.open(device.get())
    assert opened[0xA1] == device.metadata
    assert device.result() is None
    device.initiate()
    assert device.authenticate("MID-0001") == 6


def cancel(device, reason, oid=None):
    signed = tlv.make(0x30, tlv.make(0x80, device.id) + oid_tlv(oid or device.oid) + tlv.make(0x82, bytes([reason])))
    body = tlv.make(0xBF41, tlv.make(0xA0, signed + test_smdpp.sign(device.key, signed)))
    return device.post("cancelSession", transactionId=device.id_text, cancelSessionResponse=body)


def oid_tlv(text):
    return tlv.make(0x81, asn1crypto.core.ObjectIdentifier(text).contents)


def begin(device, matching_id="MID-0001"):
    device.initiate()
    return device.authenticate(matching_id)


def test_initiate_authentication_errors(serve):
    device = serve()
    ids = tlv.make(0x04, device.ski)

    def ask(address=device.address, version=b"\2\6\0", verify=ids, signing=ids, challenge=bytes(16)):
        info1 = tlv.make(0xBF20, tlv.make(0x82, version) + tlv.make(0xA9, verify) + tlv.make(0xAA, signing))
        return device.post("initiateAuthentication", euiccChallenge=challenge, euiccInfo1=info1, smdpAddress=address)

    other = tlv.make(0x04, bytes(20))
    assert isinstance(ask(), dict)
    assert ask(address="dp9.example.com") == 1
    assert ask(version=b"\3\0\0") == 2 and ask(version=b"\1\0\0") == 2
    assert ask(verify=other, signing=other) == 3 and ask(verify=other) == 3


def test_authenticate_client_errors(serve):
    device = serve("attempt-limit: 1, order-lifetime: 1s")
    assert begin(device, "NOBODY") == 6
    assert device.authenticate("MID-0001") == 10
    device.initiate()
    device.server = device.server.replace(tlv.find(device.server, 0x30, 0x84), bytes(16))
    assert device.authenticate("MID-0001") == 5
    device.initiate()
    time.sleep(2.1)
    assert device.authenticate("MID-0001") == 18


def test_not_released(serve):
    device = serve('orders: [{iccid: "8988303000000000010", matchingId: WAITS, state: confirmed}]')
    assert begin(device, "WAITS") == 6


def test_get_bound_profile_package_errors(serve):
    device = serve()
    assert begin(device, "MID-0002") is True
    assert device.get() == 2
    begin(device, "MID-0002")
    assert [device.get("0") for _ in range(4)] == [3, 3, 3, 4]
    assert device.get("0") == 95
    begin(device)
    device.key, good = ec.generate_private_key(ec.SECP256R1()), device.key
    assert device.get() == 1
    device.key = good


def test_cancel_session_errors(serve):
    device = serve()
    begin(device)
    device.key, good = ec.generate_private_key(ec.SECP256R1()), device.key
    assert cancel(device, 1) == 2
    device.key = good
    assert cancel(device, 1, "2.999.77") == 127
    assert cancel(device, 1) == {}
    assert cancel(device, 1) == 1


@pytest.mark.parametrize("body, headers, wanted", [
    ("", {}, 400), ("3000", {}, 400), ("a2", {}, 400), ("a203bf3900", {}, 200), ("a206bf3903020101", {}, 200),
    ("a203bf7f00", {}, 400), ("bf3900", {}, 200), ("a203bf3900", {"Content-Type": "application/json"}, 415),
    ("a203bf3900", {"X-Admin-Protocol": "http"}, 400), ("a203bf3d00", {}, 200), ("a204bf3d8100", {}, 400)])
def test_what_is_no_request(serve, body, headers, wanted):
    """Refused by status or by the function's own error value; the server goes on."""
    device = serve()
    answer, text = device.raw(bytes.fromhex(body), {
        "Content-Type": "application/x-gsma-rsp-asn1", "X-Admin-Protocol": "gsma/rsp/v2.5.0", **headers})
    assert answer.status == wanted, text
    assert begin(device) is False


def test_bindings_mix(serve):
    """A session is no matter of the binding."""
    device = serve()
    device.initiate()
    json_device = test_smdpp.Device.__new__(test_smdpp.Device)
    json_device.__dict__.update(device.__dict__)
    assert json_device.authenticate("MID-0002") is True
    device.__dict__.update(json_device.__dict__)
    assert device.get() == 2
