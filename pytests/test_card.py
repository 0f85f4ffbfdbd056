"""`rspsim card --stdio`, driven by a terminal and an SM-DP+ made of python-cryptography alone."""

import json
import socket
import subprocess

import pytest
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import (decode_dss_signature,
                                                             encode_dss_signature)
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.cmac import CMAC
from cryptography.hazmat.primitives.kdf.x963kdf import X963KDF

from tlv import find, make, walk, whole

WORLD = "scenarios/worlds/serve.yaml"
EID = "89049032001234000000000000000141"
ISDR = "A0000005591010FFFFFFFF8900000100"
SHA256 = ec.ECDSA(hashes.SHA256())
TRANSACTION = bytes(range(16))
ADDRESS = b"dp1.example.com:8443"


class Card:
    """The terminal's side."""

    def __init__(self, program, root, *args):
        self.process = subprocess.Popen([program, "card", WORLD, "card", "--stdio", *map(str, args)],
                                        cwd=root, text=True, stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE)

    def ask(self, func, param=None):
        line = json.dumps({"type": "apdu", "payload": {"func": func, "param": param}})
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()
        reply = json.loads(self.process.stdout.readline())
        assert reply["type"] == "apdu"
        return reply["payload"]

    def open(self):
        assert self.ask("connect")["ecode"] == 0
        self.channel = self.ask("logic_channel_open", ISDR)["ecode"]
        assert self.channel > 0

    def apdu(self, command):
        reply = self.ask("transmit", command if isinstance(command, str) else command.hex())
        assert reply["ecode"] == 0
        data = bytes.fromhex(reply["data"])
        return data[:-2], int.from_bytes(data[-2:], "big")

    def store(self, command):
        """One STORE DATA chain; data and status word."""
        blocks = [command[i:i + 120] for i in range(0, len(command), 120)] or [b""]
        for number, block in enumerate(blocks):
            last = 0x91 if number == len(blocks) - 1 else 0x11
            data, sw = self.apdu(bytes([0x80 | self.channel, 0xE2, last, number, len(block)]) + block)
            if last == 0x11 and sw != 0x9000:
                return data, sw
        while sw >> 8 == 0x61:
            more, sw = self.apdu(bytes([0x80 | self.channel, 0xC0, 0, 0, sw & 0xFF]))
            data += more
        return data, sw

    def es10(self, command):
        data, sw = self.store(bytes.fromhex(command) if isinstance(command, str) else command)
        assert sw == 0x9000, hex(sw)
        return data

    def close(self):
        self.process.stdin.close()
        assert self.process.wait(timeout=10) == 0


@pytest.fixture
def card(program, root):
    card = Card(program, root)
    card.open()
    yield card
    card.close()


# --- the server's side ---------------------------------------------------------------------------


def sign(key, data):
    r, s = decode_dss_signature(key.sign(data, SHA256))
    return make(0x5F37, r.to_bytes(32, "big") + s.to_bytes(32, "big"))


def verify(key, signature, data):
    r, s = int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:], "big")
    key.verify(encode_dss_signature(r, s), data, SHA256)


def point(key):
    return key.public_bytes(serialization.Encoding.X962,
                            serialization.PublicFormat.UncompressedPoint)


class Bsp:
    """Profile protection (SCP03t), from the description."""

    def __init__(self, chaining, s_enc, s_mac):
        self.chaining, self.s_enc, self.s_mac, self.counter = chaining, s_enc, s_mac, 1

    def segment(self, tag, plain):
        if tag != 0x88:
            icv = Cipher(algorithms.AES(self.s_enc), modes.ECB()).encryptor()
            iv = icv.update(self.counter.to_bytes(16, "big"))
            padded = plain + b"\x80" + bytes(-(len(plain) + 1) % 16)
            plain = Cipher(algorithms.AES(self.s_enc), modes.CBC(iv)).encryptor().update(padded)
        self.counter += 1
        head = make(tag, plain + bytes(8))[:-len(plain) - 8]
        mac = CMAC(algorithms.AES(self.s_mac))
        mac.update(self.chaining + head + plain)
        self.chaining = mac.finalize()
        return head + plain + self.chaining[:8]


