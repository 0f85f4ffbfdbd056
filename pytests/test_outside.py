"""Who brings an eIM or an IPA of their own: `rspsim ipa` polls an eIM made of Python, and an IPA made of Python polls the
served eIM with a served card in its reader; in both dialects of SGP.32, with downloads from the served SM-DP+."""

import http.client
import http.server
import json
import socket
import ssl
import subprocess
import threading

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from outside import ASN1, Eim, Ipa, Server, TcpCard, make, public_key, swapped, whole
from tlv import find, read

EID = "89049032001234000000000000000141"
FIRST, SECOND = "8988303000000000010", "8988303000000000028"
CODE = "1$dp1.example.com$MID-0001"


class World:
    """A served world of one dialect, its certificates, and its card for `rspsim ipa`."""

    def __init__(self, program, root, folder, version, eims=""):
        self.program, self.root, self.folder, self.version = program, root, folder, version
        self.path = folder / "world.yaml"
        self.path.write_text(f"""world:
  use: worlds/serve.yaml
  actors:
    dp1: {{orders: [{{iccid: "{FIRST}", matchingId: MID-0001}}, {{iccid: "{SECOND}", matchingId: MID-0002}}]}}
    eim1: {{role: eim, certified-by: ci, fqdn: eim1.example.com, devices: all, version: "{version}"}}
    card: {{iot: {{version: "{version}"{eims}}}}}
""")
        self.run("pki", self.path, "-o", folder / "pki", "--today")
        self.server = subprocess.Popen([program, "serve", self.path], cwd=root, text=True, stdout=subprocess.PIPE)
        self.ends = {e["actor"]: e for e in json.loads(self.server.stdout.readline())["endpoints"]}
        self.smdp = Server(self.ends["dp1"]["address"], folder / "pki" / "ci.pem", "dp1.example.com")
        self.euicc = public_key(folder / "pki" / "card-euicc.der")

    def run(self, *args, check=0):
        done = subprocess.run([self.program, *map(str, args)], cwd=self.root, text=True, capture_output=True, timeout=60,
                              stdin=subprocess.DEVNULL)
        assert done.returncode == check, f"{args}: {done.returncode}\n{done.stdout}{done.stderr}"
        return done

    def ipa(self, *args, check=0):
        return self.run("ipa", "--card", f"sim:{self.path}:card", "--state", self.folder / "state", "--version", self.version,
                        "--resolve", f"dp1.example.com={self.ends['dp1']['address']}", *args, check=check)

    def json(self, *args, check=0):
        return json.loads(self.ipa("--json", *args, check=check).stdout)

    def manage(self, method, path, body=None):
        management = self.ends["eim1"]["management"]
        connection = http.client.HTTPSConnection(management["url"].removeprefix("https://"),
                                                 context=ssl._create_unverified_context(), timeout=30)
        connection.request(method, path, body and json.dumps(body), {"Authorization": f"Bearer {management['token']}"})
        answer = connection.getresponse()
        return json.loads(answer.read())

    def close(self):
        self.server.terminate()
        assert self.server.wait(timeout=10) == 0


@pytest.fixture
def world(program, root, tmp_path):
    made = []

    def make_one(version, eims=""):
        made.append(World(program, root, tmp_path, version, eims))
        return made[-1]

    yield make_one
    for one in made:
        one.close()


@pytest.fixture
def eims():
    made = []

    def make_one(*args, **options):
        made.append(Eim(*args, **options))
        return made[-1]

    yield make_one
    for one in made:
        one.close()


# --- an eIM from outside ---------------------------------------------------------------------------


def enable(iccid, rollback=False):
    return make(0xA3, make(0x5A, swapped(iccid + "F")) + (make(0x05, b"") if rollback else b""))


@pytest.mark.parametrize("version, tls, binding", [("1.2", False, "asn1"), ("1.0", False, "asn1"), ("1.2", True, "asn1"),
                                                   ("1.2", False, "json")])
