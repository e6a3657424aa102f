"""What was decided, about whom, why, and who was told: the ledger, the messages and their delivery."""
