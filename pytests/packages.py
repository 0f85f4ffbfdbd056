"""What a profile package says about its files, access rules and PINs; plain TLV, independent of the
simulator."""

from tlv import find, read, walk

USIM, ISIM, CSIM = ("a0000000871002ff49ff0589", "a0000000871004ff49ff0589",
                    "a0000003431002f310ffff89020000ff")
TEMPORARY = {b"\x7f\xd0": USIM, b"\x7f\xb0": ISIM, b"\x7f\xc0": CSIM}


def described_files(upp):
    """(application, path, record length, [(offset, content)]) of every EF that describes itself."""
    for tag, body, _ in walk(upp):
        if tag == 0xA1:  # genericFileManagement
            where, file = (None, b""), None
            for _, command, _ in walk(find(body, 0xA1)):
                for kind, value, _ in walk(command):
                    if kind == 0x80:
                        where = ((TEMPORARY[value[:2]], value[2:]) if value[:2] in TEMPORARY
                                 else (None, value))
                    else:
                        file = yield from next_part(kind, {0x62: 0xA1, 0x02: 0x82, 0x81: 0x83},
                                                    value, file, where)
            if file:
                yield file
        elif 0xB0 <= tag <= 0xBD:
            yield from template_files(tag, body)


def next_part(kind, kinds, value, file, where):
    kind = kinds.get(kind, kind)
    if kind == 0xA1:
        if file:
            yield file
        fields = {t: v for t, v, _ in walk(value)}
        if 0xC6 in fields or 0x83 not in fields or 0x82 not in fields or 0xC7 in fields:
            return None
        length = int.from_bytes(fields[0x82][2:], "big")
        return where[0], where[1] + fields[0x83], length, [], [0]
    if file and kind == 0x82:
        file[4][0] += int.from_bytes(value, "big")
    if file and kind == 0x83:
        file[3].append((file[4][0], value))
        file[4][0] += len(value)
    return file


def template_files(tag, body):
    base = {0xB3: (USIM, b""), 0xB4: (USIM, b""), 0xB5: (ISIM, b""), 0xB6: (ISIM, b""),
            0xB9: (CSIM, b""), 0xBA: (CSIM, b"")}
    base = base.get(tag, (USIM if tag >= 0xB7 else None, b""))
    where, root = base, base
    for number, (_, member, _) in enumerate(walk(body)):
        file = None
        for kind, value, _ in walk(member) if number > 1 else ():
            fields = {t: v for t, v, _ in walk(value)} if kind == 0xA1 else {}
            if 0xC6 in fields and 0x84 not in fields and 0x83 in fields:  # a DF
                where = (root[0], root[1] + fields[0x83])
                if number == 2:
                    root = where
            file = yield from next_part(kind, {}, value, file, where)
        if file:
            yield file


def pins(upp):
    """(where, key reference) -> eight octets, of every PIN; where is (application, path)."""
    found, context = {}, (None, b"")
    for tag, body, _ in walk(upp):
        if tag in (0xB0, 0xB2, 0xB3, 0xB5, 0xB9):
            context = {0xB0: (None, b""), 0xB2: (None, b"\x7f\x10"), 0xB3: (USIM, b""),
                       0xB5: (ISIM, b""), 0xB9: (CSIM, b"")}[tag]
        if tag != 0xA2:
            continue
        for _, config, _ in walk(find(body, 0xA1, 0xA0)):
            reference = int.from_bytes(find(config, 0x80), "big")
            found[context, reference] = find(config, 0x81)
    return found


READ, UPDATE, DEACTIVATE, ACTIVATE = 0x01, 0x02, 0x08, 0x10


def condition(rule, operation):
    """What an expanded rule wants: None never, [] always, else key references, one of which will do."""
    at, decides = 0, False
    while at < len(rule) and rule[at] != 0xFF:
        tag, value, _, at = read(rule, at)
        if 0x80 <= tag <= 0x8F:
            decides = tag == 0x80 and bool(value[0] & operation)
        elif decides:
            return {0x90: lambda: [], 0x97: lambda: None,
                    0xA4: lambda: [find(value, 0x83)[0]],
                    0xA0: lambda: [find(one, 0x83)[0] for _, one, _ in walk(value)]}[tag]()
    return None
