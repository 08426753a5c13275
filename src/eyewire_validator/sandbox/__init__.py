"""A stand-in for Eyewire: a folder of synthetic or real volumes, and its service."""

# What the rule make_sandbox depends on, beside its settings: raised by hand when the
# bytes or the meaning of a sandbox, or of what it replies, change. Here and not in
# `make`, as the rules import it and `make` imports numba and SciPy.
FORMAT = 3
