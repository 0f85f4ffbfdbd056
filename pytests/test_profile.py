"""Profile packages: what `rspsim profile` builds, checks and prints, read by other code."""

import csv
import re
import time

import pytest
import yaml

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
    assert f"{bad}: octet {len(wholes[0])}: element 2 pukCodes (identification 2): the MF comes right after the " \
        "header" in done.stderr
    assert not done.stdout


def test_check_truncated(rspsim, build, tmp_path):
    package = build("minimal")
    cut = tmp_path / "cut.der"
    for size in range(1, len(package), 149):
        cut.write_bytes(package[:size])
        done = rspsim("profile", "check", cut, check=2)
        assert f"{cut}: octet " in done.stderr and "Traceback" not in done.stderr
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


# --- packages as YAML, octet for octet ---

def same_again(rspsim, source, package, folder):
    described, back = folder / "described.yaml", folder / "back.der"
    text = rspsim("profile", "show", source, "--yaml", check=0).stdout
    described.write_text(text)
    rspsim("profile", "build", described, "-o", back, check=0)
    assert back.read_bytes() == package
    rspsim("profile", "diff", source, described, check=0)
    return yaml.safe_load(text)["elements"]


@pytest.mark.parametrize("name", ["minimal", "consumer-test"])
def test_described_again(rspsim, build, tmp_path, name):
    elements = same_again(rspsim, f"{PROFILES}/{name}.yaml", build(name), tmp_path)
    assert all("raw" not in inner for element in elements for inner in element.values())
    mf = next(e["mf"] for e in elements if "mf" in e)
    content = [item["fillFileContent"] for item in mf["ef-iccid"] if "fillFileContent" in item]
    assert content == [swapped(elements[0]["header"]["iccid"].rstrip("f"), 10).hex()]


@pytest.mark.parametrize("name", TS48)
def test_ts48_described_again(rspsim, shared, tmp_path, name):
    path = shared / "vectors" / "ts48" / name
    if not path.exists():
        pytest.skip(f"{name} is absent")
    elements = same_again(rspsim, path, path.read_bytes(), tmp_path)
    tags = [tag for tag, _, _ in tlv.walk(path.read_bytes())]
    assert len(elements) == len(tags)
    assert all(len(element) == 1 and "raw" not in element and "raw" not in inner
               for element in elements for inner in element.values())


def test_strange_octets_survive(rspsim, build, tmp_path):
    """What no name stands for: unknown elements and fields, members out of order."""
    wholes = [whole for _, _, whole in tlv.walk(build("minimal"))]
    values = [value for _, value, _ in tlv.walk(build("minimal"))]
    mf = list(tlv.walk(values[1]))
    swapped_mf = tlv.make(0xB0, b"".join(m[2] for m in mf[:2] + [mf[3], mf[2]] + mf[4:]))
    odd = tmp_path / "odd.der"
    odd.write_bytes(wholes[0] + swapped_mf + wholes[2] + tlv.make(0xBF7F, b"\x80\x00") +
                    tlv.make(0xA2, tlv.make(0xA0, b"\x81\x02\x01\x00") + b"\x99\x01\x00") +
                    wholes[-1])
    same_again(rspsim, odd, odd.read_bytes(), tmp_path)


# --- all that a description can say ---

def csim_files():
    """Content for the files that PE-CSIM has to give."""
    files, inside = {}, False
    for line in open("asn1/saip-templates.tsv", encoding="ascii"):
        columns = line.rstrip("\n").split("\t")
        if columns[0] == "template":
            inside = columns[2] == "csim"
        elif inside and "required" in columns:
            size = columns[4].split("x")[-1]
            files[columns[1]] = "00" * (int(size) if size.isdigit() else 4)
    return files


