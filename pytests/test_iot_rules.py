"""Rules of SGP.32 for the card that an acceptance test would try, on octets that no eIM of the simulator makes."""

import pytest

from test_iot_card import (A, B, C, DELETE, DISABLE, EIM_ID, ENABLE, REFRESH, ROLLBACK, SET_FALLBACK, TOKEN_NONE, Eim, device,
                           integer, op)
from tlv import find, make, walk, whole

__all__ = ["device"]
RAT = make(0xA6, b"")
LIST = make(0xBF2D, b"")
MAX = 8388607


def test_order_of_operations(device):
    d = device()
    d.install(A)
    d.install(B)
    assert d.load(op(ENABLE, A), op(ENABLE, B)) == "83010083017f"
    assert d.load(op(DISABLE, A), op(DISABLE, A)) == "84010084017f"
    assert d.load(op(ENABLE, A), op(DISABLE, A)) == "83010084017f"
    assert d.load(op(DISABLE, A), LIST) == "840100bf2d0381010b"
    assert d.load(op(DELETE, A), LIST) == "850100bf2d0381010b"
    assert d.load(op(DELETE, A), op(ENABLE, B)) == "850101"
    assert d.load(LIST, RAT, op(ENABLE, B)).endswith("a600830100")
    assert d.states() == {B: 1}


@pytest.mark.parametrize("broken", ["a3", "a37f", "a380" + "00" * 8, "a3810c5a0a988803030000000010f0", "ff", "bf2d8400000000"])
def test_not_der(device, broken):
    """What is no DER in a package is none of its operations: nothing is done and nothing counts."""
    d = device()
    package = d.eim.package([RAT, bytes.fromhex(broken)], counter=5)
    assert d.card.store(package)[1] == 0x6A80
    assert d.card.store(package + b"\0")[1] == 0x6A80
    assert d.load(RAT, counter=5) == "a600"


@pytest.mark.parametrize("psmo", [
    make(0xA3, b""), make(0xA3, make(0x5A, A[:9])), make(0xA3, make(0x5A, A + b"\0")), op(ENABLE, A, b"\5\1\0"), op(ENABLE, A, b"\1\1\xff"),
    op(ENABLE, A, ROLLBACK + ROLLBACK), make(0x83, make(0x5A, A)), op(DISABLE, A, ROLLBACK), op(DELETE, A, ROLLBACK), make(0xA8, b""),
    make(0xBF65, make(0x80, b"\xff")), make(0xBF65, make(0x80, b"a\0b")), make(0xBF65, make(0x80, b"a" * 256)), make(0xBF66, b""),
    make(0xAA, b""), make(0xBF3C, b"")])
def test_damaged_psmo(device, psmo):
    d = device()
    assert d.load(psmo, RAT) == "020102"


def test_listed_tags(device):
    d = device()
    d.install(A, extra=bytes.fromhex("9f7b0100"))
    d.install(B, extra=bytes.fromhex("9f6701ff"))
    d.load(op(SET_FALLBACK, B))

    def tags(request):
        listed = find(bytes.fromhex(d.load(request)), 0xBF2D, 0xA0)
        return [[tag for tag, *_ in walk(info)] for _, info, _ in walk(listed)]

    base = [0x5A, 0x4F, 0x9F70, 0x91, 0x92, 0x95]
    assert tags(LIST) == [base + [0x9F7B], base + [0x9F26, 0x9F67]]
    assert tags(make(0xBF2D, make(0x5C, b"\x9f\x26"))) == [[], [0x9F26]]
    assert tags(make(0xBF2D, make(0xA0, make(0x5A, B)) + make(0x5C, b"\x5a\x9f\x67"))) == [[0x5A, 0x9F67]]
    assert tags(make(0xBF2D, make(0xA0, make(0x95, b"\0")))) == []
    assert tags(make(0xBF2D, make(0xA0, make(0x5A, C)))) == []


def test_counter_at_its_boundary(device):
    d = device()
    assert d.load(RAT, counter=MAX - 1) == "a600"
    assert d.load(RAT, counter=MAX) == "a600"
    assert d.error(d.eim.package([RAT], counter=MAX)) == 4
    for beyond in (MAX + 1, 1 << 31, 1 << 62):
        assert d.error(d.eim.package([RAT], counter=beyond)) == 6
    # The way on: a new key, or deletion.
    renewed = Eim()
    e = d.eim
    answer = d.card.es10(e.package([make(0xAA, renewed.configuration(counter=3))], counter=MAX, kind=0xA1))
    assert find(answer, 0xBF51, 0xA1, 0x30, 0x02) == b"\4"


