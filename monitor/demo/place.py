"""The folder of a replay: its settings file, and what an earlier replay left there.

It knows files and the settings' form. It must not know what is played.
"""

from pathlib import Path
from shutil import rmtree
from zoneinfo import ZoneInfo

from monitor.demo.export import COLUMNS, STUDYID
from monitor.demo.mailbox import LOOPBACK
from monitor.settings import Settings, SettingsError, load_settings

DATABASE = "vigil.db"
LOG = "vigil.log"
ZONE = ZoneInfo("Asia/Shanghai")

SETTINGS = """\
# Written by `vigil demo`. The study is synthetic: nobody in it exists.
operators = ["operator@example.org"]
database = "sqlite:///{database}"

[mail]
host = "{host}"
port = {smtp_port}
tls = "none"
sender = "vigil@example.org"

[web]
host = "{host}"
port = {web_port}

[[study]]
id = "{studyid}"
title = "SYNTHETIC: low-dose IL-2 in systemic lupus erythematosus"
studyid = "{studyid}"
rulebook = "low_dose_il2_sle"
timezone = "{zone}"
sweep_every = "1m"

[study.recipients]
immediate = ["safety.officer@example.org"]

[study.source]
kind = "sdtm-folder"
path = "incoming"
files = {{ {files} }}
"""


def refuse_foreign(folder: Path) -> None:
    """Raise SettingsError for a folder that holds something else than what a replay leaves."""
    settings = folder / "vigil.toml"
    is_ours = settings.is_file() and settings.read_text(encoding="utf-8").startswith(SETTINGS.splitlines()[0])
    harmless = {f"{DATABASE}.lock", LOG}
    if not is_ours and folder.exists() and any(path.name not in harmless for path in folder.iterdir()):
        raise SettingsError(f"folder {folder}: holds something else than a replay left: name another")


def clear(folder: Path) -> None:
    """Remove what an earlier replay left."""
    for name in ("incoming", "mails"):
        rmtree(folder / name, ignore_errors=True)
    for name in (DATABASE, f"{DATABASE}-wal", f"{DATABASE}-shm", "metrics.txt"):
        (folder / name).unlink(missing_ok=True)
    (folder / "incoming").mkdir()


def write_settings(folder: Path, smtp_port: int, web_port: int) -> Settings:
    """Write the settings file and load it, as the daemon would."""
    path = folder / "vigil.toml"
    files = ", ".join(f'{domain} = "{domain.lower()}.csv"' for domain in COLUMNS)
    text = SETTINGS.format(
        host=LOOPBACK,
        smtp_port=smtp_port,
        web_port=web_port,
        studyid=STUDYID,
        zone=ZONE.key,
        files=files,
        database=DATABASE,
    )
    path.write_text(text, encoding="utf-8")
    return load_settings(path)
