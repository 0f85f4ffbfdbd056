"""An eIM and an IPA made of Python alone (http.server, http.client, python-cryptography): what stands on the other side of the
simulator's IPA, card and eIM. Both dialects of SGP.32; nothing of the simulator's is used to encode, sign or verify."""

import base64
import http.client
import http.server
import json
import socket
import ssl
import threading

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from test_card import sign, verify
from tlv import find, make, read, walk, whole

ASN1 = "application/x-gsma-rsp-asn1"
NO_TOKEN = bytes.fromhex("840100")
ISDR = bytes.fromhex("A0000005591010FFFFFFFF8900000100")
NAMES = {0xBF39: "initiateAuthentication", 0xBF3B: "authenticateClient", 0xBF3A: "getBoundProfilePackage",
         0xBF41: "cancelSession"}


def integer(tag, value):
    return make(tag, value.to_bytes(value.bit_length() // 8 + 1, "big"))


def swapped(iccid):
    return bytes(int(iccid[i + 1] + iccid[i], 16) for i in range(0, len(iccid), 2))


def base(octets):
    return base64.b64encode(octets).decode()


def optional(data, *path):
    try:
        return find(data, *path)
    except KeyError:
        return None


class Server:
    """Who is reached at an address: HTTP, or HTTPS under the CI in a file."""

    def __init__(self, place, ca=None, host=None):
        self.place, self.host = place, host or place
        self.context = ssl.create_default_context(cafile=str(ca)) if ca else None
        if self.context:
            self.context.check_hostname = False

    def post(self, path, body, content_type, protocol="gsma/rsp/v2.1.0", timeout=5):
        kind = http.client.HTTPSConnection if self.context else http.client.HTTPConnection
        extra = {"context": self.context} if self.context else {}
        connection = kind(self.place, timeout=timeout, **extra)
        connection.request("POST", path, body, {"Content-Type": content_type, "X-Admin-Protocol": protocol,
                                                "Host": self.host})
        answer = connection.getresponse()
        content = answer.read()
        connection.close()
        return answer, content

    def es9p(self, function, **members):
        """The members of an answer of ES9+ in JSON, decoded; a refusal is its code."""
        sent = {name: base(value) if isinstance(value, bytes) else value for name, value in members.items()}
        answer, content = self.post("/gsma/rsp2/es9plus/" + function, json.dumps(sent), "application/json",
                                    "gsma/rsp/v2.2.2")
        if answer.status == 204:
            assert content == b""
            return {}
        assert answer.status == 200 and answer.getheader("Content-Type").startswith("application/json")
        reply = json.loads(content)
        status = reply.pop("header")["functionExecutionStatus"]
        if status["status"] != "Executed-Success":
            return f"{status['statusCodeData']['subjectCode']}/{status['statusCodeData']['reasonCode']}"
        return {name: value if name == "transactionId" else base64.b64decode(value) for name, value in reply.items()}

    def esipa(self, body):
        """The answer of an eIM in ASN.1, as a strict client takes it: at once, and of the right type."""
        answer, content = self.post("/gsma/rsp2/asn1", body, ASN1)
        assert answer.status in (200, 204), answer.status
        if content:
            assert answer.getheader("Content-Type") == ASN1
            assert answer.getheader("X-Admin-Protocol") == "gsma/rsp/v2.1.0"
        return content


# --- the eIM -------------------------------------------------------------------------------------


class Eim:
    """Hands out what is in `queue` (the packages' TLVs), in their order, each until its result has come. `calls` are the
    first tags of what came, `results` the EimPackageResults, `notifications` what BF3D brought."""

    def __init__(self, version, eid, smdp=None, tls=None, fqdn=None, name="outside.eim"):
        self.version, self.eid, self.smdp, self.name, self.fqdn = version, bytes.fromhex(eid), smdp, name, fqdn
        self.key, self.counter, self.transaction = ec.generate_private_key(ec.SECP256R1()), 0, 0
        self.queue, self.calls, self.results, self.notifications, self.refused, self.polls = [], [], [], [], [], []
        self.euicc, self.emulated = None, False
        eim = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                status, body, kind = eim.answer(self)
                self.send_response(status)
                if body:
                    self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *args):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        if tls:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*map(str, tls))
            self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        self.place = f"127.0.0.1:{self.server.server_port}"
        self.url = f"{'https' if tls else 'http'}://{self.place}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()

    # what an operator of the eIM does

    def configuration(self, indirect=False):
        """AddInitialEimRequest."""
        info = self.key.public_key().public_bytes(serialization.Encoding.DER,
                                                  serialization.PublicFormat.SubjectPublicKeyInfo)
        content = (make(0x80, self.name.encode()) + make(0x81, (self.fqdn or self.place).encode()) + make(0x82, b"\3")
                   + make(0x83, b"\0") + make(0xA5, make(0xA0, find(info, 0x30))))
        return make(0xBF57, make(0xA0, make(0x30, content + (make(0x89, b"") if indirect else b""))))

    def order(self, *operations, kind=0xA0, key=None):
        self.counter += 1
        self.transaction += 1
        signed = make(0x30, make(0x80, self.name.encode()) + make(0x5A, self.eid) + integer(0x81, self.counter)
                      + integer(0x82, self.transaction) + make(kind, b"".join(operations)))
        self.queue.append(make(0xBF51, signed + sign(key or self.key, signed + NO_TOKEN)))

    def order_download(self, code=None):
        self.transaction += 1
        data = make(0xA0, make(0x80, code.encode())) if code else b""
        self.queue.append(make(0xBF54, data + integer(0x82, self.transaction)))

    def order_data(self, tags):
        self.transaction += 1
        transaction = b"" if self.version == "1.0" else integer(0x83, self.transaction)
        self.queue.append(make(0xBF52, make(0x5C, bytes.fromhex(tags)) + transaction))

    # what an IPA gets

    def answer(self, request):
        body = request.rfile.read(int(request.headers.get("Content-Length", 0)))
        protocol, kind = request.headers.get("X-Admin-Protocol"), request.headers.get("Content-Type", "")
        json_binding = request.path.startswith("/gsma/rsp2/esipa/") and self.version == "1.2"
        if request.path != "/gsma/rsp2/asn1" and not json_binding:
            return self.refuse(404, request)
        if protocol != "gsma/rsp/v2.1.0":
            return self.refuse(400, request)
        if kind.split(";")[0] != ("application/json" if json_binding else ASN1):
            return self.refuse(415, request)
        try:
            if json_binding:
                return self.in_json(request.path.rsplit("/", 1)[1], json.loads(body))
            reply = self.handle(body)
            return 200, reply, ASN1
        except Exception as error:  # the test reads what went wrong here
            return self.refuse(500, error)

    def refuse(self, status, why):
        self.refused.append((status, repr(why)))
        return status, b"", ""

    def in_json(self, name, said):
        header = {"header": {"functionExecutionStatus": {"status": "Executed-Success"}}}
        if name == "getEimPackage":
            self.polls.append(said)
            assert bytes.fromhex(said["eidValue"]) == self.eid
            members = {0xBF51: "euiccPackageRequest", 0xBF52: "ipaEuiccDataRequest", 0xBF54: "profileDownloadTriggerRequest"}
            found = {members[read(self.queue[0])[0]]: base(self.queue[0])} if self.queue else {}
            return 200, json.dumps(header | {"eimPackageError": 0 if found else 1} | found).encode(), "application/json"
        if name == "provideEimPackageResult":
            assert bytes.fromhex(said["eidValue"]) == self.eid
            acks = self.take(base64.b64decode(said["eimPackageResult"]))
            more = {"eimAcknowledgements": base(acks)} if acks else {}
            return 200, json.dumps(header | more).encode(), "application/json;charset=UTF-8"
        assert name == "handleNotification"
        self.notifications.append(base64.b64decode(said["pendingNotification"]))
        return 204, b"", ""

    def handle(self, body):
        tag, value, _, end = read(body)
        assert end == len(body)
        self.calls.append(tag)
        if tag == 0xBF4F:
            self.polls.append(value)
            assert find(value, 0x5A) == self.eid
            return make(0xBF4F, self.queue[0] if self.queue else bytes.fromhex("020101"))
        if tag == 0xBF50:
            if self.version == "1.2":
                assert find(value, 0x5A) == self.eid
                value = value[len(make(0x5A, self.eid)):]
            acks = self.take(value)
            return make(0xBF50, acks or (b"" if self.version == "1.0" else make(0x30, b"")))
        if tag == 0xBF3D:
            self.notifications.append(find(value, 0xA0))
            return b""
        return self.relay(tag, value)

    def take(self, result):
        """Verifies what the eUICC has signed; the acknowledgements, or b""."""
        self.results.append(result)
        if self.queue:
            self.queue.pop(0)
        tag, value, _, _ = read(result)
        listed = b""
        if tag == 0x30:  # with notifications
            listed = optional(value, 0xA0) if self.version == "1.2" else optional(value, 0xBF2B, 0xA0)
            value = find(value, 0xBF51)
            tag = 0xBF51
        numbers = [find(item, 0x80) for item in [find(whole_one, 0x30, 0xBF2F) if kind == 0x30 else
                                                 find(whole_one, 0xBF37, 0xBF27, 0xBF2F)
                                                 for kind, _, whole_one in walk(listed or b"")]]
        if tag == 0xBF51:
            kind, content, _, _ = read(value)
            if kind in (0xA0, 0xA1) and self.emulated:
                assert find(content, 0x5F37) == bytes(64)
            elif kind in (0xA0, 0xA1):
                verify(self.euicc, find(content, 0x5F37), whole(content, 0x30) + NO_TOKEN)
            if kind in (0xA0, 0xA1):
                assert find(content, 0x30, 0x80).decode() == self.name
            if kind == 0xA0:
                numbers.insert(0, find(content, 0x30, 0x83))
        installed = optional(value, 0xBF37) if tag == 0xBF54 else None
        if installed:
            verify(self.euicc, find(installed, 0x5F37), whole(installed, 0xBF27))
            numbers.append(find(installed, 0xBF27, 0xBF2F, 0x80))
        return make(0xBF53, b"".join(make(0x80, n) for n in numbers)) if numbers else b""

    def relay(self, tag, value):
        members = {"transactionId": find(value, 0x80).hex().upper()} if tag != 0xBF39 else {}
        if tag == 0xBF39:
            members = {"euiccChallenge": find(value, 0x81), "euiccInfo1": whole(value, 0xBF20),
                       "smdpAddress": find(value, 0x83).decode()}
        elif tag == 0xBF3B:
            members["authenticateServerResponse"] = whole(value, 0xBF38)
        elif tag == 0xBF3A:
            members["prepareDownloadResponse"] = whole(value, 0xBF21)
        else:
            members["cancelSessionResponse"] = make(0xBF41, find(value, 0xA1))
        reply = self.smdp.es9p(NAMES[tag], **members)
        if isinstance(reply, str):
            return make(tag, make(0x82 if tag == 0xBF3B else 0x81, b"\x7f"))
        order = {0xBF39: ["serverSigned1", "serverSignature1", "euiccCiPKIdToBeUsed", "serverCertificate"],
                 0xBF3B: ["profileMetadata", "smdpSigned2", "smdpSignature2", "smdpCertificate"],
                 0xBF3A: ["boundProfilePackage"], 0xBF41: []}[tag]
        content = b"".join(reply[name] for name in order)
        transaction = make(0x80, bytes.fromhex(reply["transactionId"])) if order else b""
        return make(tag, make(0xA0, transaction + content))


