pytest_plugins = ["shanhai.testing.servers"]
