"""What systemd is told of the daemon (sd_notify): ready, alive, stopping. Without systemd nothing is said."""

import os
import socket
from contextlib import suppress


def notify(state: str) -> None:
    """Send one state, such as READY=1, to the supervisor, if there is one."""
    address = os.environ.get("NOTIFY_SOCKET", "")
    if not address:
        return
    if address.startswith("@"):
        address = "\0" + address[1:]  # Linux' abstract namespace
    with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as supervisor:
        supervisor.connect(address)
        supervisor.sendall(state.encode())
