"""Eyewire Validator: answers neuron-tracing tasks and says how sure it is.

Pure functions on arrays and tables. Nothing here knows Snakemake or where results
live; the rules and scripts of the workflow do.
"""

__version__ = "0.1.0"
