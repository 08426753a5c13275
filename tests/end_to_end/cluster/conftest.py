"""A real Slurm of one node, started for these tests and gone after them."""

import os
import re
import shutil
import signal
import socket
import subprocess
import time
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

PROGRAMS = ["munged", "slurmctld", "slurmd", "sbatch", "srun", "squeue", "scontrol"]
SYSTEM_PATH = f"{os.environ['PATH']}:/usr/sbin"
NODE = "node"
# Five a second, or fewer: a busy machine takes long for what an idle one does at once.
LOOKS = 600
OUTPUT = {"text": True, "capture_output": True, "check": False}
# Pretended, so that several jobs run at the same time on any machine.
CORES, MEMORY_MB = 8, 200_000

# By process groups Slurm finds what outlived its parent, too; by the tree of processes
# (linuxproc) it would leave such processes of a cancelled job.
SLURM_CONF = """
ClusterName=test
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={controller_port}
SlurmdPort={node_port}
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket
CryptoType=crypto/munge
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
ProctrackType=proctrack/pgid
TaskPlugin=task/none
MpiDefault=none
SchedulerParameters=batch_sched_delay=1,sched_interval=2,bf_interval=2
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU_Memory
SlurmdParameters=config_overrides
GresTypes=gpu
KillWait=2
MinJobAge=3600
AccountingStorageType=accounting_storage/none
JobAcctGatherType=jobacct_gather/none
NodeName={node} NodeHostname={host} NodeAddr=127.0.0.1 CPUs={cores} Gres=gpu:2 \
RealMemory={memory}
PartitionName=cpu Nodes={node} Default=YES MaxTime=INFINITE State=UP
PartitionName=gpu Nodes={node} MaxTime=INFINITE State=UP
"""
# The GPUs are pretended, too.
GRES_CONF = "".join(
    f"NodeName={NODE} Name=gpu File={file}\n" for file in ("/dev/null", "/dev/zero")
)
MUNGE_FILES = {
    "key-file": "munge.key",
    "socket": "munge.socket",
    "pid-file": "munge.pid",
    "log-file": "munge.log",
    "seed-file": "munge.seed",
}
# Snakemake's job step drops SLURM_CONF, which a Slurm in /etc does not need.
SRUN = '#!/bin/sh\nSLURM_CONF={folder}/slurm.conf exec {srun} "$@"\n'


@dataclass(frozen=True)
class Job:
    """What Slurm says of a job that it was given."""

    number: str
    state: str
    comment: str
    partition: str
    gres: str


class Slurm:
    """The running Slurm."""

    def __init__(self, folder: Path) -> None:
        """Take the folder of its settings and its state."""
        self.folder = folder
        self.node = ExitStack()

    def ask(self, *command: str) -> str:
        """Run one of Slurm's commands."""
        done = subprocess.run(command, check=True, text=True, capture_output=True)
        return done.stdout

    def jobs(self) -> list[Job]:
        """Describe all jobs since the start, those that are gone included."""
        lines = self.ask("scontrol", "-d", "-o", "show", "job").splitlines()
        return [_job(line) for line in lines if line.startswith("JobId=")]

    def running(self, comment: str) -> list[Job]:
        """Describe the jobs that run and whose comment holds ``comment``."""
        jobs = self.jobs()
        return [j for j in jobs if j.state == "RUNNING" and comment in j.comment]

    def start_node(self) -> None:
        """Start the one node, and wait until it answers."""
        self.node.enter_context(_service(self.folder, "slurmd", "-D", "-N", NODE))
        for _ in range(LOOKS):
            if not subprocess.run(["scontrol", "show", "slurmd"], **OUTPUT).returncode:
                return
            time.sleep(0.2)

    def lose_node(self) -> None:
        """Take the node away, with all that it runs, and let Slurm notice at once."""
        self.node.close()
        self._set_node("down")
        while self.is_busy():
            done = subprocess.run(["scontrol", "listpids"], **OUTPUT)
            for process in re.findall(r"^\d+", done.stdout, re.MULTILINE):
                with suppress(ProcessLookupError):
                    os.kill(int(process), signal.SIGKILL)
            time.sleep(0.1)

    def return_node(self, jobs: list[Job]) -> None:
        """Start the node anew, and jobs that Slurm would let wait for 2 minutes."""
        self.start_node()
        self._set_node("resume")
        for job in jobs:
            self.ask("scontrol", "update", f"job={job.number}", "starttime=now")

    def _set_node(self, state: str) -> None:
        self.ask("scontrol", "update", f"node={NODE}", f"state={state}", "reason=test")

    def is_busy(self) -> bool:
        """Say whether the node has anything of a job, by the sockets of its steps."""
        return any((self.folder / "spool").glob(f"{NODE}_*"))

    def end_all(self) -> None:
        """Cancel all jobs, and wait until the node has nothing of them."""
        subprocess.run(["scancel", "--user=root"], check=False)
        self.settle()

    def settle(self) -> None:
        """Wait until no job is left, nor anything of one on the node."""
        for _ in range(LOOKS):
            if not self.ask("squeue", "--noheader") and not self.is_busy():
                return
            time.sleep(0.2)
        raise TimeoutError(self.ask("squeue", "--long"))