class Server:
    def __init__(self, rspsim, folder, card):
        rspsim("pki", WORLD, "-o", folder, check=0)
        self.card = card
        self.der = {name: (folder / f"{name}.der").read_bytes()
                    for name in ("ci", "eum", "card-euicc", "dp1-auth", "dp1-pb")}
        self.key = {name: serialization.load_pem_private_key(
            (folder / f"{name}.key.pem").read_bytes(), None) for name in ("dp1-auth", "dp1-pb")}
        self.euicc = x509.load_der_x509_certificate(self.der["card-euicc"]).public_key()
        ci = x509.load_der_x509_certificate(self.der["ci"])
        self.ci = ci.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value.digest

    def authenticate(self):
        challenge = find(self.card.es10("bf2e00"), 0xBF2E, 0x80)
        signed = make(0x30, make(0x80, TRANSACTION) + make(0x81, challenge) + make(0x83, ADDRESS)
                      + make(0x84, bytes(16)))
        device = make(0xA1, make(0x80, bytes.fromhex("35290611")) + make(0xA1, b""))
        answer = self.card.es10(make(0xBF38, signed + sign(self.key["dp1-auth"], signed)
                                     + make(0x04, self.ci) + self.der["dp1-auth"]
                                     + make(0xA0, make(0x80, b"MID") + device)))
        ok = find(answer, 0xBF38, 0xA0)
        items = list(walk(ok))
        assert [tag for tag, *_ in items] == [0x30, 0x5F37, 0x30, 0x30]
        verify(self.euicc, items[1][1], items[0][2])
        assert items[2][2] == self.der["card-euicc"] and items[3][2] == self.der["eum"]
        self.signature1 = items[1][2]

    def prepare(self):
        signed = make(0x30, make(0x80, TRANSACTION) + make(0x01, b"\0"))
        signature = sign(self.key["dp1-pb"], signed + self.signature1)
        ok = find(self.card.es10(make(0xBF21, signed + signature + self.der["dp1-pb"])),
                  0xBF21, 0xA0)
        verify(self.euicc, find(ok, 0x5F37), whole(ok, 0x30) + signature)
        self.otpk = find(ok, 0x30, 0x5F49)

    def package(self, upp, metadata, ppk=False):
        """The chains of a Bound Profile Package."""
        own = ec.generate_private_key(ec.SECP256R1())
        body = (make(0x82, b"\1") + make(0x80, TRANSACTION)
                + make(0xA6, make(0x80, b"\x88") + make(0x81, b"\x10") + make(0x84, b"HOST"))
                + make(0x5F49, point(own.public_key())))
        channel = make(0xBF23, body + sign(self.key["dp1-pb"], body + make(0x5F49, self.otpk)))
        peer = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), self.otpk)
        info = b"\x88\x10" + b"\x04HOST" + b"\x10" + bytes.fromhex(EID)
        keys = X963KDF(hashes.SHA256(), 48, info).derive(own.exchange(ec.ECDH(), peer))
        bsp = Bsp(keys[:16], keys[16:32], keys[32:])
        isdp = bsp.segment(0x87, bytes.fromhex("bf2400"))
        infos = [bsp.segment(0x88, metadata[i:i + 40]) for i in range(0, len(metadata), 40)]
        replaced = b""
        if ppk:
            new = [bytes([n]) * 16 for n in (7, 8, 9)]
            replaced = bsp.segment(0x87, make(0xBF26, b"".join(
                make(0x80 + i, key) for i, key in enumerate(new))))
            bsp = Bsp(*new)
        parts = [bsp.segment(0x86, upp[i:i + 1007]) for i in range(0, len(upp), 1007)]
        chains = [make(0xA0, isdp)]
        for tag, segments in ((0xA1, infos), (0xA3, parts)):
            if tag == 0xA3 and ppk:
                chains.append(make(0xA2, replaced))
            joined = b"".join(segments)
            chains += [make(tag, joined)[:-len(joined)], *segments]
        content = channel + b"".join(chains)
        return [make(0xBF36, content)[:-len(content)] + channel, *chains]

    def install(self, upp, metadata, ppk=False):
        """Loads; the final result, whose signature is checked."""
        self.authenticate()
        self.prepare()
        chains = self.package(upp, metadata, ppk)
        for number, chain in enumerate(chains):
            answer = self.card.es10(chain)
            if answer:
                break
        result = find(answer, 0xBF37)
        final = find(result, 0xBF27, 0xA2)
        assert final[0] == 0xA1 or number == len(chains) - 1
        verify(self.euicc, find(result, 0x5F37), whole(result, 0xBF27))
        with pytest.raises(InvalidSignature):
            verify(self.euicc, find(result, 0x5F37), whole(result, 0xBF27) + b"\0")
        return final


