"""Certificates and keys of a world, read and verified by other implementations."""

import hashlib
import os
import stat
import subprocess

import pytest
from asn1crypto import x509 as asn1_x509
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

WORLD = "scenarios/worlds/consumer.yaml"
ROLE = "2.23.146.1.2.1."
# File name, issuer's file name, role arc (None: no policy).
CHAIN = [
    ("ci", "ci", 0), ("eum", "ci", 2), ("card-euicc", "eum", 1), ("dp1-auth", "ci", 4),
    ("dp1-pb", "ci", 5), ("dp1-tls", "ci", 3), ("mno-client", "ci", None),
]
NAMES = [name for name, _, _ in CHAIN]


@pytest.fixture(scope="module")
def folder(rspsim, tmp_path_factory):
    path = tmp_path_factory.mktemp("pki")
    rspsim("pki", WORLD, "-o", path, check=0)
    return path


def certificate(folder, name):
    return x509.load_der_x509_certificate((folder / f"{name}.der").read_bytes())


def point(key):
    return key.public_bytes(serialization.Encoding.X962,
                            serialization.PublicFormat.UncompressedPoint)


def extensions(folder, name):
    parsed = asn1_x509.Certificate.load((folder / f"{name}.der").read_bytes())
    return {e["extn_id"].native: e["critical"].native for e in
            parsed["tbs_certificate"]["extensions"]}


def test_every_file_is_there(folder):
    files = sorted(p.name for p in folder.iterdir())
    want = [name + suffix for name in NAMES for suffix in (".der", ".pem", ".key.der", ".key.pem")]
    assert files == sorted(want)


@pytest.mark.parametrize("name", NAMES)
def test_pem_is_the_same_as_der(folder, name):
    pem = x509.load_pem_x509_certificate((folder / f"{name}.pem").read_bytes())
    assert pem == certificate(folder, name)


@pytest.mark.parametrize("name", NAMES)
def test_key_belongs_to_certificate(folder, name):
    for suffix, load in ((".key.pem", serialization.load_pem_private_key),
                         (".key.der", serialization.load_der_private_key)):
        path = folder / (name + suffix)
        key = load(path.read_bytes(), None)
        assert isinstance(key.curve, ec.SECP256R1)
        assert point(key.public_key()) == point(certificate(folder, name).public_key())
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


@pytest.mark.parametrize("name,issuer,arc", CHAIN)
def test_link_and_signature(folder, name, issuer, arc):
    cert, above = certificate(folder, name), certificate(folder, issuer)
    assert cert.version == x509.Version.v3
    assert cert.issuer.public_bytes() == above.subject.public_bytes()
    above.public_key().verify(cert.signature, cert.tbs_certificate_bytes, ec.ECDSA(hashes.SHA256()))
    ski = cert.extensions.get_extension_for_class(x509.SubjectKeyIdentifier)
    assert not ski.critical
    assert ski.value.digest == hashlib.sha1(point(cert.public_key())).digest()
    if name != issuer:
        aki = cert.extensions.get_extension_for_class(x509.AuthorityKeyIdentifier)
        assert not aki.critical
        assert aki.value.key_identifier == hashlib.sha1(point(above.public_key())).digest()
        assert aki.value.authority_cert_issuer is None
    assert 0 < cert.serial_number < 1 << 64


@pytest.mark.parametrize("name,issuer,arc", CHAIN)
def test_role(folder, name, issuer, arc):
    found = certificate(folder, name).extensions
    if arc is None:
        with pytest.raises(x509.ExtensionNotFound):
            found.get_extension_for_class(x509.CertificatePolicies)
        return
    policies = found.get_extension_for_class(x509.CertificatePolicies)
    assert [p.policy_identifier.dotted_string for p in policies.value] == [f"{ROLE}{arc}"]
    assert policies.critical is (name != "dp1-tls")


# SGP.22 4.5.2, Variant O: which extensions a certificate has, and which are critical.
SIGNING = {"authority_key_identifier": False, "key_identifier": False, "key_usage": True,
           "certificate_policies": True, "subject_alt_name": False,
           "crl_distribution_points": False}
EXPECTED = {
    "ci": {"key_identifier": False, "key_usage": True, "certificate_policies": True,
           "subject_alt_name": False, "basic_constraints": True},
    "eum": {**SIGNING, "basic_constraints": True, "name_constraints": True},
    "card-euicc": {"authority_key_identifier": False, "key_identifier": False, "key_usage": True,
                   "certificate_policies": True},
    "dp1-auth": SIGNING,
    "dp1-pb": SIGNING,
    "dp1-tls": {**SIGNING, "certificate_policies": False, "extended_key_usage": True},
}


@pytest.mark.parametrize("name", EXPECTED)
def test_extension_set(folder, name):
    assert extensions(folder, name) == EXPECTED[name]


