/** What has to be said of a raster, or of a plan package, and the job that checks or imports it. */

import { batch } from "@preact/signals";
import { useMemo } from "preact/hooks";
import { type Fault, read } from "../../kit/api";
import { told, useAsked } from "../../kit/asked";
import type { PropertySchema, Values } from "../../kit/features";
import { type Controls, Fields, useDraft } from "../../kit/form";
import { number } from "../../kit/format";
import { execute } from "../../kit/jobs";
import { region, regions } from "../../kit/place";
import { Badge, Button, FaultBox, Found, Select } from "../../kit/ui";
import { called, lang, t } from "../../kit/words";
import { type Description, type Input, schemaOfInput, sent } from "../compute/inputs";
import { JobLine } from "./job_line";
import type { Staying } from "./upload";

/** What is asked for first; all else has a default that mostly fits. */
/** Which file it is, and whether it is checked alone, are said by what one does. */
const DONE = ["upload", "mode"];
const FIRST = ["region", "theme", "name_zh", "unit", "scale", "nodata", "source", "licence"];

/** An input as forms take it; what only says its title again is left out. */
const described = (input: Input): PropertySchema => {
  const { description, ...schema } = schemaOfInput(input);
  return description && description !== input.title ? { ...schema, description } : schema;
};

/** The inputs of an import as its form shows them, without the file. */
export function membersOf(inputs: Description["inputs"]) {
  const first: Record<string, PropertySchema> = {};
  const more: Record<string, PropertySchema> = {};
  const named = Object.keys(inputs).filter((name) => !DONE.includes(name));
  for (const name of FIRST) if (inputs[name]) first[name] = described(inputs[name]);
  for (const name of named)
    if (!FIRST.includes(name) && inputs[name]) more[name] = described(inputs[name]);
  const required = named.filter((name) => inputs[name]?.minOccurs);
  return { first, more, required };
}

const CONTROLS: Controls = {
  region: ({ value, set }) => (
    <Select
      choices={regions.value.map(({ code, properties }) => ({
        value: code,
        label: called(properties),
      }))}
      value={String(value ?? "")}
      onChoose={(code) => set(code || undefined)}
      empty={t("（未选）", "(none)")}
      required
    />
  ),
};

export function RasterForm({
  process,
  file,
  upload,
  stay,
  onDone,
}: {
  process: string;
  file: File;
  upload: string;
  stay: Staying;
  onDone: () => void;
}) {
  const { asked, again } = useAsked(
    (signal) => read<Description>(`/processes/${process}`, signal),
    [process],
  );
  return (
    <Found asked={asked} again={again}>
      {({ inputs, id }) => (
        <ImportForm
          key={id}
          process={process}
          inputs={inputs}
          file={file}
          upload={upload}
          stay={stay}
          onDone={onDone}
        />
      )}
    </Found>
  );
}

function ImportForm({
  process,
  inputs,
  file,
  upload,
  stay,
  onDone,
}: {
  process: string;
  inputs: Description["inputs"];
  file: File;
  upload: string;
  stay: Staying;
  onDone: () => void;
}) {
  const initial: Values = inputs.region && region.value ? { region: region.value } : {};
  const { values } = useDraft(`import.${process}.${file.name}`, initial);
  const { first, more, required } = useMemo(() => membersOf(inputs), [inputs]);
  const job = stay<{ id: string; check: boolean; of: string } | null>(`${process}.job`, null);
  const checked = stay<Checked | null>(`${process}.checked`, null);
  const fault = stay<Fault | null>(`${process}.fault`, null);
  const busy = stay(`${process}.busy`, false);
  const start = async (check: boolean) => {
    batch(() => {
      busy.value = true;
      fault.value = null;
      job.value = null;
      checked.value = null;
    });
    try {
      const asked = { ...sent(values.value), upload };
      const inputs = check ? { ...asked, mode: "check" } : asked;
      const { jobID } = await execute(process, inputs, crypto.randomUUID());
      job.value = { id: jobID, check, of: JSON.stringify(asked) };
    } catch (error) {
      fault.value = told(error);
    }
    busy.value = false;
  };
  /** Whether a job was asked for with what is in the form now. */
  const isOf = (of: string | undefined) => of === JSON.stringify({ ...sent(values.value), upload });
  const finish = async (id: string, check: boolean) => {
    if (!check) return onDone();
    try {
      checked.value = (await read<{ summary: Checked }>(`/jobs/${id}/results`)).summary;
    } catch (error) {
      fault.value = told(error);
    }
  };
  const form = {
    values,
    required,
    controls: CONTROLS,
    wrong: fault.value?.at ?? [],
    at: "/inputs",
  };
  return (
    <form
      class="form wide"
      onSubmit={(event) => {
        event.preventDefault();
        start((event.submitter as HTMLButtonElement | null)?.name === "check");
      }}
    >
      <div class="pairs">
        <Fields members={first} {...form} />
      </div>
      {Object.keys(more).length > 0 && (
        <details class="group">
          <summary>{t("更多选项", "More options")}</summary>
          <Fields members={more} {...form} />
        </details>
      )}
      <FaultBox fault={fault.value} />
      <div class="actions">
        {inputs.mode && (
          <Button submits name="check" busy={busy.value}>
            {t("检查", "Check")}
          </Button>
        )}
        <Button kind="main" submits busy={busy.value}>
          {t("导入", "Import")}
        </Button>
      </div>
      {job.value && (
        <JobLine
          key={job.value.id}
          id={job.value.id}
          file={file.name}
          onOver={({ status, jobID }) => {
            if (status === "successful") finish(jobID, job.value?.check ?? false);
          }}
        />
      )}
      {checked.value && isOf(job.value?.of) && <Told found={checked.value} name={file.name} />}
    </form>
  );
}

/** What a check tells of a raster. */
interface Checked {
  crs: string;
  bands: number;
  columns: number;
  rows: number;
  resolution_m: number;
  unit: string | null;
  lowest: number | null;
  highest: number | null;
  empty_percent: number;
  findings: { detail: string; detail_zh: string }[];
}

function Told({ found, name }: { found: Checked; name: string }) {
  const { crs, bands, columns, rows, resolution_m, unit, lowest, highest } = found;
  const empty = number(found.empty_percent);
  return (
    <>
      <p class="inline" role="status">
        <strong>{name}</strong>{" "}
        <Badge tone="info">{t("已检查，未写入", "checked, nothing written")}</Badge>{" "}
        {lowest !== null &&
          highest !== null &&
          t(
            `值 ${number(lowest)} 至 ${number(highest)} ${unit ?? ""}；`,
            `values from ${number(lowest)} to ${number(highest)} ${unit ?? ""}; `,
          )}
        {t(`无数据 ${empty}%`, `${empty}% without data`)}
      </p>
      <p class="hint">
        {[
          crs,
          t(`${columns}×${rows} 像元`, `${columns}×${rows} cells`),
          t(`约 ${number(resolution_m)} 米`, `some ${number(resolution_m)} m`),
          t(`${bands} 个波段`, `${bands} bands`),
        ].join(" · ")}
      </p>
      {found.findings.length > 0 && (
        <ul>
          {found.findings.map(({ detail, detail_zh }) => (
            <li key={detail}>{lang.value === "zh" ? detail_zh : detail}</li>
          ))}
        </ul>
      )}
    </>
  );
}
