import logging
from pathlib import Path

import pytest

from eyewire_validator.errors import VolumeError
from eyewire_validator.jobs.log import job_log


def test_what_is_printed_and_logged_goes_to_the_file(tmp_path, capsys):
    with job_log(tmp_path / "logs" / "job.log"):
        print("printed")
        logging.getLogger("eyewire_validator.voxel_network.training").info("epoch 1")
        logging.getLogger("httpx").info("not ours")
    assert (tmp_path / "logs" / "job.log").read_text() == "printed\nepoch 1\n"
    assert capsys.readouterr().out == ""


def test_an_error_of_ours_is_one_line_and_a_failing_status(tmp_path, capsys):
    def fail() -> None:
        with job_log(tmp_path / "job.log"):
            raise VolumeError("volume 7: too small")

    with pytest.raises(SystemExit) as end:
        fail()
    assert end.value.code == 1
    assert capsys.readouterr().err == "error: volume 7: too small\n"
    assert (tmp_path / "job.log").read_text() == "error: volume 7: too small\n"


def test_a_full_disk_is_no_bug(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)

    def fail() -> None:
        with job_log(tmp_path / "job.log"), Path("/dev/full").open("w") as file:
            file.write("more than fits")

    with pytest.raises(SystemExit) as end:
        fail()
    assert end.value.code == 1
    message = f"error: {tmp_path}: No space left on device; mend that and rerun\n"
    assert capsys.readouterr().err == message
    assert (tmp_path / "job.log").read_text() == message


def test_a_bug_leaves_its_traceback_in_the_log(tmp_path):
    def fail() -> None:
        with job_log(tmp_path / "job.log"):
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert "ZeroDivisionError" in (tmp_path / "job.log").read_text()
