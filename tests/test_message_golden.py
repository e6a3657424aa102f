"""Every sort of mail, word for word.

The files in tests/golden hold each mail's headers and text (.txt) and its HTML (.html). After a change that is meant,
write them anew with `VIGIL_GOLDEN=write pytest tests/test_message_golden.py`, and read the difference as its reader
would.
"""

from email import message_from_bytes, policy

import pytest

from tests.agreed import GOLDEN, held_to
from tests.told import golden_mails

HEADERS = ("From", "To", "Subject", "Date", "Message-ID", "References", "Auto-Submitted", "X-Auto-Response-Suppress")
MAILS = golden_mails()


@pytest.mark.parametrize("name", MAILS)
def test_a_mail_reads_as_agreed(name):
    message = message_from_bytes(MAILS[name].mime, policy=policy.default)
    head = "\n".join(f"{header}: {message[header]}" for header in HEADERS if message[header])
    text, html = (message.get_body((kind,)).get_content().replace("\r\n", "\n") for kind in ("plain", "html"))
    held_to(GOLDEN / f"{name}.txt", f"{head}\n\n{text}")
    held_to(GOLDEN / f"{name}.html", html)


def test_no_golden_file_is_left_over():
    assert {path.stem for path in GOLDEN.glob("*.*")} == set(MAILS)
