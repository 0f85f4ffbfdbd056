"""The facilities door of a served eIM: Python's HTTP client creates, looks up, lists and deletes; `rspsim ipa` polls between."""

import http.client
import json
import subprocess

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.x509 import load_der_x509_certificate, load_pem_x509_certificate

import tlv

EID = "89049032001234000000000000000141"
STRANGER = "89049032001234000000000000000238"
ICCID = "988803030000000010F0"
OTHER = "988803030000000020F8"
CODE = "1$dp1.example.com$MID-0001"
TAGS = {"1.0": "80BF20BF228384A5A688A9BF2B", "1.2": "81BF20BF228384A5A6A8A9"}
FACILITIES = ["download", "psmo", "eco", "edr", "euicc"]


class Door:
    def __init__(self, program, root, folder, version="1.2", facilities="{}"):
        self.program, self.root, self.folder, self.version = program, root, folder, version
        self.path = folder / "world.yaml"
        self.path.write_text(f"""world:
  use: worlds/serve.yaml
  actors:
    eim1: {{role: eim, certified-by: ci, fqdn: eim1.example.com, devices: all, version: "{version}", facilities: {facilities}}}
    card: {{iot: {{version: "{version}"}}}}
""")
        self.start()

    def start(self):
        self.server = subprocess.Popen([self.program, "serve", self.path, "--state", self.folder / "servers"], cwd=self.root,
                                       text=True, stdout=subprocess.PIPE)
        self.ends = {e["actor"]: e for e in json.loads(self.server.stdout.readline())["endpoints"]}
        self.facilities = self.ends["eim1"]["facilities"]

    def close(self):
        self.server.terminate()
        assert self.server.wait(timeout=10) == 0

    def raw(self, method, path, body=None, headers=None):
        connection = http.client.HTTPConnection(self.facilities["url"].removeprefix("http://"), timeout=60)
        connection.request(method, path, body, headers if headers is not None else {"Content-Type": "application/json"})
        reply = connection.getresponse()
        content = reply.read()
        connection.close()
        return reply.status, reply.getheader("Location"), content

    def get(self, path):
        status, _, content = self.raw("GET", path)
        assert status == 200
        return json.loads(content)

    def create(self, facility, order, eid=EID):
        status, location, content = self.raw("POST", f"/{facility}/create", json.dumps({"eidValue": eid, "order": order}))
        assert status == 303 and location.startswith(f"/{facility}/lookup/"), content
        assert json.loads(content)["resourceId"] == location.rsplit("/", 1)[1]
        return location

    def ipa(self, *args, ends=(0,)):
        done = subprocess.run([self.program, "ipa", "--card", f"sim:{self.path}:card", "--state", self.folder / "state", "--version",
                               self.version, "--resolve", f"dp1.example.com={self.ends['dp1']['address']}", "--resolve",
                               f"eim1.example.com={self.ends['eim1']['address']}", *map(str, args)], cwd=self.root, text=True,
                              capture_output=True, timeout=60, stdin=subprocess.DEVNULL)
        assert done.returncode in ends, done.stdout + done.stderr

    def run(self, facility, order):
        """The outcome of an order that the IPA has fetched."""
        location = self.create(facility, order)
        new = self.get(location)
        assert new["status"] == "new" and new["outcome"] == [] and new["resource"] == {"eidValue": EID, "order": order}
        self.ipa("poll", ends=(0, 1))
        done = self.get(location)
        assert done["status"] == "done" and int(done["timestamp"]) >= int(new["timestamp"])
        return done["outcome"]


@pytest.fixture
def door(program, root, tmp_path):
    made = []

    def make(*args, **options):
        made.append(Door(program, root, tmp_path, *args, **options))
        return made[-1]

    yield make
    for one in made:
        one.close()


def associate(d):
    about = d.get("/")
    request = bytes.fromhex(about["addInitialEimRequest"])
    config = tlv.whole(request, 0xBF57, 0xA0, 0x30)
    assert config.hex().upper() == about["eimConfigurationData"] and about["eimId"] == "eim1.example.com"
    point = load_pem_x509_certificate(about["eimCert"].encode()).public_key().public_bytes(
        serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint)
    assert tlv.find(config, 0x30, 0xA5, 0xA0, 0x03) == b"\0" + point
    assert about["esipaPort"] == d.ends["eim1"]["url"].rsplit(":", 1)[1] and len(about["rootCiCerts"]) == 1
    initial = d.folder / "initial"
    initial.write_text(about["addInitialEimRequest"])
    d.ipa("configure", initial)