def rich():
    aka = {"algorithm": "test", "key": KEY.hex(), "opc": OPC.hex()}
    sub = "0102030405060708"
    return {
        "profile": {"iccid": "8988303000000000028", "type": "rich"},
        "usim": [{"imsi": "001010000000002", "pins": {"pin2": "9999"}, "aka": aka},
                 {"aid": "a0000000871002ff49ff058902", "imsi": "001010000000003",
                  "pins": {"path": "7FD0"},
                  "aka": {"mapping": {"source": "a0000000871002ff49ff0589"}}}],
        "eap": {"files": {"df-eap": {"fid": "5F70"}, "ef-eapkeys": sub, "ef-eapstatus": "00"}},
        "isim": {"pins": {"path": "7FD0"},
                 "aka": {"algorithm": "tuak", "key": KEY.hex(), "opc": OPC.hex() * 2}},
        "csim": {"files": csim_files(), "cdma": {"authenticationKey": sub, "ssd": sub * 2}},
        "security-domains": [{"keys": [{"version": 1, "id": 1, "value": KEY.hex()}]}],
        "applications": [{"loadBlock": {"loadPackageAID": "a000000001", "loadBlockObject": "0102"},
                          "instanceList": [{
                              "applicationLoadPackageAID": "a000000001",
                              "classAID": "a00000000101", "instanceAID": "a00000000102",
                              "applicationPrivileges": "00", "lifeCycleState": "07",
                              "applicationSpecificParametersC9": ""}]}]}


def build_from(rspsim, folder, document, check=0):
    source, out = folder / "source.yaml", folder / "source.der"
    source.write_text(yaml.safe_dump(document, sort_keys=False, default_style=None))
    done = rspsim("profile", "build", source, "-o", out, check=check)
    return out.read_bytes() if not check else done


def test_rich_description(rspsim, tmp_path):
    package = build_from(rspsim, tmp_path, rich())
    source = tmp_path / "source.der"
    rspsim("profile", "check", source, check=0)
    tags = [tag for tag, _, _ in tlv.walk(package)]
    assert tags == [0xA0, 0xB0, 0xA3, 0xA2, 0xB3, 0xA2, 0xA4, 0xB3, 0xA2, 0xA4, 0xBB, 0xB5, 0xA2,
                    0xA4, 0xB9, 0xA2, 0xA5, 0xA6, 0xA8, 0xAA]
    values = [value for _, value, _ in tlv.walk(package)]
    assert tlv.find(values[6], 0xA1, 0xA1, 0x80) == b"\x03"
    assert tlv.find(values[8], 0xA1, 0x81).hex() == "7fd0"
    assert tlv.find(values[9], 0xA1, 0xA0, 0x81).hex() == "a0000000871002ff49ff0589"
    assert tlv.find(values[7], 0xA2, 0xA1, 0x83).hex() == "7fd1"
    assert tlv.find(values[13], 0xA1, 0xA1, 0x83) == OPC * 2
    assert tlv.find(values[16], 0x81).hex() == "0102030405060708"
    assert tlv.find(values[18], 0xA1, 0xC4).hex() == "0102"
    services = {tag for tag, _, _ in tlv.walk(tlv.find(values[0], 0xA5))}
    # usim, isim, csim, tuak128, cave, eap, javacard, multiple-usim, usim-test-algorithm
    assert services == {0x81, 0x82, 0x83, 0x85, 0x86, 0x8A, 0x8B, 0x8D, 0x91}
    same_again(rspsim, source, package, tmp_path)


def test_two_applications_need_two_aids(rspsim, tmp_path):
    document = rich()
    del document["usim"][1]["aid"]
    assert "another application has this AID" in \
        build_from(rspsim, tmp_path, document, check=2).stderr


# --- check names each violation ---

def element(tree, name, nth=0):
    return [e[name] for e in tree if name in e][nth]


def put(name, path, value, nth=0):
    """A change of the tree: the member at the path; the value None removes it."""
    def change(tree):
        at = element(tree, name, nth)
        for step in path[:-1]:
            at = at[step]
        if value is None:
            del at[path[-1]]
        else:
            at[path[-1]] = value
    return change


def move(name, to, nth=0):
    def change(tree):
        whole = next(e for e in tree if name in e and e[name] is element(tree, name, nth))
        tree.remove(whole)
        tree.insert(to, whole)
    return change