def test_ipa_polls_an_eim_from_outside(world, eims, tmp_path, version, tls, binding):
    w = world(version)
    pki = w.folder / "pki"
    secrets = (pki / "eim1-tls.pem", pki / "eim1-tls.key.pem") if tls else None
    eim = eims(version, EID, tls=secrets, fqdn="eim1.example.com" if tls else None)
    eim.euicc = w.euicc
    initial = tmp_path / "initial.hex"
    initial.write_text(eim.configuration().hex())
    w.ipa("configure", initial)
    assert "associatedEimAlreadyExists" in w.ipa("configure", initial, check=1).stderr
    assert [e["eimId"] for e in w.json("eims")] == ["outside.eim"]
    way = ["--resolve", f"eim1.example.com={eim.place}"] if tls else ["--eim", eim.url]
    way += ["--esipa", binding]

    eim.order_data("bf20bf22a5a6")
    eim.order_download(CODE)
    eim.order(enable(FIRST))
    done = w.json(*way, "poll")
    assert eim.refused == [] and done["ok"], (eim.refused, done)
    assert (done["packages"], done["delivered"], done["installed"], done["kept"]) == (3, 3, 1, 0)
    data, installed, enabled = eim.results
    assert find(data, 0xBF52, 0xA0, 0xA6) == find((pki / "card-euicc.der").read_bytes(), 0x30)
    assert find(installed, 0xBF54, 0xBF37, 0xBF27, 0xBF2F, 0x5A) == swapped(FIRST + "F")
    assert find(enabled, 0xBF51, 0xA0, 0x30, 0x30).hex() == "830100"
    assert [p["state"] for p in w.json("list")] == ["enabled"]
    assert w.json("notifications") == []  # acknowledged, or delivered to the SM-DP+
    if binding == "asn1":
        assert eim.calls == [0xBF4F, 0xBF50] * 3 + [0xBF4F]

    eim.order(enable(FIRST))  # refused by the card, and told so
    done = w.json(*way, "poll", check=1)
    assert done["failed"] == 1 and done["result"] == "profileNotInDisabledState" and done["kept"] == 0
    eim.order(enable(FIRST), key=ec.generate_private_key(ec.SECP256R1()))
    assert w.json(*way, "poll", check=1)["result"] == "euiccPackageErrorUnsigned"
    assert read(find(eim.results[-1], 0xBF51))[0] == 0xA2


@pytest.mark.parametrize("version", ["1.2", "1.0"])
def test_an_eim_from_outside_relays_a_download(world, eims, tmp_path, version):
    w = world(version)
    eim = eims(version, EID, smdp=w.smdp)
    eim.euicc = w.euicc
    (tmp_path / "initial").write_bytes(eim.configuration(indirect=True))
    w.ipa("configure", tmp_path / "initial")
    eim.order_download(CODE)
    done = w.json("--eim", eim.url, "--notify", "eim", "--trace", tmp_path / "trace", "poll")
    assert eim.refused == [] and done["installed"] == 1 and done["iccid"] == FIRST
    assert eim.calls == [0xBF4F, 0xBF39, 0xBF3B, 0xBF3A, 0xBF50, 0xBF4F]
    eim.order(enable(FIRST))
    eim.order(make(0xA4, make(0x5A, swapped(FIRST + "F"))), make(0xA5, make(0x5A, swapped(FIRST + "F"))))
    assert w.json("--eim", eim.url, "--notify", "eim", "poll")["packages"] == 2
    assert eim.refused == [] and find(eim.results[-1], 0x30, 0xBF51, 0xA0, 0x30, 0x30).hex() == "840100850100"
    assert w.json("notifications") == []
    eim.order_download("1$dp1.example.com$NOBODY")
    done = w.json("--eim", eim.url, "poll", check=1)
    assert done["failed"] == 1 and done["result"] == "refused"
    shown = w.run("trace", tmp_path / "trace").stdout
    assert "ESipa.GetBoundProfilePackage" in shown and "ES8+.LoadProfileElements" in shown and eim.place in shown


def test_a_consumer_card_and_an_eim_from_outside(world, eims, tmp_path):
    w = world("1.2")
    plain = tmp_path / "plain.yaml"
    plain.write_text("world: {use: worlds/serve.yaml}")
    eim = eims("1.2", EID)
    eim.euicc, eim.emulated = w.euicc, True
    (tmp_path / "initial").write_bytes(eim.configuration())

    def ipa(*args, check=0):
        return w.run("ipa", "--card", f"stdio:{w.program} card {plain} card --stdio --state {tmp_path}/card", "--ca",
                     w.folder / "pki" / "ci.pem", "--resolve", f"dp1.example.com={w.ends['dp1']['address']}", "--eim", eim.url,
                     "--json", *args, check=check).stdout

    assert json.loads(ipa("eims", check=1))["error"] == "statusWord"
    emulated = ["--emulate", tmp_path / "emulation.db"]
    ipa(*emulated, "configure", tmp_path / "initial")
    assert [e["eimId"] for e in json.loads(ipa(*emulated, "eims"))] == ["outside.eim"]
    eim.order_download(CODE)
    eim.order(enable(FIRST))
    done = json.loads(ipa(*emulated, "poll"))
    assert (done["installed"], done["delivered"], done["failed"]) == (1, 2, 0) and eim.refused == []
    assert [(p["iccid"], p["state"]) for p in json.loads(ipa("list"))] == [(FIRST, "enabled")]


