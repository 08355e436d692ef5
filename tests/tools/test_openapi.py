"""The HTTP interface as schemathesis tries it, by its own document: whatever is sent, the answer is one that the document names.

It also thinks that all that fits the schemas must be done, and calls 0 seconds that are refused a failure: that is left out.
"""

import os

import hypothesis
import pytest

from dimo import DiMo

pytestmark = pytest.mark.tools
schemathesis = pytest.importorskip("schemathesis")
CASES = int(os.environ.get("DIMO_CASES", "30"))


@pytest.fixture(scope="module")
def document(serving):
    from dimo.serve.app import create_app
    from dimo.serve.limits import Limits
    from dimo.serve.service import Service

    limits = Limits(seconds=5, samples=2, parts=3)
    with serving(create_app(Service(DiMo.debug(), limits))) as address:
        yield schemathesis.openapi.from_url(f"{address}/openapi.json")


schema = schemathesis.pytest.from_fixture("document")


@schema.parametrize()
@hypothesis.settings(
    max_examples=CASES, deadline=None, suppress_health_check=list(hypothesis.HealthCheck), derandomize=True
)
def test_every_answer_is_one_of_the_document(case):
    from schemathesis.checks import not_a_server_error
    from schemathesis.specs.openapi.checks import (
        content_type_conformance,
        response_schema_conformance,
        status_code_conformance,
    )

    checks = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
    case.call_and_validate(checks=checks)
