"""Volumes: geometry, raw and downsampled forms, contacts and graphs of segments."""

# What the rule downsample_volumes depends on, beside its settings: raised by hand when
# the bytes or the meaning of what `coarse` writes change. All raw volumes are then
# fetched again. Here and not in `coarse`, as the rules import it and `coarse` imports
# numba.
FORMAT = 1