def drop(name):
    return lambda tree: tree.remove(next(e for e in tree if name in e))


def again(name, to=-1):
    return lambda tree: tree.insert(to, {name: dict(element(tree, name), identification=900)})


ALGORITHM = ["algoConfiguration", "algoParameter"]
PIN = ["pinCodes", "pinconfig", 0]
VIOLATIONS = [
    (put("header", ["major-version"], 9), "element 1 header: major-version: not 1, 2 or 3"),
    (put("header", ["iccid"], "a" * 20), "element 1 header: iccid: not 18 to 20 decimal digits"),
    (put("header", ["iccid"], "8988303000000000044f"),
     "element 2 mf (identification 1): ef-iccid: EF.ICCID is not the header's ICCID"),
    (put("header", ["eUICC-Mandatory-services"], ["service-99"]),
     "element 1 header: eUICC-Mandatory-services: service 99 is unknown"),
    (put("header", ["eUICC-Mandatory-GFSTEList"], ["2.5.4.3"]),
     "element 1 header: eUICC-Mandatory-GFSTEList: template 550403 is unknown"),
    (put("header", ["minor-version"], None), "element 1 header: minor-version: missing"),
    (drop("header"), "element 1 mf (identification 1): a package begins with the header"),
    (drop("mf"), "pukCodes (identification 2): the MF comes right after the header"),
    (drop("end"), "the package does not finish with the end"),
    (move("end", 3), "pinCodes (identification 3): nothing may follow the end"),
    (again("mf"), "mf (identification 900): there is an MF already"),
    (again("pukCodes"), "pukCodes (identification 900): pukCodes come once at most"),
    (again("telecom"), "telecom (identification 900): comes once at most"),
    (again("usim"), "usim (identification 900): a second one needs the service multiple-usim"),
    (move("opt-usim", 4), "opt-usim (identification 8): stands before the application"),
    (move("rfm", 4), "rfm (identification 19): stands before the first securityDomain"),
    (put("pukCodes", ["identification"], 1),
     "element 3 pukCodes (identification 1): identification 1 is not unique"),
    (put("usim", ["templateID"], "2.23.143.1.2.1"),
     "usim (identification 7): the template is unknown, or not one of this element"),
    (put("usim", ["ef-imsi"], [{"fillFileContent": "00" * 300}]),
     "usim (identification 7): ef-imsi: the content is longer than the file"),
    (put("usim", ["ef-imsi"], []), "usim (identification 7): ef-imsi: the profile has to give"),
    (put("usim", ["ef-imsi", 0, "fileDescriptor", "fileDescriptor"], "4221001c"),
     "usim (identification 7): ef-imsi: file type differs from the template's"),
    (put("usim", ["ef-imsi", 0, "fileDescriptor", "fileID"], "6f99"),
     "usim (identification 7): ef-imsi: fileID differs from the template's"),
    (put("usim", ["ef-imsi", 0, "fileDescriptor", "shortEFID"], "ff"),
     "usim (identification 7): ef-imsi: shortEFID is not 1..30"),
    (put("usim", ["ef-imsi", 0, "fileDescriptor", "securityAttributesReferenced"], "00"),
     "usim (identification 7): ef-imsi: securityAttributesReferenced names record 0"),
    (put("usim", ["adf-usim", 0, "fileDescriptor", "dfName"], None),
     "usim (identification 7): adf-usim: an ADF lacks its dfName"),
    (put("usim", ["adf-usim", 0, "fileDescriptor", "pinStatusTemplateDO"], None),
     "usim (identification 7): adf-usim: a DF lacks its pinStatusTemplateDO"),
    (put("usim", ["adf-usim", 0, "fileDescriptor", "pinStatusTemplateDO"], "0107"),
     "pinStatusTemplateDO: no pinCodes define 7 (pin-code-missing)"),
    (put("pinCodes", PIN + ["keyReference"], 129),
     "pinCodes (identification 3): keyReference: 129 is local, but this is the MF"),
    (put("pinCodes", PIN + ["keyReference"], 10),
     "pinCodes (identification 3): keyReference: 10 is not unique"),
    (put("pinCodes", PIN + ["unblockingPINReference"], 5),
     "pinCodes (identification 3): unblockingPINReference: there is no PUK 5"),
    (put("pinCodes", PIN + ["pinValue"], "30303030"),
     "pinCodes (identification 3): pinValue: wrong length (invalid-request-format)"),
    (put("pinCodes", PIN + ["maxNumOfAttemps-retryNumLeft"], 0x35),
     "pinCodes (identification 3): pinCodes: 1 has more tries left than the maximum"),
    (put("pukCodes", ["pukCodes", 0, "keyReference"], 9),
     "pukCodes (identification 2): keyReference: 9 is no PUK reference"),
    (put("akaParameter", ALGORITHM + ["algorithmID"], 4),
     "akaParameter (identification 10): algorithmID: value out of range"),
    (put("akaParameter", ALGORITHM + ["key"], "00" * 32),
     "akaParameter (identification 10): key: wrong length for the algorithm"),
    (put("akaParameter", ALGORITHM + ["opc"], "00" * 8),
     "akaParameter (identification 10): opc: OPc of Milenage has 16 octets"),
    (move("akaParameter", 2), "akaParameter (identification 10): stands in no application's"),
    (put("genericFileManagement", ["fileManagementCMD", 0, 0, "filePath"], "7f99"),
     "genericFileManagement (identification 17): filePath leads to no file"),
    (put("rfm", ["adfRFMAccess", "adfAID"], "a0000000000000", 1),
     "rfm (identification 20): adfAID: no such application before it"),
    (put("rfm", ["tarList", 0], "b0"), "rfm (identification 19): tar: wrong length"),
    (put("securityDomain", ["instance", "instanceAID"], "00"),
     "securityDomain (identification 18): instanceAID: wrong length"),
    (lambda tree: tree.insert(-1, {"raw": "bf7f00"}),
     "unknown element (pe-not-supported)"),
]


