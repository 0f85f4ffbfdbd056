"""The SM-DP+ of `rspsim serve` against an LPA and an eUICC made of python-cryptography alone: every signature, the key
agreement, the protected package and the refusals are judged by code that shares nothing with the simulator."""

import base64
import hashlib
import http.client
import json
import os
import ssl
import subprocess

import asn1crypto.core
import pytest
from cryptography.hazmat.primitives import cmac, hashes
from cryptography.hazmat.primitives.asymmetric import ec, utils
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.kdf.x963kdf import X963KDF
from cryptography.hazmat.primitives.serialization import (Encoding, PublicFormat,
                                                          load_pem_private_key)
from cryptography.x509 import (RegisteredID, SubjectAlternativeName, SubjectKeyIdentifier,
                               load_der_x509_certificate)

import tlv

EID = "89049032001234000000000000000141"
WORLD = """
world:
  use: worlds/serve.yaml
  actors:
    dp1: {{{settings}}}
"""


def point(key):
    return key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)


def sign(key, data):
    r, s = utils.decode_dss_signature(key.sign(data, ec.ECDSA(hashes.SHA256())))
    return tlv.make(0x5F37, r.to_bytes(32, "big") + s.to_bytes(32, "big"))


def verify(public, signature, data):
    raw = tlv.find(signature, 0x5F37)
    assert len(raw) == 64
    der = utils.encode_dss_signature(int.from_bytes(raw[:32], "big"), int.from_bytes(raw[32:], "big"))
    public.verify(der, data, ec.ECDSA(hashes.SHA256()))


class Bsp:
    """SCP03t as SGP.22 2.6.4 describes it, opening side."""

    def __init__(self, chaining, s_enc, s_mac):
        self.chaining, self.s_enc, self.s_mac, self.counter = chaining, s_enc, s_mac, 1

    def open(self, whole, encrypted):
        assert len(whole) <= 1020
        mac = cmac.CMAC(algorithms.AES(self.s_mac))
        mac.update(self.chaining + whole[:-8])
        self.chaining = mac.finalize()
        assert self.chaining[:8] == whole[-8:]
        counter, self.counter = self.counter, self.counter + 1
        data = tlv.read(whole)[1][:-8]
        if not encrypted:
            return data
        ecb = Cipher(algorithms.AES(self.s_enc), modes.ECB()).encryptor()
        icv = ecb.update(counter.to_bytes(16, "big"))
        cbc = Cipher(algorithms.AES(self.s_enc), modes.CBC(icv)).decryptor()
        clear = cbc.update(data).rstrip(b"\0")
        assert clear[-1] == 0x80
        return clear[:-1]


