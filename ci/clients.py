"""The vendor's clients against havip-console: the Python SDK, then tccli. Says what was done; exits with 1 otherwise."""

import atexit
import concurrent.futures
import inspect
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import threading
import urllib.request

from tencentcloud.common import credential
from tencentcloud.common.exception.tencent_cloud_sdk_exception import TencentCloudSDKException
from tencentcloud.common.profile.client_profile import ClientProfile
from tencentcloud.common.profile.http_profile import HttpProfile
from tencentcloud.vpc.v20170312 import errorcodes, models, vpc_client

REGION = "ap-guangzhou"
SERVER = sys.argv[1]
passed = 0


def holds(what, truth, shown=""):
    """Counts what holds; ends with what does not."""
    global passed
    if not truth:
        sys.exit(f"error: does not hold: {what} {shown}")
    passed += 1


class Console:
    """A server in a scratch folder, on a port that is free."""

    def __init__(self, *options):
        self.folder = tempfile.TemporaryDirectory()
        command = [SERVER, "serve", "--listen", "127.0.0.1:0", "--data", self.folder.name + "/data", *options]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        atexit.register(self.process.kill)  # whatever does not hold, no server stays
        threading.Thread(target=self.hear, daemon=True).start()
        self.keys = {}
        for line in self.process.stdout:
            if match := re.match(r"export (\w+)=(\w+)", line):
                self.keys[match[1]] = match[2]
            elif match := re.match(r"listening on http://(.*)", line):
                self.address = match[1]
                return
        sys.exit("error: the server does not start")

    def hear(self):
        # No client signs the name of its action: two with the same body in one second look like a replay.
        for line in self.process.stderr:
            if not line.startswith("replay: "):
                print(line, end="", file=sys.stderr)

    def control(self, path, **body):
        url = f"http://{self.address}/_havip/{path}"
        request = urllib.request.Request(url, json.dumps(body).encode(), {"Content-Type": "application/json"})
        return json.load(urllib.request.urlopen(request))

    def claim(self, eni, address):
        return self.control("claim", Region=REGION, NetworkInterfaceId=eni, Address=address)["verdict"]

    def stop(self):
        self.process.kill()
        self.process.wait()
        self.folder.cleanup()


class Sdk:
    """The Python SDK: an action's parameters in, its answer as it parsed it out."""

    def __init__(self, console, endpoint, method="POST", secret=None):
        key = secret or console.keys["TENCENTCLOUD_SECRET_KEY"]
        who = credential.Credential(console.keys["TENCENTCLOUD_SECRET_ID"], key)
        http = HttpProfile(protocol="http", endpoint=endpoint, reqMethod=method)
        self.client = vpc_client.VpcClient(who, REGION, ClientProfile(httpProfile=http))

    def __call__(self, action, **parameters):
        request = getattr(models, action + "Request")()
        request.from_json_string(json.dumps(parameters))
        return json.loads(getattr(self.client, action)(request).to_json_string())

    def code(self, action, **parameters):
        try:
            return f"none, but {self(action, **parameters)}"
        except TencentCloudSDKException as refused:
            return refused.get_code()


class Tccli:
    """tccli, as a person types it."""

    def __init__(self, console, secret=None):
        self.command = os.path.join(os.path.dirname(sys.executable), "tccli")
        self.endpoint = "http://" + console.address
        self.home = tempfile.TemporaryDirectory()
        self.env = {**os.environ, **console.keys, "HOME": self.home.name, "TENCENTCLOUD_REGION": REGION}
        self.env.pop("HTTP_PROXY", None)
        if secret:
            self.env["TENCENTCLOUD_SECRET_KEY"] = secret

    def run(self, action, **parameters):
        words = [self.command, "vpc", action, "--endpoint", self.endpoint]
        for name, value in parameters.items():
            words += ["--" + name, value if isinstance(value, str) else json.dumps(value)]
        return subprocess.run(words, env=self.env, text=True, capture_output=True)

    def __call__(self, action, **parameters):
        done = self.run(action, **parameters)
        holds(f"tccli {action}", done.returncode == 0, done.stdout + done.stderr)
        return json.loads(done.stdout)

    def code(self, action, **parameters):
        done = self.run(action, **parameters)
        match = re.search(r"code:\s*([\w.]+)", done.stdout + done.stderr)
        holds(f"tccli {action} fails", done.returncode != 0 and match, done.stdout + done.stderr)
        return match[1]