@pytest.mark.parametrize("name", NAMES)
def test_usage(folder, name):
    found = certificate(folder, name).extensions
    usage = found.get_extension_for_class(x509.KeyUsage).value
    flags = {flag for flag in ("digital_signature", "content_commitment", "key_encipherment",
                               "data_encipherment", "key_agreement", "key_cert_sign", "crl_sign")
             if getattr(usage, flag)}
    assert flags == {"ci": {"key_cert_sign", "crl_sign"}, "eum": {"key_cert_sign"}}.get(
        name, {"digital_signature"})
    if name in ("ci", "eum"):
        basic = found.get_extension_for_class(x509.BasicConstraints).value
        assert basic.ca and basic.path_length == (None if name == "ci" else 0)


def test_tls_names_and_usage(folder):
    found = certificate(folder, "dp1-tls").extensions
    names = found.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == ["dp1.example.com"]
    usage = found.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert [u.dotted_string for u in usage] == ["1.3.6.1.5.5.7.3.1", "1.3.6.1.5.5.7.3.2"]


def test_server_certificates_share_their_oid(folder):
    ids = set()
    for name in ("dp1-auth", "dp1-pb", "dp1-tls"):
        names = certificate(folder, name).extensions.get_extension_for_class(
            x509.SubjectAlternativeName).value
        ids.update(o.dotted_string for o in names.get_values_for_type(x509.RegisteredID))
    assert len(ids) == 1


def test_eum_range_and_euicc_subject(folder):
    eum, card = certificate(folder, "eum"), certificate(folder, "card-euicc")
    limits = eum.extensions.get_extension_for_class(x509.NameConstraints).value
    assert limits.excluded_subtrees is None
    [subtree] = limits.permitted_subtrees
    assert isinstance(subtree, x509.DirectoryName)
    limit = {a.oid: a.value for a in subtree.value}
    subject = {a.oid: a.value for a in card.subject}
    assert limit.keys() == {x509.NameOID.ORGANIZATION_NAME, x509.NameOID.SERIAL_NUMBER}
    assert subject[x509.NameOID.ORGANIZATION_NAME] == limit[x509.NameOID.ORGANIZATION_NAME]
    assert subject[x509.NameOID.SERIAL_NUMBER] == "89049032001234000000000000000141"
    assert subject[x509.NameOID.SERIAL_NUMBER].startswith(limit[x509.NameOID.SERIAL_NUMBER])


def openssl(*args):
    return subprocess.run(["openssl", *map(str, args)], text=True, capture_output=True)


@pytest.mark.parametrize("name", ["dp1-auth", "dp1-pb", "dp1-tls", "mno-client", "eum"])
def test_openssl_verifies(folder, name):
    # The world's certificates age by its own clock; 1735689600 is its start.
    done = openssl("verify", "-x509_strict", "-attime", 1735689600, "-check_ss_sig", "-CAfile",
                   folder / "ci.pem", folder / f"{name}.pem")
    assert done.returncode == 0, done.stderr
    late = openssl("verify", "-attime", 1735689600 - 10 * 86400, "-CAfile", folder / "ci.pem",
                   folder / f"{name}.pem")
    assert late.returncode != 0


def test_openssl_verifies_tls_server(folder):
    done = openssl("verify", "-attime", 1735689600, "-purpose", "sslserver", "-verify_hostname",
                   "dp1.example.com", "-CAfile", folder / "ci.pem", folder / "dp1-tls.pem")
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("name", NAMES)
def test_openssl_prints(folder, name):
    done = openssl("x509", "-in", folder / f"{name}.pem", "-noout", "-text")
    assert done.returncode == 0, done.stderr
    assert "ASN1 OID: prime256v1" in done.stdout


def test_same_seed_same_files(rspsim, folder, tmp_path):
    rspsim("pki", WORLD, "-o", tmp_path / "again", check=0)
    rspsim("pki", WORLD, "-o", tmp_path / "other", "--seed", 7, check=0)
    for path in folder.iterdir():
        assert (tmp_path / "again" / path.name).read_bytes() == path.read_bytes()
        assert (tmp_path / "other" / path.name).read_bytes() != path.read_bytes()


def test_key_file_is_not_written_through_a_link(rspsim, tmp_path):
    victim = tmp_path / "victim"
    victim.write_text("mine")
    out = tmp_path / "out"
    out.mkdir()
    (out / "ci.key.pem").symlink_to(victim)
    old = os.umask(0)
    try:
        rspsim("pki", WORLD, "-o", out, check=0)
    finally:
        os.umask(old)
    assert victim.read_text() == "mine"
    assert stat.S_IMODE((out / "ci.key.pem").lstat().st_mode) == 0o600


@pytest.mark.parametrize("args", [[], [WORLD], ["-o", "x"], ["absent.yaml", "-o", "x"]])
def test_bad_usage(rspsim, tmp_path, args):
    done = rspsim("pki", *[str(tmp_path / a) if a == "x" else a for a in args])
    assert done.returncode == 2
    assert done.stderr and not done.stdout
