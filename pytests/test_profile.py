"""Profile packages: what `rspsim profile` builds, checks and prints, read by other code."""

import re

import pytest

import tlv

PROFILES = "scenarios/profiles"
KEY = bytes.fromhex("465b5ce8b199b49faa5f0a2ee238a6bc")
OPC = bytes.fromhex("cd63cb71954a9f4e48a5994e37a02baf")
TS48 = ["ts48-v1-a.der", "ts48-v5-saip2.3-nobertlv.der", "ts48-v7-saip2.3-nobertlv.der"]


def swapped(digits, size):
    digits = digits.ljust(2 * size, "F")
    return bytes(int(digits[i + 1] + digits[i], 16) for i in range(0, 2 * size, 2))


def imsi_octets(imsi):
    parity = "9" if len(imsi) % 2 else "1"
    nibbles = (parity + imsi + ("" if len(imsi) % 2 else "F"))
    body = bytes(int(nibbles[i + 1] + nibbles[i], 16) for i in range(0, len(nibbles), 2))
    return (bytes([len(body)]) + body).ljust(9, b"\xff")


def content(package, element, member):
    """The first fillFileContent of a file."""
    return tlv.find(package, element, member, 0x83)


@pytest.fixture(scope="module")
def build(rspsim, tmp_path_factory):
    folder = tmp_path_factory.mktemp("profiles")

    def run(name, *args):
        out = folder / (re.sub(r"\W", "-", name) + str(len(args)) + ".der")
        rspsim("profile", "build", f"{PROFILES}/{name}.yaml", "-o", out, *args, check=0)
        return out.read_bytes()

    return run


@pytest.mark.parametrize("name, iccid, imsi", [
    ("minimal", "8988303000000000028", "001010000000002"),
    ("consumer-test", "8988303000000000010", "001010000000001")])
def test_identities(build, name, iccid, imsi):
    package = build(name)
    assert tlv.find(package, 0xA0, 0x83).hex() == iccid.ljust(20, "f")
    assert content(package, 0xB0, 0xA4) == swapped(iccid, 10)
    assert content(package, 0xB3, 0xA3) == imsi_octets(imsi)


def test_identities_given(build):
    package = build("minimal", "--iccid", "89000123456789012341", "--imsi", "00101012345678")
    assert tlv.find(package, 0xA0, 0x83).hex() == "89000123456789012341"
    assert content(package, 0xB0, 0xA4) == swapped("89000123456789012341", 10)
    assert content(package, 0xB3, 0xA3) == imsi_octets("00101012345678")


def test_order(build):
    package = build("consumer-test")
    assert 10_000 <= len(package) <= 13_000
    tags = [tag for tag, _, _ in tlv.walk(package)]
    assert tags == [0xA0, 0xB0, 0xA3, 0xA2, 0xB1, 0xB2, 0xA2, 0xB3, 0xB4, 0xA2, 0xA4, 0xB8, 0xBC,
                    0xB5, 0xB6, 0xA2, 0xA4, 0xA1, 0xA6, 0xA7, 0xA7, 0xAA]
    numbers = [tlv.find(value, 0xA0, 0x81) for tag, value, _ in tlv.walk(package) if tag != 0xA0]
    assert len(set(numbers)) == len(numbers)


def test_templates_listed(build):
    package = build("consumer-test")
    listed = [value for _, value, _ in tlv.walk(tlv.find(package, 0xA0, 0xA6))]
    used = [tlv.find(value, 0x81) for tag, value, _ in tlv.walk(package) if 0xB0 <= tag <= 0xBE]
    assert sorted(set(used)) == sorted(listed) and len(set(listed)) == len(listed)


def test_keys(build):
    algorithm = tlv.find(build("minimal"), 0xA4, 0xA1, 0xA1)
    assert tlv.find(algorithm, 0x80) == b"\x01"
    assert tlv.find(algorithm, 0x82) == KEY and tlv.find(algorithm, 0x83) == OPC
    services = [tag for tag, _, _ in tlv.walk(tlv.find(build("minimal"), 0xA0, 0xA5))]
    assert services == [0x81, 0x84]  # usim, milenage


