"""Runs a campaign's shards by HyperQueue: one fails, is listed, and is run again as the same task."""

import sys
from pathlib import Path

from hyperqueue import Job, LocalCluster
from hyperqueue.cluster import WorkerConfig
from hyperqueue.task.program import ExternalProgram

FAILS = 13


def main(sim, plan, out, name, shards):
    out, shards = Path(out), int(shards)
    explore = [sim, "explore", plan, "--no-shrink", "--jobs", "1", "--shard", f"env/{shards}"]
    # A rule that does not hold (1) is a result like any other.
    command = ["sh", "-c", '"$@" || [ $? -eq 1 ]', "sh", *explore, "--resume", "--out", str(out)]

    def job(tasks):
        # Every task runs to its end, whatever becomes of the others.
        job = Job(max_fails=None, default_workdir=out)
        for task in tasks:
            job._add_task(
                ExternalProgram(
                    task,
                    args=command,
                    env={},
                    cwd=out,
                    stdout=str(out / f"{task}.out"),
                    stderr=str(out / f"{task}.err"),
                    resources=None,
                )
            )
        return job

    # A folder where its file should be.
    obstacle = out / f"{name}-{FAILS}-of-{shards}.jsonl"
    obstacle.mkdir()
    with LocalCluster() as cluster:
        for _ in range(2):
            cluster.start_worker(WorkerConfig(cores=1))
        client = cluster.client()
        submitted = client.submit(job(range(shards)))
        if client.wait_for_jobs([submitted], raise_on_error=False):
            sys.exit(f"task {FAILS} was to fail, and none did")
        failed = client.get_failed_tasks(submitted)
        if list(failed) != [FAILS]:
            sys.exit(f"task {FAILS} was to fail, and these did: {list(failed)}")
        said = (out / f"{FAILS}.err").read_text().strip()
        print(f"HyperQueue: task {FAILS} failed: {said}")
        obstacle.rmdir()
        client.wait_for_jobs([client.submit(job(failed))])


main(*sys.argv[1:])
