"""scenarios/worlds/conformance-serve.yaml as a conformance suite from outside uses it: the public SGP.26 certificates, an
operator's own certificate, ES2+ over mutual TLS, and an order in every state. The eUICC is test_smdpp's."""

import datetime
import http.client
import json
import ssl
import subprocess

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

import test_smdpp
import tlv

EID = "89049032123451234512345678901235"
OTHER = "89049032001234000000000000000238"
POOL = "8988303000000010001"
WORLD = """
world:
  use: worlds/conformance-serve.yaml
  actors:
    ci: {certificate: CERT_CI_ECDSA_NIST.der, key: SK_CI_ECDSA_NIST.pem}
    eum: {certificate: {file: CERT_EUM_ECDSA_NIST.der}}
    card: {certificate: {file: CERT_EUICC_ECDSA_NIST.der, key: SK_EUICC_ECDSA_NIST.pem}}
    mno: {certificate: suite.pem}
    dp1:
      fqdn: testsmdpplus1.example.com
      certificates:
        auth: {file: CERT_S_SM_DPauth_ECDSA_NIST.der, key: SK_S_SM_DPauth_ECDSA_NIST.pem}
        pb: {file: CERT_S_SM_DPpb_ECDSA_NIST.der, key: SK_S_SM_DPpb_ECDSA_NIST.pem}
        tls: {file: CERT_S_SM_DP_VARO_TLS_NIST.der, key: SK_S_SM_DP_TLS_NIST.pem}
"""


def self_signed(folder, name):
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "a suite's operator")])
    start = datetime.datetime(2025, 1, 1)
    cert = (x509.CertificateBuilder().subject_name(subject).issuer_name(subject).public_key(key.public_key())
            .serial_number(1).not_valid_before(start).not_valid_after(start + datetime.timedelta(days=9999))
            .sign(key, hashes.SHA256()))
    (folder / f"{name}.pem").write_bytes(cert.public_bytes(Encoding.PEM))
    (folder / f"{name}.key").write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))


class Operator:
    """ES2+ of one client certificate (or none)."""

    def __init__(self, address, folder, name):
        self.host, self.port = address.split(":")
        self.context = ssl.create_default_context(cafile=str(folder / "pki" / "ci.pem"))
        self.context.check_hostname = False
        if name:
            self.context.load_cert_chain(folder / f"{name}.pem", folder / f"{name}.key")
        self.calls = 0

    def post(self, function, body):
        https = http.client.HTTPSConnection(self.host, int(self.port), context=self.context, timeout=20)
        https.request("POST", "/gsma/rsp2/es2plus/" + function, json.dumps(body),
                      {"Content-Type": "application/json", "X-Admin-Protocol": "gsma/rsp/v2.5.0"})
        answer = https.getresponse()
        text = answer.read()
        https.close()
        assert answer.status == 200 and answer.getheader("Content-Type").startswith("application/json")
        return json.loads(text)

    def call(self, function, call_id=None, **members):
        self.calls += 1
        header = {"functionRequesterIdentifier": "suite", "functionCallIdentifier": call_id or f"TX-{self.calls}"}
        reply = self.post(function, {"header": header, **members})
        status = reply.pop("header")
        assert list(status) == ["functionExecutionStatus"]
        status = status["functionExecutionStatus"]
        if status["status"] == "Executed-Success":
            assert list(status) == ["status"]
            return reply
        assert set(status) == {"status", "statusCodeData"} and not reply
        data = status["statusCodeData"]
        assert set(data) <= {"subjectCode", "reasonCode", "subjectIdentifier", "message"}
        return f"{data['subjectCode']}/{data['reasonCode']}"


class Suite:
    def __init__(self, address, folder):
        self.address, self.folder = address, folder
        self.operator = Operator(address, folder, "suite")

    def device(self):
        return test_smdpp.Device(self.address, self.folder / "pki")

    def try_order(self, matching_id, code=None):
        """The code that the download ends with, or None once a package came."""
        device = self.device()
        device.initiate()
        needs_code = device.authenticate(matching_id)
        if isinstance(needs_code, str):
            return needs_code
        bpp = device.get(code)
        return bpp if isinstance(bpp, str) else None


