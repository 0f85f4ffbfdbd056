"""`rspsim serve` as outside tools see it: TLS by openssl and gnutls-cli, HTTP by Python's own client."""

import http.client
import json
import shutil
import ssl
import subprocess

import pytest

WORLD = "scenarios/worlds/serve.yaml"


@pytest.fixture(scope="module")
def served(program, root, tmp_path_factory):
    folder = tmp_path_factory.mktemp("pki")
    subprocess.run([program, "pki", WORLD, "-o", folder], cwd=root, check=True, capture_output=True)
    server = subprocess.Popen([program, "serve", WORLD], cwd=root, text=True, stdout=subprocess.PIPE)
    endpoint = json.loads(server.stdout.readline())["endpoints"][0]
    yield endpoint, folder / "ci.pem"
    server.terminate()
    assert server.wait(timeout=10) == 0


def port_of(endpoint):
    return int(endpoint["address"].rsplit(":", 1)[1])


@pytest.mark.parametrize("version", ["-tls1_2", "-tls1_3"])
def test_openssl_trusts_it(served, version):
    endpoint, ca = served
    done = subprocess.run(["openssl", "s_client", "-connect", endpoint["address"], version, "-CAfile", ca,
                           "-verify_hostname", endpoint["fqdn"], "-verify_return_error",
                           "-servername", endpoint["fqdn"]],
                          input="", text=True, capture_output=True, timeout=30)
    assert "Verify return code: 0 (ok)" in done.stdout, done.stdout + done.stderr
    assert "Verified peername: dp1.example.com" in done.stdout


def test_openssl_refuses_another_name(served):
    endpoint, ca = served
    done = subprocess.run(["openssl", "s_client", "-connect", endpoint["address"], "-CAfile", ca,
                           "-verify_hostname", "dp9.example.com", "-verify_return_error"],
                          input="", text=True, capture_output=True, timeout=30)
    assert done.returncode != 0


def test_gnutls_trusts_it(served):
    tool = shutil.which("gnutls-cli")
    if not tool:
        pytest.skip("gnutls-cli is not installed")
    endpoint, ca = served
    done = subprocess.run([tool, "--x509cafile", ca, "--verify-hostname", endpoint["fqdn"],
                           "-p", str(port_of(endpoint)), "127.0.0.1"],
                          input="", text=True, capture_output=True, timeout=30)
    assert "The certificate is trusted" in done.stdout, done.stdout + done.stderr


def post(served, path, body, headers=None, method="POST"):
    endpoint, ca = served
    context = ssl.create_default_context(cafile=str(ca))
    context.check_hostname = False
    connection = http.client.HTTPSConnection("127.0.0.1", port_of(endpoint), context=context, timeout=30)
    connection.request(method, path, body, headers or {"Content-Type": "application/json",
                                                       "X-Admin-Protocol": "gsma/rsp/v2.2.2"})
    answer = connection.getresponse()
    data = answer.read()
    connection.close()
    return answer, data


INITIATE = "/gsma/rsp2/es9plus/initiateAuthentication"


def test_refusal_over_the_wire(served):
    answer, data = post(served, INITIATE, "{}")
    assert answer.status == 200 and answer.getheader("Content-Type").startswith("application/json")
    status = json.loads(data)["header"]["functionExecutionStatus"]
    assert status["status"] == "Failed" and status["statusCodeData"]["subjectCode"]


@pytest.mark.parametrize("path, method, headers, wanted", [
    ("/nothing", "POST", None, 404), (INITIATE, "GET", None, 405),
    (INITIATE, "POST", {"Content-Type": "text/plain"}, 415), (INITIATE, "POST", {"User-Agent": "x"}, 415),
    (INITIATE, "POST", {"Content-Type": "application/json", "X-Admin-Protocol": "gsma/eim/v1"}, 400),
    (INITIATE, "POST", {"Content-Type": "application/json;charset=UTF-8", "X-Admin-Protocol": "gsma/rsp/v3.0.0"}, 200),
    (INITIATE, "POST", {"Content-Type": "application/json"}, 200)])
def test_http_refusals(served, path, method, headers, wanted):
    answer, _ = post(served, path, "{}", headers, method)
    assert answer.status == wanted


@pytest.mark.parametrize("damage", ["not a database at all, " * 40, "SQLite format 3\0" + "\xff" * 4000])
def test_damaged_state_is_refused_by_name_and_left_alone(program, root, tmp_path, damage):
    state = tmp_path / "state"
    state.mkdir()
    (state / "dp1.db").write_bytes(damage.encode("latin-1"))
    done = subprocess.run([program, "serve", WORLD, "--state", state], cwd=root, text=True, capture_output=True,
                          timeout=30)
    assert done.returncode == 2 and "dp1.db" in done.stderr and "database" in done.stderr, done.stderr
    assert done.stdout == "" and (state / "dp1.db").read_bytes() == damage.encode("latin-1")


def test_port_in_use_is_named(program, root, served):
    done = subprocess.run([program, "serve", WORLD, "--port", str(port_of(served[0]))], cwd=root, text=True,
                          capture_output=True, timeout=30)
    assert done.returncode == 2 and "dp1: port" in done.stderr, done.stderr
