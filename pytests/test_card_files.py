"""Every file of a profile, read back from the card under the access rules of the package, with the
package's own PINs; judged by plain TLV alone."""

import pytest

from packages import CSIM, ISIM, READ, UPDATE, USIM, condition, described_files, pins
from test_card import TS48_ICCID, TS48_METADATA, card, server  # noqa: F401 (fixtures)
from tlv import find, make

PACKAGES = ["ts48-v1-a", "ts48-v5-saip2.3-nobertlv", "ts48-v7-saip2.3-nobertlv"]


def select(card, application, path):
    """FCP of a file."""
    if application:
        assert card.apdu(f"00a4040c{len(application) // 2:02x}{application}")[1] == 0x9000
        path = b"\x7f\xff" + path
    _, sw = card.apdu(bytes([0, 0xA4, 8, 0x04, len(path)]) + path)
    assert sw >> 8 == 0x61, (application, path.hex(), hex(sw))
    return find(card.apdu(bytes([0, 0xC0, 0, 0, sw & 0xFF]))[0], 0x62)


def read_part(card, length, offset, size):
    if length:
        return card.apdu(bytes([0, 0xB2, offset // length + 1, 4, length]))
    return card.apdu(bytes([0, 0xB0]) + offset.to_bytes(2, "big") + bytes([min(255, size - offset)]))


def rule_of(files, application, path, security):
    """The record of EF.ARR that FCP tag 8B names: 2F06 in the MF, 6F06 in the file's DF or above."""
    fid, number = security[:2], security[2]
    where = (None, b"") if fid == b"\x2f\x06" else (application, path[:-2])
    while (*where, fid) not in files and len(where[1]) > 0:
        where = where[0], where[1][:-2]
    length, contents = files[(*where, fid)]
    body = bytearray(b"\xff" * (length * 256))
    for at, content in contents:
        body[at:at + len(content)] = content
    return bytes(body[(number - 1) * length:number * length])


def key_value(codes, application, path, reference):
    """The PIN that a key reference means for a file: the card's, its DF's, its application's."""
    if reference < 0x80:
        return codes[(None, b""), reference]
    for place in ((application, path[:2]), (application, b"")):
        if (place, reference) in codes:
            return codes[place, reference]
    raise KeyError(reference)


@pytest.fixture(params=PACKAGES)
def profile(request, server, card, shared):  # noqa: F811
    upp = (shared / "vectors" / "ts48" / f"{request.param}.der").read_bytes()
    assert find(server.install(upp, TS48_METADATA), 0xA0)
    card.es10(make(0xBF31, make(0xA0, make(0x5A, TS48_ICCID)) + make(0x81, b"\0")))
    return upp


def test_every_described_file(profile, card):  # noqa: F811
    """A file is refused until one of the PINs of its rule is verified, and then is what was ordered."""
    described = list(described_files(profile))
    files = {(app, path[:-2], path[-2:]): (length, contents)
             for app, path, length, contents, _ in described}
    codes = pins(profile)
    seen = {"always": 0, "pin": 0, "never": 0}
    for application, path, length, contents, _ in described:
        card.ask("connect")  # a reset: nothing is verified
        security = find(select(card, application, path), 0x8B)
        wanted = condition(rule_of(files, application, path, security), READ)
        # PIN1 is off in these profiles, which counts as verified.
        seen["never" if wanted is None else "pin" if wanted and 1 not in wanted else "always"] += 1
        name = (application, path.hex(), wanted)
        if wanted is None:
            assert read_part(card, length, 0, 1)[1] == 0x6982, name
            continue
        if wanted and 1 not in wanted:
            assert read_part(card, length, 0, 1)[1] == 0x6982, name
            code = key_value(codes, application, path, wanted[0])
            assert card.apdu(bytes([0, 0x20, 0, wanted[0], 8]) + code)[1] == 0x9000, name
        size = max((at + len(content) for at, content in contents), default=1)
        data = b""
        while len(data) < size:
            part, sw = read_part(card, length, len(data), size)
            assert sw == 0x9000, (*name, hex(sw))
            data += part
        for at, content in contents:
            assert data[at:at + len(content)] == content, name
    assert seen["always"] > 150 and seen["pin"], seen


def test_every_update_right(profile, card):  # noqa: F811
    """Writing what is there is allowed exactly where the rule says so."""
    described = list(described_files(profile))
    files = {(app, path[:-2], path[-2:]): (length, contents)
             for app, path, length, contents, _ in described}
    for application, path, length, contents, _ in described:
        fcp = select(card, application, path)
        rule = rule_of(files, application, path, find(fcp, 0x8B))
        wanted, kind = condition(rule, UPDATE), find(fcp, 0x82)[0] & 7
        value = (contents[0][1] if contents else b"\xff")[:length or 1].ljust(length or 1, b"\xff")
        head = ([0, 0xDC, 0, 3] if kind == 6 else [0, 0xDC, 1, 4]) if length else [0, 0xD6, 0, 0]
        sw = card.apdu(bytes([*head, len(value)]) + value)[1]
        allowed = wanted is not None and (not wanted or 1 in wanted)
        assert sw == (0x9000 if allowed else 0x6982), (application, path.hex(), wanted, hex(sw))


def test_applications(profile, card):  # noqa: F811
    """By a name cut short: the first one, then the next ones, until there is none."""
    found = []
    for occurrence in (0, 2, 2, 2):
        _, sw = card.apdu(f"00a404{4 + occurrence:02x}05a000000087")
        if sw >> 8 != 0x61:
            break
        found.append(find(card.apdu(f"00c00000{sw & 0xFF:02x}")[0], 0x62, 0x84).hex())
    assert sw == 0x6A82 and found == [USIM, ISIM]
    assert card.apdu("00a4040c05a000000343")[1] == 0x9000
    assert card.apdu("80f2000112")[0].hex() == "8410" + CSIM
