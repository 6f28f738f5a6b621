"""Put what is known of a city into the database: its files, their rows, and the writing."""
