/** What has to be said of a raster, or of a plan package, and the job that imports it. */

import { useSignal } from "@preact/signals";
import { useMemo } from "preact/hooks";
import { type Fault, read } from "../../kit/api";
import { told, useAsked } from "../../kit/asked";
import type { PropertySchema, Values } from "../../kit/features";
import { type Controls, Fields, useDraft } from "../../kit/form";
import { execute } from "../../kit/jobs";
import { region, regions } from "../../kit/place";
import { Button, FaultBox, Found, Select } from "../../kit/ui";
import { called, t } from "../../kit/words";
import { type Description, type Input, schemaOfInput, sent } from "../compute/inputs";
import { JobLine } from "./job_line";

/** What is asked for first; all else has a default that mostly fits. */
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
  const named = Object.keys(inputs).filter((name) => name !== "upload");
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
  onDone,
}: {
  process: string;
  file: File;
  upload: string;
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
  onDone,
}: {
  process: string;
  inputs: Description["inputs"];
  file: File;
  upload: string;
  onDone: () => void;
}) {
  const initial: Values = inputs.region && region.value ? { region: region.value } : {};
  const { values } = useDraft(`import.${process}.${file.name}`, initial);
  const { first, more, required } = useMemo(() => membersOf(inputs), [inputs]);
  const job = useSignal<string | null>(null);
  const fault = useSignal<Fault | null>(null);
  const busy = useSignal(false);
  const start = async () => {
    busy.value = true;
    fault.value = null;
    job.value = null;
    try {
      const asked = { ...sent(values.value), upload };
      job.value = (await execute(process, asked, crypto.randomUUID())).jobID;
    } catch (error) {
      fault.value = told(error);
    }
    busy.value = false;
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
        start();
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
        <Button kind="main" submits busy={busy.value}>
          {t("导入", "Import")}
        </Button>
      </div>
      {job.value && (
        <JobLine
          key={job.value}
          id={job.value}
          file={file.name}
          onOver={({ status }) => status === "successful" && onDone()}
        />
      )}
    </form>
  );
}
