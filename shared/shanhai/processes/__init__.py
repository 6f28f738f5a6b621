"""The computations: each process has a module of its name, most a package of its steps too.

A process has two halves. `compute` runs in a child process with files only, no database and no
secrets; `publish` runs in the worker, inside the one transaction that also finishes the job.
"""
