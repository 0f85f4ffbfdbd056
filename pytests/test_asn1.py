"""The codecs and `rspsim decode` against asn1crypto, the recorded session and the facts of the
specification. Whatever the oracle builds here, the program must name and print."""

import base64
import json
import re

import pytest

core = pytest.importorskip("asn1crypto.core")


def items(node):
    """(path, value) of every leaf of `rspsim decode --json`."""
    def walk(item, path):
        path = path + [item["name"]]
        if "value" in item:
            yield ".".join(path[1:]), item["value"]
        for child in item.get("children", []):
            yield from walk(child, path)
    return dict(walk(node, []))


@pytest.fixture(scope="module")
def decode(rspsim, tmp_path_factory):
    folder = tmp_path_factory.mktemp("decode")

    def run(octets, *args):
        path = folder / "message"
        path.write_bytes(octets)
        return json.loads(rspsim("decode", "--json", *args, path, check=0).stdout)
    return run


# The oracle's own reading of the types, by asn1crypto.

class EnableProfileResponse(core.Sequence):
    class_, tag = 2, 49
    _fields = [("enableResult", core.Integer, {"implicit": 0})]


class NotificationMetadata(core.Sequence):
    class_, tag = 2, 47
    _fields = [
        ("seqNumber", core.Integer, {"implicit": 0}),
        ("profileManagementOperation", core.BitString, {"implicit": 1}),
        ("notificationAddress", core.UTF8String),
        ("iccid", core.OctetString, {"implicit": ("application", 26), "optional": True}),
    ]


class OperatorId(core.Sequence):
    _fields = [
        ("mccMnc", core.OctetString, {"implicit": 0}),
        ("gid1", core.OctetString, {"implicit": 1, "optional": True}),
        ("gid2", core.OctetString, {"implicit": 2, "optional": True}),
    ]


class OperatorIds(core.SequenceOf):
    _child_spec = OperatorId


class Rule(core.Sequence):
    _fields = [
        ("pprIds", core.BitString, {"implicit": 0}),
        ("allowedOperators", OperatorIds, {"implicit": 1}),
        ("pprFlags", core.BitString, {"implicit": 2}),
    ]


class Rules(core.SequenceOf):
    _child_spec = Rule


class GetRatResponse(core.Sequence):
    class_, tag = 2, 67
    _fields = [("rat", Rules, {"implicit": 0})]


class EuiccCancelSessionSigned(core.Sequence):
    _fields = [
        ("transactionId", core.OctetString, {"implicit": 0}),
        ("smdpOid", core.ObjectIdentifier, {"implicit": 1}),
        ("reason", core.Integer, {"implicit": 2}),
    ]


class CancelSessionResponseOk(core.Sequence):
    _fields = [
        ("euiccCancelSessionSigned", EuiccCancelSessionSigned),
        ("euiccCancelSessionSignature", core.OctetString, {"implicit": ("application", 55)}),
    ]


class CancelSessionChoice(core.Choice):
    _alternatives = [
        ("cancelSessionResponseOk", CancelSessionResponseOk, {"implicit": 0}),
        ("cancelSessionResponseError", core.Integer, {"implicit": 1}),
    ]


class StoreMetadataRequest(core.Sequence):
    class_, tag = 2, 37
    _fields = [
        ("iccid", core.OctetString, {"implicit": ("application", 26)}),
        ("serviceProviderName", core.UTF8String, {"implicit": 17}),
        ("profileName", core.UTF8String, {"implicit": 18}),
        ("profileClass", core.Integer, {"implicit": 21, "optional": True}),
        ("profileOwner", OperatorId, {"implicit": 23, "optional": True}),
        ("profilePolicyRules", core.BitString, {"implicit": 25, "optional": True}),
        ("laterVersion", core.OctetString, {"implicit": 60, "optional": True}),
    ]


ICCID = bytes.fromhex("988803030000000010f0")