@pytest.fixture
def server(rspsim, tmp_path, card):
    return Server(rspsim, tmp_path / "pki", card)


TS48_ICCID = bytes.fromhex("98001032547698103214")
TS48_METADATA = make(0xBF25, make(0x5A, TS48_ICCID) + make(0x91, b"GSMA_TEST")
                     + make(0x92, b"GSMA_TEST_PROFILE") + make(0x95, b"\0"))


@pytest.mark.parametrize("ppk", [False, True], ids=["session-keys", "protection-keys"])
@pytest.mark.parametrize("name", ["ts48-v1-a", "ts48-v5-saip2.3-nobertlv", "ts48-v7-saip2.3-nobertlv"])
def test_generic_test_profile(server, card, shared, name, ppk):
    upp = (shared / "vectors" / "ts48" / f"{name}.der").read_bytes()
    final = server.install(upp, TS48_METADATA, ppk)
    assert find(final, 0xA0, 0x04) == bytes.fromhex("3007a0053003800100")
    assert find(final, 0xA0, 0x4F).hex() == "a0000005591010ffffffff8900001000"
    assert find(card.es10("bf2d055c035a9f70"), 0xBF2D, 0xA0, 0xE3) == \
        make(0x5A, TS48_ICCID) + bytes.fromhex("9f700100")
    enable = make(0xBF31, make(0xA0, make(0x5A, TS48_ICCID)) + make(0x81, b"\xff"))
    assert card.es10(enable).hex() == "bf3103800100"
    assert card.apdu("00a4080c022fe2") == (b"", 0x9000)
    assert card.apdu("00b000000a") == (TS48_ICCID, 0x9000)
    data, sw = card.apdu("00b201f421")
    assert sw == 0x9000 and find(data, 0x61, 0x4F).hex() == "a0000000871002ff49ff0589"
    assert card.apdu("00a4040c07a0000000871002") == (b"", 0x9000)
    digits = "080910101032547698" if "v7" in name else "080910101032540636"
    assert card.apdu("00b0870009") == (bytes.fromhex(digits), 0x9000)
    # The same profile again is refused.
    assert find(server.install(upp, TS48_METADATA, ppk), 0xA1).hex() == "800102810109"


def test_control_parameters(server, card, shared):
    upp = (shared / "vectors" / "ts48" / "ts48-v7-saip2.3-nobertlv.der").read_bytes()
    server.install(upp, TS48_METADATA)
    card.es10(make(0xBF31, make(0xA0, make(0x5A, TS48_ICCID)) + make(0x81, b"\0")))

    def fcp(select):
        data, sw = card.apdu(select)
        assert sw >> 8 == 0x61
        return find(card.apdu(f"00c00000{sw & 0xFF:02x}")[0], 0x62)

    mf, usim = fcp("00a40004023f00"), fcp("00a4040407a0000000871002")
    ecc, iccid = fcp("00a40004026fb7"), fcp("00a40804022fe2")
    assert find(mf, 0x82).hex() == "7821" and find(mf, 0x83).hex() == "3f00"
    assert find(mf, 0xC6).hex() == "90016083010183010a83010b"
    assert find(usim, 0x84).hex() == "a0000000871002ff49ff0589" and find(usim, 0x8B).hex() == "2f0601"
    assert find(usim, 0xC6).hex() == "9001b083018183010183010a83010b"
    assert find(ecc, 0x82).hex() == "4221000e02" and find(ecc, 0x80).hex() == "001c"
    assert find(ecc, 0x88).hex() == "08"
    assert find(iccid, 0x82).hex() == "4121" and find(iccid, 0x80).hex() == "000a"
    assert find(iccid, 0x88).hex() == "10" and find(iccid, 0x8B).hex() == "2f0603"
    assert [tag for tag, *_ in walk(mf)] == [0x82, 0x83, 0xA5, 0x8A, 0x8B, 0xC6]


