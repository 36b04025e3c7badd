import { DiffAddedIcon, DiffModifiedIcon, DiffRemovedIcon, DiffRenamedIcon } from "@primer/octicons-react";
import type { DiffFile } from "./diff-document.ts";

const changeIcons = {
  added: DiffAddedIcon,
  deleted: DiffRemovedIcon,
  modified: DiffModifiedIcon,
  renamed: DiffRenamedIcon,
} as const;
const changeInks = { added: "green", deleted: "red", modified: "amber", renamed: "violet" } as const;

export function ChangeIcon({ change }: { change: DiffFile["change"] }) {
  const Shape = changeIcons[change];
  return <Shape className={`ink-${changeInks[change]}`} aria-label={change} />;
}
