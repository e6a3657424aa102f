"""What a measurement was made on, and over which data: without these a figure says nothing."""

import os
import platform
from pathlib import Path


def machine() -> str:
    """Name the processor, its cores and the Python."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    name = models[0] if models else platform.processor() or platform.machine()
    return f"machine: {name}, {os.cpu_count()} cores, Python {platform.python_version()}"


def pilot() -> Path | None:
    """Return the folder of CDISC's pilot study, None, saying so, where it is not."""
    default = Path(__file__).resolve().parents[3] / "shared" / "data"
    folder = Path(os.environ.get("VIGIL_DATA", default)) / "cdiscpilot01"
    if folder.is_dir():
        return folder
    print("skipped: needs real study data; set VIGIL_DATA to their folder")
    return None
