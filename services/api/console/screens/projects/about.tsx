/** What is said of a project, and where it lies; changed without losing what others changed. */

import { useSignal } from "@preact/signals";
import type { FeatureCollection } from "geojson";
import { useMemo } from "preact/hooks";
import type { Fault } from "../../kit/api";
import { told, useAsked } from "../../kit/asked";
import { Conflict, useEdits } from "../../kit/conflict";
import { featureOf } from "../../kit/editing";
import {
  changeFeature,
  type Feature,
  isConflict,
  readFeature,
  schemaOf,
  type Values,
} from "../../kit/features";
import { Fields, inWords, Restored, SubmitForm } from "../../kit/form";
import { boundsOf } from "../../kit/map/bounds";
import { MapView } from "../../kit/map/map_view";
import { screenPath } from "../../kit/screens";
import { may } from "../../kit/session";
import { Button, Empty, FaultBox, Found } from "../../kit/ui";
import { t } from "../../kit/words";

export function About({ code, again }: { code: string; again: () => void }) {
  const found = useAsked(async () => {
    const [schema, read] = await Promise.all([schemaOf("projects"), readFeature("projects", code)]);
    return { schema, feature: read.data, etag: read.etag };
  }, [code]);
  return (
    <Found asked={found.asked} again={found.again}>
      {({ schema, feature, etag }) => (
        <AboutForm
          key={etag}
          feature={feature}
          etag={etag}
          members={Object.fromEntries(
            Object.entries(schema.properties).filter(
              ([name, one]) =>
                !one.readOnly && name !== "geometry" && name !== "code" && one.type !== "object",
            ),
          )}
          required={schema.required ?? []}
          onSaved={() => {
            found.again();
            again();
          }}
        />
      )}
    </Found>
  );
}

function AboutForm({
  feature,
  etag,
  members,
  required,
  onSaved,
}: {
  feature: Feature;
  etag: string | null;
  members: Parameters<typeof Fields>[0]["members"];
  required: readonly string[];
  onSaved: () => void;
}) {
  const initial = useMemo(() => given(feature.properties, Object.keys(members)), [feature]);
  const { values, begun, restored, reset } = useEdits(`project.${feature.id}`, initial, etag);
  const fault = useSignal<Fault | null>(null);
  const conflict = useSignal<{ theirs: Feature; etag: string | null } | null>(null);
  const shape = useMemo(() => shapeOf(feature), [feature]);
  const change = { properties: begun.change };
  const compare = async () => {
    try {
      const now = await readFeature("projects", feature.id);
      conflict.value = { theirs: now.data, etag: now.etag };
    } catch (error) {
      fault.value = told(error);
    }
  };
  const save = async (
    sent: { properties: Values; geometry?: Feature["geometry"] },
    tag: string | null,
  ) => {
    fault.value = null;
    try {
      await changeFeature("projects", feature.id, sent, tag);
      reset();
      conflict.value = null;
      onSaved();
    } catch (error) {
      // What is refused is told in the form, which a conflict would hide.
      conflict.value = null;
      const refused = told(error);
      if (isConflict(refused)) await compare();
      else fault.value = refused;
    }
  };
  const writes = may("write") || may("projects");
  return (
    <div class="about">
      <SubmitForm onSubmit={() => save(change, begun.etag)}>
        <Restored restored={restored} reset={() => reset()} />
        <fieldset disabled={!writes}>
          <Fields
            members={members}
            required={required}
            values={values}
            wrong={fault.value?.at ?? []}
            at="/properties"
          />
        </fieldset>
        <FaultBox fault={inWords(fault.value, members, "/properties")} />
        {writes && (
          <Button kind="main" submits disabled={!Object.keys(change.properties).length}>
            {t("保存", "Save")}
          </Button>
        )}
      </SubmitForm>
      <div class="place-of">
        {feature.geometry ? (
          <MapView
            label={t("项目位置", "Where it lies")}
            layers={[]}
            features={shape}
            bounds={boundsOf(feature.geometry)}
          />
        ) : (
          <Empty>
            {t("尚未落图。", "Not drawn yet.")}{" "}
            <a href={screenPath("digitise", { collection: "projects", object: feature.id })}>
              {t("去绘制", "Draw it")}
            </a>
          </Empty>
        )}
        <p>
          <a href={screenPath("compliance", { project: feature.id })}>
            {t("合规审查", "Check compliance")}
          </a>
        </p>
      </div>
      {conflict.value && (
        <Conflict
          base={featureOf(begun.base)}
          mine={change}
          theirs={conflict.value.theirs}
          members={members}
          onClose={() => {
            conflict.value = null;
          }}
          onSend={(sent) => save(sent, conflict.value?.etag ?? null)}
        />
      )}
    </div>
  );
}

/** Members that have a value. */
export function given(properties: Values, names: readonly string[]): Values {
  return Object.fromEntries(
    names.flatMap((name) => {
      const value = properties[name];
      return value === null || value === undefined ? [] : [[name, value]];
    }),
  );
}

function shapeOf(feature: Feature): FeatureCollection | null {
  if (!feature.geometry) return null;
  const { geometry } = feature;
  return {
    type: "FeatureCollection",
    features: [{ type: "Feature", geometry, properties: { color: "#c2185b" } }],
  };
}