def test_update_eim(device):
    d = device(settings=", eim-limit: 2")
    other = Eim(b"other")
    assert d.load(make(0xA8, other.configuration(counter=50)), kind=0xA1) == "a803020100"

    def update(config):
        return d.load(make(0xAA, config), kind=0xA1)

    assert update(make(0x80, b"other")) == "8a0107"  # nothing to update
    assert update(make(0x80, b"other") + integer(0x83, 49)) == "8a0107"  # back, with the old key
    assert update(make(0x80, b"other") + integer(0x83, 50)) == "8a0100"
    assert update(make(0x80, b"other") + integer(0x83, MAX)) == "8a0100"
    assert update(make(0x80, b"other") + make(0x81, b"new.example.com")) == "8a0100"
    assert find(d.card.es10(make(0xBF55, make(0xA0, make(0x80, b"other")))), 0xBF55, 0xA0, 0x30, 0x81) == b"new.example.com"
    assert d.card.es10(make(0xBF55, make(0xA0, make(0x80, b"othe")))).hex() == "bf5502a000"
    renewed = Eim(b"other")
    assert update(renewed.configuration(counter=0)) == "8a0100"  # back, with a new key
    d.eim = renewed
    assert d.load(RAT, counter=1) == "a600"
    # Of itself: the package's own counter is what counts then.
    again = Eim(b"other")
    assert d.load(make(0xAA, again.configuration(counter=900)), kind=0xA1, counter=2) == "8a0100"
    d.eim = again
    assert d.error(d.eim.package([RAT], counter=2)) == 4
    assert d.load(RAT, counter=3) == "a600"


def test_two_eims(device):
    d = device(settings=", eim-limit: 3")
    d.install(A)
    d.install(B)
    first, second = d.eim, Eim(b"second")
    assert d.load(make(0xA8, second.configuration(token=make(0x84, b"\xff"))), kind=0xA1) == "a803840101"
    second.token = bytes.fromhex("840101")
    assert d.load(op(ENABLE, A)) == "830100"
    assert d.load(op(ENABLE, B, ROLLBACK)) == "830100"
    kept = d.seq
    # Each has a counter of its own, and its signature is worth nothing under the other's name or token.
    d.eim = second
    stolen = second.package([RAT], counter=9, name=EIM_ID)
    assert find(d.card.es10(stolen), 0xBF51, 0xA2, 0x80) == EIM_ID
    second.token = TOKEN_NONE
    assert find(d.card.es10(second.package([RAT], counter=9)), 0xBF51, 0xA2, 0x84) == b"\1"
    second.token = bytes.fromhex("840101")
    # None of it has touched what the first was granted; a package of the second takes it away.
    assert d.load(RAT, counter=1) == "a600"
    assert d.card.es10(make(0xBF58, REFRESH)).hex() == "bf5803020101"
    assert kept in [find(one, 0xA0, 0x30, 0x83) for _, one, _ in walk(find(d.card.es10("bf2b04a0028200"), 0xBF2B, 0xA2))]
    # One deletes the other and itself.
    assert d.load(make(0xA9, make(0x80, EIM_ID)), make(0xA9, make(0x80, b"second")), make(0xAB, b""), kind=0xA1, counter=2) == \
        "890100890102ab02a000"
    assert [tag for tag, *_ in walk(find(d.card.es10(first.package([RAT])), 0xBF51))] == [0xA2]


def test_refused_packages_leave_the_grant(device):
    """What is not executed takes no authorisation away."""
    d = device()
    d.install(A)
    d.install(B)
    d.load(op(ENABLE, A))
    d.load(op(ENABLE, B, ROLLBACK))
    assert d.error(d.eim.package([RAT], counter=1)) == 4
    assert d.error(d.eim.package([RAT], eid=bytes(16), counter=99)) == 3
    assert find(d.card.es10(d.eim.package([RAT], key=Eim().key)), 0xBF51, 0xA2, 0x80) == EIM_ID
    answer = d.card.es10(make(0xBF58, REFRESH))
    assert find(answer, 0xBF58, 0xBF51, 0xA0, 0x30, 0x30).hex() == "8c0100"
    assert d.states() == {A: 1, B: 0}


