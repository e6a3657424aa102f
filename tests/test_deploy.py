"""What lies in deploy/ as its own tools see it: systemd, Compose, Docker, Alertmanager; and the pins."""

import ctypes
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.prometheus_server import program

ROOT = Path(__file__).resolve().parents[1]
DEPLOY = ROOT / "deploy"
UNIT = DEPLOY / "vigil.service"


def unit_entries() -> dict[str, list[str]]:
    entries: dict[str, list[str]] = {}
    for line in UNIT.read_text().splitlines():
        if "=" in line and not line.startswith("#"):
            name, _, value = line.partition("=")
            entries.setdefault(name, []).append(value)
    return entries


# ------------------------------------------------------------------------------------------------ systemd


def test_systemd_finds_no_fault_in_the_unit(tmp_path: Path) -> None:
    """The program of the unit is replaced by one that exists here: its absence is all that verify may complain of."""
    analyze = program("systemd-analyze", "systemd")
    copy = tmp_path / "vigil.service"
    copy.write_text(UNIT.read_text().replace("/opt/vigil/bin/vigil", "/bin/true"))
    said = subprocess.run([analyze, "verify", "--man=no", copy], capture_output=True, text=True, check=False)
    assert (said.returncode, said.stdout + said.stderr) == (0, "")


def test_the_unit_is_hardened(tmp_path: Path) -> None:
    """`systemd-analyze security` rates from 0.0 (safe) to 10.0; the threshold is given in tenths."""
    analyze = program("systemd-analyze", "systemd")
    command = [analyze, "security", "--offline=true", "--threshold=15", UNIT]
    said = subprocess.run(command, capture_output=True, text=True, check=False)
    assert said.returncode == 0, said.stdout


def test_the_unit_keeps_vigil_alive_and_lets_it_finish() -> None:
    entries = unit_entries()
    assert entries["Type"] == ["notify"]
    assert entries["Restart"] == ["always"]
    assert entries["StartLimitIntervalSec"] == ["0"]  # systemd never gives up
    assert entries["KillMode"] == ["mixed"]  # SIGTERM to the daemon alone
    assert entries["WatchdogSec"]


def test_the_daemon_can_be_loaded_where_memory_is_never_both_written_and_executed() -> None:
    """MemoryDenyWriteExecute= in the unit forbids it, and the heavy libraries must live with that."""
    if ctypes.CDLL(None).prctl(66, 0, 0, 0, 0) < 0:  # PR_GET_MDWE
        pytest.skip("needs memory that can be denied write-and-execute: Linux 6.3 or newer")
    forbid = "import ctypes; assert ctypes.CDLL(None).prctl(65, 1, 0, 0, 0) == 0"  # PR_SET_MDWE
    load = "import monitor.daemon, polars, pyarrow.csv, pyreadstat, psycopg, pysqlite3.dbapi2, ssl; print('loaded')"
    environment = os.environ | dict(entry.split("=", 1) for entry in unit_entries()["Environment"])
    command = [sys.executable, "-c", f"{forbid}; {load}"]
    said = subprocess.run(command, capture_output=True, text=True, check=False, env=environment, cwd=ROOT)
    assert said.stdout == "loaded\n", said.stderr


def test_the_example_settings_fit_the_unit() -> None:
    settings = tomllib.loads((DEPLOY / "vigil.example.toml").read_text())
    (credential,) = unit_entries()["LoadCredential"]
    assert settings["mail"]["password_file"] == f"/run/credentials/{UNIT.name}/{credential.partition(':')[0]}"
    (state,) = unit_entries()["StateDirectory"]
    assert settings["database"].startswith(f"sqlite:////var/lib/{state}/")


# ------------------------------------------------------------------------------------------------ containers


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
    return loaded


def test_compose_publishes_ports_on_loopback_only(compose: dict[str, Any]) -> None:
    published = [port for service in compose["services"].values() for port in service.get("ports", [])]
    assert published
    assert [port for port in published if not re.fullmatch(r"127\.0\.0\.1:\d+:\d+", port)] == []


def test_every_file_that_compose_mounts_lies_in_deploy(compose: dict[str, Any]) -> None:
    mounts = [mount.split(":")[0] for service in compose["services"].values() for mount in service.get("volumes", [])]
    files = [mount for mount in mounts if mount.startswith("./")]
    assert files
    assert [name for name in files if not (DEPLOY / name).exists()] == []
    named = {mount for mount in mounts if not mount.startswith((".", "$"))}
    assert named == set(compose["volumes"])


