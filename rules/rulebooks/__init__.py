"""The shipped rulebooks: TOML that a safety officer reads and signs."""
