"""The cells of `assessment.ipynb`; `make.py` puts them together and runs them."""

# %% [markdown]
# # Seven ecosystem services in a notebook · 在笔记本中评估七项生态系统服务
#
# Everything the platform computes can be had without a server: as whole processes on GeoTIFF
# files, and as functions of arrays. This page does both on a synthetic watershed that is made in
# code, so that it runs anywhere: mountains in the north, a river, two towns, and the sea.
#
# 平台的全部计算都可以脱离服务器使用：以 GeoTIFF 文件运行整个流程，或以数组调用函数。

# %%
import json
import tempfile
from pathlib import Path

import numpy as np
from IPython.display import Markdown
from matplotlib.figure import Figure
from PIL import Image

from shanhai.data.synthetic_watershed import build_watershed
from shanhai.processes.local_run import run_on_files
from shanhai.raster.geotiff import read_geotiff

folder = Path(tempfile.mkdtemp())
watershed = build_watershed(folder / "watershed", cells=96)
sorted(watershed.rasters)

# %% [markdown]
# ## A process on files · 用文件运行流程
#
# The same inputs as over HTTP. The results are files: rasters, polygons, statistics, a report as
# HTML and PDF, and the manifest that a run can be repeated from.

# %%
out = folder / "zones"
outcome = run_on_files(
    "delineate-zones",
    region=watershed.region_file,
    rasters=watershed.rasters,
    inputs={"cell_m": 100, "parameters": {"unit_m": 300}},
    workspace=out,
    progress=lambda percent, stage: None,
)
[file.path for file in outcome.files if file.kind != "raster"]

# %%
picture = Image.open(out / "map_en.png").convert("RGB")
picture.thumbnail((640, 640))
picture.quantize(64)

# %%
statistics = json.loads((out / "statistics.json").read_bytes())
rows = [
    f"| {zone['name_zh']} {zone['name_en']} | {zone['area_raster_km2']:.2f} "
    f"| {zone['ratio']['mean']:+.3f} |"
    for zone in statistics["zones"]
]
Markdown("\n".join(["| zone | km² | mean ratio |", "|---|--:|--:|", *rows]))

# %% [markdown]
# What a reader should know of the result, in both languages · 结果的提示：

# %%
for flag in outcome.manifest["flags"] + outcome.warnings:
    print(flag["code"], "·", flag["detail"], "·", flag["detail_zh"])

# %% [markdown]
# ## Arrays in, arrays out · 数组输入，数组输出
#
# The rasters as arrays; nodata is NaN. `assess` is the graph of quantities the processes use, on
# whole arrays.

# %%
from shanhai.science.ecoservices.assessment import assess

read = {theme: read_geotiff(path).values for theme, path in watershed.rasters.items()}
layers = {theme: read[theme][0] for theme in ("dem", "ndvi", "npp", "night_lights", "population")}
layers["land_cover"] = np.nan_to_num(read["land_cover"][0]).astype(np.uint8)
layers["rainfall_monthly"], layers["temperature_monthly"] = read["rainfall"], read["temperature"]
layers["rainfall"] = read["rainfall"].sum(axis=0)
layers["temperature"] = read["temperature"].mean(axis=0)
layers |= zip(("sand", "silt", "clay", "organic_carbon"), read["soil"], strict=True)
layers["latitude"] = np.full(watershed.grid.shape, 24.7)

assessed = assess(layers, cell_m=100.0)
ratios = {key: one for key, one in assessed.layers.items() if key.startswith("ratio")}
{key: round(float(np.nanmean(one)), 3) for key, one in ratios.items()}

# %%
figure = Figure(figsize=(9, 3))
for axes, key in zip(
    figure.subplots(1, 3), ("supply.cooling", "demand.cooling", "ratio.cooling"), strict=True
):
    low, colors = (-1, "RdYlGn") if key.startswith("ratio") else (0, "YlGn")
    shown = axes.imshow(assessed.layers[key], cmap=colors, vmin=low, vmax=1)
    figure.colorbar(shown, ax=axes, shrink=0.7)
    axes.set_title(key)
    axes.set_axis_off()
figure.savefig(folder / "cooling.png", dpi=80)
Image.open(folder / "cooling.png").convert("RGB")

# %% [markdown]
# Another parameter is one argument. What does the demand for carbon follow: night lights or people?
#
# 修改参数只需一个参数：碳需求随夜光还是随人口？

# %%
for share in (0.0, 0.6, 1.0):
    other = assess(layers, 100.0, parameters={"carbon_sink": {"light_share": share}})
    demand = other.layers["demand.carbon_sink"]
    print(f"light_share {share:.1f}: mean carbon demand {np.nanmean(demand):.4f}")

# %% [markdown]
# ## Single formulas · 单个公式
#
# Each formula is a function that names its source. The runoff of a storm of 100 mm by curve number
# (TR-55):

# %%
from shanhai.science.landcover import LandCover
from shanhai.science.runoff import storm_runoff

numbers = np.array([[55.0, 70.0, 85.0, 98.0]])
cover = np.full(numbers.shape, LandCover.FOREST, dtype=np.uint8)
runoff = storm_runoff(curve_number=numbers, land_cover=cover, storm_mm=100.0)
dict(zip(numbers[0].tolist(), runoff[0].round(1).tolist(), strict=True))

# %% [markdown]
# ## The same again, byte for byte · 逐字节重现
#
# From the manifest and the inputs, on the command line `shanhai reproduce manifest.json`:

# %%
from shanhai.processes.reproduction import read_manifest, reproduce

compared = reproduce(
    read_manifest(out / "manifest.json"),
    files=out / "inputs",
    workspace=folder / "again",
    progress=lambda percent, stage: None,
)
print(sum(one.same for one in compared), "of", len(compared), "results are the same bytes")
