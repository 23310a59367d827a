"""The production stack with every part that a configuration can declare: what holds there holds for less."""

from typing import Any, Final

REGISTRY: Final = "123456789012.dkr.ecr.eu-west-1.amazonaws.com"

PUBLIC_KEY: Final = """\
-----BEGIN PUBLIC KEY-----
MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAvZ7J7NndGGgcsEYy9a5C
IMDUvcYJ3aD3MNBEVRu7vnwSymhNGB6qXOO/HFlrT2aZMkEI1rS8RWTW5X7nPAze
SPsPswOJqMIXOczx/GVVuvEV/NHekHfREHpwEcdDMxmipvp5mlmPkCVxt7Da4fy4
NxT60tYJgbd2Mk56PBXbK/ggXx2/Rcbeyci1bofrZdssCS1tT6W9hZMAIQgX+BKd
q9ssew/2wiit6TD5Ob3y+befFu8T2RlOw36ZvA/lJ/vVmwxrTcbwn6iWMJPa7ZOh
5vwzqvaRniaYVm542PAUq3JUS+j6soEb2PR2bBMfGVMdbNq2bJbj7RCOCR/QUAAl
9QIDAQAB
-----END PUBLIC KEY-----
"""
"""Of a pair whose other half is nowhere: it signs nothing."""

EVERYTHING: Final[dict[str, Any]] = {
    "hosts": {
        "upload": {"image": f"{REGISTRY}/darkroom-upload@sha256:{'1' * 64}"},
        "processing": {"image": f"{REGISTRY}/darkroom-processing@sha256:{'2' * 64}"},
    },
    "balancer": {"domain": "pictures.example.com", "hosted_zone_id": "Z0123456789ABCDEFGHIJ"},
    "delivery": {"public_keys": {"first": PUBLIC_KEY}},
    "alarms": {"emails": ["on-call@example.com"]},
    "permissions_boundary": "arn:aws:iam::123456789012:policy/darkroom-boundary",
}
"""Laid over what Pulumi.prod.yaml says."""
