"""What every gRPC tool expects of a service: the health protocol and server reflection."""

from __future__ import annotations

import grpc
import pytest
from google.protobuf.descriptor_pool import DescriptorPool
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import ProtoReflectionDescriptorDatabase

SERVICES = [
    "cordon.v1.ClassifierService",
    "cordon.v1.DispatcherService",
    "cordon.v1.AuditService",
    "cordon.v1.AdminService",
]
SERVING = health_pb2.HealthCheckResponse.SERVING


@pytest.mark.parametrize("name", ["", *SERVICES])
def test_check_says_serving(channel: grpc.Channel, name: str) -> None:
    health = health_pb2_grpc.HealthStub(channel)
    assert health.Check(health_pb2.HealthCheckRequest(service=name), timeout=10).status == SERVING


def test_check_of_an_unknown_service_is_not_found(channel: grpc.Channel) -> None:
    health = health_pb2_grpc.HealthStub(channel)
    with pytest.raises(grpc.RpcError) as error:
        health.Check(health_pb2.HealthCheckRequest(service="cordon.v1.Nothing"), timeout=10)
    assert error.value.code() == grpc.StatusCode.NOT_FOUND


def test_watch_starts_with_the_state(channel: grpc.Channel) -> None:
    health = health_pb2_grpc.HealthStub(channel)
    watch = health.Watch(health_pb2.HealthCheckRequest(service=""), timeout=10)
    assert next(iter(watch)).status == SERVING
    watch.cancel()


def test_reflection_lists_the_services_and_describes_them(channel: grpc.Channel) -> None:
    database = ProtoReflectionDescriptorDatabase(channel)
    listed = set(database.get_services())
    assert {*SERVICES, "grpc.health.v1.Health"} <= listed
    pool = DescriptorPool(database)
    methods = {method.name for method in pool.FindServiceByName("cordon.v1.DispatcherService").methods}
    assert {"Dispatch", "DispatchStream"} <= methods
    levels = pool.FindEnumTypeByName("cordon.v1.Sensitivity").values_by_name
    assert levels["SENSITIVITY_CONFIDENTIAL"].number == 30