@pytest.mark.parametrize("version", ["1.2", "1.0"])
def test_orders_and_outcomes(door, version):
    d = door(version)
    associate(d)
    assert d.run("download", {"download": {"activationCode": CODE}}) == [
        {"profileInstallationResult": {"finalResult": "successResult", "iccid": ICCID}}]
    assert d.run("psmo", {"psmo": [{"enable": {"iccid": ICCID, "rollback": True}}]}) == [
        {"enableResult": "rollbackNotAvailable" if version == "1.2" else "undefinedError"}]
    assert d.run("psmo", {"psmo": [{"enable": {"iccid": ICCID, "rollback": False}}]}) == [{"enableResult": "ok"}]
    assert d.run("psmo", {"psmo": [{"enable": {"iccid": OTHER}}, {"getRAT": {}}]})[0] == {"enableResult": "iccidOrAidNotFound"}
    for criteria in [{}, {"searchCriteria": {"iccid": ICCID}}, {"searchCriteria": {"profileClass": 2}}]:
        (listed,) = d.run("psmo", {"psmo": [{"listProfileInfo": criteria}]})
        (profile,) = listed["listProfileInfoResult"]["profileInfoList"]
        assert listed["listProfileInfoResult"]["finalResult"] == "successResult"
        assert profile["iccid"] == ICCID and profile["profileState"] == "enabled" and profile["profileClass"] == "operational"
    assert d.run("psmo", {"psmo": [{"listProfileInfo": {"searchCriteria": {"profileClass": 0}, "tagList": "5A"}}]}) == [
        {"listProfileInfoResult": {"finalResult": "successResult", "profileInfoList": []}}]
    (listed,) = d.run("psmo", {"psmo": [{"listProfileInfo": {"searchCriteria": {"isdpAid": profile["isdpAid"]}, "tagList": "5A"}}]})
    assert listed["listProfileInfoResult"]["profileInfoList"] == [{"iccid": ICCID}]
    assert isinstance(d.run("psmo", {"psmo": [{"getRAT": {}}]})[0]["getRATResult"], list)
    auto = {"autoEnableFlag": True, "smdpAddress": "dp1.example.com"}
    assert d.run("psmo", {"psmo": [{"configureAutoEnable": auto}]}) == [{"configureAutoEnableResult": "ok"}]
    (listed,) = d.run("eco", {"eco": [{"listEim": {}}]})
    assert listed["listEimResult"]["eimIdList"][0]["eimId"] == "eim1.example.com"
    config = d.get("/")["eimConfigurationData"]
    assert d.run("eco", {"eco": [{"updateEim": {"eimConfigurationData": config}}]})[0].keys() == {"updateEimResult"}
    assert d.run("eco", {"eco": [{"addEim": {"eimConfigurationData": config}}]})[0]["addEimResult"]["addEimResultCode"] != "ok"
    assert d.run("eco", {"eco": [{"deleteEim": {"eimId": "nobody.example.com"}}]}) == [{"deleteEimResult": "eimNotFound"}]
    (asked,) = d.run("edr", {"edr": {"tagList": TAGS[version]}})
    data = asked["euiccDataResult"]["euiccData"]
    cert = load_der_x509_certificate(bytes.fromhex(data["euiccCertificate"]))
    assert asked["euiccDataResult"]["edrResult"] == "ok" and EID in cert.subject.rfc4514_string()
    assert load_der_x509_certificate(bytes.fromhex(data["eumCertificate"])).subject == cert.issuer
    assert data["euiccInfo1"].startswith("BF20") and data["euiccInfo2"].startswith("BF22")
    assert {"ipaCapabilities", "deviceInfo"} <= set(data)
    assert d.run("psmo", {"psmo": [{"disable": {"iccid": ICCID}}, {"delete": {"iccid": ICCID}}]}) == [
        {"disableResult": "ok"}, {"deleteResult": "ok"}]
    assert d.run("download", {"activationCode": "1$dp1.example.com$UNKNOWN"}) == [{"procedureError": "authenticateClientError"}]


