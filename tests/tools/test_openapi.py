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
OPERATIONS = (
    *(f"GET {path}" for path in ("/v1/health", "/v1/models", "/capabilities")),
    *(f"POST /v1/{name}" for name in ("motions", "motions/rounds", "edits", "captions", "corrections", "scores")),
    *(f"POST {path}" for path in ("/v1/conversions", "/v1/search", "/generate")),
)


@pytest.fixture(scope="module")
def document(serving, tmp_path_factory):
    from dimo.serve.app import create_app
    from dimo.serve.limits import Limits
    from dimo.serve.service import Service

    model, library = DiMo.debug(), tmp_path_factory.mktemp("library")
    model.sample(1, seed=0)[0].save(library / "one.npz")
    limits = Limits(seconds=5, samples=2, parts=3)
    with serving(create_app(Service(model, limits, library))) as address:
        yield schemathesis.openapi.from_url(f"{address}/openapi.json")


def test_every_operation_is_tried(document):
    told = {f"{one.ok().method.upper()} {one.ok().path}" for one in document.get_all_operations()}
    assert told == set(OPERATIONS)


@pytest.mark.parametrize("operation", OPERATIONS)
def test_every_answer_is_one_of_the_document(document, operation):
    from schemathesis.checks import not_a_server_error
    from schemathesis.specs.openapi.checks import (
        content_type_conformance,
        response_schema_conformance,
        status_code_conformance,
    )

    checks = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
    method, path = operation.split()

    @hypothesis.given(case=document[path][method].as_strategy())
    @hypothesis.settings(
        max_examples=CASES, deadline=None, suppress_health_check=list(hypothesis.HealthCheck), derandomize=True
    )
    def tried(case):
        case.call_and_validate(checks=checks)

    tried()
