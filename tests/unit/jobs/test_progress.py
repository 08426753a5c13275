from eyewire_validator.jobs import progress
from eyewire_validator.jobs.log import job_log
from eyewire_validator.jobs.progress import Progress


def test_a_long_job_says_how_far_it_is_in_its_log_and_on_the_terminal(
    tmp_path, capsys, monkeypatch
):
    monkeypatch.setattr(progress, "INTERVAL", 1e-9)
    with job_log(tmp_path / "train_model" / "lwunet-0.log"):
        assert list(Progress("ab", unit="tasks")) == ["a", "b"]
    logged = (tmp_path / "train_model" / "lwunet-0.log").read_text().splitlines()
    assert logged[0] == "1 of 2 tasks, 50 %, 00:00 so far, 00:00 to go"
    assert logged[-1].startswith("2 of 2 tasks, 100 %")
    terminal = capsys.readouterr().err.splitlines()
    assert terminal == [f"train_model lwunet-0: {line}" for line in logged]


def test_what_was_done_before_counts(tmp_path, monkeypatch):
    monkeypatch.setattr(progress, "INTERVAL", 1e-9)
    with (
        job_log(tmp_path / "job.log"),
        Progress(unit="patches", total=8, initial=4) as bar,
    ):
        bar.update(2)
    first, *_ = (tmp_path / "job.log").read_text().splitlines()
    assert first.startswith("6 of 8 patches, 75 %")


def test_a_short_job_says_nothing(tmp_path, capsys):
    with job_log(tmp_path / "job.log"):
        list(Progress("ab", unit="tasks"))
    assert (tmp_path / "job.log").read_text() == ""
    assert capsys.readouterr().err == ""