@pytest.fixture(scope="module")
def described(rspsim):
    return rspsim("profile", "show", f"{PROFILES}/consumer-test.yaml", "--yaml", check=0).stdout


@pytest.mark.parametrize("change, message", VIOLATIONS, ids=[rule[-40:] for _, rule in VIOLATIONS])
def test_violation(rspsim, described, tmp_path, change, message):
    tree = yaml.safe_load(described)
    change(tree["elements"])
    bad = tmp_path / "bad.yaml"
    bad.write_text(yaml.safe_dump(tree, sort_keys=False))
    assert message in rspsim("profile", "check", bad, check=2).stderr


def line_of(text, *keys):
    """Line and column of the keys, each behind the one before."""
    at = 0
    for key in keys:
        at = text.index(key, at)
    return f"{text.count(chr(10), 0, at) + 1}:{at - text.rfind(chr(10), 0, at)}"


def test_violation_has_its_place(rspsim, described, tmp_path):
    tree = yaml.safe_load(described)
    put("usim", ["ef-acc"], [{"fillFileContent": "00" * 300}])(tree["elements"])
    put("pukCodes", ["identification"], 1)(tree["elements"])
    text = yaml.safe_dump(tree, sort_keys=False)
    bad, der = tmp_path / "bad.yaml", tmp_path / "bad.der"
    bad.write_text(text)
    done = rspsim("profile", "check", bad, check=2).stderr
    assert f"{bad}:{line_of(text, 'usim:', 'ef-acc')}: element 8 usim (identification 7): ef-acc: the content" in done
    assert f"{bad}:{line_of(text, 'pukCodes:')}: element 3 pukCodes" in done
    rspsim("profile", "build", bad, "-o", der, check=0)
    package, places = der.read_bytes(), []
    for tag, value, whole in tlv.walk(package):
        places.append((tag, package.index(whole)))
        if tag == 0xB3:
            member = next(w for _, _, w in tlv.walk(value) if bytes(300) in w)
            acc = package.index(member, places[-1][1])
    done = rspsim("profile", "check", der, check=2).stderr
    assert f"{der}: octet {acc}: element 8 usim (identification 7): ef-acc: the content" in done
    assert f"{der}: octet {dict(places)[0xA3]}: element 3 pukCodes" in done


