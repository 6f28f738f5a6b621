/** A dialog that adds something to a collection by the members it begins with. */

import { useSignal } from "@preact/signals";
import { useMemo } from "preact/hooks";
import type { Fault } from "../../kit/api";
import { told, useAsked } from "../../kit/asked";
import { addFeature, schemaOf, type Values } from "../../kit/features";
import { type Controls, Fields, inWords, Restored, SubmitForm, useDraft } from "../../kit/form";
import { planChoices, regionChoices } from "../../kit/place";
import { Button, Dialog, FaultBox, Found, Select, tell } from "../../kit/ui";
import { t } from "../../kit/words";

export function NewFeature({
  collection,
  title,
  done,
  members,
  initial,
  controls = {},
  onClose,
}: {
  collection: string;
  title: string;
  /** What is told once it is made. */
  done: string;
  /** Members that it begins with, in their order. */
  members: readonly string[];
  initial: Values;
  controls?: Controls;
  /** Told the code of what was made; null where nothing was. */
  onClose: (made: string | null) => void;
}) {
  const { values, restored, reset } = useDraft(`${collection}.new`, initial);
  const { asked, again } = useAsked(() => schemaOf(collection), [collection]);
  const fault = useSignal<Fault | null>(null);
  const busy = useSignal(false);
  const key = useMemo(() => crypto.randomUUID(), []);
  const send = async () => {
    busy.value = true;
    fault.value = null;
    try {
      const { data } = await addFeature(
        collection,
        { geometry: null, properties: values.value },
        key,
      );
      reset();
      tell(done);
      onClose(data.id);
    } catch (error) {
      fault.value = told(error);
    }
    busy.value = false;
  };
  return (
    <Dialog title={title} onClose={() => onClose(null)}>
      <Restored restored={restored} reset={() => reset()} />
      <Found asked={asked} again={again}>
        {({ properties, required }) => (
          <SubmitForm onSubmit={send}>
            <Fields
              values={values}
              required={["code", ...(required ?? [])]}
              members={Object.fromEntries(
                members.flatMap((name) => (properties[name] ? [[name, properties[name]]] : [])),
              )}
              controls={{
                ...controls,
                region: ({ value, set }) => (
                  <Select
                    required
                    value={String(value ?? "")}
                    onChoose={set}
                    choices={regionChoices()}
                  />
                ),
                plan: ({ value, set }) => (
                  <Select
                    value={String(value ?? "")}
                    onChoose={(code) => set(code || undefined)}
                    choices={planChoices()}
                    empty={t("（不属于规划）", "(of no plan)")}
                  />
                ),
              }}
              wrong={fault.value?.at ?? []}
              at="/properties"
            />
            <FaultBox fault={inWords(fault.value, properties, "/properties")} />
            <Button kind="main" submits busy={busy.value}>
              {t("建立", "Make")}
            </Button>
          </SubmitForm>
        )}
      </Found>
    </Dialog>
  );
}