def test_profile_of_other_iccid(server, card, shared):
    upp = (shared / "vectors" / "ts48" / "ts48-v7-saip2.3-nobertlv.der").read_bytes()
    other = TS48_METADATA.replace(TS48_ICCID, bytes.fromhex("98001032547698103224"))
    assert find(server.install(upp, other), 0xA1).hex() == "80010581010d"
    assert card.es10("bf2d00").hex() == "bf2d02a000"


def test_eid_and_public_data(card):
    assert card.es10("bf3e035c015a").hex() == "bf3e125a10" + EID
    assert find(card.es10("bf2000"), 0xBF20, 0x82).hex() == "020600"
    assert card.store(bytes.fromhex("bf5600"))[1] == 0x6A88
    first, second = card.es10("bf2e00"), card.es10("bf2e00")
    assert first != second and len(first) == 21


def test_lines_of_other_kinds(program, root):
    process = subprocess.run(
        [program, "card", WORLD, "card", "--stdio"], cwd=root, text=True, capture_output=True,
        timeout=30, input="\n".join([
            '{"type":"progress","payload":{}}', "nonsense", "[]", "null", '{"type":"apdu"}',
            '{"type":"apdu","payload":{"func":"transmit","param":"0"}}',
            '{"type":"apdu","payload":{"func":"transmit","param":null}}',
            '{"type":"apdu","payload":{"func":"transmit","param":""}}',
            '{"type":"apdu","payload":{"func":"logic_channel_open","param":"A000000559101099"}}',
            '{"type":"apdu","payload":{"func":"logic_channel_close","param":"07"}}',
            '{"type":"apdu","payload":{"func":"dance","param":"' + "00" * 70000 + '"}}',
            '{"type":"apdu","payload":{"func":"disconnect"}}']) + "\n")
    replies = [json.loads(line)["payload"] for line in process.stdout.splitlines()]
    assert process.returncode == 0 and process.stderr == ""
    assert [reply["ecode"] for reply in replies] == [-1, -1, -1, 0, -1, -1, 0]
    assert replies[3]["data"] == "6700"


def test_state_survives(program, root, rspsim, shared, tmp_path):
    upp = (shared / "vectors" / "ts48" / "ts48-v7-saip2.3-nobertlv.der").read_bytes()
    card = Card(program, root, "--state", tmp_path / "state")
    card.open()
    Server(rspsim, tmp_path / "pki", card).install(upp, TS48_METADATA)
    listed, notes = card.es10("bf2d00"), card.es10("bf2800")
    challenge = card.es10("bf2e00")
    card.close()
    card = Card(program, root, "--state", tmp_path / "state")
    card.open()
    assert card.es10("bf2d00") == listed and card.es10("bf2800") == notes
    assert card.es10("bf2e00") != challenge
    card.close()


ATR = "3b9f96801fc78031a073be21136743200718000001a5"


def framed(connection):
    """The reader's side: what sends a frame, what sends one and reads another, and the stream."""
    stream = connection.makefile("rwb")

    def send(hex_text):
        body = bytes.fromhex(hex_text)
        stream.write(len(body).to_bytes(2, "big") + body)
        stream.flush()

    def ask(hex_text):
        send(hex_text)
        return stream.read(int.from_bytes(stream.read(2), "big")).hex()

    return send, ask, stream