class Device:
    """LPA and eUICC in one."""

    def __init__(self, address, pki):
        host, port = address.split(":")
        self.address, self.pki = address, pki
        context = ssl.create_default_context(cafile=pki / "ci.pem")
        context.check_hostname = False
        self.https = http.client.HTTPSConnection(host, int(port), context=context, timeout=20)
        self.key = load_pem_private_key((pki / "card-euicc.key.pem").read_bytes(), None)
        self.otsk = ec.generate_private_key(ec.SECP256R1())
        self.ci = load_der_x509_certificate((pki / "ci.der").read_bytes())
        self.ski = self.ci.extensions.get_extension_for_class(SubjectKeyIdentifier).value.digest

    def post(self, function, **members):
        body = {k: base64.b64encode(v).decode() if isinstance(v, bytes) else v
                for k, v in members.items()}
        self.https.request("POST", "/gsma/rsp2/es9plus/" + function, json.dumps(body), {
            "Content-Type": "application/json", "User-Agent": "gsma-rsp-lpad",
            "X-Admin-Protocol": "gsma/rsp/v2.2.2"})
        answer = self.https.getresponse()
        text = answer.read()
        if answer.status == 204:
            assert text == b""
            return None
        assert answer.status == 200
        reply = json.loads(text)
        status = reply["header"]["functionExecutionStatus"]
        if status["status"] != "Executed-Success":
            data = status["statusCodeData"]
            return f"{data['subjectCode']}/{data['reasonCode']}"
        return {k: v if k in ("header", "transactionId") else base64.b64decode(v)
                for k, v in reply.items()}

    def certificate(self, der, policy):
        cert = load_der_x509_certificate(der)
        self.ci.public_key().verify(cert.signature, cert.tbs_certificate_bytes,
                                    ec.ECDSA(hashes.SHA256()))
        names = cert.extensions.get_extension_for_class(SubjectAlternativeName).value
        self.oid = names.get_values_for_type(RegisteredID)[0].dotted_string
        policies = [e.value for e in cert.extensions if e.oid.dotted_string == "2.5.29.32"]
        assert policies[0][0].policy_identifier.dotted_string == "2.23.146.1.2.1." + policy
        return cert.public_key()

    def initiate(self):
        ids = tlv.make(0x04, self.ski)
        info1 = tlv.make(0xBF20, tlv.make(0x82, b"\2\6\0") + tlv.make(0xA9, ids) + tlv.make(0xAA, ids))
        challenge = os.urandom(16)
        reply = self.post("initiateAuthentication", euiccChallenge=challenge, euiccInfo1=info1,
                          smdpAddress=self.address.upper())
        self.id_text, self.id = reply["transactionId"], bytes.fromhex(reply["transactionId"])
        assert self.id_text == self.id_text.upper() and len(self.id) == 16
        signed1 = reply["serverSigned1"]
        assert tlv.find(signed1, 0x30, 0x80) == self.id
        assert tlv.find(signed1, 0x30, 0x81) == challenge
        assert tlv.find(signed1, 0x30, 0x83).decode().lower() == self.address.lower()
        assert reply["euiccCiPKIdToBeUsed"] == ids
        verify(self.certificate(reply["serverCertificate"], "4"), reply["serverSignature1"], signed1)
        self.server = signed1

    def authenticate(self, matching_id):
        info2 = tlv.make(0xBF22, b"".join(tlv.make(t, v) for t, v in [
            (0x81, b"\3\3\1"), (0x82, b"\2\6\0"), (0x83, b"\1\0\0"),
            (0x84, bytes.fromhex("81010082040007000083020100")), (0x85, b"\0" + b"\xff" * 5),
            (0x88, b"\4\x90"), (0xA9, tlv.make(4, self.ski)), (0xAA, tlv.make(4, self.ski)),
            (0x99, b"\6\0"), (0x04, b"\1\0\0"), (0x0C, b"sas")]))
        device = tlv.make(0xA1, tlv.make(0x80, bytes(4)) + tlv.make(0xA1, b""))
        signed1 = tlv.make(0x30, tlv.make(0x80, self.id) + tlv.whole(self.server, 0x30, 0x83) +
                           tlv.whole(self.server, 0x30, 0x84) + info2 +
                           tlv.make(0xA0, tlv.make(0x80, matching_id.encode()) + device))
        signature1 = sign(self.key, signed1)
        answer = tlv.make(0xBF38, tlv.make(0xA0, signed1 + signature1 +
                                           (self.pki / "card-euicc.der").read_bytes() +
                                           (self.pki / "eum.der").read_bytes()))
        reply = self.post("authenticateClient", transactionId=self.id_text.lower(),
                          authenticateServerResponse=answer)
        if not isinstance(reply, dict):
            return reply
        self.pb = self.certificate(reply["smdpCertificate"], "5")
        verify(self.pb, reply["smdpSignature2"], reply["smdpSigned2"] + signature1)
        assert tlv.find(reply["smdpSigned2"], 0x30, 0x80) == self.id
        self.signature2, self.metadata = reply["smdpSignature2"], reply["profileMetadata"]
        return tlv.find(reply["smdpSigned2"], 0x30, 0x01) != b"\0"

    def get(self, code=None):
        extra = b""
        if code is not None:
            extra = tlv.make(0x04, hashlib.sha256(
                hashlib.sha256(code.encode()).digest() + self.id).digest())
        signed2 = tlv.make(0x30, tlv.make(0x80, self.id) + tlv.make(0x5F49, point(self.otsk)) + extra)
        answer = tlv.make(0xBF21, tlv.make(0xA0, signed2 + sign(self.key, signed2 + self.signature2)))
        reply = self.post("getBoundProfilePackage", transactionId=self.id_text,
                          prepareDownloadResponse=answer)
        return reply["boundProfilePackage"] if isinstance(reply, dict) else reply

    def open(self, bpp):
        channel, *parts = list(tlv.walk(tlv.find(bpp, 0xBF36)))
        assert channel[0] == 0xBF23
        elements = {tag: (value, whole) for tag, value, whole in tlv.walk(channel[1])}
        assert list(elements) == [0x82, 0x80, 0xA6, 0x5F49, 0x5F37]
        signed = b"".join(elements[t][1] for t in (0x82, 0x80, 0xA6, 0x5F49))
        verify(self.pb, elements[0x5F37][1], signed + tlv.make(0x5F49, point(self.otsk)))
        assert elements[0x82][0] == b"\1" and elements[0x80][0] == self.id
        crt = elements[0xA6][0]
        assert tlv.find(crt, 0x80) == b"\x88" and tlv.find(crt, 0x81) == b"\x10"
        host, eid = tlv.find(crt, 0x84), bytes.fromhex(EID)
        peer = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), elements[0x5F49][0])
        keys = X963KDF(hashes.SHA256(), 48, b"\x88\x10" + bytes([len(host)]) + host +
                       bytes([len(eid)]) + eid).derive(self.otsk.exchange(ec.ECDH(), peer))
        bsp = Bsp(keys[:16], keys[16:32], keys[32:])
        opened = {}
        for tag, value, _ in parts:
            inner = {0xA0: 0x87, 0xA1: 0x88, 0xA2: 0x87, 0xA3: 0x86}[tag]
            segments = list(tlv.walk(value))
            assert all(t == inner for t, _, _ in segments)
            opened[tag] = b"".join(bsp.open(whole, inner != 0x88) for _, _, whole in segments)
            if tag == 0xA2:
                ppk = opened[tag]
                bsp = Bsp(*(tlv.find(ppk, 0xBF26, t) for t in (0x80, 0x81, 0x82)))
        return opened, elements[0x5F49][0]

    def result(self):
        iccid = tlv.find(self.metadata, 0xBF25, 0x5A)
        metadata = tlv.make(0xBF2F, tlv.make(0x80, b"\1") + tlv.make(0x81, b"\4\x80") +
                            tlv.make(0x0C, self.address.encode()) + tlv.make(0x5A, iccid))
        final = tlv.make(0xA2, tlv.make(0xA0, tlv.make(0x4F, bytes(16)) + tlv.make(0x04, b"")))
        data = tlv.make(0xBF27, tlv.make(0x80, self.id) + metadata + asn1crypto.core.ObjectIdentifier(self.oid).dump() + final)
        return self.post("handleNotification",
                         pendingNotification=tlv.make(0xBF37, data + sign(self.key, data)))