def network(call):
    """A VPC and a subnet."""
    vpc = call("CreateVpc", VpcName="v", CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    subnet = call("CreateSubnet", VpcId=vpc, SubnetName="s", Zone=REGION + "-3", CidrBlock="10.0.0.0/24")
    return vpc, subnet["Subnet"]["SubnetId"]


def life(console, call, name):
    """A HAVIP from its application to its release."""
    vpc, subnet = network(call)

    def machine(of):
        made = console.control("instances", Region=REGION, VpcId=vpc, SubnetId=subnet, InstanceName=of)
        return made["InstanceId"], made["NetworkInterfaceId"]

    def look():
        found = call("DescribeHaVips", Filters=[{"Name": "havip-id", "Values": [havip]}])
        holds(f"{name}: one HAVIP is found", found["TotalCount"] == 1, found)
        return found["HaVipSet"][0]

    (a, eni_a), (b, eni_b) = machine("a"), machine("b")
    made = call("CreateHaVip", VpcId=vpc, SubnetId=subnet, HaVipName="web", Vip="10.0.0.12")["HaVip"]
    havip = made["HaVipId"]
    holds(f"{name}: not bound at first", made["State"] == "UNBIND" and made["Vip"] == "10.0.0.12", made)
    holds(f"{name}: unset texts are empty", made["AddressIp"] == made["InstanceId"] == "", made)
    holds(f"{name}: a's claim", console.claim(eni_a, "10.0.0.12") == "believed")
    holds(f"{name}: bound to a", (look()["State"], look()["InstanceId"]) == ("AVAILABLE", a), look())
    holds(f"{name}: b's claim", console.claim(eni_b, "10.0.0.12") == "believed")
    holds(f"{name}: bound to b", (look()["InstanceId"], look()["NetworkInterfaceId"]) == (b, eni_b), look())
    holds(f"{name}: flushed", not look()["FlushedTime"].startswith("0000"), look())
    call("ModifyHaVipAttribute", HaVipId=havip, HaVipName="renamed")
    holds(f"{name}: renamed", look()["HaVipName"] == "renamed", look())

    allocated = call("AllocateAddresses", AddressCount=1)
    done = call("DescribeTaskResult", TaskId=int(allocated["TaskId"]))
    holds(f"{name}: allocated", done["Result"] == "SUCCESS", done)
    eip = call("DescribeAddresses", AddressIds=allocated["AddressSet"])["AddressSet"][0]
    task = call("HaVipAssociateAddressIp", HaVipId=havip, AddressIp=eip["AddressIp"])["RequestId"]
    holds(f"{name}: task", call("DescribeVpcTaskResult", TaskId=task)["Status"] == "SUCCESS")
    holds(f"{name}: EIP bound", look()["AddressIp"] == eip["AddressIp"], look())
    eip = call("DescribeAddresses", AddressIds=allocated["AddressSet"])["AddressSet"][0]
    shown = (eip["AddressStatus"], eip["InstanceType"], eip["InstanceId"], eip["PrivateAddressIp"])
    holds(f"{name}: the EIP's side", shown == ("BIND", "HAVIP", havip, "10.0.0.12"), eip)
    holds(f"{name}: no release with an EIP", call.code("DeleteHaVip", HaVipId=havip) == "UnsupportedOperation")
    call("HaVipDisassociateAddressIp", HaVipId=havip)

    member = {"HaVipId": havip, "InstanceId": a, "InstanceType": "CVM"}
    call("AssociateHaVipInstance", HaVipAssociationSet=[member])
    holds(f"{name}: in range", look()["HaVipAssociationSet"] == [member], look())
    call("DisassociateHaVipInstance", HaVipAssociationSet=[member])
    call("ReleaseAddresses", AddressIds=allocated["AddressSet"])
    call("DeleteHaVip", HaVipId=havip)
    holds(f"{name}: released", call("DescribeHaVips", HaVipIds=[havip])["TotalCount"] == 0)


def interface(console, call, name):
    """A second interface, attached, claiming, kept by a drift range, detached."""
    vpc, subnet = network(call)
    made = console.control("instances", Region=REGION, VpcId=vpc, SubnetId=subnet, InstanceName="m")
    cvm = made["InstanceId"]
    eni = call("CreateNetworkInterface", VpcId=vpc, SubnetId=subnet, NetworkInterfaceName="eth1",
               PrivateIpAddresses=[{"PrivateIpAddress": "10.0.0.50", "Primary": True}])["NetworkInterface"]
    holds(f"{name}: made", eni["State"] == "AVAILABLE" and eni["Attachment"] is None, eni)
    eni = eni["NetworkInterfaceId"]
    call("AttachNetworkInterface", NetworkInterfaceId=eni, InstanceId=cvm)
    shown = call("DescribeNetworkInterfaces", NetworkInterfaceIds=[eni])["NetworkInterfaceSet"][0]
    holds(f"{name}: attached", shown["Attachment"]["InstanceId"] == cvm and shown["NetworkInterfaceState"] == "INUSE")
    member = {"InstanceId": eni, "InstanceType": "ENI"}
    havip = call("CreateHaVip", VpcId=vpc, SubnetId=subnet, HaVipName="h", Vip="10.0.0.60", CheckAssociate=True,
                 HaVipAssociationSet=[member])["HaVip"]["HaVipId"]
    holds(f"{name}: outside the range", console.claim(made["NetworkInterfaceId"], "10.0.0.60") == "refused")
    holds(f"{name}: inside the range", console.claim(eni, "10.0.0.60") == "believed")
    code = call.code("DetachNetworkInterface", NetworkInterfaceId=eni, InstanceId=cvm)
    holds(f"{name}: in a range", code == "UnsupportedOperation.InstanceAssociateHavip", code)
    call("DisassociateHaVipInstance", HaVipAssociationSet=[{**member, "HaVipId": havip}])
    call("DetachNetworkInterface", NetworkInterfaceId=eni, InstanceId=cvm)
    shown = call("DescribeHaVips", HaVipIds=[havip])["HaVipSet"][0]
    holds(f"{name}: unbound with it", shown["State"] == "UNBIND" and shown["InstanceId"] == "", shown)
    call("DeleteNetworkInterface", NetworkInterfaceId=eni)
    call("DeleteHaVip", HaVipId=havip)
    console.control("instances/terminate", Region=REGION, InstanceId=cvm)
    call("DeleteSubnet", SubnetId=subnet)
    call("DeleteVpc", VpcId=vpc)


def refused(call, name, cases):
    """Each case is refused, by the client's own exception, with the code that it should have."""
    # tccli takes a second to start: two at a time.
    with concurrent.futures.ThreadPoolExecutor(1 if isinstance(call, Sdk) else 2) as pool:
        codes = list(pool.map(lambda case: call.code(case[0], **case[1]), cases))
    for (action, parameters, expected), code in zip(cases, codes):
        holds(f"{name}: {action} {str(parameters)[:200]} is refused with {expected}", code == expected, code)


def refusals(console, call, name):
    """Every refusal that the actions have."""
    vpc, subnet = network(call)
    new = {"VpcId": vpc, "SubnetId": subnet, "HaVipName": "h"}
    havip = call("CreateHaVip", **new, Vip="10.0.0.12", ClientToken="once")["HaVip"]["HaVipId"]
    interface = {"VpcId": vpc, "SubnetId": subnet, "NetworkInterfaceName": "e"}
    own = [{"PrivateIpAddress": "10.0.0.50", "Primary": True}]
    eni = call("CreateNetworkInterface", **interface, PrivateIpAddresses=own, ClientToken="once")
    eni = eni["NetworkInterface"]["NetworkInterfaceId"]
    eips = call("AllocateAddresses", AddressCount=2)["AddressSet"]
    addresses = [one["AddressIp"] for one in call("DescribeAddresses", AddressIds=eips)["AddressSet"]]
    nobody = {"HaVipId": havip, "InstanceId": "eni-00000000", "InstanceType": "ENI"}
    pair = {**nobody, "InstanceId": eni}
    value = "InvalidParameterValue."
    refused(call, name, [
        ("CreateHaVip", {**new, "Vip": "10.0.9.9"}, value + "Range"),
        ("CreateHaVip", {**new, "Vip": "10.0.0.0"}, value + "Reserved"),
        ("CreateHaVip", {**new, "Vip": "10.0.0.1"}, value + "Reserved"),
        ("CreateHaVip", {**new, "Vip": "10.0.0.255"}, value + "Reserved"),
        ("CreateHaVip", {**new, "Vip": "10.0.0.12"}, "ResourceInUse"),
        ("CreateHaVip", {**new, "Vip": "10.0.0.50"}, "ResourceInUse"),
        ("CreateHaVip", {**new, "Vip": "10.0.0.300"}, value + "Malformed"),
        ("CreateHaVip", {**new, "VpcId": "nonsense"}, value + "Malformed"),
        ("CreateHaVip", {**new, "HaVipName": "x" * 61}, value + "TooLong"),
        ("CreateHaVip", {**new, "VpcId": "vpc-00000000"}, "ResourceNotFound"),
        ("CreateHaVip", {**new, "SubnetId": "subnet-00000000"}, "ResourceNotFound"),
        ("CreateHaVip", {**new, "HaVipAssociationSet": [{"InstanceId": eni}, {"InstanceId": eni}]},
         value + "Duplicate"),
        ("CreateHaVip", {**new, "Vip": "10.0.0.13", "ClientToken": "once"},
         "UnsupportedOperation.IdempotentParameterMismatch"),
        ("CreateNetworkInterface", {**interface, "ClientToken": "once"},
         "UnsupportedOperation.IdempotentParameterMismatch"),
        ("DescribeHaVips", {"HaVipIds": [havip] * 101}, value + "LimitExceeded"),
        ("DescribeHaVips", {"Limit": 0}, value + "Range"),
        ("DescribeHaVips", {"Limit": 101}, value + "Range"),
        ("DescribeHaVips", {"HaVipIds": [havip], "Filters": [{"Name": "vip", "Values": ["x"]}]},
         "InvalidParameter.Coexist"),
        ("DescribeHaVips", {"Filters": [{"Name": "nonsense", "Values": ["x"]}]}, "InvalidParameter.FilterInvalidKey"),
        ("ModifyHaVipAttribute", {"HaVipId": havip, "HaVipName": "x" * 61}, value + "TooLong"),
        ("ModifyHaVipAttribute", {"HaVipId": "havip-00000000", "HaVipName": "x"}, "ResourceNotFound"),
        ("DeleteHaVip", {"HaVipId": "havip-00000000"}, "ResourceNotFound"),
        ("DeleteHaVip", {"HaVipId": "nonsense"}, value + "Malformed"),
        ("HaVipDisassociateAddressIp", {"HaVipId": havip}, "UnsupportedOperation.UnbindEIP"),
        ("HaVipAssociateAddressIp", {"HaVipId": havip, "AddressIp": "nonsense"}, value + "Malformed"),
        ("HaVipAssociateAddressIp", {"HaVipId": havip, "AddressIp": "192.0.2.1"}, "ResourceNotFound"),
        ("AssociateHaVipInstance", {"HaVipAssociationSet": [nobody]}, "ResourceNotFound"),
        ("AssociateHaVipInstance", {"HaVipAssociationSet": [{**nobody, "InstanceType": "CVM"}]},
         value + "ParameterMismatch"),
        ("AssociateHaVipInstance", {"HaVipAssociationSet": [pair, pair]}, value + "Duplicate"),
        ("DisassociateHaVipInstance", {"HaVipAssociationSet": [pair]}, "ResourceNotFound"),
        ("AttachNetworkInterface", {"NetworkInterfaceId": eni, "InstanceId": "ins-00000000"}, "ResourceNotFound"),
        ("DeleteSubnet", {"SubnetId": subnet}, "ResourceInUse"),
        ("DeleteVpc", {"VpcId": vpc}, "ResourceInUse"),
    ])
    call("AssociateHaVipInstance", HaVipAssociationSet=[pair])
    call("HaVipAssociateAddressIp", HaVipId=havip, AddressIp=addresses[0])
    # A subnet of 5 addresses, all of one interface.
    small = call("CreateSubnet", VpcId=vpc, SubnetName="t", Zone=REGION + "-3", CidrBlock="10.0.1.0/29")
    small = {"VpcId": vpc, "SubnetId": small["Subnet"]["SubnetId"]}
    call("CreateNetworkInterface", **small, NetworkInterfaceName="f", SecondaryPrivateIpAddressCount=4)
    refused(call, name, [
        ("AssociateHaVipInstance", {"HaVipAssociationSet": [pair]}, value + "DuplicatedHaVipAssociations"),
        ("HaVipAssociateAddressIp", {"HaVipId": havip, "AddressIp": addresses[1]}, "UnsupportedOperation.BindEIP"),
        ("DeleteHaVip", {"HaVipId": havip}, "UnsupportedOperation"),
        ("ReleaseAddresses", {"AddressIds": eips[:1]}, "InvalidAddressIdStatus.NotPermit"),
        ("CreateHaVip", {**small, "HaVipName": "h"}, "ResourceInsufficient"),
        ("CreateNetworkInterface", {**small, "NetworkInterfaceName": "e"}, "ResourceInsufficient"),
    ])
    console.control("limits", **{"vpc-max-havips": 1})
    refused(call, name, [("CreateHaVip", new, "LimitExceeded")])
    console.control("limits", **{"vpc-max-havips": 10})


def busy(client, name):
    """A task that runs keeps its object to itself."""
    console = Console("--task-delay", "60000")  # longer than any client takes to ask
    call = client(console)
    vpc, subnet = network(call)
    havip = call("CreateHaVip", VpcId=vpc, SubnetId=subnet, HaVipName="h")["HaVip"]["HaVipId"]
    task = call("DeleteHaVip", HaVipId=havip)["RequestId"]
    holds(f"{name}: running", call("DescribeVpcTaskResult", TaskId=task)["Status"] == "RUNNING")
    mutex = "UnsupportedOperation.MutexOperationTaskRunning"
    refused(call, name, [
        ("DeleteHaVip", {"HaVipId": havip}, mutex),
        ("ModifyHaVipAttribute", {"HaVipId": havip, "HaVipName": "x"}, mutex),
    ])
    console.stop()


def readme(console):
    """The lines that README.md shows, as they stand there."""
    found = re.search(r"```sh\n(cloud\(\) .*?)```", open("README.md").read(), re.S)
    lines = found[1].replace("127.0.0.1:8120", console.address)
    with tempfile.TemporaryDirectory() as home:
        path = os.path.dirname(sys.executable) + ":" + os.environ["PATH"]
        env = {**os.environ, **console.keys, "HOME": home, "PATH": path}
        done = subprocess.run(["bash", "-euo", "pipefail", "-c", lines], env=env, text=True, capture_output=True)
    holds("README's lines", done.returncode == 0 and '"State": "UNBIND"' in done.stdout, done.stdout + done.stderr)
    holds("README's lines are ten", found[1].count("\n") == 10)


# What the vendor's gateway answers for every service: its list of common error codes, which no service's list repeats.
GATEWAY = {
    "AuthFailure.InvalidAuthorization", "AuthFailure.InvalidSecretId", "AuthFailure.SecretIdNotFound",
    "AuthFailure.SignatureExpire", "AuthFailure.SignatureFailure", "AuthFailure.TokenFailure",
    "AuthFailure.UnauthorizedOperation", "InvalidAction", "InvalidRequest", "NoSuchVersion",
    "RequestSizeLimitExceeded", "UnsupportedProtocol", "UnsupportedRegion",
}


def known_codes():
    """Every code that the server gives is one that the SDK's list has, or one of the gateway's."""
    known = {value for name, value in vars(errorcodes).items() if isinstance(value, str)}
    model = open("sim/src/cloud/model/error.rs").read()
    ours = set(re.findall(r'^    [A-Z_]+ "([\w.]+)"', model, re.M))
    holds("the model's codes are found", len(ours) > 30)
    console = "".join(path.read_text() for path in pathlib.Path("sim/console/src").rglob("*.rs"))
    there = re.findall(r'Fault::new\(\s*"([\w.]+)"', console)
    # Every other error is a refusal of the model.
    holds("the gateway's codes are found", GATEWAY <= set(there) | ours, GATEWAY - set(there))
    ours |= set(there)
    holds("known codes", not ours - known - GATEWAY, ours - known - GATEWAY)


def known_fields():
    """Every parameter that the SDK knows of an action is in the server's table, those of its objects too."""
    table = subprocess.run([SERVER, "api"], text=True, capture_output=True, check=True).stdout
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in table.splitlines() if line.startswith("| ")]
    for action, version, takes, without_effect, _ in rows[1:]:
        if version != "2017-03-12":
            continue
        ours = set(parameters(takes) + parameters(without_effect))
        asked = sdk_parameters(action + "Request")
        holds(f"{action}'s parameters", asked and not asked - ours, asked - ours)


