"""`python -m monitor` is `vigil`."""

from monitor.cli import main

main()