def test_no_way_to_the_eim_from_outside(world, eims, tmp_path):
    """Rollback: the result of an enable gets lost, the profile before comes back and its result is delivered later."""
    w = world("1.2")
    eim = eims("1.2", EID)
    eim.euicc = w.euicc
    (tmp_path / "initial").write_bytes(eim.configuration())
    w.ipa("configure", tmp_path / "initial")
    eim.order_download(CODE)
    eim.order_download("1$dp1.example.com$MID-0002")
    eim.order(enable(FIRST))
    assert w.json("--eim", eim.url, "poll")["installed"] == 2
    eim.order(enable(SECOND, rollback=True))
    take, eim.take = eim.take, None  # answers 500
    done = w.json("--eim", eim.url, "poll", check=1)
    assert done["rolledBack"] == 1 and done["kept"] == 1 and done["error"] == "http"
    assert {p["iccid"]: p["state"] for p in w.json("list")} == {FIRST: "enabled", SECOND: "disabled"}
    eim.take = take
    assert w.json("--eim", eim.url, "poll")["delivered"] == 1
    assert find(eim.results[-1], 0xBF51, 0xA0, 0x30, 0x30).hex().endswith("8c0100")
    eim.order_download("1$dp1.example.com$NOBODY")
    eim.take = None
    assert w.json("--eim", eim.url, "poll", check=1)["kept"] == 1
    eim.take = take
    w.ipa("reset", "operational")
    before = len(eim.results)
    assert w.json("--eim", eim.url, "poll", check=0)["delivered"] == 1  # what one process kept, the next one delivers
    assert len(eim.results) == before + 1 and find(eim.results[-1], 0xBF54, 0x30, 0x80) == b"\x7f"
    assert find(eim.polls[-1], 0x81) == b"\4"  # and tells of the reset
    done = w.ipa("--eim", "http://127.0.0.1:1", "poll", check=1)
    assert "ESipa.GetEimPackage: link" in done.stderr


def test_tls_of_an_eim_from_outside(world, eims, tmp_path):
    """A certificate of the web's kind (RSA, no CI): refused by the world's CIs, taken by --eim-ca and --insecure."""
    w = world("1.2")
    for name in ("own", "other"):
        subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", tmp_path / f"{name}.key",
                        "-out", tmp_path / f"{name}.pem", "-subj", "/CN=localhost", "-days", "2",
                        "-addext", "subjectAltName=IP:127.0.0.1,DNS:localhost"], check=True, capture_output=True)
    eim = eims("1.2", EID, tls=(tmp_path / "own.pem", tmp_path / "own.key"))
    (tmp_path / "initial").write_bytes(eim.configuration())
    w.ipa("configure", tmp_path / "initial")
    for way, status in ([], 1), (["--eim-ca", tmp_path / "other.pem"], 1), (["--eim-ca", tmp_path / "own.pem"], 0), \
                       (["--insecure"], 0), (["--eim-ca", tmp_path / "own.pem", "--eim", f"localhost:{eim.place[10:]}"], 0):
        done = w.ipa(*way, "poll", check=status)
        assert status == 0 or "ESipa.GetEimPackage: tls" in done.stderr, (way, done.stderr)
    assert "/nowhere" in w.ipa("--eim-ca", "/nowhere", "poll", check=2).stderr


@pytest.mark.parametrize("version", ["1.2", "1.0"])
def test_what_needs_no_eim(world, version, tmp_path):
    w = world(version, ", ecall: true, fallback: true")
    assert w.ipa("download", CODE).stdout == FIRST + "\n"
    assert w.ipa("certs").stdout.count("BEGIN CERTIFICATE") == 2
    data = w.json("data")
    assert "euiccInfo2" in json.dumps(data)
    assert "incorrectTagList" in w.ipa("--tags", "9e", "data", check=1).stderr
    done = w.ipa("download", "1$dp1.example.com$NOBODY", check=1)
    assert "ES9+.AuthenticateClient: refused 8.2.6/3.8" in done.stderr
    assert "noDefaultAddress" in w.ipa("download", check=1).stderr
    assert "rollbackNotAllowed" in w.ipa("rollback", check=1).stderr
    if version == "1.2":
        assert "ExecuteFallbackMechanism" in w.ipa("fallback", check=1).stderr
        assert "ReturnFromFallback" in w.ipa("return", check=1).stderr
        assert "EmergencyProfile" in w.ipa("emergency", "on", check=1).stderr
        w.ipa("default-dp", "dp1.example.com")
    w.ipa("configure-immediate-enable", "dp1.example.com")
    assert "ImmediateEnable" in w.ipa("immediate-enable", check=1).stderr
    w.ipa("reset", "operational")
    assert w.json("list") == []
    assert w.json("notifications", "deliver")["ok"] and w.json("notifications") == []


