"""Compare what is there with what was made.

INPUT   results/logs/{rule}/{job}.sha256  hashes of what each job made
OUTPUT  nothing; it fails if a file was changed, is missing, or belongs to no job
"""


rule verify:
    """Read every file again, and name those that are not as they were made.

    The files are no inputs, or Snakemake would first make results again from changed
    ones; and there is no benchmark, or it would think that verifying once is enough.
    """
    log:
        "results/logs/verify/verify.log",
    localrule: True
    conda:
        "../envs/data.yaml"
    params:
        folder=here("results"),
        logs=here("results/logs"),
        ignored=[
            here("results/logs"),
            here("results/benchmarks"),
            here("results/downloads/volumes"),
            here("results/parts"),
            PARTIAL_DOWNLOADS,
            KEPT_REPLIES,
            *FAILURES.values(),
        ],
        code=code("verify.py"),
    script:
        "../workflow/scripts/verify.py"
