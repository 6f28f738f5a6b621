"""What every endpoint is made of: its body, its answer, its unit of work, its route."""