def test_every_violation_is_named(rspsim, described, tmp_path):
    tree = yaml.safe_load(described)
    for index in (0, 16, 31, 35):
        VIOLATIONS[index][0](tree["elements"])
    bad = tmp_path / "bad.yaml"
    bad.write_text(yaml.safe_dump(tree, sort_keys=False))
    lines = rspsim("profile", "check", bad, check=2).stderr.splitlines()
    assert len(lines) == 4
    for index in (0, 16, 31, 35):
        assert any(VIOLATIONS[index][1] in line for line in lines)


# --- diff ---

def test_diff(rspsim, described, tmp_path):
    tree = yaml.safe_load(described)
    elements = tree["elements"]
    put("akaParameter", ALGORITHM + ["key"], "00" * 16)(elements)
    put("opt-usim", ["ef-gid1"], None)(elements)
    drop("gsm-access")(elements)
    other = tmp_path / "other.yaml"
    other.write_text(yaml.safe_dump(tree, sort_keys=False))
    done = rspsim("profile", "diff", f"{PROFILES}/consumer-test.yaml", other, check=1)
    lines = done.stdout.splitlines()
    assert len(lines) == 3
    assert lines[0].startswith("element 9 opt-usim (identification 8): ef-gid1: only in the first")
    assert lines[1] == ("element 11 akaParameter (identification 10): algoConfiguration: "
                        f"algoParameter: key: \"{KEY.hex()}\" -> \"{'00' * 16}\"")
    assert lines[2].endswith("gsm-access (identification 11): only in the first")
    assert "only in the second" in rspsim("profile", "diff", other,
                                          f"{PROFILES}/consumer-test.yaml", check=1).stdout


def test_diff_of_nothing(rspsim, tmp_path):
    rspsim("profile", "diff", f"{PROFILES}/minimal.yaml", tmp_path / "none.der", check=2)


# --- batches ---

def luhn(digits):
    double = [int(d) * (2 if i % 2 else 1) for i, d in enumerate(reversed(digits))]
    return sum(d // 10 + d % 10 for d in double) % 10 == 0


def rows_of(path):
    with open(path, newline="", encoding="ascii") as file:
        return list(csv.DictReader(file))


def assert_personal(package, row):
    assert tlv.find(package, 0xA0, 0x83).hex().rstrip("f") == row["iccid"]
    assert content(package, 0xB0, 0xA4) == swapped(row["iccid"], 10)
    assert content(package, 0xB3, 0xA3) == imsi_octets(row["imsi"])
    for algorithm in (tlv.find(value, 0xA1, 0xA1) for tag, value, _ in tlv.walk(package)
                      if tag == 0xA4):
        assert tlv.find(algorithm, 0x82).hex() == row["k"]
        assert tlv.find(algorithm, 0x83).hex() == row["opc"]
    names = {1: "pin1", 129: "pin2"} | {n + (9 if n < 6 else 132): f"adm{n}" for n in range(1, 11)}
    seen = set()
    for tag, value, _ in tlv.walk(package):
        codes = tlv.find(value, 0xA1) if tag == 0xA3 else tlv.find(value, 0xA1, 0xA0) if tag == 0xA2 else b""
        for _, code, _ in tlv.walk(codes or b""):
            reference = int.from_bytes(tlv.find(code, 0x80), "big")
            name = {1: "puk1", 129: "puk2"}[reference] if tag == 0xA3 else names[reference]
            assert tlv.find(code, 0x81) == row[name].encode().ljust(8, b"\xff"), name
            seen.add(name)
    assert seen == set(row) - {"iccid", "imsi", "k", "opc"} >= {"pin1", "pin2", "puk1", "puk2", "adm1"}


@pytest.mark.parametrize("name", ["minimal", "consumer-test"])
def test_batch(rspsim, tmp_path, name):
    def run(folder, *args):
        rspsim("profile", "build", f"{PROFILES}/{name}.yaml", "--batch", "25", "-o", folder, *args,
               check=0)
        return rows_of(folder / "profiles.csv")

    rows = run(tmp_path / "a")
    assert run(tmp_path / "b") == rows
    other = run(tmp_path / "c", "--seed", "2")
    assert [r["iccid"] for r in other] == [r["iccid"] for r in rows]
    assert not {r["k"] for r in rows} & {r["k"] for r in other}
    assert len(rows) == 25 and len({r["k"] for r in rows}) == 25
    assert all(luhn(r["iccid"]) for r in rows)
    first = rows[0]
    for n, row in enumerate(rows):
        assert int(row["iccid"][:-1]) == int(first["iccid"][:-1]) + n
        assert int(row["imsi"]) == int(first["imsi"]) + n
        path = tmp_path / "a" / f"{row['iccid']}.der"
        assert_personal(path.read_bytes(), row)
        assert path.stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "a" / "profiles.csv").stat().st_mode & 0o777 == 0o600
    rspsim("profile", "check", *sorted((tmp_path / "a").glob("*.der")), check=0)
    if name == "consumer-test":
        last = (tmp_path / "a" / f"{rows[-1]['iccid']}.der").read_bytes()
        assert rows[-1]["imsi"].encode() in content(last, 0xB5, 0xA3)
        assert first["imsi"].encode() not in last


