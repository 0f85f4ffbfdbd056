"""An outside checker of traces: verifies every signature, chain and MAC of a download and opens the package,
with Python's cryptography and the reader in tlv.py; none of the simulator's code.

    python3 pytests/tracecheck.py TRACE.jsonl …      (traces made with --secrets)
"""

import base64
import hashlib
import json
import sys

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import cmac, hashes
from cryptography.hazmat.primitives.asymmetric import ec, utils
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.kdf.x963kdf import X963KDF

import tlv


def signature_ok(cert, signed, signature):
    """Raw r‖s over SHA-256, by the key of a certificate."""
    if len(signature) != 64:
        return False
    der = utils.encode_dss_signature(int.from_bytes(signature[:32], "big"),
                                     int.from_bytes(signature[32:], "big"))
    try:
        cert.public_key().verify(der, signed, ec.ECDSA(hashes.SHA256()))
        return True
    except InvalidSignature:
        return False


def issued_by(cert, issuer):
    try:
        issuer.public_key().verify(cert.signature, cert.tbs_certificate_bytes,
                                   ec.ECDSA(hashes.SHA256()))
        return cert.issuer == issuer.subject
    except InvalidSignature:
        return False


class Session:
    """What one transaction showed, as it went by."""

    def __init__(self):
        self.auth = self.pb = self.euicc = None
        self.signature1 = self.signature2 = b""
        self.otpk = b""
        self.eid = b""


