"""The daemon as its own process, on a tiny synthetic study: settings, files, start, questions and the end."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from tests.prometheus_server import wait_for
from tests.trial import STUDYID, write_csv

SETTINGS = """\
operators = ["operator@example.org"]
database = "sqlite:///vigil.db"

[mail]
host = "127.0.0.1"
port = {mail_port}
tls = "none"
sender = "vigil@example.org"

[web]
port = {web_port}

[[study]]
id = "SYN"
title = "Synthetic study"
studyid = "{studyid}"
rulebook = "low_dose_il2_sle"
timezone = "Asia/Shanghai"
sweep_every = "{every}"

[study.recipients]
immediate = ["officer@example.org"]

[study.source]
kind = "sdtm-folder"
path = "incoming"
"""


def write_settings(folder: Path, *, mail_port: int = 2525, every: str = "1s", web_port: int = 0) -> Path:
    """Write settings, and a folder with one participant who has a headache."""
    (folder / "incoming").mkdir(exist_ok=True)
    export(folder, serious=False)
    path = folder / "vigil.toml"
    text = SETTINGS.format(mail_port=mail_port, web_port=web_port, studyid=STUDYID, every=every)
    path.write_text(text, encoding="utf-8")
    return path


def export(folder: Path, *, serious: bool) -> None:
    """Write the study's files; `serious` adds a pneumonia with admission."""
    who = {"STUDYID": STUDYID, "USUBJID": "SYN-001"}
    event = who | {"DOMAIN": "AE", "AESPID": "E1", "AETERM": "Headache", "AESER": "N", "AESTDTC": "2014-03-04"}
    events = [event]
    if serious:
        events.append(event | {"AESPID": "E2", "AETERM": "Pneumonia", "AESER": "Y", "AESHOSP": "Y"})
    write_csv(folder / "incoming" / "dm.csv", [who | {"DOMAIN": "DM", "RFSTDTC": "2014-03-03"}])
    write_csv(folder / "incoming" / "ae.csv", events)


@dataclass
class Running:
    """A daemon at work and what it has logged so far."""

    process: subprocess.Popen[bytes]
    settings: Path
    log_file: Path

    def log(self) -> list[dict[str, Any]]:
        """Return the whole lines logged so far."""
        return [json.loads(line) for line in self.log_file.read_bytes().split(b"\n")[:-1]]

    def logged(self, event: str) -> list[dict[str, Any]]:
        """Return the lines about one event."""
        return [line for line in self.log() if line["event"] == event]

    def get(self, path: str) -> httpx.Response:
        """Ask a page, once the daemon has started."""
        (started,) = wait_for(lambda: self.logged("started"), "the daemon to start")
        return httpx.get(f"http://{started['web']}{path}")

    def command(self, *arguments: str) -> str:
        """Return what a command on the same settings prints."""
        command = [sys.executable, "-m", "monitor", *arguments, "--settings", str(self.settings)]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout

    def end(self, number: int = signal.SIGTERM) -> int:
        """Send a signal and return the exit code."""
        self.process.send_signal(number)
        return self.process.wait(timeout=10)


def start(settings: Path, log_file: Path, **environment: str) -> subprocess.Popen[bytes]:
    """Start `vigil run` with its log in a file."""
    with log_file.open("wb") as log:
        return subprocess.Popen(
            [sys.executable, "-m", "monitor", "run", "--settings", settings],
            stdout=log,
            stderr=log,
            env=os.environ | environment,
        )


@contextmanager
def running(settings: Path, **environment: str) -> Iterator[Running]:
    """Run the daemon until the block ends, however that is."""
    log_file = settings.with_suffix(".log")
    process = start(settings, log_file, **environment)
    try:
        yield Running(process, settings, log_file)
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
