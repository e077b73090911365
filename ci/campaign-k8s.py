"""Holds the Kubernetes Job against its contract, and runs its command once an index, as Kubernetes would."""

import os
import re
import subprocess
import sys
from pathlib import Path

import yaml


def main(job, sim, campaign, results, shards):
    job = yaml.safe_load(Path(job).read_text())
    assert (job["apiVersion"], job["kind"]) == ("batch/v1", "Job"), "a Job"
    spec = job["spec"]
    assert spec["completionMode"] == "Indexed", "without it no pod is told its index"
    assert spec["completions"] == int(shards), "a pod a shard"
    pod = spec["template"]["spec"]
    # Both are what `backoffLimitPerIndex` and `podFailurePolicy` ask for.
    assert pod["restartPolicy"] == "Never"
    [container] = pod["containers"]
    [rule] = spec["podFailurePolicy"]["rules"]
    assert rule["onExitCodes"]["containerName"] == container["name"]
    volumes = {volume["name"] for volume in pod["volumes"]}
    mounts = {mount["mountPath"]: mount["name"] for mount in container["volumeMounts"]}
    assert set(mounts.values()) == volumes

    env = {variable["name"]: variable["value"] for variable in container["env"]}
    assert all(isinstance(value, str) for value in env.values()), "a variable is a string"
    assert env["SHARDS"] == str(spec["completions"]), "as many shards as pods"
    # Kubernetes puts a container's variables in the place of $(NAME).
    words = [re.sub(r"\$\((\w+)\)", lambda m: env[m[1]], word) for word in container["command"] + container["args"]]
    places = {"/campaign": campaign, "/results": results}
    assert set(places) == set(mounts)
    for place, here in places.items():
        words = [word.replace(place, here) for word in words]

    path = f"{Path(sim).parent}:{os.environ['PATH']}"
    for index in range(spec["completions"]):
        here = {"PATH": path, "JOB_COMPLETION_INDEX": str(index), **env}
        ran = subprocess.run(words, env=here, capture_output=True, text=True)
        assert ran.returncode == 0, f"index {index}: {ran.stderr}"


main(*sys.argv[1:])
