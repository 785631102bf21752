"""Items say which app and which instance they are from."""

from __future__ import annotations

import socket

import pytest
from opentelemetry.sdk.resources import Resource

from ext_opentelemetry.resource import resource_of, tags_of


def test_on_azure_the_role_is_the_sites_name(monkeypatch: pytest.MonkeyPatch):
    """As in the host's own telemetry."""
    monkeypatch.setenv("WEBSITE_SITE_NAME", "shop-prod")
    monkeypatch.setenv("WEBSITE_INSTANCE_ID", "i1")
    monkeypatch.setenv("REGION_NAME", "West Europe")
    resource = resource_of(None)

    assert resource.attributes["service.name"] == "shop-prod"
    assert resource.attributes["cloud.region"] == "West Europe"
    assert tags_of(resource)["ai.cloud.role"] == "shop-prod"


@pytest.mark.parametrize(
    ("root", "name"),
    [
        ("/home/you/shop", "shop"),
        ("/home/you/shop/", "shop"),
        ("/home/site/wwwroot", "unknown_service"),
        ("", "unknown_service"),
    ],
)
def test_on_a_developers_machine_the_role_is_the_apps_folder(monkeypatch: pytest.MonkeyPatch, root: str, name: str):
    """Not so in an image, where every app's folder is wwwroot."""
    monkeypatch.setenv("AzureWebJobsScriptRoot", root)

    assert tags_of(resource_of(None))["ai.cloud.role"].partition(":")[0] == name


def test_what_the_app_says_wins(monkeypatch: pytest.MonkeyPatch):
    """Code over OTEL_ variables over the platform."""
    monkeypatch.setenv("WEBSITE_SITE_NAME", "shop-prod")
    monkeypatch.setenv("OTEL_SERVICE_NAME", "named")
    assert resource_of(None).attributes["service.name"] == "named"
    assert resource_of({"service.name": "coded"}).attributes["service.name"] == "coded"


@pytest.mark.parametrize(
    ("attributes", "role", "instance"),
    [
        ({"service.name": "a", "service.instance.id": "i"}, "a", "i"),
        ({"service.name": "a", "service.namespace": "ns", "k8s.pod.name": "pod"}, "ns.a", "pod"),
        ({"service.name": "unknown_service:python", "k8s.deployment.name": "deployed"}, "deployed", None),
        ({"service.name": "unknown_service", "service.namespace": "ns"}, "ns.unknown_service", None),
        ({}, None, None),
    ],
)
def test_role_and_instance_come_from_the_resource(attributes: dict, role: str | None, instance: str | None):
    """As Microsoft's exporter reads it; the instance is the machine's name if nothing else is known."""
    tags = tags_of(Resource(attributes))

    assert tags.get("ai.cloud.role") == role
    assert tags["ai.cloud.roleInstance"] == tags["ai.internal.nodeName"] == (instance or socket.gethostname())


def test_an_unnamed_service_on_azure_has_the_sites_name(monkeypatch: pytest.MonkeyPatch):
    """Also with a provider that the app made."""
    monkeypatch.setenv("WEBSITE_SITE_NAME", "shop-prod")

    assert tags_of(Resource({"service.name": "unknown_service"}))["ai.cloud.role"] == "shop-prod"


def test_versions_are_told():
    """The app's, and ours in the service's grammar."""
    tags = tags_of(Resource({"service.version": "1.2"}))

    assert tags["ai.application.ver"] == "1.2"
    assert tags["ai.internal.sdkVersion"].partition(":")[0] == "azfuncext"