def _job(line: str) -> Job:
    fields = dict(re.findall(r"(\w+)=(\S*)", line))
    names = ("JobId", "JobState", "Comment", "Partition", "JOB_GRES")
    return Job(*(fields.get(name, "") for name in names))


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


def _write_settings(folder: Path, host: str, srun: str) -> None:
    for name in ("state", "spool", "bin"):
        (folder / name).mkdir()
    settings = SLURM_CONF.format(
        folder=folder,
        host=host,
        node=NODE,
        cores=CORES,
        memory=MEMORY_MB,
        controller_port=_free_port(),
        node_port=_free_port(),
    )
    (folder / "slurm.conf").write_text(settings)
    (folder / "gres.conf").write_text(GRES_CONF)
    shim = folder / "bin/srun"
    shim.write_text(SRUN.format(folder=folder, srun=srun))
    shim.chmod(0o755)
    key = folder / "munge.key"
    key.write_bytes(os.urandom(1024))
    key.chmod(0o400)


@contextmanager
def _service(folder: Path, *command: str):
    """Run a service, with a log of its own, and end it."""
    with (folder / f"{command[0]}.log").open("a") as log:
        # In a group of its own, an interruption of the tests does not reach it.
        process = subprocess.Popen(command, stdout=log, stderr=log, process_group=0)
        try:
            yield
        finally:
            process.terminate()
            process.wait(timeout=120)


def _end_what_is_left(folder: Path) -> None:
    """Kill what slurmd left: steps of a node that is down stay for an hour."""
    for environment in Path("/proc").glob("[0-9]*/environ"):
        with suppress(OSError):
            if str(folder).encode() in environment.read_bytes():
                os.kill(int(environment.parent.name), signal.SIGKILL)


def _wait_until_idle(folder: Path) -> None:
    command = ["sinfo", "--noheader", "--partition=gpu", "--format=%T"]
    for _ in range(LOOKS):
        done = subprocess.run(command, text=True, capture_output=True, check=False)
        if done.stdout.strip() == "idle":
            return
        time.sleep(0.2)
    logs = [path.read_text()[-500:] for path in sorted(folder.glob("*.log"))]
    pytest.skip(f"Slurm does not start: {done.stderr} {logs}")


@pytest.fixture(scope="session")
def slurm(tmp_path_factory):
    """A Slurm with one node of 8 cores and 2 GPUs, and partitions `cpu` and `gpu`."""
    lacking = [name for name in PROGRAMS if not shutil.which(name, path=SYSTEM_PATH)]
    if lacking:
        pytest.skip(f"Slurm is not installed: no {', '.join(lacking)} (see .ci/run)")
    if os.getuid() != 0:
        pytest.skip("Slurm's services are started by root only")
    folder = tmp_path_factory.mktemp("slurm")
    host = socket.gethostname().split(".")[0]
    _write_settings(folder, host, shutil.which("srun", path=SYSTEM_PATH))
    options = [f"--{option}={folder}/{name}" for option, name in MUNGE_FILES.items()]
    with ExitStack() as stack:
        environment = stack.enter_context(pytest.MonkeyPatch.context())
        environment.setenv("PATH", f"{folder}/bin:{SYSTEM_PATH}")
        environment.setenv("SLURM_CONF", f"{folder}/slurm.conf")
        stack.callback(_end_what_is_left, folder)
        for service in (
            ("munged", "--foreground", "--force", *options),
            ("slurmctld", "-D"),
        ):
            stack.enter_context(_service(folder, *service))
        slurm = Slurm(folder)
        stack.enter_context(slurm.node)
        slurm.start_node()
        _wait_until_idle(folder)
        stack.callback(slurm.end_all)
        yield slurm
