"""Every file that a package defines is on the card, octet for octet: the GSMA's profiles, and packages made at
random of whatever the format allows. The oracle (saip.py) and the terminal are of this folder alone."""

import random

import pytest

import saip
from saip import ALL, ELEMENTS, Model, member_tag, oid
from test_card import TS48_METADATA, Card, Server
from tlv import find, make, walk

PACKAGES = 24
USIM, ISIM, CSIM = ("a0000000871002ff49ff0589", "a0000000871004ff49ff0589", "a0000003431002ff49ff0589")
TEMPORARY = {"usim": 0x7FD0, "isim": 0x7FB0, "csim": 0x7FC0}
KIND_OF_DF = 0x38


# --- the terminal ---


class Terminal:
    def __init__(self, card, model):
        self.card, self.model, self.unreadable, self.retrieved = card, model, [], 0

    def apdu(self, head, data=b""):
        command = bytes.fromhex(head) + (bytes([len(data)]) + data if data else b"")
        answer, sw = self.card.apdu(command)
        while sw >> 8 == 0x61:
            more, sw = self.card.apdu(bytes([0x00, 0xC0, 0, 0, sw & 0xFF]))
            answer += more
        return answer, sw

    def select(self, path):
        """The FCP of a file; by AID where the path begins with an ADF's temporary identifier."""
        first = self.model.files.get(path[:1])
        head, rest = "00a40804", path
        if first and first.aid:
            fcp, sw = self.apdu("00a40404", first.aid)
            assert sw == 0x9000, (path, hex(sw))
            for reference, code in self.model.codes:
                self.apdu(f"002000{reference:02x}", code)
            head, rest = "00a40904", path[1:]
            if not rest:
                return find(fcp, 0x62)
        elif not path:
            head, rest = "00a40004", (0x3F00,)
        fcp, sw = self.apdu(head, b"".join(fid.to_bytes(2, "big") for fid in rest))
        assert sw in (0x9000, 0x6283), ([f"{fid:04X}" for fid in path], hex(sw))
        return find(fcp, 0x62)

    def transparent(self, size):
        body = b""
        while len(body) < size:
            part, sw = self.apdu(f"00b0{len(body):04x}{min(size - len(body), 255):02x}")
            if sw == 0x6982:
                return None
            assert sw == 0x9000 and part, hex(sw)
            body += part
        return body

    def records(self, number, size):
        body = b""
        for record in range(1, number + 1):
            part, sw = self.apdu(f"00b2{record:02x}04{size:02x}")
            if sw == 0x6982:
                return None
            assert sw == 0x9000 and len(part) == size, hex(sw)
            body += part
        return body

    def compare(self, path, file):
        fcp = {tag: value for tag, value, _ in walk(self.select(path))}
        where = "/".join(f"{fid:04X}" for fid in path)
        assert fcp[0x82][0] == self.model.target(file).kind, where
        if file.arr:
            assert fcp[0x8B] == file.arr, where
        if file.kind & 0x3F == KIND_OF_DF:
            keys = bytes(value[0] for tag, value, _ in walk(fcp[0xC6]) if tag == 0x83)
            assert keys == file.pins, where
            return
        target = self.model.target(file)
        assert fcp[0x83] == path[-1].to_bytes(2, "big") and int.from_bytes(fcp[0x80], "big") == target.size
        assert fcp.get(0x88, b"") == (bytes([file.sfi << 3]) if file.sfi else b""), where
        if target.kind & 0x3F == 0x39:
            details = {tag: value for tag, value, _ in walk(fcp[0xA5])}
            assert details[0x84] == b"\1" and int.from_bytes(details[0x85], "big") == target.size, where
            self.objects(where, target)
            return
        if target.record:
            assert fcp[0x82][2:] == bytes([0, target.record, target.size // target.record]), where
            body = self.records(target.size // target.record, target.record)
        else:
            body = self.transparent(target.size)
        if body is None:
            self.unreadable.append(where)
        else:
            assert body == target.body, where

    def objects(self, where, target):
        """Each object in as many blocks as it takes; none beside those of the package."""
        for tag, _, whole in walk(target.objects):
            got, sw = self.apdu("80cb0080", tag.to_bytes((tag.bit_length() + 7) // 8, "big"))
            while sw == 0x62F1:
                more, sw = self.apdu("80cb0000")
                got += more
            if sw == 0x6982:
                self.unreadable.append(where)
                return
            assert sw == 0x9000 and got == whole, (where, hex(sw))
            self.retrieved += 1
        assert self.apdu("80cb0080", b"\xdf\x7e")[1] in (0x6A88, 0x6982), where

    def compare_all(self):
        for reference, code in self.model.codes:
            self.apdu(f"002000{reference:02x}", code)
        for path, file in self.model.files.items():
            self.compare(path, file)


def enable(card, iccid):
    assert card.es10(make(0xBF31, make(0xA0, make(0x5A, iccid)) + make(0x81, b"\0"))).hex() == "bf3103800100"


@pytest.fixture
def card(program, root):
    card = Card(program, root)
    card.open()
    yield card
    card.close()


@pytest.fixture
def server(rspsim, tmp_path, card):
    return Server(rspsim, tmp_path / "pki", card)


def ts48(shared):
    return sorted((shared / "vectors" / "ts48").glob("*.der"))


def test_generic_test_profiles(server, card, shared):
    """All that are in the folder, so that another one only has to be put there."""
    packages = ts48(shared)
    assert packages
    for path in packages:
        package = path.read_bytes()
        plain = find(package, 0xA0, 0x83)
        iccid = bytes((b << 4 | b >> 4) & 0xFF for b in plain)
        metadata = TS48_METADATA.replace(find(TS48_METADATA, 0xBF25, 0x5A), iccid)
        assert find(server.install(package, metadata), 0xA0, 0x04).hex() == "3007a0053003800100", path.name
        enable(card, iccid)
        terminal = Terminal(card, Model(package))
        terminal.compare_all()
        assert len(terminal.model.files) > 200 and len(terminal.unreadable) < 20, path.name
        card.es10(make(0xBF32, make(0xA0, make(0x5A, iccid)) + make(0x81, b"\0")))
        card.es10(make(0xBF33, make(0x5A, iccid)))


# --- packages at random ---


class Maker:
    def __init__(self, seed, iccid):
        self.rng, self.iccid, self.number = random.Random(seed), iccid, 0
        self.paths = {}  # path: (kind, size)

    def some(self, n):
        return self.rng.randbytes(n)

    def header(self):
        self.number += self.rng.randint(1, 40)
        number = self.number.to_bytes(2, "big") if self.number > 127 else bytes([self.number])
        mandated = make(0x80, b"") if self.rng.random() < 0.8 else b""
        return make(0xA0, mandated + make(0x81, number))

    def pins(self, *references):
        entries = b"".join(make(0x30, make(0x80, b"\0" * (r > 127) + bytes([r])) + make(0x81, b"%04d" % r + b"\xff" * 4)
                                + make(0x83, b"\6")) for r in references)
        return make(0xA2, self.header() + make(0xA1, make(0xA0, entries)))

    def content(self, size, offset=0x82, content=0x83):
        """Pieces with gaps between them."""
        at, out = 0, b""
        while at < size and self.rng.random() < 0.8:
            gap = self.rng.randint(0, min(size - at - 1, 40)) if self.rng.random() < 0.5 else 0
            if gap:
                out += make(offset, gap.to_bytes(2, "big") if gap > 127 else bytes([gap]))
            n = self.rng.randint(1, min(size - at - gap, 200))
            out += make(content, self.some(n))
            at += gap + n
        return out

    def fcp(self, kind, size=None, record=None, fid=None, sfi=None, arr=None, aid=None, pins=None, link=None):
        own = b""
        if size and kind & 0x3F != 0x39 and self.rng.random() < 0.4:
            own = make(self.rng.choice((0xC1, 0xC2)), self.some(self.rng.randint(1, 30)))
        if self.rng.random() < 0.3 and kind & 0x3F != KIND_OF_DF:
            own = make(0xC0, self.rng.choice((b"\0", b"\x40", b"\x80"))) + own
        parts = [(0x82, bytes([kind, 0x21]) + (record.to_bytes(2, "big") if record else b"")
                  if kind is not None and self.kind_given else None),
                 (0x83, fid and fid.to_bytes(2, "big")), (0x84, aid), (0x8A, self.rng.choice((None, b"\5"))),
                 (0x8B, arr), (0x80, size and size.to_bytes(self.rng.choice((2, 2, (size.bit_length() + 7) // 8)), "big")
                               if size else None),
                 (0xC6, pins), (0x88, sfi), (0xA5, own or None), (0xC7, link)]
        return b"".join(make(tag, value) for tag, value in parts if value is not None)

    kind_given = True

    def rules(self):
        """EF.ARR: 20 records, each of which lets anybody read."""
        return make(0xA1, make(0x82, bytes.fromhex("42210010")) + make(0x8B, b"\1") + make(0x80, (320).to_bytes(2, "big"))
                    + make(0xA5, make(0xC1, bytes.fromhex("8001019000ff"))))

    def one(self, name, row):
        """A File for a row of a template, of its own size more often than not."""
        kind = saip.KINDS[row.type]
        records, record = None, None
        if row.type in ("LF", "CY"):
            record = row.record or self.rng.randint(1, 60)
            records = row.records or self.rng.randint(1, 12)
        size = records * record if record else row.size or self.rng.randint(1, 700)
        free = row.size is None and not (row.record and row.records)
        own = free or self.rng.random() < 0.4
        if own and record and self.rng.random() < 0.5:
            records = self.rng.randint(1, 20)
            size = records * record
        elif own and not record:
            size = self.rng.randint(1, 900)
        content = b"" if row.type == "BT" else self.content(size)
        if row.type == "BT" and self.rng.random() < 0.6:
            content = make(0x83, make(0x80, self.some(min(size, 20) // 2)))
            size += 20
            own = True
        if row.required and not content:
            content = make(0x83, b"\x80\0" if row.type == "BT" else self.some(1))
            size, own = max(size, 2 if row.type == "BT" else 1), own or size < 2
        arr = self.rule(name, row)
        if not own and not arr:
            return content
        self.kind_given = True
        return make(0xA1, self.fcp(kind, size if own else None, record, arr=arr)) + content

    def rule(self, name, row):
        """Where the template names no rule, or its DF has no EF.ARR; sometimes elsewhere."""
        if name == "cd" or (row.arr == "-" and self.rng.random() < 0.5):
            return bytes([0x2F, 6, self.rng.randint(1, 20)])
        return bytes([self.rng.randint(1, 20)]) if row.arr == "-" or self.rng.random() < 0.1 else None

    def template(self, dotted, fixed):
        """An element; FIXED has the Files that the rest hangs on."""
        name, rows = ALL[dotted]
        element = ELEMENTS[name]
        out = self.header() + make(0x81, oid(dotted))
        made = {row.member for row in rows if row.df and row is rows[0]}
        for row in rows:
            tag = member_tag(element["members"].index(row.member))
            parent = row.parent or (rows[0].member if rows[0].df else None)
            if row.member in fixed:
                out += make(tag, fixed[row.member])
                made.add(row.member)
            elif row.df:
                if self.rng.random() < 0.6 or row is rows[0]:
                    out += make(tag, make(0xA1, make(0xC6, bytes.fromhex("010a"))))
                    made.add(row.member)
            elif parent and parent not in made:
                continue
            elif row.required or self.rng.random() < 0.5:
                many = self.rng.randint(1, 3) if row.fid and row.last - row.fid > 2 and row.size is None else 1
                if many > 1:
                    out += make(tag, b"".join(
                        make(0xA1, self.sized(name, row)) + self.content(20) for _ in range(many)))
                else:
                    out += make(tag, self.one(name, row))
            elif element["created"] and name != "mf" and self.rng.random() < 0.5:
                out += make(tag, make(0x80, b""))
            elif row.size or (row.record and row.records):
                if row.arr == "-":
                    out += make(tag, self.one(name, row))
                elif self.rng.random() < 0.7:
                    out += make(tag, b"")
            elif element["created"]:
                out += make(tag, self.one(name, row))
        return make(element["tag"], out)

    def sized(self, name, row):
        record = row.record or 10 if row.type in ("LF", "CY") else None
        self.kind_given = True
        return self.fcp(saip.KINDS[row.type], (record or 1) * self.rng.randint(3, 9) * 10, record,
                        arr=self.rule(name, row))

    def adf(self, name, aid):
        self.kind_given = False
        return make(0xA1, self.fcp(0x78, fid=TEMPORARY[name], aid=aid, pins=bytes.fromhex("81010a"),
                                   arr=bytes.fromhex("2f0602")))

    def generic(self, model):
        """Commands below some DF that exists: DFs in DFs, EFs of all kinds, links, content for files from before."""
        commands, taken = b"", set(model.files)
        folders = [p for p, f in model.files.items() if f.kind & 0x3F == KIND_OF_DF and len(p) < 4]
        files = [p for p, f in model.files.items() if f.kind & 0x3F != KIND_OF_DF and not f.link
                 and f.kind & 0x3F != 0x39 and p[-1] not in (0x2F06, 0x6F06)]
        self.kind_given = True
        for _ in range(self.rng.randint(1, 5)):
            folder = self.rng.choice(folders)
            command = make(0x80, b"".join(f.to_bytes(2, "big") for f in folder))
            for _ in range(self.rng.randint(1, 5)):
                fid = self.rng.choice([0x1F00, 0x3E00, 0x5E00]) + self.rng.randint(0x80, 0xFE)
                path = folder + (fid,)
                if path in taken:
                    continue
                taken.add(path)
                command += self.generic_file(path, folders, files)
            commands += make(0x30, command)
        for path in self.rng.sample(files, min(2, len(files))):
            size = len(model.files[path].body)
            commands += make(0x30, make(0x80, b"".join(f.to_bytes(2, "big") for f in path))
                             + (self.content(size, 0x02, 0x81) or make(0x81, self.some(1))))
        return make(0xA1, self.header() + make(0xA1, commands))

    def generic_file(self, path, folders, files):
        sfi = self.rng.choice((None, b"", bytes([8 * self.rng.randint(1, 30)])))
        kind = self.rng.choice((0x41, 0x01, 0x42, 0x02, 0x46, 0x06, 0x79, 0x78, 0xC7))
        fid, arr = path[-1], bytes.fromhex("2f06") + bytes([self.rng.randint(1, 20)])
        if kind == 0x78:
            if len(path) < 4:
                folders.append(path)
            return make(0x62, self.fcp(0x78, fid=fid, arr=arr, pins=bytes.fromhex("010a")))
        if kind == 0xC7:
            target = self.rng.choice(files)
            descriptor = self.model_of(target)
            return make(0x62, make(0x82, descriptor) + make(0x83, fid.to_bytes(2, "big")) + make(0x8B, arr)
                        + (make(0x88, sfi) if sfi is not None else b"")
                        + make(0xC7, b"".join(f.to_bytes(2, "big") for f in target)))
        record = self.rng.randint(1, 80) if kind & 7 in (2, 6) and kind < 0x70 else None
        size = record * self.rng.randint(1, 10) if record else self.rng.randint(2, 600)
        content = self.content(size, 0x02, 0x81) if kind != 0x79 else make(0x81, make(0x81, self.some(size * 3 // 4)))
        if kind == 0x79:
            size += 10
        return make(0x62, self.fcp(kind, size, record, fid, sfi, arr)) + content

    def model_of(self, path):
        f = self.model.files[path]
        return bytes([f.kind, 0x21]) + (f.record.to_bytes(2, "big") if f.record else b"")

    def add(self, element):
        self.out += element

    def package(self):
        services = b"".join(make(0x80 + n, b"") for n in (1, 2, 3, 18))
        used = ["2.23.143.1.2.1"]
        swapped = bytes((b << 4 | b >> 4) & 0xFF for b in self.iccid)
        self.out = make(0xB0, self.header() + make(0x81, oid(used[0]))
                        + make(0xA2, make(0xA1, make(0x8B, b"\x2f\6\1") + make(0xC6, bytes.fromhex("010a"))))
                        + self.rng.choice((b"", make(0xA3, b""), make(0xA3, make(0x83, self.some(2)))))
                        + make(0xA4, make(0x83, self.iccid))
                        + make(0xA5, make(0xA1, make(0x82, bytes.fromhex("42210026")) + make(0x80, b"\x72"))
                               + make(0x83, make(0x61, make(0x4F, bytes.fromhex(USIM)))))
                        + make(0xA6, self.rules()) + self.rng.choice((b"", make(0xA7, make(0x80, b"")))))
        self.add(self.pins(1, 10))
        for dotted in self.chosen():
            name = ALL[dotted][0]
            fixed = {"ef-arr": self.rules()}
            if name in TEMPORARY:
                fixed["adf-" + name] = self.adf(name, bytes.fromhex({"usim": USIM, "isim": ISIM, "csim": CSIM}[name]))
            if name == "usim":
                fixed["ef-imsi"] = make(0x83, bytes.fromhex("080910100000000010"))
            if name == "eap":
                continue
            used.append(dotted)
            self.add(self.template(dotted, fixed))
            if name in TEMPORARY:
                self.add(self.pins(129))
            if self.rng.random() < 0.3:
                self.model = Model(self.out)
                self.add(self.generic(self.model))
        self.model = Model(self.out)
        self.add(self.generic(self.model))
        head = make(0xA0, make(0x80, b"\2") + make(0x81, b"\3") + make(0x83, swapped) + make(0xA5, services)
                    + make(0xA6, b"".join(make(0x06, oid(t)) for t in used)))
        return head + self.out + make(0xAA, make(0xA0, make(0x80, b"") + make(0x81, b"\x7f\xff")))

    def chosen(self):
        """One version of each template, in an order that the format allows."""
        versions = {}
        for dotted, (name, _) in ALL.items():
            versions.setdefault(name, []).append(dotted)
        groups = [["cd"], ["telecom"], ["usim", "opt-usim", *USIM_DFS], ["isim", "opt-isim"], ["csim", "opt-csim"]]
        for group in groups:
            for name in group:
                first = name == group[0]
                if first and name not in ("usim",) and self.rng.random() < 0.4:
                    break
                if first or self.rng.random() < 0.7:
                    yield self.rng.choice(versions[name])


USIM_DFS = saip.USIM_DFS


def test_random_packages(rspsim, server, card, tmp_path):
    kinds, retrieved = set(), 0
    for seed in range(PACKAGES):
        digits = f"89883030000000{seed:05d}F"
        iccid = bytes(int(digits[i + 1] + digits[i], 16) for i in range(0, 20, 2))
        package = Maker(seed, iccid).package()
        (tmp_path / "package.der").write_bytes(package)
        checked = rspsim("profile", "check", tmp_path / "package.der")
        assert checked.returncode == 0, (seed, checked.stderr)
        metadata = make(0xBF25, make(0x5A, iccid) + make(0x91, b"A") + make(0x92, b"B"))
        final = server.install(package, metadata)
        assert final[0] == 0xA0, (seed, final.hex())
        enable(card, iccid)
        terminal = Terminal(card, Model(package))
        terminal.compare_all()
        assert not terminal.unreadable, (seed, terminal.unreadable)
        retrieved += terminal.retrieved
        kinds |= {f.kind for f in terminal.model.files.values()}
        card.es10(make(0xBF32, make(0xA0, make(0x5A, iccid)) + make(0x81, b"\0")))
        assert card.es10(make(0xBF33, make(0x5A, iccid))).hex() == "bf3303800100"
    assert {0x41, 0x01, 0x42, 0x02, 0x46, 0x06, 0x79, 0x78} <= kinds
    assert retrieved > PACKAGES
