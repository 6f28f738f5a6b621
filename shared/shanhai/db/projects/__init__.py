"""What a project is beside its row: its way through the states, its measures, money and papers."""