class Checker:
    def __init__(self, path):
        self.events = [json.loads(line) for line in open(path, encoding="utf-8")]
        head = self.events[0]
        self.ci = [x509.load_der_x509_certificate(bytes.fromhex(c)) for c in head["ci"]]
        self.ordered = {p["iccid"]: p["sha256"] for p in head["profiles"]}
        self.sessions = {}
        self.secrets = []
        self.problems = []
        self.counts = {}

    def check(self, good, what, event):
        self.counts[what] = self.counts.get(what, 0) + 1
        if not good:
            self.problems.append(f"event {event['seq']}: {what}")

    def under_ci(self, cert):
        return any(issued_by(cert, ci) for ci in self.ci)

    def run(self):
        for event in self.events:
            if event["kind"] == "crypto" and event.get("secret"):
                self.secrets.append(event["secret"])
            if event["kind"] != "message" or event.get("stage") != "sent" or not event.get("body"):
                continue
            if event.get("encoding") != "json":
                continue
            handler = getattr(self, "on_" + event["function"] + "_" + event["leg"], None)
            if handler:
                handler(event, json.loads(event["body"]))
        return self.problems

    @staticmethod
    def failed(body):
        return body.get("header", {}).get("functionExecutionStatus", {}).get("status") == "Failed"

    def on_InitiateAuthentication_response(self, event, body):
        if self.failed(body):
            return
        s = self.sessions.setdefault(body["transactionId"].upper(), Session())
        s.auth = x509.load_der_x509_certificate(base64.b64decode(body["serverCertificate"]))
        signed = base64.b64decode(body["serverSigned1"])
        signature = tlv.find(base64.b64decode(body["serverSignature1"]), 0x5F37)
        server = {"ES9+": "4", "ES11": "7"}.get(event["interface"])  # id-rspRole-dp-auth, -ds-auth
        policies = s.auth.extensions.get_extension_for_oid(x509.OID_CERTIFICATE_POLICIES).value
        if server:
            self.check([p.policy_identifier.dotted_string for p in policies] == ["2.23.146.1.2.1." + server],
                       "role of the server", event)
        self.check(self.under_ci(s.auth), "CERT.XXauth under a CI", event)
        self.check(signature_ok(s.auth, signed, signature), "serverSignature1", event)

    def on_AuthenticateClient_request(self, event, body):
        s = self.sessions[body["transactionId"].upper()]
        response = tlv.find(base64.b64decode(body["authenticateServerResponse"]), 0xBF38)
        if response[0] != 0xA0:
            return
        parts = list(tlv.walk(tlv.find(response, 0xA0)))
        signed, signature = parts[0][2], parts[1]
        s.signature1 = signature[2]
        s.euicc = x509.load_der_x509_certificate(parts[2][2])
        eum = x509.load_der_x509_certificate(parts[3][2])
        s.eid = bytes.fromhex(s.euicc.subject.get_attributes_for_oid(
            x509.NameOID.SERIAL_NUMBER)[0].value)
        self.check(self.under_ci(eum), "CERT.EUM under a CI", event)
        self.check(issued_by(s.euicc, eum), "CERT.EUICC under CERT.EUM", event)
        self.check(signature_ok(s.euicc, signed, signature[1]), "euiccSignature1", event)

    def on_AuthenticateClient_response(self, event, body):
        if self.failed(body) or event["interface"] == "ES11":
            return
        s = self.sessions[body["transactionId"].upper()]
        if event["interface"] == "ES11":
            self.check(all(set(e) == {"eventId", "rspServerAddress"} for e in body["eventEntries"]),
                       "event entries", event)
            return
        s.pb = x509.load_der_x509_certificate(base64.b64decode(body["smdpCertificate"]))
        signed = base64.b64decode(body["smdpSigned2"])
        s.signature2 = base64.b64decode(body["smdpSignature2"])
        self.check(self.under_ci(s.pb), "CERT.DPpb under a CI", event)
        self.check(signature_ok(s.pb, signed + s.signature1, tlv.find(s.signature2, 0x5F37)),
                   "smdpSignature2", event)

    def on_GetBoundProfilePackage_request(self, event, body):
        s = self.sessions[body["transactionId"].upper()]
        response = tlv.find(base64.b64decode(body["prepareDownloadResponse"]), 0xBF21)
        if response[0] != 0xA0:
            return
        ok = tlv.find(response, 0xA0)
        signed = tlv.whole(ok, 0x30)
        s.otpk = tlv.find(ok, 0x30, 0x5F49)
        self.check(signature_ok(s.euicc, signed + s.signature2, tlv.find(ok, 0x5F37)),
                   "euiccSignature2", event)

    def on_GetBoundProfilePackage_response(self, event, body):
        if self.failed(body):
            return
        s = self.sessions[body["transactionId"].upper()]
        bpp = tlv.find(base64.b64decode(body["boundProfilePackage"]), 0xBF36)
        isc = tlv.find(bpp, 0xBF23)
        signed = (tlv.whole(isc, 0x82) + tlv.whole(isc, 0x80) + tlv.whole(isc, 0xA6)
                  + tlv.whole(isc, 0x5F49) + tlv.make(0x5F49, s.otpk))
        self.check(signature_ok(s.pb, signed, tlv.find(isc, 0x5F37)), "smdpSign", event)
        if self.secrets:
            self.open_package(event, s, bpp, isc)

    def open_package(self, event, s, bpp, isc):
        secret = self.secrets[-1]
        crt = tlv.find(isc, 0xA6)
        host = tlv.find(crt, 0x84)
        info = (tlv.find(crt, 0x80) + tlv.find(crt, 0x81) + bytes([len(host)]) + host
                + bytes([len(s.eid)]) + s.eid)
        keys = X963KDF(hashes.SHA256(), 48, info).derive(bytes.fromhex(secret["shared_secret"]))
        self.check(keys[16:32].hex() == secret["s_enc"] and keys[32:].hex() == secret["s_mac"],
                   "session keys from the shared secret", event)
        bsp = Bsp(keys)
        try:
            bsp.open(tlv.whole(tlv.find(bpp, 0xA0), 0x87))
            metadata = b"".join(bsp.open(w) for _, _, w in tlv.walk(tlv.find(bpp, 0xA1)))
            if bpp and any(tag == 0xA2 for tag, _, _ in tlv.walk(bpp)):
                replace = tlv.find(bsp.open(tlv.whole(tlv.find(bpp, 0xA2), 0x87)), 0xBF26)
                bsp = Bsp(b"".join(value for _, value, _ in tlv.walk(replace)))
            package = b"".join(bsp.open(w) for _, _, w in tlv.walk(tlv.find(bpp, 0xA3)))
        except ValueError as error:
            self.check(False, f"BSP: {error}", event)
            return
        iccid = tlv.find(metadata, 0xBF25, 0x5A).hex()
        iccid = "".join(b + a for a, b in zip(iccid[::2], iccid[1::2])).rstrip("f")
        self.check(hashlib.sha256(package).hexdigest() == self.ordered.get(iccid),
                   "opened package is the ordered one", event)

    def on_HandleNotification_request(self, event, body):
        result = base64.b64decode(body["pendingNotification"])
        tag, value, _, _ = tlv.read(result)
        if tag == 0xBF37:
            transaction = tlv.find(value, 0xBF27, 0x80).hex().upper()
            s = self.sessions.get(transaction)
            self.check(s and signature_ok(s.euicc, tlv.whole(value, 0xBF27),
                                          tlv.find(value, 0x5F37)), "euiccSignPIR", event)
            return
        parts = list(tlv.walk(value))
        euicc = x509.load_der_x509_certificate(parts[2][2])
        eum = x509.load_der_x509_certificate(parts[3][2])
        self.check(self.under_ci(eum) and issued_by(euicc, eum), "notification's chain", event)
        self.check(signature_ok(euicc, parts[0][2], parts[1][1]), "euiccNotificationSignature", event)


class Bsp:
    """SCP03t as SGP.22 2.6.4 uses it."""

    def __init__(self, keys):
        self.chaining, self.s_enc, self.s_mac = keys[:16], keys[16:32], keys[32:48]
        self.counter = 1

    def open(self, segment):
        tag, value, _, _ = tlv.read(segment)
        data, mac = value[:-8], value[-8:]
        c = cmac.CMAC(algorithms.AES(self.s_mac))
        c.update(self.chaining + segment[:len(segment) - 8])
        self.chaining = c.finalize()
        if self.chaining[:8] != mac:
            raise ValueError("MAC")
        counter, self.counter = self.counter, self.counter + 1
        if tag == 0x88:
            return data
        block = Cipher(algorithms.AES(self.s_enc), modes.ECB()).encryptor()
        iv = block.update(counter.to_bytes(16, "big"))
        plain = Cipher(algorithms.AES(self.s_enc), modes.CBC(iv)).decryptor()
        clear = plain.update(data).rstrip(b"\0")
        if not clear.endswith(b"\x80"):
            raise ValueError("padding")
        return clear[:-1]


def main(paths):
    bad = 0
    for path in paths:
        checker = Checker(path)
        problems = checker.run()
        bad += bool(problems)
        print(f"{path}: {sum(checker.counts.values())} checks, {len(problems)} problems")
        for problem in problems:
            print("  " + problem)
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