def test_batch_from_csv(rspsim, tmp_path):
    row = {"imsi": "001010000000077", "iccid": "8988303000000099990", "k": "11" * 16,
           "opc": "22" * 16, "pin1": "4711", "puk1": "12121212", "adm1": "34343434", "pin2": "0815", "puk2": "56565656"}
    table = tmp_path / "in.csv"
    table.write_text(",".join(row) + "\n" + ",".join(row.values()) + "\n")
    template = tmp_path / "template.der"
    rspsim("profile", "build", f"{PROFILES}/minimal.yaml", "-o", template, check=0)
    rspsim("profile", "build", template, "--csv", table, "-o", tmp_path / "out", check=0)
    assert rows_of(tmp_path / "out" / "profiles.csv") == [row]
    assert_personal((tmp_path / "out" / f"{row['iccid']}.der").read_bytes(), row)


@pytest.mark.parametrize("text, message", [
    ("iccid,colour\n1,2\n", "column 2 is unknown"),
    ("iccid,iccid\n1,2\n", "column 2 is unknown or repeats"),
    ("iccid,imsi\n8988303000000099990\n", "row 1 has no imsi"),
    ("iccid\n../../etc/passwd\n", "profile 1: "),
    ("imsi\n12\n", "an IMSI has 6 to 15 digits"),
    ("k\n1122\n", "not the length of the template's"),
    ("k\nxyz\n", "k is not hex"),
    ("pin1\n12345678901\n", "a code has 4 to 8 digits"),
    ("adm7\n12345678\n", "no such PIN or PUK to personalise"),
])
def test_bad_csv(rspsim, tmp_path, text, message):
    table = tmp_path / "in.csv"
    table.write_text(text)
    done = rspsim("profile", "build", f"{PROFILES}/minimal.yaml", "--csv", table, "-o",
                  tmp_path / "out", check=2)
    assert message in done.stderr
    assert not list((tmp_path / "out").glob("*.der"))


def test_batch_runs_out_of_numbers(rspsim, tmp_path):
    done = rspsim("profile", "build", f"{PROFILES}/minimal.yaml", "--imsi", "999998", "--batch",
                  "3", "-o", tmp_path / "out", check=2)
    assert "profile 3: no ICCID or IMSI is left" in done.stderr


def test_batch_throughput(rspsim, tmp_path):
    """Well above a thousand a second, so that a busy machine still passes."""
    start = time.monotonic()
    rspsim("profile", "build", f"{PROFILES}/consumer-test.yaml", "--batch", "2000", "-o",
           tmp_path / "out", check=0)
    assert time.monotonic() - start < 2
