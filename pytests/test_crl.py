"""CRLs that the CI actor makes, read and verified by Python's cryptography out of the trace."""

import base64
import json

from cryptography import x509

import tlv

PARTS, PART = x509.ObjectIdentifier("2.23.146.1.2.0.2"), x509.ObjectIdentifier("2.23.146.1.2.0.3")


def events(traces, name):
    return [json.loads(line) for line in (traces / f"{name}.jsonl").read_text().splitlines()]


def lists(traces, name):
    """The CI's certificate, and the CRLs in the order in which the card got them."""
    all_of_it = events(traces, name)
    ci = x509.load_der_x509_certificate(bytes.fromhex(all_of_it[0]["ci"][0]))
    crls = []
    for e in all_of_it:
        if e.get("function") == "LoadCRL" and e["leg"] == "request" and e["stage"] == "sent":
            content = tlv.find(bytes.fromhex(e["body"]), 0xBF35, 0xA0)
            head = bytes([0x30, 0x82]) + len(content).to_bytes(2, "big")
            if len(content) < 256:
                head = bytes([0x30, 0x81, len(content)])
            crls.append(x509.load_der_x509_crl(head + content))
    return ci, crls


def serial_of_dp_auth(traces, name):
    for e in events(traces, name):
        if e.get("function") == "InitiateAuthentication" and e["leg"] == "response" and e["stage"] == "sent":
            der = base64.b64decode(json.loads(e["body"])["serverCertificate"])
            return x509.load_der_x509_certificate(der).serial_number
    raise AssertionError("no certificate in the trace")


def test_parts_of_a_list(traces):
    ci, crls = lists(traces, "revoked-dp-auth")
    serial = serial_of_dp_auth(traces, "revoked-dp-auth")
    assert [c.extensions.get_extension_for_class(x509.CRLNumber).value.crl_number for c in crls] == [1, 1]
    assert [c.extensions.get_extension_for_oid(PART).value.value for c in crls] == [b"\x02\x01\x02", b"\x02\x01\x01"]
    assert {c.extensions.get_extension_for_oid(PARTS).value.value for c in crls} == {b"\x02\x01\x02"}
    for crl in crls:
        assert crl.issuer == ci.subject
        assert crl.is_signature_valid(ci.public_key())
        assert crl.get_revoked_certificate_by_serial_number(serial)


def test_delta(traces):
    ci, (base, delta) = lists(traces, "revoked-dp-pb-by-delta")
    indicator = delta.extensions.get_extension_for_class(x509.DeltaCRLIndicator)
    assert indicator.critical and indicator.value.crl_number == 10
    assert len(list(base)) == 0 and len(list(delta)) == 1
    assert base.is_signature_valid(ci.public_key()) and delta.is_signature_valid(ci.public_key())


def test_a_bad_signature_is_bad(traces):
    ci, crls = lists(traces, "load-crl-refused")
    # The card refuses the second for its signature, the fifth as of a CI that it does not know.
    assert [c.is_signature_valid(ci.public_key()) for c in crls[:6]] == [True, False, True, True, False, True]
