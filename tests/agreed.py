"""Texts that were read and agreed, word for word: the files of `golden/`.

After a change that is meant, write them anew with `VIGIL_GOLDEN=write pytest <the test>`, and read the difference as
its reader would.
"""

import os
from pathlib import Path

GOLDEN = Path(__file__).parent / "golden"


def held_to(path: Path, text: str) -> None:
    """Compare a text with the agreed one."""
    if os.environ.get("VIGIL_GOLDEN") == "write":
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
    assert text == path.read_text(encoding="utf-8"), f"{path.name} differs: see tests/agreed.py"
