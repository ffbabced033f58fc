"""Checks deploy/kubernetes: every manifest against Kubernetes' own schemas, and what no schema knows. script/deploy-check runs it."""

import ipaddress
import json
import re
import sys
from pathlib import Path

import kubernetes_validate
import yaml

FOLDER = Path("deploy/kubernetes")
# The oldest version that has all of the fields for good, and the newest
VERSIONS = ("1.31.0", kubernetes_validate.latest_version())
KUSTOMIZATION = {"apiVersion", "kind", "namespace", "labels", "resources", "images", "configMapGenerator"}


def load():
    """Each manifest by kind and name, as the kustomizations list them; and their faults."""
    manifests, faults, listed = {}, [], set()

    def add(folder):
        kustomization = folder / "kustomization.yaml"
        listed.add(kustomization)
        rules = yaml.safe_load(kustomization.read_text())
        faults.extend(f"{kustomization}: unknown field {field}" for field in set(rules) - KUSTOMIZATION)
        for generator in rules.get("configMapGenerator", []):
            listed.update(folder / file for file in generator["files"])
            manifests["ConfigMap", generator["name"]] = {"keys": generator["files"]}
        for name in rules["resources"]:
            if (folder / name).is_dir():
                add(folder / name)
                continue
            listed.add(folder / name)
            for manifest in yaml.safe_load_all((folder / name).read_text()):
                manifests[manifest["kind"], manifest["metadata"]["name"]] = manifest

    add(FOLDER)
    there = {path for path in FOLDER.rglob("*") if path.is_file()}
    faults.extend(f"{path}: no kustomization lists it, or it is missing" for path in sorted(there ^ listed))
    return manifests, faults


def of_schema(manifest):
    faults = []
    for version in VERSIONS:
        try:
            kubernetes_validate.validate(manifest, version, strict=True)
        except (kubernetes_validate.ValidationError, kubernetes_validate.SchemaNotFoundError) as error:
            faults.append(f"Kubernetes {version}: {'/'.join(map(str, getattr(error, 'path', [])))}: {error.message[:200]}")
    return faults


def of_pod(workload, manifests):
    """The restricted Pod Security Standard and a little more, and whatever the pod refers to."""
    spec = workload["spec"]["template"]["spec"]
    (container,) = spec["containers"]
    pod, own = spec.get("securityContext", {}), container.get("securityContext", {})
    wanted = {
        "no token of a service account": spec.get("automountServiceAccountToken") is False,
        "not as root": pod.get("runAsNonRoot") is True and pod.get("runAsUser", 0) > 0,
        "seccomp": pod.get("seccompProfile") == {"type": "RuntimeDefault"},
        "no more rights": own.get("allowPrivilegeEscalation") is False and not own.get("privileged"),
        "read-only root": own.get("readOnlyRootFilesystem") is True,
        "no capability": own.get("capabilities") == {"drop": ["ALL"]},
        "resources": {"cpu", "memory"} <= set(container["resources"]["requests"]) & set(container["resources"]["limits"]),
        "no shell": "command" not in container and "exec" not in str(container),
        "labels": workload["spec"]["selector"]["matchLabels"].items() <= workload["spec"]["template"]["metadata"]["labels"].items(),
    }
    faults = [f"the pod lacks: {what}" for what, holds in wanted.items() if not holds]
    ports = {port["name"]: port["containerPort"] for port in container["ports"]}
    for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
        found = container.get(probe, {}).get("httpGet", {})
        if found.get("path") != "/healthz" or found.get("port") not in ports:
            faults.append(f"{probe} does not ask for /healthz")
    if f"--listen=0.0.0.0:{ports['http']}" not in container["args"]:
        faults.append("the program listens elsewhere than the port says")
    variables = {one["name"]: one for one in container.get("env", [])}
    for name in re.findall(r"\$\((\w+)\)", " ".join(container["args"])):
        if name not in variables:
            faults.append(f"the arguments use $({name}), which env does not set")
    for volume in spec.get("volumes", []):
        if ("ConfigMap", volume["configMap"]["name"]) not in manifests:
            faults.append(f"volume {volume['name']}: there is no such ConfigMap")
    return faults


def of_shards(stateful_set):
    """--shard counts from 1, and each of its parts has one pod."""
    spec = stateful_set["spec"]
    (container,) = spec["template"]["spec"]["containers"]
    variables = {one["name"]: one for one in container["env"]}
    faults = []
    if "--shard=$(SHARD)/$(SHARDS)" not in container["args"]:
        faults.append("the arguments have no --shard")
    if variables["SHARD"]["valueFrom"]["fieldRef"]["fieldPath"] != "metadata.labels['apps.kubernetes.io/pod-index']":
        faults.append("the shard is not the pod's index")
    if spec.get("ordinals", {}).get("start") != 1:
        faults.append("the pods' indices do not begin with 1")
    if variables["SHARDS"]["value"] != str(spec["replicas"]):
        faults.append("there are not as many shards as replicas")
    return faults


def closed_networks():
    """The networks that the program refuses, as src/fetch/address.rs has them."""
    text = Path("src/fetch/address.rs").read_text().split("\nconst GLOBAL_V6")[0]
    four = re.findall(r"\(Ipv4Addr::new\(([\d, ]+)\), (\d+)\)", text)
    six = re.findall(r"\(Ipv6Addr::new\(([\w, ]+)\), (\d+)\)", text)
    found = {f"{'.'.join(parts.split(', '))}/{length}" for parts, length in four} | {"0.0.0.0/8"}
    found |= {f"{':'.join(part.removeprefix('0x') for part in parts.split(', '))}/{length}" for parts, length in six}
    assert len(four) > 10 and len(six) > 2, "the tables of src/fetch/address.rs have another form now: update tests/deploy/kubernetes.py"
    return {ipaddress.ip_network(network) for network in found}


