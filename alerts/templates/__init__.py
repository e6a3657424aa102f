"""The two templates, text and HTML, of every mail."""
