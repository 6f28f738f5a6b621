/** A project's card: where it stands, and by tabs what is known of it. */

import { useSignal } from "@preact/signals";
import { useLocation } from "preact-iso";
import { Actor } from "../../kit/actor";
import { answered, api, type Schema } from "../../kit/api";
import { useAsked } from "../../kit/asked";
import { moment } from "../../kit/format";
import { screenPath } from "../../kit/screens";
import { Table } from "../../kit/table";
import { Badge, Found, Tabs } from "../../kit/ui";
import { called, t } from "../../kit/words";
import { About } from "./about";
import { Documents } from "./documents";
import { Effect } from "./effect";
import { Funds } from "./funds";
import { Measures } from "./measures";
import { Steps } from "./steps";

export type Dossier = Schema<"ProjectDossier">;

export function ProjectCard({ code }: { code: string }) {
  const { state, search } = useLocation().query;
  const tab = useSignal("steps");
  const { asked, again } = useAsked(
    () => answered(api.GET("/projects/{project}", { params: { path: { project: code } } })),
    [code],
  );
  return (
    <div class="screen">
      <p>
        <a href={screenPath("projects", { state, search })}>{t("← 项目库", "← Register")}</a>
      </p>
      <Found asked={asked} again={again}>
        {({ data: project, etag }) => (
          <>
            <header>
              <h1>{called(project)}</h1>
              <Badge tone="info">{project.state_name}</Badge>
              <code>{project.project}</code>
            </header>
            <Track project={project} />
            <Tabs
              label={called(project)}
              chosen={tab.value}
              onChoose={(id) => {
                tab.value = id;
              }}
              tabs={[
                { id: "steps", label: t("步骤", "Steps") },
                { id: "about", label: t("基本信息", "About") },
                { id: "measures", label: t("措施", "Measures") },
                ...(project.funds ? [{ id: "funds", label: t("资金", "Funds") }] : []),
                { id: "documents", label: t("文件", "Documents") },
                { id: "effect", label: t("成效", "Effect") },
                { id: "history", label: t("经过", "History") },
              ]}
            >
              {tab.value === "steps" && <Steps project={project} etag={etag} again={again} />}
              {tab.value === "about" && <About code={code} again={again} />}
              {tab.value === "measures" && <Measures project={project} again={again} />}
              {tab.value === "funds" && <Funds code={code} measures={project.measures} />}
              {tab.value === "documents" && <Documents project={project} again={again} />}
              {tab.value === "effect" && <Effect code={code} measures={project.measures} />}
              {tab.value === "history" && <History project={project} />}
            </Tabs>
          </>
        )}
      </Found>
    </div>
  );
}

/** The way of a project, with the place where it stands. */
function Track({ project }: { project: Dossier }) {
  return (
    <ol class="track" aria-label={t("项目所处阶段", "Where the project stands")}>
      {project.track.map((state) => (
        <li
          key={state.state}
          class={state.place}
          aria-current={state.place === "now" ? "step" : undefined}
        >
          {state.name}
        </li>
      ))}
    </ol>
  );
}

function History({ project }: { project: Dossier }) {
  return (
    <Table
      label={t("经过", "History")}
      rows={project.events}
      keyOf={({ seq }) => String(seq)}
      columns={[
        { id: "at", title: t("时间", "Time"), cell: ({ at }) => moment(at) },
        {
          id: "step",
          title: t("步骤", "Step"),
          cell: (one) => `${one.from_name} → ${one.to_name}`,
        },
        { id: "note", title: t("说明", "Note"), cell: ({ note }) => note },
        { id: "who", title: t("经办", "By"), cell: ({ actor }) => <Actor code={actor} /> },
      ]}
    />
  );
}
