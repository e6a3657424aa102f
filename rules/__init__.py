"""What is judged and how: pure functions of records, a rulebook and one `now`. No SQL, clock, network or log."""