@pytest.fixture(scope="module")
def suite(program, root, shared, tmp_path_factory):
    folder = tmp_path_factory.mktemp("suite")
    for path in (shared / "vectors" / "sgp26").iterdir():
        (folder / path.name).write_bytes(path.read_bytes())
    self_signed(folder, "suite")
    self_signed(folder, "stranger")
    (folder / "world.yaml").write_text(WORLD)
    subprocess.run([program, "pki", folder / "world.yaml", "-o", folder / "pki"], check=True, cwd=root,
                   stdout=subprocess.DEVNULL)
    server = subprocess.Popen([program, "serve", folder / "world.yaml"], cwd=root, text=True, stdout=subprocess.PIPE)
    line = server.stdout.readline()
    assert line, server.wait()
    yield Suite(json.loads(line)["endpoints"][0]["address"], folder)
    server.terminate()
    assert server.wait(timeout=10) == 0


@pytest.mark.parametrize("matching_id, code, wanted", [
    ("AC_NOT_RELEASED", None, "8.2/1.2"), ("AC_ENDED", None, "8.2.6/3.8"), ("AC_UNAVAILABLE", None, "8.2.6/3.8"),
    ("AC_EXPIRED", None, "8.8.5/4.10"), ("AC_ATTEMPTS_USED_UP", None, "8.8.5/6.4"),
    ("AC_OTHER_EID", None, "8.1.1/3.8"), ("AC_NOT_ELIGIBLE", None, "8.2.5/4.3"),
    ("AC_NOBODY", None, "8.2.6/3.8"), ("AC_CODE", None, "8.2.7/2.2"), ("AC_CODE", "0", "8.2.7/3.8")])
def test_refused_again_and_again(suite, matching_id, code, wanted):
    for _ in range(2):
        assert suite.try_order(matching_id, code) == wanted


@pytest.mark.parametrize("matching_id, code", [
    ("AC_READY", None), ("AC_CODE", "1234"), ("AC_DOWNLOADED", None), ("AC_RULES", None), ("AC_EID", None), ("AC_EVENT", None), ("", None)])
def test_ready(suite, matching_id, code):
    assert suite.try_order(matching_id, code) is None


def test_confirmation_attempts_used_up(suite):
    assert suite.try_order("AC_CODE_USED_UP", "1234") == "8.2.7/6.4"


@pytest.mark.parametrize("version, wanted", [
    ((1, 0, 0), "8.8.3/3.1"), ((3, 0, 0), "8.8.3/3.1"), ((2, 2, 1), None), ((2, 2, 2), None), ((2, 3, 0), None)])
def test_versions(suite, version, wanted):
    device = suite.device()
    ids = tlv.make(0x04, device.ski)
    info1 = tlv.make(0xBF20, tlv.make(0x82, bytes(version)) + tlv.make(0xA9, ids) + tlv.make(0xAA, ids))
    reply = device.post("initiateAuthentication", euiccChallenge=bytes(16), euiccInfo1=info1,
                        smdpAddress="TESTSMDPPLUS1.example.com")
    assert reply == wanted if wanted else set(reply) == {
        "header", "transactionId", "serverSigned1", "serverSignature1", "euiccCiPKIdToBeUsed", "serverCertificate"}


def test_order_from_the_pool(suite):
    op = suite.operator
    first = op.call("downloadOrder", profileType="pool")
    assert first == {"iccid": POOL}
    assert op.call("confirmOrder", iccid=POOL, matchingId="FROM_POOL", releaseFlag=False) == {"matchingId": "FROM_POOL"}
    assert op.call("releaseProfile", iccid=POOL) == {}
    assert suite.try_order("FROM_POOL") is None
    assert op.call("cancelOrder", iccid=POOL, matchingId="FROM_POOL", finalProfileStatusIndicator="Unavailable") == {}


