"""What can be asked for of the import of a raster."""

from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field, StringConstraints, model_validator

from shanhai.processes.kit.contract import Inputs, Limits, OutputSpec, ProcessContract, Theme
from shanhai.validation import Code, Name, Note, Rfc3339Date, broken_at
from shanhai.vocabulary import DataClass, DataGrade, Label, VisibilityCode, broken_class_rule

DESCRIBED = {
    *("stand_in", "stand_in_note_zh", "stand_in_note_en", "source", "licence"),
    *("observed_from", "observed_to"),
}
"""What is said of a dataset as it is given."""
FillCodeText = Annotated[str, StringConstraints(pattern=r"^-?\d{1,10}(\.\d{1,6})?$")]


class ImportDatasetInputs(Inputs):
    """A raster to check, convert and register."""

    upload: UUID = Field(description="Upload from POST /uploads / 上传编号")
    region: Code = Field(description="Region code / 区域代码")
    theme: Theme = Field(description="What the raster is about / 专题")
    mode: Literal["import", "check"] = Field(
        "import",
        description="`check` tells what an import would, and stores nothing"
        " / `check` 仅检查、不写入",
    )
    code: Code | None = Field(
        None, description="Code of the dataset; made when absent / 数据集代码"
    )
    name_zh: Name | None = Field(None, description="Chinese name / 中文名称")
    name_en: Name | None = Field(None, description="English name / 英文名称")
    unit: str | None = Field(None, max_length=40, description="Unit of the values (UCUM) / 单位")
    scale: float = Field(
        1.0,
        description="Multiplier to the theme's unit; without it and `offset`, the file's own"
        " / 比例系数；与 `offset` 均未给出时用文件自带的",
    )
    offset: float = Field(0.0, description="Added after scaling / 偏移量")
    nodata: float | None = Field(None, description="Value that means no data / 无数据值")
    crs: str | None = Field(
        None,
        pattern=r"^EPSG:\d{4,6}$",
        description="CRS of a file that names none, `EPSG:n` / 文件未注明时的坐标系",
    )
    legend: Literal[
        "internal", "worldcover", "globeland30", "clcd", "io_lulc", "tdt1055", "gbt21010"
    ] = Field("internal", description="Legend of a land-cover raster / 土地覆盖分类体系")
    codes: dict[FillCodeText, float | Literal["nodata"]] = Field(
        default_factory=dict,
        max_length=100,
        description="What numbers of the file stand for that are no values: by number, a value in"
        " the theme's unit or `nodata` / 非数值代码的含义",
    )
    edge_water: Literal["sea", "inland"] | None = Field(
        None,
        description="What the open water of a land-cover product is that joins the raster's edge"
        " / 与栅格边缘相连的开阔水面：海域或内陆水体",
    )
    accept_datum: bool = Field(
        False,
        description="Accept although GCJ-02 is suspected, or an older datum is not moved"
        " / 疑似 GCJ-02，或旧基准未经转换时仍然接受",
    )
    native_resolution_m: float | None = Field(
        None, gt=0, le=200_000, description="True resolution, m; default: the cell / 真实分辨率"
    )
    relative_error: float | None = Field(
        None,
        ge=0,
        le=1,
        description="Standard error of a value, as a part of it; 0.1 is taken where none is told"
        " / 数值的相对标准误差，未说明时按 0.1 计",
    )
    stand_in: bool = Field(False, description="Replaces a measurement nobody had / 替代数据")
    stand_in_note_zh: Note | None = Field(None, description="What it stands in for / 替代说明")
    stand_in_note_en: Note | None = Field(None, description="What it stands in for / 英文替代说明")
    source: Note | None = Field(None, description="Where the data come from / 来源")
    licence: Note | None = Field(None, description="Licence and credit / 许可与署名")
    observed_from: Rfc3339Date | None = Field(None, description="First day observed / 观测起始日")
    observed_to: Rfc3339Date | None = Field(None, description="Last day observed / 观测截止日")
    visibility: VisibilityCode = Field(
        "region",
        description="Who may read it: who has a role in its region, who is signed in, or everybody,"
        " which takes an approver; not given, that of the dataset that is replaced stays, as class"
        " and grade do / 可见范围；公开须审批者；替换数据集时未给出的，同类别、级别一样保持不变",
    )
    data_class: DataClass | None = Field(
        None, description="Class of the data: open, internal or sensitive / 数据类别"
    )
    data_grade: DataGrade | None = Field(
        None, description="Grade above general data, of sensitive data alone / 数据级别"
    )

    @model_validator(mode="after")
    def check_period(self) -> "ImportDatasetInputs":
        """A period must not end before it begins."""
        if self.observed_from and self.observed_to and self.observed_to < self.observed_from:
            rule = "observed_to is before observed_from / 观测截止日早于起始日"
            raise broken_at("observed_to", rule=rule)
        return self

    @model_validator(mode="after")
    def check_class(self) -> "ImportDatasetInputs":
        """Who may read it is no more than its class allows; what has a grade is sensitive."""
        broken = broken_class_rule(self.visibility, self.data_class, self.data_grade)
        if broken is not None:
            raise broken_at(broken[0], rule=f"{broken[1].en} / {broken[1].zh}")
        return self


IMPORT_DATASET = ProcessContract(
    "import-dataset",
    Label("导入栅格数据", "Import a raster dataset"),
    Label(
        "检查上传的栅格，转换为 COG 并登记。",
        "Checks an uploaded raster, converts it to a COG and registers it.",
    ),
    ImportDatasetInputs,
    (
        OutputSpec("dataset", Label("数据集代码", "Dataset code"), "application/json"),
        OutputSpec("summary", Label("摘要", "Summary"), "application/json"),
    ),
    limits=Limits(memory_mb=4096, time_s=2 * 3600),
    publish_input="visibility",
    acts_for_caller=lambda inputs: bool({"data_class", "data_grade"} & inputs.keys()),
    stages={"convert": Label("转换格式", "Converting")},
)
