"""What can be asked for of the import of features, and the task that is made of it."""

from typing import Literal
from uuid import UUID

from pydantic import Field, model_validator

from shanhai.processes.kit.contract import Inputs, OutputSpec, ProcessContract
from shanhai.processes.kit.task import Task
from shanhai.validation import Code, Name, broken_at
from shanhai.vocabulary import Label, VisibilityCode


class ImportFeaturesTask(Task):
    """What the import of features is given."""

    references: dict[str, list[str]] = Field(
        default_factory=dict, description="codes a member may refer to, where they are few"
    )


class ImportFeaturesInputs(Inputs):
    """A file of features for a collection."""

    upload: UUID = Field(description="Upload from POST /uploads / 上传编号")
    collection: str = Field(
        pattern=r"^[a-z][a-z_]{0,39}$", description="Collection the rows belong to / 目标集合"
    )
    mode: Literal["all_or_nothing", "valid_rows", "check"] = Field(
        "all_or_nothing",
        description="What one bad row does to the others; `check` tells what `valid_rows` would"
        " do, and leaves nothing written"
        " / 有错误行时的处理方式；`check` 仅检查并预告结果，不写入",
    )
    mapping: dict[Name, Name] = Field(
        default_factory=dict,
        max_length=500,
        description="Field of the file → property; default: by name / 字段与属性的对应",
    )
    crs: str | None = Field(
        None,
        max_length=80,
        description="CRS of a file that names none, `EPSG:n` / 文件未注明时的坐标系",
    )
    datum_shift: str | None = Field(
        None,
        max_length=200,
        description="From Xi'an 80, Beijing 54 or another datum to CGCS2000, as stated by a"
        " surveying authority: `dx,dy,dz` in m, or `coordinate_frame:dx,dy,dz,rx,ry,rz,ppm` or"
        " `position_vector:…` with rotations in seconds / 到 CGCS2000 的三参数或七参数",
    )
    encoding: Literal["UTF-8", "GBK", "GB18030", "Big5", "ISO-8859-1"] | None = Field(
        None, description="Encoding of the texts; default: found / 文字编码，默认自动识别"
    )
    layer: Name | None = Field(None, description="Layer of a file with several / 图层名")
    repair: bool = Field(
        False, description="Mend invalid geometry and drop heights / 修复无效几何并去除高程"
    )
    checks: list[Literal["overlap", "gap"]] = Field(
        default_factory=list, max_length=2, description="Checks between rows / 行间检查"
    )
    region: Code | None = Field(
        None, description="Region that must be covered without gaps / 须无缝覆盖的区域"
    )

    visibility: VisibilityCode = Field(
        "region",
        description="Of new rows that do not say who may read them / 未注明可见范围的新建对象",
    )

    @model_validator(mode="after")
    def check_region(self) -> "ImportFeaturesInputs":
        """Gaps are gaps in a region."""
        if "gap" in self.checks and self.region is None:
            raise broken_at("region", rule="the check `gap` needs a region / 空隙检查需要 region")
        return self


IMPORT_FEATURES = ProcessContract(
    "import-features",
    Label("导入矢量数据", "Import features"),
    Label(
        "检查上传的 GeoJSON、GeoPackage、FlatGeobuf、GeoParquet、Shapefile 压缩包、KML、CSV 或"
        " XLSX，按代码新增或更新集合中的对象，并逐行报告。",
        "Checks an uploaded GeoJSON, GeoPackage, FlatGeobuf, GeoParquet, zipped Shapefile, KML,"
        " CSV or XLSX, creates or updates the collection's objects by code, and reports row by"
        " row.",
    ),
    ImportFeaturesInputs,
    (
        OutputSpec("summary", Label("摘要", "Summary"), "application/json"),
        OutputSpec("report", Label("逐行报告", "Report by row"), "application/json"),
        OutputSpec("table", Label("逐行报告（表格）", "Report as a table"), "text/csv"),
        OutputSpec("page", Label("逐行报告（网页）", "Report as a page"), "text/html"),
    ),
    task=ImportFeaturesTask,
    acts_for_caller=lambda inputs: True,
)
