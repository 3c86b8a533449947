"""Schemathesis makes requests from docs/reference/openapi.yaml, good and bad ones, and compares the answers.

A soak of minutes with other random choices: scripts/soak api SECONDS.
"""
import os
import subprocess
import sys
from pathlib import Path

from document import PATH

SOAK_SECONDS = int(os.environ.get("GODWIT_SOAK_SECONDS", 0))
SEED = int(os.environ.get("GODWIT_SEED", os.getpid()))


def schemathesis(world, *flags):
    variables = {
        "API_KEY": world.credentials["apiKey"]["x-goog-api-key"],
        "INSTALLATION_TOKEN": world.credentials["installationToken"]["X-Goog-Firebase-Installations-Auth"],
        "REFRESH_TOKEN": world.credentials["refreshToken"]["Authorization"],
        "ACCESS_TOKEN": world.credentials["accessToken"]["Authorization"].removeprefix("Bearer "),
        "APP": world.values["appId"], "FID": world.values["fid"], "MODEL": world.values["model"],
        "OPERATION": world.values["operation"]}
    program = Path(sys.executable).with_name("schemathesis")
    done = subprocess.run(
        [program, "--config-file", Path(__file__).with_name("schemathesis.toml"), "run", PATH,
         "--url", world.server.url, "--no-color", "--warnings", "off", *flags],
        env={"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8"} | variables, cwd=world.server.folder.parent, text=True,
        capture_output=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert world.server.process.poll() is None


def test_the_server_keeps_to_the_document(world):
    if SOAK_SECONDS == 0:
        schemathesis(world, "--generation-deterministic")
        return
    print(f"seed {SEED}; repeat with GODWIT_SEED={SEED}")
    schemathesis(world, "--max-time", str(SOAK_SECONDS), "--seed", str(SEED), "--max-examples", "1000")