def of_network(policy):
    faults = []
    spec = policy["spec"]
    if set(spec["policyTypes"]) != {"Ingress", "Egress"} or not spec["ingress"] or not spec["egress"]:
        faults.append("it leaves a direction open, or closes one")
    if any("ports" not in rule for rule in spec["ingress"] + spec["egress"]):
        return [*faults, "a rule is for all ports"]
    blocks = [peer["ipBlock"] for rule in spec["egress"] for peer in rule["to"] if "ipBlock" in peer]
    closed = {ipaddress.ip_network(network) for block in blocks for network in block["except"]}
    if closed != closed_networks():
        faults.append(f"it excepts other networks than the program refuses: {sorted(map(str, closed ^ closed_networks()))}")
    for block in blocks:
        outer = ipaddress.ip_network(block["cidr"])
        for network in map(ipaddress.ip_network, block["except"]):
            if network.version != outer.version or not network.subnet_of(outer):
                faults.append(f"{network} is not within {outer}")
    for rule in spec["egress"]:
        ports = {port["port"] for port in rule["ports"]}
        if ports != ({80, 443} if any("ipBlock" in peer for peer in rule["to"]) else {53}):
            faults.append(f"ports {sorted(ports)}")
    return faults


def check(manifests):
    """The faults of all manifests."""
    faults = []
    for (kind, name), manifest in manifests.items():
        if kind == "ConfigMap":
            continue
        found = of_schema(manifest)
        # What the schema refuses may lack whatever the next checks look for
        if not found and kind in ("Deployment", "StatefulSet"):
            found = of_pod(manifest, manifests)
        if not found and kind == "StatefulSet":
            found = of_shards(manifest)
            if ("Service", manifest["spec"]["serviceName"]) not in manifests:
                found.append("its headless Service is missing")
        if not found and kind == "NetworkPolicy":
            found = of_network(manifest)
        if not found and kind in ("Service", "PodDisruptionBudget", "NetworkPolicy"):
            spec = manifest["spec"]
            selector = spec.get("podSelector", spec.get("selector"))
            selector = selector.get("matchLabels", selector).items()
            pods = [one for (of, _), one in manifests.items() if of in ("Deployment", "StatefulSet")]
            if sum(selector <= one["spec"]["template"]["metadata"]["labels"].items() for one in pods) != 1:
                found.append("it does not select the pods of one workload")
        if not found and kind == "HorizontalPodAutoscaler":
            target = manifest["spec"]["scaleTargetRef"]
            if "replicas" in manifests.get((target["kind"], target["name"]), {"spec": {"replicas": 0}})["spec"]:
                found.append("its target is missing, or sets its own number of replicas")
        faults += [f"{kind} {name}: {fault}" for fault in found]
    return faults


# Each of these changes to a manifest must be found: the manifest, the path, the new value (None removes).
WRONG = [
    (("Deployment", "hlsnap-serve"), "spec/template/spec/containers/0/ports/0/containerPort", "http"),
    (("Deployment", "hlsnap-serve"), "spec/template/spec/container", []),
    (("Deployment", "hlsnap-serve"), "spec/template/spec/securityContext/runAsUser", 0),
    (("Deployment", "hlsnap-serve"), "spec/template/spec/containers/0/readinessProbe/httpGet/path", "/"),
    (("Deployment", "hlsnap-serve"), "spec/template/metadata/labels/app.kubernetes.io~component", "server"),
    (("Deployment", "hlsnap-serve"), "spec/replicas", 2),
    (("StatefulSet", "hlsnap-watch"), "spec/ordinals", None),
    (("StatefulSet", "hlsnap-watch"), "spec/replicas", 5),
    (("StatefulSet", "hlsnap-watch"), "spec/serviceName", "watch"),
    (("StatefulSet", "hlsnap-watch"), "spec/template/spec/containers/0/securityContext/readOnlyRootFilesystem", False),
    (("StatefulSet", "hlsnap-watch"), "spec/template/spec/volumes/0/configMap/name", "channels"),
    (("NetworkPolicy", "hlsnap-watch"), "spec/egress/1/to/0/ipBlock/except/5", "169.254.0.0/24"),
    (("NetworkPolicy", "hlsnap-serve"), "spec/egress/1/ports", None),
    (("HorizontalPodAutoscaler", "hlsnap-serve"), "spec/scaleTargetRef/name", "hlsnap"),
    (("HorizontalPodAutoscaler", "hlsnap-serve"), "spec/maxReplicas", None),
]


def broken(manifests, key, path, value):
    *steps, last = [step.replace("~", "/") for step in path.split("/")]
    # A copy without the aliases of YAML, which would change in two places
    changed = manifests | {key: json.loads(json.dumps(manifests[key]))}
    place = changed[key]
    for step in steps:
        place = place[int(step)] if isinstance(place, list) else place[step]
    if value is None:
        del place[last]
    else:
        place[int(last) if isinstance(place, list) else last] = value
    return changed


def main():
    manifests, faults = load()
    faults += check(manifests)
    if not faults:
        for key, path, value in WRONG:
            if not check(broken(manifests, key, path, value)):
                faults.append(f"the check finds no fault in {key[1]} with {path} = {value}")
    print("\n".join(faults) or f"{len(manifests)} manifests are right for Kubernetes {' and '.join(VERSIONS)}; {len(WRONG)} wrong ones are found")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