@pytest.mark.parametrize("bits,answer", [("0700", "bf6403800100"), ("0102", "bf6406800100820100"), ("0204", "bf6406800100810100"),
                                         ("0106", "bf6409800100810100820100"), ("0520", "bf6403800100"), ("0340", "bf6403800101"),
                                         ("0308", "bf6403800101")])
def test_memory_reset_bits(device, bits, answer):
    d = device()
    assert d.card.es10(make(0xBF64, make(0x82, bytes.fromhex(bits)))).hex() == answer


@pytest.mark.parametrize("body", ["", "8200", "820108" + "00", "8203088000", "820210ff", "800107"])
def test_memory_reset_malformed(device, body):
    d = device()
    assert d.card.store(make(0xBF64, bytes.fromhex(body)))[1] == 0x6A80
    assert find(d.card.es10("bf5500"), 0xBF55, 0xA0, 0x30, 0x80) == EIM_ID


def test_configurations_are_strict(device):
    d = device(eims=False, settings=", eim-limit: 2")
    e = d.eim

    def add(content):
        return d.card.es10(make(0xBF57, make(0xA0, make(0x30, content)))).hex()

    good = e.configuration()
    info = e.info()
    for broken in (b"", make(0x80, b""), make(0x80, b"a" * 129) + integer(0x83, 0), make(0x80, b"\xff\xfe") +
                   integer(0x83, 0) + make(0xA5, make(0xA0, find(info, 0x30))), integer(0x83, 0) + good,
                   make(0x80, EIM_ID) + integer(0x83, 0) + make(0xA5, info),  # not under the alternative's tag
                   make(0x80, EIM_ID) + integer(0x83, 0) + make(0xA5, make(0xA0, info)),
                   make(0x80, EIM_ID) + integer(0x83, 0) + make(0xA5, make(0xA0, find(info, 0x30).replace(b"\4", b"\5", 1))),
                   make(0x80, EIM_ID) + integer(0x83, 0) + make(0xA5, make(0xA1, b"\5\0"))):
        assert add(broken) == "bf5703810107", broken.hex()
    assert add(make(0x80, EIM_ID) + make(0x83, b"\xff") + make(0xA5, make(0xA0, find(info, 0x30)))) == "bf5703810106"
    assert d.card.store(bytes.fromhex("bf5700"))[1] == 0x6A80
    assert d.card.store(make(0xBF57, make(0xA0, make(0x30, good + b"\0"))))[1] == 0x6A80
    assert d.card.es10("bf5702a000").hex() == "bf5703810107"
    assert d.card.es10("bf5500").hex() == "bf5502a000"
    twice = make(0x30, good) * 2
    assert d.card.es10(make(0xBF57, make(0xA0, twice))).hex() == "bf5703810102"  # the same eimId twice
    assert add(good) == "bf5704a0020500"
    assert whole(find(d.card.es10("bf5500"), 0xBF55, 0xA0, 0x30), 0xA5) == make(0xA5, make(0xA0, find(info, 0x30)))


def test_results_by_criteria(device):
    d = device()
    d.install(A)
    d.load(op(ENABLE, A))
    result = d.answer
    pending = [whole for _, _, whole in walk(find(d.card.es10("bf2b00"), 0xBF2B, 0xA0))]
    assert pending and not any(result in one for one in pending)
    assert d.card.es10(make(0xBF2B, make(0xA0, make(0x80, d.seq)))) == make(0xBF2B, make(0xA2, result))
    assert d.card.es10("bf2b05a003800163").hex() == "bf2b02a000"
    assert len([1 for _ in walk(find(d.card.es10("bf2800"), 0xBF28, 0xA0))]) == len(pending)
    assert d.error(d.eim.package([op(ENABLE, A)], counter=1)) == 4
    assert d.card.es10("bf2b04a0028200") == make(0xBF2B, make(0xA2, result))  # an error has no number


@pytest.mark.parametrize("command", ["bf5a", "bf5b", "bf5c", "bf5d", "bf5e", "bf58"])
def test_refresh_flag_is_needed(device, command):
    d = device()
    for body in ("8000", "800200ff", "0101ff", "8001ff8001ff"):
        assert d.card.store(make(int(command, 16), bytes.fromhex(body)))[1] == 0x6A80, body