# --- the card and the IPA ------------------------------------------------------------------------


class TcpCard:
    """A card in a reader (`rspsim card --tcp`), spoken to in T=0."""

    def __init__(self, place):
        self.stream = socket.create_connection(place, 10).makefile("rwb")
        self.send(b"\1")
        assert self.apdu("80aa000005a903830107")[1] >> 8 in (0x90, 0x61)
        assert self.apdu("0070000100") == (b"", 0x9000)
        data, sw = self.apdu(bytes.fromhex("01a4040410") + ISDR)
        assert data == b"" and sw >> 8 == 0x61
        self.drain(sw)

    def send(self, body):
        self.stream.write(len(body).to_bytes(2, "big") + body)
        self.stream.flush()

    def apdu(self, command):
        self.send(bytes.fromhex(command) if isinstance(command, str) else command)
        reply = self.stream.read(int.from_bytes(self.stream.read(2), "big"))
        return reply[:-2], int.from_bytes(reply[-2:], "big")

    def drain(self, sw):
        data = b""
        while sw >> 8 == 0x61:
            announced = sw & 0xFF or 256
            more, sw = self.apdu(bytes([0x81, 0xC0, 0, 0, announced & 0xFF]))
            assert len(more) == announced
            data += more
        assert sw == 0x9000, hex(sw)
        return data

    def es10(self, command):
        command = bytes.fromhex(command) if isinstance(command, str) else command
        blocks = [command[i:i + 255] for i in range(0, len(command), 255)]
        for number, block in enumerate(blocks):
            last = number == len(blocks) - 1
            data, sw = self.apdu(bytes([0x81, 0xE2, 0x91 if last else 0x11, number, len(block)]) + block)
            assert data == b"" and (last or sw == 0x9000), hex(sw)
        return self.drain(sw)

    def load(self, package):
        """A Bound Profile Package, segment by segment; the ProfileInstallationResult."""
        content = find(package, 0xBF36)
        head = package[:len(package) - len(content)]
        chains = []
        for tag, value, part in walk(content):
            if tag in (0xA1, 0xA3):
                chains += [part[:len(part) - len(value)], *(item for _, _, item in walk(value))]
            else:
                chains.append((head if tag == 0xBF23 else b"") + part)
        for number, chain in enumerate(chains):
            answer = self.es10(chain)
            if answer:
                return answer
        raise AssertionError(f"no result after {number} segments")

    def close(self):
        self.stream.close()


