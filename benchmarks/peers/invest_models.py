"""Run a model of InVEST by its own Python and tell the seconds: MODEL SMALL LARGE WORKSPACE.

The small inputs come first, so that nothing is loaded or set up while the large ones are timed.
"""

import importlib
import json
import logging
import shutil
import sys
import time
from pathlib import Path

MODELS = {
    "carbon": (
        "carbon",
        "c_storage_bas.tif",
        {"lulc_bas_path": "land_cover.tif", "carbon_pools_path": "carbon.csv"},
        {"calc_sequestration": False, "do_valuation": False},
    ),
    "annual_water_yield": (
        "annual_water_yield",
        "output/per_pixel/wyield.tif",
        {
            "lulc_path": "land_cover.tif",
            "depth_to_root_rest_layer_path": "soil_depth.tif",
            "precipitation_path": "rainfall.tif",
            "pawc_path": "available_water.tif",
            "eto_path": "reference_et.tif",
            "watersheds_path": "area.geojson",
            "biophysical_table_path": "water.csv",
        },
        {"seasonality_constant": 12},
    ),
    "soil_loss": (
        "sdr.sdr",
        "usle.tif",
        {
            "dem_path": "dem.tif",
            "erosivity_path": "rain_erosivity.tif",
            "erodibility_path": "soil_erodibility.tif",
            "lulc_path": "land_cover.tif",
            "watersheds_path": "area.geojson",
            "biophysical_table_path": "erosion.csv",
        },
        {
            "threshold_flow_accumulation": 1000,
            "k_param": 2,
            "sdr_max": 0.8,
            "ic_0_param": 0.5,
            "l_max": 122,
            "flow_dir_algorithm": "D8",
        },
    ),
    "urban_cooling": (
        "urban_cooling_model",
        "hm.tif",
        {
            "lulc_raster_path": "land_cover.tif",
            "ref_eto_raster_path": "reference_et.tif",
            "aoi_vector_path": "area.geojson",
            "biophysical_table_path": "cooling.csv",
        },
        {
            "green_area_cooling_distance": 450,
            "t_air_average_radius": 450,
            "t_ref": 28,
            "uhi_max": 3.5,
            "do_energy_valuation": False,
            "do_productivity_valuation": False,
            "cc_method": "factors",
            "cc_weight_shade": 0.6,
            "cc_weight_albedo": 0.2,
            "cc_weight_eti": 0.2,
        },
    ),
    "quality_of_habitats": (
        "habitat_quality",
        "quality_c.tif",
        {
            "lulc_cur_path": "land_cover.tif",
            "threats_table_path": "threats.csv",
            "sensitivity_table_path": "sensitivity.csv",
        },
        {"half_saturation_constant": 0.2},
    ),
    "urban_flood_risk": (
        "urban_flood_risk_mitigation",
        "Q_mm.tif",
        {
            "aoi_watersheds_path": "area.geojson",
            "lulc_path": "land_cover.tif",
            "soils_hydrological_group_raster_path": "hydrologic_group.tif",
            "curve_number_table_path": "runoff.csv",
        },
        {"rainfall_depth": 100},
    ),
    "urban_nature_access": (
        "urban_nature_access",
        "urban_nature_supply_percapita.tif",
        {
            "lulc_raster_path": "land_cover.tif",
            "lulc_attribute_table": "nature.csv",
            "population_raster_path": "population.tif",
            "admin_boundaries_vector_path": "area.geojson",
        },
        {
            "urban_nature_demand": 15,
            "decay_function": "gaussian",
            "search_radius_mode": "uniform radius",
            "search_radius": 1000,
            "aggregate_by_pop_group": False,
        },
    ),
}
"""By name: module, the raster that is compared, files, and other arguments."""


def speak_to_older_gdal() -> None:
    """Debian's GDAL knows the option as a text and not yet as a keyword."""
    from osgeo import gdal

    newer = gdal.VectorTranslateOptions

    def options(*args: object, preserveFID: bool = False, **rest: object) -> object:
        texts = [*(rest.pop("options", None) or []), *(["-preserve_fid"] if preserveFID else [])]
        return newer(*args, options=texts, **rest)

    gdal.VectorTranslateOptions = options


def main() -> None:
    """Run the model on both inputs and print what it took on the second."""
    name, small, large, workspace = sys.argv[1], *map(Path, sys.argv[2:5])
    logging.disable(logging.ERROR)
    speak_to_older_gdal()
    execute(name, small, workspace)
    print(json.dumps(execute(name, large, workspace)))


def execute(name: str, folder: Path, workspace: Path) -> dict[str, object]:
    """Seconds of the whole model and until the raster that is compared was there."""
    module, result, files, arguments = MODELS[name]
    model = importlib.import_module(f"natcap.invest.{module}")
    shutil.rmtree(workspace, ignore_errors=True)
    workspace.mkdir(parents=True)
    given = {key: str(folder / file) for key, file in files.items()}
    given |= arguments | {"workspace_dir": str(workspace), "n_workers": -1}
    clock, started, busy = time.time(), time.perf_counter(), time.process_time()
    model.execute(given)
    seconds, cpu = time.perf_counter() - started, time.process_time() - busy
    (found,) = workspace.rglob(Path(result).name)
    part = found.stat().st_mtime - clock
    return {"whole": seconds, "part": part, "cpu": cpu, "result": str(found)}


if __name__ == "__main__":
    main()
