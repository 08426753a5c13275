"""Answer one task before all else, so that a newcomer sees what this is about.

INPUT   models/agglomeration.pt, the ready-made model
OUTPUT  results/first_answer/answer.csv       probability of each segment of the task
        results/first_answer/task.png, .svg   a picture of the task and its answer
"""


rule first_answer:
    """Draw one task of the synthetic retina, and have the ready-made model answer it."""
    input:
        given(str(REPOSITORY / "models" / "agglomeration.pt")),
    output:
        csv="results/first_answer/answer.csv",
        png="results/first_answer/task.png",
        svg="results/first_answer/task.svg",
    log:
        "results/logs/first_answer/first_answer.log",
    benchmark:
        "results/benchmarks/first_answer/first_answer.tsv"
    conda:
        "../envs/model.yaml"
    params:
        retina=config["sandbox"]["retina"],
        random_seed=config["sandbox"]["random_seed"],
        geometry=GEOMETRY,
        dust=DUST,
        threshold=config["evaluation"]["threshold"],
        code=code("answer_first_task.py"),
    script:
        "../workflow/scripts/answer_first_task.py"
