#!/usr/bin/python3
"""Runs a script of commands and compares what they print.

    $ godwit version              a command, run by sh in a folder of its own
    godwit 0.1.0                  a line of its standard output
    ! godwit: there is no …       a line of its standard error; … stands for any text
    ...                           any number of lines of standard output
    [3]                           its exit status, where it is not 0

A first line "# server" gives the script a godwitd of its own, with GODWIT_CREDENTIALS and
GODWIT_APP set; "# runtime" skips it (status 77) where godwit finds no interpreter library. Usage: run_script.py SCRIPT GODWIT [GODWITD]. MODELS names the models' folder.
"""
import http.client
import json
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def parse(text):
    """Returns the commands as [command, [stdout lines], [stderr lines], status]."""
    steps = []
    for number, line in enumerate(text.splitlines(), 1):
        if line.startswith("$ "):
            steps.append([line[2:], [], [], 0])
        elif line.startswith("> ") and steps and not steps[-1][1]:
            steps[-1][0] += "\n" + line[2:]
        elif line.startswith("! "):
            steps[-1][2].append(line[2:])
        elif status := re.fullmatch(r"\[(\d+)\]", line):
            steps[-1][3] = int(status.group(1))
        elif steps and line and not line.startswith("#"):
            steps[-1][1].append("" if line == "~" else line)
        elif line and not line.startswith("#"):
            raise SystemExit(f"line {number}: output before any command")
    return steps


def pattern(lines):
    parts = []
    for line in lines:
        parts.append("(?:.*\n)*?" if line == "..." else ".*?".join(map(re.escape, line.split("…"))) + "\n")
    return "".join(parts)


def check(what, expected, actual):
    if actual and not actual.endswith("\n"):
        actual += "\n"
    # Blank lines part a script's steps, so they do not count.
    actual = "".join(line + "\n" for line in actual.splitlines() if line.strip())
    if re.fullmatch(pattern(expected), actual):
        return []
    return [f"{what} expected:", *("  | " + line for line in expected), f"{what} got:",
            *("  | " + line for line in actual.splitlines())]


class Server:
    def __init__(self, program, folder):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.folder = folder
        self.log = open(folder.parent / "godwitd.log", "wb")
        self.process = subprocess.Popen([program, "--data", folder, "--listen", f"127.0.0.1:{self.port}"],
                                        stdout=self.log, stderr=self.log)

    def wait_until_ready(self):
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline and self.process.poll() is None:
            try:
                connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
                connection.request("GET", "/readyz")
                if connection.getresponse().status == 200:
                    return
            except OSError:
                pass
            time.sleep(0.01)
        raise SystemExit("godwitd did not get ready:\n" + Path(self.log.name).read_text())

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        status = self.process.wait(timeout=30)
        if status != 0:
            raise SystemExit(f"godwitd ended with {status}:\n" + Path(self.log.name).read_text())


def run(steps, folder, environment):
    faults = []
    for command, stdout, stderr, status in steps:
        done = subprocess.run(["sh", "-c", command], cwd=folder, env=environment, text=True, capture_output=True,
                              timeout=120)
        wrong = check("standard output", stdout, done.stdout) + check("standard error", stderr, done.stderr)
        if done.returncode != status:
            wrong.append(f"exit status expected: {status}, got: {done.returncode}")
        if wrong:
            faults += ["$ " + command, *wrong, ""]
    return faults


def main():
    script, programs = Path(sys.argv[1]), [Path(program).resolve() for program in sys.argv[2:]]
    text = script.read_text()
    with tempfile.TemporaryDirectory(prefix="godwit-cli-") as name:
        home = Path(name).resolve()
        (home / "work").mkdir()
        path = ":".join([*(str(program.parent) for program in programs), "/usr/bin", "/bin"])
        environment = {"PATH": path, "HOME": str(home), "LANG": "C.UTF-8", "MODELS": str(ROOT / "models"),
                       "BIN": str(programs[0].parent)}
        environment |= {key: value for key, value in os.environ.items()
                        if key.endswith("SAN_OPTIONS") or key == "GODWIT_TFLITE_LIBRARY"}
        for name in ("LSAN_OPTIONS", "TSAN_OPTIONS"):  # A sanitizer tells of what it let pass; no output of ours.
            environment[name] = environment.get(name, "") + ":print_suppressions=0"
        server = None
        if text.startswith("# server\n"):
            server = Server(programs[1], home / "data")
            server.wait_until_ready()
            credentials = home / "data/credentials"
            environment |= {"GODWIT_CREDENTIALS": str(credentials / "admin.json"),
                            "GODWIT_APP": str(credentials / "app.json"), "DATA": str(home / "data"),
                            "URL": json.loads((credentials / "app.json").read_text())["server_url"]}
        if text.startswith("# runtime\n"):
            known = subprocess.run([programs[0], "env", "--json"], env=environment, capture_output=True, check=True)
            if json.loads(known.stdout)["runtime"] == "none":
                return 77
        try:
            faults = run(parse(text), home / "work", environment)
        finally:
            if server:
                server.stop()
    print("\n".join(faults) or f"{script.name}: ok")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
