"""Grow cells from cube to cube by a model alone, and measure them where they are known.

INPUT   results/tasks/index.parquet: seeds are the open tasks of a cell, or else its root
        results/models/{model}/0/checkpoint.pt of the agglomeration `growth.model`
        results/review/stops.parquet: what people decided where growth stopped
OUTPUT  results/growth/
            scores/{group}.parquet  the contacts of a group of volumes: these take the
                                    time, and are kept if growth is killed
            grown.parquet           a row a cube: what was joined, at what risk, and why
                                    it went on, ended or stopped
            labels/, labels.zarr/   the grown cells as labels, precomputed and OME-Zarr
            image/                  what they grew in, the same
            neuroglancer.json       a state of Neuroglancer that shows them
            index.html              each of them as a tree of cubes
        where answers are known, also
            unlimited.parquet       the same without any limit of risk
            teacher_forced.parquet  the same of each task, with all before it right
            skeletons.parquet       the path of each known cell
            truth/                  known cells as labels, precomputed
            cells.csv, growth.json  measures of each cell, and over cells
        results/figures/growth.png, growth_measures.png, and the same as .svg
"""


rule grow:
    """Trace whole cells, and stop where it is not sure."""
    input:
        "results/growth/grown.parquet",
        "results/growth/labels",
        "results/growth/labels.zarr",
        "results/growth/neuroglancer.json",
        "results/growth/index.html",
        ["results/growth/cells.csv", "results/figures/growth.png"] if HAS_LABELS else [],
    localrule: True


rule score_contacts:
    """Score the contacts of volumes; a job a group, so that a killed run goes on."""
    input:
        volumes=ancient("results/volumes/groups/{group}"),
        checkpoint=checkpoint_of_growing,
        manifest=manifest_of_files,
    output:
        "results/growth/scores/{group}.parquet",
    log:
        "results/logs/score_contacts/{group}.log",
    benchmark:
        "results/benchmarks/score_contacts/{group}.tsv"
    conda:
        "../envs/model.yaml"
    threads: 1
    resources:
        cuda=CUDA_OF_A_JOB,
        gpu=CUDA_OF_A_JOB,
    params:
        device=config["training"]["device"],
        geometry=GEOMETRY,
        voxel_nm=config["volumes"]["voxel_nm"],
        code=code("score_contacts.py"),
    script:
        "../workflow/scripts/score_contacts.py"


rule grow_cells:
    """Grow all cells; without scoring, a cube takes milliseconds."""
    input:
        index="results/tasks/index.parquet",
        catalog=catalog_of_groups,
        volumes=folders_of_groups,
        manifest=manifest_of_files,
        scores=scores_of_groups,
        checkpoint=checkpoint_of_growing,
        calibration=calibration_of_growing,
        decisions="results/review/stops.parquet",
    output:
        grown="results/growth/grown.parquet",
        unlimited="results/growth/unlimited.parquet",
        teacher_forced="results/growth/teacher_forced.parquet",
    log:
        "results/logs/grow_cells/grow_cells.log",
    benchmark:
        "results/benchmarks/grow_cells/grow_cells.tsv"
    conda:
        "../envs/model.yaml"
    params:
        limits={key: config["growth"][key] for key in ("path_risk", "cubes")},
        dust=DUST,
        geometry=GEOMETRY,
        voxel_nm=config["volumes"]["voxel_nm"],
        code=code("grow_cells.py"),
    script:
        "../workflow/scripts/grow_cells.py"


rule label_grown:
    """Write grown cells as labels, for Neuroglancer and others."""
    input:
        grown="results/growth/grown.parquet",
        catalog=catalog_of_groups,
        volumes=folders_of_groups,
        manifest=manifest_of_files,
    output:
        labels=directory("results/growth/labels"),
        zarr=directory("results/growth/labels.zarr"),
    log:
        "results/logs/label_grown/label_grown.log",
    benchmark:
        "results/benchmarks/label_grown/label_grown.tsv"
    conda:
        "../envs/model.yaml"
    params:
        geometry=GEOMETRY,
        voxel_nm=config["volumes"]["voxel_nm"],
        code=code("label_grown.py"),
    script:
        "../workflow/scripts/label_grown.py"


