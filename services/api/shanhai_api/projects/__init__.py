"""What hangs on a project: its steps, measures, money and papers."""
