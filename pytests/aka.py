"""Milenage, XOR and SUCI from their specifications, on python-cryptography: an oracle beside the program."""

import hashlib
import hmac

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, x25519
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.kdf.x963kdf import X963KDF

ROTATIONS = (64, 0, 32, 64, 96)
CONSTANTS = (0, 1, 2, 4, 8)


def xor(a, b):
    return bytes(x ^ y for x, y in zip(a, b))


class Milenage:
    """3GPP TS 35.206."""

    res_size = 8

    def __init__(self, key, opc, rotations=ROTATIONS, constants=CONSTANTS):
        self.key, self.opc = key, opc
        self.rotations, self.constants = rotations, [c.to_bytes(16, "big") for c in constants]

    def encrypt(self, block):
        return Cipher(algorithms.AES(self.key), modes.ECB()).encryptor().update(block)

    def rotate(self, block, which):
        n, r = int.from_bytes(block, "big"), self.rotations[which - 1]
        return ((n << r | n >> (128 - r)) & (1 << 128) - 1).to_bytes(16, "big")

    def out(self, rand, which, first=None):
        temp = self.encrypt(xor(rand, self.opc))
        if which == 1:
            block = xor(temp, self.rotate(xor(first, self.opc), 1))
        else:
            block = self.rotate(xor(temp, self.opc), which)
        return xor(self.encrypt(xor(block, self.constants[which - 1])), self.opc)

    def mac(self, rand, sqn, amf, resync=False):
        block = self.out(rand, 1, (sqn + amf) * 2)
        return block[8:] if resync else block[:8]

    def answer(self, rand):
        """RES, CK, IK, AK, AK*."""
        return (self.out(rand, 2)[8:], self.out(rand, 3), self.out(rand, 4), self.out(rand, 2)[:6],
                self.out(rand, 5)[:6])


class Xor:
    """3GPP TS 34.108 8.1.2."""

    def __init__(self, key, res_size=16):
        self.key, self.res_size = key, res_size

    def mac(self, rand, sqn, amf, resync=False):
        return xor(xor(self.key, rand), sqn + amf)

    def answer(self, rand):
        d = xor(self.key, rand)
        return d[:self.res_size], d[1:] + d[:1], d[2:] + d[:2], d[3:9], d[3:9]


def autn(algorithm, rand, sqn, amf=b"\x80\x00"):
    sqn = sqn.to_bytes(6, "big")
    return xor(sqn, algorithm.answer(rand)[3]) + amf + algorithm.mac(rand, sqn, amf)


def open_autn(algorithm, rand, value):
    sqn = xor(value[:6], algorithm.answer(rand)[3])
    assert algorithm.mac(rand, sqn, value[6:8]) == value[8:]
    return int.from_bytes(sqn, "big")


def open_auts(algorithm, rand, value):
    sqn = xor(value[:6], algorithm.answer(rand)[4])
    assert algorithm.mac(rand, sqn, b"\0\0", resync=True) == value[6:]
    return int.from_bytes(sqn, "big")


def res_star(algorithm, rand, network):
    """3GPP TS 33.501 A.4."""
    res, ck, ik = algorithm.answer(rand)[:3]
    text = b"\x6b" + b"".join(p + len(p).to_bytes(2, "big") for p in (network.encode(), rand, res))
    return hmac.new(ck + ik, text, hashlib.sha256).digest()[16:]


def kc(algorithm, rand):
    _, ck, ik = algorithm.answer(rand)[:3]
    return xor(xor(ck[:8], ck[8:]), xor(ik[:8], ik[8:]))


def reveal(scheme, private, output):
    """The MSIN that a scheme output of profile A or B hides (3GPP TS 33.501 C.3)."""
    size = 32 if scheme == 1 else 33
    public, cipher, mac = output[:size], output[size:-8], output[-8:]
    if scheme == 1:
        shared = x25519.X25519PrivateKey.from_private_bytes(private).exchange(
            x25519.X25519PublicKey.from_public_bytes(public))
    else:
        key = ec.derive_private_key(int.from_bytes(private, "big"), ec.SECP256R1())
        shared = key.exchange(ec.ECDH(), ec.EllipticCurvePublicKey.from_encoded_point(
            ec.SECP256R1(), public))
    keys = X963KDF(hashes.SHA256(), 64, public).derive(shared)
    assert hmac.new(keys[32:], cipher, hashlib.sha256).digest()[:8] == mac
    plain = Cipher(algorithms.AES(keys[:16]), modes.CTR(keys[16:32])).decryptor().update(cipher)
    return "".join(f"{b & 15:x}{b >> 4:x}" for b in plain).rstrip("f")