def test_enable_result(decode):
    node = decode(EnableProfileResponse({"enableResult": 5}).dump())
    assert node["name"] == "EnableProfileResponse"
    assert items(node) == {"enableResult": "catBusy (5)"}


def test_notification_metadata(decode):
    message = NotificationMetadata({"seqNumber": 300, "profileManagementOperation": (0, 0, 1),
                                    "notificationAddress": "dp1.example.com", "iccid": ICCID})
    found = items(decode(message.dump()))
    assert found["seqNumber"] == "300"
    assert found["profileManagementOperation"].startswith("notificationDisable ")
    assert found["notificationAddress"] == '"dp1.example.com"'
    assert found["iccid"] == "8988303000000000010"


def test_rules_authorisation_table(decode):
    table = GetRatResponse({"rat": [{"pprIds": (0, 1, 1), "pprFlags": (1,), "allowedOperators": [
        {"mccMnc": b"\xee\xee\xee", "gid1": b"", "gid2": b""}]}]})
    node = decode(table.dump())
    assert node["name"] == "GetRatResponse"
    found = items(node)
    rule = "rat.ProfilePolicyAuthorisationRule."
    assert found[rule + "pprIds"].startswith("ppr1, ppr2 ")
    assert found[rule + "pprFlags"].startswith("consentRequired ")
    assert found[rule + "allowedOperators.OperatorId.mccMnc"] == "eeeeee"


def test_cancel_session(decode):
    ok = CancelSessionChoice("cancelSessionResponseOk", {
        "euiccCancelSessionSigned": {"transactionId": b"\1\2", "smdpOid": "2.999.10", "reason": 1},
        "euiccCancelSessionSignature": bytes(64)}).dump()
    message = bytes.fromhex("BF41") + (b"\x81" if len(ok) > 127 else b"") + bytes([len(ok)]) + ok
    node = decode(message)
    assert node["name"] == "CancelSessionResponse"
    found = items(node)
    signed = "cancelSessionResponseOk.euiccCancelSessionSigned."
    assert found[signed + "reason"] == "postponed (1)"
    assert found[signed + "smdpOid"] == "2.999.10"


def test_metadata_and_its_extension(decode):
    message = StoreMetadataRequest({
        "iccid": ICCID, "serviceProviderName": "Bücher \x1b[31m", "profileName": "n",
        "profileClass": 0, "profileOwner": {"mccMnc": b"\x62\xf2\x10"},
        "profilePolicyRules": (0, 0, 1), "laterVersion": b"later"})
    node = decode(message.dump())
    assert node["name"] == "StoreMetadataRequest"
    found = items(node)
    assert found["profileClass"] == "test (0)"
    assert found["profilePolicyRules"].startswith("ppr2 ")
    assert found["serviceProviderName"] == '"Bücher \\x1b[31m"'
    assert any(path.startswith("unknown extension") for path in found)


def test_json_body(decode):
    body = {"transactionId": "0102",
            "cancelSessionResponse": base64.b64encode(bytes.fromhex("BF4103810105")).decode()}
    node = decode(json.dumps(body).encode())
    assert node["name"] == "ES9+.CancelSession request"
    assert [value for path, value in items(node).items()
            if path.endswith("cancelSessionResponseError")] == ["invalidTransactionId (5)"]


@pytest.mark.parametrize("text", ["BF3103800105", "bf31 0380\n0105", "vzEDgAEF\n"])
def test_input_forms(rspsim, text):
    done = rspsim("decode", input=text, check=0)
    assert done.stdout.splitlines() == ["EnableProfileResponse [BF31]",
                                        "  enableResult [80]: catBusy (5)"]


def test_apdus(rspsim):
    done = rspsim("decode", input="81E2910006BF3E035C015A", check=0).stdout
    for text in ("STORE DATA on channel 1", "P1 91, P2 00", "Lc: 6", "ES10c.GetEID", "tagList"):
        assert text in done
    done = rspsim("decode", input="6A88", check=0).stdout
    assert done == "response APDU: SW 6A88, referenced data not found\n"


