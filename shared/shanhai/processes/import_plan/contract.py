"""What can be asked for of the import of a plan."""

from uuid import UUID

from pydantic import Field

from shanhai.processes.kit.contract import Inputs, Limits, OutputSpec, ProcessContract
from shanhai.vocabulary import Label


class ImportPlanInputs(Inputs):
    """A package of a plan, as `/plans/{plan}/package` gives it."""

    upload: UUID = Field(description="Upload from POST /uploads / 上传编号")


IMPORT_PLAN = ProcessContract(
    "import-plan",
    Label("导入规划包", "Import the package of a plan"),
    Label(
        "检查上传的规划包，并在一个事务内重建整个规划；已存在的区域、单位与指标按代码沿用。",
        "Checks an uploaded package and rebuilds the whole plan in one transaction; regions,"
        " parties and indicators that are there already are known by their codes.",
    ),
    ImportPlanInputs,
    (OutputSpec("summary", Label("摘要", "Summary"), "application/json"),),
    limits=Limits(memory_mb=4096, time_s=3600),
    acts_for_caller=lambda inputs: True,
)