class Ipa:
    """An IPA of one dialect: `poll` does what it is told until there is nothing more. `done` are the results that it sent."""

    def __init__(self, version, card, eim, smdp, indirect=False):
        self.version, self.card, self.eim, self.smdp, self.indirect = version, card, eim, smdp, indirect
        self.eid = find(card.es10("bf3e035c015a"), 0xBF3E, 0x5A)
        self.done = []

    def poll(self):
        assert find(self.card.es10("bf5500"), 0xBF55, 0xA0)
        for _ in range(20):
            package = find(self.eim.esipa(make(0xBF4F, make(0x5A, self.eid))), 0xBF4F)
            tag = read(package)[0]
            if tag == 0x02:
                return package[2]
            {0xBF51: self.load, 0xBF52: self.tell, 0xBF54: self.download}[tag](package)
        raise AssertionError("the queue does not end: " + package.hex()[:40] + " " + self.done[-1].hex()[:200])

    def provide(self, result):
        self.done.append(result)
        eid = b"" if self.version == "1.0" else make(0x5A, self.eid)
        reply = find(self.eim.esipa(make(0xBF50, eid + result)), 0xBF50)
        acks = [n for tag, n, _ in walk(optional(reply, 0xBF53) or b"") if tag == 0x80]
        for number in acks:
            assert self.card.es10(make(0xBF30, make(0x80, number))).hex() == "bf3003800100"
        return acks

    def load(self, package):
        result = self.card.es10(package)
        kept = optional(result, 0xBF51, 0xA0, 0x30, 0x83)
        if kept:
            listed = self.card.es10(make(0xBF2B, make(0xA0, make(0x80, kept))))
            assert result in listed
        acks = self.provide(result)
        assert not kept or kept in acks

    def tell(self, request):
        certificates = find(self.card.es10("bf5600"), 0xBF56, 0xA0)
        known = {b"\xbf\x20": lambda: self.card.es10("bf2000"), b"\xbf\x22": lambda: self.card.es10("bf2200"),
                 b"\xa5": lambda: whole(certificates, 0xA5), b"\xa6": lambda: whole(certificates, 0xA6)}
        tags, data = find(request, 0xBF52, 0x5C), b""
        for tag, value in known.items():
            data += value() if tag in tags else b""
        transaction = optional(request, 0xBF52, 0x83) if self.version == "1.2" else None
        data += make(0x87, transaction) if transaction else b""
        self.provide(make(0xBF52, make(0xA0, data)))

    def download(self, trigger):
        transaction = optional(trigger, 0xBF54, 0x82)
        code = find(trigger, 0xBF54, 0xA0, 0x80).decode().removeprefix("LPA:").split("$")
        result = self.session(code[1], code[2].encode(), transaction)
        head = make(0x82, transaction) if transaction else b""
        if isinstance(result, bytes):
            acks = self.provide(make(0xBF54, head + result))
            number = find(result, 0xBF37, 0xBF27, 0xBF2F, 0x80)
            if number not in acks:
                self.notify(result)
                self.card.es10(make(0xBF30, make(0x80, number)))
            return
        reason = b"" if self.version == "1.0" else make(0x80, b"\x7f")
        self.provide(make(0xBF54, head + make(0x30, reason)))

    def notify(self, result):
        if self.indirect:
            assert self.eim.esipa(make(0xBF3D, make(0xA0, result))) == b""
        else:
            assert self.smdp.es9p("handleNotification", pendingNotification=result) == {}

    def session(self, address, matching_id, transaction):
        """ProfileInstallationResult, or the refusal."""
        challenge = find(self.card.es10("bf2e00"), 0xBF2E, 0x80)
        reply = self.initiate(challenge, self.card.es10("bf2000"), address, transaction)
        if isinstance(reply, str):
            return reply
        device = make(0xA1, make(0x80, bytes.fromhex("35290611")) + make(0xA1, b""))
        context = make(0xA0, make(0x80, matching_id) + device)
        signed, server_id = self.card.es10(make(0xBF38, b"".join(reply["parts"]) + context)), reply["id"]
        reply = self.authenticate(server_id, signed)
        if isinstance(reply, str):
            return reply
        reply = self.package(server_id, self.card.es10(make(0xBF21, b"".join(reply))))
        return reply if isinstance(reply, str) else self.card.load(reply)

    def initiate(self, challenge, info, address, transaction):
        if not self.indirect:
            reply = self.smdp.es9p("initiateAuthentication", euiccChallenge=challenge, euiccInfo1=info, smdpAddress=address)
            names = ("serverSigned1", "serverSignature1", "euiccCiPKIdToBeUsed", "serverCertificate")
            return reply if isinstance(reply, str) else {"id": reply["transactionId"],
                                                         "parts": [reply[name] for name in names]}
        head = make(0x82, transaction) if transaction else b""
        content = self.relayed(0xBF39, make(0x81, challenge) + make(0x83, address.encode()) + info + head)
        if isinstance(content, str):
            return content
        items = list(walk(content))
        assert [tag for tag, *_ in items] == [0x80, 0x30, 0x5F37, 0x04, 0x30]
        return {"id": items[0][1].hex().upper(), "parts": [part for _, _, part in items[1:]]}

    def authenticate(self, server_id, signed):
        if not self.indirect:
            reply = self.smdp.es9p("authenticateClient", transactionId=server_id, authenticateServerResponse=signed)
            names = ("smdpSigned2", "smdpSignature2", "smdpCertificate")
            return reply if isinstance(reply, str) else [reply[name] for name in names]
        content = self.relayed(0xBF3B, make(0x80, bytes.fromhex(server_id)) + signed)
        if isinstance(content, str):
            return content
        return [part for tag, _, part in walk(content) if tag in (0x30, 0x5F37)]

    def package(self, server_id, prepared):
        if not self.indirect:
            reply = self.smdp.es9p("getBoundProfilePackage", transactionId=server_id, prepareDownloadResponse=prepared)
            return reply if isinstance(reply, str) else reply["boundProfilePackage"]
        content = self.relayed(0xBF3A, make(0x80, bytes.fromhex(server_id)) + prepared)
        return content if isinstance(content, str) else whole(content, 0xBF36)

    def relayed(self, tag, content):
        """Content of the alternative that says ok; a refusal is its number."""
        kind, value, _, _ = read(find(self.eim.esipa(make(tag, content)), tag))
        return value if kind == 0xA0 else str(int.from_bytes(value, "big"))


def public_key(path):
    return x509.load_der_x509_certificate(path.read_bytes()).public_key()