def test_vigils_container_can_do_little(compose: dict[str, Any]) -> None:
    vigil = compose["services"]["vigil"]
    assert vigil["read_only"] is True
    assert vigil["cap_drop"] == ["ALL"]
    assert [mount for mount in vigil["volumes"] if not mount.endswith(":ro")] == ["ledger:/var/lib/vigil"]


def test_images_are_pinned(compose: dict[str, Any]) -> None:
    images = [service["image"] for service in compose["services"].values() if "build" not in service]
    images += re.findall(r"^FROM (\S+)", (DEPLOY / "Dockerfile").read_text(), re.MULTILINE)
    assert [image for image in images if not re.search(r":v?\d", image)] == []


def test_the_image_is_built_in_two_stages_and_runs_as_nobody_special() -> None:
    lines = (DEPLOY / "Dockerfile").read_text().splitlines()
    last_stage = lines[max(i for i, line in enumerate(lines) if line.startswith("FROM")) :]
    assert sum(line.startswith("FROM") for line in lines) == 2
    assert "USER vigil" in last_stage
    assert not any("pip install" in line for line in last_stage)
    assert 'ENTRYPOINT ["vigil"]' in last_stage


def test_what_the_image_copies_exists_and_is_let_through() -> None:
    copied = re.findall(r"^COPY (?!--from)(.+) \S+$", (DEPLOY / "Dockerfile").read_text(), re.MULTILINE)
    names = {name for line in copied for name in line.split()}
    let_through = set(re.findall(r"^!(.+)$", (ROOT / ".dockerignore").read_text(), re.MULTILINE))
    assert names == let_through
    assert [name for name in names if not (ROOT / name).exists()] == []


def test_everything_speaks_of_the_port_of_the_settings(compose: dict[str, Any]) -> None:
    port = tomllib.loads((DEPLOY / "vigil.example.toml").read_text())["web"]["port"]
    assert compose["services"]["vigil"]["ports"] == [f"127.0.0.1:{port}:{port}"]
    image = (DEPLOY / "Dockerfile").read_text()
    assert f"EXPOSE {port}\n" in image
    assert f"127.0.0.1:{port}/healthz" in image
    (scrape,) = yaml.safe_load((DEPLOY / "prometheus" / "prometheus.yml").read_text())["scrape_configs"]
    assert scrape["static_configs"] == [{"targets": [f"vigil:{port}"]}]


# ------------------------------------------------------------------------------------------------ Alertmanager


def test_alertmanager_takes_its_settings() -> None:
    amtool = program("amtool", "prometheus-alertmanager")
    command = [amtool, "check-config", DEPLOY / "alertmanager" / "alertmanager.yml"]
    said = subprocess.run(command, capture_output=True, text=True, check=False)
    assert said.returncode == 0, said.stderr


@pytest.mark.parametrize(
    ("audience", "urgency", "receiver"),
    [
        ("officer", "immediate", "officers-and-operators"),
        ("officer", "same-day", "officers"),
        ("operator", "immediate", "operators"),
        ("operator", "same-day", "operators"),
    ],
)
def test_alertmanager_tells_the_right_people(audience: str, urgency: str, receiver: str) -> None:
    amtool = program("amtool", "prometheus-alertmanager")
    settings = DEPLOY / "alertmanager" / "alertmanager.yml"
    command = [amtool, "config", "routes", "test", f"--config.file={settings}"]
    command += [f"audience={audience}", f"urgency={urgency}"]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip() == receiver


# ------------------------------------------------------------------------------------------------ all files


def test_no_file_names_a_package_registry() -> None:
    files = [path for path in DEPLOY.rglob("*") if path.is_file()]
    files += [ROOT / name for name in ("Makefile", "constraints.txt", ".ci/run", ".dockerignore")]
    hosts = re.compile(r"https?://(?!127\.0\.0\.1|localhost|prometheus:9090)[\w.-]+")
    assert [(path.name, found) for path in files for found in hosts.findall(path.read_text())] == []


def test_constraints_are_names_and_versions_only() -> None:
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    assert [line for line in lines if not re.fullmatch(r"[A-Za-z0-9._-]+==[A-Za-z0-9.!+]+", line)] == []
