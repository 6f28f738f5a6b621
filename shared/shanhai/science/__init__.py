"""The method of the platform as pure functions: arrays and values in, arrays and values out."""