def test_list_delete_and_restart(door):
    d = door()
    kept = {f: [] for f in FACILITIES}
    for facility, order in [("download", {"download": {"activationCode": CODE}}), ("psmo", {"psmo": [{"getRAT": {}}]}),
                            ("psmo", {"psmo": [{"listProfileInfo": {}}]}), ("eco", {"eco": [{"listEim": {}}]}),
                            ("edr", {"edr": {"tagList": "BF20"}}), ("euicc", {"euicc": [{"counterValue": 7}]})]:
        kept[facility].append(d.create(facility, order).rsplit("/", 1)[1])
    for facility in FACILITIES:
        assert d.get(f"/{facility}/list") == d.get(f"/{facility}/list/") == {"resourceIdList": sorted(kept[facility])}
    first, second = kept["psmo"]
    assert d.get(f"/eco/lookup/{first}") == d.get("/psmo/lookup/" + "0" * 36) == {"status": "absent"}
    assert d.get(f"/eco/delete/{first}") == {"status": "absent"}
    assert d.get(f"/psmo/delete/{first}") == {"status": "deleted"}
    assert d.get(f"/psmo/delete/{first}") == d.get(f"/psmo/lookup/{first}") == {"status": "absent"}
    before = d.get(f"/psmo/lookup/{second}")
    d.close()
    d.start()
    assert d.get("/psmo/list") == {"resourceIdList": [second]}
    assert d.get(f"/psmo/lookup/{second}") == before and before["status"] == "new"
    assert d.get(f"/euicc/lookup/{kept['euicc'][0]}")["outcome"] == [{"euiccUpdateResult": "ok"}]


def test_parameters_of_an_euicc(door):
    d = door()
    associate(d)
    get_rat = {"psmo": [{"getRAT": {}}]}
    d.run("psmo", get_rat)
    d.create("euicc", {"euicc": [{"counterValue": 1000}, {"signAlgo": "prime256v1"}]})
    location = d.create("psmo", get_rat)
    d.ipa("poll")
    signed = bytes.fromhex(d.get(location)["debuginfo"])
    assert tlv.find(signed, 0xBF51, 0xA0, 0x30, 0x81) == (1001).to_bytes(2, "big")
    # a key that is not the card's: what it signs is not believed, and the package stays out
    key = "046B17D1F2E12C4247F8BCE6E563A440F277037D812DEB33A0F4A13945D898C2964FE342E2FE1A7F9B8EE7EB4A7C0F9E162BCE33576B315ECECBB6406837BF51F5"
    d.create("euicc", {"euicc": [{"signPubKey": key}]})
    location = d.create("psmo", get_rat)
    d.ipa("poll", ends=(0, 1))
    assert d.get(location)["status"] == "work"
    d.create("euicc", {"euicc": [{"consumerEuicc": True}]})
    d.ipa("poll", ends=(0, 1))
    assert d.get(location)["status"] == "done"
    # whoever is named for the first time is managed from then on
    assert d.get(d.create("psmo", get_rat, eid=STRANGER))["status"] == "new"


WRONG = [("psmo", None, None), ("psmo", {}, "badPsmo"), ("psmo", {"psmo": []}, "badPsmo"), ("psmo", {"psmo": {}}, "badPsmo"),
         ("psmo", {"psmo": [1]}, "badPsmo"), ("psmo", {"psmo": [{}]}, "badPsmo"), ("psmo", {"psmo": [{"enabel": {}}]}, "badPsmo"),
         ("psmo", {"psmo": [{"enable": {}}]}, "badPsmo"), ("psmo", {"psmo": [{"enable": {"iccid": 1}}]}, "badPsmo"),
         ("psmo", {"psmo": [{"enable": {"iccid": "8988303000000000010"}}]}, "badPsmo"),
         ("psmo", {"psmo": [{"enable": {"iccid": ICCID, "rollback": 1}}]}, "badPsmo"),
         ("psmo", {"psmo": [{"enable": {"iccid": ICCID, "force": True}}]}, "badPsmo"),
         ("psmo", {"psmo": [{"enable": {"iccid": ICCID}, "disable": {"iccid": ICCID}}]}, "badPsmo"),
         ("psmo", {"psmo": [{"listProfileInfo": {"searchCriteria": {}}}]}, "badPsmo"),
         ("psmo", {"psmo": [{"listProfileInfo": {"searchCriteria": {"profileClass": 3}}}]}, "badPsmo"),
         ("psmo", {"psmo": [{"configureAutoEnable": {"smdpAddress": "x"}}]}, "badPsmo"),
         ("psmo", {"psmo": [{"getRAT": {}}] * 101}, "badPsmo"), ("psmo", {"eco": [{"listEim": {}}]}, "badPsmo"),
         ("eco", {"eco": [{"enable": {"iccid": ICCID}}]}, "badEco"), ("eco", {"eco": [{"addEim": {"eimConfigurationData": "00"}}]}, "badEco"),
         ("eco", {"eco": [{"addEim": {"eimConfigurationData": "x"}}]}, "badEco"), ("eco", {"eco": [{"deleteEim": {}}]}, "badEco"),
         ("edr", {"edr": {}}, "badEdr"), ("edr", {"edr": {"tagList": "5"}}, "badEdr"),
         ("download", {"download": {}}, "badOrder"), ("download", {"download": {"activationCode": "1$$"}}, "badOrder"),
         ("download", {"download": {"activationCode": ["1"]}}, "badOrder")]
