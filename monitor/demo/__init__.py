"""The demonstration: a synthetic study played through the production code path."""
