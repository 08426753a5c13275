"""Print the audit's verdicts, and fail if they are not as expected."""

import sys
from pathlib import Path

from eyewire_validator.audit.verdict import require_expected, to_text
from eyewire_validator.jobs.log import job_log
from eyewire_validator.storage.files import read_json

with job_log(snakemake.log[0]):
    verdict = read_json(Path(snakemake.input[0]))
    for stream in (sys.stdout, sys.__stdout__):
        print(to_text(verdict), file=stream)
    require_expected(verdict)
