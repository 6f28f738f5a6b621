"""Backups: base backups, archived write-ahead log and result files, encrypted, in one folder."""
