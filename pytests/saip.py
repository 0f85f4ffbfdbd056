"""Profile packages on plain TLVs: what files one describes (a model of its own, from the description of the
format), and packages made at random to try it on. Templates are data: asn1/saip-templates.tsv."""

from tlv import make, walk

TEMPLATES = "asn1/saip-templates.tsv"
OPTIONAL_PARTS = {"opt-usim": "usim", "opt-isim": "isim", "opt-csim": "csim"}
USIM_DFS = ("phonebook", "gsm-access", "eap", "df-5gs", "df-saip", "df-snpn", "df-5gprose")
KINDS = {"TR": 0x41, "LF": 0x42, "CY": 0x46, "BT": 0x79, "DF": 0x78, "ADF": 0x78}


class Row:
    def __init__(self, columns):
        columns = columns + ["-"] * (9 - len(columns))
        self.member, fid, self.type, size, self.arr, sfi, content, default, parent = columns
        self.required = content == "required"
        self.fid = None if fid == "-" else int(fid.split("-")[0], 16)
        self.last = None if fid == "-" else int(fid.split("-")[-1], 16)
        self.sfi = 0 if sfi == "-" else int(sfi, 16)
        self.default = "" if default == "-" else default
        self.parent = None if parent == "-" else parent
        records, _, record = size.rpartition("x")
        self.record = int(record) if record.isdigit() and records else None
        self.records = int(records) if records.isdigit() else None
        self.size = int(size) if size.isdigit() else None

    @property
    def df(self):
        return self.type in ("DF", "ADF")


def load(path=TEMPLATES):
    elements, templates, name = {}, {}, None
    for line in open(path, encoding="ascii"):
        word, *rest = line.rstrip("\n").split("\t")
        if word == "element":
            name = rest[1]
            elements[name] = {"tag": int(rest[0], 16), "created": rest[3:] == ["created"], "members": []}
        elif word == "members":
            elements[name]["members"] = rest[0].split()
        elif word == "template":
            templates[rest[0]] = (rest[1], [])
            rows = templates[rest[0]][1]
        elif word == "" and rest and rest[0]:
            rows.append(Row(rest))
    return elements, templates


ELEMENTS, ALL = load()
NAMES = {element["tag"]: name for name, element in ELEMENTS.items()}


def oid(dotted):
    arcs = [int(a) for a in dotted.split(".")]
    out = bytes([arcs[0] * 40 + arcs[1]])
    for arc in arcs[2:]:
        digits = [arc & 0x7F]
        while arc := arc >> 7:
            digits.insert(0, 0x80 | arc & 0x7F)
        out += bytes(digits)
    return out


BY_OID = {oid(dotted): rows for dotted, (_, rows) in ALL.items()}


def member_tag(number):
    return 0xA0 + number if number < 31 else 0xBF00 + number


# --- what a package describes ----------------------------------------------------------------------


def pattern(text, size):
    """A default of the templates, over SIZE octets."""
    if text.endswith("*"):
        unit = bytes.fromhex(text[:-1])
        return bytes(unit[i % len(unit)] for i in range(size))
    head, dots, tail = text.partition("...")
    head, tail = bytes.fromhex(head), bytes.fromhex(tail)
    filler = head[-1] if dots and head else 0xFF
    body = bytearray(filler for _ in range(size))
    body[:min(len(head), size)] = head[:size]
    if tail and size >= len(head) + len(tail):
        body[size - len(tail):] = tail
    return bytes(body)


class File:
    def __init__(self, path, kind, fcp, row=None):
        self.path, self.kind = path, kind
        self.sfi = row.sfi if row else (path[-1] & 0x1F) % 31 if path else 0
        self.arr = None
        self.link, self.body, self.record, self.objects, self.aid = None, bytearray(), 0, b"", None
        self.pins = fcp.get(0xC6, b"")
        if 0x88 in fcp:
            self.sfi = fcp[0x88][0] >> 3 if fcp[0x88] else 0
        if 0x8B in fcp and len(fcp[0x8B]) == 3:
            self.arr = fcp[0x8B]

    def fill(self, items):
        """fillFileOffset and fillFileContent."""
        at = 0
        for tag, value in items:
            if tag in (0x82, 0x02):
                at += int.from_bytes(value, "big")
            elif self.kind & 0x3F == 0x39:
                self.objects = self.objects[:at].ljust(at, b"\0") + value
                at += len(value)
            else:
                self.body[at:at + len(value)] = value
                at += len(value)


