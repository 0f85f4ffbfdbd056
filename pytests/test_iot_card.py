"""The eUICC for IoT, driven by an IPA and an eIM made of python-cryptography alone: packages are signed and
results verified over the octets that go by."""

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

import test_card
from test_card import Card, Server, sign, verify
from tlv import find, make, walk, whole

EID = bytes.fromhex(test_card.EID)
EIM_ID = b"eim.example.com"
ICCIDS = ["8988303000000000010", "8988303000000000028", "8988303000000000036"]
TOKEN_NONE = bytes.fromhex("840100")


def swapped(iccid):
    digits = iccid + "F" * (20 - len(iccid))
    return bytes(int(digits[i + 1] + digits[i], 16) for i in range(0, 20, 2))


A, B, C = map(swapped, ICCIDS)


def integer(tag, value):
    return make(tag, value.to_bytes(value.bit_length() // 8 + 1, "big"))


class Eim:
    def __init__(self, name=EIM_ID):
        self.name, self.key, self.counter, self.token = name, ec.generate_private_key(ec.SECP256R1()), 0, TOKEN_NONE

    def info(self):
        return self.key.public_key().public_bytes(serialization.Encoding.DER,
                                                  serialization.PublicFormat.SubjectPublicKeyInfo)

    def configuration(self, counter=0, token=b"", key=True, extra=b"", ci=b""):
        content = make(0x80, self.name) + make(0x82, b"\3")
        if counter is not None:
            content += integer(0x83, counter)
        content += token
        if key:
            content += make(0xA5, make(0xA0, find(self.info(), 0x30)))
        return content + ci + extra

    def package(self, operations, eid=EID, counter=None, transaction=b"", kind=0xA0, name=None, key=None):
        if counter is None:
            self.counter += 1
            counter = self.counter
        signed = make(0x30, make(0x80, name or self.name) + make(0x5A, eid) + integer(0x81, counter)
                      + transaction + make(kind, b"".join(operations)))
        return make(0xBF51, signed + sign(key or self.key, signed + self.token))


class Device:
    """A card, its SM-DP+ and an eIM that the card knows."""

    def __init__(self, program, root, rspsim, tmp_path, monkeypatch, settings="", eims=True, profiles=""):
        self.eim = Eim()
        self.world = tmp_path / "world.yaml"
        loaded = (f'{{eim-id: {EIM_ID.decode()}, public-key: "{self.eim.info().hex()}"}}' if eims else "")
        self.world.write_text(f"world:\n  use: worlds/serve.yaml\n  actors:\n    card:\n"
                              f"      iot: {{eims: [{loaded}]{settings}}}\n")
        monkeypatch.setattr(test_card, "WORLD", str(self.world))
        self.program, self.root, self.rspsim, self.path = program, root, rspsim, tmp_path
        self.card = None
        self.start()
        self.server = Server(rspsim, tmp_path / "pki", self.card)

    def start(self):
        if self.card:
            self.card.close()
        self.card = Card(self.program, self.root, "--state", self.path / "state")
        self.card.open()

    def install(self, iccid, extra=b"", profile_class=b""):
        number = ICCIDS[[A, B, C].index(iccid)]
        der = self.path / f"{number}.der"
        self.rspsim("profile", "build", "scenarios/profiles/consumer-test.yaml", "-o", der, "--iccid", number,
                    check=0)
        metadata = make(0xBF25, make(0x5A, iccid) + make(0x91, b"x") + make(0x92, b"y") + profile_class + extra)
        final = self.server.install(der.read_bytes(), metadata)
        assert final[0] == 0xA0, final.hex()

    def load(self, *operations, **options):
        """The signed result of a package: its euiccResult."""
        answer = self.card.es10(self.eim.package(operations, **options))
        signed = find(answer, 0xBF51, 0xA0)
        data, signature = whole(signed, 0x30), find(signed, 0x5F37)
        verify(self.server.euicc, signature, data + self.eim.token)
        if self.eim.token == TOKEN_NONE:
            with pytest.raises(InvalidSignature):
                verify(self.server.euicc, signature, data)
        self.seq = find(signed, 0x30, 0x83)
        self.answer = answer
        return find(signed, 0x30, 0x30).hex()

    def error(self, package):
        answer = self.card.es10(package)
        signed = find(answer, 0xBF51, 0xA1)
        verify(self.server.euicc, find(signed, 0x5F37), whole(signed, 0x30) + self.eim.token)
        return int.from_bytes(find(signed, 0x30, 0x02), "big")

    def states(self):
        listed = find(self.card.es10("bf2d055c035a9f70"), 0xBF2D, 0xA0)
        return {find(info, 0x5A): find(info, 0x9F70)[0] for _, info, _ in walk(listed)}


@pytest.fixture
def device(program, root, rspsim, tmp_path, monkeypatch):
    made = []

    def make_one(*args, **options):
        made.append(Device(program, root, rspsim, tmp_path, monkeypatch, *args, **options))
        return made[-1]

    yield make_one
    for one in made:
        one.card.close()


def op(tag, iccid, extra=b""):
    return make(tag, make(0x5A, iccid) + extra)


ENABLE, DISABLE, DELETE, SET_FALLBACK = 0xA3, 0xA4, 0xA5, 0xA8
ROLLBACK = bytes.fromhex("0500")
REFRESH = bytes.fromhex("8001ff")


def test_states(device):
    d = device()
    d.install(A)
    d.install(B)
    assert d.load(op(ENABLE, A)) == "830100" and d.states() == {A: 1, B: 0}
    assert d.load(op(ENABLE, A)) == "830102"
    assert d.load(op(ENABLE, C)) == "830101"
    assert d.load(op(DISABLE, B)) == "840102"
    assert d.load(op(DISABLE, C)) == "840101"
    assert d.load(op(DELETE, A)) == "850102"
    assert d.load(op(DELETE, C)) == "850101"
    # What fails is the last.
    assert d.load(op(ENABLE, B), op(DELETE, B), op(DISABLE, B)) == "830100850102"
    assert d.states() == {A: 0, B: 1}
    assert d.load(op(DELETE, A), op(DISABLE, B)) == "850100840100" and d.states() == {B: 0}
    assert d.load(op(ENABLE, B, ROLLBACK)) == "830114"  # nothing to go back to
    assert d.load(make(0xA6, b"")) == "a600"
    listed = d.load(make(0xBF2D, b""))
    assert listed.startswith("bf2d") and B.hex() in listed
    assert d.load(make(0xBF2D, make(0xA0, make(0x95, b"\1\1")))).startswith("bf2d03810101")
    assert d.load(make(0xBF65, make(0x80, b"dp9.example.com"))) == "bf6503800100"
    assert find(d.card.es10("bf3c00"), 0xBF3C, 0x80) == b"dp9.example.com"
    assert d.load(make(0xBF65, b"")) == "020102" and d.load(make(0xAF, b"")) == "020102"
    assert d.load(*[make(0xBF2D, b"")] * 200).endswith("020101")


def test_package_errors(device):
    d = device()
    good = op(ENABLE, A)
    assert d.error(d.eim.package([good], eid=bytes(16))) == 3
    assert d.error(d.eim.package([good], counter=0)) == 4
    assert d.error(d.eim.package([good], counter=8388608)) == 6
    assert d.error(d.eim.package([make(0xA6, b"")] * 9000)) == 15
    d.load(good, counter=7)
    assert d.error(d.eim.package([good], counter=7)) == 4
    # Strangers and forgeries: nothing is signed for them.
    for package in (d.eim.package([good], name=b"other"), d.eim.package([good], key=Eim().key)):
        answer = d.card.es10(package)
        assert [tag for tag, *_ in walk(find(answer, 0xBF51))] == [0xA2]
    package = bytearray(d.eim.package([good], counter=9))
    package[-1] ^= 1
    assert find(d.card.es10(bytes(package)), 0xBF51, 0xA2, 0x80) == EIM_ID
    assert d.load(good, counter=9, transaction=make(0x82, b"\1\2")) == "830101"
    assert find(d.answer, 0xBF51, 0xA0, 0x30, 0x82) == b"\1\2"
    assert d.card.store(bytes.fromhex("bf5100"))[1] == 0x6A80


def test_results_are_kept(device):
    d = device()
    d.install(A)
    d.load(op(ENABLE, A))
    by_number = make(0xBF2B, make(0xA0, make(0x80, d.seq)))
    first = d.answer
    assert d.card.es10(by_number) == make(0xBF2B, make(0xA2, first))
    d.load(op(DISABLE, A))
    assert d.card.es10("bf2b04a0028200") == make(0xBF2B, make(0xA2, first + d.answer))
    d.start()  # off and on, from the file
    assert d.card.es10("bf2b04a0028200") == make(0xBF2B, make(0xA2, first + d.answer))
    assert d.card.es10(make(0xBF30, make(0x80, d.seq))).hex() == "bf3003800100"
    assert d.card.es10(make(0xBF30, make(0x80, d.seq))).hex() == "bf3003800101"
    assert d.card.es10("bf2b04a0028200") == make(0xBF2B, make(0xA2, first))
    assert d.error(d.eim.package([op(ENABLE, A)], counter=1)) == 4


def test_initial_eim(device):
    d = device(eims=False, settings=", eim-limit: 2")
    e = d.eim

    def add(*configurations):
        return d.card.es10(make(0xBF57, make(0xA0, b"".join(make(0x30, c) for c in configurations)))).hex()

    assert add(e.configuration(counter=None)) == "bf5703810107"
    assert add(e.configuration(key=False)) == "bf5703810107"
    assert add(e.configuration(counter=8388608)) == "bf5703810106"
    assert add(e.configuration(token=make(0x84, b"\5"))) == "bf5703810105"
    assert add(e.configuration(ci=make(0x88, bytes(20)))) == "bf5703810103"
    assert add(*[Eim(bytes([65 + n])).configuration() for n in range(3)]) == "bf5703810101"
    assert d.card.es10("bf5500").hex() == "bf5502a000"
    assert add(e.configuration(counter=4, token=make(0x84, b"\xff"))) == "bf5705a003840101"
    assert add(Eim(b"x").configuration()) == "bf5703810102"
    e.token = bytes.fromhex("840101")
    shown = find(d.card.es10("bf5500"), 0xBF55, 0xA0, 0x30)
    assert [tag for tag, *_ in walk(shown)] == [0x80, 0x82, 0x84, 0xA5]
    assert d.error(e.package([op(ENABLE, A)], counter=4)) == 4
    assert d.load(op(ENABLE, A), counter=5) == "830101"
    e.counter = 5
    # eCOs, by this eIM.
    other = Eim(b"other")
    assert d.load(make(0xA8, e.configuration()), kind=0xA1) == "a803020102"
    assert d.load(make(0xA8, other.configuration(token=make(0x84, b"\xff"))), make(0xAB, b""), kind=0xA1) == \
        "a803840102" + make(0xAB, make(0xA0, b"".join(
            make(0x30, make(0x80, n) + make(0x82, b"\3")) for n in (EIM_ID, b"other")))).hex()
    assert d.load(make(0xA8, Eim(b"third").configuration()), kind=0xA1) == "a803020101"
    for wrong, code in ((Eim(b"q").configuration(token=make(0x84, b"\1")), 1),
                        (other.configuration(ci=make(0x88, bytes(20))), 2)):
        assert d.load(make(0xA8, wrong), kind=0xA1) == f"a80302010{code}"
    assert d.load(make(0xAA, Eim(b"none").configuration()), kind=0xA1) == "8a0101"
    assert d.load(make(0xAA, other.configuration(ci=make(0x88, bytes(20)))), kind=0xA1) == "8a0103"
    assert d.load(make(0xAA, other.configuration(counter=8388608)), kind=0xA1) == "8a0106"
    assert d.load(make(0xAA, other.configuration(token=make(0x84, b"\xff"))), kind=0xA1) == "8a0107"
    renewed = Eim(b"other")
    assert d.load(make(0xAA, renewed.configuration(counter=40)), kind=0xA1) == "8a0100"
    answer = d.card.es10(other.package([make(0xAB, b"")], kind=0xA1, counter=50))
    assert find(answer, 0xBF51, 0xA2, 0x84) == b"\2"
    d.eim, renewed.token, renewed.counter = renewed, bytes.fromhex("840102"), 40
    assert d.load(make(0xA9, make(0x80, b"none")), kind=0xA1) == "890101"
    assert d.load(make(0xA9, b""), kind=0xA1) == "890107"
    assert d.load(make(0xA9, make(0x80, EIM_ID)), kind=0xA1) == "890100"
    assert d.load(make(0xA9, make(0x80, b"other")), kind=0xA1) == "890102"  # signed for who is gone
    assert d.card.es10("bf5500").hex() == "bf5502a000"
    # A fresh token: the former eIM's packages are worth nothing after it.
    assert add(e.configuration(token=make(0x84, b"\xff"))) == "bf5705a003840103"
    assert find(d.card.es10(e.package([op(ENABLE, A)])), 0xBF51, 0xA2, 0x84) == b"\3"


def test_removal(device):
    d = device()
    assert d.card.es10("bf64048202020 4".replace(" ", "")).hex() == "bf6406800100810100"
    assert d.card.es10("bf640482020204").hex() == "bf6406800100810101"
    assert d.card.es10("bf640482020780").hex() == "bf6403800101"
    assert d.card.es10("bf640482020102").hex() == "bf6406800100820100"
    answer = d.card.es10(make(0xBF57, make(0xA0, make(0x30, d.eim.configuration()))))
    assert answer.hex() == "bf5704a0020500"


def test_rollback(device):
    d = device()
    d.install(A)
    d.install(B)
    d.load(op(ENABLE, A))
    assert d.card.es10(make(0xBF58, REFRESH)).hex() == "bf5803020101"
    assert d.load(op(ENABLE, B, ROLLBACK), op(DELETE, A)) == "830100850114"
    granted = d.seq
    d.start()
    answer = d.card.es10(make(0xBF58, REFRESH))
    signed = find(answer, 0xBF58, 0xBF51, 0xA0)
    verify(d.server.euicc, find(signed, 0x5F37), whole(signed, 0x30) + TOKEN_NONE)
    assert find(signed, 0x30, 0x30).hex() == "8c0100" and find(answer, 0xBF58, 0x02) == b"\0"
    assert d.states() == {A: 1, B: 0}
    assert d.card.es10(make(0xBF58, REFRESH)).hex() == "bf5803020101"
    # The result that said ok is no more; the new one is kept.
    assert d.card.es10(make(0xBF2B, make(0xA0, make(0x80, granted)))).hex() == "bf2b02a000"
    kept = d.card.es10("bf2b04a0028200")
    assert kept.endswith(whole(find(answer, 0xBF58), 0xBF51))
    # The next package takes it away.
    d.load(op(ENABLE, B, ROLLBACK))
    d.load(make(0xA6, b""))
    assert d.card.es10(make(0xBF58, REFRESH)).hex() == "bf5803020101"


def test_fallback(device):
    d = device()
    d.install(A)
    d.install(B, extra=bytes.fromhex("9f6701ff"))
    assert d.card.es10(make(0xBF5D, REFRESH)).hex() == "bf5d03800107"  # none enabled
    d.load(op(ENABLE, A))
    assert d.load(make(0xA9, b"")) == "8e0102"
    assert d.card.es10(make(0xBF5D, REFRESH)).hex() == "bf5d03800106"
    assert d.card.es10(make(0xBF5E, REFRESH)).hex() == "bf5e03800106"
    assert d.load(op(SET_FALLBACK, C)) == "8d0101"
    assert d.load(op(SET_FALLBACK, A)) == "8d0102"
    assert d.load(op(SET_FALLBACK, B)) == "8d0100"
    assert "9f2601ff" in d.card.es10("bf2d055c035a9f26").hex()
    assert d.card.es10(make(0xBF5D, REFRESH)).hex() == "bf5d03800100" and d.states() == {A: 0, B: 1}
    assert d.card.es10(make(0xBF5D, REFRESH)).hex() == "bf5d03800102"
    assert d.load(op(DELETE, A)) == "850115"
    assert d.load(make(0xA9, b"")) == "8e0103"
    assert d.load(op(SET_FALLBACK, B)) == "8d0100"  # it has it already
    d.start()
    assert d.card.es10(make(0xBF5E, REFRESH)).hex() == "bf5e03800100" and d.states() == {A: 1, B: 0}
    assert d.card.es10(make(0xBF5E, REFRESH)).hex() == "bf5e03800106"
    assert d.load(make(0xA9, b"")) == "8e0100"


def test_emergency(device):
    d = device()
    d.install(A)
    assert d.card.es10(make(0xBF5B, REFRESH)).hex() == "bf5b03800108"
    d.install(B, extra=bytes.fromhex("9f7b01ff"))
    d.install(C, extra=bytes.fromhex("9f6701ff"))
    d.load(op(ENABLE, A), op(SET_FALLBACK, C))
    assert d.load(op(ENABLE, B)) == "830102"  # not an eIM's to enable
    assert d.card.es10(make(0xBF5C, REFRESH)).hex() == "bf5c03800102"
    assert d.card.es10(make(0xBF5B, REFRESH)).hex() == "bf5b03800100" and d.states() == {A: 0, B: 1, C: 0}
    assert d.card.es10(make(0xBF5B, REFRESH)).hex() == "bf5b03800102"
    assert d.error(d.eim.package([op(ENABLE, A)])) == 104
    assert d.card.es10(make(0xBF5D, REFRESH)).hex() == "bf5d03800168"
    assert d.card.es10("bf640482020780").hex() == "bf6403800168"
    assert d.card.es10(make(0xBF5C, REFRESH)).hex() == "bf5c03800100" and d.states() == {A: 1, B: 0, C: 0}


def test_immediate_enable(device):
    d = device(eims=False)
    assert d.card.es10(make(0xBF5A, REFRESH)).hex() == "bf5a03800101"
    assert d.card.es10(make(0xBF59, make(0x80, b"") + make(0x82, test_card.ADDRESS))).hex() == "bf5903800100"
    assert d.card.es10(make(0xBF5A, REFRESH)).hex() == "bf5a03800104"
    d.install(A)
    assert d.card.es10(make(0xBF5A, REFRESH)).hex() == "bf5a03800100" and d.states() == {A: 1}
    d.install(B)
    assert d.card.es10(make(0xBF59, make(0x80, b"") + make(0x82, b"dp2.example.com"))).hex() == "bf5903800100"
    assert d.card.es10(make(0xBF5A, REFRESH)).hex() == "bf5a03800101"
    d.card.es10("bf2e00")
    assert d.card.es10(make(0xBF5A, REFRESH)).hex() == "bf5a03800104"
    d.card.es10(make(0xBF57, make(0xA0, make(0x30, d.eim.configuration()))))
    assert d.card.es10(make(0xBF59, make(0x80, b""))).hex() == "bf5903800102"
    assert d.load(make(0xA7, make(0x80, b""))) == "870100" and d.load(make(0xA7, make(0x83, b""))) == "870107"


def test_data(device):
    d = device(settings=", connectivity: 0a0b")
    info = find(d.card.es10("bf2200"), 0xBF22)
    assert find(info, 0x90) == b"\0" and find(info, 0xB4).hex() == "a005040301020081008200"
    certs = find(d.card.es10("bf5600"), 0xBF56, 0xA0)
    assert make(0x30, find(certs, 0xA5)) == d.server.der["eum"]
    assert make(0x30, find(certs, 0xA6)) == d.server.der["card-euicc"]
    assert d.card.es10(make(0xBF56, make(0x80, bytes(20)))).hex() == "bf5603810101"
    assert d.card.es10("bf5f00").hex() == "bf5f06a00481020a0b"
    assert d.card.es10("bf420480020780").hex() == "bf4203800101"
    assert d.card.es10(make(0xBF65, make(0x80, b"dp7"))).hex() == "bf6503800100"
    assert find(d.card.es10("bf3c00"), 0xBF3C, 0x80) == b"dp7"


def test_version_1_0(device):
    d = device(settings=', version: "1.0", ipae: true')
    d.install(A)
    info = find(d.card.es10("bf2200"), 0xBF22)
    assert find(info, 0xB4).hex() == "a0050403010000"
    assert d.load(op(ENABLE, A, ROLLBACK)) == "83017f"
    assert d.load(op(SET_FALLBACK, A)) == "020102"
    assert find(bytes.fromhex(d.load(make(0xAB, b""), kind=0xA1)), 0xAB, 0xA0, 0x30, 0x84) == b"\3"
    for command in ("bf640482020204", "bf5d038001ff", "bf5b038001ff", "bf5f00"):
        assert d.card.store(bytes.fromhex(command))[1] == 0x6A88
    assert d.card.es10("bf5a00").hex() == "bf5a03800101"
    assert d.card.es10("bf420480020780").hex() == "bf4203800100"
    assert find(d.card.es10("bf2200"), 0xBF22, 0x90) == b"\1"
    assert d.card.store(bytes.fromhex("bf340482020410"))[1] == 0x6985
    assert d.card.es10("bf4203800100").hex() == "bf4203800100"
    assert find(d.card.es10("bf2200"), 0xBF22, 0x90) == b"\0"
    assert d.card.es10("bf340482020410").hex() == "bf3406800100810100"


def test_consumer_card_knows_nothing_of_it(program, root):
    card = Card(program, root)
    card.open()
    for command in ("bf5500", "bf5100", "bf5700", "bf5600", "bf58038001ff", "bf640482020204"):
        assert card.store(bytes.fromhex(command))[1] == 0x6A88
    card.close()
