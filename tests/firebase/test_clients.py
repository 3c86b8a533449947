"""clients/: what they lead, what they leave alone, and what they say when they are set wrong."""
import re
import subprocess

import pytest

from programs import free_port
from ways import ROOT, Way, basic_environment, program_of

PRELOAD = ROOT / "clients/node/godwit-preload.cjs"
PROXY_HOSTS = ROOT / "src/proxy/firebase_hosts.cc"


def run(sdk, tmp_path, *arguments, **environment):
    way = Way("clients", sdk, "")
    return subprocess.run([program_of(sdk), *arguments], capture_output=True, text=True, cwd=tmp_path, timeout=20,
                          env=basic_environment(way, tmp_path) | {"PYTHONPATH": str(ROOT / "clients/python")} |
                          environment)


def test_preload_and_proxy_lead_the_same_hosts():
    def hosts(path):
        return re.findall(r"['\"]([a-z0-9]+\.googleapis\.com)['\"]", path.read_text())
    assert hosts(PRELOAD) == hosts(PROXY_HOSTS) and len(hosts(PRELOAD)) >= 6


WRONG = ["", "models.example.org", "ftp://models.example.org", "https://models.example.org/path",
         "https://models.example.org?x=1"]


@pytest.mark.parametrize("address", WRONG + ["http://127.0.0.1:8484"])
@pytest.mark.parametrize("sdk", ["node20", "node24"])
def test_the_preload_says_what_is_wrong_with_an_address(tmp_path, sdk, address):
    done = run(sdk, tmp_path, "--require", str(PRELOAD), "-e", "0", GODWIT_SERVER=address)
    assert done.returncode == 1
    assert "GODWIT_SERVER is " in done.stderr and "https://models.example.org" in done.stderr


@pytest.mark.parametrize("address", WRONG)
def test_the_import_says_what_is_wrong_with_an_address(tmp_path, address):
    done = run("python", tmp_path, "-c", "import godwit_firebase", GODWIT_SERVER=address)
    assert done.returncode == 1
    assert "RuntimeError: GODWIT_SERVER is " in done.stderr and "https://models.example.org" in done.stderr


def test_the_import_leaves_nothing_half_done_when_repeated(tmp_path):
    program = ("import importlib, godwit_firebase\nimportlib.reload(godwit_firebase)\n"
               "from firebase_admin import ml\nprint(ml._MLService.PROJECT_URL, ml._MLService.OPERATION_URL)")
    done = run("python", tmp_path, "-c", program, GODWIT_SERVER="http://localhost:1/")
    assert done.stdout.split() == ["http://localhost:1/v1beta2/projects/{0}/", "http://localhost:1/v1beta2/"]


@pytest.mark.parametrize("sdk", ["node20", "node24"])
def test_the_preload_leads_firebase_hosts_and_no_others(tmp_path, sdk):
    program = """
        const net = require('node:net'), tls = require('node:tls');
        const counts = { led: 0, other: 0 };
        const listen = (name, port) => new Promise((resolve) => {
          const server = net.createServer((socket) => { counts[name]++; socket.destroy(); });
          server.listen(port, '127.0.0.1', () => resolve(server));
        });
        (async () => {
          const led = await listen('led', Number(new URL(process.env.GODWIT_SERVER).port));
          const other = await listen('other', 0);
          const module = await import('node:tls');
          const port = other.address().port;
          const forms = [
            () => tls.connect({ host: 'firebaseml.googleapis.com', port: 443 }),
            () => tls.connect({ host: 'STORAGE.googleapis.com', port: 443, servername: 'x' }),
            () => tls.connect(443, 'oauth2.googleapis.com'),
            () => tls.connect(443, 'www.googleapis.com', {}, () => {}),
            () => module.connect({ host: 'oauth2.googleapis.com', port: 443 }),
            () => tls.connect({ host: '127.0.0.1', port }),
            () => tls.connect(port, '127.0.0.1'),
            () => tls.connect({ host: 'firebaseml.googleapis.com', socket: net.connect(port, '127.0.0.1') }),
          ];
          for (const form of forms) {
            await new Promise((resolve) => form().on('error', resolve).on('close', resolve));
          }
          console.log(JSON.stringify(counts));
          process.exit();
        })();
    """
    done = run(sdk, tmp_path, "--require", str(PRELOAD), "-e", program, GODWIT_SERVER=f"https://127.0.0.1:{free_port()}")
    assert done.stdout.strip() == '{"led":5,"other":3}', done.stderr


@pytest.mark.parametrize("sdk", ["node20", "node24"])
def test_the_preload_takes_no_other_server_for_the_named_one(tmp_path, sdk, servers, authority):
    program = ("require('node:https').get('https://storage.googleapis.com/healthz', (reply) => {"
               "console.log(reply.statusCode); process.exit(); }).on('error', (error) => console.log(error.code))")
    url = servers(True).tls_url

    def said(address, **environment):
        return run(sdk, tmp_path, "--require", str(PRELOAD), "-e", program, GODWIT_SERVER=address,
                   **environment).stdout.strip()
    assert said(url) in ("SELF_SIGNED_CERT_IN_CHAIN", "UNABLE_TO_VERIFY_LEAF_SIGNATURE")
    trusting = {"NODE_EXTRA_CA_CERTS": str(authority.certificate)}
    assert said(url, **trusting) == "200"
    assert said(url.replace("127.0.0.1", "localhost"), **trusting) == "ERR_TLS_CERT_ALTNAME_INVALID"
