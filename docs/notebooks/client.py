"""The cells of `client.ipynb`; `make.py` puts them together, and a test runs them on a platform."""

# %% [markdown]
# # A running platform in a notebook · 在笔记本中使用运行中的平台
#
# From the regions of a platform to zones of one's own, with `shanhai.client`, geopandas and xarray
# (`pip install -e '.[client]'`). The address and the key come from the environment; of the demo,
# `.shanhai/demo.json` has both.
#
# 从平台的行政区到自己的分区：使用 `shanhai.client`、geopandas 与 xarray。

# %%
import os

from shanhai.client import ApiClient
from shanhai.errors import InvalidInput

api = ApiClient(
    os.environ.get("SHANHAI_API_URL", "http://localhost:8000"),
    os.environ.get("SHANHAI_API_KEY"),
    lang="zh",
)
heights = api.get("/collections/datasets/items", theme="dem", limit=1)["features"][0]
region = heights["properties"]["region"]
region

# %% [markdown]
# ## Features as a frame · 要素即表格
#
# Every page of the list, in the system that is asked for; areas are then in square metres.

# %%
districts = api.collection("regions").to_geodataframe(crs="EPSG:4548")
districts.assign(km2=districts.area / 1e6)[["name_zh", "name_en", "km2"]].round(1)

# %% [markdown]
# ## A raster as an array · 栅格即数组

# %%
dem = api.to_xarray("/collections/datasets/items/{code}/file", code=heights["id"])
dem.sizes, round(float(dem.mean()), 1)

# %% [markdown]
# ## What is asked for wrongly · 输入有误
#
# The reason comes in the language of the client, with a pointer to the member.

# %%
try:
    api.submit("delineate-zones", {"region": region, "cell_m": -1})
except InvalidInput as error:
    print(error.problem["title"], error.problem["errors"])

# %% [markdown]
# ## A job · 提交作业
#
# The key makes it one job, however often the cell is run.

# %%
job = api.submit(
    "delineate-zones",
    {"region": region, "cell_m": 200, "seed": 42},
    idempotency_key=f"notebook-{region}",
)
job.wait(progress=lambda percent, message: print(f"{percent:3d} % {message}"))
for zone in job.results()["zones"]:
    print(f"{zone['name_zh']:<10} {zone['area_raster_km2']:10.1f} km²")

# %%
zones = job.to_xarray("zones")
zones.rio.crs, int(zones.count())

# %% [markdown]
# A file that is saved is there once it is whole; an upload goes on after a cut.

# %%
from pathlib import Path

job.download("report", Path("report.html"))
upload = api.upload(Path("report.html"))
print("sent:", api.get("/uploads/{upload}", upload=upload)["bytes"], "bytes")

# %%
api.close()