def test_virtual_reader(program, root):
    """A reader that asks for the ATR at any time, also between 61xx and GET RESPONSE."""
    with socket.create_server(("127.0.0.1", 0)) as door:
        door.settimeout(10)
        address = f"127.0.0.1:{door.getsockname()[1]}"
        process = subprocess.Popen([program, "card", WORLD, "card", "--vpcd", address], cwd=root)
        reader, _ = door.accept()
    send, ask, stream = framed(reader)
    send("01")
    assert ask("04") == ATR
    assert ask("80aa00000aa9088100820101830107") == "9000"
    assert ask("0070000001") == "019000"
    assert ask("01a4040010" + ISDR) == "6121"
    assert ask("04") == ATR
    assert ask("01c0000021").endswith("9000")
    assert ask("81e2910006bf3e035c015a") == "6115"
    assert ask("81c0000015") == f"bf3e125a10{EID}9000"
    assert ask("0070800100") == "9000"
    send("02")
    assert ask("81c0000015") == "6881"
    send("00")
    stream.close()
    reader.close()
    assert process.wait(timeout=10) == 0


def test_port(program, root):
    """One client after the other: a powered card for each, whatever the one before left or broke off."""
    process = subprocess.Popen([program, "card", WORLD, "card", "--tcp", "127.0.0.1:0"], cwd=root,
                               stdout=subprocess.PIPE, text=True)
    listening = json.loads(process.stdout.readline())["listening"]
    assert listening["host"] == "127.0.0.1"
    where = listening["host"], listening["port"]
    again = subprocess.run([program, "card", WORLD, "card", "--tcp", f"127.0.0.1:{where[1]}"], cwd=root,
                           capture_output=True, text=True, timeout=10)
    assert again.returncode == 1 and "in use" in again.stderr and again.stdout == ""
    for _ in range(2):
        with socket.create_connection(where, timeout=10) as client:
            send, ask, stream = framed(client)
            send("01")
            assert ask("04") == ATR
            assert ask("0070000001") == "019000"
            assert ask("01a4040010" + ISDR) == "6121"
            assert ask("81e2910006bf3e035c015a") == "6115"
            assert ask("81c0000015") == f"bf3e125a10{EID}9000"
            stream.write(b"\0\0" + b"\0\5\0\xa4")  # an empty frame, and one that never ends
            stream.close()
    with socket.create_connection(where, timeout=10) as client:
        send, ask, stream = framed(client)
        assert ask("ffff") == "6700"
        assert ask("81c0000015") == "6881"
        stream.close()
    process.terminate()
    process.wait(timeout=10)
    process.stdout.close()


@pytest.mark.parametrize("address", ["192.0.2.1:1", "example.com:1", "127.0.0.1", "127.0.0.1:65536", ":1", "::1", ""])
def test_port_elsewhere(rspsim, address):
    done = rspsim("card", WORLD, "card", "--tcp", address)
    assert done.returncode == 1 and "no loopback HOST:PORT" in done.stderr and done.stdout == ""


def test_no_virtual_reader(rspsim):
    done = rspsim("card", WORLD, "card", "--vpcd", "127.0.0.1:1")
    assert done.returncode == 1 and "refused" in done.stderr and done.stdout == ""


@pytest.mark.parametrize("args, text", [
    (["phone", "--stdio"], 'no euicc "phone"'),
    (["nobody", "--stdio"], 'no euicc "nobody"'),
    (["card"], "usage"),
    (["card", "--stdio", "--vpcd", "127.0.0.1:1"], "usage"),
    (["card", "--tcp", "127.0.0.1:0", "--stdio"], "usage"),
    (["card", "--stdio", "--loud"], "--loud"),
])
def test_bad_usage(rspsim, args, text):
    done = rspsim("card", WORLD, *args)
    assert done.returncode == 2 and text in done.stderr and done.stdout == ""