@pytest.mark.parametrize("arguments,text", [
    ((), ""), ((), "zz"), ((), "{"), (("--type", "NoSuchType"), "BF3100"),
    (("--type", "EnableProfileRequest"), "BF3103800105"), (("/nonexistent/file",), ""),
    (("a", "b"), ""), (("--nonsense",), "")])
def test_refused(rspsim, arguments, text):
    done = rspsim("decode", *arguments, input=text, check=2)
    assert done.stdout == "" and done.stderr.startswith("rspsim decode: ")


def test_suggestion(rspsim):
    done = rspsim("decode", "--type", "EUICCInfo3", input="BF2000", check=2)
    assert "did you mean EUICCInfo" in done.stderr


def test_recorded_session(decode, shared):
    names = {"auth-server-response": "AuthenticateServerResponse",
             "authenticate-response": "AuthenticateClientResponseEs9",
             "bound-profile-package": "BoundProfilePackage", "euicc-info1": "EUICCInfo1",
             "initiate-response": "InitiateAuthenticationOkEs9",
             "pending-notification": "ProfileInstallationResult",
             "prepare-download-response": "PrepareDownloadResponse",
             "store-metadata": "StoreMetadataRequest"}
    for name, expected in names.items():
        node = decode((shared / "vectors" / "session" / f"{name}.der").read_bytes())
        assert node["name"] == expected
        assert not [path for path in items(node) if "unknown" in path]


def test_certificates_are_summarised(decode, shared):
    x509 = pytest.importorskip("asn1crypto.x509")
    for path in sorted((shared / "vectors" / "sgp26").glob("*.der")):
        octets = path.read_bytes()
        found = items(decode(octets))
        oracle = x509.Certificate.load(octets)
        assert found["serialNumber"].lstrip("0") == f"{oracle.serial_number:x}"
        if oracle.key_identifier:
            assert found["subjectKeyIdentifier"] == oracle.key_identifier.hex()
        for value in oracle.subject.native.values():
            assert value in found["subject"]


def test_enumerations_are_those_of_the_specification(root, shared):
    """Every enumeration of errors.md 4.4 stands in rsp.asn, value for value."""
    module = (root / "asn1" / "rsp.asn").read_text()
    pairs = re.compile(r"([A-Za-z0-9-]+) ?\((\d+)\)")
    ours = [set(pairs.findall(body)) for body in re.findall(r"INTEGER \{(.*?)\}", module, re.S)]
    facts = (shared / "spec" / "errors.md").read_text().split("### 4.4")[1].split("\n## ")[0]
    rows = re.findall(r"^\| ([A-Z]\S+) \| (.*) \|$", facts, re.M)
    rows = [row for row in rows if row[0] != "Type"]
    assert len(rows) > 20
    for name, values in rows:
        assert set(pairs.findall(values)) in ours, name


def test_list_errors(rspsim, root):
    """Each error that a scenario declares is in the table, and then names a scenario."""
    declared = set()
    for path in (root / "scenarios").rglob("*.yaml"):
        block = re.search(r"^errors:\n((?:  +- .*\n)+)", path.read_text(), re.M)
        declared |= set(re.findall(r'- "([^"]+)"', block.group(1))) if block else set()
    lines = [line.split("\t") for line in rspsim("list", "errors", check=0).stdout.splitlines()]
    table = {f"{line[0]}.{line[1]} {line[2]}": line for line in lines}
    assert len(table) == len(lines)
    for error in declared:
        assert error in table and table[error][4] != "-", error
    for line in lines:
        assert len(line) == (6 if line[4] == "-" else 5)


@pytest.mark.parametrize("what", ["functions", "faults", "steps", "expectations"])
def test_lists(rspsim, what):
    lines = rspsim("list", what, check=0).stdout.splitlines()
    assert len(lines) == len(set(lines)) > 3


def test_list_refuses(rspsim):
    assert rspsim("list", "nonsense", check=2).stdout == ""
    assert rspsim("list", check=2).stdout == ""