def test_repeats(suite):
    """The same call again gets the same answer and moves nothing; once the order has ended it is a call of its own."""
    op = suite.operator
    order = {"iccid": "8988303000000010019"}
    confirmation = {**order, "eid": EID, "confirmationCode": "1", "releaseFlag": True}
    end = {**order, "eid": EID, "finalProfileStatusIndicator": "Available"}
    for _ in range(2):
        assert [op.call("downloadOrder", "d1", **order) for _ in range(2)] == [order, order]
        assert op.call("downloadOrder", "d2", **order) == "8.2.1/3.3"
        first, second = (op.call("confirmOrder", "c1", **confirmation) for _ in range(2))
        assert first == second and set(first) == {"eid", "matchingId"}
        assert op.call("confirmOrder", "c2", **{**confirmation, "releaseFlag": False}) != {}
        assert [op.call("cancelOrder", "x1", **end) for _ in range(2)] == [{}, {}]
        assert op.call("cancelOrder", "x2", **end) == "8.2.1/3.3"


def test_pool_by_type_is_not_given_twice(suite):
    op = suite.operator
    seen = [op.call("downloadOrder", profileType="pool")["iccid"] for _ in range(5)]
    assert len(set(seen)) == 5
    again = [op.call("downloadOrder", "same", profileType="pool")["iccid"] for _ in range(3)]
    assert len(set(again)) == 1 and again[0] not in seen


@pytest.mark.parametrize("function, members, wanted", [
    ("downloadOrder", {"iccid": "8988303000000099999"}, "8.2.1/3.9"),
    ("downloadOrder", {"iccid": "8988303000000020000"}, "8.2.1/1.2"),
    ("downloadOrder", {"iccid": "8988303000000020018"}, "8.2.1/3.3"),
    ("downloadOrder", {"profileType": "nothing"}, "8.2.5/3.9"),
    ("downloadOrder", {"profileType": "other-operator"}, "8.2.5/1.2"),
    ("downloadOrder", {"profileType": "used-up"}, "8.2.5/3.7"),
    ("downloadOrder", {"iccid": "8988303000000010498", "profileType": "used-up"}, "8.2.5/3.8"),
    ("downloadOrder", {"iccid": "8988303000000030132", "eid": EID}, "8.2.1/3.10"),
    ("confirmOrder", {"iccid": "8988303000000030132", "eid": EID, "releaseFlag": True}, "8.1.1/3.10"),
    ("confirmOrder", {"iccid": "8988303000000030124", "matchingId": "", "releaseFlag": True}, "8.1.1/2.2"),
    ("confirmOrder", {"iccid": "8988303000000030124", "matchingId": "AC_EID", "releaseFlag": True}, "8.2.6/3.3"),
    ("cancelOrder", {"iccid": "8988303000000030132", "eid": OTHER, "matchingId": "X",
                     "finalProfileStatusIndicator": "Available"}, "8.2.6/3.10"),
    ("releaseProfile", {"iccid": "8988303000000030124"}, "8.2.1/3.5")])
def test_es2plus_refusals(suite, function, members, wanted):
    for _ in range(2):
        assert suite.operator.call(function, **members) == wanted


@pytest.mark.parametrize("header, wanted", [
    ({"functionCallIdentifier": "1"}, "1.6/2.2"), ({"functionRequesterIdentifier": "1"}, "1.6/2.2"),
    ({}, "1.6/2.2"), (None, "1.6/2.2"), ([], "1.6/2.2"),
    ({"functionRequesterIdentifier": 1, "functionCallIdentifier": "1"}, "1.6/2.1")])
def test_header_rules(suite, header, wanted):
    body = {"iccid": POOL} if header is None else {"header": header, "iccid": POOL}
    data = suite.operator.post("downloadOrder", body)["header"]["functionExecutionStatus"]["statusCodeData"]
    assert f"{data['subjectCode']}/{data['reasonCode']}" == wanted


def test_es2plus_needs_a_known_certificate(suite):
    nobody = Operator(suite.address, suite.folder, None)
    assert nobody.call("downloadOrder", iccid="8988303000000010498") == "8.2.1/1.2"
    stranger = Operator(suite.address, suite.folder, "stranger")
    with pytest.raises((ssl.SSLError, OSError, http.client.HTTPException)):
        stranger.call("downloadOrder", iccid="8988303000000010498")
