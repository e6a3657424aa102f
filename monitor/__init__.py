"""The daemon: sources, sweeps, posting, metrics and the command line. The only room that opens transactions."""
