"""`vigil run`."""

from monitor.cli.given import SettingsOption, read_settings, refusing


def run(settings: SettingsOption = None) -> None:
    """Watch every study until told to stop (SIGTERM or Ctrl-C)."""
    given = read_settings(settings)
    from monitor.daemon import run_daemon
    from monitor.logs import set_up_logs

    set_up_logs(given.log.format, given.log.level)
    with refusing():
        run_daemon(given)
