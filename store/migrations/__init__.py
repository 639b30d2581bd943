"""Numbered SQL text, one folder per database; files are applied in order and never edited after a release."""
