"""A real SMTP server on loopback that keeps every mail it takes as a file.

It knows SMTP and a folder. It must not know what a mail says.
"""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from email.header import decode_header, make_header
from email.parser import BytesHeaderParser
from pathlib import Path

from aiosmtpd.smtp import SMTP, Envelope, Session

LOOPBACK = "127.0.0.1"


@dataclass(slots=True)
class Mailbox:
    """The folder, and how many mails came."""

    folder: Path
    port: int = 0
    mails: int = 0

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        """Keep one mail as it came, named by number, recipient and subject."""
        content = envelope.content if isinstance(envelope.content, bytes) else (envelope.content or "").encode()
        self.mails += 1
        subject = str(make_header(decode_header(BytesHeaderParser().parsebytes(content).get("Subject", ""))))
        name = f"{self.mails:04d} {envelope.rcpt_tos[0].partition('@')[0]} {subject}"
        path = self.folder / f"{re.sub(r'[^A-Za-z0-9-]+', '_', name).strip('_')[:90]}.eml"
        path.write_bytes(content)
        return f"250 kept as {path.name}"


@asynccontextmanager
async def open_mailbox(folder: Path) -> AsyncIterator[Mailbox]:
    """Serve on a free port of loopback until left."""
    folder.mkdir(parents=True, exist_ok=True)
    mailbox = Mailbox(folder)
    loop = asyncio.get_running_loop()
    server = await loop.create_server(
        lambda: SMTP(mailbox, hostname="vigil-demo.invalid", loop=loop), host=LOOPBACK, port=0
    )
    mailbox.port = server.sockets[0].getsockname()[1]
    try:
        yield mailbox
    finally:
        server.close()
        await server.wait_closed()
