"""A real Prometheus on loopback, for tests: started, asked over its own API, and stopped by its own process id."""

import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import httpx
import pytest
import yaml

T = TypeVar("T")


def program(name: str, package: str) -> str:
    """Return the path of an installed program, or skip the test in words."""
    found = shutil.which(name)
    if found is None:
        pytest.skip(f"needs {name}: Debian package {package}")
    return found


def free_port() -> int:
    """Return a TCP port of the loopback address that nothing listens on."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def wait_for(ask: Callable[[], T | None], what: str, seconds: float = 15.0) -> T:
    """Ask again and again until the answer is truthy; fail, naming what was waited for, when time is up."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if answer := ask():
            return answer
        time.sleep(0.1)
    raise AssertionError(f"waited {seconds:g} s in vain for {what}")


@dataclass(frozen=True)
class Prometheus:
    """A running server."""

    url: str

    def get(self, path: str, **parameters: str) -> Any:
        """Return the `data` of an API answer, None while the server does not answer."""
        try:
            answer = httpx.get(f"{self.url}{path}", params=parameters)
        except httpx.TransportError:
            return None
        return answer.json()["data"] if answer.status_code == httpx.codes.OK else None

    def value(self, query: str) -> float | None:
        """Return the value of an instant query of one sample, None where there is none."""
        data = self.get("/api/v1/query", query=query)
        return float(data["result"][0]["value"][1]) if data and data["result"] else None

    def firing(self, alert: str) -> list[dict[str, Any]]:
        """Return the firing instances of one alert rule."""
        data = self.get("/api/v1/alerts") or {"alerts": []}
        return [a for a in data["alerts"] if a["state"] == "firing" and a["labels"]["alertname"] == alert]


@contextmanager
def prometheus(folder: Path, *, target: str, rules: str) -> Iterator[Prometheus]:
    """Run a server that looks at `target` and evaluates the text `rules` every second."""
    executable = program("prometheus", "prometheus")
    config = {
        "global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
        "rule_files": ["rules.yml"],
        "scrape_configs": [{"job_name": "vigil", "static_configs": [{"targets": [target]}]}],
    }
    folder.mkdir()
    (folder / "prometheus.yml").write_text(yaml.safe_dump(config))
    (folder / "rules.yml").write_text(rules)
    port = free_port()
    with (folder / "log").open("w") as log:
        process = subprocess.Popen(
            [
                executable,
                f"--config.file={folder / 'prometheus.yml'}",
                f"--storage.tsdb.path={folder / 'data'}",
                f"--web.listen-address=127.0.0.1:{port}",
                "--log.level=warn",
            ],
            stdout=log,
            stderr=log,
        )
        try:
            server = Prometheus(f"http://127.0.0.1:{port}")
            wait_for(lambda: server.get("/api/v1/status/buildinfo"), "Prometheus to answer")
            yield server
        finally:
            process.terminate()
            assert process.wait(timeout=15) == 0, (folder / "log").read_text()