def test_watch_ends_with_a_signal(world, eims, tmp_path):
    w = world("1.2")
    eim = eims("1.2", EID)
    (tmp_path / "initial").write_bytes(eim.configuration())
    w.ipa("configure", tmp_path / "initial")
    process = subprocess.Popen([w.program, "ipa", "--card", f"sim:{w.path}:card", "--state", w.folder / "state", "--watch",
                                "--period", "100ms", "--eim", eim.url, "poll"], cwd=w.root, text=True, stdout=subprocess.PIPE)
    lines = [process.stdout.readline() for _ in range(3)]
    process.terminate()
    assert process.wait(timeout=10) == 0 and lines == [lines[0]] * 3 and lines[0].startswith("packages 0,")
    assert len(eim.polls) >= 3


@pytest.mark.parametrize("command", ["ipa", "lpa"])
def test_cards_in_readers(world, command):
    """A card that listens, one that comes, and none."""
    w = world("1.2")
    with socket.create_server(("127.0.0.1", 0)) as door:
        place = "127.0.0.1:%d" % door.getsockname()[1]
    assert "refused" in w.run(command, "--card", f"tcp:{place}", "info", check=2).stderr
    card = subprocess.Popen([w.program, "card", w.path, "card", "--tcp", place], cwd=w.root, stdout=subprocess.PIPE)
    card.stdout.readline()
    for _ in range(2):
        assert json.loads(w.run(command, "--card", f"tcp:{place}", "--json", "info").stdout)["eid"] == EID
    card.terminate()
    card.wait(timeout=10)
    waiting = subprocess.Popen([w.program, command, "--card", f"vpcd:{place}", "--json", "info"], cwd=w.root, text=True,
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert "waiting" in waiting.stderr.readline()
    card = subprocess.Popen([w.program, "card", w.path, "card", "--vpcd", place], cwd=w.root, stdout=subprocess.PIPE)
    out, _ = waiting.communicate(timeout=20)
    assert json.loads(out)["eid"] == EID and waiting.returncode == 0
    card.wait(timeout=10)


class Babbler(http.server.BaseHTTPRequestHandler):
    body, status = b"", 200

    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(self.status)
        self.send_header("Content-Length", str(len(self.body)))
        self.end_headers()
        self.wfile.write(self.body)

    def log_message(self, *args):
        pass


@pytest.mark.parametrize("body, status, error", [
    (b"", 200, "badReply"), (b"\xbf\x4f", 200, "badReply"), (b"<html>", 200, "badReply"), (b"", 500, "http"),
    (bytes.fromhex("bf4f03020102"), 200, "eidNotFound"), (bytes.fromhex("bf4f0302017f"), 200, "undefinedError"),
    (bytes.fromhex("bf4f04bf6f0100"), 200, "badReply"), (bytes.fromhex("bf4f84ffffffff"), 200, "badReply")])
@pytest.mark.parametrize("binding", ["asn1", "json"])
def test_an_eim_that_babbles(world, eims, tmp_path, body, status, error, binding):
    w = world("1.2")
    eim = eims("1.2", EID)
    (tmp_path / "initial").write_bytes(eim.configuration())
    w.ipa("configure", tmp_path / "initial")
    handler = type("Own", (Babbler,), {"body": body, "status": status})
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    done = w.json("--eim", f"http://127.0.0.1:{server.server_port}", "--esipa", binding, "poll", check=1)
    assert done["error"] in (error, "badReply" if binding == "json" and status == 200 else error)
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize("args, word", [
    (["--eim", "ftp://x", "eims"], "--eim"), (["--eim", "http://x/path", "eims"], "--eim"), (["--eim", "", "eims"], "--eim"),
    (["--version", "2.0", "eims"], "--version"), (["--esipa", "xml", "eims"], "--esipa"),
    (["--version", "1.0", "--esipa", "json", "poll"], "not supported"), (["--period", "soon", "poll"], "--period"),
    (["--notify", "nobody", "poll"], "--notify"), (["--timeout", "-1", "poll"], "--timeout"), (["poll", "now"], "usage"),
    (["emergency"], "usage"), (["emergency", "perhaps"], "on"), (["reset", "everything"], "operational"),
    (["--tags", "xyz", "data"], "--tags"), (["configure", "/nowhere"], "/nowhere"), (["configure", "/dev/null"], "neither"),
    (["configure", __file__], "neither"), ([], "what shall it do"), (["dance"], "no such command"),
    (["--card", "x", "eims"], "--card"), (["notifications", "eat"], "deliver")])
def test_bad_usage_of_ipa(program, root, args, word):
    card = [] if "--card" in args else ["--card", "sim:scenarios/worlds/eim-serve.yaml:card"]
    done = subprocess.run([program, "ipa", *card, *args], cwd=root, text=True, capture_output=True, timeout=60,
                          stdin=subprocess.DEVNULL)
    assert done.returncode == 2 and word in done.stderr, done.stderr


# --- an IPA from outside ---------------------------------------------------------------------------


class Reader:
    def __init__(self, w):
        self.process = subprocess.Popen([w.program, "card", w.path, "card", "--tcp", "127.0.0.1:0"], cwd=w.root, text=True,
                                        stdout=subprocess.PIPE)
        listening = json.loads(self.process.stdout.readline())["listening"]
        self.card = TcpCard((listening["host"], listening["port"]))

    def close(self):
        self.card.close()
        self.process.terminate()
        self.process.wait(timeout=10)


@pytest.fixture
def reader():
    made = []

    def make_one(w):
        made.append(Reader(w))
        return made[-1].card

    yield make_one
    for one in made:
        one.close()


@pytest.mark.parametrize("indirect", [False, True], ids=["direct", "indirect"])
@pytest.mark.parametrize("plain", [False, True], ids=["https", "http"])
@pytest.mark.parametrize("version", ["1.0", "1.2"])
def test_an_ipa_from_outside(world, reader, version, plain, indirect):
    w = world(version)
    card, end = reader(w), w.ends["eim1"]
    eim = Server(end["plainUrl"].removeprefix("http://")) if plain else \
        Server(end["address"], w.folder / "pki" / "ci.pem", "eim1.example.com")
    assert card.es10("bf5500").hex() == "bf5502a000"
    initial = bytes.fromhex(w.manage("GET", "/")["addInitialEimRequest"])
    assert card.es10(initial).hex() == "bf5704a0020500"
    assert card.es10("bf300380017f").hex() == "bf3003800101"  # an unknown number: nothingToDelete
    ipa = Ipa(version, card, eim, w.smdp, indirect)
    assert ipa.poll() == 1
    for order in ({"do": "data-request", "tags": "BF20BF22A5A6"}, {"do": "download", "activationCode": CODE},
                  {"do": "enable", "iccid": FIRST}, {"do": "list-profile-info"}, {"do": "disable", "iccid": FIRST},
                  {"do": "download", "activationCode": "1$dp1.example.com$NOBODY"}, {"do": "delete", "iccid": FIRST},
                  {"do": "list-eim"}):
        assert len(w.manage("POST", "/packages", {"eid": EID, **order})["ids"]) == 1
    assert ipa.poll() == 1 and len(ipa.done) == 8
    states = [(p["kind"], p["state"]) for p in w.manage("GET", "/packages")]
    assert [state for _, state in states] == ["done"] * 5 + ["failed"] + ["done"] * 2, states
    assert card.es10("bf2d00").hex() == "bf2d02a000"


def test_what_an_eim_refuses_at_its_door(world):
    w = world("1.0")
    eim = Server(w.ends["eim1"]["plainUrl"].removeprefix("http://"))
    ask = bytes.fromhex("bf4f125a10" + EID)
    assert eim.esipa(ask).hex() == "bf4f03020101"
    for protocol, kind, body, status in (("gsma/rsp/v2.1.0", "application/json", ask, 415), ("other", ASN1, ask, 400),
                                         ("gsma/rsp/v2.1.0", ASN1, b"", 400), ("gsma/rsp/v2.1.0", ASN1, b"\0", 400),
                                         ("gsma/rsp/v2.1.0", ASN1, bytes.fromhex("bf7700"), 400)):
        answer, content = eim.post("/gsma/rsp2/asn1", body, kind, protocol)
        assert (answer.status, content) == (status, b"")
    assert eim.post("/gsma/rsp2/esipa", ask, ASN1)[0].status == 404
    assert whole(eim.esipa(make(0xBF41, make(0x80, bytes(16)) + make(0xA1, make(0x81, b"\x7f")))), 0xBF41).hex()