rule show_grown:
    """Write a state of Neuroglancer, and what grown cells are shown beside in it."""
    input:
        grown="results/growth/grown.parquet",
        labels="results/growth/labels",
        cells="results/growth/cells.csv" if HAS_LABELS else [],
        index="results/tasks/index.parquet",
        catalog=catalog_of_groups,
        volumes=folders_of_groups,
        manifest=manifest_of_files,
    output:
        **({"truth": directory("results/growth/truth")} if HAS_LABELS else {}),
        image=directory("results/growth/image"),
        state="results/growth/neuroglancer.json",
    log:
        "results/logs/show_grown/show_grown.log",
    benchmark:
        "results/benchmarks/show_grown/show_grown.tsv"
    conda:
        "../envs/model.yaml"
    params:
        # Where a server of files on this machine usually shows the folder of the run.
        served_at="http://localhost:8080",
        geometry=GEOMETRY,
        voxel_nm=config["volumes"]["voxel_nm"],
        code=code("show_grown.py"),
    script:
        "../workflow/scripts/show_grown.py"


rule render_growth:
    """Write a page of the grown cells: trees of cubes, and where they stopped."""
    input:
        grown="results/growth/grown.parquet",
        index="results/tasks/index.parquet",
    output:
        "results/growth/index.html",
    log:
        "results/logs/render_growth/render_growth.log",
    benchmark:
        "results/benchmarks/render_growth/render_growth.tsv"
    conda:
        "../envs/figures.yaml"
    params:
        code=code("render_growth.py"),
        template=page_hash("growth"),
    script:
        "../workflow/scripts/render_growth.py"


rule skeletonize_truth:
    """Skeletonize the cells whose answer is known."""
    input:
        index="results/tasks/index.parquet",
        catalog=catalog_of_groups,
        volumes=folders_of_groups,
        manifest=manifest_of_files,
    output:
        "results/growth/skeletons.parquet",
    log:
        "results/logs/skeletonize_truth/skeletonize_truth.log",
    benchmark:
        "results/benchmarks/skeletonize_truth/skeletonize_truth.tsv"
    conda:
        "../envs/model.yaml"
    params:
        geometry=GEOMETRY,
        voxel_nm=config["volumes"]["voxel_nm"],
        code=code("skeletonize_truth.py"),
    script:
        "../workflow/scripts/skeletonize_truth.py"


rule measure_growth:
    """Measure grown cells by their skeletons; draw that, the best and the worst."""
    input:
        grown="results/growth/grown.parquet",
        unlimited="results/growth/unlimited.parquet",
        teacher_forced="results/growth/teacher_forced.parquet",
        skeletons="results/growth/skeletons.parquet",
        index="results/tasks/index.parquet",
        catalog=catalog_of_groups,
        volumes=folders_of_groups,
        manifest=manifest_of_files,
    output:
        csv="results/growth/cells.csv",
        summary="results/growth/growth.json",
        png=shown("results/figures/growth.png"),
        svg="results/figures/growth.svg",
        measures_png=shown("results/figures/growth_measures.png"),
        measures_svg="results/figures/growth_measures.svg",
    log:
        "results/logs/measure_growth/measure_growth.log",
    benchmark:
        "results/benchmarks/measure_growth/measure_growth.tsv"
    conda:
        "../envs/model.yaml"
    params:
        bootstrap=BOOTSTRAP,
        heading=EVALUATIONS.heading(GROWING, 0) if GROWING else None,
        geometry=GEOMETRY,
        voxel_nm=config["volumes"]["voxel_nm"],
        code=code("measure_growth.py"),
    script:
        "../workflow/scripts/measure_growth.py"
