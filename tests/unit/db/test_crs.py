"""Coordinate reference systems: names, axis order, and the way into storage."""

import numpy as np
import pytest

from shanhai.db.features.crs import (
    CRS84,
    crs_uris,
    digits_of,
    edges_of,
    geometry_in,
    mercator_degrees,
    parse_crs,
    storage_crs,
    to_storage,
)

EPSG = "http://www.opengis.net/def/crs/EPSG/0"


def test_the_list_has_every_zone_once_and_the_default_first() -> None:
    uris = crs_uris()
    assert uris[0] == CRS84.uri
    assert len(uris) == len(set(uris)) == 4 + 21 + 21
    assert storage_crs().uri == f"{EPSG}/4490"


@pytest.mark.parametrize(
    ("name", "srid", "flipped"),
    [
        (CRS84.uri, 4490, False),
        ("[OGC:CRS84]", 4490, False),
        (f"{EPSG}/4490", 4490, True),
        ("[EPSG:4326]", 4326, True),
        (f"{EPSG}/3857", 3857, False),
        (f"{EPSG}/4548", 4548, True),
        ("[EPSG:4527]", 4527, True),
    ],
)
def test_names_and_axis_order(name: str, srid: int, flipped: bool) -> None:
    crs = parse_crs(name)
    assert (crs.srid, crs.flipped) == (srid, flipped)


@pytest.mark.parametrize("name", ["", "EPSG:4490", f"{EPSG}/4555", "[EPSG:2385]", f"{CRS84.uri}/"])
def test_other_names_are_refused(name: str) -> None:
    with pytest.raises(ValueError, match="4490"):
        parse_crs(name)


def test_coordinates_come_into_storage() -> None:
    place = np.array([[118.1, 24.5]])
    assert np.array_equal(to_storage(CRS84, place), place)
    assert np.array_equal(to_storage(parse_crs("[EPSG:4326]"), place[:, ::-1]), place)
    # Five hundred kilometres east is the central meridian by definition, with or without the zone.
    for name, easting in (("[EPSG:4548]", 500_000.0), ("[EPSG:4527]", 39_500_000.0)):
        found = to_storage(parse_crs(name), np.array([[2_700_000.0, easting]]))
        assert found[0, 0] == pytest.approx(117.0, abs=1e-9)
        assert 24.0 < found[0, 1] < 25.0


@pytest.mark.parametrize("written", [[np.inf, 0.0], [1e9, 1e9], [2.7e6, 5e8]])
def test_places_beyond_a_projection_are_refused(written: list[float]) -> None:
    with pytest.raises(ValueError, match="coordinates"):
        to_storage(parse_crs("[EPSG:4548]"), np.array([written]))


def test_edges_of_a_box_are_followed() -> None:
    ring = edges_of(parse_crs("[EPSG:4548]"), (2.7e6, 6.0e5), (2.8e6, 7.0e5))
    assert np.array_equal(ring[0], ring[-1])
    assert len(ring) > 50
    west = ring[:, 0].min()
    corners = to_storage(parse_crs("[EPSG:4548]"), np.array([[2.7e6, 6.0e5], [2.8e6, 6.0e5]]))
    assert west < corners[1, 0] + 1e-12
    assert not np.isclose(corners[0, 0], corners[1, 0])


def test_mercator_ends_at_the_edge_of_the_map() -> None:
    assert mercator_degrees(20_037_508.342789244, 0.0) == pytest.approx((180.0, 0.0))
    assert mercator_degrees(-1e30, 1e30) == pytest.approx((-180.0, 90.0))


def test_expressions_of_geometry() -> None:
    assert geometry_in("g", CRS84) == "g"
    assert geometry_in("g", parse_crs("[EPSG:4490]")) == "ST_FlipCoordinates(g)"
    assert geometry_in("g", parse_crs("[EPSG:3857]")) == "ST_Transform(ST_SetSRID(g, 4326), 3857)"
    flipped = geometry_in("g", parse_crs("[EPSG:4548]"))
    assert flipped == "ST_FlipCoordinates(ST_Transform(g, 4548))"
    assert (digits_of(CRS84), digits_of(parse_crs("[EPSG:4548]"))) == (7, 3)