def test_pins(build):
    package = build("consumer-test")
    pins = [value for tag, value, _ in tlv.walk(package) if tag == 0xA2]
    first = [value for _, value, _ in tlv.walk(tlv.find(pins[0], 0xA1, 0xA0))]
    assert [tlv.find(pin, 0x80).hex() for pin in first] == ["01", "0a", "0b"]
    assert tlv.find(first[0], 0x81) == b"0000\xff\xff\xff\xff"
    assert tlv.find(first[0], 0x83) == b"\x06"
    second = tlv.find(pins[1], 0xA1, 0xA0, 0x30)
    assert tlv.find(second, 0x80).hex() == "0081" and tlv.find(second, 0x82).hex() == "0081"


def test_directory_and_domains(build):
    """EF.DIR, the ADFs and RFM's target name the same applications."""
    package = build("consumer-test")
    adfs = [tlv.find(package, element, 0xA2, 0xA1, 0x84) for element in (0xB3, 0xB5)]
    records = [value for tag, value, _ in tlv.walk(tlv.find(package, 0xB0, 0xA5)) if tag == 0x83]
    assert [tlv.find(record, 0x61, 0x4F) for record in records] == adfs
    rfms = [value for tag, value, _ in tlv.walk(package) if tag == 0xA7]
    assert tlv.find(rfms[1], 0x30, 0x80) == adfs[0]
    assert tlv.find(package, 0xA6, 0xA1, 0x82).hex() == "82dc00"


def test_same_every_time(build):
    assert build("consumer-test") == build("consumer-test")


def test_to_standard_output(rspsim, build):
    done = rspsim("profile", "build", f"{PROFILES}/minimal.yaml", text=False)
    assert done.returncode == 0 and done.stdout == build("minimal")


# --- check ---

def test_check_good(rspsim):
    done = rspsim("profile", "check", f"{PROFILES}/minimal.yaml", f"{PROFILES}/consumer-test.yaml",
                  check=0)
    assert done.stdout.count(": good: ICCID 89883030") == 2 and not done.stderr


def test_check_names_element_and_rule(rspsim, build, tmp_path):
    wholes = [whole for _, _, whole in tlv.walk(build("minimal"))]
    bad = tmp_path / "bad.der"
    bad.write_bytes(b"".join([wholes[0], wholes[2], wholes[1]] + wholes[3:]))
    done = rspsim("profile", "check", bad, check=2)
    assert f"{bad}: element 2 pukCodes (identification 2): the MF comes right after the header" \
        in done.stderr
    assert not done.stdout


def test_check_truncated(rspsim, build, tmp_path):
    package = build("minimal")
    cut = tmp_path / "cut.der"
    for size in range(1, len(package), 149):
        cut.write_bytes(package[:size])
        done = rspsim("profile", "check", cut, check=2)
        assert str(cut) in done.stderr and "Traceback" not in done.stderr
        assert rspsim("profile", "show", cut).returncode in (0, 2)


@pytest.mark.parametrize("text, message", [
    ("[1]\n", "a profile is a map"),
    ("profile: {iccid: \"8988303000000000028\"}\nusmi: {}\n", ":2:1: unknown key 'usmi'"),
    ("profile: {iccid: \"8988303000000000028\"}\nusim: {}\n", "content is missing"),
    ("profile: {iccid: \"12\"}\n", "18 to 20 digits"),
    ("profile: [\n", "bad.yaml:"),
    ("profile: {iccid: \"8988303000000000028\"}\nusim:\n  imsi: \"1\"\n", ":3:9: an IMSI"),
])
def test_bad_description(rspsim, tmp_path, text, message):
    bad = tmp_path / "bad.yaml"
    bad.write_text(text)
    done = rspsim("profile", "build", bad, "-o", tmp_path / "out.der", check=2)
    assert message in done.stderr
    assert not (tmp_path / "out.der").exists()


@pytest.mark.parametrize("arguments", [[], ["bild"], ["build"], ["check"], ["show"],
                                       ["build", "/nowhere.yaml", "-o", "/nowhere/out"],
                                       ["check", "/nowhere.der"], ["show", "/nowhere.der"]])