class Server:
    def __init__(self, program, root, tmp_path, settings=""):
        world = root / "scenarios" / "worlds" / f"smdpp-test-{os.getpid()}.yaml"
        world.write_text(WORLD.format(settings=settings))
        try:
            self.state = tmp_path / "state"
            self.state.mkdir(exist_ok=True)
            pki = tmp_path / "pki"
            if not pki.exists():
                subprocess.run([program, "pki", world, "-o", pki], check=True, cwd=root,
                               stdout=subprocess.DEVNULL, timeout=30)
            self.process = subprocess.Popen([program, "serve", world, "--state", self.state],
                                            cwd=root, text=True, stdout=subprocess.PIPE)
            ready = json.loads(self.process.stdout.readline())
        finally:
            world.unlink()
        self.device = Device(ready["endpoints"][0]["address"], pki)

    def stop(self, kill=False):
        self.device.https.close()
        self.process.kill() if kill else self.process.terminate()
        code = self.process.wait(timeout=10)
        self.process.stdout.close()
        assert kill or code == 0


@pytest.fixture
def serve(program, root, tmp_path):
    servers = []

    def start(settings=""):
        servers.append(Server(program, root, tmp_path, settings))
        return servers[-1]

    yield start
    for server in servers:
        if server.process.returncode is None:
            server.stop()


