from hypothesis import settings

# Two cores are shared by every test process: a slow example is no failure, and the examples must
# be the same on every machine.
settings.register_profile("science", deadline=None, derandomize=True)
settings.load_profile("science")
