"""CTCAE: criteria as data, and one columnar engine that applies them. Names are imported from the modules within."""
