"""The conformance classes that tests of ours prove, and no others."""

P = "http://www.opengis.net/spec"
CONFORMS_TO: tuple[str, ...] = (
    f"{P}/ogcapi-common-1/1.0/conf/core",
    f"{P}/ogcapi-common-1/1.0/conf/landing-page",
    f"{P}/ogcapi-common-1/1.0/conf/json",
    f"{P}/ogcapi-common-1/1.0/conf/html",
    f"{P}/ogcapi-common-1/1.0/conf/oas30",
    f"{P}/ogcapi-common-2/1.0/conf/collections",
    f"{P}/ogcapi-features-1/1.0/conf/core",
    f"{P}/ogcapi-features-1/1.0/conf/geojson",
    f"{P}/ogcapi-features-1/1.0/conf/html",
    f"{P}/ogcapi-features-1/1.0/conf/oas30",
    f"{P}/ogcapi-features-2/1.0/conf/crs",
    f"{P}/ogcapi-features-3/1.0/conf/queryables",
    f"{P}/ogcapi-features-3/1.0/conf/queryables-query-parameters",
    f"{P}/ogcapi-features-3/1.0/conf/filter",
    f"{P}/ogcapi-features-3/1.0/conf/features-filter",
    f"{P}/cql2/1.0/conf/cql2-text",
    f"{P}/cql2/1.0/conf/cql2-json",
    f"{P}/cql2/1.0/conf/basic-cql2",
    f"{P}/cql2/1.0/conf/advanced-comparison-operators",
    f"{P}/cql2/1.0/conf/case-insensitive-comparison",
    f"{P}/cql2/1.0/conf/basic-spatial-functions",
    f"{P}/cql2/1.0/conf/basic-spatial-functions-plus",
    f"{P}/cql2/1.0/conf/spatial-functions",
    f"{P}/cql2/1.0/conf/temporal-functions",
    f"{P}/cql2/1.0/conf/property-property",
    f"{P}/cql2/1.0/conf/arithmetic",
    f"{P}/ogcapi-features-4/1.0/conf/create-replace-delete",
    f"{P}/ogcapi-features-4/1.0/conf/update",
    f"{P}/ogcapi-features-4/1.0/conf/features",
    f"{P}/ogcapi-features-5/1.0/conf/schemas",
    f"{P}/ogcapi-features-5/1.0/conf/core-roles-features",
    f"{P}/ogcapi-features-5/1.0/conf/returnables-and-receivables",
    f"{P}/ogcapi-features-5/1.0/conf/queryables",
    f"{P}/ogcapi-features-5/1.0/conf/sortables",
    f"{P}/ogcapi-processes-1/1.0/conf/core",
    f"{P}/ogcapi-processes-1/1.0/conf/json",
    f"{P}/ogcapi-processes-1/1.0/conf/html",
    f"{P}/ogcapi-processes-1/1.0/conf/oas30",
    f"{P}/ogcapi-processes-1/1.0/conf/ogc-process-description",
    f"{P}/ogcapi-processes-1/1.0/conf/job-list",
    f"{P}/ogcapi-processes-1/1.0/conf/dismiss",
)
CALLBACK = f"{P}/ogcapi-processes-1/1.0/conf/callback"
LOCKING = f"{P}/ogcapi-features-4/1.0/conf/optimistic-locking-etags"


def conforms_to(*, require_if_match: bool, callbacks: bool) -> list[str]:
    """The classes a service conforms to.

    Args:
        require_if_match: No write goes without `If-Match`, as locking asks for.
        callbacks: There are hosts that subscribers of jobs may be at.
    """
    return [
        *CONFORMS_TO,
        *([CALLBACK] if callbacks else []),
        *([LOCKING] if require_if_match else []),
    ]
