"""What Envoy says of calls that it holds back, and what makes it do so."""

import base64
from pathlib import Path
from string import Template
from typing import Any

import grpc
import pytest
import yaml  # Patroni brings it
from google.rpc import error_details_pb2, status_pb2

from deploy import cluster_parts
from deploy.cluster_parts import Envoy

CONFIGURATION = Path(__file__).parents[2] / "deploy/configuration/envoy.yaml"
PLACES = {"admin_port": "1", "listen_host": "h", "listen_port": "2", "endpoints": "[]"}


@pytest.fixture(scope="module")
def http() -> dict[str, Any]:
    text = Template(CONFIGURATION.read_text()).substitute(PLACES)
    (listener,) = yaml.safe_load(text)["static_resources"]["listeners"]
    found: dict[str, Any] = listener["filter_chains"][0]["filters"][0]["typed_config"]
    return found


def test_it_says_why_and_when_to_come_again(http: dict[str, Any]):
    (mapper,) = http["local_reply_config"]["mappers"]
    header = mapper["headers_to_add"][0]["header"]
    assert header["key"] == "grpc-status-details-bin"
    value = header["value"] + "=" * (-len(header["value"]) % 4)
    status = status_pb2.Status.FromString(base64.b64decode(value))
    info, retry = error_details_pb2.ErrorInfo(), error_details_pb2.RetryInfo()
    assert status.details[0].Unpack(info)
    assert status.details[1].Unpack(retry)
    assert (info.reason, info.domain) == ("OVERLOADED", "opencif")
    assert retry.retry_delay.ToMilliseconds() == 200


def test_only_what_tells_of_an_overload_makes_it_hold_calls_back(http: dict[str, Any]):
    """Were UNAVAILABLE among it, the loss of the primary would stop reads."""
    control = http["http_filters"][0]["typed_config"]
    good = set(control["success_criteria"]["grpc_criteria"]["grpc_success_status"])
    assert {code.value[0] for code in grpc.StatusCode} - good == {
        grpc.StatusCode.RESOURCE_EXHAUSTED.value[0]
    }


def host(port: int, **health: bool | str) -> dict[str, Any]:
    """A worker as `/clusters?format=json` tells of it."""
    place = {"address": "127.0.0.1", "port_value": port}
    return {"address": {"socket_address": place}, "health_status": health}


def test_whom_it_leaves_out_is_known(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    hosts = [
        host(1, eds_health_status="HEALTHY"),
        host(2, failed_active_health_check=True),
        host(3, failed_outlier_check=True),
        host(4, failed_active_health_check=False),
    ]
    told: dict[str, Any] = {"cluster_statuses": [{"name": "opencif", "host_statuses": hosts}]}
    monkeypatch.setattr(cluster_parts, "asked", lambda _: told)
    envoy = Envoy(tmp_path)
    assert envoy.left_out == ["127.0.0.1:2", "127.0.0.1:3"]
    told.clear()
    assert envoy.left_out == []
