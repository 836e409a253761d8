"""The bill of materials: a CycloneDX file that says what is shipped, for machines to read."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from datetime import UTC, datetime

from cyclonedx.contrib.license.factories import LicenseFactory
from cyclonedx.model import ExternalReference, ExternalReferenceType, HashAlgorithm, HashType, XsUri
from cyclonedx.model.bom import Bom, BomMetaData
from cyclonedx.model.component import Component as Material
from cyclonedx.model.component import ComponentType
from cyclonedx.output import make_outputter
from cyclonedx.schema import OutputFormat, SchemaVersion
from packageurl import PackageURL

from product.components import Component
from product.layout import Layout

_NAMESPACE = uuid.UUID("8f6d6c2e-64b5-4c5b-9f0c-3f1f1f2f8a57")
_TYPES = {
    "package": ComponentType.LIBRARY,
    "library": ComponentType.LIBRARY,
    "interpreter": ComponentType.PLATFORM,
    "tool": ComponentType.APPLICATION,
}


def write_bill(
    layout: Layout, components: Iterable[Component], *, version: str, source_date: int
) -> None:
    """Write the bill of materials.

    Args:
        layout: where.
        components: everything that is not ours.
        version: our own.
        source_date: the time that the bill bears, in seconds since 1970.
    """
    shipped = sorted(components, key=lambda one: (one.name, one.kind))
    own = Material(
        type=ComponentType.APPLICATION,
        name="maskwright",
        version=version,
        bom_ref=f"maskwright@{version}",
        licenses=[LicenseFactory().make_from_string("Apache-2.0")],
    )
    materials = {one.name: _material(one) for one in shipped}
    bill = Bom(
        components=materials.values(),
        metadata=BomMetaData(component=own, timestamp=datetime.fromtimestamp(source_date, UTC)),
        serial_number=uuid.uuid5(_NAMESPACE, "\n".join([version, *map(_line, shipped)])),
    )
    bill.register_dependency(own, materials.values())
    for one in shipped:
        needed = [materials[name] for name in one.requires if name in materials]
        bill.register_dependency(materials[one.name], needed)
    writer = make_outputter(bill, OutputFormat.JSON, SchemaVersion.V1_6)
    text = writer.output_as_string(indent=2)
    layout.bill_of_materials.write_text(f"{text}\n", encoding="utf-8", newline="\n")


def _line(component: Component) -> str:
    return f"{component.kind} {component.package_url} {component.sha256}"


def _material(component: Component) -> Material:
    words = " ".join(component.licence.split())
    hashes = []
    if component.sha256 is not None:
        hashes.append(HashType(alg=HashAlgorithm.SHA_256, content=component.sha256))
    page = ExternalReference(
        type=ExternalReferenceType.WEBSITE, url=XsUri(component.homepage or "")
    )
    return Material(
        type=_TYPES[component.kind],
        name=component.name,
        version=component.version,
        bom_ref=component.package_url,
        purl=PackageURL.from_string(component.package_url),
        licenses=[LicenseFactory().make_from_string(words)],
        hashes=hashes,
        external_references=[page] if component.homepage else [],
    )
