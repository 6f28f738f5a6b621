/** Roles in regions: in words, as codes in forms, and the control that chooses them. */

import { useSignal } from "@preact/signals";
import type { Schema } from "../../kit/api";
import type { PropertySchema } from "../../kit/features";
import { regionName, regions } from "../../kit/place";
import { ROLE_CODES, roleTitle } from "../../kit/terms";
import { Button, Select } from "../../kit/ui";
import { called, t } from "../../kit/words";

export type Role = Schema<"Role">;
export type RoleHeld = Schema<"RoleHeld">;

/** A role with its region, in words. */
export function roleWords({ role, region }: RoleHeld): string {
  return `${roleTitle(role)} · ${region === null ? t("全部区域", "everywhere") : regionName(region)}`;
}

/** A role as forms hold it: `planner@xiamen`, or `planner` for everywhere. */
export const roleCode = ({ role, region }: RoleHeld): string =>
  region === null ? role : `${role}@${region}`;

/** The role of a form's code. */
export function roleOf(code: string): RoleHeld {
  const [role = "", region] = code.split("@");
  return { role: role as Role, region: region ?? null };
}

/** The schema of a list of roles, with words for all there are. */
export function rolesSchema(): PropertySchema {
  const codes = [null, ...regions.value.map(({ code }) => code)].flatMap((region) =>
    ROLE_CODES.map((role) => roleCode({ role, region })),
  );
  return {
    title: t("角色", "Roles"),
    type: "array",
    items: {
      type: "string",
      enum: codes,
      "x-enum-titles": Object.fromEntries(codes.map((code) => [code, roleWords(roleOf(code))])),
    },
  };
}

/** Roles that are held, each to be taken away, and one more to be given. */
export function Roles({ value, set }: { value: unknown; set: (value: unknown) => void }) {
  const held = Array.isArray(value) ? value.map(String) : [];
  const role = useSignal<Role>("viewer");
  const where = useSignal("");
  const code = roleCode({ role: role.value, region: where.value || null });
  return (
    <span class="roles">
      {held.map((one) => (
        <span key={one} class="inline">
          <span class="badge">{roleWords(roleOf(one))}</span>
          <Button
            kind="quiet"
            aria-label={t(
              `收回：${roleWords(roleOf(one))}`,
              `Take away: ${roleWords(roleOf(one))}`,
            )}
            onClick={() => set(held.filter((other) => other !== one))}
          >
            ✕
          </Button>
        </span>
      ))}
      <span class="inline">
        <Select
          aria-label={t("角色", "Role")}
          choices={ROLE_CODES.map((one) => ({
            value: one,
            label: roleTitle(one),
          }))}
          value={role.value}
          onChoose={(chosen) => {
            role.value = chosen as Role;
          }}
        />
        <Select
          aria-label={t("角色的区域", "Region of the role")}
          choices={regions.value.map((one) => ({
            value: one.code,
            label: called(one.properties),
          }))}
          value={where.value}
          onChoose={(chosen) => {
            where.value = chosen;
          }}
          empty={t("全部区域", "everywhere")}
        />
        <Button disabled={held.includes(code)} onClick={() => set([...held, code])}>
          {t("授予", "Give")}
        </Button>
      </span>
    </span>
  );
}

/** A choice of a region, or of none. */
export function RegionChoice({ value, set }: { value: unknown; set: (value: unknown) => void }) {
  return (
    <Select
      choices={regions.value.map((one) => ({ value: one.code, label: called(one.properties) }))}
      value={String(value ?? "")}
      onChoose={(code) => set(code || undefined)}
      empty={t("全部区域", "everywhere")}
    />
  );
}
