"""What a plain mail address and a loopback host look like: settings and the mailer insist on the same."""

import re
from ipaddress import ip_address

ADDRESS = re.compile(r"[!#-'*+\-./0-9=?A-Z^-~]+@[A-Za-z0-9](?:[A-Za-z0-9.\-]*[A-Za-z0-9])?")
"""One plain ASCII mailbox, without a name, quotes, spaces or a second address."""


def is_loopback(host: str) -> bool:
    """Whether a host, by address or as localhost, is this machine."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"