@pytest.mark.parametrize("settings, runs", [
    ("", [0xA0, 0xA1, 0xA3]),
    ("protection-keys: true, segment-size: 300", [0xA0, 0xA1, 0xA2, 0xA3])])
def test_download(serve, settings, runs):
    device = serve(settings).device
    device.initiate()
    assert device.authenticate("MID-0001") is False
    opened, _ = device.open(device.get())
    assert list(opened) == runs
    assert opened[0xA0] == bytes.fromhex("bf2400")
    assert opened[0xA1] == device.metadata
    elements = list(tlv.walk(opened[0xA3]))
    assert elements[0][0] == 0xA0 and elements[-1][0] == 0xAA
    swapped = bytes(b >> 4 | (b & 15) << 4 for b in tlv.find(device.metadata, 0xBF25, 0x5A))
    assert tlv.find(elements[0][1], 0x83) == swapped
    assert device.result() is None
    device.initiate()
    assert device.authenticate("MID-0001") == "8.2.6/3.8"


def test_confirmation_code(serve):
    device = serve().device
    device.initiate()
    assert device.authenticate("MID-0002") is True
    assert device.get("0000") == "8.2.7/3.8"
    assert isinstance(device.get("1234"), bytes)


def test_default_order(serve):
    device = serve().device
    device.initiate()
    assert device.authenticate("") is False
    assert isinstance(device.get(), bytes)


def test_retry_reuses_the_binding_and_a_new_key_does_not(serve):
    device = serve().device
    seen = []
    for _ in range(2):
        device.initiate()
        device.authenticate("MID-0001")
        seen.append(device.open(device.get()))
    assert seen[0] == seen[1]
    device.otsk = ec.generate_private_key(ec.SECP256R1())
    device.initiate()
    device.authenticate("MID-0001")
    opened, dp_point = device.open(device.get())
    assert opened == seen[0][0] and dp_point != seen[0][1]


def test_a_killed_server_still_knows_what_it_delivered(serve):
    first = serve()
    first.device.initiate()
    first.device.authenticate("MID-0001")
    first.device.open(first.device.get())
    first.stop(kill=True)
    second = serve().device
    for name in ("id", "id_text", "metadata", "address", "oid"):
        setattr(second, name, getattr(first.device, name))
    assert second.result() is None
    second.address = f"{second.https.host}:{second.https.port}"
    second.initiate()
    assert second.authenticate("MID-0001") == "8.2.6/3.8"


def test_refusals_over_the_wire(serve):
    device = serve().device
    device.initiate()
    assert device.authenticate("NOBODY") == "8.2.6/3.8"
    assert device.authenticate("MID-0001") == "8.10.1/3.9"
    device.initiate()
    device.server = device.server.replace(tlv.find(device.server, 0x30, 0x84), bytes(16))
    assert device.authenticate("MID-0001") == "8.1/6.1"
    device.initiate()
    device.key, good = ec.generate_private_key(ec.SECP256R1()), device.key
    assert device.authenticate("MID-0001") == "8.1/6.1"
    device.key = good
    device.initiate()
    assert device.authenticate("MID-0001") is False
