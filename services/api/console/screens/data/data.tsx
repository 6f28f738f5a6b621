/** Data: files in, what there is of which theme, files out. */

import { useLocation } from "preact-iso";
import { screenPath } from "../../kit/screens";
import { Tabs } from "../../kit/ui";
import { t } from "../../kit/words";
import { Coverage } from "./coverage";
import { Exports } from "./exports";
import { Imports, mayImport } from "./imports";
import "./data.css";

export default function Data() {
  const { query, route } = useLocation();
  const tabs = [
    ...(mayImport() ? [{ id: "import", label: t("导入", "Import") }] : []),
    { id: "coverage", label: t("覆盖与许可", "Coverage and licences") },
    { id: "export", label: t("导出", "Export") },
  ];
  // A link to the imports leads who may not import to what there is.
  const tab = tabs.find(({ id }) => id === query.tab)?.id ?? tabs[0]?.id ?? "";
  const title = t("数据", "Data");
  return (
    <div class="screen data">
      <header>
        <h1>{title}</h1>
      </header>
      <Tabs
        label={title}
        chosen={tab}
        onChoose={(id) => route(screenPath("data", { tab: id }))}
        tabs={tabs}
      >
        {tab === "import" && <Imports />}
        {tab === "coverage" && <Coverage />}
        {tab === "export" && <Exports />}
      </Tabs>
    </div>
  );
}