def parameters(text, path=""):
    """`Id* Filters[]{Name* Values[]*}`: Id, Filters, Filters.Name, Filters.Values."""
    names, depth, inner, name = [], 0, "", ""
    for letter in text + " ":
        depth += (letter == "{") - (letter == "}")
        if depth or letter == "}":
            inner += letter
        elif letter != " ":
            name += letter
        elif name:
            bare = path + name.rstrip("*").removesuffix("[]")
            names += [bare, *parameters(inner.strip("{}"), bare + ".")] if inner else [bare]
            name = inner = ""
    return names


def sdk_parameters(model, path=""):
    """The same of a model of the SDK; what it is made of stands in its documentation."""
    shape = getattr(models, model)
    text = inspect.getsource(shape.__init__)
    found = set()
    for name in (one[1:] for one in vars(shape())):
        found.add(path + name)
        kind = re.search(rf":type {name}: (.*)", text)[1]
        inner = re.search(r"models\.(\w+)`", kind) or re.search(r"list of (?!str|int|bool|float)(\w+)", kind)
        if inner:
            found |= sdk_parameters(inner[1], f"{path}{name}.")
    return found


def main():
    known_codes()
    known_fields()
    console = Console("--no-rate-limit", "--signature", "lenient")
    endpoint = console.address
    for name, method in (("SDK", "POST"), ("SDK by GET", "GET")):
        call = Sdk(console, endpoint, method)
        life(console, call, name)
        interface(console, call, name)
        refusals(console, call, name)
        console.control("reset")
    os.environ["HTTP_PROXY"] = "http://" + endpoint
    life(console, Sdk(console, "vpc.tencentcloudapi.com"), "SDK at its own host, by a proxy")
    del os.environ["HTTP_PROXY"]
    code = Sdk(console, endpoint, secret="wrong").code("DescribeHaVips")
    holds("SDK: a wrong key", code == "AuthFailure.SignatureFailure", code)
    busy(lambda console: Sdk(console, console.address), "SDK")
    sdk = passed
    print(f"the Python SDK: {sdk} assertions hold")
    console.control("reset")
    call = Tccli(console)
    life(console, call, "tccli")
    interface(console, call, "tccli")
    refusals(console, call, "tccli")
    busy(Tccli, "tccli")
    code = Tccli(console, secret="wrong").code("DescribeHaVips")
    holds("tccli: a wrong key", code == "AuthFailure.SignatureFailure", code)
    readme(console)
    print(f"tccli: {passed - sdk} assertions hold")
    console.stop()


main()
