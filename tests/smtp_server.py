"""A real SMTP server on loopback whose replies a test may script."""

import asyncio
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Thread

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, Session


@dataclass
class Received:
    """One mail that the server took."""

    sender: str
    recipient: str
    mime: bytes


@dataclass
class Script:
    """What the server answers; every mail that reaches it is kept. By default it takes everything."""

    rcpt: dict[str, str] = field(default_factory=dict)  # recipient -> reply at RCPT
    mail: str = ""  # reply at MAIL
    data: str = ""  # reply after the dot
    drop_after_dot: bool = False  # keep the mail and hang up without a reply
    silent_after_dot: bool = False  # keep the mail and never reply
    log_in: bool = True  # whether a login succeeds
    received: list[Received] = field(default_factory=list)

    async def handle_MAIL(self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list) -> str:
        if self.mail:
            return self.mail
        envelope.mail_from = address
        return "250 OK"

    async def handle_RCPT(self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list) -> str:
        if address in self.rcpt:
            return self.rcpt[address]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        if self.data:
            return self.data
        self.received.append(Received(envelope.mail_from, envelope.rcpt_tos[0], envelope.original_content))
        if self.drop_after_dot:
            server.transport.abort()
        if self.silent_after_dot:
            await asyncio.sleep(60)
        return "250 2.0.0 taken"

    def authenticate(
        self, server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: object
    ) -> AuthResult:
        return AuthResult(success=self.log_in, handled=False)


@contextmanager
def smtp_server(
    script: Script, *, starttls: ssl.SSLContext | None = None, tls: ssl.SSLContext | None = None, login: bool = False
) -> Iterator[int]:
    """Serve on a free port of loopback, from a thread of its own, and give that port."""
    options: dict = {"hostname": "relay.example", "tls_context": starttls, "require_starttls": starttls is not None}
    if login:
        options |= {"authenticator": script.authenticate, "auth_required": True}
    loop = asyncio.new_event_loop()

    def protocol() -> SMTP:
        return SMTP(script, loop=loop, **options)

    server = loop.run_until_complete(loop.create_server(protocol, "127.0.0.1", 0, ssl=tls))
    thread = Thread(target=loop.run_forever)
    thread.start()
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        asyncio.run_coroutine_threadsafe(_stop(server), loop).result(10)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
        loop.close()


async def _stop(server: asyncio.Server) -> None:
    """Close the server and end every conversation that is still open."""
    server.close()
    others = asyncio.all_tasks() - {asyncio.current_task()}
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)
