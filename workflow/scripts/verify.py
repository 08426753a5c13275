"""Compare every file with the hash that was written when it was made."""

import sys
from pathlib import Path

from eyewire_validator.jobs.log import job_log
from eyewire_validator.jobs.manifests import (
    check_folder,
    manifests_of_jobs,
    require_none,
    to_text,
)

with job_log(snakemake.log[0]):
    params = snakemake.params
    manifests = manifests_of_jobs(Path(params.logs))
    ignored = [Path(path) for path in params.ignored]
    findings = list(check_folder(Path(params.folder), manifests, ignored))
    for stream in (sys.stdout, sys.__stdout__):
        print(to_text(findings, len(manifests)), file=stream)
    require_none(findings)
