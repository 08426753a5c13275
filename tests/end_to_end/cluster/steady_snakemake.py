"""Snakemake that looks after its jobs every --seconds-between-status-checks.

The plugin for Slurm waits 10 seconds longer after each look that found no job at its
end, to spare a busy cluster, and has no option for tests.
"""

from snakemake.cli import main
from snakemake_interface_executor_plugins.executors.remote import RemoteExecutor

interval = RemoteExecutor.next_seconds_between_status_checks
RemoteExecutor.next_seconds_between_status_checks = interval.setter(
    lambda executor, seconds: None
)
main()
