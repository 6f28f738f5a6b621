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
    f"{P}/ogcapi-processes-1/1.0/conf/core",
    f"{P}/ogcapi-processes-1/1.0/conf/json",
    f"{P}/ogcapi-processes-1/1.0/conf/ogc-process-description",
    f"{P}/ogcapi-processes-1/1.0/conf/job-list",
    f"{P}/ogcapi-processes-1/1.0/conf/dismiss",
)