def new_file(path, fcp, row, items):
    kind = fcp[0x82][0] if 0x82 in fcp else KINDS[row.type]
    f = File(path, kind, fcp, row)
    if kind & 0x3F == 0x38:
        f.aid = fcp.get(0x84)
        return f
    if fcp.get(0xC7):
        f.link = tuple(int.from_bytes(fcp[0xC7][i:i + 2], "big") for i in range(0, len(fcp[0xC7]), 2))
        return f
    own = dict((tag, value) for tag, value, _ in walk(fcp.get(0xA5, b"")))
    f.record = int.from_bytes(fcp[0x82][2:4], "big") if len(fcp.get(0x82, b"")) == 4 else \
        row and row.record or 0
    size = int.from_bytes(fcp[0x80], "big") if 0x80 in fcp else \
        row.records * f.record if f.record else row.size
    f.size = size
    if kind & 0x3F != 0x39:
        unit = f.record or size
        if 0xC1 in own:
            one = bytes(own[0xC1][min(i, len(own[0xC1]) - 1)] for i in range(unit))
        elif 0xC2 in own:
            one = bytes(own[0xC2][i % len(own[0xC2])] for i in range(unit))
        else:
            one = pattern(row.default if row else "", unit)
        f.body = bytearray(one * (size // unit))
    f.fill(items)
    return f


class Model:
    """All files that a package makes; ADFs by their temporary FIDs."""

    def __init__(self, package):
        self.files, self.codes, self.naa = {}, [], {}
        for tag, value, _ in walk(package):
            name = NAMES.get(tag)
            if name == "genericFileManagement":
                self.generic(value)
            elif name == "pinCodes":
                self.pins(value)
            elif ELEMENTS.get(name, {}).get("members"):
                self.template(name, value)

    def add(self, f):
        assert f.path not in self.files, f.path
        self.files[f.path] = f

    def pins(self, value):
        choice = list(walk(list(walk(value))[1][1]))[0]
        if choice[0] != 0xA0:
            return
        for _, pin, _ in walk(choice[1]):
            fields = {tag: inner for tag, inner, _ in walk(pin)}
            self.codes.append((fields[0x80][-1], fields[0x81]))

    def template(self, name, value):
        items = list(walk(value))
        rows, given = BY_OID[items[1][1]], {tag: inner for tag, inner, _ in items}
        owner = OPTIONAL_PARTS.get(name) or ("usim" if name in USIM_DFS else None)
        base = self.naa[owner] if owner else ()
        folders = {}
        for row in rows:
            tag = member_tag(ELEMENTS[name]["members"].index(row.member))
            inside = list(walk(given[tag])) if tag in given else None
            if inside is None and not ELEMENTS[name]["created"]:
                continue
            if inside and inside[0][0] == 0x80 and name != "mf":
                continue
            place = base if row.df and row is rows[0] else \
                folders[row.parent or rows[0].member] if rows[0].df or row.parent else base
            for nth, (fcp, content) in enumerate(self.instances(inside or [])):
                fid = int.from_bytes(fcp[0x83], "big") if 0x83 in fcp else row.fid + nth
                path = () if row.member == "mf" else place + (fid,)
                f = new_file(path, fcp, row, content)
                self.add(f)
                if row.df:
                    folders[row.member] = path
        if name in ("usim", "isim", "csim"):
            self.naa[name] = folders[rows[0].member]

    @staticmethod
    def instances(items):
        found = []
        for tag, value, _ in items:
            if tag == 0xA1:
                found.append(({t: v for t, v, _ in walk(value)}, []))
            elif tag in (0x82, 0x83):
                found = found or [({}, [])]
                found[-1][1].append((tag, value))
        return found or [({}, [])]

    def generic(self, value):
        for _, command, _ in walk(list(walk(value))[1][1]):
            here, current = (), None
            for tag, inner, _ in walk(command):
                if tag == 0x80:
                    path = tuple(int.from_bytes(inner[i:i + 2], "big") for i in range(0, len(inner), 2))
                    current, at = self.files[path], 0
                    here, current = (path, None) if current.kind & 0x3F == 0x38 else (path[:-1], current)
                elif tag == 0x62:
                    fcp = {t: v for t, v, _ in walk(inner)}
                    current = new_file(here + (int.from_bytes(fcp[0x83], "big"),), fcp, None, [])
                    self.add(current)
                    at = 0
                elif tag == 0x02:
                    at += int.from_bytes(inner, "big")
                elif tag == 0x81:
                    current.fill([(0x02, at.to_bytes(3, "big")), (0x81, inner)])
                    at += len(inner)

    def target(self, f):
        return self.target(self.files[f.link]) if f.link else f
