"""Checks of Schemathesis that know the contract: schemathesis.sh names this file."""

from urllib.parse import urlencode

import schemathesis
from schemathesis.core.parameters import ParameterLocation
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi.checks import content_type_conformance

# Why a request that the description calls valid may still be malformed: rules
# between two parts of a request, and values that only the data can judge. Anything
# else that is malformed belongs into the description.
BEYOND_A_SCHEMA = (
    "asks for another version than the body's expectedVersion",
    "must not be given together with If-Match",
    "must not be given together with after: the past does not change",
    "names a version that the stream does not have",
    "is not a cursor of this query",
    "after ~ must be the base64url",
)


# In bytes. The gateway refuses longer heads by itself (431), before the API.
LONGEST_QUERY = 8000


@schemathesis.hook
def filter_query(ctx, query):
    return not query or len(urlencode(query, doseq=True)) <= LONGEST_QUERY


def answered_by_the_gateway(response):
    """Whether a path did not reach the API, since it can't be decoded twice. The gateway of an
    HTTP API answers it, in a form of its own (docs/http.md). Links lead here, which take an id
    with a percent sign as it is; the id's other form, behind ~, would not."""
    return response.status_code == 400 and response.content.strip() == b'{"message":"Bad Request"}'


def reasons(problem):
    return [e["message"] for e in problem.get("errors", [])] or [str(problem.get("detail", problem))]


def positive(case):
    """Whether the request is valid by the description. Schemathesis says so also of
    one with a number in place of a header whose pattern has quotes, as If-Match's."""
    if case.meta is None or case.meta.generation.mode is not GenerationMode.POSITIVE:
        return False
    headers = case.meta.raw_containers.get(ParameterLocation.HEADER) or {}
    return all(isinstance(value, str) for value in headers.values())


@schemathesis.check
def content_type_is_described(ctx, response, case):
    """In place of content_type_conformance, for what the API answers."""
    if answered_by_the_gateway(response):
        return
    content_type_conformance(ctx, response, case)


@schemathesis.check
def valid_is_not_malformed(ctx, response, case):
    """In place of positive_data_acceptance: whether a command is accepted is the domain's to say."""
    if response.status_code != 400 or answered_by_the_gateway(response) or not positive(case):
        return
    problem = response.json()
    if problem.get("code") == "no-index":  # which queries are served is told in words
        return
    beyond = BEYOND_A_SCHEMA
    if any(str(value).startswith("~") for value in (case.path_parameters or {}).values()):
        beyond += ("must not hold control characters",)  # what it encodes holds them
    unknown = [r for r in reasons(problem) if not r.startswith(beyond)]
    if unknown:
        raise AssertionError(f"valid by the description, yet malformed: {unknown}")


@schemathesis.check
def batch_results_match(ctx, response, case):
    """A batch has a result for each of its commands, of which a valid one is not malformed."""
    if response.status_code not in (202, 207) or not isinstance(case.body, list):
        return
    results = response.json()
    if len(results) != len(case.body):
        raise AssertionError(f"{len(case.body)} commands, {len(results)} results")
    if not positive(case):
        return
    for result in results:
        problem = result.get("problem")
        if problem and problem["code"] == "malformed":
            raise AssertionError(f"valid by the description, yet malformed: {reasons(problem)}")