WRONG_EUICC = [({}, "badParamFormat"), ({"euicc": {}}, "badParamFormat"), ({"euicc": []}, "badParamFormat"),
               ({"euicc": [{"counterValue": 1, "signAlgo": "prime256v1"}]}, "badParamFormat"),
               ({"euicc": [{"counterValue": "1"}]}, "badParam"), ({"euicc": [{"counterValue": 8388608}]}, "badParam"),
               ({"euicc": [{"counterValue": -1}]}, "badParam"), ({"euicc": [{"consumerEuicc": 1}]}, "badParam"),
               ({"euicc": [{"signAlgo": "brainpoolP256r1"}]}, "badParam"), ({"euicc": [{"signPubKey": "04" + "11" * 64}]}, "badParam"),
               ({"euicc": [{"associationToken": 2**31}]}, "badParam"), ({"euicc": [{"colour": 1}]}, "badParam")]


def test_wrong_orders(door):
    d = door()
    for facility, order, word in WRONG + [("euicc", order, word) for order, word in WRONG_EUICC]:
        status, location, content = d.raw("POST", f"/{facility}/create", json.dumps({"eidValue": EID, "order": order}))
        reply = json.loads(content)
        assert status == 400 and location is None and reply["error"], (facility, order)
        name = "euiccUpdateResult" if facility == "euicc" else "procedureError"
        assert reply.get("outcome") == ([{name: word}] if word else None), (facility, order)
    assert all(d.get(f"/{facility}/list") == {"resourceIdList": []} for facility in FACILITIES)
    associate(d)
    d.ipa("poll")  # and nothing is queued
    assert d.create("psmo", {"psmo": [{"getRAT": {}}]})


def test_hostile_requests(door):
    d = door()
    good = {"eidValue": EID, "order": {"psmo": [{"getRAT": {}}]}}
    texts = ["", "{", "[]", "1", "null", '"x"', "[" * 100000, '{"a":' * 60000, "\xff", "{}", json.dumps({"eidValue": EID}),
             json.dumps({"order": good["order"]}), json.dumps(good | {"eidValue": EID[:-1] + "0"}), json.dumps(good | {"eidValue": 1}),
             json.dumps(good | {"order": []}), json.dumps(good)[:-1] + ', "eidValue": "1"}', json.dumps(good) + "x",
             json.dumps(good) + " " * 65536, '{"eidValue": "\\u0000"}', '{"eidValue": "\x1b[2J", "order": {}}']
    for text in texts:
        status, _, content = d.raw("POST", "/psmo/create", text.encode("latin-1"))
        assert status == 400 and json.loads(content)["error"], text[:50]
        assert b"\x1b" not in content
    assert d.raw("POST", "/psmo/create", b"x" * (5 << 20))[0] == 413
    assert d.raw("POST", "/psmo/create", json.dumps(good), {})[0] == 415
    assert d.raw("POST", "/psmo/create", json.dumps(good), {"Content-Type": "text/plain"})[0] == 415
    for method, path, status in [("GET", "/psmo/create", 405), ("POST", "/psmo/list", 405), ("DELETE", "/psmo/delete/1", 405),
                                 ("PUT", "/", 405), ("GET", "/psmo", 404), ("GET", "/nothing/list", 404), ("GET", "/psmo/lookup", 404),
                                 ("GET", "/psmo/lookup/1/2", 404), ("GET", "/packages", 404)]:
        assert d.raw(method, path, "{}" if method == "POST" else None)[0] == status, path
    for name in ["%00", "..%2f..", "'; DROP TABLE resource; --".replace(" ", "%20"), "x" * 5000]:
        assert json.loads(d.raw("GET", "/psmo/lookup/" + name)[2] or b"{}").get("status", "absent") == "absent"
    assert d.get("/psmo/list") == {"resourceIdList": []}


def test_token(door):
    d = door(facilities="{token: sesame}")
    assert d.facilities["token"] == "sesame"
    assert d.raw("GET", "/")[0] == 401 and d.raw("GET", "/", None, {"Authorization": "Bearer other"})[0] == 401
    assert d.raw("GET", "/", None, {"Authorization": "Bearer sesame"})[0] == 200