def test_bad_usage(rspsim, arguments):
    done = rspsim("profile", *arguments, check=2)
    assert done.stderr and not done.stdout


# --- show, and the GSMA's generic test profiles ---

def unfolded(text):
    """Octets of "0102 ff*20"."""
    out = b""
    for word in text.split("  (")[0].split():
        octet, star, times = word.partition("*")
        out += bytes.fromhex(octet) * (int(times) if star else 1)
    return out


def shown_files(text):
    """[{(fid, member): body}] by element, from the printed form."""
    elements, body = [], None
    for line in text.splitlines():
        if re.match(r"\d", line):
            elements.append({})
            body = None
        elif match := re.match(r"    ([0-9A-F]{4}) (\S+): ", line):
            body = elements[-1].setdefault((match[1], match[2]), bytearray())
        elif match := re.match(r"      (?:(\d+)(?:-(\d+))?: )?(\S.*)$", line):
            if body is not None:
                times = int(match[2]) - int(match[1]) + 1 if match[2] else 1
                body += unfolded(match[3]) * times
    return elements


def said(value):
    """(fid, octets or None at each place) of a File that gives all of its attributes itself."""
    items = list(tlv.walk(value))
    if [tag for tag, _, _ in items].count(0xA1) != 1 or items[0][0] != 0xA1:
        return None
    fcp = {tag: inner for tag, inner, _ in tlv.walk(items[0][1])}
    if 0x83 not in fcp or 0x80 not in fcp or 0x82 not in fcp or 0xC7 in fcp:
        return None
    size = int.from_bytes(fcp[0x80], "big")
    unit = int.from_bytes(fcp[0x82][2:4], "big") or size
    own = {tag: inner for tag, inner, _ in tlv.walk(fcp.get(0xA5, b""))}
    octets = [None] * size
    if 0xC1 in own:
        octets = [own[0xC1][min(i % unit, len(own[0xC1]) - 1)] for i in range(size)]
    if 0xC2 in own:
        octets = [own[0xC2][i % unit % len(own[0xC2])] for i in range(size)]
    at = 0
    for tag, inner, _ in items[1:]:
        if tag == 0x82:
            at += int.from_bytes(inner, "big")
        else:
            octets[at:at + len(inner)] = inner
            at += len(inner)
    return fcp[0x83].hex().upper(), octets


@pytest.mark.parametrize("name", TS48)
def test_ts48(rspsim, shared, name):
    path = shared / "vectors" / "ts48" / name
    if not path.exists():
        pytest.skip(f"{name} is absent")
    rspsim("profile", "check", path, check=0)
    text = rspsim("profile", "show", path, check=0).stdout
    assert "unknown" not in text and "!" not in text
    package = path.read_bytes()
    shown = shown_files(text)
    elements = list(tlv.walk(package))
    assert len(shown) == len(elements)
    compared = 0
    for (tag, value, _), files in zip(elements, shown):
        if not 0xB0 <= tag <= 0xBE:
            continue
        for _, member, _ in list(tlv.walk(value))[2:]:
            described = said(member)
            if described is None:
                continue
            bodies = [body for (fid, _), body in files.items() if fid == described[0]]
            assert any(len(body) == len(described[1]) and
                       all(want in (None, got) for want, got in zip(described[1], body))
                       for body in bodies)
            compared += 1
    assert compared > 50


def test_show(rspsim):
    text = rspsim("profile", "show", f"{PROFILES}/consumer-test.yaml", check=0).stdout
    assert "(8988303000000000010)" in text and "(001010000000001)" in text and "(rspsim)" in text
    assert "!" not in text


def test_show_escapes(rspsim, build, tmp_path):
    bad = tmp_path / "escape.der"
    bad.write_bytes(build("minimal").replace(b"\x82\x07minimal", b"\x82\x07\x1b[31mxx"))
    done = rspsim("profile", "show", bad, check=0)
    assert "\x1b" not in done.stdout and "\\x1B[31mxx".lower() in done.stdout.lower()
